//! Why a shape fits nowhere: one dominant reason, and a sentence with the evidence.
//!
//! The questions go from what only new hardware mends to what time mends, each over the nodes that
//! the one before left: does any node offer the kind of thing asked for, is any large enough, may any
//! of those be used now, and what is missing there.

use std::collections::BTreeSet;

use lilac_api::job::Reason;

use crate::gpu::GpuRequest;
use crate::ranks;
use crate::room::Room;
use crate::shape::Shape;
use crate::snapshot::Availability;
use crate::words::{Rounding, bytes, counted, cpus, listed};

/// Whether a job of the shape could go somewhere now.
pub(crate) fn has_room(rooms: &[Room<'_>], shape: &Shape<'_>) -> bool {
    let asked = Dimension::asked_by(shape);
    if shape.nodes > 1 {
        return ranks::most_together(rooms.iter().filter(|room| takes_now(room, shape, &asked)), shape)
            >= shape.nodes as usize;
    }
    rooms.iter().any(|room| takes_now(room, shape, &asked))
}

/// Whether a node has the room now that a rank of the shape asks for.
pub(crate) fn takes_now(room: &Room<'_>, shape: &Shape<'_>, asked: &[Dimension]) -> bool {
    shape.clusters.contains(&room.node.cluster)
        && unusable_because(room, shape).is_none()
        && asked.iter().all(|dimension| dimension.free(room, shape) >= dimension.asked(shape))
        && room.node.satisfies(shape.constraints)
}

/// Explains a shape that was found no room for.
pub(crate) fn explain(rooms: &[Room<'_>], shape: &Shape<'_>) -> (Reason, String) {
    if shape.clusters.is_empty() {
        return (Reason::NoMatchingNodes, "its queue has no cluster".to_owned());
    }
    let nodes: Vec<&Room<'_>> =
        rooms.iter().filter(|room| shape.clusters.contains(&room.node.cluster)).collect();
    if nodes.is_empty() {
        return (Reason::NoMatchingNodes, "the clusters of its queue have no nodes".to_owned());
    }
    let all = nodes.len();
    let nodes: Vec<&Room<'_>> =
        nodes.into_iter().filter(|room| room.node.satisfies(shape.constraints)).collect();
    if nodes.is_empty() {
        let asked = listed(shape.constraints.iter().map(|constraint| format!("`{constraint}`")), "and");
        let none = if all == 1 {
            "the only node is not so".to_owned()
        } else {
            format!("none of {all} nodes is so")
        };
        return (Reason::NoMatchingNodes, format!("asks for a node with {asked}; {none}"));
    }
    let nodes: Vec<&Room<'_>> = nodes.into_iter().filter(|room| ranks::has_label(room, shape)).collect();
    if let Some(label) = shape.same
        && nodes.is_empty()
    {
        return (Reason::NoMatchingNodes, format!("asks for nodes that share label {label}; none has it"));
    }
    if let Some(request) = &shape.gpus
        && !nodes.iter().any(|room| room.gpus.iter().any(|slot| request.accepts(slot.gpu)))
    {
        return (Reason::NoMatchingNodes, lack_of_gpus(&nodes, request));
    }

    let asked = Dimension::asked_by(shape);
    let offers = |room: &Room<'_>, dimension: Dimension| dimension.capacity(room, shape);
    let large_enough = enough(&nodes, &asked, shape, offers);
    if large_enough.is_empty() {
        return (Reason::ExceedsAnyNode, exceeds(&nodes, &asked, shape));
    }
    if let Some(found) = ranks::explain(&large_enough, shape, &asked) {
        return found;
    }

    let usable: Vec<&Room<'_>> =
        large_enough.iter().copied().filter(|room| unusable_because(room, shape).is_none()).collect();
    if usable.is_empty() {
        return (Reason::NodeDown, all_out(&large_enough, shape));
    }
    let out = match large_enough.len() - usable.len() {
        0 => String::new(),
        1 => "; 1 more is down, cordoned or avoided".to_owned(),
        count => format!("; {count} more are down, cordoned or avoided"),
    };

    let has_free = |room: &Room<'_>, dimension: Dimension| dimension.free(room, shape);
    let all_but_gpus: Vec<Dimension> =
        asked.iter().copied().filter(|dimension| *dimension != Dimension::Gpus).collect();
    let roomy = enough(&usable, &all_but_gpus, shape, has_free);
    if shape.gpus.is_some() && !roomy.is_empty() {
        let message = waits_for(&roomy, "with room for the rest", &[Dimension::Gpus], shape);
        return (Reason::WaitingForGpus, message + &out);
    }
    (Reason::WaitingForCapacity, waits_for(&usable, "large enough", &asked, shape) + &out)
}

/// What a job can ask of a node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dimension {
    Cpus,
    Memory,
    Disk,
    Gpus,
}

impl Dimension {
    pub(crate) fn asked_by(shape: &Shape<'_>) -> Vec<Self> {
        [Self::Cpus, Self::Memory, Self::Disk, Self::Gpus]
            .into_iter()
            .filter(|dimension| dimension.asked(shape) > 0)
            .collect()
    }

    pub(crate) fn asked(self, shape: &Shape<'_>) -> u64 {
        match self {
            Self::Cpus => shape.requests.cpu_milli.into(),
            Self::Memory => shape.requests.memory_bytes,
            Self::Disk => shape.requests.disk_bytes,
            Self::Gpus => shape.requests.gpus.into(),
        }
    }

    pub(crate) fn capacity(self, room: &Room<'_>, shape: &Shape<'_>) -> u64 {
        match self {
            Self::Cpus => room.node.capacity.cpu_milli.into(),
            Self::Memory => room.node.capacity.memory_bytes,
            Self::Disk => room.node.capacity.disk_bytes,
            Self::Gpus => accepted_gpus(room, shape, |_| true),
        }
    }

    pub(crate) fn free(self, room: &Room<'_>, shape: &Shape<'_>) -> u64 {
        match self {
            Self::Cpus => room.free.cpu_milli.into(),
            Self::Memory => room.free.memory_bytes,
            Self::Disk => room.free.disk_bytes,
            Self::Gpus => accepted_gpus(room, shape, |free| free),
        }
    }

    /// The bare number: `1.5`, `16Gi`.
    fn number(self, amount: u64, rounding: Rounding) -> String {
        match self {
            Self::Cpus => cpus(amount),
            Self::Memory | Self::Disk => bytes(amount, rounding),
            Self::Gpus => amount.to_string(),
        }
    }

    /// The number with its noun: `1.5 CPUs`, `16Gi of memory`.
    pub(crate) fn phrase(self, amount: u64, rounding: Rounding, shape: &Shape<'_>) -> String {
        match (self, &shape.gpus) {
            (Self::Gpus, Some(request)) => request.phrase(amount),
            (Self::Gpus, None) => counted(amount, "GPU"),
            (Self::Cpus, _) if amount == 1000 => "1 CPU".to_owned(),
            (Self::Cpus, _) => format!("{} CPUs", cpus(amount)),
            (Self::Memory, _) => format!("{} of memory", bytes(amount, rounding)),
            (Self::Disk, _) => format!("{} of disk", bytes(amount, rounding)),
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Cpus => "CPUs",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Gpus => "GPUs",
        }
    }
}

fn accepted_gpus(room: &Room<'_>, shape: &Shape<'_>, counts: impl Fn(bool) -> bool) -> u64 {
    let Some(request) = &shape.gpus else { return 0 };
    room.gpus
        .iter()
        .filter(|slot| counts(slot.free_milli >= request.milli) && request.accepts(slot.gpu))
        .count() as u64
}

/// The nodes where `amount` is enough in all of these dimensions.
fn enough<'r, 'a>(
    rooms: &[&'r Room<'a>],
    dimensions: &[Dimension],
    shape: &Shape<'_>,
    amount: impl Fn(&Room<'_>, Dimension) -> u64,
) -> Vec<&'r Room<'a>> {
    let suffices = |room: &Room<'_>| {
        dimensions.iter().all(|dimension| amount(room, *dimension) >= dimension.asked(shape))
    };
    rooms.iter().copied().filter(|room| suffices(room)).collect()
}

fn lack_of_gpus(nodes: &[&Room<'_>], request: &GpuRequest<'_>) -> String {
    let kinds: BTreeSet<(&str, u64)> = nodes
        .iter()
        .flat_map(|room| room.gpus.iter().map(|slot| (slot.gpu.model.as_str(), slot.gpu.memory_bytes)))
        .collect();
    let asked = request.phrase(request.count.into());
    if kinds.is_empty() {
        return match nodes.len() {
            1 => format!("asks for {asked}; the only node has no GPU"),
            count => format!("asks for {asked}; none of {count} nodes has a GPU"),
        };
    }
    let kinds = kinds
        .into_iter()
        .map(|(model, memory_bytes)| format!("{model} with {}", bytes(memory_bytes, Rounding::Down)));
    format!("asks for {asked}; the GPUs of its clusters are {}", listed(kinds, "and"))
}

fn exceeds(nodes: &[&Room<'_>], asked: &[Dimension], shape: &Shape<'_>) -> String {
    let offers = |room: &Room<'_>, dimension: Dimension| dimension.capacity(room, shape);
    let asks_for = phrases(asked, shape);
    match shortfalls(nodes, asked, shape, offers).as_slice() {
        [] => format!(
            "asks for {asks_for} on one node: {}",
            spread_out(nodes, asked, shape, offers, "is large enough in")
        ),
        short => {
            let most = short.iter().map(|(dimension, most)| dimension.phrase(*most, Rounding::Down, shape));
            let short: Vec<Dimension> = short.iter().map(|(dimension, _)| *dimension).collect();
            let have = if nodes.len() == 1 { "has" } else { "have" };
            format!(
                "{} {have} {} at most; the job asks for {}",
                counted_nodes(nodes),
                listed(most, "and"),
                phrases(&short, shape)
            )
        }
    }
}

/// `which` says which nodes these are, after the word: `large enough`.
fn waits_for(rooms: &[&Room<'_>], which: &str, asked: &[Dimension], shape: &Shape<'_>) -> String {
    let has_free = |room: &Room<'_>, dimension: Dimension| dimension.free(room, shape);
    let nodes = counted_nodes(rooms);
    let short = shortfalls(rooms, asked, shape, has_free);
    let missing: Vec<Dimension> = short.iter().map(|(dimension, _)| *dimension).collect();
    let evidence = match short.as_slice() {
        [] => spread_out(rooms, asked, shape, has_free, "has enough free in"),
        [(dimension, most)] if rooms.len() > 1 => {
            format!("the freest of {nodes} {which} has {} free", dimension.number(*most, Rounding::Down))
        }
        [(dimension, most)] => {
            format!("the one node {which} has {} free", dimension.number(*most, Rounding::Down))
        }
        short => {
            let most = short.iter().map(|(dimension, most)| dimension.phrase(*most, Rounding::Down, shape));
            let most = listed(most, "and");
            match rooms.len() {
                1 => format!("the one node {which} has {most} free"),
                _ => format!("the most that any of {nodes} {which} has free is {most}"),
            }
        }
    };
    // Together they are missing where none of them is missing by itself.
    let wanted = if missing.is_empty() { asked } else { &missing };
    format!("waits for {} on one node: {evidence}", phrases(wanted, shape))
}

/// The dimensions in which not one of the nodes suffices, each with the most that one has.
fn shortfalls(
    rooms: &[&Room<'_>],
    asked: &[Dimension],
    shape: &Shape<'_>,
    amount: impl Fn(&Room<'_>, Dimension) -> u64,
) -> Vec<(Dimension, u64)> {
    asked
        .iter()
        .map(|dimension| {
            let most = rooms.iter().map(|room| amount(room, *dimension)).max().unwrap_or(0);
            (*dimension, most)
        })
        .filter(|(dimension, most)| *most < dimension.asked(shape))
        .collect()
}

/// Every dimension suffices somewhere and all of them nowhere: how many nodes suffice in each.
fn spread_out(
    rooms: &[&Room<'_>],
    asked: &[Dimension],
    shape: &Shape<'_>,
    amount: impl Fn(&Room<'_>, Dimension) -> u64,
    suffices: &str,
) -> String {
    let counts = asked
        .iter()
        .map(|dimension| (dimension, enough(rooms, &[*dimension], shape, &amount).len()))
        .filter(|(_, count)| *count < rooms.len())
        .map(|(dimension, count)| format!("{count} in {}", dimension.noun()));
    format!("none of {} {suffices} all of them, {}", counted_nodes(rooms), listed(counts, "and"))
}

fn all_out(large_enough: &[&Room<'_>], shape: &Shape<'_>) -> String {
    let states = large_enough.iter().filter_map(|room| {
        unusable_because(room, shape).map(|because| format!("{} {because}", room.node.name))
    });
    let which = match large_enough.len() {
        1 => "the one node large enough is out".to_owned(),
        _ => format!("all {} large enough are out", counted_nodes(large_enough)),
    };
    format!("{which}: {}", listed(states, "and"))
}

/// `None` for a node that may take a job of this shape now, had it the room.
pub(crate) fn unusable_because(room: &Room<'_>, shape: &Shape<'_>) -> Option<&'static str> {
    match room.node.availability {
        Availability::Down => Some("is down"),
        Availability::Cordoned => Some("is cordoned"),
        Availability::Ready if shape.avoid.contains(&room.node.id) => Some("could not start it before"),
        Availability::Ready => None,
    }
}

fn phrases(dimensions: &[Dimension], shape: &Shape<'_>) -> String {
    let asked =
        dimensions.iter().map(|dimension| dimension.phrase(dimension.asked(shape), Rounding::Up, shape));
    listed(asked, "and")
}

fn counted_nodes(rooms: &[&Room<'_>]) -> String {
    counted(rooms.len() as u64, "node")
}
