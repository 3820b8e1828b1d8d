//! Which state may follow which. The schema's triggers say the same, and a test compares them.

use lilac_api::job::{AttemptState, JobState};

/// Whether a job may go from one state to the other. To stay is not to go, and allowed until the end.
#[must_use]
pub fn job_may(from: JobState, to: JobState) -> bool {
    use JobState::{Cancelled, Failed, Held, Queued, Running, Starting, Succeeded};
    match from {
        // A result may still come in after a loss, while the job waits or is held.
        Queued => matches!(to, Queued | Starting | Cancelled | Held | Succeeded | Failed),
        Held => matches!(to, Held | Queued | Cancelled | Succeeded | Failed),
        Starting => true,
        Running => to != Starting,
        Succeeded | Failed | Cancelled => false,
    }
}

/// Whether an attempt may go from one state to the other.
#[must_use]
pub fn attempt_may(from: AttemptState, to: AttemptState) -> bool {
    use AttemptState::{
        Cancelled, Failed, Granted, Lost, Preempted, Preparing, Running, Stopping, Succeeded,
    };
    match from {
        Granted => true,
        Preparing => to.is_terminal() || matches!(to, Preparing | Running | Stopping),
        Running => to.is_terminal() || matches!(to, Running | Stopping),
        Stopping => to.is_terminal() || to == Stopping,
        // Finished work is not thrown away.
        Lost => matches!(to, Lost | Succeeded | Failed),
        Succeeded | Failed | Cancelled | Preempted => false,
    }
}
