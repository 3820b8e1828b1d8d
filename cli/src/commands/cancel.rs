//! `cancel`: ends jobs.

use clap::Args;
use lilac_api::JobId;
use lilac_api::job::Job;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::job_ref::{missing, resolve, short};
use crate::session::{self, Session, change};

#[derive(Args, Debug)]
pub struct CancelArgs {
    /// Which jobs.
    #[arg(required = true, value_name = "JOB")]
    jobs: Vec<String>,
}

pub async fn run(global: &Global, args: CancelArgs) -> Result<Exit, Failure> {
    let session = session::open(global)?;
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

async fn cancel(session: &Session, id: JobId, text: &str) -> Result<Job, Failure> {
    let job = change(async || session.client.cancel(id).await).await.map_err(|error| missing(error, text))?;
    let how = if job.state.is_terminal() { "is cancelled" } else { "is being stopped" };
    session.printer.done(&format!("{} ({}) {how}.", job.name, short(job.id)))?;
    Ok(job)
}
