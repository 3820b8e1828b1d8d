//! Why a job on several nodes does not start: not enough of them at once, in one cluster and with one value of the
//! label that they have to share.

use std::collections::BTreeMap;

use lilac_api::ClusterId;
use lilac_api::explanation::{self, Change, ChangeKind, Evidence};
use lilac_api::job::Reason;

use crate::explain::{Dimension, takes_now, unusable_because};
use crate::room::Room;
use crate::shape::Shape;
use crate::words::counted;

/// A cluster, and a value of the label where one has to be shared.
type Group<'a> = (ClusterId, Option<&'a str>);

fn group<'a>(room: &'a Room<'_>, shape: &Shape<'_>) -> Option<Group<'a>> {
    match shape.same {
        None => Some((room.node.cluster, None)),
        Some(label) => Some((room.node.cluster, Some(room.node.labels.get(label)?))),
    }
}

/// Whether a node has the label that ranks have to share, where they have to.
pub(crate) fn has_label(room: &Room<'_>, shape: &Shape<'_>) -> bool {
    shape.same.is_none_or(|label| room.node.labels.contains_key(label))
}

/// The most of these nodes that ranks of one job could use together.
pub(crate) fn most_together<'r, 'a: 'r>(
    rooms: impl IntoIterator<Item = &'r Room<'a>>,
    shape: &Shape<'_>,
) -> usize {
    let mut groups: BTreeMap<Group<'r>, usize> = BTreeMap::new();
    for group in rooms.into_iter().filter_map(|room| group(room, shape)) {
        *groups.entry(group).or_default() += 1;
    }
    groups.into_values().max().unwrap_or(0)
}

/// What is said of a job on several nodes; `None` where a rank by itself would find no place either, or none is wanted
/// beside it.
pub(crate) fn explain(
    large_enough: &[&Room<'_>],
    shape: &Shape<'_>,
    asked: &[Dimension],
) -> Option<(Reason, String)> {
    if shape.nodes <= 1 {
        return None;
    }
    let wanted = shape.nodes as usize;
    let asks = format!("asks for {} at once{}", nodes(wanted), shared(shape));
    let there = most_together(large_enough.iter().copied(), shape);
    if there < wanted {
        return Some((Reason::ExceedsAnyNode, format!("{asks}; {} are large enough", of_all(there, shape))));
    }
    let usable: Vec<&Room<'_>> =
        large_enough.iter().copied().filter(|room| unusable_because(room, shape).is_none()).collect();
    let up = most_together(usable.iter().copied(), shape);
    if up < wanted && !usable.is_empty() {
        let out = format!(
            "{asks}; of {} that are large enough {} down, cordoned or avoided",
            nodes(there),
            are(there - up)
        );
        return Some((Reason::NodeDown, out));
    }
    let fit = most_together(usable.iter().copied().filter(|room| takes_now(room, shape, asked)), shape);
    (fit > 0).then(|| {
        let message = format!("{asks}; of {} that could take a part of it {} room now", nodes(up), have(fit));
        (Reason::GangIncomplete, message)
    })
}

/// How many nodes it needs, and how many of them there are.
pub(crate) fn evidence(rooms: &[Room<'_>], shape: &Shape<'_>) -> Option<Evidence> {
    if shape.nodes <= 1 {
        return None;
    }
    let asked = Dimension::asked_by(shape);
    let here: Vec<&Room<'_>> = rooms
        .iter()
        .filter(|room| shape.clusters.contains(&room.node.cluster))
        .filter(|room| unusable_because(room, shape).is_none() && room.node.satisfies(shape.constraints))
        .collect();
    let lacking = here.iter().filter(|room| !takes_now(room, shape, &asked)).count();
    let fitting = here.iter().copied().filter(|room| takes_now(room, shape, &asked));
    let is_large =
        |room: &&Room<'_>| asked.iter().all(|what| what.capacity(room, shape) >= what.asked(shape));
    Some(Evidence {
        dimension: explanation::Dimension::Nodes,
        asked: shape.nodes.into(),
        nodes: count(here.len()),
        nodes_lacking: count(lacking),
        most_free: most_together(fitting, shape) as u64,
        most: most_together(here.iter().copied().filter(is_large), shape) as u64,
    })
}

/// What would let a job on several nodes start: fewer nodes, or ones that share nothing. `None` where no node has room
/// for a rank: then what would help one rank is to be looked for.
pub(crate) fn remedy(rooms: &[Room<'_>], shape: &Shape<'_>) -> Option<Vec<Change>> {
    if shape.nodes <= 1 {
        return None;
    }
    let asked = Dimension::asked_by(shape);
    let fitting: Vec<&Room<'_>> = rooms.iter().filter(|room| takes_now(room, shape, &asked)).collect();
    let apart = Shape { same: None, ..*shape };
    if let Some(label) = shape.same
        && most_together(fitting.iter().copied(), &apart) >= shape.nodes as usize
    {
        let message = format!("let its nodes differ in label {label}");
        return Some(vec![Change::new(ChangeKind::DropSame, message)]);
    }
    let fit = most_together(fitting.iter().copied(), shape);
    (fit > 0).then(|| vec![fewer(fit, shape)])
}

/// The job on so many nodes instead.
pub(crate) fn fewer(fit: usize, shape: &Shape<'_>) -> Change {
    let message = format!("run on {} instead of {}, for which there is room", nodes(fit), shape.nodes);
    Change { nodes: Some(count(fit)), ..Change::new(ChangeKind::FewerNodes, message) }
}

fn nodes(number: usize) -> String {
    counted(number as u64, "node")
}

fn shared(shape: &Shape<'_>) -> String {
    shape.same.map_or_else(String::new, |label| format!(" that share label {label}"))
}

fn of_all(there: usize, shape: &Shape<'_>) -> String {
    match shape.same {
        None => format!("at most {there} in one cluster"),
        Some(label) => format!("at most {there} with one value of {label}"),
    }
}

fn are(number: usize) -> String {
    if number == 1 { "1 is".to_owned() } else { format!("{number} are") }
}

fn have(number: usize) -> String {
    if number == 1 { "1 has".to_owned() } else { format!("{number} have") }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
