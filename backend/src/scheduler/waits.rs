//! What the end of one job does to others: dependents are let through or fail, arrays get on. The end itself
//! wrote one row, however many wait (`job_wakes`); the leader works those rows off, in bounded transactions.
//! Each step may be done twice or interrupted: it looks at what is there and does what is left.
//!
//! Here, too, the changes of the jobs' counts are folded together.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lilac_api::job::{JobState, Reason};
use lilac_api::{ArrayId, JobId};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::leader::{self, Holder, Term};
use crate::app::App;
use crate::bell::Topic;
use crate::error::ApiResult;
use crate::training_job::{arrays, needs, transitions};

const ACTOR: &str = "scheduler";
/// Looked at least this often, whether a bell rang or not.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Looks that bells ask for are this far apart. The first is at once.
const GATHER_FOR: Duration = Duration::from_millis(20);
/// Changes of counts are folded this often, where there are enough of them.
const FOLD_EVERY: Duration = Duration::from_secs(1);
/// The most dependents, or jobs of an array, that one transaction changes.
const BATCH: i64 = 500;
/// The most changes of counts that are folded at once.
const FOLD: i64 = 10_000;

pub async fn run(app: Arc<App>, holder: Holder) {
    let mut bells = app.bell.listen();
    let mut next_fold = Instant::now();
    loop {
        tokio::select! {
            _ = bells.wait_for(LOOK_EVERY, GATHER_FOR, |topic| topic == Topic::Schedule) => {}
            () = app.stopping.cancelled() => return,
        }
        let Some(term) = holder.term() else { continue };
        let mut done = work(&app, term).await;
        if done.is_ok() && next_fold <= Instant::now() {
            next_fold = Instant::now() + FOLD_EVERY;
            done = fold_counts(&app, term).await;
        }
        if let Err(error) = done {
            tracing::warn!(error = %error.detail, "working off what ended failed; trying again");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// Works off all that is there.
pub async fn work(app: &App, term: Term) -> ApiResult<()> {
    while step(app, term).await? {}
    Ok(())
}

/// Does one bounded part of the work. Says whether there may be more.
async fn step(app: &App, term: Term) -> ApiResult<bool> {
    let wake = sqlx::query("SELECT id, job_id, array_id FROM job_wakes ORDER BY id LIMIT 1");
    let Some(wake) = wake.fetch_optional(&app.pool).await? else { return Ok(false) };
    let id: i64 = wake.try_get("id")?;
    let mut tx = app.pool.begin().await?;
    leader::check(&mut tx, term).await?;
    let mut topics = Vec::new();
    let mut is_done = true;
    let array: Option<Uuid> = wake.try_get("array_id")?;
    // Read before the array is looked at: what is woken after that wants another look.
    let same: Vec<i64> =
        sqlx::query_scalar("SELECT id FROM job_wakes WHERE id = $1 OR array_id = $2 LIMIT 10000")
            .bind(id)
            .bind(array)
            .fetch_all(&mut *tx)
            .await?;
    if let Some(job) = wake.try_get::<Option<Uuid>, _>("job_id")? {
        is_done &= settle(&mut tx, JobId(job), &mut topics).await?;
    }
    if let Some(array) = array {
        is_done &= advance(&mut tx, ArrayId(array), &mut topics).await?;
    }
    if is_done {
        sqlx::query("DELETE FROM job_wakes WHERE id = ANY($1)").bind(same).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    if !topics.is_empty() {
        topics.push(Topic::Schedule);
    }
    app.bell.ring_all(topics);
    Ok(true)
}

/// Tells some of those that wait for a job how it ended. Says whether these were all.
async fn settle(conn: &mut PgConnection, job: JobId, topics: &mut Vec<Topic>) -> ApiResult<bool> {
    let ended = sqlx::query("SELECT name, state FROM jobs WHERE id = $1").bind(job.0);
    let Some(ended) = ended.fetch_optional(&mut *conn).await? else { return Ok(true) };
    let name: &str = ended.try_get("name")?;
    let state: JobState = word(ended.try_get("state")?)?;
    if !state.is_terminal() {
        return Ok(true);
    }
    let rows = sqlx::query(
        "SELECT id, job_id, array_id, outcome FROM job_needs WHERE needs_id = $1 AND NOT settled ORDER BY id LIMIT $2 FOR UPDATE",
    )
    .bind(job.0)
    .bind(BATCH)
    .fetch_all(&mut *conn)
    .await?;
    let (mut met, mut missed) = (Dependents::default(), Dependents::default());
    for row in &rows {
        let is_met = needs::is_met(state, word(row.try_get("outcome")?)?);
        let side = if is_met { &mut met } else { &mut missed };
        side.jobs.extend(row.try_get::<Option<Uuid>, _>("job_id")?);
        side.arrays.extend(row.try_get::<Option<Uuid>, _>("array_id")?);
    }
    let ids: Vec<i64> = rows.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
    sqlx::query("UPDATE job_needs SET settled = true WHERE id = ANY($1)")
        .bind(ids)
        .execute(&mut *conn)
        .await?;
    let message = format!("{name} ended as {state}, which is not what this job waits for");
    let failed = JobState::Failed;
    let ended =
        transitions::end_waiting(conn, &missed.jobs, failed, Reason::DependencyFailed, &message, ACTOR)
            .await?;
    topics.extend(ended.into_iter().map(Topic::Job));
    let free: Vec<Uuid> = sqlx::query_scalar(
        "SELECT id FROM unnest($1::uuid[]) AS d(id)
         WHERE NOT EXISTS (SELECT FROM job_needs n WHERE n.job_id = d.id AND NOT n.settled)",
    )
    .bind(&met.jobs)
    .fetch_all(&mut *conn)
    .await?;
    let freed = transitions::unblock(conn, &free, "what it waited for has ended", ACTOR).await?;
    topics.extend(freed.into_iter().map(Topic::Job));
    release_arrays(conn, &met, &missed, &message).await?;
    Ok(rows.len() < usize::try_from(BATCH).unwrap_or_default())
}

#[derive(Default)]
struct Dependents {
    jobs: Vec<Uuid>,
    arrays: Vec<Uuid>,
}

fn word<T: std::str::FromStr<Err = strum::ParseError>>(text: &str) -> Result<T, sqlx::Error> {
    text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// Arrays that waited get on, or are stopped; what that means to their jobs is worked off next.
async fn release_arrays(
    conn: &mut PgConnection,
    met: &Dependents,
    missed: &Dependents,
    message: &str,
) -> Result<(), sqlx::Error> {
    if met.arrays.is_empty() && missed.arrays.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "WITH stopped AS (
            UPDATE job_arrays SET stopped = 'dependency-failed', stop_message = $3 WHERE id = ANY($2) AND stopped IS NULL RETURNING id
        ), ready AS (
            UPDATE job_arrays a SET ready = true
            WHERE id = ANY($1) AND NOT EXISTS (SELECT FROM job_needs n WHERE n.array_id = a.id AND NOT n.settled)
            RETURNING id
        )
        INSERT INTO job_wakes (array_id) SELECT id FROM stopped UNION SELECT id FROM ready",
    )
    .bind(&met.arrays)
    .bind(&missed.arrays)
    .bind(message)
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets more jobs of an array through, or ends those that wait. Says whether that is all there is to do now.
async fn advance(conn: &mut PgConnection, id: ArrayId, topics: &mut Vec<Topic>) -> ApiResult<bool> {
    let array = sqlx::query(
        "SELECT ready, stopped, stop_message, max_parallel, max_failures,
                CASE WHEN max_failures IS NOT NULL THEN
                    (SELECT count(*) FROM (SELECT FROM jobs WHERE array_id = $1 AND state = 'failed' LIMIT max_failures + 1) f) END AS failed
         FROM job_arrays WHERE id = $1 FOR UPDATE",
    )
    .bind(id.0);
    let Some(array) = array.fetch_optional(&mut *conn).await? else { return Ok(true) };
    let mut stopped: Option<String> = array.try_get("stopped")?;
    let mut message: String = array.try_get("stop_message")?;
    let most: Option<i32> = array.try_get("max_failures")?;
    let failed: Option<i64> = array.try_get("failed")?;
    if stopped.is_none()
        && let (Some(most), Some(failed)) = (most, failed)
        && failed > i64::from(most)
    {
        message = format!("more than {most} of its jobs failed");
        stopped = Some("max-failures".to_owned());
        sqlx::query("UPDATE job_arrays SET stopped = 'max-failures', stop_message = $2 WHERE id = $1")
            .bind(id.0)
            .bind(&message)
            .execute(&mut *conn)
            .await?;
    }
    if let Some(stopped) = stopped {
        let waiting = arrays::waiting(conn, id).await?;
        let (to, reason) = match stopped.as_str() {
            "dependency-failed" => (JobState::Failed, Reason::DependencyFailed),
            _ => (JobState::Cancelled, Reason::Cancelled),
        };
        let ended = transitions::end_waiting(conn, &waiting, to, reason, &message, ACTOR).await?;
        topics.extend(ended.into_iter().map(Topic::Job));
        return Ok(waiting.is_empty());
    }
    if !array.try_get::<bool, _>("ready")? {
        return Ok(true);
    }
    let next = next_in_turn(conn, id, array.try_get("max_parallel")?).await?;
    let freed = transitions::unblock(conn, &next, "it is its turn in the array", ACTOR).await?;
    topics.extend(freed.into_iter().map(Topic::Job));
    Ok(next.is_empty())
}

/// The next jobs of an array that may be placed, as many as its bound leaves room for.
async fn next_in_turn(
    conn: &mut PgConnection,
    id: ArrayId,
    max_parallel: Option<i32>,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT id FROM jobs WHERE array_id = $1 AND blocked AND state IN ('queued', 'starting', 'running', 'held')
         ORDER BY array_index LIMIT LEAST($3, COALESCE(GREATEST(0, $2 - (
            SELECT count(*) FROM jobs WHERE array_id = $1 AND NOT blocked AND state IN ('queued', 'starting', 'running', 'held'))), $3))",
    )
    .bind(id.0)
    .bind(max_parallel.map(i64::from))
    .bind(BATCH)
    .fetch_all(conn)
    .await
}

/// Folds the changes of the counts into the counts. Changes whose transaction is not committed yet are not
/// seen, and so are folded another time; both tables are changed in one statement, so that their sum is right
/// at any moment. In bounded transactions, until few are left.
async fn fold_counts(app: &App, term: Term) -> ApiResult<()> {
    let worth_it = "SELECT count(*) > 100 FROM (SELECT FROM job_count_changes LIMIT 101) c";
    while sqlx::query_scalar(worth_it).fetch_one(&app.pool).await? {
        let mut tx = app.pool.begin().await?;
        leader::check(&mut tx, term).await?;
        sqlx::query(
            "WITH gone AS (
                DELETE FROM job_count_changes WHERE id IN (SELECT id FROM job_count_changes ORDER BY id LIMIT $1) RETURNING *
            )
            INSERT INTO job_counts AS c (team_id, queue_id, owner_id, state, reason, jobs)
            SELECT team_id, queue_id, owner_id, state, reason, sum(jobs) FROM gone GROUP BY 1, 2, 3, 4, 5
            ON CONFLICT (team_id, queue_id, owner_id, state, reason) DO UPDATE SET jobs = c.jobs + excluded.jobs",
        )
        .bind(FOLD)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
    }
    Ok(())
}
