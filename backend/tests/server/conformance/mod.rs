//! The rules in memory and the rules in PostgreSQL are the same rules: every state that an attempt and its job can be
//! in, under every guard, is put before both, and both must make the same of it. The simulator drives agents against
//! the rows in memory, and proves nothing where they differ.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use lilac_api::agent::{
    AttemptReport, NodeCapacity, Outcome, PROTOCOL_VERSION, Phase, RegisterRequest, RuntimeHealth,
    SyncRequest, SyncResponse, TaskSpec,
};
use lilac_api::client::{Client, ClientError};
use lilac_api::cluster::CreateJoinKey;
use lilac_api::job::{AttemptState, JobState, Reason};
use lilac_api::spec::{JobSpec, Retry};
use lilac_api::{AttemptId, JobId, NodeId, QueueId, SessionId};
use lilac_rules::desired::response;
use lilac_rules::rows::{Attempt, Job, Message, Node, Rows};
use lilac_server::scheduler::reaper;
use lilac_server::training_job::transitions::{self, Grant};
use sqlx::{PgPool, Row};
use strum::VariantArray;
use uuid::Uuid;

use crate::protocol::result;
use crate::support::{Harness, start};

const LEASE_MILLIS: i64 = 300_000;
const MACHINE: &str = "machine";

/// A server with one node that speaks, and two that the job may have been lost on before.
struct Bed {
    /// The server, which goes with it.
    _harness: Harness,
    pool: PgPool,
    client: Client,
    node: NodeId,
    others: [NodeId; 2],
    session: SessionId,
    boot_id: Uuid,
    spec: serde_json::Value,
}

impl Bed {
    async fn new(pool: PgPool) -> Self {
        let harness = start(pool.clone()).await;
        let cluster = harness.client.clusters().await.unwrap().items[0].id;
        let mut nodes = Vec::new();
        for name in ["n1", "n2", "n3"] {
            let key = CreateJoinKey { name: name.to_owned(), reusable: false, expires_in: None };
            let key = harness.client.create_join_key(cluster, &key).await.unwrap();
            let request = RegisterRequest {
                protocol: PROTOCOL_VERSION,
                name: name.to_owned(),
                machine_id: MACHINE.to_owned(),
                agent_version: "test".to_owned(),
            };
            nodes.push(harness.client.with_token(key.secret).register(&request).await.unwrap());
        }
        let spec = serde_json::to_value(JobSpec::new("job", "image")).unwrap();
        let client = harness.client.with_token(nodes[0].credential.clone());
        Self {
            pool,
            client,
            node: nodes[0].node_id,
            others: [nodes[1].node_id, nodes[2].node_id],
            session: SessionId::new(),
            boot_id: Uuid::now_v7(),
            spec,
            _harness: harness,
        }
    }

    /// Puts the same rows into memory and into an emptied database.
    async fn lay(&self, situations: &[Situation]) -> (Rows, Vec<(JobId, AttemptId)>) {
        for sql in ["DELETE FROM gpu_claims", "DELETE FROM jobs"] {
            sqlx::query(sql).execute(&self.pool).await.unwrap();
        }
        let now = Utc::now();
        sqlx::query("UPDATE nodes SET session_id = $2, boot_id = $3, given_up_at = NULL WHERE id = $1")
            .bind(self.node.0)
            .bind(self.session.0)
            .bind(self.boot_id)
            .execute(&self.pool)
            .await
            .unwrap();
        let mut rows = Rows::default();
        for node in [self.node, self.others[0], self.others[1]] {
            let row = Node {
                machine_id: MACHINE.to_owned(),
                session: Some(self.session),
                boot_id: Some(self.boot_id),
                last_seen: None,
                given_up: false,
            };
            rows.nodes.insert(node, row);
        }
        let mut ids = Vec::new();
        for situation in situations {
            let (job, attempts, id) = situation.rows(self, now);
            let job_id = attempts[0].1.job;
            rows.jobs.insert(job_id, job);
            rows.attempts.extend(attempts);
            ids.push((job_id, id));
        }
        self.insert(&rows).await;
        (rows, ids)
    }

    async fn insert(&self, rows: &Rows) {
        let jobs: Vec<_> = rows.jobs.iter().collect();
        sqlx::query(
            "INSERT INTO jobs (id, name, queue_id, team_id, owner_id, priority, actor, spec, state, epoch, event_count,
                cancel_requested, attempts_charged, reason, finished_at)
             SELECT w.id, 'job', q.id, q.team_id, (SELECT id FROM users LIMIT 1), 50, 'test',
                $1 || jsonb_build_object('retry', w.retry), w.state, w.epoch, w.events, w.cancel, w.charged, w.reason,
                CASE WHEN w.state IN ('succeeded', 'failed', 'cancelled') THEN now() END
             FROM (SELECT * FROM queues LIMIT 1) q, unnest($2::uuid[], $3::jsonb[], $4::text[], $5::int[], $6::int[], $7::bool[], $8::int[], $9::text[])
                AS w(id, retry, state, epoch, events, cancel, charged, reason)",
        )
        .bind(&self.spec)
        .bind(jobs.iter().map(|(id, _)| id.0).collect::<Vec<_>>())
        .bind(jobs.iter().map(|(_, job)| serde_json::to_value(&job.retry).unwrap()).collect::<Vec<_>>())
        .bind(jobs.iter().map(|(_, job)| job.state.as_str()).collect::<Vec<_>>())
        .bind(jobs.iter().map(|(_, job)| job.epoch).collect::<Vec<_>>())
        .bind(jobs.iter().map(|(_, job)| job.event_count).collect::<Vec<_>>())
        .bind(jobs.iter().map(|(_, job)| job.cancel_requested).collect::<Vec<_>>())
        .bind(jobs.iter().map(|(_, job)| job.attempts_charged).collect::<Vec<_>>())
        .bind(jobs.iter().map(|(_, job)| job.reason.map(Reason::as_str)).collect::<Vec<_>>())
        .execute(&self.pool)
        .await
        .unwrap();
        let attempts: Vec<_> = rows.attempts.iter().collect();
        sqlx::query(
            "WITH w AS (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::uuid[], $7::timestamptz[], $8::uuid[], $9::bool[])
                AS w(id, job, epoch, state, reason, node, lease_until, session, released)
             ), attempt AS (
                INSERT INTO attempts (id, job_id, epoch, state, reason, lease_millis) SELECT id, job, epoch, state, reason, $10 FROM w
             )
             INSERT INTO tasks (attempt_id, rank, node_id, cpu_milli, memory_bytes, disk_bytes, lease_until, session_id, released_at)
             SELECT id, 0, node, 1, 1, 1, lease_until, session, CASE WHEN released THEN now() END FROM w",
        )
        .bind(attempts.iter().map(|(id, _)| id.0).collect::<Vec<_>>())
        .bind(attempts.iter().map(|(_, one)| one.job.0).collect::<Vec<_>>())
        .bind(attempts.iter().map(|(_, one)| one.epoch).collect::<Vec<_>>())
        .bind(attempts.iter().map(|(_, one)| one.state.as_str()).collect::<Vec<_>>())
        .bind(attempts.iter().map(|(_, one)| one.reason.map(Reason::as_str)).collect::<Vec<_>>())
        .bind(attempts.iter().map(|(_, one)| one.node.0).collect::<Vec<_>>())
        .bind(attempts.iter().map(|(_, one)| one.lease_until).collect::<Vec<_>>())
        .bind(attempts.iter().map(|(_, one)| one.session.map(|session| session.0)).collect::<Vec<_>>())
        .bind(attempts.iter().map(|(_, one)| one.released).collect::<Vec<_>>())
        .bind(LEASE_MILLIS)
        .execute(&self.pool)
        .await
        .unwrap();
    }

    /// Says the same to both, and compares answers and rows.
    async fn say(&self, rows: &mut Rows, greeting: &Greeting, reports: Vec<AttemptReport>, told: &str) {
        let (session, boot_id) =
            (greeting.session.unwrap_or(self.session), greeting.boot_id.unwrap_or(self.boot_id));
        let before = rows.clone();
        let message = Message {
            node: self.node,
            session,
            sequence: greeting.sequence,
            boot_id,
            machine_id: greeting.machine_id,
            reports: &reports,
        };
        let now = Utc::now();
        let arrival = rows.arrive(message, now);
        let expected = arrival.ok().map(|arrival| {
            let task = |job, _| Some(task(job));
            let held = rows.deliver(self.node, session, now, task).unwrap();
            response(&reports, &held, &arrival.settled, arrival.at)
        });
        let request = SyncRequest {
            protocol: PROTOCOL_VERSION,
            agent_version: "test".to_owned(),
            boot_id,
            machine_id: greeting.machine_id.to_owned(),
            session,
            sequence: greeting.sequence,
            capacity: NodeCapacity {
                cpu_milli: 4_000,
                memory_bytes: 1 << 33,
                disk_bytes: 1 << 40,
                gpus: Vec::new(),
            },
            labels: BTreeMap::new(),
            runtime: RuntimeHealth { ok: true, version: "test".to_owned(), message: String::new() },
            attempts: reports,
            images: None,
            address: None,
            no_wait: true,
        };
        let answer: Result<SyncResponse, ClientError> = self.client.sync(&request).await;
        let answer =
            answer.map_err(|error| assert_eq!(error.code().unwrap().to_string(), "fenced", "{told}")).ok();
        assert_eq!(answer.as_ref().map(wanted), expected.as_ref().map(wanted), "{told}");
        self.compare(&before, rows, told).await;
    }

    /// Every row must be the same in memory and in the database.
    async fn compare(&self, before: &Rows, rows: &Rows, told: &str) {
        let query = "SELECT id, state, epoch, event_count, cancel_requested, attempts_charged, reason, not_before IS NOT NULL AS waits FROM jobs";
        let found = sqlx::query(query).fetch_all(&self.pool).await.unwrap();
        assert_eq!(found.len(), rows.jobs.len());
        for row in found {
            let id = JobId(row.get("id"));
            let job = &rows.jobs[&id];
            let real: (String, i32, i32, bool, i32, Option<String>, bool) = (
                row.get("state"),
                row.get("epoch"),
                row.get("event_count"),
                row.get("cancel_requested"),
                row.get("attempts_charged"),
                row.get("reason"),
                row.get("waits"),
            );
            let model = (
                job.state.to_string(),
                job.epoch,
                job.event_count,
                job.cancel_requested,
                job.attempts_charged,
                job.reason.map(|reason| reason.to_string()),
                job.not_before.is_some(),
            );
            assert_eq!(real, model, "{told}: the job was {:?}", before.jobs.get(&id));
        }
        let query = "SELECT a.id, a.job_id, a.epoch, a.state, a.reason, t.node_id, t.lease_until, t.session_id, t.released_at IS NOT NULL AS released
                     FROM attempts a JOIN tasks t ON t.attempt_id = a.id";
        let found = sqlx::query(query).fetch_all(&self.pool).await.unwrap();
        assert_eq!(found.len(), rows.attempts.len());
        for row in found {
            let id = AttemptId(row.get("id"));
            let one = &rows.attempts[&id];
            let lease_until: DateTime<Utc> = row.get("lease_until");
            let real: (Uuid, i32, String, Option<String>, Uuid, Option<Uuid>, bool, bool) = (
                row.get("job_id"),
                row.get("epoch"),
                row.get("state"),
                row.get("reason"),
                row.get("node_id"),
                row.get("session_id"),
                row.get("released"),
                // The two clocks are read one after the other.
                (lease_until - one.lease_until).abs() < TimeDelta::seconds(20),
            );
            let model = (
                one.job.0,
                one.epoch,
                one.state.to_string(),
                one.reason.map(|reason| reason.to_string()),
                one.node.0,
                one.session.map(|session| session.0),
                one.released,
                true,
            );
            assert_eq!(real, model, "{told}: the attempt was {:?}", before.attempts.get(&id));
        }
    }
}

fn task(job: JobId) -> TaskSpec {
    let task = serde_json::json!({
        "job_id": job, "job_name": "job", "rank": 0, "image": "image", "pull": "if-not-present", "command": [],
        "entrypoint": [], "env": {}, "network": "none", "cpu_milli": 1, "memory_bytes": 1, "gpu_uuids": [],
        "stop_signal": "SIGTERM", "stop_grace": "10s",
    });
    serde_json::from_value(task).unwrap()
}

/// An attempt that is wanted: its epoch, whether it stops, whether its task is told, its lease.
type Wanted = (AttemptId, u32, bool, bool, u64);

/// What of an answer is compared: leases to half a minute.
fn wanted(answer: &SyncResponse) -> (BTreeSet<Wanted>, BTreeSet<AttemptId>) {
    let one = |one: &lilac_api::agent::DesiredAttempt| {
        (one.attempt_id, one.epoch, one.stop, one.task.is_some(), (one.lease_ms + 15_000) / 60_000)
    };
    (answer.desired.iter().map(one).collect(), answer.forget.iter().copied().collect())
}

/// Where an attempt and its job stand.
#[derive(Clone, Debug)]
struct Situation {
    job: JobState,
    attempt: AttemptState,
    /// Why it was told to stop, or how it ended.
    reason: Option<Reason>,
    cancel_requested: bool,
    /// A later attempt, on another node, is the job's latest.
    is_older: bool,
    /// It was lost on two other nodes before.
    was_lost: bool,
    max_attempts: u32,
    /// The session that was told of it: none, the one that speaks, another.
    session: Told,
    /// When its lease ends.
    lease_left: TimeDelta,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nobody,
    Speaker,
    Another,
}

impl Situation {
    fn rows(&self, bed: &Bed, now: DateTime<Utc>) -> (Job, Vec<(AttemptId, Attempt)>, AttemptId) {
        let (job_id, id) = (JobId::new(), AttemptId::new());
        let epoch = if self.was_lost { 3 } else { 1 };
        let attempt = Attempt {
            job: job_id,
            epoch,
            state: self.attempt,
            reason: self.reason,
            node: bed.node,
            lease_millis: LEASE_MILLIS,
            lease_until: now + self.lease_left,
            session: match self.session {
                Told::Nobody => None,
                Told::Speaker => Some(bed.session),
                Told::Another => Some(SessionId(Uuid::from_u128(1))),
            },
            released: self.attempt.is_terminal(),
        };
        let elsewhere = |epoch, state, node| {
            let session = Some(SessionId(Uuid::from_u128(2)));
            let released = AttemptState::is_terminal(state);
            (
                AttemptId::new(),
                Attempt { epoch, state, node, session, released, reason: None, ..attempt.clone() },
            )
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
}

/// Every way in which a job and its latest attempt, or an older one, can stand.
fn standings() -> Vec<Situation> {
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
                });
            }
        }
    }
    all
}

/// Every way in which a live attempt can have been told and leased.
fn leases() -> Vec<Situation> {
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
struct Greeting {
    session: Option<SessionId>,
    sequence: u64,
    boot_id: Option<Uuid>,
    machine_id: &'static str,
}

fn greetings() -> Vec<(&'static str, Greeting)> {
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
fn words(ids: &[(JobId, AttemptId)], rows: &Rows) -> Vec<(String, Vec<AttemptReport>)> {
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

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn every_word_of_a_node_means_the_same(pool: PgPool) {
    let bed = Bed::new(pool).await;
    for (who, greeting) in greetings() {
        let (rows, ids) = bed.lay(&standings()).await;
        let count = words(&ids, &rows).len();
        for index in 0..count {
            let (mut rows, ids) = bed.lay(&standings()).await;
            let (what, reports) = words(&ids, &rows).swap_remove(index);
            bed.say(&mut rows, &greeting, reports, &format!("{who} says {what}")).await;
        }
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn every_lease_and_session_means_the_same(pool: PgPool) {
    let bed = Bed::new(pool).await;
    for (who, greeting) in greetings() {
        for mentions in [false, true] {
            let (mut rows, ids) = bed.lay(&leases()).await;
            let reports = if mentions { words(&ids, &rows).swap_remove(3).1 } else { Vec::new() };
            bed.say(&mut rows, &greeting, reports, &format!("{who}, mentions: {mentions}")).await;
        }
    }
    let (rows, _) = bed.lay(&leases()).await;
    let before: BTreeSet<AttemptId> = rows.expired(Utc::now()).into_iter().collect();
    let mut conn = bed.pool.acquire().await.unwrap();
    let found: BTreeSet<AttemptId> =
        reaper::expired(&mut conn).await.unwrap().into_iter().map(|one| one.attempt).collect();
    let after: BTreeSet<AttemptId> = rows.expired(Utc::now()).into_iter().collect();
    assert!(!before.is_empty() && before.is_subset(&found) && found.is_subset(&after), "{found:?}");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn every_loss_and_order_means_the_same(pool: PgPool) {
    let bed = Bed::new(pool).await;
    let now = Utc::now();
    for what in ["lose", "preempt", "cancel", "hold", "release"] {
        let (mut rows, ids) = bed.lay(&standings()).await;
        let before = rows.clone();
        let mut conn = bed.pool.acquire().await.unwrap();
        let attempts: Vec<AttemptId> = ids.iter().map(|(_, id)| *id).collect();
        match what {
            "lose" => {
                drop(transitions::lose_attempts(&mut conn, &attempts, bed.node, "", "test").await.unwrap())
            }
            "preempt" => drop(transitions::preempt(&mut conn, &attempts, "", "test").await.unwrap()),
            _ => {}
        }
        for (job, id) in ids {
            let (model, real) = match what {
                "lose" => (rows.lose(id, now), None),
                "preempt" => (rows.preempt(id, now), None),
                "cancel" => (rows.cancel(job, now), Some(transitions::cancel(&mut conn, job, "test").await)),
                "hold" => (rows.hold(job, now), Some(transitions::hold(&mut conn, job, "", "test").await)),
                _ => (rows.release(job, now), Some(transitions::release(&mut conn, job, "test").await)),
            };
            if let Some(real) = real {
                // An order that was given before is obeyed by doing nothing.
                let obeyed = real.is_ok_and(|topics| !topics.is_empty());
                assert_eq!(obeyed, model, "{what}: {:?}", before.jobs[&job]);
            }
        }
        assert_eq!(rows.illegal, None);
        bed.compare(&before, &rows, what).await;
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn every_grant_means_the_same(pool: PgPool) {
    let bed = Bed::new(pool).await;
    for epoch_off in [0, -1, 1] {
        let (mut rows, ids) = bed.lay(&standings()).await;
        let before = rows.clone();
        let queue = sqlx::query_scalar("SELECT id FROM queues LIMIT 1").fetch_one(&bed.pool).await.unwrap();
        let grants: Vec<Grant> = ids
            .iter()
            .map(|(job, _)| Grant {
                job_id: *job,
                epoch: rows.jobs[job].epoch + epoch_off,
                queue_id: QueueId(queue),
                attempt_id: AttemptId::new(),
                node_id: bed.others[0],
                gpu_indices: Vec::new(),
                others: Vec::new(),
                gpu_milli: 1000,
                cpu_milli: 1,
                memory_bytes: 1,
                disk_bytes: 1,
                lease: Duration::from_millis(LEASE_MILLIS.unsigned_abs()),
                alternative: 0,
                message: String::new(),
            })
            .collect();
        let mut conn = bed.pool.acquire().await.unwrap();
        let granted = transitions::grant(&mut conn, &grants, "test").await.unwrap();
        let model: Vec<JobId> = grants
            .iter()
            .filter(|one| rows.grant(one.job_id, one.epoch, one.attempt_id, one.node_id, Utc::now()))
            .map(|one| one.job_id)
            .collect();
        assert_eq!(granted.iter().collect::<BTreeSet<_>>(), model.iter().collect::<BTreeSet<_>>());
        assert_eq!(model.is_empty(), epoch_off != 0);
        bed.compare(&before, &rows, &format!("grant {epoch_off}")).await;
    }
}

/// No state was forgotten above.
#[test]
fn every_state_is_put_before_both() {
    let (jobs, attempts): (BTreeSet<JobState>, BTreeSet<AttemptState>) =
        standings().into_iter().map(|one| (one.job, one.attempt)).unzip();
    assert_eq!(jobs, JobState::VARIANTS.iter().copied().collect());
    assert_eq!(attempts, AttemptState::VARIANTS.iter().copied().collect());
}
