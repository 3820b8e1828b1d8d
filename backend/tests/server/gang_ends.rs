//! Every order in which two ranks can end, each in every way, with and without an order in between: the database makes
//! of it what the rules say, and the job is never free to be placed while a rank is not over.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use std::time::Duration;

use lilac_api::agent::{Outcome, Phase, TaskResult};
use lilac_api::job::{AttemptState, JobState};
use lilac_api::spec::JobSpec;
use lilac_api::{AttemptId, JobId, NodeId, QueueId};
use lilac_scheduler::Part;
use lilac_server::training_job::transitions::{self, Grant};
use sqlx::{PgConnection, PgPool, Row};

use crate::protocol::result;
use crate::support;

/// How a rank ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Well,
    Failed,
    Stopped,
    /// By its node's word that it is gone.
    Gone,
    /// Without a word: its lease is over.
    Silent,
}

const ENDS: [End; 5] = [End::Well, End::Failed, End::Stopped, End::Gone, End::Silent];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Cancel,
    Preempt,
}

/// What happens, one after the other; `order` comes before the end of that number.
#[derive(Clone, Copy, Debug)]
struct Case {
    /// The rank that ends first.
    first: usize,
    ends: [End; 2],
    order: Option<(usize, Order)>,
}

impl Case {
    fn all() -> Vec<Self> {
        let orders = [None, Some(Order::Cancel), Some(Order::Preempt)];
        let mut all = Vec::new();
        for (one, other) in ENDS.iter().flat_map(|one| ENDS.map(|other| (*one, other))) {
            for first in [0, 1] {
                for order in orders {
                    for at in [0, 1] {
                        all.push(Self { first, ends: [one, other], order: order.map(|order| (at, order)) });
                    }
                }
            }
        }
        all
    }

    /// The state after the first end, and the states after both.
    fn expected(&self) -> (AttemptState, (AttemptState, JobState)) {
        let was_told = |before: usize| self.order.is_some_and(|(at, _)| at <= before);
        let [one, other] = self.ends;
        let first_bad = match (one, other) {
            (End::Well, End::Well) => None,
            (End::Well, bad) => Some((1, bad)),
            (bad, _) => Some((0, bad)),
        };
        let after_first =
            if was_told(0) || one != End::Well { AttemptState::Stopping } else { AttemptState::Running };
        let Some((number, cause)) = first_bad else {
            return (after_first, (AttemptState::Succeeded, JobState::Succeeded));
        };
        // An order that came before is the cause; one that came after finds it stopping already.
        let ordered = self.order.filter(|(at, _)| *at <= number).map(|(_, order)| order);
        let is_lost = matches!(cause, End::Stopped | End::Gone | End::Silent);
        let is_cancelled = self.order.is_some_and(|(_, order)| order == Order::Cancel);
        let end = match ordered {
            Some(Order::Cancel) => (AttemptState::Cancelled, JobState::Cancelled),
            Some(Order::Preempt) => (AttemptState::Preempted, JobState::Queued),
            None if is_cancelled && matches!(cause, End::Gone | End::Silent) => {
                (AttemptState::Lost, JobState::Cancelled)
            }
            None if is_cancelled => (AttemptState::Cancelled, JobState::Cancelled),
            None if is_lost => (AttemptState::Lost, JobState::Queued),
            None => (AttemptState::Failed, JobState::Failed),
        };
        (after_first, end)
    }
}

struct Bed<'a> {
    conn: &'a mut PgConnection,
    job: JobId,
    attempt: AttemptId,
    queue: QueueId,
    nodes: [NodeId; 2],
}

impl Bed<'_> {
    async fn grant(&mut self) {
        let grant = Grant {
            alternative: 0,
            job_id: self.job,
            epoch: 0,
            queue_id: self.queue,
            attempt_id: self.attempt,
            node_id: self.nodes[0],
            gpu_indices: Vec::new(),
            others: vec![Part { node: self.nodes[1], gpu_indices: Vec::new() }],
            gpu_milli: 1_000,
            cpu_milli: 1,
            memory_bytes: 1,
            disk_bytes: 1,
            lease: Duration::from_secs(300),
            message: String::new(),
        };
        let granted = transitions::grant(self.conn, &[grant], "test").await.unwrap();
        assert_eq!(granted, [self.job]);
        let locked = self.lock(0).await;
        assert!(transitions::progress(self.conn, &locked, Phase::Running, None, "test").await.unwrap());
    }

    async fn lock(&mut self, rank: usize) -> transitions::LockedAttempt {
        let node = Some(self.nodes[rank]);
        transitions::lock_attempts(self.conn, &[self.attempt], node).await.unwrap().remove(0)
    }

    async fn end(&mut self, rank: usize, end: End) -> bool {
        let word = match end {
            End::Well => result(Outcome::Exited, Some(0)),
            End::Failed => result(Outcome::Exited, Some(3)),
            End::Stopped => TaskResult { reason: None, ..result(Outcome::Stopped, Some(143)) },
            End::Gone => result(Outcome::Lost, None),
            End::Silent => {
                let (attempt, node) = ([self.attempt], self.nodes[rank]);
                let topics = transitions::lose_attempts(self.conn, &attempt, node, "silent", "test").await;
                return !topics.unwrap().is_empty();
            }
        };
        let locked = self.lock(rank).await;
        transitions::finish(self.conn, &locked, &word, None, "test").await.unwrap()
    }

    async fn order(&mut self, order: Order) {
        match order {
            Order::Cancel => drop(transitions::cancel(self.conn, self.job, "test").await.unwrap()),
            Order::Preempt => {
                drop(transitions::preempt(self.conn, &[self.attempt], "told", "test").await.unwrap());
            }
        }
    }

    async fn states(&mut self) -> (AttemptState, JobState) {
        let row = sqlx::query(
            "SELECT a.state, j.state AS job FROM attempts a JOIN jobs j ON j.id = a.job_id WHERE a.id = $1",
        )
        .bind(self.attempt.0)
        .fetch_one(&mut *self.conn)
        .await
        .unwrap();
        (row.get::<&str, _>("state").parse().unwrap(), row.get::<&str, _>("job").parse().unwrap())
    }

    /// Ranks that hold their nodes, and events that are missing.
    async fn held_and_gaps(&mut self) -> (i64, i64) {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM tasks WHERE attempt_id = $1 AND released_at IS NULL) AS held,
                    (SELECT event_count - (SELECT count(*) FROM job_events e WHERE e.job_id = j.id) FROM jobs j WHERE id = $2) AS gaps",
        )
        .bind(self.attempt.0)
        .bind(self.job.0)
        .fetch_one(&mut *self.conn)
        .await
        .unwrap();
        (row.get("held"), row.get("gaps"))
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn every_order_of_ends_means_what_the_rules_say(pool: PgPool) {
    let harness = support::start(pool.clone()).await;
    let nodes = [support::join(&harness.client, "n1").await, support::join(&harness.client, "n2").await];
    let spec = JobSpec { nodes: 2, ..JobSpec::new("job", "image") };
    let job = harness.client.submit(&spec, None).await.unwrap().id;
    let queue = harness.client.queues().await.unwrap().items[0].id;
    for case in Case::all() {
        let mut tx = pool.begin().await.unwrap();
        let mut bed = Bed { conn: &mut tx, job, attempt: AttemptId::new(), queue, nodes };
        bed.grant().await;
        let (after_first, at_the_end) = case.expected();
        for (number, rank) in [case.first, 1 - case.first].into_iter().enumerate() {
            if let Some((_, order)) = case.order.filter(|(at, _)| *at == number) {
                bed.order(order).await;
            }
            assert!(bed.end(rank, case.ends[number]).await, "{case:?}");
            if number == 0 {
                assert_eq!(bed.states().await, (after_first, JobState::Running), "{case:?}");
                assert_eq!(bed.held_and_gaps().await, (1, 0), "{case:?}");
                // Said again, it changes nothing.
                assert!(!bed.end(rank, case.ends[0]).await, "{case:?}");
                assert!(!bed.end(rank, End::Silent).await, "{case:?}");
            }
        }
        assert_eq!(bed.states().await, at_the_end, "{case:?}");
        assert_eq!(bed.held_and_gaps().await, (0, 0), "{case:?}");
        tx.rollback().await.unwrap();
    }
}
