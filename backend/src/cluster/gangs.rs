//! What nodes say of their part of a job on several nodes, and of the ports that they took: who is ready, and where
//! the ranks meet.

use std::net::IpAddr;

use lilac_api::agent::{SyncRequest, TakenPorts};
use lilac_api::problem::FieldError;
use lilac_api::validate::in_bounds;
use lilac_api::{JobId, NodeId};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::auth::caller::NodeCaller;
use crate::bell::Topic;

/// The most ports of one task: those of the spec.
const MAX_PORTS: u64 = 16;

/// Bounds what a node says of addresses and ports.
pub fn check(request: &SyncRequest, errors: &mut Vec<FieldError>) {
    if let Some(address) = &request.address
        && !is_address(address)
    {
        let message = "must be an IP address or the name of a host";
        errors.push(FieldError::new("address", "invalid-address", message));
    }
    for (index, report) in request.attempts.iter().enumerate() {
        let Some(ports) = &report.ports else { continue };
        let path = format!("attempts[{index}].ports");
        in_bounds(&format!("{path}.published"), ports.published.len() as u64, 0, MAX_PORTS, errors);
        if ports.published.iter().chain(&ports.rendezvous).any(|port| *port == 0) {
            errors.push(FieldError::new(path, "out-of-bounds", "a port is 1 to 65535"));
        }
    }
}

/// It stands in a hosts file and in the environment of containers: nothing in it may be read as something else.
fn is_address(text: &str) -> bool {
    let is_name = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
    };
    text.parse::<IpAddr>().is_ok() || text.len() <= 253 && text.split('.').all(is_name)
}

/// Stores what is new, and tells whose bells are to ring: nodes whose ranks wait for it, and who looks at the job.
pub async fn note(
    conn: &mut PgConnection,
    node: &NodeCaller,
    request: &SyncRequest,
) -> Result<Vec<Topic>, sqlx::Error> {
    let told = request.attempts.iter().filter(|report| report.ports.is_some() || report.is_ready);
    let told: Vec<_> = told.collect();
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let touched: Vec<(Uuid, Uuid)> = sqlx::query_as(
        "WITH told AS (
            SELECT * FROM unnest($2::uuid[], $3::int[], $4::jsonb[], $5::int[], $6::bool[])
                AS w(attempt_id, epoch, ports, rendezvous, ready)
        ), task AS (
            UPDATE tasks t SET ports = COALESCE(t.ports, told.ports),
                ready_at = CASE WHEN told.ready THEN COALESCE(t.ready_at, clock_timestamp()) ELSE t.ready_at END
            FROM told JOIN attempts a ON a.id = told.attempt_id AND a.epoch = told.epoch
            WHERE t.attempt_id = told.attempt_id AND t.node_id = $1 AND t.released_at IS NULL
              AND (t.ports IS NULL AND told.ports IS NOT NULL OR t.ready_at IS NULL AND told.ready)
            RETURNING t.attempt_id, t.rank, a.job_id, told.rendezvous
        ), attempt AS (
            UPDATE attempts a SET rendezvous_port = COALESCE(a.rendezvous_port, task.rendezvous)
            FROM task WHERE a.id = task.attempt_id AND task.rank = 0 AND a.ranks > 1
        )
        SELECT task.job_id, o.node_id FROM task JOIN tasks o ON o.attempt_id = task.attempt_id",
    )
    .bind(node.node_id.0)
    .bind(told.iter().map(|report| report.attempt_id.0).collect::<Vec<_>>())
    .bind(told.iter().map(|report| i32::try_from(report.epoch).unwrap_or(i32::MAX)).collect::<Vec<_>>())
    .bind(told.iter().map(|report| report.ports.as_ref().map(Json)).collect::<Vec<Option<Json<&TakenPorts>>>>())
    .bind(told.iter().map(|report| Some(i32::from(report.ports.as_ref()?.rendezvous?))).collect::<Vec<_>>())
    .bind(told.iter().map(|report| report.is_ready).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    let topics =
        touched.into_iter().flat_map(|(job, node)| [Topic::Job(JobId(job)), Topic::Node(NodeId(node))]);
    Ok(topics.collect())
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn an_address_is_an_ip_or_the_name_of_a_host() {
        for text in ["10.0.0.7", "fe80::1", "n1", "n1.cluster.local", "127.0.0.1"] {
            assert!(is_address(text), "{text}");
        }
        for text in ["", "a b", "a\nb", "-x", "a..b", "10.0.0.7:80", "a=b", &"x".repeat(64)] {
            assert!(!is_address(text), "{text}");
        }
    }
}
