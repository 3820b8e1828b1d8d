//! What holds for every snapshot, over random small fleets that are mostly too full: the rules are
//! written down a second time here, plainly, and the plan is replayed against them.

#![expect(clippy::unwrap_used, reason = "a plan that names what is not there has to fail its test")]

mod following;
mod outside;
mod shares;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use lilac_api::job::{Amounts, Reason};
use lilac_api::quantity::Bytes;
use lilac_api::spec::Gpus;
use lilac_api::{ClusterId, JobId, NodeId, QueueId, UserId};
use lilac_scheduler::{
    Availability, Bounds, Cluster, Held, Job, Node, NodeGpu, Part, Placement, Plan, Policy, Queue, Snapshot,
    plan,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use strum::VariantArray;
use uuid::Uuid;

const NOW_MS: i64 = 1_000;
const CLUSTERS: u128 = 3;
const QUEUES: u128 = 3;
const USERS: u128 = 3;

fn clusters() -> impl Strategy<Value = Vec<Cluster>> {
    vec(select(Policy::VARIANTS), CLUSTERS as usize).prop_map(|policies| {
        let cluster = |(id, policy)| Cluster { id: ClusterId(Uuid::from_u128(id)), policy };
        (0..CLUSTERS).zip(policies).map(cluster).collect()
    })
}

prop_compose! {
    fn amounts(most: u32)(cpus in 0..=most, gibibytes in 0..=u64::from(most), disk in 0..=u64::from(most / 4)) -> Amounts {
        Amounts { cpu_milli: cpus * 500, memory_bytes: gibibytes << 30, disk_bytes: disk << 30, gpus: 0 }
    }
}

prop_compose! {
    fn node()(
        name in "[ab]",
        cluster in 0..CLUSTERS,
        availability in prop_oneof![
            5 => Just(Availability::Ready), 1 => Just(Availability::Cordoned), 1 => Just(Availability::Down)
        ],
        capacity in amounts(16),
        allocated in amounts(6),
        gpus in vec((select(vec!["NVIDIA A100", "NVIDIA H100", "Tesla T4"]), 1..3_u64, any::<bool>()), 0..5),
        pool in option::of(select(vec!["a", "b", "c"])),
        rack in option::weighted(0.8, select(vec!["r", "s"])),
    ) -> Node {
        let gpus: Vec<NodeGpu> = (0..).zip(gpus).map(|(index, (model, memory, free))| {
            let free_milli = if free { 1000 } else { 0 };
            NodeGpu { index, model: model.to_owned(), memory_bytes: memory * (40 << 30), free_milli }
        }).collect();
        Node {
            id: NodeId(Uuid::nil()),
            name,
            cluster: ClusterId(Uuid::from_u128(cluster)),
            availability,
            capacity: Amounts { gpus: gpus.len() as u32, ..capacity },
            allocated,
            gpus,
            labels: [("pool", pool), ("rack", rack)].into_iter()
                .filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect(),
        }
    }
}

prop_compose! {
    fn queue()(
        priority in 0..2,
        clusters in subsequence((0..CLUSTERS).collect::<Vec<_>>(), 0..=CLUSTERS as usize).prop_shuffle(),
        paused in prop::bool::weighted(0.1),
        weight in 1..4_u32,
        quota in bounds(8),
        user_quota in bounds(4),
    ) -> Queue {
        Queue {
            id: QueueId(Uuid::nil()),
            name: "queue".to_owned(),
            priority,
            clusters: clusters.into_iter().map(|id| ClusterId(Uuid::from_u128(id))).collect(),
            paused,
            weight,
            quota,
            user_quota,
            guaranteed: Bounds::default(),
            preempts: true,
        }
    }
}

prop_compose! {
    fn bounds(most: u64)(
        jobs in option::weighted(0.3, 0..=most),
        cpus in option::weighted(0.3, 0..=most),
        gibibytes in option::weighted(0.3, 0..=most * 2),
        gpus in option::weighted(0.3, 0..=most),
    ) -> Bounds {
        Bounds {
            jobs,
            cpu_milli: cpus.map(|cpus| cpus * 1000),
            memory_bytes: gibibytes.map(|gibibytes| gibibytes << 30),
            gpus,
        }
    }
}

prop_compose! {
    fn held()(queue in 0..QUEUES, user in 0..USERS, jobs in 0..4_u32, gpus in 0..3_u32, amounts in amounts(6)) -> Held {
        Held {
            queue: QueueId(Uuid::from_u128(queue)),
            user: UserId(Uuid::from_u128(user)),
            jobs,
            amounts: Amounts { gpus, ..amounts },
        }
    }
}

fn gpus() -> impl Strategy<Value = Gpus> {
    let words = subsequence(vec!["a100".to_owned(), "H100".to_owned(), "t4".to_owned()], 0..=2);
    (1..4_u32, words, option::of((1..4_u64).prop_map(|memory| Bytes(memory * (30 << 30)))))
        .prop_map(|(count, model, memory)| Gpus { count, model, memory, share: None })
}

prop_compose! {
    fn job(nodes: usize)(
        // One more than there are queues: a job may name one that is gone.
        queue in 0..=QUEUES,
        user in 0..USERS,
        priority in 0..3_u8,
        submitted_ms in 0..3_i64,
        not_before_ms in option::weighted(0.1, NOW_MS - 2..NOW_MS + 3),
        requests in amounts(8),
        gpus in option::weighted(0.3, gpus()),
        avoid in option::weighted(0.2, 0..nodes.max(1) as u128),
        constraint in option::weighted(0.2, select(vec!["label.pool == a", "label.pool != a", "label.pool in (a, b)"])),
        ranks in prop_oneof![6 => Just(1), 1 => 0..4_u32],
        same in prop::bool::weighted(0.3),
    ) -> Job {
        Job {
            priority,
            submitted_ms,
            not_before_ms,
            requests: Amounts { gpus: gpus.as_ref().map_or(0, |gpus| gpus.count), ..requests },
            gpus,
            constraints: constraint.into_iter().map(|text| text.parse().unwrap()).collect(),
            avoid: avoid.into_iter().map(|id| NodeId(Uuid::from_u128(id))).collect(),
            nodes: ranks,
            same: same.then(|| "rack".to_owned()),
            ..Job::new(JobId(Uuid::nil()), QueueId(Uuid::from_u128(queue)), UserId(Uuid::from_u128(user)))
        }
    }
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    (clusters(), vec(node(), 0..7), vec(queue(), QUEUES as usize))
        .prop_flat_map(|(clusters, nodes, queues)| {
            let jobs = vec(job(nodes.len()), 0..24);
            (Just(clusters), Just(nodes), Just(queues), jobs, vec(held(), 0..4))
        })
        .prop_map(|(clusters, mut nodes, mut queues, mut jobs, held)| {
            (0..).zip(&mut nodes).for_each(|(id, node)| node.id = NodeId(Uuid::from_u128(id)));
            (0..).zip(&mut queues).for_each(|(id, queue)| queue.id = QueueId(Uuid::from_u128(id)));
            (0..).zip(&mut jobs).for_each(|(id, job)| job.id = JobId(Uuid::from_u128(id)));
            Snapshot { clusters, nodes, queues, jobs, held, images: Vec::new() }
        })
}

fn shuffled(snapshot: Snapshot) -> impl Strategy<Value = Snapshot> {
    (
        Just(snapshot.clusters).prop_shuffle(),
        Just(snapshot.nodes).prop_shuffle(),
        Just(snapshot.queues).prop_shuffle(),
        Just(snapshot.jobs).prop_shuffle(),
        Just(snapshot.held).prop_shuffle(),
    )
        .prop_map(|(clusters, mut nodes, queues, jobs, held)| {
            nodes.iter_mut().for_each(|node| node.gpus.reverse());
            Snapshot { clusters, nodes, queues, jobs, held, images: Vec::new() }
        })
}

fn accepted(job: &Job, gpu: &NodeGpu) -> bool {
    let Some(gpus) = &job.gpus else { return false };
    let model = gpu.model.to_lowercase();
    let word_found = gpus.model.iter().any(|word| model.contains(&word.to_lowercase()));
    (gpus.model.is_empty() || word_found) && gpus.memory.is_none_or(|least| gpu.memory_bytes >= least.0)
}

/// Whether CPU, memory and disk suffice when this much is taken already.
fn has_space(node: &Node, taken: &Amounts, job: &Job) -> bool {
    taken.cpu_milli + job.requests.cpu_milli <= node.capacity.cpu_milli
        && taken.memory_bytes + job.requests.memory_bytes <= node.capacity.memory_bytes
        && taken.disk_bytes + job.requests.disk_bytes <= node.capacity.disk_bytes
}

fn has_gpus(node: &Node, job: &Job, counts: impl Fn(&NodeGpu) -> bool) -> bool {
    let found = node.gpus.iter().filter(|gpu| counts(gpu) && accepted(job, gpu)).count();
    found >= job.requests.gpus as usize
}

fn large_enough(node: &Node, job: &Job) -> bool {
    has_space(node, &Amounts::default(), job) && has_gpus(node, job, |_| true)
}

fn usable(node: &Node, job: &Job) -> bool {
    node.availability == Availability::Ready
        && !job.avoid.contains(&node.id)
        && node.satisfies(&job.constraints)
}

fn fits_now(node: &Node, job: &Job) -> bool {
    usable(node, job) && has_space_left(node, job) && has_gpus(node, job, |gpu| gpu.free_milli == 1000)
}

/// Whether CPU, memory and disk suffice beside what is allocated. A node may hold more than it has:
/// then it has none left, and what asks for none of it still fits.
fn has_space_left(node: &Node, job: &Job) -> bool {
    let taken = Amounts {
        cpu_milli: node.allocated.cpu_milli.min(node.capacity.cpu_milli),
        memory_bytes: node.allocated.memory_bytes.min(node.capacity.memory_bytes),
        disk_bytes: node.allocated.disk_bytes.min(node.capacity.disk_bytes),
        gpus: 0,
    };
    has_space(node, &taken, job)
}

fn ranks(job: &Job) -> usize {
    job.nodes.max(1) as usize
}

/// What all ranks hold.
fn total(job: &Job) -> Amounts {
    let ranks = ranks(job) as u32;
    Amounts {
        cpu_milli: job.requests.cpu_milli * ranks,
        memory_bytes: job.requests.memory_bytes * u64::from(ranks),
        disk_bytes: job.requests.disk_bytes * u64::from(ranks),
        gpus: job.requests.gpus * ranks,
    }
}

/// Ranks of a job may run together on nodes of one group: `None` for a node that is in none.
fn group(node: &Node, job: &Job) -> Option<(ClusterId, Option<String>)> {
    match job.same.as_ref().filter(|_| ranks(job) > 1) {
        None => Some((node.cluster, None)),
        Some(label) => Some((node.cluster, Some(node.labels.get(label)?.clone()))),
    }
}

/// The most of these nodes that ranks of the job could use together.
fn together<'a>(nodes: impl IntoIterator<Item = &'a Node>, job: &Job) -> usize {
    let mut groups = BTreeMap::new();
    for group in nodes.into_iter().filter_map(|node| group(node, job)) {
        *groups.entry(group).or_insert(0) += 1;
    }
    groups.into_values().max().unwrap_or(0)
}

fn queue_of<'a>(snapshot: &'a Snapshot, job: &Job) -> Option<&'a Queue> {
    snapshot.queues.iter().find(|queue| queue.id == job.queue)
}

fn nodes_of<'a>(snapshot: &'a Snapshot, job: &Job) -> Vec<&'a Node> {
    let Some(queue) = queue_of(snapshot, job) else { return Vec::new() };
    let is_meant = |node: &&Node| {
        queue.clusters.contains(&node.cluster)
            && node.satisfies(&job.constraints)
            && group(node, job).is_some()
    };
    snapshot.nodes.iter().filter(is_meant).collect()
}

/// Jobs that may be placed if there is room and no quota against it.
fn candidates(snapshot: &Snapshot) -> Vec<&Job> {
    let is_open = |job: &&Job| queue_of(snapshot, job).is_some_and(|queue| !queue.paused);
    let is_due = |job: &&Job| job.not_before_ms.is_none_or(|not_before_ms| not_before_ms <= NOW_MS);
    snapshot.jobs.iter().filter(is_open).filter(is_due).collect()
}

/// What is held of jobs, CPUs, memory and GPUs in a queue: by all, or by one user.
fn held_in(snapshot: &Snapshot, queue: QueueId, user: Option<UserId>) -> [u64; 4] {
    let held = snapshot.held.iter();
    held.filter(|held| held.queue == queue && user.is_none_or(|user| held.user == user)).fold(
        [0; 4],
        |[jobs, cpus, memory, gpus], held| {
            [
                jobs + u64::from(held.jobs),
                cpus + u64::from(held.amounts.cpu_milli),
                memory + held.amounts.memory_bytes,
                gpus + u64::from(held.amounts.gpus),
            ]
        },
    )
}

/// The dominant share: the largest part of the fleet's CPUs, memory and GPUs.
fn share(snapshot: &Snapshot, [_, cpus, memory, gpus]: [u64; 4]) -> f64 {
    let total = |of: fn(&Node) -> u64| snapshot.nodes.iter().map(of).sum::<u64>();
    let part = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    part(cpus, total(|node| node.capacity.cpu_milli.into()))
        .max(part(memory, total(|node| node.capacity.memory_bytes)))
        .max(part(gpus, total(|node| node.gpus.len() as u64)))
}

fn over_quota(snapshot: &Snapshot, job: &Job) -> bool {
    let Some(queue) = queue_of(snapshot, job) else { return false };
    let Amounts { cpu_milli, memory_bytes, gpus, .. } = total(job);
    let asked = [1, cpu_milli.into(), memory_bytes, gpus.into()];
    [(queue.quota, None), (queue.user_quota, Some(job.user))].into_iter().any(|(bounds, user)| {
        let held = held_in(snapshot, queue.id, user);
        let bounds = [bounds.jobs, bounds.cpu_milli, bounds.memory_bytes, bounds.gpus];
        (0..4)
            .any(|what| asked[what] > 0 && bounds[what].is_some_and(|bound| held[what] + asked[what] > bound))
    })
}

/// Who goes first of two, as things stand.
fn in_turn(snapshot: &Snapshot, one: &Job, other: &Job) -> Ordering {
    let key = |job: &Job| {
        let queue = queue_of(snapshot, job).unwrap();
        let of_queue = share(snapshot, held_in(snapshot, queue.id, None)) / f64::from(queue.weight);
        let of_user = share(snapshot, held_in(snapshot, queue.id, Some(job.user)));
        (queue.priority, of_queue, of_user)
    };
    let ((one_queue, one_share, one_user), (other_queue, other_share, other_user)) = (key(one), key(other));
    other_queue
        .cmp(&one_queue)
        .then(one_share.total_cmp(&other_share))
        .then(other.priority.cmp(&one.priority))
        .then(one_user.total_cmp(&other_user))
        .then((one.submitted_ms, one.id).cmp(&(other.submitted_ms, other.id)))
}

/// Carries a placement out, and refuses what a database would refuse.
fn apply(snapshot: &mut Snapshot, placement: &Placement) -> Result<(), TestCaseError> {
    let position = snapshot.jobs.iter().position(|job| job.id == placement.job);
    prop_assert!(position.is_some(), "{} was placed twice or never asked", placement.job);
    let job = snapshot.jobs.remove(position.unwrap());
    let is_over = over_quota(snapshot, &job);
    let clusters = queue_of(snapshot, &job).map(|queue| queue.clusters.clone()).unwrap();
    prop_assert!(!is_over, "over a quota");
    let places: BTreeSet<NodeId> = placement.parts.iter().map(|part| part.node).collect();
    prop_assert_eq!(
        (placement.parts.len(), places.len()),
        (ranks(&job), ranks(&job)),
        "each rank on a node of its own"
    );
    let groups: BTreeSet<_> = snapshot
        .nodes
        .iter()
        .filter(|node| places.contains(&node.id))
        .map(|node| group(node, &job))
        .collect();
    prop_assert!(groups.len() == 1 && !groups.contains(&None), "one cluster, and one value of the label");
    for part in &placement.parts {
        give(snapshot, &job, &clusters, part)?;
    }
    snapshot.held.push(Held { queue: job.queue, user: job.user, jobs: 1, amounts: total(&job) });
    Ok(())
}

fn give(
    snapshot: &mut Snapshot,
    job: &Job,
    clusters: &[ClusterId],
    part: &Part,
) -> Result<(), TestCaseError> {
    let node = snapshot.nodes.iter_mut().find(|node| node.id == part.node).unwrap();
    prop_assert!(usable(node, job), "a node that takes nothing, or is avoided");
    prop_assert!(clusters.contains(&node.cluster), "a cluster that the queue does not use");
    prop_assert!(has_space_left(node, job), "over capacity");
    node.allocated.cpu_milli += job.requests.cpu_milli;
    node.allocated.memory_bytes += job.requests.memory_bytes;
    node.allocated.disk_bytes += job.requests.disk_bytes;

    prop_assert_eq!(part.gpu_indices.len(), job.requests.gpus as usize);
    for index in &part.gpu_indices {
        let gpu = node.gpus.iter_mut().find(|gpu| gpu.index == *index).unwrap();
        prop_assert!(gpu.free_milli == 1000, "GPU {index} has an owner");
        prop_assert!(accepted(job, gpu), "GPU {index} is not what was asked for");
        gpu.free_milli = 0;
    }
    Ok(())
}

fn applied(snapshot: &Snapshot, plan: &Plan) -> Result<Snapshot, TestCaseError> {
    let mut after = snapshot.clone();
    plan.placements.iter().try_for_each(|placement| apply(&mut after, placement))?;
    Ok(after)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn placements_hold_up_when_they_are_carried_out(snapshot in snapshot()) {
        applied(&snapshot, &plan(&snapshot, NOW_MS))?;
    }

    #[test]
    fn every_job_is_answered_exactly_once(snapshot in snapshot()) {
        let plan = plan(&snapshot, NOW_MS);
        let placed = plan.placements.iter().map(|placement| placement.job);
        let mut answered: Vec<JobId> = placed.chain(plan.waiting.iter().map(|waiting| waiting.job)).collect();
        answered.sort();
        let mut asked: Vec<JobId> = snapshot.jobs.iter().map(|job| job.id).collect();
        asked.sort();
        prop_assert_eq!(answered, asked);
        prop_assert!(plan.waiting.iter().all(|waiting| !waiting.message.is_empty()));
    }

    #[test]
    fn each_job_gets_its_turn_and_its_preferred_cluster(snapshot in snapshot()) {
        let plan = plan(&snapshot, NOW_MS);
        let placements: BTreeMap<JobId, &Placement> =
            plan.placements.iter().map(|placement| (placement.job, placement)).collect();
        let mut world = snapshot.clone();
        let mut remaining = candidates(&snapshot);
        let mut order = plan.placements.iter();
        // What is free and whose share is least when a job's turn comes is as those before it have left it.
        while let Some(position) = (0..remaining.len())
            .min_by(|one, other| in_turn(&world, remaining[*one], remaining[*other]))
        {
            let job = remaining.swap_remove(position);
            let fitting: BTreeSet<NodeId> =
                nodes_of(&world, job).into_iter().filter(|node| fits_now(node, job)).map(|node| node.id).collect();
            let Some(placement) = placements.get(&job.id) else {
                let fits = together(world.nodes.iter().filter(|node| fitting.contains(&node.id)), job) >= ranks(job);
                prop_assert!(!fits || over_quota(&world, job), "{} was passed over", job.id);
                continue;
            };
            prop_assert_eq!(order.next().map(|placement| placement.job), Some(job.id), "placed out of turn");
            prop_assert!(placement.parts.iter().all(|part| fitting.contains(&part.node)));
            let cluster_of = |id: &NodeId| world.nodes.iter().find(|node| node.id == *id).unwrap().cluster;
            let fits_in = |cluster: &ClusterId| {
                let here = world.nodes.iter().filter(|node| node.cluster == *cluster && fitting.contains(&node.id));
                together(here, job) >= ranks(job)
            };
            let preferred = queue_of(&snapshot, job).unwrap().clusters.iter().find(|cluster| fits_in(cluster));
            prop_assert_eq!(Some(&cluster_of(&placement.parts[0].node)), preferred);
            apply(&mut world, placement)?;
        }
    }

    #[test]
    fn reasons_are_true_after_the_plan(snapshot in snapshot()) {
        let plan = plan(&snapshot, NOW_MS);
        let after = applied(&snapshot, &plan)?;
        for waiting in &plan.waiting {
            let job = after.jobs.iter().find(|job| job.id == waiting.job).unwrap();
            let nodes = nodes_of(&after, job);
            let most = |which: &dyn Fn(&Node) -> bool| together(nodes.iter().copied().filter(|node| which(node)), job);
            let large = most(&|node| large_enough(node, job));
            let ready = most(&|node| large_enough(node, job) && usable(node, job));
            let free = most(&|node| fits_now(node, job));
            let any_large_enough = nodes.iter().any(|node| large_enough(node, job));
            let any_usable = nodes.iter().any(|node| large_enough(node, job) && usable(node, job));
            let any_space = nodes.iter().any(|node| {
                large_enough(node, job) && usable(node, job) && has_space_left(node, job)
            });
            let any_accepted_gpu =
                nodes.iter().any(|node| node.gpus.iter().any(|gpu| accepted(job, gpu)));
            let paused = queue_of(&after, job).is_some_and(|queue| queue.paused);
            let in_backoff = job.not_before_ms.is_some_and(|not_before_ms| not_before_ms > NOW_MS);
            let expected = match () {
                () if queue_of(&after, job).is_none() => Reason::NoMatchingNodes,
                () if paused => Reason::QueuePaused,
                () if in_backoff => Reason::Backoff,
                () if over_quota(&after, job) => Reason::QuotaExceeded,
                () if nodes.is_empty() => Reason::NoMatchingNodes,
                () if job.gpus.is_some() && !any_accepted_gpu => Reason::NoMatchingNodes,
                () if !any_large_enough => Reason::ExceedsAnyNode,
                () if large < ranks(job) => Reason::ExceedsAnyNode,
                () if !any_usable => Reason::NodeDown,
                () if ready < ranks(job) => Reason::NodeDown,
                () if free > 0 => Reason::GangIncomplete,
                () if job.gpus.is_some() && any_space => Reason::WaitingForGpus,
                () => Reason::WaitingForCapacity,
            };
            prop_assert_eq!(waiting.reason, expected, "{}", waiting.message);
            prop_assert!(free < ranks(job) || !matches!(waiting.reason, Reason::GangIncomplete), "{}", waiting.message);
            if matches!(waiting.reason, Reason::WaitingForGpus | Reason::WaitingForCapacity) {
                prop_assert!(nodes.iter().all(|node| !fits_now(node, job)), "{}", waiting.message);
            }
        }
    }

    #[test]
    fn order_of_the_input_does_not_matter((one, other) in snapshot().prop_flat_map(|snapshot| {
        (Just(snapshot.clone()), shuffled(snapshot))
    })) {
        prop_assert_eq!(plan(&one, NOW_MS), plan(&other, NOW_MS));
    }

    #[test]
    fn planning_again_changes_nothing(snapshot in snapshot()) {
        let first = plan(&snapshot, NOW_MS);
        let again = plan(&applied(&snapshot, &first)?, NOW_MS);
        prop_assert_eq!(again, Plan { placements: Vec::new(), ..first });
    }

    #[test]
    fn the_earliest_backoff_wakes(snapshot in snapshot()) {
        let plan = plan(&snapshot, NOW_MS);
        let in_backoff: BTreeSet<JobId> = plan.waiting.iter()
            .filter(|waiting| waiting.reason == Reason::Backoff).map(|waiting| waiting.job).collect();
        let earliest = snapshot.jobs.iter()
            .filter(|job| in_backoff.contains(&job.id)).filter_map(|job| job.not_before_ms).min();
        prop_assert_eq!(plan.wake_at_ms, earliest);
    }
}
