//! Nodes that are kept for the first in turn, and what may be done with them meanwhile.

#![expect(clippy::unwrap_used, reason = "a scenario that goes another way has to fail its test")]

use std::collections::BTreeMap;

use lilac_api::job::{Amounts, Reason};
use lilac_api::{JobId, QueueId, UserId};
use lilac_scheduler::{Job, State};
use uuid::Uuid;

use crate::notation::{job_id, node_id, read};

const MINUTE: i64 = 60_000;

/// A job of one GPU, or on several nodes of eight; some minutes long.
fn gpus(number: u128, nodes: u32, each: u32, submitted_ms: i64, minutes: Option<i64>) -> Job {
    let (snapshot, _) = read("");
    Job {
        submitted_ms,
        nodes,
        requests: Amounts { cpu_milli: 100, memory_bytes: 1 << 20, disk_bytes: 0, gpus: each },
        max_runtime_ms: minutes.map(|minutes| minutes * MINUTE),
        ..Job::new(JobId(Uuid::from_u128(number)), QueueId(snapshot.queues[0].id.0), UserId(Uuid::nil()))
    }
}

/// Four nodes of eight GPUs, full of jobs of one GPU that end minute by minute, and as many come as go. `minutes` is
/// how long such a job says that it takes at most; it takes `takes`.
fn endless(minutes: Option<i64>, takes: i64) -> (i64, Option<i64>) {
    let nodes: String = (1..=4).map(|node| format!("node n{node} gpus=8*H100/80Gi\n")).collect();
    let (snapshot, _) = read(&nodes);
    let mut state = State::of(&snapshot);
    let mut running: BTreeMap<(i64, JobId), ()> = BTreeMap::new();
    let mut next = 0;
    let gang = gpus(u128::MAX, 2, 8, 100 * MINUTE, Some(60));
    let mut promised: Option<i64> = None;
    for minute in 0..2_000 {
        let now = minute * MINUTE;
        while running.first_key_value().is_some_and(|((at, _), ())| *at <= now) {
            state.end(running.pop_first().unwrap().0.1);
        }
        if minute == 100 {
            state.add_job(&gang);
        }
        // Once the gang is there, more than can ever start.
        for _ in 0..if minute < 100 { 2 } else { 3 } {
            next += 1;
            state.add_job(&gpus(next, 1, 1, now, minutes));
        }
        for placement in state.schedule(now, usize::MAX) {
            if placement.job == gang.id {
                assert_eq!(placement.parts.len(), 2);
                return (minute, promised);
            }
            // Not all alike, and never longer than they may.
            let length = takes - i64::from(placement.job.0.as_u128() as u32 % 7);
            running.insert((now + length * MINUTE, placement.job), ());
        }
        if let Some(one) = state.reservations().into_iter().find(|one| one.job == gang.id)
            && let Some(until_ms) = one.until_ms
        {
            assert!(promised.is_none_or(|before| until_ms <= before), "a promise never moves away");
            promised = Some(until_ms);
        }
    }
    panic!("it never started");
}

#[test]
fn endless_small_jobs_do_not_hold_up_a_gang_beyond_what_it_was_promised() {
    let (started, promised) = endless(Some(20), 20);
    assert!(started * MINUTE <= promised.unwrap(), "started in minute {started}, promised {promised:?}");
    assert!(started <= 130, "a few came before it, and each may take twenty minutes: {started}");
}

#[test]
fn jobs_without_a_bound_do_not_hold_up_a_gang_for_ever() {
    let (started, promised) = endless(None, 20);
    assert_eq!(promised, None, "nobody knows");
    assert!(started <= 135, "nodes are kept before long, and then they empty: {started}");
}

/// One node with a job that ends in an hour, and one that needs all of it.
fn blocked() -> (lilac_scheduler::Snapshot, State, i64) {
    let (snapshot, now) = read("node a\n job r cpu=6 for=60m\n job x cpu=8 at=1");
    let mut state = State::of(&snapshot);
    let placed = state.schedule(now, usize::MAX);
    assert_eq!(placed.iter().map(|one| one.job).collect::<Vec<_>>(), [job_id("r")]);
    (snapshot, state, now)
}

fn arrives(state: &mut State, line: &str, now: i64) -> bool {
    let (snapshot, _) = read(line);
    state.add_job(&snapshot.jobs[0]);
    state.schedule(now, usize::MAX).iter().any(|one| one.job == snapshot.jobs[0].id)
}

#[test]
fn what_ends_in_time_fills_in_and_what_does_not_waits() {
    let (snapshot, mut state, now) = blocked();
    let one = &state.reservations()[0];
    assert_eq!((one.job, one.until_ms), (job_id("x"), Some(now + 60 * MINUTE)));
    assert!(!arrives(&mut state, "job long cpu=1 at=2 for=61m", now), "it would be in the way");
    assert!(!arrives(&mut state, "job open cpu=1 at=3", now), "nobody knows when it ends");
    assert!(arrives(&mut state, "job brief cpu=1 at=4 for=60m", now), "it is gone by then");
    let found = state.ask(&snapshot.nodes, now).explain(job_id("long")).unwrap();
    let (reason, message) = found.why.unwrap();
    assert_eq!(reason, Reason::ReservedForHigher);
    assert_eq!(found.kept_for, Some((job_id("x"), Some(now + 60 * MINUTE))));
    assert!(message.contains("until 1970-01-01T01:16:40Z"), "{message}");
    // The one that it is kept for waits for room like any other.
    let found = state.ask(&snapshot.nodes, now).explain(job_id("x")).unwrap();
    assert_eq!((found.why.unwrap().0, found.kept_for), (Reason::WaitingForCapacity, None));
}

#[test]
fn what_leaves_the_room_untouched_fills_in_however_long_it_is() {
    let (snapshot, now) = read("node a cpu=8\n job r cpu=6 for=60m\n job x cpu=6 at=1");
    let mut state = State::of(&snapshot);
    state.schedule(now, usize::MAX);
    assert!(arrives(&mut state, "job open cpu=2 at=2", now));
    let (snapshot, now) = read("node a gpus=1*A100/40Gi\n job r gpus=1 for=60m\n job x gpus=1 at=1");
    let mut state = State::of(&snapshot);
    state.schedule(now, usize::MAX);
    assert!(arrives(&mut state, "job open cpu=2 at=2", now), "it takes CPUs that are not asked for");
}

#[test]
fn what_ends_in_time_fills_in_behind_one_of_its_shape_that_does_not() {
    for user in ["someone", "other"] {
        let (snapshot, now) = read(&format!(
            "node a\n job r cpu=6 for=60m priority=70\n job x cpu=8 priority=60\n job open cpu=1 at=2\n job brief cpu=1 at=3 user={user} for=30m"
        ));
        let placed = State::of(&snapshot).schedule(now, usize::MAX);
        let placed: Vec<JobId> = placed.iter().map(|one| one.job).collect();
        assert_eq!(placed, [job_id("r"), job_id("brief")], "of user {user}");
    }
}

#[test]
fn who_goes_first_fills_in_before_one_that_stands_behind_its_like() {
    let (snapshot, now) = read(
        "node a\n job r cpu=6 for=60m priority=90\n job x cpu=8 priority=80\n job open cpu=1 priority=60\n job next cpu=2 priority=55 for=30m\n job brief cpu=1 priority=50 for=30m",
    );
    let placed = State::of(&snapshot).schedule(now, usize::MAX);
    let placed: Vec<JobId> = placed.iter().map(|one| one.job).collect();
    assert_eq!(
        placed,
        [job_id("r"), job_id("next")],
        "the turn of brief comes later, though open is of its shape"
    );
}

#[test]
fn a_job_of_a_higher_standing_goes_before_a_reservation() {
    let (_, mut state, now) = blocked();
    assert!(arrives(&mut state, "job urgent cpu=2 priority=90 at=2", now));
}

#[test]
fn a_reservation_ends_with_its_job() {
    let (_, mut state, now) = blocked();
    assert!(!arrives(&mut state, "job open cpu=1 at=3", now));
    state.end(job_id("x"));
    let placed = state.schedule(now, usize::MAX);
    assert_eq!(placed.iter().map(|one| one.job).collect::<Vec<_>>(), [job_id("open")]);
    assert!(state.reservations().is_empty());
}

#[test]
fn nothing_is_kept_at_once_where_nobody_knows_when_it_would_be_free() {
    let (snapshot, now) = read("node a\n job r cpu=6\n job x cpu=8 at=1");
    let mut state = State::of(&snapshot);
    state.schedule(now, usize::MAX);
    assert!(arrives(&mut state, "job one cpu=1 at=2", now));
    let later = now + 5 * MINUTE;
    assert!(!arrives(&mut state, "job two cpu=1 at=3", later), "by now it has waited for long enough");
    assert_eq!(state.reservations()[0].until_ms, None);
    state.end(job_id("r"));
    state.end(job_id("one"));
    assert_eq!(state.schedule(later, usize::MAX)[0].job, job_id("x"));
}

#[test]
fn looking_ahead_leaves_reservations_as_they_were() {
    let (_, mut state, now) = blocked();
    let before = state.reservations();
    let ends = [(now + 60 * MINUTE, job_id("r"))];
    let foreseen = state.foresee(job_id("x"), &ends, |_| Some(MINUTE)).unwrap();
    assert_eq!(foreseen.at_ms, now + 60 * MINUTE);
    assert_eq!(state.reservations(), before);
}

#[test]
fn the_first_of_the_resources_that_has_room_is_taken() {
    let (snapshot, now) = read(
        "node a gpus=2*A100/40Gi busy=0,1\n node b gpus=1*T4/16Gi cpu=2\n job x gpus=A100:1 cpu=4 or=T4:1/2,T4:1/1",
    );
    let mut state = State::of(&snapshot);
    let placed = state.schedule(now, usize::MAX);
    assert_eq!((placed[0].job, placed[0].alternative), (job_id("x"), 1));
    // It holds what it got: two of two CPUs.
    assert!(!arrives(&mut state, "job y cpu=1 where=node~==~b", now));
    state.end(job_id("x"));
    assert_eq!(state.schedule(now, usize::MAX)[0].job, job_id("y"));
}

#[test]
fn a_job_with_alternatives_is_told_what_would_help_and_wakes_for_any_of_them() {
    let (snapshot, now) =
        read("node a gpus=1*T4/16Gi busy=0\n node b\n job r cpu=8\n job x gpus=H100:1 at=1 or=T4:1/1");
    let mut state = State::of(&snapshot);
    state.schedule(now, usize::MAX);
    let why = state.ask(&snapshot.nodes, now).why(job_id("x")).unwrap();
    assert_eq!(why.0, Reason::WaitingForGpus, "no H100 will come, a T4 may: {}", why.1);
    let mut free = snapshot.nodes[0].clone();
    free.gpus[0].free_milli = 1000;
    state.put_node(&free);
    assert_eq!(state.schedule(now, usize::MAX)[0].alternative, 1);
}

#[test]
fn a_quota_that_one_of_the_resources_exceeds_does_not_keep_the_others_from_room() {
    let (snapshot, now) = read(
        "queue default quota=gpus:1\n node a gpus=2*T4/16Gi\n node b\n job r gpus=1 cpu=8\n job s cpu=8 at=1\n job x gpus=1 cpu=1 at=2 or=0/2",
    );
    let mut state = State::of(&snapshot);
    assert_eq!(state.schedule(now, usize::MAX).len(), 2);
    assert!(state.schedule(now, usize::MAX).is_empty());
    state.end(job_id("s"));
    let placed = state.schedule(now, usize::MAX);
    assert_eq!((placed[0].job, placed[0].alternative), (job_id("x"), 1));
}

#[test]
fn room_that_is_kept_no_more_is_used_as_soon_as_that_is_known() {
    let (snapshot, now) = read(
        "node a\n node b\n job p cpu=6 for=60m where=node~==~a\n job q cpu=2 for=30m at=1 where=node~==~a\n job r cpu=6 for=50m at=2\n job x cpu=8 at=3\n job open cpu=2 at=4 where=node~==~b",
    );
    let mut state = State::of(&snapshot);
    assert_eq!(state.schedule(now, usize::MAX).len(), 3);
    assert_eq!(state.reservations()[0].nodes, [node_id("b")]);
    assert_eq!(state.wake_at_ms(), None, "nothing has ended");
    // Now there is room for it on the other node sooner, which is not looked for each time that something ends.
    state.end(job_id("p"));
    assert_eq!(state.schedule(now + 200, usize::MAX), []);
    let wake_at = state.wake_at_ms().unwrap();
    assert!(wake_at <= now + 1_000, "it need not wait for something to happen");
    let placed = state.schedule(wake_at, usize::MAX);
    assert_eq!(placed.iter().map(|one| one.job).collect::<Vec<_>>(), [job_id("open")]);
    assert_eq!(state.reservations()[0].nodes, [node_id("a")]);
    assert_eq!(state.wake_at_ms(), None);
}

#[test]
fn what_is_tried_out_gets_no_room_that_is_kept() {
    let (snapshot, mut state, now) = blocked();
    let before = state.reservations();
    for (line, starts) in [("job open cpu=1 at=3", false), ("job brief cpu=1 at=3 for=60m", true)] {
        let kept = state.kept();
        let (other, _) = read(line);
        state.suppose(&other.jobs[0]);
        let placed = state.schedule(now, usize::MAX);
        assert_eq!(placed.iter().any(|one| one.job == other.jobs[0].id), starts, "{line}");
        let why = state.ask(&snapshot.nodes, now).why(other.jobs[0].id);
        assert_eq!(why.map(|(reason, _)| reason), (!starts).then_some(Reason::ReservedForHigher));
        placed.iter().for_each(|one| state.undo(one.job));
        state.end(other.jobs[0].id);
        state.put_back(kept);
        assert_eq!(state.reservations(), before);
    }
    assert!(!arrives(&mut state, "job long cpu=1 at=4 for=61m", now));
    assert!(arrives(&mut state, "job brief cpu=1 at=5 for=59m", now));
}
