//! The server's transactions, on rows in memory.
//!
//! What PostgreSQL decides in the conditions of the server's statements, and what these write, as plain code. It
//! knows a job with one task only, and of the columns those that decide. The simulator drives agents against
//! this.

mod flaw;
mod sync;

use std::collections::BTreeMap;
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

/// An attempt with its one task.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub job: JobId,
    pub epoch: i32,
    pub state: AttemptState,
    pub reason: Option<Reason>,
    pub node: NodeId,
    pub lease_millis: i64,
    pub lease_until: DateTime<Utc>,
    /// The session that was told to run it.
    pub session: Option<SessionId>,
    /// The node is free of it.
    pub released: bool,
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
            attempt.released |= to.is_terminal();
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

    fn lock(&self, id: AttemptId) -> Option<Locked> {
        let attempt = self.attempts.get(&id)?;
        let is_current = self.jobs.get(&attempt.job)?.epoch == attempt.epoch;
        let (state, reason, job_id) = (attempt.state, attempt.reason, attempt.job);
        Some(Locked { id, state, reason, job_id, is_current })
    }

    /// T2: a job that still is queued in the epoch that was planned gets its attempt.
    pub fn grant(
        &mut self,
        job_id: JobId,
        epoch: i32,
        id: AttemptId,
        node: NodeId,
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
        let attempt = Attempt {
            job: job_id,
            epoch: job.epoch,
            state: AttemptState::Granted,
            reason: None,
            node,
            lease_millis: job.lease_millis,
            lease_until: now + TimeDelta::milliseconds(job.lease_millis),
            session: None,
            released: false,
        };
        self.attempts.insert(id, attempt);
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
        let standing = Standing {
            attempt: attempt.state,
            cancel_requested: job.cancel_requested,
            retry: &job.retry,
            charged: u32::try_from(job.attempts_charged).unwrap_or_default(),
            epoch: job.epoch,
            ordered: attempt.reason.filter(|_| attempt.state == AttemptState::Stopping),
            luck: 0.0,
        };
        let Some(verdict) = verdict::judge(standing, result) else { return false };
        if verdict.attempt == AttemptState::Lost {
            return self.lose(attempt.id, now);
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

    /// T7, T8: an attempt is lost, if it still is live and its job's latest.
    pub fn lose(&mut self, id: AttemptId, now: DateTime<Utc>) -> bool {
        let Some(attempt) = self.lock(id) else { return false };
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
        let step = Step { attempt: Some((id, AttemptState::Lost)), reason: Some(reason), ..step };
        self.step(&step, now)
    }

    fn nodes_lost_on(&self, losing: Locked) -> i64 {
        let of_job = self.attempts.iter().filter(|(_, one)| one.job == losing.job_id);
        let lost = of_job.filter(|(id, one)| one.state == AttemptState::Lost || **id == losing.id);
        let mut nodes: Vec<NodeId> = lost.map(|(_, one)| one.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        i64::try_from(nodes.len()).unwrap_or(i64::MAX)
    }

    /// T7: whose lease and margin have passed.
    #[must_use]
    pub fn expired(&self, now: DateTime<Utc>) -> Vec<AttemptId> {
        let is_expired = |one: &Attempt| match self.flaw {
            Some(Flaw::NoMargin) => one.lease_until < now,
            Some(Flaw::SilenceIsDeath) => self.nodes.get(&one.node).is_some_and(|node| {
                node.last_seen.is_none_or(|seen| seen + TimeDelta::milliseconds(one.lease_millis / 4) < now)
            }),
            _ => lease::is_expired(one.lease_until, one.lease_millis, now),
        };
        let held = self.attempts.iter().filter(|(_, one)| !one.released);
        held.filter(|(_, one)| is_expired(one)).map(|(id, _)| *id).collect()
    }

    /// The reaper takes an attempt that it found expired.
    pub fn reap(&mut self, id: AttemptId, now: DateTime<Utc>) -> bool {
        let node = self.attempts.get(&id).map(|attempt| attempt.node);
        if let Some(node) = node.and_then(|node| self.nodes.get_mut(&node)) {
            node.given_up = true;
        }
        self.lose(id, now)
    }

    /// T8: all that a node runs is lost at once, by a person's word that it is dead.
    pub fn lose_node(&mut self, node: NodeId, now: DateTime<Utc>) {
        let held = self.attempts.iter().filter(|(_, one)| one.node == node && !one.released);
        for id in held.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.lose(id, now);
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
        let Some(attempt) = self.lock(id) else { return false };
        if !order::may_stop(attempt.state, attempt.is_current) {
            return false;
        }
        let Some(job) = self.jobs.get(&attempt.job_id) else { return false };
        let Some(step) = self.new_step(attempt.job_id, job.state) else { return false };
        let attempt = Some((id, AttemptState::Stopping));
        self.step(&Step { attempt, reason: Some(Reason::Preempted), ..step }, now)
    }
}
