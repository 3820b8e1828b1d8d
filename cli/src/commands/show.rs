//! `show`: a job with its attempts.

use chrono::Utc;
use clap::Args;
use lilac_api::job::{Amounts, Attempt, Job, JobState};
use lilac_api::quantity::{Bytes, Cpus};
use serde::Serialize;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::job_ref::missing;
use crate::printer::{Field, Printer, Tone, attempt_tone, job_tone};
use crate::session::{self, Session, read};
use crate::times;
use crate::which::{Meant, Which};

#[derive(Args, Debug)]
pub struct ShowArgs {
    #[command(flatten)]
    which: Which,
}

/// The job as the API answers it, and its attempts beside it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    job: &'a Job,
    attempts: &'a [Attempt],
}

pub async fn run(global: &Global, args: ShowArgs) -> Result<Exit, Failure> {
    args.which.check()?;
    let session = session::open(global)?;
    let meant = args.which.find(&session).await?;
    for (index, one) in meant.iter().enumerate() {
        if index > 0 && session.printer.is_for_people() {
            session.printer.line("")?;
        }
        show(&session, one).await?;
    }
    Ok(Exit::Ok)
}

async fn show(session: &Session, one: &Meant) -> Result<(), Failure> {
    let job =
        read(async || session.client.job(one.id).await).await.map_err(|error| missing(error, &one.word))?;
    let attempts = read(async || session.client.attempts(job.id).await).await?.items;
    let printer = session.printer;
    printer.one(
        &Shown { job: &job, attempts: &attempts },
        |shown| shown.job.id.to_string(),
        |shown| {
            printer.facts(&job_facts(shown.job))?;
            attempts_table(printer, shown.attempts)?;
            shown.attempts.first().map_or(Ok(()), |latest| super::ranks::table(printer, latest))
        },
    )?;
    Ok(())
}

fn job_facts(job: &Job) -> Vec<(&'static str, Field)> {
    let now = Utc::now();
    let both = |time| format!("{} ({})", times::exact(time), times::ago(now, time));
    let state = if job.cancel_requested && !job.state.is_terminal() {
        format!("{}, to be cancelled", job.state)
    } else {
        job.state.to_string()
    };
    let labels: Vec<String> = job.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let exit_code = job.exit_code.map(|code| code.to_string());
    let not_before = job.not_before.filter(|time| *time > now && job.state == JobState::Queued);
    let mut facts = vec![
        ("Name", Field::from(super::list::name(job))),
        ("Id", job.id.to_string().into()),
        ("Array", job.array.as_ref().map(|place| place.id.to_string()).unwrap_or_default().into()),
        ("State", Field::toned(state, job_tone(job.state))),
        ("Reason", job.reason.map(|reason| reason.to_string()).unwrap_or_default().into()),
        ("Message", Field::from(&job.message)),
        ("Exit code", exit_code.unwrap_or_default().into()),
        ("Signal", job.signal.map(|signal| signal.to_string()).unwrap_or_default().into()),
        ("Changed by", Field::from(&job.actor)),
        ("Owner", Field::from(&job.owner)),
        ("Queue", format!("{}, priority {}", job.queue, job.priority).into()),
        ("Image", Field::from(&job.image)),
        ("Runs", job.spec.as_ref().map(command_line).unwrap_or_default().into()),
        ("Asks for", amounts(&job.requests).into()),
        ("Labels", labels.join(", ").into()),
        ("Nodes", job.nodes.join(", ").into()),
        ("Submitted", both(job.created_at).into()),
        ("Not before", not_before.map(times::exact).unwrap_or_default().into()),
        ("Started", job.started_at.map(both).unwrap_or_default().into()),
        ("Finished", job.finished_at.map(both).unwrap_or_default().into()),
    ];
    if let (Some(started), Some(finished)) = (job.started_at, job.finished_at) {
        facts.push(("Ran", times::between(started, finished).into()));
    }
    facts
}

/// What the container runs, in a line.
fn command_line(spec: &lilac_api::spec::JobSpec) -> String {
    if let Some(script) = &spec.run {
        let first = script.trim().lines().next().unwrap_or_default();
        let more = if script.trim().lines().count() > 1 { " …" } else { "" };
        return format!("sh -c: {}{more}", crate::text::shorten(first, 100));
    }
    let quoted = |word: &String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
        if !word.is_empty() && word.chars().all(plain) { word.clone() } else { format!("{word:?}") }
    };
    let words: Vec<String> = spec.entrypoint.iter().chain(&spec.command).map(quoted).collect();
    crate::text::shorten(&words.join(" "), 200)
}

/// `2 CPUs, 4Gi memory, 1 GPU`.
pub fn amounts(amounts: &Amounts) -> String {
    let cpus = Cpus { milli: amounts.cpu_milli };
    let unit = if amounts.cpu_milli == 1000 { "CPU" } else { "CPUs" };
    let mut text = format!("{cpus} {unit}, {} memory", Bytes(amounts.memory_bytes));
    if amounts.disk_bytes > 0 {
        text += &format!(", {} disk", Bytes(amounts.disk_bytes));
    }
    match amounts.gpus {
        0 => {}
        1 => text += ", 1 GPU",
        gpus => text += &format!(", {gpus} GPUs"),
    }
    text
}

fn attempts_table(printer: Printer, attempts: &[Attempt]) -> std::io::Result<()> {
    if attempts.is_empty() {
        return Ok(());
    }
    printer.line("")?;
    let columns =
        ["ATTEMPT", "STATE", "NODE", "GPUS", "STARTED", ">RAN", ">EXIT", ">LOG", "REASON", "MESSAGE"];
    printer.table(&columns, attempts.iter().map(attempt_row).collect())
}

fn attempt_row(attempt: &Attempt) -> Vec<Field> {
    let now = Utc::now();
    let end = attempt.finished_at.unwrap_or(now);
    let nodes: Vec<&str> = attempt.tasks.iter().map(|task| task.node.as_str()).collect();
    let gpus: Vec<String> =
        attempt.tasks.iter().flat_map(|task| &task.gpu_indices).map(ToString::to_string).collect();
    let log_bytes: u64 = attempt.tasks.iter().map(|task| task.log_bytes).sum();
    let exit = match (attempt.exit_code, attempt.signal) {
        (_, Some(signal)) => format!("signal {signal}"),
        (Some(code), None) => code.to_string(),
        (None, None) => String::new(),
    };
    let mut message = attempt.message.clone();
    if let Some(lease) = attempt.lease_until.filter(|_| !attempt.state.is_terminal() && message.is_empty()) {
        message = format!("lease ends {}", times::ahead(now, lease));
    }
    let pull = attempt.tasks.iter().find_map(|task| task.image.as_ref()?.pull.as_ref());
    if let Some(pull) = pull {
        message = format!("pulling its image: {}", pull.summary());
    }
    vec![
        attempt.epoch.to_string().into(),
        Field::toned(attempt.state.as_str(), attempt_tone(attempt.state)),
        nodes.join(", ").into(),
        gpus.join(",").into(),
        attempt.started_at.map(|time| times::ago(now, time)).unwrap_or_default().into(),
        attempt.started_at.map(|time| times::between(time, end)).unwrap_or_default().into(),
        exit.into(),
        bytes(log_bytes).into(),
        attempt.reason.map(|reason| reason.to_string()).unwrap_or_default().into(),
        Field::toned(message, Tone::Faint),
    ]
}

/// CPUs as a number: what stands beside other CPUs is written in their unit.
pub fn cpus(milli: u32) -> String {
    (f64::from(milli) / 1000.0).to_string()
}

/// An amount of bytes, rounded for people.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] = [("Ti", 1 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)];
    match UNITS.iter().find(|(_, unit)| bytes >= *unit) {
        Some((suffix, unit)) if bytes < 10 * unit && !bytes.is_multiple_of(*unit) => {
            let tenths = u128::from(bytes) * 10 / u128::from(*unit);
            format!("{}.{}{suffix}", tenths / 10, tenths % 10)
        }
        Some((suffix, unit)) => format!("{}{suffix}", bytes / unit),
        None => format!("{bytes}B"),
    }
}

#[cfg(test)]
mod tests {
    use lilac_api::spec::JobSpec;

    use super::*;

    #[test]
    fn amounts_read_as_words() {
        let one = Amounts { cpu_milli: 1000, memory_bytes: 1 << 30, disk_bytes: 0, gpus: 1 };
        assert_eq!(amounts(&one), "1 CPU, 1Gi memory, 1 GPU");
        let more = Amounts { cpu_milli: 500, disk_bytes: 1 << 20, gpus: 2, ..one };
        assert_eq!(amounts(&more), "500m CPUs, 1Gi memory, 1Mi disk, 2 GPUs");
    }

    #[test]
    fn cpus_are_numbers() {
        for (milli, text) in [(0, "0"), (1500, "1.5"), (4000, "4"), (125, "0.125")] {
            assert_eq!(cpus(milli), text);
        }
    }

    #[test]
    fn bytes_are_rounded_down() {
        for (count, text) in
            [(0, "0B"), (1023, "1023B"), (1536, "1.5Ki"), (1 << 20, "1Mi"), (15 << 30, "15Gi")]
        {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn a_command_shows_where_its_words_end() {
        let mut spec = JobSpec::new("a", "b");
        spec.command = vec!["echo".into(), "a b".into(), String::new()];
        assert_eq!(command_line(&spec), "echo \"a b\" \"\"");
        spec.run = Some("\nset -e\nls\n".into());
        assert_eq!(command_line(&spec), "sh -c: set -e …");
    }
}
