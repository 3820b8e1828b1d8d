//! Secrets and registry logins of teams: taken in sealed, never shown again, and given to nobody but the node
//! that runs a job which names them.

pub mod references;
pub mod registries;
pub mod registry_store;
pub mod rotate;
pub mod routes;
pub mod store;
pub mod supplies;
pub mod vault;

use std::sync::Arc;

use lilac_api::TeamId;
use lilac_api::auth::Secret;
use lilac_api::problem::FieldError;
use lilac_api::secret::MAX_SECRET_BYTES;
use lilac_api::validate;
use sqlx::{PgConnection, Row};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::app::App;
use crate::auth::caller::Caller;
use crate::error::{ApiError, ApiResult};

/// The routes of users; the one of agents is in `supplies`.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    routes::routes().merge(registries::routes())
}

/// The team that a new object is for: the one that is named, if the caller sees it, or the caller's only one.
pub async fn team_for(
    conn: &mut PgConnection,
    caller: &Caller,
    named: Option<&str>,
) -> ApiResult<(TeamId, String)> {
    let own: Vec<Uuid> = caller.teams.iter().map(|team| team.0).collect();
    let among = if named.is_some() { caller.sees() } else { Some(own) };
    let rows = sqlx::query(
        "SELECT id, name FROM teams WHERE ($1::uuid[] IS NULL OR id = ANY($1))
            AND ($2::text IS NULL OR lower(name) = lower($2)) ORDER BY name LIMIT 2",
    )
    .bind(among)
    .bind(named)
    .fetch_all(conn)
    .await?;
    match (rows.as_slice(), named) {
        ([team], _) => Ok((TeamId(team.try_get("id")?), team.try_get("name")?)),
        ([], Some(_)) => Err(ApiError::field("team", "not-found", "there is no such team")),
        ([], None) => Err(ApiError::field("team", "missing-field", "you are in no team: name one")),
        _ => Err(ApiError::field("team", "missing-field", "you are in several teams: name one")),
    }
}

/// Takes turns with all others who add to the same team, so that its bound holds.
pub async fn lock_team(conn: &mut PgConnection, team: TeamId) -> sqlx::Result<()> {
    sqlx::query("SELECT FROM teams WHERE id = $1 FOR NO KEY UPDATE").bind(team.0).execute(conn).await?;
    Ok(())
}

/// Checks a value that is to be sealed.
fn check_value(path: &str, value: &Secret, errors: &mut Vec<FieldError>) {
    validate::in_bounds(path, value.0.len() as u64, 1, MAX_SECRET_BYTES as u64, errors);
    validate::no_nul(path, &value.0, errors);
}
