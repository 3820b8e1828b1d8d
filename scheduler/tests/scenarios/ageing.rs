//! Nothing waits for ever behind what goes first in its queue.

use lilac_scheduler::{Job, State};

use crate::notation::{job_id, read};

const HOUR_MS: i64 = 3_600_000;

/// After how many starts of urgent jobs, of which there is always another, the low one starts.
fn starts_before(low: &str, waited_ms: i64) -> Option<usize> {
    let (snapshot, _) = read(&format!("node a cpu=1\n job low {low}\n job urgent priority=90"));
    let now_ms = 10 * HOUR_MS;
    let mut state = State::of(&lilac_scheduler::Snapshot { jobs: Vec::new(), ..snapshot.clone() });
    let [low, urgent] = [0, 1].map(|index| snapshot.jobs[index].clone());
    state.add_job(&Job { submitted_ms: now_ms - waited_ms, ..low });
    for number in 0..30 {
        for twin in 0..2 {
            let id = job_id(&format!("urgent-{number}-{twin}"));
            state.add_job(&Job { id, submitted_ms: now_ms, ..urgent.clone() });
        }
        let placed = state.schedule(now_ms, 10);
        assert_eq!(placed.len(), 1, "the node has room for one");
        if placed[0].job == job_id("low") {
            return Some(number);
        }
        state.end(placed[0].job);
    }
    None
}

#[test]
fn one_of_eight_starts_is_the_eldests() {
    assert_eq!(starts_before("priority=1", HOUR_MS), Some(7));
    assert_eq!(starts_before("priority=1", HOUR_MS - 1), None, "it has not waited for long");
    assert_eq!(starts_before("priority=99", 0), Some(0));
    assert_eq!(starts_before("priority=1 cpu=2", HOUR_MS), None, "it fits nowhere, and holds nobody up");
}
