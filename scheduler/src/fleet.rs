//! The nodes with what is still free on them while a plan grows, and the choice between them.

use std::cmp::Ordering;
use std::collections::HashMap;

use lilac_api::cluster::PlacementPolicy;
use lilac_api::job::Amounts;
use lilac_api::{ClusterId, NodeId};

use crate::shape::Shape;
use crate::snapshot::{Availability, Node, NodeGpu, Snapshot};

/// All nodes by name, then id: the order in which ties are broken.
pub(crate) struct Fleet<'a> {
    pub(crate) rooms: Vec<Room<'a>>,
    sites: HashMap<ClusterId, Site>,
}

/// One cluster: its policy, and its ready nodes as positions in `rooms`, in order.
#[derive(Default)]
struct Site {
    policy: PlacementPolicy,
    ready: Vec<usize>,
}

/// A node and what is free on it. In the course of a plan that only shrinks.
pub(crate) struct Room<'a> {
    pub(crate) node: &'a Node,
    /// CPU, memory and disk; the GPUs are counted by `gpus`.
    pub(crate) free: Amounts,
    /// By index.
    pub(crate) gpus: Vec<RoomGpu<'a>>,
}

pub(crate) struct RoomGpu<'a> {
    pub(crate) gpu: &'a NodeGpu,
    pub(crate) free: bool,
}

impl<'a> Fleet<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot) -> Self {
        let mut rooms: Vec<Room<'a>> = snapshot.nodes.iter().map(Room::new).collect();
        rooms.sort_unstable_by_key(|room| (room.node.name.as_str(), room.node.id));
        let mut sites: HashMap<ClusterId, Site> = HashMap::new();
        for cluster in &snapshot.clusters {
            sites.entry(cluster.id).or_default().policy = cluster.policy;
        }
        for (position, room) in rooms.iter().enumerate() {
            if room.node.availability == Availability::Ready {
                sites.entry(room.node.cluster).or_default().ready.push(position);
            }
        }
        Self { rooms, sites }
    }

    /// Takes what the shape asks for from the node that suits it best, and tells which node and which
    /// of its GPUs. `None` where no ready node has room.
    pub(crate) fn place(&mut self, shape: &Shape<'_>) -> Option<(NodeId, Vec<u16>)> {
        let position = self.choose(shape)?;
        let room = &mut self.rooms[position];
        Some((room.node.id, room.take(shape)))
    }

    fn choose(&self, shape: &Shape<'_>) -> Option<usize> {
        shape.clusters.iter().filter_map(|cluster| self.sites.get(cluster)).find_map(|site| {
            let mut fitting = site.ready.iter().copied().filter(|position| {
                let room = &self.rooms[*position];
                room.has_space(shape)
                    && room.has_gpus(shape)
                    && room.node.satisfies(shape.constraints)
                    && !shape.avoid.contains(&room.node.id)
            });
            match site.policy {
                PlacementPolicy::FirstFit => fitting.next(),
                PlacementPolicy::BestFit => fitting
                    .map(|position| (self.rooms[position].leftover(shape), position))
                    // Of equals the first one stays, which is the first by name and id.
                    .min_by(|(one, _), (other, _)| one.compare(other))
                    .map(|(_, position)| position),
            }
        })
    }
}

impl<'a> Room<'a> {
    fn new(node: &'a Node) -> Self {
        let (capacity, allocated) = (&node.capacity, &node.allocated);
        let mut gpus: Vec<RoomGpu<'a>> =
            node.gpus.iter().map(|gpu| RoomGpu { gpu, free: gpu.free }).collect();
        gpus.sort_unstable_by_key(|slot| slot.gpu.index);
        Self {
            node,
            free: Amounts {
                cpu_milli: capacity.cpu_milli.saturating_sub(allocated.cpu_milli),
                memory_bytes: capacity.memory_bytes.saturating_sub(allocated.memory_bytes),
                disk_bytes: capacity.disk_bytes.saturating_sub(allocated.disk_bytes),
                gpus: 0,
            },
            gpus,
        }
    }

    /// Whether CPU, memory and disk suffice.
    fn has_space(&self, shape: &Shape<'_>) -> bool {
        self.free.cpu_milli >= shape.requests.cpu_milli
            && self.free.memory_bytes >= shape.requests.memory_bytes
            && self.free.disk_bytes >= shape.requests.disk_bytes
    }

    fn has_gpus(&self, shape: &Shape<'_>) -> bool {
        let Some(request) = &shape.gpus else { return true };
        let accepted = self.gpus.iter().filter(|slot| slot.free && request.accepts(slot.gpu)).count();
        accepted >= request.count as usize
    }

    /// Takes the room and the accepted GPUs with the lowest indices.
    fn take(&mut self, shape: &Shape<'_>) -> Vec<u16> {
        self.free.cpu_milli -= shape.requests.cpu_milli;
        self.free.memory_bytes -= shape.requests.memory_bytes;
        self.free.disk_bytes -= shape.requests.disk_bytes;
        let Some(request) = &shape.gpus else { return Vec::new() };
        self.gpus
            .iter_mut()
            .filter(|slot| slot.free && request.accepts(slot.gpu))
            .take(request.count as usize)
            .map(|slot| {
                slot.free = false;
                slot.gpu.index
            })
            .collect()
    }

    /// What would be left here, as parts of what the node has. Only what the job asks for counts: a
    /// disk that nobody asks for would otherwise make all nodes look alike.
    fn leftover(&self, shape: &Shape<'_>) -> Leftover {
        let capacity = &self.node.capacity;
        let free_gpus = self.gpus.iter().filter(|slot| slot.free).count() as u64;
        let dimensions: [(u64, u64, u64); 4] = [
            (shape.requests.gpus.into(), free_gpus, self.gpus.len() as u64),
            (shape.requests.cpu_milli.into(), self.free.cpu_milli.into(), capacity.cpu_milli.into()),
            (shape.requests.memory_bytes, self.free.memory_bytes, capacity.memory_bytes),
            (shape.requests.disk_bytes, self.free.disk_bytes, capacity.disk_bytes),
        ];
        let mut leftover =
            Leftover { strands_gpus: shape.gpus.is_none() && !self.gpus.is_empty(), dominant: 0.0, sum: 0.0 };
        let mut largest_share = 0.0;
        for (asked, free, capacity) in dimensions.into_iter().filter(|(asked, _, _)| *asked > 0) {
            let share = asked as f64 / capacity as f64;
            let left = (free - asked) as f64 / capacity as f64;
            if share > largest_share {
                largest_share = share;
                leftover.dominant = left;
            }
            leftover.sum += left;
        }
        leftover
    }
}

/// How badly a node would be used; less is better.
struct Leftover {
    /// A job without GPUs would take the CPUs that jobs with GPUs need.
    strands_gpus: bool,
    /// What is left of that of which the job takes the largest share of this node: its dominant
    /// resource (Ghodsi et al., Dominant Resource Fairness, NSDI 2011). For a job with GPUs that is
    /// mostly those, so that nodes with few free GPUs fill up and others stay whole for larger jobs.
    dominant: f64,
    /// What is left of everything, where the dominant resource does not decide.
    sum: f64,
}

impl Leftover {
    fn compare(&self, other: &Self) -> Ordering {
        self.strands_gpus
            .cmp(&other.strands_gpus)
            .then(self.dominant.total_cmp(&other.dominant))
            .then(self.sum.total_cmp(&other.sum))
    }
}
