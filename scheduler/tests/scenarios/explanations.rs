//! Why a job waits, and that the change that is suggested lets it start: each scenario is explained, changed as it
//! says, and planned again.

#![expect(clippy::unwrap_used, reason = "a scenario that cannot be changed has to fail its test")]

use lilac_api::NodeId;
use lilac_api::explanation::{Change, ChangeKind, Dimension};
use lilac_api::job::Reason;
use lilac_scheduler::{Availability, Bounds, Node, NodeGpu, Queue, Snapshot, State, plan};

use uuid::Uuid;

use crate::notation::{cluster_id, job_id, read};

use ChangeKind::{
    AddNode, AnyGpu, AskForLess, BringBack, DropConstraints, DropSame, FeedCluster, FewerNodes, RaiseQuota,
    RaiseUserQuota, ResumeQueue, Uncordon,
};

/// The job is always `x`.
const SCENARIOS: [(&str, Reason, &[ChangeKind], &str); 32] = [
    (
        "node a used=6/0/0\n job x cpu=4",
        Reason::WaitingForCapacity,
        &[AskForLess],
        "ask for 2 CPUs instead of 4 CPUs, which node a has free",
    ),
    (
        "node a mem=8Gi used=0/6Gi/0\n job x mem=4Gi",
        Reason::WaitingForCapacity,
        &[AskForLess],
        "ask for 2Gi of memory instead of 4Gi of memory, which node a has free",
    ),
    (
        "node a disk=10Gi used=0/0/9Gi\n job x disk=4Gi",
        Reason::WaitingForCapacity,
        &[AskForLess],
        "ask for 1Gi of disk instead of 4Gi of disk, which node a has free",
    ),
    (
        "node a gpus=2*A100/40Gi busy=0\n job x gpus=2",
        Reason::WaitingForGpus,
        &[AskForLess],
        "ask for 1 GPU instead of 2 GPUs, which node a has free",
    ),
    (
        "node a gpus=2*A100/40Gi busy=0 used=7/0/0\n job x gpus=2 cpu=2",
        Reason::WaitingForCapacity,
        &[AskForLess],
        "ask for 1 CPU instead of 2 CPUs and 1 GPU instead of 2 GPUs, which node a has free",
    ),
    (
        "node a used=8/0/0\n job x",
        Reason::WaitingForCapacity,
        &[AddNode],
        "add a node with 1 CPU and 1Gi of memory to a cluster of queue default",
    ),
    (
        "node a gpus=1*A100/40Gi busy=0\n job x gpus=A100:1",
        Reason::WaitingForGpus,
        &[AddNode],
        "add a node with 1 CPU, 1Gi of memory and 1 A100 GPU to a cluster of queue default",
    ),
    (
        "node a gpus=1*A100/40Gi,1*T4/16Gi busy=0\n job x gpus=A100:1",
        Reason::WaitingForGpus,
        &[AnyGpu],
        "take GPUs of any model and memory",
    ),
    (
        "node a gpus=2*T4/16Gi\n job x gpus=H100:1",
        Reason::NoMatchingNodes,
        &[AnyGpu],
        "take GPUs of any model and memory",
    ),
    (
        "node a gpus=2*T4/16Gi\n job x gpus=1 gpumem=40Gi",
        Reason::NoMatchingNodes,
        &[AnyGpu],
        "take GPUs of any model and memory",
    ),
    (
        "node a labels=pool:a\n job x where=label.pool~==~b",
        Reason::NoMatchingNodes,
        &[DropConstraints],
        "leave out the constraint `label.pool == b`",
    ),
    (
        "node a\n queue default clusters=none\n job x",
        Reason::NoMatchingNodes,
        &[FeedCluster],
        "let queue default feed a cluster",
    ),
    (
        "job x",
        Reason::NoMatchingNodes,
        &[AddNode],
        "add a node with 1 CPU and 1Gi of memory to a cluster of queue default",
    ),
    (
        "node a\n job x cpu=64",
        Reason::ExceedsAnyNode,
        &[AskForLess],
        "ask for 8 CPUs instead of 64 CPUs, which node a has free",
    ),
    (
        "node a is=cordoned cpu=2\n job x cpu=4",
        Reason::ExceedsAnyNode,
        &[Uncordon, AskForLess],
        "ask for 2 CPUs instead of 4 CPUs, which node a has free",
    ),
    ("node a is=cordoned\n job x", Reason::NodeDown, &[Uncordon], "uncordon node a"),
    ("node a is=down\n job x", Reason::NodeDown, &[BringBack], "bring node a back"),
    ("node a is=down\n node b is=cordoned\n job x", Reason::NodeDown, &[Uncordon], "uncordon node b"),
    (
        "node a\n job x avoid=a",
        Reason::NodeDown,
        &[AddNode],
        "add a node with 1 CPU and 1Gi of memory to a cluster of queue default",
    ),
    // A little less here is a smaller change than a node that a person took out.
    (
        "node a is=cordoned\n node b used=500m/0/0\n job x cpu=8",
        Reason::WaitingForCapacity,
        &[AskForLess],
        "ask for 7.5 CPUs instead of 8 CPUs, which node b has free",
    ),
    (
        "node a\n queue default paused=yes\n job x",
        Reason::QueuePaused,
        &[ResumeQueue],
        "resume queue default",
    ),
    (
        "node a\n queue default quota=jobs:1\n held someone\n job x",
        Reason::QuotaExceeded,
        &[RaiseQuota],
        "raise the quota of queue default to 2 jobs",
    ),
    (
        "node a\n queue default each=cpu:2\n held someone cpu=1\n job x cpu=4",
        Reason::QuotaExceeded,
        &[RaiseUserQuota],
        "raise the quota of each user in queue default to 5 CPUs",
    ),
    (
        "node a\n queue default quota=cpu:1/mem:1Gi each=jobs:1\n held someone cpu=1 mem=1Gi\n job x",
        Reason::QuotaExceeded,
        &[RaiseQuota, RaiseUserQuota],
        "raise the quota of each user in queue default to 2 jobs",
    ),
    (
        "node a\n node b used=8/0/0\n node c used=8/0/0\n job x nodes=3 cpu=4",
        Reason::GangIncomplete,
        &[FewerNodes],
        "run on 1 node instead of 3, for which there is room",
    ),
    (
        "node a labels=rack:r\n node b labels=rack:s\n job x nodes=2 same=rack",
        Reason::ExceedsAnyNode,
        &[DropSame],
        "let its nodes differ in label rack",
    ),
    (
        "node a labels=rack:r\n node b labels=rack:r used=8/0/0\n node c labels=rack:s\n job x nodes=2 same=rack",
        Reason::GangIncomplete,
        &[DropSame],
        "let its nodes differ in label rack",
    ),
    (
        "node a\n node b\n job x nodes=3",
        Reason::ExceedsAnyNode,
        &[FewerNodes],
        "run on 2 nodes instead of 3, for which there is room",
    ),
    (
        "node a\n node b is=down\n job x nodes=2",
        Reason::NodeDown,
        &[FewerNodes],
        "run on 1 node instead of 2, for which there is room",
    ),
    (
        "node a used=7/0/0\n node b used=7/0/0\n job x nodes=2 cpu=2",
        Reason::WaitingForCapacity,
        &[AskForLess, FewerNodes],
        "run on 1 node instead of 2, for which there is room",
    ),
    (
        "node a used=8/0/0\n node b used=8/0/0\n job x nodes=2 cpu=2",
        Reason::WaitingForCapacity,
        &[AddNode],
        "add 2 nodes each with 2 CPUs and 1Gi of memory to a cluster of queue default",
    ),
    (
        "node a\n node b\n queue default quota=cpu:2\n job x nodes=2 cpu=2",
        Reason::QuotaExceeded,
        &[RaiseQuota],
        "raise the quota of queue default to 4 CPUs",
    ),
];

#[test]
fn each_scenario_has_its_reason_and_its_smallest_change_lets_the_job_start() {
    for (scenario, reason, kinds, last) in SCENARIOS {
        let (mut snapshot, now_ms) = read(scenario);
        let mut state = State::of(&snapshot);
        assert_eq!(state.schedule(now_ms, usize::MAX), [], "it waits: {scenario}");
        let found = state.ask(&snapshot.nodes, now_ms).explain(job_id("x")).unwrap();
        let told = found.why.as_ref().map(|(reason, _)| *reason);
        assert_eq!((told, found.position), (Some(reason), 0), "{scenario}: {:?}", found.why);
        let suggested: Vec<ChangeKind> = found.changes.iter().map(|change| change.kind).collect();
        assert_eq!(suggested, kinds, "{scenario}");
        assert_eq!(found.changes.last().unwrap().message, last, "{scenario}");
        found.changes.iter().for_each(|change| apply(&mut snapshot, change));
        let placed = plan(&snapshot, now_ms).placements;
        assert_eq!(placed.len(), 1, "changed as it says, it starts: {scenario}: {:?}", found.changes);
    }
}

#[test]
fn a_backoff_is_over_by_itself() {
    let (snapshot, now_ms) = read("node a\n job x after=1005000");
    let mut state = State::of(&snapshot);
    state.schedule(now_ms, usize::MAX);
    let found = state.ask(&snapshot.nodes, now_ms).explain(job_id("x")).unwrap();
    assert_eq!((found.why.unwrap().0, found.changes), (Reason::Backoff, Vec::new()));
    assert_eq!(state.schedule(1_005_000, usize::MAX).len(), 1);
}

#[test]
fn the_evidence_counts_the_nodes_that_lack_a_thing() {
    let (snapshot, now_ms) = read(
        "node a used=6/0/0\n node b used=7/31Gi/0\n node c is=down\n node d cluster=other\n cluster main policy=best-fit\n job x cpu=4 mem=2Gi",
    );
    let mut state = State::of(&snapshot);
    state.schedule(now_ms, usize::MAX);
    let found = state.ask(&snapshot.nodes, now_ms).explain(job_id("x")).unwrap();
    let told: Vec<_> =
        found.evidence.iter().map(|one| (one.dimension, one.nodes, one.nodes_lacking)).collect();
    assert_eq!(told, [(Dimension::Cpus, 2, 2), (Dimension::Memory, 2, 1)]);
    assert_eq!(
        (found.evidence[0].asked, found.evidence[0].most_free, found.evidence[0].most),
        (4000, 2000, 8000)
    );
}

/// Does what a person would who follows the advice.
fn apply(snapshot: &mut Snapshot, change: &Change) {
    let job = snapshot.jobs.iter_mut().find(|job| job.id == job_id("x")).unwrap();
    let name = change.node.as_deref();
    let ready = |nodes: &mut Vec<Node>| {
        let node = nodes.iter_mut().find(|node| Some(node.name.as_str()) == name).unwrap();
        node.availability = Availability::Ready;
    };
    match change.kind {
        AskForLess => {
            job.requests = change.requests.unwrap();
            let count = job.requests.gpus;
            job.gpus.iter_mut().for_each(|gpus| gpus.count = count);
        }
        AnyGpu => {
            let gpus = job.gpus.as_mut().unwrap();
            (gpus.model, gpus.memory) = (Vec::new(), None);
        }
        DropConstraints => {
            job.constraints.retain(|constraint| !change.constraints.contains(&constraint.to_string()));
        }
        Uncordon | BringBack => ready(&mut snapshot.nodes),
        ResumeQueue => queue(snapshot).paused = false,
        FeedCluster => queue(snapshot).clusters = vec![cluster_id("main")],
        RaiseQuota => raise(change, &mut queue(snapshot).quota),
        RaiseUserQuota => raise(change, &mut queue(snapshot).user_quota),
        AddNode => {
            let model = job.gpus.as_ref().and_then(|gpus| gpus.model.first().cloned()).unwrap_or_default();
            let capacity = change.requests.unwrap();
            let gpu = NodeGpu { index: 0, model, memory_bytes: 80 << 30, free_milli: 1000 };
            let (more, _) = read("node more");
            let gpus: Vec<NodeGpu> =
                (0..capacity.gpus as u16).map(|index| NodeGpu { index, ..gpu.clone() }).collect();
            for number in 0..change.nodes.unwrap_or(1) {
                let node = Node { capacity, gpus: gpus.clone(), ..more.nodes[0].clone() };
                snapshot.nodes.push(Node { id: NodeId(Uuid::from_u128(number.into())), ..node });
            }
        }
        FewerNodes => job.nodes = change.nodes.unwrap(),
        DropSame => job.same = None,
        ChangeKind::Release => panic!("nothing is held here"),
    }
}

fn queue(snapshot: &mut Snapshot) -> &mut Queue {
    &mut snapshot.queues[0]
}

fn raise(change: &Change, bounds: &mut Bounds) {
    let quota = change.quota.clone().unwrap();
    bounds.jobs = quota.running_jobs.map(u64::from).or(bounds.jobs);
    bounds.cpu_milli = quota.cpus.map(|cpus| cpus.milli.into()).or(bounds.cpu_milli);
    bounds.memory_bytes = quota.memory.map(|memory| memory.0).or(bounds.memory_bytes);
    bounds.gpus = quota.gpus.map(u64::from).or(bounds.gpus);
}
