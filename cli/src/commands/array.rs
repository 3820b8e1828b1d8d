//! `array`: the many jobs that one submit made.

use clap::Subcommand;
use lilac_api::ArrayId;
use lilac_api::job::{Job, JobFilter, JobState};
use lilac_api::page::MAX_LIMIT;
use lilac_api::submission::{ArrayState, JobArray};
use strum::VariantArray;

use crate::args::Global;
use crate::commands::list;
use crate::failure::{Exit, Failure};
use crate::job_ref;
use crate::printer::{Field, Printer, Tone, job_tone};
use crate::session::{self, Session, change, read};
use crate::times;

/// Jobs that `show` lists: those that ended badly or are not over first of all.
const SHOWN: usize = 20;

#[derive(Debug, Subcommand)]
pub enum ArrayVerb {
    /// Shows an array: how many of its jobs are where, and those that want a look.
    Show {
        /// Id of the array, or one of its jobs.
        array: String,
    },
    /// Cancels all jobs of an array that have not ended.
    Cancel {
        /// Id of the array, or one of its jobs.
        array: String,
    },
}

pub async fn run(global: &Global, verb: ArrayVerb) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let printer = session.printer;
    match verb {
        ArrayVerb::Show { array } => {
            let array = find(&session, &array).await?;
            let jobs = if printer.quiet || printer.json_wanted() {
                Vec::new()
            } else {
                notable(&session, array.id).await?
            };
            printer.one(&array, |array| array.id.to_string(), |array| show(printer, array, &jobs))?;
        }
        ArrayVerb::Cancel { array } => {
            let array = find(&session, &array).await?;
            let done = change(async || session.client.cancel_array(array.id).await).await?;
            printer.one(
                &done,
                |_| array.id.to_string(),
                |done| {
                    printer.line(&format!(
                        "{} jobs of {} are cancelled, or told to stop.",
                        done.cancelled, array.name
                    ))
                },
            )?;
        }
    }
    Ok(Exit::Ok)
}

/// The array of that id, or the one that a job belongs to.
async fn find(session: &Session, text: &str) -> Result<JobArray, Failure> {
    if let Ok(id) = text.parse::<ArrayId>()
        && let Ok(array) = read(async || session.client.array(id).await).await
    {
        return Ok(array);
    }
    let job = job_ref::load(session, text).await?;
    match job.array {
        Some(place) => Ok(read(async || session.client.array(place.id).await).await?),
        None => Err(Failure::usage(
            format!("job {} belongs to no array", job_ref::short(job.id)),
            "`lilac_cli ls --folded` shows arrays as one line each",
        )),
    }
}

/// Jobs that did not simply end well, the failed ones first.
async fn notable(session: &Session, array: ArrayId) -> Result<Vec<Job>, Failure> {
    let mut jobs = Vec::new();
    for states in ["failed", "starting,running,held", "queued"] {
        let filter = JobFilter {
            array: Some(array),
            state: Some(states.to_owned()),
            limit: Some(MAX_LIMIT.min(SHOWN as u32)),
            ..JobFilter::default()
        };
        jobs.extend(read(async || session.client.jobs(&filter).await).await?.items);
    }
    jobs.truncate(SHOWN);
    Ok(jobs)
}

fn show(printer: Printer, array: &JobArray, jobs: &[Job]) -> std::io::Result<()> {
    let bound = |bound: Option<u32>| bound.map(|bound| bound.to_string()).unwrap_or_default();
    let tone = match array.state {
        ArrayState::Queued => Tone::Faint,
        ArrayState::Running => Tone::Busy,
        ArrayState::Succeeded => Tone::Good,
        ArrayState::Failed => Tone::Bad,
        ArrayState::Cancelled => Tone::Warn,
    };
    printer.facts(&[
        ("Name", Field::from(&array.name)),
        ("Id", array.id.to_string().into()),
        ("State", Field::toned(array.state.to_string(), tone)),
        ("Message", Field::from(&array.message)),
        ("Owner", Field::from(&array.owner)),
        ("Team", Field::from(&array.team)),
        ("Queue", Field::from(&array.queue)),
        ("Jobs", array.size.to_string().into()),
        ("At once", bound(array.max_parallel).into()),
        ("May fail", bound(array.max_failures).into()),
        ("Submitted", times::exact(array.created_at).into()),
    ])?;
    printer.line("")?;
    let counted = JobState::VARIANTS.iter().filter_map(|state| Some((*state, *array.by_state.get(state)?)));
    let rows = counted
        .map(|(state, jobs)| vec![Field::toned(state.as_str(), job_tone(state)), jobs.to_string().into()]);
    printer.table(&["STATE", ">JOBS"], rows.collect())?;
    if jobs.is_empty() {
        return Ok(());
    }
    printer.line("")?;
    printer.table(&list::COLUMNS, jobs.iter().map(list::row).collect())
}
