//! One agent: the real core and the real courier, with played hands.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use lilac_agent::VERSION;
use lilac_agent::clock;
use lilac_agent::core::{self, Action, Event, State};
use lilac_agent::journal::StopCause;
use lilac_agent::sync::{Courier, Heard};
use lilac_api::SessionId;
use lilac_api::agent::{NodeCapacity, Outcome, PROTOCOL_VERSION, Phase, SYNC_WAIT_SECS, SyncRequest};
use lilac_api::auth::Secret;
use lilac_api::client::Client;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use super::Options;
use super::containers::Containers;
use super::tally::Tally;

/// A node that has registered.
pub(super) struct Post {
    pub number: u32,
    pub name: String,
    pub credential: Secret,
}

/// What each node offers.
const CPU_MILLI: u32 = 8_000;
const MEMORY_BYTES: u64 = 32 << 30;
const DISK_BYTES: u64 = 1 << 40;

/// Agents live until they are told to stop.
pub(super) async fn live(
    posts: Vec<Post>,
    options: &Options,
    tally: &Tally,
    stopped: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    // A thread has one pool of connections, whose agents it serves.
    let client = Client::new(&options.server, None)?;
    let ramp = options.ramp_secs.unwrap_or(u64::from(options.agents) / 500);
    let each = Duration::from_secs(ramp).div_f64(f64::from(options.agents.max(1)));
    let all = posts.into_iter().map(|post| {
        let mut agent = Agent::new(&post, &client, options);
        let (mut stopped, pause) = (stopped.clone(), each.saturating_mul(post.number));
        async move {
            tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => {}
                () = async { sleep(pause).await; agent.attend(tally).await } => {}
            }
        }
    });
    // Each is looked at only when it has something to do.
    futures::future::join_all(all).await;
    Ok(())
}

struct Agent {
    state: State,
    courier: Courier,
    containers: Containers,
    events: VecDeque<Event>,
    speaker: Rc<Speaker>,
    was_heard: bool,
    /// When the message under way was sent, and whether its answer was wanted at once.
    sent: Option<(Instant, bool)>,
}

/// What an agent says of itself with every sync.
struct Speaker {
    machine_id: String,
    boot_id: Uuid,
    session: SessionId,
    capacity: NodeCapacity,
}

impl Agent {
    fn new(post: &Post, client: &Client, options: &Options) -> Self {
        let boot_id = Uuid::new_v4();
        let capacity = NodeCapacity {
            cpu_milli: CPU_MILLI,
            memory_bytes: MEMORY_BYTES,
            disk_bytes: DISK_BYTES,
            gpus: Vec::new(),
        };
        let speaker = Speaker { machine_id: post.name.clone(), boot_id, session: SessionId::new(), capacity };
        let started = Event::DockerUp {
            version: "played".to_owned(),
            taken_at: clock::boot_ms(),
            containers: Vec::new(),
        };
        Self {
            state: State::default(),
            courier: Courier::new(client.with_token(post.credential.clone())),
            containers: Containers::new(options.seed, options.job_secs),
            events: VecDeque::from([Event::Recovered { entries: Vec::new(), boot_id }, started]),
            speaker: Rc::new(speaker),
            was_heard: false,
            sent: None,
        }
    }

    /// Hears and decides, as the agent's own loop does.
    async fn attend(&mut self, tally: &Tally) {
        loop {
            while let Some(event) = self.events.pop_front() {
                self.decide(event, tally);
            }
            if self.state.halted.is_some() && self.state.all_ended() {
                return;
            }
            let send_at = self.courier.due().filter(|_| self.state.halted.is_none());
            let wake = self.wake();
            tokio::select! {
                heard = self.courier.heard() => self.hear(heard, tally),
                () = at(send_at) => self.send(),
                () = at(wake) => {
                    self.events.extend(self.containers.end_what_is_done());
                    self.events.push_back(Event::Tick);
                }
            }
        }
    }

    fn wake(&self) -> Option<Instant> {
        let tick = self
            .state
            .next_wake()
            .map(|wake| Instant::now() + Duration::from_millis(wake.saturating_sub(clock::boot_ms())));
        [tick, self.containers.next_end()].into_iter().flatten().min()
    }

    fn hear(&mut self, heard: Heard, tally: &Tally) {
        let sent = self.sent.take();
        match heard {
            Heard::Answer { sent_at, answer, was_fast } => {
                let late = sent.and_then(|(sent, is_prompt)| {
                    let hold = if is_prompt { 0 } else { SYNC_WAIT_SECS };
                    sent.elapsed().checked_sub(Duration::from_secs(hold))
                });
                tally.note_sync(late, !std::mem::replace(&mut self.was_heard, true));
                let had_effect = self.decide(Event::Answered { sent_at, answer }, tally);
                self.courier.note_effect(was_fast, had_effect);
            }
            Heard::Nothing => tally.note_failed_sync(),
            Heard::Halt(why) => {
                tally.note_fenced();
                self.events.push_back(Event::Halted(why));
            }
        }
    }

    fn send(&mut self) {
        let (sequence, no_wait) = self.courier.next_request();
        let attempts = self.state.reports();
        let no_wait = no_wait || attempts.iter().any(|report| report.phase == Phase::Ended);
        let speaker = &self.speaker;
        self.sent = Some((Instant::now(), no_wait));
        self.courier.send(SyncRequest {
            protocol: PROTOCOL_VERSION,
            agent_version: VERSION.to_owned(),
            boot_id: speaker.boot_id,
            machine_id: speaker.machine_id.clone(),
            session: speaker.session,
            sequence,
            capacity: speaker.capacity.clone(),
            labels: BTreeMap::new(),
            runtime: self.state.runtime.clone(),
            attempts,
            images: None,
            address: None,
            no_wait,
        });
    }

    /// Says whether anything followed but longer leases.
    fn decide(&mut self, event: Event, tally: &Tally) -> bool {
        let mut had_effect = false;
        for action in core::step(&mut self.state, event, clock::now()) {
            had_effect |= !matches!(action, Action::WriteLease(..));
            match &action {
                Action::Report => self.courier.tell(),
                Action::Renew => self.courier.renew(),
                Action::NoteStop(_, note) if note.cause == StopCause::LeaseOver => tally.note_lost_lease(),
                Action::Conclude(_, _, draft) if draft.outcome == Outcome::Lost => tally.note_lost_attempt(),
                Action::Start(id) => {
                    if let Some(attempt) = self.state.attempts.get(id) {
                        tally.note_start(attempt.task.job_id);
                    }
                }
                // It was told to forget it: the end is stored.
                Action::Drop(_) => tally.note_done(),
                _ => {}
            }
            self.events.extend(self.containers.carry_out(action));
        }
        had_effect
    }
}

async fn at(when: Option<Instant>) {
    match when {
        Some(when) => sleep_until(when).await,
        None => std::future::pending().await,
    }
}
