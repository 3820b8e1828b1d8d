//! The smallest change that would let a job start: what it would take on each node, and the least of that.

use lilac_api::explanation::{Change, ChangeKind};
use lilac_api::job::Amounts;
use lilac_api::spec::Constraint;

use crate::explain::Dimension;
use crate::gpu::GpuRequest;
use crate::ranks;
use crate::room::Room;
use crate::shape::Shape;
use crate::snapshot::Availability;
use crate::words::{Rounding, listed};

/// A container has at least so much memory, and a disk that is asked for at least so much room.
const LEAST_BYTES: u64 = 8 << 20;

/// What each kind of change weighs against another; asking for less weighs more the more is given up.
const LESS: f64 = 1.0;
const UNCORDON: f64 = 1.2;
const DROP_CONSTRAINT: f64 = 1.4;
const ANY_GPU: f64 = 1.5;
const BRING_BACK: f64 = 2.0;

/// What would let a job of a shape start that fits nowhere: on the node where that is least. Where no change of the
/// job or of a node does, a node has to be added.
pub(crate) fn remedy(rooms: &[Room<'_>], shape: &Shape<'_>, queue: &str) -> Vec<Change> {
    if shape.clusters.is_empty() {
        let message = format!("let queue {queue} feed a cluster");
        return vec![Change {
            queue: Some(queue.to_owned()),
            ..Change::new(ChangeKind::FeedCluster, message)
        }];
    }
    if let Some(changes) = ranks::remedy(rooms, shape) {
        return changes;
    }
    let here = rooms.iter().filter(|room| shape.clusters.contains(&room.node.cluster));
    let mut best: Option<(f64, Vec<Change>)> = None;
    for (cost, changes) in here.filter_map(|room| on_node(room, shape)) {
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, changes));
        }
    }
    let Some((_, mut changes)) = best else { return vec![add_node(shape, queue)] };
    if shape.nodes > 1 {
        changes.push(ranks::fewer(1, shape));
    }
    changes
}

fn add_node(shape: &Shape<'_>, queue: &str) -> Change {
    let asked = Dimension::asked_by(shape);
    let phrases = asked.iter().map(|dimension| dimension.phrase(dimension.asked(shape), Rounding::Up, shape));
    let what = if shape.nodes > 1 { format!("{} nodes each", shape.nodes) } else { "a node".to_owned() };
    let message = format!("add {what} with {} to a cluster of queue {queue}", listed(phrases, "and"));
    let requests = Some(shape.requests);
    let nodes = (shape.nodes > 1).then_some(shape.nodes);
    Change { requests, nodes, queue: Some(queue.to_owned()), ..Change::new(ChangeKind::AddNode, message) }
}

/// What it would take to start on this node, and what that weighs; `None` where nothing of this does.
fn on_node(room: &Room<'_>, shape: &Shape<'_>) -> Option<(f64, Vec<Change>)> {
    let name = &room.node.name;
    let mut changes = Vec::new();
    let mut cost = 0.0;
    let (state, weight, message) = match room.node.availability {
        Availability::Ready if shape.avoid.contains(&room.node.id) => return None,
        Availability::Ready => (None, 0.0, String::new()),
        Availability::Cordoned => (Some(ChangeKind::Uncordon), UNCORDON, format!("uncordon node {name}")),
        Availability::Down => (Some(ChangeKind::BringBack), BRING_BACK, format!("bring node {name} back")),
    };
    if let Some(kind) = state {
        cost += weight;
        changes.push(Change { node: Some(name.clone()), ..Change::new(kind, message) });
    }
    let broken: Vec<&Constraint> = shape
        .constraints
        .iter()
        .filter(|constraint| !room.node.satisfies(std::slice::from_ref(*constraint)))
        .collect();
    if !broken.is_empty() {
        cost += DROP_CONSTRAINT * broken.len() as f64;
        changes.push(drop_constraints(&broken));
    }
    let any = any_gpu(room, shape);
    if any.is_some() {
        cost += ANY_GPU;
        changes.push(Change::new(ChangeKind::AnyGpu, "take GPUs of any model and memory".to_owned()));
    }
    let shape = Shape { gpus: any.or(shape.gpus), ..*shape };
    let (requests, given_up) = what_is_free(room, &shape)?;
    if given_up > 0.0 {
        cost += LESS + given_up;
        changes.push(ask_for_less(name, requests, &shape));
    }
    // A node that would take it as it is belongs to no job that fits nowhere.
    (!changes.is_empty()).then_some((cost, changes))
}

fn drop_constraints(broken: &[&Constraint]) -> Change {
    let constraints: Vec<String> = broken.iter().map(|constraint| constraint.to_string()).collect();
    let message = format!(
        "leave out the constraint {}",
        listed(constraints.iter().map(|constraint| format!("`{constraint}`")), "and")
    );
    Change { constraints, ..Change::new(ChangeKind::DropConstraints, message) }
}

/// The request without its wishes, where that finds more free GPUs on the node, and with them too few are free.
fn any_gpu<'a>(room: &Room<'_>, shape: &Shape<'a>) -> Option<GpuRequest<'a>> {
    let request = shape.gpus?;
    let any = GpuRequest { models: &[], memory_bytes: 0, ..request };
    let free = |request| Dimension::Gpus.free(room, &Shape { gpus: Some(request), ..*shape });
    (free(request) < request.count.into() && free(any) > free(request)).then_some(any)
}

/// What the job may ask for here, and which part of it is given up: the sum over what it asks for. `None` where
/// there is not enough to run at all.
fn what_is_free(room: &Room<'_>, shape: &Shape<'_>) -> Option<(Amounts, f64)> {
    let mut requests = shape.requests;
    let mut given_up = 0.0;
    for dimension in Dimension::asked_by(shape) {
        let (asked, free) = (dimension.asked(shape), dimension.free(room, shape));
        if free >= asked {
            continue;
        }
        // Whole mebibytes, which people can read.
        let free = match dimension {
            Dimension::Memory | Dimension::Disk => free >> 20 << 20,
            Dimension::Cpus | Dimension::Gpus => free,
        };
        let least = if matches!(dimension, Dimension::Memory | Dimension::Disk) { LEAST_BYTES } else { 1 };
        if free < least {
            return None;
        }
        given_up += (asked - free) as f64 / asked as f64;
        match dimension {
            Dimension::Cpus => requests.cpu_milli = u32::try_from(free).unwrap_or(u32::MAX),
            Dimension::Memory => requests.memory_bytes = free,
            Dimension::Disk => requests.disk_bytes = free,
            Dimension::Gpus => requests.gpus = u32::try_from(free).unwrap_or(u32::MAX),
        }
    }
    Some((requests, given_up))
}

fn ask_for_less(node: &str, requests: Amounts, shape: &Shape<'_>) -> Change {
    let less = Shape { requests, ..*shape };
    let changed = Dimension::asked_by(shape);
    let changed = changed.iter().filter(|dimension| dimension.asked(&less) < dimension.asked(shape));
    let phrases = changed.map(|dimension| {
        let asked = dimension.phrase(dimension.asked(shape), Rounding::Up, shape);
        format!("{} instead of {asked}", dimension.phrase(dimension.asked(&less), Rounding::Down, shape))
    });
    let message = format!("ask for {}, which node {node} has free", listed(phrases, "and"));
    Change {
        requests: Some(requests),
        node: Some(node.to_owned()),
        ..Change::new(ChangeKind::AskForLess, message)
    }
}
