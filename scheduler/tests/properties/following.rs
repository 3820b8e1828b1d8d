//! A state that follows what happens comes to the same placements as a plan made from nothing: what it remembers
//! saves work, and is never a second opinion.

use lilac_scheduler::{Availability, Job, Placement, Policy, Snapshot, State, plan};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there are few of them, and most are arrivals")]
enum Event {
    Arrives(Job),
    Ends(usize),
    Withdrawn(usize),
    NodeBecomes(usize, Availability),
}

fn event() -> impl Strategy<Value = Event> {
    let availability =
        select(vec![Availability::Ready, Availability::Ready, Availability::Cordoned, Availability::Down]);
    prop_oneof![
        3 => job(6).prop_map(Event::Arrives),
        4 => (0..64_usize).prop_map(Event::Ends),
        1 => (0..64_usize).prop_map(Event::Withdrawn),
        1 => (0..7_usize, availability).prop_map(|(node, availability)| Event::NodeBecomes(node, availability)),
    ]
}

/// The world beside the state: what the next plan from nothing is made of.
struct World {
    snapshot: Snapshot,
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
                self.snapshot.jobs.push(job);
            }
            Event::Ends(which) if !self.running.is_empty() => {
                let (job, placement) = self.running.remove(which % self.running.len());
                self.state.end(job.id);
                self.give_back(&job, &placement);
            }
            Event::Withdrawn(which) if !self.snapshot.jobs.is_empty() => {
                let job = self.snapshot.jobs.remove(which % self.snapshot.jobs.len());
                self.state.end(job.id);
            }
            Event::NodeBecomes(which, availability) if which < self.snapshot.nodes.len() => {
                self.snapshot.nodes[which].availability = availability;
                self.state.put_node(&self.snapshot.nodes[which]);
            }
            Event::Ends(_) | Event::Withdrawn(_) | Event::NodeBecomes(..) => {}
        }
    }

    fn give_back(&mut self, job: &Job, placement: &Placement) {
        for part in &placement.parts {
            let node = self.snapshot.nodes.iter_mut().find(|node| node.id == part.node).unwrap();
            node.allocated.cpu_milli -= job.requests.cpu_milli;
            node.allocated.memory_bytes -= job.requests.memory_bytes;
            node.allocated.disk_bytes -= job.requests.disk_bytes;
            for gpu in &mut node.gpus {
                if part.gpu_indices.contains(&gpu.index) {
                    gpu.free_milli = 1000;
                }
            }
        }
        let holds = |held: &Held| {
            (held.queue, held.user, held.jobs, held.amounts) == (job.queue, job.user, 1, total(job))
        };
        let position = self.snapshot.held.iter().position(holds).unwrap();
        self.snapshot.held.remove(position);
    }

    fn schedules(&mut self) -> Result<(), TestCaseError> {
        let placements = self.state.schedule(NOW_MS, usize::MAX);
        prop_assert_eq!(&placements, &plan(&self.snapshot, NOW_MS).placements);
        for placement in placements {
            let job = self.snapshot.jobs.iter().find(|job| job.id == placement.job).unwrap().clone();
            apply(&mut self.snapshot, &placement)?;
            self.running.push((job, placement));
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn what_is_remembered_changes_no_placement(snapshot in snapshot(), events in vec(vec(event(), 1..4), 0..30)) {
        let mut snapshot = snapshot;
        for cluster in &mut snapshot.clusters {
            // The mix that this policy minds is what came before, which a plan from nothing has not seen.
            if cluster.policy == Policy::FragmentationAware {
                cluster.policy = Policy::Spread;
            }
        }
        let state = State::of(&snapshot);
        let mut world = World { snapshot, state, running: Vec::new(), next: 1_000 };
        world.schedules()?;
        for several in events {
            several.into_iter().for_each(|event| world.happens(event));
            world.schedules()?;
        }
    }

    #[test]
    fn equal_histories_give_equal_placements(snapshot in snapshot(), events in vec(event(), 0..30)) {
        let histories: Vec<Vec<Placement>> = (0..2).map(|_| {
            let mut state = State::of(&snapshot);
            let mut placements = state.schedule(NOW_MS, usize::MAX);
            for (number, event) in (1_000..).zip(&events) {
                match event {
                    Event::Arrives(job) => state.add_job(&Job { id: JobId(Uuid::from_u128(number)), ..job.clone() }),
                    Event::Ends(which) if !placements.is_empty() => state.end(placements[which % placements.len()].job),
                    _ => {}
                }
                placements.extend(state.schedule(NOW_MS, 2));
            }
            placements
        }).collect();
        prop_assert_eq!(&histories[0], &histories[1]);
    }
}
