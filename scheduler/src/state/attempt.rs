//! One cycle: those who may be tried are tried in their turn, until nobody is left.

use smallvec::SmallVec;

use crate::class::ClassId;
use crate::fleet::HostId;
use crate::gang::Spots;
use crate::ledger::{LaneIndex, QueueIndex};
use crate::line::{Entry, Lane, Row};
use crate::plan::Placement;
use crate::state::{FEW_GROWN, JobRow, State};

impl State {
    /// Places what can be placed, at most so many jobs.
    pub fn schedule(&mut self, now_ms: i64, most: usize) -> Vec<Placement> {
        self.now_ms = now_ms;
        self.settle(now_ms);
        let mut placements = Vec::new();
        while placements.len() < most {
            // Whoever was refused what was kept goes before those who come after in turn.
            self.rouse_lifted();
            let next = self.next();
            let placed = match (self.filler_before(next), next) {
                (Some(filler), _) => self.attempt_filler(filler),
                (None, Some((lane, entry))) => match self.eldest_instead(lane) {
                    Some(eldest) => self.attempt_row(eldest),
                    None => self.attempt(lane, entry),
                },
                (None, None) => {
                    self.rest();
                    break;
                }
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
            Tried::Blocked if self.is_kept_for_another(row, class) => self.tear(row),
            Tried::Torn => self.tear(row),
            Tried::Blocked => {
                self.parking.park(class);
                self.is_blocked(row, class, self.now_ms);
                self.look_behind(class, None, Some(row));
            }
            Tried::Fits(alternative, option, spots) => {
                return Some(self.start(row, alternative, option, spots));
            }
        }
        None
    }

    /// Its class waits in this line only, and not for room alone.
    fn tear(&mut self, row: Row) {
        let JobRow { class, lane, .. } = self.rows[row as usize];
        self.cap(lane, class);
        self.torn.insert((lane, class));
        self.look_behind(class, Some(lane), Some(row));
    }

    /// Places a job that may fill in where others of its class could not. Where it does not either, all stays as it was.
    fn attempt_filler(&mut self, row: Row) -> Option<Placement> {
        let JobRow { class, lane, .. } = self.rows[row as usize];
        let line = (!self.parking.is_parked(class)).then_some(lane);
        match self.try_options(lane, class, row) {
            Tried::Fits(alternative, option, spots) => {
                let placement = self.start(row, alternative, option, spots);
                self.look_behind(class, line, None);
                Some(placement)
            }
            Tried::Over => {
                self.cap(lane, class);
                self.lets_go(lane, class);
                self.look_behind(class, line, Some(row));
                None
            }
            Tried::Blocked | Tried::Torn => None,
        }
    }

    /// A job takes its place.
    fn start(&mut self, row: Row, alternative: usize, option: ClassId, spots: Spots) -> Placement {
        self.ages.count_start(self.queue_of_row(row));
        self.step_out(row);
        let placement = self.placement(self.rows[row as usize].id, &spots, alternative);
        if option != self.rows[row as usize].class {
            self.chosen.insert(row, option);
        }
        let hosts: SmallVec<[HostId; 1]> = spots.iter().map(|spot| spot.host).collect();
        self.hold_spots(row, spots);
        self.starts(row, self.now_ms);
        hosts.iter().for_each(|host| self.parking.taken(*host, &self.fleet, &self.classes));
        placement
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
                return Tried::Fits(alternative, option, spots);
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
}

/// What became of an attempt.
enum Tried {
    /// A place with one of the resources: which of them, its class, and where.
    Fits(usize, ClassId, Spots),
    /// Nowhere is room for any of them.
    Blocked,
    /// All of them are over a quota.
    Over,
    /// Some are over a quota, and for the others there is no room.
    Torn,
}
