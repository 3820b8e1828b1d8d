//! Jobs behind one of their class that found no room. All of a class ask for the same, but on nodes that are kept it
//! counts how long a job is and how high it stands: where the first has no place, one behind it may have.
//!
//! Such a job is tried by itself, when its turn comes: whoever goes before it and could start has started by then.

use smallvec::SmallVec;

use crate::class::ClassId;
use crate::ledger::LaneIndex;
use crate::line::{Entry, Row};
use crate::reserve::Reservation;
use crate::state::State;

/// So many jobs of a line are looked at for one that ends in time.
const LINE_LOOKED_AT: usize = 32;

impl State {
    /// Looks for the first of a class that may have room on a node that is kept, though the one that was `tried` has
    /// none: in one line, or in all where the class is parked.
    pub(crate) fn look_behind(&mut self, class: ClassId, line: Option<LaneIndex>, tried: Option<Row>) {
        let has_room =
            |one: &&Reservation| one.hosts.iter().any(|host| self.fleet.fits_on(*host, class, &self.classes));
        let roomy: SmallVec<[&Reservation; 4]> = self.reserve.list.iter().filter(has_room).collect();
        if roomy.is_empty() {
            return;
        }
        let lanes = line.as_ref().map_or_else(|| self.parking.lanes(class), std::slice::from_ref);
        let rows = lanes.iter().filter_map(|lane| self.behind(class, *lane, tried, &roomy));
        let first = rows.min_by_key(|row| self.turn_of_row(*row));
        self.reserve.fillers.extend(first);
    }

    /// The first in a line.
    fn behind(
        &self,
        class: ClassId,
        lane: LaneIndex,
        tried: Option<Row>,
        roomy: &[&Reservation],
    ) -> Option<Row> {
        if self.queues[self.lanes[lane as usize].queue as usize].queue.paused {
            return None;
        }
        let of_others = || roomy.iter().filter(|one| (one.lane, one.class) != (lane, class));
        let until_ms = of_others().filter_map(|one| one.until_ms).max();
        // What fills in on a node that is kept is on one node.
        let until_ms = until_ms.filter(|_| self.classes.get(class).nodes <= 1);
        let is_brief = |row: Row| {
            let ends_ms = self.rows[row as usize].most_ms.map(|most| self.now_ms.saturating_add(most));
            ends_ms.is_some_and(|ends_ms| until_ms.is_some_and(|until_ms| ends_ms <= until_ms))
        };
        // Nobody stands higher than the first of the line.
        let stands_higher = |row: Row| of_others().any(|one| self.gives_way(one, row));
        let line = self.lanes[lane as usize].line(class)?.iter().copied().enumerate();
        let mut others = line.take(LINE_LOOKED_AT).filter(|(_, row)| Some(*row) != tried);
        others
            .find(|(position, row)| is_brief(*row) || *position == 0 && stands_higher(*row))
            .map(|(_, row)| row)
    }

    /// One of those that were found, where its turn comes before that of the next.
    pub(crate) fn filler_before(&mut self, next: Option<(LaneIndex, Entry)>) -> Option<Row> {
        let turn = |row: Row| self.turn_of_row(row);
        let is_paused = |row: Row| self.queues[self.queue_of_row(row) as usize].queue.paused;
        let fillers = self.reserve.fillers.iter().copied().filter(|row| !is_paused(*row));
        let first = fillers.min_by_key(|row| turn(*row))?;
        if next.is_some_and(|(lane, entry)| self.turn_of(lane, entry.0) < turn(first)) {
            return None;
        }
        self.reserve.fillers.retain(|row| *row != first);
        Some(first)
    }
}
