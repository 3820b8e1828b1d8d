//! What an attempt needs and no journal may hold, for the node that runs it and for nobody else.
//!
//! It goes in an answer of its own, when the container is made, and not with `sync`: so it is in no state that
//! is repeated, logged or kept. The agent holds it in memory and asks again after a restart.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use lilac_api::agent::{Mount, RegistryLogin, Supplies};
use lilac_api::auth::Secret;
use lilac_api::problem::{FieldError, Problem};
use lilac_api::secret::registry_of;
use lilac_api::spec::JobSpec;
use lilac_api::{AttemptId, TeamId};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::references::{missing_registry, missing_secret, missing_volume};
use super::vault::{Context, VaultError};
use super::{registry_store, store};
use crate::app::App;
use crate::auth::caller::NodeCaller;
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::extract::Id;
use crate::volume;

/// Get what an attempt's container needs
///
/// Only for an attempt that the calling node holds and that has not ended.
#[utoipa::path(get, path = "/agent/attempts/{id}/supplies", tag = "agent", params(("id" = AttemptId, Path, description = "Id of the attempt.")), security(("node" = [])),
    responses(
        (status = 200, description = "Secrets, registry login and folders of the attempt's container", body = Supplies),
        (status = 401, description = "The node's credential is wrong, or the node was removed", body = Problem),
        (status = 403, description = "Not a node's credential", body = Problem),
        (status = 404, description = "The node holds no such attempt, or it has ended", body = Problem),
        (status = 422, description = "What the job names is not there any more; `errors` names it", body = Problem),
        (status = 503, description = "The database is away; ask again later", body = Problem),
    ))]
pub async fn supplies(
    State(app): State<Arc<App>>,
    node: NodeCaller,
    Id(id): Id<AttemptId>,
) -> ApiResult<axum::Json<Supplies>> {
    let mut conn = app.pool.acquire().await?;
    let (team, spec) = held(&mut conn, &node, id).await?;
    let mut errors = Vec::new();
    let supplies = Supplies {
        env: secrets(&app, &mut conn, team, &spec, &mut errors).await?,
        registry: login(&app, &mut conn, team, &spec, &mut errors).await?,
        mounts: mounts(&mut conn, &node, team, &spec, &mut errors).await?,
    };
    refuse_invalid(errors)?;
    tracing::debug!(attempt_id = %id, node_id = %node.node_id, "supplies given out");
    Ok(axum::Json(supplies))
}

/// Team and spec of an attempt that the node runs. Any other answers as one that does not exist.
async fn held(conn: &mut PgConnection, node: &NodeCaller, id: AttemptId) -> ApiResult<(TeamId, JobSpec)> {
    let row: Option<(Uuid, Json<JobSpec>)> = sqlx::query_as(
        "SELECT j.team_id, j.spec FROM tasks t JOIN attempts a ON a.id = t.attempt_id JOIN jobs j ON j.id = a.job_id
         WHERE t.attempt_id = $1 AND t.node_id = $2 AND t.released_at IS NULL
           AND a.state IN ('granted', 'preparing', 'running') LIMIT 1",
    )
    .bind(id.0)
    .bind(node.node_id.0)
    .fetch_optional(conn)
    .await?;
    let (team, Json(spec)) = row.ok_or_else(|| ApiError::not_found("attempt"))?;
    Ok((TeamId(team), spec))
}

async fn secrets(
    app: &App,
    conn: &mut PgConnection,
    team: TeamId,
    spec: &JobSpec,
    errors: &mut Vec<FieldError>,
) -> ApiResult<BTreeMap<String, Secret>> {
    let mut env = BTreeMap::new();
    if spec.secrets.is_empty() {
        return Ok(env);
    }
    let names: Vec<&str> = spec.secrets.values().map(String::as_str).collect();
    let stored = store::sealed(conn, team, &names).await?;
    for (variable, name) in &spec.secrets {
        let Some(row) = stored.iter().find(|row| row.name == *name) else {
            errors.push(missing_secret(variable, name));
            continue;
        };
        let context = Context::secret(team, name, row.version);
        let value = app.vault.open(&context, &row.sealed).map_err(|error| unopened("secret", name, error))?;
        env.insert(variable.clone(), value);
    }
    Ok(env)
}

async fn login(
    app: &App,
    conn: &mut PgConnection,
    team: TeamId,
    spec: &JobSpec,
    errors: &mut Vec<FieldError>,
) -> ApiResult<Option<RegistryLogin>> {
    let server = registry_of(&spec.image);
    let named = spec.pull.secret.as_deref();
    let found = registry_store::logins(conn, team, named, &server).await?;
    let row = match (found.as_slice(), named) {
        ([one], _) => one,
        (_, Some(name)) => {
            errors.push(missing_registry(name));
            return Ok(None);
        }
        // None, or several of which none is named.
        (_, None) => return Ok(None),
    };
    let context = Context::registry(team, &row.name, &row.server, &row.username);
    let password = app.vault.open(&context, &row.sealed);
    let password = password.map_err(|error| unopened("registry login", &row.name, error))?;
    Ok(Some(RegistryLogin { server: row.server.clone(), username: row.username.clone(), password }))
}

async fn mounts(
    conn: &mut PgConnection,
    node: &NodeCaller,
    team: TeamId,
    spec: &JobSpec,
    errors: &mut Vec<FieldError>,
) -> ApiResult<Vec<Mount>> {
    if spec.volumes.is_empty() {
        return Ok(Vec::new());
    }
    let place = volume::store::Place::Cluster(node.cluster_id);
    let usable = volume::store::usable(conn, team, place, &spec.volumes).await?;
    let mut mounts = Vec::with_capacity(spec.volumes.len());
    for (index, wanted) in spec.volumes.iter().enumerate() {
        match usable.iter().find(|volume| volume.reachable && volume.name == wanted.name) {
            Some(volume) => mounts.push(Mount {
                name: volume.name.clone(),
                host_path: volume.host_path.clone(),
                target: wanted.target.clone(),
                read_only: volume.read_only || wanted.read_only,
            }),
            None => errors.push(missing_volume(index, &wanted.name)),
        }
    }
    Ok(mounts)
}

/// The database was changed by hand, or the server lacks a key.
fn unopened(kind: &str, name: &str, error: VaultError) -> ApiError {
    tracing::error!(kind, name, %error, "a sealed value cannot be opened");
    ApiError::internal()
}
