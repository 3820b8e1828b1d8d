//! What is done to one job: `rerun`, `extend`, `hold`, `reprioritise`.

use clap::Args;
use lilac_api::client::ClientError;
use lilac_api::job::Job;
use lilac_api::quantity::Span;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::job_ref::{load, missing, short};
use crate::session::{self, Session, change};

#[derive(Args, Debug)]
pub struct RerunArgs {
    /// Which job.
    job: String,
}

#[derive(Args, Debug)]
pub struct ExtendArgs {
    /// Which job.
    job: String,
    /// How long it may run in all, as 6h; or how much longer than now, as +1h.
    #[arg(value_name = "TIME", value_parser = time)]
    time: Time,
}

#[derive(Args, Debug)]
pub struct HoldArgs {
    /// Which job.
    job: String,
    /// Why, for whoever finds it.
    #[arg(short, long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    message: String,
}

#[derive(Args, Debug)]
pub struct ReprioritiseArgs {
    /// Which job.
    job: String,
    /// 0 to 100 inside the queue; the higher goes first.
    #[arg(value_parser = clap::value_parser!(u8).range(0..=100))]
    priority: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    InAll(Span),
    More(Span),
}

fn time(text: &str) -> Result<Time, String> {
    let (text, make): (&str, fn(Span) -> Time) = match text.strip_prefix('+') {
        Some(rest) => (rest, Time::More),
        None => (text, Time::InAll),
    };
    text.parse().map(make).map_err(|error: lilac_api::quantity::QuantityError| error.to_string())
}

pub async fn rerun(global: &Global, args: RerunArgs) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let old = load(&session, &args.job).await?;
    // Without a key a repeated call could make two jobs: it is tried once.
    let job = session.client.rerun(old.id).await.map_err(|error| missing(error, &args.job))?;
    tell(&session, &job, &format!("waits in queue {}", job.queue))
}

pub async fn extend(global: &Global, args: ExtendArgs) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let job = load(&session, &args.job).await?;
    let max_runtime = match args.time {
        Time::InAll(span) => span,
        Time::More(more) => Span(job.max_runtime.map_or(more.0, |now| now.0.saturating_add(more.0))),
    };
    let job = acted(&args.job, async || session.client.extend(job.id, max_runtime).await).await?;
    tell(&session, &job, &format!("may run for {max_runtime}"))
}

pub async fn hold(global: &Global, args: HoldArgs) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let id = load(&session, &args.job).await?.id;
    let job = acted(&args.job, async || session.client.hold(id, &args.message).await).await?;
    tell(&session, &job, "is held; `lilac_cli release` lets it go")
}

pub async fn reprioritise(global: &Global, args: ReprioritiseArgs) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let id = load(&session, &args.job).await?.id;
    let job = acted(&args.job, async || session.client.reprioritise(id, args.priority).await).await?;
    tell(&session, &job, &format!("has priority {}", job.priority))
}

async fn acted(text: &str, call: impl AsyncFn() -> Result<Job, ClientError>) -> Result<Job, Failure> {
    change(call).await.map_err(|error| missing(error, text))
}

fn tell(session: &Session, job: &Job, what: &str) -> Result<Exit, Failure> {
    let printer = session.printer;
    printer.one(
        job,
        |job| job.id.to_string(),
        |job| printer.line(&format!("{} ({}) {what}.", job.name, short(job.id))),
    )?;
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_is_all_or_more() {
        let hour = Span(Duration::from_secs(3600));
        assert_eq!(time("1h"), Ok(Time::InAll(hour)));
        assert_eq!(time("+1h"), Ok(Time::More(hour)));
        assert!(time("+").is_err() && time("soon").is_err() && time("-1h").is_err());
    }
}
