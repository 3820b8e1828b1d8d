//! Nodes that are kept for a job which cannot start, so that it is not passed by for ever.
//!
//! In each cluster at most one job has nodes kept for it: the first in its turn of those that found no room. They are
//! the nodes that will have room for it first, as far as what runs there ends when its time is over. When all of them
//! have room is the reservation's time, by which the job is promised to start: from then on another gets one of these
//! nodes only where it ends before that time, or where the room that is kept is still there beside it.
//!
//! When a job ends that has no bound on its time nobody knows. Where no node gets free without the end of such a job,
//! nothing is kept before the one that waits has waited for a while ([`PATIENCE_MS`]). Then the nodes that lack the
//! least of what it asks for are kept without a time: nothing is placed there that takes of what it needs, so they empty
//! as their jobs end, and it starts at last.
//!
//! Quotas are not kept: a job whose queue has used up what it may hold has nothing kept for it until that changes.
//!
//! A reservation stays with its job, whosever turn it is by then, until that starts, ends, or may not start: one
//! that wanders with the shares is none. It gives way to jobs of a higher standing only: of a queue with a higher priority,
//! or of a higher priority where those are equal; and to those whose queue is guaranteed what they take, where it is kept
//! for one that would borrow. It is looked for anew, for the same job, when nodes change and as jobs
//! end earlier than they had to; that never makes it later, as nothing was placed on its nodes meanwhile that would.

mod behind;
mod fill_in;
mod when;

use lilac_api::{JobId, NodeId};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::class::ClassId;
use crate::fleet::{HostId, Spot};
use crate::ledger::LaneIndex;
use crate::line::{Entry, Row};
use crate::state::{JobRow, State, by_turn};

/// How long a job waits before nodes are kept for it of which nobody knows when they will be free.
pub(crate) const PATIENCE_MS: i64 = 5 * 60_000;
/// How often reservations are looked for anew, and so many nodes are looked at for that in each such time.
const WINDOW_MS: i64 = 1_000;
const LOOKED_AT: usize = 20_000;
/// As many are looked at to try something out.
const LOOKED_AT_TRIAL: usize = 100_000;

/// Priority of its queue, and its own.
pub(crate) type Standing = (i32, u8);

/// Nodes that are kept for the first job of a class in a lane.
#[derive(Clone, Debug)]
pub(crate) struct Reservation {
    site: u32,
    lane: LaneIndex,
    class: ClassId,
    standing: Standing,
    pub(crate) hosts: Vec<HostId>,
    /// When all of them have room for it at the latest. `None` where nobody knows.
    pub(crate) until_ms: Option<i64>,
}

#[derive(Default)]
pub(crate) struct Reserve {
    is_off: bool,
    pub(crate) list: Vec<Reservation>,
    /// Nodes that were kept, and are not any more.
    lifted: Vec<HostId>,
    window_ms: Option<i64>,
    /// How many nodes were looked at in this window.
    looked_at: usize,
    /// For whom nothing was found in it.
    in_vain: FxHashSet<(LaneIndex, ClassId)>,
    /// Nodes are others than when it was looked.
    pub(crate) is_stale: bool,
    /// Something has ended since it was looked.
    pub(crate) has_ended: bool,
    /// Who is on each node.
    tenants: Vec<Vec<Row>>,
    /// When jobs that run have ended at the latest.
    ends: FxHashMap<Row, i64>,
    /// Jobs that may fill in though the first of their class may not, each to be tried in its turn.
    pub(crate) fillers: Vec<Row>,
    /// While something is tried out: how many more nodes may be looked at for it.
    left: Option<usize>,
}

/// The reservations as they stood at a moment.
#[derive(Clone, Debug)]
pub struct Kept(Vec<Reservation>);

impl Reserve {
    pub(crate) fn moves_in(&mut self, row: Row, spots: &[Spot]) {
        for spot in spots {
            let host = spot.host as usize;
            if self.tenants.len() <= host {
                self.tenants.resize_with(host + 1, Vec::new);
            }
            self.tenants[host].push(row);
        }
    }

    pub(crate) fn moves_out(&mut self, row: Row, spots: &[Spot]) {
        self.has_ended = true;
        for spot in spots {
            let Some(tenants) = self.tenants.get_mut(spot.host as usize) else { continue };
            if let Some(position) = tenants.iter().rposition(|tenant| *tenant == row) {
                tenants.swap_remove(position);
            }
        }
    }

    pub(crate) fn forget_end(&mut self, row: Row) {
        self.ends.remove(&row);
    }

    fn kept_at(&self, site: u32) -> Option<usize> {
        self.list.iter().position(|one| one.site == site)
    }

    fn may_look(&self) -> bool {
        !self.is_off && self.looked_at < LOOKED_AT && self.left != Some(0)
    }

    /// When it is looked anew, where something has ended since that was last done. `None` where nothing is to be renewed.
    pub(crate) fn renewal_at_ms(&self) -> Option<i64> {
        let is_due = self.has_ended && !self.list.is_empty();
        self.window_ms.filter(|_| is_due).map(|at| at.saturating_add(WINDOW_MS))
    }

    fn looks_at(&mut self, hosts: usize) {
        self.looked_at += hosts;
        self.left = self.left.map(|left| left.saturating_sub(hosts));
    }
}

/// Nodes that are kept for a job which cannot start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved {
    pub job: JobId,
    pub nodes: Vec<NodeId>,
    /// When it starts at the latest, in milliseconds since the Unix epoch, if nothing of a higher standing comes and no
    /// node fails. `None` where nobody knows.
    pub until_ms: Option<i64>,
}

impl State {
    /// What is kept now, and for whom.
    #[must_use]
    pub fn reservations(&self) -> Vec<Reserved> {
        let reserved = |one: &Reservation| {
            let job = self.rows[self.holder(one)? as usize].id;
            let nodes = one.hosts.iter().map(|host| self.fleet.node(*host)).collect();
            Some(Reserved { job, nodes, until_ms: one.until_ms })
        };
        self.reserve.list.iter().filter_map(reserved).collect()
    }

    /// Whether nodes are kept for jobs that cannot start, as they are unless this says otherwise. Without it a job
    /// that needs much can be passed by for as long as others come that need little.
    pub fn keep_nodes(&mut self, is_on: bool) {
        self.reserve.is_off = !is_on;
        (0..self.reserve.list.len()).rev().for_each(|position| self.lift(position));
    }

    /// When a job that runs has ended at the latest, in milliseconds since the Unix epoch; `None` where that has no
    /// bound. Of what is placed here it is known from the job's own bound.
    pub fn bound(&mut self, job: JobId, ends_ms: Option<i64>) {
        let Some(row) = self.row_of.get(&job).copied() else { return };
        match ends_ms {
            Some(ends_ms) => self.reserve.ends.insert(row, ends_ms),
            None => self.reserve.ends.remove(&row),
        };
    }

    /// The reservations, before something is tried out; to be put back afterwards.
    #[must_use]
    pub fn kept(&mut self) -> Kept {
        self.reserve.left = Some(LOOKED_AT_TRIAL);
        Kept(self.reserve.list.clone())
    }

    pub fn put_back(&mut self, Kept(list): Kept) {
        (0..self.reserve.list.len()).rev().for_each(|position| self.lift(position));
        list.into_iter().for_each(|one| self.keep(one));
        self.reserve.left = None;
    }

    pub(crate) fn standing(&self, row: Row) -> Standing {
        let JobRow { lane, .. } = self.rows[row as usize];
        let queue = self.lanes[lane as usize].queue;
        (self.queues[queue as usize].queue.priority, self.rows[row as usize].priority)
    }

    pub(crate) fn holder(&self, one: &Reservation) -> Option<Row> {
        self.lanes[one.lane as usize].first(one.class)
    }

    pub(crate) fn is_holder(&self, lane: LaneIndex, class: ClassId) -> bool {
        self.reserve.list.iter().any(|one| (one.lane, one.class) == (lane, class))
    }

    /// Whether nodes are kept for a job of a class, and this is another.
    pub(crate) fn is_kept_for_another(&self, row: Row, class: ClassId) -> bool {
        self.reserve.list.iter().any(|one| one.class == class && self.holder(one) != Some(row))
    }

    fn keep(&mut self, one: Reservation) {
        one.hosts.iter().for_each(|host| self.fleet.set_aside(*host, true));
        self.reserve.list.push(one);
    }

    fn lift(&mut self, position: usize) {
        let one = self.reserve.list.swap_remove(position);
        one.hosts.iter().for_each(|host| self.fleet.set_aside(*host, false));
        self.reserve.lifted.extend(one.hosts);
    }

    /// A job may not start any more: nothing is kept for it.
    pub(crate) fn lets_go(&mut self, lane: LaneIndex, class: ClassId) {
        if let Some(position) =
            self.reserve.list.iter().position(|one| (one.lane, one.class) == (lane, class))
        {
            self.lift(position);
        }
    }

    /// Before jobs are tried: lets go of what is kept for nobody, and looks anew where it is time. What was let go counts
    /// as grown.
    pub(crate) fn renew_reservations(&mut self, now_ms: i64) {
        for position in (0..self.reserve.list.len()).rev() {
            if !self.may_start(&self.reserve.list[position]) {
                self.lift(position);
            }
        }
        let is_new = self.reserve.window_ms.is_none_or(|at| now_ms < at || now_ms - at >= WINDOW_MS);
        if is_new {
            (self.reserve.window_ms, self.reserve.looked_at) = (Some(now_ms), 0);
            self.reserve.in_vain.clear();
        }
        if std::mem::take(&mut self.reserve.is_stale)
            || (is_new && self.reserve.has_ended && self.reserve.may_look())
        {
            self.reserve.has_ended = false;
            self.reserve.in_vain.clear();
            for one in std::mem::take(&mut self.reserve.list) {
                self.keep_anew(one, now_ms);
            }
        }
        self.grown.append(&mut self.reserve.lifted);
    }

    /// Looks for those that were blocked before and are so still.
    pub(crate) fn look_again(&mut self, now_ms: i64) {
        if self.reserve.list.len() < self.fleet.count_sites() {
            self.look(now_ms);
        }
    }

    fn may_start(&self, one: &Reservation) -> bool {
        let queue = self.lanes[one.lane as usize].queue;
        let rules = &self.queues[queue as usize].queue;
        let total = &self.classes.get(one.class).total;
        self.holder(one).is_some()
            && !rules.paused
            && !self.ledger.is_over_quota(queue, one.lane, rules, total)
    }

    fn keep_anew(&mut self, one: Reservation, now_ms: i64) {
        one.hosts.iter().for_each(|host| self.fleet.set_aside(*host, false));
        self.reserve.looks_at(self.fleet.count_hosts());
        let found = self.nodes_for(one.site, one.class, now_ms);
        let (hosts, until_ms) = found.unwrap_or_default();
        // Once it is known until when they are kept, others may fill in.
        let opens = one.until_ms.is_none() && until_ms.is_some();
        let more = one.hosts.iter().filter(|host| opens || !hosts.contains(host));
        self.reserve.lifted.extend(more);
        if !hosts.is_empty() {
            self.keep(Reservation { hosts, until_ms, ..one });
        }
    }

    /// Lets classes be tried on nodes that are not kept any more.
    pub(crate) fn rouse_lifted(&mut self) {
        if !self.reserve.lifted.is_empty() {
            self.grown.append(&mut self.reserve.lifted);
            self.wake();
        }
    }

    /// A class found no room: the first in turn of those that did not may get nodes kept for it.
    pub(crate) fn is_blocked(&mut self, row: Row, class: ClassId, now_ms: i64) {
        let standing = self.standing(row);
        if self.fleet.sites_of(class).iter().any(|site| self.is_open(*site, standing)) {
            self.look(now_ms);
        }
    }

    fn is_open(&self, site: u32, standing: Standing) -> bool {
        self.reserve.kept_at(site).is_none_or(|position| self.reserve.list[position].standing < standing)
    }

    fn look(&mut self, now_ms: i64) {
        while self.reserve.may_look() {
            let Some((lane, entry)) = self.first_blocked() else { return };
            if !self.reserve_for(lane, entry, now_ms) {
                self.reserve.in_vain.insert((lane, entry.1));
            }
        }
    }

    /// The first in its turn that found no room and could have nodes kept for it.
    fn first_blocked(&self) -> Option<(LaneIndex, Entry)> {
        let mut best: Option<(LaneIndex, Entry, f64)> = None;
        let mut front = None;
        for (priority, share, queue) in &self.order {
            if best.is_some() && front != Some((*priority, *share)) {
                break;
            }
            front = Some((*priority, *share));
            let rules = &self.queues[*queue as usize].queue;
            for lane in &self.queues[*queue as usize].lanes {
                let could = |entry: &Entry| {
                    let class = entry.1;
                    let standing = (rules.priority, entry.0.0.0);
                    self.parking.is_parked(class)
                        && !self.reserve.in_vain.contains(&(*lane, class))
                        && !self.is_holder(*lane, class)
                        && self.fleet.sites_of(class).iter().any(|site| self.is_open(*site, standing))
                        && !self.ledger.is_over_quota(*queue, *lane, rules, &self.classes.get(class).total)
                        // What may fit again is tried first.
                        && !self.parking.is_roused(class, &self.fleet, &self.classes)
                };
                let Some(entry) = self.lanes[*lane as usize].first_of(could) else { continue };
                let share = self.ledger.user_share(*lane);
                if best.is_none_or(|(_, best, best_share)| {
                    by_turn((&entry.0, share), (&best.0, best_share)).is_lt()
                }) {
                    best = Some((*lane, entry, share));
                }
            }
        }
        best.map(|(lane, entry, _)| (lane, entry))
    }

    /// Keeps nodes for a job in the first of its clusters where that is open to it.
    fn reserve_for(&mut self, lane: LaneIndex, entry: Entry, now_ms: i64) -> bool {
        let class = entry.1;
        let Some(row) = self.lanes[lane as usize].first(class) else { return false };
        let standing = self.standing(row);
        let is_early = now_ms.saturating_sub(self.rows[row as usize].key().1) < PATIENCE_MS;
        for site in self.fleet.sites_of(class).to_vec() {
            if !self.is_open(site, standing) {
                continue;
            }
            self.reserve.looks_at(self.fleet.count_hosts());
            let Some((hosts, until_ms)) = self.nodes_for(site, class, now_ms) else { continue };
            if until_ms.is_none() && is_early {
                continue;
            }
            if let Some(position) = self.reserve.kept_at(site) {
                self.lift(position);
            }
            self.keep(Reservation { site, lane, class, standing, hosts, until_ms });
            return true;
        }
        false
    }

    /// From when on a job runs here its end is known, if it has one.
    pub(crate) fn starts(&mut self, row: Row, now_ms: i64) {
        match self.rows[row as usize].most_ms {
            Some(most) => self.reserve.ends.insert(row, now_ms.saturating_add(most)),
            None => self.reserve.ends.remove(&row),
        };
    }
}
