//! Shares of GPUs: no GPU is given out more than once over, and none is refused while one has the share free.

use lilac_api::quantity::Ratio;
use lilac_scheduler::{Policy, State};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use strum::VariantArray;

use super::*;

const GPUS: u16 = 3;

fn state(nodes: u128, policy: Policy) -> State {
    let cluster = ClusterId(Uuid::nil());
    let gpu =
        |index| NodeGpu { index, model: "NVIDIA A100".to_owned(), memory_bytes: 40 << 30, free_milli: 1000 };
    let node = |id| Node {
        id: NodeId(Uuid::from_u128(id)),
        name: format!("node-{id}"),
        cluster,
        availability: Availability::Ready,
        capacity: Amounts { cpu_milli: 64_000, memory_bytes: 64 << 30, disk_bytes: 0, gpus: GPUS.into() },
        allocated: Amounts::default(),
        gpus: (0..GPUS).map(gpu).collect(),
        labels: BTreeMap::new(),
    };
    State::of(&Snapshot {
        clusters: vec![Cluster { id: cluster, policy }],
        nodes: (0..nodes).map(node).collect(),
        queues: vec![Queue {
            id: QueueId(Uuid::nil()),
            name: "queue".to_owned(),
            priority: 0,
            clusters: vec![cluster],
            paused: false,
            weight: 1,
            quota: Bounds::default(),
            user_quota: Bounds::default(),
            guaranteed: Bounds::default(),
            preempts: true,
        }],
        ..Snapshot::default()
    })
}

/// A job with a share of one GPU in thousandths, or whole ones.
fn sharing(number: u128, thousandths: u32) -> Job {
    let gpus = match thousandths {
        0..1000 => Gpus { share: Some(Ratio { thousandths }), ..Gpus::of(1) },
        _ => Gpus::of(thousandths / 1000),
    };
    Job {
        requests: Amounts { cpu_milli: 100, memory_bytes: 1 << 20, disk_bytes: 0, gpus: gpus.count },
        gpus: Some(gpus),
        ..Job::new(JobId(Uuid::from_u128(number)), QueueId(Uuid::nil()), UserId(Uuid::nil()))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn gpus_are_shared_up_to_the_whole_and_no_further(
        nodes in 1..4_u128,
        policy in select(Policy::VARIANTS),
        arrivals in vec((select(vec![50, 110, 250, 333, 500, 501, 810, 1000, 2000]), any::<prop::sample::Index>(), any::<bool>()), 1..60),
    ) {
        let mut state = state(nodes, policy);
        let mut free: BTreeMap<(NodeId, u16), u32> =
            (0..nodes).flat_map(|node| (0..GPUS).map(move |gpu| ((NodeId(Uuid::from_u128(node)), gpu), 1000))).collect();
        let mut running: Vec<(JobId, u32, Placement)> = Vec::new();
        for (number, (thousandths, which, ends)) in (1..).zip(arrivals) {
            if ends && !running.is_empty() {
                let (job, each, placement) = running.swap_remove(which.index(running.len()));
                state.end(job);
                placement.parts[0].gpu_indices.iter().for_each(|gpu| *free.get_mut(&(placement.parts[0].node, *gpu)).unwrap() += each);
            }
            let job = sharing(number, thousandths);
            let (each, count) = (thousandths.min(1000), job.requests.gpus as usize);
            let could = (0..nodes).any(|node| {
                let node = NodeId(Uuid::from_u128(node));
                (0..GPUS).filter(|gpu| free[&(node, *gpu)] >= each).count() >= count
            });
            state.add_job(&job);
            let placements = state.schedule(0, usize::MAX);
            prop_assert_eq!(placements.len(), usize::from(could));
            for placement in placements {
                let part = &placement.parts[0];
                prop_assert_eq!(part.gpu_indices.len(), count);
                for gpu in &part.gpu_indices {
                    let free = free.get_mut(&(part.node, *gpu)).unwrap();
                    prop_assert!(*free >= each, "GPU {gpu} has {free} left of {each} asked for");
                    *free -= each;
                }
                running.push((job.id, each, placement));
            }
            if !could {
                state.end(job.id);
            }
        }
    }
}
