//! What jobs ask for, kept once for all that ask for the same: a million waiting jobs are mostly few shapes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use lilac_api::job::Amounts;
use lilac_api::quantity::Span;
use lilac_api::spec::{Comparison, Constraint, Gpus, JobSpec, Resources, Runtime, Subject};
use lilac_api::{JobId, NodeId, QueueId, UserId};
use lilac_scheduler::Job;
use serde::Deserialize;

use super::load::WHOLE_GPU_MILLI;

/// What a job asks for of a node, and for how long it may be out of touch.
#[derive(Debug, PartialEq)]
pub struct Asked {
    pub requests: Amounts,
    pub gpus: Option<Gpus>,
    pub constraints: Vec<Constraint>,
    pub runtime: Runtime,
    /// Nodes that could not start it lately.
    pub avoid: Vec<NodeId>,
    pub max_disconnect: Option<Duration>,
    pub max_runtime: Option<Duration>,
    /// On so many nodes.
    pub nodes: u32,
    /// The label whose value all of these share.
    pub same: Option<String>,
}

/// The part of a job's spec that is read.
#[derive(Deserialize)]
struct Part {
    resources: Option<Resources>,
    max_disconnect: Option<Span>,
    max_runtime: Option<Span>,
    constraints: Option<Vec<Constraint>>,
    nodes: Option<u32>,
    same: Option<String>,
    runtime: Option<Runtime>,
    avoid: Option<Vec<NodeId>>,
}

impl Asked {
    pub fn of(spec: &JobSpec) -> Self {
        Self {
            requests: spec.requests(),
            gpus: spec.resources.gpus.clone(),
            constraints: spec.placement.constraints.clone(),
            runtime: spec.runtime,
            avoid: Vec::new(),
            max_disconnect: spec.max_disconnect.map(|span| span.0),
            max_runtime: spec.max_runtime.map(|span| span.0),
            nodes: spec.nodes,
            same: spec.placement.same.clone(),
        }
    }

    /// Thousandths of each of its GPUs.
    pub fn gpu_milli(&self) -> u16 {
        let share = self.gpus.as_ref().and_then(|gpus| gpus.share);
        share.map_or(WHOLE_GPU_MILLI, |share| u16::try_from(share.thousandths).unwrap_or(WHOLE_GPU_MILLI))
    }

    /// The job as the planner takes it.
    pub fn job(
        &self,
        id: JobId,
        queue: QueueId,
        user: UserId,
        priority: u8,
        submitted_ms: i64,
        not_before_ms: Option<i64>,
    ) -> Job {
        Job {
            priority,
            submitted_ms,
            not_before_ms,
            requests: self.requests,
            gpus: self.gpus.clone(),
            constraints: self.constraints.clone(),
            nodes: self.nodes,
            same: self.same.clone(),
            avoid: self.avoid.clone(),
            ..Job::new(id, queue, user)
        }
    }
}

/// That a node runs processes, or that it does not.
pub fn offers(runtime: Runtime) -> Constraint {
    let comparison = match runtime {
        Runtime::Process => Comparison::Is,
        Runtime::Docker => Comparison::IsNot,
    };
    let subject = Subject::Label(Runtime::LABEL.to_owned());
    Constraint { subject, comparison, values: vec![Runtime::Process.to_string()] }
}

/// What was read already, by its text and the memory that a job asks for in place of what the text says.
#[derive(Default)]
pub struct Interner {
    known: HashMap<(String, Option<i64>), Arc<Asked>>,
    /// When so many are known, those that no job asks for are dropped.
    bound: usize,
}

impl Interner {
    pub fn intern(&mut self, text: &str, memory_bytes: Option<i64>) -> Result<Arc<Asked>, sqlx::Error> {
        let key = (text.to_owned(), memory_bytes);
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        if self.known.len() >= self.bound {
            self.known.retain(|_, asked| Arc::strong_count(asked) > 1);
            self.bound = (2 * self.known.len()).max(10_000);
        }
        let asked = Arc::new(read(text, memory_bytes)?);
        self.known.insert(key, asked.clone());
        Ok(asked)
    }
}

fn read(text: &str, memory_bytes: Option<i64>) -> Result<Asked, sqlx::Error> {
    let part: Part = serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    let resources = part.resources.unwrap_or_default();
    let memory = memory_bytes.and_then(|bytes| u64::try_from(bytes).ok());
    Ok(Asked {
        requests: Amounts {
            cpu_milli: resources.cpus.milli,
            memory_bytes: memory.unwrap_or(resources.memory.0),
            disk_bytes: resources.disk.map_or(0, |disk| disk.0),
            gpus: resources.gpus.as_ref().map_or(0, |gpus| gpus.count),
        },
        gpus: resources.gpus,
        constraints: part.constraints.unwrap_or_default(),
        runtime: part.runtime.unwrap_or_default(),
        avoid: part.avoid.unwrap_or_default(),
        max_disconnect: part.max_disconnect.map(|span| span.0),
        max_runtime: part.max_runtime.map(|span| span.0),
        nodes: part.nodes.unwrap_or(1),
        same: part.same,
    })
}
