//! A machine joins a cluster: its join key becomes a credential that belongs to this one node.

use std::sync::Arc;

use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use lilac_api::NodeId;
use lilac_api::agent::{OLDEST_PROTOCOL, PROTOCOL_VERSION, RegisterRequest, RegisterResponse};
use lilac_api::problem::{ErrorCode, Problem};
use lilac_api::validate;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sqlx::{PgConnection, Row};

use crate::app::App;
use crate::auth::caller::Joiner;
use crate::auth::keys::Kind;
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::extract;

/// How long a node may join again with the key that it has used up.
const ANSWERED_AGAIN_FOR: &str = "10 minutes";

/// Refuses an agent that speaks a version of the protocol which this server does not, and says what to do. Nothing is
/// lost by it: the agent keeps its containers and goes on to ask, for as long as their leases last.
pub fn check_protocol(version: u32) -> ApiResult<()> {
    if (OLDEST_PROTOCOL..=PROTOCOL_VERSION).contains(&version) {
        return Ok(());
    }
    let what_to_do = if version > PROTOCOL_VERSION {
        "upgrade the server first, or install the lilac_agent of the server's release on the node"
    } else {
        "install the lilac_agent of the server's release on the node; its jobs run on meanwhile"
    };
    let spoken = if OLDEST_PROTOCOL == PROTOCOL_VERSION {
        PROTOCOL_VERSION.to_string()
    } else {
        format!("{OLDEST_PROTOCOL} to {PROTOCOL_VERSION}")
    };
    let detail = format!(
        "the agent speaks protocol {version}, this server (release {}) {spoken}: {what_to_do}",
        env!("CARGO_PKG_VERSION")
    );
    Err(ApiError::new(StatusCode::UPGRADE_REQUIRED, ErrorCode::UpgradeRequired, detail))
}

/// A message of an agent. One of another version may say what is unknown here: then its version is what is refused,
/// and not a field of it.
pub struct Spoken<T>(pub T);

#[derive(Deserialize)]
struct Version {
    protocol: u32,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Spoken<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = extract::json_body(request, state).await?;
        let read = extract::parse(&bytes).map_err(|error| {
            let version = extract::parse::<Version>(&bytes).map(|version| check_protocol(version.protocol));
            if let Ok(Err(refusal)) = version { refusal } else { error }
        });
        read.map(Self)
    }
}

/// Join a cluster
///
/// With a join key as the bearer token. A node that joins again from the same machine keeps its id and gets
/// a new credential; the old one is void. With a key for one node that node may join again for ten minutes: the answer
/// to its first try may have been lost.
#[utoipa::path(post, path = "/agent/register", tag = "agent", request_body = RegisterRequest, security(("join key" = [])),
    responses(
        (status = 201, description = "The node's id and credential, shown once", body = RegisterResponse),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "The join key is wrong, expired, used up or revoked", body = Problem),
        (status = 403, description = "Not a join key", body = Problem),
        (status = 409, description = "Another machine of the cluster has this name", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "Fields are refused", body = Problem),
        (status = 426, description = "The agent speaks another protocol", body = Problem),
    ))]
pub async fn register(
    State(app): State<Arc<App>>,
    joiner: Joiner,
    Spoken(request): Spoken<RegisterRequest>,
) -> ApiResult<(StatusCode, axum::Json<RegisterResponse>)> {
    check_protocol(request.protocol)?;
    let mut errors = Vec::new();
    validate::name("name", &request.name, 63, &mut errors);
    validate::name("machine_id", &request.machine_id, 128, &mut errors);
    validate::in_bounds("agent_version", request.agent_version.len() as u64, 1, 64, &mut errors);
    refuse_invalid(errors)?;

    let mut tx = app.pool.begin().await?;
    let existing = sqlx::query("SELECT id, machine_id FROM nodes WHERE cluster_id = $1 AND name = $2 AND removed_at IS NULL FOR UPDATE")
        .bind(joiner.cluster_id.0)
        .bind(&request.name)
        .fetch_optional(&mut *tx)
        .await?;
    let (known, of_another) = match existing {
        Some(row) if row.try_get::<&str, _>("machine_id")? == request.machine_id => {
            (Some(NodeId(row.try_get("id")?)), false)
        }
        other => (None, other.is_some()),
    };
    let node_id = known.unwrap_or_else(NodeId::new);
    // First of all: who has no good key learns nothing of names.
    use_key(&mut tx, &joiner, node_id).await?;
    if of_another {
        return Err(name_taken(&request.name));
    }
    let minted = app.keys.mint(Kind::Node, node_id.0);
    sqlx::query(
        "INSERT INTO nodes (id, cluster_id, name, machine_id, credential_hmac, agent_version) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET credential_hmac = $5, agent_version = $6",
    )
    .bind(node_id.0)
    .bind(joiner.cluster_id.0)
    .bind(&request.name)
    .bind(&request.machine_id)
    .bind(&minted.hmac)
    .bind(&request.agent_version)
    .execute(&mut *tx)
    .await
    .map_err(|error| match crate::error::broken_constraint(&error) {
        Some("nodes_name_key") => name_taken(&request.name),
        _ => error.into(),
    })?;
    tx.commit().await?;
    // Of a new node nothing is remembered: when thousands join, the others must not be looked up anew for each.
    if known.is_some() {
        app.callers.forget();
    }
    tracing::info!(%node_id, name = %request.name, "node joined");
    app.bell.ring(Topic::NodeView(node_id));
    let response = RegisterResponse { node_id, cluster_id: joiner.cluster_id, credential: minted.text };
    Ok((StatusCode::CREATED, axum::Json(response)))
}

/// Counts the use of a join key; a key for one node is used up by it. That node may use it once more for a while: the
/// answer with its credential may have been lost, and a machine in a rack has nobody to make it another key.
async fn use_key(conn: &mut PgConnection, joiner: &Joiner, node: NodeId) -> ApiResult<()> {
    let used = sqlx::query(
        "UPDATE join_keys SET uses = uses + (reusable OR uses = 0)::int, last_used_at = now(), used_by = $2
         WHERE id = $1 AND revoked_at IS NULL
           AND (reusable OR uses = 0 OR (used_by = $2 AND last_used_at > now() - $3::interval))",
    )
    .bind(joiner.key_id)
    .bind(node.0)
    .bind(ANSWERED_AGAIN_FOR)
    .execute(conn)
    .await?;
    if used.rows_affected() == 0 {
        return Err(ApiError::unauthenticated("the join key was for one node, and was used; make another"));
    }
    Ok(())
}

fn name_taken(name: &str) -> ApiError {
    let detail =
        format!("another machine of the cluster is named `{name}`; choose another name, or remove that node");
    ApiError::new(StatusCode::CONFLICT, ErrorCode::NameTaken, detail)
}
