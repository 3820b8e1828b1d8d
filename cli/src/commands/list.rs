//! `ls`: jobs, the newest first.

use chrono::{DateTime, Utc};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use lilac_api::ArrayId;
use lilac_api::job::{Job, JobFilter, JobOrder, JobState, Reason};
use lilac_api::page::MAX_LIMIT;
use strum::VariantArray;

use crate::args::{Global, key_value};
use crate::failure::{Exit, Failure};
use crate::follow::age;
use crate::job_ref::short;
use crate::printer::{Field, Printer, Tone, job_tone, note, painted};
use crate::session::{self, read};
use crate::times;

/// The columns that [`row`] fills.
pub const COLUMNS: [&str; 9] = ["ID", "NAME", "STATE", "OWNER", "QUEUE", ">RAN", "AGE", "NODE", "REASON"];
/// What `-o wide` shows beside them, the id in full.
const MORE_COLUMNS: [&str; 6] = [">PRIORITY", "TEAM", "ASKS FOR", "IMAGE", "LABELS", "MESSAGE"];
/// The most jobs that one invocation lists.
const MAX_JOBS: u32 = 10_000;

#[derive(Args, Debug)]
pub struct ListArgs {
    /// At most this many.
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_JOBS)))]
    limit: u32,
    /// Show an array as one line.
    #[arg(long, conflicts_with = "array")]
    folded: bool,
    /// List the oldest first.
    #[arg(long)]
    oldest: bool,
    #[command(flatten)]
    filter: FilterArgs,
}

/// Which jobs are meant.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Which jobs")]
pub struct FilterArgs {
    /// Only jobs in these states, separated by commas.
    #[arg(short, long, value_delimiter = ',', value_parser = state())]
    state: Vec<JobState>,
    /// Only jobs that stand where they do for one of these reasons, separated by commas.
    #[arg(long, value_delimiter = ',', value_parser = reason(), hide_possible_values = true)]
    reason: Vec<Reason>,
    /// Only jobs of this queue.
    #[arg(long, value_name = "QUEUE")]
    queue: Option<String>,
    /// Only jobs of this user.
    #[arg(long, value_name = "USER")]
    owner: Option<String>,
    /// Only jobs of this team.
    #[arg(long, value_name = "TEAM")]
    team: Option<String>,
    /// Only your own jobs.
    #[arg(short, long, conflicts_with = "owner")]
    mine: bool,
    /// Only jobs with this label. May be repeated: then with all of them.
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = key_value)]
    label: Vec<(String, String)>,
    /// Only jobs of this name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Only jobs with this text in their name.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Only jobs that were submitted since: 10m, 2h, or a time as 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = times::since)]
    since: Option<DateTime<Utc>>,
    /// Only jobs that were submitted before, written as with --since.
    #[arg(long, value_name = "TIME", value_parser = times::since)]
    until: Option<DateTime<Utc>>,
    /// Only the jobs of this array, by its id.
    #[arg(long, value_name = "ARRAY")]
    array: Option<ArrayId>,
    /// Only jobs whose latest attempt is on this node.
    #[arg(long, value_name = "NODE")]
    node: Option<String>,
}

impl FilterArgs {
    /// The filter; none where no flag was given.
    pub fn filter(&self) -> Option<JobFilter> {
        let joined = |words: Vec<String>| (!words.is_empty()).then(|| words.join(","));
        let filter = JobFilter {
            state: joined(self.state.iter().map(ToString::to_string).collect()),
            reason: joined(self.reason.iter().map(ToString::to_string).collect()),
            team: self.team.clone(),
            text: self.text.clone(),
            created_after: self.since,
            created_before: self.until,
            array: self.array,
            queue: self.queue.clone(),
            owner: if self.mine { Some("me".to_owned()) } else { self.owner.clone() },
            name: self.name.clone(),
            label: joined(self.label.iter().map(|(key, value)| format!("{key}={value}")).collect()),
            node: self.node.clone(),
            ..JobFilter::default()
        };
        // What is not given is not written.
        let fields = serde_json::to_value(&filter).unwrap_or_default();
        fields.as_object().is_some_and(|fields| !fields.is_empty()).then_some(filter)
    }
}

fn state() -> impl TypedValueParser<Value = JobState> {
    PossibleValuesParser::new(JobState::VARIANTS.iter().map(|state| state.as_str()))
        .try_map(|word| word.parse::<JobState>())
}

fn reason() -> impl TypedValueParser<Value = Reason> {
    PossibleValuesParser::new(Reason::VARIANTS.iter().map(|reason| reason.as_str()))
        .try_map(|word| word.parse::<Reason>())
}

pub async fn run(global: &Global, args: ListArgs) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let mut filter = args.filter.filter().unwrap_or_default();
    filter.folded = args.folded.then_some(true);
    filter.sort = args.oldest.then_some(JobOrder::Oldest);
    let is_narrow = args.filter.filter().is_some();
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
    print(session.printer, &jobs, filter.cursor.is_some(), is_narrow)?;
    Ok(Exit::Ok)
}

fn print(printer: Printer, jobs: &[Job], more: bool, is_narrow: bool) -> Result<(), Failure> {
    let human = printer.is_for_people();
    if human && jobs.is_empty() && is_narrow {
        note("no such jobs; `lilac_cli ls` shows all");
        return Ok(());
    }
    if human && jobs.is_empty() {
        note("no jobs; `lilac_cli submit --image busybox -- echo hello` makes one");
        return Ok(());
    }
    let id = |job: &Job| job.id.to_string();
    if printer.is_wide() {
        let columns: Vec<&str> = COLUMNS.into_iter().chain(MORE_COLUMNS).collect();
        printer.list(jobs, &columns, wide_row, id)?;
    } else {
        printer.list(jobs, &COLUMNS, row, id)?;
    }
    if human && more {
        note(&painted(&format!("the first {}; `-n NUMBER` shows more", jobs.len()), Tone::Faint));
    }
    Ok(())
}

/// A job as a line of a table.
pub fn row(job: &Job) -> Vec<Field> {
    let end = job.finished_at.unwrap_or_else(chrono::Utc::now);
    let ran = job.started_at.map(|started| times::between(started, end)).unwrap_or_default();
    vec![
        short(job.id).into(),
        Field::from(name(job)),
        Field::toned(job.state.as_str(), job_tone(job.state)),
        Field::from(&job.owner),
        Field::from(&job.queue),
        ran.into(),
        age(job).into(),
        job.nodes.join(", ").into(),
        why(job).into(),
    ]
}

/// A job with all that a list knows of it.
fn wide_row(job: &Job) -> Vec<Field> {
    let labels: Vec<String> = job.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let mut fields = row(job);
    if let Some(id) = fields.first_mut() {
        *id = job.id.to_string().into();
    }
    fields.extend([
        job.priority.to_string().into(),
        Field::from(&job.team),
        super::show::amounts(&job.requests).into(),
        Field::from(&job.image),
        labels.join(",").into(),
        Field::from(&job.message),
    ]);
    fields
}

/// The name, and of a job of an array its place: `sweep[3/16]` is the fourth of sixteen.
pub fn name(job: &Job) -> String {
    match &job.array {
        Some(place) => format!("{}[{}/{}]", job.name, place.index, place.size),
        None => job.name.clone(),
    }
}

/// The reason in short: the code, and the exit code where it is one.
fn why(job: &Job) -> String {
    let reason = job.reason.map(|reason| reason.as_str().to_owned()).unwrap_or_default();
    match job.exit_code {
        Some(code) if code != 0 && job.state == JobState::Failed => format!("{reason} {code}"),
        _ => reason,
    }
}
