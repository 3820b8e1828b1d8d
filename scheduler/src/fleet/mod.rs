//! The nodes with what is left on them, and the choice between them.
//!
//! Nodes of one [`kind`] with the same left are one [`level`], and the levels of a kind are indexed by what is free:
//! a choice looks at the levels that may fit, not at the nodes, and is the same whatever happened before.

mod ahead;
mod choice;
mod fragmentation;
mod gang;
mod images;
pub(crate) mod kind;
mod ladder;
pub(crate) mod level;
mod vacate;

use std::collections::BTreeMap;

use lilac_api::job::Amounts;
use lilac_api::{ClusterId, NodeId};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::class::{Class, ClassId, Classes, Need, WHOLE_MILLI};
use crate::fleet::choice::Memo;
use crate::fleet::fragmentation::Mix;
pub(crate) use crate::fleet::images::ImageId;
use crate::fleet::images::Images;
use crate::fleet::kind::{GroupMask, Kind, KindId, Total};
use crate::fleet::level::{Left, LevelId, Levels};
use crate::policy::Policy;
use crate::snapshot::{Availability, Node, satisfies};

/// Position of a node; that of one that went is used again.
pub(crate) type HostId = u32;

#[derive(Default)]
pub(crate) struct Fleet {
    sites: Vec<Site>,
    site_of: FxHashMap<ClusterId, u32>,
    kinds: Vec<Kind>,
    kind_of: FxHashMap<Total, KindId>,
    hosts: Vec<Option<Host>>,
    host_of: FxHashMap<NodeId, HostId>,
    /// By name, then id: the order in which ties are broken.
    by_rank: Vec<HostId>,
    is_ranked: bool,
    levels: Levels,
    terms: Vec<Terms>,
    mix: Mix,
    memo: Memo,
    found: Vec<LevelId>,
    images: Images,
}

/// A cluster.
#[derive(Default)]
struct Site {
    policy: Policy,
    kinds: Vec<KindId>,
}

/// Where a class may run.
#[derive(Default)]
struct Terms {
    /// The preferred one first.
    sites: Vec<u32>,
    /// The GPUs it may use, by kind; `None` where it may not run.
    accepted: Vec<Option<GroupMask>>,
}

struct Host {
    id: NodeId,
    name: String,
    labels: BTreeMap<String, String>,
    capacity: Amounts,
    /// The GPUs are counted by `gpus`.
    allocated: Amounts,
    is_ready: bool,
    /// It is kept for somebody, and found for nobody else.
    is_aside: bool,
    rank: u32,
    kind: KindId,
    /// Thousandths free of each GPU, by the kind's slots; and the index of each on the node.
    gpus: Box<[u16]>,
    indices: Box<[u16]>,
    /// What the node said is to be had of each GPU, and what jobs have taken of that since: less than nothing where
    /// more was given back.
    offered: Box<[u16]>,
    taken: Box<[i16]>,
    level: LevelId,
}

/// Where a job goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) host: HostId,
    /// Slots of the GPUs that it gets.
    pub(crate) slots: Vec<u16>,
}

/// What is free on a node, in sums: what fits may still not fit by the single GPU.
#[derive(Clone, Copy)]
pub(crate) struct Free {
    cpu_milli: u32,
    memory_bytes: u64,
    disk_bytes: u64,
    gpu_milli: u64,
}

impl Free {
    pub(crate) fn holds(&self, need: &Need) -> bool {
        self.cpu_milli >= need.cpu_milli
            && self.memory_bytes >= need.memory_bytes
            && self.disk_bytes >= need.disk_bytes
            && self.gpu_milli >= need.total_gpu_milli()
    }
}

impl Fleet {
    pub(crate) fn put_cluster(&mut self, cluster: ClusterId, policy: Policy) {
        let site = self.site(cluster);
        self.sites[site as usize].policy = policy;
    }

    fn site(&mut self, cluster: ClusterId) -> u32 {
        *self.site_of.entry(cluster).or_insert_with(|| {
            self.terms.clear();
            self.sites.push(Site::default());
            self.sites.len() as u32 - 1
        })
    }

    /// Takes a node in, or takes over what has changed about one.
    pub(crate) fn put(&mut self, node: &Node) -> HostId {
        let host = self.layout_of(node);
        match self.host_of.get(&node.id).copied() {
            Some(id) => self.replace(id, host),
            None => {
                let id = self.hosts.len() as HostId;
                self.host_of.insert(node.id, id);
                self.hosts.push(Some(host));
                self.is_ranked = false;
                id
            }
        }
    }

    /// Takes over what has changed about a node, and leaves to jobs what they have taken there. `false` where its
    /// GPUs are others: then nobody can say what is taken of them.
    pub(crate) fn renew(&mut self, node: &Node) -> bool {
        let mut host = self.layout_of(node);
        let Some(id) = self.host_of(node.id) else {
            self.put(node);
            return true;
        };
        let before = self.host(id);
        let (was, is) = (&self.kinds[before.kind as usize].total, &self.kinds[host.kind as usize].total);
        if before.indices != host.indices || was.gpus != is.gpus {
            return false;
        }
        host.allocated = before.allocated;
        host.taken = before.taken.clone();
        (0..host.gpus.len()).for_each(|slot| host.count_free(slot));
        self.replace(id, host);
        true
    }

    fn layout_of(&mut self, node: &Node) -> Host {
        let (total, slots) = layout(node, self.site(node.cluster));
        let kind = self.kind(total);
        let offered: Box<[u16]> =
            slots.iter().map(|(_, free_milli)| (*free_milli).min(WHOLE_MILLI)).collect();
        Host {
            id: node.id,
            name: node.name.clone(),
            labels: node.labels.clone(),
            capacity: node.capacity,
            allocated: node.allocated,
            is_ready: node.availability == Availability::Ready,
            is_aside: false,
            rank: 0,
            kind,
            gpus: offered.clone(),
            indices: slots.iter().map(|(index, _)| *index).collect(),
            taken: vec![0; offered.len()].into_boxed_slice(),
            offered,
            level: 0,
        }
    }

    fn replace(&mut self, id: HostId, host: Host) -> HostId {
        let is_aside = self.hosts[id as usize].as_ref().is_some_and(|before| before.is_aside);
        let host = Host { is_aside, ..host };
        if !self.is_ranked {
            self.hosts[id as usize] = Some(host);
            return id;
        }
        self.leave(id);
        if let Some(before) = self.hosts[id as usize].replace(host) {
            self.is_ranked = before.name == self.host(id).name;
            self.host_mut(id).rank = before.rank;
        }
        if self.is_ranked {
            self.enter(id);
        }
        id
    }

    pub(crate) fn remove(&mut self, node: NodeId) {
        let Some(id) = self.host_of.remove(&node) else { return };
        if self.is_ranked {
            self.leave(id);
        }
        self.forget_images(id);
        self.hosts[id as usize] = None;
        self.is_ranked = false;
    }

    pub(crate) fn host_of(&self, node: NodeId) -> Option<HostId> {
        self.host_of.get(&node).copied()
    }

    fn kind(&mut self, total: Total) -> KindId {
        if let Some(kind) = self.kind_of.get(&total) {
            return *kind;
        }
        let kind = self.kinds.len() as KindId;
        self.sites[total.site as usize].kinds.push(kind);
        self.kind_of.insert(total.clone(), kind);
        self.kinds.push(Kind::new(total));
        self.terms.clear();
        kind
    }

    /// Brings what is derived up to date; to be called before a choice.
    pub(crate) fn settle(&mut self, classes: &Classes) {
        if !self.is_ranked {
            self.put_in_order();
        } else if self.levels.len() > 4 * self.hosts.len() + 4096 {
            self.index();
        }
        for class in &classes.list()[self.terms.len()..] {
            let sites: Vec<u32> =
                class.clusters.iter().filter_map(|cluster| self.site_of.get(cluster).copied()).collect();
            let accepted = |kind: &Kind| {
                let groups = kind.groups.iter().take(64).enumerate();
                let mask = groups
                    .filter(|(_, group)| class.accepts(&group.gpu))
                    .fold(0, |mask, (bit, _)| mask | 1 << bit);
                sites.contains(&kind.total.site).then_some(mask)
            };
            let accepted = self.kinds.iter().map(accepted).collect();
            self.terms.push(Terms { sites, accepted });
        }
        let terms = &self.terms;
        if self
            .mix
            .refresh(classes, self.kinds.len(), |class, kind| terms[class as usize].accepted[kind as usize])
        {
            self.memo.clear();
        }
    }

    /// Ranks the nodes, which those that come and go ask for.
    fn put_in_order(&mut self) {
        let mut by_rank: Vec<HostId> =
            (0..self.hosts.len() as HostId).filter(|id| self.hosts[*id as usize].is_some()).collect();
        by_rank.sort_unstable_by_key(|id| (self.host(*id).name.as_str(), self.host(*id).id));
        for (rank, id) in (0..).zip(&by_rank) {
            self.host_mut(*id).rank = rank;
        }
        self.by_rank = by_rank;
        self.is_ranked = true;
        self.index();
    }

    /// Builds the index from nothing, and forgets the levels that no node is on.
    fn index(&mut self) {
        self.levels.clear();
        self.memo.clear();
        self.kinds.iter_mut().for_each(Kind::clear);
        for rank in 0..self.by_rank.len() {
            self.enter(self.by_rank[rank]);
        }
    }

    pub(crate) fn observe(&mut self, class: ClassId, times: u64) {
        self.mix.observe(class, times);
    }

    pub(crate) fn take(&mut self, spot: &Spot, need: &Need) {
        self.change(spot.host, |host| {
            host.allocated.cpu_milli = host.allocated.cpu_milli.saturating_add(need.cpu_milli);
            host.allocated.memory_bytes = host.allocated.memory_bytes.saturating_add(need.memory_bytes);
            host.allocated.disk_bytes = host.allocated.disk_bytes.saturating_add(need.disk_bytes);
            for slot in &spot.slots {
                let taken = &mut host.taken[usize::from(*slot)];
                *taken = taken.saturating_add_unsigned(need.gpu_milli);
                host.count_free(usize::from(*slot));
            }
        });
    }

    pub(crate) fn give(&mut self, spot: &Spot, need: &Need) {
        self.change(spot.host, |host| {
            host.allocated.cpu_milli = host.allocated.cpu_milli.saturating_sub(need.cpu_milli);
            host.allocated.memory_bytes = host.allocated.memory_bytes.saturating_sub(need.memory_bytes);
            host.allocated.disk_bytes = host.allocated.disk_bytes.saturating_sub(need.disk_bytes);
            for slot in &spot.slots {
                // A node that came back with other GPUs no longer has this one.
                if let Some(taken) = host.taken.get_mut(usize::from(*slot)) {
                    *taken = taken.saturating_sub_unsigned(need.gpu_milli);
                    host.count_free(usize::from(*slot));
                }
            }
        });
    }

    fn change(&mut self, id: HostId, change: impl FnOnce(&mut Host)) {
        if self.hosts[id as usize].is_none() {
            return;
        }
        if self.is_ranked {
            self.leave(id);
            change(self.host_mut(id));
            self.enter(id);
        } else {
            change(self.host_mut(id));
        }
    }

    fn enter(&mut self, id: HostId) {
        let host = self.host(id);
        let kind = host.kind;
        let (rank, is_found) = (host.rank, host.is_ready && !host.is_aside);
        let level = self.levels.intern(host.left(&self.kinds[kind as usize]));
        self.host_mut(id).level = level;
        if is_found {
            let level_of = self.levels.get_mut(level);
            if level_of.ranks.is_empty() {
                let left = &level_of.left;
                self.kinds[kind as usize].insert(level_of.gauge, (left.cpu_milli, left.memory_bytes, level));
            }
            level_of.ranks.insert(rank);
        }
    }

    fn leave(&mut self, id: HostId) {
        let host = self.host(id);
        let (kind, rank, level) = (host.kind, host.rank, host.level);
        let level_of = self.levels.get_mut(level);
        if level_of.ranks.remove(rank) && level_of.ranks.is_empty() {
            let left = &level_of.left;
            self.kinds[kind as usize].remove(level_of.gauge, (left.cpu_milli, left.memory_bytes, level));
        }
    }

    /// Whether a rank of a job of this class could go to this node now, with any of the resources that would do.
    pub(crate) fn fits_on(&self, id: HostId, class: ClassId, classes: &Classes) -> bool {
        classes.get(class).options(class).any(|option| self.fits_as(id, option, classes))
    }

    /// Whether a rank with the resources of this class could.
    pub(crate) fn fits_as(&self, id: HostId, class: ClassId, classes: &Classes) -> bool {
        let Some(Some(host)) = self.hosts.get(id as usize) else { return false };
        let (kind, class_of) = (&self.kinds[host.kind as usize], classes.get(class));
        let Some(terms) = self.terms.get(class as usize) else { return false };
        let accepted = terms.accepted[host.kind as usize];
        host.is_ready
            && accepted
                .is_some_and(|accepted| self.levels.get(host.level).left.fits(&class_of.need, kind, accepted))
            && host.is_allowed(class_of)
    }

    /// What is free on a node that takes jobs.
    pub(crate) fn free_on(&self, id: HostId) -> Option<Free> {
        let host = self.hosts.get(id as usize)?.as_ref().filter(|host| host.is_ready)?;
        let level = self.levels.get(host.level);
        let &Left { cpu_milli, memory_bytes, disk_bytes, .. } = &level.left;
        Some(Free { cpu_milli, memory_bytes, disk_bytes, gpu_milli: level.gauge.milli })
    }

    pub(crate) fn node(&self, host: HostId) -> NodeId {
        self.host(host).id
    }

    /// The place on a node with the GPUs of these indices; those that it does not have are passed over.
    pub(crate) fn spot_on(&self, node: NodeId, gpu_indices: &[u16]) -> Option<Spot> {
        let id = self.host_of(node)?;
        let indices = &self.host(id).indices;
        let slot = |index: &u16| indices.iter().position(|other| other == index).map(|slot| slot as u16);
        Some(Spot { host: id, slots: gpu_indices.iter().filter_map(slot).collect() })
    }

    /// Indices of the GPUs of a spot, in ascending order.
    pub(crate) fn gpu_indices(&self, spot: &Spot) -> Vec<u16> {
        let host = self.host(spot.host);
        let mut indices: Vec<u16> = spot.slots.iter().map(|slot| host.indices[usize::from(*slot)]).collect();
        indices.sort_unstable();
        indices
    }

    /// What is free of a node: CPU, memory and disk, and the thousandths of each GPU by its index.
    pub(crate) fn free(&self, node: NodeId) -> (Amounts, Vec<(u16, u16)>) {
        let Some(id) = self.host_of(node) else { return Default::default() };
        let host = self.host(id);
        let free = Amounts {
            cpu_milli: host.capacity.cpu_milli.saturating_sub(host.allocated.cpu_milli),
            memory_bytes: host.capacity.memory_bytes.saturating_sub(host.allocated.memory_bytes),
            disk_bytes: host.capacity.disk_bytes.saturating_sub(host.allocated.disk_bytes),
            gpus: 0,
        };
        (free, host.indices.iter().copied().zip(host.gpus.iter().copied()).collect())
    }

    /// # Panics
    /// Where the node is gone: its id is only found where it stands.
    fn host(&self, id: HostId) -> &Host {
        self.hosts[id as usize].as_ref().expect("a node's id is not used after it is removed")
    }

    fn host_mut(&mut self, id: HostId) -> &mut Host {
        self.hosts[id as usize].as_mut().expect("a node's id is not used after it is removed")
    }
}

impl Host {
    fn count_free(&mut self, slot: usize) {
        let free = i32::from(self.offered[slot]) - i32::from(self.taken[slot]);
        self.gpus[slot] = free.clamp(0, WHOLE_MILLI.into()) as u16;
    }

    fn is_allowed(&self, class: &Class) -> bool {
        !class.avoid.contains(&self.id) && satisfies(&self.name, &self.labels, &class.constraints)
    }

    fn left(&self, kind: &Kind) -> Left {
        let mut left = Left {
            kind: self.kind,
            cpu_milli: self.capacity.cpu_milli.saturating_sub(self.allocated.cpu_milli),
            memory_bytes: self.capacity.memory_bytes.saturating_sub(self.allocated.memory_bytes),
            disk_bytes: self.capacity.disk_bytes.saturating_sub(self.allocated.disk_bytes),
            gpus: SmallVec::from_slice(&self.gpus),
        };
        left.order(kind);
        left
    }
}

/// Index of a GPU, and the thousandths of it that are free.
type Slot = (u16, u16);

/// The kind of a node, and its slots.
fn layout(node: &Node, site: u32) -> (Total, Vec<Slot>) {
    let mut gpus: Vec<_> = node.gpus.iter().collect();
    gpus.sort_unstable_by_key(|gpu| gpu.index);
    let mut groups: Vec<(&str, u64, Vec<Slot>)> = Vec::new();
    for gpu in gpus {
        let slot = (gpu.index, gpu.free_milli);
        match groups.iter_mut().find(|(model, memory, _)| *model == gpu.model && *memory == gpu.memory_bytes)
        {
            Some((_, _, slots)) => slots.push(slot),
            None => groups.push((&gpu.model, gpu.memory_bytes, vec![slot])),
        }
    }
    let total = Total {
        site,
        cpu_milli: node.capacity.cpu_milli,
        memory_bytes: node.capacity.memory_bytes,
        disk_bytes: node.capacity.disk_bytes,
        gpus: groups
            .iter()
            .map(|(model, memory, slots)| ((*model).to_owned(), *memory, slots.len()))
            .collect(),
    };
    (total, groups.into_iter().flat_map(|(_, _, slots)| slots).collect())
}
