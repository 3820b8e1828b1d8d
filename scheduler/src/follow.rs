//! What happens outside of the core and is told to it: jobs that run already, placements that did not come about,
//! nodes that are not what they were. So a [`State`] can follow a world that others change, too.

use lilac_api::{JobId, NodeId};

use crate::snapshot::{Job, Node};
use crate::state::State;

impl State {
    /// A job runs already, on this node and with these of its GPUs: from now on it is as if it had been placed there.
    /// `false` where its queue or the node is not known: then nothing is counted.
    pub fn adopt(&mut self, job: &Job, node: NodeId, gpu_indices: &[u16]) -> bool {
        self.end(job.id);
        let (Some(queue), Some(spot)) = (self.queue_index(job.queue), self.fleet.spot_on(node, gpu_indices))
        else {
            return false;
        };
        let row = self.enter(job, queue);
        self.observe(self.rows[row as usize].class, 1);
        let class = self.classes.get(self.rows[row as usize].class);
        self.fleet.take(&spot, &class.need);
        let lane = self.rows[row as usize].lane;
        self.ledger.take(queue, lane, 1, &class.requests);
        self.rows[row as usize].spot = Some((spot.host, spot.slots.into_boxed_slice()));
        self.reorder(queue);
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
