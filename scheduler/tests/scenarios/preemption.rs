//! Who has to go for whom, and that what they leave belongs to that one.

use lilac_api::JobId;
use lilac_scheduler::{Preemption, State};

use crate::notation::{job_id, node_id, read};

const NOW_MS: i64 = 10_000_000;

/// What a scenario runs and lets wait: the jobs of `running` are placed first, and may be put back as of that time.
fn world(scenario: &str, running: &[(&str, Option<i64>)]) -> State {
    let (snapshot, _) = read(scenario);
    let mut state = State::of(&lilac_scheduler::Snapshot { jobs: Vec::new(), ..snapshot.clone() });
    let is_named = |id: JobId| running.iter().any(|(name, _)| job_id(name) == id);
    for job in snapshot.jobs.iter().filter(|job| is_named(job.id)) {
        state.add_job(job);
    }
    assert_eq!(state.schedule(NOW_MS, usize::MAX).len(), running.len());
    for (name, since_ms) in running {
        state.let_yield(job_id(name), *since_ms);
    }
    for job in snapshot.jobs.iter().filter(|job| !is_named(job.id)) {
        state.add_job(job);
    }
    assert_eq!(state.schedule(NOW_MS, usize::MAX), [], "what waits does not fit");
    state
}

fn preemption(job: &str, node: &str, gpu_indices: &[u16], victims: &[&str]) -> Preemption {
    let mut victims: Vec<JobId> = victims.iter().map(|name| job_id(name)).collect();
    victims.sort();
    Preemption { job: job_id(job), node: node_id(node), gpu_indices: gpu_indices.to_vec(), victims }
}

#[test]
fn the_least_work_is_lost_and_nobody_goes_in_vain() {
    let scenario = "
        node a cpu=8
        job old cpu=2 priority=10
        job new cpu=2 priority=10
        job middle cpu=2 priority=10
        job kept cpu=2 priority=10
        job urgent cpu=4 priority=60";
    let running =
        [("old", Some(1_000)), ("new", Some(9_000_000)), ("middle", Some(5_000_000)), ("kept", None)];
    let mut state = world(scenario, &running);
    assert_eq!(state.preempt(NOW_MS, 10), [preemption("urgent", "a", &[], &["new", "middle"])]);
    assert_eq!(state.preempt(NOW_MS, 10), [], "one that has its place takes no other");

    // One that is enough by itself goes alone, unless it has worked for much longer than the others together.
    let scenario = "
        node a cpu=4
        node b cpu=4
        job one cpu=2 priority=10 at=1
        job two cpu=2 priority=10 at=2
        job large cpu=4 priority=10 at=3
        job urgent cpu=4 priority=60";
    for (since_ms, victims) in [(9_000_000, vec!["large"]), (1_000, vec!["one", "two"])] {
        let running = [("one", Some(9_500_000)), ("two", Some(9_500_000)), ("large", Some(since_ms))];
        let found = world(scenario, &running).preempt(NOW_MS, 10);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].victims, preemption("urgent", "a", &[], &victims).victims);
    }
}

#[test]
fn nobody_goes_for_an_equal_or_where_it_would_not_help() {
    let waits = |line: &str, running: &[(&str, Option<i64>)]| {
        let scenario = format!(
            "
            node a cpu=4 gpus=2*A100/40Gi
            node b cpu=4 is=cordoned
            queue high priority=5
            queue default
            queue low priority=-5
            job runs cpu=4 priority=40
            {line}"
        );
        world(&scenario, running).preempt(NOW_MS, 10).len()
    };
    let runs: &[(&str, Option<i64>)] = &[("runs", Some(0))];
    for (line, expected) in [
        ("job j cpu=1 priority=41", 1),
        ("job j cpu=1 priority=40", 0),
        ("job j cpu=1 priority=39", 0),
        ("job j cpu=1 priority=0 queue=high", 1),
        ("job j cpu=1 priority=100 queue=low", 0),
        // More than the node has in all, or what it has not.
        ("job j cpu=5 priority=100", 0),
        ("job j cpu=1 gpus=H100:1 priority=100", 0),
        ("job j cpu=1 where=node!=a priority=100", 0),
    ] {
        assert_eq!(waits(line, runs), expected, "{line}");
    }
    assert_eq!(waits("job j cpu=1 priority=100", &[("runs", None)]), 0, "it never said that it may");
}

#[test]
fn what_is_left_belongs_to_the_one_that_it_was_left_for() {
    let scenario = "
        node a cpu=8 gpus=2*A100/40Gi
        job holds cpu=1 gpus=1 priority=10 at=1
        job yields cpu=1 gpus=1 priority=10 at=2
        job urgent cpu=1 gpus=1 priority=60
        job third cpu=1 gpus=1 priority=50";
    let mut state = world(scenario, &[("holds", None), ("yields", Some(0))]);
    let found = state.preempt(NOW_MS, 10);
    assert_eq!(found, [preemption("urgent", "a", &[1], &["yields"])]);
    assert_eq!((state.cleared(), state.schedule(NOW_MS, 10)), (vec![], vec![]), "it still runs");

    state.end(job_id("yields"));
    assert_eq!(state.schedule(NOW_MS, 10), [], "the room is not a third's");
    let placed = state.cleared();
    assert_eq!((placed.len(), placed[0].job), (1, job_id("urgent")));
    assert_eq!(placed[0].parts[0].gpu_indices, [1]);

    // A state that is made anew takes the booking over, and one that is taken back frees the room.
    let mut state = world(scenario, &[("holds", None), ("yields", Some(0))]);
    assert!(state.book(&found[0]));
    assert_eq!(state.preempt(NOW_MS, 10), [], "whoever goes already goes for one only");
    state.undo(job_id("urgent"));
    state.let_yield(job_id("yields"), None);
    assert_eq!(state.preempt(NOW_MS, 10), []);
    state.end(job_id("yields"));
    let placed = state.schedule(NOW_MS, 10);
    assert_eq!((placed.len(), placed[0].job), (1, job_id("urgent")));
    assert_eq!(state.cleared(), []);
}

#[test]
fn what_a_queue_is_guaranteed_comes_back_to_it_and_is_taken_by_nobody() {
    let scenario = |cpus: u32, waits: &str| {
        format!(
            "
            node a cpu=8
            queue owner guaranteed=cpu:4
            queue other guaranteed=cpu:{cpus}
            queue high priority=9
            job b1 queue=other cpu=2 at=1
            job b2 queue=other cpu=2 at=2
            job b3 queue=other cpu=4 at=3
            {waits}"
        )
    };
    let running = [("b1", Some(3_000)), ("b2", Some(2_000)), ("b3", Some(1_000))];
    // Within its guarantee the owner gets back what others borrowed, whatever their jobs' priorities.
    let found = |cpus, waits: &str| world(&scenario(cpus, waits), &running).preempt(NOW_MS, 10);
    let mine = "job mine queue=owner cpu=4 priority=1";
    assert_eq!(found(2, mine), [preemption("mine", "a", &[], &["b3"])]);
    // Beyond it the owner is one like others.
    assert_eq!(found(2, "job mine queue=owner cpu=5 priority=1"), []);
    // So far as they stay within what is theirs, no queue takes from the other, however high it is.
    for (waits, victims) in [
        ("job mine queue=owner cpu=4 priority=1", None),
        ("job mine queue=owner cpu=2 priority=1", Some("b1")),
        ("job mine queue=high cpu=4", None),
        ("job mine queue=high cpu=2", Some("b1")),
    ] {
        let expected: Vec<Preemption> =
            victims.into_iter().map(|victim| preemption("mine", "a", &[], &[victim])).collect();
        assert_eq!(found(6, waits), expected, "{waits}");
    }
}

#[test]
fn a_queue_below_its_guarantee_comes_first() {
    let (snapshot, _) = read(
        "
        node a cpu=4
        queue owner guaranteed=cpu:2
        queue other weight=100
        held x queue=owner cpu=1
        job theirs queue=other cpu=4
        job mine queue=owner cpu=4",
    );
    let placed = State::of(&snapshot).schedule(NOW_MS, 10);
    assert_eq!((placed.len(), placed[0].job), (1, job_id("mine")));
}
