//! Who calls. A route says in its handler's signature whom it serves; there is no route without a caller
//! but health, login and the files of the UI.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use lilac_api::auth::{Role, Scope};
use lilac_api::problem::ErrorCode;
use lilac_api::{ClusterId, NodeId, TeamId, UserId};
use sqlx::Row;
use uuid::Uuid;

use super::keys::{self, Kind, Parsed};
use super::known::Credential;
use crate::app::App;
use crate::error::{ApiError, ApiResult};

/// Any user: reads. Of a key, one with the scope `read` or more.
#[derive(Clone, Debug)]
pub struct Caller {
    pub user_id: UserId,
    pub username: String,
    /// What the caller may do: the user's role, or less where a key's scopes leave less.
    pub role: Role,
    /// The user's role.
    pub own_role: Role,
    /// The teams that the user is in.
    pub teams: Vec<TeamId>,
    pub scopes: Vec<Scope>,
    pub credential: Credential,
    pub must_change_password: bool,
}

impl Caller {
    /// Whose objects the caller sees; none for those of all teams. For SQL:
    /// `($1::uuid[] IS NULL OR team_id = ANY($1))`.
    pub fn sees(&self) -> Option<Vec<Uuid>> {
        (self.role < Role::Admin).then(|| self.teams.iter().map(|team| team.0).collect())
    }

    /// Whether the credential still opens what it opened when the caller came. For what is held open for long: it
    /// ends when a key is revoked, a user is disabled or leaves a team.
    pub async fn is_still_valid(&self, app: &App) -> bool {
        match app.callers.user(app, self.credential).await {
            Ok(known) => {
                let now = &known.caller;
                known.is_current() && (now.role, &now.teams) == (self.role, &self.teams)
            }
            // A database that is away takes nothing from anyone.
            Err(error) => error.status != StatusCode::UNAUTHORIZED,
        }
    }

    /// Whether the credential has a scope, itself or within another, and so may give it to a key.
    pub fn may_grant(&self, scope: Scope) -> bool {
        let has = |wanted| self.scopes.contains(&wanted);
        match scope {
            Scope::Account => has(Scope::Account),
            Scope::Admin => has(Scope::Admin),
            Scope::Write => has(Scope::Write) || has(Scope::Admin),
            Scope::Read => has(Scope::Read) || has(Scope::Write) || has(Scope::Admin),
        }
    }

    fn refuse_old_password(&self) -> ApiResult<()> {
        if !self.must_change_password {
            return Ok(());
        }
        let detail = "the password must be changed first: `POST /api/v1/auth/password`";
        Err(ApiError::new(StatusCode::FORBIDDEN, ErrorCode::PasswordChangeRequired, detail))
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

/// A user whose credential may change the user's own account. Of a key, one with the scope `account`.
#[derive(Clone, Debug)]
pub struct Account(pub Caller);

/// Any user, also one who must change the password before anything else.
#[derive(Clone, Debug)]
pub struct AnyUser(pub Caller);

/// Like `Account`, and also one who must change the password: does just that.
#[derive(Clone, Debug)]
pub struct PasswordChanger(pub Caller);

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

pub fn refused() -> ApiError {
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

/// The user behind a request, whatever the credential may be used for.
async fn user(parts: &Parts, app: &App) -> ApiResult<Caller> {
    let token = bearer(parts)?;
    let known = if keys::looks_like_ours(token) {
        let parsed = keys::parse(token).ok_or_else(refused)?;
        if parsed.kind != Kind::ApiKey {
            return Err(ApiError::forbidden("this credential is not for users' routes"));
        }
        let known = app.callers.user(app, Credential::ApiKey(parsed.id)).await?;
        if !app.keys.matches(&parsed, &known.secret_hmac) || !known.is_current() {
            return Err(refused());
        }
        known.note_use(app).await?;
        known
    } else {
        let (user_id, login_epoch) = app.keys.read_access_token(token).ok_or_else(refused)?;
        app.callers.user(app, Credential::Login { user_id, login_epoch }).await?
    };
    let caller = known.caller.clone();
    tracing::Span::current().record("user", &caller.username);
    if !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        app.limits.write(caller.user_id)?;
    }
    Ok(caller)
}

pub fn role(text: &str) -> ApiResult<Role> {
    text.parse().map_err(|_| {
        tracing::error!(role = text, "the database holds an unknown role");
        ApiError::internal()
    })
}

impl FromRequestParts<Arc<App>> for AnyUser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        Ok(Self(user(parts, app).await?))
    }
}

impl FromRequestParts<Arc<App>> for Account {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        let PasswordChanger(caller) = PasswordChanger::from_request_parts(parts, app).await?;
        caller.refuse_old_password()?;
        Ok(Self(caller))
    }
}

impl FromRequestParts<Arc<App>> for PasswordChanger {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        let caller = user(parts, app).await?;
        if !caller.scopes.contains(&Scope::Account) {
            return Err(lacks(Scope::Account));
        }
        Ok(Self(caller))
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        let caller = user(parts, app).await?;
        caller.refuse_old_password()?;
        if caller.scopes == [Scope::Account] {
            return Err(lacks(Scope::Read));
        }
        Ok(caller)
    }
}

impl FromRequestParts<Arc<App>> for Member {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        let caller = Caller::from_request_parts(parts, app).await?;
        if caller.role >= Role::Member {
            return Ok(Self(caller));
        }
        Err(match caller.own_role {
            Role::Viewer => ApiError::forbidden("a viewer may look, and change nothing"),
            Role::Member | Role::Admin => lacks(Scope::Write),
        })
    }
}

impl FromRequestParts<Arc<App>> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        let caller = Caller::from_request_parts(parts, app).await?;
        if caller.role >= Role::Admin {
            return Ok(Self(caller));
        }
        Err(match caller.own_role {
            Role::Viewer | Role::Member => ApiError::forbidden("only an administrator may do this"),
            Role::Admin => lacks(Scope::Admin),
        })
    }
}

fn lacks(scope: Scope) -> ApiError {
    ApiError::forbidden(format!("this API key has not the scope `{scope}`"))
}

impl FromRequestParts<Arc<App>> for NodeCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        let parsed = text_credential(app, parts, Kind::Node)?;
        let known = app.callers.node(app, parsed.id).await?;
        if !app.keys.matches(&parsed, &known.credential_hmac) {
            return Err(refused());
        }
        Ok(known.node.clone())
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
