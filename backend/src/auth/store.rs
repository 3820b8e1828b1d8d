//! The SQL of accounts.
//!
//! Whoever adds or removes refresh tokens of a user holds that user's row (`lock_user`). So a login that is
//! just being opened or renewed cannot slip past the change that ends all logins.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use lilac_api::auth::{ApiKey, NodeUser, Role, Scope, User};
use lilac_api::problem::ErrorCode;
use lilac_api::{ApiKeyId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::caller::role;
use super::keys::Kind;
use super::known::scopes;
use crate::error::{ApiError, ApiResult, broken_constraint};

#[derive(sqlx::FromRow)]
pub struct UserRow {
    pub id: Uuid,
    pub username: String,
    pub password_hash: String,
    pub role: String,
    pub disabled: bool,
    pub display_name: Option<String>,
    pub email: Option<String>,
    pub uid: Option<i64>,
    pub gid: Option<i64>,
    pub must_change_password: bool,
    pub teams: Vec<String>,
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
            display_name: self.display_name,
            email: self.email,
            node_user: node_user(self.uid, self.gid),
            teams: self.teams,
            must_change_password: self.must_change_password,
            created_at: self.created_at,
        })
    }
}

/// Who a user is on the nodes, as the database holds it.
pub fn node_user(uid: Option<i64>, gid: Option<i64>) -> Option<NodeUser> {
    let number = |id: Option<i64>| u32::try_from(id?).ok();
    Some(NodeUser { uid: number(uid)?, gid: number(gid)? })
}

/// One list of columns for every query that gives a `UserRow`.
macro_rules! user_columns {
    () => {
        "id, username, password_hash, role, disabled, display_name, email, uid, gid, must_change_password, login_epoch, created_at,
         ARRAY(SELECT t.name FROM team_members m JOIN teams t ON t.id = m.team_id WHERE m.user_id = users.id
               ORDER BY lower(t.name)) AS teams"
    };
}

macro_rules! select_users {
    ($rest:literal) => {
        concat!("SELECT ", user_columns!(), " FROM users ", $rest)
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

pub struct NewUser<'a> {
    pub username: &'a str,
    pub password_hash: &'a str,
    pub role: Role,
    pub teams: &'a [String],
    pub must_change_password: bool,
}

pub async fn insert_user(conn: &mut PgConnection, new: &NewUser<'_>) -> ApiResult<User> {
    let id = UserId::new();
    sqlx::query(
        "INSERT INTO users (id, username, password_hash, role, must_change_password) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(id.0)
    .bind(new.username)
    .bind(new.password_hash)
    .bind(<&str>::from(new.role))
    .bind(new.must_change_password)
    .execute(&mut *conn)
    .await
    .map_err(|error| match broken_constraint(&error) {
        Some("users_username_key") => {
            let detail = format!("there is a user named `{}` already", new.username);
            ApiError::new(StatusCode::CONFLICT, ErrorCode::NameTaken, detail)
        }
        _ => error.into(),
    })?;
    add_to_teams(conn, id, new.teams).await?;
    user(conn, id).await?.ok_or_else(ApiError::internal)?.into_user()
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
    pub must_change_password: Option<bool>,
    pub node_user: Option<NodeUser>,
    /// Voids the user's access tokens.
    pub ends_logins: bool,
}

pub async fn update_user(
    conn: &mut PgConnection,
    id: UserId,
    change: &UserChange,
) -> sqlx::Result<Option<UserRow>> {
    sqlx::query_as(concat!(
        "UPDATE users SET role = COALESCE($2, role), disabled = COALESCE($3, disabled),
                password_hash = COALESCE($4, password_hash), must_change_password = COALESCE($5, must_change_password),
                login_epoch = login_epoch + $6::boolean::integer, uid = COALESCE($7, uid), gid = COALESCE($8, gid)
         WHERE id = $1 RETURNING ",
        user_columns!()
    ))
    .bind(id.0)
    .bind(change.role.map(<&str>::from))
    .bind(change.disabled)
    .bind(change.password_hash.as_deref())
    .bind(change.must_change_password)
    .bind(change.ends_logins)
    .bind(change.node_user.map(|user| i64::from(user.uid)))
    .bind(change.node_user.map(|user| i64::from(user.gid)))
    .fetch_optional(conn)
    .await
}

/// Changes what a user says about themselves; none leaves it, an empty text takes it away.
pub async fn update_profile(
    conn: &mut PgConnection,
    id: UserId,
    display_name: Option<&str>,
    email: Option<&str>,
) -> sqlx::Result<Option<UserRow>> {
    sqlx::query_as(concat!(
        "UPDATE users SET display_name = NULLIF(COALESCE($2, display_name), ''), email = NULLIF(COALESCE($3, email), '')
         WHERE id = $1 RETURNING ",
        user_columns!()
    ))
    .bind(id.0)
    .bind(display_name)
    .bind(email)
    .fetch_optional(conn)
    .await
}

/// Deletes a user; false where something that stays names them, such as a job.
pub async fn delete_user(conn: &mut PgConnection, id: UserId) -> sqlx::Result<bool> {
    match sqlx::query("DELETE FROM users WHERE id = $1").bind(id.0).execute(conn).await {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => Ok(false),
        Err(error) => Err(error),
    }
}

// Refresh tokens.

#[derive(sqlx::FromRow)]
pub struct RefreshRow {
    pub user_id: Uuid,
    pub family: Uuid,
    pub secret_hmac: Vec<u8>,
    pub used: bool,
    pub expired: bool,
    /// The token that took this one's place, as long as that was just now and nobody has used it.
    pub heir: Option<Uuid>,
}

/// `grace_secs` is how long ago "just now" may be.
pub async fn refresh_token(
    conn: &mut PgConnection,
    id: Uuid,
    grace_secs: u32,
) -> sqlx::Result<Option<RefreshRow>> {
    sqlx::query_as(
        "SELECT token.user_id, token.family, token.secret_hmac, token.used_at IS NOT NULL AS used,
                token.expires_at <= now() AS expired, heir.id AS heir
         FROM refresh_tokens token
         LEFT JOIN refresh_tokens heir ON heir.id = token.successor AND heir.used_at IS NULL
                                      AND token.used_at > now() - $2 * interval '1 second'
         WHERE token.id = $1",
    )
    .bind(id)
    .bind(f64::from(grace_secs))
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

pub async fn replace_refresh_token(conn: &mut PgConnection, id: Uuid, successor: Uuid) -> sqlx::Result<()> {
    sqlx::query("UPDATE refresh_tokens SET used_at = now(), successor = $2 WHERE id = $1")
        .bind(id)
        .bind(successor)
        .execute(conn)
        .await?;
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
    scopes: Vec<String>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

impl ApiKeyRow {
    fn into_key(self) -> ApiResult<ApiKey> {
        Ok(ApiKey {
            id: ApiKeyId(self.id),
            name: self.name,
            prefix: Kind::ApiKey.beginning(self.id),
            scopes: scopes(self.scopes)?,
            created_at: self.created_at,
            expires_at: self.expires_at,
            last_used_at: self.last_used_at,
        })
    }
}

/// The user's keys that are not revoked, the newest first; expired ones show that they are.
pub async fn api_keys(conn: &mut PgConnection, user_id: UserId) -> ApiResult<Vec<ApiKey>> {
    let rows: Vec<ApiKeyRow> = sqlx::query_as(
        "SELECT id, name, scopes, created_at, expires_at, last_used_at FROM api_keys
         WHERE user_id = $1 AND revoked_at IS NULL ORDER BY id DESC",
    )
    .bind(user_id.0)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(ApiKeyRow::into_key).collect()
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

pub struct NewApiKey<'a> {
    pub id: ApiKeyId,
    pub user_id: UserId,
    pub name: &'a str,
    pub scopes: &'a [Scope],
    pub secret_hmac: &'a [u8],
    /// None for a key that does not expire.
    pub lifetime_secs: Option<f64>,
}

pub async fn insert_api_key(conn: &mut PgConnection, new: &NewApiKey<'_>) -> ApiResult<ApiKey> {
    let scopes: Vec<&str> = new.scopes.iter().map(<&str>::from).collect();
    let row: ApiKeyRow = sqlx::query_as(
        "INSERT INTO api_keys (id, user_id, name, scopes, secret_hmac, expires_at)
         VALUES ($1, $2, $3, $4, $5, now() + $6 * interval '1 second')
         RETURNING id, name, scopes, created_at, expires_at, last_used_at",
    )
    .bind(new.id.0)
    .bind(new.user_id.0)
    .bind(new.name)
    .bind(scopes)
    .bind(new.secret_hmac)
    .bind(new.lifetime_secs)
    .fetch_one(conn)
    .await?;
    row.into_key()
}

/// The name of the key, if the user had one that was not revoked before.
pub async fn revoke_api_key(
    conn: &mut PgConnection,
    id: ApiKeyId,
    user_id: UserId,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar(
        "UPDATE api_keys SET revoked_at = now() WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL RETURNING name",
    )
    .bind(id.0)
    .bind(user_id.0)
    .fetch_optional(conn)
    .await
}
