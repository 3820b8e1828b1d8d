//! Where attempts and their jobs can stand, who speaks, and what may be said.

use chrono::{DateTime, TimeDelta, Utc};
use lilac_api::agent::{AttemptReport, Outcome, Phase, TaskResult};
use lilac_api::job::{AttemptState, JobState, Reason};
use lilac_api::spec::Retry;
use lilac_api::{AttemptId, JobId, SessionId};
use lilac_rules::rows::{Attempt, Job, Rows, Task};
use uuid::Uuid;

use super::bed::{Bed, LEASE_MILLIS, MACHINE};
use crate::protocol::result;

/// Where an attempt and its job stand.
#[derive(Clone, Debug)]
pub struct Situation {
    pub job: JobState,
    pub attempt: AttemptState,
    /// Why it was told to stop, or how it ended.
    pub reason: Option<Reason>,
    pub cancel_requested: bool,
    /// A later attempt, on another node, is the job's latest.
    pub is_older: bool,
    /// It was lost on two other nodes before.
    pub was_lost: bool,
    pub max_attempts: u32,
    /// The session that was told of it: none, the one that speaks, another.
    pub session: Told,
    /// When its lease ends.
    pub lease_left: TimeDelta,
    /// Of a job on two nodes.
    pub gang: Option<Ranks>,
}

/// How the two ranks of an attempt stand: that of the node which speaks, and another.
#[derive(Clone, Debug, Default)]
pub struct Ranks {
    /// The number of the rank that speaks.
    pub own: u16,
    /// How the two ended, and which of them may be started: that which speaks first.
    pub ends: [Option<TaskResult>; 2],
    pub ready: [bool; 2],
    /// Which failed first, by its number.
    pub failed: Option<u16>,
    /// It is known where they meet.
    pub meets: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Nobody,
    Speaker,
    Another,
}

impl Situation {
    pub fn rows(&self, bed: &Bed, now: DateTime<Utc>) -> (Job, Vec<(AttemptId, Attempt)>, AttemptId) {
        let (job_id, id) = (JobId::new(), AttemptId::new());
        let epoch = if self.was_lost { 3 } else { 1 };
        let attempt = Attempt {
            job: job_id,
            epoch,
            state: self.attempt,
            reason: self.reason,
            lease_millis: LEASE_MILLIS,
            granted_at: now - TimeDelta::seconds(60),
            failed_rank: self.gang.as_ref().and_then(|ranks| ranks.failed),
            meets: self.gang.as_ref().is_some_and(|ranks| ranks.meets),
            tasks: self.tasks(bed, now),
        };
        let elsewhere = |epoch, state, node| {
            let session = Some(SessionId(Uuid::from_u128(2)));
            let released = AttemptState::is_terminal(state);
            let tasks = vec![Task { session, released, ..Task::new(node, now + self.lease_left) }];
            let one = Attempt { epoch, state, tasks, reason: None, failed_rank: None, ..attempt.clone() };
            (AttemptId::new(), one)
        };
        let mut attempts = vec![(id, attempt.clone())];
        if self.was_lost {
            attempts.push(elsewhere(1, AttemptState::Lost, bed.others[0]));
            attempts.push(elsewhere(2, AttemptState::Lost, bed.others[1]));
        }
        if self.is_older {
            attempts.push(elsewhere(epoch + 1, AttemptState::Granted, bed.others[0]));
        }
        let job = Job {
            state: self.job,
            epoch: epoch + i32::from(self.is_older),
            event_count: 5,
            cancel_requested: self.cancel_requested,
            attempts_charged: 0,
            reason: None,
            not_before: None,
            retry: Retry { max_attempts: self.max_attempts, ..Retry::default() },
            lease_millis: LEASE_MILLIS,
        };
        (job, attempts, id)
    }

    fn tasks(&self, bed: &Bed, now: DateTime<Utc>) -> Vec<Task> {
        let session = match self.session {
            Told::Nobody => None,
            Told::Speaker => Some(bed.session),
            Told::Another => Some(SessionId(Uuid::from_u128(1))),
        };
        let released = self.attempt.is_terminal();
        let own = Task { session, released, ..Task::new(bed.node, now + self.lease_left) };
        let Some(ranks) = &self.gang else { return vec![own] };
        let nodes = [bed.node, bed.others[0]];
        let one = |which: usize| {
            let end = ranks.ends[which].clone();
            let (released, is_ready) = (released || end.is_some(), ranks.ready[which]);
            Task { node: nodes[which], end, released, is_ready, ..own.clone() }
        };
        if ranks.own == 0 { vec![one(0), one(1)] } else { vec![one(1), one(0)] }
    }
}

/// Every way in which a job and its latest attempt, or an older one, can stand.
pub fn standings() -> Vec<Situation> {
    use AttemptState as A;
    use JobState as J;
    let mut pairs = vec![
        (J::Starting, A::Granted, None, false),
        (J::Starting, A::Preparing, None, false),
        (J::Running, A::Running, None, false),
    ];
    for reason in [Reason::Cancelled, Reason::Preempted, Reason::Timeout] {
        pairs.push((J::Starting, A::Stopping, Some(reason), false));
        pairs.push((J::Running, A::Stopping, Some(reason), false));
    }
    for attempt in [A::Lost, A::Failed, A::Preempted] {
        pairs.push((J::Queued, attempt, None, false));
        pairs.push((J::Held, attempt, None, false));
        pairs.push((J::Starting, attempt, None, true));
        pairs.push((J::Cancelled, attempt, None, false));
    }
    pairs.extend([
        (J::Succeeded, A::Succeeded, None, false),
        (J::Failed, A::Failed, None, false),
        (J::Cancelled, A::Cancelled, None, false),
    ]);
    let mut all = Vec::new();
    for (job, attempt, reason, is_older) in pairs {
        for cancel_requested in [false, true] {
            for (was_lost, max_attempts) in [(false, 1), (false, 3), (true, 1)] {
                all.push(Situation {
                    job,
                    attempt,
                    reason,
                    cancel_requested,
                    is_older,
                    was_lost,
                    max_attempts,
                    session: Told::Speaker,
                    lease_left: TimeDelta::seconds(299),
                    gang: None,
                });
            }
        }
    }
    all
}

/// Every way in which a live attempt can have been told and leased.
pub fn leases() -> Vec<Situation> {
    let live = standings().into_iter().filter(|one| {
        let is_plain = !one.cancel_requested && !one.was_lost && one.max_attempts == 1;
        is_plain && !one.attempt.is_terminal() && one.reason.is_none_or(|reason| reason == Reason::Preempted)
    });
    let mut all = Vec::new();
    for one in live {
        for session in [Told::Nobody, Told::Speaker, Told::Another] {
            // Whole, a part used up, over, over with its margin.
            for left_secs in [299, 150, -1, -3_600] {
                all.push(Situation { session, lease_left: TimeDelta::seconds(left_secs), ..one.clone() });
            }
        }
    }
    all
}

/// Who speaks.
pub struct Greeting {
    pub session: Option<SessionId>,
    pub sequence: u64,
    pub boot_id: Option<Uuid>,
    pub machine_id: &'static str,
}

pub fn greetings() -> Vec<(&'static str, Greeting)> {
    let new = || Some(SessionId::new());
    vec![
        ("the session", Greeting { session: None, sequence: 5, boot_id: None, machine_id: MACHINE }),
        ("a new session", Greeting { session: new(), sequence: 0, boot_id: None, machine_id: MACHINE }),
        (
            "after a reboot",
            Greeting { session: new(), sequence: 0, boot_id: Some(Uuid::now_v7()), machine_id: MACHINE },
        ),
        ("an older session", Greeting { session: new(), sequence: 3, boot_id: None, machine_id: MACHINE }),
        ("another machine", Greeting { session: new(), sequence: 0, boot_id: None, machine_id: "another" }),
    ]
}

/// What an agent may say of an attempt.
pub fn words(ids: &[(JobId, AttemptId)], rows: &Rows) -> Vec<(String, Vec<AttemptReport>)> {
    let report = |phase, end: Option<(Outcome, Option<i32>)>, epoch_off: u32| {
        ids.iter()
            .map(|(_, id)| AttemptReport {
                attempt_id: *id,
                epoch: u32::try_from(rows.attempts[id].epoch).unwrap() + epoch_off,
                phase,
                started_at: Some(Utc::now()),
                result: end.map(|(outcome, code)| result(outcome, code)),
                image: None,
                is_ready: false,
                ports: None,
            })
            .collect::<Vec<_>>()
    };
    let mut all = vec![("nothing".to_owned(), Vec::new())];
    for phase in [Phase::Preparing, Phase::Running, Phase::Stopping, Phase::Unknown] {
        all.push((phase.to_string(), report(phase, None, 0)));
    }
    let ends = [
        (Outcome::Exited, Some(0)),
        (Outcome::Exited, Some(3)),
        (Outcome::Stopped, Some(0)),
        (Outcome::Stopped, Some(143)),
        (Outcome::NotStarted, None),
        (Outcome::Lost, None),
    ];
    for end in ends {
        all.push((format!("{end:?}"), report(Phase::Ended, Some(end), 0)));
    }
    all.push(("running in another epoch".to_owned(), report(Phase::Running, None, 1)));
    all.push((
        "ended in another epoch".to_owned(),
        report(Phase::Ended, Some((Outcome::Exited, Some(0))), 1),
    ));
    all
}
