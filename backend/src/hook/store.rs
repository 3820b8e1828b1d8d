//! The SQL of hooks.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use lilac_api::hook::{Hook, UpdateHook};
use lilac_api::job::JobState;
use lilac_api::problem::ErrorCode;
use lilac_api::{HookId, TeamId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::{ApiError, ApiResult, broken_constraint};
use crate::secret::vault::Sealed;

#[derive(sqlx::FromRow)]
pub struct HookRow {
    pub id: Uuid,
    pub team_id: Uuid,
    pub version: i32,
    name: String,
    team: String,
    url: String,
    events: Vec<String>,
    enabled: bool,
    created_at: DateTime<Utc>,
    created_by: String,
    updated_at: DateTime<Utc>,
    updated_by: String,
}

impl From<HookRow> for Hook {
    fn from(row: HookRow) -> Self {
        Self {
            id: HookId(row.id),
            name: row.name,
            team: row.team,
            url: row.url,
            events: row.events.iter().filter_map(|word| word.parse().ok()).collect(),
            enabled: row.enabled,
            created_at: row.created_at,
            created_by: row.created_by,
            updated_at: row.updated_at,
            updated_by: row.updated_by,
        }
    }
}

/// Hooks without their secrets, the newest first. `teams` as in [`crate::auth::caller::Caller::sees`].
pub async fn hooks(
    conn: &mut PgConnection,
    teams: Option<Vec<Uuid>>,
    team: Option<&str>,
    only: Option<HookId>,
    before: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<HookRow>> {
    sqlx::query_as(
        "SELECT h.id, h.team_id, h.version, h.name, t.name AS team, h.url, h.events, h.enabled, h.created_at, h.created_by,
                h.updated_at, h.updated_by
         FROM hooks h JOIN teams t ON t.id = h.team_id
         WHERE ($1::uuid[] IS NULL OR h.team_id = ANY($1)) AND ($2::text IS NULL OR lower(t.name) = lower($2))
           AND ($3::uuid IS NULL OR h.id = $3) AND ($4::uuid IS NULL OR h.id < $4)
         ORDER BY h.id DESC LIMIT $5",
    )
    .bind(teams)
    .bind(team)
    .bind(only.map(|id| id.0))
    .bind(before)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// One hook, if the caller sees it.
pub async fn hook(conn: &mut PgConnection, teams: Option<Vec<Uuid>>, id: HookId) -> ApiResult<HookRow> {
    hooks(conn, teams, None, Some(id), None, 1).await?.pop().ok_or_else(|| ApiError::not_found("hook"))
}

/// Holds the hook until the transaction ends, if the caller sees it.
pub async fn lock(conn: &mut PgConnection, teams: Option<Vec<Uuid>>, id: HookId) -> ApiResult<HookRow> {
    sqlx::query(
        "SELECT FROM hooks WHERE id = $1 AND ($2::uuid[] IS NULL OR team_id = ANY($2)) FOR NO KEY UPDATE",
    )
    .bind(id.0)
    .bind(&teams)
    .execute(&mut *conn)
    .await?;
    hook(conn, teams, id).await
}

pub async fn count(conn: &mut PgConnection, team: TeamId) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM hooks WHERE team_id = $1").bind(team.0).fetch_one(conn).await
}

/// A hook as it is stored first.
pub struct NewHook<'a> {
    pub id: HookId,
    pub team: TeamId,
    pub name: &'a str,
    pub url: &'a str,
    pub events: &'a [JobState],
    pub sealed: &'a Sealed,
    pub actor: &'a str,
}

pub async fn insert(conn: &mut PgConnection, new: &NewHook<'_>) -> ApiResult<()> {
    sqlx::query(
        "INSERT INTO hooks (id, team_id, name, url, events, key_id, wrapped_key, sealed, created_by, updated_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
    )
    .bind(new.id.0)
    .bind(new.team.0)
    .bind(new.name)
    .bind(new.url)
    .bind(words(new.events))
    .bind(&new.sealed.key_id)
    .bind(&new.sealed.wrapped_key)
    .bind(&new.sealed.sealed)
    .bind(new.actor)
    .execute(conn)
    .await
    .map_err(|error| match broken_constraint(&error) {
        Some("hooks_name_key") => {
            let detail = format!("the team has a hook named `{}` already", new.name);
            ApiError::new(StatusCode::CONFLICT, ErrorCode::NameTaken, detail)
        }
        _ => error.into(),
    })?;
    Ok(())
}

fn words(states: &[JobState]) -> Vec<&'static str> {
    states.iter().map(|state| state.as_str()).collect()
}

pub async fn update(
    conn: &mut PgConnection,
    id: HookId,
    change: &UpdateHook,
    url: Option<&str>,
    actor: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE hooks SET url = COALESCE($2, url), events = COALESCE($3, events), enabled = COALESCE($4, enabled),
                updated_at = now(), updated_by = $5
         WHERE id = $1",
    )
    .bind(id.0)
    .bind(url)
    .bind(change.events.as_deref().map(words))
    .bind(change.enabled)
    .bind(actor)
    .execute(conn)
    .await?;
    Ok(())
}

/// Sets the secret of a row that [`lock`] holds.
pub async fn rotate(
    conn: &mut PgConnection,
    id: HookId,
    version: i32,
    sealed: &Sealed,
    actor: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE hooks SET version = $2, key_id = $3, wrapped_key = $4, sealed = $5, updated_at = now(), updated_by = $6
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

pub async fn delete(conn: &mut PgConnection, id: HookId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM hooks WHERE id = $1").bind(id.0).execute(conn).await?;
    Ok(())
}

/// Those of a team's hooks that have these names, with the states that they may be told of.
pub async fn known(
    conn: &mut PgConnection,
    team: TeamId,
    names: &[&str],
) -> sqlx::Result<Vec<(String, Vec<String>)>> {
    sqlx::query_as("SELECT name, events FROM hooks WHERE team_id = $1 AND name = ANY($2)")
        .bind(team.0)
        .bind(names)
        .fetch_all(conn)
        .await
}
