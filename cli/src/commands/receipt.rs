//! `receipt`: what a job took.

use clap::Args;
use lilac_api::action::{Receipt, ReceiptAttempt};
use lilac_api::quantity::Bytes;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::job_ref::{missing, resolve};
use crate::printer::{Field, Printer, attempt_tone, job_tone};
use crate::session::{self, read};
use crate::times;

#[derive(Args, Debug)]
pub struct ReceiptArgs {
    /// Which job.
    job: String,
}

pub async fn run(global: &Global, args: ReceiptArgs) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let id = resolve(&session, &args.job).await?;
    let receipt =
        read(async || session.client.receipt(id).await).await.map_err(|error| missing(error, &args.job))?;
    let printer = session.printer;
    printer.one(&receipt, |receipt| receipt.job_id.to_string(), |receipt| print(printer, receipt))?;
    Ok(Exit::Ok)
}

fn print(printer: Printer, receipt: &Receipt) -> std::io::Result<()> {
    let total = &receipt.total;
    printer.facts(&[
        ("Job", Field::from(&receipt.name)),
        ("Id", receipt.job_id.to_string().into()),
        ("Owner", Field::from(&receipt.owner)),
        ("Team", Field::from(&receipt.team)),
        ("Queue", Field::from(&receipt.queue)),
        ("Image", Field::from(&receipt.image)),
        ("State", Field::toned(receipt.state.as_str(), job_tone(receipt.state))),
        ("Submitted", times::exact(receipt.created_at).into()),
        ("Ended", receipt.finished_at.map(times::exact).unwrap_or_default().into()),
        ("CPU time", hours(total.cpu_seconds).into()),
        ("GPU time", hours(total.gpu_seconds).into()),
        ("Memory time", format!("{:.2} GiB h", total.memory_gib_seconds / 3600.0).into()),
        ("Log", Bytes(total.log_bytes).to_string().into()),
    ])?;
    let columns = [">ATTEMPT", "STATE", "NODES", ">CPUS", ">GPUS", ">MEMORY", ">CPU TIME", ">GPU TIME"];
    printer.line("")?;
    printer.table(&columns, receipt.attempts.iter().map(row).collect())
}

fn row(attempt: &ReceiptAttempt) -> Vec<Field> {
    vec![
        attempt.epoch.to_string().into(),
        Field::toned(attempt.state.as_str(), attempt_tone(attempt.state)),
        attempt.nodes.join(", ").into(),
        (attempt.cpu_milli as f64 / 1000.0).to_string().into(),
        attempt.gpus.to_string().into(),
        Bytes(attempt.memory_bytes).to_string().into(),
        hours(attempt.used.cpu_seconds).into(),
        hours(attempt.used.gpu_seconds).into(),
    ]
}

/// Hours, as they are paid for; of what took less than one, minutes or seconds.
fn hours(seconds: f64) -> String {
    match seconds {
        ..60.0 => format!("{seconds:.1} s"),
        ..3600.0 => format!("{:.1} min", seconds / 60.0),
        _ => format!("{:.2} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_times_are_more_than_nothing() {
        for (seconds, text) in [(0.0, "0.0 s"), (3.4, "3.4 s"), (90.0, "1.5 min"), (5400.0, "1.50 h")] {
            assert_eq!(hours(seconds), text);
        }
    }
}
