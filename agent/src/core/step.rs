//! One step: what happened, and what is to be done about it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use lilac_api::agent::RuntimeHealth;
use lilac_api::ids::AttemptId;
use lilac_api::image::{ImageProblem, TaskImage};
use lilac_api::job::Reason;

use super::ending::{self, Circumstances};
use super::{
    Action, Attempt, Draft, Event, Exit, Failure, LOOK_AGAIN_MS, Listed, ORPHAN_GRACE_MS, Orphan, Sight,
    Stage, State, answer, stop,
};
use crate::clock::{Millis, Moment};
use crate::journal::StopCause;

/// Takes in what happened and says what is to be done.
#[must_use]
pub fn step(state: &mut State, event: Event, now: Moment) -> Vec<Action> {
    let mut actions = Vec::new();
    match event {
        Event::Recovered { entries, boot_id } => answer::recovered(state, entries, boot_id, now),
        Event::Answered { sent_at, answer } => answer::answered(state, sent_at, answer, now, &mut actions),
        Event::Halted(why) => {
            state.halted = Some(why);
            // Another agent decides about them now. What runs goes on until its lease ends; nothing more is started.
            for attempt in state.attempts.values_mut() {
                attempt.confirmed = false;
            }
        }
        Event::DockerUp { version, taken_at, containers } => {
            docker_up(state, version, taken_at, &containers, now, &mut actions);
        }
        Event::DockerDown(message) => docker_down(state, &message, now.boot_ms, &mut actions),
        Event::Dropped(id) => {
            state.attempts.remove(&id);
        }
        Event::Reaped(container) => {
            state.orphans.remove(&container);
        }
        Event::GpusLost(lost) => gpus_lost(state, &lost, now, &mut actions),
        Event::Tick => {}
        Event::IntentSaved(id)
        | Event::IntentFailed(id, _)
        | Event::Pulling(id, _)
        | Event::ImageKnown { attempt: id, .. }
        | Event::PortsTaken(id, _)
        | Event::DiskExceeded(id)
        | Event::Created(id)
        | Event::CreateFailed(id, _)
        | Event::Started(id)
        | Event::StartFailed(id, _)
        | Event::Died(id)
        | Event::Seen { attempt: id, .. }
        | Event::LookFailed(id)
        | Event::Concluded(id, _) => {
            if let Some(attempt) = state.attempts.get_mut(&id) {
                attempt_event(id, attempt, event, now, &mut actions);
            }
        }
    }
    // Whatever happened, time went on with it: no decision below outlives its lease.
    stop::tick(state, now, &mut actions);
    actions
}

fn attempt_event(id: AttemptId, attempt: &mut Attempt, event: Event, now: Moment, actions: &mut Vec<Action>) {
    match (event, &attempt.stage) {
        (Event::IntentSaved(_), Stage::Intending) => answer::launch(id, attempt, false, now, actions),
        (Event::IntentFailed(_, words), Stage::Intending) => {
            // No container was made, so nothing needs to be remembered. Should the agent die now, the
            // control plane names the attempt again.
            let words = format!("The node cannot write its journal: {words}");
            let result = ending::not_started(Reason::Infrastructure, &words, now.wall).with_log(0);
            end(id, attempt, result, now.boot_ms, actions);
        }
        (Event::Pulling(_, progress), Stage::Creating) => {
            attempt.image.pull = Some(progress);
            actions.push(Action::Report);
        }
        // Nobody waits for it: it goes up with the next word.
        (Event::ImageKnown { id, digest, .. }, _) => {
            attempt.image = TaskImage { id: Some(id), digest, ..TaskImage::default() };
        }
        (Event::PortsTaken(_, ports), _) => {
            attempt.ports = Some(ports);
            actions.push(Action::Report);
        }
        (Event::DiskExceeded(_), Stage::Running { .. } | Stage::Unsure { .. }) => {
            stop::begin(id, attempt, StopCause::DiskLimit, now, actions);
        }
        (Event::Created(_), Stage::Creating) => {
            attempt.image.pull = None;
            answer::launch(id, attempt, true, now, actions);
        }
        (Event::CreateFailed(_, failure), Stage::Creating)
        | (Event::StartFailed(_, failure), Stage::Starting) => {
            launch_failed(id, attempt, failure, now, actions);
        }
        (Event::Started(_), Stage::Starting) => {
            run(id, attempt, now.wall, now, actions);
            if attempt.died {
                actions.push(Action::Look(id));
            }
        }
        (Event::Died(_), Stage::Starting) => attempt.died = true,
        (Event::Died(_), Stage::Running { .. } | Stage::Unsure { .. }) => actions.push(Action::Look(id)),
        (Event::Seen { taken_at, sight, .. }, Stage::Running { .. } | Stage::Unsure { .. })
            if taken_at >= attempt.since =>
        {
            seen(id, attempt, sight, taken_at, now, actions);
        }
        (Event::LookFailed(_), Stage::Running { .. }) => {
            // Something ended there, perhaps. Asked again until Docker says.
            attempt.lost_sight = Some(now.boot_ms);
            attempt.stage = Stage::Unsure { look_at: now.boot_ms.saturating_add(LOOK_AGAIN_MS) };
        }
        (Event::Concluded(_, result), Stage::Concluding) => end(id, attempt, result, now.boot_ms, actions),
        // Late words about a stage that is past.
        _ => {}
    }
}

fn launch_failed(
    id: AttemptId,
    attempt: &mut Attempt,
    failure: Failure,
    now: Moment,
    actions: &mut Vec<Action>,
) {
    attempt.image.pull = None;
    let (reason, words) = match failure {
        Failure::Unclear(_) => {
            // It may have run since, and ended with the daemon.
            attempt.lost_sight = Some(now.boot_ms);
            let look_at = now.boot_ms.saturating_add(LOOK_AGAIN_MS);
            attempt.enter(Stage::Unsure { look_at }, now.boot_ms);
            return;
        }
        Failure::Exists => {
            // An earlier try of ours made it after all.
            note_created(id, attempt, actions);
            attempt.enter(Stage::Unsure { look_at: now.boot_ms }, now.boot_ms);
            return;
        }
        Failure::Cancelled => {
            stop::conclude_unstarted(id, attempt, now, actions);
            return;
        }
        Failure::Image(words) => {
            attempt.image.problem = Some(ImageProblem::NotOnNode);
            (Reason::ImagePull, words)
        }
        Failure::Pull(problem, words) => {
            attempt.image.problem = Some(problem);
            (Reason::ImagePull, words)
        }
        Failure::Refused(words) => (Reason::Unstartable, words),
        Failure::Gpu(words) => (Reason::GpuLost, words),
        Failure::Ports(words) => (Reason::Infrastructure, words),
    };
    if attempt.stop.is_some() {
        stop::conclude_unstarted(id, attempt, now, actions);
    } else {
        conclude(id, attempt, ending::not_started(reason, &words, now.wall), now.boot_ms, actions);
    }
}

/// From now on the attempt's container must not be made again, even if it is gone one day.
fn note_created(id: AttemptId, attempt: &mut Attempt, actions: &mut Vec<Action>) {
    if !attempt.created {
        attempt.created = true;
        actions.push(Action::NoteCreated(id));
    }
}

/// The container runs: its log is read, and whoever wanted it stopped meanwhile gets their way.
fn run(
    id: AttemptId,
    attempt: &mut Attempt,
    started_at: DateTime<Utc>,
    now: Moment,
    actions: &mut Vec<Action>,
) {
    attempt.enter(stop::running(attempt, started_at, now), now.boot_ms);
    attempt.started_at = Some(started_at);
    note_created(id, attempt, actions);
    actions.push(Action::Attach(id));
    actions.push(Action::Report);
    stop::push(id, attempt, now.boot_ms, actions);
}

/// Docker says how a container stood at that time.
fn seen(
    id: AttemptId,
    attempt: &mut Attempt,
    sight: Sight,
    taken_at: Millis,
    now: Moment,
    actions: &mut Vec<Action>,
) {
    let was_running = matches!(attempt.stage, Stage::Running { .. });
    match sight {
        Sight::Running { .. } if was_running => {
            attempt.sight_again(taken_at);
            actions.push(Action::Attach(id));
        }
        Sight::Running { started_at } => {
            attempt.sight_again(taken_at);
            run(id, attempt, started_at, now, actions);
        }
        Sight::Exited(exit) => {
            attempt.started_at = exit.started_at.or(attempt.started_at);
            let draft = of_exit(attempt, &exit, now);
            conclude(id, attempt, draft, now.boot_ms, actions);
        }
        // One that is there and never started, after it ran: a create that was slow to be carried out made another.
        Sight::Created if attempt.started_at.is_some() => gone(id, attempt, now, actions),
        Sight::Missing if attempt.created || was_running => gone(id, attempt, now, actions),
        _ if attempt.other_boot => {
            let draft = ending::lost("The machine was rebooted before it was started.", now.wall);
            conclude(id, attempt, draft, now.boot_ms, actions);
        }
        sight @ (Sight::Missing | Sight::Created) => {
            answer::launch(id, attempt, sight == Sight::Created, now, actions);
        }
    }
}

/// Somebody removed its container. Where its code was not seen to run, a create and a start that were given up may
/// still be carried out, and run it after all.
fn gone(id: AttemptId, attempt: &mut Attempt, now: Moment, actions: &mut Vec<Action>) {
    if attempt.started_at.is_none() && attempt.lease_until > 0 {
        stop::take_lease_back(id, attempt, now, actions);
        return;
    }
    let draft = ending::lost("Its container is gone: somebody removed it.", now.wall);
    conclude(id, attempt, draft, now.boot_ms, actions);
}

fn of_exit(attempt: &Attempt, exit: &Exit, now: Moment) -> Draft {
    let wall = |boot_ms: Millis| {
        let ago = i64::try_from(now.boot_ms).unwrap_or(0) - i64::try_from(boot_ms).unwrap_or(0);
        now.wall.checked_sub_signed(TimeDelta::try_milliseconds(ago)?)
    };
    let around = Circumstances {
        stop: attempt.stop.map(|stop| stop.note),
        lost_sight: attempt.lost_sight.is_some(),
        rebooted_at: attempt.other_boot.then(|| wall(0).unwrap_or_default()),
        lease_over_at: wall(attempt.lease_until).filter(|_| !attempt.other_boot),
    };
    let draft = ending::of_exit(exit, around);
    match &attempt.gpu_fault {
        Some(words) => ending::because_of_gpu(draft, attempt.stop.map(|stop| stop.note.cause), words),
        None => draft,
    }
}

fn conclude(id: AttemptId, attempt: &mut Attempt, draft: Draft, now: Millis, actions: &mut Vec<Action>) {
    attempt.enter(Stage::Concluding, now);
    actions.push(Action::Conclude(id, attempt.started_at, draft));
}

fn end(
    id: AttemptId,
    attempt: &mut Attempt,
    result: lilac_api::agent::TaskResult,
    now: Millis,
    actions: &mut Vec<Action>,
) {
    actions.push(Action::Report);
    attempt.enter(Stage::Ended(result), now);
    if attempt.forget {
        attempt.enter(Stage::Dropping, now);
        actions.push(Action::Drop(id));
    }
}

fn docker_up(
    state: &mut State,
    version: String,
    taken_at: Millis,
    containers: &[Listed],
    now: Moment,
    actions: &mut Vec<Action>,
) {
    let health = RuntimeHealth { ok: true, version, ..RuntimeHealth::default() };
    if state.runtime != health {
        state.runtime = health;
        actions.push(Action::Report);
    }
    let running: BTreeMap<AttemptId, bool> =
        containers.iter().filter_map(|listed| Some((listed.attempt?, listed.running))).collect();
    for (id, attempt) in &mut state.attempts {
        match attempt.stage {
            Stage::Unsure { .. } => {
                attempt.stage = Stage::Unsure { look_at: now.boot_ms.saturating_add(LOOK_AGAIN_MS) };
                actions.push(Action::Look(*id));
            }
            Stage::Running { .. } if running.get(id) == Some(&true) => {
                attempt.sight_again(taken_at);
                actions.push(Action::Attach(*id));
            }
            Stage::Running { .. } if taken_at >= attempt.since => actions.push(Action::Look(*id)),
            _ => {}
        }
    }
    let known = |listed: &Listed| listed.attempt.is_some_and(|id| state.attempts.contains_key(&id));
    let unknown: BTreeMap<String, Option<AttemptId>> = containers
        .iter()
        .filter(|listed| !known(listed))
        .map(|listed| (listed.container.clone(), listed.attempt))
        .collect();
    state.orphans.retain(|container, _| unknown.contains_key(container));
    for (container, attempt) in unknown {
        let reap_at = now.boot_ms.saturating_add(ORPHAN_GRACE_MS);
        state.orphans.entry(container).or_insert(Orphan { attempt, reap_at });
    }
}

/// Whoever computes on a GPU that failed has nothing to wait for: it is ended, to be tried again elsewhere.
fn gpus_lost(state: &mut State, lost: &BTreeMap<String, String>, now: Moment, actions: &mut Vec<Action>) {
    for (id, attempt) in &mut state.attempts {
        if !attempt.is_live() || attempt.gpu_fault.is_some() {
            continue;
        }
        let Some(gpu) = attempt.task.gpu_uuids.iter().find(|uuid| lost.contains_key(*uuid)) else { continue };
        attempt.gpu_fault = Some(format!("The GPU {gpu} failed: {}.", lost[gpu]));
        stop::begin(*id, attempt, StopCause::GpuLost, now, actions);
    }
}

fn docker_down(state: &mut State, message: &str, now: Millis, actions: &mut Vec<Action>) {
    let message = ending::trim(message);
    if state.runtime.ok || state.runtime.message != message {
        actions.push(Action::Report);
    }
    state.runtime = RuntimeHealth { message, ..RuntimeHealth::default() };
    for attempt in state.attempts.values_mut().filter(|attempt| attempt.is_live()) {
        // What was looked at in this very moment was looked at before.
        attempt.lost_sight = Some(now.saturating_add(1));
    }
}
