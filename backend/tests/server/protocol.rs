//! The protocol between agents and the control plane, spoken word by word over HTTP: a node that says what
//! it likes, late, twice or falsely, and the rules that must hold all the same.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use std::collections::BTreeMap;
use std::time::Duration;

use crate::support::Harness;
use chrono::Utc;
use lilac_api::agent::{
    AttemptReport, NodeCapacity, Outcome, PROTOCOL_VERSION, Phase, RegisterRequest, RuntimeHealth,
    SyncRequest, SyncResponse, TaskResult, TaskSpec,
};
use lilac_api::auth::Secret;
use lilac_api::client::{Client, ClientError};
use lilac_api::cluster::{CreateJoinKey, Gpu};
use lilac_api::image::CachedImage;
use lilac_api::job::{AttemptState, Job, JobState, LogQuery, Reason};
use lilac_api::problem::ErrorCode;
use lilac_api::spec::JobSpec;
use lilac_api::{AttemptId, ClusterId, JobId, SessionId};
use sqlx::PgPool;
use uuid::Uuid;

/// A node as the control plane hears it. A clone is a process with the same credential on what seems the same machine.
#[derive(Clone)]
pub struct Node {
    pub client: Client,
    pub token: Secret,
    pub name: String,
    machine_id: String,
    boot_id: Uuid,
    session: SessionId,
    pub sequence: u64,
    pub reports: Vec<AttemptReport>,
    pub gpus: Vec<Gpu>,
    /// Images that it says it has.
    pub images: Option<Vec<CachedImage>>,
}

impl Node {
    pub async fn join(harness: &Harness, name: &str) -> Self {
        let cluster = harness.client.clusters().await.unwrap().items[0].id;
        Self::join_to(harness, cluster, name).await
    }

    pub async fn join_to(harness: &Harness, cluster: ClusterId, name: &str) -> Self {
        let key = CreateJoinKey { name: name.to_owned(), reusable: false, expires_in: None };
        let key = harness.client.create_join_key(cluster, &key).await.unwrap();
        let machine_id = format!("machine-of-{name}");
        let request = RegisterRequest {
            protocol: PROTOCOL_VERSION,
            name: name.to_owned(),
            machine_id: machine_id.clone(),
            agent_version: "test".to_owned(),
        };
        let joined = harness.client.with_token(key.secret).register(&request).await.unwrap();
        let mut node = Self {
            client: harness.client.with_token(joined.credential.clone()),
            token: joined.credential,
            name: name.to_owned(),
            machine_id,
            boot_id: Uuid::now_v7(),
            session: SessionId::new(),
            sequence: 0,
            reports: Vec::new(),
            gpus: Vec::new(),
            images: None,
        };
        node.sync().await.unwrap();
        node
    }

    /// What it would say next, for a test to say it otherwise.
    pub fn message(&mut self, no_wait: bool) -> SyncRequest {
        let request = SyncRequest {
            protocol: PROTOCOL_VERSION,
            agent_version: "test".to_owned(),
            boot_id: self.boot_id,
            machine_id: self.machine_id.clone(),
            session: self.session,
            sequence: self.sequence,
            capacity: NodeCapacity {
                cpu_milli: 4000,
                memory_bytes: 8 << 30,
                disk_bytes: 1 << 40,
                gpus: self.gpus.clone(),
            },
            labels: BTreeMap::new(),
            runtime: RuntimeHealth { ok: true, version: "test".to_owned(), ..RuntimeHealth::default() },
            attempts: self.reports.clone(),
            images: self.images.clone(),
            address: Some(format!("{}.test", self.name)),
            no_wait,
        };
        self.sequence += 1;
        request
    }

    pub async fn say(&mut self, no_wait: bool) -> Result<SyncResponse, ClientError> {
        let request = self.message(no_wait);
        self.client.sync(&request).await
    }

    pub async fn sync(&mut self) -> Result<SyncResponse, ClientError> {
        self.say(true).await
    }

    /// Syncs until an attempt of the job is wanted here.
    pub async fn wait_for(&mut self, job: JobId) -> AttemptId {
        self.told(job).await.0
    }

    /// What the node is told to run of the job.
    pub async fn task(&mut self, job: JobId) -> TaskSpec {
        self.told(job).await.1
    }

    pub async fn told(&mut self, job: JobId) -> (AttemptId, TaskSpec) {
        for _ in 0..50 {
            let response = self.say(false).await.unwrap();
            for wanted in response.desired {
                if let Some(task) = wanted.task.filter(|task| task.job_id == job) {
                    return (wanted.attempt_id, task);
                }
            }
        }
        panic!("node {} was never told to run {job}", self.name);
    }

    pub fn report(&mut self, attempt: AttemptId, epoch: u32, phase: Phase, result: Option<TaskResult>) {
        self.reports.retain(|report| report.attempt_id != attempt);
        self.reports.push(AttemptReport {
            attempt_id: attempt,
            epoch,
            phase,
            started_at: Some(Utc::now()),
            result,
            image: None,
            is_ready: false,
            ports: None,
        });
    }

    /// The agent process is gone and another one starts; what it remembers, it tells.
    pub fn restart(&mut self) {
        self.session = SessionId::new();
        self.sequence = 0;
    }
}

pub fn result(outcome: Outcome, exit_code: Option<i32>) -> TaskResult {
    let reason = exit_code.filter(|code| *code != 0).map(|_| Reason::ExitCode);
    TaskResult {
        outcome,
        exit_code,
        signal: None,
        reason,
        message: String::new(),
        finished_at: Utc::now(),
        log_bytes: 0,
    }
}

/// Makes the leases of a job's attempt run out now.
async fn expire_leases(pool: &PgPool, job: JobId) {
    sqlx::query(
        "UPDATE tasks SET lease_until = now() - interval '1 hour'
         WHERE attempt_id IN (SELECT id FROM attempts WHERE job_id = $1)",
    )
    .bind(job.0)
    .execute(pool)
    .await
    .unwrap();
}

pub async fn wait_until(harness: &Harness, job: JobId, wanted: impl Fn(&Job) -> bool) -> Job {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let now = harness.client.job(job).await.unwrap();
        if wanted(&now) {
            return now;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "still {} ({:?}: {})",
            now.state,
            now.reason,
            now.message
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub async fn start(pool: PgPool) -> Harness {
    let harness = crate::support::start(pool).await;
    lilac_server::scheduler::start(harness.app.clone());
    harness
}

pub async fn submit(harness: &Harness, change: impl FnOnce(&mut JobSpec)) -> JobId {
    let mut spec = JobSpec::new("job", "image");
    change(&mut spec);
    harness.client.submit(&spec, None).await.unwrap().id
}

fn code(result: Result<SyncResponse, ClientError>) -> Option<ErrorCode> {
    result.err().and_then(|error| error.code())
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_job_goes_its_way_and_its_history_has_no_gap(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "n1").await;
    let job = submit(&harness, |_| {}).await;
    let attempt = node.wait_for(job).await;

    node.report(attempt, 1, Phase::Preparing, None);
    let response = node.sync().await.unwrap();
    assert!(response.desired[0].task.is_none(), "what the agent knows is not told again");
    assert!(response.desired[0].lease_ms > 290_000, "{}", response.desired[0].lease_ms);
    node.report(attempt, 1, Phase::Running, None);
    node.sync().await.unwrap();
    assert_eq!(harness.client.job(job).await.unwrap().state, JobState::Running);

    // An end that says nothing of the start leaves it as it was told before.
    let started_at = harness.client.job(job).await.unwrap().started_at.unwrap();
    node.report(attempt, 1, Phase::Ended, Some(result(Outcome::Exited, Some(0))));
    node.reports[0].started_at = None;
    for _ in 0..2 {
        // Told twice, for an answer may be lost: the second changes nothing.
        let response = node.sync().await.unwrap();
        assert_eq!(response.forget, [attempt]);
        assert!(response.desired.is_empty());
    }
    let ended = harness.client.job(job).await.unwrap();
    assert_eq!(ended.started_at, Some(started_at), "the node's word, not the time of a later transition");
    assert!(ended.finished_at.unwrap() > started_at);
    let events = harness.client.job_events(job).await.unwrap().items;
    let told: Vec<_> =
        events.iter().map(|event| (event.sequence, event.state, event.attempt_state)).collect();
    assert_eq!(
        told,
        [
            (1, JobState::Queued, None),
            (2, JobState::Starting, Some(AttemptState::Granted)),
            (3, JobState::Starting, Some(AttemptState::Preparing)),
            (4, JobState::Running, Some(AttemptState::Running)),
            (5, JobState::Succeeded, Some(AttemptState::Succeeded)),
        ]
    );
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_held_sync_answers_when_there_is_news(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "n1").await;
    let waiting = tokio::spawn(async move { (node.say(false).await, node) });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!waiting.is_finished(), "with nothing new the message is held");
    let before = tokio::time::Instant::now();
    submit(&harness, |_| {}).await;
    let (response, _node) = waiting.await.unwrap();
    assert_eq!(response.unwrap().desired.len(), 1);
    assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn another_epoch_or_another_node_changes_nothing(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "n1").await;
    let job = submit(&harness, |_| {}).await;
    let attempt = node.wait_for(job).await;
    let mut other = Node::join(&harness, "n2").await;
    for (is_other, epoch) in [(true, 1), (false, 2), (false, 0)] {
        let speaker = if is_other { &mut other } else { &mut node };
        speaker.report(attempt, epoch, Phase::Ended, Some(result(Outcome::Exited, Some(0))));
        speaker.sync().await.unwrap();
    }
    assert_eq!(harness.client.job(job).await.unwrap().state, JobState::Starting);
    // A log of another node's task is no log.
    let refused = other.client.put_log(attempt, 0, 0, "x".into()).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::NotFound));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_lost_job_is_requeued_and_its_late_result_still_counts(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let mut node = Node::join(&harness, "n1").await;
    let job = submit(&harness, |_| {}).await;
    let attempt = node.wait_for(job).await;
    // So that the job is not placed again before the late result comes.
    let node_id = harness.client.nodes().await.unwrap().items[0].id;
    harness.client.cordon(node_id).await.unwrap();
    expire_leases(&pool, job).await;
    let lost = wait_until(&harness, job, |job| job.state == JobState::Queued).await;
    assert_eq!((lost.epoch, lost.attempts_charged), (1, 0), "a lost node is not the job's fault");

    node.report(attempt, 1, Phase::Ended, Some(result(Outcome::Exited, Some(0))));
    node.sync().await.unwrap();
    assert_eq!(harness.client.job(job).await.unwrap().state, JobState::Succeeded);
    let attempts = harness.client.attempts(job).await.unwrap().items;
    assert_eq!(attempts[0].state, AttemptState::Succeeded);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_result_of_an_attempt_that_was_replaced_is_dropped(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let mut node = Node::join(&harness, "n1").await;
    let job = submit(&harness, |_| {}).await;
    let first = node.wait_for(job).await;
    expire_leases(&pool, job).await;
    wait_until(&harness, job, |job| job.state == JobState::Queued).await;
    let second = node.wait_for(job).await;
    assert_ne!(first, second);
    node.report(first, 1, Phase::Ended, Some(result(Outcome::Exited, Some(0))));
    let response = node.sync().await.unwrap();
    assert_eq!(response.forget, [first]);
    let now = harness.client.job(job).await.unwrap();
    assert_eq!((now.state, now.epoch), (JobState::Starting, 2));
    let attempts = harness.client.attempts(job).await.unwrap().items;
    assert_eq!(
        attempts.iter().map(|one| one.state).collect::<Vec<_>>(),
        [AttemptState::Granted, AttemptState::Lost]
    );
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn lost_on_three_nodes_is_held_until_a_person_releases_it(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let job = submit(&harness, |_| {}).await;
    for name in ["n1", "n2", "n3"] {
        let mut node = Node::join(&harness, name).await;
        node.wait_for(job).await;
        let nodes = harness.client.nodes().await.unwrap().items;
        let id = nodes.iter().find(|node| node.name == name).unwrap().id;
        harness.client.cordon(id).await.unwrap();
        expire_leases(&pool, job).await;
        wait_until(&harness, job, |job| matches!(job.state, JobState::Queued | JobState::Held)).await;
    }
    let held = harness.client.job(job).await.unwrap();
    assert_eq!((held.state, held.reason), (JobState::Held, Some(Reason::Held)));
    assert_eq!(harness.client.release(job).await.unwrap().state, JobState::Queued);
    assert_eq!(harness.client.release(job).await.unwrap_err().code(), Some(ErrorCode::Conflict));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn an_older_session_is_fenced_and_a_copied_credential_starts_nothing_twice(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "n1").await;
    let job = submit(&harness, |_| {}).await;
    let attempt = node.wait_for(job).await;

    // The same agent again, with its memory: it keeps what it runs.
    node.report(attempt, 1, Phase::Running, None);
    node.restart();
    let response = node.sync().await.unwrap();
    assert_eq!(response.desired.len(), 1);
    assert!(response.desired[0].task.is_none());

    // An agent with the same credential and no memory takes over: it is not told to start what was handed out.
    let old_session = (node.session, node.sequence);
    node.restart();
    node.reports.clear();
    assert!(node.sync().await.unwrap().desired.is_empty());
    (node.session, node.sequence) = old_session;
    assert_eq!(code(node.sync().await), Some(ErrorCode::Fenced));
    assert_eq!(harness.client.job(job).await.unwrap().state, JobState::Running, "left to its lease");

    // Another machine with the credential is none of ours.
    node.machine_id = "another".to_owned();
    node.restart();
    assert_eq!(code(node.sync().await), Some(ErrorCode::Fenced));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_reboot_loses_what_ran_at_once_and_keeps_what_had_ended(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "n1").await;
    let ended = submit(&harness, |_| {}).await;
    let ended_attempt = node.wait_for(ended).await;
    node.report(ended_attempt, 1, Phase::Running, None);
    let running = submit(&harness, |_| {}).await;
    let running_attempt = node.wait_for(running).await;
    node.report(running_attempt, 1, Phase::Running, None);
    node.sync().await.unwrap();

    node.restart();
    node.boot_id = Uuid::now_v7();
    node.reports.clear();
    node.report(ended_attempt, 1, Phase::Ended, Some(result(Outcome::Exited, Some(0))));
    node.sync().await.unwrap();
    assert_eq!(harness.client.job(ended).await.unwrap().state, JobState::Succeeded);
    let attempts = harness.client.attempts(running).await.unwrap().items;
    assert_eq!(attempts.last().unwrap().state, AttemptState::Lost);
    node.reports.clear();
    assert_ne!(node.wait_for(running).await, running_attempt);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn cancelling_waits_for_the_nodes_word(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "n1").await;
    let job = submit(&harness, |_| {}).await;
    let attempt = node.wait_for(job).await;
    node.report(attempt, 1, Phase::Running, None);
    node.sync().await.unwrap();
    let told = harness.client.cancel(job).await.unwrap();
    assert_eq!((told.state, told.cancel_requested), (JobState::Running, true));
    assert!(node.say(false).await.unwrap().desired[0].stop);
    node.report(attempt, 1, Phase::Ended, Some(result(Outcome::Stopped, Some(143))));
    node.sync().await.unwrap();
    assert_eq!(harness.client.job(job).await.unwrap().state, JobState::Cancelled);
    assert_eq!(harness.client.cancel(job).await.unwrap_err().code(), Some(ErrorCode::Conflict));

    // One that had ended well before it was told is a success.
    let job = submit(&harness, |_| {}).await;
    node.reports.clear();
    let attempt = node.wait_for(job).await;
    harness.client.cancel(job).await.unwrap();
    node.report(attempt, 1, Phase::Ended, Some(result(Outcome::Exited, Some(0))));
    node.sync().await.unwrap();
    let now = harness.client.job(job).await.unwrap();
    assert_eq!((now.state, now.cancel_requested), (JobState::Succeeded, true));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn racing_transitions_leave_one_end(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let mut node = Node::join(&harness, "n1").await;
    for _ in 0..10 {
        let job = submit(&harness, |_| {}).await;
        node.reports.clear();
        let attempt = node.wait_for(job).await;
        node.report(attempt, 1, Phase::Ended, Some(result(Outcome::Exited, Some(1))));
        let cancel = async { harness.client.cancel(job).await };
        let expire = expire_leases(&pool, job);
        let (ended, _, ()) = tokio::join!(node.sync(), cancel, expire);
        ended.unwrap();
        let end = wait_until(&harness, job, |job| job.state.is_terminal()).await;
        let events = harness.client.job_events(job).await.unwrap().items;
        assert_eq!(events.iter().filter(|event| event.state.is_terminal()).count(), 1, "{events:?}");
        assert_eq!(events.last().unwrap().state, end.state);
        assert!(events.iter().zip(1..).all(|(event, sequence)| event.sequence == sequence));
    }
    assert_eq!(lilac_server::scheduler::invariants::violations(&pool).await.unwrap(), []);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_failure_is_retried_by_rule_and_charged(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "n1").await;
    let job = submit(&harness, |spec| {
        spec.retry.max_attempts = 2;
        spec.retry.backoff.initial = "1s".parse().unwrap();
    })
    .await;
    for epoch in 1..=2 {
        let attempt = node.wait_for(job).await;
        node.report(attempt, epoch, Phase::Ended, Some(result(Outcome::Exited, Some(3))));
        node.sync().await.unwrap();
        node.reports.clear();
        let now = harness.client.job(job).await.unwrap();
        let wanted = if epoch == 1 { JobState::Queued } else { JobState::Failed };
        assert_eq!((now.state, now.exit_code, now.attempts_charged), (wanted, Some(3), epoch));
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_log_is_a_contiguous_prefix(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "n1").await;
    let job = submit(&harness, |_| {}).await;
    let attempt = node.wait_for(job).await;
    let put = async |offset: u64, bytes: &'static str| {
        node.client.put_log(attempt, 0, offset, bytes.into()).await.unwrap()
    };
    assert_eq!(put(0, "one\n").await.unwrap().offset, 4);
    // Sent again, or with a gap: the answer says where to go on.
    assert_eq!(put(0, "one\n").await.unwrap_err().offset, 4);
    assert_eq!(put(9, "three\n").await.unwrap_err().offset, 4);
    assert_eq!(put(4, "two\nthree").await.unwrap().offset, 13);

    let read = async |query: LogQuery| harness.client.log(job, &query).await.unwrap();
    let whole = read(LogQuery::default()).await;
    assert_eq!((&whole.bytes[..], whole.next_offset, whole.complete), (&b"one\ntwo\nthree"[..], 13, false));
    let part = read(LogQuery { offset: Some(2), limit: Some(5), ..LogQuery::default() }).await;
    assert_eq!((&part.bytes[..], part.offset), (&b"e\ntwo"[..], 2));
    for (lines, text) in
        [(0, ""), (1, "three"), (2, "two\nthree"), (3, "one\ntwo\nthree"), (9, "one\ntwo\nthree")]
    {
        let tail = read(LogQuery { tail: Some(lines), ..LogQuery::default() }).await;
        assert_eq!(tail.bytes, text, "the last {lines} lines");
    }
    let beyond = read(LogQuery { offset: Some(99), ..LogQuery::default() }).await;
    assert_eq!(beyond.bytes.len(), 0);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn nobody_leads_on_a_database_that_breaks_a_rule(pool: PgPool) {
    let harness = crate::support::start(pool.clone()).await;
    let job = submit(&harness, |_| {}).await;
    // Past the guards, as a careless hand would.
    sqlx::query("UPDATE jobs SET state = 'starting', epoch = 1 WHERE id = $1")
        .bind(job.0)
        .execute(&pool)
        .await
        .unwrap();
    let violations = lilac_server::scheduler::invariants::violations(&pool).await.unwrap();
    assert_eq!(violations, [("a job that is starting or running has a live attempt", 1)]);
    lilac_server::scheduler::start(harness.app.clone());
    let mut node = Node::join(&harness, "n1").await;
    let second = submit(&harness, |_| {}).await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(3);
    while tokio::time::Instant::now() < deadline {
        assert!(node.say(true).await.unwrap().desired.is_empty());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(harness.client.job(second).await.unwrap().reason, None, "nobody looked at it");
}
