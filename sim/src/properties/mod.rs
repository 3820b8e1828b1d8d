//! Whether the scheduler's core keeps its promises, over random clusters and what happens on them.
//!
//! Each seed is a small cluster of its own with a history: jobs come, run, end and are withdrawn, nodes go and come back.
//! Beside the core stands a reference that is naive and slow and shares no code with it ([`reference`]): it keeps a list of
//! what runs, and counts anew what is free whenever it is asked. Every placement is held against it, one after the
//! other:
//!
//! - no node gives more than it has, and no GPU more than the whole of it;
//! - a job gets all of its ranks or none, each on a node of its own, in one cluster and with one value of the label;
//! - no quota is exceeded;
//! - nothing is placed while a job that goes before it could be, and nothing waits that could be placed, but where nodes
//!   are kept for another that it would delay;
//! - who was promised to start by a time has started by then;
//! - what could ever start has started in the end;
//! - a core that was told the same in another order does the same.

mod history;
mod reference;

use std::fmt;
use std::ops::Range;

/// What was seen over many seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub placements: u64,
    /// Of jobs on several nodes.
    pub gangs: u64,
    /// With other resources than those that were asked for first.
    pub alternatives: u64,
    /// Jobs that nodes were kept for.
    pub kept: u64,
    /// Those of them that were told by when they start, and did.
    pub promised: u64,
    /// Placements on nodes that were kept for another.
    pub filled_in: u64,
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.placements += other.placements;
        self.gangs += other.gangs;
        self.alternatives += other.alternatives;
        self.kept += other.kept;
        self.promised += other.promised;
        self.filled_in += other.filled_in;
    }
}

/// The outcome of many seeds.
#[derive(Clone, Debug)]
pub struct Report {
    pub seeds: u64,
    pub seen: Seen,
    /// The first seed that broke something, and what.
    pub broken: Option<(u64, String)>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Seen { placements, gangs, alternatives, kept, promised, filled_in } = self.seen;
        writeln!(f, "{} clusters", self.seeds)?;
        writeln!(f, "{placements} placements, {gangs} of gangs, {alternatives} of alternatives")?;
        writeln!(f, "{kept} jobs had nodes kept for them, {promised} of them by a time that was held")?;
        write!(f, "{filled_in} placements on nodes that were kept for another")?;
        match &self.broken {
            Some((seed, broken)) => write!(f, "\nseed {seed}: {broken}"),
            None => Ok(()),
        }
    }
}

/// Plays the seeds until one breaks something.
#[must_use]
pub fn explore(seeds: Range<u64>) -> Report {
    let mut report = Report { seeds: 0, seen: Seen::default(), broken: None };
    for seed in seeds {
        match history::play(seed) {
            Ok(seen) => report.seen.add(seen),
            Err(broken) => {
                report.broken = Some((seed, broken));
                return report;
            }
        }
        report.seeds += 1;
    }
    report
}
