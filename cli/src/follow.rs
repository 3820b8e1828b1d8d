//! Staying with a job until it ends: its log, its state, over restarts of the server and new attempts.
//!
//! The log stream is to be fast, the job's state is to be right: whatever the stream says or does not
//! say, the job is asked again before anything is concluded.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use lilac_api::JobId;
use lilac_api::client::{ClientError, LogEvent};
use lilac_api::explanation::Explanation;
use lilac_api::job::{Attempt, AttemptState, Job, JobState, LogQuery, Reason};
use lilac_api::problem::ErrorCode;
use tokio::time::{Instant, timeout};

use crate::commands::ranks::places;
use crate::failure::{Exit, Failure};
use crate::job_ref::{missing, short};
use crate::printer::{Printer, Tone, colours_wanted, job_tone, note, painted};
use crate::progress::Progress;
use crate::session::{Session, patiently, pause};
use crate::text::{TerminalFilter, clean};
use crate::times;

/// A stream that says nothing for this long is opened again: its peer may be gone without a word.
const SILENCE: Duration = Duration::from_secs(45);
/// How long the rest of an ended job's log is waited for.
const LAST_WORDS: Duration = Duration::from_secs(10);
const FIRST_POLL: Duration = Duration::from_millis(50);
const LONGEST_POLL: Duration = Duration::from_secs(1);

/// How often it is asked how long a job that waits may still do so, and how far a pull is.
const EXPLAIN_EVERY: Duration = Duration::from_secs(5);
const PULL_EVERY: Duration = Duration::from_secs(1);

/// Where a log goes: byte for byte to a pipe or file, made safe to a terminal.
pub struct LogSink {
    filter: Option<TerminalFilter>,
    to_stderr: bool,
    /// The line that must be gone before a log is written.
    progress: Option<Progress>,
}

impl LogSink {
    /// Standard output; standard error where standard output holds JSON.
    pub fn new(printer: Printer) -> Self {
        let to_stderr = printer.json_wanted();
        let terminal = if to_stderr { io::stderr().is_terminal() } else { printer.terminal };
        Self { filter: terminal.then(|| TerminalFilter::new(colours_wanted())), to_stderr, progress: None }
    }

    fn with(printer: Printer, progress: &Progress) -> Self {
        Self { progress: Some(progress.clone()), ..Self::new(printer) }
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(progress) = &self.progress {
            progress.clear();
        }
        match &mut self.filter {
            Some(filter) => {
                let safe = filter.push(bytes);
                self.put(&safe)
            }
            None => self.put(bytes),
        }
    }

    /// Ends an attempt's log: colours it left on do not colour what comes next.
    pub fn finish(&mut self) -> io::Result<()> {
        match self.filter.as_mut().map(TerminalFilter::finish) {
            Some(rest) => self.put(&rest),
            None => Ok(()),
        }
    }

    fn put(&self, bytes: &[u8]) -> io::Result<()> {
        if self.to_stderr {
            let mut err = io::stderr().lock();
            err.write_all(bytes)?;
            return err.flush();
        }
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }
}

/// How far a log was read.
#[derive(Clone, Debug)]
pub struct Cursor {
    /// Which log: attempt and rank. `tail` and `since` hold until the first byte came.
    pub query: LogQuery,
    /// Whether the attempt ended and all of its log was read.
    pub whole: bool,
}

impl Cursor {
    /// The log of an attempt from its beginning, or from `tail` lines before its end.
    pub fn new(epoch: u32, rank: Option<u16>, tail: Option<u32>) -> Self {
        Self { query: LogQuery { epoch: Some(epoch), rank, tail, ..LogQuery::default() }, whole: false }
    }

    /// The same log, of which only what arrived since then is shown.
    pub fn since(mut self, since: Option<DateTime<Utc>>) -> Self {
        self.query.since = since;
        self
    }

    pub fn epoch(&self) -> u32 {
        self.query.epoch.unwrap_or_default()
    }

    /// The part of `bytes`, which begin at `offset`, that is new; moves behind it.
    pub fn advance<'a>(&mut self, offset: u64, bytes: &'a [u8]) -> &'a [u8] {
        let expected = self.query.offset.unwrap_or(offset);
        let known = expected.saturating_sub(offset);
        let new = usize::try_from(known).ok().and_then(|known| bytes.get(known..)).unwrap_or_default();
        self.query.offset = Some(expected.max(offset + bytes.len() as u64));
        self.query.tail = None;
        self.query.since = None;
        new
    }
}

/// Which log to show while waiting.
#[derive(Clone, Copy, Debug, Default)]
pub struct Show {
    pub rank: Option<u16>,
    /// Lines before the end of the first attempt's log.
    pub tail: Option<u32>,
    /// Only what arrived since.
    pub since: Option<DateTime<Utc>>,
}

/// Until when to stay with a job.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stay {
    /// Prints the log of its latest attempt and those that follow.
    pub show: Option<Show>,
    /// Only until this attempt is over, whatever becomes of the job then.
    pub attempt: Option<u32>,
}

impl Stay {
    fn is_over(self, job: &Job) -> bool {
        let waits = matches!(job.state, JobState::Queued | JobState::Held);
        job.state.is_terminal()
            || self.attempt.is_some_and(|attempt| job.epoch > attempt || (job.epoch == attempt && waits))
    }
}

/// Waits until the job ended, or its attempt did.
pub async fn to_end(session: &Session, id: JobId, stay: Stay) -> Result<Job, Failure> {
    let progress = Progress::new(session.printer);
    let mut sink = LogSink::with(session.printer, &progress);
    let mut cursor: Option<Cursor> = None;
    let mut announced: Option<Job> = None;
    let mut told = None;
    let mut wait = FIRST_POLL;
    loop {
        let job = fetch(session, id).await?;
        if announce(session, &progress, announced.as_ref(), &job, &mut told).await {
            wait = FIRST_POLL;
        }
        let before = cursor.as_ref().map(|cursor| (cursor.epoch(), cursor.query.offset, cursor.whole));
        if let Some(show) = stay.show
            && job.epoch > 0
        {
            let tail = if cursor.is_none() { show.tail } else { None };
            let log = match &mut cursor {
                Some(log) if log.epoch() == job.epoch => log,
                _ => cursor.insert(Cursor::new(job.epoch, show.rank, tail).since(show.since)),
            };
            if !log.whole {
                let over = job.state.is_terminal();
                tokio::select! {
                    streamed = stream(session, id, log, over, &mut sink) => streamed?,
                    () = tell_of_pull(session, &job, &progress) => {}
                }
            }
        } else if job.state == JobState::Starting {
            look_at_pull(session, &job, &progress).await;
        }
        let after = cursor.as_ref().map(|cursor| (cursor.epoch(), cursor.query.offset, cursor.whole));
        let moved = before != after;
        if stay.is_over(&job) {
            progress.clear();
            if let Some(log) = cursor.filter(|log| !log.whole) {
                note(&painted(
                    &format!("the log of attempt {} is not whole; what there is was shown", log.epoch()),
                    Tone::Warn,
                ));
            }
            return Ok(job);
        }
        announced = Some(job);
        if moved {
            wait = FIRST_POLL;
        }
        pause(&mut wait, LONGEST_POLL).await;
    }
}

/// Tells how far the pull is, for as long as it lasts; never ends while the log is awaited.
async fn tell_of_pull(session: &Session, job: &Job, progress: &Progress) {
    if !progress.is_seen || job.state != JobState::Starting {
        return std::future::pending().await;
    }
    while look_at_pull(session, job, progress).await {
        tokio::time::sleep(PULL_EVERY).await;
    }
    // What the node does next is no pull, and the log says the rest.
    std::future::pending().await
}

/// Whether the job's node may still pull its image; tells how far that is.
async fn look_at_pull(session: &Session, job: &Job, progress: &Progress) -> bool {
    if !progress.is_seen {
        return false;
    }
    let Ok(attempts) = session.client.attempts(job.id).await else { return true };
    let Some(attempt) = attempts.items.iter().find(|attempt| attempt.epoch == job.epoch) else { return true };
    let pulls = attempt.tasks.iter().filter_map(|task| task.image.as_ref()?.pull.as_ref());
    // Of a gang, the node that is furthest behind is what is waited for.
    match pulls.min_by_key(|pull| pull.layers.iter().map(|layer| layer.bytes).sum::<u64>()) {
        Some(pull) => progress.pull(pull),
        None => progress.say(&format!("{} is starting", job.name)),
    }
    matches!(attempt.state, AttemptState::Granted | AttemptState::Preparing)
}

/// Follows one attempt's log to its end.
pub async fn one_log(session: &Session, id: JobId, mut log: Cursor) -> Result<(), Failure> {
    let mut sink = LogSink::new(session.printer);
    let mut wait = FIRST_POLL;
    loop {
        let job = fetch(session, id).await?;
        let over = job.state.is_terminal() || job.epoch > log.epoch();
        stream(session, id, &mut log, over, &mut sink).await?;
        if log.whole || over {
            return Ok(());
        }
        pause(&mut wait, LONGEST_POLL).await;
    }
}

async fn fetch(session: &Session, id: JobId) -> Result<Job, Failure> {
    patiently(async || session.client.job(id).await).await.map_err(|error| missing(error, &id.to_string()))
}

/// Prints the log from the cursor on until its end, or until the stream breaks or falls silent. Whoever
/// calls asks for the job and comes back.
async fn stream(
    session: &Session,
    id: JobId,
    log: &mut Cursor,
    over: bool,
    sink: &mut LogSink,
) -> Result<(), Failure> {
    let mut events = match session.client.follow_log(id, &log.query).await {
        Ok(events) => Box::pin(events),
        Err(error) if may_come(&error) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let silence = if over { LAST_WORDS } else { SILENCE };
    while let Ok(Some(event)) = timeout(silence, events.next()).await {
        match event {
            Ok(LogEvent::Chunk(chunk)) if chunk.epoch == log.epoch() => {
                let bytes = BASE64_STANDARD.decode(&chunk.data).map_err(|error| ClientError::NotLilac {
                    url: session.client.base_url().to_owned(),
                    message: error.to_string(),
                })?;
                sink.write(log.advance(chunk.offset, &bytes))?;
            }
            Ok(LogEvent::Chunk(_)) => return Ok(()),
            Ok(LogEvent::End(_)) => {
                log.whole = true;
                return Ok(sink.finish()?);
            }
            Err(error) if may_come(&error) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether a log that cannot be had now may be had later.
fn may_come(error: &ClientError) -> bool {
    error.is_transient() || error.code() == Some(ErrorCode::NotFound)
}

/// Tells on standard error where the job stands, when that changed. Ends are told by who asked. While it waits, how
/// long that may take is told with it: on a terminal again and again.
async fn announce(
    session: &Session,
    progress: &Progress,
    before: Option<&Job>,
    job: &Job,
    told: &mut Option<Instant>,
) -> bool {
    let changed = before.is_none_or(|before| {
        (before.state, before.reason, before.epoch) != (job.state, job.reason, job.epoch)
    });
    // A job that waits for no known reason has only just come: the scheduler has not looked at it yet.
    let just_came = job.state == JobState::Queued && job.reason.is_none() && job.message.is_empty();
    if session.printer.quiet || just_came || job.state.is_terminal() {
        return changed;
    }
    let is_due = progress.is_seen && told.is_none_or(|at| at.elapsed() > EXPLAIN_EVERY);
    let mut line = standing(job);
    if job.state == JobState::Queued && (changed || is_due) {
        *told = Some(Instant::now());
        if let Ok(found) = session.client.explain_job(job.id).await {
            line += &prospects(&found, Utc::now());
        }
        if progress.is_seen {
            progress.say(&line);
            return changed;
        }
    }
    if changed {
        progress.clear();
        note(&painted(&line, Tone::Faint));
    }
    changed
}

/// How many go before a job that waits, and when it may start.
fn prospects(found: &Explanation, now: DateTime<Utc>) -> String {
    let mut words = match found.position {
        0 => String::new(),
        1 => "; 1 job before it".to_owned(),
        jobs => format!("; {jobs} jobs before it"),
    };
    if let Some(estimate) = &found.estimate {
        let earliest = times::ahead(now, estimate.earliest);
        let earliest = if earliest == "past" { "soon".to_owned() } else { earliest };
        words += &match estimate.latest.map(|latest| times::ahead(now, latest)) {
            Some(latest) if latest != earliest && latest != "past" => {
                format!("; may start {earliest}, {latest} at the latest")
            }
            Some(_) => format!("; may start {earliest}"),
            // That it may be at any time is no news.
            None if earliest == "soon" => String::new(),
            None => format!("; may start {earliest} or later"),
        };
    }
    words
}

/// Where a job stands that has not ended, in a line.
pub fn standing(job: &Job) -> String {
    let mut line = format!("{} is {}", clean(&job.name), job.state);
    if !job.nodes.is_empty() && matches!(job.state, JobState::Starting | JobState::Running) {
        line += &format!(" on {}", clean(&places(&job.nodes)));
    }
    if job.epoch > 1 {
        line += &format!(" (attempt {})", job.epoch);
    }
    // Where it runs is said above; why it waits is what the message says.
    match (job.message.is_empty(), job.reason) {
        _ if matches!(job.state, JobState::Starting | JobState::Running) => {}
        (false, _) => line += &format!(": {}", clean(&job.message)),
        (true, Some(reason)) => line += &format!(": {reason}"),
        (true, None) => {}
    }
    if job.state == JobState::Held {
        line += &format!("; `lilac_cli release {}` puts it back", short(job.id));
    }
    line
}

/// How a job ended, in a line.
pub fn ending(job: &Job) -> String {
    let mut line = format!("{} {}", clean(&job.name), painted(job.state.as_str(), job_tone(job.state)));
    if let (Some(started), Some(finished)) = (job.started_at, job.finished_at) {
        line += &format!(" after {}", times::between(started, finished));
    }
    if !job.nodes.is_empty() {
        line += &format!(" on {}", clean(&places(&job.nodes)));
    }
    if let Some(reason) = job.reason.filter(|_| job.state == JobState::Failed) {
        line += &format!(": {reason}");
        if let Some(code) = job.exit_code.filter(|code| *code != 0) {
            line += &format!(" {code}");
        }
    }
    // Of several ranks it says which one.
    let told =
        job.state == JobState::Succeeded || job.reason == Some(Reason::ExitCode) && job.nodes.len() < 2;
    if !job.message.is_empty() && !told {
        line += &format!(" ({})", clean(&job.message));
    }
    line
}

/// The exit code that tells how a job ended.
pub fn exit(job: &Job) -> Exit {
    match job.state {
        JobState::Succeeded => Exit::Ok,
        JobState::Failed => failed(job.reason),
        JobState::Cancelled if job.reason == Some(Reason::Preempted) => Exit::JobPreempted,
        JobState::Cancelled => Exit::JobCancelled,
        JobState::Queued | JobState::Starting | JobState::Running | JobState::Held => Exit::JobUnfinished,
    }
}

fn failed(reason: Option<Reason>) -> Exit {
    match reason {
        Some(Reason::Preempted) => Exit::JobPreempted,
        Some(Reason::Timeout | Reason::QueueTimeout) => Exit::JobTimedOut,
        Some(Reason::Infrastructure | Reason::NodeLost | Reason::GpuLost) => Exit::JobLost,
        _ => Exit::JobFailed,
    }
}

/// The exit code that tells how an attempt ended whose job goes on.
pub fn attempt_exit(attempt: &Attempt) -> Exit {
    match attempt.state {
        AttemptState::Succeeded => Exit::Ok,
        AttemptState::Failed => failed(attempt.reason),
        AttemptState::Cancelled => Exit::JobCancelled,
        AttemptState::Preempted => Exit::JobPreempted,
        AttemptState::Lost => Exit::JobLost,
        AttemptState::Granted | AttemptState::Preparing | AttemptState::Running | AttemptState::Stopping => {
            Exit::JobUnfinished
        }
    }
}

/// The exit code of the job's own program: 128 and the signal where that ended it, as shells have it. Where there is
/// none, that which tells how the job ended.
pub fn propagated(job: &Job) -> Exit {
    let code = match (job.signal, job.exit_code) {
        (Some(signal), _) => u8::try_from(128 + signal).ok(),
        (None, Some(code)) => u8::try_from(code & 0xff).ok(),
        (None, None) => None,
    };
    match (exit(job), code) {
        (ended @ (Exit::Ok | Exit::JobFailed), Some(code)) if ended == Exit::Ok || code != 0 => {
            Exit::Program(code)
        }
        (ended, _) => ended,
    }
}

/// Tells the end of a job and gives its exit code.
pub fn conclude(printer: Printer, job: &Job) -> Result<Exit, Failure> {
    if printer.json_wanted() {
        printer.json(job)?;
    } else if !printer.quiet {
        note(&ending(job));
        if job.state == JobState::Failed && job.epoch > 0 {
            let id = short(job.id);
            note(&painted(
                &format!("`lilac_cli show {id}` and `lilac_cli events {id}` say more"),
                Tone::Faint,
            ));
        }
    }
    Ok(exit(job))
}

/// Runs `work` until Ctrl-C, which leaves the job alone and says so.
pub async fn until_interrupted(
    id: JobId,
    work: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    tokio::select! {
        result = work => result,
        signal = tokio::signal::ctrl_c() => {
            signal?;
            let id = short(id);
            note(&format!("\nnot following any more; the job goes on. `lilac_cli logs -f {id}` follows it \
                           again, `lilac_cli cancel {id}` stops it"));
            Ok(Exit::Interrupted)
        }
    }
}

/// The age of a job's latest news, for lists.
pub fn age(job: &Job) -> String {
    times::ago(Utc::now(), job.created_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_and_overlapping_chunks_are_read_once() {
        let mut log = Cursor::new(1, None, None);
        assert_eq!(log.advance(0, b"abc"), b"abc");
        assert_eq!(log.advance(0, b"abc"), b"");
        assert_eq!(log.advance(1, b"bcde"), b"de");
        assert_eq!(log.advance(0, b"a"), b"");
        assert_eq!(log.query.offset, Some(5));
    }

    #[test]
    fn codes_tell_how_a_job_ended() {
        let failed_by = |reason| failed(Some(reason)).code();
        assert_eq!(failed_by(Reason::ExitCode), 100);
        assert_eq!(failed_by(Reason::ImagePull), 100);
        assert_eq!(failed_by(Reason::Preempted), 104);
        assert_eq!(failed_by(Reason::Timeout), 105);
        assert_eq!(failed_by(Reason::QueueTimeout), 105);
        assert_eq!(failed_by(Reason::Infrastructure), 106);
        assert_eq!(failed_by(Reason::NodeLost), 106);
    }

    #[test]
    fn a_tail_holds_until_the_first_byte() {
        let mut log = Cursor::new(1, Some(0), Some(10));
        assert_eq!(log.query.tail, Some(10));
        assert_eq!(log.advance(900, b"xy"), b"xy");
        assert_eq!((log.query.offset, log.query.tail), (Some(902), None));
    }
}
