//! `release`: a held job goes back to its queue.

use clap::Args;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::job_ref::{missing, resolve, short};
use crate::session::{self, change};

#[derive(Args, Debug)]
pub struct ReleaseArgs {
    /// Which job.
    job: String,
}

pub async fn run(global: &Global, args: ReleaseArgs) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let id = resolve(&session, &args.job).await?;
    let job =
        change(async || session.client.release(id).await).await.map_err(|error| missing(error, &args.job))?;
    let printer = session.printer;
    printer.one(
        &job,
        |job| job.id.to_string(),
        |job| printer.line(&format!("{} ({}) waits in queue {} again.", job.name, short(job.id), job.queue)),
    )?;
    Ok(Exit::Ok)
}
