//! The figures of a replay, for a person and for a program.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::engine::Played;
use super::estimates::Accuracy;
use super::{Load, Options};

/// So many users have a line of their own in the table; the JSON has all.
const USERS_SHOWN: usize = 12;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub source: String,
    pub policy: String,
    pub nodes: usize,
    pub jobs: usize,
    /// Jobs of the trace that never ran there, and were left out.
    pub left_out: usize,
    /// Jobs that no node can take, or that were never reached.
    pub never_started: usize,
    pub makespan_secs: f64,
    /// The most jobs that waited at a time.
    pub most_waiting: usize,
    pub utilisation: Utilisation,
    pub fairness: Fairness,
    /// How often a job lost its place to another.
    pub preemptions: u64,
    pub waits: Waits,
    pub waits_of_queues: BTreeMap<String, Waits>,
    pub waits_of_users: BTreeMap<String, Waits>,
    pub estimates: Accuracy,
    /// How often the core was asked, and what the whole replay took.
    pub decisions: u64,
    pub took_secs: f64,
}

/// Percent of what there is that was held: over the whole time, and while somebody waited.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Utilisation {
    pub gpus: f64,
    pub cpus: f64,
    pub gpus_while_waited: f64,
    pub cpus_while_waited: f64,
}

/// Jain's index over dominant shares while several wait; none where that never was.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Fairness {
    /// Over the users of one queue.
    pub users: Option<f64>,
    /// Over queues of one priority, by their weights.
    pub queues: Option<f64>,
}

/// How long jobs waited, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Waits {
    /// Jobs that started.
    pub jobs: usize,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub longest: f64,
}

impl Waits {
    fn of(mut waits: Vec<i64>) -> Self {
        waits.sort_unstable();
        let at = |percent: usize| {
            let last = waits.len().saturating_sub(1);
            waits.get(last * percent / 100).map_or(0.0, |ms| *ms as f64 / 1000.0)
        };
        Self { jobs: waits.len(), p50: at(50), p90: at(90), p99: at(99), longest: at(100) }
    }
}

pub(super) fn report(load: &Load, options: &Options, played: Played, took: Duration) -> Report {
    let waits_of = |which: &dyn Fn(usize) -> bool| {
        let started = played.starts.iter().enumerate().filter(|(index, _)| which(*index));
        let wait = |(index, start): (usize, &Option<i64>)| Some((*start)? - load.jobs[index].submitted_ms);
        Waits::of(started.filter_map(wait).collect())
    };
    let queues = load.queues.iter().enumerate();
    let of_queue = |(queue, named): (usize, &super::LoadQueue)| {
        (named.name.clone(), waits_of(&|job| load.jobs[job].queue == queue))
    };
    let of_user = |user: u32| (format!("user-{user:02}"), waits_of(&|job| load.jobs[job].user == user));
    let percent = |mean: &super::fairness::Mean| mean.get().unwrap_or_default() * 100.0;
    Report {
        source: load.source.clone(),
        policy: options.policy.to_string(),
        nodes: load.nodes.len(),
        jobs: load.jobs.len(),
        left_out: load.left_out,
        never_started: played.starts.iter().filter(|start| start.is_none()).count(),
        makespan_secs: (played.last_ms - played.first_ms) as f64 / 1000.0,
        most_waiting: played.most_waiting,
        utilisation: Utilisation {
            gpus: percent(&played.held[0]),
            cpus: percent(&played.held[1]),
            gpus_while_waited: percent(&played.held_while_waited[0]),
            cpus_while_waited: percent(&played.held_while_waited[1]),
        },
        fairness: Fairness { users: played.users.get(), queues: played.queues.get() },
        preemptions: 0,
        waits: waits_of(&|_| true),
        waits_of_queues: queues.map(of_queue).collect(),
        waits_of_users: (0..load.users).map(of_user).filter(|(_, waits)| waits.jobs > 0).collect(),
        estimates: played.accuracy,
        decisions: played.decisions,
        took_secs: took.as_secs_f64(),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, policy, nodes, jobs, .. } = self;
        writeln!(f, "{source}: {jobs} jobs on {nodes} nodes, {policy}")?;
        if self.left_out > 0 {
            writeln!(f, "left out        {} that never ran in the trace", self.left_out)?;
        }
        writeln!(f, "never started   {}", self.never_started)?;
        writeln!(f, "makespan        {}", span(self.makespan_secs))?;
        writeln!(f, "most waiting    {}", self.most_waiting)?;
        let Utilisation { gpus, cpus, gpus_while_waited, cpus_while_waited } = self.utilisation;
        writeln!(f, "GPUs held       {gpus:.1} %, while somebody waited {gpus_while_waited:.1} %")?;
        writeln!(f, "CPUs held       {cpus:.1} %, while somebody waited {cpus_while_waited:.1} %")?;
        let index = |index: Option<f64>| index.map_or("-".to_owned(), |index| format!("{index:.3}"));
        let Fairness { users, queues } = self.fairness;
        writeln!(f, "fairness        users {}, queues {} (Jain)", index(users), index(queues))?;
        writeln!(f, "preemptions     {}", self.preemptions)?;
        let Accuracy { asked, foreseen, held_percent, within_percent, bound_over_wait_p50 } = &self.estimates;
        writeln!(
            f,
            "estimates       {held_percent:.1} % of {foreseen} started by their bound ({asked} asked), {within_percent:.1} % \
             in their range; the bound is {bound_over_wait_p50:.1} times the wait"
        )?;
        writeln!(f, "decisions       {} in {:.1} s", self.decisions, self.took_secs)?;
        writeln!(
            f,
            "\n{:<16}{:>8}{:>12}{:>12}{:>12}{:>12}",
            "waited", "jobs", "p50", "p90", "p99", "longest"
        )?;
        line(f, "all", &self.waits)?;
        self.waits_of_queues.iter().try_for_each(|(name, waits)| line(f, name, waits))?;
        let users = self.waits_of_users.iter();
        users.clone().take(USERS_SHOWN).try_for_each(|(name, waits)| line(f, name, waits))?;
        if users.len() > USERS_SHOWN {
            write!(f, "… and {} more users (--json has all)", users.len() - USERS_SHOWN)?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, waits: &Waits) -> fmt::Result {
    let [p50, p90, p99, longest] = [waits.p50, waits.p90, waits.p99, waits.longest].map(span);
    writeln!(f, "{name:<16}{:>8}{p50:>12}{p90:>12}{p99:>12}{longest:>12}", waits.jobs)
}

/// `0.5 s`, `12 min`, `3.4 h`, `12.5 d`.
fn span(secs: f64) -> String {
    match secs {
        ..120.0 => format!("{secs:.1} s"),
        ..7_200.0 => format!("{:.1} min", secs / 60.0),
        ..172_800.0 => format!("{:.1} h", secs / 3_600.0),
        _ => format!("{:.1} d", secs / 86_400.0),
    }
}
