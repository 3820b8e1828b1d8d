//! `plan`, and `submit --plan`: what would become of a job, without submitting it.

use lilac_api::client::ClientError;
use lilac_api::spec::JobSpec;
use lilac_api::submission::{Forecast, JobForecast};

use crate::failure::{Exit, Failure};
use crate::printer::{Field, Printer, Tone};
use crate::session::{Session, read};
use crate::spec_file::SpecFile;

pub async fn run(session: &Session, spec: &JobSpec, file: Option<&SpecFile>) -> Result<Exit, Failure> {
    let forecast = match (read(async || session.client.plan_job(spec).await).await, file) {
        (Err(ClientError::Refused(problem)), Some(file)) if !problem.errors.is_empty() => {
            return Err(Failure::Refused(file.complain(&problem.errors)));
        }
        (planned, _) => planned?,
    };
    let printer = session.printer;
    printer.one(
        &forecast,
        |forecast| forecast.outcome.to_string(),
        |forecast| print(printer, spec, forecast),
    )?;
    Ok(match forecast.outcome {
        Forecast::StartsNow => Exit::Ok,
        Forecast::Waits => Exit::WouldWait,
        Forecast::NeverStarts => Exit::NeverStarts,
    })
}

fn print(printer: Printer, spec: &JobSpec, forecast: &JobForecast) -> std::io::Result<()> {
    let (words, tone) = match forecast.outcome {
        Forecast::StartsNow => ("would start now", Tone::Good),
        Forecast::Waits => ("would wait", Tone::Warn),
        Forecast::NeverStarts => ("would never start", Tone::Bad),
    };
    printer.facts(&[
        ("Job", Field::from(&spec.name)),
        ("Outcome", Field::toned(words, tone)),
        ("Node", forecast.node.as_deref().unwrap_or_default().into()),
        ("Reason", forecast.reason.map(|reason| reason.to_string()).unwrap_or_default().into()),
        ("Message", Field::from(&forecast.message)),
        ("Before it", before(forecast.position, &spec.queue).into()),
        ("Asks for", super::show::amounts(&spec.requests()).into()),
    ])?;
    printer.line("")?;
    printer.line("Nothing was submitted.")
}

fn before(position: u32, queue: &str) -> String {
    match position {
        0 => format!("no other job of queue {queue}"),
        1 => format!("one other job of queue {queue}"),
        many => format!("{many} other jobs of queue {queue}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_told_in_words() {
        assert_eq!(before(0, "q"), "no other job of queue q");
        assert_eq!(before(1, "q"), "one other job of queue q");
        assert_eq!(before(7, "q"), "7 other jobs of queue q");
    }
}
