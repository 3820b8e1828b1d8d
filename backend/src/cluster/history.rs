//! A node's own history. What agents cause is noted by the schema; here is what people and the leader do.

use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::State;
use chrono::{DateTime, Utc};
use lilac_api::NodeId;
use lilac_api::cluster::{NodeEvent, NodeEventKind};
use lilac_api::page::Page;
use lilac_api::problem::Problem;
use sqlx::PgConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::nodes_store;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::extract::{Id, Query};
use crate::page::{self, PageQuery};

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(node_events))
}

/// What happened to a node, the latest first: its latest thousand entries.
#[utoipa::path(
    get,
    path = "/nodes/{id}/events",
    tag = "nodes",
    security(("bearer" = [])),
    params(("id" = NodeId, Path, description = "Id of the node."), PageQuery),
    responses(
        (status = 200, description = "A page of the node's history", body = Page<NodeEvent>),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such node, or it was removed", body = Problem),
    )
)]
async fn node_events(
    State(app): State<Arc<App>>,
    _: Caller,
    Id(id): Id<NodeId>,
    Query(query): Query<PageQuery>,
) -> ApiResult<JsonBody<Page<NodeEvent>>> {
    let limit = page::limit(query.limit)?;
    let before = page::decode(query.cursor.as_deref())?
        .map(|id| i64::try_from(id.as_u128()))
        .transpose()
        .map_err(|_| ApiError::malformed("query: cursor is none that a page gave"))?;
    let mut conn = app.pool.acquire().await?;
    if !nodes_store::exists(&mut conn, id).await? {
        return Err(ApiError::not_found("node"));
    }
    let rows: Vec<(i64, DateTime<Utc>, String, String, String)> = sqlx::query_as(
        "SELECT id, at, kind, message, actor FROM node_events
         WHERE node_id = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
    )
    .bind(id.0)
    .bind(before)
    .bind(limit + 1)
    .fetch_all(&mut *conn)
    .await?;
    let event = |(id, at, kind, message, actor): (i64, _, String, _, _)| {
        let kind = kind.parse().map_err(|error| sqlx::Error::Decode(Box::new(error) as _))?;
        Ok::<_, sqlx::Error>(NodeEvent { id: id.unsigned_abs(), at, kind, message, actor })
    };
    let events = rows.into_iter().map(event).collect::<Result<_, _>>()?;
    Ok(JsonBody(page::cut(events, limit, |event| Uuid::from_u128(event.id.into()))))
}

/// Adds an entry.
pub async fn note(
    conn: &mut PgConnection,
    node: NodeId,
    kind: NodeEventKind,
    message: &str,
    actor: &str,
) -> sqlx::Result<()> {
    let note = sqlx::query("SELECT node_event($1, $2, $3, $4)");
    note.bind(node.0).bind(<&str>::from(kind)).bind(message).bind(actor).execute(conn).await?;
    Ok(())
}
