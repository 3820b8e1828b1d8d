//! Who calls. A route says in its handler's signature whom it serves; there is no route without a caller
//! but health, login and the files of the UI.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use lilac_api::auth::Role;
use lilac_api::{ClusterId, NodeId, TeamId, UserId};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::keys::{self, Kind, Parsed};
use crate::app::App;
use crate::error::{ApiError, ApiResult};

/// Any user: reads.
#[derive(Clone, Debug)]
pub struct Caller {
    pub user_id: UserId,
    pub username: String,
    pub role: Role,
    /// The teams that the user is in.
    pub teams: Vec<TeamId>,
}

impl Caller {
    /// Whose objects the caller sees; none for those of all teams. For SQL:
    /// `($1::uuid[] IS NULL OR team_id = ANY($1))`.
    pub fn sees(&self) -> Option<Vec<Uuid>> {
        (self.role < Role::Admin).then(|| self.teams.iter().map(|team| team.0).collect())
    }

    /// How a job's history names this user.
    pub fn actor(&self) -> String {
        format!("user:{}", self.username)
    }
}

/// A user who may submit and control jobs of their own.
#[derive(Clone, Debug)]
pub struct Member(pub Caller);

/// A user who may do everything.
#[derive(Clone, Debug)]
pub struct Admin(pub Caller);

/// A node, speaking for itself.
#[derive(Clone, Debug)]
pub struct NodeCaller {
    pub node_id: NodeId,
    pub cluster_id: ClusterId,
    pub name: String,
}

/// A machine that holds a join key.
#[derive(Clone, Debug)]
pub struct Joiner {
    pub key_id: Uuid,
    pub cluster_id: ClusterId,
}

/// The bearer token of a request.
fn bearer(parts: &Parts) -> ApiResult<&str> {
    let value = parts
        .headers
        .get(header::AUTHORIZATION)
        .ok_or_else(|| ApiError::unauthenticated("log in, or send a key: `Authorization: Bearer …`"))?;
    let text = value.to_str().unwrap_or_default();
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Ok(token.trim())
        }
        _ => Err(ApiError::unauthenticated("the authorization must be `Bearer` and a token")),
    }
}

fn refused() -> ApiError {
    ApiError::unauthenticated("the token or key is wrong, expired or revoked")
}

/// The text credential of a request, of the kind that the route is for. Another kind is known, but not
/// allowed here; an access token where a text is wanted is a user's.
fn text_credential(app: &App, parts: &Parts, wanted: Kind) -> ApiResult<Parsed> {
    let token = bearer(parts)?;
    if !keys::looks_like_ours(token) {
        app.keys.read_access_token(token).ok_or_else(refused)?;
        return Err(ApiError::forbidden("this route is for nodes"));
    }
    let parsed = keys::parse(token).ok_or_else(refused)?;
    if parsed.kind != wanted {
        return Err(ApiError::forbidden("this credential is not for this route"));
    }
    Ok(parsed)
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        let token = bearer(parts)?;
        let caller = if keys::looks_like_ours(token) {
            let parsed = keys::parse(token).ok_or_else(refused)?;
            if parsed.kind != Kind::ApiKey {
                return Err(ApiError::forbidden("this credential is not for users' routes"));
            }
            by_api_key(app, &parsed).await?
        } else {
            by_access_token(app, token).await?
        };
        tracing::Span::current().record("user", &caller.username);
        Ok(caller)
    }
}

async fn by_access_token(app: &App, token: &str) -> ApiResult<Caller> {
    let (user_id, login_epoch) = app.keys.read_access_token(token).ok_or_else(refused)?;
    let row = sqlx::query(
        "SELECT id, username, role, ARRAY(SELECT team_id FROM team_members WHERE user_id = u.id) AS teams
         FROM users u WHERE id = $1 AND login_epoch = $2 AND NOT disabled",
    )
    .bind(user_id.0)
    .bind(login_epoch)
    .fetch_optional(&app.pool)
    .await?
    .ok_or_else(refused)?;
    caller(&row)
}

async fn by_api_key(app: &App, parsed: &Parsed) -> ApiResult<Caller> {
    let row = sqlx::query(
        "SELECT u.id, u.username, u.role, k.secret_hmac,
                ARRAY(SELECT team_id FROM team_members WHERE user_id = u.id) AS teams,
                k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute' AS stale
         FROM api_keys k JOIN users u ON u.id = k.user_id
         WHERE k.id = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
           AND NOT u.disabled",
    )
    .bind(parsed.id)
    .fetch_optional(&app.pool)
    .await?
    .ok_or_else(refused)?;
    if !app.keys.matches(parsed, row.try_get("secret_hmac")?) {
        return Err(refused());
    }
    if row.try_get("stale")? {
        sqlx::query("UPDATE api_keys SET last_used_at = now() WHERE id = $1")
            .bind(parsed.id)
            .execute(&app.pool)
            .await?;
    }
    caller(&row)
}

fn caller(row: &PgRow) -> ApiResult<Caller> {
    let teams: Vec<Uuid> = row.try_get("teams")?;
    Ok(Caller {
        user_id: UserId(row.try_get("id")?),
        username: row.try_get("username")?,
        role: role(row.try_get("role")?)?,
        teams: teams.into_iter().map(TeamId).collect(),
    })
}

pub fn role(text: &str) -> ApiResult<Role> {
    text.parse().map_err(|_| {
        tracing::error!(role = text, "the database holds an unknown role");
        ApiError::internal()
    })
}

impl FromRequestParts<Arc<App>> for Member {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        let caller = Caller::from_request_parts(parts, app).await?;
        if caller.role < Role::Member {
            return Err(ApiError::forbidden("a viewer may look, and change nothing"));
        }
        Ok(Self(caller))
    }
}

impl FromRequestParts<Arc<App>> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        let caller = Caller::from_request_parts(parts, app).await?;
        if caller.role < Role::Admin {
            return Err(ApiError::forbidden("only an administrator may do this"));
        }
        Ok(Self(caller))
    }
}

impl FromRequestParts<Arc<App>> for NodeCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        let parsed = text_credential(app, parts, Kind::Node)?;
        let row = sqlx::query(
            "SELECT cluster_id, name, credential_hmac FROM nodes WHERE id = $1 AND removed_at IS NULL",
        )
        .bind(parsed.id)
        .fetch_optional(&app.pool)
        .await?
        .ok_or_else(refused)?;
        if !app.keys.matches(&parsed, row.try_get("credential_hmac")?) {
            return Err(refused());
        }
        Ok(Self {
            node_id: NodeId(parsed.id),
            cluster_id: ClusterId(row.try_get("cluster_id")?),
            name: row.try_get("name")?,
        })
    }
}

impl FromRequestParts<Arc<App>> for Joiner {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        let parsed = text_credential(app, parts, Kind::JoinKey)?;
        let row = sqlx::query(
            "SELECT cluster_id, secret_hmac FROM join_keys
             WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())",
        )
        .bind(parsed.id)
        .fetch_optional(&app.pool)
        .await?
        .ok_or_else(refused)?;
        if !app.keys.matches(&parsed, row.try_get("secret_hmac")?) {
            return Err(refused());
        }
        Ok(Self { key_id: parsed.id, cluster_id: ClusterId(row.try_get("cluster_id")?) })
    }
}
