//! What decides where a job fits. Jobs that are equal in this share one shape, and what was found out
//! for one of them holds for all: a thousand equal jobs on a full cluster cost one look at its nodes.

use lilac_api::job::Amounts;
use lilac_api::spec::Constraint;
use lilac_api::{ClusterId, NodeId};

use crate::gpu::GpuRequest;
use crate::snapshot::{Job, Queue};

/// A job without its identity. Lists are compared as they stand: the same ones in another order make
/// another shape, which costs a little time and changes no plan.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Shape<'a> {
    pub(crate) requests: Amounts,
    pub(crate) gpus: Option<GpuRequest<'a>>,
    /// The preferred one first.
    pub(crate) clusters: &'a [ClusterId],
    pub(crate) constraints: &'a [Constraint],
    pub(crate) avoid: &'a [NodeId],
    /// How many ranks it has, each on a node of its own.
    pub(crate) nodes: u32,
    /// The label whose value they share.
    pub(crate) same: Option<&'a str>,
}

impl<'a> Shape<'a> {
    pub(crate) fn of(job: &'a Job, queue: &'a Queue) -> Self {
        let gpus = GpuRequest::of(job);
        let requests = Amounts { gpus: gpus.map_or(0, |gpus| gpus.count), ..job.requests };
        let nodes = job.nodes.max(1);
        Self {
            requests,
            gpus,
            clusters: &queue.clusters,
            constraints: &job.constraints,
            avoid: &job.avoid,
            nodes,
            // One node is always like itself.
            same: job.same.as_deref().filter(|_| nodes > 1),
        }
    }
}
