//! What goes wrong: drawn from the seed, a few kinds for each schedule, so that each kind meets every other.

use lilac_api::ids::{AttemptId, JobId, NodeId, SessionId};
use lilac_api::job::JobState;
use lilac_api::spec::Retry;
use lilac_rules::rows;

use super::agent::{self, Agent};
use super::bug::Bug;
use super::gang;
use super::machine::{Disk, Docker, End, Machine, Ms, Standing};
use super::server::Server;
use super::wire::Courier;
use super::world::{Happening, Mend, World, say};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    AgentDies,
    AgentFreezes,
    PowerCut,
    DockerDies,
    DiskLoss,
    CutOff,
    ServerRestarts,
    DatabaseCrashes,
    Copy,
    ContainerRemoved,
    AttestedDead,
    Cancel,
    Hold,
    Preempt,
}

const KINDS: [Kind; 14] = [
    Kind::AgentDies,
    Kind::AgentFreezes,
    Kind::PowerCut,
    Kind::DockerDies,
    Kind::DiskLoss,
    Kind::CutOff,
    Kind::ServerRestarts,
    Kind::DatabaseCrashes,
    Kind::Copy,
    Kind::ContainerRemoved,
    Kind::AttestedDead,
    Kind::Cancel,
    Kind::Hold,
    Kind::Preempt,
];

/// One fault: what, where, for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strike {
    kind: Kind,
    machine: usize,
    ms: Ms,
}

impl World {
    /// Draws a schedule: machines, jobs, and what will go wrong when.
    pub(super) fn set_up(&mut self) {
        let lease_ms = self.random.pick(&[10_000, 20_000, 60_000, 300_000]);
        let heal_at = 3 * lease_ms + 20_000;
        self.setting.lease_ms = lease_ms;
        self.setting.heal_at = heal_at;
        self.setting.lost = self.random.pick(&[0, 0, 20, 100]);
        self.setting.repeated = self.random.pick(&[0, 20, 100]);
        self.setting.garbled = self.random.pick(&[0, 0, 30, 150]);
        self.setting.full_disk = self.random.pick(&[0, 0, 0, 100]);
        self.setting.dies_with_docker = self.random.chance(500);
        self.setting.gather_ms = self.random.pick(&[20_000, 60_000, 600_000]);
        let machines = self.random.index(2) + 2;
        self.server = Server { is_up: true, ppm: self.random.pick(&[-5_000, 0, 5_000]), ..Server::default() };
        for machine in 0..machines {
            self.add_machine(machine);
        }
        for _ in 0..=self.random.below(3) {
            let ranks = if self.random.chance(350) { self.random.index(machines - 1) + 2 } else { 1 };
            self.add_job(lease_ms, ranks);
        }
        self.draw_strikes(machines, heal_at);
        self.after(0, Happening::Plan);
        let phase = self.random.between(0, 1_000);
        self.after(phase, Happening::Reap);
        self.at(heal_at, Happening::Heal);
    }

    fn draw_strikes(&mut self, machines: usize, heal_at: Ms) {
        let kinds: Vec<Kind> = KINDS.into_iter().filter(|_| self.random.chance(300)).collect();
        if kinds.is_empty() {
            return;
        }
        let lease_ms = self.setting.lease_ms;
        for index in 0..self.random.index(8) + 1 {
            let lengths = [50, 500, lease_ms / 3, lease_ms + lease_ms / 4, 2 * lease_ms];
            let longest = self.random.pick(&lengths);
            let strike = Strike {
                kind: self.random.pick(&kinds),
                machine: self.random.index(machines),
                ms: self.random.between(1, longest),
            };
            self.strikes.push(strike);
            // Much of what matters happens in the first seconds of an attempt.
            let latest = if self.random.chance(300) { 4_000 } else { heal_at - 1 };
            let at = self.random.between(100, latest);
            self.at(at, Happening::Strike(index));
        }
    }

    fn add_machine(&mut self, machine: usize) {
        let (boot_id, node) = (self.id(), NodeId(self.id()));
        let machine_id = format!("machine-{machine}");
        self.machines.push(Machine {
            booted_at: -self.random.between(0, 100_000),
            boot_id,
            ppm: self.random.pick(&[-5_000, 0, 5_000]),
            offset: self.random.pick(&[0, 0, -3_600_000, 7_200_000]),
            is_on: true,
            is_linked: true,
            excuse: (self.setting.lost > 0).then_some("messages get lost"),
            is_copied: false,
            outage_ms: 0,
            trouble_until: 0,
            off_since: 0,
        });
        self.server.nodes.push(node);
        self.server.machine_ids.push(machine_id.clone());
        let row = rows::Node { machine_id, session: None, boot_id: None, last_seen: None, given_up: false };
        self.rows.nodes.insert(node, row);
        let docker = self.add_docker(machine);
        self.add_agent(machine, docker);
    }

    fn add_docker(&mut self, machine: usize) -> usize {
        self.dockers.push(Docker { machine, is_up: true, containers: Default::default() });
        self.dockers.len() - 1
    }

    fn add_agent(&mut self, machine: usize, docker: usize) {
        self.disks.push(Disk::default());
        let session = SessionId(self.id());
        self.agents.push(Agent {
            machine,
            disk: self.disks.len() - 1,
            docker,
            life: 0,
            is_alive: false,
            frozen_until: None,
            put_off: Vec::new(),
            is_gone: false,
            state: Default::default(),
            session,
            courier: Courier::default(),
            wake_at: None,
            docker_spoke: false,
            cancelled: Default::default(),
        });
        let soon = self.random.between(0, 500);
        self.after(soon, Happening::AgentStarts(self.agents.len() - 1));
    }

    fn add_job(&mut self, lease_ms: Ms, ranks: usize) {
        let id = JobId(self.id());
        let longest = self.random.pick(&[500, lease_ms / 2, 2 * lease_ms]);
        let codes: Vec<(Ms, i32)> = (0..ranks)
            .map(|_| (self.random.between(100, longest), self.random.pick(&[0, 0, 0, 1])))
            .collect();
        self.server.codes.insert(id, codes);
        let job = rows::Job {
            state: JobState::Queued,
            epoch: 0,
            event_count: 1,
            cancel_requested: false,
            attempts_charged: 0,
            reason: None,
            not_before: None,
            retry: Retry { max_attempts: self.random.pick(&[1, 2]), ..Retry::default() },
            lease_millis: lease_ms,
        };
        self.rows.jobs.insert(id, job);
        self.tasks.insert(id, if ranks > 1 { gang::task(id, ranks) } else { agent::task(id) });
    }

    fn agents_of(&self, machine: usize) -> Vec<usize> {
        (0..self.agents.len()).filter(|agent| self.agents[*agent].machine == machine).collect()
    }

    /// A fault, or a person's wish, comes about.
    pub(super) fn strike(&mut self, index: usize) {
        let Strike { kind, machine, ms } = self.strikes[index];
        if self.is_calm {
            return;
        }
        say!(self, "strikes: {kind:?} on machine {machine} for {ms} ms");
        self.note_trouble(kind, machine, ms);
        match kind {
            Kind::AgentDies => {
                for agent in self.agents_of(machine) {
                    self.kill_agent(agent);
                    self.after(ms, Happening::AgentStarts(agent));
                }
                self.excuse_outage(machine, ms);
            }
            Kind::AgentFreezes => {
                for agent in self.agents_of(machine) {
                    self.agents[agent].frozen_until = Some(self.now + ms);
                }
                self.after(ms, Happening::Mend(Mend::Continue(machine)));
                self.excuse_outage(machine, ms);
            }
            Kind::PowerCut => self.cut_power(machine, ms),
            Kind::DockerDies => {
                self.machines[machine].excuse = Some("docker died");
                for docker in 0..self.dockers.len() {
                    if self.dockers[docker].machine == machine {
                        self.docker_dies(docker);
                        self.after(ms, Happening::Mend(Mend::Docker(docker)));
                    }
                }
            }
            Kind::DiskLoss => self.lose_disk(machine, ms),
            Kind::CutOff => {
                self.machines[machine].is_linked = false;
                self.after(ms, Happening::Mend(Mend::Link(machine)));
                self.excuse_outage(machine, ms);
            }
            Kind::ServerRestarts | Kind::DatabaseCrashes => self.stop_server(kind, ms),
            Kind::Copy => self.copy(machine),
            Kind::ContainerRemoved => self.remove_some(machine),
            Kind::AttestedDead if !self.machines[machine].is_on => {
                let (node, now) = (self.server.nodes[machine], self.db_now());
                self.rows.lose_node(node, now);
                self.look_at_changes();
            }
            Kind::AttestedDead => {}
            Kind::Cancel | Kind::Hold | Kind::Preempt => self.wish(kind),
        }
    }

    /// Whatever holds up agents, daemons or messages does so for a while after it is over, too.
    fn note_trouble(&mut self, kind: Kind, machine: usize, ms: Ms) {
        if matches!(kind, Kind::Cancel | Kind::Hold | Kind::Preempt | Kind::AttestedDead) {
            return;
        }
        let is_of_all = matches!(kind, Kind::ServerRestarts | Kind::DatabaseCrashes);
        for (index, one) in self.machines.iter_mut().enumerate() {
            if is_of_all || index == machine {
                one.trouble_until = one.trouble_until.max(self.now + ms + gang::AFTERMATH_MS);
            }
        }
    }

    /// An outage that comes near the lease may cost what runs there.
    fn excuse_outage(&mut self, machine: usize, ms: Ms) {
        // Lost messages, pauses between tries and outages that follow each other add up.
        let earlier = self.machines[machine].outage_ms + ms;
        self.machines[machine].outage_ms = earlier;
        if earlier > self.setting.lease_ms / 4 {
            self.machines[machine].excuse = Some("out of touch");
        }
    }

    fn cut_power(&mut self, machine: usize, ms: Ms) {
        if !self.machines[machine].is_on {
            return;
        }
        for agent in self.agents_of(machine) {
            self.kill_agent(agent);
            let disk = self.agents[agent].disk;
            let (mut random, keeps_leases) = (self.random.clone(), self.has(Bug::OtherBootAlive));
            self.disks[disk].cut_power(&mut random, keeps_leases);
            self.random = random;
        }
        for docker in 0..self.dockers.len() {
            if self.dockers[docker].machine != machine {
                continue;
            }
            self.dockers[docker].is_up = false;
            let names: Vec<_> = self.dockers[docker].containers.keys().copied().collect();
            for name in names {
                self.exit(docker, name, 255, End::Killed);
                if let Some(container) = self.dockers[docker].containers.get_mut(&name)
                    && container.standing == Standing::Starting
                {
                    (container.standing, container.starters) = (Standing::Created, Vec::new());
                }
            }
        }
        let one = &mut self.machines[machine];
        (one.is_on, one.excuse, one.off_since) = (false, Some("power cut"), self.now);
        self.after(ms, Happening::Mend(Mend::PowerOn(machine)));
    }

    fn power_on(&mut self, machine: usize) {
        if self.machines[machine].is_on {
            return;
        }
        let boot_id = self.id();
        let one = &mut self.machines[machine];
        (one.is_on, one.boot_id, one.booted_at) = (true, boot_id, self.now);
        let (off_since, finished_at) = (one.off_since, one.moment(self.now).wall);
        let before = one.moment(off_since.min(self.now)).wall;
        say!(self, "machine {machine} is on again");
        for docker in 0..self.dockers.len() {
            if self.dockers[docker].machine != machine {
                continue;
            }
            // Docker notes the end of what ran when it comes back, by the clock of then.
            for container in self.dockers[docker].containers.values_mut() {
                if let Standing::Exited(exit, End::Killed) = &mut container.standing
                    && exit.finished_at >= before
                {
                    exit.finished_at = finished_at;
                }
            }
            let soon = self.random.between(0, 3_000);
            self.after(soon, Happening::Mend(Mend::Docker(docker)));
        }
        for agent in self.agents_of(machine) {
            let soon = self.random.between(0, 4_000);
            self.after(soon, Happening::AgentStarts(agent));
        }
    }

    fn lose_disk(&mut self, machine: usize, ms: Ms) {
        self.machines[machine].excuse = Some("disk lost");
        for agent in self.agents_of(machine) {
            self.kill_agent(agent);
            let disk = self.agents[agent].disk;
            self.disks[disk].journal.clear();
            self.disks[disk].begun.clear();
            self.disks[disk].told.clear();
            self.disks[disk].ports.clear();
            self.after(ms, Happening::AgentStarts(agent));
        }
    }

    fn stop_server(&mut self, kind: Kind, ms: Ms) {
        self.server.is_up = false;
        self.server.held.clear();
        if kind == Kind::DatabaseCrashes && self.rows.flaw == Some(rows::Flaw::UnsyncedNote) {
            for id in std::mem::take(&mut self.server.unsynced) {
                say!(self, "the database forgets who was told of {id}");
                for task in self.rows.attempts.get_mut(&id).into_iter().flat_map(|one| &mut one.tasks) {
                    task.session = None;
                }
            }
        }
        // Nothing is renewed meanwhile, so for all of them it is an outage.
        for machine in 0..self.machines.len() {
            self.excuse_outage(machine, ms);
        }
        self.after(ms, Happening::Mend(Mend::Server));
    }

    /// A second agent with the node's identity: beside the first, or with a Docker of its own. It has the credential,
    /// not the journal: an agent's folder belongs to the one that holds its lock.
    fn copy(&mut self, machine: usize) {
        if self.agents.len() > 4 || !self.machines[machine].is_on {
            return;
        }
        (self.machines[machine].excuse, self.machines[machine].is_copied) = (Some("copied"), true);
        let docker = if self.random.chance(500) { self.add_docker(machine) } else { machine };
        self.add_agent(machine, docker);
    }

    fn remove_some(&mut self, machine: usize) {
        let docker = &self.dockers[machine];
        if docker.containers.is_empty() || !docker.is_up {
            return;
        }
        let index = self.random.index(docker.containers.len());
        let name = self.dockers[machine].containers.keys().nth(index).copied();
        self.machines[machine].excuse = Some("a container was removed");
        if let Some(name) = name {
            say!(self, "somebody removes {}", name.0);
            self.remove(machine, name);
        }
    }

    fn wish(&mut self, kind: Kind) {
        if !self.server.is_up {
            return;
        }
        let (index, now) = (self.random.index(self.rows.jobs.len()), self.db_now());
        let Some(job) = self.rows.jobs.keys().nth(index).copied() else { return };
        match kind {
            Kind::Cancel => {
                self.rows.cancel(job, now);
            }
            Kind::Hold => {
                self.rows.hold(job, now);
            }
            _ => {
                let live =
                    self.rows.attempts.iter().find(|(_, one)| one.job == job && !one.state.is_terminal());
                let live: Option<AttemptId> = live.map(|(id, _)| *id);
                if let Some(live) = live {
                    self.rows.preempt(live, now);
                }
            }
        }
        self.look_at_changes();
    }

    pub(super) fn mend(&mut self, mend: Mend) {
        match mend {
            Mend::Continue(machine) => {
                for agent in self.agents_of(machine) {
                    if self.agents[agent].frozen_until.is_some_and(|until| until <= self.now) {
                        self.thaw(agent);
                    }
                }
            }
            Mend::PowerOn(machine) => self.power_on(machine),
            Mend::Docker(docker) => self.docker_returns(docker),
            Mend::Link(machine) => self.machines[machine].is_linked = true,
            Mend::Server => {
                if !self.server.is_up {
                    (self.server.is_up, self.server.up_since) = (true, self.now);
                }
            }
        }
    }

    /// Faults stop, and all is put right: from now on everything must come to its end.
    pub(super) fn heal(&mut self) {
        say!(self, "all is mended");
        self.is_calm = true;
        for agent in 0..self.agents.len() {
            self.thaw(agent);
            if agent >= self.machines.len() {
                self.kill_agent(agent);
                self.agents[agent].is_gone = true;
            }
        }
        for machine in 0..self.machines.len() {
            self.machines[machine].is_linked = true;
            self.machines[machine].excuse = Some("mended");
            self.power_on(machine);
        }
        for docker in 0..self.dockers.len() {
            self.docker_returns(docker);
        }
        self.mend(Mend::Server);
        for agent in 0..self.machines.len() {
            self.after(1_000, Happening::AgentStarts(agent));
        }
        self.after(0, Happening::Release);
    }
}
