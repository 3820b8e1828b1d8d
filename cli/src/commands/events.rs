//! `events`: what happened to a job, in order.

use clap::Args;
use lilac_api::job::JobEvent;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::job_ref::{missing, resolve};
use crate::printer::{Field, job_tone};
use crate::session::{self, read};
use crate::times;

#[derive(Args, Debug)]
pub struct EventsArgs {
    /// Which job.
    job: String,
}

pub async fn run(global: &Global, args: EventsArgs) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let id = resolve(&session, &args.job).await?;
    let page = read(async || session.client.job_events(id).await)
        .await
        .map_err(|error| missing(error, &args.job))?;
    let columns = ["AT", ">ATTEMPT", "JOB", "ATTEMPT IS", "REASON", "BY", "MESSAGE"];
    session.printer.list(&page.items, &columns, row, |event| event.sequence.to_string())?;
    Ok(Exit::Ok)
}

fn row(event: &JobEvent) -> Vec<Field> {
    vec![
        times::exact(event.at).into(),
        event.epoch.to_string().into(),
        Field::toned(event.state.as_str(), job_tone(event.state)),
        event.attempt_state.map(|state| state.to_string()).unwrap_or_default().into(),
        event.reason.map(|reason| reason.to_string()).unwrap_or_default().into(),
        Field::from(&event.actor),
        Field::from(&event.message),
    ]
}
