//! Classes: jobs of equal shape are one, so that what was found out for one of them holds for all.

use lilac_api::job::Amounts;
use lilac_api::spec::Constraint;
use lilac_api::{ClusterId, NodeId};
use rustc_hash::FxHashMap;

use crate::gpu::GpuRequest;
use crate::ledger::Claim;
use crate::shape::Shape;
use crate::snapshot::{Job, NodeGpu, Queue};

/// A whole GPU, in thousandths.
pub(crate) const WHOLE_MILLI: u16 = 1000;

/// Position of a class; classes are never taken away.
pub(crate) type ClassId = u32;

/// What a class takes of a node, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Need {
    pub(crate) cpu_milli: u32,
    /// How many GPUs.
    pub(crate) gpus: u32,
    /// So much of each of them.
    pub(crate) gpu_milli: u16,
    pub(crate) memory_bytes: u64,
    pub(crate) disk_bytes: u64,
}

impl Need {
    /// Of all its GPUs together.
    pub(crate) fn total_gpu_milli(&self) -> u64 {
        u64::from(self.gpus) * u64::from(self.gpu_milli)
    }
}

/// A shape that owns what it is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Class {
    /// As the job says it, for one node.
    pub(crate) requests: Amounts,
    /// For all its nodes, which is what quotas count.
    pub(crate) total: Claim,
    /// Of one node.
    pub(crate) need: Need,
    models: Vec<String>,
    gpu_memory_bytes: u64,
    pub(crate) clusters: Vec<ClusterId>,
    pub(crate) constraints: Vec<Constraint>,
    pub(crate) avoid: Vec<NodeId>,
    /// How many ranks it has, each on a node of its own.
    pub(crate) nodes: u32,
    /// The label whose value they share; none where there is but one.
    pub(crate) same: Option<String>,
    /// Classes with other resources that would do, too.
    pub(crate) alternatives: Vec<ClassId>,
}

impl Class {
    pub(crate) fn of(job: &Job, queue: &Queue) -> Self {
        let shape = Shape::of(job, queue);
        let (count, milli) = shape.gpus.map_or((0, 0), |gpus| (gpus.count, gpus.milli));
        Self {
            requests: job.requests,
            total: Claim::of_all(&job.requests, u64::from(count) * u64::from(milli), job.nodes),
            need: Need {
                cpu_milli: shape.requests.cpu_milli,
                gpus: count,
                gpu_milli: milli,
                memory_bytes: shape.requests.memory_bytes,
                disk_bytes: shape.requests.disk_bytes,
            },
            models: shape.gpus.map_or(Vec::new(), |gpus| gpus.models.to_vec()),
            gpu_memory_bytes: shape.gpus.map_or(0, |gpus| gpus.memory_bytes),
            clusters: queue.clusters.clone(),
            constraints: job.constraints.clone(),
            avoid: job.avoid.clone(),
            nodes: shape.nodes,
            same: shape.same.map(str::to_owned),
            alternatives: Vec::new(),
        }
    }

    /// All that it can be placed as, the preferred first.
    pub(crate) fn options(&self, own: ClassId) -> impl Iterator<Item = ClassId> {
        std::iter::once(own).chain(self.alternatives.iter().copied())
    }

    /// As explanations look at it.
    pub(crate) fn shape(&self) -> Shape<'_> {
        let Need { gpus: count, gpu_milli: milli, .. } = self.need;
        let request = GpuRequest { count, milli, models: &self.models, memory_bytes: self.gpu_memory_bytes };
        Shape {
            requests: Amounts { gpus: count, ..self.requests },
            gpus: (count > 0).then_some(request),
            clusters: &self.clusters,
            constraints: &self.constraints,
            avoid: &self.avoid,
            nodes: self.nodes,
            same: self.same.as_deref(),
        }
    }

    /// Whether some nodes with room are not for it.
    pub(crate) fn is_picky(&self) -> bool {
        !self.avoid.is_empty() || !self.constraints.is_empty()
    }

    pub(crate) fn accepts(&self, gpu: &NodeGpu) -> bool {
        let (count, milli) = (self.need.gpus, self.need.gpu_milli);
        count > 0
            && GpuRequest { count, milli, models: &self.models, memory_bytes: self.gpu_memory_bytes }
                .accepts(gpu)
    }
}

#[derive(Default)]
pub(crate) struct Classes {
    list: Vec<Class>,
    by_value: FxHashMap<Class, ClassId>,
}

impl Classes {
    pub(crate) fn intern(&mut self, class: Class) -> ClassId {
        if let Some(id) = self.by_value.get(&class) {
            return *id;
        }
        let id = self.list.len() as ClassId;
        self.list.push(class.clone());
        self.by_value.insert(class, id);
        id
    }

    pub(crate) fn get(&self, id: ClassId) -> &Class {
        &self.list[id as usize]
    }

    pub(crate) fn list(&self) -> &[Class] {
        &self.list
    }
}
