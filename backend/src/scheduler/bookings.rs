//! Places in the mirror that are being cleared for jobs that wait: they are kept for them through all that is heard of
//! those jobs meanwhile, and end with the wait.

use std::collections::HashSet;

use lilac_api::{JobId, NodeId};
use lilac_scheduler::{Availability, Placement, Preemption};

use super::world::{Standing, World};

/// A place that is being cleared for a job.
#[derive(Clone)]
pub struct Booking {
    pub what: Preemption,
    /// The job's epoch, while it waits.
    pub epoch: i32,
    /// Those that have to go, with the epochs in which they run.
    pub victims: Vec<(JobId, i32)>,
}

impl World {
    /// Places that are to be cleared for jobs that fit nowhere. From now on they count as booked, until
    /// [`World::take_back`] says otherwise.
    pub fn preempt(&mut self, most: usize) -> Vec<Booking> {
        let mut bookings = Vec::new();
        for what in self.state.preempt(self.now_ms, most) {
            let epoch = |job: &JobId| self.jobs.get(job).map(|tracked| tracked.epoch);
            let victims = what.victims.iter().filter_map(|job| Some((*job, epoch(job)?))).collect();
            let Some(epoch) = epoch(&what.job) else { continue };
            let booking = Booking { what, epoch, victims };
            self.bookings.insert(booking.what.job, booking.clone());
            bookings.push(booking);
        }
        bookings
    }

    /// What was not carried out is booked no more.
    pub fn take_back(&mut self, bookings: &[Booking], done: &HashSet<JobId>) {
        for booking in bookings.iter().filter(|booking| !done.contains(&booking.what.job)) {
            self.cancel_booking(booking.what.job);
        }
    }

    /// The database says that this place is being cleared.
    pub fn learn_booking(&mut self, booking: Booking) {
        let job = booking.what.job;
        let waits = self.jobs.get(&job).is_some_and(|tracked| {
            tracked.epoch == booking.epoch && matches!(tracked.standing, Standing::Waiting { .. })
        });
        if waits && !self.bookings.contains_key(&job) && self.is_ready(booking.what.node) {
            self.bookings.insert(job, booking);
            self.keep_booking(job);
        }
    }

    /// Something was heard of a job. If a place is booked for it, it is so still, or not any more.
    pub(super) fn keep_booking(&mut self, job: JobId) {
        let Some(booking) = self.bookings.get(&job) else { return };
        let waits = self.jobs.get(&job).is_some_and(|tracked| {
            tracked.epoch == booking.epoch && matches!(tracked.standing, Standing::Waiting { .. })
        });
        let holds = waits && (!self.state.is_waiting(job) || self.state.book(&booking.what));
        if !holds {
            self.bookings.remove(&job);
        }
    }

    /// A node is not what it was: what was booked there waits for no others, where it takes nobody now.
    pub(super) fn recheck_bookings(&mut self, node: NodeId) {
        if self.bookings.is_empty() || self.is_ready(node) {
            return;
        }
        let there = self.bookings.values().filter(|booking| booking.what.node == node);
        let jobs: Vec<JobId> = there.map(|booking| booking.what.job).collect();
        jobs.into_iter().for_each(|job| self.cancel_booking(job));
    }

    /// Jobs whose places are clear now.
    pub(super) fn redeem(&mut self) -> Vec<Placement> {
        let mut placements = Vec::new();
        for placement in self.state.cleared() {
            let job = placement.job;
            let Some(booking) = self.bookings.remove(&job) else { continue };
            let is_live = |(victim, epoch): &(JobId, i32)| {
                self.jobs.get(victim).is_some_and(|tracked| {
                    tracked.epoch == *epoch && !matches!(tracked.standing, Standing::Waiting { .. })
                })
            };
            // It was read anew meanwhile, and runs still.
            if booking.victims.iter().any(is_live) {
                self.state.undo(job);
                self.bookings.insert(job, booking);
                self.keep_booking(job);
            } else {
                placements.push(placement);
            }
        }
        placements
    }

    fn cancel_booking(&mut self, job: JobId) {
        if self.bookings.remove(&job).is_some() {
            self.state.undo(job);
            // It is told anew why it waits.
            self.anew.push(job);
        }
    }

    fn is_ready(&self, node: NodeId) -> bool {
        self.nodes.get(&node).is_some_and(|known| known.node.availability == Availability::Ready)
    }
}
