//! Levels: nodes of one kind with the same left on them are one, and are looked at once.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::class::Need;
use crate::fleet::kind::{GroupMask, Kind, KindId};

pub(crate) type LevelId = u32;

/// What is left on a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Left {
    pub(crate) kind: KindId,
    pub(crate) cpu_milli: u32,
    pub(crate) memory_bytes: u64,
    pub(crate) disk_bytes: u64,
    /// Thousandths free of each GPU, the kind's groups one after the other, the freest of a group first: which of
    /// two equal GPUs is taken makes no difference here.
    pub(crate) gpus: Box<[u16]>,
}

impl Left {
    pub(crate) fn gpu_milli(&self) -> u64 {
        self.gpus.iter().map(|free| u64::from(*free)).sum()
    }

    /// Whether one more of these fits.
    pub(crate) fn fits(&self, need: &Need, kind: &Kind, accepted: GroupMask) -> bool {
        self.cpu_milli >= need.cpu_milli
            && self.memory_bytes >= need.memory_bytes
            && self.disk_bytes >= need.disk_bytes
            && (need.gpus == 0 || self.usable_gpus(need, kind, accepted) >= need.gpus)
    }

    fn usable_gpus(&self, need: &Need, kind: &Kind, accepted: GroupMask) -> u32 {
        let usable =
            |(slot, free): (usize, &u16)| *free >= need.gpu_milli && kind.is_accepted(slot, accepted);
        self.gpus.iter().enumerate().filter(|entry| usable(*entry)).count() as u32
    }

    /// What is left when these GPUs, by position, are taken.
    pub(crate) fn after(&self, need: &Need, kind: &Kind, slots: &[usize]) -> Self {
        let mut left = self.clone();
        left.cpu_milli -= need.cpu_milli;
        left.memory_bytes -= need.memory_bytes;
        left.disk_bytes -= need.disk_bytes;
        for slot in slots {
            left.gpus[*slot] -= need.gpu_milli;
        }
        if !slots.is_empty() {
            left.order(kind);
        }
        left
    }

    pub(crate) fn order(&mut self, kind: &Kind) {
        for group in &kind.groups {
            self.gpus[group.slots.clone()].sort_unstable_by(|one, other| other.cmp(one));
        }
    }
}

pub(crate) struct Level {
    pub(crate) left: Left,
    /// The nodes that take jobs, by rank.
    pub(crate) ranks: BTreeSet<u32>,
}

/// All levels that were met; those without nodes are kept a while, as nodes come back to them.
#[derive(Default)]
pub(crate) struct Levels {
    list: Vec<Level>,
    by_value: FxHashMap<Left, LevelId>,
}

impl Levels {
    pub(crate) fn intern(&mut self, left: Left) -> LevelId {
        if let Some(id) = self.by_value.get(&left) {
            return *id;
        }
        let id = self.list.len() as LevelId;
        self.list.push(Level { left: left.clone(), ranks: BTreeSet::new() });
        self.by_value.insert(left, id);
        id
    }

    pub(crate) fn get(&self, id: LevelId) -> &Level {
        &self.list[id as usize]
    }

    pub(crate) fn get_mut(&mut self, id: LevelId) -> &mut Level {
        &mut self.list[id as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.by_value.clear();
    }
}
