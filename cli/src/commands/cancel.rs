//! `cancel`: ends jobs.

use clap::Args;
use lilac_api::JobId;
use lilac_api::action::CancelledJobs;
use lilac_api::job::{Job, JobFilter};

use crate::args::Global;
use crate::commands::list::FilterArgs;
use crate::commands::prompt;
use crate::failure::{Exit, Failure};
use crate::job_ref::{missing, resolve, short};
use crate::session::{self, Session, change};

#[derive(Args, Debug)]
pub struct CancelArgs {
    /// Which jobs.
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Do not ask before jobs are cancelled by a filter.
    #[arg(short, long)]
    yes: bool,
}

pub async fn run(global: &Global, args: CancelArgs) -> Result<Exit, Failure> {
    let filter = args.filter.filter();
    match (args.jobs.is_empty(), &filter) {
        (false, Some(_)) => {
            let hint = "name jobs, or say by --state, --queue, --label … which are meant";
            return Err(Failure::usage("jobs are cancelled by name or by filter, not by both", hint));
        }
        (true, None) => {
            let hint = "`lilac_cli cancel last`, or `lilac_cli cancel --mine --state queued`";
            return Err(Failure::usage("say which jobs to cancel", hint));
        }
        _ => {}
    }
    let session = session::open(global)?;
    if let Some(filter) = filter {
        return cancel_all(&session, &filter, args.yes).await;
    }
    // All are found before any is touched: a slip of the pen in the third cancels none.
    let mut ids: Vec<(JobId, &String)> = Vec::new();
    for text in &args.jobs {
        let id = resolve(&session, text).await?;
        if ids.iter().all(|(known, _)| *known != id) {
            ids.push((id, text));
        }
    }
    let mut cancelled = Vec::new();
    let mut failures = Vec::new();
    for (id, text) in ids {
        match cancel(&session, id, text).await {
            Ok(job) => cancelled.push(job),
            Err(failure) => failures.push(failure),
        }
    }
    if session.printer.json_wanted() {
        session.printer.json(&cancelled)?;
    } else if session.printer.quiet {
        for job in &cancelled {
            session.printer.line(&job.id.to_string())?;
        }
    }
    let last = failures.pop();
    failures.iter().for_each(Failure::tell);
    last.map_or(Ok(Exit::Ok), Err)
}

/// Cancels all that match, call by call until there are no more.
async fn cancel_all(session: &Session, filter: &JobFilter, yes: bool) -> Result<Exit, Failure> {
    if !yes {
        if !prompt::possible() {
            let hint = "add --yes where nobody is there to ask";
            return Err(Failure::usage("this cancels every job that matches", hint));
        }
        if !prompt::confirm("Cancel every job that matches (an administrator: of all users)?")? {
            return Ok(Exit::Ok);
        }
    }
    let mut cancelled = 0;
    loop {
        let done = change(async || session.client.cancel_jobs(filter).await).await?;
        cancelled += done.cancelled;
        if !done.has_more {
            break;
        }
    }
    let total = CancelledJobs { cancelled, has_more: false };
    session.printer.one(
        &total,
        |total| total.cancelled.to_string(),
        |total| session.printer.line(&format!("{} jobs are cancelled or being stopped.", total.cancelled)),
    )?;
    Ok(Exit::Ok)
}

async fn cancel(session: &Session, id: JobId, text: &str) -> Result<Job, Failure> {
    let job = change(async || session.client.cancel(id).await).await.map_err(|error| missing(error, text))?;
    let how = if job.state.is_terminal() { "is cancelled" } else { "is being stopped" };
    session.printer.done(&format!("{} ({}) {how}.", job.name, short(job.id)))?;
    Ok(job)
}
