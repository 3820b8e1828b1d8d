//! Whether a failed attempt is tried again, and when. Pure.

use std::time::Duration;

use lilac_api::job::Reason;
use lilac_api::spec::{Backoff, Retry, RetryAction};

/// No job is tried more often than this, whatever its rules say: a rule whose retries do not count would
/// otherwise go on for ever.
pub const MAX_EPOCH: i32 = 1000;

/// What happens after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Back to the queue, not before the wait is over.
    Retry {
        wait: Duration,
        charged: bool,
    },
    Fail,
}

/// Decides after an attempt failed with `reason` and `exit_code`, when `charged` attempts counted before it.
#[must_use]
pub fn decide(retry: &Retry, reason: Reason, exit_code: Option<i32>, charged: u32, epoch: i32) -> Decision {
    let matching = retry.rules.iter().find(|rule| {
        rule.on.contains(&reason) || exit_code.is_some_and(|code| rule.exit_codes.contains(&code))
    });
    let counts = match matching {
        Some(rule) if rule.action == RetryAction::Fail => return Decision::Fail,
        Some(rule) => rule.counts,
        None if retry.rules.is_empty() => true,
        None => return Decision::Fail,
    };
    let charged_now = charged + u32::from(counts);
    if charged_now >= retry.max_attempts || epoch >= MAX_EPOCH {
        return Decision::Fail;
    }
    Decision::Retry { wait: wait(&retry.backoff, u32::try_from(epoch).unwrap_or(1)), charged: counts }
}

/// The wait before the n-th retry: `initial` × `factor`^(n-1), at most `max`.
fn wait(backoff: &Backoff, n: u32) -> Duration {
    let factor = backoff.factor.checked_pow(n.saturating_sub(1)).unwrap_or(u32::MAX);
    backoff.initial.0.checked_mul(factor).unwrap_or(Duration::MAX).min(backoff.max.0)
}

#[cfg(test)]
mod tests {
    use lilac_api::quantity::Span;
    use lilac_api::spec::RetryRule;

    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn one_attempt_is_all_by_default() {
        assert_eq!(decide(&Retry::default(), Reason::ExitCode, Some(1), 0, 1), Decision::Fail);
    }

    #[test]
    fn without_rules_every_failure_is_retried_while_attempts_are_left() {
        let retry = Retry { max_attempts: 3, ..Retry::default() };
        let again = |wait| Decision::Retry { wait: seconds(wait), charged: true };
        assert_eq!(decide(&retry, Reason::Oom, Some(137), 0, 1), again(10));
        assert_eq!(decide(&retry, Reason::Oom, Some(137), 1, 2), again(20));
        assert_eq!(decide(&retry, Reason::Oom, Some(137), 2, 3), Decision::Fail);
    }

    #[test]
    fn the_first_matching_rule_decides() {
        let rule = |on: Vec<Reason>, exit_codes, action, counts| RetryRule {
            on,
            exit_codes,
            action,
            counts,
            memory_factor: None,
        };
        let retry = Retry {
            max_attempts: 2,
            rules: vec![
                rule(vec![], vec![33], RetryAction::Retry, false),
                rule(vec![Reason::ImagePull], vec![], RetryAction::Fail, true),
                rule(vec![Reason::ExitCode, Reason::ImagePull], vec![], RetryAction::Retry, true),
            ],
            ..Retry::default()
        };
        assert!(matches!(
            decide(&retry, Reason::ExitCode, Some(33), 1, 5),
            Decision::Retry { charged: false, .. }
        ));
        assert!(matches!(
            decide(&retry, Reason::ExitCode, Some(1), 0, 1),
            Decision::Retry { charged: true, .. }
        ));
        assert_eq!(decide(&retry, Reason::ImagePull, None, 0, 1), Decision::Fail);
        assert_eq!(decide(&retry, Reason::Oom, Some(137), 0, 1), Decision::Fail);
        // A retry that never counts still ends.
        assert_eq!(decide(&retry, Reason::ExitCode, Some(33), 1, MAX_EPOCH), Decision::Fail);
    }

    #[test]
    fn the_wait_is_bounded() {
        let backoff = Backoff { initial: Span(seconds(10)), factor: 10, max: Span(seconds(600)) };
        assert_eq!(wait(&backoff, 1), seconds(10));
        assert_eq!(wait(&backoff, 2), seconds(100));
        assert_eq!(wait(&backoff, 900), seconds(600));
    }
}
