//! The SQL of secrets.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use lilac_api::problem::ErrorCode;
use lilac_api::secret::StoredSecret;
use lilac_api::{SecretId, TeamId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::vault::Sealed;
use crate::error::{ApiError, ApiResult, broken_constraint};

#[derive(sqlx::FromRow)]
pub struct SecretRow {
    pub id: Uuid,
    pub team_id: Uuid,
    name: String,
    team: String,
    version: i32,
    used_by: i64,
    created_at: DateTime<Utc>,
    created_by: String,
    updated_at: DateTime<Utc>,
    updated_by: String,
}

impl From<SecretRow> for StoredSecret {
    fn from(row: SecretRow) -> Self {
        Self {
            id: SecretId(row.id),
            name: row.name,
            team: row.team,
            version: row.version,
            used_by: row.used_by.unsigned_abs(),
            created_at: row.created_at,
            created_by: row.created_by,
            updated_at: row.updated_at,
            updated_by: row.updated_by,
        }
    }
}

/// Which secrets to read.
#[derive(Debug, Default)]
pub struct Filter<'a> {
    /// As in [`crate::auth::caller::Caller::sees`].
    pub teams: Option<Vec<Uuid>>,
    pub team: Option<&'a str>,
    pub only: Option<SecretId>,
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// Secrets without their values, the newest first.
pub async fn secrets(conn: &mut PgConnection, filter: &Filter<'_>) -> sqlx::Result<Vec<SecretRow>> {
    sqlx::query_as(
        "SELECT s.id, s.team_id, s.name, t.name AS team, s.version, s.created_at, s.created_by, s.updated_at, s.updated_by,
                (SELECT count(*) FROM jobs j WHERE j.team_id = s.team_id AND j.spec ? 'secrets' AND j.finished_at IS NULL
                    AND EXISTS (SELECT FROM jsonb_each_text(j.spec -> 'secrets') e WHERE e.value = s.name)) AS used_by
         FROM secrets s JOIN teams t ON t.id = s.team_id
         WHERE ($1::uuid[] IS NULL OR s.team_id = ANY($1)) AND ($2::text IS NULL OR lower(t.name) = lower($2))
           AND ($3::uuid IS NULL OR s.id = $3) AND ($4::uuid IS NULL OR s.id < $4)
         ORDER BY s.id DESC LIMIT $5",
    )
    .bind(&filter.teams)
    .bind(filter.team)
    .bind(filter.only.map(|id| id.0))
    .bind(filter.before)
    .bind(filter.limit)
    .fetch_all(conn)
    .await
}

/// One secret, if the caller sees it.
pub async fn secret(conn: &mut PgConnection, teams: Option<Vec<Uuid>>, id: SecretId) -> ApiResult<SecretRow> {
    let filter = Filter { teams, only: Some(id), limit: 1, ..Filter::default() };
    secrets(conn, &filter).await?.pop().ok_or_else(|| ApiError::not_found("secret"))
}

pub async fn count(conn: &mut PgConnection, team: TeamId) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM secrets WHERE team_id = $1").bind(team.0).fetch_one(conn).await
}

pub async fn insert(
    conn: &mut PgConnection,
    team: TeamId,
    name: &str,
    sealed: &Sealed,
    actor: &str,
) -> ApiResult<SecretId> {
    let id = SecretId::new();
    sqlx::query(
        "INSERT INTO secrets (id, team_id, name, key_id, wrapped_key, sealed, created_by, updated_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
    )
    .bind(id.0)
    .bind(team.0)
    .bind(name)
    .bind(&sealed.key_id)
    .bind(&sealed.wrapped_key)
    .bind(&sealed.sealed)
    .bind(actor)
    .execute(conn)
    .await
    .map_err(|error| match broken_constraint(&error) {
        Some("secrets_name_key") => {
            let detail = format!("the team has a secret named `{name}` already");
            ApiError::new(StatusCode::CONFLICT, ErrorCode::NameTaken, detail)
        }
        _ => error.into(),
    })?;
    Ok(id)
}

/// Holds the secret's row until the transaction ends; gives its team, name and version.
pub async fn lock(
    conn: &mut PgConnection,
    teams: Option<Vec<Uuid>>,
    id: SecretId,
) -> ApiResult<(TeamId, String, i32)> {
    let row: Option<(Uuid, String, i32)> = sqlx::query_as(
        "SELECT team_id, name, version FROM secrets
         WHERE id = $1 AND ($2::uuid[] IS NULL OR team_id = ANY($2)) FOR UPDATE",
    )
    .bind(id.0)
    .bind(teams)
    .fetch_optional(conn)
    .await?;
    let (team, name, version) = row.ok_or_else(|| ApiError::not_found("secret"))?;
    Ok((TeamId(team), name, version))
}

/// Sets the value of a row that [`lock`] holds.
pub async fn replace(
    conn: &mut PgConnection,
    id: SecretId,
    version: i32,
    sealed: &Sealed,
    actor: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE secrets SET version = $2, key_id = $3, wrapped_key = $4, sealed = $5,
                updated_at = now(), updated_by = $6
         WHERE id = $1",
    )
    .bind(id.0)
    .bind(version)
    .bind(&sealed.key_id)
    .bind(&sealed.wrapped_key)
    .bind(&sealed.sealed)
    .bind(actor)
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn delete(conn: &mut PgConnection, id: SecretId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM secrets WHERE id = $1").bind(id.0).execute(conn).await?;
    Ok(())
}

/// A secret with what is sealed of it.
#[derive(sqlx::FromRow)]
pub struct SealedSecret {
    pub name: String,
    pub version: i32,
    #[sqlx(flatten)]
    pub sealed: Sealed,
}

/// Those of a team's secrets that have these names.
pub async fn sealed(
    conn: &mut PgConnection,
    team: TeamId,
    names: &[&str],
) -> sqlx::Result<Vec<SealedSecret>> {
    sqlx::query_as(
        "SELECT name, version, key_id, wrapped_key, sealed FROM secrets WHERE team_id = $1 AND name = ANY($2)",
    )
    .bind(team.0)
    .bind(names)
    .fetch_all(conn)
    .await
}

/// Which of these names a team's secrets have.
pub async fn known(conn: &mut PgConnection, team: TeamId, names: &[&str]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT name FROM secrets WHERE team_id = $1 AND name = ANY($2)")
        .bind(team.0)
        .bind(names)
        .fetch_all(conn)
        .await
}
