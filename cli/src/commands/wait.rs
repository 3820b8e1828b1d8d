//! `wait`: until a job ends.

use clap::Args;
use lilac_api::quantity::Span;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::follow::{self, standing};
use crate::job_ref;
use crate::printer::note;
use crate::session;

#[derive(Args, Debug)]
pub struct WaitArgs {
    /// Which job.
    job: String,
    /// Give up after this long: 90s, 10m. The job goes on.
    #[arg(long, value_name = "TIME")]
    timeout: Option<Span>,
}

pub async fn run(global: &Global, args: WaitArgs) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let id = job_ref::resolve(&session, &args.job).await?;
    let end = async {
        let ended = follow::to_end(&session, id, None).await.map_err(|failure| match failure {
            // The word that the person used, not what was made of it.
            Failure::NoSuchJob(_) => Failure::NoSuchJob(args.job.clone()),
            other => other,
        })?;
        follow::conclude(session.printer, &ended)
    };
    let Some(Span(limit)) = args.timeout else {
        return follow::until_interrupted(id, end).await;
    };
    match follow::until_interrupted(id, async {
        tokio::time::timeout(limit, end).await.unwrap_or(Ok(Exit::JobUnfinished))
    })
    .await?
    {
        Exit::JobUnfinished => {
            let job = job_ref::load(&session, &id.to_string()).await?;
            note(&format!("not finished after {}: {}", Span(limit), standing(&job)));
            Ok(Exit::JobUnfinished)
        }
        exit => Ok(exit),
    }
}
