//! `cancel`: ends jobs.

use clap::Args;
use lilac_api::action::CancelledJobs;
use lilac_api::job::JobFilter;

use crate::args::Global;
use crate::commands::act::told;
use crate::commands::prompt;
use crate::failure::{Exit, Failure};
use crate::job_ref::missing;
use crate::session::{self, Session, change};
use crate::which::{Which, each};

#[derive(Args, Debug)]
pub struct CancelArgs {
    /// Do not ask before jobs are cancelled by a filter.
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    which: Which,
}

pub async fn run(global: &Global, args: CancelArgs) -> Result<Exit, Failure> {
    args.which.check()?;
    let session = session::open(global)?;
    if let (true, Some(filter)) = (args.which.jobs.is_empty(), args.which.filter.filter()) {
        return cancel_all(&session, &filter, args.yes).await;
    }
    let meant = args.which.find(&session).await?;
    let (cancelled, result) = each(&meant, async |one| {
        change(async || session.client.cancel(one.id).await).await.map_err(|error| missing(error, &one.word))
    })
    .await;
    told(&session, &cancelled, |job| {
        if job.state.is_terminal() { "is cancelled" } else { "is being stopped" }.to_owned()
    })?;
    result.map(|()| Exit::Ok)
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
