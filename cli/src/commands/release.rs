//! `release`: held jobs go back to their queues.

use clap::Args;

use crate::args::Global;
use crate::commands::act::told;
use crate::failure::{Exit, Failure};
use crate::job_ref::missing;
use crate::session::{self, change};
use crate::which::{Chosen, each};

#[derive(Args, Debug)]
pub struct ReleaseArgs {
    #[command(flatten)]
    chosen: Chosen,
}

pub async fn run(global: &Global, args: ReleaseArgs) -> Result<Exit, Failure> {
    args.chosen.which.check()?;
    let session = session::open(global)?;
    let meant = args.chosen.find(&session, "Release").await?;
    let (jobs, result) = each(&meant, async |one| {
        change(async || session.client.release(one.id).await).await.map_err(|error| missing(error, &one.word))
    })
    .await;
    told(&session, &jobs, |job| format!("waits in queue {} again", job.queue))?;
    result.map(|()| Exit::Ok)
}
