//! A load made from a seed: what is known of clusters that train models, in a few strokes.
//!
//! Jobs come in bursts of one user, and users are not equally busy (the second half as much as the first, and so on
//! down). How long a job takes has a heavy tail: most are short, a few hold their GPUs for days and are most of the
//! work. Most ask for one GPU or a part of one, some for eight. Such shapes are reported of the published traces of
//! Philly (Jeon et al., USENIX ATC 2019) and Helios (Hu et al., SC 2021); no figure is fitted to either.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::load::declared;
use super::{Load, LoadJob, LoadQueue, Options};
use crate::trace::{TraceNode, TracePod};

/// The shortest and the longest that a job takes.
const SHORTEST_MS: f64 = 10_000.0;
const LONGEST_MS: f64 = 2.0 * 86_400_000.0;
/// Half of the bursts have jobs that typically take less than this.
const MIDDLE_MS: f64 = 20.0 * 60_000.0;
/// How far the times spread, as the deviation of their logarithm: one in six takes six times as long or more.
const SPREAD: f64 = 1.8;
/// Jobs of a burst at the most.
const BURST: u32 = 40;

pub(super) fn generate(options: &Options) -> Load {
    let mut random = StdRng::seed_from_u64(options.seed);
    let nodes: Vec<TraceNode> = (0..options.fleet).map(node).collect();
    let mut load = Load {
        source: format!("made from seed {}", options.seed),
        queues: queues(),
        users: options.users,
        ..Load::default()
    };
    let count = options.generate.unwrap_or(10_000) as usize;
    while load.jobs.len() < count {
        burst(&mut load, count, options, &mut random);
    }
    spread(&mut load.jobs, &nodes, options.load, &mut random);
    load.nodes = nodes;
    load
}

/// Two equal queues of unequal weight, and a small one that goes first.
fn queues() -> Vec<LoadQueue> {
    let queue = |name: &str, priority, weight| LoadQueue { name: name.to_owned(), priority, weight };
    vec![queue("research", 0, 2), queue("batch", 0, 1), queue("urgent", 10, 1)]
}

/// Half of them have eight GPUs, a quarter four, a quarter none.
fn node(number: u32) -> TraceNode {
    let (cpus, gibibytes, gpus, model) = match number % 4 {
        0 | 2 => (96, 768, 8, "A"),
        1 => (64, 512, 4, "B"),
        _ => (128, 512, 0, ""),
    };
    TraceNode {
        name: format!("node-{number:06}"),
        cpu_milli: cpus * 1000,
        memory_mib: gibibytes << 10,
        gpus,
        model: model.to_owned(),
    }
}

/// Some jobs of one user, alike as those of a sweep are, with times of their own. When, is decided afterwards: until
/// then the burst stands in place of the time.
fn burst(load: &mut Load, count: usize, options: &Options, random: &mut StdRng) {
    let user = user(options.users, random);
    let queue = [0, 0, 0, 0, 0, 1, 1, 1, 1, 2][random.random_range(0..10)];
    let size = if random.random_ratio(1, 3) { random.random_range(2..=BURST) } else { 1 };
    let asks = shape(random);
    let typical = time(random);
    let number = load.jobs.last().map_or(0, |job| job.submitted_ms + 1);
    for _ in 0..size.min(u32::try_from(count - load.jobs.len()).unwrap_or(size)) {
        let takes_ms = (typical * random.random_range(0.5..2.0)).clamp(SHORTEST_MS, LONGEST_MS) as i64;
        load.jobs.push(LoadJob {
            submitted_ms: number,
            takes_ms,
            declared_ms: declared(takes_ms, options.overestimate, random),
            queue,
            user,
            priority: if random.random_ratio(1, 20) { 80 } else { 50 },
            asks: asks.clone(),
        });
    }
}

/// The n-th user is as busy as one n-th of the first.
fn user(users: u32, random: &mut StdRng) -> u32 {
    let whole: f64 = (1..=users).map(|user| 1.0 / f64::from(user)).sum();
    let mut left = random.random::<f64>() * whole;
    for user in 0..users {
        left -= 1.0 / f64::from(user + 1);
        if left <= 0.0 {
            return user;
        }
    }
    users.saturating_sub(1)
}

/// Normal in its logarithm (Box and Muller, 1958).
fn time(random: &mut StdRng) -> f64 {
    let (length, angle): (f64, f64) = (random.random(), random.random());
    let normal = (-2.0 * (1.0 - length).ln()).sqrt() * (angle * std::f64::consts::TAU).cos();
    MIDDLE_MS * (SPREAD * normal).exp()
}

fn shape(random: &mut StdRng) -> TracePod {
    let (gpus, gpu_milli) = match random.random_range(0..100) {
        0..20 => (0, 0),
        20..35 => (1, [250, 500][random.random_range(0..2)]),
        35..75 => (1, 1000),
        75..87 => (2, 1000),
        87..94 => (4, 1000),
        _ => (8, 1000),
    };
    let cpus = if gpus == 0 { random.random_range(1..=16) } else { gpus * random.random_range(2..=8) };
    let models =
        if gpus > 0 && gpus <= 4 && random.random_ratio(1, 4) { vec!["B".to_owned()] } else { Vec::new() };
    TracePod { cpu_milli: cpus * 1000, memory_mib: u64::from(cpus) * 4096, gpus, gpu_milli, models }
}

/// Spreads the bursts evenly by chance over as long as the nodes need for all of it at the wanted load, counted by the
/// resource of which most is asked.
fn spread(jobs: &mut [LoadJob], nodes: &[TraceNode], percent: u32, random: &mut StdRng) {
    let whole = |of: fn(&TraceNode) -> u64| nodes.iter().map(of).sum::<u64>().max(1) as f64;
    let has = [
        whole(|node| u64::from(node.gpus) * 1000),
        whole(|node| node.cpu_milli.into()),
        whole(|node| node.memory_mib),
    ];
    let mut work = [0.0; 3];
    for job in jobs.iter() {
        let asks = [job.asks.total_gpu_milli(), job.asks.cpu_milli.into(), job.asks.memory_mib];
        work.iter_mut().zip(asks).for_each(|(work, asks)| *work += asks as f64 * job.takes_ms as f64);
    }
    let span = work.into_iter().zip(has).map(|(work, has)| work / has).fold(1.0, f64::max) * 100.0
        / f64::from(percent);
    let mut at = 0;
    let mut burst = -1;
    for job in jobs.iter_mut() {
        if job.submitted_ms != burst {
            burst = job.submitted_ms;
            at = (random.random::<f64>() * span) as i64;
        }
        // A burst is submitted one after the other.
        job.submitted_ms = at;
        at += random.random_range(10..1_000);
    }
    jobs.sort_by_key(|job| job.submitted_ms);
}
