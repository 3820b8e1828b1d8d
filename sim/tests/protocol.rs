//! The protocol under faults: no schedule breaks a promise, and a simulator that does not find known mistakes would
//! prove nothing.

use std::io::Write;

use clap::ValueEnum;
use lilac_sim::protocol::{Bug, explore, play};

/// How many schedules may be needed to find a mistake.
const ENOUGH: u64 = 50_000;
/// How many are played by every run of the tests; `./dev soak` plays a million.
const SOME: u64 = 20_000;

#[test]
fn no_schedule_breaks_a_promise() {
    let report = explore(0..SOME, None);
    let _ = writeln!(std::io::stdout(), "{report}");
    if let Some((seed, words)) = report.broken {
        let trace = play(seed, None, true).trace;
        let end = trace.iter().skip(trace.len().saturating_sub(60)).map(String::as_str).collect::<Vec<_>>();
        panic!(
            "{}\nseed {seed}: {words}\nlilac_sim protocol --seed {seed} tells it from the beginning",
            end.join("\n")
        );
    }
}

#[test]
fn every_known_mistake_is_found() {
    let mut missed = Vec::new();
    for bug in Bug::value_variants() {
        let report = explore(0..ENOUGH, Some(*bug));
        let _ = writeln!(std::io::stdout(), "{bug:?}: {report}");
        if report.broken.is_none() {
            missed.push(bug);
        }
    }
    assert!(missed.is_empty(), "not found within {ENOUGH} schedules: {missed:?}");
}

/// A seed is a schedule: what it does today it does tomorrow, or no failure could be looked into.
#[test]
fn a_seed_is_the_same_schedule_every_time() {
    for seed in 0..20 {
        let (once, again) = (play(seed, None, true), play(seed, None, true));
        assert_eq!(once.trace, again.trace, "{seed}");
        assert!(once.events > 50, "{seed} is no schedule: {} events", once.events);
    }
}
