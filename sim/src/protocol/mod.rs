//! The protocol between agents and control plane, under faults: the agent's real core and the control plane's real
//! rules on a virtual clock, schedule after schedule, each made from a seed.
//!
//! Machines are cut off, lose power, their disks, their Docker; agents die, freeze, are copied; messages are lost,
//! late, repeated; calls to Docker are carried out and not answered; clocks drift; people cancel and hold. Some jobs
//! run on one machine, some on several at once. After every step the promises of the protocol are checked; then the faults stop, and all must come to its end.

mod agent;
mod bug;
mod docker;
mod faults;
mod gang;
mod machine;
mod random;
mod server;
mod wire;
mod world;

use std::fmt;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub use bug::Bug;
use machine::Ms;
use world::World;

/// How long after the last fault everything must have ended, in leases, and besides: a retry waits for up to 10 minutes.
const LEASES_TO_END: Ms = 12;
const REST_TO_END: Ms = 1_200_000;

/// What became of one schedule.
#[derive(Debug)]
pub struct Outcome {
    /// The promise that was broken.
    pub broken: Option<String>,
    /// How many events it had.
    pub events: u64,
    /// All that happened, where it was to be told.
    pub trace: Vec<String>,
}

/// Plays the schedule of a seed.
#[must_use]
pub fn play(seed: u64, bug: Option<Bug>, is_told: bool) -> Outcome {
    let mut world = World::new(seed, bug, is_told);
    world.set_up();
    let until = world.setting.heal_at + LEASES_TO_END * world.setting.lease_ms + REST_TO_END;
    let events = world.run(until);
    if world.broken.is_none() && !world.is_over() {
        let rest = world.rest();
        world.fail(format!("faults have stopped, and not all has ended: {rest}"));
    }
    Outcome { broken: world.broken, events, trace: world.trace.unwrap_or_default() }
}

/// A run over many seeds.
#[derive(Debug)]
pub struct Report {
    /// Schedules that were played.
    pub schedules: u64,
    pub events: u64,
    pub took: Duration,
    /// The first seed, by number, that broke a promise, and which.
    pub broken: Option<(u64, String)>,
}

/// Plays the schedules of `seeds` on all cores, until one breaks a promise.
#[must_use]
pub fn explore(seeds: std::ops::Range<u64>, bug: Option<Bug>) -> Report {
    let began = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let (events, played, stop) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let work = || {
        let mut broken = None;
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                break;
            }
            let outcome = play(seed, bug, false);
            events.fetch_add(outcome.events, Ordering::Relaxed);
            played.fetch_add(1, Ordering::Relaxed);
            if let Some(words) = outcome.broken {
                stop.store(true, Ordering::Relaxed);
                broken = Some((seed, words));
            }
        }
        broken
    };
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let broken = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let found = workers.into_iter().filter_map(|worker| worker.join().ok().flatten());
        found.min_by_key(|(seed, _)| *seed)
    });
    Report {
        schedules: played.load(Ordering::Relaxed),
        events: events.load(Ordering::Relaxed),
        took: began.elapsed(),
        broken,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { schedules, events, took, .. } = self;
        write!(f, "{schedules} schedules, {events} events in {:.1} s: ", took.as_secs_f64())?;
        match &self.broken {
            Some((seed, words)) => write!(f, "seed {seed} breaks a promise: {words}"),
            None => write!(f, "no promise is broken"),
        }
    }
}
