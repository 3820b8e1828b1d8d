//! A cluster and what happens on it, all from one seed.

use std::collections::{BTreeMap, BTreeSet};

use lilac_api::job::Amounts;
use lilac_api::quantity::Ratio;
use lilac_api::spec::Gpus;
use lilac_api::{ClusterId, JobId, NodeId, QueueId, UserId};
use lilac_scheduler::{
    Alternative, Availability, Bounds, Cluster, Job, Node, NodeGpu, Placement, Policy, Queue, Reserved,
    Snapshot, State,
};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

use super::Seen;
use super::reference::{self, Run, Wish};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const POLICIES: [Policy; 4] = [Policy::FirstFit, Policy::BestFit, Policy::Spread, Policy::FragmentationAware];

struct History {
    random: StdRng,
    now_ms: i64,
    state: State,
    /// Told the same, in another order.
    twin: State,
    nodes: Vec<Node>,
    queues: Vec<Queue>,
    waiting: Vec<Job>,
    running: Vec<Run>,
    /// By when jobs were promised to start.
    promised: BTreeMap<JobId, i64>,
    /// Jobs that nodes were ever kept for.
    kept: BTreeSet<JobId>,
    next: u128,
    seen: Seen,
}

/// Plays one seed; an error says what it broke.
pub fn play(seed: u64) -> Result<Seen, String> {
    let mut history = History::new(seed);
    for _ in 0..history.random.random_range(5..30) {
        history.time_passes();
        for _ in 0..history.random.random_range(0..4) {
            history.a_job_comes();
        }
        if history.random.random_ratio(1, 12) {
            history.a_node_changes();
        }
        if history.random.random_ratio(1, 15) {
            history.a_job_is_withdrawn();
        }
        history.schedule()?;
    }
    history.ends()?;
    Ok(Seen { kept: history.kept.len() as u64, ..history.seen })
}

impl History {
    fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let clusters: Vec<Cluster> = (0..random.random_range(1..3))
            .map(|id| Cluster {
                id: ClusterId(Uuid::from_u128(id)),
                policy: *POLICIES.choose(&mut random).unwrap_or(&Policy::BestFit),
            })
            .collect();
        let nodes: Vec<Node> =
            (0..random.random_range(1..6)).map(|id| node(id, &clusters, &mut random)).collect();
        let queues: Vec<Queue> =
            (0..random.random_range(1..4)).map(|id| queue(id, &clusters, &mut random)).collect();
        let mut snapshot = Snapshot { clusters, nodes, queues, ..Snapshot::default() };
        let state = State::of(&snapshot);
        let (nodes, queues) = (snapshot.nodes.clone(), snapshot.queues.clone());
        snapshot.clusters.reverse();
        snapshot.nodes.reverse();
        snapshot.queues.reverse();
        Self {
            random,
            now_ms: 0,
            state,
            twin: State::of(&snapshot),
            nodes,
            queues,
            waiting: Vec::new(),
            running: Vec::new(),
            promised: BTreeMap::new(),
            kept: BTreeSet::new(),
            next: 0,
            seen: Seen::default(),
        }
    }

    /// To the next end, or a while.
    fn time_passes(&mut self) {
        let while_ms = self.random.random_range(0..8 * MINUTE);
        let next = self.running.iter().map(|run| run.at_ms).min().unwrap_or(i64::MAX);
        self.now_ms = self.now_ms.saturating_add(while_ms).min(next.max(self.now_ms));
        self.let_end();
    }

    fn let_end(&mut self) {
        let now_ms = self.now_ms;
        for run in self.running.iter().filter(|run| run.at_ms <= now_ms) {
            self.state.end(run.job.id);
            self.twin.end(run.job.id);
        }
        self.running.retain(|run| run.at_ms > now_ms);
    }

    fn a_job_comes(&mut self) {
        self.next += 1;
        let job = job(self.next, self.now_ms, &self.queues, &mut self.random);
        self.state.add_job(&job);
        self.twin.add_job(&job);
        self.waiting.push(job);
    }

    fn a_job_is_withdrawn(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let which = self.random.random_range(0..self.waiting.len());
        let job = self.waiting.remove(which);
        self.promised.remove(&job.id);
        self.state.end(job.id);
        self.twin.end(job.id);
    }

    /// What was promised before was about other nodes.
    fn a_node_changes(&mut self) {
        let which = self.random.random_range(0..self.nodes.len());
        let node = &mut self.nodes[which];
        node.availability = match node.availability {
            Availability::Ready => Availability::Cordoned,
            _ => Availability::Ready,
        };
        let is_same = self.state.renew_node(node) && self.twin.renew_node(node);
        debug_assert!(is_same, "the same GPUs");
        self.promised.clear();
    }

    fn queue(&self, job: &Job) -> &Queue {
        self.queues.iter().find(|queue| queue.id == job.queue).unwrap_or(&self.queues[0])
    }

    /// Priority of its queue, and its own.
    fn standing(&self, job: &Job) -> (i32, u8) {
        (self.queue(job).priority, job.priority)
    }

    /// The nodes that are kept from a job: those where it would be over by then are not.
    fn kept_for_others(&self, job: &Job) -> BTreeSet<NodeId> {
        let ends_ms = job.max_runtime_ms.filter(|_| job.nodes == 1).map(|most| self.now_ms + most);
        let is_over = |one: &Reserved| ends_ms.is_some_and(|end| one.until_ms.is_some_and(|by| end <= by));
        let others = self.state.reservations().into_iter();
        let others = others.filter(|one| one.job != job.id && !is_over(one));
        others.flat_map(|one| one.nodes).collect()
    }

    /// One placement after the other, as what is kept changes between them.
    fn schedule(&mut self) -> Result<(), String> {
        loop {
            let before = self.state.reservations();
            let found = self.state.schedule(self.now_ms, 1).into_iter().next();
            let twin = self.twin.schedule(self.now_ms, 1).into_iter().next();
            if found != twin {
                return Err(format!("the same in another order: {found:?} and {twin:?}"));
            }
            let after = self.state.reservations();
            self.lower_give_way(&before, &after);
            let Some(placement) = found else { break };
            let is_kept = |node: NodeId| after.iter().any(|one| one.nodes.contains(&node));
            self.seen.filled_in += u64::from(placement.parts.iter().any(|part| is_kept(part.node)));
            // What was kept elsewhere after a look anew went to whom it was kept for.
            let to_holder = before.iter().any(|one| one.job == placement.job);
            let kept: BTreeSet<NodeId> = (before.iter().chain(&after))
                .flat_map(|one| one.nodes.iter().copied())
                .chain(nodes_of(&placement).filter(|_| to_holder))
                .collect();
            self.place(&placement, &kept).map_err(|broken| format!("{broken}: {placement:?}"))?;
        }
        self.nothing_is_passed_over()?;
        self.promises_are_kept()
    }

    /// Where one that stands higher has nodes kept in the place of another, nothing is promised to that one any more,
    /// though nodes may be kept for it elsewhere.
    fn lower_give_way(&mut self, before: &[Reserved], after: &[Reserved]) {
        let cluster = |one: &Reserved| {
            self.nodes.iter().find(|node| one.nodes.contains(&node.id)).map(|node| node.cluster)
        };
        let standing =
            |job: JobId| self.waiting.iter().find(|other| other.id == job).map(|job| self.standing(job));
        let gave_way = before.iter().filter(|one| {
            let mut takers =
                after.iter().filter(|other| other.job != one.job && cluster(other) == cluster(one));
            takers.any(|other| standing(other.job) > standing(one.job))
        });
        let gave_way: BTreeSet<JobId> = gave_way.map(|one| one.job).collect();
        self.promised.retain(|job, _| !gave_way.contains(job));
    }

    fn place(&mut self, placement: &Placement, kept: &BTreeSet<NodeId>) -> Result<(), String> {
        let position =
            self.waiting.iter().position(|job| job.id == placement.job).ok_or("it does not wait")?;
        let job = self.waiting[position].clone();
        let wishes = Wish::of(&job);
        let wish = wishes.get(placement.alternative).ok_or("no such alternative")?.clone();
        let queue = self.queue(&job);
        if queue.paused || !reference::is_within_quota(queue, &self.running, &job, &wish) {
            return Err("over a quota".to_owned());
        }
        for earlier in &wishes[..placement.alternative] {
            if self.could_start(&job, earlier, kept) {
                return Err("what it asks for first was there".to_owned());
            }
        }
        // Who has waited for an hour may go before what is more urgent in its queue.
        let is_aged = self.now_ms - job.submitted_ms >= 60 * MINUTE;
        for other in &self.waiting {
            let goes_before = self.queue(other).priority > queue.priority
                || (!is_aged && other.queue == job.queue && other.priority > job.priority);
            if goes_before && Wish::of(other).iter().any(|wish| self.could_start(other, wish, kept)) {
                return Err(format!("{} goes before it and could start", other.id));
            }
        }
        self.is_whole(&job, placement)?;
        let length = match job.max_runtime_ms {
            Some(most) => self.random.random_range(SECOND..=most),
            None => self.random.random_range(SECOND..60 * MINUTE),
        };
        self.waiting.remove(position);
        let standing = self.standing(&job);
        // Who stands higher may take what was promised.
        let waiting: BTreeMap<JobId, (i32, u8)> =
            self.waiting.iter().map(|other| (other.id, self.standing(other))).collect();
        self.promised.retain(|other, _| {
            waiting.get(other).is_some_and(|other| *other >= standing) || *other == job.id
        });
        if let Some(by_ms) = self.promised.remove(&job.id) {
            if self.now_ms > by_ms {
                return Err(format!("it was to start by {by_ms}, and it is {}", self.now_ms));
            }
            self.seen.promised += 1;
        }
        self.seen.placements += 1;
        self.seen.gangs += u64::from(job.nodes > 1);
        self.seen.alternatives += u64::from(placement.alternative > 0);
        self.running.push(Run { job, wish, parts: placement.parts.to_vec(), at_ms: self.now_ms + length });
        match self.nodes.iter().find(|node| !reference::is_within(node, self.running.iter())) {
            Some(node) => Err(format!("{} gives more than it has", node.name)),
            None => Ok(()),
        }
    }

    fn is_whole(&self, job: &Job, placement: &Placement) -> Result<(), String> {
        let places: BTreeSet<NodeId> = placement.parts.iter().map(|part| part.node).collect();
        if places.len() != job.nodes as usize || placement.parts.len() != places.len() {
            return Err("not all ranks, or two on one node".to_owned());
        }
        let nodes: Vec<&Node> = self.nodes.iter().filter(|node| places.contains(&node.id)).collect();
        let groups: BTreeSet<_> = nodes.iter().map(|node| reference::group(node, job)).collect();
        if groups.len() != 1 || groups.contains(&None) {
            return Err("ranks that do not belong together".to_owned());
        }
        let is_meant = |node: &&Node| {
            node.availability == Availability::Ready
                && node.satisfies(&job.constraints)
                && self.queue(job).clusters.contains(&node.cluster)
        };
        nodes.iter().all(is_meant).then_some(()).ok_or_else(|| "a node that is not for it".to_owned())
    }

    fn could_start(&self, job: &Job, wish: &Wish, kept: &BTreeSet<NodeId>) -> bool {
        let queue = self.queue(job);
        !queue.paused
            && reference::is_within_quota(queue, &self.running, job, wish)
            && reference::has_place(&self.nodes, &self.running, queue, job, wish, kept)
    }

    fn nothing_is_passed_over(&self) -> Result<(), String> {
        for job in &self.waiting {
            let kept = self.kept_for_others(job);
            if Wish::of(job).iter().any(|wish| self.could_start(job, wish, &kept)) {
                return Err(format!("{} could start and waits", job.id));
            }
        }
        Ok(())
    }

    fn promises_are_kept(&mut self) -> Result<(), String> {
        for one in self.state.reservations() {
            self.kept.insert(one.job);
            if let Some(until_ms) = one.until_ms {
                let by_ms = self.promised.entry(one.job).or_insert(until_ms);
                *by_ms = (*by_ms).min(until_ms);
            }
        }
        // A promise ends where the job may not start any more, or where it was taken over by one that stands higher.
        let mut held: BTreeSet<JobId> = self.state.reservations().into_iter().map(|one| one.job).collect();
        for job in &self.waiting {
            let queue = self.queue(job);
            // What is kept is what the job asks for first.
            if !reference::is_within_quota(queue, &self.running, job, &Wish::of(job)[0]) {
                held.remove(&job.id);
            }
        }
        self.promised.retain(|job, _| held.contains(job));
        match self.promised.iter().find(|(_, by_ms)| **by_ms <= self.now_ms) {
            Some((job, by_ms)) => {
                Err(format!("{job} was to start by {by_ms}, it is {}, and it waits", self.now_ms))
            }
            None => Ok(()),
        }
    }

    /// Nobody comes any more, and all nodes are back: what could ever start has its turn.
    fn ends(&mut self) -> Result<(), String> {
        for node in &mut self.nodes {
            node.availability = Availability::Ready;
            let is_same = self.state.renew_node(node) && self.twin.renew_node(node);
            debug_assert!(is_same, "the same GPUs");
        }
        self.promised.clear();
        self.schedule()?;
        while let Some(at_ms) = self.running.iter().map(|run| run.at_ms).min() {
            self.now_ms = at_ms;
            self.let_end();
            self.schedule()?;
        }
        // Nothing runs, so nothing is in the way but what the job itself asks for.
        self.nothing_is_passed_over()?;
        let starved = self.state.reservations().into_iter().find(|one| one.until_ms.is_some());
        match starved {
            Some(one) => Err(format!("nodes are kept for {} and nothing runs", one.job)),
            None => Ok(()),
        }
    }
}

fn nodes_of(placement: &Placement) -> impl Iterator<Item = NodeId> {
    placement.parts.iter().map(|part| part.node)
}

fn node(number: u128, clusters: &[Cluster], random: &mut StdRng) -> Node {
    let gpus = *[0, 0, 1, 2, 4].choose(random).unwrap_or(&0);
    let model = *["A100", "T4"].choose(random).unwrap_or(&"T4");
    let gpu = |index| NodeGpu { index, model: model.to_owned(), memory_bytes: 16 << 30, free_milli: 1000 };
    let rack = random.random_ratio(4, 5).then(|| format!("r{}", random.random_range(0..2)));
    Node {
        id: NodeId(Uuid::from_u128(number)),
        name: format!("n{}", random.random_range(0..4)),
        cluster: clusters[random.random_range(0..clusters.len())].id,
        availability: if random.random_ratio(1, 10) { Availability::Cordoned } else { Availability::Ready },
        capacity: Amounts {
            cpu_milli: random.random_range(1..9) * 1000,
            memory_bytes: random.random_range(2..17) << 30,
            disk_bytes: random.random_range(0..3) << 30,
            gpus: gpus.into(),
        },
        allocated: Amounts::default(),
        gpus: (0..gpus).map(gpu).collect(),
        labels: rack.into_iter().map(|rack| ("rack".to_owned(), rack)).collect(),
    }
}

fn queue(number: u128, clusters: &[Cluster], random: &mut StdRng) -> Queue {
    let mut fed: Vec<ClusterId> = clusters.iter().map(|cluster| cluster.id).collect();
    if random.random_bool(0.5) {
        fed.reverse();
    }
    fed.truncate(random.random_range(1..3));
    let bounds = |random: &mut StdRng| match random.random_range(0..5) {
        0 => Bounds { gpus: Some(random.random_range(1..5)), ..Bounds::default() },
        1 => Bounds { jobs: Some(random.random_range(1..5)), ..Bounds::default() },
        _ => Bounds::default(),
    };
    Queue {
        id: QueueId(Uuid::from_u128(number)),
        name: format!("q{number}"),
        priority: random.random_range(0..2),
        clusters: fed,
        paused: random.random_ratio(1, 12),
        weight: random.random_range(1..4),
        quota: bounds(random),
        user_quota: bounds(random),
        guaranteed: Bounds::default(),
        preempts: false,
    }
}

fn job(number: u128, now_ms: i64, queues: &[Queue], random: &mut StdRng) -> Job {
    let queue = queues[random.random_range(0..queues.len())].id;
    let user = UserId(Uuid::from_u128(random.random_range(0..3)));
    let wish = wish(random);
    let nodes = *[1, 1, 1, 1, 2, 3].choose(random).unwrap_or(&1);
    let others = if random.random_ratio(1, 5) { random.random_range(1..3) } else { 0 };
    let constraint = random.random_ratio(1, 8).then(|| "label.rack == r0".parse().ok());
    Job {
        priority: *[40, 50, 50, 60].choose(random).unwrap_or(&50),
        submitted_ms: now_ms,
        requests: wish.requests,
        gpus: wish.gpus,
        constraints: constraint.flatten().into_iter().collect(),
        nodes,
        same: random.random_ratio(1, 3).then(|| "rack".to_owned()),
        alternatives: (0..others).map(|_| self::wish(random)).collect(),
        max_runtime_ms: random.random_ratio(2, 3).then(|| random.random_range(1..30) * MINUTE),
        ..Job::new(JobId(Uuid::from_u128(number)), queue, user)
    }
}

fn wish(random: &mut StdRng) -> Alternative {
    // Few shapes, so that jobs share them.
    let gpus = match random.random_range(0..6) {
        0 => Some(Gpus::of(1)),
        1 => Some(Gpus::of(2)),
        2 => Some(Gpus { model: vec!["A100".to_owned()], ..Gpus::of(1) }),
        3 => Some(Gpus { share: Some(Ratio { thousandths: 500 }), ..Gpus::of(1) }),
        _ => None,
    };
    let requests = Amounts {
        cpu_milli: *[500, 1000, 2000, 4000].choose(random).unwrap_or(&1000),
        memory_bytes: *[1, 1, 4].choose(random).unwrap_or(&1) << 30,
        disk_bytes: u64::from(random.random_ratio(1, 8)) << 30,
        gpus: gpus.as_ref().map_or(0, |gpus| gpus.count),
    };
    Alternative { requests, gpus }
}
