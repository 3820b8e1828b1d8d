//! Accounts, logins and API keys.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::ids::{ApiKeyId, UserId};
use crate::quantity::Span;

/// Name of the team that exists from the start.
pub const DEFAULT_TEAM: &str = "default";

/// What a user may do.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Role {
    /// Sees, changes nothing.
    Viewer,
    /// Submits jobs and controls those of their own.
    Member,
    /// Does everything.
    Admin,
}

/// What an API key may be used for. Its user's role bounds it all the same.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Scope {
    /// See what a viewer sees.
    Read,
    /// Do what a member does; includes `read`.
    Write,
    /// Do what an administrator does; includes `write`.
    Admin,
    /// Change the user's own account: API keys, password, profile.
    Account,
}

/// An account.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct User {
    pub id: UserId,
    pub username: String,
    pub role: Role,
    pub disabled: bool,
    /// What the user wants to be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// As the user gave it; Lilac sends nothing there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Who the user is on the nodes, for queues whose containers run as their submitter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_user: Option<NodeUser>,
    /// Names of the teams that the user is in.
    #[serde(default)]
    pub teams: Vec<String>,
    /// Whether a login may do nothing but change the password, as somebody else knows it.
    #[serde(default)]
    pub must_change_password: bool,
    pub created_at: DateTime<Utc>,
}

/// A user of the nodes' operating system. Never root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeUser {
    /// 1 to 4294967294.
    pub uid: u32,
    /// 1 to 4294967294.
    pub gid: u32,
}

/// A value that is never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = "password")]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Name and password.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    pub username: String,
    pub password: Secret,
}

/// An access token. The refresh token comes as an `HttpOnly` cookie.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LoginResponse {
    /// For `Authorization: Bearer`.
    pub access_token: Secret,
    /// Seconds until it expires.
    pub expires_in_secs: u64,
    pub user: User,
}

/// What a new user is to be.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUser {
    /// 1 to 63 characters of letters, digits, `.`, `_`, `-`.
    pub username: String,
    /// 10 to 256 characters.
    pub password: Secret,
    pub role: Role,
    /// Names of the teams that the user is in; `default` alone by default.
    #[serde(default = "default_teams")]
    pub teams: Vec<String>,
    /// Whether the user must choose another password at the first login.
    #[serde(default)]
    pub must_change_password: bool,
}

impl CreateUser {
    /// A user of the default team.
    #[must_use]
    pub fn new(username: &str, password: Secret, role: Role) -> Self {
        Self {
            username: username.to_owned(),
            password,
            role,
            teams: default_teams(),
            must_change_password: false,
        }
    }
}

fn default_teams() -> Vec<String> {
    vec![DEFAULT_TEAM.to_owned()]
}

/// What to change; what is left out stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateUser {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// Who the user is on the nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_user: Option<NodeUser>,
    /// 10 to 256 characters. Ends the user's logins; at the next one the user must choose another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
}

/// A user who makes an account where the server allows it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    /// 1 to 63 characters of letters, digits, `.`, `_`, `-`.
    pub username: String,
    /// 10 to 256 characters.
    pub password: Secret,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    pub current_password: Secret,
    /// 10 to 256 characters, and another than the current one.
    pub new_password: Secret,
}

/// What users say about themselves. What is left out stays; an empty text takes it away.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateProfile {
    /// At most 128 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// At most 254 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// A password that was made up for a user.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ResetPassword {
    /// Good for one login, which must change it. Shown only now.
    pub password: Secret,
}

/// How one can log in here.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LoginMethods {
    /// Whether `POST /auth/sign-up` is open.
    pub sign_up: bool,
    /// The provider of single sign-on, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sso: Option<SsoMethod>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SsoMethod {
    /// What people call it.
    pub name: String,
    /// Where a browser goes to log in with it.
    pub url: String,
}

/// A key with which programs act as a user. Its secret is shown once, when it is made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: String,
    /// What its secret begins with, which is no secret: by this it is told where it is found.
    #[serde(default)]
    pub prefix: String,
    /// What it may be used for.
    #[serde(default)]
    pub scopes: Vec<Scope>,
    pub created_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// To within a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<DateTime<Utc>>,
}

/// What a new key is to be.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApiKey {
    /// What it is for; 1 to 63 characters.
    pub name: String,
    /// How long it may be used; for ever by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<Span>,
    /// What it may be used for; all that the caller's own credential may by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<Scope>>,
}

impl CreateApiKey {
    /// A key for all that its user may do, for ever.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), expires_in: None, scopes: None }
    }
}

/// An API key with its secret: the only time it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreatedApiKey {
    pub key: ApiKey,
    /// `lilac_pat_…`
    pub secret: Secret,
}
