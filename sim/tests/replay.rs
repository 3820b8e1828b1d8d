//! What a replay tells is what came about: checked by hand on a few jobs, and by what must hold of any load.

use std::path::{Path, PathBuf};

use clap::Parser;
use lilac_sim::replay::{Load, LoadJob, LoadQueue, Options, Report, replay, run};
use lilac_sim::trace::{TraceNode, TracePod};

#[derive(Parser)]
struct Words {
    #[command(flatten)]
    options: Options,
}

fn options(words: &str) -> Options {
    Words::parse_from(std::iter::once("replay").chain(words.split_whitespace())).options
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn queue(name: &str, weight: u32) -> LoadQueue {
    LoadQueue { name: name.to_owned(), priority: 0, weight }
}

/// One node with so many GPUs.
fn node(gpus: u16) -> TraceNode {
    TraceNode { name: "n".to_owned(), cpu_milli: 64_000, memory_mib: 1 << 18, gpus, model: "A".to_owned() }
}

fn job(submitted_secs: i64, takes_secs: i64, declared_secs: i64, user: u32) -> LoadJob {
    LoadJob {
        submitted_ms: submitted_secs * 1000,
        takes_ms: takes_secs * 1000,
        declared_ms: declared_secs * 1000,
        queue: 0,
        user,
        priority: 50,
        asks: TracePod { cpu_milli: 1_000, memory_mib: 1_024, gpus: 1, gpu_milli: 1_000, models: Vec::new() },
    }
}

fn load(gpus: u16, users: u32, jobs: Vec<LoadJob>) -> Load {
    Load { nodes: vec![node(gpus)], queues: vec![queue("q", 1)], users, jobs, ..Load::default() }
}

#[test]
fn waits_and_use_are_those_that_one_counts_by_hand() {
    // One GPU: the second waits 90 s for the first, the third 180 s for both. Then it is idle until the fourth.
    let jobs = vec![job(0, 100, 200, 0), job(10, 100, 200, 0), job(20, 50, 200, 0), job(350, 50, 200, 0)];
    let report = replay(&load(1, 1, jobs), &options("--generate 1 --estimates 1000")).unwrap();
    let waits = report.waits;
    assert_eq!((waits.jobs, waits.p50, waits.longest), (4, 0.0, 180.0));
    assert_eq!((report.never_started, report.most_waiting), (0, 2));
    assert_eq!(report.makespan_secs, 400.0);
    assert!((report.utilisation.gpus - 75.0).abs() < 1e-9, "{report}");
    assert_eq!(report.utilisation.gpus_while_waited, 100.0);
    // At the latest, what runs takes its 200 s: the second was promised 200, the third 400.
    assert_eq!((report.estimates.asked, report.estimates.held_percent), (2, 100.0));
}

#[test]
fn who_has_nothing_is_served_before_who_has_much() {
    // Two GPUs, eight jobs of one user, and one of another that comes last: it is the next to start.
    let mut jobs: Vec<LoadJob> = (0..8).map(|_| job(0, 100, 100, 0)).collect();
    jobs.push(job(1, 100, 100, 1));
    let report = replay(&load(2, 2, jobs), &options("--generate 1")).unwrap();
    assert_eq!(report.waits_of_users["user-01"].longest, 99.0);
    assert_eq!(report.waits_of_users["user-00"].longest, 400.0);
    // As long as both waited, one of the two had everything.
    assert_eq!(report.fairness.users, Some(0.5));
}

#[test]
fn a_made_load_repeats_itself_and_its_estimates_hold() {
    let options = options("--generate 3000 --fleet 16 --load 95 --estimates 300");
    let timeless = |report: Report| Report { took_secs: 0.0, ..report };
    let report = timeless(run(&options).unwrap());
    assert_eq!(report, timeless(run(&options).unwrap()));
    assert_eq!((report.jobs, report.never_started, report.waits.jobs), (3000, 0, 3000));
    assert!(report.estimates.asked >= 30, "{report}");
    assert!(report.estimates.held_percent >= 80.0, "{report}");
    assert!(report.utilisation.gpus_while_waited <= 100.0, "{report}");
}

#[test]
fn a_trace_is_read_with_its_times() {
    let mut options = options("--generate 1 --speed 10");
    options.nodes = Some(data("nodes.csv"));
    options.pods = Some(data("timed.csv"));
    let report = run(&options).unwrap();
    assert_eq!((report.jobs, report.left_out, report.never_started), (3, 1, 0), "{report}");
    assert_eq!(report.waits_of_queues.keys().collect::<Vec<_>>(), ["be", "ls"]);
    // The second was submitted a tenth of 10 s after the first, and took as long as it did.
    assert_eq!(report.makespan_secs, 101.0);
}

/// Faster than it was recorded, and on a tenth of the nodes: otherwise nobody waits in it.
#[test]
fn estimates_hold_for_four_of_five_of_the_published_trace() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/openb");
    let folder = std::env::var_os("LILAC_OPENB").map_or(folder, PathBuf::from);
    let nodes = folder.join("openb_node_list_gpu_node.csv");
    if !nodes.exists() {
        println!("SKIPPED: {} is not here; name its folder in LILAC_OPENB", nodes.display());
        return;
    }
    let mut options = options("--generate 1 --speed 200 --nodes-percent 10 --estimates 200");
    (options.nodes, options.pods) = (Some(nodes), Some(folder.join("openb_pod_list_default.csv")));
    let report = run(&options).unwrap();
    assert!(report.estimates.asked >= 20, "{report}");
    assert!(report.estimates.held_percent >= 80.0, "{report}");
}
