//! The same rows in memory and in a database, and what is said to both.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use lilac_api::agent::{
    AttemptReport, NodeCapacity, PROTOCOL_VERSION, RegisterRequest, RuntimeHealth, SyncRequest, SyncResponse,
    TaskSpec,
};
use lilac_api::client::{Client, ClientError};
use lilac_api::cluster::CreateJoinKey;
use lilac_api::job::Reason;
use lilac_api::spec::JobSpec;
use lilac_api::{AttemptId, JobId, NodeId, QueueId, SessionId};
use lilac_rules::desired::response;
use lilac_rules::rows::{Attempt, Message, Node, Rows, Task};
use lilac_scheduler::Part;
use lilac_server::training_job::transitions::Grant;
use sqlx::types::Json;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::situations::{Greeting, Situation};
use crate::support::{Harness, start};

pub const LEASE_MILLIS: i64 = 300_000;
pub const MACHINE: &str = "machine";

/// A server with one node that speaks, and two that the job may have been lost on before.
pub struct Bed {
    /// The server, which goes with it.
    _harness: Harness,
    pub pool: PgPool,
    client: Client,
    pub node: NodeId,
    pub others: [NodeId; 2],
    pub session: SessionId,
    boot_id: Uuid,
    spec: serde_json::Value,
}

impl Bed {
    pub async fn new(pool: PgPool) -> Self {
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
    pub async fn lay(&self, situations: &[Situation]) -> (Rows, Vec<(JobId, AttemptId)>) {
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

    /// A placement of a job on the first of the other nodes, and its further ranks on those given.
    pub fn grant(&self, queue_id: QueueId, job_id: JobId, epoch: i32, others: Vec<Part>) -> Grant {
        Grant {
            job_id,
            epoch,
            queue_id,
            attempt_id: AttemptId::new(),
            node_id: self.others[0],
            gpu_indices: Vec::new(),
            others,
            gpu_milli: 1000,
            cpu_milli: 1,
            memory_bytes: 1,
            disk_bytes: 1,
            lease: Duration::from_millis(LEASE_MILLIS.unsigned_abs()),
            alternative: 0,
            message: String::new(),
        }
    }

    /// The queue of all jobs.
    pub async fn queue(&self) -> QueueId {
        let queue = sqlx::query_scalar("SELECT queue_id FROM jobs LIMIT 1");
        QueueId(queue.fetch_one(&self.pool).await.unwrap())
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
            "INSERT INTO attempts (id, job_id, epoch, state, reason, lease_millis, granted_at, ranks, failed_rank, rendezvous_port)
             SELECT id, job, epoch, state, reason, $6, granted_at, ranks, failed, CASE WHEN meets THEN 29500 END
             FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $7::timestamptz[], $8::smallint[], $9::smallint[], $10::bool[])
                AS w(id, job, epoch, state, reason, granted_at, ranks, failed, meets)",
        )
        .bind(attempts.iter().map(|(id, _)| id.0).collect::<Vec<_>>())
        .bind(attempts.iter().map(|(_, one)| one.job.0).collect::<Vec<_>>())
        .bind(attempts.iter().map(|(_, one)| one.epoch).collect::<Vec<_>>())
        .bind(attempts.iter().map(|(_, one)| one.state.as_str()).collect::<Vec<_>>())
        .bind(attempts.iter().map(|(_, one)| one.reason.map(Reason::as_str)).collect::<Vec<_>>())
        .bind(LEASE_MILLIS)
        .bind(attempts.iter().map(|(_, one)| one.granted_at).collect::<Vec<_>>())
        .bind(attempts.iter().map(|(_, one)| i16::try_from(one.tasks.len()).unwrap()).collect::<Vec<_>>())
        .bind(attempts.iter().map(|(_, one)| one.failed_rank.map(|rank| i16::try_from(rank).unwrap())).collect::<Vec<_>>())
        .bind(attempts.iter().map(|(_, one)| one.meets).collect::<Vec<_>>())
        .execute(&self.pool)
        .await
        .unwrap();
        let with_rank = |(id, one): &(&AttemptId, &Attempt)| {
            let (id, ranked) = (**id, (0_i16..).zip(one.tasks.clone()));
            ranked.map(move |(rank, task)| (id, rank, task))
        };
        let tasks: Vec<(AttemptId, i16, Task)> = attempts.iter().flat_map(with_rank).collect();
        sqlx::query(
            "INSERT INTO tasks (attempt_id, rank, node_id, cpu_milli, memory_bytes, disk_bytes, lease_until, session_id, released_at, ready_at, ports, result)
             SELECT id, rank, node, 1, 1, 1, lease_until, session, CASE WHEN released THEN now() END, CASE WHEN ready THEN now() END,
                CASE WHEN has_ports THEN '{\"published\": []}'::jsonb END, result
             FROM unnest($1::uuid[], $2::smallint[], $3::uuid[], $4::timestamptz[], $5::uuid[], $6::bool[], $7::bool[], $8::bool[], $9::jsonb[])
                AS w(id, rank, node, lease_until, session, released, ready, has_ports, result)",
        )
        .bind(tasks.iter().map(|(id, ..)| id.0).collect::<Vec<_>>())
        .bind(tasks.iter().map(|(_, rank, _)| *rank).collect::<Vec<_>>())
        .bind(tasks.iter().map(|(.., task)| task.node.0).collect::<Vec<_>>())
        .bind(tasks.iter().map(|(.., task)| task.lease_until).collect::<Vec<_>>())
        .bind(tasks.iter().map(|(.., task)| task.session.map(|session| session.0)).collect::<Vec<_>>())
        .bind(tasks.iter().map(|(.., task)| task.released).collect::<Vec<_>>())
        .bind(tasks.iter().map(|(.., task)| task.is_ready).collect::<Vec<_>>())
        .bind(tasks.iter().map(|(.., task)| task.has_ports).collect::<Vec<_>>())
        .bind(tasks.iter().map(|(.., task)| task.end.clone().map(Json)).collect::<Vec<_>>())
        .execute(&self.pool)
        .await
        .unwrap();
    }

    /// Says the same to both, and compares answers and rows.
    pub async fn say(&self, rows: &mut Rows, greeting: &Greeting, reports: Vec<AttemptReport>, told: &str) {
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
            runtime: RuntimeHealth { ok: true, version: "test".to_owned(), ..RuntimeHealth::default() },
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
    pub async fn compare(&self, before: &Rows, rows: &Rows, told: &str) {
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
        self.compare_attempts(before, rows, told).await;
    }

    async fn compare_attempts(&self, before: &Rows, rows: &Rows, told: &str) {
        let query = "SELECT a.id, a.job_id, a.epoch, a.state, a.reason, a.failed_rank, a.rendezvous_port IS NOT NULL AS meets,
                        t.rank, t.node_id, t.lease_until, t.session_id, t.released_at IS NOT NULL AS released,
                        t.ready_at IS NOT NULL AS ready, t.ports IS NOT NULL AS has_ports, t.result->>'outcome' AS outcome
                     FROM attempts a JOIN tasks t ON t.attempt_id = a.id";
        let found = sqlx::query(query).fetch_all(&self.pool).await.unwrap();
        assert_eq!(found.len(), rows.attempts.values().map(|one| one.tasks.len()).sum::<usize>());
        for row in found {
            let id = AttemptId(row.get("id"));
            let (one, rank): (_, i16) = (&rows.attempts[&id], row.get("rank"));
            let task = &one.tasks[usize::try_from(rank).unwrap()];
            let of_attempt: (Uuid, i32, String, Option<String>, Option<i16>, bool) = (
                row.get("job_id"),
                row.get("epoch"),
                row.get("state"),
                row.get("reason"),
                row.get("failed_rank"),
                row.get("meets"),
            );
            let model = (
                one.job.0,
                one.epoch,
                one.state.to_string(),
                one.reason.map(|reason| reason.to_string()),
                one.failed_rank.map(|rank| i16::try_from(rank).unwrap()),
                one.meets,
            );
            assert_eq!(of_attempt, model, "{told}: the attempt was {:?}", before.attempts.get(&id));
            let lease_until: DateTime<Utc> = row.get("lease_until");
            let of_task: (Uuid, Option<Uuid>, bool, bool, bool, Option<String>, bool) = (
                row.get("node_id"),
                row.get("session_id"),
                row.get("released"),
                row.get("ready"),
                row.get("has_ports"),
                row.get("outcome"),
                // The two clocks are read one after the other.
                (lease_until - task.lease_until).abs() < TimeDelta::seconds(20),
            );
            let outcome = task.end.as_ref().map(|end| serde_json::to_value(end.outcome).unwrap());
            let model = (
                task.node.0,
                task.session.map(|session| session.0),
                task.released,
                task.is_ready,
                task.has_ports,
                outcome.and_then(|outcome| Some(outcome.as_str()?.to_owned())),
                true,
            );
            assert_eq!(of_task, model, "{told}: rank {rank} was of {:?}", before.attempts.get(&id));
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

/// An attempt that is wanted: its epoch, whether it stops, whether it may start, whether it is hurried, whether its
/// task is told, its lease.
type Wanted = (AttemptId, u32, bool, bool, bool, bool, u64);

/// What of an answer is compared: leases to half a minute.
fn wanted(answer: &SyncResponse) -> (BTreeSet<Wanted>, BTreeSet<AttemptId>) {
    let one = |one: &lilac_api::agent::DesiredAttempt| {
        let (is_hurried, is_told) = (one.stop_within.is_some(), one.task.is_some());
        (one.attempt_id, one.epoch, one.stop, one.go, is_hurried, is_told, (one.lease_ms + 15_000) / 60_000)
    };
    (answer.desired.iter().map(one).collect(), answer.forget.iter().copied().collect())
}
