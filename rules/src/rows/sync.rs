//! `sync` on rows in memory: what a message changes, and what its answer is made of.

use chrono::{DateTime, TimeDelta, Utc};
use lilac_api::agent::{AttemptReport, Phase, TaskSpec};
use lilac_api::quantity::Span;
use lilac_api::{AttemptId, JobId, NodeId, SessionId};
use uuid::Uuid;

use super::{Attempt, Flaw, Rows, Step, Task};
use crate::desired::Held;
use crate::report::{progress, says_something};
use crate::session::{self, Greeting, Known, Speaker};
use crate::{gang, lease};

/// What of a message decides.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    pub node: NodeId,
    pub session: SessionId,
    pub sequence: u64,
    pub boot_id: Uuid,
    pub machine_id: &'a str,
    pub reports: &'a [AttemptReport],
}

/// What was settled when a message arrived.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub at: DateTime<Utc>,
    /// Reported as ended, so it may be forgotten.
    pub settled: Vec<AttemptId>,
}

impl Rows {
    /// Takes in what the agent says. An older session, or another machine, is told so.
    pub fn arrive(&mut self, message: Message<'_>, now: DateTime<Utc>) -> Result<Arrival, Greeting> {
        let Some(node) = self.nodes.get(&message.node) else { return Err(Greeting::OtherMachine) };
        let known = Known { session: node.session, boot_id: node.boot_id, machine_id: &node.machine_id };
        let Message { session, sequence, boot_id, machine_id, .. } = message;
        let mut greeting = session::greet(known, Speaker { session, sequence, boot_id, machine_id });
        if greeting == Greeting::Older && self.has(Flaw::NoSessionCheck) {
            greeting = Greeting::Current;
        }
        if matches!(greeting, Greeting::OtherMachine | Greeting::Older) {
            return Err(greeting);
        }
        self.take_reports(message, now);
        if let Greeting::TakesOver { rebooted } = greeting {
            self.take_over(message, rebooted, now);
        }
        if let Some(node) = self.nodes.get_mut(&message.node) {
            (node.last_seen, node.given_up) = (Some(now), false);
        }
        self.renew(message, now);
        self.note_gangs(message);
        let ended = message.reports.iter().filter(|report| report.phase == Phase::Ended);
        Ok(Arrival { at: now, settled: ended.map(|report| report.attempt_id).collect() })
    }

    /// T3, T5, T8.
    fn take_reports(&mut self, message: Message<'_>, now: DateTime<Utc>) {
        for report in message.reports {
            let Some(attempt) = self.attempts.get(&report.attempt_id) else { continue };
            let is_latest_word = i64::from(attempt.epoch) == i64::from(report.epoch);
            if !is_latest_word || !says_something(report.phase, attempt.state) {
                continue;
            }
            let Some(locked) = self.lock(report.attempt_id, Some(message.node)) else { continue };
            if let (Phase::Ended, Some(result)) = (report.phase, &report.result) {
                self.finish(locked, result, now);
            } else if let Some((to, job_to)) = progress(report.phase, locked.state)
                && locked.is_current
                && let Some(step) = self.new_step(locked.job_id, job_to)
            {
                self.step(&Step { attempt: Some((locked.id, to)), ..step }, now);
            }
        }
    }

    /// A new session speaks. What it knows of goes on under it; after a reboot all else is dead.
    fn take_over(&mut self, message: Message<'_>, rebooted: bool, now: DateTime<Utc>) {
        if let Some(node) = self.nodes.get_mut(&message.node) {
            (node.session, node.boot_id) = (Some(message.session), Some(message.boot_id));
        }
        for report in message.reports {
            let attempt = self.attempts.get_mut(&report.attempt_id);
            let task = attempt.and_then(|attempt| attempt.on_mut(message.node));
            if let Some(task) = task.filter(|task| !task.released) {
                task.session = Some(message.session);
            }
        }
        if !rebooted && !self.has(Flaw::TakeOverIsDeath) {
            return;
        }
        let of_another = |task: &Task| task.session.is_some_and(|session| session != message.session);
        let dead =
            |one: &Attempt| one.on(message.node).is_some_and(|task| !task.released && of_another(task));
        let dead: Vec<AttemptId> =
            self.attempts.iter().filter(|(_, one)| dead(one)).map(|(id, _)| *id).collect();
        for id in dead {
            self.lose(id, message.node, now);
        }
    }

    /// T4: what the node's current session runs, or is about to be told of, is renewed by its word.
    fn renew(&mut self, message: Message<'_>, now: DateTime<Utc>) {
        let current = self.nodes.get(&message.node).and_then(|node| node.session);
        let forgets = self.has(Flaw::ForgottenRenewal);
        let any_session = self.has(Flaw::NoSessionCheck);
        for attempt in self.attempts.values_mut() {
            let lease_millis = attempt.lease_millis;
            let Some(task) = attempt.on_mut(message.node).filter(|task| !task.released) else { continue };
            if task.session.is_some() && task.session != current && !any_session {
                continue;
            }
            if let Some(until) = lease::renewed(task.lease_until, lease_millis, now)
                && !forgets
            {
                task.lease_until = until;
            }
        }
    }

    /// What the session may be told of, each noted as told to it. None where another speaks for the node.
    pub fn deliver(
        &mut self,
        node: NodeId,
        session: SessionId,
        now: DateTime<Utc>,
        task: impl Fn(JobId, u16) -> Option<TaskSpec>,
    ) -> Option<Vec<Held>> {
        let any_session = self.has(Flaw::NoSessionCheck);
        if self.nodes.get(&node)?.session != Some(session) && !any_session {
            return None;
        }
        let to_all = any_session || self.has(Flaw::HandedOutTwice);
        let forgets = self.has(Flaw::ForgottenRenewal);
        let hurried = (!self.has(Flaw::GraceKept)).then_some(Span(gang::STOP_WITHIN));
        let mut held = Vec::new();
        for (id, attempt) in &mut self.attempts {
            let (go, hurries) = (attempt.may_go(self.flaw), attempt.hurries());
            let Some(rank) = attempt.tasks.iter().position(|task| task.node == node) else { continue };
            let is_handed_out = attempt.is_handed_out(rank);
            let Some(one) = attempt.tasks.get_mut(rank).filter(|one| is_handed_out && !one.released) else {
                continue;
            };
            let told = *one.session.get_or_insert(session);
            if told != session && !to_all {
                continue;
            }
            let promised = now + TimeDelta::milliseconds(attempt.lease_millis);
            held.push(Held {
                attempt_id: *id,
                epoch: u32::try_from(attempt.epoch).unwrap_or_default(),
                state: attempt.state,
                lease_until: if forgets { promised } else { one.lease_until },
                lease_millis: attempt.lease_millis,
                max_runtime: None,
                go,
                stop_within: hurried.filter(|_| hurries),
                task: task(attempt.job, u16::try_from(rank).unwrap_or_default()),
            });
        }
        Some(held)
    }
}
