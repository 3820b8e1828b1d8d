//! How an attempt goes on and ends by its node's word.

use chrono::{DateTime, Utc};
use lilac_api::agent::TaskResult;
use lilac_api::job::{AttemptState, JobState};
use sqlx::PgConnection;

use super::super::verdict::{self, Standing};
use super::loss::lose;
use super::{LockedAttempt, Step, step};

/// T3: the owning node says how far an attempt is: `preparing` or `running`.
pub async fn progress(
    conn: &mut PgConnection,
    attempt: &LockedAttempt,
    to: AttemptState,
    started_at: Option<DateTime<Utc>>,
    actor: &str,
) -> Result<bool, sqlx::Error> {
    let forward = matches!(
        (attempt.state, to),
        (AttemptState::Granted, AttemptState::Preparing | AttemptState::Running)
            | (AttemptState::Preparing, AttemptState::Running)
    );
    if !forward || !attempt.is_current() {
        return Ok(false);
    }
    let job_to = if to == AttemptState::Running { JobState::Running } else { JobState::Starting };
    let started_at = if to == AttemptState::Running { started_at.or_else(|| Some(Utc::now())) } else { None };
    let change = Step {
        attempt: Some((attempt.id, to)),
        started_at,
        run_for: started_at.and(attempt.job.max_runtime),
        ..Step::new(&attempt.job, job_to, actor)
    };
    step(conn, &change).await
}

/// T5, T6, T8: the owning node says how an attempt ended. Accepted once, while its epoch is the current one;
/// after a loss, too, as long as the job was not placed again: finished work is not thrown away.
pub async fn finish(
    conn: &mut PgConnection,
    attempt: &LockedAttempt,
    result: &TaskResult,
    started_at: Option<DateTime<Utc>>,
    actor: &str,
) -> Result<bool, sqlx::Error> {
    let ended_for_good = attempt.state.is_terminal() && attempt.state != AttemptState::Lost;
    if ended_for_good || !attempt.is_current() || attempt.job.state.is_terminal() {
        return Ok(false);
    }
    let standing = Standing {
        attempt: attempt.state,
        cancel_requested: attempt.job.cancel_requested,
        retry: &attempt.job.retry,
        charged: u32::try_from(attempt.job.attempts_charged).unwrap_or_default(),
        epoch: attempt.job.epoch,
    };
    let Some(verdict) = verdict::judge(standing, result) else { return Ok(false) };
    let log_end_bytes = i64::try_from(result.log_bytes).ok();
    if verdict.attempt == AttemptState::Lost {
        return lose(conn, attempt, &result.message, actor, log_end_bytes).await;
    }
    let message = verdict.sentence(result);
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
        ..Step::new(&attempt.job, verdict.job, actor)
    };
    step(conn, &change).await
}
