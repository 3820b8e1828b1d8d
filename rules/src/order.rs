//! What people, and the control plane itself, may order.

use lilac_api::job::{AttemptState, JobState};

/// What a cancellation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// It has ended already.
    TooLate,
    /// It was asked for before.
    Again,
    /// T9: it waits, so it ends at once.
    AtOnce,
    /// T9: it is told to stop, and ends with its node's word or its loss.
    Stop,
}

#[must_use]
pub fn cancel(job: JobState, cancel_requested: bool) -> Cancel {
    match job {
        JobState::Succeeded | JobState::Failed | JobState::Cancelled => Cancel::TooLate,
        _ if cancel_requested => Cancel::Again,
        JobState::Queued | JobState::Held => Cancel::AtOnce,
        JobState::Starting | JobState::Running => Cancel::Stop,
    }
}

/// T12: only what waits can be held.
#[must_use]
pub fn may_hold(job: JobState) -> bool {
    job == JobState::Queued
}

/// T13: only what is held can be let go.
#[must_use]
pub fn may_release(job: JobState) -> bool {
    job == JobState::Held
}

/// T10, T17: whether an attempt can be told to stop: it is live, its job's latest, and was not told yet.
#[must_use]
pub fn may_stop(attempt: AttemptState, is_current: bool) -> bool {
    !attempt.is_terminal() && attempt != AttemptState::Stopping && is_current
}
