//! Nodes, as users see them and administrators rule them.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use lilac_api::agent::UNREACHABLE_AFTER_SECS;
use lilac_api::cluster::{Gpu, Node, NodeDrain, NodeState, NodeUsage};
use lilac_api::page::{MAX_LIMIT, Page};
use lilac_api::problem::Problem;
use lilac_api::{ClusterId, NodeId};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::nodes_store::{self, Claimed, NodeRow, Wanted};
use super::store::{amounts, count};
use crate::app::App;
use crate::audit;
use crate::auth::caller::{Admin, Caller};
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult};
use crate::extract::{Id, Query};
use crate::metrics;
use crate::page;
use crate::training_job::transitions;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_nodes)).routes(routes!(get_node, remove_node))
}

/// Which part of a list of nodes to read.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NodesQuery {
    /// How many nodes at most: 1 to 500, which is the default.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// All nodes, by name.
#[utoipa::path(
    get,
    path = "/nodes",
    tag = "nodes",
    security(("bearer" = [])),
    params(NodesQuery),
    responses(
        (status = 200, description = "A page of the nodes that are not removed", body = Page<Node>),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
    )
)]
async fn list_nodes(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<NodesQuery>,
) -> ApiResult<JsonBody<Page<Node>>> {
    let mut conn = app.pool.acquire().await?;
    page_of(&mut conn, &caller, None, &query).await.map(JsonBody)
}

/// One node.
#[utoipa::path(
    get,
    path = "/nodes/{id}",
    tag = "nodes",
    security(("bearer" = [])),
    params(("id" = NodeId, Path, description = "Id of the node.")),
    responses(
        (status = 200, description = "The node", body = Node),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such node, or it was removed", body = Problem),
    )
)]
async fn get_node(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<NodeId>,
) -> ApiResult<JsonBody<Node>> {
    let mut conn = app.pool.acquire().await?;
    one(&mut conn, &caller, id).await.map(JsonBody)
}

/// Attests that a node is dead, and removes it: its jobs are put back in their queues at once.
///
/// The caller answers for it that nothing runs there any more: the platform cannot know, and what still runs
/// would run twice. The node's credential is void, so it has to join anew.
#[utoipa::path(
    delete,
    path = "/nodes/{id}",
    tag = "nodes",
    security(("bearer" = [])),
    params(("id" = NodeId, Path, description = "Id of the node.")),
    responses(
        (status = 204, description = "The node is removed, its jobs are queued again"),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such node, or it was removed", body = Problem),
    )
)]
async fn remove_node(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Id(id): Id<NodeId>,
) -> ApiResult<StatusCode> {
    let mut tx = app.pool.begin().await?;
    let name = nodes_store::lock_node(&mut tx, id).await?.ok_or_else(|| ApiError::not_found("node"))?;
    let message = format!("node {name} was attested dead and removed by {}", caller.username);
    let topics = transitions::lose_node(&mut tx, id, &message, &caller.actor()).await?;
    nodes_store::mark_removed(&mut tx, id).await?;
    audit::record(&mut tx, &caller.actor(), "node.remove", &format!("node:{name}"), json!({ "id": id }))
        .await?;
    tx.commit().await?;
    app.callers.forget();
    tracing::warn!(node_id = %id, node = %name, user = %caller.username, "a node was attested dead and removed");
    app.bell.ring_all(topics);
    // The node's own connection ends as well: it is refused from now on.
    app.bell.ring_all([Topic::Schedule, Topic::Node(id), Topic::NodeView(id)]);
    Ok(StatusCode::NO_CONTENT)
}

/// The node as the caller sees it.
pub async fn one(conn: &mut PgConnection, caller: &Caller, id: NodeId) -> ApiResult<Node> {
    let wanted = Wanted { only: Some(id), ..Wanted::default() };
    let node = load(conn, caller, wanted).await?.pop().ok_or_else(|| ApiError::not_found("node"))?;
    // The name of an image may be another team's affair.
    Ok(Node { images: node.images.filter(|_| caller.sees().is_none()), ..node })
}

/// A page of the nodes, or of those of a cluster.
pub async fn page_of(
    conn: &mut PgConnection,
    caller: &Caller,
    cluster: Option<ClusterId>,
    query: &NodesQuery,
) -> ApiResult<Page<Node>> {
    let limit = page::limit(query.limit.or(Some(MAX_LIMIT)))?;
    let after = page::decode(query.cursor.as_deref())?;
    let wanted = Wanted { cluster, after, limit: Some(limit + 1), ..Wanted::default() };
    Ok(page::cut(load(conn, caller, wanted).await?, limit, |node| node.id.0))
}

/// All nodes of a cluster as the caller sees them.
pub async fn of_cluster(
    conn: &mut PgConnection,
    caller: &Caller,
    cluster: ClusterId,
) -> ApiResult<Vec<Node>> {
    load(conn, caller, Wanted { cluster: Some(cluster), ..Wanted::default() }).await
}

/// As much of a node's jobs as another team's member may know is how many there are and what they hold: GPUs name
/// only holders that the caller sees.
async fn load(conn: &mut PgConnection, caller: &Caller, wanted: Wanted) -> ApiResult<Vec<Node>> {
    let rows = nodes_store::nodes(conn, wanted).await?;
    let claims = nodes_store::gpu_claims(conn, wanted.only, caller.sees().as_deref()).await?;
    let usage = metrics::store::latest(conn, wanted.only).await?;
    Ok(rows.into_iter().map(|row| show(row, &claims, &usage)).collect())
}

fn show(row: NodeRow, claims: &HashMap<(Uuid, u16), Claimed>, usage: &HashMap<Uuid, NodeUsage>) -> Node {
    let (state, message) = state(&row, row.now);
    let gpu_count = i64::try_from(row.gpus.len()).unwrap_or(i64::MAX);
    let with_claims = |gpu: Gpu| {
        let claimed = claims.get(&(row.id, gpu.index));
        Gpu {
            held_milli: claimed.map(|claimed| claimed.milli),
            job: claimed.and_then(|claimed| claimed.job),
            ..gpu
        }
    };
    Node {
        id: NodeId(row.id),
        name: row.name,
        cluster: row.cluster,
        state,
        message,
        capacity: amounts(row.cpu_milli.into(), row.memory_bytes, row.disk_bytes, gpu_count),
        allocated: row.held.into(),
        gpus: row.gpus.0.into_iter().map(with_claims).collect(),
        usage: usage.get(&row.id).cloned(),
        drain: row.drain_deadline.map(|deadline| NodeDrain { deadline, drained_at: row.drained_at }),
        labels: row.labels.0.into_iter().chain(row.admin_labels.0.clone()).collect(),
        admin_labels: row.admin_labels.0,
        images: row.images.map(|images| images.0),
        running_jobs: count(row.attempts),
        agent_version: row.agent_version,
        engine: row.engine.parse().unwrap_or_default(),
        docker_version: row.docker_version,
        address: row.address,
        registered_at: row.registered_at,
        last_seen_at: row.last_seen_at,
    }
}

/// What a node is good for at `now`, and a sentence about it where there is something to say.
pub fn state(node: &NodeRow, now: DateTime<Utc>) -> (NodeState, String) {
    let Some(seen) = node.last_seen_at else {
        return (NodeState::Joining, "registered, and not heard from since".to_owned());
    };
    if now - seen > silence_allowed() {
        return (NodeState::Unreachable, silence(node, seen, now));
    }
    if !node.runtime_ok {
        let message = Some(node.runtime_message.clone()).filter(|message| !message.is_empty());
        return (NodeState::Unhealthy, message.unwrap_or_else(|| "its Docker does not answer".to_owned()));
    }
    if node.cordoned {
        return (NodeState::Cordoned, cordoned(node));
    }
    (NodeState::Ready, String::new())
}

/// What becomes of a cordoned node's jobs, and why it is cordoned.
fn cordoned(node: &NodeRow) -> String {
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let what = match (node.drain_deadline, node.drained_at) {
        (None, _) => "takes no new jobs until it is uncordoned".to_owned(),
        (Some(_), Some(at)) => format!("drained: runs nothing since {}", time(at)),
        (Some(deadline), None) => {
            format!("is drained: its jobs may end by themselves until {}", time(deadline))
        }
    };
    if node.cordon_reason.is_empty() { what } else { format!("{what}; {}", node.cordon_reason) }
}

fn silence_allowed() -> TimeDelta {
    TimeDelta::from_std(std::time::Duration::from_secs(UNREACHABLE_AFTER_SECS)).unwrap_or(TimeDelta::MAX)
}

/// Since when a node is silent, and until when its jobs wait for it.
fn silence(node: &NodeRow, seen: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let since = format!("silent since {}", time(seen));
    match node.leases_until {
        None => since,
        Some(until) if until > now => {
            format!("{since}; its jobs wait for it until {} at the latest, then count as lost", time(until))
        }
        Some(until) => format!("{since}; its jobs waited until {} and now count as lost", time(until)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    /// A node that was heard from at second 0 and is well.
    fn node(change: impl FnOnce(&mut NodeRow)) -> NodeRow {
        let mut node = NodeRow { last_seen_at: Some(at(0)), runtime_ok: true, ..NodeRow::default() };
        change(&mut node);
        node
    }

    #[test]
    fn a_node_heard_from_lately_is_ready() {
        assert_eq!(state(&node(|_| {}), at(30)), (NodeState::Ready, String::new()));
    }

    #[test]
    fn a_node_never_heard_from_is_joining() {
        assert_eq!(state(&node(|n| n.last_seen_at = None), at(0)).0, NodeState::Joining);
    }

    #[test]
    fn silence_says_since_when_and_until_when_jobs_wait() {
        let (word, message) = state(&node(|n| n.leases_until = Some(at(300))), at(31));
        assert_eq!(word, NodeState::Unreachable);
        assert_eq!(
            message,
            "silent since 2027-01-15T08:00:00Z; \
             its jobs wait for it until 2027-01-15T08:05:00Z at the latest, then count as lost"
        );
        let (_, message) = state(&node(|_| {}), at(31));
        assert_eq!(message, "silent since 2027-01-15T08:00:00Z");
        let (_, message) = state(&node(|n| n.leases_until = Some(at(300))), at(301));
        assert!(message.ends_with("waited until 2027-01-15T08:05:00Z and now count as lost"), "{message}");
    }

    #[test]
    fn the_worst_that_is_known_is_what_is_shown() {
        let all_bad = |n: &mut NodeRow| {
            n.runtime_ok = false;
            n.runtime_message = "permission denied on the socket".into();
            n.cordoned = true;
        };
        assert_eq!(state(&node(all_bad), at(31)).0, NodeState::Unreachable);
        let unhealthy = (NodeState::Unhealthy, "permission denied on the socket".to_owned());
        assert_eq!(state(&node(all_bad), at(1)), unhealthy);
        assert_eq!(state(&node(|n| n.cordoned = true), at(1)).0, NodeState::Cordoned);
    }
}
