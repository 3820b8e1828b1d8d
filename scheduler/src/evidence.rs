//! How nodes stand to what a job asks for, in numbers.

use lilac_api::explanation::{self, Evidence};

use crate::explain::{Dimension, unusable_because};
use crate::ranks;
use crate::room::Room;
use crate::shape::Shape;

/// One entry for each thing asked for, over the nodes that take jobs and that the constraints allow, or, where there
/// is none, over all nodes of the clusters.
pub(crate) fn evidence(rooms: &[Room<'_>], shape: &Shape<'_>) -> Vec<Evidence> {
    let here: Vec<&Room<'_>> =
        rooms.iter().filter(|room| shape.clusters.contains(&room.node.cluster)).collect();
    let allowed: Vec<&Room<'_>> = here
        .iter()
        .copied()
        .filter(|room| unusable_because(room, shape).is_none() && room.node.satisfies(shape.constraints))
        .collect();
    let nodes = if allowed.is_empty() { here } else { allowed };
    let of = |dimension: Dimension| {
        let asked = dimension.asked(shape);
        let free = |room: &&Room<'_>| dimension.free(room, shape);
        Evidence {
            dimension: word(dimension),
            asked,
            nodes: count(nodes.len()),
            nodes_lacking: count(nodes.iter().filter(|room| free(room) < asked).count()),
            most_free: nodes.iter().map(free).max().unwrap_or(0),
            most: nodes.iter().map(|room| dimension.capacity(room, shape)).max().unwrap_or(0),
        }
    };
    ranks::evidence(rooms, shape).into_iter().chain(Dimension::asked_by(shape).into_iter().map(of)).collect()
}

fn word(dimension: Dimension) -> explanation::Dimension {
    match dimension {
        Dimension::Cpus => explanation::Dimension::Cpus,
        Dimension::Memory => explanation::Dimension::Memory,
        Dimension::Disk => explanation::Dimension::Disk,
        Dimension::Gpus => explanation::Dimension::Gpus,
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
