//! Jobs on several machines: what their ranks need of each other, and what must hold of them together.

use chrono::TimeDelta;
use lilac_agent::core::Event;
use lilac_api::agent::{Gang, TakenPorts, TaskSpec};
use lilac_api::ids::{AttemptId, JobId};
use lilac_api::quantity::Span;
use lilac_rules::rows::Attempt;

use super::agent;
use super::machine::Ms;
use super::world::{Happening, World, say};

/// How soon the ranks of an attempt are dead once one of them has failed, where nothing is amiss.
const SIBLINGS_DEAD_WITHIN_MS: Ms = 10_000;
/// How long what went wrong may hold things up when it is over: so long an agent waits for an answer that is lost.
pub(super) const AFTERMATH_MS: Ms = 35_000;
/// Longer than the ranks of a gang get when one has failed.
const GRACE: Span = Span(std::time::Duration::from_secs(60));

/// What each rank of a gang runs.
pub(super) fn task(job_id: JobId, ranks: usize) -> TaskSpec {
    let addresses = (0..ranks).map(|rank| format!("n{rank}")).collect();
    TaskSpec { gang: Some(Gang { addresses }), stop_grace: GRACE, ..agent::task(job_id) }
}

/// The agent of rank 0 says where the ranks meet.
pub(super) fn ports_taken(id: AttemptId) -> Event {
    Event::PortsTaken(id, TakenPorts { rendezvous: Some(29_500), published: Vec::new() })
}

impl World {
    /// Which rank of its attempt a container is.
    pub(super) fn rank_on(&self, docker: usize, id: AttemptId) -> usize {
        let machine = self.dockers[docker].machine;
        self.machines_of(id).iter().position(|one| *one == machine).unwrap_or_default()
    }

    /// The agent takes what ports its task needs, before it makes the container, and says so at once.
    pub(super) fn take_ports(&mut self, agent: usize, life: u32, id: AttemptId) {
        let (docker, disk) = (self.agents[agent].docker, self.agents[agent].disk);
        let is_gang = self.rows.attempts.get(&id).is_some_and(Attempt::is_gang);
        if is_gang && self.rank_on(docker, id) == 0 {
            self.disks[disk].ports.insert(id);
            self.reply(agent, life, ports_taken(id));
        }
    }

    /// The control plane gives up on gangs whose ranks do not come together.
    pub(super) fn stop_scattered(&mut self) {
        let (within, now) = (TimeDelta::milliseconds(self.setting.gather_ms), self.db_now());
        for id in self.rows.stop_scattered(within, now) {
            say!(self, "the ranks of {id} are not ready together");
        }
        self.look_at_changes();
    }

    /// No rank runs its code before all could.
    pub(super) fn check_barrier(&mut self, id: AttemptId) {
        let machines = self.machines_of(id);
        if let Some(missing) = machines.iter().find(|machine| !self.made.contains(&(id, **machine))) {
            self.fail(format!("a rank of {id} runs, and nothing was made for it on machine {missing}"));
        }
    }

    /// A node that is free of a rank has nothing of it that runs. And whose rank has failed is to end soon.
    pub(super) fn check_gangs(&mut self) {
        for (id, machine) in self.running.values().flatten().copied().collect::<Vec<_>>() {
            let attempt = self.rows.attempts.get(&id);
            let task = attempt.and_then(|attempt| attempt.on(self.server.nodes[machine]));
            if task.is_some_and(|task| task.released) {
                self.fail(format!("machine {machine} is free of {id}, and its container runs there"));
            }
        }
        let failed = self.rows.attempts.iter().filter(|(_, one)| one.failed_rank.is_some());
        for id in failed.map(|(id, _)| *id).collect::<Vec<_>>() {
            if self.server.failed_gangs.insert(id) {
                self.after(SIBLINGS_DEAD_WITHIN_MS, Happening::Siblings(id));
            }
        }
    }

    /// The siblings of a rank that failed are dead by now, unless something held up their nodes.
    pub(super) fn check_siblings(&mut self, id: AttemptId) {
        let since = self.now - SIBLINGS_DEAD_WITHIN_MS;
        let is_noisy = self.setting.lost > 0 || self.setting.garbled > 0;
        if is_noisy && since < self.setting.heal_at + AFTERMATH_MS {
            return;
        }
        for (other, machine) in self.running.values().flatten().copied().collect::<Vec<_>>() {
            let one = &self.machines[machine];
            if other == id && !one.is_copied && one.trouble_until < since {
                self.fail(format!("a rank of {id} failed, and on machine {machine} another still runs"));
            }
        }
    }
}
