//! What a node would have room for if some of its jobs were gone.

use crate::class::{ClassId, Classes, Need};
use crate::fleet::{Fleet, HostId};

impl Fleet {
    /// Whether jobs of this class may run on this node, whatever is free there.
    pub(crate) fn could_go_to(&self, id: HostId, class: ClassId, classes: &Classes) -> bool {
        let Some(Some(host)) = self.hosts.get(id as usize) else { return false };
        let accepted = self.terms.get(class as usize).and_then(|terms| terms.accepted[host.kind as usize]);
        host.is_ready && accepted.is_some() && host.is_allowed(classes.get(class))
    }

    pub(crate) fn is_there(&self, id: HostId) -> bool {
        self.hosts.get(id as usize).is_some_and(Option::is_some)
    }

    /// The order in which ties between nodes are broken.
    pub(crate) fn rank(&self, id: HostId) -> u32 {
        self.hosts.get(id as usize).and_then(Option::as_ref).map_or(u32::MAX, |host| host.rank)
    }

    /// The GPUs that a job would get if jobs with these slots and needs were gone; `None` where it would not fit even
    /// then. What is free already is taken first.
    pub(crate) fn slots_without(
        &self,
        id: HostId,
        class: ClassId,
        classes: &Classes,
        gone: impl Iterator<Item = (Vec<u16>, Need)>,
    ) -> Option<Vec<u16>> {
        let host = self.hosts.get(id as usize)?.as_ref()?;
        let (kind, need) = (&self.kinds[host.kind as usize], &classes.get(class).need);
        let accepted = self.terms.get(class as usize)?.accepted[host.kind as usize]?;
        let mut allocated = host.allocated;
        let mut taken: Vec<i32> = host.taken.iter().map(|taken| i32::from(*taken)).collect();
        for (slots, need) in gone {
            allocated.cpu_milli = allocated.cpu_milli.saturating_sub(need.cpu_milli);
            allocated.memory_bytes = allocated.memory_bytes.saturating_sub(need.memory_bytes);
            allocated.disk_bytes = allocated.disk_bytes.saturating_sub(need.disk_bytes);
            for slot in slots {
                if let Some(taken) = taken.get_mut(usize::from(slot)) {
                    *taken -= i32::from(need.gpu_milli);
                }
            }
        }
        let fits = host.capacity.cpu_milli.saturating_sub(allocated.cpu_milli) >= need.cpu_milli
            && host.capacity.memory_bytes.saturating_sub(allocated.memory_bytes) >= need.memory_bytes
            && host.capacity.disk_bytes.saturating_sub(allocated.disk_bytes) >= need.disk_bytes;
        let usable = |slot: &u16| {
            let position = usize::from(*slot);
            let free = i32::from(host.offered[position]) - taken[position];
            free >= i32::from(need.gpu_milli) && kind.is_accepted(position, accepted)
        };
        let mut slots: Vec<u16> = match need.gpus {
            0 => Vec::new(),
            _ => (0..host.offered.len() as u16).filter(usable).collect(),
        };
        slots.sort_by_key(|slot| host.gpus[usize::from(*slot)] < need.gpu_milli);
        slots.truncate(need.gpus as usize);
        (fits && slots.len() == need.gpus as usize).then_some(slots)
    }
}
