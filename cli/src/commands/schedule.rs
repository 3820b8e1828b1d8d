//! `schedule`: jobs by the clock. `submit -f` makes one of a job file that has a `schedule`.

use chrono::Utc;
use clap::Subcommand;
use lilac_api::ScheduleId;
use lilac_api::schedule::JobSchedule;
use lilac_api::spec::JobSpec;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::job_ref::short;
use crate::printer::{Field, Printer, Tone};
use crate::session::{self, Session, change, read};
use crate::times;

#[derive(Debug, Subcommand)]
pub enum ScheduleVerb {
    /// Lists schedules and when they fire next.
    Ls,
    /// Shows a schedule and its next times.
    Show {
        /// Name or id of the schedule.
        schedule: String,
    },
    /// Keeps a schedule from firing. What it misses is not made up for.
    Pause {
        /// Name or id of the schedule.
        schedule: String,
    },
    /// Lets a paused schedule fire again.
    Resume {
        /// Name or id of the schedule.
        schedule: String,
    },
    /// Submits a schedule's job now, in its owner's name.
    Run {
        /// Name or id of the schedule.
        schedule: String,
    },
    /// Deletes a schedule; its jobs stay.
    Rm {
        /// Name or id of the schedule.
        schedule: String,
    },
}

pub async fn run(global: &Global, verb: ScheduleVerb) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let printer = session.printer;
    match verb {
        ScheduleVerb::Ls => {
            let schedules = read(async || session.client.schedules().await).await?.items;
            let columns = ["NAME", "OWNER", "CRON", "ZONE", "NEXT", "LAST", "NOTE"];
            printer.list(&schedules, &columns, row, |schedule| schedule.id.to_string())?;
        }
        ScheduleVerb::Show { schedule } => {
            let id = resolve(&session, &schedule).await?;
            let schedule = read(async || session.client.schedule(id).await).await?;
            printer.one(&schedule, |one| one.id.to_string(), |one| print(printer, one))?;
        }
        ScheduleVerb::Pause { schedule } => {
            let id = resolve(&session, &schedule).await?;
            let paused = change(async || session.client.pause_schedule(id).await).await?;
            printer.one(
                &paused,
                |one| one.id.to_string(),
                |one| printer.line(&format!("Schedule {} is paused.", one.name)),
            )?;
        }
        ScheduleVerb::Resume { schedule } => {
            let id = resolve(&session, &schedule).await?;
            let resumed = change(async || session.client.resume_schedule(id).await).await?;
            printer.one(&resumed, |one| one.id.to_string(), |one| printer.line(&fires(one)))?;
        }
        ScheduleVerb::Run { schedule } => {
            let id = resolve(&session, &schedule).await?;
            // A repeated call would make a second job: it is tried once.
            let job = session.client.run_schedule(id).await?;
            printer.one(
                &job,
                |job| job.id.to_string(),
                |job| {
                    printer.line(&format!("{} ({}) waits in queue {}.", job.name, short(job.id), job.queue))
                },
            )?;
        }
        ScheduleVerb::Rm { schedule } => {
            let id = resolve(&session, &schedule).await?;
            change(async || session.client.delete_schedule(id).await).await?;
            printer.done(&format!("Schedule {schedule} is deleted."))?;
        }
    }
    Ok(Exit::Ok)
}

/// Has a job submitted by the clock, for `submit`.
pub async fn create(session: &Session, spec: &JobSpec) -> Result<Exit, Failure> {
    let schedule = session.client.create_schedule(spec).await?;
    let printer = session.printer;
    printer.one(&schedule, |one| one.id.to_string(), |one| printer.line(&fires(one)))?;
    Ok(Exit::Ok)
}

fn fires(schedule: &JobSchedule) -> String {
    let next = schedule.next_at.map_or("never".to_owned(), |at| times::ahead(Utc::now(), at));
    format!("Schedule {} fires next {next}.", schedule.name)
}

async fn resolve(session: &Session, text: &str) -> Result<ScheduleId, Failure> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let schedules = read(async || session.client.schedules().await).await?.items;
    let found: Vec<&JobSchedule> = schedules.iter().filter(|schedule| schedule.name == text).collect();
    match found.as_slice() {
        [one] => Ok(one.id),
        [] => Err(Failure::NotFound { kind: "schedule", name: text.to_owned(), list: "schedule ls" }),
        several => {
            let ids: Vec<String> = several.iter().map(|schedule| schedule.id.to_string()).collect();
            Err(Failure::Ambiguous { kind: "schedule", text: text.to_owned(), candidates: ids.join(", ") })
        }
    }
}

fn row(schedule: &JobSchedule) -> Vec<Field> {
    let now = Utc::now();
    let next = match schedule.next_at {
        _ if schedule.paused => Field::toned("paused", Tone::Faint),
        Some(at) => times::ahead(now, at).into(),
        None => "never".to_owned().into(),
    };
    vec![
        Field::from(&schedule.name),
        Field::from(&schedule.owner),
        Field::from(&schedule.cron),
        Field::from(&schedule.timezone),
        next,
        schedule.last_fired_at.map(|at| times::ago(now, at)).unwrap_or_default().into(),
        Field::from(&schedule.message),
    ]
}

fn print(printer: Printer, schedule: &JobSchedule) -> std::io::Result<()> {
    let upcoming: Vec<String> = schedule.upcoming.iter().map(|at| times::exact(*at)).collect();
    printer.facts(&[
        ("Name", Field::from(&schedule.name)),
        ("Id", schedule.id.to_string().into()),
        ("Owner", Field::from(&schedule.owner)),
        ("Team", Field::from(&schedule.team)),
        ("Cron", format!("{} ({})", schedule.cron, schedule.timezone).into()),
        ("Overlap", schedule.overlap.to_string().into()),
        ("Paused", if schedule.paused { "yes" } else { "no" }.to_owned().into()),
        ("Next", upcoming.join(", ").into()),
        ("Last job", schedule.last_job_id.map(|id| id.to_string()).unwrap_or_default().into()),
        ("Note", Field::from(&schedule.message)),
    ])
}
