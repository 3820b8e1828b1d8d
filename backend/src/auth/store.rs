//! The SQL of accounts.
//!
//! Whoever adds or removes refresh tokens of a user holds that user's row (`lock_user`). So a login that is
//! just being opened or renewed cannot slip past the change that ends all logins.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use lilac_api::auth::{ApiKey, Role, User};
use lilac_api::problem::ErrorCode;
use lilac_api::{ApiKeyId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::caller::role;
use crate::error::{ApiError, ApiResult, broken_constraint};

#[derive(sqlx::FromRow)]
pub struct UserRow {
    pub id: Uuid,
    pub username: String,
    pub password_hash: String,
    pub role: String,
    pub disabled: bool,
    pub login_epoch: i32,
    pub created_at: DateTime<Utc>,
}

impl UserRow {
    pub fn into_user(self) -> ApiResult<User> {
        Ok(User {
            id: UserId(self.id),
            role: role(&self.role)?,
            username: self.username,
            disabled: self.disabled,
            created_at: self.created_at,
        })
    }
}

/// Selects users: one list of columns for every query that gives a `UserRow`.
macro_rules! select_users {
    ($rest:literal) => {
        concat!(
            "SELECT id, username, password_hash, role, disabled, login_epoch, created_at FROM users ",
            $rest
        )
    };
}

/// The user of that name, which is given in lower case.
pub async fn user_by_name(conn: &mut PgConnection, name: &str) -> sqlx::Result<Option<UserRow>> {
    sqlx::query_as(select_users!("WHERE lower(username) = $1")).bind(name).fetch_optional(conn).await
}

pub async fn user(conn: &mut PgConnection, id: UserId) -> sqlx::Result<Option<UserRow>> {
    sqlx::query_as(select_users!("WHERE id = $1")).bind(id.0).fetch_optional(conn).await
}

/// Holds the user's row until the transaction ends.
pub async fn lock_user(conn: &mut PgConnection, id: UserId) -> sqlx::Result<Option<UserRow>> {
    let query = select_users!("WHERE id = $1 FOR NO KEY UPDATE");
    sqlx::query_as(query).bind(id.0).fetch_optional(conn).await
}

/// Holds the rows of all administrators who can log in. In one order, so that two who do it take turns.
pub async fn lock_enabled_admins(conn: &mut PgConnection) -> sqlx::Result<Vec<Uuid>> {
    let query = "SELECT id FROM users WHERE role = 'admin' AND NOT disabled ORDER BY id FOR NO KEY UPDATE";
    sqlx::query_scalar(query).fetch_all(conn).await
}

pub async fn users_after(
    conn: &mut PgConnection,
    cursor: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<UserRow>> {
    sqlx::query_as(select_users!("WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2"))
        .bind(cursor)
        .bind(limit)
        .fetch_all(conn)
        .await
}

pub async fn any_user(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM users)").fetch_one(conn).await
}

pub async fn insert_user(
    conn: &mut PgConnection,
    username: &str,
    password_hash: &str,
    role: Role,
    teams: &[String],
) -> ApiResult<User> {
    let row: UserRow = sqlx::query_as(
        "INSERT INTO users (id, username, password_hash, role) VALUES ($1, $2, $3, $4)
         RETURNING id, username, password_hash, role, disabled, login_epoch, created_at",
    )
    .bind(UserId::new().0)
    .bind(username)
    .bind(password_hash)
    .bind(<&str>::from(role))
    .fetch_one(&mut *conn)
    .await
    .map_err(|error| match broken_constraint(&error) {
        Some("users_username_key") => {
            let detail = format!("there is a user named `{username}` already");
            ApiError::new(StatusCode::CONFLICT, ErrorCode::NameTaken, detail)
        }
        _ => error.into(),
    })?;
    add_to_teams(conn, UserId(row.id), teams).await?;
    row.into_user()
}

/// Makes a user a member of teams, by their names.
async fn add_to_teams(conn: &mut PgConnection, user_id: UserId, teams: &[String]) -> ApiResult<()> {
    let teams: BTreeSet<String> = teams.iter().map(|team| team.to_lowercase()).collect();
    let teams: Vec<String> = teams.into_iter().collect();
    let done = sqlx::query(
        "INSERT INTO team_members (team_id, user_id)
         SELECT id, $1 FROM teams WHERE lower(name) = ANY($2) ON CONFLICT DO NOTHING",
    )
    .bind(user_id.0)
    .bind(&teams)
    .execute(conn)
    .await?;
    if done.rows_affected() != teams.len() as u64 {
        return Err(ApiError::field("teams", "not-found", "names a team that does not exist"));
    }
    Ok(())
}

/// What to change of a user; none leaves it.
#[derive(Default)]
pub struct UserChange {
    pub role: Option<Role>,
    pub disabled: Option<bool>,
    pub password_hash: Option<String>,
    /// Voids the user's access tokens.
    pub ends_logins: bool,
}

pub async fn update_user(
    conn: &mut PgConnection,
    id: UserId,
    change: &UserChange,
) -> sqlx::Result<Option<UserRow>> {
    sqlx::query_as(
        "UPDATE users SET role = COALESCE($2, role), disabled = COALESCE($3, disabled),
                password_hash = COALESCE($4, password_hash), login_epoch = login_epoch + $5::boolean::integer
         WHERE id = $1
         RETURNING id, username, password_hash, role, disabled, login_epoch, created_at",
    )
    .bind(id.0)
    .bind(change.role.map(<&str>::from))
    .bind(change.disabled)
    .bind(change.password_hash.as_deref())
    .bind(change.ends_logins)
    .fetch_optional(conn)
    .await
}

// Refresh tokens.

#[derive(sqlx::FromRow)]
pub struct RefreshRow {
    pub user_id: Uuid,
    pub family: Uuid,
    pub secret_hmac: Vec<u8>,
    pub used: bool,
    pub expired: bool,
}

pub async fn refresh_token(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<RefreshRow>> {
    sqlx::query_as(
        "SELECT user_id, family, secret_hmac, used_at IS NOT NULL AS used, expires_at <= now() AS expired
         FROM refresh_tokens WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

pub async fn insert_refresh_token(
    conn: &mut PgConnection,
    id: Uuid,
    user_id: UserId,
    family: Uuid,
    secret_hmac: &[u8],
    lifetime_secs: u32,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO refresh_tokens (id, user_id, family, secret_hmac, expires_at)
         VALUES ($1, $2, $3, $4, now() + $5 * interval '1 second')",
    )
    .bind(id)
    .bind(user_id.0)
    .bind(family)
    .bind(secret_hmac)
    .bind(f64::from(lifetime_secs))
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn mark_refresh_token_used(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query("UPDATE refresh_tokens SET used_at = now() WHERE id = $1").bind(id).execute(conn).await?;
    Ok(())
}

pub async fn delete_family(conn: &mut PgConnection, family: Uuid) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM refresh_tokens WHERE family = $1").bind(family).execute(conn).await?;
    Ok(())
}

pub async fn delete_refresh_tokens(conn: &mut PgConnection, user_id: UserId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM refresh_tokens WHERE user_id = $1").bind(user_id.0).execute(conn).await?;
    Ok(())
}

/// Sweeps out some tokens that nobody can use any more. Each login does so: what comes in also goes out.
pub async fn delete_expired_refresh_tokens(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query(
        "DELETE FROM refresh_tokens WHERE id IN (
             SELECT id FROM refresh_tokens WHERE expires_at < now()
             ORDER BY expires_at LIMIT 100 FOR UPDATE SKIP LOCKED)",
    )
    .execute(conn)
    .await?;
    Ok(())
}

// API keys.

#[derive(sqlx::FromRow)]
struct ApiKeyRow {
    id: Uuid,
    name: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

impl From<ApiKeyRow> for ApiKey {
    fn from(row: ApiKeyRow) -> Self {
        Self {
            id: ApiKeyId(row.id),
            name: row.name,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// The user's keys that are not revoked, the newest first; expired ones show that they are.
pub async fn api_keys(conn: &mut PgConnection, user_id: UserId) -> sqlx::Result<Vec<ApiKey>> {
    let rows: Vec<ApiKeyRow> = sqlx::query_as(
        "SELECT id, name, created_at, expires_at, last_used_at FROM api_keys
         WHERE user_id = $1 AND revoked_at IS NULL ORDER BY id DESC",
    )
    .bind(user_id.0)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

/// How many keys of the user open something.
pub async fn count_live_api_keys(conn: &mut PgConnection, user_id: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT count(*) FROM api_keys
         WHERE user_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())",
    )
    .bind(user_id.0)
    .fetch_one(conn)
    .await
}

/// Sweeps out the user's keys that have opened nothing for a month.
pub async fn delete_old_api_keys(conn: &mut PgConnection, user_id: UserId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM api_keys WHERE user_id = $1 AND LEAST(revoked_at, expires_at) < now() - interval '30 days'")
        .bind(user_id.0)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn insert_api_key(
    conn: &mut PgConnection,
    id: ApiKeyId,
    user_id: UserId,
    name: &str,
    secret_hmac: &[u8],
    lifetime_secs: Option<f64>,
) -> sqlx::Result<ApiKey> {
    let row: ApiKeyRow = sqlx::query_as(
        "INSERT INTO api_keys (id, user_id, name, secret_hmac, expires_at)
         VALUES ($1, $2, $3, $4, now() + $5 * interval '1 second')
         RETURNING id, name, created_at, expires_at, last_used_at",
    )
    .bind(id.0)
    .bind(user_id.0)
    .bind(name)
    .bind(secret_hmac)
    .bind(lifetime_secs)
    .fetch_one(conn)
    .await?;
    Ok(row.into())
}

/// Says whether the user had such a key.
pub async fn revoke_api_key(conn: &mut PgConnection, id: ApiKeyId, user_id: UserId) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE api_keys SET revoked_at = now() WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL",
    )
    .bind(id.0)
    .bind(user_id.0)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
