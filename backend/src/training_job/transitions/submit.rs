//! T1: users submit. Many jobs go in with one statement, because a round trip and a commit for each is what a
//! busy server would spend its time on.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use lilac_api::job::Reason;
use lilac_api::spec::JobSpec;
use lilac_api::{ArrayId, JobId, QueueId, TeamId, UserId};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::millis;

/// A job as it is stored first.
pub struct NewJob<'a> {
    pub id: JobId,
    pub spec: &'a JobSpec,
    pub queue_id: QueueId,
    /// The version of the queue by whose rules it was let in.
    pub queue_version: i64,
    pub team_id: TeamId,
    pub owner_id: UserId,
    pub actor: &'a str,
    pub idempotency_key: Option<&'a str>,
    pub body_hash: &'a [u8],
    /// The job whose spec this one was made of.
    pub rerun_of: Option<JobId>,
    /// What it waits for before the scheduler sees it, in a sentence.
    pub blocked: Option<(Reason, String)>,
}

impl NewJob<'_> {
    fn max_queue_millis(&self) -> Option<i64> {
        self.spec.max_queue_time.map(|span| millis(span.0))
    }

    fn spec_text(&self) -> String {
        serde_json::to_string(self.spec).unwrap_or_default()
    }

    fn labels_text(&self) -> String {
        serde_json::to_string(&self.spec.labels).unwrap_or_default()
    }
}

/// The statement that stores jobs, and what it does where one has a key that was used before.
macro_rules! store {
    ($on_conflict:literal) => {
        concat!(
            "WITH door AS (
            SELECT id FROM queues WHERE (id, version) IN (SELECT unnest($3::uuid[]), unnest($16::bigint[])) AND deleted_at IS NULL
            FOR KEY SHARE
        ), wanted AS (
            SELECT unnest($1::uuid[]) AS id, unnest($2::text[]) AS name, unnest($3::uuid[]) AS queue_id,
                unnest($4::uuid[]) AS owner_id, unnest($5::smallint[]) AS priority, unnest($6::text[]) AS actor,
                unnest($7::text[]) AS spec, unnest($8::text[]) AS labels, unnest($9::text[]) AS idempotency_key,
                unnest($10::bytea[]) AS idempotency_hash, unnest($11::uuid[]) AS team_id, unnest($12::uuid[]) AS rerun_of,
                unnest($13::bigint[]) AS max_queue_millis, unnest($14::text[]) AS reason, unnest($15::text[]) AS message
        ), job AS (
            INSERT INTO jobs (id, name, queue_id, owner_id, priority, state, actor, spec, labels, idempotency_key,
                idempotency_hash, team_id, rerun_of, max_queue_millis, queue_deadline, blocked, reason, message)
            SELECT id, name, queue_id, owner_id, priority, 'queued', actor, spec::jsonb, labels::jsonb, idempotency_key,
                idempotency_hash, team_id, rerun_of, max_queue_millis, now() + max_queue_millis * interval '1 millisecond',
                reason IS NOT NULL, reason, message
            FROM wanted
            WHERE queue_id IN (SELECT id FROM door) AND EXISTS (SELECT FROM users u WHERE u.id = owner_id)
                AND EXISTS (SELECT FROM teams t WHERE t.id = team_id)
            ",
            $on_conflict,
            "
            RETURNING id, team_id, queue_id, owner_id, actor, reason, message, created_at
        ), event AS (
            INSERT INTO job_events (job_id, sequence, state, epoch, reason, message, actor)
            SELECT id, 1, 'queued', 0, reason, CASE WHEN message = '' THEN 'submitted' ELSE 'submitted; ' || message END, actor
            FROM job
        ), counted AS (
            INSERT INTO job_count_changes (team_id, queue_id, owner_id, state, reason, jobs)
            SELECT team_id, queue_id, owner_id, 'queued', COALESCE(reason, ''), count(*) FROM job GROUP BY 1, 2, 3, 5
        )
        SELECT id, created_at FROM job"
        )
    };
}

/// Stores jobs. Answers with those that are new and when they were stored: a job is not new when its user has
/// used its key before. One whose queue has changed since it let the job in is not stored either.
pub async fn submit(
    conn: &mut PgConnection,
    jobs: &[NewJob<'_>],
) -> Result<HashMap<JobId, DateTime<Utc>>, sqlx::Error> {
    // To be ready for a conflict costs each row a word more in the log, and without a key there is none.
    let has_keys = jobs.iter().any(|job| job.idempotency_key.is_some());
    let statement = match has_keys {
        true => {
            store!("ON CONFLICT (owner_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING")
        }
        false => store!(""),
    };
    let rows = sqlx::query(statement)
        .bind(jobs.iter().map(|job| job.id.0).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.spec.name.as_str()).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.queue_id.0).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.owner_id.0).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| i16::from(job.spec.priority)).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.actor).collect::<Vec<_>>())
        .bind(jobs.iter().map(NewJob::spec_text).collect::<Vec<_>>())
        .bind(jobs.iter().map(NewJob::labels_text).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.idempotency_key).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.idempotency_key.map(|_| job.body_hash)).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.team_id.0).collect::<Vec<_>>())
        .bind(jobs.iter().map(|job| job.rerun_of.map(|id| id.0)).collect::<Vec<_>>())
        .bind(jobs.iter().map(NewJob::max_queue_millis).collect::<Vec<_>>())
        .bind(
            jobs.iter()
                .map(|job| job.blocked.as_ref().map(|(reason, _)| reason.as_str()))
                .collect::<Vec<_>>(),
        )
        .bind(
            jobs.iter()
                .map(|job| job.blocked.as_ref().map_or("", |(_, message)| message))
                .collect::<Vec<_>>(),
        )
        .bind(jobs.iter().map(|job| job.queue_version).collect::<Vec<_>>())
        .fetch_all(conn)
        .await?;
    rows.iter().map(|row| Ok((JobId(row.try_get("id")?), row.try_get("created_at")?))).collect()
}

/// One job of an array.
pub struct Member {
    pub id: JobId,
    pub index: u32,
    pub blocked: Option<Reason>,
}

/// Stores some jobs of an array, which are equal but for their index. Says how many are new: the first one
/// carries the key, and is not new when its user has used that before.
pub async fn submit_array(
    conn: &mut PgConnection,
    array_id: ArrayId,
    job: &NewJob<'_>,
    members: &[Member],
) -> Result<u64, sqlx::Error> {
    let words = |member: &Member| match member.blocked {
        None => "",
        Some(Reason::ArrayLimit) => "waits for its turn in the array",
        Some(_) => "waits for other jobs to end",
    };
    let written = sqlx::query(
        "WITH job AS (
            INSERT INTO jobs (id, name, queue_id, owner_id, priority, state, actor, spec, labels, idempotency_key,
                idempotency_hash, team_id, rerun_of, max_queue_millis, queue_deadline, blocked, reason, message, array_id, array_index)
            SELECT m.id, $5, $6, $7, $8, 'queued', $9, $10::jsonb, $11::jsonb, CASE WHEN m.index = 0 THEN $12 END,
                CASE WHEN m.index = 0 THEN $13 END, $14, $15, $16, now() + $16 * interval '1 millisecond',
                m.reason IS NOT NULL, m.reason, m.message, $17, m.index
            FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[]) AS m(id, index, reason, message)
            ON CONFLICT (owner_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
            RETURNING id, reason, message
        ), counted AS (
            INSERT INTO job_count_changes (team_id, queue_id, owner_id, state, reason, jobs)
            SELECT $14, $6, $7, 'queued', COALESCE(reason, ''), count(*) FROM job GROUP BY 5
        )
        INSERT INTO job_events (job_id, sequence, state, epoch, reason, message, actor)
        SELECT id, 1, 'queued', 0, reason, CASE WHEN message = '' THEN 'submitted' ELSE 'submitted; ' || message END, $9 FROM job",
    )
    .bind(members.iter().map(|member| member.id.0).collect::<Vec<Uuid>>())
    .bind(members.iter().map(|member| i32::try_from(member.index).unwrap_or(i32::MAX)).collect::<Vec<_>>())
    .bind(members.iter().map(|member| member.blocked.map(Reason::as_str)).collect::<Vec<_>>())
    .bind(members.iter().map(words).collect::<Vec<_>>())
    .bind(&job.spec.name)
    .bind(job.queue_id.0)
    .bind(job.owner_id.0)
    .bind(i16::from(job.spec.priority))
    .bind(job.actor)
    .bind(job.spec_text())
    .bind(job.labels_text())
    .bind(job.idempotency_key)
    .bind(job.idempotency_key.map(|_| job.body_hash))
    .bind(job.team_id.0)
    .bind(job.rerun_of.map(|id| id.0))
    .bind(job.max_queue_millis())
    .bind(array_id.0)
    .execute(conn)
    .await?;
    Ok(written.rows_affected())
}

/// When a job that was stored now fails for having waited too long.
pub fn queue_deadline(spec: &JobSpec, stored_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let wait: Duration = spec.max_queue_time?.0;
    Some(stored_at + chrono::Duration::from_std(wait).ok()?)
}
