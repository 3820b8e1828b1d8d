//! The SQL of what is to be sent.

use std::time::Duration;

use chrono::{DateTime, Utc};
use lilac_api::hook::{Delivery, HookEvent, HookFacts};
use lilac_api::{DeliveryId, HookId, JobId};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::error::{ApiError, ApiResult};
use crate::secret::vault::Sealed;

/// How long a server may take to send what it claimed, before another one does: longer than any try lasts.
const CLAIM: Duration = Duration::from_secs(30);
/// An earlier message about the same job holds back a later one for so many tries; then the order is given up.
const TRIES_IN_ORDER: i32 = 3;

#[derive(sqlx::FromRow)]
pub struct DeliveryRow {
    pub id: Uuid,
    event: String,
    job_id: Option<Uuid>,
    state: String,
    tries: i32,
    status: Option<i32>,
    last_error: Option<String>,
    created_at: DateTime<Utc>,
    last_try_at: Option<DateTime<Utc>>,
    next_try_at: DateTime<Utc>,
    settled_at: Option<DateTime<Utc>>,
}

impl DeliveryRow {
    /// A word that this version does not know is a newer server's: nothing that can be shown.
    pub fn delivery(self) -> ApiResult<Delivery> {
        let (Ok(event), Ok(state)) = (self.event.parse(), self.state.parse()) else {
            return Err(ApiError::internal());
        };
        Ok(Delivery {
            id: DeliveryId(self.id),
            event,
            job_id: self.job_id.map(JobId),
            state,
            tries: self.tries.unsigned_abs(),
            status: self.status.and_then(|status| u16::try_from(status).ok()),
            last_error: self.last_error,
            created_at: self.created_at,
            last_try_at: self.last_try_at,
            next_try_at: self.settled_at.is_none().then_some(self.next_try_at),
            settled_at: self.settled_at,
        })
    }
}

/// What was sent to a hook or is to be, the newest first.
pub async fn deliveries(
    conn: &mut PgConnection,
    hook: HookId,
    only: Option<DeliveryId>,
    before: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<DeliveryRow>> {
    sqlx::query_as(
        "SELECT id, event, job_id, state, tries, status, last_error, created_at, last_try_at, next_try_at, settled_at
         FROM hook_deliveries
         WHERE hook_id = $1 AND ($2::uuid IS NULL OR id = $2) AND ($3::uuid IS NULL OR id < $3)
         ORDER BY id DESC LIMIT $4",
    )
    .bind(hook.0)
    .bind(only.map(|id| id.0))
    .bind(before)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// A message that tells of no job.
pub async fn insert_test(conn: &mut PgConnection, hook: HookId) -> sqlx::Result<DeliveryId> {
    let id = DeliveryId::new();
    sqlx::query("INSERT INTO hook_deliveries (id, hook_id, event) VALUES ($1, $2, $3)")
        .bind(id.0)
        .bind(hook.0)
        .bind(HookEvent::Test.as_str())
        .execute(conn)
        .await?;
    Ok(id)
}

/// How many tests of a hook wait.
pub async fn waiting_tests(conn: &mut PgConnection, hook: HookId) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT count(*) FROM hook_deliveries WHERE hook_id = $1 AND state = 'pending' AND job_id IS NULL",
    )
    .bind(hook.0)
    .fetch_one(conn)
    .await
}

/// Has a delivery sent now, with all its tries before it. Says whether the hook has such a one.
pub async fn again(conn: &mut PgConnection, hook: HookId, id: DeliveryId) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE hook_deliveries SET state = 'pending', tries = 0, next_try_at = clock_timestamp(), settled_at = NULL
         WHERE hook_id = $1 AND id = $2",
    )
    .bind(hook.0)
    .bind(id.0)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Gives up all that waits for a hook.
pub async fn give_up(conn: &mut PgConnection, hook: HookId, why: &str) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE hook_deliveries SET state = 'given-up', last_error = $2, claimed_until = NULL, settled_at = clock_timestamp()
         WHERE hook_id = $1 AND state = 'pending'",
    )
    .bind(hook.0)
    .bind(why)
    .execute(conn)
    .await?;
    Ok(())
}

/// A delivery that this server has to send, with all that this takes.
#[derive(sqlx::FromRow)]
pub struct Claimed {
    pub id: Uuid,
    pub hook_id: Uuid,
    pub event: String,
    pub job_id: Option<Uuid>,
    pub facts: Option<Json<HookFacts>>,
    /// This one counted in.
    pub tries: i32,
    pub created_at: DateTime<Utc>,
    pub claimed_until: DateTime<Utc>,
    pub hook: String,
    pub url: String,
    pub team_id: Uuid,
    pub team: String,
    pub version: i32,
    #[sqlx(flatten)]
    pub sealed: Sealed,
}

/// Claims what is due: `limit` at most, and `per_hook` of one hook, of none that is busy. So a receiver that is
/// slow or gone takes no more than its part of the room.
pub async fn claim(pool: &PgPool, busy: &[Uuid], per_hook: i64, limit: i64) -> sqlx::Result<Vec<Claimed>> {
    sqlx::query_as(
        "WITH due AS (
            SELECT d.id FROM hooks h CROSS JOIN LATERAL (
                SELECT o.id, o.next_try_at FROM hook_deliveries o
                WHERE o.hook_id = h.id AND o.state = 'pending' AND o.next_try_at <= now()
                  AND (o.claimed_until IS NULL OR o.claimed_until < now())
                  AND NOT EXISTS (
                    SELECT FROM hook_deliveries e
                    WHERE e.hook_id = h.id AND e.state = 'pending' AND e.job_id = o.job_id AND e.id < o.id AND e.tries < $4)
                ORDER BY o.next_try_at LIMIT $2 FOR UPDATE SKIP LOCKED
            ) d
            WHERE h.enabled AND NOT h.id = ANY($1)
              AND EXISTS (SELECT FROM hook_deliveries WHERE state = 'pending')
            ORDER BY d.next_try_at LIMIT $3
        ), claimed AS (
            UPDATE hook_deliveries o SET tries = o.tries + 1, last_try_at = now(),
                claimed_until = now() + $5 * interval '1 second'
            FROM due WHERE o.id = due.id
            RETURNING o.id, o.hook_id, o.event, o.job_id, o.facts, o.tries, o.created_at, o.claimed_until
        )
        SELECT c.*, h.name AS hook, h.url, h.team_id, t.name AS team, h.version, h.key_id, h.wrapped_key, h.sealed
        FROM claimed c JOIN hooks h ON h.id = c.hook_id JOIN teams t ON t.id = h.team_id ORDER BY c.id",
    )
    .bind(busy)
    .bind(per_hook)
    .bind(limit)
    .bind(TRIES_IN_ORDER)
    .bind(CLAIM.as_secs_f64())
    .fetch_all(pool)
    .await
}

/// What became of a try.
pub enum Outcome {
    Delivered,
    GivenUp(String),
    /// To be tried again after this time.
    Failed(String, Duration),
}

/// Writes down what became of a try, as long as the claim holds.
pub async fn settle(
    pool: &PgPool,
    claimed: &Claimed,
    status: Option<u16>,
    outcome: &Outcome,
) -> sqlx::Result<()> {
    let (state, error, wait) = match outcome {
        Outcome::Delivered => ("delivered", None, None),
        Outcome::GivenUp(why) => ("given-up", Some(why), None),
        Outcome::Failed(why, wait) => ("pending", Some(why), Some(*wait)),
    };
    sqlx::query(
        "UPDATE hook_deliveries SET state = $3, status = $4, last_error = $5, claimed_until = NULL,
                next_try_at = clock_timestamp() + COALESCE($6::float8, 0) * interval '1 second',
                settled_at = CASE WHEN $3 <> 'pending' THEN clock_timestamp() END
         WHERE id = $1 AND claimed_until = $2 AND state = 'pending'",
    )
    .bind(claimed.id)
    .bind(claimed.claimed_until)
    .bind(state)
    .bind(status.map(i32::from))
    .bind(error)
    .bind(wait.map(|wait| wait.as_secs_f64()))
    .execute(pool)
    .await?;
    Ok(())
}
