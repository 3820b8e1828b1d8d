//! Nodes with what is free on them, as explanations look at them: those come after the choices, over what is left.

use lilac_api::job::Amounts;

use crate::fleet::Fleet;
use crate::snapshot::{Node, NodeGpu};

pub(crate) struct Room<'a> {
    pub(crate) node: &'a Node,
    /// CPU, memory and disk; the GPUs are counted by `gpus`.
    pub(crate) free: Amounts,
    /// By index.
    pub(crate) gpus: Vec<RoomGpu<'a>>,
}

pub(crate) struct RoomGpu<'a> {
    pub(crate) gpu: &'a NodeGpu,
    /// Thousandths of it.
    pub(crate) free_milli: u16,
}

/// All nodes by name, then id.
pub(crate) fn rooms<'a>(nodes: impl IntoIterator<Item = &'a Node>, fleet: &Fleet) -> Vec<Room<'a>> {
    let mut rooms: Vec<Room<'a>> = nodes.into_iter().map(|node| room(node, fleet)).collect();
    rooms.sort_unstable_by_key(|room| (room.node.name.as_str(), room.node.id));
    rooms
}

fn room<'a>(node: &'a Node, fleet: &Fleet) -> Room<'a> {
    let (free, by_index) = fleet.free(node.id);
    let free_milli = |gpu: &NodeGpu| {
        by_index.iter().find(|(index, _)| *index == gpu.index).map_or(0, |(_, free_milli)| *free_milli)
    };
    let mut gpus: Vec<RoomGpu<'a>> =
        node.gpus.iter().map(|gpu| RoomGpu { gpu, free_milli: free_milli(gpu) }).collect();
    gpus.sort_unstable_by_key(|slot| slot.gpu.index);
    Room { node, free, gpus }
}
