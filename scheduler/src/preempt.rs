//! Preemption: a job that fits nowhere takes the place of jobs that may be put back in their queue.
//!
//! Who may be put back: only what was submitted so, runs in the same cluster, and either
//! - ranks lower: by the priority of its queue, then by its own, both strictly by that order, where the queue of the
//!   one that waits preempts at all; or
//! - is borrowed: its queue holds more than it is guaranteed, while the queue of the one that waits stays within its
//!   own guarantee, and ranks no lower.
//!
//! What a queue holds within its guarantee is never taken by another queue, whatever that one's priority: so no two
//! jobs ever take places from each other in turn.
//!
//! The least waste is chosen: the work that is lost, counted from when each victim began, and a minute for each to
//! start again. None is chosen that the job could do without. From then on the job has its place booked over theirs:
//! as they end, what they leave belongs to it, and to no third.

use std::cmp::Reverse;

use lilac_api::{JobId, NodeId};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::class::ClassId;
use crate::fleet::{HostId, Spot};
use crate::gang::Spots;
use crate::ledger::{Claim, QueueIndex};
use crate::line::Row;
use crate::plan::Placement;
use crate::snapshot::Bounds;
use crate::state::{JobRow, State};
use crate::words::counted;

/// So many different jobs that wait are looked at: the first in their turn.
const LOOKED: usize = 16;
/// So many victims are weighed on one node, those that lose least; where they are not enough, up to eight times as many.
const WEIGHED: usize = 64;
/// What it costs to start once more, beside the work that is lost.
const RESTART_MS: i64 = 60_000;

/// A job takes the place of others, which are to be stopped. Only jobs on one node do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preemption {
    pub job: JobId,
    pub node: NodeId,
    /// The GPUs that it gets, in ascending order.
    pub gpu_indices: Vec<u16>,
    /// Those that have to go, by id.
    pub victims: Vec<JobId>,
}

/// What a job is told whose place so many others are to leave.
#[must_use]
pub fn awaits_place(victims: usize, node: &str) -> String {
    let (jobs, they) = (counted(victims as u64, "job"), if victims == 1 { "has" } else { "have" });
    format!("takes the place of {jobs} on node {node}, which {they} been told to stop")
}

/// Who may be put back, and whose place is being cleared.
#[derive(Default)]
pub(crate) struct Yielding {
    /// Jobs that run and may be put back, with the time from which on their work would be lost.
    since_ms: FxHashMap<Row, i64>,
    /// Jobs with a place that others still hold, and these.
    pub(crate) bookings: FxHashMap<Row, FxHashSet<Row>>,
    booked_for: FxHashMap<Row, Row>,
    /// Booked places that are clear.
    clear: Vec<Row>,
    /// While it is tried out what would become of jobs, nobody really ends.
    pub(crate) is_frozen: bool,
}

/// One that may be put back for somebody.
#[derive(Clone, Copy)]
struct Victim {
    row: Row,
    /// Its waste, then what decides between equals: who ranks lower, who is younger.
    cost: (i64, (i32, u8), Reverse<i64>, JobId),
}

/// What it takes on one node.
struct Clearing {
    host: HostId,
    slots: Vec<u16>,
    victims: Vec<Victim>,
}

impl Clearing {
    fn cost(&self) -> (i64, usize, Option<(i32, u8)>) {
        let waste = self.victims.iter().fold(0_i64, |sum, victim| sum.saturating_add(victim.cost.0));
        (waste, self.victims.len(), self.victims.iter().map(|victim| victim.cost.1).max())
    }
}

impl State {
    /// A job that has a place may be put back in its queue; the work since then would be lost. `None` for one that
    /// may not, or not any more.
    pub fn let_yield(&mut self, job: JobId, since_ms: Option<i64>) {
        let Some(row) = self.row_of.get(&job).copied() else { return };
        match since_ms {
            Some(since_ms) if self.rows[row as usize].spot.is_some() => {
                self.yielding.since_ms.insert(row, since_ms);
            }
            _ => {
                self.yielding.since_ms.remove(&row);
            }
        }
    }

    /// Finds places for jobs that fit nowhere, at most so many and one for each kind of job. To be asked when nothing
    /// can be placed; from now on these jobs count as placed, until they are undone.
    pub fn preempt(&mut self, now_ms: i64, most: usize) -> Vec<Preemption> {
        let mut found = Vec::new();
        let Some(lowest) = self.lowest_rank() else { return found };
        for row in self.heads(lowest) {
            if found.len() >= most {
                break;
            }
            let Some(clearing) = self.clear_place(row, now_ms) else { continue };
            let victims: Vec<Row> = clearing.victims.iter().map(|victim| victim.row).collect();
            let spot = Spot { host: clearing.host, slots: clearing.slots };
            let (job, node) = (self.rows[row as usize].id, self.fleet.node(spot.host));
            let gpu_indices = self.fleet.gpu_indices(&spot);
            let mut ids: Vec<JobId> = victims.iter().map(|row| self.rows[*row as usize].id).collect();
            ids.sort_unstable();
            self.book_spot(row, spot, victims);
            found.push(Preemption { job, node, gpu_indices, victims: ids });
        }
        found
    }

    /// A preemption that was begun before: the job has that place when the others have left it. `false` where the job
    /// does not wait or the node is not known.
    pub fn book(&mut self, preemption: &Preemption) -> bool {
        let row = self.row_of.get(&preemption.job).copied();
        let Some(row) = row.filter(|row| self.rows[*row as usize].spot.is_none()) else { return false };
        let Some(spot) = self.fleet.spot_on(preemption.node, &preemption.gpu_indices) else { return false };
        let victims = preemption.victims.iter().filter_map(|job| self.row_of.get(job).copied());
        let victims = victims.filter(|row| self.rows[*row as usize].spot.is_some()).collect();
        if let Some(not_before_ms) = self.later_of.remove(&row) {
            self.later.remove(&(not_before_ms, row));
        }
        self.book_spot(row, spot, victims);
        true
    }

    /// The jobs whose booked places are clear now.
    pub fn cleared(&mut self) -> Vec<Placement> {
        let mut placements = Vec::new();
        for row in std::mem::take(&mut self.yielding.clear) {
            self.yielding.bookings.remove(&row);
            let (job, Some(spots)) = (self.rows[row as usize].id, self.spots(row)) else { continue };
            if spots.iter().all(|spot| self.fleet.is_there(spot.host)) {
                placements.push(self.placement(job, &spots, 0));
                self.starts(row, self.now_ms);
            } else {
                self.undo(job);
            }
        }
        placements
    }

    fn book_spot(&mut self, row: Row, spot: Spot, victims: Vec<Row>) {
        let host = spot.host;
        self.lift_for(row, host);
        self.step_out(row);
        self.hold_spots(row, Spots::from_iter([spot]));
        self.parking.taken(host, &self.fleet, &self.classes);
        if victims.is_empty() {
            self.yielding.clear.push(row);
        }
        for victim in &victims {
            self.yielding.booked_for.insert(*victim, row);
        }
        self.yielding.bookings.insert(row, victims.into_iter().collect());
    }

    /// A job has given its place back, whether it was to be cleared for another or was booked for it.
    pub(crate) fn left(&mut self, row: Row) {
        let Yielding { since_ms, bookings, booked_for, clear, is_frozen } = &mut self.yielding;
        if *is_frozen || since_ms.is_empty() && bookings.is_empty() {
            return;
        }
        since_ms.remove(&row);
        if let Some(victims) = bookings.remove(&row) {
            booked_for.retain(|victim, _| !victims.contains(victim));
            clear.retain(|other| *other != row);
        }
        if let Some(to) = booked_for.remove(&row)
            && let Some(victims) = bookings.get_mut(&to)
        {
            victims.remove(&row);
            if victims.is_empty() {
                clear.push(to);
            }
        }
    }

    /// For a job that waits for others to leave its place: how many these are, and where.
    pub(crate) fn awaits(&self, row: Row) -> Option<(usize, NodeId)> {
        let victims = self.yielding.bookings.get(&row)?.len();
        let (host, _) =
            self.rows[row as usize].spot.as_ref().filter(|(host, _)| self.fleet.is_there(*host))?;
        Some((victims, self.fleet.node(*host)))
    }

    /// Whether a job that waits would leave its queue within its guarantee.
    pub(crate) fn is_owed(&self, row: Row) -> bool {
        let (queue, class) = (self.queue_of_row(row), self.held_class(row));
        let guaranteed = &self.queues[queue as usize].queue.guaranteed;
        self.ledger.stays_within(queue, guaranteed, &self.classes.get(class).total)
    }

    fn rank(&self, row: Row) -> (i32, u8) {
        let queue = self.queue_of_row(row);
        (self.queues[queue as usize].queue.priority, self.rows[row as usize].key().0.0)
    }

    /// The lowest rank of those that may be put back; none where nobody may.
    fn lowest_rank(&self) -> Option<(i32, u8)> {
        let yielding = &self.yielding;
        let rows = yielding.since_ms.keys().filter(|row| !yielding.booked_for.contains_key(row));
        rows.map(|row| self.rank(*row)).min()
    }

    /// The first of each kind of job that waits for room, in their turn, as far as some job may yield to it.
    fn heads(&mut self, lowest: (i32, u8)) -> Vec<Row> {
        self.sort_lanes();
        let mut heads = Vec::new();
        let mut seen: FxHashSet<(QueueIndex, ClassId, u8)> = FxHashSet::default();
        for (.., queue) in &self.order {
            let mut of_queue = Vec::new();
            let is_guaranteed = self.queues[*queue as usize].queue.guaranteed != Bounds::default();
            for (share, lane) in &self.queues[*queue as usize].by_share {
                let line = &self.lanes[*lane as usize];
                let torn = line.waiting_for_quota().filter(|(_, class)| self.torn.contains(&(*lane, *class)));
                for (key, class) in line.waiting_for_room().take(LOOKED).chain(torn.take(LOOKED)) {
                    let row = self.lanes[*lane as usize].first(*class);
                    of_queue.extend(row.map(|row| (key.0, *share, key.1, key.2, *class, row)));
                }
            }
            of_queue.sort_unstable_by_key(|(priority, share, at, id, ..)| (*priority, *share, *at, *id));
            for (.., class, row) in of_queue {
                if !is_guaranteed && self.rank(row) <= lowest {
                    continue;
                }
                if seen.insert((*queue, class, self.rank(row).1)) {
                    heads.push(row);
                }
                if heads.len() == LOOKED {
                    return heads;
                }
            }
        }
        heads
    }

    /// The place where the job wastes least.
    fn clear_place(&self, row: Row, now_ms: i64) -> Option<Clearing> {
        let JobRow { class, lane, .. } = self.rows[row as usize];
        let queue = self.lanes[lane as usize].queue;
        let requests = &self.classes.get(class).total;
        if self.classes.get(class).nodes > 1
            || self.ledger.is_over_quota(queue, lane, &self.queues[queue as usize].queue, requests)
        {
            return None;
        }
        let mut by_host: FxHashMap<HostId, Vec<Victim>> = FxHashMap::default();
        for victim in self.victims_for(row, now_ms) {
            for Spot { host, .. } in self.spots(victim.row).unwrap_or_default() {
                if self.fleet.could_go_to(host, class, &self.classes) && !self.is_kept_from(host, row) {
                    by_host.entry(host).or_default().push(victim);
                }
            }
        }
        let clearings = by_host.into_iter().filter_map(|(host, victims)| {
            self.clear_host(host, class, victims).map(|(slots, victims)| Clearing { host, slots, victims })
        });
        clearings.min_by_key(|clearing| (clearing.cost(), self.fleet.rank(clearing.host)))
    }

    fn victims_for(&self, row: Row, now_ms: i64) -> impl Iterator<Item = Victim> {
        let (rank, queue) = (self.rank(row), self.queue_of_row(row));
        let asked = &self.classes.get(self.rows[row as usize].class).total;
        let rules = &self.queues[queue as usize].queue;
        let reclaims = self.ledger.stays_within(queue, &rules.guaranteed, asked);
        let preempts = rules.preempts;
        self.yielding
            .since_ms
            .iter()
            .filter_map(move |(other, since_ms)| {
                if self.yielding.booked_for.contains_key(other) {
                    return None;
                }
                let (other_rank, other_queue) = (self.rank(*other), self.queue_of_row(*other));
                let ranks_lower = preempts && other_rank < rank;
                let may = if other_queue == queue {
                    ranks_lower
                } else {
                    ranks_lower || reclaims && other_rank.0 <= rank.0
                };
                let lost_ms = now_ms.saturating_sub(*since_ms).max(0).saturating_add(RESTART_MS);
                let (id, class) = (self.rows[*other as usize].id, self.held_class(*other));
                let lost_ms = lost_ms.saturating_mul(self.classes.get(class).nodes.max(1).into());
                may.then_some(Victim { row: *other, cost: (lost_ms, other_rank, Reverse(*since_ms), id) })
            })
            // What a queue is guaranteed is another's to take only if that is the same one.
            .filter(move |victim| {
                let other = self.queue_of_row(victim.row);
                other == queue || self.is_borrowed(victim.row, &Claim::default())
            })
    }

    /// Whether a job holds what its queue is not guaranteed, once that much of the queue is given back.
    fn is_borrowed(&self, row: Row, given_back: &Claim) -> bool {
        let queue = self.queue_of_row(row);
        let held = &self.classes.get(self.held_class(row)).total;
        self.ledger.is_beyond(queue, &self.queues[queue as usize].queue.guaranteed, held, given_back)
    }

    /// Those on one node without which the job would fit, and the slots that it gets.
    fn clear_host(
        &self,
        host: HostId,
        class: ClassId,
        mut victims: Vec<Victim>,
    ) -> Option<(Vec<u16>, Vec<Victim>)> {
        victims.sort_unstable_by_key(|victim| victim.cost);
        let mut given_back: FxHashMap<QueueIndex, Claim> = FxHashMap::default();
        let for_queue = |victim: &Victim| self.queue_of_row(victim.row);
        victims.retain(|victim| {
            let sum = given_back.entry(for_queue(victim)).or_default();
            let may = *sum == Claim::default() || self.is_borrowed(victim.row, sum);
            if may {
                sum.add(&self.classes.get(self.held_class(victim.row)).total);
            }
            may
        });
        let without = |gone: &[Victim]| {
            let gone = gone.iter().filter_map(|victim| {
                let need = self.classes.get(self.held_class(victim.row)).need;
                let spots = self.spots(victim.row)?;
                spots.into_iter().find(|spot| spot.host == host).map(|spot| (spot.slots, need))
            });
            self.fleet.slots_without(host, class, &self.classes, gone)
        };
        let enough = |count: &usize| without(&victims[..victims.len().min(*count)]).is_some();
        let count = [WEIGHED, 2 * WEIGHED, 4 * WEIGHED, 8 * WEIGHED].into_iter().find(enough)?;
        victims.truncate(count);
        let single = victims.iter().find(|victim| without(std::slice::from_ref(victim)).is_some()).copied();
        let mut least = victims;
        // The dearest are spared first.
        let mut position = least.len();
        while position > 0 {
            position -= 1;
            let spared = least.remove(position);
            if without(&least).is_none() {
                least.insert(position, spared);
            }
        }
        let waste = least.iter().fold(0_i64, |sum, victim| sum.saturating_add(victim.cost.0));
        let chosen = match single {
            Some(single) if single.cost.0 <= waste => vec![single],
            _ => least,
        };
        Some((without(&chosen)?, chosen))
    }
}
