//! How much of a node's free GPUs the usual jobs cannot use.
//!
//! The idea is fragmentation gradient descent (Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads
//! with Fragmentation Gradient Descent", USENIX ATC 2023): a free GPU is worth what the workload can do with it, and a
//! job goes where it takes the least of that from others. The workload is the recent mix of classes. For each of them
//! two views of what it cannot use are added: what the next job of it cannot use, as in the paper, and what stays
//! over when the node is filled with nothing else, which sees CPUs and memory run out before the GPUs do.

use std::ops::Range;

use rustc_hash::FxHashMap;

use crate::class::{ClassId, Classes, Need};
use crate::fleet::kind::{GroupMask, Kind, KindId};
use crate::fleet::level::Left;

/// The commonest classes stand for all.
const TYPICAL: usize = 128;
/// Where what was seen is halved: the mix follows what people do by then.
const RECENT: u64 = 1 << 16;
/// How much has to be seen anew before the mix is made again: so many at least, and such a part of all.
const ANEW: (u64, u64) = (64, 32);

/// The recent mix of classes that ask for GPUs.
#[derive(Default)]
pub(crate) struct Mix {
    seen: FxHashMap<ClassId, u64>,
    total: u64,
    anew: u64,
    /// What all typical classes weigh together.
    weight: u64,
    /// By kind.
    views: Vec<View>,
}

/// The typical classes that nodes of a kind may take.
struct View {
    sorts: Vec<Sort>,
    asks: Vec<Ask>,
}

/// Those that ask for the same of its GPUs.
struct Sort {
    accepted: GroupMask,
    gpu_milli: u16,
    gpus: u32,
    asks: Range<usize>,
}

/// What one of them asks for beside.
struct Ask {
    cpu_milli: u64,
    memory_bytes: u64,
    disk_bytes: u64,
    weight: u64,
}

impl Mix {
    pub(crate) fn observe(&mut self, class: ClassId, times: u64) {
        *self.seen.entry(class).or_default() += times;
        self.total += times;
        self.anew += times;
        if self.total > RECENT {
            self.seen.retain(|_, count| {
                *count /= 2;
                *count > 0
            });
            self.total = self.seen.values().sum();
        }
    }

    /// Makes the mix anew where enough has changed, and tells whether it did.
    pub(crate) fn refresh(
        &mut self,
        classes: &Classes,
        kinds: usize,
        accepted: impl Fn(ClassId, KindId) -> Option<GroupMask>,
    ) -> bool {
        let is_current = self.weight > 0 && self.views.len() == kinds;
        let enough = if is_current { ANEW.0.max(self.total / ANEW.1) } else { 1 };
        if self.anew < enough && (is_current || self.weight == 0) {
            return false;
        }
        self.anew = 0;
        let mut commonest: Vec<(ClassId, u64)> =
            self.seen.iter().map(|(class, count)| (*class, *count)).collect();
        commonest.sort_unstable_by_key(|(class, count)| (std::cmp::Reverse(*count), *class));
        commonest.truncate(TYPICAL);
        self.weight = commonest.iter().map(|(_, count)| count).sum();
        let view = |kind| {
            let typical = commonest.iter().filter_map(|(class, weight)| {
                Some((classes.get(*class).need, accepted(*class, kind)?, *weight))
            });
            View::of(typical.collect())
        };
        self.views = (0..kinds as KindId).map(view).collect();
        true
    }

    /// The expected unusable share of what is left, in thousandths of a GPU times the weight of the whole mix.
    pub(crate) fn unusable(&self, left: &Left, kind: &Kind) -> u64 {
        let free = left.gpu_milli();
        match self.views.get(left.kind as usize) {
            Some(view) if free > 0 => 2 * free * self.weight - view.usable(left, kind),
            _ => 0,
        }
    }
}

impl View {
    fn of(mut typical: Vec<(Need, GroupMask, u64)>) -> Self {
        let sort = |(need, accepted, _): &(Need, GroupMask, u64)| (*accepted, need.gpu_milli, need.gpus);
        typical.sort_by_key(sort);
        let mut sorts = Vec::new();
        let mut asks: Vec<Ask> = Vec::new();
        for alike in typical.chunk_by(|one, other| sort(one) == sort(other)) {
            let (accepted, gpu_milli, gpus) = sort(&alike[0]);
            sorts.push(Sort { accepted, gpu_milli, gpus, asks: asks.len()..asks.len() + alike.len() });
            asks.extend(alike.iter().map(|(need, _, weight)| Ask {
                cpu_milli: need.cpu_milli.into(),
                memory_bytes: need.memory_bytes,
                disk_bytes: need.disk_bytes,
                weight: *weight,
            }));
        }
        Self { sorts, asks }
    }

    /// What the classes can use, by their weight: the free share of GPUs that the next job of each could choose from, and
    /// what as many as fit would take.
    fn usable(&self, left: &Left, kind: &Kind) -> u64 {
        let mut sum = 0;
        for Sort { accepted, gpu_milli, gpus, asks } in &self.sorts {
            let (for_next, by_gpu) = gpus_for(left, kind, *accepted, *gpu_milli, *gpus);
            if by_gpu == 0 {
                continue;
            }
            let each = u64::from(*gpus) * u64::from(*gpu_milli);
            for ask in &self.asks[asks.clone()] {
                let copies = at_most(by_gpu, left.cpu_milli.into(), ask.cpu_milli);
                let copies = at_most(copies, left.memory_bytes, ask.memory_bytes);
                let copies = at_most(copies, left.disk_bytes, ask.disk_bytes);
                if copies > 0 {
                    sum += ask.weight * (for_next + copies * each);
                }
            }
        }
        sum
    }
}

/// The free share of GPUs that the next job could choose from, and how many such jobs the GPUs suffice for.
fn gpus_for(left: &Left, kind: &Kind, accepted: GroupMask, gpu_milli: u16, gpus: u32) -> (u64, u64) {
    let mut for_next = 0;
    let mut slots = 0_u32;
    let mut shares = 0;
    for (slot, free) in left.gpus.iter().enumerate() {
        if *free >= gpu_milli && kind.is_accepted(slot, accepted) {
            for_next += u64::from(*free);
            slots += 1;
            shares += u32::from(*free / gpu_milli);
        }
    }
    (for_next, if gpus == 1 { shares.into() } else { (slots / gpus).into() })
}

/// So many copies, or as many as there is room for. Mostly all have room, and a product is found sooner than a quotient.
fn at_most(copies: u64, free: u64, asked: u64) -> u64 {
    if asked.saturating_mul(copies) <= free { copies } else { free / asked }
}
