//! Jobs on several nodes: one attempt, whose ranks begin together and end together.
//!
//! A rank that ends well waits for the others. The first that does not is what ended the attempt: the others are
//! told to stop. Only when every rank has ended, by its node's word or because its lease is over, the attempt has,
//! and its end is told as the end of one task: of that first rank, or, where the control plane told all of them to
//! stop, of one that did. So nothing of an attempt runs any more when its job is placed again.

use std::time::Duration;

use lilac_api::agent::{Outcome, TaskResult};
use lilac_api::job::Reason;

/// How long the ranks of an attempt may take to stop once one of them has failed: they have nobody to talk to.
pub const STOP_WITHIN: Duration = Duration::from_secs(5);

/// How long the ranks of an attempt may take to be ready together: for images that are large.
pub const READY_WITHIN: Duration = Duration::from_secs(30 * 60);

/// One rank of an attempt.
#[derive(Clone, Debug)]
pub struct Rank {
    pub rank: u16,
    /// Name of its node.
    pub node: String,
    /// How it ended, if it did.
    pub end: Option<TaskResult>,
}

/// What follows from the end of a rank.
#[derive(Clone, Debug, PartialEq)]
pub enum After {
    /// The others go on, or are stopping already.
    Wait,
    /// It failed, and is the first: the others are told to stop.
    StopOthers { failed: u16, reason: Reason, words: String },
    /// All have ended: this is how the attempt did. `failed` is the rank that brought it about, if one did.
    Conclude { failed: Option<u16>, result: TaskResult },
}

/// Whether the rank did what it was to do.
#[must_use]
pub fn ended_well(end: &TaskResult) -> bool {
    end.outcome == Outcome::Exited && end.exit_code == Some(0) && end.reason.is_none()
}

/// What follows, now that one more rank has ended. `failed` is the rank that failed first, where one did before;
/// `was_ordered` says that the control plane told all of them to stop, for another cause.
#[must_use]
pub fn after(ranks: &[Rank], failed: Option<u16>, was_ordered: bool) -> After {
    let bad = || ranks.iter().filter(|rank| rank.end.as_ref().is_some_and(|end| !ended_well(end)));
    let first = match failed {
        Some(failed) => ranks.iter().find(|rank| rank.rank == failed),
        None if was_ordered => None,
        None => bad().next(),
    };
    let is_over = ranks.iter().all(|rank| rank.end.is_some());
    match first.and_then(|rank| Some((rank, rank.end.as_ref()?))) {
        Some((rank, end)) if is_over => {
            let result = TaskResult { message: sentence(rank, end), ..end.clone() };
            After::Conclude { failed: Some(rank.rank), result }
        }
        Some((rank, end)) if failed.is_none() => {
            let words = format!("{}: the other ranks are told to stop", sentence(rank, end));
            let reason = end.reason.unwrap_or(match end.outcome {
                Outcome::Exited => Reason::ExitCode,
                Outcome::NotStarted => Reason::Unstartable,
                Outcome::Stopped | Outcome::Lost => Reason::NodeLost,
            });
            After::StopOthers { failed: rank.rank, reason, words }
        }
        None if is_over => {
            // Of those that were told to stop one may have been quicker, or have died of another's end.
            let stopped = bad().find_map(|rank| rank.end.clone());
            let stopped = stopped.map(|end| TaskResult { outcome: Outcome::Stopped, reason: None, ..end });
            let whole = stopped.or_else(|| ranks.first().and_then(|rank| rank.end.clone()));
            whole.map_or(After::Wait, |result| After::Conclude { failed: None, result })
        }
        _ => After::Wait,
    }
}

/// How a rank ended, by name.
#[must_use]
pub fn sentence(rank: &Rank, end: &TaskResult) -> String {
    let who = format!("rank {} on {}", rank.rank, rank.node);
    let is_plain = matches!(end.reason, None | Some(Reason::ExitCode)) && end.outcome == Outcome::Exited;
    match (end.exit_code, end.signal) {
        (_, Some(signal)) if is_plain => format!("{who} was ended by signal {signal}"),
        (Some(code), None) if is_plain => format!("{who} exited with {code}"),
        _ if !end.message.is_empty() => format!("{who}: {}", end.message.trim_end_matches('.')),
        _ => format!("{who} was lost"),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn end(outcome: Outcome, exit_code: Option<i32>) -> TaskResult {
        TaskResult {
            outcome,
            exit_code,
            signal: None,
            reason: None,
            message: String::new(),
            finished_at: DateTime::UNIX_EPOCH,
            log_bytes: 0,
        }
    }

    /// Ranks by how they ended: `.` goes on, a number is an exit code, `s` was stopped, `l` was lost.
    fn ranks(text: &str) -> Vec<Rank> {
        let end = |letter| match letter {
            '.' => None,
            's' => Some(end(Outcome::Stopped, Some(143))),
            'l' => Some(end(Outcome::Lost, None)),
            code => Some(end(Outcome::Exited, code.to_digit(10).and_then(|code| i32::try_from(code).ok()))),
        };
        let one = |(rank, letter)| Rank { rank, node: format!("n{rank}"), end: end(letter) };
        (0..).zip(text.chars()).map(one).collect()
    }

    fn word(after: After) -> String {
        match after {
            After::Wait => "wait".to_owned(),
            After::StopOthers { failed, words, .. } => format!("stop for {failed}: {words}"),
            After::Conclude { failed, result } => {
                let code = result.exit_code.map_or_else(String::new, |code| format!(" {code}"));
                format!("{failed:?} {:?}{code}: {}", result.outcome, result.message)
            }
        }
    }

    #[test]
    fn all_end_together_and_the_first_that_failed_is_named() {
        for (text, failed, was_ordered, expected) in [
            ("0.", None, false, "wait"),
            ("00", None, false, "None Exited 0: "),
            (".3", None, false, "stop for 1: rank 1 on n1 exited with 3: the other ranks are told to stop"),
            ("l..", None, false, "stop for 0: rank 0 on n0 was lost: the other ranks are told to stop"),
            // Others fail as well, of the first one's failure: it stays the first.
            ("73.", Some(1), false, "wait"),
            ("7s3", Some(2), false, "Some(2) Exited 3: rank 2 on n2 exited with 3"),
            ("03", None, false, "Some(1) Exited 3: rank 1 on n1 exited with 3"),
            ("0l", Some(1), false, "Some(1) Lost: rank 1 on n1 was lost"),
            // Told to stop: who is quicker than its order, or dies of another's end, is no cause.
            ("3.", None, true, "wait"),
            ("3s", None, true, "None Stopped 3: "),
            ("0s", None, true, "None Stopped 143: "),
            ("00", None, true, "None Exited 0: "),
        ] {
            assert_eq!(word(after(&ranks(text), failed, was_ordered)), expected, "{text} {failed:?}");
        }
    }
}
