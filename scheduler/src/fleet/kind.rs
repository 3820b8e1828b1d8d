//! Kinds of nodes: those that have the same in all, in the same cluster.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};

use crate::class::Need;
use crate::fleet::ladder::{Ladder, Rung};
use crate::fleet::level::{Gauge, LevelId};
use crate::snapshot::NodeGpu;

pub(crate) type KindId = u32;

/// Which groups of GPUs of a kind are accepted, a bit each. A node with more groups than bits keeps the rest unused.
pub(crate) type GroupMask = u64;

/// What nodes of a kind share.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Total {
    pub(crate) site: u32,
    pub(crate) cpu_milli: u32,
    pub(crate) memory_bytes: u64,
    pub(crate) disk_bytes: u64,
    /// Model, memory and number of GPUs, in the order of the lowest index of each.
    pub(crate) gpus: Vec<(String, u64, usize)>,
}

/// GPUs that are alike.
pub(crate) struct Group {
    pub(crate) gpu: NodeGpu,
    pub(crate) slots: Range<usize>,
}

pub(crate) struct Kind {
    pub(crate) total: Total,
    pub(crate) groups: Vec<Group>,
    /// Of all GPUs together.
    pub(crate) gpu_milli: u64,
    /// The group of each slot.
    group_of: Vec<u8>,
    /// The levels that have nodes: by free GPU, then CPU, then memory, so that the tightest that may fit come first
    /// and those without enough of one thing are stepped over together.
    index: BTreeMap<Gauge, Ladder>,
}

impl Kind {
    pub(crate) fn new(total: Total) -> Self {
        let mut groups = Vec::new();
        let mut group_of = Vec::new();
        for (model, memory_bytes, count) in &total.gpus {
            let gpu =
                NodeGpu { index: 0, model: model.clone(), memory_bytes: *memory_bytes, free_milli: 1000 };
            group_of.extend(std::iter::repeat_n(groups.len().min(63) as u8, *count));
            groups.push(Group { gpu, slots: group_of.len() - count..group_of.len() });
        }
        let gpu_milli = group_of.len() as u64 * 1000;
        Self { total, groups, gpu_milli, group_of, index: BTreeMap::new() }
    }

    pub(crate) fn slots(&self) -> usize {
        self.group_of.len()
    }

    pub(crate) fn is_accepted(&self, slot: usize, accepted: GroupMask) -> bool {
        accepted >> self.group_of[slot] & 1 == 1
    }

    pub(crate) fn group_of(&self, slot: usize) -> usize {
        self.group_of[slot].into()
    }

    pub(crate) fn insert(&mut self, gauge: Gauge, rung: Rung) {
        self.index.entry(gauge).or_default().insert(rung);
    }

    pub(crate) fn remove(&mut self, gauge: Gauge, rung: Rung) {
        if let Some(levels) = self.index.get_mut(&gauge) {
            levels.remove(rung);
            if levels.is_empty() {
                self.index.remove(&gauge);
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        self.index.clear();
    }

    /// Visits the levels that have enough GPU in all and enough CPU and memory, the tightest first, until told to stop.
    pub(crate) fn visit(&self, need: &Need, mut visit: impl FnMut(LevelId) -> ControlFlow<()>) {
        for (gauge, levels) in self.index.range(Gauge::least(need)..) {
            if gauge.may_hold(need) && levels.visit(need, &mut visit).is_break() {
                return;
            }
        }
    }
}
