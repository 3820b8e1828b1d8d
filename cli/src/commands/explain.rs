//! `explain`: why a job waits, and what would let it start.

use clap::Args;
use lilac_api::explanation::{Dimension, Evidence, Explanation};
use lilac_api::job::JobState;

use crate::args::Global;
use crate::commands::reserved;
use crate::commands::show::bytes;
use crate::failure::{Exit, Failure};
use crate::job_ref::{missing, resolve};
use crate::printer::{Field, Printer, job_tone};
use crate::session::{self, read};
use crate::times;

#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// Which job.
    job: String,
}

pub async fn run(global: &Global, args: ExplainArgs) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let id = resolve(&session, &args.job).await?;
    let found = read(async || session.client.explain_job(id).await)
        .await
        .map_err(|error| missing(error, &args.job))?;
    let printer = session.printer;
    printer.one(&found, |found| found.job_id.to_string(), |found| print(printer, found))?;
    Ok(Exit::Ok)
}

fn print(printer: Printer, found: &Explanation) -> std::io::Result<()> {
    let changes: Vec<&str> = found.changes.iter().map(|change| change.message.as_str()).collect();
    let mut blockers: Vec<String> =
        found.blockers.iter().map(|blocker| format!("{} ({})", blocker.name, blocker.owner)).collect();
    if found.blockers_hidden > 0 {
        blockers.push(format!("{} of other teams", found.blockers_hidden));
    }
    let estimate = found.estimate.as_ref().map(|estimate| match estimate.latest {
        Some(latest) => format!("{} to {}", times::exact(estimate.earliest), times::exact(latest)),
        None => format!("{} or later", times::exact(estimate.earliest)),
    });
    let before = match (found.state, found.position) {
        (JobState::Queued, 0) => "no other job".to_owned(),
        (JobState::Queued, 1) => "1 job".to_owned(),
        (JobState::Queued, jobs) => format!("{jobs} jobs"),
        _ => String::new(),
    };
    printer.facts(&[
        ("State", Field::toned(found.state.as_str(), job_tone(found.state))),
        ("Reason", found.reason.map(|reason| reason.to_string()).unwrap_or_default().into()),
        ("Why", Field::from(&found.message)),
        ("Before it", before.into()),
        ("Waits for", blockers.join(", ").into()),
        ("May start", estimate.unwrap_or_default().into()),
        ("Kept for it", found.reservation.as_ref().map(reserved::nodes).unwrap_or_default().into()),
        ("Would start", changes.join("; and ").into()),
    ])?;
    if found.evidence.is_empty() {
        return Ok(());
    }
    printer.line("")?;
    let columns = ["OF A NODE", ">ASKED", ">MOST FREE", ">MOST", ">NODES", ">LACKING"];
    printer.table(&columns, found.evidence.iter().map(row).collect())
}

fn row(one: &Evidence) -> Vec<Field> {
    let amount = |amount: u64| match one.dimension {
        Dimension::Cpus => (amount as f64 / 1000.0).to_string(),
        Dimension::Memory | Dimension::Disk => bytes(amount),
        Dimension::Gpus | Dimension::Nodes => amount.to_string(),
    };
    vec![
        one.dimension.to_string().into(),
        amount(one.asked).into(),
        amount(one.most_free).into(),
        amount(one.most).into(),
        one.nodes.to_string().into(),
        one.nodes_lacking.to_string().into(),
    ]
}
