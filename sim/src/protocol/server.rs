//! The control plane: its rows with the real rules, a scheduler, a reaper; and the promises, checked whenever
//! something changes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use lilac_api::agent::UNREACHABLE_AFTER_SECS;
use lilac_api::ids::{AttemptId, JobId, NodeId};
use lilac_api::job::{AttemptState, JobState};
use lilac_rules::lease;
use lilac_rules::rows::Change;
use uuid::Uuid;

use super::bug::Bug;
use super::machine::{self, End, Ms, Standing};
use super::wire::Poll;
use super::world::{Happening, World, say};

/// How many attempts one node takes.
pub(super) const ROOM: usize = 2;
/// How much later than its lease and margin an attempt may be taken.
const REAPED_WITHIN_MS: i64 = 2_000;

#[derive(Debug, Default)]
pub(super) struct Server {
    pub is_up: bool,
    pub up_since: Ms,
    /// Drift of the database's clock.
    pub ppm: i64,
    /// Of each machine.
    pub nodes: Vec<NodeId>,
    pub machine_ids: Vec<String>,
    /// When each machine was heard last.
    pub heard: BTreeMap<usize, Ms>,
    pub polls: u64,
    pub held: Vec<Poll>,
    /// Notes of who was told that a crash of the database takes along.
    pub unsynced: Vec<AttemptId>,
    /// How long each job's code takes, and how it ends.
    pub codes: BTreeMap<JobId, (Ms, i32)>,
    /// How containers ended.
    pub ends: BTreeMap<AttemptId, (i32, End)>,
    pub epochs: BTreeSet<(JobId, i32)>,
    pub cancelled: BTreeSet<JobId>,
}

impl Server {
    pub(super) fn code_of(&self, job: JobId) -> (Ms, i32) {
        self.codes.get(&job).copied().unwrap_or((1_000, 0))
    }
}

impl World {
    pub(super) fn db_now(&self) -> DateTime<Utc> {
        machine::wall(self.now, self.server.ppm, 0)
    }

    /// Plans what may be placed; it is placed a little later, by rows that may have changed.
    pub(super) fn plan(&mut self) {
        let soon = self.random.between(100, 600);
        self.after(soon, Happening::Plan);
        if !self.server.is_up {
            return;
        }
        let now = self.db_now();
        let ready = self.rows.jobs.iter().filter(|(_, job)| job.state == JobState::Queued);
        let ready = ready.filter(|(_, job)| job.not_before.is_none_or(|at| at <= now));
        let ready: Vec<(JobId, i32)> = ready.map(|(id, job)| (*id, job.epoch)).collect();
        for (job, epoch) in ready {
            let node = self.random.index(self.server.nodes.len());
            let soon = self.random.between(0, 60);
            self.after(soon, Happening::Place { job, epoch, node });
        }
    }

    pub(super) fn place(&mut self, job: JobId, epoch: i32, node: usize) {
        let (node_id, now) = (self.server.nodes[node], self.db_now());
        let row = &self.rows.nodes[&node_id];
        let silence = TimeDelta::seconds(i64::try_from(UNREACHABLE_AFTER_SECS).unwrap_or(30));
        let is_ready = !row.given_up && row.last_seen.is_some_and(|seen| seen + silence > now);
        let held = self.rows.attempts.values().filter(|one| one.node == node_id && !one.released).count();
        if !self.server.is_up || !is_ready || held >= ROOM {
            return;
        }
        let id = AttemptId(if self.has(Bug::EpochRestarts) {
            Uuid::from_u128(job.0.as_u128() << 32 | 1)
        } else {
            self.id()
        });
        if self.rows.grant(job, epoch, id, node_id, now) {
            say!(self, "scheduler places {job} as {id} on machine {node}");
            self.look_at_changes();
        }
    }

    /// Looks for what is expired; it is taken a little later.
    pub(super) fn reap(&mut self) {
        self.after(1_000, Happening::Reap);
        if !self.server.is_up {
            return;
        }
        for attempt in self.rows.expired(self.db_now()) {
            // A mistake about what was read shows where much happens between reading and writing.
            let longest = if self.has(Bug::NoEpochCheck) { 5_000 } else { 50 };
            let soon = self.random.between(0, longest);
            self.after(soon, Happening::Take(attempt));
        }
    }

    pub(super) fn take(&mut self, attempt: AttemptId) {
        // The server looks again in the transaction that takes it.
        let now = self.db_now();
        let reads_again = !self.has(Bug::NoEpochCheck);
        if !self.server.is_up || reads_again && !self.rows.expired(now).contains(&attempt) {
            return;
        }
        let row = &self.rows.attempts[&attempt];
        let promised = lease::margin(row.lease_millis) + TimeDelta::milliseconds(REAPED_WITHIN_MS);
        let late = now - row.lease_until - promised;
        let since_up = self.now - self.server.up_since;
        if reads_again && late > TimeDelta::zero() && since_up > late.num_milliseconds() + REAPED_WITHIN_MS {
            self.fail(format!("{attempt} was taken {late} later than promised"));
        }
        if self.rows.reap(attempt, now) {
            say!(self, "reaper takes {attempt}");
        }
        self.look_at_changes();
    }

    pub(super) fn release_held(&mut self) {
        self.after(5_000, Happening::Release);
        let held = self.rows.jobs.iter().filter(|(_, job)| job.state == JobState::Held);
        for job in held.map(|(id, _)| *id).collect::<Vec<_>>() {
            let now = self.db_now();
            self.rows.release(job, now);
        }
        self.look_at_changes();
    }

    /// What the node holds and nobody was told of.
    pub(super) fn undelivered(&self, node: NodeId) -> Vec<AttemptId> {
        let held = self.rows.attempts.iter().filter(|(_, one)| one.node == node && !one.released);
        held.filter(|(_, one)| one.session.is_none()).map(|(id, _)| *id).collect()
    }

    /// Checks what was just committed against the promises, and rings the bells.
    pub(super) fn look_at_changes(&mut self) {
        if let Some(illegal) = self.rows.illegal.take() {
            self.fail(illegal);
        }
        for change in std::mem::take(&mut self.rows.changes) {
            self.server.unsynced.clear();
            self.check_change(change);
            let node = change.attempt.and_then(|(id, ..)| self.rows.attempts.get(&id)).map(|one| one.node);
            let polls = self.server.held.iter().filter(|held| Some(held.request.node) == node);
            for poll in polls.map(|held| held.number).collect::<Vec<_>>() {
                let soon = self.random.between(0, 5);
                self.after(soon, Happening::Answer { poll, is_over: false });
            }
        }
    }

    fn check_change(&mut self, change: Change) {
        let Change { job, from, to, attempt } = change;
        say!(self, "server: {job} {from} → {to} {attempt:?}");
        if from.is_terminal() {
            self.fail(format!("{job} went from {from} to {to}"));
        }
        if to == JobState::Starting && from == JobState::Queued {
            let epoch = self.rows.jobs[&job].epoch;
            if !self.server.epochs.insert((job, epoch)) || self.server.epochs.contains(&(job, epoch + 1)) {
                self.fail(format!("{job} had an attempt {epoch} already"));
            }
        }
        let Some((id, before, after)) = attempt else {
            if to == JobState::Cancelled {
                self.check_cancelled(job);
            }
            if matches!(from, JobState::Starting | JobState::Running) && to == JobState::Queued {
                self.fail(format!("{job} is queued, and its attempt is not ended"));
            }
            return;
        };
        if after.is_terminal() && !before.is_terminal() && self.runs(id) {
            self.fail(format!("{id} is {after}, and its container runs"));
        }
        match after {
            AttemptState::Lost => self.check_loss(id),
            AttemptState::Succeeded | AttemptState::Failed => self.check_result(id, after),
            _ => {}
        }
        if to == JobState::Cancelled {
            self.check_cancelled(job);
        }
        let node = self.rows.attempts[&id].node;
        let held = self.rows.attempts.values().filter(|one| one.node == node && !one.released).count();
        if held > ROOM {
            self.fail(format!("{node} holds {held} attempts"));
        }
    }

    /// Whether any container of an attempt runs, anywhere.
    fn runs(&self, id: AttemptId) -> bool {
        let containers = self.dockers.iter().flat_map(|docker| docker.containers.values());
        containers.into_iter().any(|container| container.attempt == id && container.is_running())
    }

    fn check_cancelled(&mut self, job: JobId) {
        self.server.cancelled.insert(job);
        if self.running.get(&job).copied().unwrap_or_default() > 0 {
            self.fail(format!("{job} is cancelled, and a container of it runs"));
        }
    }

    /// A node that was never out of touch for long, and that nothing befell, loses nothing that ran; unless its agent
    /// died while it ended it, as somebody wished.
    fn check_loss(&mut self, id: AttemptId) {
        let machine = self.machine_of(id);
        let may_be_lost = self.machines[machine].excuse.is_some() || self.cut_short.contains(&id);
        if self.started.contains(&id) && !may_be_lost {
            self.fail(format!("{id} is lost, and nothing had befallen its node"));
        }
    }

    fn machine_of(&self, id: AttemptId) -> usize {
        let node = self.rows.attempts[&id].node;
        self.server.nodes.iter().position(|one| *one == node).unwrap_or_default()
    }

    /// What is said of an end is what happened.
    fn check_result(&mut self, id: AttemptId, state: AttemptState) {
        let end = self.server.ends.get(&id).copied();
        let machine = self.machine_of(id);
        if self.machines[machine].is_copied && end.is_some_and(|(_, end)| end == End::Killed) {
            // Its twin killed it when it found itself fenced: nobody can tell that from a person's kill.
            return;
        }
        let is_true = match (state, end) {
            (AttemptState::Succeeded, end) => end == Some((0, End::Own)),
            (_, Some((code, end))) => code != 0 && end == End::Own,
            // It could not be started.
            (_, None) => !self.started.contains(&id),
        };
        if !is_true {
            self.fail(format!("{id} is {state}, and really: {end:?}"));
        }
    }

    /// A container begins to run the user's code.
    pub(super) fn check_start(&mut self, docker: usize, id: AttemptId, job: JobId) {
        let running = self.running.get(&job).copied().unwrap_or_default();
        if running > 1 {
            self.fail(format!("{running} containers of {job} run"));
        }
        if !self.started.insert(id) {
            self.fail(format!("{id} runs a second time"));
        }
        if self.server.cancelled.contains(&job) {
            self.fail(format!("{job} is cancelled, and a container of it starts"));
        }
        let is_live = self.rows.attempts.get(&id).is_some_and(|one| !one.state.is_terminal());
        if !is_live {
            self.fail(format!("{id} is over, and its container starts on docker {docker}"));
        }
    }

    /// Whether nothing is left to happen.
    pub(super) fn is_over(&self) -> bool {
        self.is_calm
            && self.rows.jobs.values().all(|job| job.state.is_terminal())
            && self.agents.iter().all(|agent| agent.is_gone || agent.state.attempts.is_empty())
            && self
                .disks
                .iter()
                .zip(&self.agents)
                .all(|(disk, agent)| agent.is_gone || disk.journal.is_empty())
            && self.dockers[..self.machines.len()].iter().all(|docker| docker.containers.is_empty())
    }

    /// What is left once all should be over, in words.
    pub(super) fn rest(&self) -> String {
        let jobs = self.rows.jobs.iter().filter(|(_, job)| !job.state.is_terminal());
        let jobs: Vec<String> = jobs.map(|(id, job)| format!("{id} {}", job.state)).collect();
        let attempts: Vec<_> = self.agents.iter().flat_map(|agent| agent.state.attempts.keys()).collect();
        let containers = self.dockers.iter().flat_map(|docker| docker.containers.values());
        let containers: Vec<(AttemptId, &Standing)> =
            containers.map(|container| (container.attempt, &container.standing)).collect();
        format!("jobs {jobs:?}, attempts of agents {attempts:?}, containers {containers:?}")
    }
}
