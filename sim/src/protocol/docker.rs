//! Docker, the containers, and the init in each of them.

use lilac_agent::core::{Event, Exit, Failure};
use lilac_agent::log_spool::Told;
use lilac_api::ids::AttemptId;
use lilac_api::spec::Signal;
use lilac_init::end::End as Word;
use uuid::Uuid;

use super::agent::Call;
use super::bug::Bug;
use super::machine::{Container, End, Name, Standing};
use super::world::{Happening, World, say};

/// A life that no process has: nobody hears what comes of it.
const NOBODY: u32 = 0;

impl World {
    pub(super) fn name_of(&self, id: AttemptId) -> Uuid {
        let job = self.rows.attempts.get(&id).map(|attempt| attempt.job.0);
        if self.has(Bug::AdoptsByJobName) { job.unwrap_or(id.0) } else { id.0 }
    }

    /// A call reaches Docker, if that is there.
    pub(super) fn ask_docker(&mut self, agent: usize, life: u32, call: Call) {
        let is_up = self.dockers[self.agents[agent].docker].is_up;
        let garbled = self.setting.garbled;
        if !is_up || (life != NOBODY && !self.is_calm && self.random.chance(garbled)) {
            self.no_answer(agent, life, &call);
            if is_up {
                // It was carried out all the same, soon or late; only the answer is lost.
                let late = self.random.between(0, 4_000);
                self.after(late, Happening::Reach(agent, NOBODY, call));
            }
            return;
        }
        match call {
            Call::Create(id, job) => {
                let event = self.create(agent, life, id, job);
                self.reply(agent, life, event);
            }
            Call::Start(id) => self.start(agent, life, id),
            Call::Look(id, taken_at) => {
                let sight = self.sight(agent, id);
                self.reply(agent, life, Event::Seen { attempt: id, taken_at, sight });
            }
            Call::Signal(id, signal) => self.signal(agent, id, signal),
            Call::Drop(id) => {
                let docker = self.agents[agent].docker;
                if let Some(name) = self.dockers[docker].find(self.name_of(id)) {
                    self.remove(docker, name);
                }
                self.forget(agent, life, id);
            }
            Call::Reap(container) => {
                let docker = self.agents[agent].docker;
                let name = container
                    .split_once('/')
                    .and_then(|(name, copy)| Some((name.parse::<Uuid>().ok()?, copy.parse::<u32>().ok()?)));
                if let Some(name) = name {
                    self.remove(docker, name);
                }
                self.reply(agent, life, Event::Reaped(container));
            }
            Call::SaveIntent(_) | Call::NoteCreated(_) | Call::NoteStop(..) | Call::Conclude(..) => {}
        }
    }

    fn no_answer(&mut self, agent: usize, life: u32, call: &Call) {
        let event = match call {
            Call::Create(id, _) => Event::CreateFailed(*id, Self::unclear()),
            Call::Start(id) => Event::StartFailed(*id, Self::unclear()),
            Call::Look(id, taken_at) if self.has(Bug::SilentDockerIsEmpty) => {
                Event::Seen { attempt: *id, taken_at: *taken_at, sight: lilac_agent::core::Sight::Missing }
            }
            Call::Look(id, _) => Event::LookFailed(*id),
            // A removal is tried a few times; then the container is left to the next listing.
            Call::Drop(id) => return self.forget(agent, life, *id),
            _ => return,
        };
        self.reply(agent, life, event);
    }

    /// All that is remembered of an attempt goes.
    fn forget(&mut self, agent: usize, life: u32, id: AttemptId) {
        if self.agents[agent].is_alive && self.agents[agent].life == life {
            let disk = self.agents[agent].disk;
            self.disks[disk].journal.remove(&id);
            self.disks[disk].ports.remove(&id);
            self.reply(agent, life, Event::Dropped(id));
        }
    }

    fn create(&mut self, agent: usize, life: u32, id: AttemptId, job: lilac_api::JobId) -> Event {
        let one = &self.agents[agent];
        if one.life == life && one.cancelled.contains(&id) {
            return Event::CreateFailed(id, Failure::Cancelled);
        }
        let (disk, docker, name) = (one.disk, one.docker, self.name_of(id));
        self.take_ports(agent, life, id);
        let found = self.dockers[docker].find(name);
        let copy = match found {
            Some(_) if !self.has(Bug::NoStartDedupe) => return Event::CreateFailed(id, Failure::Exists),
            Some((_, copy)) => copy + 1,
            None => 0,
        };
        let standing = Standing::Created;
        let container = Container { attempt: id, job, disk, standing, starters: Vec::new() };
        self.dockers[docker].containers.insert((name, copy), container);
        self.made.insert((id, self.dockers[docker].machine));
        Event::Created(id)
    }

    fn start(&mut self, agent: usize, life: u32, id: AttemptId) {
        let docker = self.agents[agent].docker;
        let Some(name) = self.dockers[docker].find(self.name_of(id)) else {
            return self.reply(agent, life, Event::StartFailed(id, Self::unclear()));
        };
        let Some(container) = self.dockers[docker].containers.get_mut(&name) else { return };
        match container.standing {
            Standing::Created => {
                container.standing = Standing::Starting;
                container.starters.push((agent, life));
                let slow = self.random.chance(100);
                let takes = if slow { self.random.between(300, 4_000) } else { self.random.between(20, 300) };
                self.after(takes, Happening::Begins(docker, name));
            }
            Standing::Starting => container.starters.push((agent, life)),
            // Docker would run one that has ended once more; its init finds that it has run, and ends.
            Standing::Running { .. } | Standing::Exited(..) => {
                self.reply(agent, life, Event::Started(id));
            }
        }
    }

    /// Docker has started a container: its init looks whether it may run the user's code.
    pub(super) fn begins(&mut self, docker: usize, name: Name) {
        let machine = self.dockers[docker].machine;
        let Some(container) = self.dockers[docker].containers.get_mut(&name) else { return };
        if container.standing != Standing::Starting {
            return;
        }
        let (id, job, disk) = (container.attempt, container.job, container.disk);
        container.standing = Standing::Running { since: self.now };
        self.running.entry(job).or_default().push((id, machine));
        for (agent, life) in std::mem::take(&mut container.starters) {
            self.reply(agent, life, Event::Started(id));
        }
        let now = self.machines[machine].moment(self.now).boot_ms;
        let may_run = self.disks[disk].leases.get(&id).is_some_and(|deadline| now < *deadline);
        if !may_run && !self.has(Bug::InitIgnoresLease) {
            say!(self, "init of {id} refuses to run: its lease is over");
            if !self.disks[disk].begun.contains(&id) {
                self.init_says(docker, name, Word::LeaseOver);
            }
            return self.exit(docker, name, 137, End::Killed);
        }
        if !self.disks[disk].begun.insert(id) && !self.has(Bug::NoStartDedupe) {
            say!(self, "init of {id} refuses to run: its code was begun before");
            return self.exit(docker, name, lilac_init::BROKEN, End::Killed);
        }
        say!(self, "container of {id} runs");
        self.check_start(docker, id, job);
        let (takes, code) = self.server.code_of(job, self.rank_on(docker, id));
        self.after(takes, Happening::Ends(docker, name, code));
        let phase = self.random.between(0, 100);
        self.after(phase, Happening::Look(docker, name));
    }

    /// A lease was written: one that was taken back is found by the init's next look.
    pub(super) fn watch_lease(&mut self, docker: usize, id: AttemptId) {
        if let Some(name) = self.dockers[docker].find(self.name_of(id))
            && self.dockers[docker].containers[&name].is_running()
        {
            let phase = self.random.between(1, 100);
            self.after(phase, Happening::Look(docker, name));
        }
    }

    /// The init reads the lease file, every 100 ms; only the looks that may find something are played.
    pub(super) fn init_looks(&mut self, docker: usize, name: Name) {
        let Some(container) = self.dockers[docker].containers.get(&name) else { return };
        if !container.is_running() || self.has(Bug::InitIgnoresLease) {
            return;
        }
        let (id, machine) = (container.attempt, &self.machines[self.dockers[docker].machine]);
        let Some(deadline) = self.disks[container.disk].leases.get(&id).copied() else { return };
        if machine.moment(self.now).boot_ms >= deadline {
            say!(self, "init of {id} ends it: its lease is over");
            self.init_says(docker, name, Word::LeaseOver);
            return self.exit(docker, name, 137, End::Killed);
        }
        let at = machine.when(deadline);
        let phase = self.random.between(0, 100);
        let held_up = if self.random.chance(50) { self.random.between(0, 150) } else { 0 };
        self.at(at + phase + held_up, Happening::Look(docker, name));
    }

    pub(super) fn code_ends(&mut self, docker: usize, name: Name, code: i32) {
        if self.dockers[docker].containers.get(&name).is_some_and(Container::is_running) {
            self.init_says(docker, name, Word::Exited { code: u8::try_from(code).unwrap_or(u8::MAX) });
            self.exit(docker, name, code, End::Own);
        }
    }

    /// The init writes down how its container's code ended, where the agent that made the container finds it.
    fn init_says(&mut self, docker: usize, name: Name, end: Word) {
        let at = self.machines[self.dockers[docker].machine].moment(self.now).wall;
        let Some(container) = self.dockers[docker].containers.get(&name) else { return };
        let told = Told { end, at, program: String::new(), starved: false };
        self.disks[container.disk].told.insert(container.attempt, told);
    }

    fn signal(&mut self, agent: usize, id: AttemptId, signal: Signal) {
        let docker = self.agents[agent].docker;
        let Some(name) = self.dockers[docker].find(self.name_of(id)) else { return };
        if !self.dockers[docker].containers[&name].is_running() {
            return;
        }
        if signal == Signal::SigKill {
            // By an order to the init, if that still can.
            if self.random.chance(500) {
                self.init_says(docker, name, Word::Signalled { signal: 9, core: false });
            }
            return self.exit(docker, name, 137, End::Killed);
        }
        let soon = self.random.between(0, 1_500);
        match self.random.below(4) {
            // It is done anyway.
            0 => self.after(soon, Happening::Ends(docker, name, 0)),
            1 | 2 => {
                self.init_says(docker, name, Word::Signalled { signal: 15, core: false });
                self.exit(docker, name, 143, End::Killed);
            }
            // It does not listen.
            _ => {}
        }
    }

    /// A container has no process any more.
    pub(super) fn exit(&mut self, docker: usize, name: Name, code: i32, end: End) {
        let machine = &self.machines[self.dockers[docker].machine];
        let finished_at = machine.moment(self.now).wall;
        let Some(container) = self.dockers[docker].containers.get_mut(&name) else { return };
        let Standing::Running { since } = container.standing else { return };
        let started_at = Some(machine.moment(since).wall);
        let exit = Exit { code, oom_killed: false, started_at, finished_at };
        container.standing = Standing::Exited(exit, end);
        let (id, job) = (container.attempt, container.job);
        let place = (id, self.dockers[docker].machine);
        if let Some(running) = self.running.get_mut(&job)
            && let Some(index) = running.iter().position(|one| *one == place)
        {
            running.swap_remove(index);
        }
        // One that refused to run has run nothing: how the code ended is known of another, or of an earlier start.
        if code != lilac_init::BROKEN {
            let known = self.server.ends.entry(place).or_insert((code, end));
            if known.1 != End::Own {
                *known = (code, end);
            }
        }
        say!(self, "container of {id} ends with {code} ({end:?})");
        if !self.dockers[docker].is_up {
            return;
        }
        for agent in 0..self.agents.len() {
            let lost = self.setting.lost;
            if self.agents[agent].docker == docker && (self.is_calm || !self.random.chance(lost)) {
                let life = self.agents[agent].life;
                self.reply(agent, life, Event::Died(id));
            }
        }
    }

    /// A container is removed, by force.
    pub(super) fn remove(&mut self, docker: usize, name: Name) {
        self.exit(docker, name, 137, End::Killed);
        if let Some(container) = self.dockers[docker].containers.remove(&name) {
            for (agent, life) in container.starters {
                self.reply(agent, life, Event::StartFailed(container.attempt, Self::unclear()));
            }
        }
    }

    pub(super) fn docker_dies(&mut self, docker: usize) {
        if !self.dockers[docker].is_up {
            return;
        }
        say!(self, "docker {docker} dies");
        self.dockers[docker].is_up = false;
        let names: Vec<Name> = self.dockers[docker].containers.keys().copied().collect();
        for name in names {
            let began = self.random.chance(500);
            let Some(container) = self.dockers[docker].containers.get_mut(&name) else { continue };
            let id = container.attempt;
            if container.standing == Standing::Starting {
                for (agent, life) in std::mem::take(&mut container.starters) {
                    self.reply(agent, life, Event::StartFailed(id, Self::unclear()));
                }
                let Some(container) = self.dockers[docker].containers.get_mut(&name) else { continue };
                if began {
                    self.begins(docker, name);
                } else {
                    container.standing = Standing::Created;
                }
            }
            if self.setting.dies_with_docker {
                self.exit(docker, name, 137, End::Killed);
            }
        }
        self.tell_agents(docker);
    }

    pub(super) fn docker_returns(&mut self, docker: usize) {
        if !self.dockers[docker].is_up && self.machines[self.dockers[docker].machine].is_on {
            say!(self, "docker {docker} is back");
            self.dockers[docker].is_up = true;
            self.tell_agents(docker);
        }
    }

    /// The agents notice that Docker went, as their stream of events ends, and ask again a little later.
    fn tell_agents(&mut self, docker: usize) {
        for agent in 0..self.agents.len() {
            if self.agents[agent].docker == docker && self.agents[agent].is_alive {
                let (life, soon) = (self.agents[agent].life, self.random.between(1, 3_000));
                if !self.dockers[docker].is_up {
                    self.after(1, Happening::Hear(agent, life, Event::DockerDown("away".to_owned())));
                }
                self.after(soon, Happening::List(agent, life));
            }
        }
    }
}
