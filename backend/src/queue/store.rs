//! The SQL of queues.

use std::str::FromStr;
use std::time::Duration;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use lilac_api::problem::ErrorCode;
use lilac_api::quantity::Span;
use lilac_api::queue::{CreateQueue, Guarantee, JobLimits, Queue, Quota, Submitters, UpdateQueue};
use lilac_api::{ClusterId, QueueId};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::auth::caller::Caller;
use crate::error::{ApiError, ApiResult, broken_constraint};

/// Which queues somebody sees, as a condition on `queues q`: none that is deleted; for others than
/// administrators those that their teams own or that they may submit to. Its parameters are what
/// [`Caller::sees`] gives and the user's id.
macro_rules! visible_queue {
    ($teams:literal, $user:literal) => {
        concat!(
            "(q.deleted_at IS NULL AND (",
            $teams,
            "::uuid[] IS NULL OR q.team_id = ANY(",
            $teams,
            ") OR EXISTS (SELECT FROM queue_submitters s WHERE s.queue_id = q.id AND (s.team_id = ANY(",
            $teams,
            ") OR s.user_id = ",
            $user,
            "))))"
        )
    };
}
pub(crate) use visible_queue;

#[derive(sqlx::FromRow)]
struct QueueRow {
    id: Uuid,
    name: String,
    team: String,
    priority: i32,
    weight: i32,
    clusters: Vec<String>,
    paused: bool,
    quota: Json<Quota>,
    user_quota: Json<Quota>,
    guaranteed: Json<Guarantee>,
    preemption: String,
    limits: Json<JobLimits>,
    default_max_runtime_millis: Option<i64>,
    submitter_teams: Vec<String>,
    submitter_users: Vec<String>,
    policy: String,
    run_as: String,
    networks: Vec<String>,
    queued: i64,
    running: i64,
    created_at: DateTime<Utc>,
    version: i64,
}

/// A queue, and the version that its `ETag` carries.
pub struct Versioned {
    pub queue: Queue,
    pub version: i64,
}

impl QueueRow {
    fn into_versioned(self) -> sqlx::Result<Versioned> {
        let queue = Queue {
            id: QueueId(self.id),
            name: self.name,
            team: self.team,
            priority: self.priority,
            weight: self.weight.unsigned_abs(),
            clusters: self.clusters,
            paused: self.paused,
            quota: self.quota.0,
            user_quota: self.user_quota.0,
            guaranteed: self.guaranteed.0,
            preemption: word(&self.preemption)?,
            limits: self.limits.0,
            default_max_runtime: self.default_max_runtime_millis.map(span),
            submitters: Submitters { teams: self.submitter_teams, users: self.submitter_users },
            policy: word(&self.policy)?,
            run_as: word(&self.run_as)?,
            networks: self.networks.iter().map(|text| word(text)).collect::<Result<_, _>>()?,
            queued: self.queued.unsigned_abs(),
            running: self.running.unsigned_abs(),
            created_at: self.created_at,
        };
        Ok(Versioned { queue, version: self.version })
    }
}

/// A span as the database counts it.
pub fn span(millis: i64) -> Span {
    Span(Duration::from_millis(millis.unsigned_abs()))
}

/// A word as the database holds it.
pub fn word<T: FromStr<Err = strum::ParseError>>(text: &str) -> sqlx::Result<T> {
    text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// The queues in the order in which they are served, or the one that is asked for. Only unfinished jobs are
/// counted, so the cost does not grow with history, and only what `caller` sees; without one, all.
pub async fn queues(
    conn: &mut PgConnection,
    caller: Option<&Caller>,
    only: Option<QueueId>,
) -> sqlx::Result<Vec<Versioned>> {
    let rows: Vec<QueueRow> = sqlx::query_as(concat!(
        "WITH counts AS (
             SELECT queue_id, count(*) FILTER (WHERE state = 'queued') AS queued,
                    count(*) FILTER (WHERE state IN ('starting', 'running')) AS running
             FROM jobs
             WHERE state IN ('queued', 'starting', 'running') AND ($1::uuid IS NULL OR queue_id = $1)
               AND ($2::uuid[] IS NULL OR team_id = ANY($2))
             GROUP BY queue_id
         ), targets AS (
             SELECT qc.queue_id, array_agg(c.name ORDER BY qc.position) AS clusters
             FROM queue_clusters qc JOIN clusters c ON c.id = qc.cluster_id
             WHERE $1::uuid IS NULL OR qc.queue_id = $1
             GROUP BY qc.queue_id
         )
         SELECT q.id, q.name, m.name AS team, q.priority, q.weight, COALESCE(t.clusters, '{}') AS clusters, q.paused,
                q.quota, q.user_quota, q.guaranteed, q.preemption, q.limits, q.default_max_runtime_millis, q.policy, q.run_as, q.networks,
                ARRAY(SELECT st.name FROM queue_submitters s JOIN teams st ON st.id = s.team_id
                      WHERE s.queue_id = q.id ORDER BY lower(st.name)) AS submitter_teams,
                ARRAY(SELECT su.username FROM queue_submitters s JOIN users su ON su.id = s.user_id
                      WHERE s.queue_id = q.id ORDER BY lower(su.username)) AS submitter_users,
                COALESCE(n.queued, 0) AS queued, COALESCE(n.running, 0) AS running, q.created_at, q.version
         FROM queues q JOIN teams m ON m.id = q.team_id LEFT JOIN counts n ON n.queue_id = q.id LEFT JOIN targets t ON t.queue_id = q.id
         WHERE ($1::uuid IS NULL OR q.id = $1) AND ",
        visible_queue!("$2", "$3"),
        " ORDER BY q.priority DESC, q.name"
    ))
    .bind(only.map(|id| id.0))
    .bind(caller.and_then(Caller::sees))
    .bind(caller.map(|caller| caller.user_id.0))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(QueueRow::into_versioned).collect()
}

pub async fn queue(conn: &mut PgConnection, caller: Option<&Caller>, id: QueueId) -> ApiResult<Versioned> {
    queues(conn, caller, Some(id)).await?.pop().ok_or_else(|| ApiError::not_found("queue"))
}

/// Whether the caller sees a queue that exists.
pub async fn is_visible(conn: &mut PgConnection, caller: &Caller, id: QueueId) -> sqlx::Result<bool> {
    let query =
        concat!("SELECT EXISTS (SELECT FROM queues q WHERE q.id = $1 AND ", visible_queue!("$2", "$3"), ")");
    sqlx::query_scalar(query).bind(id.0).bind(caller.sees()).bind(caller.user_id.0).fetch_one(conn).await
}

/// Ids of clusters by their names, in the names' order; none for a name that no cluster has.
pub async fn clusters_by_name(
    conn: &mut PgConnection,
    names: &[String],
) -> sqlx::Result<Vec<Option<ClusterId>>> {
    // They stay until the transaction ends.
    sqlx::query("SELECT FROM clusters WHERE name = ANY($1) AND deleted_at IS NULL ORDER BY id FOR KEY SHARE")
        .bind(names)
        .execute(&mut *conn)
        .await?;
    let ids: Vec<Option<Uuid>> = sqlx::query_scalar(
        "SELECT c.id FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, position)
         LEFT JOIN clusters c ON c.name = wanted.name AND c.deleted_at IS NULL ORDER BY wanted.position",
    )
    .bind(names)
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(|id| id.map(ClusterId)).collect())
}

/// A queue with the rules that hold by default.
pub async fn insert_queue(conn: &mut PgConnection, request: &CreateQueue) -> ApiResult<QueueId> {
    let id = QueueId::new();
    let done = sqlx::query(
        "INSERT INTO queues (id, name, team_id) SELECT $1, $2, id FROM teams WHERE lower(name) = lower($3)",
    )
    .bind(id.0)
    .bind(&request.name)
    .bind(&request.team)
    .execute(&mut *conn)
    .await
    .map_err(|error| match broken_constraint(&error) {
        Some("queues_name_key") => {
            let detail = format!("there is a queue named `{}` already", request.name);
            ApiError::new(StatusCode::CONFLICT, ErrorCode::NameTaken, detail)
        }
        _ => error.into(),
    })?;
    if done.rows_affected() == 0 {
        return Err(ApiError::field("team", "not-found", "there is no such team"));
    }
    Ok(id)
}

/// Holds the queue's row until the transaction ends, against submissions to it too; gives its version and name.
pub async fn lock_queue(conn: &mut PgConnection, id: QueueId) -> ApiResult<(i64, String)> {
    let row =
        sqlx::query_as("SELECT version, name FROM queues WHERE id = $1 AND deleted_at IS NULL FOR UPDATE")
            .bind(id.0)
            .fetch_optional(conn)
            .await?;
    row.ok_or_else(|| ApiError::not_found("queue"))
}

/// How long jobs of the queue may run: by default, and what bounds one job.
pub async fn runtimes(conn: &mut PgConnection, id: QueueId) -> sqlx::Result<(Option<Span>, JobLimits)> {
    let row: (Option<i64>, Json<JobLimits>) =
        sqlx::query_as("SELECT default_max_runtime_millis, limits FROM queues WHERE id = $1")
            .bind(id.0)
            .fetch_one(conn)
            .await?;
    Ok((row.0.map(span), row.1.0))
}

/// What the queue may hold, and what of that it is guaranteed.
pub async fn guarantee(conn: &mut PgConnection, id: QueueId) -> sqlx::Result<(Quota, Guarantee)> {
    let row: (Json<Quota>, Json<Guarantee>) =
        sqlx::query_as("SELECT quota, guaranteed FROM queues WHERE id = $1")
            .bind(id.0)
            .fetch_one(conn)
            .await?;
    Ok((row.0.0, row.1.0))
}

pub async fn count_version_up(conn: &mut PgConnection, id: QueueId) -> sqlx::Result<()> {
    sqlx::query("UPDATE queues SET version = version + 1 WHERE id = $1").bind(id.0).execute(conn).await?;
    Ok(())
}

/// Changes what is given of what stands in the queue's own row.
pub async fn write_rules(conn: &mut PgConnection, id: QueueId, change: &UpdateQueue) -> ApiResult<()> {
    let networks = change.networks.as_ref();
    let networks: Option<Vec<&str>> = networks.map(|networks| networks.iter().map(Into::into).collect());
    let runtime = change.default_max_runtime.flatten();
    let done = sqlx::query(
        "UPDATE queues SET priority = COALESCE($2, priority), paused = COALESCE($3, paused),
                weight = COALESCE($4, weight), quota = COALESCE($5, quota), user_quota = COALESCE($6, user_quota),
                guaranteed = COALESCE($14, guaranteed), preemption = COALESCE($15, preemption),
                limits = COALESCE($7, limits), policy = COALESCE($8, policy), run_as = COALESCE($13, run_as), networks = COALESCE($9, networks),
                default_max_runtime_millis = CASE WHEN $10 THEN $11 ELSE default_max_runtime_millis END,
                team_id = CASE WHEN $12::text IS NULL THEN team_id
                               ELSE (SELECT id FROM teams WHERE lower(name) = lower($12)) END
         WHERE id = $1 AND ($12::text IS NULL OR EXISTS (SELECT FROM teams WHERE lower(name) = lower($12)))",
    )
    .bind(id.0)
    .bind(change.priority)
    .bind(change.paused)
    .bind(change.weight.map(|weight| i32::try_from(weight).unwrap_or(i32::MAX)))
    .bind(change.quota.as_ref().map(Json))
    .bind(change.user_quota.as_ref().map(Json))
    .bind(change.limits.as_ref().map(Json))
    .bind(change.policy.map(<&str>::from))
    .bind(networks)
    .bind(change.default_max_runtime.is_some())
    .bind(runtime.map(|span| i64::try_from(span.0.as_millis()).unwrap_or(i64::MAX)))
    .bind(&change.team)
    .bind(change.run_as.map(<&str>::from))
    .bind(change.guaranteed.as_ref().map(Json))
    .bind(change.preemption.map(<&str>::from))
    .execute(conn)
    .await?;
    if done.rows_affected() == 0 {
        return Err(ApiError::field("team", "not-found", "there is no such team"));
    }
    Ok(())
}

/// Says who may submit beside the owning team. Gives back what names nobody, as paths.
pub async fn set_submitters(
    conn: &mut PgConnection,
    id: QueueId,
    submitters: &Submitters,
) -> sqlx::Result<Vec<String>> {
    sqlx::query("DELETE FROM queue_submitters WHERE queue_id = $1").bind(id.0).execute(&mut *conn).await?;
    let known: Vec<(String, i64)> = sqlx::query_as(
        "WITH team AS (
             SELECT DISTINCT ON (t.id) t.id, position FROM unnest($2::text[]) WITH ORDINALITY AS w (name, position)
             JOIN teams t ON lower(t.name) = lower(w.name) ORDER BY t.id, position
         ), person AS (
             SELECT DISTINCT ON (u.id) u.id, position FROM unnest($3::text[]) WITH ORDINALITY AS w (name, position)
             JOIN users u ON lower(u.username) = lower(w.name) ORDER BY u.id, position
         ), written AS (
             INSERT INTO queue_submitters (queue_id, team_id, user_id)
             SELECT $1, id, NULL FROM team UNION ALL SELECT $1, NULL, id FROM person
         )
         SELECT 'teams', position FROM team UNION ALL SELECT 'users', position FROM person",
    )
    .bind(id.0)
    .bind(&submitters.teams)
    .bind(&submitters.users)
    .fetch_all(conn)
    .await?;
    let unknown = |field: &str, count: usize| {
        (0..count)
            .filter(|index| !known.iter().any(|(kind, at)| kind == field && *at == *index as i64 + 1))
            .map(|index| format!("submitters.{field}[{index}]"))
            .collect::<Vec<_>>()
    };
    Ok([unknown("teams", submitters.teams.len()), unknown("users", submitters.users.len())].concat())
}

/// Says on which clusters the queue's jobs may run, the preferred first.
pub async fn set_clusters(conn: &mut PgConnection, id: QueueId, clusters: &[ClusterId]) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM queue_clusters WHERE queue_id = $1").bind(id.0).execute(&mut *conn).await?;
    let clusters: Vec<Uuid> = clusters.iter().map(|cluster| cluster.0).collect();
    sqlx::query(
        "INSERT INTO queue_clusters (queue_id, cluster_id, position)
         SELECT $1, cluster_id, position - 1
         FROM unnest($2::uuid[]) WITH ORDINALITY AS wanted (cluster_id, position)",
    )
    .bind(id.0)
    .bind(&clusters)
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn mark_deleted(conn: &mut PgConnection, id: QueueId) -> sqlx::Result<()> {
    sqlx::query("UPDATE queues SET deleted_at = now(), paused = true, version = version + 1 WHERE id = $1")
        .bind(id.0)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn count_unfinished(conn: &mut PgConnection, id: QueueId) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT count(*) FROM jobs WHERE queue_id = $1 AND state IN ('queued', 'starting', 'running', 'held')",
    )
    .bind(id.0)
    .fetch_one(conn)
    .await
}

/// Unfinished jobs of the queue that nobody has asked to stop yet, in the order in which rows are locked.
pub async fn not_yet_cancelled(conn: &mut PgConnection, id: QueueId, limit: i64) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "SELECT id FROM jobs WHERE queue_id = $1 AND state IN ('queued', 'starting', 'running', 'held')
           AND NOT cancel_requested
         ORDER BY id LIMIT $2 FOR UPDATE",
    )
    .bind(id.0)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// The queue of that name, which stays until the transaction ends.
pub async fn lock_target(conn: &mut PgConnection, name: &str) -> sqlx::Result<Option<QueueId>> {
    let id = sqlx::query_scalar("SELECT id FROM queues WHERE name = $1 AND deleted_at IS NULL FOR KEY SHARE")
        .bind(name)
        .fetch_optional(conn)
        .await?;
    Ok(id.map(QueueId))
}
