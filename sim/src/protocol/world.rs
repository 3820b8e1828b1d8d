//! The world of one schedule: who is in it, what is under way, and what time it is.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use lilac_agent::core::Event;
use lilac_api::agent::{AttemptReport, SyncResponse, TaskSpec};
use lilac_api::ids::{AttemptId, JobId, NodeId, SessionId};
use lilac_rules::rows::Rows;
use uuid::Uuid;

use super::agent::{Agent, Call};
use super::bug::Bug;
use super::machine::{Disk, Docker, Machine, Ms, Name};
use super::random::Random;
use super::server::Server;

/// What happens at a time.
#[derive(Debug)]
pub(super) enum Happening {
    AgentStarts(usize),
    /// The agent's timer.
    Wake(usize, u32),
    /// The agent sends its next message, if it still wants to.
    Send(usize, u32),
    /// The agent's hands begin something.
    Act(usize, u32, Call),
    /// Something that the agent began reaches disk or Docker.
    Reach(usize, u32, Call),
    /// The agent hears of something.
    Hear(usize, u32, Event),
    /// The agent asks Docker for all containers.
    List(usize, u32),
    /// Docker has started a container.
    Begins(usize, Name),
    /// The init of a container looks at its lease file.
    Look(usize, Name),
    /// The user's code ends.
    Ends(usize, Name, i32),
    /// A message reaches the control plane.
    Arrive(Arc<Request>),
    /// The answer to a message is made, or its time to wait is over.
    Answer {
        poll: u64,
        is_over: bool,
    },
    /// An answer reaches the agent.
    Answered {
        agent: usize,
        life: u32,
        flight: u64,
        answer: Reply,
    },
    Plan,
    Place {
        job: JobId,
        epoch: i32,
        node: usize,
    },
    Reap,
    Take(AttemptId, NodeId),
    /// The ranks of an attempt, one of which has failed, should have ended.
    Siblings(AttemptId),
    Strike(usize),
    /// A fault is over.
    Mend(Mend),
    Heal,
    /// Somebody lets held jobs go, once all works again.
    Release,
}

/// What is put right when a fault is over.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mend {
    Continue(usize),
    PowerOn(usize),
    Docker(usize),
    Link(usize),
    Server,
}

/// A message on its way.
#[derive(Debug)]
pub(super) struct Request {
    pub agent: usize,
    pub life: u32,
    pub flight: u64,
    pub node: NodeId,
    pub session: SessionId,
    pub sequence: u64,
    pub boot_id: Uuid,
    pub reports: Vec<AttemptReport>,
    pub no_wait: bool,
}

#[derive(Debug)]
pub(super) enum Reply {
    Answer(SyncResponse),
    Fenced,
    /// Nothing came, or nothing that could be understood.
    Broken,
}

#[derive(Debug)]
struct Due {
    at: Ms,
    number: u64,
    what: Happening,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// How one schedule is set up; drawn from its seed.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub lease_ms: Ms,
    /// When faults stop and all is mended.
    pub heal_at: Ms,
    /// In how many of a thousand cases a message, an event or a call to Docker goes wrong.
    pub lost: i64,
    pub repeated: i64,
    pub garbled: i64,
    pub full_disk: i64,
    /// Containers end with the daemon.
    pub dies_with_docker: bool,
    /// How long the ranks of a gang may take to be ready together.
    pub gather_ms: Ms,
}

pub(super) struct World {
    pub now: Ms,
    pub random: Random,
    pub bug: Option<Bug>,
    pub setting: Setting,
    pub machines: Vec<Machine>,
    pub dockers: Vec<Docker>,
    pub disks: Vec<Disk>,
    pub agents: Vec<Agent>,
    pub rows: Rows,
    pub server: Server,
    pub tasks: BTreeMap<JobId, TaskSpec>,
    pub strikes: Vec<super::faults::Strike>,
    /// Faults are over.
    pub is_calm: bool,
    /// Attempts whose container was made, ever, and on which machine.
    pub made: BTreeSet<(AttemptId, usize)>,
    /// Those whose container was started.
    pub started: BTreeSet<(AttemptId, usize)>,
    /// Attempts whose agent died while it ended them.
    pub cut_short: BTreeSet<AttemptId>,
    /// Which containers of a job run, and on which machine.
    pub running: BTreeMap<JobId, Vec<(AttemptId, usize)>>,
    pub trace: Option<Vec<String>>,
    /// The promise that was broken.
    pub broken: Option<String>,
    queue: BinaryHeap<Reverse<Due>>,
    number: u64,
    next_id: u128,
}

/// Tells what happens, where somebody wants to read it.
macro_rules! say {
    ($world:expr, $($words:tt)*) => {
        if $world.trace.is_some() {
            let line = format!($($words)*);
            $world.tell(line);
        }
    };
}
pub(super) use say;

impl World {
    pub fn new(seed: u64, bug: Option<Bug>, is_told: bool) -> Self {
        let random = Random::new(seed);
        let setting = Setting {
            lease_ms: 0,
            heal_at: 0,
            lost: 0,
            repeated: 0,
            garbled: 0,
            full_disk: 0,
            dies_with_docker: false,
            gather_ms: 0,
        };
        Self {
            now: 0,
            random,
            bug,
            setting,
            machines: Vec::new(),
            dockers: Vec::new(),
            disks: Vec::new(),
            agents: Vec::new(),
            rows: Rows { flaw: bug.and_then(Bug::flaw), ..Rows::default() },
            server: Server::default(),
            tasks: BTreeMap::new(),
            strikes: Vec::new(),
            is_calm: false,
            made: BTreeSet::new(),
            started: BTreeSet::new(),
            cut_short: BTreeSet::new(),
            running: BTreeMap::new(),
            trace: is_told.then(Vec::new),
            broken: None,
            queue: BinaryHeap::new(),
            number: 0,
            next_id: 0,
        }
    }

    pub fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    pub fn id(&mut self) -> Uuid {
        self.next_id += 1;
        Uuid::from_u128(self.next_id)
    }

    pub fn tell(&mut self, line: String) {
        let now = self.now;
        if let Some(trace) = &mut self.trace {
            // Ids are numbers here.
            let line = line.replace("00000000-0000-0000-0000-0000000000", "#");
            trace.push(format!("{:>9.3} s  {line}", now as f64 / 1000.0));
        }
    }

    pub fn at(&mut self, at: Ms, what: Happening) {
        self.number += 1;
        self.queue.push(Reverse(Due { at: at.max(self.now), number: self.number, what }));
    }

    pub fn after(&mut self, ms: Ms, what: Happening) {
        self.at(self.now + ms, what);
    }

    /// A promise is broken; the first one counts.
    pub fn fail(&mut self, words: String) {
        say!(self, "BROKEN: {words}");
        self.broken.get_or_insert(words);
    }

    /// How long something takes that is quick most of the time.
    pub fn short(&mut self) -> Ms {
        if self.random.chance(60) { self.random.between(20, 800) } else { self.random.between(1, 20) }
    }

    /// Lets happen what happens, until all is over or a promise is broken. Says how much happened.
    pub fn run(&mut self, until: Ms) -> u64 {
        let mut happened = 0;
        while self.broken.is_none() && !self.is_over() {
            let Some(Reverse(due)) = self.queue.pop() else { break };
            if due.at > until {
                break;
            }
            self.now = due.at;
            happened += 1;
            self.happen(due.what);
        }
        happened
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::AgentStarts(agent) => self.start_agent(agent),
            Happening::Wake(agent, life) => self.wake(agent, life),
            Happening::Send(agent, life) => self.send(agent, life),
            Happening::Act(agent, life, call) => self.act(agent, life, call),
            Happening::Reach(agent, life, call) => self.reach(agent, life, call),
            Happening::Hear(agent, life, event) => self.hear(agent, life, event),
            Happening::List(agent, life) => self.list(agent, life),
            Happening::Begins(docker, name) => self.begins(docker, name),
            Happening::Look(docker, name) => self.init_looks(docker, name),
            Happening::Ends(docker, name, code) => self.code_ends(docker, name, code),
            Happening::Arrive(request) => self.arrive(&request),
            Happening::Answer { poll, is_over } => self.answer(poll, is_over),
            Happening::Answered { agent, life, flight, answer } => self.answered(agent, life, flight, answer),
            Happening::Plan => self.plan(),
            Happening::Place { job, epoch, node } => self.place(job, epoch, node),
            Happening::Reap => self.reap(),
            Happening::Take(attempt, node) => self.take(attempt, node),
            Happening::Siblings(attempt) => self.check_siblings(attempt),
            Happening::Strike(index) => self.strike(index),
            Happening::Mend(mend) => self.mend(mend),
            Happening::Heal => self.heal(),
            Happening::Release => self.release_held(),
        }
    }
}
