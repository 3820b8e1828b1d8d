//! What the scheduler knows of the database, in memory: the core's state, and beside it what is needed to carry a
//! placement out. Rows go in as they are read, in any order and any number of times; placements come out.
//!
//! Everything here is a mirror. What it says is verified when it is applied, and where it turned out wrong the rows
//! are read again. Nothing is decided by what it remembers but the order of work.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use lilac_api::job::Amounts;
use lilac_api::spec::Runtime;
use lilac_api::{AttemptId, ClusterId, JobId, NodeId, QueueId, UserId};
use lilac_scheduler::{Cluster, Foreseen, Inquiry, Job, Node, Part, Policy, Queue, State};

use super::asked::{Asked, offers};
use super::bookings::Booking;
use super::explained::Run;

/// A mirror of the database as far as placing jobs goes.
#[derive(Default)]
pub struct World {
    pub(super) state: State,
    pub(super) now_ms: i64,
    queues: HashMap<QueueId, Queue>,
    clusters: HashMap<ClusterId, Policy>,
    pub(super) nodes: HashMap<NodeId, Known>,
    pub(super) jobs: HashMap<JobId, Tracked>,
    /// Jobs that began to wait, or wait anew, since it was last asked.
    pub(super) anew: Vec<JobId>,
    /// Places that are being cleared, by the job that they are for.
    pub(super) bookings: HashMap<JobId, Booking>,
    /// There is a node that runs processes in place of containers.
    has_processes: bool,
    /// Something was seen that cannot be followed: all is to be read anew.
    pub(super) is_in_doubt: bool,
}

/// A node, with nothing taken on it: what is taken follows from the jobs.
pub(super) struct Known {
    pub(super) node: Node,
    mark: Mark,
    max_disconnect: Duration,
}

/// Tells whether a node has changed.
pub type Mark = (i64, bool);

pub(super) struct Tracked {
    pub(super) epoch: i32,
    queue: QueueId,
    owner: UserId,
    priority: u8,
    pub(super) asked: Arc<Asked>,
    pub(super) standing: Standing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Waiting {
        not_before_ms: Option<i64>,
    },
    /// Planned to go there, with its first rank; the database may not know it yet.
    Placed(NodeId),
    Live(NodeId),
}

/// A job as its row says.
pub struct JobRow {
    pub id: JobId,
    pub epoch: i32,
    pub queue: QueueId,
    pub owner: UserId,
    pub priority: u8,
    pub submitted_at: DateTime<Utc>,
    /// With the alternative that a live one was given.
    pub asked: Arc<Asked>,
    /// When a live one has ended at the latest, in milliseconds since the Unix epoch.
    pub ends_ms: Option<i64>,
    /// For one that runs and may be put back in its queue: since when its work would be lost.
    pub yields_since: Option<DateTime<Utc>>,
    pub now: Now,
}

/// What a job's row means to the scheduler.
pub enum Now {
    Waits {
        not_before: Option<DateTime<Utc>>,
    },
    /// A place for each rank, in order; at least one.
    Runs {
        parts: Vec<Part>,
    },
    /// It has ended, is held, or waits for others.
    IsNot,
}

/// A placement that the plan asks for, with all that is needed to carry it out.
#[derive(Clone)]
pub struct Order {
    pub job: JobId,
    /// What its attempt will be called.
    pub attempt: AttemptId,
    pub queue: QueueId,
    pub owner: UserId,
    /// The job's epoch when it was planned.
    pub epoch: i32,
    pub node: NodeId,
    pub gpu_indices: Vec<u16>,
    /// Where its other ranks go.
    pub others: Vec<Part>,
    /// What it gets: of resources that would do, those that there is room for.
    pub asked: Arc<Asked>,
    /// Which those are: 0 for what it asks for first.
    pub alternative: usize,
    /// Length of its leases.
    pub lease: Duration,
}

impl Order {
    /// All places that it takes: a node for each rank, and the GPUs there.
    pub fn places(&self) -> impl Iterator<Item = (NodeId, &[u16])> {
        let first = std::iter::once((self.node, self.gpu_indices.as_slice()));
        first.chain(self.others.iter().map(|part| (part.node, part.gpu_indices.as_slice())))
    }
}

impl World {
    /// One that knows nothing yet, at a time in milliseconds since the Unix epoch.
    pub fn at(now_ms: i64) -> Self {
        Self { now_ms, ..Self::default() }
    }

    /// Takes over the queues and clusters that there are. A queue that feeds other clusters than before changes what
    /// each of its jobs can be given, which is cause to read all anew.
    pub fn learn_queues(&mut self, queues: Vec<Queue>, clusters: Vec<Cluster>) {
        for Cluster { id, policy } in clusters {
            if self.clusters.insert(id, policy) != Some(policy) {
                self.state.put_cluster(id, policy);
            }
        }
        let there: HashSet<QueueId> = queues.iter().map(|queue| queue.id).collect();
        let gone: Vec<QueueId> = self.queues.keys().filter(|id| !there.contains(id)).copied().collect();
        // Its last jobs may still run, and count for nobody else.
        let gone = gone.iter().filter_map(|id| self.queues.remove(id));
        gone.for_each(|queue| self.state.put_queue(&Queue { paused: true, ..queue }));
        for queue in queues {
            let before = self.queues.get(&queue.id);
            if before == Some(&queue) {
                continue;
            }
            self.is_in_doubt |= before.is_some_and(|before| before.clusters != queue.clusters);
            self.state.put_queue(&queue);
            self.queues.insert(queue.id, queue);
        }
    }

    /// Which of these nodes are not as they are known, and which known ones are not among them.
    pub fn changed_nodes(&self, marks: &HashMap<NodeId, Mark>) -> (Vec<NodeId>, Vec<NodeId>) {
        let is_new =
            |(id, mark): &(&NodeId, &Mark)| self.nodes.get(id).is_none_or(|known| known.mark != **mark);
        let changed = marks.iter().filter(is_new).map(|(id, _)| *id).collect();
        let gone = self.nodes.keys().filter(|id| !marks.contains_key(id)).copied().collect();
        (changed, gone)
    }

    pub fn learn_node(&mut self, node: Node, mark: Mark, max_disconnect: Duration) {
        let node = Node { allocated: Amounts::default(), ..node };
        if !self.has_processes && node.labels.contains_key(Runtime::LABEL) {
            // Jobs that are known already do not say yet that they are not for it.
            self.has_processes = true;
            self.is_in_doubt |= !self.jobs.is_empty();
        }
        self.is_in_doubt |= !self.state.renew_node(&node);
        let id = node.id;
        self.nodes.insert(id, Known { node, mark, max_disconnect });
        self.recheck_bookings(id);
    }

    /// A node has these images, by all their names.
    pub fn learn_images(&mut self, id: NodeId, names: &[String]) {
        self.state.put_images(id, names);
    }

    pub fn forget_node(&mut self, id: NodeId) {
        self.nodes.remove(&id);
        self.recheck_bookings(id);
        self.state.remove_node(id);
    }

    /// Whether the queue and the node that the row names are known: if not, they are newer than what was read.
    pub fn can_place(&self, row: &JobRow) -> bool {
        match &row.now {
            Now::IsNot => true,
            Now::Waits { .. } => self.queues.contains_key(&row.queue),
            Now::Runs { parts } => {
                self.queues.contains_key(&row.queue)
                    && parts.iter().all(|part| self.nodes.contains_key(&part.node))
            }
        }
    }

    /// Takes over what a job's row says. Said twice, it changes nothing.
    pub fn learn(&mut self, row: JobRow) {
        let (id, since) = (row.id, row.yields_since);
        self.take_over(row);
        self.state.let_yield(id, since.map(|at| at.timestamp_millis()));
        self.keep_booking(id);
    }

    fn take_over(&mut self, row: JobRow) {
        let standing = match &row.now {
            Now::IsNot => {
                self.forget(row.id);
                return;
            }
            Now::Waits { not_before } => {
                Standing::Waiting { not_before_ms: not_before.map(|at| at.timestamp_millis()) }
            }
            Now::Runs { parts } => match parts.first() {
                Some(first) => Standing::Live(first.node),
                None => return self.forget(row.id),
            },
        };
        if let Some(known) = self.jobs.get_mut(&row.id) {
            let is_own = matches!(known.standing, Standing::Placed(_));
            match standing {
                // Planned and not yet carried out: the outcome will tell.
                Standing::Waiting { .. } if is_own && known.epoch == row.epoch => return,
                // Carried out, and read back before the outcome was told.
                Standing::Live(node)
                    if known.standing == Standing::Placed(node) && known.epoch + 1 == row.epoch =>
                {
                    (known.epoch, known.standing) = (row.epoch, standing);
                    self.state.bound(row.id, row.ends_ms);
                    return;
                }
                _ => {}
            }
            let asks_same = Arc::ptr_eq(&known.asked, &row.asked) || known.asked == row.asked;
            if (known.epoch, known.queue, known.priority, known.standing)
                == (row.epoch, row.queue, row.priority, standing)
                && asks_same
            {
                // It may have begun to run only now, or have got more time.
                if matches!(standing, Standing::Live(_)) {
                    self.state.bound(row.id, row.ends_ms);
                }
                return;
            }
        }
        self.take_in(row, standing);
    }

    fn take_in(&mut self, row: JobRow, standing: Standing) {
        let JobRow { id, epoch, queue, owner, priority, submitted_at, asked, ends_ms, yields_since: _, now } =
            row;
        let not_before_ms = match standing {
            Standing::Waiting { not_before_ms } => not_before_ms.filter(|at| *at > self.now_ms),
            _ => None,
        };
        let job = asked.job(id, queue, owner, priority, submitted_at.timestamp_millis(), not_before_ms);
        let job = self.with_runtime(job, asked.runtime);
        self.state.end(id);
        if let Now::Runs { parts } = now {
            if !self.state.adopt(&job, &parts) {
                tracing::debug!(job_id = %id, ?parts, "runs on a node that is not there");
            }
            self.state.bound(id, ends_ms);
        } else {
            self.state.add_job(&job);
            self.anew.push(id);
        }
        self.jobs.insert(id, Tracked { epoch, queue, owner, priority, asked, standing });
    }

    /// A job that asks for nodes of its runtime. Where all nodes run containers, it need not ask for that.
    pub fn with_runtime(&self, mut job: Job, runtime: Runtime) -> Job {
        if self.has_processes || runtime != Runtime::Docker {
            job.constraints.push(offers(runtime));
        }
        job
    }

    /// A job is not there, as far as placing it goes.
    pub fn forget(&mut self, id: JobId) {
        if self.jobs.remove(&id).is_some() {
            self.state.end(id);
            self.bookings.remove(&id);
        }
    }

    /// The next placements, at most so many. From now on they count as made, until [`World::settle`] says otherwise.
    pub fn plan(&mut self, most: usize) -> Vec<Order> {
        let mut placements = self.redeem();
        placements.extend(self.state.schedule(self.now_ms, most.saturating_sub(placements.len())));
        let mut orders = Vec::with_capacity(placements.len());
        for placement in placements {
            let Some(job) = self.jobs.get_mut(&placement.job) else { continue };
            let mut parts = placement.parts.into_iter();
            let Some(Part { node, gpu_indices }) = parts.next() else { continue };
            job.standing = Standing::Placed(node);
            let of_node = self.nodes.get(&node).map(|known| known.max_disconnect);
            let lease = job.asked.max_disconnect.or(of_node).unwrap_or(Duration::from_secs(300));
            orders.push(Order {
                job: placement.job,
                attempt: AttemptId::new(),
                queue: job.queue,
                owner: job.owner,
                epoch: job.epoch,
                node,
                gpu_indices,
                others: parts.collect(),
                asked: Asked::given(&job.asked, placement.alternative),
                alternative: placement.alternative,
                lease,
            });
        }
        orders
    }

    /// Tells what became of orders: those that were not carried out wait again, where nothing newer was heard of
    /// them. Gives those jobs.
    pub fn settle(&mut self, orders: &[Order], done: &HashSet<JobId>) -> Vec<JobId> {
        let mut refused = Vec::new();
        for order in orders {
            let Some(job) = self.jobs.get_mut(&order.job) else { continue };
            if job.standing != Standing::Placed(order.node) || job.epoch != order.epoch {
                continue;
            }
            if done.contains(&order.job) {
                (job.epoch, job.standing) = (order.epoch + 1, Standing::Live(order.node));
            } else {
                job.standing = Standing::Waiting { not_before_ms: None };
                self.state.undo(order.job);
                refused.push(order.job);
            }
        }
        refused
    }

    /// Makes the marks of nodes worthless, so that they are read again.
    pub fn doubt_nodes(&mut self, nodes: impl IntoIterator<Item = NodeId>) {
        for id in nodes {
            if let Some(known) = self.nodes.get_mut(&id) {
                known.mark.0 = known.mark.0.wrapping_add(1);
            }
        }
    }

    /// What would become of a job, were it among those that wait: `answer` is asked with the node that it would get,
    /// and an inquiry in which it waits. Afterwards all is as it was.
    pub fn suppose<T>(&mut self, job: &Job, answer: impl FnOnce(Option<&Node>, Inquiry<'_>) -> T) -> T {
        let kept = self.state.kept();
        self.state.suppose(job);
        let placements = self.state.schedule(self.now_ms, SUPPOSED);
        let place = placements.iter().find(|placement| placement.job == job.id);
        let node =
            place.and_then(|place| self.nodes.get(&place.parts.first()?.node)).map(|known| &known.node);
        let inquiry = self.state.ask(self.nodes.values().map(|known| &known.node), self.now_ms);
        let answer = answer(node, inquiry);
        placements.iter().for_each(|placement| self.state.undo(placement.job));
        self.state.end(job.id);
        self.state.put_back(kept);
        answer
    }

    /// When a job that waits starts, if each that runs or starts meanwhile takes this part of the time that it may;
    /// one whose time has no bound ends so much later.
    pub fn foresee(
        &mut self,
        id: JobId,
        runs: &HashMap<JobId, Run>,
        part: f64,
        far_ms: i64,
    ) -> Option<Foreseen> {
        let Self { state, jobs, now_ms, .. } = self;
        let scaled = |most: Duration| {
            let millis = most.as_secs_f64() * 1000.0 * part;
            if millis < far_ms as f64 { millis as i64 } else { far_ms }
        };
        let length = |id: JobId| jobs.get(&id)?.asked.max_runtime.map(scaled);
        let end = |(id, job): (&JobId, &Tracked)| {
            if matches!(job.standing, Standing::Waiting { .. }) {
                return None;
            }
            let run = runs.get(id);
            let since = run.map_or(*now_ms, |run| run.since_ms);
            let by_length = length(*id).map(|length| since.saturating_add(length));
            // Told by the database, where it may have been extended; it counts where all of the time is taken.
            let told = run.and_then(|run| run.ends_ms).filter(|_| part >= 1.0);
            let end = told.or(by_length).unwrap_or(now_ms.saturating_add(far_ms));
            Some((end.max(*now_ms), *id))
        };
        let ends: Vec<(i64, JobId)> = jobs.iter().filter_map(end).collect();
        state.foresee(id, &ends, length)
    }

    pub fn ask(&self) -> Inquiry<'_> {
        self.state.ask(self.nodes.values().map(|known| &known.node), self.now_ms)
    }

    /// The epoch of a job that waits.
    pub fn waiting_epoch(&self, id: JobId) -> Option<i32> {
        let job = self.jobs.get(&id)?;
        matches!(job.standing, Standing::Waiting { .. }).then_some(job.epoch)
    }

    /// Jobs that wait, or wait anew, since this was last asked.
    pub fn take_anew(&mut self) -> Vec<JobId> {
        std::mem::take(&mut self.anew)
    }

    pub fn count_waiting(&self) -> usize {
        self.state.count_waiting()
    }

    /// How long until the earliest backoff is over.
    pub fn wake_in(&self) -> Option<Duration> {
        let left = self.state.wake_at_ms()?.saturating_sub(self.now_ms);
        Some(Duration::from_millis(u64::try_from(left).unwrap_or_default()))
    }
}

/// As many placements are made at most to find out what would become of one more job.
pub(super) const SUPPOSED: usize = 5_000;
