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

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct User {
    pub id: UserId,
    pub username: String,
    pub role: Role,
    pub disabled: bool,
    pub created_at: DateTime<Utc>,
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
}

impl CreateUser {
    /// A user of the default team.
    #[must_use]
    pub fn new(username: &str, password: Secret, role: Role) -> Self {
        Self { username: username.to_owned(), password, role, teams: default_teams() }
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
    /// 10 to 256 characters. Ends the user's logins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
}

/// A key with which programs act as a user. Its secret is shown once, when it is made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: String,
    pub created_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// To within a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApiKey {
    /// What it is for; 1 to 63 characters.
    pub name: String,
    /// How long it may be used; for ever by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<Span>,
}

/// An API key with its secret: the only time it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreatedApiKey {
    pub key: ApiKey,
    /// `lilac_pat_…`
    pub secret: Secret,
}
