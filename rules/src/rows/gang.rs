//! Attempts of several ranks on rows in memory: who is ready, and what one rank's end means for the whole.

use chrono::{DateTime, TimeDelta, Utc};
use lilac_api::AttemptId;
use lilac_api::agent::{Outcome, TaskResult};
use lilac_api::job::{AttemptState, Reason};

use super::{Attempt, Flaw, Locked, Message, Rows, Step};
use crate::gang::{self, After, Rank};

impl Attempt {
    /// Whether the containers of its ranks may be started: all of them can be.
    pub(super) fn may_go(&self, flaw: Option<Flaw>) -> bool {
        let mut ready = self.tasks.iter().map(|task| task.is_ready);
        let is_open = if flaw == Some(Flaw::BarrierOpensEarly) {
            ready.any(|is_ready| is_ready)
        } else {
            ready.all(|is_ready| is_ready)
        };
        self.is_gang() && is_open
    }

    /// Whether little grace is left to its ranks: one of them has failed, or they did not come together.
    pub(super) fn hurries(&self) -> bool {
        self.failed_rank.is_some() || self.is_gang() && self.reason == Some(Reason::Infrastructure)
    }

    /// Whether this rank may be handed out: the others than the first are once it is known where they meet.
    pub(super) fn is_handed_out(&self, rank: usize) -> bool {
        rank == 0 || self.meets || self.state == AttemptState::Stopping
    }

    fn ranks(&self) -> Vec<Rank> {
        let one = |(rank, task): (u16, &super::Task)| Rank {
            rank,
            node: task.node.to_string(),
            end: task.end.clone(),
        };
        (0..).zip(&self.tasks).map(one).collect()
    }
}

impl Rows {
    /// One rank has ended, by the word of its node.
    pub(super) fn finish_rank(&mut self, attempt: Locked, result: &TaskResult, now: DateTime<Utc>) -> bool {
        if !self.note_end(attempt, result) {
            return false;
        }
        if self.has(Flaw::FirstRankConcludes) {
            let ordered = attempt.reason.filter(|_| attempt.state == AttemptState::Stopping);
            return self.conclude(attempt, result, ordered, now);
        }
        self.settle(attempt, now)
    }

    /// One rank is lost: its lease is over, or its node is known to be dead.
    pub(super) fn lose_rank(&mut self, attempt: Locked, now: DateTime<Utc>) -> bool {
        if attempt.state.is_terminal() || !attempt.is_current {
            return false;
        }
        let lost = TaskResult {
            outcome: Outcome::Lost,
            exit_code: None,
            signal: None,
            reason: None,
            message: String::new(),
            finished_at: now,
            log_bytes: 0,
        };
        self.note_end(attempt, &lost) && self.settle(attempt, now)
    }

    /// Stores how the rank of the node ended, and frees the node of it. Said again it changes nothing; but finished
    /// work of a rank that was taken for lost still counts.
    fn note_end(&mut self, locked: Locked, result: &TaskResult) -> bool {
        let Some(attempt) = self.attempts.get_mut(&locked.id) else { return false };
        let Some(task) = locked.node.and_then(|node| attempt.on_mut(node)) else { return false };
        let was_lost = task.end.as_ref().is_some_and(|end| end.outcome == Outcome::Lost);
        let counts_late = locked.state == AttemptState::Lost && gang::ended_well(result) && was_lost;
        if task.released && !counts_late {
            return false;
        }
        (task.end, task.released) = (Some(result.clone()), true);
        self.bells.extend(attempt.tasks.iter().map(|task| task.node));
        true
    }

    /// Does what follows for the attempt, now that one more rank has ended.
    fn settle(&mut self, locked: Locked, now: DateTime<Utc>) -> bool {
        let Some(attempt) = self.attempts.get(&locked.id) else { return false };
        let is_late = locked.state == AttemptState::Lost;
        let is_stopping = locked.state == AttemptState::Stopping;
        let failed = attempt.failed_rank.filter(|_| !is_late);
        let ordered = locked.reason.filter(|_| is_stopping && failed.is_none());
        match gang::after(&attempt.ranks(), failed, ordered.is_some()) {
            After::Wait => true,
            After::StopOthers { .. } | After::Conclude { failed: Some(_), .. } if is_late => true,
            After::StopOthers { failed, .. } if self.has(Flaw::SiblingsGoOn) => {
                self.note_failed(locked.id, Some(failed));
                true
            }
            After::StopOthers { failed, reason, .. } => {
                self.note_failed(locked.id, Some(failed));
                let Some(job) = self.jobs.get(&locked.job_id) else { return false };
                let Some(step) = self.new_step(locked.job_id, job.state) else { return false };
                let attempt = Some((locked.id, AttemptState::Stopping));
                self.step(&Step { attempt, reason: Some(reason), ..step }, now)
            }
            After::Conclude { failed: first, result } => {
                if failed.is_none() && (first.is_some() || is_late) {
                    self.note_failed(locked.id, first);
                }
                self.conclude(locked, &result, ordered, now)
            }
        }
    }

    fn note_failed(&mut self, id: AttemptId, rank: Option<u16>) {
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.failed_rank = rank;
        }
    }

    /// Stores what is new of who is ready and where ranks meet, and rings for those who wait for it.
    pub(super) fn note_gangs(&mut self, message: Message<'_>) {
        for report in message.reports.iter().filter(|report| report.ports.is_some() || report.is_ready) {
            let Some(attempt) = self.attempts.get_mut(&report.attempt_id) else { continue };
            if i64::from(attempt.epoch) != i64::from(report.epoch) {
                continue;
            }
            let (is_gang, first) = (attempt.is_gang(), attempt.tasks.first().map(|task| task.node));
            let Some(task) = attempt.on_mut(message.node).filter(|task| !task.released) else { continue };
            let (says_ports, says_ready) = (report.ports.is_some(), report.is_ready);
            if (task.has_ports || !says_ports) && (task.is_ready || !says_ready) {
                continue;
            }
            task.has_ports |= says_ports;
            task.is_ready |= says_ready;
            let meets = report.ports.as_ref().is_some_and(|ports| ports.rendezvous.is_some());
            attempt.meets |= meets && is_gang && first == Some(message.node);
            self.bells.extend(attempt.tasks.iter().map(|task| task.node));
        }
    }

    /// Gangs whose ranks were not all ready in time are told to stop. Says which were.
    pub fn stop_scattered(&mut self, within: TimeDelta, now: DateTime<Utc>) -> Vec<AttemptId> {
        let gathers = |one: &Attempt| matches!(one.state, AttemptState::Granted | AttemptState::Preparing);
        let is_late = |one: &Attempt| {
            one.is_gang()
                && gathers(one)
                && one.granted_at < now - within
                && one.tasks.iter().any(|task| !task.is_ready)
        };
        let late: Vec<AttemptId> =
            self.attempts.iter().filter(|(_, one)| is_late(one)).map(|(id, _)| *id).collect();
        late.into_iter().filter(|id| self.stop_for(*id, Reason::Infrastructure, now)).collect()
    }
}
