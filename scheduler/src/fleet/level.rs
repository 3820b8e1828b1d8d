//! Levels: nodes of one kind with the same left on them are one, and are looked at once.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHasher};
use smallvec::SmallVec;

use crate::class::{Need, WHOLE_MILLI};
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
    pub(crate) gpus: SmallVec<[u16; 8]>,
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

/// What is free of the GPUs of a level: what does not fit by this fits by none of them. The tightest come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Gauge {
    /// Of all together.
    pub(crate) milli: u64,
    /// So many are wholly free.
    whole: u32,
    /// Of the freest one.
    most_milli: u16,
}

impl Gauge {
    fn of(gpus: &[u16]) -> Self {
        Self {
            milli: gpus.iter().map(|free| u64::from(*free)).sum(),
            whole: gpus.iter().filter(|free| **free >= WHOLE_MILLI).count() as u32,
            most_milli: gpus.iter().copied().max().unwrap_or_default(),
        }
    }

    /// The least with which so much could fit.
    pub(crate) fn least(need: &Need) -> Self {
        Self { milli: need.total_gpu_milli(), ..Self::default() }
    }

    pub(crate) fn may_hold(&self, need: &Need) -> bool {
        need.gpus == 0
            || self.most_milli >= need.gpu_milli && (need.gpu_milli < WHOLE_MILLI || self.whole >= need.gpus)
    }
}

pub(crate) struct Level {
    pub(crate) left: Left,
    pub(crate) gauge: Gauge,
    /// The nodes that take jobs, by rank.
    pub(crate) ranks: Ranks,
    /// Another level whose hash is the same.
    next: Option<LevelId>,
}

/// All levels that were met; those without nodes are kept a while, as nodes come back to them.
#[derive(Default)]
pub(crate) struct Levels {
    list: Vec<Level>,
    by_hash: FxHashMap<u64, LevelId>,
}

impl Levels {
    pub(crate) fn intern(&mut self, left: Left) -> LevelId {
        let mut hasher = FxHasher::default();
        left.hash(&mut hasher);
        let hash = hasher.finish();
        let first = self.by_hash.get(&hash).copied();
        let mut known = first;
        while let Some(id) = known {
            let level = &self.list[id as usize];
            if level.left == left {
                return id;
            }
            known = level.next;
        }
        let id = self.list.len() as LevelId;
        let gauge = Gauge::of(&left.gpus);
        self.list.push(Level { left, gauge, ranks: Ranks::default(), next: first });
        self.by_hash.insert(hash, id);
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
        self.by_hash.clear();
    }
}

/// So many ranks are kept in a row.
const FEW: usize = 64;

/// The nodes of a level by rank: mostly one, of an empty fleet thousands.
pub(crate) enum Ranks {
    Few(SmallVec<[u32; 4]>),
    Many(BTreeSet<u32>),
}

impl Default for Ranks {
    fn default() -> Self {
        Self::Few(SmallVec::new())
    }
}

impl Ranks {
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Few(few) => few.is_empty(),
            Self::Many(many) => many.is_empty(),
        }
    }

    pub(crate) fn first(&self) -> Option<u32> {
        match self {
            Self::Few(few) => few.first().copied(),
            Self::Many(many) => many.first().copied(),
        }
    }

    pub(crate) fn contains(&self, rank: u32) -> bool {
        match self {
            Self::Few(few) => few.binary_search(&rank).is_ok(),
            Self::Many(many) => many.contains(&rank),
        }
    }

    /// In ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        let (few, many) = match self {
            Self::Few(few) => (Some(few), None),
            Self::Many(many) => (None, Some(many)),
        };
        few.into_iter().flatten().chain(many.into_iter().flatten()).copied()
    }

    pub(crate) fn insert(&mut self, rank: u32) {
        match self {
            Self::Few(few) => {
                if let Err(position) = few.binary_search(&rank) {
                    few.insert(position, rank);
                }
                if few.len() > FEW {
                    *self = Self::Many(few.iter().copied().collect());
                }
            }
            Self::Many(many) => {
                many.insert(rank);
            }
        }
    }

    /// Whether it was there.
    pub(crate) fn remove(&mut self, rank: u32) -> bool {
        match self {
            Self::Few(few) => {
                let position = few.binary_search(&rank);
                position.map(|position| few.remove(position)).is_ok()
            }
            Self::Many(many) => many.remove(&rank),
        }
    }
}
