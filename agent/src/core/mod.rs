//! Every decision of the agent, as a function of values: a state and an event give actions.
//!
//! There is no clock, no disk, no network and no Docker in here, so that a test can play a thousand
//! crashes in a second. Time comes with the event; what must be done goes out as [`Action`]s, and what
//! came of them returns as [`Event`]s. Three rules decide everything else:
//!
//! - A container is created only after its intent is on the disk, and started only while its lease lasts.
//! - Nobody but Docker says that a container ended. A Docker that does not answer says nothing.
//! - A result, once reported, never changes.

mod answer;
pub mod ending;
mod step;
mod stop;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use lilac_api::agent::{AttemptReport, Phase, RuntimeHealth, SyncResponse, TakenPorts, TaskResult, TaskSpec};
use lilac_api::ids::AttemptId;
use lilac_api::image::{ImageProblem, PullProgress, TaskImage};
use lilac_api::quantity::Span;
use lilac_api::spec::Signal;

use crate::clock::Millis;
use crate::journal::{Entry, StopNote};
pub use ending::{Draft, Exit};
pub use step::step;

/// How long before a lease's end, by the server's count, the agent has ended its attempt: time for the
/// daemon to kill, and for two clocks to drift apart (see [`lease_deadline`]).
const LEASE_GUARD_MS: Millis = 500;
/// The share of a lease given away to drift between two clocks, as a divisor: 0.5 %.
const LEASE_DRIFT_DIVISOR: Millis = 200;
/// How often a kill is repeated while the container is still there.
const KILL_AGAIN_MS: Millis = 2_000;
/// How soon Docker is asked again how a container stands, after it did not say.
const LOOK_AGAIN_MS: Millis = 1_000;
/// How long a container of this node that nobody accounts for is left alone. In that time the control
/// plane may name it again.
const ORPHAN_GRACE_MS: Millis = 10_000;

/// Until when an attempt may run, given when the request was sent and how long the answer's lease is.
#[must_use]
pub fn lease_deadline(sent_at: Millis, lease_ms: Millis) -> Millis {
    sent_at.saturating_add(lease_ms.saturating_sub(lease_ms / LEASE_DRIFT_DIVISOR + LEASE_GUARD_MS))
}

/// Where one attempt stands on this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Docker has to say how its container stands; asked at the given time at the latest.
    Unsure { look_at: Millis },
    /// The intent is being written.
    Intending,
    /// Not started, and not to be started yet: found after a restart, it waits for the control plane to want it still;
    /// of a gang, its container waits for those of the other ranks.
    Waiting { created: bool },
    /// Docker makes the container, and may pull its image first.
    Creating,
    /// Docker starts the container.
    Starting,
    Running {
        run_until: Option<Millis>,
        /// When it is warned that its time is nearly over, if that was not done yet.
        warn_at: Option<Millis>,
    },
    /// It ended. The rest of its log is read and the result written down.
    Concluding,
    /// The result is on the disk and is reported until it is forgotten.
    Ended(TaskResult),
    /// It failed and is forgotten, but its container is kept for a person to look into.
    Kept { until: Millis },
    /// It is forgotten; container and files go, once log and outputs are handed over.
    Dropping,
}

/// That the container is being ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    pub note: StopNote,
    /// When it is killed, or killed again.
    pub kill_at: Millis,
    /// No grace is left to it.
    pub at_once: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub epoch: u32,
    pub task: Arc<TaskSpec>,
    pub stage: Stage,
    /// When the stage was entered: what Docker said before tells nothing about it.
    pub since: Millis,
    /// How long it may run, as the control plane said last.
    pub max_runtime: Option<Span>,
    /// Until when it may run, see [`lease_deadline`]. The same stands in the lease file: whoever watches over the
    /// container must not end it before the agent takes its lease for over.
    pub lease_until: Millis,
    /// When a new lease is asked for, even though nothing else is to be said.
    pub renew_at: Millis,
    pub stop: Option<Stop>,
    /// When its container started, by the node's clock.
    pub started_at: Option<DateTime<Utc>>,
    /// A container of it was made, once.
    pub created: bool,
    /// The control plane named it to this run of the agent.
    pub confirmed: bool,
    /// When Docker, or the agent, lost sight of it while it ran: only who looked later has seen it again.
    pub lost_sight: Option<Millis>,
    /// It was accepted before the machine was booted.
    pub other_boot: bool,
    /// The control plane has already given it up: drop it as soon as it ended.
    pub forget: bool,
    /// It died while its start was still under way.
    pub died: bool,
    /// One of its GPUs failed while it had it; in words.
    pub gpu_fault: Option<String>,
    /// What is known of its image.
    pub image: TaskImage,
    /// The ports of the node that it took.
    pub ports: Option<TakenPorts>,
    /// All ranks of its gang are ready, as the control plane said.
    pub go: bool,
}

/// Everything that the agent knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub attempts: BTreeMap<AttemptId, Attempt>,
    pub runtime: RuntimeHealth,
    /// Containers of this node that no attempt accounts for, and when they go.
    pub orphans: BTreeMap<String, Orphan>,
    /// Why the agent talks to the control plane no more, if it does not.
    pub halted: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    pub attempt: Option<AttemptId>,
    pub reap_at: Millis,
}

/// One container of this node, as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub container: String,
    pub attempt: Option<AttemptId>,
    pub running: bool,
}

/// How Docker says that a container stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    Missing,
    /// Made, never started.
    Created,
    Running {
        started_at: DateTime<Utc>,
    },
    Exited(Exit),
}

/// Why a container could not be made or started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The image is not on the node; the daemon's words.
    Image(String),
    /// The image could not be pulled; what to do, and the daemon's words.
    Pull(ImageProblem, String),
    /// The daemon refuses; its words.
    Refused(String),
    /// Docker did not answer, or did not say: the container may be there or not.
    Unclear(String),
    /// A container of that name is there already.
    Exists,
    /// The pull was given up because the attempt is to stop.
    Cancelled,
    /// A GPU could not be handed over; in words.
    Gpu(String),
    /// A port of the node could not be had; in words.
    Ports(String),
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// What an earlier run of the agent left, with the deadline of its lease; once, at the start.
    Recovered {
        entries: Vec<(Entry, Millis)>,
        boot_id: uuid::Uuid,
    },
    /// The control plane answered a request that was sent at `sent_at`.
    Answered {
        sent_at: Millis,
        answer: SyncResponse,
    },
    /// The control plane wants nothing more to do with this agent.
    Halted(String),
    IntentSaved(AttemptId),
    IntentFailed(AttemptId, String),
    /// How far the pull of its image is.
    Pulling(AttemptId, PullProgress),
    /// Which image its container was made of: the id, and the digest where it has one.
    ImageKnown {
        attempt: AttemptId,
        id: String,
        digest: Option<String>,
    },
    /// It took ports of the node, now or in an earlier run of the agent.
    PortsTaken(AttemptId, TakenPorts),
    /// It has written more to the disk than it may.
    DiskExceeded(AttemptId),
    Created(AttemptId),
    CreateFailed(AttemptId, Failure),
    Started(AttemptId),
    StartFailed(AttemptId, Failure),
    /// Docker's own event: a container ended.
    Died(AttemptId),
    /// Docker's answer to a look, which was taken at `taken_at`.
    Seen {
        attempt: AttemptId,
        taken_at: Millis,
        sight: Sight,
    },
    /// Docker did not answer a look.
    LookFailed(AttemptId),
    /// The result is on the disk.
    Concluded(AttemptId, TaskResult),
    /// Container and files are gone.
    Dropped(AttemptId),
    /// A container that no attempt accounts for is gone.
    Reaped(String),
    /// Docker answers; all containers of this node, listed at `taken_at`.
    DockerUp {
        version: String,
        taken_at: Millis,
        containers: Vec<Listed>,
    },
    DockerDown(String),
    /// GPUs that failed, by the vendor's id, each in words.
    GpusLost(BTreeMap<String, String>),
    /// Time passed.
    Tick,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    SaveIntent(AttemptId),
    WriteLease(AttemptId, Millis),
    Create(AttemptId, Arc<TaskSpec>),
    /// Give up a pull that is under way.
    CancelPull(AttemptId),
    /// Note that the container was made, and start it.
    Start(AttemptId),
    NoteCreated(AttemptId),
    NoteStop(AttemptId, StopNote),
    /// Read the container's log, if nobody does yet.
    Attach(AttemptId),
    Signal(AttemptId, Signal),
    Look(AttemptId),
    /// Read the log to its end, write down when it started and how it ended, say `Concluded`.
    Conclude(AttemptId, Option<DateTime<Utc>>, Draft),
    /// Hand log and outputs over, remove container and files, say `Dropped`.
    Drop(AttemptId),
    /// Kill and remove a container that no attempt accounts for.
    Reap(String),
    /// Something changed that the control plane should hear at once.
    Report,
    /// Ask for new leases; the answer is wanted at once.
    Renew,
}

impl State {
    /// What goes up with every sync.
    #[must_use]
    pub fn reports(&self) -> Vec<AttemptReport> {
        let known = self.attempts.iter().filter(|(_, attempt)| !attempt.is_forgotten());
        known.map(|(id, attempt)| self.report(*id, attempt)).collect()
    }

    fn report(&self, attempt_id: AttemptId, attempt: &Attempt) -> AttemptReport {
        let (phase, result) = match &attempt.stage {
            Stage::Ended(result) => (Phase::Ended, Some(result.clone())),
            Stage::Unsure { .. } => (Phase::Unknown, None),
            Stage::Running { .. } if !self.runtime.ok => (Phase::Unknown, None),
            Stage::Running { .. } | Stage::Concluding => (Phase::Running, None),
            _ => (Phase::Preparing, None),
        };
        let stopping = attempt.stop.is_some() && matches!(phase, Phase::Preparing | Phase::Running);
        let phase = if stopping { Phase::Stopping } else { phase };
        AttemptReport {
            attempt_id,
            epoch: attempt.epoch,
            phase,
            started_at: attempt.started_at,
            result,
            image: (attempt.image != TaskImage::default()).then(|| attempt.image.clone()),
            is_ready: attempt.stage == (Stage::Waiting { created: true }) && attempt.waits_for_others(),
            ports: attempt.ports.clone(),
        }
    }

    /// Whether any attempt may still have a process.
    #[must_use]
    pub fn has_live(&self) -> bool {
        self.attempts.values().any(Attempt::is_live)
    }

    /// Whether every result is on the disk.
    #[must_use]
    pub fn all_ended(&self) -> bool {
        self.attempts
            .values()
            .all(|attempt| matches!(attempt.stage, Stage::Ended(_)) || attempt.is_forgotten())
    }

    /// When the first of the leases ends that are still wanted.
    #[must_use]
    pub fn first_lease_end(&self) -> Option<Millis> {
        self.attempts
            .values()
            .filter(|attempt| attempt.wants_lease())
            .map(|attempt| attempt.lease_until)
            .min()
    }

    /// When the state wants a [`Event::Tick`] next.
    #[must_use]
    pub fn next_wake(&self) -> Option<Millis> {
        let attempts = self.attempts.values().filter_map(|attempt| attempt.next_wake(self));
        attempts.chain(self.orphans.values().map(|orphan| orphan.reap_at)).min()
    }
}

impl Attempt {
    /// Whether it may have a process, now or soon.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.wants_lease() && self.stage != Stage::Concluding
    }

    /// Whether the control plane wants to hear of it no more.
    fn is_forgotten(&self) -> bool {
        matches!(self.stage, Stage::Kept { .. } | Stage::Dropping)
    }

    /// Whether it still wants leases: the control plane waits for its result.
    fn wants_lease(&self) -> bool {
        !matches!(self.stage, Stage::Ended(_)) && !self.is_forgotten()
    }

    /// Whether it belongs to a gang whose ranks are not all ready, as far as is known.
    fn waits_for_others(&self) -> bool {
        self.task.gang.is_some() && !self.go && self.stop.is_none()
    }

    /// Docker saw it run, at that time. An answer that was overtaken by the news that Docker is gone is older than that.
    fn sight_again(&mut self, taken_at: Millis) {
        self.lost_sight = self.lost_sight.filter(|since| taken_at < *since);
    }

    fn enter(&mut self, stage: Stage, now: Millis) {
        self.stage = stage;
        self.since = now;
    }

    fn next_wake(&self, state: &State) -> Option<Millis> {
        let renew = (self.wants_lease() && state.halted.is_none()).then_some(self.renew_at);
        let no_grace_left = self.stop.is_some_and(|stop| stop.at_once);
        let lease = (self.is_live() && !no_grace_left).then_some(self.lease_until);
        let rest = match (&self.stage, &self.stop) {
            (Stage::Unsure { look_at }, stop) => {
                let look = state.runtime.ok.then_some(*look_at);
                [look, stop.map(|stop| stop.kill_at)].into_iter().flatten().min()
            }
            (Stage::Running { .. }, Some(stop)) => Some(stop.kill_at),
            // An earlier run of the agent may have been told of more time: the control plane says so first.
            (Stage::Running { run_until, warn_at }, None) if self.confirmed => {
                [*run_until, *warn_at].into_iter().flatten().min()
            }
            (Stage::Kept { until }, _) => Some(*until),
            _ => None,
        };
        [renew, lease, rest].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod property_tests;
#[cfg(test)]
pub(crate) mod tests;
