//! What is done to jobs: `rerun`, `extend`, `hold`, `reprioritise`.

use clap::Args;
use lilac_api::client::ClientError;
use lilac_api::job::Job;
use lilac_api::quantity::Span;

use crate::args::Global;
use crate::commands::list::FilterArgs;
use crate::failure::{Exit, Failure};
use crate::job_ref::{missing, short};
use crate::session::{self, Session, change, read};
use crate::which::{Chosen, Which, each};

#[derive(Args, Debug)]
pub struct RerunArgs {
    #[command(flatten)]
    chosen: Chosen,
}

#[derive(Args, Debug)]
pub struct ExtendArgs {
    /// Which jobs, and last how long they may run in all, as 6h, or how much longer than now, as +1h.
    #[arg(required = true, value_names = ["JOB", "TIME"], num_args = 1..)]
    words: Vec<String>,
    /// Do not ask before more than one job is changed by a filter.
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    filter: FilterArgs,
}

#[derive(Args, Debug)]
pub struct HoldArgs {
    /// Why, for whoever finds them.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    message: String,
    #[command(flatten)]
    chosen: Chosen,
}

#[derive(Args, Debug)]
pub struct ReprioritiseArgs {
    /// Which jobs, and last their priority: 0 to 100 inside the queue, the higher goes first.
    #[arg(required = true, value_names = ["JOB", "PRIORITY"], num_args = 1..)]
    words: Vec<String>,
    /// Do not ask before more than one job is changed by a filter.
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    filter: FilterArgs,
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
    args.chosen.which.check()?;
    let session = session::open(global)?;
    let meant = args.chosen.find(&session, "Submit anew the").await?;
    let (jobs, result) = each(&meant, async |one| {
        // Without a key a repeated call could make two jobs: it is tried once.
        session.client.rerun(one.id).await.map_err(|error| missing(error, &one.word))
    })
    .await;
    told(&session, &jobs, |job| format!("waits in queue {}", job.queue))?;
    result.map(|()| Exit::Ok)
}

pub async fn extend(global: &Global, args: ExtendArgs) -> Result<Exit, Failure> {
    let (jobs, word) = last_word(args.words);
    let time = time(&word).map_err(|error| {
        Failure::usage(format!("`{word}`: {error}"), "the last word is the time: 6h in all, or +1h more")
    })?;
    let chosen = Chosen { which: Which { jobs, filter: args.filter }, yes: args.yes };
    chosen.which.check()?;
    let session = session::open(global)?;
    let meant = chosen.find(&session, "Extend").await?;
    let (jobs, result) = each(&meant, async |one| {
        let job = read(async || session.client.job(one.id).await)
            .await
            .map_err(|error| missing(error, &one.word))?;
        let max_runtime = match time {
            Time::InAll(span) => span,
            Time::More(more) => Span(job.max_runtime.map_or(more.0, |now| now.0.saturating_add(more.0))),
        };
        acted(&one.word, async || session.client.extend(job.id, max_runtime).await).await
    })
    .await;
    told(&session, &jobs, |job| match job.max_runtime {
        Some(max_runtime) => format!("may run for {max_runtime}"),
        None => "may run for ever".to_owned(),
    })?;
    result.map(|()| Exit::Ok)
}

pub async fn hold(global: &Global, args: HoldArgs) -> Result<Exit, Failure> {
    args.chosen.which.check()?;
    let session = session::open(global)?;
    let meant = args.chosen.find(&session, "Hold").await?;
    let (jobs, result) = each(&meant, async |one| {
        acted(&one.word, async || session.client.hold(one.id, &args.message).await).await
    })
    .await;
    told(&session, &jobs, |_| "is held; `lilac_cli release` lets it go".to_owned())?;
    result.map(|()| Exit::Ok)
}

pub async fn reprioritise(global: &Global, args: ReprioritiseArgs) -> Result<Exit, Failure> {
    let (jobs, word) = last_word(args.words);
    let Some(priority) = word.parse().ok().filter(|priority: &u8| *priority <= 100) else {
        let message = format!("`{word}` is no priority");
        return Err(Failure::usage(message, "the last word is the priority: 0 to 100"));
    };
    let chosen = Chosen { which: Which { jobs, filter: args.filter }, yes: args.yes };
    chosen.which.check()?;
    let session = session::open(global)?;
    let meant = chosen.find(&session, "Change the priority of").await?;
    let (jobs, result) = each(&meant, async |one| {
        acted(&one.word, async || session.client.reprioritise(one.id, priority).await).await
    })
    .await;
    told(&session, &jobs, |job| format!("has priority {}", job.priority))?;
    result.map(|()| Exit::Ok)
}

/// The words before the last, and the last.
fn last_word(mut words: Vec<String>) -> (Vec<String>, String) {
    let last = words.pop().unwrap_or_default();
    (words, last)
}

async fn acted(text: &str, call: impl AsyncFn() -> Result<Job, ClientError>) -> Result<Job, Failure> {
    change(call).await.map_err(|error| missing(error, text))
}

/// Tells what became of each job: a sentence a job for people, a list for programs.
pub fn told(session: &Session, jobs: &[Job], what: impl Fn(&Job) -> String) -> Result<(), Failure> {
    let printer = session.printer;
    if printer.is_for_people() {
        for job in jobs {
            printer.line(&format!("{} ({}) {}.", super::list::name(job), short(job.id), what(job)))?;
        }
    } else if let ([job], true) = (jobs, printer.json_wanted()) {
        printer.json(job)?;
    } else {
        printer.list(jobs, &super::list::COLUMNS, super::list::row, |job| job.id.to_string())?;
    }
    Ok(())
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
