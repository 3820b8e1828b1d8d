//! Who holds how much while a plan grows: what quotas bound, and what fair shares compare.
//!
//! A share is the part of the whole fleet of that resource of which it is largest: the dominant share (Ghodsi et
//! al., Dominant Resource Fairness, NSDI 2011), for queues divided by their weight.

use lilac_api::explanation::{Change, ChangeKind};
use lilac_api::job::Amounts;
use lilac_api::quantity::{Bytes, Cpus};
use lilac_api::queue::Quota;

use crate::snapshot::{Bounds, Queue};
use crate::words::{Rounding, bytes, counted, cpus, listed};

/// Position of a queue, and of a lane: the jobs of one user in one queue.
pub(crate) type QueueIndex = u32;
pub(crate) type LaneIndex = u32;

#[derive(Default)]
pub(crate) struct Ledger {
    fleet: Sum,
    queues: Vec<Sum>,
    lanes: Vec<Sum>,
}

#[derive(Clone, Copy, Default)]
struct Sum {
    jobs: u64,
    cpu_milli: u64,
    memory_bytes: u64,
    gpus: u64,
}

impl Sum {
    fn add(&mut self, jobs: u32, amounts: &Amounts) {
        self.jobs += u64::from(jobs);
        self.cpu_milli += u64::from(amounts.cpu_milli);
        self.memory_bytes = self.memory_bytes.saturating_add(amounts.memory_bytes);
        self.gpus += u64::from(amounts.gpus);
    }

    fn subtract(&mut self, jobs: u32, amounts: &Amounts) {
        self.jobs = self.jobs.saturating_sub(jobs.into());
        self.cpu_milli = self.cpu_milli.saturating_sub(amounts.cpu_milli.into());
        self.memory_bytes = self.memory_bytes.saturating_sub(amounts.memory_bytes);
        self.gpus = self.gpus.saturating_sub(amounts.gpus.into());
    }

    /// The largest part that this is of a whole.
    fn part_of(&self, whole: &Self) -> f64 {
        let parts = [
            (self.cpu_milli, whole.cpu_milli),
            (self.memory_bytes, whole.memory_bytes),
            (self.gpus, whole.gpus),
        ];
        let parts = parts.into_iter().filter(|(_, whole)| *whole > 0);
        parts.map(|(part, whole)| part as f64 / whole as f64).fold(0.0, f64::max)
    }
}

impl Ledger {
    pub(crate) fn add_node(&mut self, whole: &Amounts) {
        self.fleet.add(0, whole);
    }

    pub(crate) fn remove_node(&mut self, whole: &Amounts) {
        self.fleet.subtract(0, whole);
    }

    pub(crate) fn add_queue(&mut self) {
        self.queues.push(Sum::default());
    }

    pub(crate) fn add_lane(&mut self) {
        self.lanes.push(Sum::default());
    }

    pub(crate) fn take(&mut self, queue: QueueIndex, lane: LaneIndex, jobs: u32, amounts: &Amounts) {
        self.queues[queue as usize].add(jobs, amounts);
        self.lanes[lane as usize].add(jobs, amounts);
    }

    pub(crate) fn give(&mut self, queue: QueueIndex, lane: LaneIndex, jobs: u32, amounts: &Amounts) {
        self.queues[queue as usize].subtract(jobs, amounts);
        self.lanes[lane as usize].subtract(jobs, amounts);
    }

    /// What a queue holds of the fleet, by its weight.
    pub(crate) fn queue_share(&self, index: QueueIndex, queue: &Queue) -> f64 {
        self.queues[index as usize].part_of(&self.fleet) / f64::from(queue.weight.max(1))
    }

    /// What a user holds of the fleet by way of a queue.
    pub(crate) fn user_share(&self, lane: LaneIndex) -> f64 {
        self.lanes[lane as usize].part_of(&self.fleet)
    }

    pub(crate) fn is_over_quota(
        &self,
        index: QueueIndex,
        lane: LaneIndex,
        queue: &Queue,
        asked: &Amounts,
    ) -> bool {
        let is_bounded = queue.quota != Bounds::default() || queue.user_quota != Bounds::default();
        is_bounded && self.excesses(index, lane, queue, asked).next().is_some()
    }

    /// Which quota a job that waits would exceed, and by how much.
    pub(crate) fn explain(
        &self,
        index: QueueIndex,
        lane: LaneIndex,
        queue: &Queue,
        asked: &Amounts,
    ) -> Option<String> {
        self.excesses(index, lane, queue, asked).next().map(|excess| excess.sentence(queue))
    }

    /// Which quotas would have to be raised for a job that waits, and to what.
    pub(crate) fn raises(
        &self,
        index: QueueIndex,
        lane: LaneIndex,
        queue: &Queue,
        asked: &Amounts,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        for of_user in [false, true] {
            let mut quota = Quota::default();
            let mut phrases = Vec::new();
            for excess in self.excesses(index, lane, queue, asked).filter(|excess| excess.of_user == of_user)
            {
                let to = excess.held.saturating_add(excess.asked);
                excess.what.raise(&mut quota, to);
                phrases.push(excess.what.phrase(to));
            }
            if phrases.is_empty() {
                continue;
            }
            let (kind, whose) = match of_user {
                true => (ChangeKind::RaiseUserQuota, "of each user in queue"),
                false => (ChangeKind::RaiseQuota, "of queue"),
            };
            let message = format!("raise the quota {whose} {} to {}", queue.name, listed(phrases, "and"));
            let (quota, queue) = (Some(quota), Some(queue.name.clone()));
            changes.push(Change { quota, queue, ..Change::new(kind, message) });
        }
        changes
    }

    fn excesses(
        &self,
        index: QueueIndex,
        lane: LaneIndex,
        queue: &Queue,
        asked: &Amounts,
    ) -> impl Iterator<Item = Excess> {
        let (of_queue, of_user) = (self.queues[index as usize], self.lanes[lane as usize]);
        let both = [(false, queue.quota, of_queue), (true, queue.user_quota, of_user)];
        let asked = *asked;
        both.into_iter().flat_map(move |(of_user, bounds, held)| {
            measures(bounds, held, &asked).into_iter().filter_map(move |(what, bound, held, asked)| {
                let bound = bound?;
                // What asks for none of a thing is not held up by its quota.
                let exceeds = asked > 0 && held.saturating_add(asked) > bound;
                exceeds.then_some(Excess { of_user, what, bound, held, asked })
            })
        })
    }
}

#[derive(Clone, Copy)]
enum What {
    Jobs,
    Cpus,
    Memory,
    Gpus,
}

/// What is bounded: how much is allowed, held and asked for.
fn measures(bounds: Bounds, held: Sum, asked: &Amounts) -> [(What, Option<u64>, u64, u64); 4] {
    [
        (What::Jobs, bounds.jobs, held.jobs, 1),
        (What::Cpus, bounds.cpu_milli, held.cpu_milli, asked.cpu_milli.into()),
        (What::Memory, bounds.memory_bytes, held.memory_bytes, asked.memory_bytes),
        (What::Gpus, bounds.gpus, held.gpus, asked.gpus.into()),
    ]
}

struct Excess {
    of_user: bool,
    what: What,
    bound: u64,
    held: u64,
    asked: u64,
}

impl Excess {
    fn sentence(&self, queue: &Queue) -> String {
        let name = &queue.name;
        let (whose, holder) = if self.of_user {
            (format!("the quota of one user in queue {name}"), "its user")
        } else {
            (format!("the quota of queue {name}"), "the queue")
        };
        let over = self.what.number((self.held + self.asked).saturating_sub(self.bound), Rounding::Up);
        let bound = self.what.phrase(self.bound);
        match self.what {
            What::Jobs => {
                format!(
                    "{whose} is {bound} at a time: {holder} has {} already, this one is {over} too many",
                    self.held
                )
            }
            _ if self.asked > self.bound => {
                let asked = self.what.number(self.asked, Rounding::Up);
                format!("{whose} is {bound} in all: this job alone asks for {asked}, {over} too much")
            }
            _ => {
                let held = self.what.number(self.held, Rounding::Down);
                let asked = self.what.number(self.asked, Rounding::Up);
                format!(
                    "{whose} is {bound}: {holder} holds {held} and this job asks for {asked}, {over} too much"
                )
            }
        }
    }
}

impl What {
    fn raise(self, quota: &mut Quota, to: u64) {
        let count = |to: u64| Some(u32::try_from(to).unwrap_or(u32::MAX));
        match self {
            Self::Jobs => quota.running_jobs = count(to),
            Self::Cpus => quota.cpus = count(to).map(|milli| Cpus { milli }),
            Self::Memory => quota.memory = Some(Bytes(to)),
            Self::Gpus => quota.gpus = count(to),
        }
    }

    /// The bare number: `1.5`, `16Gi`.
    fn number(self, amount: u64, rounding: Rounding) -> String {
        match self {
            Self::Cpus => cpus(amount),
            Self::Memory => bytes(amount, rounding),
            Self::Jobs | Self::Gpus => amount.to_string(),
        }
    }

    /// The number with its noun.
    fn phrase(self, amount: u64) -> String {
        match self {
            Self::Jobs => counted(amount, "job"),
            Self::Cpus if amount == 1000 => "1 CPU".to_owned(),
            Self::Cpus => format!("{} CPUs", cpus(amount)),
            Self::Memory => format!("{} of memory", bytes(amount, Rounding::Down)),
            Self::Gpus => counted(amount, "GPU"),
        }
    }
}
