//! T1: users submit. Many jobs go in with one statement, because a round trip and a commit for each is what a
//! busy server would spend its time on.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use lilac_api::job::Reason;
use lilac_api::spec::JobSpec;
use lilac_api::{ArrayId, JobId, QueueId, TeamId, UserId};
use sqlx::postgres::PgArguments;
use sqlx::{Encode, PgConnection, Postgres, Row, Type};
use uuid::Uuid;

use super::millis;

/// A job as it is stored first.
pub struct NewJob<'a> {
    pub id: JobId,
    pub spec: &'a JobSpec,
    pub queue_id: QueueId,
    /// The version of the queue by whose rules it was let in, and how many deletions of people it had seen.
    pub queue_version: i64,
    pub deletions: i64,
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

/// The statement that stores jobs, and counts them and begins their history. Its parameters are those of one job, or an
/// array each of those of many: one that comes alone needs no sets to be joined and nothing to be grouped, which is a good
/// quarter of what the statement costs.
macro_rules! store {
    (one, $on_conflict:literal) => {
        store!(
            "id = $3 AND version = $16 AND deletions = $17",
            "$1::uuid AS id, $2::text AS name, $3::uuid AS queue_id, $4::uuid AS owner_id, $5::smallint AS priority,
                $6::text AS actor, $7::text AS spec, $8::text AS labels, $9::text AS idempotency_key,
                $10::bytea AS idempotency_hash, $11::uuid AS team_id, $12::uuid AS rerun_of,
                $13::bigint AS max_queue_millis, $14::text AS reason, $15::text AS message",
            "EXISTS (SELECT FROM door)",
            $on_conflict,
            "1 FROM job"
        )
    };
    (many, $on_conflict:literal) => {
        store!(
            "(id, version, deletions) IN (SELECT unnest($3::uuid[]), unnest($16::bigint[]), unnest($17::bigint[]))",
            "unnest($1::uuid[]) AS id, unnest($2::text[]) AS name, unnest($3::uuid[]) AS queue_id,
                unnest($4::uuid[]) AS owner_id, unnest($5::smallint[]) AS priority, unnest($6::text[]) AS actor,
                unnest($7::text[]) AS spec, unnest($8::text[]) AS labels, unnest($9::text[]) AS idempotency_key,
                unnest($10::bytea[]) AS idempotency_hash, unnest($11::uuid[]) AS team_id, unnest($12::uuid[]) AS rerun_of,
                unnest($13::bigint[]) AS max_queue_millis, unnest($14::text[]) AS reason, unnest($15::text[]) AS message",
            "queue_id IN (SELECT id FROM door)",
            $on_conflict,
            "count(*) FROM job GROUP BY 1, 2, 3, 5"
        )
    };
    ($door:literal, $wanted:literal, $may_come:literal, $on_conflict:literal, $counted:literal) => {
        concat!(
            "WITH door AS (
            SELECT id FROM queues WHERE ", $door, " AND deleted_at IS NULL FOR KEY SHARE
        ), job AS (
            INSERT INTO jobs (id, name, queue_id, owner_id, priority, state, actor, spec, labels, idempotency_key,
                idempotency_hash, team_id, rerun_of, max_queue_millis, queue_deadline, blocked, reason, message)
            SELECT id, name, queue_id, owner_id, priority, 'queued', actor, spec::jsonb, labels::jsonb, idempotency_key,
                idempotency_hash, team_id, rerun_of, max_queue_millis, now() + max_queue_millis * interval '1 millisecond',
                reason IS NOT NULL, reason, message
            FROM (SELECT ", $wanted, ") wanted
            WHERE ", $may_come, " ", $on_conflict, "
            RETURNING id, team_id, queue_id, owner_id, actor, reason, message, created_at
        ), event AS (
            INSERT INTO job_events (job_id, sequence, state, epoch, reason, message, actor)
            SELECT id, 1, 'queued', 0, reason, CASE WHEN message = '' THEN 'submitted' ELSE 'submitted; ' || message END, actor
            FROM job
        ), counted AS (
            INSERT INTO job_count_changes (team_id, queue_id, owner_id, state, reason, jobs)
            SELECT team_id, queue_id, owner_id, 'queued', COALESCE(reason, ''), ", $counted, "
        )
        SELECT id, created_at FROM job"
        )
    };
    ($jobs:ident) => {
        [
            store!($jobs, ""),
            store!($jobs, "ON CONFLICT (owner_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING"),
        ]
    };
}

/// What to do where a key was used before costs each row a word more in the log: without it, and with it.
const STORE_ONE: [&str; 2] = store!(one);
const STORE_MANY: [&str; 2] = store!(many);

/// Stores jobs. Answers with those that are new and when they were stored: a job is not new when its user has
/// used its key before. One whose queue has changed since it let the job in is not stored either, nor one whose people may
/// be gone since.
pub async fn submit(
    conn: &mut PgConnection,
    jobs: &[NewJob<'_>],
) -> Result<HashMap<JobId, DateTime<Utc>>, sqlx::Error> {
    let [plain, with_keys] = if jobs.len() == 1 { STORE_ONE } else { STORE_MANY };
    let has_keys = jobs.iter().any(|job| job.idempotency_key.is_some());
    let query = sqlx::query(if has_keys { with_keys } else { plain });
    let query = bind(query, jobs, |job| job.id.0);
    let query = bind(query, jobs, |job| job.spec.name.as_str());
    let query = bind(query, jobs, |job| job.queue_id.0);
    let query = bind(query, jobs, |job| job.owner_id.0);
    let query = bind(query, jobs, |job| i16::from(job.spec.priority));
    let query = bind(query, jobs, |job| job.actor);
    let query = bind(query, jobs, NewJob::spec_text);
    let query = bind(query, jobs, NewJob::labels_text);
    let query = bind(query, jobs, |job| job.idempotency_key);
    let query = bind(query, jobs, |job| job.idempotency_key.map(|_| job.body_hash));
    let query = bind(query, jobs, |job| job.team_id.0);
    let query = bind(query, jobs, |job| job.rerun_of.map(|id| id.0));
    let query = bind(query, jobs, NewJob::max_queue_millis);
    let query = bind(query, jobs, |job| job.blocked.as_ref().map(|(reason, _)| reason.as_str()));
    let query = bind(query, jobs, |job| job.blocked.as_ref().map_or("", |(_, message)| message));
    let query = bind(query, jobs, |job| job.queue_version);
    let query = bind(query, jobs, |job| job.deletions);
    let rows = query.fetch_all(conn).await?;
    rows.iter().map(|row| Ok((JobId(row.try_get("id")?), row.try_get("created_at")?))).collect()
}

type PgQuery<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

/// Binds a column of the jobs: as it is where there is one job, and otherwise as an array.
fn bind<'q, 'j: 'q, T>(
    query: PgQuery<'q>,
    jobs: &'j [NewJob<'j>],
    column: impl Fn(&'j NewJob<'j>) -> T,
) -> PgQuery<'q>
where
    T: Encode<'q, Postgres> + Type<Postgres> + 'q,
    Vec<T>: Encode<'q, Postgres> + Type<Postgres>,
{
    match jobs {
        [job] => query.bind(column(job)),
        _ => query.bind(jobs.iter().map(column).collect::<Vec<_>>()),
    }
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
