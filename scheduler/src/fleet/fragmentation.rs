//! How much of a node's free GPUs the usual jobs cannot use.
//!
//! The idea is fragmentation gradient descent (Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads
//! with Fragmentation Gradient Descent", USENIX ATC 2023): a free GPU is worth what the workload can do with it, and a
//! job goes where it takes the least of that from others. The workload is the recent mix of classes. For each of them
//! two views of what it cannot use are added: what the next job of it cannot use, as in the paper, and what stays
//! over when the node is filled with nothing else, which sees CPUs and memory run out before the GPUs do.

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
    pub(crate) typical: Vec<Typical>,
}

pub(crate) struct Typical {
    need: Need,
    weight: u64,
    /// Which groups it accepts, by kind; `None` where it may not run.
    accepted: Vec<Option<GroupMask>>,
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
        let is_current = self.typical.first().is_some_and(|typical| typical.accepted.len() == kinds);
        let enough = if is_current { ANEW.0.max(self.total / ANEW.1) } else { 1 };
        if self.anew < enough && (is_current || self.typical.is_empty()) {
            return false;
        }
        self.anew = 0;
        let mut commonest: Vec<(ClassId, u64)> =
            self.seen.iter().map(|(class, count)| (*class, *count)).collect();
        commonest.sort_unstable_by_key(|(class, count)| (std::cmp::Reverse(*count), *class));
        commonest.truncate(TYPICAL);
        let typical = |(class, weight)| Typical {
            need: classes.get(class).need,
            weight,
            accepted: (0..kinds as KindId).map(|kind| accepted(class, kind)).collect(),
        };
        self.typical = commonest.into_iter().map(typical).collect();
        true
    }

    /// The expected unusable share of what is left, in thousandths of a GPU times the weight of the whole mix.
    pub(crate) fn unusable(&self, left: &Left, kind: &Kind) -> u64 {
        let free = left.gpu_milli();
        if free == 0 {
            return 0;
        }
        let unusable = |typical: &Typical| {
            let Some(accepted) = typical.accepted[left.kind as usize] else { return 2 * free };
            let need = &typical.need;
            let (for_next, copies) = usable(left, need, kind, accepted);
            2 * free - for_next - copies * need.total_gpu_milli()
        };
        self.typical.iter().map(|typical| typical.weight * unusable(typical)).sum()
    }
}

/// The free share of GPUs that the next job of this kind could choose from, and how many such jobs fit.
fn usable(left: &Left, need: &Need, kind: &Kind, accepted: GroupMask) -> (u64, u64) {
    let mut for_next = 0;
    let mut slots = 0;
    let mut shares = 0;
    for (slot, free) in left.gpus.iter().enumerate() {
        if *free >= need.gpu_milli && kind.is_accepted(slot, accepted) {
            for_next += u64::from(*free);
            slots += 1;
            shares += u64::from(*free / need.gpu_milli);
        }
    }
    let by_gpu = if need.gpus == 1 { shares } else { slots / u64::from(need.gpus) };
    let times = |free: u64, asked: u64| free.checked_div(asked).unwrap_or(u64::MAX);
    let copies = by_gpu
        .min(times(left.cpu_milli.into(), need.cpu_milli.into()))
        .min(times(left.memory_bytes, need.memory_bytes))
        .min(times(left.disk_bytes, need.disk_bytes));
    if copies == 0 { (0, 0) } else { (for_next, copies) }
}
