//! Scenarios as text. A line is a kind, a name and settings. Names become ids that sort as the names
//! do; a node's name ends at a `#`, so that two nodes can share one.

#![expect(clippy::unwrap_used, reason = "a scenario that cannot be read has to fail its test")]

use std::collections::HashMap;

use lilac_api::job::Amounts;
use lilac_api::quantity::{Bytes, Cpus};
use lilac_api::spec::Gpus;
use lilac_api::{ClusterId, JobId, NodeId, QueueId, UserId};
use lilac_scheduler::{
    Alternative, Availability, Bounds, Cluster, Held, Job, Node, NodeGpu, NodeImages, Part, Queue, Snapshot,
    plan,
};
use uuid::Uuid;

fn id(name: &str) -> Uuid {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    Uuid::from_bytes(bytes)
}

fn name(id: Uuid) -> String {
    String::from_utf8(id.as_bytes().to_vec()).unwrap().trim_end_matches('\0').to_owned()
}

fn cpu_milli(text: &str) -> u32 {
    text.parse::<Cpus>().unwrap().milli
}

fn bytes(text: &str) -> u64 {
    text.parse::<Bytes>().unwrap().0
}

fn parts(text: &str) -> Vec<&str> {
    text.split(',').collect()
}

/// The settings of a line, each taken once; what nobody took is a slip in the scenario.
struct Settings<'a>(HashMap<&'a str, &'a str>);

impl<'a> Settings<'a> {
    fn take(&mut self, key: &str) -> Option<&'a str> {
        self.0.remove(key)
    }

    fn done(self, line: &str) {
        assert!(self.0.is_empty(), "not understood in `{line}`: {:?}", self.0.keys());
    }
}

fn node(name: &str, settings: &mut Settings<'_>) -> Node {
    let mut gpus = Vec::new();
    let busy = settings.take("busy").map_or(Vec::new(), parts);
    // `gpus=2*A100/40Gi,1*T4/16Gi`: indices count on from one kind to the next.
    for kind in settings.take("gpus").map_or(Vec::new(), parts) {
        let (count, kind) = kind.split_once('*').unwrap();
        let (model, memory) = kind.split_once('/').unwrap();
        for _ in 0..count.parse::<u16>().unwrap() {
            let index = gpus.len() as u16;
            let free_milli = if busy.contains(&index.to_string().as_str()) { 0 } else { 1000 };
            gpus.push(NodeGpu { index, model: model.to_owned(), memory_bytes: bytes(memory), free_milli });
        }
    }
    // `used=CPUS/MEMORY/DISK`
    let used: Vec<&str> = settings.take("used").map_or(Vec::new(), |used| used.split('/').collect());
    Node {
        id: NodeId(id(name)),
        name: name.split('#').next().unwrap().to_owned(),
        cluster: ClusterId(id(settings.take("cluster").unwrap_or("main"))),
        availability: match settings.take("is") {
            None => Availability::Ready,
            Some("cordoned") => Availability::Cordoned,
            Some("down") => Availability::Down,
            Some(other) => panic!("no availability {other}"),
        },
        capacity: Amounts {
            cpu_milli: cpu_milli(settings.take("cpu").unwrap_or("8")),
            memory_bytes: bytes(settings.take("mem").unwrap_or("32Gi")),
            disk_bytes: bytes(settings.take("disk").unwrap_or("100Gi")),
            gpus: gpus.len() as u32,
        },
        allocated: Amounts {
            cpu_milli: used.first().map_or(0, |used| cpu_milli(used)),
            memory_bytes: used.get(1).map_or(0, |used| bytes(used)),
            disk_bytes: used.get(2).map_or(0, |used| bytes(used)),
            gpus: busy.len() as u32,
        },
        gpus,
        // `labels=pool:a,rack:r1`
        labels: settings
            .take("labels")
            .map_or(Vec::new(), parts)
            .into_iter()
            .map(|label| label.split_once(':').unwrap())
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
    }
}

fn queue(name: &str, settings: &mut Settings<'_>) -> Queue {
    Queue {
        id: QueueId(id(name)),
        name: name.to_owned(),
        priority: settings.take("priority").map_or(0, |number| number.parse().unwrap()),
        clusters: match settings.take("clusters").unwrap_or("main") {
            "none" => Vec::new(),
            clusters => parts(clusters).into_iter().map(|cluster| ClusterId(id(cluster))).collect(),
        },
        paused: settings.take("paused") == Some("yes"),
        weight: settings.take("weight").map_or(1, |number| number.parse().unwrap()),
        quota: bounds(settings.take("quota")),
        user_quota: bounds(settings.take("each")),
        guaranteed: bounds(settings.take("guaranteed")),
        preempts: true,
    }
}

/// `jobs:2/cpu:4/mem:8Gi/gpus:1`
fn bounds(text: Option<&str>) -> Bounds {
    let mut bounds = Bounds::default();
    for part in text.into_iter().flat_map(|text| text.split('/')) {
        let (what, amount) = part.split_once(':').unwrap();
        match what {
            "jobs" => bounds.jobs = Some(amount.parse().unwrap()),
            "cpu" => bounds.cpu_milli = Some(cpu_milli(amount).into()),
            "mem" => bounds.memory_bytes = Some(bytes(amount)),
            "gpus" => bounds.gpus = Some(amount.parse().unwrap()),
            other => panic!("no such bound: {other}"),
        }
    }
    bounds
}

/// What the user `name` holds in a queue.
fn held(name: &str, settings: &mut Settings<'_>) -> Held {
    Held {
        queue: QueueId(id(settings.take("queue").unwrap_or("default"))),
        user: UserId(id(name)),
        jobs: settings.take("jobs").map_or(1, |number| number.parse().unwrap()),
        amounts: Amounts {
            cpu_milli: cpu_milli(settings.take("cpu").unwrap_or("1")),
            memory_bytes: bytes(settings.take("mem").unwrap_or("0")),
            disk_bytes: 0,
            gpus: settings.take("gpus").map_or(0, |number| number.parse().unwrap()),
        },
    }
}

fn job(name: &str, settings: &mut Settings<'_>) -> Job {
    let gpus = settings.take("gpus").map(|text| {
        let (model, count) = text.rsplit_once(':').unwrap_or(("", text));
        Gpus {
            count: count.parse().unwrap(),
            model: model.split('|').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
            memory: settings.take("gpumem").map(|text| text.parse().unwrap()),
            share: None,
        }
    });
    let mut number = |key: &str| settings.take(key).map(|number| number.parse::<i64>().unwrap());
    Job {
        priority: number("priority").map_or(50, |number| number.try_into().unwrap()),
        // So late that nobody has waited for long.
        submitted_ms: 999_000 + number("at").unwrap_or(0),
        not_before_ms: number("after"),
        nodes: number("nodes").map_or(1, |number| number.try_into().unwrap()),
        same: settings.take("same").map(str::to_owned),
        image: settings.take("image").map(str::to_owned),
        // `for=60m`
        max_runtime_ms: settings
            .take("for")
            .map(|text| text.trim_end_matches('m').parse::<i64>().unwrap() * 60_000),
        // `or=T4:1/2,0/4`: GPUs and CPUs.
        alternatives: settings.take("or").map_or(Vec::new(), parts).into_iter().map(alternative).collect(),
        requests: Amounts {
            cpu_milli: cpu_milli(settings.take("cpu").unwrap_or("1")),
            memory_bytes: bytes(settings.take("mem").unwrap_or("1Gi")),
            disk_bytes: bytes(settings.take("disk").unwrap_or("0")),
            gpus: gpus.as_ref().map_or(0, |gpus| gpus.count),
        },
        gpus,
        // `where=label.pool==a&node!=n7`, with `~` for a space.
        constraints: settings
            .take("where")
            .into_iter()
            .flat_map(|text| text.split('&'))
            .map(|text| text.replace('~', " ").parse().unwrap())
            .collect(),
        avoid: settings
            .take("avoid")
            .map_or(Vec::new(), parts)
            .into_iter()
            .map(|node| NodeId(id(node)))
            .collect(),
        ..Job::new(
            JobId(id(name)),
            QueueId(id(settings.take("queue").unwrap_or("default"))),
            UserId(id(settings.take("user").unwrap_or("someone"))),
        )
    }
}

fn alternative(text: &str) -> Alternative {
    let (gpus, cpus) = text.split_once('/').unwrap();
    let (model, count) = gpus.rsplit_once(':').unwrap_or(("", gpus));
    let model: Vec<String> = Some(model.to_owned()).filter(|model| !model.is_empty()).into_iter().collect();
    let count = count.parse().unwrap();
    Alternative {
        requests: Amounts { cpu_milli: cpu_milli(cpus), memory_bytes: 1 << 30, disk_bytes: 0, gpus: count },
        gpus: (count > 0).then_some(Gpus { count, model, memory: None, share: None }),
    }
}

/// The id of the job of this name.
pub fn job_id(name: &str) -> JobId {
    JobId(id(name))
}

/// The id of the node of this name.
pub fn node_id(name: &str) -> NodeId {
    NodeId(id(name))
}

/// The cluster of this name.
pub fn cluster_id(name: &str) -> ClusterId {
    ClusterId(id(name))
}

/// Reads a scenario, and the time that it is in it. Unless it says otherwise there is a cluster `main` with best
/// fit and a queue `default` on it, and it is second 1000 of the epoch.
pub fn read(scenario: &str) -> (Snapshot, i64) {
    let mut snapshot = Snapshot::default();
    let mut now_ms = 1_000_000;
    for line in scenario.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut settings = Settings(words[2..].iter().map(|word| word.split_once('=').unwrap()).collect());
        match words[0] {
            "now" => now_ms = words[1].parse().unwrap(),
            "cluster" => snapshot.clusters.push(Cluster {
                id: ClusterId(id(words[1])),
                policy: settings.take("policy").unwrap().parse().unwrap(),
            }),
            "node" => {
                // `images=busybox,app:1`
                let names = settings.take("images").map_or(Vec::new(), parts);
                let names = names.into_iter().map(str::to_owned).collect();
                snapshot.images.push(NodeImages { node: NodeId(id(words[1])), names });
                snapshot.nodes.push(node(words[1], &mut settings));
            }
            "queue" => snapshot.queues.push(queue(words[1], &mut settings)),
            "held" => snapshot.held.push(held(words[1], &mut settings)),
            "job" => snapshot.jobs.push(job(words[1], &mut settings)),
            kind => panic!("no such kind of line: {kind}"),
        }
        settings.done(line);
    }
    if snapshot.queues.is_empty() {
        snapshot.queues.push(queue("default", &mut Settings(HashMap::new())));
    }
    (snapshot, now_ms)
}

/// Reads a scenario, plans for it, and writes the plan down.
pub fn check(scenario: &str) -> String {
    let (snapshot, now_ms) = read(scenario);
    let plan = plan(&snapshot, now_ms);
    let mut lines = Vec::new();
    for placement in &plan.placements {
        let place = |part: &Part| {
            let gpus: Vec<String> = part.gpu_indices.iter().map(u16::to_string).collect();
            let with = if gpus.is_empty() { String::new() } else { format!(" with GPUs {}", gpus.join(",")) };
            format!("{}{with}", name(part.node.0))
        };
        let places: Vec<String> = placement.parts.iter().map(place).collect();
        lines.push(format!("{} on {}", name(placement.job.0), places.join(" and ")));
    }
    for waiting in &plan.waiting {
        lines.push(format!("{} {}: {}", name(waiting.job.0), waiting.reason, waiting.message));
    }
    if let Some(wake_at_ms) = plan.wake_at_ms {
        lines.push(format!("wake at {wake_at_ms}"));
    }
    lines.join("\n")
}
