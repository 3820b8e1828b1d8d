//! The SQL of teams.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use lilac_api::problem::ErrorCode;
use lilac_api::team::{Team, TeamMember};
use lilac_api::{TeamId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::caller::role;
use crate::error::{ApiError, ApiResult, broken_constraint};

#[derive(sqlx::FromRow)]
struct TeamRow {
    id: Uuid,
    name: String,
    members: i64,
    created_at: DateTime<Utc>,
}

impl From<TeamRow> for Team {
    fn from(row: TeamRow) -> Self {
        Self {
            id: TeamId(row.id),
            name: row.name,
            members: u32::try_from(row.members).unwrap_or(u32::MAX),
            created_at: row.created_at,
        }
    }
}

macro_rules! select_teams {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, created_at, (SELECT count(*) FROM team_members WHERE team_id = t.id) AS members
             FROM teams t WHERE ($1::uuid[] IS NULL OR id = ANY($1)) AND ",
            $rest
        )
    };
}

/// Of the teams that the caller sees, those behind the cursor. The first team is older than its random id says.
pub async fn teams_after(
    conn: &mut PgConnection,
    sees: Option<&[Uuid]>,
    cursor: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<Team>> {
    let query = select_teams!("($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3");
    let rows: Vec<TeamRow> =
        sqlx::query_as(query).bind(sees).bind(cursor).bind(limit).fetch_all(conn).await?;
    Ok(rows.into_iter().map(Team::from).collect())
}

pub async fn team(conn: &mut PgConnection, sees: Option<&[Uuid]>, id: TeamId) -> sqlx::Result<Option<Team>> {
    let row: Option<TeamRow> =
        sqlx::query_as(select_teams!("id = $2")).bind(sees).bind(id.0).fetch_optional(conn).await?;
    Ok(row.map(Team::from))
}

/// Holds a team's row until the transaction ends, and gives its name.
pub async fn lock_team(conn: &mut PgConnection, id: TeamId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT name FROM teams WHERE id = $1 FOR UPDATE")
        .bind(id.0)
        .fetch_optional(conn)
        .await
}

pub async fn insert_team(conn: &mut PgConnection, name: &str) -> ApiResult<TeamId> {
    let id = TeamId::new();
    sqlx::query("INSERT INTO teams (id, name) VALUES ($1, $2)")
        .bind(id.0)
        .bind(name)
        .execute(conn)
        .await
        .map_err(|error| name_taken(error, name))?;
    Ok(id)
}

pub async fn rename_team(conn: &mut PgConnection, id: TeamId, name: &str) -> ApiResult<()> {
    sqlx::query("UPDATE teams SET name = $2 WHERE id = $1")
        .bind(id.0)
        .bind(name)
        .execute(conn)
        .await
        .map_err(|error| name_taken(error, name))?;
    Ok(())
}

fn name_taken(error: sqlx::Error, name: &str) -> ApiError {
    match broken_constraint(&error) {
        Some("teams_name_key") => {
            let detail = format!("there is a team named `{name}` already");
            ApiError::new(StatusCode::CONFLICT, ErrorCode::NameTaken, detail)
        }
        _ => error.into(),
    }
}

/// Deletes a team; false where it owns something.
pub async fn delete_team(conn: &mut PgConnection, id: TeamId) -> sqlx::Result<bool> {
    match sqlx::query("DELETE FROM teams WHERE id = $1").bind(id.0).execute(conn).await {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => Ok(false),
        Err(error) => Err(error),
    }
}

pub async fn members_after(
    conn: &mut PgConnection,
    id: TeamId,
    cursor: Option<Uuid>,
    limit: i64,
) -> ApiResult<Vec<TeamMember>> {
    let rows: Vec<(Uuid, String, String, DateTime<Utc>)> = sqlx::query_as(
        "SELECT u.id, u.username, u.role, m.added_at FROM team_members m JOIN users u ON u.id = m.user_id
         WHERE m.team_id = $1 AND ($2::uuid IS NULL OR u.id > $2) ORDER BY u.id LIMIT $3",
    )
    .bind(id.0)
    .bind(cursor)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    let member = |(id, username, word, added_at): (Uuid, String, String, DateTime<Utc>)| {
        Ok(TeamMember { user_id: UserId(id), username, role: role(&word)?, added_at })
    };
    rows.into_iter().map(member).collect()
}

/// The name of a user, whose row stays until the transaction ends.
pub async fn username(conn: &mut PgConnection, id: UserId) -> sqlx::Result<Option<String>> {
    let query = "SELECT username FROM users WHERE id = $1 FOR KEY SHARE";
    sqlx::query_scalar(query).bind(id.0).fetch_optional(conn).await
}

/// Says whether the user was not in it before.
pub async fn add_member(conn: &mut PgConnection, team: TeamId, user: UserId) -> sqlx::Result<bool> {
    let query = "INSERT INTO team_members (team_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let done = sqlx::query(query).bind(team.0).bind(user.0).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

/// Says whether the user was in it.
pub async fn remove_member(conn: &mut PgConnection, team: TeamId, user: UserId) -> sqlx::Result<bool> {
    let query = "DELETE FROM team_members WHERE team_id = $1 AND user_id = $2";
    let done = sqlx::query(query).bind(team.0).bind(user.0).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}
