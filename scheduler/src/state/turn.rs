//! Whose turn it is.

use std::cmp::{Ordering, Reverse};

use lilac_api::JobId;

use crate::class::ClassId;
use crate::ledger::{LaneIndex, QueueIndex};
use crate::line::{Entry, Key, Row};
use crate::parking::Roused;
use crate::state::State;

/// Whose turn it is, over all queues: by the priority of the queue, its share, the job's priority, its user's share, when
/// it was submitted, and its id.
pub(crate) type Turn = (Reverse<i32>, u64, Reverse<u8>, u64, i64, JobId);

impl State {
    /// Who is to be tried next, as things stand.
    pub(super) fn next(&mut self) -> Option<(LaneIndex, Entry)> {
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

    pub(crate) fn turn_of_row(&self, row: Row) -> Turn {
        self.turn_of(self.rows[row as usize].lane, self.rows[row as usize].key())
    }

    pub(crate) fn turn_of(&self, lane: LaneIndex, key: Key) -> Turn {
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
}

/// Whose turn it is, of two jobs in queues that stand equal.
pub(crate) fn by_turn((one, one_share): (&Key, f64), (other, other_share): (&Key, f64)) -> Ordering {
    (one.0.cmp(&other.0))
        .then(one_share.total_cmp(&other_share))
        .then((one.1, one.2).cmp(&(other.1, other.2)))
}
