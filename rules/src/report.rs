//! What a node's word about an attempt changes.

use lilac_api::agent::Phase;
use lilac_api::job::{AttemptState, JobState};

/// Whether a word could change anything: most repeat what is known, and are not worth a lock.
#[must_use]
pub fn says_something(phase: Phase, state: AttemptState) -> bool {
    match phase {
        Phase::Preparing | Phase::Running => progress(phase, state).is_some(),
        Phase::Ended => !state.is_terminal() || state == AttemptState::Lost,
        Phase::Stopping | Phase::Unknown => false,
    }
}

/// T3: where a word that an attempt goes on leads it and its job. Late words lead nowhere.
#[must_use]
pub fn progress(phase: Phase, from: AttemptState) -> Option<(AttemptState, JobState)> {
    match (from, phase) {
        (AttemptState::Granted, Phase::Preparing) => Some((AttemptState::Preparing, JobState::Starting)),
        (AttemptState::Granted | AttemptState::Preparing, Phase::Running) => {
            Some((AttemptState::Running, JobState::Running))
        }
        _ => None,
    }
}

/// T5: whether an end may still be told of an attempt: while it is live, or after it was lost as long as the job
/// was not placed again.
#[must_use]
pub fn may_end(attempt: AttemptState, is_current: bool, job: JobState) -> bool {
    let ended_for_good = attempt.is_terminal() && attempt != AttemptState::Lost;
    !ended_for_good && is_current && !job.is_terminal()
}
