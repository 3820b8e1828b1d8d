//! Nodes that are kept for a job which found no room, so that it is not passed by for ever.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{JobId, NodeId};
use crate::job::Amounts;

/// Nodes that are kept for one job: others get a place there only where that does not delay it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reservation {
    /// For whom. Absent where the caller does not see that job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<ReservedJob>,
    /// The nodes, by name: one for each part of a job on several nodes.
    pub nodes: Vec<ReservedNode>,
    /// What the job asks for on each of them.
    pub requests: Amounts,
    /// Since when they are kept for it, as far as the server that answers knows: the one that leads does, from the time
    /// on at which it began to lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// By when all of them have room for it, so that it starts, if nothing of a higher standing comes and no node fails.
    /// Absent where nobody knows: a job without a `max_runtime` is in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_by: Option<DateTime<Utc>>,
}

/// The job that nodes are kept for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReservedJob {
    pub job_id: JobId,
    pub name: String,
    /// Username of who submitted it.
    pub owner: String,
    /// Name of its queue.
    pub queue: String,
}

/// A node that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReservedNode {
    pub node_id: NodeId,
    pub name: String,
}
