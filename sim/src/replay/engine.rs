//! The replay itself: from event to event, with what each cost and gave counted as time goes by.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use lilac_api::{ClusterId, JobId};
use lilac_scheduler::State;
use uuid::Uuid;

use super::estimates::{Accuracy, Estimates};
use super::fairness::{Holding, Mean, dominant_share, jain};
use super::load::{core_job, core_node, core_queue, index_of, job_id};
use super::{Load, Options};

/// What came about.
pub(super) struct Played {
    /// When each job started; none of those that never did.
    pub starts: Vec<Option<i64>>,
    pub first_ms: i64,
    pub last_ms: i64,
    /// Parts of GPUs and CPUs that were held, over the whole time, and while somebody waited.
    pub held: [Mean; 2],
    pub held_while_waited: [Mean; 2],
    /// Jain's index over the users of one queue that wait, and over queues of one priority.
    pub users: Mean,
    pub queues: Mean,
    pub most_waiting: usize,
    pub accuracy: Accuracy,
    pub decisions: u64,
}

pub(super) fn play(load: &Load, options: &Options) -> Played {
    let mut replay = Replay::new(load, options);
    replay.run();
    let Replay { starts, first_ms, last_end_ms, held, held_while_waited, users, queues, .. } = replay;
    Played {
        starts,
        first_ms,
        last_ms: last_end_ms,
        held,
        held_while_waited,
        users,
        queues,
        most_waiting: replay.most_waiting,
        accuracy: replay.estimates.accuracy(),
        decisions: replay.decisions,
    }
}

struct Replay<'a> {
    load: &'a Load,
    state: State,
    now_ms: i64,
    /// When each job that runs ends.
    ends: BinaryHeap<Reverse<(i64, usize)>>,
    starts: Vec<Option<i64>>,
    whole: Holding,
    /// What is held of it.
    all: Holding,
    /// By queue and user: what each holds, and how many of its jobs wait.
    lanes: Vec<Lane>,
    waiting: usize,
    most_waiting: usize,
    first_ms: i64,
    last_end_ms: i64,
    held: [Mean; 2],
    held_while_waited: [Mean; 2],
    users: Mean,
    queues: Mean,
    estimates: Estimates,
    decisions: u64,
}

#[derive(Clone, Default)]
struct Lane {
    held: Holding,
    waiting: usize,
}

impl<'a> Replay<'a> {
    fn new(load: &'a Load, options: &Options) -> Self {
        let mut state = State::default();
        state.put_cluster(ClusterId(Uuid::nil()), options.policy);
        load.queues.iter().enumerate().for_each(|(index, queue)| state.put_queue(&core_queue(index, queue)));
        load.nodes.iter().enumerate().for_each(|(index, node)| state.put_node(&core_node(index, node)));
        let sum = |of: fn(&crate::trace::TraceNode) -> u64| load.nodes.iter().map(of).sum();
        let first_ms = load.jobs.first().map_or(0, |job| job.submitted_ms);
        Self {
            load,
            state,
            now_ms: first_ms,
            ends: BinaryHeap::new(),
            starts: vec![None; load.jobs.len()],
            whole: [
                sum(|node| u64::from(node.gpus) * 1000),
                sum(|node| node.cpu_milli.into()),
                sum(|node| node.memory_mib),
            ],
            all: [0; 3],
            lanes: vec![Lane::default(); load.queues.len() * load.users as usize],
            waiting: 0,
            most_waiting: 0,
            first_ms,
            last_end_ms: first_ms,
            held: Default::default(),
            held_while_waited: Default::default(),
            users: Mean::default(),
            queues: Mean::default(),
            estimates: Estimates::new(load.jobs.len(), options.estimates),
            decisions: 0,
        }
    }

    fn run(&mut self) {
        let mut next = 0;
        loop {
            let submitted = self.load.jobs.get(next).map(|job| job.submitted_ms);
            let ended = self.ends.peek().map(|Reverse((at, _))| *at);
            let Some(at_ms) = [submitted, ended].into_iter().flatten().min() else { break };
            self.pass(at_ms);
            while let Some(Reverse((end_ms, index))) = self.ends.peek().copied()
                && end_ms <= at_ms
            {
                self.ends.pop();
                self.end(index);
            }
            let first_new = next;
            while self.load.jobs.get(next).is_some_and(|job| job.submitted_ms <= at_ms) {
                self.submit(next);
                next += 1;
            }
            self.decide();
            for index in first_new..next {
                self.foresee(index);
            }
        }
    }

    /// Time goes by, with all as it is.
    fn pass(&mut self, to_ms: i64) {
        let span = (to_ms - self.now_ms) as f64;
        self.now_ms = to_ms;
        if span <= 0.0 {
            return;
        }
        for (resource, mean) in self.held.iter_mut().enumerate() {
            let part = self.all[resource] as f64 / self.whole[resource].max(1) as f64;
            mean.add(part, span);
            if self.waiting > 0 {
                self.held_while_waited[resource].add(part, span);
            }
        }
        if self.waiting > 1 {
            self.compare(span);
        }
    }

    fn compare(&mut self, span: f64) {
        let users = self.load.users as usize;
        for queue in self.lanes.chunks(users) {
            let waiting = queue.iter().filter(|lane| lane.waiting > 0);
            if let Some(index) = jain(waiting.map(|lane| dominant_share(&lane.held, &self.whole))) {
                self.users.add(index, span);
            }
        }
        let mut priorities: Vec<i32> = self.load.queues.iter().map(|queue| queue.priority).collect();
        priorities.sort_unstable();
        priorities.dedup();
        for priority in priorities {
            let shares = self.lanes.chunks(users).zip(&self.load.queues);
            let shares = shares.filter(|(lanes, queue)| {
                queue.priority == priority && lanes.iter().any(|lane| lane.waiting > 0)
            });
            let shares = shares.map(|(lanes, queue)| {
                let mut held: Holding = [0; 3];
                lanes
                    .iter()
                    .for_each(|lane| held.iter_mut().zip(lane.held).for_each(|(sum, held)| *sum += held));
                dominant_share(&held, &self.whole) / f64::from(queue.weight.max(1))
            });
            if let Some(index) = jain(shares) {
                self.queues.add(index, span);
            }
        }
    }

    fn lane(&self, index: usize) -> usize {
        let job = &self.load.jobs[index];
        job.queue * self.load.users as usize + job.user as usize
    }

    fn asks(&self, index: usize) -> Holding {
        let asks = &self.load.jobs[index].asks;
        [asks.total_gpu_milli(), asks.cpu_milli.into(), asks.memory_mib]
    }

    fn submit(&mut self, index: usize) {
        self.state.add_job(&core_job(index, &self.load.jobs[index]));
        let lane = self.lane(index);
        self.lanes[lane].waiting += 1;
        self.waiting += 1;
    }

    fn decide(&mut self) {
        self.decisions += 1;
        for placement in self.state.schedule(self.now_ms, usize::MAX) {
            self.start(index_of(placement.job));
        }
        self.most_waiting = self.most_waiting.max(self.waiting);
    }

    fn start(&mut self, index: usize) {
        let job = &self.load.jobs[index];
        self.starts[index] = Some(self.now_ms);
        self.ends.push(Reverse((self.now_ms + job.takes_ms, index)));
        self.estimates.started(index, self.now_ms);
        let (lane, asks) = (self.lane(index), self.asks(index));
        let held = self.all.iter_mut().zip(&mut self.lanes[lane].held).zip(asks);
        held.for_each(|((all, held), asks)| (*all, *held) = (*all + asks, *held + asks));
        self.lanes[lane].waiting -= 1;
        self.waiting -= 1;
    }

    fn end(&mut self, index: usize) {
        self.state.end(job_id(index));
        let job = &self.load.jobs[index];
        self.estimates.ended(job.takes_ms, job.declared_ms);
        self.last_end_ms = self.now_ms;
        let (lane, asks) = (self.lane(index), self.asks(index));
        let held = self.all.iter_mut().zip(&mut self.lanes[lane].held).zip(asks);
        held.for_each(|((all, held), asks)| (*all, *held) = (*all - asks, *held - asks));
    }

    /// Asks when a job that has to wait will start, if it is one of those that are asked for.
    fn foresee(&mut self, index: usize) {
        if self.starts[index].is_some() || !self.estimates.wants(index) {
            return;
        }
        let jobs = &self.load.jobs;
        let running: Vec<(usize, i64)> = self
            .ends
            .iter()
            .map(|Reverse((_, index))| (*index, self.starts[*index].unwrap_or(self.now_ms)))
            .collect();
        let declared = |id: JobId| jobs.get(index_of(id)).map(|job| job.declared_ms);
        self.estimates.ask(index, &mut self.state, self.now_ms, &running, declared);
    }
}
