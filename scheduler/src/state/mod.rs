//! The core with a memory: what changed goes in, placements come out.
//!
//! A cycle costs what changed. A class that fits nowhere is parked; it is tried again where something ended on a
//! node that would take it, or when nodes or their clusters change. A class of a lane that is over a quota waits for
//! its queue to give something back.

mod attempt;
mod turn;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use lilac_api::job::Amounts;
use lilac_api::{ClusterId, JobId, NodeId, QueueId, UserId};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::age::Ages;
use crate::class::{Class, ClassId, Classes};
use crate::fleet::{Fleet, HostId, ImageId, Spot};
use crate::ledger::{Claim, LaneIndex, Ledger, QueueIndex};
use crate::line::{Key, Lane, Row};
use crate::parking::Parking;
use crate::policy::Policy;
use crate::preempt::Yielding;
use crate::reserve::Reserve;
use crate::snapshot::{Alternative, Held, Job, Node, Queue, Snapshot};
pub(crate) use crate::state::turn::by_turn;

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
        self.reserve.fillers.retain(|other| *other != row);
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

    pub(crate) fn queue_index(&self, queue: QueueId) -> Option<QueueIndex> {
        self.queue_of.get(&queue).copied()
    }
}
