//! The stop ladder: the signal, the grace, the kill; and the lease, which cuts it short.

use chrono::{DateTime, Utc};
use lilac_api::agent::{Outcome, TaskResult};
use lilac_api::ids::AttemptId;
use lilac_api::quantity::Span;
use lilac_api::spec::Signal;

use super::{Action, Attempt, KILL_AGAIN_MS, Stage, State, Stop, ending};
use crate::clock::{Millis, Moment};
use crate::journal::{StopCause, StopNote};

/// Begins to end an attempt, or hastens an end that has begun.
pub(super) fn begin(
    id: AttemptId,
    attempt: &mut Attempt,
    cause: StopCause,
    now: Moment,
    actions: &mut Vec<Action>,
) {
    let grace_ms = Millis::try_from(attempt.task.stop_grace.0.as_millis()).unwrap_or(Millis::MAX);
    let at_once = grace_ms == 0
        || attempt.task.stop_signal == Signal::SigKill
        || matches!(cause, StopCause::LeaseOver | StopCause::Disowned | StopCause::DiskLimit);
    match &mut attempt.stop {
        Some(stop) if stop.at_once || !at_once => return,
        // The first cause stays: it is what brought the end about.
        Some(stop) => (stop.at_once, stop.kill_at) = (true, now.boot_ms),
        None => {
            let note = StopNote { cause, asked_at: now.wall };
            let kill_at = if at_once { now.boot_ms } else { now.boot_ms.saturating_add(grace_ms) };
            attempt.stop = Some(Stop { note, kill_at, at_once });
            actions.push(Action::NoteStop(id, note));
            actions.push(Action::Report);
        }
    }
    match attempt.stage {
        Stage::Running { .. } => push(id, attempt, now.boot_ms, actions),
        Stage::Creating => actions.push(Action::CancelPull(id)),
        Stage::Waiting { .. } => conclude_unstarted(id, attempt, now, actions),
        // The others learn of it when what is under way has come back.
        _ => {}
    }
}

/// Leaves an attempt that is to end no more than this time, where it has more.
pub(super) fn hasten(attempt: &mut Attempt, within: Option<Span>, now: Moment) {
    let (Some(within), Some(stop)) = (within, &mut attempt.stop) else { return };
    let within_ms = Millis::try_from(within.0.as_millis()).unwrap_or(Millis::MAX);
    stop.kill_at = stop.kill_at.min(now.boot_ms.saturating_add(within_ms));
}

/// Gives a running container that is to end its next push down the ladder.
pub(super) fn push(id: AttemptId, attempt: &mut Attempt, now: Millis, actions: &mut Vec<Action>) {
    let Some(stop) = &mut attempt.stop else { return };
    if stop.at_once || now >= stop.kill_at {
        stop.at_once = true;
        stop.kill_at = now.saturating_add(KILL_AGAIN_MS);
        actions.push(Action::Signal(id, Signal::SigKill));
    } else {
        actions.push(Action::Signal(id, attempt.task.stop_signal));
    }
}

/// A container that runs since `started_at`, with its ends in time.
pub(super) fn running(attempt: &Attempt, started_at: DateTime<Utc>, now: Moment) -> Stage {
    let span_ms = |span: Span| Millis::try_from(span.0.as_millis()).unwrap_or(Millis::MAX);
    let ran_ms = Millis::try_from((now.wall - started_at).num_milliseconds()).unwrap_or(0);
    let left = attempt.max_runtime.map(|max| span_ms(max).saturating_sub(ran_ms));
    let run_until = left.map(|left| now.boot_ms.saturating_add(left));
    let warn = attempt.task.stop_warn.zip(left);
    // Where the time for it is past, it was given by an earlier run of the agent, or there was none.
    let warn_at = warn.and_then(|(warn, left)| left.checked_sub(span_ms(warn.before)));
    Stage::Running { run_until, warn_at: warn_at.map(|wait| now.boot_ms.saturating_add(wait)) }
}

/// The control plane lets an attempt run longer than was known.
pub(super) fn extend(attempt: &mut Attempt, max_runtime: Option<Span>, now: Moment) {
    if max_runtime.is_none() || attempt.max_runtime == max_runtime {
        return;
    }
    attempt.max_runtime = max_runtime;
    if let (Stage::Running { .. }, Some(started_at)) = (&attempt.stage, attempt.started_at) {
        attempt.stage = running(attempt, started_at, now);
    }
}

/// How long the container of an attempt that ended so is kept, if it is.
pub(super) fn kept_until(attempt: &Attempt, result: &TaskResult, now: Moment) -> Option<Millis> {
    let keep = attempt.task.hold_on_failure?;
    let failed =
        result.outcome == Outcome::Exited && (result.reason.is_some() || result.exit_code != Some(0));
    let keep_ms = Millis::try_from(keep.0.as_millis()).unwrap_or(Millis::MAX);
    let gone_by = Millis::try_from((now.wall - result.finished_at).num_milliseconds()).unwrap_or(0);
    let left = keep_ms.saturating_sub(gone_by);
    (failed && left > 0).then(|| now.boot_ms.saturating_add(left))
}

/// Ends an attempt whose container was not started, as far as was seen. Docker may be about to start it.
pub(super) fn conclude_unstarted(
    id: AttemptId,
    attempt: &mut Attempt,
    now: Moment,
    actions: &mut Vec<Action>,
) {
    let may_start = attempt.created && !matches!(attempt.stage, Stage::Creating);
    if may_start && attempt.lease_until > 0 {
        take_lease_back(id, attempt, now, actions);
        return;
    }
    let cause = attempt.stop.map_or(StopCause::LeaseOver, |stop| stop.note.cause);
    attempt.enter(Stage::Concluding, now.boot_ms);
    actions.push(Action::Conclude(id, None, ending::ended_before_start(cause, now.wall)));
}

/// What falls due with time.
pub(super) fn tick(state: &mut State, now: Moment, actions: &mut Vec<Action>) {
    let mut renew = false;
    for (id, attempt) in &mut state.attempts {
        if attempt.wants_lease() && now.boot_ms >= attempt.renew_at {
            renew |= state.halted.is_none();
            // Asked again later should this request be lost; a third of what was left, at the least.
            let left = attempt.lease_until.saturating_sub(now.boot_ms) / 3;
            attempt.renew_at = now.boot_ms.saturating_add(left.max(1_000));
        }
        if let Stage::Kept { until } = attempt.stage
            && now.boot_ms >= until
        {
            attempt.enter(Stage::Dropping, now.boot_ms);
            actions.push(Action::Drop(*id));
        }
        if !attempt.is_live() {
            continue;
        }
        if now.boot_ms >= attempt.lease_until {
            begin(*id, attempt, StopCause::LeaseOver, now, actions);
        }
        match attempt.stage {
            Stage::Running { run_until: Some(end), .. } if attempt.confirmed && now.boot_ms >= end => {
                begin(*id, attempt, StopCause::MaxRuntime, now, actions);
            }
            Stage::Running { run_until, warn_at: Some(warn_at) }
                if attempt.confirmed && attempt.stop.is_none() && now.boot_ms >= warn_at =>
            {
                attempt.stage = Stage::Running { run_until, warn_at: None };
                if let Some(warn) = attempt.task.stop_warn {
                    actions.push(Action::Signal(*id, warn.signal));
                }
            }
            Stage::Unsure { look_at } if state.runtime.ok && now.boot_ms >= look_at => {
                attempt.stage = Stage::Unsure { look_at: now.boot_ms.saturating_add(super::LOOK_AGAIN_MS) };
                actions.push(Action::Look(*id));
            }
            _ => {}
        }
        // A kill is tried even where Docker does not say how the container stands.
        if let (Stage::Running { .. } | Stage::Unsure { .. }, Some(stop)) = (&attempt.stage, &attempt.stop)
            && now.boot_ms >= stop.kill_at
        {
            push(*id, attempt, now.boot_ms, actions);
        }
    }
    if renew {
        actions.push(Action::Renew);
    }
    for (container, orphan) in &mut state.orphans {
        if now.boot_ms >= orphan.reap_at {
            orphan.reap_at = now.boot_ms.saturating_add(KILL_AGAIN_MS);
            actions.push(Action::Reap(container.clone()));
        }
    }
}

/// Docker may be about to start its container, by a call of before that nobody waits for any more: its lease is taken
/// back, and then it is looked at once more. What starts after that ends at once.
pub(super) fn take_lease_back(id: AttemptId, attempt: &mut Attempt, now: Moment, actions: &mut Vec<Action>) {
    attempt.lease_until = 0;
    actions.push(Action::WriteLease(id, 0));
    let look_at = now.boot_ms.saturating_add(super::LOOK_AGAIN_MS);
    attempt.enter(Stage::Unsure { look_at }, now.boot_ms);
    actions.push(Action::Look(id));
}
