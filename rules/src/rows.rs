//! The server's transactions, on rows in memory.
//!
//! What PostgreSQL decides in the conditions of the server's statements, and what these write, as plain code: of
//! the columns those that decide. The simulator drives agents against this.

mod flaw;
mod gang;
mod sync;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use lilac_api::agent::TaskResult;
use lilac_api::job::{AttemptState, JobState, Reason};
use lilac_api::spec::Retry;
use lilac_api::{AttemptId, JobId, NodeId, SessionId};
use uuid::Uuid;

use crate::loss::{self, Losing};
use crate::order::{self, Cancel};
use crate::verdict::{self, Standing};
use crate::{lease, report, table};
pub use flaw::Flaw;
pub use sync::{Arrival, Message};

#[derive(Clone, Debug)]
pub struct Job {
    pub state: JobState,
    pub epoch: i32,
    pub event_count: i32,
    pub cancel_requested: bool,
    pub attempts_charged: i32,
    pub reason: Option<Reason>,
    /// Not placed before.
    pub not_before: Option<DateTime<Utc>>,
    pub retry: Retry,
    pub lease_millis: i64,
}

/// An attempt with its tasks, by rank.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub job: JobId,
    pub epoch: i32,
    pub state: AttemptState,
    pub reason: Option<Reason>,
    pub lease_millis: i64,
    pub granted_at: DateTime<Utc>,
    /// Of a gang: the rank that failed first.
    pub failed_rank: Option<u16>,
    /// Of a gang: where its ranks meet is known.
    pub meets: bool,
    pub tasks: Vec<Task>,
}

/// One rank of an attempt, each on a node of its own.
#[derive(Clone, Debug)]
pub struct Task {
    pub node: NodeId,
    pub lease_until: DateTime<Utc>,
    /// The session that was told to run it.
    pub session: Option<SessionId>,
    /// The node is free of it.
    pub released: bool,
    /// Its node has said which ports it took.
    pub has_ports: bool,
    /// Of a gang: its container may be started.
    pub is_ready: bool,
    /// Of a gang: how it ended.
    pub end: Option<TaskResult>,
}

impl Task {
    /// One that was just placed.
    #[must_use]
    pub fn new(node: NodeId, lease_until: DateTime<Utc>) -> Self {
        Self {
            node,
            lease_until,
            session: None,
            released: false,
            has_ports: false,
            is_ready: false,
            end: None,
        }
    }
}

impl Attempt {
    #[must_use]
    pub fn is_gang(&self) -> bool {
        self.tasks.len() > 1
    }

    /// The task of a node, if it has one.
    #[must_use]
    pub fn on(&self, node: NodeId) -> Option<&Task> {
        self.tasks.iter().find(|task| task.node == node)
    }

    fn on_mut(&mut self, node: NodeId) -> Option<&mut Task> {
        self.tasks.iter_mut().find(|task| task.node == node)
    }

    /// Whether the node holds a task of it.
    #[must_use]
    pub fn is_held_by(&self, node: NodeId) -> bool {
        self.on(node).is_some_and(|task| !task.released)
    }
}

#[derive(Clone, Debug)]
pub struct Node {
    pub machine_id: String,
    pub session: Option<SessionId>,
    pub boot_id: Option<Uuid>,
    pub last_seen: Option<DateTime<Utc>>,
    /// Its attempts were taken from it, and it was not heard since.
    pub given_up: bool,
}

/// One transition that was carried out.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    pub job: JobId,
    pub from: JobState,
    pub to: JobState,
    pub attempt: Option<(AttemptId, AttemptState, AttemptState)>,
}

/// All rows, and what changed since somebody looked.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub jobs: BTreeMap<JobId, Job>,
    pub attempts: BTreeMap<AttemptId, Attempt>,
    pub nodes: BTreeMap<NodeId, Node>,
    pub changes: Vec<Change>,
    /// Nodes that should hear of something.
    pub bells: BTreeSet<NodeId>,
    /// A transition that must not be, if one was tried.
    pub illegal: Option<String>,
    /// What is wrong with it, where a test wants to see that found.
    pub flaw: Option<Flaw>,
}

struct Step {
    job: JobId,
    epoch: i32,
    from: JobState,
    to: JobState,
    attempt: Option<(AttemptId, AttemptState)>,
    reason: Option<Reason>,
    charge: bool,
    cancel: bool,
    wait: Option<Duration>,
}

/// An attempt as a transaction finds it, with its job locked.
#[derive(Clone, Copy)]
struct Locked {
    id: AttemptId,
    state: AttemptState,
    reason: Option<Reason>,
    /// The node whose word it was locked for.
    node: Option<NodeId>,
    job_id: JobId,
    is_current: bool,
}

impl Rows {
    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// The one statement that changes a job: a compare-and-set that moves the attempt along.
    fn step(&mut self, step: &Step, now: DateTime<Utc>) -> bool {
        let Some(job) = self.jobs.get_mut(&step.job) else { return false };
        if job.epoch != step.epoch || job.state != step.from {
            return false;
        }
        if !table::job_may(step.from, step.to) {
            self.illegal = Some(format!("{}: {} → {}", step.job, step.from, step.to));
            return false;
        }
        job.state = step.to;
        job.reason = step.reason;
        job.event_count += 1;
        job.attempts_charged += i32::from(step.charge);
        job.cancel_requested |= step.cancel;
        job.not_before = step.wait.map(|wait| now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX));
        let mut moved = None;
        if let Some((id, to)) = step.attempt
            && let Some(attempt) = self.attempts.get_mut(&id)
        {
            if !table::attempt_may(attempt.state, to) {
                self.illegal = Some(format!("{id}: {} → {to}", attempt.state));
            }
            moved = Some((id, attempt.state, to));
            attempt.state = to;
            attempt.reason = step.reason;
            for task in &mut attempt.tasks {
                task.released |= to.is_terminal();
                self.bells.insert(task.node);
            }
        }
        self.changes.push(Change { job: step.job, from: step.from, to: step.to, attempt: moved });
        true
    }

    fn new_step(&self, job_id: JobId, to: JobState) -> Option<Step> {
        let job = self.jobs.get(&job_id)?;
        Some(Step {
            job: job_id,
            epoch: job.epoch,
            from: job.state,
            to,
            attempt: None,
            reason: None,
            charge: false,
            cancel: false,
            wait: None,
        })
    }

    /// Locks the job of an attempt; for `node`, of one that is that node's.
    fn lock(&self, id: AttemptId, node: Option<NodeId>) -> Option<Locked> {
        let attempt = self.attempts.get(&id)?;
        if node.is_some_and(|node| attempt.on(node).is_none()) {
            return None;
        }
        let is_current = self.jobs.get(&attempt.job)?.epoch == attempt.epoch;
        let (state, reason, job_id) = (attempt.state, attempt.reason, attempt.job);
        Some(Locked { id, state, reason, node, job_id, is_current })
    }

    /// T2: a job that still is queued in the epoch that was planned gets its attempt, with a rank on each of `nodes`.
    pub fn grant(
        &mut self,
        job_id: JobId,
        epoch: i32,
        id: AttemptId,
        nodes: &[NodeId],
        now: DateTime<Utc>,
    ) -> bool {
        let restarts = self.has(Flaw::EpochRestarts);
        let Some(job) = self.jobs.get_mut(&job_id) else { return false };
        if job.epoch != epoch || job.state != JobState::Queued {
            return false;
        }
        job.state = JobState::Starting;
        job.epoch = if restarts { 1 } else { job.epoch + 1 };
        job.event_count += 1;
        (job.reason, job.not_before) = (None, None);
        let lease_until = now + TimeDelta::milliseconds(job.lease_millis);
        let attempt = Attempt {
            job: job_id,
            epoch: job.epoch,
            state: AttemptState::Granted,
            reason: None,
            lease_millis: job.lease_millis,
            granted_at: now,
            failed_rank: None,
            meets: false,
            tasks: nodes.iter().map(|node| Task::new(*node, lease_until)).collect(),
        };
        self.attempts.insert(id, attempt);
        self.bells.extend(nodes);
        let attempt = Some((id, AttemptState::Granted, AttemptState::Granted));
        self.changes.push(Change { job: job_id, from: JobState::Queued, to: JobState::Starting, attempt });
        true
    }

    /// T5, T6, T8 by the node's word.
    fn finish(&mut self, attempt: Locked, result: &TaskResult, now: DateTime<Utc>) -> bool {
        let Some(job) = self.jobs.get(&attempt.job_id) else { return false };
        let is_current = attempt.is_current || self.has(Flaw::ResultAfterPlacedAgain);
        if !report::may_end(attempt.state, is_current, job.state) {
            return false;
        }
        if self.is_gang(attempt.id) {
            return self.finish_rank(attempt, result, now);
        }
        let ordered = attempt.reason.filter(|_| attempt.state == AttemptState::Stopping);
        self.conclude(attempt, result, ordered, now)
    }

    fn is_gang(&self, id: AttemptId) -> bool {
        self.attempts.get(&id).is_some_and(Attempt::is_gang)
    }

    /// The attempt has ended like this. `ordered` is why it was told to stop, where it was.
    fn conclude(
        &mut self,
        attempt: Locked,
        result: &TaskResult,
        ordered: Option<Reason>,
        now: DateTime<Utc>,
    ) -> bool {
        let Some(job) = self.jobs.get(&attempt.job_id) else { return false };
        let standing = Standing {
            attempt: attempt.state,
            cancel_requested: job.cancel_requested,
            retry: &job.retry,
            charged: u32::try_from(job.attempts_charged).unwrap_or_default(),
            epoch: job.epoch,
            ordered,
            luck: 0.0,
        };
        let Some(verdict) = verdict::judge(standing, result) else { return false };
        if verdict.attempt == AttemptState::Lost {
            return self.lose_whole(attempt, now);
        }
        let Some(step) = self.new_step(attempt.job_id, verdict.job) else { return false };
        let step = Step {
            attempt: Some((attempt.id, verdict.attempt)),
            reason: verdict.reason,
            charge: verdict.charge,
            wait: verdict.wait,
            ..step
        };
        self.step(&step, now)
    }

    /// T7, T8: what a node runs of an attempt is lost, if it still is live and its job's latest. A gang is when all
    /// its ranks are over.
    pub fn lose(&mut self, id: AttemptId, node: NodeId, now: DateTime<Utc>) -> bool {
        let Some(attempt) = self.lock(id, Some(node)) else { return false };
        if self.is_gang(id) && !self.has(Flaw::RankLossIsAll) {
            self.lose_rank(attempt, now)
        } else {
            self.lose_whole(attempt, now)
        }
    }

    fn lose_whole(&mut self, attempt: Locked, now: DateTime<Utc>) -> bool {
        let Some(job) = self.jobs.get(&attempt.job_id) else { return false };
        let losing = Losing {
            attempt: attempt.state,
            is_current: attempt.is_current,
            cancel_requested: job.cancel_requested,
            epoch: job.epoch,
        };
        let by_job = self.has(Flaw::NoEpochCheck) && !job.state.is_terminal() && attempt.state.is_terminal();
        if by_job && matches!(job.state, JobState::Starting | JobState::Running) {
            // Decides about the job by what was read of an attempt that is not its latest any more.
            let Some(step) = self.new_step(attempt.job_id, JobState::Queued) else { return false };
            return self.step(&step, now);
        }
        if !losing.may_be_lost() {
            return false;
        }
        let (to, reason) = loss::after(losing, self.nodes_lost_on(attempt));
        let Some(step) = self.new_step(attempt.job_id, to) else { return false };
        let step = Step { attempt: Some((attempt.id, AttemptState::Lost)), reason: Some(reason), ..step };
        self.step(&step, now)
    }

    /// On how many different nodes the job was lost. Of a gang the one counts whose rank ended it.
    fn nodes_lost_on(&self, losing: Locked) -> i64 {
        let of_job = self.attempts.iter().filter(|(_, one)| one.job == losing.job_id);
        let lost = of_job.filter(|(id, one)| one.state == AttemptState::Lost || **id == losing.id);
        let nodes: BTreeSet<NodeId> = lost
            .flat_map(|(_, one)| {
                let failed = one.failed_rank.map(usize::from);
                let counts = move |rank: usize| failed.is_none_or(|failed| failed == rank);
                one.tasks.iter().enumerate().filter(move |(rank, _)| counts(*rank))
            })
            .map(|(_, task)| task.node)
            .collect();
        i64::try_from(nodes.len()).unwrap_or(i64::MAX)
    }

    /// T7: whose lease and margin have passed, and on which node.
    #[must_use]
    pub fn expired(&self, now: DateTime<Utc>) -> Vec<(AttemptId, NodeId)> {
        let is_expired = |one: &Attempt, task: &Task| match self.flaw {
            Some(Flaw::NoMargin) => task.lease_until < now,
            Some(Flaw::SilenceIsDeath) => self.nodes.get(&task.node).is_some_and(|node| {
                node.last_seen.is_none_or(|seen| seen + TimeDelta::milliseconds(one.lease_millis / 4) < now)
            }),
            _ => lease::is_expired(task.lease_until, one.lease_millis, now),
        };
        let mut expired = Vec::new();
        for (id, one) in &self.attempts {
            let over = one.tasks.iter().filter(|task| !task.released && is_expired(one, task));
            expired.extend(over.map(|task| (*id, task.node)));
        }
        expired
    }

    /// The reaper takes what it found expired.
    pub fn reap(&mut self, id: AttemptId, node: NodeId, now: DateTime<Utc>) -> bool {
        if let Some(node) = self.nodes.get_mut(&node) {
            node.given_up = true;
        }
        self.lose(id, node, now)
    }

    /// T8: all that a node runs is lost at once, by a person's word that it is dead.
    pub fn lose_node(&mut self, node: NodeId, now: DateTime<Utc>) {
        let held = self.attempts.iter().filter(|(_, one)| one.is_held_by(node));
        for id in held.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.lose(id, node, now);
        }
    }

    /// T9. Says whether it was obeyed.
    pub fn cancel(&mut self, job_id: JobId, now: DateTime<Utc>) -> bool {
        let Some(job) = self.jobs.get(&job_id) else { return false };
        let mut order = order::cancel(job.state, job.cancel_requested);
        let (state, epoch) = (job.state, job.epoch);
        let live = self.attempts.iter().find(|(_, one)| one.job == job_id && one.epoch == epoch);
        let live = live.filter(|(_, one)| !one.state.is_terminal()).map(|(id, _)| *id);
        let mut ends_as = None;
        if order == Cancel::Stop && self.has(Flaw::CancelAtOnce) {
            (order, ends_as) = (Cancel::AtOnce, live.map(|id| (id, AttemptState::Cancelled)));
        }
        let to = if order == Cancel::AtOnce { JobState::Cancelled } else { state };
        let Some(step) = self.new_step(job_id, to) else { return false };
        let attempt = match order {
            Cancel::TooLate | Cancel::Again => return false,
            Cancel::AtOnce => ends_as,
            Cancel::Stop => live.map(|id| (id, AttemptState::Stopping)),
        };
        self.step(&Step { attempt, reason: Some(Reason::Cancelled), cancel: true, ..step }, now)
    }

    /// T12.
    pub fn hold(&mut self, job_id: JobId, now: DateTime<Utc>) -> bool {
        let Some(step) = self.new_step(job_id, JobState::Held) else { return false };
        order::may_hold(step.from) && self.step(&Step { reason: Some(Reason::Held), ..step }, now)
    }

    /// T13.
    pub fn release(&mut self, job_id: JobId, now: DateTime<Utc>) -> bool {
        let Some(step) = self.new_step(job_id, JobState::Queued) else { return false };
        order::may_release(step.from) && self.step(&step, now)
    }

    /// T10: a place is taken back.
    pub fn preempt(&mut self, id: AttemptId, now: DateTime<Utc>) -> bool {
        self.stop_for(id, Reason::Preempted, now)
    }

    /// A live attempt is told to stop, if it was not yet.
    fn stop_for(&mut self, id: AttemptId, reason: Reason, now: DateTime<Utc>) -> bool {
        let Some(attempt) = self.lock(id, None) else { return false };
        if !order::may_stop(attempt.state, attempt.is_current) {
            return false;
        }
        let Some(job) = self.jobs.get(&attempt.job_id) else { return false };
        let Some(step) = self.new_step(attempt.job_id, job.state) else { return false };
        let attempt = Some((id, AttemptState::Stopping));
        self.step(&Step { attempt, reason: Some(reason), ..step }, now)
    }
}
