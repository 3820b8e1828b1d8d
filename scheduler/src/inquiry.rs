//! What can be asked of a [`State`]: who waits, in which order, and why.
//!
//! The answers are those of the planner: the same order, the same fit, over what is left after all that was placed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono::{DateTime, SecondsFormat};
use lilac_api::explanation::{Change, ChangeKind, Evidence};
use lilac_api::job::Reason;
use lilac_api::{JobId, QueueId};
use rustc_hash::FxHashMap;

use crate::class::ClassId;
use crate::evidence::evidence;
use crate::ledger::{LaneIndex, QueueIndex};
use crate::line::Row;
use crate::preempt::awaits_place;
use crate::remedy::remedy;
use crate::room::{Room, rooms};
use crate::snapshot::Node;
use crate::state::{JobRow, State};

/// A line's first job that was not read yet, with its lane and class and how far the line was read.
type Head = (Turn, Option<(LaneIndex, ClassId)>, usize);

/// A state as it stands, with the nodes that it was told of.
pub struct Inquiry<'a> {
    pub(crate) state: &'a State,
    pub(crate) rooms: Vec<Room<'a>>,
    now_ms: i64,
    /// Why classes fit nowhere: looked for once. `None` for one that fits.
    known: FxHashMap<ClassId, Option<(Reason, String)>>,
}

/// Why a job waits, and what would let it start.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// One dominant reason, and a sentence. `None` for a job that has its place in the next plan.
    pub why: Option<(Reason, String)>,
    /// How many jobs of its queue would be tried before it.
    pub position: usize,
    pub evidence: Vec<Evidence>,
    /// All of these together would let it start as things are; none where only time helps.
    pub changes: Vec<Change>,
    /// The job for which the room is kept that there is, and until when, in milliseconds since the Unix epoch; without a
    /// time where nobody knows.
    pub kept_for: Option<(JobId, Option<i64>)>,
}

/// Whose turn it is inside a queue; the least comes first. Shares are not negative, so their bits sort as they do.
type Turn = (Reverse<u8>, u64, i64, JobId);

impl State {
    /// To be asked after a plan: what could have been placed has a place then. The nodes are those that the state
    /// was told of; their ids, names and what they have in all are looked at.
    pub fn ask<'a>(&'a self, nodes: impl IntoIterator<Item = &'a Node>, now_ms: i64) -> Inquiry<'a> {
        Inquiry { state: self, rooms: rooms(nodes, &self.fleet), now_ms, known: FxHashMap::default() }
    }

    /// How many jobs wait.
    #[must_use]
    pub fn count_waiting(&self) -> usize {
        self.lanes.iter().map(|lane| lane.lines().map(|(_, line)| line.len()).sum::<usize>()).sum::<usize>()
            + self.later.len()
    }

    /// When to plan again though nothing happens: at the end of the earliest backoff, or when it is time to look for the
    /// nodes that are kept anew; in milliseconds since the Unix epoch.
    #[must_use]
    pub fn wake_at_ms(&self) -> Option<i64> {
        let backoff = self.later.first().map(|(at, _)| *at);
        backoff.into_iter().chain(self.reserve.renewal_at_ms()).min()
    }

    fn turn(&self, row: Row) -> Turn {
        let JobRow { lane, .. } = self.rows[row as usize];
        let (priority, submitted_ms, id) = self.rows[row as usize].key();
        (priority, self.ledger.user_share(lane).to_bits(), submitted_ms, id)
    }

    pub(crate) fn queue_of_row(&self, row: Row) -> QueueIndex {
        self.lanes[self.rows[row as usize].lane as usize].queue
    }
}

impl Inquiry<'_> {
    /// The jobs that wait, in the order in which they would be tried as shares are now; at most so many.
    #[must_use]
    pub fn line(&self, most: usize) -> Vec<JobId> {
        let mut queues: Vec<QueueIndex> = (0..self.state.queues.len() as QueueIndex).collect();
        queues.sort_unstable_by_key(|queue| self.state.queues[*queue as usize].place);
        let mut line = Vec::new();
        for queue in queues {
            if line.len() >= most {
                break;
            }
            self.line_of(queue, most, &mut line);
        }
        line
    }

    /// As [`Self::line`], for one queue.
    #[must_use]
    pub fn line_in(&self, queue: QueueId, most: usize) -> Vec<JobId> {
        let mut line = Vec::new();
        if let Some(queue) = self.state.queue_of.get(&queue) {
            self.line_of(*queue, most, &mut line);
        }
        line
    }

    fn line_of(&self, queue: QueueIndex, most: usize, into: &mut Vec<JobId>) {
        let state = self.state;
        let mut heads: BinaryHeap<Reverse<Head>> = BinaryHeap::new();
        for lane in &state.queues[queue as usize].lanes {
            for (class, line) in state.lanes[*lane as usize].lines() {
                let first = line.front().map(|row| Reverse((state.turn(*row), Some((*lane, class)), 0)));
                heads.extend(first);
            }
        }
        let later = state.later.iter().map(|(_, row)| *row).filter(|row| state.queue_of_row(*row) == queue);
        heads.extend(later.take(most).map(|row| Reverse((state.turn(row), None, 0))));
        while into.len() < most
            && let Some(Reverse((turn, line, position))) = heads.pop()
        {
            into.push(turn.3);
            let Some((lane, class)) = line else { continue };
            let next = state.lanes[lane as usize].line(class).and_then(|line| line.get(position + 1));
            heads.extend(next.map(|row| Reverse((state.turn(*row), Some((lane, class)), position + 1))));
        }
    }

    /// How many jobs of its queue would be tried before it.
    #[must_use]
    pub fn position(&self, job: JobId) -> Option<usize> {
        let state = self.state;
        let row = *state.row_of.get(&job)?;
        let (turn, queue) = (state.turn(row), state.queue_of_row(row));
        let lanes = state.queues[queue as usize].lanes.iter().map(|lane| &state.lanes[*lane as usize]);
        let lines = lanes.flat_map(|lane| lane.lines());
        let before: usize =
            lines.map(|(_, line)| line.partition_point(|other| state.turn(*other) < turn)).sum();
        let later = state.later.iter().map(|(_, other)| *other);
        let later = later.filter(|other| state.queue_of_row(*other) == queue && state.turn(*other) < turn);
        Some(before + later.count())
    }

    /// Why a job waits. `None` for one that does not, or that has its place in the next plan.
    pub fn why(&mut self, job: JobId) -> Option<(Reason, String)> {
        let state = self.state;
        let row = *state.row_of.get(&job)?;
        let JobRow { class, lane, ref spot, .. } = state.rows[row as usize];
        if let Some((victims, node)) = state.awaits(row) {
            let name = |room: &&Room<'_>| room.node.id == node;
            let name = self.rooms.iter().find(name).map_or("", |room| room.node.name.as_str());
            let reason = match state.classes.get(class).need.gpus {
                0 => Reason::WaitingForCapacity,
                _ => Reason::WaitingForGpus,
            };
            return Some((reason, awaits_place(victims, name)));
        }
        if spot.is_some() {
            return None;
        }
        let index = state.lanes[lane as usize].queue;
        let queue = &state.queues[index as usize].queue;
        if queue.paused {
            return Some(paused(&queue.name));
        }
        if let Some(until) = state.later_of.get(&row).filter(|until| self.now_ms < **until) {
            return Some(backoff(*until));
        }
        if let Some(message) = state.over_quota(index, lane, class) {
            return Some((Reason::QuotaExceeded, message));
        }
        // What is kept for it is not kept from it.
        let is_own =
            |why: &(Reason, String)| why.0 == Reason::ReservedForHigher && state.is_holder(lane, class);
        let (reason, mut message) = self.why_class(class).filter(|why| !is_own(why))?;
        if matches!(reason, Reason::WaitingForCapacity | Reason::WaitingForGpus) && state.is_owed(row) {
            message.push_str(
                "; its queue is guaranteed that much, and what others borrowed of it is waited for",
            );
        }
        Some((reason, message))
    }

    /// All that can be said of a job that waits.
    pub fn explain(&mut self, job: JobId) -> Option<Explanation> {
        let state = self.state;
        let row = *state.row_of.get(&job)?;
        let position = self.position(job)?;
        let JobRow { class, lane, .. } = state.rows[row as usize];
        let shape = state.classes.get(class).shape();
        let index = state.lanes[lane as usize].queue;
        let queue = &state.queues[index as usize].queue;
        let why = self.why(job);
        let changes = match why.as_ref().map(|(reason, _)| *reason) {
            None | Some(Reason::Backoff | Reason::ReservedForHigher) => Vec::new(),
            Some(Reason::QueuePaused) => vec![resume(&queue.name)],
            Some(Reason::QuotaExceeded) => {
                state.ledger.raises(index, lane, queue, &state.classes.get(class).total)
            }
            Some(_) => remedy(&self.rooms, &shape, &queue.name),
        };
        let is_reserved = matches!(why, Some((Reason::ReservedForHigher, _)));
        let kept_for = if is_reserved { state.kept_for(class, &self.rooms) } else { None };
        Some(Explanation { why, position, evidence: evidence(&self.rooms, &shape), changes, kept_for })
    }

    fn why_class(&mut self, class: ClassId) -> Option<(Reason, String)> {
        let (rooms, state) = (&self.rooms, self.state);
        self.known.entry(class).or_insert_with(|| state.why_not(class, rooms)).clone()
    }

    /// How many classes were looked at: each costs a look at all nodes.
    #[must_use]
    pub fn looks(&self) -> usize {
        self.known.len()
    }
}

fn resume(queue: &str) -> Change {
    let message = format!("resume queue {queue}");
    Change { queue: Some(queue.to_owned()), ..Change::new(ChangeKind::ResumeQueue, message) }
}

pub(crate) fn paused(queue: &str) -> (Reason, String) {
    (Reason::QueuePaused, format!("queue {queue} is paused and starts no jobs"))
}

/// The time itself rather than what is left of it: the sentence stays true while it stands.
pub(crate) fn backoff(until_ms: i64) -> (Reason, String) {
    let when = DateTime::from_timestamp_millis(until_ms)
        .map_or_else(|| "its backoff is over".to_owned(), |at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
    (Reason::Backoff, format!("is not tried again before {when}"))
}
