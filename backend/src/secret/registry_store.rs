//! The SQL of registry logins.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use lilac_api::problem::ErrorCode;
use lilac_api::secret::{CreateRegistry, Registry};
use lilac_api::{RegistryId, TeamId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::vault::Sealed;
use crate::error::{ApiError, ApiResult, broken_constraint};

#[derive(sqlx::FromRow)]
pub struct RegistryRow {
    pub id: Uuid,
    name: String,
    team: String,
    server: String,
    username: String,
    created_at: DateTime<Utc>,
    created_by: String,
}

impl From<RegistryRow> for Registry {
    fn from(row: RegistryRow) -> Self {
        Self {
            id: RegistryId(row.id),
            name: row.name,
            team: row.team,
            server: row.server,
            username: row.username,
            created_at: row.created_at,
            created_by: row.created_by,
        }
    }
}

/// Logins without their passwords, the newest first. `teams` as in
/// [`crate::auth::caller::Caller::sees`].
pub async fn registries(
    conn: &mut PgConnection,
    teams: Option<Vec<Uuid>>,
    team: Option<&str>,
    only: Option<RegistryId>,
    before: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<RegistryRow>> {
    sqlx::query_as(
        "SELECT r.id, r.name, t.name AS team, r.server, r.username, r.created_at, r.created_by
         FROM registries r JOIN teams t ON t.id = r.team_id
         WHERE ($1::uuid[] IS NULL OR r.team_id = ANY($1)) AND ($2::text IS NULL OR lower(t.name) = lower($2))
           AND ($3::uuid IS NULL OR r.id = $3) AND ($4::uuid IS NULL OR r.id < $4)
         ORDER BY r.id DESC LIMIT $5",
    )
    .bind(teams)
    .bind(team)
    .bind(only.map(|id| id.0))
    .bind(before)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// One login, if the caller sees it.
pub async fn registry(
    conn: &mut PgConnection,
    teams: Option<Vec<Uuid>>,
    id: RegistryId,
) -> ApiResult<Registry> {
    let row = registries(conn, teams, None, Some(id), None, 1).await?.pop();
    row.map(Registry::from).ok_or_else(|| ApiError::not_found("registry login"))
}

pub async fn count(conn: &mut PgConnection, team: TeamId) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM registries WHERE team_id = $1")
        .bind(team.0)
        .fetch_one(conn)
        .await
}

pub async fn insert(
    conn: &mut PgConnection,
    team: TeamId,
    request: &CreateRegistry,
    server: &str,
    sealed: &Sealed,
    actor: &str,
) -> ApiResult<RegistryId> {
    let id = RegistryId::new();
    sqlx::query(
        "INSERT INTO registries (id, team_id, name, server, username, key_id, wrapped_key, sealed, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(id.0)
    .bind(team.0)
    .bind(&request.name)
    .bind(server)
    .bind(&request.username)
    .bind(&sealed.key_id)
    .bind(&sealed.wrapped_key)
    .bind(&sealed.sealed)
    .bind(actor)
    .execute(conn)
    .await
    .map_err(|error| match broken_constraint(&error) {
        Some("registries_name_key") => {
            let detail = format!("the team has a registry login named `{}` already", request.name);
            ApiError::new(StatusCode::CONFLICT, ErrorCode::NameTaken, detail)
        }
        _ => error.into(),
    })?;
    Ok(id)
}

/// Says whether there was such a login.
pub async fn delete(conn: &mut PgConnection, id: RegistryId) -> sqlx::Result<bool> {
    let done = sqlx::query("DELETE FROM registries WHERE id = $1").bind(id.0).execute(conn).await?;
    Ok(done.rows_affected() > 0)
}

/// A login with what is sealed of it.
#[derive(sqlx::FromRow)]
pub struct SealedLogin {
    pub name: String,
    pub server: String,
    pub username: String,
    #[sqlx(flatten)]
    pub sealed: Sealed,
}

/// The team's login of that name; or, where none is named, those for the server, two at the most: more than
/// one are none.
pub async fn logins(
    conn: &mut PgConnection,
    team: TeamId,
    name: Option<&str>,
    server: &str,
) -> sqlx::Result<Vec<SealedLogin>> {
    sqlx::query_as(
        "SELECT name, server, username, key_id, wrapped_key, sealed FROM registries
         WHERE team_id = $1 AND server = $3 AND ($2::text IS NULL OR name = $2) LIMIT 2",
    )
    .bind(team.0)
    .bind(name)
    .bind(server)
    .fetch_all(conn)
    .await
}

/// The server that the team's login of that name is for.
pub async fn server_of(conn: &mut PgConnection, team: TeamId, name: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT server FROM registries WHERE team_id = $1 AND name = $2")
        .bind(team.0)
        .bind(name)
        .fetch_optional(conn)
        .await
}
