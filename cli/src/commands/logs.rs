//! `logs`: what a job wrote.

use clap::Args;
use lilac_api::job::{Job, LogQuery};
use lilac_api::problem::ErrorCode;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::follow::{self, Cursor, LogSink, Show, ending, standing};
use crate::job_ref;
use crate::printer::{Tone, note, painted};
use crate::session::{self, Session, read};

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
    let log = Cursor::new(args.attempt.unwrap_or(job.epoch), args.rank, args.tail);
    print(&session, &job, log).await?;
    Ok(Exit::Ok)
}

async fn follow_log(session: &Session, job: &Job, args: &LogsArgs) -> Result<Exit, Failure> {
    match args.attempt {
        Some(attempt) => {
            let log = Cursor::new(attempt, args.rank, args.tail);
            follow::one_log(session, job.id, log).await?;
        }
        None => {
            let show = Show { rank: args.rank, tail: args.tail };
            let job = follow::to_end(session, job.id, Some(show)).await?;
            if !session.printer.quiet {
                note(&ending(&job));
            }
        }
    }
    Ok(Exit::Ok)
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
