//! What a task's end means for its attempt and its job. Pure: who stands where goes in, a verdict comes out.

use std::time::Duration;

use lilac_api::agent::{Outcome, TaskResult};
use lilac_api::job::{AttemptState, JobState, Reason};
use lilac_api::quantity::{Ratio, Span};
use lilac_api::spec::Retry;

use super::retry::{self, Decision, Failure};

/// Where an attempt stands when its end is told.
#[derive(Clone, Copy)]
pub struct Standing<'a> {
    /// Live, or lost: an end may be told after a loss, as long as the job was not placed again.
    pub attempt: AttemptState,
    pub cancel_requested: bool,
    pub retry: &'a Retry,
    /// Attempts that counted before this one.
    pub charged: u32,
    pub epoch: i32,
    /// Why the control plane told it to stop, where it did and no user asked.
    pub ordered: Option<Reason>,
    /// See [`Failure::luck`].
    pub luck: f64,
}

/// What follows from an end.
#[derive(Debug, PartialEq)]
pub struct Verdict {
    pub attempt: AttemptState,
    pub job: JobState,
    pub reason: Option<Reason>,
    /// Not tried again before this wait is over.
    pub wait: Option<Duration>,
    /// The attempt counts against the job's retries.
    pub charge: bool,
    /// The next attempt asks for so many times the memory.
    pub memory_factor: Option<Ratio>,
}

/// Judges an end; none where it says nothing new.
pub fn judge(standing: Standing<'_>, result: &TaskResult) -> Option<Verdict> {
    let verdict = |attempt, job, reason| {
        Some(Verdict { attempt, job, reason, wait: None, charge: false, memory_factor: None })
    };
    let is_late = standing.attempt == AttemptState::Lost;
    match result.outcome {
        Outcome::Exited if result.exit_code == Some(0) && result.reason.is_none() => {
            verdict(AttemptState::Succeeded, JobState::Succeeded, None)
        }
        // It was lost before, and this is not finished work.
        Outcome::Stopped | Outcome::Lost | Outcome::NotStarted if is_late => None,
        Outcome::Lost if standing.cancel_requested => {
            verdict(AttemptState::Lost, JobState::Cancelled, Some(Reason::Cancelled))
        }
        _ if standing.cancel_requested && !is_late => {
            verdict(AttemptState::Cancelled, JobState::Cancelled, Some(Reason::Cancelled))
        }
        // T16: its time was over, and its agent had to be told.
        Outcome::Stopped if standing.ordered == Some(Reason::Timeout) => {
            Some(failed(standing, result.exit_code, Reason::Timeout))
        }
        // Not all ranks of a gang were ready in time.
        Outcome::Stopped if standing.ordered == Some(Reason::Infrastructure) => {
            Some(failed(standing, None, Reason::Infrastructure))
        }
        // T10: put back by the control plane, by no fault of the job.
        Outcome::Stopped if standing.ordered == Some(Reason::Preempted) => {
            verdict(AttemptState::Preempted, JobState::Queued, Some(Reason::Preempted))
        }
        // T8: the agent's own word that it no longer runs.
        Outcome::Lost | Outcome::Stopped => {
            verdict(AttemptState::Lost, JobState::Queued, Some(Reason::NodeLost))
        }
        Outcome::Exited => {
            Some(failed(standing, result.exit_code, result.reason.unwrap_or(Reason::ExitCode)))
        }
        Outcome::NotStarted => {
            Some(failed(standing, result.exit_code, result.reason.unwrap_or(Reason::Unstartable)))
        }
    }
}

/// T5, or T6 where the rules say so.
fn failed(standing: Standing<'_>, exit_code: Option<i32>, reason: Reason) -> Verdict {
    let failure =
        Failure { reason, exit_code, charged: standing.charged, epoch: standing.epoch, luck: standing.luck };
    let (job, wait, charge, memory_factor) = match retry::decide(standing.retry, failure) {
        Decision::Retry { wait, charged, memory_factor } => {
            (JobState::Queued, Some(wait), charged, memory_factor)
        }
        Decision::Hold => (JobState::Held, None, true, None),
        Decision::Fail => (JobState::Failed, None, true, None),
    };
    Verdict { attempt: AttemptState::Failed, job, reason: Some(reason), wait, charge, memory_factor }
}

impl Verdict {
    /// How it ended, in a sentence; the agent's own words where it has some.
    pub fn sentence(&self, result: &TaskResult) -> String {
        let end = match (self.reason, result.exit_code, result.signal) {
            _ if !result.message.is_empty() => result.message.clone(),
            (None, ..) => String::new(),
            (Some(Reason::Cancelled), ..) => "cancelled by its user".to_owned(),
            (_, _, Some(signal)) => format!("ended by signal {signal}"),
            (_, Some(code), None) => format!("ended with exit code {code}"),
            (Some(reason), None, None) => format!("failed: {reason}"),
        };
        match self.wait {
            Some(wait) => format!("{end}; tried again after {}", Span(round(wait))),
            None if self.job == JobState::Held => format!("{end}; held, as its retry rules say"),
            None => end,
        }
    }
}

/// A span as people say it: the jitter is not worth its milliseconds.
fn round(span: Duration) -> Duration {
    if span < Duration::from_secs(1) { span } else { Duration::from_secs(span.as_secs()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(outcome: Outcome, exit_code: Option<i32>) -> TaskResult {
        TaskResult {
            outcome,
            exit_code,
            signal: None,
            reason: None,
            message: String::new(),
            finished_at: chrono::DateTime::UNIX_EPOCH,
            log_bytes: 0,
        }
    }

    fn running(retry: &Retry) -> Standing<'_> {
        Standing {
            attempt: AttemptState::Running,
            cancel_requested: false,
            retry,
            charged: 0,
            epoch: 1,
            ordered: None,
            luck: 0.0,
        }
    }

    #[test]
    fn what_was_stopped_because_its_time_was_over_failed() {
        let retry = Retry::default();
        let stopping = Standing { attempt: AttemptState::Stopping, ..running(&retry) };
        let result = end(Outcome::Stopped, Some(143));
        let timed_out = judge(Standing { ordered: Some(Reason::Timeout), ..stopping }, &result).unwrap();
        assert_eq!((timed_out.job, timed_out.reason), (JobState::Failed, Some(Reason::Timeout)));
        let cancelled = Standing { ordered: Some(Reason::Timeout), cancel_requested: true, ..stopping };
        assert_eq!(judge(cancelled, &result).unwrap().job, JobState::Cancelled);
    }

    /// Every outcome × live or late × cancelled or not, without retries: the job's state after it.
    #[test]
    fn every_end_means_one_thing() {
        use JobState::{Cancelled, Failed, Queued, Succeeded};
        let cases = [
            // outcome, exit code, live, live and cancelled, late
            (Outcome::Exited, Some(0), Some(Succeeded), Some(Succeeded), Some(Succeeded)),
            (Outcome::Exited, Some(3), Some(Failed), Some(Cancelled), Some(Failed)),
            (Outcome::Stopped, Some(0), Some(Queued), Some(Cancelled), None),
            (Outcome::Stopped, Some(143), Some(Queued), Some(Cancelled), None),
            (Outcome::NotStarted, None, Some(Failed), Some(Cancelled), None),
            (Outcome::Lost, None, Some(Queued), Some(Cancelled), None),
        ];
        let retry = Retry::default();
        for (outcome, exit_code, live, cancelled, late) in cases {
            for (attempt, cancel_requested, expected) in [
                (AttemptState::Running, false, live),
                (AttemptState::Stopping, true, cancelled),
                (AttemptState::Lost, false, late),
            ] {
                let standing = Standing { attempt, cancel_requested, ..running(&retry) };
                let verdict = judge(standing, &end(outcome, exit_code));
                assert_eq!(
                    verdict.map(|verdict| verdict.job),
                    expected,
                    "{outcome:?} {exit_code:?} while {attempt}"
                );
            }
        }
    }

    #[test]
    fn a_retry_says_when() {
        let retry = Retry { max_attempts: 2, ..Retry::default() };
        let standing = running(&retry);
        let result = end(Outcome::Exited, Some(3));
        let verdict = judge(standing, &result).unwrap();
        assert_eq!((verdict.job, verdict.charge), (JobState::Queued, true));
        assert_eq!(verdict.sentence(&result), "ended with exit code 3; tried again after 10s");
    }
}
