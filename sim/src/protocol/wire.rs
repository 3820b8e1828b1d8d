//! Messages between agent and control plane: sent, lost, repeated, overtaken, held open, answered.

use std::sync::Arc;
use std::time::Duration;

use lilac_agent::clock::Millis;
use lilac_agent::core::Event;
use lilac_agent::sync::hurried;
use lilac_api::agent::{Phase, SYNC_WAIT_SECS, SyncResponse, TaskSpec};
use lilac_rules::desired::{is_news, response};
use lilac_rules::rows::{Arrival, Message};

use super::bug::Bug;
use super::machine::Ms;
use super::world::{Happening, Reply, Request, World, say};

/// How the agent's courier stands: what of it decides.
#[derive(Debug)]
pub(super) struct Courier {
    /// The message under way.
    flight: Option<Flight>,
    flights: u64,
    sequence: u64,
    was_answered: bool,
    has_news: bool,
    wants_prompt: bool,
    send_at: Option<Ms>,
    retry_at: Ms,
    quiet_until: Ms,
    failures: u32,
    empty: u32,
    /// When the control plane was heard last.
    pub heard_at: Option<Ms>,
}

/// A message under way: when it was sent by the node's clock, and whether its answer is wanted at once.
#[derive(Clone, Copy, Debug)]
struct Flight {
    number: u64,
    sent_at: Millis,
    is_prompt: bool,
}

impl Default for Courier {
    fn default() -> Self {
        Self {
            flight: None,
            flights: 0,
            sequence: 0,
            was_answered: false,
            has_news: false,
            wants_prompt: true,
            send_at: None,
            retry_at: 0,
            quiet_until: 0,
            failures: 0,
            empty: 0,
            heard_at: None,
        }
    }
}

impl Courier {
    pub(super) fn tell(&mut self) {
        self.has_news = true;
    }

    pub(super) fn renew(&mut self) {
        (self.has_news, self.wants_prompt) = (true, true);
    }
}

/// A message whose answer waits for news.
#[derive(Debug)]
pub(super) struct Poll {
    pub number: u64,
    pub request: Arc<Request>,
    arrival: Arrival,
    until: Ms,
}

const SPACING_MS: Ms = 10;
const PROMPT_TIMEOUT_MS: Ms = 5_000;

impl World {
    /// When the agent sends next, if it has cause to.
    pub(super) fn plan_to_send(&mut self, agent: usize, life: u32) {
        let one = &mut self.agents[agent];
        if !one.docker_spoke || one.state.halted.is_some() {
            return;
        }
        let courier = &mut one.courier;
        if courier.flight.is_some() && !courier.has_news {
            return;
        }
        let quiet = if courier.has_news { 0 } else { courier.quiet_until };
        let at = (self.now + SPACING_MS).max(courier.retry_at).max(quiet);
        if courier.send_at.is_none_or(|planned| planned > at || planned < self.now) {
            courier.send_at = Some(at);
            self.at(at, Happening::Send(agent, life));
        }
    }

    pub(super) fn send(&mut self, agent: usize, life: u32) {
        let one = &self.agents[agent];
        if !one.is_alive || one.life != life || one.courier.send_at != Some(self.now) {
            return;
        }
        if let Some(until) = one.frozen_until.filter(|until| *until > self.now) {
            self.agents[agent].courier.send_at = Some(until);
            return self.at(until, Happening::Send(agent, life));
        }
        if one.state.halted.is_some() {
            return;
        }
        let moment = self.machines[one.machine].moment(self.now);
        let (boot_id, reports) = (self.machines[one.machine].boot_id, one.state.reports());
        let node = self.server.nodes[one.machine];
        let tells_an_end = reports.iter().any(|report| report.phase == Phase::Ended);
        let one = &mut self.agents[agent];
        let courier = &mut one.courier;
        courier.flights += 1;
        let no_wait = courier.wants_prompt || tells_an_end;
        courier.flight =
            Some(Flight { number: courier.flights, sent_at: moment.boot_ms, is_prompt: no_wait });
        (courier.send_at, courier.has_news) = (None, false);
        let request = Request {
            agent,
            life,
            flight: courier.flights,
            node,
            session: one.session,
            sequence: courier.sequence,
            boot_id,
            reports,
            no_wait,
        };
        courier.sequence += u64::from(courier.was_answered);
        if self.has(Bug::ForgetsBeforeAcknowledged) {
            let (disk, is_told) = (self.agents[agent].disk, |phase| phase == Phase::Ended);
            for report in request.reports.iter().filter(|report| is_told(report.phase)) {
                self.disks[disk].journal.remove(&report.attempt_id);
                self.agents[agent].state.attempts.remove(&report.attempt_id);
            }
        }
        self.dispatch(request);
    }

    fn dispatch(&mut self, request: Request) {
        let (agent, life, flight) = (request.agent, request.life, request.flight);
        let words = || {
            request.reports.iter().map(|one| format!("{} {}", one.attempt_id, one.phase)).collect::<Vec<_>>()
        };
        say!(self, "agent {agent} sends {flight} (sequence {}, {:?})", request.sequence, words());
        let patience = if request.no_wait { PROMPT_TIMEOUT_MS } else { 30_000 };
        self.after(patience, Happening::Answered { agent, life, flight, answer: Reply::Broken });
        let request = Arc::new(request);
        let (lost, repeated) = (self.setting.lost, self.setting.repeated);
        let goes = self.machines[self.agents[agent].machine].is_linked;
        if goes && (self.is_calm || !self.random.chance(lost)) {
            let takes = self.short();
            self.after(takes, Happening::Arrive(Arc::clone(&request)));
        }
        // A first message that comes late, from a process that is gone, would take the node over: it is not
        // repeated here (see the guide).
        if goes && request.sequence > 0 && !self.is_calm && self.random.chance(repeated) {
            let late = self.random.between(0, 20_000);
            self.after(late, Happening::Arrive(request));
        }
    }

    /// A message reaches the control plane.
    pub(super) fn arrive(&mut self, request: &Arc<Request>) {
        let machine = self.agents[request.agent].machine;
        if !self.machines[machine].is_linked {
            return;
        }
        if !self.server.is_up {
            return self.give(request, Reply::Broken);
        }
        let machine_id = self.server.machine_ids[machine].clone();
        let message = Message {
            node: request.node,
            session: request.session,
            sequence: request.sequence,
            boot_id: request.boot_id,
            machine_id: &machine_id,
            reports: &request.reports,
        };
        let now = self.db_now();
        let arrived = self.rows.arrive(message, now);
        self.server.unsynced.clear();
        let arrival = match arrived {
            Ok(arrival) => arrival,
            Err(greeting) => {
                say!(self, "server refuses {} of agent {}: {greeting:?}", request.flight, request.agent);
                return self.give(request, Reply::Fenced);
            }
        };
        self.server.heard.insert(machine, self.now);
        self.look_at_changes();
        self.server.polls += 1;
        let (number, request) = (self.server.polls, Arc::clone(request));
        let until = self.now + Ms::try_from(SYNC_WAIT_SECS).unwrap_or(20) * 1000;
        self.server.held.push(Poll { number, request, arrival, until });
        let soon = self.random.between(0, 10);
        self.after(soon, Happening::Answer { poll: number, is_over: false });
    }

    /// Answers a message, or lets it wait.
    pub(super) fn answer(&mut self, poll: u64, is_over: bool) {
        let Some(index) = self.server.held.iter().position(|held| held.number == poll) else { return };
        let request = Arc::clone(&self.server.held[index].request);
        let (now, tasks) = (self.db_now(), &self.tasks);
        let before: Vec<_> = self.undelivered(request.node);
        let task = |job, rank| tasks.get(&job).map(|task| TaskSpec { rank, ..task.clone() });
        let Some(held) = self.rows.deliver(request.node, request.session, now, task) else {
            self.server.held.remove(index);
            return self.give(&request, Reply::Fenced);
        };
        self.server.unsynced.extend(before);
        let one = &self.server.held[index];
        let answer = response(&request.reports, &held, &one.arrival.settled, one.arrival.at);
        let shortest = held.iter().map(|held| held.lease_millis).min().unwrap_or(i64::MAX);
        let until = one.until.min(self.now + shortest / 3);
        if request.no_wait || is_over || is_news(&request.reports, &answer) {
            self.server.held.remove(index);
            return self.give(&request, Reply::Answer(answer));
        }
        self.server.held[index].until = until;
        self.at(until, Happening::Answer { poll, is_over: true });
    }

    fn give(&mut self, request: &Request, answer: Reply) {
        let (agent, life, flight) = (request.agent, request.life, request.flight);
        let lost = self.setting.lost;
        if self.machines[self.agents[agent].machine].is_linked && (self.is_calm || !self.random.chance(lost))
        {
            let takes = self.short();
            self.after(takes, Happening::Answered { agent, life, flight, answer });
        }
    }

    /// An answer reaches the agent. One that nobody waits for any more is not heard.
    pub(super) fn answered(&mut self, agent: usize, life: u32, flight: u64, answer: Reply) {
        let one = &self.agents[agent];
        let waits = one.courier.flight.filter(|under_way| under_way.number == flight);
        let Some(flight) = waits.filter(|_| one.is_alive && one.life == life) else { return };
        let heard = Happening::Answered { agent, life, flight: flight.number, answer };
        let Some(Happening::Answered { answer, .. }) = self.thawed(agent, heard) else { return };
        let one = &self.agents[agent];
        if !self.machines[one.machine].is_linked && !matches!(answer, Reply::Broken) {
            return;
        }
        self.agents[agent].courier.flight = None;
        match answer {
            Reply::Answer(answer) => self.take_answer(agent, flight, answer),
            Reply::Fenced => {
                self.machines[self.agents[agent].machine].excuse.get_or_insert("fenced");
                self.decide(agent, Event::Halted("another agent".to_owned()));
            }
            Reply::Broken => {
                let failures = self.agents[agent].courier.failures;
                let longest = (200_i64 << failures.min(10)).min(5_000);
                let pause = self.random.between(0, longest);
                let pause = pause.min(self.hurried_ms(agent));
                let courier = &mut self.agents[agent].courier;
                courier.failures += 1;
                courier.wants_prompt = true;
                courier.retry_at = self.now + pause;
                self.plan_to_send(agent, life);
            }
        }
    }

    /// The longest pause between tries, by the leases that the agent has.
    fn hurried_ms(&self, agent: usize) -> Ms {
        let one = &self.agents[agent];
        let Some(end) = one.state.first_lease_end() else { return Ms::MAX };
        let left = end.saturating_sub(self.machines[one.machine].moment(self.now).boot_ms);
        Ms::try_from(hurried(Duration::from_millis(left)).as_millis()).unwrap_or(Ms::MAX)
    }

    fn take_answer(&mut self, agent: usize, flight: Flight, answer: SyncResponse) {
        let now = self.machines[self.agents[agent].machine].moment(self.now).boot_ms;
        let sent_at = if self.has(Bug::LeaseFromReply) { now } else { flight.sent_at };
        let courier = &mut self.agents[agent].courier;
        courier.wants_prompt &= !flight.is_prompt;
        if !courier.was_answered {
            (courier.was_answered, courier.sequence) = (true, 1);
        }
        (courier.failures, courier.retry_at, courier.heard_at) = (0, 0, Some(self.now));
        let had_effect = self.decide(agent, Event::Answered { sent_at, answer });
        let courier = &mut self.agents[agent].courier;
        courier.empty = if had_effect { 0 } else { courier.empty + 1 };
        let pause = (50_i64 << courier.empty.min(8)).min(5_000);
        if courier.empty > 0 && now.saturating_sub(sent_at) < 50 {
            courier.quiet_until = self.now + pause;
        }
        let life = self.agents[agent].life;
        self.plan_to_send(agent, life);
    }
}
