//! What a server tells its users about itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::quantity::{Bytes, Span};

/// Facts about the server that users may know.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ServerFacts {
    /// Version of the server.
    pub version: String,
    /// Where users reach it, where that is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Whether anyone may make an account.
    pub sign_up: bool,
    /// What the provider of single sign-on is called, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sso: Option<String>,
    /// How long jobs are kept after their end; absent for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jobs_kept: Option<Span>,
    /// How long logs are kept after their attempt ended.
    pub logs_kept: Span,
    /// How long outputs are kept whose job does not say.
    pub outputs_kept: Span,
    /// The most that one output may hold, as an archive.
    pub output_max: Bytes,
}
