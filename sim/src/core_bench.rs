//! How fast the core is by itself: filling a fleet, and one decision on a full one.
//!
//! Times are what this thread had of a CPU: the core waits for nothing, and what else the machine does is not its own.

use std::fmt;
use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use lilac_api::job::Amounts;
use lilac_api::quantity::Ratio;
use lilac_api::spec::Gpus;
use lilac_api::{ClusterId, JobId, NodeId, QueueId, UserId};
use lilac_scheduler::{Availability, Bounds, Job, Node, NodeGpu, Policy, Queue, State};
use nix::time::{ClockId, clock_gettime};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;
use uuid::Uuid;

/// So many placements are asked for at a time, as a shell would that commits them in batches.
const BATCH: usize = 10_000;

#[derive(Args)]
pub struct Options {
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub nodes: u32,
    /// Jobs that wait.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=50_000_000))]
    pub pending: u32,
    /// Different shapes of jobs.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub shapes: u32,
    /// Queues of equal priority that share the fleet, with weights from 1 to 4.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub queues: u32,
    /// Users in each queue, who share what it gets.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub users: u32,
    /// first-fit, best-fit, spread or fragmentation-aware.
    #[arg(long, default_value_t)]
    pub policy: Policy,
    /// How often one job ends and what takes its place is timed.
    #[arg(long, default_value_t = 20_000)]
    pub decisions: u32,
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub nodes: u32,
    pub pending: u32,
    pub shapes: u32,
    pub policy: String,
    pub load_seconds: f64,
    pub placed: usize,
    pub fill_seconds: f64,
    pub placements_per_second: f64,
    pub decisions: usize,
    /// Placements for each job that ended.
    pub placements_per_decision: f64,
    pub decision_p50_micros: f64,
    pub decision_p99_micros: f64,
    /// Of those in which exactly one job took the place.
    pub one_for_one: usize,
    pub one_for_one_p50_micros: f64,
    pub one_for_one_p99_micros: f64,
    /// The most that the process held at any time, in MB; 0 where the system does not say.
    pub memory_mb: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} nodes, {} jobs of {} shapes, {}",
            self.nodes, self.pending, self.shapes, self.policy
        )?;
        writeln!(f, "load      {:.2} s", self.load_seconds)?;
        writeln!(
            f,
            "fill      {:.0} placements/s, {} in {:.2} s",
            self.placements_per_second, self.placed, self.fill_seconds
        )?;
        writeln!(
            f,
            "decision  p50 {:.1} us, p99 {:.1} us, over {} with {:.2} placements each",
            self.decision_p50_micros, self.decision_p99_micros, self.decisions, self.placements_per_decision
        )?;
        writeln!(
            f,
            "          p50 {:.1} us, p99 {:.1} us, over the {} in which one took the place of one",
            self.one_for_one_p50_micros, self.one_for_one_p99_micros, self.one_for_one
        )?;
        write!(f, "memory    {:.0} MB", self.memory_mb)
    }
}

/// # Errors
/// Where nothing could be placed.
pub fn measure(options: &Options) -> anyhow::Result<Report> {
    let mut random = StdRng::seed_from_u64(options.seed);
    let shapes: Vec<Shape> = (0..options.shapes).map(|_| Shape::random(&mut random)).collect();

    let started = cpu_time()?;
    let mut state = fleet(options);
    let mut next = 0;
    for _ in 0..options.pending {
        state.add_job(&job(&mut next, &shapes, options, &mut random));
    }
    let load = cpu_time()? - started;

    let started = cpu_time()?;
    let mut running: Vec<JobId> = Vec::new();
    loop {
        let placements = state.schedule(0, BATCH);
        if placements.is_empty() {
            break;
        }
        running.extend(placements.into_iter().map(|placement| placement.job));
    }
    let fill = cpu_time()? - started;
    let placed = running.len();
    ensure!(placed > 0, "no job fits on any node");

    // How long each took, and how many took the place.
    let mut times: Vec<(Duration, usize)> = Vec::new();
    for _ in 0..options.decisions {
        if running.is_empty() {
            break;
        }
        let ended = running.swap_remove(random.random_range(0..running.len()));
        let started = cpu_time()?;
        state.end(ended);
        let placements = state.schedule(0, usize::MAX);
        times.push((cpu_time()? - started, placements.len()));
        // As many come as go.
        for placement in placements {
            running.push(placement.job);
            state.add_job(&job(&mut next, &shapes, options, &mut random));
        }
    }
    let replaced: usize = times.iter().map(|(_, placed)| placed).sum();
    let single = times.iter().filter(|(_, placed)| *placed == 1);
    let single = sorted(single.map(|(time, _)| *time));
    let times = sorted(times.iter().map(|(time, _)| *time));
    Ok(Report {
        nodes: options.nodes,
        pending: options.pending,
        shapes: options.shapes,
        policy: options.policy.to_string(),
        load_seconds: load.as_secs_f64(),
        placed,
        fill_seconds: fill.as_secs_f64(),
        placements_per_second: placed as f64 / fill.as_secs_f64(),
        decisions: times.len(),
        placements_per_decision: replaced as f64 / times.len().max(1) as f64,
        decision_p50_micros: percentile_micros(&times, 50),
        decision_p99_micros: percentile_micros(&times, 99),
        one_for_one: single.len(),
        one_for_one_p50_micros: percentile_micros(&single, 50),
        one_for_one_p99_micros: percentile_micros(&single, 99),
        memory_mb: peak_memory_mb(),
    })
}

fn sorted(times: impl Iterator<Item = Duration>) -> Vec<Duration> {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times
}

fn percentile_micros(sorted: &[Duration], percent: usize) -> f64 {
    sorted.get(sorted.len() * percent / 100).map_or(0.0, |time| time.as_secs_f64() * 1e6)
}

/// Three kinds of nodes: half have CPUs only, the others eight or four GPUs.
fn fleet(options: &Options) -> State {
    let cluster = ClusterId(Uuid::nil());
    let mut state = State::default();
    state.put_cluster(cluster, options.policy);
    for number in 0..options.queues {
        state.put_queue(&Queue {
            id: QueueId(Uuid::from_u128(number.into())),
            name: format!("queue-{number}"),
            priority: 0,
            clusters: vec![cluster],
            paused: false,
            weight: 1 + number % 4,
            quota: Bounds::default(),
            user_quota: Bounds::default(),
            guaranteed: Bounds::default(),
            preempts: true,
        });
    }
    for number in 0..options.nodes {
        let (cpus, gibibytes, gpus, model) = match number % 4 {
            0 => (96, 768, 8, "NVIDIA H100 80GB HBM3"),
            1 => (64, 512, 4, "NVIDIA A10"),
            _ => (128, 512, 0, ""),
        };
        let gpu =
            |index| NodeGpu { index, model: model.to_owned(), memory_bytes: 80 << 30, free_milli: 1000 };
        state.put_node(&Node {
            id: NodeId(Uuid::from_u128(number.into())),
            name: format!("node-{number:06}"),
            cluster,
            availability: Availability::Ready,
            capacity: Amounts {
                cpu_milli: cpus * 1000,
                memory_bytes: gibibytes << 30,
                disk_bytes: 1 << 40,
                gpus: gpus.into(),
            },
            allocated: Amounts::default(),
            gpus: (0..gpus).map(gpu).collect(),
            labels: std::collections::BTreeMap::new(),
        });
    }
    state
}

struct Shape {
    cpu_milli: u32,
    memory_bytes: u64,
    gpus: Option<Gpus>,
}

impl Shape {
    /// One in eight asks for GPUs: a share of one, or one to eight.
    fn random(random: &mut StdRng) -> Self {
        let gpus = random.random_ratio(1, 8).then(|| {
            let count = [1, 1, 1, 1, 2, 4, 8][random.random_range(0..7)];
            let share = (count == 1 && random.random_ratio(1, 2))
                .then(|| Ratio { thousandths: random.random_range(1..10) * 100 });
            Gpus { share, ..Gpus::of(count) }
        });
        let cpus = gpus.as_ref().map_or(1, |gpus| gpus.count);
        Self {
            cpu_milli: cpus * random.random_range(1..=40) * 100,
            memory_bytes: u64::from(cpus) * random.random_range(1..=32) * (256 << 20),
            gpus,
        }
    }
}

fn job(next: &mut u64, shapes: &[Shape], options: &Options, random: &mut StdRng) -> Job {
    *next += 1;
    let shape = &shapes[random.random_range(0..shapes.len())];
    Job {
        // As ids are: spread over the whole range, though they come in order.
        id: JobId(Uuid::from_u128((u128::from(*next) << 64) | u128::from(random.random::<u64>()))),
        queue: QueueId(Uuid::from_u128(random.random_range(0..options.queues).into())),
        user: UserId(Uuid::from_u128(random.random_range(0..options.users).into())),
        priority: 50,
        submitted_ms: i64::try_from(*next).unwrap_or(i64::MAX),
        not_before_ms: None,
        requests: Amounts {
            cpu_milli: shape.cpu_milli,
            memory_bytes: shape.memory_bytes,
            disk_bytes: 0,
            gpus: shape.gpus.as_ref().map_or(0, |gpus| gpus.count),
        },
        gpus: shape.gpus.clone(),
        ..Job::new(JobId(Uuid::nil()), QueueId(Uuid::nil()), UserId(Uuid::nil()))
    }
}

fn cpu_time() -> anyhow::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

fn peak_memory_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kibibytes.unwrap_or_default() * 1024.0 / 1e6
}
