//! The decisions against a small world that fails at every step: an agent that dies, a Docker that goes
//! away, calls that come back late or never, a control plane that grants, stops, forgets and falls silent.

use std::collections::BTreeSet;
use std::collections::btree_map::Entry;

use chrono::TimeDelta;
use lilac_api::agent::{DesiredAttempt, Gang};
use proptest::prelude::*;
use uuid::Uuid;

use super::tests::{moment, task};
use super::*;
use crate::journal::{self, ExitNote, Intent};

const LEASE_MS: Millis = 20_000;
const MARGIN_MS: Millis = 3_000;
const MAX_ATTEMPTS: usize = 4;

/// What happens next in the world.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Grant,
    AskToStop(usize),
    /// The other ranks of an attempt are ready.
    Go(usize),
    /// A sync goes through.
    Sync,
    /// The nth call under way comes back.
    Return(usize),
    /// The nth call is carried out, and its answer gets lost.
    Garble(usize),
    Exit(usize, i32),
    /// Somebody removes a container behind the agent's back.
    Remove(usize),
    DockerDown,
    DockerUp,
    Pass(Millis),
    /// The agent dies and is started again.
    Die,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        3 => Just(Turn::Grant),
        2 => (0..MAX_ATTEMPTS).prop_map(Turn::AskToStop),
        4 => (0..MAX_ATTEMPTS).prop_map(Turn::Go),
        10 => Just(Turn::Sync),
        16 => (0..6_usize).prop_map(Turn::Return),
        2 => (0..6_usize).prop_map(Turn::Garble),
        4 => (0..MAX_ATTEMPTS, prop_oneof![Just(0), Just(1), Just(137)]).prop_map(|(who, code)| Turn::Exit(who, code)),
        1 => (0..MAX_ATTEMPTS).prop_map(Turn::Remove),
        1 => Just(Turn::DockerDown),
        3 => Just(Turn::DockerUp),
        5 => prop_oneof![1..200_u64, 1_000..8_000_u64, Just(LEASE_MS)].prop_map(Turn::Pass),
        2 => Just(Turn::Die),
    ];
    proptest::collection::vec(turn, 1..120)
}

#[derive(Clone, Debug, PartialEq)]
enum Container {
    Created,
    Running,
    Exited(Exit),
}

/// What the control plane knows of an attempt.
#[derive(Clone, Debug)]
struct Granted {
    stop: bool,
    /// It belongs to a gang, whose other ranks are ready or not.
    go: Option<bool>,
    /// Until when it takes the attempt for alive.
    lease_until: Millis,
    is_over: bool,
}

struct World {
    now: Millis,
    state: State,
    /// Calls under way.
    calls: Vec<Action>,
    journal: BTreeMap<AttemptId, journal::Entry>,
    leases: BTreeMap<AttemptId, Millis>,
    containers: BTreeMap<AttemptId, Container>,
    docker_is_up: bool,
    granted: BTreeMap<AttemptId, Granted>,
    order: Vec<AttemptId>,
    /// How often each attempt was started.
    starts: BTreeMap<AttemptId, u32>,
    results: BTreeMap<AttemptId, TaskResult>,
    boot_id: Uuid,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            now: 1_000_000,
            state: State::default(),
            calls: Vec::new(),
            journal: BTreeMap::new(),
            leases: BTreeMap::new(),
            containers: BTreeMap::new(),
            docker_is_up: true,
            granted: BTreeMap::new(),
            order: Vec::new(),
            starts: BTreeMap::new(),
            results: BTreeMap::new(),
            boot_id: Uuid::from_u128(7),
        };
        world.list();
        world
    }

    fn hear(&mut self, event: Event) {
        let actions = step(&mut self.state, event, moment(self.now));
        for action in actions {
            self.check(&action);
            match action {
                Action::WriteLease(id, deadline) => {
                    self.leases.insert(id, deadline);
                }
                Action::NoteStop(id, note) => {
                    if let Some(entry) = self.journal.get_mut(&id) {
                        entry.stop = Some(note);
                    }
                }
                Action::NoteCreated(id) => self.note_created(id),
                Action::Report | Action::Renew | Action::Attach(_) | Action::CancelPull(_) => {}
                call => self.calls.push(call),
            }
        }
        if let Some(wake) = self.state.next_wake() {
            assert!(wake > self.now, "it would spin: {wake} at {}: {:?}", self.now, self.state);
        }
    }

    /// What must hold whenever the agent decides to act.
    fn check(&self, action: &Action) {
        match action {
            Action::Create(id, _) => assert!(self.journal.contains_key(id), "created without an intent"),
            Action::Start(id) => {
                let attempt = &self.state.attempts[id];
                assert!(self.now < attempt.lease_until, "started after its lease");
                assert!(attempt.stop.is_none(), "started although it is to stop");
                assert_ne!(self.granted[id].go, Some(false), "started before the other ranks are ready");
                assert!(self.now < self.granted[id].lease_until, "started after the control plane's lease");
            }
            Action::Drop(id) => assert!(self.granted[id].is_over, "dropped before it was over"),
            _ => {}
        }
    }

    fn note_created(&mut self, id: AttemptId) {
        if let Some(entry) = self.journal.get_mut(&id) {
            entry.created = true;
        }
    }

    /// Carries a call out and gives what came of it.
    fn carry_out(&mut self, call: Action) -> Option<Event> {
        let up = self.docker_is_up;
        let unclear = || Failure::Unclear("away".into());
        let finished_at = moment(self.now).wall;
        if let Action::Start(id) = call {
            self.note_created(id);
        }
        Some(match call {
            Action::SaveIntent(id) => {
                let attempt = self.state.attempts.get(&id)?;
                let intent = Intent {
                    attempt_id: id,
                    epoch: attempt.epoch,
                    boot_id: self.boot_id,
                    lease_until: attempt.lease_until,
                    task: (*attempt.task).clone(),
                };
                self.journal.insert(id, journal::Entry { intent, created: false, stop: None, exit: None });
                Event::IntentSaved(id)
            }
            Action::Create(id, _) if !up => Event::CreateFailed(id, unclear()),
            Action::Create(id, _) => {
                if let Entry::Vacant(free) = self.containers.entry(id) {
                    free.insert(Container::Created);
                    Event::Created(id)
                } else {
                    Event::CreateFailed(id, Failure::Exists)
                }
            }
            Action::Start(id) if !up => Event::StartFailed(id, unclear()),
            Action::Start(id) => match self.containers.get_mut(&id) {
                None => Event::StartFailed(id, unclear()),
                Some(container) => {
                    if *container == Container::Created {
                        *container = Container::Running;
                        *self.starts.entry(id).or_default() += 1;
                    }
                    Event::Started(id)
                }
            },
            Action::Look(id) if !up => Event::LookFailed(id),
            Action::Look(id) => {
                let sight = match self.containers.get(&id) {
                    None => Sight::Missing,
                    Some(Container::Created) => Sight::Created,
                    Some(Container::Running) => Sight::Running { started_at: finished_at },
                    Some(Container::Exited(exit)) => Sight::Exited(exit.clone()),
                };
                Event::Seen { attempt: id, taken_at: self.now, sight }
            }
            Action::Signal(id, signal) => {
                let runs = self.containers.get(&id) == Some(&Container::Running);
                if up && runs && signal == Signal::SigKill {
                    return self.exit(id, 137);
                }
                return None;
            }
            Action::Conclude(id, started_at, draft) => {
                let result = draft.with_log(0);
                let entry = self.journal.get_mut(&id).expect("what is concluded has an intent");
                assert_eq!(entry.exit, None, "it is concluded once");
                entry.exit = Some(ExitNote { started_at, result: result.clone() });
                Event::Concluded(id, result)
            }
            Action::Drop(id) => {
                if up {
                    self.containers.remove(&id);
                }
                self.journal.remove(&id);
                Event::Dropped(id)
            }
            Action::Reap(container) => {
                if !up {
                    return None;
                }
                self.containers.retain(|id, _| id.to_string() != container);
                Event::Reaped(container)
            }
            other => panic!("{other:?} is no call"),
        })
    }

    fn exit(&mut self, id: AttemptId, code: i32) -> Option<Event> {
        let container = self.containers.get_mut(&id)?;
        if *container != Container::Running {
            return None;
        }
        let finished_at = moment(self.now).wall;
        *container = Container::Exited(Exit { code, oom_killed: false, started_at: None, finished_at });
        self.docker_is_up.then_some(Event::Died(id))
    }

    fn list(&mut self) {
        let containers = self.containers.iter().map(|(id, container)| Listed {
            container: id.to_string(),
            attempt: Some(*id),
            running: *container == Container::Running,
        });
        let containers = containers.collect();
        self.hear(Event::DockerUp { version: "1".into(), taken_at: self.now, containers });
    }

    /// The control plane takes a report in and answers at once.
    fn sync(&mut self) {
        let reports = self.state.reports();
        for (id, granted) in &mut self.granted {
            granted.is_over |= self.now > granted.lease_until + MARGIN_MS;
            if !granted.is_over {
                granted.lease_until = self.now + LEASE_MS;
            }
            if let Some(result) =
                reports.iter().find(|report| report.attempt_id == *id).and_then(|r| r.result.clone())
            {
                let first = self.results.entry(*id).or_insert_with(|| result.clone());
                assert_eq!(*first, result, "a result changed");
                granted.is_over = true;
            }
        }
        let known: BTreeSet<AttemptId> = reports.iter().map(|report| report.attempt_id).collect();
        let live = self.granted.iter().filter(|(_, granted)| !granted.is_over);
        let desired = live.map(|(id, granted)| DesiredAttempt {
            attempt_id: *id,
            epoch: 1,
            lease_ms: LEASE_MS,
            stop: granted.stop,
            max_runtime: None,
            go: granted.go == Some(true),
            stop_within: None,
            task: (!known.contains(id))
                .then(|| TaskSpec { gang: granted.go.map(|_| Gang { addresses: Vec::new() }), ..task() }),
        });
        let desired = desired.collect();
        let forget = known.into_iter().filter(|id| self.granted[id].is_over).collect();
        self.hear(Event::Answered {
            sent_at: self.now,
            answer: SyncResponse { desired, forget, ..SyncResponse::default() },
        });
    }

    fn die(&mut self) {
        self.calls.clear();
        let boot_id = self.boot_id;
        let with_lease = |(id, entry): (&AttemptId, &journal::Entry)| {
            (entry.clone(), self.leases.get(id).copied().unwrap_or(entry.intent.lease_until))
        };
        let entries = self.journal.iter().map(with_lease).collect();
        self.state = State::default();
        self.hear(Event::Recovered { entries, boot_id });
        if self.docker_is_up {
            self.list();
        }
    }

    fn pass(&mut self, ms: Millis) {
        let until = self.now + ms;
        while let Some(wake) = self.state.next_wake().filter(|wake| *wake <= until) {
            self.now = wake;
            self.hear(Event::Tick);
        }
        self.now = until;
        self.hear(Event::Tick);
    }

    fn turn(&mut self, turn: Turn) {
        match turn {
            Turn::Grant if self.order.len() < MAX_ATTEMPTS => {
                let id = AttemptId::new();
                self.order.push(id);
                let go = self.order.len().is_multiple_of(2).then_some(false);
                let granted = Granted { stop: false, go, lease_until: self.now + LEASE_MS, is_over: false };
                self.granted.insert(id, granted);
            }
            Turn::Grant => {}
            Turn::AskToStop(who) => {
                if let Some(id) = self.order.get(who) {
                    self.granted.get_mut(id).expect("it was granted").stop = true;
                }
            }
            Turn::Go(who) => {
                let granted = self.order.get(who).and_then(|id| self.granted.get_mut(id));
                if let Some(go) = granted.and_then(|granted| granted.go.as_mut()) {
                    *go = true;
                }
            }
            Turn::Sync => self.sync(),
            Turn::Return(nth) if nth < self.calls.len() => {
                let call = self.calls.remove(nth);
                if let Some(event) = self.carry_out(call) {
                    self.hear(event);
                }
            }
            Turn::Garble(nth) if nth < self.calls.len() => {
                let call = self.calls.remove(nth);
                let id = match &call {
                    Action::Create(id, _) => Some((*id, true)),
                    Action::Start(id) => Some((*id, false)),
                    _ => None,
                };
                let event = self.carry_out(call);
                let unclear = Failure::Unclear("timeout".into());
                let event = match id {
                    Some((id, true)) => Some(Event::CreateFailed(id, unclear)),
                    Some((id, false)) => Some(Event::StartFailed(id, unclear)),
                    // The disk and the loop's own channel lose nothing.
                    None => event,
                };
                if let Some(event) = event {
                    self.hear(event);
                }
            }
            Turn::Return(_) | Turn::Garble(_) => {}
            Turn::Exit(who, code) => {
                let id = self.order.get(who).copied();
                if let Some(event) = id.and_then(|id| self.exit(id, code)) {
                    self.hear(event);
                }
            }
            Turn::Remove(who) => {
                let id = self.order.get(who).copied();
                let was_running = id.is_some_and(|id| self.containers.get(&id) == Some(&Container::Running));
                if let Some(id) = id
                    && self.containers.remove(&id).is_some()
                    && was_running
                    && self.docker_is_up
                {
                    self.hear(Event::Died(id));
                }
            }
            Turn::DockerDown => {
                self.docker_is_up = false;
                self.hear(Event::DockerDown("away".into()));
            }
            Turn::DockerUp => {
                self.docker_is_up = true;
                self.list();
            }
            Turn::Pass(ms) => self.pass(ms),
            Turn::Die => self.die(),
        }
        for (id, starts) in &self.starts {
            assert!(*starts <= 1, "{id} was started {starts} times");
        }
    }

    /// Everything works again, and everybody is asked to end.
    fn heal(&mut self) {
        self.turn(Turn::DockerUp);
        for id in self.order.clone() {
            self.granted.get_mut(&id).expect("it was granted").stop = true;
        }
        for _ in 0..60 {
            self.sync();
            while !self.calls.is_empty() {
                self.turn(Turn::Return(0));
            }
            self.pass(1_500);
            if self.now.is_multiple_of(3) {
                self.list();
            }
        }
        self.list();
    }
}

proptest! {
    #[test]
    fn whatever_fails_nothing_runs_twice_and_everything_ends(turns in turns()) {
        let mut world = World::new();
        for turn in turns {
            world.turn(turn);
        }
        world.heal();
        prop_assert!(world.state.attempts.is_empty(), "left: {:?}", world.state.attempts);
        prop_assert!(world.containers.is_empty(), "left: {:?}", world.containers);
        prop_assert!(world.granted.values().all(|granted| granted.is_over), "{:?}", world.granted);
    }

    /// While calls to Docker come back, no container outlives the deadline that the control plane counts to.
    #[test]
    fn without_a_word_from_the_control_plane_nothing_runs_on(turns in turns()) {
        let mut world = World::new();
        for turn in turns {
            world.turn(turn);
        }
        world.turn(Turn::DockerUp);
        let silence = world.now;
        while world.now < silence + LEASE_MS + MARGIN_MS {
            while !world.calls.is_empty() {
                world.turn(Turn::Return(0));
            }
            world.pass(500);
        }
        let running = world.containers.values().filter(|container| **container == Container::Running).count();
        prop_assert_eq!(running, 0);
    }

    /// Reports survive the wire.
    #[test]
    fn reports_are_read_as_they_were_written(turns in turns()) {
        let mut world = World::new();
        for turn in turns {
            world.turn(turn);
            for report in world.state.reports() {
                prop_assert_eq!(report.phase == Phase::Ended, report.result.is_some());
                let text = serde_json::to_string(&report).unwrap();
                prop_assert_eq!(serde_json::from_str::<AttemptReport>(&text).unwrap(), report);
            }
        }
    }
}

#[test]
fn wall_time_and_boot_time_run_together() {
    assert_eq!(moment(5).wall - moment(2).wall, TimeDelta::milliseconds(3));
}
