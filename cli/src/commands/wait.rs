//! `wait`: until jobs end.

use clap::Args;
use lilac_api::JobId;
use lilac_api::quantity::Span;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::follow::{self, Stay, standing};
use crate::job_ref::{self, missing};
use crate::printer::note;
use crate::session::{self, Session, read};
use crate::which::{Meant, Which};

#[derive(Args, Debug)]
pub struct WaitArgs {
    /// Give up after this long: 90s, 10m. The jobs go on.
    #[arg(long, value_name = "TIME")]
    timeout: Option<Span>,
    /// Wait only until the present attempt is over: one that is preempted or lost is told at once.
    #[arg(long)]
    this_attempt: bool,
    #[command(flatten)]
    which: Which,
}

pub async fn run(global: &Global, args: WaitArgs) -> Result<Exit, Failure> {
    args.which.check()?;
    let session = session::open(global)?;
    let meant = args.which.find(&session).await?;
    let Some(first) = meant.first() else { return Ok(Exit::Ok) };
    // Which job is waited for at the moment, for who is told that it takes too long.
    let current = std::cell::Cell::new(first.id);
    let ends = all(&session, &meant, args.this_attempt, &current);
    let Some(Span(limit)) = args.timeout else {
        return follow::until_interrupted(first.id, ends).await;
    };
    let limited = async { tokio::time::timeout(limit, ends).await.unwrap_or(Ok(Exit::JobUnfinished)) };
    match follow::until_interrupted(first.id, limited).await? {
        Exit::JobUnfinished => {
            let job = job_ref::load(&session, &current.get().to_string()).await?;
            note(&format!("not finished after {}: {}", Span(limit), standing(&job)));
            Ok(Exit::JobUnfinished)
        }
        exit => Ok(exit),
    }
}

/// Waits for each in turn; the first that did not end well decides.
async fn all(
    session: &Session,
    meant: &[Meant],
    this_attempt: bool,
    current: &std::cell::Cell<JobId>,
) -> Result<Exit, Failure> {
    let mut exit = Exit::Ok;
    for one in meant {
        current.set(one.id);
        let ended = end(session, one, this_attempt).await?;
        if exit == Exit::Ok {
            exit = ended;
        }
    }
    Ok(exit)
}

async fn end(session: &Session, one: &Meant, this_attempt: bool) -> Result<Exit, Failure> {
    let attempt = if this_attempt { Some(present_attempt(session, one).await?) } else { None };
    let stay = Stay { show: None, attempt };
    let job = follow::to_end(session, one.id, stay).await.map_err(|failure| match failure {
        // The word that the person used, not what was made of it.
        Failure::NoSuchJob(_) => Failure::NoSuchJob(one.word.clone()),
        other => other,
    })?;
    let Some(attempt) = attempt.filter(|_| !job.state.is_terminal()) else {
        return follow::conclude(session.printer, &job);
    };
    let attempts = read(async || session.client.attempts(one.id).await).await?.items;
    let ended = attempts.iter().find(|one| one.epoch == attempt);
    let Some(ended) = ended else { return Ok(Exit::JobUnfinished) };
    if session.printer.json_wanted() {
        session.printer.json(ended)?;
    } else if !session.printer.quiet {
        note(&format!("attempt {attempt} is {}; {}", ended.state, standing(&job)));
    }
    Ok(follow::attempt_exit(ended))
}

/// The attempt that runs, or, of a job that waits, the next.
async fn present_attempt(session: &Session, one: &Meant) -> Result<u32, Failure> {
    let job =
        read(async || session.client.job(one.id).await).await.map_err(|error| missing(error, &one.word))?;
    let waits = matches!(job.state, lilac_api::job::JobState::Queued | lilac_api::job::JobState::Held);
    Ok(if waits { job.epoch + 1 } else { job.epoch })
}
