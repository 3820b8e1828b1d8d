//! `ls`: jobs, the newest first.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use lilac_api::job::{Job, JobFilter, JobState};
use lilac_api::page::MAX_LIMIT;
use strum::VariantArray;

use crate::args::{Global, key_value};
use crate::failure::{Exit, Failure};
use crate::follow::age;
use crate::job_ref::short;
use crate::printer::{Field, Printer, Tone, job_tone, note, painted};
use crate::session::{self, read};
use crate::times;

/// The most jobs that one invocation lists.
const MAX_JOBS: u32 = 10_000;

#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// At most this many.
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_JOBS)))]
    limit: u32,
}

/// Which jobs are meant.
#[derive(Args, Debug)]
pub struct FilterArgs {
    /// Only jobs in these states, separated by commas.
    #[arg(short, long, value_delimiter = ',', value_parser = state())]
    state: Vec<JobState>,
    /// Only jobs of this queue.
    #[arg(long, value_name = "QUEUE")]
    queue: Option<String>,
    /// Only jobs of this user.
    #[arg(long, value_name = "USER")]
    owner: Option<String>,
    /// Only your own jobs.
    #[arg(short, long, conflicts_with = "owner")]
    mine: bool,
    /// Only jobs with this label.
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = key_value)]
    label: Option<(String, String)>,
    /// Only jobs of this name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Only jobs whose latest attempt is on this node.
    #[arg(long, value_name = "NODE")]
    node: Option<String>,
}

impl FilterArgs {
    /// The filter; none where no flag was given.
    pub fn filter(&self) -> Option<JobFilter> {
        let states: Vec<&str> = self.state.iter().map(|state| state.as_str()).collect();
        let filter = JobFilter {
            state: (!states.is_empty()).then(|| states.join(",")),
            queue: self.queue.clone(),
            owner: if self.mine { Some("me".to_owned()) } else { self.owner.clone() },
            name: self.name.clone(),
            label: self.label.as_ref().map(|(key, value)| format!("{key}={value}")),
            node: self.node.clone(),
            ..JobFilter::default()
        };
        let is_set = [&filter.state, &filter.queue, &filter.owner, &filter.name, &filter.label, &filter.node]
            .iter()
            .any(|field| field.is_some());
        is_set.then_some(filter)
    }
}

fn state() -> impl TypedValueParser<Value = JobState> {
    PossibleValuesParser::new(JobState::VARIANTS.iter().map(|state| state.as_str()))
        .try_map(|word| word.parse::<JobState>())
}

pub async fn run(global: &Global, args: ListArgs) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let mut filter = args.filter.filter().unwrap_or_default();
    let mut jobs = Vec::new();
    loop {
        let missing = args.limit - u32::try_from(jobs.len()).unwrap_or(args.limit).min(args.limit);
        filter.limit = Some(missing.min(MAX_LIMIT));
        let page = read(async || session.client.jobs(&filter).await).await?;
        jobs.extend(page.items);
        filter.cursor = page.next_cursor;
        if filter.cursor.is_none() || jobs.len() >= args.limit as usize {
            break;
        }
    }
    print(session.printer, &jobs, filter.cursor.is_some())?;
    Ok(Exit::Ok)
}

fn print(printer: Printer, jobs: &[Job], more: bool) -> Result<(), Failure> {
    let human = !printer.quiet && !printer.json_wanted();
    if human && jobs.is_empty() {
        note("no jobs; `lilac_cli submit --image busybox -- echo hello` makes one");
        return Ok(());
    }
    let columns = ["ID", "NAME", "STATE", "OWNER", "QUEUE", ">RAN", "AGE", "NODE", "REASON"];
    printer.list(jobs, &columns, row, |job| job.id.to_string())?;
    if human && more {
        note(&painted(&format!("the newest {}; `-n NUMBER` shows more", jobs.len()), Tone::Faint));
    }
    Ok(())
}

fn row(job: &Job) -> Vec<Field> {
    let end = job.finished_at.unwrap_or_else(chrono::Utc::now);
    let ran = job.started_at.map(|started| times::between(started, end)).unwrap_or_default();
    vec![
        short(job.id).into(),
        Field::from(&job.name),
        Field::toned(job.state.as_str(), job_tone(job.state)),
        Field::from(&job.owner),
        Field::from(&job.queue),
        ran.into(),
        age(job).into(),
        job.nodes.join(", ").into(),
        why(job).into(),
    ]
}

/// The reason in short: the code, and the exit code where it is one.
fn why(job: &Job) -> String {
    let reason = job.reason.map(|reason| reason.as_str().to_owned()).unwrap_or_default();
    match job.exit_code {
        Some(code) if code != 0 && job.state == JobState::Failed => format!("{reason} {code}"),
        _ => reason,
    }
}
