//! The agent's process: the real core, and hands that may be cut off at any moment.
//!
//! What the core wants done is begun by the agent, a little later reaches Docker or the disk, and what came of
//! it is heard a little later still. An agent that dies in between does not take back what it began.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use lilac_agent::clock::Millis;
use lilac_agent::core::{self, Action, Draft, Event, Exit, Failure, Listed, Sight, Stage, State};
use lilac_agent::journal::{Entry, ExitNote, Intent, StopNote};
use lilac_api::ids::{AttemptId, JobId, SessionId};
use lilac_api::spec::Signal;

use super::bug::Bug;
use super::gang;
use super::machine::{End, Ms, Standing};
use super::world::{Happening, World, say};

/// One installation of the agent, and its process if one runs.
#[derive(Debug)]
pub(super) struct Agent {
    pub machine: usize,
    pub disk: usize,
    pub docker: usize,
    /// Counts its processes.
    pub life: u32,
    pub is_alive: bool,
    /// Frozen until then.
    pub frozen_until: Option<Ms>,
    /// What it would have done or heard meanwhile, in order.
    pub put_off: Vec<Happening>,
    /// It is not started again: it was a copy.
    pub is_gone: bool,
    pub state: State,
    pub session: SessionId,
    pub courier: super::wire::Courier,
    pub wake_at: Option<Ms>,
    /// Docker has said how it is.
    pub docker_spoke: bool,
    /// Pulls that are given up.
    pub cancelled: BTreeSet<AttemptId>,
}

/// Something that the agent has done by its hands.
#[derive(Clone, Debug)]
pub(super) enum Call {
    SaveIntent(Box<Intent>),
    NoteCreated(AttemptId),
    NoteStop(AttemptId, StopNote),
    Create(AttemptId, JobId),
    Start(AttemptId),
    Look(AttemptId, Millis),
    Signal(AttemptId, Signal),
    Conclude(AttemptId, Option<DateTime<Utc>>, Box<Draft>),
    Drop(AttemptId),
    Reap(String),
}

impl World {
    fn is_life(&self, agent: usize, life: u32) -> bool {
        self.agents[agent].is_alive && self.agents[agent].life == life
    }

    /// Puts off what a frozen process would do now.
    pub(super) fn thawed(&mut self, agent: usize, what: Happening) -> Option<Happening> {
        let one = &mut self.agents[agent];
        if one.frozen_until.is_some_and(|until| until > self.now) {
            one.put_off.push(what);
            return None;
        }
        Some(what)
    }

    /// A frozen process goes on, with what waited for it, in its order.
    pub(super) fn thaw(&mut self, agent: usize) {
        self.agents[agent].frozen_until = None;
        for what in std::mem::take(&mut self.agents[agent].put_off) {
            self.after(0, what);
        }
    }

    /// The process begins: it reads what an earlier one left.
    pub(super) fn start_agent(&mut self, agent: usize) {
        let machine = self.agents[agent].machine;
        if self.agents[agent].is_alive || self.agents[agent].is_gone || !self.machines[machine].is_on {
            return;
        }
        let session = SessionId(self.id());
        let one = &mut self.agents[agent];
        one.life += 1;
        (one.is_alive, one.frozen_until, one.wake_at, one.docker_spoke) = (true, None, None, false);
        (one.state, one.session) = (State::default(), session);
        one.courier = super::wire::Courier::default();
        one.cancelled.clear();
        one.put_off.clear();
        let (life, disk) = (one.life, one.disk);
        say!(self, "agent {agent} starts as session {session}");
        let boot_id = self.machines[machine].boot_id;
        let now = self.machines[machine].moment(self.now).boot_ms;
        let lease_ms = Millis::try_from(self.setting.lease_ms).unwrap_or_default();
        let resets = self.has(Bug::RestartResetsLease);
        let forgets_boot = self.has(Bug::OtherBootAlive);
        let with_lease = |mut entry: Entry, written: Option<Millis>| {
            if forgets_boot {
                entry.intent.boot_id = boot_id;
            }
            let lease_until = written.unwrap_or(0).max(entry.intent.lease_until);
            (entry, if resets { core::lease_deadline(now, lease_ms) } else { lease_until })
        };
        let disk = &self.disks[disk];
        let entries = disk
            .journal
            .iter()
            .map(|(id, stored)| with_lease(stored.entry.clone(), disk.leases.get(id).copied()))
            .collect();
        let ports: Vec<AttemptId> = disk.ports.iter().copied().collect();
        self.hear(agent, life, Event::Recovered { entries, boot_id });
        for id in ports {
            self.reply(agent, life, gang::ports_taken(id));
        }
        let soon = self.short();
        self.after(soon, Happening::List(agent, life));
    }

    /// The process ends, whatever it was about to do.
    pub(super) fn kill_agent(&mut self, agent: usize) {
        if self.agents[agent].is_alive {
            say!(self, "agent {agent} dies");
            self.agents[agent].is_alive = false;
            // That it was told to stop may not be on the disk: then nobody knows afterwards who ended it.
            let attempts = self.agents[agent].state.attempts.iter();
            let told = attempts.filter(|(_, attempt)| attempt.stop.is_some()).map(|(id, _)| *id);
            self.cut_short.extend(told);
        }
    }

    pub(super) fn wake(&mut self, agent: usize, life: u32) {
        if self.is_life(agent, life) && self.agents[agent].wake_at == Some(self.now) {
            self.agents[agent].wake_at = None;
            self.hear(agent, life, Event::Tick);
        }
    }

    /// The loop of the agent: it hears and decides, and its hands begin.
    pub(super) fn hear(&mut self, agent: usize, life: u32, event: Event) {
        if !self.is_life(agent, life) {
            return;
        }
        let Some(Happening::Hear(_, _, event)) = self.thawed(agent, Happening::Hear(agent, life, event))
        else {
            return;
        };
        self.decide(agent, event);
    }

    /// Says whether anything followed but longer leases.
    pub(super) fn decide(&mut self, agent: usize, event: Event) -> bool {
        let life = self.agents[agent].life;
        let moment = self.machines[self.agents[agent].machine].moment(self.now);
        let is_tick = matches!(event, Event::Tick);
        if !is_tick {
            say!(self, "agent {agent} hears {}", brief(&event));
        }
        let one = &mut self.agents[agent];
        one.docker_spoke |= matches!(event, Event::DockerUp { .. } | Event::DockerDown(_));
        let actions = core::step(&mut one.state, event, moment);
        let mut had_effect = false;
        for action in actions {
            had_effect |= !matches!(action, Action::WriteLease(..));
            if !matches!(action, Action::Report | Action::Renew | Action::Attach(_)) {
                say!(self, "agent {agent}: {}", brief(&action));
            }
            self.perform(agent, life, action);
        }
        self.after_decision(agent, life);
        had_effect
    }

    fn perform(&mut self, agent: usize, life: u32, action: Action) {
        let one = &mut self.agents[agent];
        let call = match action {
            Action::Report => return one.courier.tell(),
            Action::Renew => return one.courier.renew(),
            Action::Attach(_) => return,
            Action::WriteLease(id, deadline) => return self.write_lease(agent, id, deadline),
            Action::CancelPull(id) => {
                one.cancelled.insert(id);
                return;
            }
            Action::SaveIntent(id) => {
                let Some(attempt) = one.state.attempts.get(&id) else { return };
                Call::SaveIntent(Box::new(Intent {
                    attempt_id: id,
                    epoch: attempt.epoch,
                    boot_id: self.machines[one.machine].boot_id,
                    lease_until: attempt.lease_until,
                    task: (*attempt.task).clone(),
                }))
            }
            Action::NoteCreated(id) => Call::NoteCreated(id),
            Action::NoteStop(id, note) => {
                let intends = |attempt: &core::Attempt| attempt.stage == Stage::Intending;
                if one.state.attempts.get(&id).is_none_or(intends) {
                    return;
                }
                Call::NoteStop(id, note)
            }
            Action::Create(id, task) => Call::Create(id, task.job_id),
            Action::Start(id) => Call::Start(id),
            Action::Look(id) => {
                Call::Look(id, self.machines[self.agents[agent].machine].moment(self.now).boot_ms)
            }
            Action::Signal(id, signal) => Call::Signal(id, signal),
            Action::Conclude(id, started_at, draft) => Call::Conclude(id, started_at, Box::new(draft)),
            Action::Drop(id) => {
                // So does the agent: at once, before the container goes.
                let disk = one.disk;
                self.disks[disk].leases.remove(&id);
                Call::Drop(id)
            }
            Action::Reap(container) => Call::Reap(container),
        };
        let soon = self.random.between(0, 3);
        self.after(soon, Happening::Act(agent, life, call));
    }

    fn after_decision(&mut self, agent: usize, life: u32) {
        let one = &self.agents[agent];
        if one.state.halted.is_some() && one.state.all_ended() {
            self.kill_agent(agent);
            let pause = self.random.between(1_000, 5_000);
            self.after(pause, Happening::AgentStarts(agent));
            return;
        }
        let wake = one.state.next_wake().map(|wake| self.machines[one.machine].when(wake).max(self.now));
        if wake.is_some() && wake != one.wake_at {
            self.agents[agent].wake_at = wake;
            self.at(wake.unwrap_or(self.now), Happening::Wake(agent, life));
        }
        self.plan_to_send(agent, life);
    }

    fn write_lease(&mut self, agent: usize, id: AttemptId, deadline: Millis) {
        let (disk, docker) = (self.agents[agent].disk, self.agents[agent].docker);
        if deadline == 0 && self.has(Bug::LeaseNotTakenBack) {
            return;
        }
        self.disks[disk].leases.insert(id, deadline);
        self.watch_lease(docker, id);
    }

    /// The agent's hand begins something: it is on its way from now on.
    pub(super) fn act(&mut self, agent: usize, life: u32, call: Call) {
        if !self.is_life(agent, life) {
            return;
        }
        let Some(Happening::Act(_, _, call)) = self.thawed(agent, Happening::Act(agent, life, call)) else {
            return;
        };
        if let Call::Start(id) = call {
            let disk = self.agents[agent].disk;
            self.disks[disk].note_created(id);
        }
        let soon = if matches!(call, Call::Create(..)) { self.short() * 3 } else { self.short() };
        self.after(soon, Happening::Reach(agent, life, call));
    }

    pub(super) fn reply(&mut self, agent: usize, life: u32, event: Event) {
        let soon = self.short();
        self.after(soon, Happening::Hear(agent, life, event));
    }

    /// What was begun reaches the disk, where a dead process writes nothing any more, or Docker, which does not
    /// care who still lives.
    pub(super) fn reach(&mut self, agent: usize, life: u32, call: Call) {
        let (disk, machine) = (self.agents[agent].disk, self.agents[agent].machine);
        if !self.machines[machine].is_on {
            return;
        }
        let is_life = self.is_life(agent, life);
        match call {
            Call::SaveIntent(_) | Call::NoteCreated(_) | Call::NoteStop(..) | Call::Conclude(..)
                if !is_life => {}
            Call::SaveIntent(intent) => {
                let id = intent.attempt_id;
                let full = self.setting.full_disk;
                let event = if !self.is_calm && self.random.chance(full) {
                    Event::IntentFailed(id, "the disk is full".to_owned())
                } else {
                    if !self.has(Bug::StartWithoutIntent) {
                        self.disks[disk].save_intent(*intent);
                    }
                    Event::IntentSaved(id)
                };
                self.reply(agent, life, event);
            }
            Call::NoteCreated(id) => self.disks[disk].note_created(id),
            Call::NoteStop(id, note) => self.disks[disk].note_stop(id, note),
            Call::Conclude(id, started_at, draft) => {
                let log = self.disks[disk].log(id);
                let result = core::ending::as_init_says(*draft, &log).with_log(0);
                self.disks[disk].write_exit(id, ExitNote { started_at, result: result.clone() });
                self.reply(agent, life, Event::Concluded(id, result));
            }
            call => self.ask_docker(agent, life, call),
        }
    }

    /// All containers of the node, as Docker lists them.
    pub(super) fn list(&mut self, agent: usize, life: u32) {
        if !self.is_life(agent, life) {
            return;
        }
        let docker = &self.dockers[self.agents[agent].docker];
        let moment = self.machines[self.agents[agent].machine].moment(self.now);
        let event = if docker.is_up {
            let listed = docker.containers.iter().map(|(name, container)| Listed {
                container: format!("{}/{}", name.0, name.1),
                attempt: Some(container.attempt),
                running: container.is_running(),
            });
            Event::DockerUp {
                version: "1".to_owned(),
                taken_at: moment.boot_ms,
                containers: listed.collect(),
            }
        } else {
            Event::DockerDown("away".to_owned())
        };
        self.reply(agent, life, event);
        self.after(60_000, Happening::List(agent, life));
    }

    /// What Docker says of a container, set right by what its init wrote down, as the agent's hands do it.
    pub(super) fn sight(&self, agent: usize, id: AttemptId) -> Sight {
        let one = &self.agents[agent];
        let (docker, machine) = (&self.dockers[one.docker], &self.machines[one.machine]);
        let log = self.disks[one.disk].log(id);
        let Some(name) = docker.find(self.name_of(id)) else {
            let Some(told) = &log.told else { return Sight::Missing };
            let gone = Exit { code: 0, oom_killed: false, started_at: None, finished_at: told.at };
            return Sight::Exited(core::ending::set_right(gone, &log));
        };
        match &docker.containers[&name].standing {
            Standing::Created | Standing::Starting => Sight::Created,
            Standing::Running { since } => Sight::Running { started_at: machine.moment(*since).wall },
            Standing::Exited(exit, End::Own | End::Killed) => {
                Sight::Exited(core::ending::set_right(exit.clone(), &log))
            }
        }
    }

    /// A Docker that did not answer.
    pub(super) fn unclear() -> Failure {
        Failure::Unclear("no answer".to_owned())
    }
}

/// What is worth reading of an event or action.
fn brief(what: &impl std::fmt::Debug) -> String {
    let text = format!("{what:?}");
    match text.find("TaskSpec") {
        Some(at) if text.len() > 400 => format!("{}…", text.chars().take(at.min(400)).collect::<String>()),
        _ => text.chars().take(400).collect(),
    }
}

/// Shared by all schedules: what a job asks for does not matter to the protocol.
pub(super) fn task(job_id: JobId) -> lilac_api::agent::TaskSpec {
    use lilac_api::quantity::Span;
    use lilac_api::spec::{Network, PullPolicy};
    lilac_api::agent::TaskSpec {
        disk_bytes: None,
        job_id,
        job_name: String::new(),
        rank: 0,
        runtime: Default::default(),
        image: String::new(),
        pull: PullPolicy::IfNotPresent,
        command: Vec::new(),
        entrypoint: Vec::new(),
        workdir: None,
        user: None,
        env: std::collections::BTreeMap::new(),
        network: Network::None,
        policy: lilac_api::queue::ContainerPolicy::default(),
        networks: Vec::new(),
        cpu_milli: 1_000,
        memory_bytes: 1 << 26,
        shm_bytes: None,
        gpu_uuids: Vec::new(),
        stop_signal: Signal::SigTerm,
        stop_grace: Span(std::time::Duration::from_secs(2)),
        max_runtime: None,
        stop_warn: None,
        hold_on_failure: None,
        needs_supplies: false,
        outputs: Vec::new(),
        gang: None,
        ports: Vec::new(),
    }
}
