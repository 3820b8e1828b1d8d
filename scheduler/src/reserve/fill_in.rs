//! Places beside what is kept: on nodes that are kept for somebody a job goes where that one gives way to it, or is not
//! delayed by it.

use crate::class::ClassId;
use crate::fleet::{HostId, Spot};
use crate::gang::Spots;
use crate::ledger::LaneIndex;
use crate::line::Row;
use crate::reserve::Reservation;
use crate::state::{JobRow, State};

/// So many jobs that arrive are tried one by one; more of them have all of their class tried.
const FILLERS: usize = 64;

impl State {
    /// A place for the first job of a class in a lane, with the shape of `option`: on nodes that are kept for it or for
    /// jobs of a lower standing as on any other, and on those that are kept for others where that delays nobody.
    pub(crate) fn find_place(
        &mut self,
        (lane, class): (LaneIndex, ClassId),
        option: ClassId,
        row: Row,
        now_ms: i64,
    ) -> Option<Spots> {
        let giving_way = self.reserve.list.iter().filter(|one| self.gives_way(one, row));
        let own: Vec<HostId> = giving_way.flat_map(|one| one.hosts.iter().copied()).collect();
        own.iter().for_each(|host| self.fleet.set_aside(*host, false));
        let found = match self.parking.only_place(class) {
            Some(host) if own.is_empty() && self.classes.get(option).nodes == 1 => {
                let spot = self.fleet.spot_at(host, option, &self.classes);
                spot.filter(|_| !self.fleet.is_aside(host)).map(|spot| Spots::from_iter([spot]))
            }
            _ => self.fleet.find_all(option, &self.classes, self.rows[row as usize].image),
        };
        own.iter().for_each(|host| self.fleet.set_aside(*host, true));
        let spots = found.or_else(|| self.fill_in((lane, class), option, row, now_ms))?;
        for position in (0..self.reserve.list.len()).rev() {
            let one = &self.reserve.list[position];
            let is_used = spots.iter().any(|spot| own.contains(&spot.host) && one.hosts.contains(&spot.host));
            if is_used || self.holder(one) == Some(row) {
                self.lift(position);
            }
        }
        Some(spots)
    }

    /// Whether what is kept gives way to a job: to the one that it is kept for, to those of a higher standing, and to
    /// those that take no more than their queue is guaranteed, where it is kept for one that would borrow.
    pub(super) fn gives_way(&self, one: &Reservation, row: Row) -> bool {
        let standing = self.standing(row);
        let Some(holder) = self.holder(one) else { return true };
        holder == row
            || one.standing < standing
            || one.standing.0 <= standing.0
                && self.lanes[one.lane as usize].queue != self.queue_of_row(row)
                && self.is_owed(row)
                && !self.is_owed(holder)
    }

    /// Whether a node is kept for another, and from this job.
    pub(crate) fn is_kept_from(&self, host: HostId, row: Row) -> bool {
        self.reserve.list.iter().any(|one| one.hosts.contains(&host) && !self.gives_way(one, row))
    }

    /// A job takes the place of others on a node: nothing is kept for it any more, nor for anybody there.
    pub(crate) fn lift_for(&mut self, row: Row, host: HostId) {
        for position in (0..self.reserve.list.len()).rev() {
            let one = &self.reserve.list[position];
            if one.hosts.contains(&host) || self.holder(one) == Some(row) {
                self.lift(position);
            }
        }
    }

    /// A place on a node that is kept for another, which it does not delay.
    fn fill_in(
        &mut self,
        (lane, class): (LaneIndex, ClassId),
        option: ClassId,
        row: Row,
        now_ms: i64,
    ) -> Option<Spots> {
        if self.classes.get(option).nodes > 1 {
            return None;
        }
        for site in self.fleet.sites_of(option).to_vec() {
            let Some(position) = self.reserve.kept_at(site) else { continue };
            if (self.reserve.list[position].lane, self.reserve.list[position].class) == (lane, class) {
                continue;
            }
            for host in self.reserve.list[position].hosts.clone() {
                let Some(spot) = self.fleet.spot_at(host, option, &self.classes) else { continue };
                if self.delays_nobody(&self.reserve.list[position], &spot, option, row, now_ms) {
                    return Some(Spots::from_iter([spot]));
                }
            }
        }
        None
    }

    /// Whether a job that starts now has ended before any of what is kept is needed.
    fn ends_in_time(&self, row: Row, now_ms: i64) -> bool {
        let until = self.reserve.list.iter().filter_map(|one| one.until_ms).max();
        let ends = self.rows[row as usize].most_ms.map(|most| now_ms.saturating_add(most));
        ends.is_some_and(|ends| until.is_some_and(|until| ends <= until))
    }

    fn delays_nobody(&self, one: &Reservation, spot: &Spot, option: ClassId, row: Row, now_ms: i64) -> bool {
        let ends_ms = self.rows[row as usize].most_ms.map(|most| now_ms.saturating_add(most));
        let now = self.fleet.ahead(spot.host);
        let need = &self.classes.get(option).need;
        let Some(until_ms) = one.until_ms else {
            let mut after = now.clone();
            after.take(need, &spot.slots);
            return self.fleet.lacks_no_more(spot.host, &now, &after, one.class, &self.classes);
        };
        if ends_ms.is_some_and(|ends_ms| ends_ms <= until_ms) {
            return true;
        }
        let mut then = now;
        for (_, tenant) in self.ends_on(spot.host).filter(|(end, _)| *end <= until_ms) {
            then.give(&self.classes.get(self.held_class(tenant)).need, self.slots_on(tenant, spot.host));
        }
        then.take(need, &spot.slots);
        self.fleet.suffices(spot.host, &then, one.class, &self.classes)
    }

    /// A job joined the line of a class that waits for room: it may be one that could be placed where others of its
    /// shape could not, on a node that is kept.
    pub(crate) fn may_fill_in(&mut self, row: Row) {
        if self.reserve.list.is_empty() {
            return;
        }
        let now_ms = self.now_ms;
        let JobRow { class, lane, .. } = self.rows[row as usize];
        let is_first = self.lanes[lane as usize].first(class) == Some(row);
        let waits = self.parking.is_parked(class) || self.torn.contains(&(lane, class));
        if !waits || (!is_first && !self.ends_in_time(row, now_ms)) {
            return;
        }
        let outranks =
            |one: &Reservation| self.gives_way(one, row) && self.fleet.sites_of(class).contains(&one.site);
        let is_higher = self.reserve.list.iter().any(outranks);
        let options: Vec<ClassId> = self.classes.get(class).options(class).collect();
        let mut options = options.into_iter();
        if is_higher || options.any(|option| self.fill_in((lane, class), option, row, now_ms).is_some()) {
            if self.parking.is_parked(class) && self.reserve.fillers.len() >= FILLERS {
                self.parking.rouse(class);
            } else {
                self.reserve.fillers.push(row);
            }
        }
    }
}
