//! The order in which jobs are tried: who is next depends on who got something before.
//!
//! The next job is the least by: the priority of its queue (higher first), its queue's share by weight, its own
//! priority (higher first), its user's share in the queue, the time it was submitted, its id. Shares change with
//! every placement, so nothing is sorted once: the jobs of one user in one queue stand in a lane of their own,
//! whose order is fixed, and the heads of the lanes are compared. In a lane each class has its own line, so that a
//! class that waits for room is stepped over at once, however many jobs it has.

use std::cmp::Reverse;
use std::collections::{BTreeSet, VecDeque};

use lilac_api::JobId;
use rustc_hash::FxHashMap;

use crate::class::ClassId;
use crate::ledger::QueueIndex;
use crate::parking::Parking;

/// Where a job stands in its lane: no two are equal, as ids are not.
pub(crate) type Key = (Reverse<u8>, i64, JobId);

/// The first job of a class in a lane.
pub(crate) type Entry = (Key, ClassId);

/// Position of a job in the state.
pub(crate) type Row = u32;

/// The jobs of one user in one queue that wait. Each class has its first job in one of the three sets.
pub(crate) struct Lane {
    pub(crate) queue: QueueIndex,
    jobs: FxHashMap<ClassId, VecDeque<Row>>,
    /// To be tried.
    ready: BTreeSet<Entry>,
    /// Wait for room; see [`Parking`]. Those of classes that are parked may still stand among the ready.
    parked: BTreeSet<Entry>,
    /// Wait for a quota.
    capped: BTreeSet<Entry>,
}

impl Lane {
    pub(crate) fn new(queue: QueueIndex) -> Self {
        Self {
            queue,
            jobs: FxHashMap::default(),
            ready: BTreeSet::new(),
            parked: BTreeSet::new(),
            capped: BTreeSet::new(),
        }
    }

    /// The first job that may be tried. Where the lane is looked through for those that are parked and roused, they count,
    /// too; they stay among the parked.
    pub(crate) fn head(
        &mut self,
        parking: &Parking,
        is_roused: Option<impl Fn(ClassId) -> bool>,
    ) -> Option<Entry> {
        let ready = loop {
            let Some(entry) = self.ready.first().copied() else { break None };
            if !parking.is_parked(entry.1) {
                break Some(entry);
            }
            self.ready.remove(&entry);
            self.parked.insert(entry);
        };
        let roused = is_roused.and_then(|is_roused| self.parked.iter().find(|(_, class)| is_roused(*class)));
        ready.into_iter().chain(roused.copied()).min()
    }

    /// The first jobs of classes that fit nowhere now.
    pub(crate) fn waiting_for_room(&self) -> impl Iterator<Item = &Entry> {
        self.parked.iter()
    }

    /// The first jobs of classes that wait for a quota.
    pub(crate) fn waiting_for_quota(&self) -> impl Iterator<Item = &Entry> {
        self.capped.iter()
    }

    /// Whether it is the only one of its class.
    pub(crate) fn insert(&mut self, row: Row, class: ClassId, key_of: impl Fn(Row) -> Key) -> bool {
        let line = self.jobs.entry(class).or_default();
        let before = line.front().map(|first| key_of(*first));
        let key = key_of(row);
        // Mostly the newest comes last.
        match line.back() {
            Some(last) if key_of(*last) > key => {
                let position = line.partition_point(|other| key_of(*other) < key);
                line.insert(position, row);
            }
            _ => line.push_back(row),
        }
        match before {
            None => {
                self.ready.insert((key, class));
            }
            Some(before) if key < before => {
                let was_capped = self.capped.remove(&(before, class));
                let was_parked = self.parked.remove(&(before, class));
                self.ready.remove(&(before, class));
                let set = match (was_capped, was_parked) {
                    (true, _) => &mut self.capped,
                    (_, true) => &mut self.parked,
                    _ => &mut self.ready,
                };
                set.insert((key, class));
            }
            Some(_) => {}
        }
        before.is_none()
    }

    /// Takes a job out; the next of its class stands where it stood. `false` for one that does not stand here.
    pub(crate) fn remove(&mut self, row: Row, class: ClassId, key_of: impl Fn(Row) -> Key) -> bool {
        let Some(line) = self.jobs.get_mut(&class) else { return false };
        let key = key_of(row);
        // Mostly it is the first; a search through the others would be a walk through memory.
        let position = match line.front() {
            Some(first) if *first == row => 0,
            _ => line.partition_point(|other| key_of(*other) < key),
        };
        if line.get(position) != Some(&row) {
            return false;
        }
        line.remove(position);
        if position > 0 {
            return true;
        }
        let next = line.front().map(|next| (key_of(*next), class));
        if next.is_none() {
            self.jobs.remove(&class);
        }
        for set in [&mut self.ready, &mut self.parked, &mut self.capped] {
            if set.remove(&(key, class)) {
                set.extend(next);
                break;
            }
        }
        true
    }

    /// The first job of a class that may be tried or waits for room, and of which this holds.
    pub(crate) fn first_of(&self, holds: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let first = |set: &BTreeSet<Entry>| set.iter().find(|entry| holds(entry)).copied();
        first(&self.ready).into_iter().chain(first(&self.parked)).min()
    }

    /// Its jobs by class, in order.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (ClassId, &VecDeque<Row>)> {
        self.jobs.iter().map(|(class, line)| (*class, line))
    }

    pub(crate) fn line(&self, class: ClassId) -> Option<&VecDeque<Row>> {
        self.jobs.get(&class)
    }

    pub(crate) fn first(&self, class: ClassId) -> Option<Row> {
        self.jobs.get(&class).and_then(|line| line.front()).copied()
    }

    /// Its quota is used up: not tried again before something of the queue ends.
    pub(crate) fn cap(&mut self, entry: Entry) {
        self.ready.remove(&entry);
        self.parked.remove(&entry);
        self.capped.insert(entry);
    }

    /// What waited for a quota is to be tried; these are the classes.
    pub(crate) fn uncap(&mut self) -> impl Iterator<Item = ClassId> {
        let capped = std::mem::take(&mut self.capped);
        self.ready.extend(capped.iter().copied());
        capped.into_iter().map(|(_, class)| class)
    }

    /// A class is parked no more.
    pub(crate) fn release(&mut self, class: ClassId, key_of: impl Fn(Row) -> Key) {
        let first = self.first(class).map(|first| (key_of(first), class));
        self.ready.extend(first.filter(|entry| self.parked.remove(entry)));
    }

    pub(crate) fn unpark(&mut self) {
        self.ready.append(&mut self.parked);
    }
}
