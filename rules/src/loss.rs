//! What becomes of a job whose attempt is lost.

use lilac_api::job::{AttemptState, JobState, Reason};

use crate::retry::MAX_EPOCH;

/// A job lost on this many different nodes is held for a person: it may be what kills them.
pub const POISON_NODES: i64 = 3;

/// An attempt that is about to be lost, with its job.
#[derive(Clone, Copy, Debug)]
pub struct Losing {
    pub attempt: AttemptState,
    /// No later attempt of the job was granted.
    pub is_current: bool,
    pub cancel_requested: bool,
    pub epoch: i32,
}

impl Losing {
    /// Only what is live can be lost, and only by a decision about this very attempt.
    #[must_use]
    pub fn may_be_lost(&self) -> bool {
        !self.attempt.is_terminal() && self.is_current
    }
}

/// T7, T8: the job goes back to the queue, uncharged; is held when it was lost on too many nodes; or is
/// cancelled where its user had asked for that. `nodes` are the different ones that it was lost on, with this.
#[must_use]
pub fn after(losing: Losing, nodes: i64) -> (JobState, Reason) {
    if losing.cancel_requested {
        (JobState::Cancelled, Reason::Cancelled)
    } else if losing.epoch >= MAX_EPOCH || nodes >= POISON_NODES {
        (JobState::Held, Reason::Held)
    } else {
        (JobState::Queued, Reason::NodeLost)
    }
}
