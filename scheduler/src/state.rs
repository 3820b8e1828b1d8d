//! The core with a memory: what changed goes in, placements come out.
//!
//! A cycle costs what changed. A class that fits nowhere is parked; it is tried again where something ended on a
//! node that would take it, or when nodes or their clusters change. A class of a lane that is over a quota waits for
//! its queue to give something back.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

use lilac_api::job::Amounts;
use lilac_api::{ClusterId, JobId, NodeId, QueueId, UserId};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::age::Ages;
use crate::class::{Class, ClassId, Classes};
use crate::fleet::{Fleet, HostId, ImageId, Spot};
use crate::gang::Spots;
use crate::ledger::{Claim, LaneIndex, Ledger, QueueIndex};
use crate::line::{Entry, Key, Lane, Row};
use crate::parking::{Parking, Roused};
use crate::plan::Placement;
use crate::policy::Policy;
use crate::preempt::Yielding;
use crate::reserve::Reserve;
use crate::snapshot::{Alternative, Held, Job, Node, Queue, Snapshot};

/// So many nodes where something ended are looked at one by one; more of them unpark everything.
const FEW_GROWN: usize = 64;

/// What the scheduler knows: nodes, queues, what waits and what it has placed.
#[derive(Default)]
pub struct State {
    pub(crate) fleet: Fleet,
    pub(crate) ledger: Ledger,
    pub(crate) classes: Classes,
    /// What each node has in all.
    pub(crate) nodes: FxHashMap<NodeId, Amounts>,
    pub(crate) queues: Vec<QueueRow>,
    pub(crate) queue_of: FxHashMap<QueueId, QueueIndex>,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) lane_of: FxHashMap<(QueueIndex, UserId), LaneIndex>,
    /// Queues that are not paused, by priority and share.
    pub(crate) order: BTreeSet<(Reverse<i32>, u64, QueueIndex)>,
    pub(crate) is_ordered: bool,
    pub(crate) rows: Vec<JobRow>,
    pub(crate) vacant: Vec<Row>,
    pub(crate) row_of: FxHashMap<JobId, Row>,
    /// The places of all ranks but the first, of jobs on several nodes.
    pub(crate) ranks: FxHashMap<Row, Vec<Spot>>,
    /// Jobs that are not tried before a time, and the time of each.
    pub(crate) later: BTreeSet<(i64, Row)>,
    pub(crate) later_of: FxHashMap<Row, i64>,
    pub(crate) parking: Parking,
    /// Nodes where something ended since all classes were last tried.
    pub(crate) grown: Vec<HostId>,
    pub(crate) has_new_room: bool,
    /// The class of the alternative that a job was placed as.
    pub(crate) chosen: FxHashMap<Row, ClassId>,
    /// Waiting for room with one of their resources, and for a quota with another, or for room that is kept for another
    /// of their class: capped, and to be tried where something ended, too.
    pub(crate) torn: FxHashSet<(LaneIndex, ClassId)>,
    pub(crate) reserve: Reserve,
    pub(crate) yielding: Yielding,
    pub(crate) ages: Ages,
    pub(crate) now_ms: i64,
    /// Nobody is ready to be tried in any line, but for those who are roused.
    pub(crate) is_quiet: bool,
}

pub(crate) struct QueueRow {
    pub(crate) queue: Queue,
    pub(crate) lanes: Vec<LaneIndex>,
    /// The same, by the shares of their users.
    pub(crate) by_share: BTreeSet<(u64, LaneIndex)>,
    /// Those in which something waits for a quota.
    capped: Vec<LaneIndex>,
    /// How many of its jobs stand in line, by priority.
    priorities: BTreeMap<u8, u32>,
    pub(crate) place: (Reverse<i32>, u64, QueueIndex),
}

impl QueueRow {
    fn count(&mut self, priority: u8, more: i32) {
        let waiting = self.priorities.entry(priority).or_default();
        *waiting = waiting.saturating_add_signed(more);
        if *waiting == 0 {
            self.priorities.remove(&priority);
        }
    }

    /// The highest priority of a job that stands in line.
    fn highest(&self) -> u8 {
        self.priorities.last_key_value().map_or(0, |(priority, _)| *priority)
    }
}

pub(crate) struct JobRow {
    pub(crate) id: JobId,
    submitted_ms: i64,
    pub(crate) priority: u8,
    /// How long it runs at most.
    pub(crate) most_ms: Option<i64>,
    pub(crate) image: Option<ImageId>,
    pub(crate) class: ClassId,
    pub(crate) lane: LaneIndex,
    /// Where its first rank runs, once it is placed.
    pub(crate) spot: Option<(HostId, Box<[u16]>)>,
}

impl JobRow {
    pub(crate) fn key(&self) -> Key {
        (Reverse(self.priority), self.submitted_ms, self.id)
    }
}

impl State {
    /// All of a snapshot but its jobs.
    pub(crate) fn without_jobs(snapshot: &Snapshot) -> Self {
        let mut state = Self::default();
        snapshot.clusters.iter().for_each(|cluster| state.put_cluster(cluster.id, cluster.policy));
        snapshot.nodes.iter().for_each(|node| state.put_node(node));
        snapshot.images.iter().for_each(|images| state.put_images(images.node, &images.names));
        snapshot.queues.iter().for_each(|queue| state.put_queue(queue));
        snapshot.held.iter().for_each(|held| state.hold(held));
        state
    }

    /// Everything that a snapshot tells.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut state = Self::without_jobs(snapshot);
        snapshot.jobs.iter().for_each(|job| state.add_job(job));
        state
    }

    pub fn put_cluster(&mut self, cluster: ClusterId, policy: Policy) {
        self.fleet.put_cluster(cluster, policy);
        self.has_new_room = true;
    }

    /// A node joined, or something about it changed: what it has, what is taken of it, whether it is ready.
    pub fn put_node(&mut self, node: &Node) {
        self.fleet.put(node);
        self.count_node(node);
    }

    /// These are the images that a node has now, by all their names.
    pub fn put_images(&mut self, node: NodeId, names: &[String]) {
        self.fleet.put_images(node, names);
    }

    pub(crate) fn count_node(&mut self, node: &Node) {
        let whole = Amounts { gpus: u32::try_from(node.gpus.len()).unwrap_or(u32::MAX), ..node.capacity };
        if let Some(before) = self.nodes.insert(node.id, whole) {
            self.ledger.remove_node(&before);
        }
        self.ledger.add_node(&whole);
        self.reserve.is_stale = true;
        self.is_ordered = false;
        match self.fleet.host_of(node.id) {
            Some(host) => self.grow(host),
            None => self.has_new_room = true,
        }
    }

    /// A node is gone. What ran there ends by [`State::end`], before or after.
    pub fn remove_node(&mut self, node: NodeId) {
        if let Some(before) = self.nodes.remove(&node) {
            self.ledger.remove_node(&before);
            self.fleet.remove(node);
            self.reserve.is_stale = true;
            self.is_ordered = false;
        }
    }

    pub fn put_queue(&mut self, queue: &Queue) {
        self.is_ordered = false;
        match self.queue_of.get(&queue.id) {
            Some(index) => {
                let row = &mut self.queues[*index as usize];
                row.queue = queue.clone();
                self.is_quiet = false;
                let lanes = row.lanes.clone();
                lanes.into_iter().for_each(|lane| self.uncap(lane));
            }
            None => {
                let index = self.queues.len() as QueueIndex;
                self.queue_of.insert(queue.id, index);
                let place = (Reverse(queue.priority), 0, index);
                self.queues.push(QueueRow {
                    queue: queue.clone(),
                    lanes: Vec::new(),
                    by_share: BTreeSet::new(),
                    capped: Vec::new(),
                    priorities: BTreeMap::new(),
                    place,
                });
                self.ledger.add_queue();
            }
        }
    }

    /// What runs already and was not placed by this state counts for quotas and shares.
    pub fn hold(&mut self, held: &Held) {
        let Some(queue) = self.queue_of.get(&held.queue).copied() else { return };
        let lane = self.lane(queue, held.user);
        self.ledger.take(queue, lane, held.jobs, &Claim::of(&held.amounts));
        self.is_ordered = false;
    }

    /// A job waits. One of an unknown queue, or one that is known, is passed over.
    pub fn add_job(&mut self, job: &Job) {
        let Some(queue) = self.queue_of.get(&job.queue).copied() else { return };
        if self.row_of.contains_key(&job.id) {
            return;
        }
        let row = self.enter(job, queue);
        self.observe(self.rows[row as usize].class, 1);
        match job.not_before_ms {
            Some(not_before_ms) => {
                self.later.insert((not_before_ms, row));
                self.later_of.insert(row, not_before_ms);
            }
            None => self.line_up(row),
        }
    }

    /// A row for a job, which stands nowhere yet.
    pub(crate) fn enter(&mut self, job: &Job, queue: QueueIndex) -> Row {
        let class = self.class(job, queue);
        let lane = self.lane(queue, job.user);
        let &Job { id, submitted_ms, priority, max_runtime_ms: most_ms, .. } = job;
        let image = job.image.as_deref().map(|name| self.fleet.image(name));
        let row = self.store(JobRow { id, submitted_ms, priority, most_ms, image, class, lane, spot: None });
        self.row_of.insert(job.id, row);
        row
    }

    /// So many jobs like this one are usual: places are chosen with them in mind before they come.
    pub fn expect(&mut self, job: &Job, times: u64) {
        let Some(queue) = self.queue_of.get(&job.queue).copied() else { return };
        let class = self.class(job, queue);
        self.observe(class, times);
    }

    pub(crate) fn class(&mut self, job: &Job, queue: QueueIndex) -> ClassId {
        let queue = &self.queues[queue as usize].queue;
        let mut class = Class::of(job, queue);
        for Alternative { requests, gpus } in &job.alternatives {
            let other = Job { requests: *requests, gpus: gpus.clone(), ..job.clone() };
            let option = self.classes.intern(Class::of(&other, queue));
            self.parking.enter(option, &self.classes);
            class.alternatives.push(option);
        }
        let class = self.classes.intern(class);
        self.parking.enter(class, &self.classes);
        class
    }

    pub(crate) fn observe(&mut self, class: ClassId, times: u64) {
        if self.classes.get(class).need.gpus > 0 {
            self.fleet.observe(class, times);
        }
    }

    fn store(&mut self, job: JobRow) -> Row {
        match self.vacant.pop() {
            Some(row) => {
                self.rows[row as usize] = job;
                row
            }
            None => {
                self.rows.push(job);
                self.rows.len() as Row - 1
            }
        }
    }

    pub(crate) fn line_up(&mut self, row: Row) {
        let rows = &self.rows;
        let JobRow { class, lane, .. } = rows[row as usize];
        if self.lanes[lane as usize].insert(row, class, |row| rows[row as usize].key()) {
            self.parking.joins(class, lane);
        }
        self.queues[self.lanes[lane as usize].queue as usize].count(rows[row as usize].priority, 1);
        self.parking.count(class, 1);
        self.is_quiet = false;
        self.may_fill_in(row);
    }

    /// Takes a job that waits out of its line.
    pub(crate) fn step_out(&mut self, row: Row) {
        let rows = &self.rows;
        let JobRow { class, lane, .. } = rows[row as usize];
        if self.lanes[lane as usize].remove(row, class, |row| rows[row as usize].key()) {
            self.queues[self.lanes[lane as usize].queue as usize].count(rows[row as usize].priority, -1);
            self.parking.count(class, -1);
            if self.lanes[lane as usize].first(class).is_none() {
                self.parking.leaves(class, lane);
            }
        }
    }

    pub(crate) fn lane(&mut self, queue: QueueIndex, user: UserId) -> LaneIndex {
        *self.lane_of.entry((queue, user)).or_insert_with(|| {
            self.lanes.push(Lane::new(queue));
            self.ledger.add_lane();
            let lane = self.lanes.len() as LaneIndex - 1;
            self.queues[queue as usize].lanes.push(lane);
            self.queues[queue as usize].by_share.insert((0, lane));
            lane
        })
    }

    /// A job has ended, or waits no longer: what it held is free.
    pub fn end(&mut self, job: JobId) {
        let Some(row) = self.row_of.remove(&job) else { return };
        self.reserve.forget_end(row);
        if self.give_back(row).is_none() {
            self.step_out(row);
            if let Some(not_before_ms) = self.later_of.remove(&row) {
                self.later.remove(&(not_before_ms, row));
            }
        }
        self.vacant.push(row);
    }

    /// Frees what a job holds, if it holds a place.
    pub(crate) fn give_back(&mut self, row: Row) -> Option<()> {
        let spots = self.take_spots(row)?;
        self.left(row);
        let lane = self.rows[row as usize].lane;
        spots.iter().for_each(|spot| self.grow(spot.host));
        let class = self.classes.get(self.held_class(row));
        self.chosen.remove(&row);
        spots.iter().for_each(|spot| self.fleet.give(spot, &class.need));
        let queue = self.lanes[lane as usize].queue;
        self.ledger.give(queue, lane, 1, &class.total);
        let capped = std::mem::take(&mut self.queues[queue as usize].capped);
        capped.into_iter().for_each(|lane| self.uncap(lane));
        self.reorder(queue);
        Some(())
    }

    /// There may be more room on a node than before.
    fn grow(&mut self, host: HostId) {
        // Where there are more, all is tried again anyway.
        if self.grown.len() <= FEW_GROWN && !self.grown.contains(&host) {
            self.grown.push(host);
        }
    }

    /// Places what can be placed, at most so many jobs.
    pub fn schedule(&mut self, now_ms: i64, most: usize) -> Vec<Placement> {
        self.now_ms = now_ms;
        self.settle(now_ms);
        let mut placements = Vec::new();
        while placements.len() < most {
            // Whoever was refused what was kept goes before those who come after in turn.
            self.rouse_lifted();
            let Some((lane, entry)) = self.next() else {
                self.rest();
                break;
            };
            let placed = match self.eldest_instead(lane) {
                Some(eldest) => self.attempt_row(eldest),
                None => self.attempt(lane, entry),
            };
            placements.extend(placed);
        }
        placements
    }

    /// Nobody is left to be tried. Those who wait for something else than room are tried when that has come.
    fn rest(&mut self) {
        let Self { parking, fleet, classes, lanes, rows, is_quiet, .. } = self;
        for class in parking.rest(fleet, classes) {
            *is_quiet = false;
            lanes.iter_mut().for_each(|lane| lane.release(class, |row| rows[row as usize].key()));
        }
    }

    pub(crate) fn settle(&mut self, now_ms: i64) {
        while let Some((not_before_ms, row)) = self.later.first().copied().filter(|(at, _)| *at <= now_ms) {
            self.later.remove(&(not_before_ms, row));
            self.later_of.remove(&row);
            self.line_up(row);
        }
        self.fleet.settle(&self.classes);
        if !self.is_ordered {
            self.order.clear();
            (0..self.queues.len() as QueueIndex).for_each(|queue| self.reorder(queue));
            self.ledger.move_all();
            self.is_ordered = true;
        }
        self.look_at_ages(now_ms);
        self.renew_reservations(now_ms);
        self.wake();
        self.look_again(now_ms);
    }

    /// Unparks the classes that may fit again.
    pub(crate) fn wake(&mut self) {
        self.mend_torn();
        if self.has_new_room || self.grown.len() > FEW_GROWN {
            self.has_new_room = false;
            self.grown.clear();
            self.parking.unpark_all();
            self.is_quiet = false;
            self.lanes.iter_mut().for_each(Lane::unpark);
            return;
        }
        self.parking.wake(&self.grown, &self.fleet, &self.classes);
        self.grown.clear();
    }

    /// Who is to be tried next, as things stand.
    fn next(&mut self) -> Option<(LaneIndex, Entry)> {
        self.sort_lanes();
        match self.parking.roused() {
            Roused::Many => self.first_of_lanes(true),
            Roused::Nobody => self.first_of_lanes(false),
            Roused::Few(few) => {
                let both = [self.first_of_lanes(false), self.first_of_classes(&few)];
                both.into_iter().flatten().min_by_key(|(lane, entry)| self.turn_of(*lane, entry.0))
            }
        }
    }

    /// Goes through the lanes in their turn. Those who are parked and roused count where that is said.
    fn first_of_lanes(&mut self, counts_roused: bool) -> Option<(LaneIndex, Entry)> {
        if self.is_quiet && !counts_roused {
            return None;
        }
        let Self { fleet, classes, parking, lanes, .. } = self;
        let is_roused = |class: ClassId| parking.is_roused(class, fleet, classes);
        let is_roused = counts_roused.then_some(is_roused);
        let mut best: Option<(LaneIndex, Entry, f64)> = None;
        let mut front = None;
        for (priority, share, queue) in &self.order {
            if best.is_some() && front != Some((*priority, *share)) {
                break;
            }
            front = Some((*priority, *share));
            let of_queue = &self.queues[*queue as usize];
            for (share, lane) in &of_queue.by_share {
                let share = f64::from_bits(*share);
                // Who has more goes first only by a higher priority.
                if let Some((_, best, best_share)) = &best
                    && share > *best_share
                    && of_queue.highest() <= best.0.0.0
                {
                    break;
                }
                let Some(entry) = lanes[*lane as usize].head(parking, is_roused) else { continue };
                if best.is_none_or(|(_, best, best_share)| {
                    by_turn((&entry.0, share), (&best.0, best_share)).is_lt()
                }) {
                    best = Some((*lane, entry, share));
                }
            }
        }
        self.is_quiet = best.is_none();
        best.map(|(lane, entry, _)| (lane, entry))
    }

    /// Goes through the lanes in which jobs of these classes stand.
    fn first_of_classes(&self, few: &[ClassId]) -> Option<(LaneIndex, Entry)> {
        let mut best: Option<(Turn, LaneIndex, Entry)> = None;
        for (class, lane) in
            few.iter().flat_map(|class| self.parking.lanes(*class).iter().map(|lane| (*class, *lane)))
        {
            let of_queue = &self.queues[self.lanes[lane as usize].queue as usize];
            let (priority, share, _) = of_queue.place;
            // What is known of a lane mostly tells that its turn comes later.
            let soonest = (priority, share, Reverse(of_queue.highest()), self.ledger.sorted_share(lane));
            if of_queue.queue.paused
                || best.is_some_and(|(best, ..)| soonest > (best.0, best.1, best.2, best.3))
            {
                continue;
            }
            let Some(first) = self.lanes[lane as usize].first(class) else { continue };
            let key = self.rows[first as usize].key();
            let turn = self.turn_of(lane, key);
            if best.is_none_or(|(best, ..)| turn < best) {
                best = Some((turn, lane, (key, class)));
            }
        }
        best.map(|(_, lane, entry)| (lane, entry))
    }

    fn turn_of(&self, lane: LaneIndex, key: Key) -> Turn {
        let (priority, share, _) = self.queues[self.lanes[lane as usize].queue as usize].place;
        (priority, share, key.0, self.ledger.sorted_share(lane), key.1, key.2)
    }

    /// Puts those users where their shares belong who got or gave something.
    pub(crate) fn sort_lanes(&mut self) {
        while let Some((lane, before, share)) = self.ledger.next_moved() {
            if share != before {
                let by_share = &mut self.queues[self.lanes[lane as usize].queue as usize].by_share;
                by_share.remove(&(before, lane));
                by_share.insert((share, lane));
            }
        }
    }

    fn attempt(&mut self, lane: LaneIndex, entry: Entry) -> Option<Placement> {
        let row = self.lanes[lane as usize].first(entry.1)?;
        self.attempt_row(row)
    }

    /// Places a job whose turn it is, if it fits.
    fn attempt_row(&mut self, row: Row) -> Option<Placement> {
        let JobRow { class, lane, .. } = self.rows[row as usize];
        match self.try_options(lane, class, row) {
            Tried::Over => {
                self.cap(lane, class);
                self.lets_go(lane, class);
            }
            // Nodes may be kept for that one of its class: it has yet to be tried.
            Tried::Blocked if self.is_kept_for_another(row, class) => {
                self.cap(lane, class);
                self.torn.insert((lane, class));
            }
            Tried::Torn => {
                self.cap(lane, class);
                self.torn.insert((lane, class));
            }
            Tried::Blocked => {
                self.parking.park(class);
                self.is_blocked(row, class, self.now_ms);
            }
            Tried::Fits(row, alternative, option, spots) => {
                self.ages.count_start(self.queue_of_row(row));
                self.step_out(row);
                let placement = self.placement(self.rows[row as usize].id, &spots, alternative);
                if option != class {
                    self.chosen.insert(row, option);
                }
                let hosts: SmallVec<[HostId; 1]> = spots.iter().map(|spot| spot.host).collect();
                self.hold_spots(row, spots);
                self.starts(row, self.now_ms);
                hosts.iter().for_each(|host| self.parking.taken(*host, &self.fleet, &self.classes));
                return Some(placement);
            }
        }
        None
    }

    /// All jobs of a class in a lane wait for a quota.
    fn cap(&mut self, lane: LaneIndex, class: ClassId) {
        let Some(first) = self.lanes[lane as usize].first(class) else { return };
        let key = self.rows[first as usize].key();
        self.lanes[lane as usize].cap((key, class));
        self.parking.leaves(class, lane);
        let capped = &mut self.queues[self.lanes[lane as usize].queue as usize].capped;
        if !capped.contains(&lane) {
            capped.push(lane);
        }
    }

    /// What waited for a quota in a lane is to be tried.
    pub(crate) fn uncap(&mut self, lane: LaneIndex) {
        for class in self.lanes[lane as usize].uncap() {
            self.parking.joins(class, lane);
            self.is_quiet = false;
        }
    }

    /// Looks for a place with each of the resources that would do.
    fn try_options(&mut self, lane: LaneIndex, class: ClassId, row: Row) -> Tried {
        let queue = self.lanes[lane as usize].queue;
        let (mut is_over, mut is_blocked) = (false, false);
        for alternative in 0..=self.classes.get(class).alternatives.len() {
            let option = match alternative {
                0 => class,
                _ => self.classes.get(class).alternatives[alternative - 1],
            };
            let total = &self.classes.get(option).total;
            if self.ledger.is_over_quota(queue, lane, &self.queues[queue as usize].queue, total) {
                is_over = true;
            } else if let Some(spots) = self.find_place((lane, class), option, row, self.now_ms) {
                return Tried::Fits(row, alternative, option, spots);
            } else if let Some((row, spots)) = self.fill_in_later((lane, class), option, self.now_ms) {
                return Tried::Fits(row, alternative, option, spots);
            } else {
                is_blocked = true;
            }
        }
        match (is_over, is_blocked) {
            (true, true) => Tried::Torn,
            (true, false) => Tried::Over,
            _ => Tried::Blocked,
        }
    }

    /// Lets those be tried again that wait for room and for a quota, where there is room.
    fn mend_torn(&mut self) {
        if self.torn.is_empty() {
            return;
        }
        let all = self.has_new_room || self.grown.len() > FEW_GROWN;
        let Self { torn, fleet, classes, grown, .. } = self;
        let fits = |class| all || grown.iter().any(|host| fleet.fits_on(*host, class, classes));
        let mended: Vec<(LaneIndex, ClassId)> = torn.extract_if(|(_, class)| fits(*class)).collect();
        mended.into_iter().for_each(|(lane, _)| self.uncap(lane));
    }

    /// Puts a queue where its share belongs.
    pub(crate) fn reorder(&mut self, index: QueueIndex) {
        let row = &mut self.queues[index as usize];
        self.order.remove(&row.place);
        // Shares are not negative, so their bits sort as they do.
        let share = self.ledger.queue_share(index, &row.queue).to_bits();
        // What is guaranteed comes before what is borrowed.
        let is_guaranteed = self.ledger.has_guaranteed_room(index, &row.queue.guaranteed);
        let share = share | u64::from(!is_guaranteed) << 63;
        row.place = (Reverse(row.queue.priority), share, index);
        if !row.queue.paused {
            self.order.insert(row.place);
        }
    }

    pub(crate) fn queue_index(&self, queue: QueueId) -> Option<QueueIndex> {
        self.queue_of.get(&queue).copied()
    }
}

/// Whose turn it is, over all queues: by the priority of the queue, its share, the job's priority, its user's share, when
/// it was submitted, and its id.
type Turn = (Reverse<i32>, u64, Reverse<u8>, u64, i64, JobId);

/// What became of an attempt.
enum Tried {
    /// A place for this job with one of the resources: which of them, its class, and where.
    Fits(Row, usize, ClassId, Spots),
    /// Nowhere is room for any of them.
    Blocked,
    /// All of them are over a quota.
    Over,
    /// Some are over a quota, and for the others there is no room.
    Torn,
}

/// Whose turn it is, of two jobs in queues that stand equal.
pub(crate) fn by_turn((one, one_share): (&Key, f64), (other, other_share): (&Key, f64)) -> Ordering {
    (one.0.cmp(&other.0))
        .then(one_share.total_cmp(&other_share))
        .then((one.1, one.2).cmp(&(other.1, other.2)))
}
