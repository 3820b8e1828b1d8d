//! The control plane: its rows with the real rules, a scheduler, a reaper; and the promises, checked whenever
//! something changes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use lilac_api::agent::UNREACHABLE_AFTER_SECS;
use lilac_api::ids::{AttemptId, JobId, NodeId};
use lilac_api::job::{AttemptState, JobState, Reason};
use lilac_rules::lease;
use lilac_rules::rows::{Attempt, Change};
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
    /// How long the code of each of a job's ranks takes, and how it ends.
    pub codes: BTreeMap<JobId, Vec<(Ms, i32)>>,
    /// How containers ended, and on which machine.
    pub ends: BTreeMap<(AttemptId, usize), (i32, End)>,
    /// Gangs of which a rank has failed.
    pub failed_gangs: BTreeSet<AttemptId>,
    pub epochs: BTreeSet<(JobId, i32)>,
    pub cancelled: BTreeSet<JobId>,
}

impl Server {
    pub(super) fn code_of(&self, job: JobId, rank: usize) -> (Ms, i32) {
        self.codes.get(&job).and_then(|codes| codes.get(rank)).copied().unwrap_or((1_000, 0))
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
        let (ranks, now) = (self.server.codes.get(&job).map_or(1, Vec::len), self.db_now());
        let nodes = self.server.nodes.iter().cycle().skip(node).take(ranks);
        let nodes: Vec<NodeId> = nodes.copied().collect();
        if !self.server.is_up || !nodes.iter().all(|node| self.has_room(*node, now)) {
            return;
        }
        let id = AttemptId(if self.has(Bug::EpochRestarts) {
            Uuid::from_u128(job.0.as_u128() << 32 | 1)
        } else {
            self.id()
        });
        if self.rows.grant(job, epoch, id, &nodes, now) {
            say!(self, "scheduler places {job} as {id} with {ranks} ranks, from machine {node} on");
            self.look_at_changes();
        }
    }

    /// Whether the node was heard lately and has room for one more.
    fn has_room(&self, node: NodeId, now: DateTime<Utc>) -> bool {
        let row = &self.rows.nodes[&node];
        let silence = TimeDelta::seconds(i64::try_from(UNREACHABLE_AFTER_SECS).unwrap_or(30));
        let is_ready = !row.given_up && row.last_seen.is_some_and(|seen| seen + silence > now);
        is_ready && self.held_by(node) < ROOM
    }

    fn held_by(&self, node: NodeId) -> usize {
        self.rows.attempts.values().filter(|one| one.is_held_by(node)).count()
    }

    /// Looks for what is expired; it is taken a little later.
    pub(super) fn reap(&mut self) {
        self.after(1_000, Happening::Reap);
        if !self.server.is_up {
            return;
        }
        self.stop_scattered();
        for (attempt, node) in self.rows.expired(self.db_now()) {
            // A mistake about what was read shows where much happens between reading and writing.
            let longest = if self.has(Bug::NoEpochCheck) { 5_000 } else { 50 };
            let soon = self.random.between(0, longest);
            self.after(soon, Happening::Take(attempt, node));
        }
    }

    pub(super) fn take(&mut self, attempt: AttemptId, node: NodeId) {
        // The server looks again in the transaction that takes it.
        let now = self.db_now();
        let reads_again = !self.has(Bug::NoEpochCheck);
        if !self.server.is_up || reads_again && !self.rows.expired(now).contains(&(attempt, node)) {
            return;
        }
        let row = &self.rows.attempts[&attempt];
        let Some(task) = row.on(node) else { return };
        let promised = lease::margin(row.lease_millis) + TimeDelta::milliseconds(REAPED_WITHIN_MS);
        let late = now - task.lease_until - promised;
        let since_up = self.now - self.server.up_since;
        if reads_again && late > TimeDelta::zero() && since_up > late.num_milliseconds() + REAPED_WITHIN_MS {
            self.fail(format!("{attempt} was taken {late} later than promised"));
        }
        if self.rows.reap(attempt, node, now) {
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
        let is_untold =
            |one: &Attempt| one.on(node).is_some_and(|task| !task.released && task.session.is_none());
        self.rows.attempts.iter().filter(|(_, one)| is_untold(one)).map(|(id, _)| *id).collect()
    }

    /// Checks what was just committed against the promises, and rings the bells.
    pub(super) fn look_at_changes(&mut self) {
        if let Some(illegal) = self.rows.illegal.take() {
            self.fail(illegal);
        }
        for change in std::mem::take(&mut self.rows.changes) {
            self.server.unsynced.clear();
            self.check_change(change);
        }
        let bells = std::mem::take(&mut self.rows.bells);
        if bells.is_empty() {
            return;
        }
        self.check_gangs();
        let polls = self.server.held.iter().filter(|held| bells.contains(&held.request.node));
        for poll in polls.map(|held| held.number).collect::<Vec<_>>() {
            let soon = self.random.between(0, 5);
            self.after(soon, Happening::Answer { poll, is_over: false });
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
        for task in &self.rows.attempts[&id].tasks {
            let (node, held) = (task.node, self.held_by(task.node));
            if held > ROOM {
                return self.fail(format!("{node} holds {held} attempts"));
            }
        }
    }

    /// Whether any container of an attempt runs, anywhere.
    fn runs(&self, id: AttemptId) -> bool {
        let containers = self.dockers.iter().flat_map(|docker| docker.containers.values());
        containers.into_iter().any(|container| container.attempt == id && container.is_running())
    }

    fn check_cancelled(&mut self, job: JobId) {
        self.server.cancelled.insert(job);
        if self.running.get(&job).is_some_and(|running| !running.is_empty()) {
            self.fail(format!("{job} is cancelled, and a container of it runs"));
        }
    }

    /// A node that was never out of touch for long, and that nothing befell, loses nothing that ran; unless its agent
    /// died while it ended it, as somebody wished.
    fn check_loss(&mut self, id: AttemptId) {
        let mut machines = self.machines_of(id);
        // Of a gang, that of the rank which was lost first.
        if let Some(failed) = self.rows.attempts[&id].failed_rank {
            machines = machines.into_iter().skip(failed.into()).take(1).collect();
        }
        let is_excused = machines.iter().any(|machine| self.machines[*machine].excuse.is_some());
        let was_started = machines.iter().any(|machine| self.started.contains(&(id, *machine)));
        if was_started && !is_excused && !self.cut_short.contains(&id) {
            self.fail(format!("{id} is lost, and nothing had befallen its node"));
        }
    }

    /// The machines of its ranks, in their order.
    pub(super) fn machines_of(&self, id: AttemptId) -> Vec<usize> {
        let tasks = self.rows.attempts.get(&id).into_iter().flat_map(|one| &one.tasks);
        let machine = |node| self.server.nodes.iter().position(|one| *one == node).unwrap_or_default();
        tasks.map(|task| machine(task.node)).collect()
    }

    /// What is said of an end is what happened.
    fn check_result(&mut self, id: AttemptId, state: AttemptState) {
        let machines = self.machines_of(id);
        let ends: Vec<_> =
            machines.iter().map(|machine| self.server.ends.get(&(id, *machine)).copied()).collect();
        let attempt = &self.rows.attempts[&id];
        let is_true = match (state, attempt.failed_rank.map(usize::from)) {
            (AttemptState::Succeeded, _) => ends.iter().all(|end| *end == Some((0, End::Own))),
            // Its ranks did not come together.
            (_, None) if attempt.is_gang() => attempt.reason == Some(Reason::Infrastructure),
            (_, failed) => self.did_fail(id, machines[failed.unwrap_or_default()]),
        };
        if !is_true {
            self.fail(format!("{id} is {state}, and really: {ends:?}"));
        }
    }

    /// Whether what ran there failed by itself, or could not be started.
    fn did_fail(&self, id: AttemptId, machine: usize) -> bool {
        match self.server.ends.get(&(id, machine)) {
            // Its twin asked it to end: that cannot be told from an end of its own.
            Some((143, End::Killed)) => self.machines[machine].is_copied,
            Some((code, end)) => *code != 0 && *end == End::Own,
            None => !self.started.contains(&(id, machine)),
        }
    }

    /// A container begins to run the user's code.
    pub(super) fn check_start(&mut self, docker: usize, id: AttemptId, job: JobId) {
        let place = (id, self.dockers[docker].machine);
        // The ranks of a gang run beside each other, each on its machine; nothing else does.
        let running = self.running.get(&job).cloned().unwrap_or_default();
        let here = running.iter().filter(|one| **one == place).count();
        if here > 1 || running.iter().any(|(other, _)| *other != id) {
            self.fail(format!("{} containers of {job} run: {running:?}", running.len()));
        }
        if !self.started.insert(place) {
            self.fail(format!("{id} runs a second time"));
        }
        self.check_barrier(id);
        if self.server.cancelled.contains(&job) {
            self.fail(format!("{job} is cancelled, and a container of it starts"));
        }
        let node = self.server.nodes[place.1];
        let is_live =
            self.rows.attempts.get(&id).is_some_and(|one| !one.state.is_terminal() && one.is_held_by(node));
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
