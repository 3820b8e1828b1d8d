//! What jobs ask for, kept once for all that ask for the same: a million waiting jobs are mostly few shapes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use lilac_api::job::Amounts;
use lilac_api::quantity::Span;
use lilac_api::spec::{Comparison, Constraint, Gpus, JobSpec, Resources, Runtime, Stop, Subject};
use lilac_api::{JobId, NodeId, QueueId, UserId};
use lilac_scheduler::{Alternative, Job};
use serde::Deserialize;

use super::load::WHOLE_GPU_MILLI;
use crate::cluster::images::full_name;

/// What a job asks for of a node, and for how long it may be out of touch.
#[derive(Debug, PartialEq)]
pub struct Asked {
    pub requests: Amounts,
    pub gpus: Option<Gpus>,
    pub constraints: Vec<Constraint>,
    pub runtime: Runtime,
    /// Full name of its image; none for what is made of none.
    pub image: Option<String>,
    /// Nodes that could not start it lately.
    pub avoid: Vec<NodeId>,
    pub max_disconnect: Option<Duration>,
    pub max_runtime: Option<Duration>,
    /// On so many nodes.
    pub nodes: u32,
    /// The label whose value all of these share.
    pub same: Option<String>,
    /// How long it may take to end once it is told to.
    pub grace: Duration,
    /// Other resources that would do, each as what a job asks for that asks for nothing else.
    pub alternatives: Vec<Arc<Self>>,
}

/// The part of a job's spec that is read.
#[derive(Deserialize)]
struct Part {
    resources: Option<Resources>,
    alternatives: Option<Vec<Resources>>,
    stop: Option<Stop>,
    max_disconnect: Option<Span>,
    max_runtime: Option<Span>,
    constraints: Option<Vec<Constraint>>,
    nodes: Option<u32>,
    same: Option<String>,
    runtime: Option<Runtime>,
    image: Option<String>,
    avoid: Option<Vec<NodeId>>,
}

impl Asked {
    pub fn of(spec: &JobSpec) -> Self {
        let with = |resources: &Resources, alternatives| Self {
            requests: resources.amounts(),
            gpus: resources.gpus.clone(),
            constraints: spec.placement.constraints.clone(),
            runtime: spec.runtime,
            image: full_image(&spec.image),
            avoid: Vec::new(),
            max_disconnect: spec.max_disconnect.map(|span| span.0),
            max_runtime: spec.max_runtime.map(|span| span.0),
            nodes: spec.nodes,
            same: spec.placement.same.clone(),
            grace: spec.stop.grace.0,
            alternatives,
        };
        let other = |resources: &Resources| Arc::new(with(resources, Vec::new()));
        with(&spec.resources, spec.alternatives.iter().map(other).collect())
    }

    /// What it asks for once it was given an alternative: 0 is none of them.
    pub fn given(this: &Arc<Self>, alternative: usize) -> Arc<Self> {
        let other = alternative.checked_sub(1).and_then(|index| this.alternatives.get(index));
        other.unwrap_or(this).clone()
    }

    /// How long it is there at most from its start on.
    pub fn most(&self) -> Option<Duration> {
        self.max_runtime.map(|most| most.saturating_add(self.grace))
    }

    /// Thousandths of each of its GPUs.
    pub fn gpu_milli(&self) -> u16 {
        let share = self.gpus.as_ref().and_then(|gpus| gpus.share);
        share.map_or(WHOLE_GPU_MILLI, |share| u16::try_from(share.thousandths).unwrap_or(WHOLE_GPU_MILLI))
    }

    fn resources(&self) -> Alternative {
        Alternative { requests: self.requests, gpus: self.gpus.clone() }
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
            image: self.image.clone(),
            avoid: self.avoid.clone(),
            max_runtime_ms: self.most().map(|most| i64::try_from(most.as_millis()).unwrap_or(i64::MAX)),
            alternatives: self.alternatives.iter().map(|other| other.resources()).collect(),
            ..Job::new(id, queue, user)
        }
    }
}

fn full_image(image: &str) -> Option<String> {
    (!image.is_empty()).then(|| full_name(image))
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

/// What was read already, by its text, the memory that a job asks for in place of what the text says, and the
/// alternative that it was given.
#[derive(Default)]
pub struct Interner {
    known: HashMap<(String, Option<i64>, usize), Arc<Asked>>,
    /// When so many are known, those that no job asks for are dropped.
    bound: usize,
}

impl Interner {
    pub fn intern(
        &mut self,
        text: &str,
        memory_bytes: Option<i64>,
        alternative: usize,
    ) -> Result<Arc<Asked>, sqlx::Error> {
        let key = (text.to_owned(), memory_bytes, alternative);
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        if self.known.len() >= self.bound {
            self.known.retain(|_, asked| Arc::strong_count(asked) > 1);
            self.bound = (2 * self.known.len()).max(10_000);
        }
        let asked = Asked::given(&Arc::new(read(text, memory_bytes)?), alternative);
        self.known.insert(key, asked.clone());
        Ok(asked)
    }
}

fn read(text: &str, memory_bytes: Option<i64>) -> Result<Asked, sqlx::Error> {
    let part: Part = serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    let constraints = part.constraints.unwrap_or_default();
    // What ran out of memory asks for more than its text says, with whatever resources.
    let least = memory_bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default();
    let grace = part.stop.unwrap_or_default().grace.0;
    let with = |resources: Resources, alternatives| {
        let amounts = resources.amounts();
        Asked {
            requests: Amounts { memory_bytes: amounts.memory_bytes.max(least), ..amounts },
            gpus: resources.gpus,
            constraints: constraints.clone(),
            runtime: part.runtime.unwrap_or_default(),
            image: part.image.as_deref().and_then(full_image),
            avoid: part.avoid.clone().unwrap_or_default(),
            max_disconnect: part.max_disconnect.map(|span| span.0),
            max_runtime: part.max_runtime.map(|span| span.0),
            nodes: part.nodes.unwrap_or(1),
            same: part.same.clone(),
            grace,
            alternatives,
        }
    };
    let others = part.alternatives.unwrap_or_default().into_iter();
    let others = others.map(|resources| Arc::new(with(resources, Vec::new()))).collect();
    Ok(with(part.resources.unwrap_or_default(), others))
}
