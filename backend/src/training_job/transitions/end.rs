//! How an attempt goes on and ends by its node's word.

use chrono::{DateTime, Utc};
use lilac_api::agent::{Phase, TaskResult};
use lilac_api::job::{AttemptState, Reason};
use lilac_api::quantity::{Bytes, Ratio};
use lilac_rules::verdict::{self, Standing};
use lilac_rules::{report, retry};
use sqlx::types::Json;
use sqlx::{PgConnection, Row};

use super::elsewhere;
use super::loss::lose;
use super::{LockedAttempt, Override, Step, gang, step};

/// T3: the owning node says how far an attempt is: `preparing` or `running`.
pub async fn progress(
    conn: &mut PgConnection,
    attempt: &LockedAttempt,
    phase: Phase,
    started_at: Option<DateTime<Utc>>,
    actor: &str,
) -> Result<bool, sqlx::Error> {
    let Some((to, job_to)) = report::progress(phase, attempt.state) else { return Ok(false) };
    if !attempt.is_current() {
        return Ok(false);
    }
    let started_at = if to == AttemptState::Running { started_at.or_else(|| Some(Utc::now())) } else { None };
    let change = Step {
        attempt: Some((attempt.id, to)),
        started_at,
        run_for: started_at.and(attempt.job.max_runtime).map(|max| max.saturating_add(attempt.job.grace)),
        ..Step::new(&attempt.job, job_to, actor)
    };
    step(conn, &change).await
}

/// T5, T6, T8, T11: the owning node says how an attempt ended. Accepted once, while its epoch is the current one;
/// after a loss, too, as long as the job was not placed again: finished work is not thrown away.
pub async fn finish(
    conn: &mut PgConnection,
    attempt: &LockedAttempt,
    result: &TaskResult,
    started_at: Option<DateTime<Utc>>,
    actor: &str,
) -> Result<bool, sqlx::Error> {
    if !report::may_end(attempt.state, attempt.is_current(), attempt.job.state) {
        return Ok(false);
    }
    if attempt.is_gang() {
        return gang::finish(conn, attempt, result, started_at, actor).await;
    }
    let ordered = attempt.reason.filter(|_| attempt.state == AttemptState::Stopping);
    conclude(conn, attempt, result, ordered, started_at, actor).await
}

/// The attempt has ended like this, and nothing of it runs any more. `ordered` is why the control plane told it to
/// stop, where it did.
pub(super) async fn conclude(
    conn: &mut PgConnection,
    attempt: &LockedAttempt,
    result: &TaskResult,
    ordered: Option<Reason>,
    started_at: Option<DateTime<Utc>>,
    actor: &str,
) -> Result<bool, sqlx::Error> {
    let standing = Standing {
        attempt: attempt.state,
        cancel_requested: attempt.job.cancel_requested,
        retry: &attempt.job.retry,
        charged: u32::try_from(attempt.job.attempts_charged).unwrap_or_default(),
        epoch: attempt.job.epoch,
        ordered,
        luck: f64::from(rand::random::<f32>()),
    };
    let Some(verdict) = verdict::judge(standing, result) else { return Ok(false) };
    let verdict = elsewhere::judge(conn, attempt, result, verdict).await?;
    // Each rank of a gang has a log of its own, of which its own end tells.
    let log_end_bytes = i64::try_from(result.log_bytes).ok().filter(|_| !attempt.is_gang());
    if verdict.attempt == AttemptState::Lost {
        return lose(conn, attempt, &result.message, actor, log_end_bytes).await;
    }
    let memory_bytes = match verdict.memory_factor {
        Some(factor) => more_memory(conn, attempt, factor).await?,
        None => None,
    };
    let mut message = verdict.sentence(result);
    if let Some(bytes) = memory_bytes {
        message.push_str(&format!(", with {} of memory", Bytes(bytes)));
    }
    let change = Step {
        attempt: Some((attempt.id, verdict.attempt)),
        reason: verdict.reason,
        message: &message,
        charge: verdict.charge,
        wait: verdict.wait,
        started_at,
        exit_code: result.exit_code,
        signal: result.signal,
        log_end_bytes,
        over: Override { memory_bytes, ..Override::default() },
        ..Step::new(&attempt.job, verdict.job, actor)
    };
    step(conn, &change).await
}

/// What the next attempt asks for, where that is more than this one had: as far as any node that its queue
/// leads to has it, and the queue allows it.
async fn more_memory(
    conn: &mut PgConnection,
    attempt: &LockedAttempt,
    factor: Ratio,
) -> Result<Option<u64>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT (SELECT max(t.memory_bytes) FROM tasks t WHERE t.attempt_id = $1) AS now,
                (SELECT max(n.memory_bytes) FROM nodes n JOIN queue_clusters c ON c.cluster_id = n.cluster_id
                 WHERE c.queue_id = q.id AND n.removed_at IS NULL) AS most, q.limits->'memory' AS allowed
         FROM jobs j JOIN queues q ON q.id = j.queue_id WHERE j.id = $2",
    )
    .bind(attempt.id.0)
    .bind(attempt.job.id.0)
    .fetch_one(conn)
    .await?;
    let amount = |column: &str| {
        let bytes: Option<i64> = row.try_get(column)?;
        Ok::<_, sqlx::Error>(bytes.and_then(|bytes| u64::try_from(bytes).ok()))
    };
    let Some(now) = amount("now")? else { return Ok(None) };
    let allowed: Option<Json<Bytes>> = row.try_get("allowed")?;
    let most = [amount("most")?, allowed.map(|Json(bytes)| bytes.0)].into_iter().flatten().min();
    let next = retry::more_memory(now, factor, most);
    Ok((next > now).then_some(next))
}
