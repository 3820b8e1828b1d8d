//! A state that is told what others did, and that some of its placements did not come about, goes on as one that is
//! made anew from what is there: this is what lets a server follow a database, and another one take over.

use lilac_scheduler::{Availability, Job, Placement, Policy, Snapshot, State};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there are few of them, and most are arrivals")]
enum Event {
    Arrives(Job),
    Ends(usize),
    /// The latest placement is refused.
    Refused,
    NodeBecomes(usize, Availability),
    NodeHas(usize, Amounts),
}

fn event() -> impl Strategy<Value = Event> {
    let availability = select(vec![Availability::Ready, Availability::Ready, Availability::Cordoned]);
    prop_oneof![
        3 => job(6).prop_map(Event::Arrives),
        3 => (0..64_usize).prop_map(Event::Ends),
        2 => Just(Event::Refused),
        1 => (0..7_usize, availability).prop_map(|(node, availability)| Event::NodeBecomes(node, availability)),
        1 => (0..7_usize, amounts(16)).prop_map(|(node, capacity)| Event::NodeHas(node, capacity)),
    ]
}

/// What is there, beside the state that follows it.
struct World {
    /// Nodes without what `running` holds.
    bare: Snapshot,
    state: State,
    running: Vec<(Job, Placement)>,
    next: u128,
}

impl World {
    fn happens(&mut self, event: Event) {
        match event {
            Event::Arrives(job) => {
                self.next += 1;
                let job = Job { id: JobId(Uuid::from_u128(self.next)), ..job };
                self.state.add_job(&job);
                self.bare.jobs.push(job);
            }
            Event::Ends(which) if !self.running.is_empty() => {
                let (job, _) = self.running.remove(which % self.running.len());
                self.state.end(job.id);
            }
            Event::Refused => {
                let Some((job, _)) = self.running.pop() else { return };
                self.state.undo(job.id);
                self.bare.jobs.push(Job { not_before_ms: None, ..job });
            }
            Event::NodeBecomes(which, availability) if which < self.bare.nodes.len() => {
                self.bare.nodes[which].availability = availability;
                self.renew(which);
            }
            Event::NodeHas(which, capacity) if which < self.bare.nodes.len() => {
                let gpus = self.bare.nodes[which].capacity.gpus;
                self.bare.nodes[which].capacity = Amounts { gpus, ..capacity };
                self.bare.nodes[which].allocated = Amounts::default();
                self.renew(which);
            }
            Event::Ends(_) | Event::NodeBecomes(..) | Event::NodeHas(..) => {}
        }
    }

    fn renew(&mut self, which: usize) {
        assert!(self.state.renew_node(&self.bare.nodes[which]), "the same GPUs");
    }

    fn made_anew(&self) -> State {
        let mut state = State::of(&Snapshot { jobs: Vec::new(), ..self.bare.clone() });
        for (job, placement) in &self.running {
            assert!(state.adopt(job, &placement.parts));
        }
        self.bare.jobs.iter().for_each(|job| state.add_job(job));
        state
    }

    fn schedules(&mut self) -> Result<(), TestCaseError> {
        let placements = self.state.schedule(NOW_MS, usize::MAX);
        let mut anew = self.made_anew();
        prop_assert_eq!(&placements, &anew.schedule(NOW_MS, usize::MAX));
        for placement in placements {
            let position = self.bare.jobs.iter().position(|job| job.id == placement.job).unwrap();
            self.running.push((self.bare.jobs.remove(position), placement));
        }
        let (now, anew) = (self.state.ask(&self.bare.nodes, NOW_MS), anew.ask(&self.bare.nodes, NOW_MS));
        prop_assert_eq!(now.line(usize::MAX), anew.line(usize::MAX));
        prop_assert!(self.running.iter().all(|(job, _)| !self.state.is_waiting(job.id)));
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn what_others_did_is_as_if_done_here(snapshot in snapshot(), events in vec(vec(event(), 1..4), 0..30)) {
        let mut bare = snapshot;
        for cluster in &mut bare.clusters {
            // The mix that this policy minds is what came before, which a state made anew has not seen.
            if cluster.policy == Policy::FragmentationAware {
                cluster.policy = Policy::BestFit;
            }
        }
        for node in &mut bare.nodes {
            node.allocated = Amounts::default();
        }
        let state = State::of(&bare);
        let queues: BTreeSet<QueueId> = bare.queues.iter().map(|queue| queue.id).collect();
        bare.jobs.retain(|job| queues.contains(&job.queue));
        let mut world = World { bare, state, running: Vec::new(), next: 1_000 };
        world.schedules()?;
        for several in events {
            several.into_iter().for_each(|event| world.happens(event));
            world.schedules()?;
        }
    }

    #[test]
    fn what_is_foreseen_comes_about_and_changes_nothing(snapshot in snapshot()) {
        let mut bare = snapshot;
        bare.clusters.iter_mut().for_each(|cluster| cluster.policy = Policy::BestFit);
        bare.nodes.iter_mut().for_each(|node| node.allocated = Amounts::default());
        let known: BTreeSet<QueueId> = bare.queues.iter().map(|queue| queue.id).collect();
        bare.jobs.retain(|job| known.contains(&job.queue));
        bare.jobs.iter_mut().for_each(|job| job.not_before_ms = None);
        let state = State::of(&bare);
        let mut world = World { bare, state, running: Vec::new(), next: 1_000 };
        world.schedules()?;
        // Each ends at a time of its own; what starts meanwhile runs for a hundred.
        let mut ends: Vec<(i64, JobId)> = (2_000..).step_by(30).zip(world.running.iter().map(|(job, _)| job.id)).collect();
        let waiting: Vec<JobId> = world.bare.jobs.iter().map(|job| job.id).collect();
        let foreseen: Vec<_> = waiting.iter().map(|job| world.state.foresee(*job, &ends, |_| Some(100))).collect();
        for (job, foreseen) in waiting.iter().zip(&foreseen) {
            prop_assert_eq!(&world.state.foresee(*job, &ends, |_| Some(100)), foreseen);
        }
        world.schedules()?;
        // And now it happens.
        let mut started: BTreeMap<JobId, i64> = BTreeMap::new();
        while !ends.is_empty() {
            let at_ms = ends.iter().map(|(at, _)| *at).min().unwrap();
            ends.iter().filter(|(at, _)| *at == at_ms).for_each(|(_, job)| world.state.end(*job));
            ends.retain(|(at, _)| *at != at_ms);
            for placement in world.state.schedule(at_ms, usize::MAX) {
                started.insert(placement.job, at_ms);
                ends.push((at_ms + 100, placement.job));
            }
        }
        for (job, foreseen) in waiting.iter().zip(&foreseen) {
            prop_assert_eq!(started.get(job).copied(), foreseen.as_ref().map(|foreseen| foreseen.at_ms));
        }
    }

    #[test]
    fn the_line_is_the_plans_and_each_place_in_it_counts_those_before(snapshot in snapshot()) {
        let plan = plan(&snapshot, NOW_MS);
        let mut state = State::of(&snapshot);
        state.schedule(NOW_MS, usize::MAX);
        let mut inquiry = state.ask(&snapshot.nodes, NOW_MS);
        let known: BTreeSet<QueueId> = snapshot.queues.iter().map(|queue| queue.id).collect();
        let queue_of: BTreeMap<JobId, QueueId> = snapshot.jobs.iter().map(|job| (job.id, job.queue)).collect();
        let waiting: Vec<_> = plan.waiting.iter().filter(|one| known.contains(&queue_of[&one.job])).collect();
        prop_assert_eq!(state.count_waiting(), waiting.len());
        let line = inquiry.line(usize::MAX);
        for queue in known {
            let of_queue = |job: &&JobId| queue_of[*job] == queue;
            let here: Vec<&JobId> = line.iter().filter(of_queue).collect();
            let there: Vec<&JobId> = waiting.iter().map(|one| &one.job).filter(of_queue).collect();
            prop_assert_eq!(&here, &there);
            for (position, job) in here.into_iter().enumerate() {
                prop_assert_eq!(inquiry.position(*job), Some(position));
            }
        }
        for one in waiting {
            prop_assert_eq!(inquiry.why(one.job), Some((one.reason, one.message.clone())));
        }
    }
}
