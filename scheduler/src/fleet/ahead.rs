//! What will be free on a node once some of its jobs have ended.

use crate::class::{ClassId, Classes, Need};
use crate::fleet::{Fleet, Host, HostId};

/// What is free of a node; less than nothing where more is taken than there is.
#[derive(Clone, Debug)]
pub(crate) struct Ahead {
    cpu_milli: i64,
    memory_bytes: i128,
    disk_bytes: i128,
    /// Thousandths of each GPU, by slot.
    gpus: Vec<i32>,
}

impl Ahead {
    /// A job that holds this ends.
    pub(crate) fn give(&mut self, need: &Need, slots: &[u16]) {
        self.add(need, slots, 1);
    }

    /// A job that needs this starts.
    pub(crate) fn take(&mut self, need: &Need, slots: &[u16]) {
        self.add(need, slots, -1);
    }

    fn add(&mut self, need: &Need, slots: &[u16], sign: i8) {
        self.cpu_milli += i64::from(sign) * i64::from(need.cpu_milli);
        self.memory_bytes += i128::from(sign) * i128::from(need.memory_bytes);
        self.disk_bytes += i128::from(sign) * i128::from(need.disk_bytes);
        for slot in slots {
            // A node that came back with other GPUs no longer has this one.
            if let Some(free) = self.gpus.get_mut(usize::from(*slot)) {
                *free += i32::from(sign) * i32::from(need.gpu_milli);
            }
        }
    }
}

impl Fleet {
    /// What is free now.
    pub(crate) fn ahead(&self, id: HostId) -> Ahead {
        let host = self.host(id);
        let gpus = host.offered.iter().zip(&host.taken);
        Ahead {
            cpu_milli: i64::from(host.capacity.cpu_milli) - i64::from(host.allocated.cpu_milli),
            memory_bytes: i128::from(host.capacity.memory_bytes) - i128::from(host.allocated.memory_bytes),
            disk_bytes: i128::from(host.capacity.disk_bytes) - i128::from(host.allocated.disk_bytes),
            gpus: gpus.map(|(offered, taken)| i32::from(*offered) - i32::from(*taken)).collect(),
        }
    }

    /// Whether a rank of a class would have room then.
    pub(crate) fn suffices(&self, id: HostId, ahead: &Ahead, class: ClassId, classes: &Classes) -> bool {
        self.lacks(id, ahead, class, classes).into_iter().all(|(free, asked)| free >= asked)
    }

    /// How much of what a rank of a class needs would be missing then, in thousandths of each thing, added up.
    pub(crate) fn lack(&self, id: HostId, ahead: &Ahead, class: ClassId, classes: &Classes) -> i64 {
        let lacks = self.lacks(id, ahead, class, classes).into_iter();
        let missing = lacks.filter(|(free, asked)| free < asked);
        let part = |(free, asked): (i128, i128)| (asked - free.max(0)) * 1000 / asked.max(1);
        missing.map(|lack| i64::try_from(part(lack)).unwrap_or(i64::MAX >> 8)).sum()
    }

    /// Whether a rank of a class could use as much of the node after a change as before it.
    pub(crate) fn lacks_no_more(
        &self,
        id: HostId,
        before: &Ahead,
        after: &Ahead,
        class: ClassId,
        classes: &Classes,
    ) -> bool {
        let before = self.lacks(id, before, class, classes).into_iter();
        let after = self.lacks(id, after, class, classes);
        before.zip(after).all(|((before, asked), (after, _))| after >= before.min(asked))
    }

    /// What is free of each thing, and how much of it a rank asks for. What it asks nothing of has no say: there may
    /// be less than nothing of it.
    fn lacks(&self, id: HostId, ahead: &Ahead, class: ClassId, classes: &Classes) -> [(i128, i128); 4] {
        let need = &classes.get(class).need;
        let host = self.host(id);
        let kind = &self.kinds[host.kind as usize];
        let accepted = self.accepted(class, host).unwrap_or_default();
        let usable = |(slot, free): (usize, &i32)| {
            *free >= i32::from(need.gpu_milli) && kind.is_accepted(slot, accepted)
        };
        let gpus =
            if need.gpus == 0 { 0 } else { ahead.gpus.iter().enumerate().filter(|gpu| usable(*gpu)).count() };
        [
            (ahead.cpu_milli.into(), need.cpu_milli.into()),
            (ahead.memory_bytes, need.memory_bytes.into()),
            (ahead.disk_bytes, need.disk_bytes.into()),
            (gpus as i128, need.gpus.into()),
        ]
        .map(|(free, asked): (i128, i128)| if asked == 0 { (0, 0) } else { (free, asked) })
    }

    fn accepted(&self, class: ClassId, host: &Host) -> Option<super::kind::GroupMask> {
        self.terms.get(class as usize)?.accepted.get(host.kind as usize).copied().flatten()
    }

    /// The nodes of a cluster that could take a rank of a class, were nothing else on them; with the order in which ties
    /// between them are broken.
    pub(crate) fn large_enough(&self, site: u32, class: ClassId, classes: &Classes) -> Vec<(u32, HostId)> {
        let class_of = classes.get(class);
        let is_so = |(id, host): (HostId, &Host)| {
            let kind = &self.kinds[host.kind as usize];
            let label = class_of.same.as_ref();
            let is_meant = host.is_ready
                && kind.total.site == site
                && self.accepted(class, host).is_some()
                && label.is_none_or(|label| host.labels.contains_key(label))
                && host.is_allowed(class_of);
            let empty = || Ahead {
                cpu_milli: host.capacity.cpu_milli.into(),
                memory_bytes: host.capacity.memory_bytes.into(),
                disk_bytes: host.capacity.disk_bytes.into(),
                gpus: host.offered.iter().map(|_| 1000).collect(),
            };
            is_meant && self.suffices(id, &empty(), class, classes)
        };
        let hosts = (0..).zip(&self.hosts).filter_map(|(id, host)| Some((id, host.as_ref()?)));
        hosts.filter(|entry| is_so(*entry)).map(|(id, host)| (host.rank, id)).collect()
    }

    /// A node is kept, and no longer found for anybody; or it is found again.
    pub(crate) fn set_aside(&mut self, id: HostId, is_aside: bool) {
        self.change(id, |host| host.is_aside = is_aside);
    }

    pub(crate) fn is_aside(&self, id: HostId) -> bool {
        self.hosts.get(id as usize).and_then(Option::as_ref).is_some_and(|host| host.is_aside)
    }

    pub(crate) fn label(&self, id: HostId, label: &str) -> Option<&String> {
        self.hosts.get(id as usize)?.as_ref()?.labels.get(label)
    }

    pub(crate) fn count_hosts(&self) -> usize {
        self.hosts.len()
    }

    /// The clusters of a class, the preferred one first.
    pub(crate) fn sites_of(&self, class: ClassId) -> &[u32] {
        self.terms.get(class as usize).map_or(&[], |terms| &terms.sites)
    }

    pub(crate) fn count_sites(&self) -> usize {
        self.sites.len()
    }
}
