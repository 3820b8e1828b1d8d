//! What happens outside of the core and is told to it: jobs that run already, placements that did not come about,
//! nodes that are not what they were. So a [`State`] can follow a world that others change, too.

use lilac_api::JobId;

use crate::gang::Spots;
use crate::plan::Part;
use crate::snapshot::{Job, Node};
use crate::state::State;

impl State {
    /// A job runs already, in these places: from now on it is as if it had been placed there. `false` where its queue
    /// or one of the nodes is not known: then nothing is counted.
    pub fn adopt(&mut self, job: &Job, parts: &[Part]) -> bool {
        self.end(job.id);
        let spots = parts.iter().map(|part| self.fleet.spot_on(part.node, &part.gpu_indices));
        let (Some(queue), Some(spots)) = (self.queue_index(job.queue), spots.collect::<Option<Spots>>())
        else {
            return false;
        };
        if spots.is_empty() {
            return false;
        }
        let row = self.enter(job, queue);
        self.observe(self.rows[row as usize].class, 1);
        self.hold_spots(row, spots);
        true
    }

    /// A job that nobody submitted waits, to see what would become of it. It is taken out by [`State::end`], and leaves
    /// no trace in what is usual.
    pub fn suppose(&mut self, job: &Job) {
        if let Some(queue) = self.queue_index(job.queue)
            && !self.row_of.contains_key(&job.id)
        {
            let row = self.enter(job, queue);
            self.line_up(row);
        }
    }

    /// A placement did not come about: the job waits again, where it stood.
    pub fn undo(&mut self, job: JobId) {
        let Some(row) = self.row_of.get(&job).copied() else { return };
        if self.give_back(row).is_some() {
            self.line_up(row);
        }
    }

    /// Something about a node changed, and what jobs hold on it stays as it is counted here: what the node says of
    /// its allocations is not looked at. `false` where its GPUs are others than before, for then only a new state
    /// can tell what is taken of them.
    #[must_use]
    pub fn renew_node(&mut self, node: &Node) -> bool {
        if !self.fleet.renew(&Node { allocated: Default::default(), ..node.clone() }) {
            return false;
        }
        self.count_node(node);
        true
    }

    /// Whether the job waits here; of one that has a place, or is not known, it does not.
    #[must_use]
    pub fn is_waiting(&self, job: JobId) -> bool {
        self.row_of.get(&job).is_some_and(|row| self.rows[*row as usize].spot.is_none())
    }
}
