//! Attempts of several ranks. What one rank's end means for the whole is decided by [`lilac_rules::gang`]; here it is
//! carried out. A rank is released as soon as it has ended; its attempt ends once, when all of them have, by the same
//! step as any other. Until then the job is not placed again: that is what keeps it from running twice.

use std::time::Duration;

use chrono::{DateTime, Utc};
use lilac_api::agent::{Outcome, TaskResult};
use lilac_api::job::{AttemptState, Reason};
use lilac_api::quantity::Span;
use lilac_api::{AttemptId, JobId, NodeId};
use lilac_rules::gang::{self, After, Rank};
use lilac_rules::order;
use lilac_scheduler::Part;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};

use super::end::conclude;
use super::{Grant, LockedAttempt, Step, lock_attempts, step};
use crate::bell::Topic;
use crate::error::ApiResult;

/// The most attempts that one look tells to stop.
const BATCH: i64 = 50;

/// T2, for the other ranks of those that were granted: in the same transaction, so that all of them are placed or none.
pub(super) async fn grant_others(
    conn: &mut PgConnection,
    grants: &[Grant],
    granted: &[JobId],
) -> Result<(), sqlx::Error> {
    let others: Vec<(&Grant, i16, &Part)> = grants
        .iter()
        .filter(|grant| granted.contains(&grant.job_id))
        .flat_map(|grant| (1..).zip(&grant.others).map(move |(rank, part)| (grant, rank, part)))
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    let gpus: Vec<(uuid::Uuid, i16, i16)> = others
        .iter()
        .flat_map(|(grant, rank, part)| {
            let index = |index: &u16| i16::try_from(*index).unwrap_or(i16::MAX);
            part.gpu_indices.iter().map(move |one| (grant.attempt_id.0, *rank, index(one)))
        })
        .collect();
    sqlx::query(
        "WITH part AS (
            SELECT p.attempt_id, p.rank, p.node_id, t.cpu_milli, t.memory_bytes, t.disk_bytes, t.gpu_milli, t.lease_until
            FROM unnest($1::uuid[], $2::smallint[], $3::uuid[]) AS p(attempt_id, rank, node_id)
            JOIN tasks t ON t.attempt_id = p.attempt_id AND t.rank = 0
        ), gpu AS (
            SELECT * FROM unnest($4::uuid[], $5::smallint[], $6::smallint[]) AS g(attempt_id, rank, gpu_index)
        ), attempt AS (
            UPDATE attempts SET ranks = 1 + (SELECT count(*) FROM part WHERE part.attempt_id = attempts.id)
            WHERE id IN (SELECT attempt_id FROM part)
        ), task AS (
            INSERT INTO tasks (attempt_id, rank, node_id, cpu_milli, memory_bytes, disk_bytes, gpu_indices, gpu_milli, lease_until, address)
            SELECT attempt_id, rank, node_id, cpu_milli, memory_bytes, disk_bytes,
                ARRAY(SELECT gpu_index FROM gpu WHERE (gpu.attempt_id, gpu.rank) = (part.attempt_id, part.rank) ORDER BY gpu_index),
                gpu_milli, lease_until, (SELECT address FROM nodes WHERE id = part.node_id)
            FROM part
        ), claim AS (
            INSERT INTO gpu_claims (node_id, gpu_index, attempt_id, milli)
            SELECT part.node_id, gpu.gpu_index, part.attempt_id, part.gpu_milli FROM part JOIN gpu USING (attempt_id, rank)
        )
        UPDATE tasks SET address = (SELECT address FROM nodes WHERE id = tasks.node_id)
        WHERE rank = 0 AND attempt_id IN (SELECT attempt_id FROM part)",
    )
    .bind(others.iter().map(|(grant, ..)| grant.attempt_id.0).collect::<Vec<_>>())
    .bind(others.iter().map(|(_, rank, _)| *rank).collect::<Vec<i16>>())
    .bind(others.iter().map(|(.., part)| part.node.0).collect::<Vec<_>>())
    .bind(gpus.iter().map(|gpu| gpu.0).collect::<Vec<_>>())
    .bind(gpus.iter().map(|gpu| gpu.1).collect::<Vec<_>>())
    .bind(gpus.iter().map(|gpu| gpu.2).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// One rank has ended, by the word of its node.
pub(super) async fn finish(
    conn: &mut PgConnection,
    attempt: &LockedAttempt,
    result: &TaskResult,
    started_at: Option<DateTime<Utc>>,
    actor: &str,
) -> Result<bool, sqlx::Error> {
    if !note_end(conn, attempt, result).await? {
        return Ok(false);
    }
    settle(conn, attempt, started_at, actor).await
}

/// One rank is lost: its lease is over, or its node is known to be dead.
pub(super) async fn lose(
    conn: &mut PgConnection,
    attempt: &LockedAttempt,
    message: &str,
    actor: &str,
) -> Result<bool, sqlx::Error> {
    if attempt.state.is_terminal() || !attempt.is_current() {
        return Ok(false);
    }
    let lost = TaskResult {
        outcome: Outcome::Lost,
        exit_code: None,
        signal: None,
        reason: None,
        message: message.to_owned(),
        finished_at: Utc::now(),
        log_bytes: 0,
    };
    if !note_end(conn, attempt, &lost).await? {
        return Ok(false);
    }
    settle(conn, attempt, None, actor).await
}

/// Stores how the rank of the node ended, and frees the node of it. Said again it changes nothing; but finished work
/// of a rank that was taken for lost still counts.
async fn note_end(
    conn: &mut PgConnection,
    attempt: &LockedAttempt,
    result: &TaskResult,
) -> Result<bool, sqlx::Error> {
    let log_end_bytes = i64::try_from(result.log_bytes).ok().filter(|_| result.outcome != Outcome::Lost);
    let noted: i64 = sqlx::query_scalar(
        "WITH task AS (
            UPDATE tasks SET result = $3, log_end_bytes = COALESCE($4, log_end_bytes),
                released_at = COALESCE(released_at, clock_timestamp())
            WHERE attempt_id = $1 AND node_id = $2
              AND (released_at IS NULL OR ($5 AND result->>'outcome' = 'lost'))
            RETURNING attempt_id, node_id
        ), unclaimed AS (
            DELETE FROM gpu_claims g USING task WHERE (g.attempt_id, g.node_id) = (task.attempt_id, task.node_id)
        )
        SELECT count(*) FROM task",
    )
    .bind(attempt.id.0)
    .bind(attempt.node.map(|node| node.0))
    .bind(Json(result))
    .bind(log_end_bytes)
    .bind(attempt.state == AttemptState::Lost && gang::ended_well(result))
    .fetch_one(conn)
    .await?;
    Ok(noted > 0)
}

/// Does what follows for the attempt, now that one more rank has ended.
async fn settle(
    conn: &mut PgConnection,
    attempt: &LockedAttempt,
    started_at: Option<DateTime<Utc>>,
    actor: &str,
) -> Result<bool, sqlx::Error> {
    let Standing { ranks, failed, words } = read(conn, attempt).await?;
    let is_late = attempt.state == AttemptState::Lost;
    let is_stopping = attempt.state == AttemptState::Stopping;
    // What was lost stays lost, unless all of it was finished after all.
    let failed = failed.filter(|_| !is_late);
    let ordered = attempt.reason.filter(|_| is_stopping && failed.is_none());
    let started_at = started_at.filter(|_| !matches!(attempt.state, AttemptState::Running));
    match gang::after(&ranks, failed, ordered.is_some()) {
        After::Wait => Ok(true),
        After::StopOthers { .. } | After::Conclude { failed: Some(_), .. } if is_late => Ok(true),
        After::StopOthers { failed, reason, words } => {
            note_failed(conn, attempt.id, Some(failed)).await?;
            let change = Step {
                attempt: Some((attempt.id, AttemptState::Stopping)),
                reason: Some(reason),
                message: &words,
                started_at,
                ..Step::new(&attempt.job, attempt.job.state, actor)
            };
            step(conn, &change).await
        }
        After::Conclude { failed: first, mut result } => {
            // That all was finished after all takes back what was said of a rank before.
            if failed.is_none() && (first.is_some() || is_late) {
                note_failed(conn, attempt.id, first).await?;
            }
            if ordered == Some(Reason::Infrastructure) {
                result.message = words;
            }
            conclude(conn, attempt, &result, ordered, started_at, actor).await
        }
    }
}

struct Standing {
    ranks: Vec<Rank>,
    /// The rank that failed first, where one did.
    failed: Option<u16>,
    /// What is told of the attempt.
    words: String,
}

async fn read(conn: &mut PgConnection, attempt: &LockedAttempt) -> Result<Standing, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT t.rank, n.name, t.result, a.failed_rank, a.message
         FROM attempts a JOIN tasks t ON t.attempt_id = a.id JOIN nodes n ON n.id = t.node_id
         WHERE a.id = $1 ORDER BY t.rank",
    )
    .bind(attempt.id.0)
    .fetch_all(conn)
    .await?;
    let mut standing = Standing { ranks: Vec::with_capacity(rows.len()), failed: None, words: String::new() };
    for row in &rows {
        let number = |rank: i16| u16::try_from(rank).unwrap_or_default();
        standing.failed = row.try_get::<Option<i16>, _>("failed_rank")?.map(number);
        standing.words = row.try_get("message")?;
        standing.ranks.push(Rank {
            rank: number(row.try_get("rank")?),
            node: row.try_get("name")?,
            end: row.try_get::<Option<Json<TaskResult>>, _>("result")?.map(|Json(end)| end),
        });
    }
    Ok(standing)
}

async fn note_failed(
    conn: &mut PgConnection,
    attempt: AttemptId,
    rank: Option<u16>,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE attempts SET failed_rank = $2 WHERE id = $1")
        .bind(attempt.0)
        .bind(rank.map(|rank| i16::try_from(rank).unwrap_or(i16::MAX)))
        .execute(conn)
        .await?;
    Ok(())
}

/// The bells of the nodes that a gang's attempt is on: each has to hear what became of the others.
pub async fn touched_nodes(
    conn: &mut PgConnection,
    attempt: &LockedAttempt,
) -> Result<Vec<Topic>, sqlx::Error> {
    if !attempt.is_gang() {
        return Ok(Vec::new());
    }
    let nodes: Vec<uuid::Uuid> = sqlx::query_scalar("SELECT node_id FROM tasks WHERE attempt_id = $1")
        .bind(attempt.id.0)
        .fetch_all(conn)
        .await?;
    Ok(nodes.into_iter().map(|node| Topic::Node(NodeId(node))).collect())
}

/// Gangs whose ranks were not all ready in time are told to stop: a fault of the platform, tried again elsewhere.
pub async fn stop_scattered(conn: &mut PgConnection, within: Duration, actor: &str) -> ApiResult<Vec<Topic>> {
    let scattered: Vec<uuid::Uuid> = sqlx::query_scalar(
        "SELECT id FROM attempts a WHERE ranks > 1 AND state IN ('granted', 'preparing')
           AND granted_at < clock_timestamp() - $1 * interval '1 second'
           AND EXISTS (SELECT FROM tasks t WHERE t.attempt_id = a.id AND t.ready_at IS NULL)
         ORDER BY granted_at LIMIT $2",
    )
    .bind(within.as_secs_f64())
    .bind(BATCH)
    .fetch_all(&mut *conn)
    .await?;
    let scattered: Vec<AttemptId> = scattered.into_iter().map(AttemptId).collect();
    let mut topics = Vec::new();
    for attempt in lock_attempts(conn, &scattered, None).await? {
        let gathers = matches!(attempt.state, AttemptState::Granted | AttemptState::Preparing);
        if !gathers || !order::may_stop(attempt.state, attempt.is_current()) {
            continue;
        }
        let message = format!("{} not ready within {}", missing(conn, attempt.id).await?, Span(within));
        let change = Step {
            attempt: Some((attempt.id, AttemptState::Stopping)),
            reason: Some(Reason::Infrastructure),
            message: &message,
            ..Step::new(&attempt.job, attempt.job.state, actor)
        };
        if step(conn, &change).await? {
            tracing::warn!(job_id = %attempt.job.id, attempt = attempt.epoch, message, "told to stop");
            topics.push(Topic::Job(attempt.job.id));
            topics.extend(touched_nodes(conn, &attempt).await?);
        }
    }
    Ok(topics)
}

/// Who keeps the others waiting: `rank 2 on n3 was`, `rank 2 on n3 and 4 others were`.
async fn missing(conn: &mut PgConnection, attempt: AttemptId) -> Result<String, sqlx::Error> {
    let late: Vec<(i16, String)> = sqlx::query_as(
        "SELECT t.rank, n.name FROM tasks t JOIN nodes n ON n.id = t.node_id
         WHERE t.attempt_id = $1 AND t.ready_at IS NULL ORDER BY t.rank",
    )
    .bind(attempt.0)
    .fetch_all(conn)
    .await?;
    Ok(match late.as_slice() {
        [] => "a rank was".to_owned(),
        [(rank, node)] => format!("rank {rank} on {node} was"),
        [(rank, node), others @ ..] => format!("rank {rank} on {node} and {} more were", others.len()),
    })
}
