//! Jobs on several nodes: all of their ranks get a place, or none does.

use lilac_api::JobId;
use smallvec::SmallVec;

use crate::class::ClassId;
use crate::fleet::{HostId, Spot};
use crate::line::Row;
use crate::plan::{Part, Placement};
use crate::state::State;

/// A place for each rank, in order.
pub(crate) type Spots = SmallVec<[Spot; 1]>;

impl State {
    /// Where a job runs, once it is placed.
    pub(crate) fn spots(&self, row: Row) -> Option<Spots> {
        let (host, slots) = self.rows[row as usize].spot.as_ref()?;
        let first = Spot { host: *host, slots: slots.to_vec() };
        let others = self.ranks.get(&row).into_iter().flatten().cloned();
        Some(std::iter::once(first).chain(others).collect())
    }

    /// A job gets these places: they are taken, and count for its queue and user.
    pub(crate) fn hold_spots(&mut self, row: Row, spots: Spots) {
        let lane = self.rows[row as usize].lane;
        let queue = self.lanes[lane as usize].queue;
        let class = self.classes.get(self.held_class(row));
        self.reserve.moves_in(row, &spots);
        spots.iter().for_each(|spot| self.fleet.take(spot, &class.need));
        self.ledger.take(queue, lane, 1, &class.total);
        let mut spots = spots.into_iter();
        self.rows[row as usize].spot = spots.next().map(|spot| (spot.host, spot.slots.into_boxed_slice()));
        if spots.len() > 0 {
            self.ranks.insert(row, spots.collect());
        }
        self.reorder(queue);
    }

    /// What a job held is no longer known as its own.
    pub(crate) fn take_spots(&mut self, row: Row) -> Option<Spots> {
        let (host, slots) = self.rows[row as usize].spot.take()?;
        let first = Spot { host, slots: slots.into_vec() };
        let others = self.ranks.remove(&row).into_iter().flatten();
        let spots: Spots = std::iter::once(first).chain(others).collect();
        self.reserve.moves_out(row, &spots);
        Some(spots)
    }

    /// What a job was placed as: its class, or one of the alternatives.
    pub(crate) fn held_class(&self, row: Row) -> ClassId {
        self.chosen.get(&row).copied().unwrap_or(self.rows[row as usize].class)
    }

    /// The GPUs that a job has on a node, by slot.
    pub(crate) fn slots_on(&self, row: Row, host: HostId) -> &[u16] {
        match &self.rows[row as usize].spot {
            Some((first, slots)) if *first == host => slots,
            _ => {
                let others = self.ranks.get(&row).into_iter().flatten();
                others.into_iter().find(|spot| spot.host == host).map_or(&[], |spot| &spot.slots)
            }
        }
    }

    pub(crate) fn placement(&self, job: JobId, spots: &[Spot], alternative: usize) -> Placement {
        let part = |spot: &Spot| Part {
            node: self.fleet.node(spot.host),
            gpu_indices: self.fleet.gpu_indices(spot),
        };
        Placement { job, parts: spots.iter().map(part).collect(), alternative }
    }
}
