//! How an attempt ended, in the words of the wire.

use chrono::{DateTime, TimeDelta, Utc};
use lilac_api::agent::{Outcome, TaskResult};
use lilac_api::job::Reason;
use lilac_init::end::End;
use nix::errno::Errno;

use crate::journal::{StopCause, StopNote};
use crate::log_spool::Sum;

/// The longest message that a result carries, in characters.
const MAX_MESSAGE_CHARS: usize = 2_000;

/// How finely two clocks are compared that count milliseconds.
const CLOCK_STEP: TimeDelta = TimeDelta::milliseconds(5);

/// How Docker says that a container ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    pub code: i32,
    /// The kernel killed something in it for want of memory.
    pub oom_killed: bool,
    pub started_at: Option<DateTime<Utc>>,
    /// By the daemon's clock, which is this machine's.
    pub finished_at: DateTime<Utc>,
}

/// What stood round an exit and decides what it means.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances {
    pub stop: Option<StopNote>,
    /// Docker lost sight of the container before it ended.
    pub lost_sight: bool,
    /// When the machine was booted, where the attempt is older than that.
    pub rebooted_at: Option<DateTime<Utc>>,
    /// When its lease is over, or was.
    pub lease_over_at: Option<DateTime<Utc>>,
}

/// A result that still lacks the length of its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub outcome: Outcome,
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    pub reason: Option<Reason>,
    pub message: String,
    pub finished_at: DateTime<Utc>,
}

impl Draft {
    #[must_use]
    pub fn with_log(self, log_bytes: u64) -> TaskResult {
        TaskResult {
            outcome: self.outcome,
            exit_code: self.exit_code,
            signal: self.signal,
            reason: self.reason,
            message: trim(&self.message),
            finished_at: self.finished_at,
            log_bytes,
        }
    }
}

/// Cuts a text to what goes up to the control plane.
pub(super) fn trim(message: &str) -> String {
    message.trim().chars().take(MAX_MESSAGE_CHARS).collect()
}

/// What it means that the container ended like this.
#[must_use]
pub fn of_exit(exit: &Exit, around: Circumstances) -> Draft {
    if around.rebooted_at.is_some_and(|booted_at| exit.finished_at >= booted_at) {
        return lost("The machine was rebooted while it ran.", exit.finished_at);
    }
    // What ended before it was asked to ended by itself, whatever was asked afterwards.
    let stop = around.stop.filter(|stop| exit.finished_at >= stop.asked_at);
    let outlived_lease = around.lease_over_at.is_some_and(|over_at| exit.finished_at + CLOCK_STEP >= over_at);
    let killed_by_a_restart = matches!(exit.code, 137 | 143 | 255) && !exit.oom_killed;
    match stop.map(|stop| stop.cause) {
        Some(StopCause::Asked) => stopped(exit, "It was stopped on request."),
        Some(StopCause::Disowned) => stopped(exit, "It was stopped: the control plane has given it up."),
        Some(StopCause::MaxRuntime) => Draft {
            reason: Some(Reason::Timeout),
            message: "It ran for as long as `max_runtime` allows and was stopped.".to_owned(),
            ..ended(exit)
        },
        Some(StopCause::GpuLost) if exit.code != 0 => {
            because_of_gpu(ended(exit), None, "A GPU that it had failed.")
        }
        // What it did before its end may still count.
        Some(StopCause::DiskLimit) if exit.code != 0 => Draft {
            reason: Some(Reason::DiskLimit),
            message:
                "It wrote more to the node's disk than it may and was killed: ask for more with `resources.disk`, \
                      or write to a volume."
                    .to_owned(),
            ..ended(exit)
        },
        // A kill never leaves a 0: it was faster, and finished work is not thrown away.
        Some(StopCause::LeaseOver) if exit.code != 0 => lost(LEASE_OVER, exit.finished_at),
        // The agent may have slept through it: others end the container at its lease's end too.
        None if outlived_lease && exit.code != 0 => lost(LEASE_OVER, exit.finished_at),
        None if around.lost_sight && killed_by_a_restart => {
            lost("The Docker daemon went away while it ran, and ended it.", exit.finished_at)
        }
        _ => ended(exit),
    }
}

/// Turns a failure into that of a GPU, where the GPU had failed before and nothing else was asked of the attempt: a
/// program that loses its GPU ends in many ways.
#[must_use]
pub fn because_of_gpu(draft: Draft, stop: Option<StopCause>, words: &str) -> Draft {
    let is_failure = draft.outcome == Outcome::Exited && draft.exit_code != Some(0);
    if !is_failure || !matches!(stop, None | Some(StopCause::GpuLost)) {
        return draft;
    }
    Draft { reason: Some(Reason::GpuLost), message: words.to_owned(), ..draft }
}

const LEASE_OVER: &str = "Its lease ran out: the control plane was not heard from for too long.";

fn ended(exit: &Exit) -> Draft {
    let signal = (exit.code > 128 && exit.code <= 128 + 64).then(|| exit.code - 128);
    let (reason, message) = match (exit.code, signal) {
        (0, _) => (None, String::new()),
        _ if exit.oom_killed => {
            (Some(Reason::Oom), "It used more memory than it asked for and was killed.".to_owned())
        }
        (code, Some(signal)) => {
            (Some(Reason::ExitCode), format!("The process was ended by signal {signal} (exit code {code})."))
        }
        (code, None) => (Some(Reason::ExitCode), format!("The process ended with exit code {code}.")),
    };
    Draft {
        outcome: Outcome::Exited,
        exit_code: Some(exit.code),
        signal,
        reason,
        message,
        finished_at: exit.finished_at,
    }
}

fn stopped(exit: &Exit, message: &str) -> Draft {
    Draft { outcome: Outcome::Stopped, reason: None, message: message.to_owned(), ..ended(exit) }
}

/// The attempt is over, and nobody can say how its work ended.
#[must_use]
pub fn lost(message: &str, at: DateTime<Utc>) -> Draft {
    without_exit(Outcome::Lost, None, message, at)
}

/// It was to end before its container was started.
#[must_use]
pub fn ended_before_start(cause: StopCause, at: DateTime<Utc>) -> Draft {
    match cause {
        StopCause::LeaseOver => lost(LEASE_OVER, at),
        StopCause::GpuLost => not_started(Reason::GpuLost, "A GPU failed before it was started.", at),
        StopCause::Asked | StopCause::Disowned | StopCause::MaxRuntime | StopCause::DiskLimit => {
            without_exit(Outcome::Stopped, None, "It was stopped before it was started.", at)
        }
    }
}

/// What Docker says of a container's end, set right by what its init wrote down before it ended: Docker's word is
/// a guess where its daemon was away, and it may tell the end before it hears that memory ran short.
#[must_use]
pub fn set_right(exit: Exit, log: &Sum) -> Exit {
    match &log.told {
        Some(told) => Exit {
            code: told.end.exit_code(),
            oom_killed: exit.oom_killed || told.starved,
            // Podman notes the start a moment after it.
            started_at: exit.started_at.map(|started_at| started_at.min(told.at)),
            finished_at: told.at,
        },
        None => exit,
    }
}

/// The container could not be made or started.
#[must_use]
pub fn not_started(reason: Reason, words: &str, at: DateTime<Utc>) -> Draft {
    without_exit(Outcome::NotStarted, Some(reason), words, at)
}

fn without_exit(
    outcome: Outcome,
    reason: Option<Reason>,
    message: &str,
    finished_at: DateTime<Utc>,
) -> Draft {
    Draft { outcome, exit_code: None, signal: None, reason, message: trim(message), finished_at }
}

/// Adds what the container's init knows and Docker does not: that the program could not be run, that the lease
/// was over, or that the init itself could not do its part.
#[must_use]
pub fn as_init_says(draft: Draft, log: &Sum) -> Draft {
    if draft.outcome != Outcome::Exited {
        return draft;
    }
    let code = draft.exit_code.unwrap_or_default();
    match &log.told {
        Some(told) => match told.end {
            End::LeaseOver => lost(LEASE_OVER, draft.finished_at),
            End::NotStarted { errno } => {
                let why = Errno::from_raw(errno.into()).desc();
                let words = format!("{}: {why} (exit code {code})", told.program);
                not_started(Reason::Unstartable, &words, draft.finished_at)
            }
            End::Exited { .. } | End::Signalled { .. } => draft,
        },
        None if !log.begun && code == lilac_init::BROKEN => {
            not_started(Reason::Infrastructure, BROKEN, draft.finished_at)
        }
        // Of its first container nobody knows the end: it was removed, and this is one that was made late.
        None if code == lilac_init::BROKEN => lost(BEGUN_BEFORE, draft.finished_at),
        // Nothing that runs in a container can kill its first process, which says how the rest ended. So somebody
        // outside did: another agent with the same identity, or a person. It is no end of the job's.
        None if code == KILLED && draft.reason == Some(Reason::ExitCode) => {
            lost(KILLED_FROM_OUTSIDE, draft.finished_at)
        }
        None => draft,
    }
}

const BEGUN_BEFORE: &str = "Its container is gone, and another one may not run its program a second time.";
/// What Docker says of one whose first process was killed.
const KILLED: i32 = 128 + 9;
const KILLED_FROM_OUTSIDE: &str = "Its container was killed from outside, and not by this agent.";
const BROKEN: &str =
    "The node could not watch over the container: its lease or its log cannot be opened in there.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_spool::Told;

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(secs)
    }

    fn exit(code: i32) -> Exit {
        Exit { code, oom_killed: false, started_at: None, finished_at: at(100) }
    }

    fn asked(cause: StopCause, secs: i64) -> Circumstances {
        Circumstances { stop: Some(StopNote { cause, asked_at: at(secs) }), ..Circumstances::default() }
    }

    #[test]
    fn an_exit_by_itself() {
        let none = Circumstances::default();
        let cases = [
            (0, None, None),
            (3, None, Some(Reason::ExitCode)),
            (128, None, Some(Reason::ExitCode)),
            (137, Some(9), Some(Reason::ExitCode)),
            (143, Some(15), Some(Reason::ExitCode)),
            (255, None, Some(Reason::ExitCode)),
        ];
        for (code, signal, reason) in cases {
            let draft = of_exit(&exit(code), none);
            assert_eq!((draft.outcome, draft.exit_code), (Outcome::Exited, Some(code)));
            assert_eq!((draft.signal, draft.reason), (signal, reason), "{code}");
        }
    }

    #[test]
    fn memory_matters_only_to_a_failure() {
        let oom = |code| of_exit(&Exit { oom_killed: true, ..exit(code) }, Circumstances::default());
        assert_eq!(oom(137).reason, Some(Reason::Oom));
        assert_eq!(oom(1).reason, Some(Reason::Oom));
        // A child was killed and the job coped.
        assert_eq!(oom(0).reason, None);
    }

    #[test]
    fn what_ended_before_the_stop_ended_by_itself() {
        for cause in [StopCause::Asked, StopCause::Disowned, StopCause::MaxRuntime, StopCause::LeaseOver] {
            let draft = of_exit(&exit(0), asked(cause, 101));
            assert_eq!((draft.outcome, draft.reason), (Outcome::Exited, None), "{cause:?}");
        }
        assert_eq!(of_exit(&exit(4), asked(StopCause::Asked, 101)).outcome, Outcome::Exited);
    }

    #[test]
    fn what_ended_after_the_stop_was_stopped() {
        assert_eq!(of_exit(&exit(143), asked(StopCause::Asked, 99)).outcome, Outcome::Stopped);
        assert_eq!(of_exit(&exit(0), asked(StopCause::Asked, 99)).outcome, Outcome::Stopped);
        assert_eq!(of_exit(&exit(137), asked(StopCause::Disowned, 99)).outcome, Outcome::Stopped);
        let timeout = of_exit(&exit(0), asked(StopCause::MaxRuntime, 99));
        assert_eq!((timeout.outcome, timeout.reason), (Outcome::Exited, Some(Reason::Timeout)));
        assert_eq!(of_exit(&exit(137), asked(StopCause::LeaseOver, 99)).outcome, Outcome::Lost);
        assert_eq!(of_exit(&exit(0), asked(StopCause::LeaseOver, 99)).outcome, Outcome::Exited);
    }

    #[test]
    fn a_reboot_and_a_restart_of_the_daemon_are_no_fault_of_the_job() {
        let rebooted = |secs| Circumstances { rebooted_at: Some(at(secs)), ..Circumstances::default() };
        assert_eq!(of_exit(&exit(255), rebooted(90)).outcome, Outcome::Lost);
        assert_eq!(of_exit(&exit(0), rebooted(101)).outcome, Outcome::Exited);
        let unseen = Circumstances { lost_sight: true, ..Circumstances::default() };
        assert_eq!(of_exit(&exit(137), unseen).outcome, Outcome::Lost);
        assert_eq!(of_exit(&exit(3), unseen).outcome, Outcome::Exited);
        let oom = Exit { oom_killed: true, ..exit(137) };
        assert_eq!(of_exit(&oom, unseen).reason, Some(Reason::Oom));
    }

    fn told(end: End) -> Sum {
        let told = Told { end, at: at(100), program: "nosuch".to_owned(), starved: false };
        Sum { length: 0, begun: true, told: Some(told) }
    }

    #[test]
    fn what_ends_with_its_lease_was_ended_by_it() {
        let over = |secs| Circumstances { lease_over_at: Some(at(secs)), ..Circumstances::default() };
        assert_eq!(of_exit(&exit(137), over(100)).outcome, Outcome::Lost);
        assert_eq!(of_exit(&exit(137), over(101)).outcome, Outcome::Exited);
        assert_eq!(of_exit(&exit(0), over(90)).outcome, Outcome::Exited);
        // The agent slept until after it, and only then wanted to end it.
        let late = Circumstances { lease_over_at: Some(at(100)), ..asked(StopCause::LeaseOver, 130) };
        assert_eq!(of_exit(&exit(137), late).outcome, Outcome::Lost);
        let stopped = Circumstances { lease_over_at: Some(at(100)), ..asked(StopCause::Asked, 90) };
        assert_eq!(of_exit(&exit(137), stopped).outcome, Outcome::Stopped);
    }

    #[test]
    fn the_init_knows_what_docker_does_not() {
        let by = |code, log: &Sum| as_init_says(of_exit(&exit(code), Circumstances::default()), log);
        let draft = by(127, &told(End::NotStarted { errno: 2 }));
        assert_eq!((draft.outcome, draft.reason), (Outcome::NotStarted, Some(Reason::Unstartable)));
        assert_eq!(draft.message, "nosuch: No such file or directory (exit code 127)");
        // A shell that did not find a program was started all right.
        assert_eq!(by(127, &told(End::Exited { code: 127 })).outcome, Outcome::Exited);
        assert_eq!(by(137, &told(End::LeaseOver)).outcome, Outcome::Lost);
        assert_eq!(by(137, &told(End::Signalled { signal: 9, core: false })).outcome, Outcome::Exited);
        let broken = by(125, &Sum::default());
        assert_eq!((broken.outcome, broken.reason), (Outcome::NotStarted, Some(Reason::Infrastructure)));
        assert_eq!(by(125, &Sum { begun: true, ..Sum::default() }).outcome, Outcome::Lost);
        assert_eq!(
            by(125, &told(End::Exited { code: 125 })).outcome,
            Outcome::Exited,
            "the program's own word"
        );
    }

    #[test]
    fn that_memory_ran_short_counts_whoever_says_so() {
        for (docker, init) in [(false, false), (true, false), (false, true)] {
            let mut log = told(End::Signalled { signal: 9, core: false });
            log.told.as_mut().unwrap().starved = init;
            let seen = Exit { oom_killed: docker, ..exit(137) };
            let draft = as_init_says(of_exit(&set_right(seen, &log), Circumstances::default()), &log);
            let expected = if docker || init { Reason::Oom } else { Reason::ExitCode };
            assert_eq!(draft.reason, Some(expected));
        }
    }

    #[test]
    fn a_kill_that_the_init_could_not_speak_of_is_none_of_the_jobs() {
        let begun = Sum { begun: true, ..Sum::default() };
        let by = |exit: &Exit, log: &Sum| as_init_says(of_exit(exit, Circumstances::default()), log);
        for log in [&begun, &Sum::default()] {
            let draft = by(&exit(137), log);
            assert_eq!((draft.outcome, draft.message.as_str()), (Outcome::Lost, KILLED_FROM_OUTSIDE));
        }
        // It killed itself, or said that number.
        let signalled = told(End::Signalled { signal: 9, core: false });
        assert_eq!(by(&exit(137), &signalled).outcome, Outcome::Exited);
        assert_eq!(by(&exit(137), &told(End::Exited { code: 137 })).outcome, Outcome::Exited);
        // The kernel had a cause, and says which.
        let oom = Exit { oom_killed: true, ..exit(137) };
        assert_eq!(by(&oom, &begun).reason, Some(Reason::Oom));
        // So had the agent.
        let asked = of_exit(&exit(137), asked(StopCause::MaxRuntime, 99));
        assert_eq!(as_init_says(asked, &begun).reason, Some(Reason::Timeout));
        // A container that ends by itself, and whose last word is lost with the disk, has ended by itself.
        assert_eq!(by(&exit(3), &begun).outcome, Outcome::Exited);
    }

    #[test]
    fn a_message_is_cut() {
        let result = not_started(Reason::ImagePull, &"ü".repeat(5_000), at(0)).with_log(0);
        assert_eq!(result.message.chars().count(), 2_000);
    }
}
