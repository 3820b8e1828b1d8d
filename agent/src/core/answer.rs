//! What the control plane says, and what an earlier run of the agent left behind.

use std::collections::BTreeSet;
use std::sync::Arc;

use lilac_api::agent::{DesiredAttempt, SyncResponse};
use lilac_api::ids::AttemptId;
use lilac_api::image::TaskImage;
use uuid::Uuid;

use super::{Action, Attempt, Stage, State, Stop, ending, lease_deadline, stop};
use crate::clock::{Millis, Moment};
use crate::journal::{Entry, StopCause};

/// How far a lease must move to be moved at all, and its file written again; a tenth of a short one.
const LEASE_STEP_MS: Millis = 1_000;

/// How many containers of failed jobs are kept at once; a further one goes at once.
const MAX_KEPT: usize = 32;

/// A sync goes out at the start anyway; how long it is given before leases are asked for once more, at the most: not
/// longer than half of what is left of the lease.
const RENEW_AFTER_START_MS: Millis = 3_000;

/// Takes over the attempts of an earlier run. What Docker makes of them is asked as soon as it answers.
pub(super) fn recovered(state: &mut State, entries: Vec<(Entry, Millis)>, boot_id: Uuid, now: Moment) {
    for (entry, lease_until) in entries {
        let other_boot = entry.intent.boot_id != boot_id;
        // The clock of another boot says nothing about this one.
        let lease_until = if other_boot { 0 } else { lease_until };
        let soon = (lease_until.saturating_sub(now.boot_ms) / 2).max(1_000);
        let grace_ms = Millis::try_from(entry.intent.task.stop_grace.0.as_millis()).unwrap_or(Millis::MAX);
        let stop = entry.stop.map(|note| {
            let gone_by = Millis::try_from((now.wall - note.asked_at).num_milliseconds()).unwrap_or(0);
            let kill_at = now.boot_ms.saturating_add(grace_ms.saturating_sub(gone_by));
            Stop {
                note,
                kill_at,
                at_once: matches!(
                    note.cause,
                    StopCause::LeaseOver | StopCause::Disowned | StopCause::DiskLimit
                ),
            }
        });
        let (started_at, stage) = match entry.exit {
            Some(exit) => (exit.started_at, Stage::Ended(exit.result)),
            None => (None, Stage::Unsure { look_at: now.boot_ms }),
        };
        let attempt = Attempt {
            epoch: entry.intent.epoch,
            max_runtime: entry.intent.task.max_runtime,
            task: Arc::new(entry.intent.task),
            stage,
            since: now.boot_ms,
            lease_until,
            renew_at: now.boot_ms.saturating_add(RENEW_AFTER_START_MS.min(soon)),
            stop,
            started_at,
            created: entry.created,
            confirmed: false,
            // Nobody watched meanwhile: a kill may have been the daemon's own end.
            lost_sight: Some(now.boot_ms),
            other_boot,
            forget: false,
            died: false,
            gpu_fault: None,
            image: TaskImage::default(),
            ports: None,
            go: false,
        };
        state.attempts.insert(entry.intent.attempt_id, attempt);
    }
}

/// Brings the node's attempts to what the control plane wants.
pub(super) fn answered(
    state: &mut State,
    sent_at: Millis,
    answer: SyncResponse,
    now: Moment,
    actions: &mut Vec<Action>,
) {
    let mut named: BTreeSet<AttemptId> = BTreeSet::new();
    for desired in answer.desired {
        named.insert(desired.attempt_id);
        match state.attempts.get_mut(&desired.attempt_id) {
            Some(attempt) => wanted(desired, attempt, sent_at, now, actions),
            None => accept(state, desired, sent_at, now, actions),
        }
    }
    for id in answer.forget {
        named.insert(id);
        let kept = state.attempts.values().filter(|one| matches!(one.stage, Stage::Kept { .. })).count();
        let Some(attempt) = state.attempts.get_mut(&id) else { continue };
        if let Stage::Ended(result) = &attempt.stage {
            match stop::kept_until(attempt, result, now).filter(|_| kept < MAX_KEPT) {
                Some(until) => attempt.enter(Stage::Kept { until }, now.boot_ms),
                None => {
                    attempt.enter(Stage::Dropping, now.boot_ms);
                    actions.push(Action::Drop(id));
                }
            }
        } else if !attempt.is_forgotten() {
            attempt.forget = true;
            stop::begin(id, attempt, StopCause::Disowned, now, actions);
        }
    }
    for (id, attempt) in &mut state.attempts {
        if !named.contains(id) && attempt.is_live() {
            stop::begin(*id, attempt, StopCause::Disowned, now, actions);
        }
    }
}

/// The control plane names an attempt that is here.
fn wanted(
    desired: DesiredAttempt,
    attempt: &mut Attempt,
    sent_at: Millis,
    now: Moment,
    actions: &mut Vec<Action>,
) {
    let id = desired.attempt_id;
    if desired.epoch != attempt.epoch {
        return;
    }
    attempt.confirmed = true;
    extend_lease(id, attempt, sent_at, desired.lease_ms, now.boot_ms, actions);
    stop::extend(attempt, desired.max_runtime, now);
    if desired.stop && attempt.is_live() {
        stop::begin(id, attempt, StopCause::Asked, now, actions);
        stop::hasten(attempt, desired.stop_within, now);
    }
    attempt.go |= desired.go;
    if let Stage::Waiting { created } = attempt.stage {
        launch(id, attempt, created, now, actions);
    }
}

/// Makes or starts the container of an attempt that has none that runs, if it still may; or waits until the control
/// plane wants it still.
pub(super) fn launch(
    id: AttemptId,
    attempt: &mut Attempt,
    created: bool,
    now: Moment,
    actions: &mut Vec<Action>,
) {
    attempt.created |= created;
    let gathers = created && attempt.waits_for_others();
    if attempt.stop.is_some() || now.boot_ms >= attempt.lease_until {
        stop::conclude_unstarted(id, attempt, now, actions);
    } else if !attempt.confirmed || gathers {
        if attempt.stage != (Stage::Waiting { created }) {
            attempt.enter(Stage::Waiting { created }, now.boot_ms);
            actions.extend(gathers.then_some(Action::NoteCreated(id)));
            actions.push(Action::Report);
        }
    } else if created {
        // From here on: what a start says late does not tell that the daemon did not go since.
        attempt.lost_sight = None;
        attempt.enter(Stage::Starting, now.boot_ms);
        actions.push(Action::Start(id));
    } else {
        attempt.enter(Stage::Creating, now.boot_ms);
        actions.push(Action::Create(id, Arc::clone(&attempt.task)));
    }
}

fn extend_lease(
    id: AttemptId,
    attempt: &mut Attempt,
    sent_at: Millis,
    lease_ms: Millis,
    now: Millis,
    actions: &mut Vec<Action>,
) {
    // One that is over is not brought back: its container may have been ended by then, by others.
    if !attempt.wants_lease() || attempt.other_boot || now >= attempt.lease_until {
        return;
    }
    attempt.renew_at = attempt.renew_at.max(sent_at.saturating_add(lease_ms / 2));
    let lease_until = lease_deadline(sent_at, lease_ms);
    if lease_until >= attempt.lease_until.saturating_add(LEASE_STEP_MS.min(lease_ms / 10)) {
        attempt.lease_until = lease_until;
        actions.push(Action::WriteLease(id, lease_until));
    }
}

/// The control plane names an attempt that is not here yet.
fn accept(
    state: &mut State,
    desired: DesiredAttempt,
    sent_at: Millis,
    now: Moment,
    actions: &mut Vec<Action>,
) {
    let id = desired.attempt_id;
    if desired.stop {
        decline(state, &desired, now, actions);
        return;
    }
    // Without a task the control plane took the attempt for known; the next sync sets that right.
    let Some(task) = desired.task else { return };
    let lease_until = lease_deadline(sent_at, desired.lease_ms);
    if now.boot_ms >= lease_until {
        // The answer was waited for longer than its lease lasts, which counts from the question. Nothing is begun: asked
        // anew, the control plane says it again.
        actions.push(Action::Renew);
        return;
    }
    state.orphans.retain(|_, orphan| orphan.attempt != Some(id));
    let attempt = Attempt {
        epoch: desired.epoch,
        max_runtime: desired.max_runtime.or(task.max_runtime),
        task: Arc::new(task),
        stage: Stage::Intending,
        since: now.boot_ms,
        lease_until,
        renew_at: sent_at.saturating_add(desired.lease_ms / 2),
        stop: None,
        started_at: None,
        created: false,
        confirmed: true,
        lost_sight: None,
        other_boot: false,
        forget: false,
        died: false,
        gpu_fault: None,
        image: TaskImage::default(),
        ports: None,
        go: false,
    };
    state.attempts.insert(id, attempt);
    actions.push(Action::WriteLease(id, lease_until));
    actions.push(Action::SaveIntent(id));
}

/// Answers for an attempt that is to be stopped before this node ever heard of it.
fn decline(state: &mut State, desired: &DesiredAttempt, now: Moment, actions: &mut Vec<Action>) {
    let id = desired.attempt_id;
    let leftover = state.orphans.values_mut().find(|orphan| orphan.attempt == Some(id));
    if let Some(orphan) = leftover {
        // Its journal was lost, its container was not: that goes first, and is then spoken for.
        orphan.reap_at = now.boot_ms;
        return;
    }
    if !state.runtime.ok {
        // A container may hide behind a Docker that does not answer.
        return;
    }
    let Some(task) = &desired.task else { return };
    let result = ending::ended_before_start(StopCause::Asked, now.wall).with_log(0);
    let attempt = Attempt {
        epoch: desired.epoch,
        max_runtime: task.max_runtime,
        task: Arc::new(task.clone()),
        stage: Stage::Ended(result),
        since: now.boot_ms,
        lease_until: now.boot_ms,
        renew_at: now.boot_ms,
        stop: None,
        started_at: None,
        created: false,
        confirmed: true,
        lost_sight: None,
        other_boot: false,
        forget: false,
        died: false,
        gpu_fault: None,
        image: TaskImage::default(),
        ports: None,
        go: false,
    };
    state.attempts.insert(id, attempt);
    actions.push(Action::Report);
}
