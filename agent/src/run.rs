//! The agent at work: one loop that hears, decides in [`core`] and sees to it that it is done.

mod hands;
mod signals;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use lilac_api::agent::{NodeCapacity, PROTOCOL_VERSION, Phase, RuntimeHealth, SyncRequest};
use lilac_api::client::Client;
use lilac_api::ids::SessionId;
use lilac_api::image::CachedImage;
use lilac_api::spec::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use crate::clock::Millis;
use crate::config::Settings;
use crate::core::{self, Action, Event, State};
use crate::docker::{self, Link, Owner};
use crate::gpu::Gpus;
use crate::identity::{self, Machine};
use crate::images::Images;
use crate::interactive::Streams;
use crate::journal::Entry;
use crate::meters::Meters;
use crate::process::Local;
use crate::sync::{Courier, Heard};
use crate::{VERSION, clock, init, journal, lease, ports, resources};
use hands::{Hands, Here};

/// How many events may wait. Whoever has another one waits with it.
const EVENTS: usize = 256;
/// How often the machine is looked at again.
const REFRESH_EVERY: Duration = Duration::from_secs(60);
/// While something runs, the clock that leases are counted on is read at least this often: timers stand
/// still while the machine sleeps, leases do not.
const LONGEST_SLEEP_MS: u64 = 5_000;

/// Runs the agent until it is told to end, or must.
pub async fn run(settings: Settings) -> anyhow::Result<()> {
    let mut interrupts = signal(SignalKind::interrupt()).context("cannot listen for signals")?;
    let mut terminations = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    let work = work(settings);
    tokio::select! {
        result = work => result,
        _ = interrupts.recv() => { tracing::info!("interrupted; containers run on"); Ok(()) }
        _ = terminations.recv() => { tracing::info!("terminated; containers run on"); Ok(()) }
    }
}

/// Who speaks in a sync: what stays the same from one to the next.
struct Speaker {
    machine: Machine,
    link: Link,
    session: SessionId,
    labels: BTreeMap<String, String>,
    address: Option<String>,
    images: Images,
    /// The images that the node has; those that the control plane was told of, and those that it will have
    /// been told of once the request under way is answered.
    on_node: watch::Receiver<Vec<CachedImage>>,
    told: Option<Vec<CachedImage>>,
    sent: Option<Vec<CachedImage>>,
}

impl Speaker {
    /// The images that the node has, where the control plane knows of others.
    fn news(&self) -> Option<Vec<CachedImage>> {
        let images = self.on_node.borrow();
        (self.told.as_ref() != Some(&*images)).then(|| images.clone())
    }
}

async fn work(settings: Settings) -> anyhow::Result<()> {
    let _lock = identity::lock(&settings.state_dir)?;
    lease::prepare(&settings.run_dir)
        .with_context(|| format!("cannot make {}", settings.run_dir.display()))?;
    let program = init::unpack(&settings.state_dir)?;
    identity::check_hardware(&settings.state_dir, Path::new("/"))?;
    let machine = identity::machine(&settings.state_dir)?;
    let credential = match identity::load_credential(&settings.state_dir)? {
        Some(credential) => credential,
        None => identity::register(&settings, &machine).await?,
    };
    let owner = Owner { cluster_id: credential.cluster_id, node_id: credential.node_id };
    let recovered = recover(&settings, &machine)?;
    tracing::info!(
        version = VERSION,
        name = settings.name,
        node_id = %owner.node_id,
        attempts = recovered.len(),
        "the agent starts"
    );

    let link = match settings.runtime {
        Runtime::Docker => Link::new(&settings.docker_host),
        Runtime::Process => Link::to_processes(Local::new(
            settings.state_dir.clone(),
            settings.run_dir.clone(),
            machine.boot_id,
        )?),
    };
    let has_images = link.local().is_none();
    let (sender, events) = mpsc::channel(EVENTS);
    tokio::spawn(docker::watch(link.clone(), owner, sender.clone()));
    // One client, which knows the machine's certificates once. What is under way has its connection to itself.
    let client = Client::new(&settings.server, Some(credential.credential.clone()))?;
    let streams = Streams::new(link.clone(), settings.server.clone(), credential.credential);
    let gpus = Gpus::watch(settings.nvml.clone(), &settings.state_dir, machine.boot_id);
    let meters = Meters::start(&settings, gpus.clone(), client.clone()).await?;
    let alarm = sender.clone();
    let here = Here { program, boot_id: machine.boot_id, owner };
    let mut hands = Hands::new(&settings, here, link.clone(), client.clone(), sender, gpus.clone(), meters);
    let images = hands.images();
    if has_images {
        tokio::spawn(images.clone().keep());
    }
    let mut courier = Courier::new(client);
    let mut state = State::default();
    hands.go_on(&recovered);
    let found = Event::Recovered { entries: recovered, boot_id: machine.boot_id };
    decide(&mut state, found, &mut hands, &mut courier);

    let address = match settings.address.clone() {
        Some(address) => Some(address),
        None => {
            let server = settings.server.clone();
            spawn_blocking(move || ports::own_address(&server)).await.unwrap_or_default()
        }
    };
    let speaker = Speaker {
        machine,
        link,
        session: identity::session(clock::boot_ms()),
        labels: settings.labels.clone(),
        address,
        on_node: images.on_node(),
        images,
        told: None,
        sent: None,
    };
    let capacity = watch_machine(settings, gpus, alarm);
    attend(state, hands, courier, streams, speaker, capacity, events).await
}

/// The attempts that an earlier run left, each with the deadline of its lease.
fn recover(settings: &Settings, machine: &Machine) -> anyhow::Result<Vec<(Entry, Millis)>> {
    let entries = journal::recover(&settings.state_dir).context("cannot read the journal")?;
    let with_lease = |entry: Entry| {
        let intent = &entry.intent;
        let written = lease::read(&settings.run_dir, intent.attempt_id, machine.boot_id);
        let lease_until = written.unwrap_or(0).max(intent.lease_until);
        (entry, lease_until)
    };
    Ok(entries.into_iter().map(with_lease).collect())
}

/// Looks at the machine now and every minute, and when something about its GPUs changes.
fn watch_machine(
    settings: Settings,
    mut gpus: Gpus,
    alarm: mpsc::Sender<Event>,
) -> mpsc::Receiver<NodeCapacity> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let (mut told, mut lost) = (None, BTreeMap::new());
        let mut refresh_at = Instant::now();
        loop {
            // Before the first look nobody can say what the node has.
            let look = tokio::select! {
                look = gpus.next() => look,
                () = sleep_until(refresh_at), if told.is_some() => gpus.latest(),
            };
            let Some(look) = look else { return };
            let now_lost = Gpus::lost(&look);
            if lost != now_lost {
                lost.clone_from(&now_lost);
                let _ = alarm.send(Event::GpusLost(now_lost)).await;
            }
            let listing = look.listing();
            if told.as_ref() == Some(&listing) && Instant::now() < refresh_at {
                continue;
            }
            told = Some(listing.clone());
            refresh_at = Instant::now() + REFRESH_EVERY;
            let (path, offer) = (settings.state_dir.clone(), settings.capacity);
            let look = spawn_blocking(move || resources::discover(listing, &path, offer));
            // Only a panic in there ends the watch; the last word about the machine stands.
            let Ok(capacity) = look.await else { return };
            if sender.send(capacity).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// Hears and decides, until the control plane wants no more of this agent and nothing runs any more.
async fn attend(
    mut state: State,
    mut hands: Hands,
    mut courier: Courier,
    mut streams: Streams,
    mut speaker: Speaker,
    mut machine: mpsc::Receiver<NodeCapacity>,
    mut events: mpsc::Receiver<Event>,
) -> anyhow::Result<()> {
    let mut capacity = None;
    // The first word to the control plane waits for the first of Docker and of the machine: a node that
    // is healthy should not show up as broken.
    let mut docker_spoke = false;
    loop {
        if let Some(why) = &state.halted
            && state.all_ended()
        {
            bail!("{why}");
        }
        let may_sync = docker_spoke && state.halted.is_none();
        let send_at = capacity.as_ref().filter(|_| may_sync).and_then(|_| courier.due());
        let wake = next_tick(&state);
        tokio::select! {
            Some(event) = events.recv() => {
                docker_spoke |= matches!(event, Event::DockerUp { .. } | Event::DockerDown(_));
                decide(&mut state, event, &mut hands, &mut courier);
            }
            heard = courier.heard() => match heard {
                Heard::Answer { sent_at, mut answer, was_fast } => {
                    speaker.told = speaker.sent.take().or(speaker.told.take());
                    speaker.images.await_jobs(std::mem::take(&mut answer.prefetch));
                    streams.take(std::mem::take(&mut answer.streams), &state);
                    let event = Event::Answered { sent_at, answer };
                    let had_effect = decide(&mut state, event, &mut hands, &mut courier);
                    courier.note_effect(was_fast, had_effect);
                }
                Heard::Nothing => {
                    if let Some(end) = state.first_lease_end() {
                        courier.hurry(Duration::from_millis(end.saturating_sub(clock::boot_ms())));
                    }
                }
                Heard::Halt(why) => {
                    tracing::error!(why, "no more jobs are taken; what runs is ended when its lease is over");
                    streams.stop();
                    decide(&mut state, Event::Halted(why), &mut hands, &mut courier);
                }
            },
            Some(found) = machine.recv() => {
                if capacity.as_ref() != Some(&found) {
                    courier.tell();
                }
                capacity = Some(found);
            }
            () = until(send_at) => {
                if let Some(capacity) = &capacity {
                    let (sequence, no_wait) = courier.next_request();
                    speaker.sent = speaker.news();
                    courier.send(request(&speaker, capacity, &state, sequence, no_wait));
                }
            }
            () = until(wake) => {
                decide(&mut state, Event::Tick, &mut hands, &mut courier);
            }
        }
    }
}

/// Takes in an event and carries out what follows. Says whether anything followed but longer leases.
fn decide(state: &mut State, event: Event, hands: &mut Hands, courier: &mut Courier) -> bool {
    let mut had_effect = false;
    for action in core::step(state, event, clock::now()) {
        had_effect |= !matches!(action, Action::WriteLease(..));
        match action {
            Action::Report => courier.tell(),
            Action::Renew => courier.renew(),
            action => hands.perform(action, state),
        }
    }
    hands.note_holders(state);
    had_effect
}

fn request(
    speaker: &Speaker,
    capacity: &NodeCapacity,
    state: &State,
    sequence: u64,
    no_wait: bool,
) -> SyncRequest {
    let attempts = state.reports();
    // An end is acknowledged at once: an answer that does not come then was lost, and is not waited for long.
    let tells_an_end = attempts.iter().any(|report| report.phase == Phase::Ended);
    SyncRequest {
        protocol: PROTOCOL_VERSION,
        agent_version: VERSION.to_owned(),
        boot_id: speaker.machine.boot_id,
        machine_id: speaker.machine.machine_id.clone(),
        session: speaker.session,
        sequence,
        capacity: capacity.clone(),
        labels: speaker.labels.clone(),
        runtime: RuntimeHealth { engine: speaker.link.engine(), ..state.runtime.clone() },
        attempts,
        images: speaker.sent.clone(),
        address: speaker.address.clone(),
        no_wait: no_wait || tells_an_end,
    }
}

/// When the state is to be told that time passed.
fn next_tick(state: &State) -> Option<Instant> {
    let wake = state.next_wake()?;
    let sleep_ms = wake.saturating_sub(clock::boot_ms());
    // Nothing that falls due is missed by a millisecond's rounding: the tick comes at or after its time.
    let sleep_ms = if state.has_live() { sleep_ms.min(LONGEST_SLEEP_MS) } else { sleep_ms };
    Some(Instant::now() + Duration::from_millis(sleep_ms))
}

async fn until(when: Option<Instant>) {
    match when {
        Some(when) => sleep_until(when).await,
        None => std::future::pending().await,
    }
}
