//! The live stream: what changed, as it changes.
//!
//! Job events come from their table, in the order of (transaction, id), and stop before the oldest transaction
//! that is still open: one that commits late is read late and never passed over. So the stream can be resumed
//! at any event, on any replica. Changes of nodes and queues carry no history: they say which to look at again.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use lilac_api::job::JobEvent;
use lilac_api::problem::Problem;
use lilac_api::{JobId, QueueId};
use serde::Deserialize;
use serde_json::json;
use sqlx::Row;
use sqlx::postgres::PgPool;
use tokio::time::Instant;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::auth::caller::Caller;
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult};
use crate::extract::Query;
use crate::queue;
use crate::streams::Permit;
use crate::training_job::store;

/// The most events that are read at once.
const BATCH: i64 = 500;
/// A reader looks again this often although no bell rang.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// While an older transaction is open, what came after it waits: looked at again this soon.
const LOOK_SOON: Duration = Duration::from_millis(50);

/// Bells that ring within this time of a look are heard together: at a thousand jobs a second a reader is told twenty
/// times, and not a thousand.
const GATHER_FOR: Duration = Duration::from_millis(50);

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(stream))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventQuery {
    /// Only this job's events.
    job: Option<JobId>,
}

/// A place in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cursor {
    transaction: i64,
    id: i64,
}

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        let (transaction, id) = text.split_once('-')?;
        Some(Self { transaction: transaction.parse().ok()?, id: id.parse().ok()? })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.transaction, self.id)
    }
}

/// Follow what changes
///
/// Server-sent events: `job` (a JobEvent), `node` (`{"node_id"}`), `queue` (`{"queue_id"}`). The stream starts now,
/// or after the job event that `Last-Event-ID` names.
#[utoipa::path(get, operation_id = "follow_events", path = "/events", tag = "events", security(("bearer" = [])),
    params(EventQuery, ("last-event-id" = Option<String>, Header, description = "Id of the last event that was seen")),
    responses(
        (status = 200, description = "A stream of events", content_type = "text/event-stream", body = JobEvent),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
        (status = 429, description = "The caller has as many live streams as one may have", body = Problem),
        (status = 503, description = "The database does not answer, or the server has as many live streams as it can", body = Problem),
    ))]
async fn stream(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<EventQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let permit = app.streams.enter(caller.user_id)?;
    let cursor = match headers.get("last-event-id").map(|value| value.to_str().unwrap_or_default()) {
        Some(text) => Cursor::parse(text)
            .ok_or_else(|| ApiError::malformed("Last-Event-ID is none that this stream gave"))?,
        None => now(&app.pool).await?,
    };
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(10));
    let mut response =
        Sse::new(follow(app, caller, query.job, cursor, permit)).keep_alive(keep_alive).into_response();
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// The place before anything that is not committed yet.
async fn now(pool: &PgPool) -> ApiResult<Cursor> {
    let transaction = sqlx::query_scalar("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        .fetch_one(pool)
        .await?;
    Ok(Cursor { transaction, id: 0 })
}

/// What looks different to users now.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum View {
    Node(Uuid),
    Queue(Uuid),
}

fn follow(
    app: Arc<App>,
    caller: Caller,
    job: Option<JobId>,
    mut cursor: Cursor,
    permit: Permit,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let teams = caller.sees();
    async_stream::stream! {
        // Held until the reader is gone.
        let _permit = permit;
        let mut bells = app.bell.listen();
        // A comment at once: the reader knows that the stream stands.
        yield Ok(Event::default().comment("lilac"));
        let mut wait = Duration::ZERO;
        let mut looked_at = Instant::now();
        loop {
            let mut deadline = Instant::now() + wait;
            let mut changed = BTreeSet::new();
            // Bells of jobs mean: read the table. Those of nodes and queues are passed on. The first is heard at once;
            // what rings soon after a look is heard together.
            loop {
                let topic = tokio::select! {
                    topic = tokio::time::timeout_at(deadline, bells.next()) => topic,
                    () = app.stopping.cancelled() => return,
                };
                match topic {
                    Err(_) => break,
                    Ok(Topic::Job(id)) if job.is_none_or(|job| job == id) => {}
                    Ok(Topic::Everything) => {}
                    Ok(Topic::NodeView(id)) if job.is_none() => { changed.insert(View::Node(id.0)); },
                    Ok(Topic::QueueView(id)) if job.is_none() => { changed.insert(View::Queue(id)); },
                    Ok(_) => continue,
                }
                deadline = deadline.min(looked_at + GATHER_FOR);
            }
            looked_at = Instant::now();
            for topic in changed {
                let (name, data) = match topic {
                    View::Node(id) => ("node", json!({ "node_id": id })),
                    View::Queue(id) if sees_queue(&app.pool, &caller, id).await => ("queue", json!({ "queue_id": id })),
                    View::Queue(_) => continue,
                };
                if let Ok(event) = Event::default().event(name).json_data(data) {
                    yield Ok(event);
                }
            }
            if !caller.is_still_valid(&app).await {
                return;
            }
            match read(&app.pool, teams.as_deref(), job, cursor).await {
                Ok((events, has_pending)) => {
                    let is_full = events.len() as i64 == BATCH;
                    for (at, event) in events {
                        cursor = at;
                        if let Ok(event) = Event::default().event("job").id(at.to_string()).json_data(event) {
                            yield Ok(event);
                        }
                    }
                    wait = if is_full { Duration::ZERO } else if has_pending { LOOK_SOON } else { LOOK_EVERY };
                }
                Err(error) => {
                    tracing::debug!(%error, "the live stream waits for the database");
                    wait = LOOK_EVERY;
                }
            }
        }
    }
}

/// Whether the queue's name may be known. One that was just deleted is nobody's.
async fn sees_queue(pool: &PgPool, caller: &Caller, id: Uuid) -> bool {
    let Ok(mut conn) = pool.acquire().await else { return false };
    queue::store::is_visible(&mut conn, caller, QueueId(id)).await.unwrap_or(false)
}

/// Events after the cursor that no open transaction can still precede, and whether others wait for one.
async fn read(
    pool: &PgPool,
    teams: Option<&[Uuid]>,
    job: Option<JobId>,
    after: Cursor,
) -> Result<(Vec<(Cursor, JobEvent)>, bool), sqlx::Error> {
    let rows = sqlx::query(
        // The order is that of the column: by what is answered under its name, the index would be of no use.
        "SELECT transaction::text::bigint AS transaction, id, job_id, sequence, at, state, attempt_state, epoch, reason, message, actor,
                transaction < pg_snapshot_xmin(pg_current_snapshot()) AS is_settled
         FROM job_events e
         WHERE (transaction, id) > ($1::text::xid8, $2) AND ($3::uuid IS NULL OR job_id = $3)
           AND ($5::uuid[] IS NULL OR EXISTS (SELECT FROM jobs WHERE id = job_id AND team_id = ANY($5)))
         ORDER BY e.transaction, id LIMIT $4",
    )
    .bind(after.transaction.to_string())
    .bind(after.id)
    .bind(job.map(|job| job.0))
    .bind(BATCH)
    .bind(teams)
    .fetch_all(pool)
    .await?;
    let mut events = Vec::new();
    for row in &rows {
        if !row.try_get::<bool, _>("is_settled")? {
            return Ok((events, true));
        }
        let cursor = Cursor { transaction: row.try_get("transaction")?, id: row.try_get("id")? };
        events.push((cursor, store::event(row)?));
    }
    Ok((events, false))
}
