//! `logs`: what a job wrote.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::Args;
use lilac_api::job::{Job, LogDownload, LogQuery};
use lilac_api::log::{LogSearch, MAX_MATCHES};
use lilac_api::problem::ErrorCode;

use super::outputs::size;
use crate::args::Global;
use crate::download;
use crate::failure::{Exit, Failure};
use crate::follow::{self, Cursor, LogSink, Show, Stay, ending, standing};
use crate::job_ref;
use crate::printer::{Tone, note, painted};
use crate::session::{self, Session, read};
use crate::times;

/// Bytes asked for at a time.
const PART_BYTES: u32 = 1 << 20;

#[derive(Args, Debug)]
pub struct LogsArgs {
    /// Which job.
    job: String,
    /// Go on until the job ends.
    #[arg(short, long)]
    follow: bool,
    /// Only the last lines.
    #[arg(long, value_name = "LINES")]
    tail: Option<u32>,
    /// Only what arrived since: 10m, 2h, or a time as 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = times::since, conflicts_with = "tail")]
    since: Option<DateTime<Utc>>,
    /// Only lines that contain this.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["follow", "tail"])]
    search: Option<String>,
    /// What is searched for is a regular expression.
    #[arg(long, requires = "search")]
    regex: bool,
    /// Write the whole log to a file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["follow", "tail", "since", "search"])]
    save: Option<PathBuf>,
    /// Number of the attempt; the latest by default.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    attempt: Option<u32>,
    /// Rank of the node in a job of several.
    #[arg(long, value_name = "NUMBER")]
    rank: Option<u16>,
}

pub async fn run(global: &Global, args: LogsArgs) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let job = job_ref::load(&session, &args.job).await?;
    if let Some(attempt) = args.attempt.filter(|attempt| *attempt > job.epoch) {
        let made = match job.epoch {
            0 => "no attempt yet".to_owned(),
            1 => "one attempt".to_owned(),
            epoch => format!("{epoch} attempts"),
        };
        return Err(Failure::usage(
            format!("{} has {made}, and none with the number {attempt}", job.name),
            "`lilac_cli show` lists them",
        ));
    }
    if args.follow {
        return follow::until_interrupted(job.id, follow_log(&session, &job, &args)).await;
    }
    if job.epoch == 0 {
        let why = if job.state.is_terminal() { ending(&job) } else { standing(&job) };
        note(&painted(&format!("there is no log: {why}"), Tone::Faint));
        return Ok(Exit::Ok);
    }
    let epoch = args.attempt.unwrap_or(job.epoch);
    if let Some(path) = &args.save {
        let query = LogDownload { epoch: Some(epoch), rank: args.rank };
        let bytes = download::save(session.client.download_log(job.id, &query).await?, path).await?;
        session.printer.done(&format!("{}, {}", path.display(), size(bytes)))?;
        return Ok(Exit::Ok);
    }
    if let Some(text) = &args.search {
        let query = LogSearch {
            search: text.clone(),
            regex: args.regex.then_some(true),
            epoch: Some(epoch),
            rank: args.rank,
            since: args.since,
            limit: Some(MAX_MATCHES),
            ..LogSearch::default()
        };
        search(&session, &job, query).await?;
        return Ok(Exit::Ok);
    }
    let log = Cursor::new(epoch, args.rank, args.tail).since(args.since);
    print(&session, &job, log).await?;
    Ok(Exit::Ok)
}

async fn follow_log(session: &Session, job: &Job, args: &LogsArgs) -> Result<Exit, Failure> {
    match args.attempt {
        Some(attempt) => {
            let log = Cursor::new(attempt, args.rank, args.tail).since(args.since);
            follow::one_log(session, job.id, log).await?;
        }
        None => {
            let show = Show { rank: args.rank, tail: args.tail, since: args.since };
            let stay = Stay { show: Some(show), attempt: None };
            let job = follow::to_end(session, job.id, stay).await?;
            if !session.printer.quiet {
                note(&ending(&job));
            }
        }
    }
    Ok(Exit::Ok)
}

/// Prints every line that matches, as they are found.
async fn search(session: &Session, job: &Job, mut query: LogSearch) -> Result<(), Failure> {
    loop {
        let page = read(async || session.client.search_log(job.id, &query).await).await?;
        for line in &page.items {
            if session.printer.json_wanted() {
                session.printer.json(line)?;
            } else {
                session.printer.line(&line.text)?;
            }
        }
        if page.reached_end {
            return Ok(());
        }
        query.offset = Some(page.next_offset);
    }
}

/// What there is of the log now.
async fn print(session: &Session, job: &Job, mut log: Cursor) -> Result<(), Failure> {
    let mut sink = LogSink::new(session.printer);
    loop {
        let query = LogQuery { limit: Some(PART_BYTES), ..log.query.clone() };
        let part = match read(async || session.client.log(job.id, &query).await).await {
            Ok(part) => part,
            Err(error) if error.code() == Some(ErrorCode::NotFound) => {
                note(&painted("there is no such log", Tone::Faint));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        sink.write(log.advance(part.offset, &part.bytes))?;
        if part.complete || part.bytes.is_empty() {
            return Ok(sink.finish()?);
        }
    }
}
