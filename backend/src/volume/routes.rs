//! Volumes, as users see and administrators allow them.

use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::StatusCode;
use lilac_api::VolumeId;
use lilac_api::page::Page;
use lilac_api::problem::{FieldError, Problem};
use lilac_api::secret::{CreateVolume, MAX_VOLUMES, UpdateVolume, Volume, check_host_path};
use lilac_api::validate;
use serde_json::json;
use sqlx::PgConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::store;
use crate::app::App;
use crate::audit;
use crate::auth::caller::{Admin, Caller};
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::extract::{Id, Json};
use crate::queue::store::clusters_by_name;

/// Teams and clusters that a volume may name.
const MAX_NAMES: u64 = 100;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_volumes, create_volume)).routes(routes!(
        get_volume,
        update_volume,
        delete_volume
    ))
}

/// The volumes that jobs of the caller's teams may mount, by name. There are 1,000 at most.
#[utoipa::path(
    get,
    path = "/volumes",
    tag = "volumes",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "All volumes that the caller's teams may mount", body = Page<Volume>),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
    )
)]
async fn list_volumes(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<JsonBody<Page<Volume>>> {
    let mut conn = app.pool.acquire().await?;
    let items = store::volumes(&mut conn, caller.sees().as_deref(), None).await?;
    Ok(JsonBody(Page { items, next_cursor: None }))
}

/// Allows jobs to mount a folder of the nodes.
#[utoipa::path(
    post,
    path = "/volumes",
    tag = "volumes",
    security(("bearer" = [])),
    request_body = CreateVolume,
    responses(
        (status = 201, description = "The volume that was made", body = Volume),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 409, description = "The name is taken, or there are 1,000 volumes", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn create_volume(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Json(request): Json<CreateVolume>,
) -> ApiResult<(StatusCode, JsonBody<Volume>)> {
    let mut errors = Vec::new();
    validate::name("name", &request.name, 63, &mut errors);
    if let Err(problem) = check_host_path(&request.host_path) {
        errors.push(FieldError::new("host_path", "invalid-path", problem));
    }
    check_lists(Some(&request.teams), Some(&request.clusters), &mut errors);
    refuse_invalid(errors)?;
    let mut tx = app.pool.begin().await?;
    let (teams, clusters) = resolve(&mut tx, &request.teams, &request.clusters).await?;
    if store::count(&mut tx).await? >= MAX_VOLUMES {
        return Err(ApiError::conflict(format!("there are {MAX_VOLUMES} volumes; delete one first")));
    }
    let id = store::insert(&mut tx, &request, &caller.username).await?;
    store::set_teams(&mut tx, id, &teams).await?;
    store::set_clusters(&mut tx, id, &clusters).await?;
    let volume = store::volume(&mut tx, None, id).await?;
    audit::record(&mut tx, &caller.actor(), "volume.create", &object(&volume), json!(request)).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, JsonBody(volume)))
}

/// One volume.
#[utoipa::path(
    get,
    path = "/volumes/{id}",
    tag = "volumes",
    security(("bearer" = [])),
    params(("id" = VolumeId, Path, description = "Id of the volume.")),
    responses(
        (status = 200, description = "The volume", body = Volume),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such volume", body = Problem),
    )
)]
async fn get_volume(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<VolumeId>,
) -> ApiResult<JsonBody<Volume>> {
    let mut conn = app.pool.acquire().await?;
    Ok(JsonBody(store::volume(&mut conn, caller.sees().as_deref(), id).await?))
}

/// Changes who may mount a volume, where, and how. Its folder stays: make another volume for another folder.
#[utoipa::path(
    patch,
    path = "/volumes/{id}",
    tag = "volumes",
    security(("bearer" = [])),
    params(("id" = VolumeId, Path, description = "Id of the volume.")),
    request_body = UpdateVolume,
    responses(
        (status = 200, description = "The volume after the change", body = Volume),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such volume", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn update_volume(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Id(id): Id<VolumeId>,
    Json(request): Json<UpdateVolume>,
) -> ApiResult<JsonBody<Volume>> {
    let mut errors = Vec::new();
    check_lists(request.teams.as_deref(), request.clusters.as_deref(), &mut errors);
    refuse_invalid(errors)?;
    let mut tx = app.pool.begin().await?;
    store::lock(&mut tx, id).await?;
    let (wanted_teams, wanted_clusters) =
        (request.teams.as_deref().unwrap_or_default(), request.clusters.as_deref().unwrap_or_default());
    let (teams, clusters) = resolve(&mut tx, wanted_teams, wanted_clusters).await?;
    if let Some(read_only) = request.read_only {
        store::set_read_only(&mut tx, id, read_only).await?;
    }
    if request.teams.is_some() {
        store::set_teams(&mut tx, id, &teams).await?;
    }
    if request.clusters.is_some() {
        store::set_clusters(&mut tx, id, &clusters).await?;
    }
    let volume = store::volume(&mut tx, None, id).await?;
    audit::record(&mut tx, &caller.actor(), "volume.update", &object(&volume), json!(request)).await?;
    tx.commit().await?;
    Ok(JsonBody(volume))
}

/// Deletes a volume; the folder on the nodes stays. Jobs that name it and have not started will fail to.
#[utoipa::path(
    delete,
    path = "/volumes/{id}",
    tag = "volumes",
    security(("bearer" = [])),
    params(("id" = VolumeId, Path, description = "Id of the volume.")),
    responses(
        (status = 204, description = "The volume is gone"),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such volume", body = Problem),
    )
)]
async fn delete_volume(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Id(id): Id<VolumeId>,
) -> ApiResult<StatusCode> {
    let mut tx = app.pool.begin().await?;
    store::lock(&mut tx, id).await?;
    let volume = store::volume(&mut tx, None, id).await?;
    store::delete(&mut tx, id).await?;
    let details = json!({ "host_path": volume.host_path });
    audit::record(&mut tx, &caller.actor(), "volume.delete", &object(&volume), details).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How the audit log names a volume.
fn object(volume: &Volume) -> String {
    format!("volume:{}", volume.name)
}

fn check_lists(teams: Option<&[String]>, clusters: Option<&[String]>, errors: &mut Vec<FieldError>) {
    for (path, names) in [("teams", teams), ("clusters", clusters)] {
        validate::in_bounds(path, names.map_or(0, <[String]>::len) as u64, 0, MAX_NAMES, errors);
    }
}

/// The teams and clusters of those names; a name that none has is a refused field.
async fn resolve(
    conn: &mut PgConnection,
    teams: &[String],
    clusters: &[String],
) -> ApiResult<(Vec<Uuid>, Vec<Uuid>)> {
    let team_ids = store::teams_by_name(conn, teams).await?;
    let cluster_ids: Vec<Option<Uuid>> =
        clusters_by_name(conn, clusters).await?.into_iter().map(|id| id.map(|id| id.0)).collect();
    let mut errors = Vec::new();
    for (path, kind, ids) in [("teams", "team", &team_ids), ("clusters", "cluster", &cluster_ids)] {
        for (index, _) in ids.iter().enumerate().filter(|(_, id)| id.is_none()) {
            let message = format!("there is no such {kind}");
            errors.push(FieldError::new(format!("{path}[{index}]"), "not-found", message));
        }
    }
    refuse_invalid(errors)?;
    Ok((team_ids.into_iter().flatten().collect(), cluster_ids.into_iter().flatten().collect()))
}
