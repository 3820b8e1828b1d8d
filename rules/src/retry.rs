//! Whether a failed attempt is tried again, when, and with how much memory. Pure.

use std::time::Duration;

use lilac_api::job::Reason;
use lilac_api::quantity::Ratio;
use lilac_api::spec::{Backoff, Retry, RetryAction};

/// No job is tried more often than this, whatever its rules say: a rule whose retries do not count would
/// otherwise go on for ever.
pub const MAX_EPOCH: i32 = 1000;

/// A wait is longer by up to this share of it, so that jobs that failed together do not come back together.
const JITTER: f64 = 0.1;

/// How an attempt failed, and what came before it.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    pub reason: Reason,
    pub exit_code: Option<i32>,
    /// Attempts that counted before this one.
    pub charged: u32,
    pub epoch: i32,
    /// A random number from 0 to 1: how much of the jitter is added.
    pub luck: f64,
}

/// What happens after a failure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decision {
    /// Back to the queue, not before the wait is over.
    Retry {
        wait: Duration,
        charged: bool,
        /// The next attempt asks for so many times the memory.
        memory_factor: Option<Ratio>,
    },
    /// It waits for a person.
    Hold,
    Fail,
}

/// Decides by the first rule that matches. Without any rules every failure is retried while attempts are left;
/// with rules, what none matches is not. A GPU that was lost is no fault of the job, nor is what goes wrong in the
/// platform: unless a rule names it, the job is tried again and nothing is counted, whatever its code exited with
/// when the GPU went.
#[must_use]
pub fn decide(retry: &Retry, failure: Failure) -> Decision {
    let matching = retry.rules.iter().find(|rule| {
        rule.on.contains(&failure.reason)
            || failure.reason != Reason::GpuLost
                && failure.exit_code.is_some_and(|code| rule.exit_codes.contains(&code))
    });
    let (counts, memory_factor) = match matching {
        Some(rule) => match rule.action {
            RetryAction::Fail => return Decision::Fail,
            RetryAction::Hold => return Decision::Hold,
            RetryAction::Retry => (rule.counts, rule.memory_factor),
        },
        None if matches!(failure.reason, Reason::GpuLost | Reason::Infrastructure) => (false, None),
        None if retry.rules.is_empty() => (true, None),
        None => return Decision::Fail,
    };
    if failure.charged + u32::from(counts) >= retry.max_attempts || failure.epoch >= MAX_EPOCH {
        return Decision::Fail;
    }
    let wait = wait(&retry.backoff, u32::try_from(failure.epoch).unwrap_or(1), failure.luck);
    Decision::Retry { wait, charged: counts, memory_factor }
}

/// The wait before the n-th retry: `initial` × `factor`^(n-1), at most `max`, and the jitter on top.
fn wait(backoff: &Backoff, n: u32, luck: f64) -> Duration {
    let factor = backoff.factor.checked_pow(n.saturating_sub(1)).unwrap_or(u32::MAX);
    let wait = backoff.initial.0.checked_mul(factor).unwrap_or(Duration::MAX).min(backoff.max.0);
    wait + wait.mul_f64(JITTER * luck.clamp(0.0, 1.0))
}

/// What the next attempt asks for: `factor` times what the last one had, as far as there is a place for it.
/// Never less than before: where no place has more, the same is tried again.
#[must_use]
pub fn more_memory(now_bytes: u64, factor: Ratio, most_bytes: Option<u64>) -> u64 {
    factor.of(now_bytes).min(most_bytes.unwrap_or(u64::MAX)).max(now_bytes)
}

#[cfg(test)]
mod tests {
    use lilac_api::quantity::Span;
    use lilac_api::spec::RetryRule;

    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn failure(reason: Reason, exit_code: Option<i32>, charged: u32, epoch: i32) -> Failure {
        Failure { reason, exit_code, charged, epoch, luck: 0.0 }
    }

    fn rule(on: &[Reason], exit_codes: &[i32], action: RetryAction) -> RetryRule {
        RetryRule {
            on: on.to_vec(),
            exit_codes: exit_codes.to_vec(),
            action,
            counts: true,
            memory_factor: None,
        }
    }

    /// What happens, in a word, with what counts.
    fn word(decision: Decision) -> &'static str {
        match decision {
            Decision::Retry { charged: true, memory_factor: None, .. } => "retry",
            Decision::Retry { charged: false, memory_factor: None, .. } => "free",
            Decision::Retry { memory_factor: Some(_), .. } => "more",
            Decision::Hold => "hold",
            Decision::Fail => "fail",
        }
    }

    #[test]
    fn rules_decide_in_their_order() {
        let half_more = Ratio { thousandths: 1500 };
        let rules = vec![
            RetryRule { counts: false, ..rule(&[], &[33], RetryAction::Retry) },
            rule(&[Reason::ImagePull], &[], RetryAction::Fail),
            RetryRule { memory_factor: Some(half_more), ..rule(&[Reason::Oom], &[], RetryAction::Retry) },
            rule(&[Reason::Unstartable], &[7], RetryAction::Hold),
            rule(&[Reason::ExitCode, Reason::ImagePull], &[], RetryAction::Retry),
        ];
        let none = Retry::default();
        let three = Retry { max_attempts: 3, ..Retry::default() };
        let no_gpu =
            Retry { rules: vec![rule(&[Reason::GpuLost], &[], RetryAction::Fail)], ..Retry::default() };
        let by_rule = Retry { max_attempts: 2, rules, ..Retry::default() };
        let cases = [
            // retry, reason, exit code, attempts charged before, epoch, expected
            (&none, Reason::ExitCode, Some(1), 0, 1, "fail"),
            (&three, Reason::Oom, Some(137), 0, 1, "retry"),
            (&three, Reason::Timeout, None, 1, 2, "retry"),
            (&three, Reason::Oom, Some(137), 2, 3, "fail"),
            // An exit code that the first rule names counts nothing, whatever the reason.
            (&by_rule, Reason::ExitCode, Some(33), 1, 5, "free"),
            (&by_rule, Reason::Oom, Some(33), 0, 1, "free"),
            // The earlier of two rules for one reason wins.
            (&by_rule, Reason::ImagePull, None, 0, 1, "fail"),
            (&by_rule, Reason::Oom, Some(137), 0, 1, "more"),
            (&by_rule, Reason::Oom, Some(137), 1, 2, "fail"),
            (&by_rule, Reason::Unstartable, None, 0, 1, "hold"),
            (&by_rule, Reason::ExitCode, Some(7), 1, 2, "hold"),
            (&by_rule, Reason::ExitCode, Some(1), 0, 1, "retry"),
            (&by_rule, Reason::ExitCode, Some(1), 1, 2, "fail"),
            // A lost GPU counts nothing, until a rule says otherwise.
            (&none, Reason::GpuLost, Some(1), 0, 1, "free"),
            (&by_rule, Reason::GpuLost, Some(7), 1, 2, "free"),
            (&none, Reason::GpuLost, None, 0, MAX_EPOCH, "fail"),
            (&no_gpu, Reason::GpuLost, Some(33), 0, 1, "fail"),
            // What no rule names is not tried again.
            (&by_rule, Reason::Timeout, None, 0, 1, "fail"),
            // A retry that never counts still ends.
            (&by_rule, Reason::ExitCode, Some(33), 0, MAX_EPOCH, "fail"),
        ];
        for (retry, reason, exit_code, charged, epoch, expected) in cases {
            let decision = decide(retry, failure(reason, exit_code, charged, epoch));
            assert_eq!(word(decision), expected, "{reason} {exit_code:?} after {charged} in epoch {epoch}");
        }
    }

    #[test]
    fn the_wait_grows_and_is_bounded() {
        let backoff = Backoff { initial: Span(seconds(10)), factor: 10, max: Span(seconds(600)) };
        for (n, luck, expected) in [
            (1, 0.0, 10),
            (2, 0.0, 100),
            (3, 0.0, 600),
            (900, 0.0, 600),
            (1, 1.0, 11),
            (900, 1.0, 660),
            (2, 9.0, 110),
        ] {
            assert_eq!(wait(&backoff, n, luck), seconds(expected), "{n} {luck}");
        }
    }

    #[test]
    fn more_memory_is_asked_for_as_far_as_there_is_a_place() {
        let half_more = Ratio { thousandths: 1500 };
        for (now, most, expected) in [
            (100, None, 150),
            (100, Some(1000), 150),
            (100, Some(120), 120),
            (100, Some(80), 100),
            (u64::MAX, None, u64::MAX),
        ] {
            assert_eq!(more_memory(now, half_more, most), expected, "{now} {most:?}");
        }
    }
}
