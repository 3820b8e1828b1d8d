//! Who holds how much while a plan grows: what quotas bound, and what fair shares compare.
//!
//! A share is the part of the whole fleet of that resource of which it is largest: the dominant share (Ghodsi et
//! al., Dominant Resource Fairness, NSDI 2011), for queues divided by their weight.

use lilac_api::explanation::{Change, ChangeKind};
use lilac_api::job::Amounts;
use lilac_api::quantity::{Bytes, Cpus};
use lilac_api::queue::Quota;

use crate::class::WHOLE_MILLI;
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
    /// The share by which each lane was sorted last, in bits; and the lanes that are to be sorted anew.
    sorted: Vec<u64>,
    moved: Vec<LaneIndex>,
    is_moved: Vec<bool>,
}

/// What quotas count and shares compare: a share of a GPU counts as that share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Claim {
    pub(crate) cpu_milli: u64,
    pub(crate) memory_bytes: u64,
    pub(crate) gpu_milli: u64,
}

impl Claim {
    pub(crate) fn add(&mut self, other: &Self) {
        self.cpu_milli += other.cpu_milli;
        self.memory_bytes = self.memory_bytes.saturating_add(other.memory_bytes);
        self.gpu_milli += other.gpu_milli;
    }

    /// What all ranks of a job hold together, each with so much of the GPUs.
    pub(crate) fn of_all(each: &Amounts, gpu_milli: u64, nodes: u32) -> Self {
        let nodes = u64::from(nodes.max(1));
        Self {
            cpu_milli: u64::from(each.cpu_milli) * nodes,
            memory_bytes: each.memory_bytes.saturating_mul(nodes),
            gpu_milli: gpu_milli * nodes,
        }
    }

    /// Of whole GPUs.
    pub(crate) fn of(amounts: &Amounts) -> Self {
        Self {
            cpu_milli: amounts.cpu_milli.into(),
            memory_bytes: amounts.memory_bytes,
            gpu_milli: u64::from(amounts.gpus) * u64::from(WHOLE_MILLI),
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Sum {
    jobs: u64,
    cpu_milli: u64,
    memory_bytes: u64,
    gpu_milli: u64,
}

impl Sum {
    fn add(&mut self, jobs: u32, claim: &Claim) {
        self.jobs += u64::from(jobs);
        self.cpu_milli += claim.cpu_milli;
        self.memory_bytes = self.memory_bytes.saturating_add(claim.memory_bytes);
        self.gpu_milli += claim.gpu_milli;
    }

    fn subtract(&mut self, jobs: u32, claim: &Claim) {
        self.jobs = self.jobs.saturating_sub(jobs.into());
        self.cpu_milli = self.cpu_milli.saturating_sub(claim.cpu_milli);
        self.memory_bytes = self.memory_bytes.saturating_sub(claim.memory_bytes);
        self.gpu_milli = self.gpu_milli.saturating_sub(claim.gpu_milli);
    }

    /// The largest part that this is of a whole.
    fn part_of(&self, whole: &Self) -> f64 {
        let parts = [
            (self.cpu_milli, whole.cpu_milli),
            (self.memory_bytes, whole.memory_bytes),
            (self.gpu_milli, whole.gpu_milli),
        ];
        let parts = parts.into_iter().filter(|(_, whole)| *whole > 0);
        parts.map(|(part, whole)| part as f64 / whole as f64).fold(0.0, f64::max)
    }
}

impl Ledger {
    pub(crate) fn add_node(&mut self, whole: &Amounts) {
        self.fleet.add(0, &Claim::of(whole));
    }

    pub(crate) fn remove_node(&mut self, whole: &Amounts) {
        self.fleet.subtract(0, &Claim::of(whole));
    }

    pub(crate) fn add_queue(&mut self) {
        self.queues.push(Sum::default());
    }

    pub(crate) fn add_lane(&mut self) {
        self.lanes.push(Sum::default());
        self.sorted.push(0);
        self.is_moved.push(false);
    }

    fn moves(&mut self, lane: LaneIndex) {
        if !std::mem::replace(&mut self.is_moved[lane as usize], true) {
            self.moved.push(lane);
        }
    }

    /// The fleet is another, and so are all shares of it.
    pub(crate) fn move_all(&mut self) {
        (0..self.lanes.len() as LaneIndex).for_each(|lane| self.moves(lane));
    }

    /// A lane whose share may have changed since it was last sorted: with the share by which it is sorted, and that by
    /// which it is from now on.
    pub(crate) fn next_moved(&mut self) -> Option<(LaneIndex, u64, u64)> {
        let lane = self.moved.pop()?;
        self.is_moved[lane as usize] = false;
        // Shares are not negative, so their bits sort as they do.
        let share = self.user_share(lane).to_bits();
        Some((lane, std::mem::replace(&mut self.sorted[lane as usize], share), share))
    }

    pub(crate) fn sorted_share(&self, lane: LaneIndex) -> u64 {
        self.sorted[lane as usize]
    }

    pub(crate) fn take(&mut self, queue: QueueIndex, lane: LaneIndex, jobs: u32, claim: &Claim) {
        self.queues[queue as usize].add(jobs, claim);
        self.lanes[lane as usize].add(jobs, claim);
        self.moves(lane);
    }

    pub(crate) fn give(&mut self, queue: QueueIndex, lane: LaneIndex, jobs: u32, claim: &Claim) {
        self.queues[queue as usize].subtract(jobs, claim);
        self.lanes[lane as usize].subtract(jobs, claim);
        self.moves(lane);
    }

    /// What a queue holds of the fleet, by its weight.
    pub(crate) fn queue_share(&self, index: QueueIndex, queue: &Queue) -> f64 {
        self.queues[index as usize].part_of(&self.fleet) / f64::from(queue.weight.max(1))
    }

    /// What a user holds of the fleet by way of a queue.
    pub(crate) fn user_share(&self, lane: LaneIndex) -> f64 {
        self.lanes[lane as usize].part_of(&self.fleet)
    }

    /// Whether a queue holds less than it is guaranteed, of all that its guarantee names.
    pub(crate) fn has_guaranteed_room(&self, index: QueueIndex, guaranteed: &Bounds) -> bool {
        let held = self.queues[index as usize];
        *guaranteed != Bounds::default()
            && measures(*guaranteed, held, &Claim::default())
                .into_iter()
                .all(|(_, bound, held, _)| bound.is_none_or(|bound| held < bound))
    }

    /// Whether a job would leave its queue within its guarantee. One that asks for nothing that this names would not.
    pub(crate) fn stays_within(&self, index: QueueIndex, guaranteed: &Bounds, asked: &Claim) -> bool {
        let named = measures(*guaranteed, self.queues[index as usize], asked).into_iter();
        let mut named = named.filter(|(_, bound, _, asked)| bound.is_some() && *asked > 0).peekable();
        named.peek().is_some()
            && named
                .all(|(_, bound, held, asked)| bound.is_some_and(|bound| held.saturating_add(asked) <= bound))
    }

    /// Whether something that a queue holds is not guaranteed to it, once that much is given back.
    pub(crate) fn is_beyond(
        &self,
        index: QueueIndex,
        guaranteed: &Bounds,
        part: &Claim,
        given_back: &Claim,
    ) -> bool {
        let mut held = self.queues[index as usize];
        held.subtract(0, given_back);
        let named = measures(*guaranteed, held, part).into_iter();
        let mut named = named.filter(|(_, bound, _, part)| bound.is_some() && *part > 0).peekable();
        named.peek().is_none() || named.any(|(_, bound, held, _)| bound.is_some_and(|bound| held > bound))
    }

    pub(crate) fn is_over_quota(
        &self,
        index: QueueIndex,
        lane: LaneIndex,
        queue: &Queue,
        asked: &Claim,
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
        asked: &Claim,
    ) -> Option<String> {
        self.excesses(index, lane, queue, asked).next().map(|excess| excess.sentence(queue))
    }

    /// Which quotas would have to be raised for a job that waits, and to what.
    pub(crate) fn raises(
        &self,
        index: QueueIndex,
        lane: LaneIndex,
        queue: &Queue,
        asked: &Claim,
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
        asked: &Claim,
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
fn measures(bounds: Bounds, held: Sum, asked: &Claim) -> [(What, Option<u64>, u64, u64); 4] {
    [
        (What::Jobs, bounds.jobs, held.jobs, 1),
        (What::Cpus, bounds.cpu_milli, held.cpu_milli, asked.cpu_milli),
        (What::Memory, bounds.memory_bytes, held.memory_bytes, asked.memory_bytes),
        (What::Gpus, bounds.gpu_milli(), held.gpu_milli, asked.gpu_milli),
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
            Self::Gpus => quota.gpus = count(to.div_ceil(WHOLE_MILLI.into())),
        }
    }

    /// The bare number: `1.5`, `16Gi`.
    fn number(self, amount: u64, rounding: Rounding) -> String {
        match self {
            Self::Cpus | Self::Gpus => cpus(amount),
            Self::Memory => bytes(amount, rounding),
            Self::Jobs => amount.to_string(),
        }
    }

    /// The number with its noun.
    fn phrase(self, amount: u64) -> String {
        match self {
            Self::Jobs => counted(amount, "job"),
            Self::Cpus if amount == 1000 => "1 CPU".to_owned(),
            Self::Cpus => format!("{} CPUs", cpus(amount)),
            Self::Memory => format!("{} of memory", bytes(amount, Rounding::Down)),
            Self::Gpus if amount == 1000 => "1 GPU".to_owned(),
            Self::Gpus => format!("{} GPUs", cpus(amount)),
        }
    }
}
