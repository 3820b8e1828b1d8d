//! Nodes that are kept for jobs, as users see them: everybody is told that a node is kept, and from when on it is needed;
//! for which job only those who see that job.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::State;
use lilac_api::page::Page;
use lilac_api::problem::Problem;
use lilac_api::reservation::{Reservation, ReservedJob, ReservedNode};
use lilac_api::{ClusterId, JobId, NodeId};
use sqlx::PgConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::store;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::extract::Id;
use crate::scheduler::{self, Kept};
use crate::training_job;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(cluster_reservations))
}

/// Nodes that are kept for jobs.
///
/// So that a large job is not passed by for ever, the nodes of a cluster that have room for it first are kept for the
/// first in turn of those that found none: others fill in only where that does not delay it.
#[utoipa::path(
    get,
    path = "/clusters/{id}/reservations",
    tag = "clusters",
    security(("bearer" = [])),
    params(("id" = ClusterId, Path, description = "Id of the cluster.")),
    responses(
        (status = 200, description = "What is kept in the cluster as things are, and for which job where the caller sees it", body = Page<Reservation>),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such cluster", body = Problem),
        (status = 503, description = "The database does not answer, or too many ask at once", body = Problem),
    )
)]
async fn cluster_reservations(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<ClusterId>,
) -> ApiResult<JsonBody<Page<Reservation>>> {
    let mut conn = app.pool.acquire().await?;
    if !store::cluster_exists(&mut conn, id).await? {
        return Err(ApiError::not_found("cluster"));
    }
    // Whoever waits for a turn to ask holds no connection meanwhile.
    drop(conn);
    let mut kept = scheduler::kept(&app).await?;
    let mut conn = app.pool.acquire().await?;
    let nodes: Vec<Uuid> = kept.iter().flat_map(|one| &one.nodes).map(|node| node.0).collect();
    let here: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM nodes WHERE id = ANY($1) AND cluster_id = $2")
        .bind(&nodes)
        .bind(id.0)
        .fetch_all(&mut *conn)
        .await?;
    kept.retain(|one| one.nodes.iter().any(|node| here.contains(&node.0)));
    Ok(JsonBody(Page { items: told(&mut conn, &caller, &kept).await?, next_cursor: None }))
}

/// What is kept, in the words of the API, for somebody who may not see all of the jobs.
pub async fn told(conn: &mut PgConnection, caller: &Caller, kept: &[Kept]) -> ApiResult<Vec<Reservation>> {
    if kept.is_empty() {
        return Ok(Vec::new());
    }
    let jobs: Vec<Uuid> = kept.iter().map(|one| one.job.0).collect();
    let jobs = training_job::store::seen(conn, caller, &jobs).await?.into_iter().map(|job| {
        let id = job.id;
        (id, ReservedJob { job_id: id, name: job.name, owner: job.owner, queue: job.queue })
    });
    let mut jobs: HashMap<JobId, ReservedJob> = jobs.collect();
    let nodes: Vec<Uuid> = kept.iter().flat_map(|one| &one.nodes).map(|node| node.0).collect();
    let nodes: Vec<(Uuid, String)> =
        sqlx::query_as("SELECT id, name FROM nodes WHERE id = ANY($1) ORDER BY name, id")
            .bind(&nodes)
            .fetch_all(conn)
            .await?;
    let reservation = |one: &Kept| Reservation {
        job: jobs.remove(&one.job),
        nodes: nodes
            .iter()
            .filter(|(id, _)| one.nodes.contains(&NodeId(*id)))
            .map(|(id, name)| ReservedNode { node_id: NodeId(*id), name: name.clone() })
            .collect(),
        requests: one.requests,
        since: one.since,
        starts_by: one.starts_by,
    };
    Ok(kept.iter().map(reservation).collect())
}
