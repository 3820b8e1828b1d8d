//! Carries out what was decided. Whatever waits for a disk or for Docker runs beside the loop, and what
//! came of it returns as an event.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use lilac_api::agent::{RegistryLogin, TaskSpec};
use lilac_api::client::Client;
use lilac_api::ids::AttemptId;
use lilac_api::spec::Signal;
use lilac_init::limit::{LIMIT_BYTES, file_limit};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::signals;
use crate::clock::{self, Millis};
use crate::config::Settings;
use crate::core::{Action, Draft, Event, Exit, Failure, Sight, Stage, State, ending};
use crate::disk;
use crate::docker::{self, Link, Order, Owner, Sources};
use crate::gpu::Gpus;
use crate::images::Images;
use crate::init::Places;
use crate::journal::{self, Entry, ExitNote, Intent, StopNote};
use crate::log_pump::{self, Destination, Pump};
use crate::meters::Meters;
use crate::ports::{self, Ports};
use crate::{lease, log_spool, outputs, supplies};

/// How many log uploads are under way at once.
const UPLOADS: usize = 4;
/// How many outputs are under way at once.
const OUTPUTS: usize = 2;
/// How many containers are removed at once: removal is nobody's hurry.
const REMOVALS: usize = 2;
/// How long a full disk is given before a result is written again.
const DISK_RETRY: Duration = Duration::from_secs(1);
/// How often the removal of a container is tried. What is left is found by the next listing.
const REMOVAL_TRIES: u32 = 3;

/// What a container's folder of the spool may take beyond its file.
const SPOOL_SLACK_BYTES: u64 = 16 << 20;

pub(super) struct Hands {
    state_dir: PathBuf,
    run_dir: PathBuf,
    /// The init of every container.
    program: PathBuf,
    boot_id: Uuid,
    owner: Owner,
    link: Link,
    images: Images,
    events: mpsc::Sender<Event>,
    logs: Destination,
    outputs: outputs::Destination,
    removals: Arc<Semaphore>,
    pumps: HashMap<AttemptId, Arc<Pump>>,
    /// Outputs that are being handed over.
    deliveries: HashMap<AttemptId, JoinHandle<()>>,
    pulls: HashMap<AttemptId, CancellationToken>,
    gpus: Gpus,
    ports: Ports,
    meters: Meters,
    /// Containers whose writing is watched.
    disks: HashMap<AttemptId, Vec<JoinHandle<()>>>,
    disk_limit: Option<u64>,
    log_rate: Option<u64>,
}

/// A task with what its node adds, and which of the node's ports lead to which of its container.
struct Meeting {
    task: Arc<TaskSpec>,
    ports: Vec<(u16, u16)>,
}

/// Where the containers run.
pub(super) struct Here {
    /// The init that each of them gets.
    pub(super) program: PathBuf,
    pub(super) boot_id: Uuid,
    pub(super) owner: Owner,
}

impl Hands {
    pub(super) fn new(
        settings: &Settings,
        here: Here,
        link: Link,
        log_client: Client,
        events: mpsc::Sender<Event>,
        gpus: Gpus,
        meters: Meters,
    ) -> Self {
        let Here { program, boot_id, owner } = here;
        let outputs =
            outputs::Destination { client: log_client.clone(), permits: Arc::new(Semaphore::new(OUTPUTS)) };
        Self {
            state_dir: settings.state_dir.clone(),
            run_dir: settings.run_dir.clone(),
            program,
            boot_id,
            owner,
            images: Images::new(settings.images.clone(), &settings.state_dir, link.clone()),
            link,
            events,
            logs: Destination { client: log_client, permits: Arc::new(Semaphore::new(UPLOADS)) },
            outputs,
            removals: Arc::new(Semaphore::new(REMOVALS)),
            pumps: HashMap::new(),
            deliveries: HashMap::new(),
            pulls: HashMap::new(),
            gpus,
            ports: Ports::new(settings.ports),
            meters,
            disks: HashMap::new(),
            disk_limit: settings.disk_limit,
            log_rate: settings.log_rate,
        }
    }

    /// The node's images.
    pub(super) fn images(&self) -> Images {
        self.images.clone()
    }

    /// Goes on handing over what attempts left that ended in an earlier run of the agent: logs and outputs.
    pub(super) fn go_on(&mut self, recovered: &[(Entry, Millis)]) {
        for (entry, _) in recovered {
            self.images.want(entry.intent.attempt_id, &entry.intent.task.image);
            if entry.exit.is_none() {
                self.hold_ports(entry.intent.attempt_id);
            }
        }
        for (entry, _) in recovered.iter().filter(|(entry, _)| entry.exit.is_some()) {
            let intent = &entry.intent;
            let pump = self.pump(intent.attempt_id, intent.task.rank);
            tokio::spawn(async move { pump.finish().await });
            self.deliver(intent.attempt_id, intent.task.clone());
        }
    }

    /// Keeps the ports that an attempt took in an earlier run of the agent, and says so again.
    fn hold_ports(&self, id: AttemptId) {
        let Some(taken) = journal::read_ports(&self.state_dir, id) else { return };
        self.ports.hold(id, &taken);
        let events = self.events.clone();
        tokio::spawn(async move { drop(events.send(Event::PortsTaken(id, taken)).await) });
    }

    /// Does one thing, or sees to it that it gets done.
    pub(super) fn perform(&mut self, action: Action, state: &State) {
        match action {
            Action::SaveIntent(id) => self.save_intent(id, state),
            Action::WriteLease(id, deadline) => {
                if let Err(error) = lease::write(&self.run_dir, id, self.boot_id, deadline) {
                    tracing::warn!(attempt = %id, %error, "cannot write the lease file");
                }
            }
            Action::Create(id, task) => {
                let Some(attempt) = state.attempts.get(&id) else { return };
                let (link, owner, epoch) = (self.link.clone(), self.owner, attempt.epoch);
                let client = self.logs.client.clone();
                let sources = Sources {
                    supplies: move || supplies::fetch(client.clone(), id),
                    pull: self.puller(id, &task.image),
                };
                let tell_image = self.image_teller(id, &task.image);
                let cancel = CancellationToken::new();
                self.pulls.insert(id, cancel.clone());
                let places = Places {
                    log_rate: self.log_rate,
                    relabel: self.link.has_selinux(),
                    ..Places::of(&self.program, &self.state_dir, &self.run_dir, id)
                };
                let spool = journal::log_path(&self.state_dir, id);
                let gpus = self.gpus.clone();
                let meeting = self.meeting(id, &task);
                self.answer(async move {
                    let Meeting { task, ports } = match meeting.await {
                        Ok(meeting) => meeting,
                        Err(failure) => return Event::CreateFailed(id, failure),
                    };
                    if let Err(failure) = take_gpus(&gpus, id, &task, &cancel).await {
                        return Event::CreateFailed(id, failure);
                    }
                    if let Err(error) = on_disk(move || log_spool::prepare(&spool)).await {
                        let words = format!("The node cannot keep the log: {error}");
                        return Event::CreateFailed(id, Failure::Refused(words));
                    }
                    let order =
                        Order { owner, attempt: id, epoch, task: &task, places: &places, ports: &ports };
                    match docker::create(&link, &order, &sources, &cancel).await {
                        Ok(()) => {
                            tell_image();
                            Event::Created(id)
                        }
                        Err(failure) => Event::CreateFailed(id, failure),
                    }
                });
            }
            Action::CancelPull(id) => {
                if let Some(pull) = self.pulls.get(&id) {
                    pull.cancel();
                }
            }
            Action::Start(id) => {
                self.pulls.remove(&id);
                let (link, state_dir) = (self.link.clone(), self.state_dir.clone());
                self.answer(async move {
                    // No fsync, no wait worth mentioning; a crash must not make a second container.
                    if let Err(error) = on_disk(move || journal::note_created(&state_dir, id)).await {
                        tracing::warn!(attempt = %id, %error, "cannot write to the journal");
                    }
                    match docker::start(&link, id).await {
                        Ok(()) => Event::Started(id),
                        Err(failure) => Event::StartFailed(id, failure),
                    }
                });
            }
            Action::NoteCreated(id) => self.note(id, move |state_dir| journal::note_created(&state_dir, id)),
            Action::NoteStop(id, note) => self.note_stop(id, note, state),
            Action::Attach(id) => {
                if let Some(attempt) = state.attempts.get(&id) {
                    self.pump(id, attempt.task.rank);
                    self.meters.watch(&self.link, id, &attempt.task);
                    self.watch_disk(id, &attempt.task);
                }
            }
            Action::Signal(id, signal) => self.signal(id, signal),
            Action::Look(id) => {
                let (link, spool) = (self.link.clone(), journal::log_path(&self.state_dir, id));
                let taken_at = clock::boot_ms();
                let gpus = self.gpus_of(id, state);
                let events = self.events.clone();
                self.answer(async move {
                    // A program whose GPU failed ends in many ways: what became of the GPU is known first.
                    if let Some(gpus) = gpus
                        && let Some(look) = gpus.fresh().await
                    {
                        let _ = events.send(Event::GpusLost(Gpus::lost(&look))).await;
                    }
                    match docker::look(&link, id).await {
                        Ok(sight) => {
                            Event::Seen { attempt: id, taken_at, sight: set_right(sight, &spool).await }
                        }
                        Err(error) => {
                            tracing::debug!(attempt = %id, error = docker::words(&error), "cannot look");
                            Event::LookFailed(id)
                        }
                    }
                });
            }
            Action::Conclude(id, started_at, draft) => self.conclude(id, started_at, draft, state),
            Action::Drop(id) => self.drop_attempt(id),
            Action::Reap(container) => self.reap(container),
            // The loop speaks to the control plane itself.
            Action::Report | Action::Renew => {}
        }
    }

    /// What makes a container reachable: takes the ports that its task needs, says so at once, as others may wait for
    /// it, and gives the task with what its node adds, and which ports lead where.
    fn meeting(
        &self,
        id: AttemptId,
        task: &Arc<TaskSpec>,
    ) -> impl Future<Output = Result<Meeting, Failure>> + Send + use<> {
        let (ports, events, task) = (self.ports.clone(), self.events.clone(), Arc::clone(task));
        let (state_dir, run_dir) = (self.state_dir.clone(), self.run_dir.clone());
        async move {
            if task.gang.is_none() && task.ports.is_empty() {
                return Ok(Meeting { task, ports: Vec::new() });
            }
            let wanted = Arc::clone(&task);
            let taken = spawn_blocking(move || ports.take(&state_dir, id, &wanted)).await;
            let taken = taken.unwrap_or_else(|panic| Err(panic.to_string())).map_err(Failure::Ports)?;
            if let Some(taken) = &taken {
                let _ = events.send(Event::PortsTaken(id, taken.clone())).await;
            }
            if let Some(hosts) = ports::hosts(&task) {
                let written = on_disk(move || lease::write_hosts(&run_dir, id, &hosts)).await;
                written.map_err(|error| {
                    Failure::Ports(format!("The node cannot write the hosts file: {error}"))
                })?;
            }
            let ports = ports::bindings(&task, taken.as_ref());
            let mut whole = (*task).clone();
            whole.env.extend(ports::env(&task, taken.as_ref()));
            Ok(Meeting { task: Arc::new(whole), ports })
        }
    }

    /// The GPUs, where the attempt has any.
    fn gpus_of(&self, id: AttemptId, state: &State) -> Option<Gpus> {
        let attempt = state.attempts.get(&id)?;
        (!attempt.task.gpu_uuids.is_empty()).then(|| self.gpus.clone())
    }

    /// Notes who has processes, or may have soon.
    pub(super) fn note_holders(&self, state: &State) {
        let live = state.attempts.iter().filter(|(_, attempt)| attempt.is_live());
        self.gpus.note_holders(live.map(|(id, attempt)| (*id, attempt.task.gpu_uuids.as_slice())));
    }

    /// What pulls an attempt's image and tells the loop how far that is.
    fn puller(
        &self,
        id: AttemptId,
        image: &str,
    ) -> impl Fn(Option<RegistryLogin>) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync + use<> {
        let (images, events, image) = (self.images.clone(), self.events.clone(), image.to_owned());
        move |login| {
            let (images, events, image) = (images.clone(), events.clone(), image.clone());
            // A word that finds no room is made up for by the next one.
            let told = move |progress| drop(events.try_send(Event::Pulling(id, progress)));
            async move { images.pull(&image, login, told).await }.boxed()
        }
    }

    /// What finds out, beside all else, which image a new container was made of.
    fn image_teller(&self, id: AttemptId, image: &str) -> impl FnOnce() + Send + use<> {
        let (images, link, events) = (self.images.clone(), self.link.clone(), self.events.clone());
        let image = image.to_owned();
        move || {
            images.note_use(&image);
            tokio::spawn(async move {
                if let Ok(Some((image, digest))) = docker::image_of(&link, id, &image).await {
                    let _ = events.send(Event::ImageKnown { attempt: id, id: image, digest }).await;
                }
            });
        }
    }

    /// Runs something beside the loop and hands the loop what came of it.
    fn answer(&self, work: impl Future<Output = Event> + Send + 'static) {
        let events = self.events.clone();
        tokio::spawn(async move {
            let event = work.await;
            // Without a loop nobody is left to hear it.
            let _ = events.send(event).await;
        });
    }

    fn save_intent(&self, id: AttemptId, state: &State) {
        let Some(attempt) = state.attempts.get(&id) else { return };
        self.images.want(id, &attempt.task.image);
        let intent = Intent {
            attempt_id: id,
            epoch: attempt.epoch,
            boot_id: self.boot_id,
            lease_until: attempt.lease_until,
            task: (*attempt.task).clone(),
        };
        tracing::info!(
            attempt = %id, job = %intent.task.job_id, name = intent.task.job_name, epoch = intent.epoch, "accepted"
        );
        let state_dir = self.state_dir.clone();
        self.answer(async move {
            match on_disk(move || journal::write_intent(&state_dir, &intent)).await {
                Ok(()) => Event::IntentSaved(id),
                Err(error) => Event::IntentFailed(id, error.to_string()),
            }
        });
    }

    /// Writes down what helps after a crash, and is not waited for.
    fn note(&self, id: AttemptId, write: impl FnOnce(PathBuf) -> std::io::Result<()> + Send + 'static) {
        let state_dir = self.state_dir.clone();
        tokio::spawn(async move {
            if let Err(error) = on_disk(move || write(state_dir)).await {
                tracing::warn!(attempt = %id, %error, "cannot write to the journal");
            }
        });
    }

    fn note_stop(&self, id: AttemptId, note: StopNote, state: &State) {
        tracing::info!(attempt = %id, cause = ?note.cause, "stopping");
        // While its intent is being written, an attempt has no folder to write to.
        if state.attempts.get(&id).is_some_and(|attempt| attempt.stage != Stage::Intending) {
            self.note(id, move |state_dir| journal::note_stop(&state_dir, id, &note));
        }
    }

    fn signal(&self, id: AttemptId, signal: Signal) {
        let (link, state_dir) = (self.link.clone(), self.state_dir.clone());
        // The ladder goes on, and the kill at its end is repeated: there is nothing to wait for.
        tokio::spawn(async move {
            if signal == Signal::SigKill {
                signals::kill(&link, state_dir, id).await;
            } else {
                signals::send(&link, state_dir, id, signal).await;
            }
        });
    }

    fn pump(&mut self, id: AttemptId, rank: u16) -> Arc<Pump> {
        let (path, to) = (journal::log_path(&self.state_dir, id), self.logs.clone());
        let pump = self.pumps.entry(id).or_insert_with(|| Pump::open(&path, id, rank, to));
        Arc::clone(pump)
    }

    /// Watches what a container writes to the node's disk, beside its volumes.
    fn watch_disk(&mut self, id: AttemptId, task: &TaskSpec) {
        if self.disks.contains_key(&id) {
            return;
        }
        // Its folder of the spool is the one place of the node that every container may write to.
        let spool = journal::spool_folder(&self.state_dir, id);
        let most = file_limit(LIMIT_BYTES) + SPOOL_SLACK_BYTES;
        let mut watches = vec![tokio::spawn(disk::watch_folder(id, spool, most, self.events.clone()))];
        // A job's word stands over the node's. What a process writes has no place of its own that could be measured.
        let limit = task.disk_bytes.or(self.disk_limit).filter(|_| self.link.local().is_none());
        if let Some(limit) = limit {
            let watch = disk::watch(self.link.clone(), id, limit, self.events.clone());
            watches.push(tokio::spawn(watch));
        }
        self.disks.insert(id, watches);
    }

    fn conclude(&mut self, id: AttemptId, started_at: Option<DateTime<Utc>>, draft: Draft, state: &State) {
        self.pulls.remove(&id);
        // Its container has ended, or never starts.
        self.ports.release(id);
        self.meters.forget(id);
        for watch in self.disks.remove(&id).into_iter().flatten() {
            watch.abort();
        }
        let Some(attempt) = state.attempts.get(&id) else { return };
        let pump = self.pump(id, attempt.task.rank);
        // How it ended is told meanwhile: nobody waits for an upload to know.
        self.deliver(id, (*attempt.task).clone());
        let state_dir = self.state_dir.clone();
        self.answer(async move {
            let log = pump.finish().await;
            let result = ending::as_init_says(draft, &log).with_log(log.length);
            let exit = Arc::new(ExitNote { started_at, result });
            // Until it is on the disk it is not reported; the lease is renewed meanwhile.
            loop {
                let (state_dir, note) = (state_dir.clone(), Arc::clone(&exit));
                match on_disk(move || journal::write_exit(&state_dir, id, &note)).await {
                    Ok(()) => break,
                    Err(error) => tracing::warn!(attempt = %id, %error, "cannot write down how it ended"),
                }
                sleep(DISK_RETRY).await;
            }
            let result = exit.result.clone();
            tracing::info!(
                attempt = %id, outcome = ?result.outcome, exit_code = result.exit_code, reason = ?result.reason, "ended"
            );
            Event::Concluded(id, result)
        });
    }

    /// Begins to hand over what an ended container holds of outputs.
    fn deliver(&mut self, id: AttemptId, task: TaskSpec) {
        if task.outputs.is_empty() || self.deliveries.contains_key(&id) {
            return;
        }
        let (to, link, state_dir) = (self.outputs.clone(), self.link.clone(), self.state_dir.clone());
        self.deliveries.insert(id, tokio::spawn(outputs::hand_over(to, link, state_dir, id, task)));
    }

    fn drop_attempt(&mut self, id: AttemptId) {
        let pump = self.pumps.remove(&id);
        let delivery = self.deliveries.remove(&id);
        let (link, removals, state_dir) =
            (self.link.clone(), Arc::clone(&self.removals), self.state_dir.clone());
        let images = self.images.clone();
        let run_dir = self.run_dir.clone();
        self.answer(async move {
            if let Some(delivery) = delivery {
                // One that panicked is over as well.
                let _ = delivery.await;
            }
            remove_container(&link, &docker::container_name(id), &removals).await;
            images.release(id);
            // Not before: Docker reads nothing out of a container whose mounts have lost their sources.
            lease::remove(&run_dir, id);
            if let Some(pump) = pump {
                pump.handed_over().await;
            }
            if let Err(error) = on_disk(move || journal::forget(&state_dir, id)).await {
                tracing::warn!(attempt = %id, %error, "cannot delete what is forgotten");
            }
            Event::Dropped(id)
        });
    }

    fn reap(&self, container: String) {
        tracing::warn!(container, "a container of this node that nobody accounts for is removed");
        let (link, removals) = (self.link.clone(), Arc::clone(&self.removals));
        let events = self.events.clone();
        tokio::spawn(async move {
            if remove_container(&link, &container, &removals).await {
                let _ = events.send(Event::Reaped(container)).await;
            }
        });
    }
}

/// What Docker says of a container, with what its init wrote down: how it ended, even where Docker has forgotten it.
async fn set_right(sight: Sight, spool: &Path) -> Sight {
    if !matches!(sight, Sight::Exited(_) | Sight::Missing) {
        return sight;
    }
    let Ok(log) = log_pump::read_sum(spool).await else { return sight };
    match (sight, &log.told) {
        (Sight::Exited(exit), _) => Sight::Exited(ending::set_right(exit, &log)),
        (Sight::Missing, Some(told)) => {
            let gone = Exit { code: 0, oom_killed: false, started_at: None, finished_at: told.at };
            Sight::Exited(ending::set_right(gone, &log))
        }
        (sight, _) => sight,
    }
}

/// Sees to it that the attempt's GPUs are its own.
async fn take_gpus(
    gpus: &Gpus,
    id: AttemptId,
    task: &TaskSpec,
    cancel: &CancellationToken,
) -> Result<(), Failure> {
    if task.gpu_uuids.is_empty() {
        return Ok(());
    }
    tokio::select! {
        taken = gpus.hand_over(id, &task.gpu_uuids) => taken.map_err(Failure::Gpu),
        () = cancel.cancelled() => Err(Failure::Cancelled),
    }
}

/// Removes a container; says whether it is gone.
async fn remove_container(link: &Link, container: &str, removals: &Semaphore) -> bool {
    // The semaphore is never closed.
    let _permit = removals.acquire().await;
    for _ in 0..REMOVAL_TRIES {
        match docker::remove(link, container).await {
            Ok(()) => return true,
            Err(error) => {
                tracing::debug!(container, error = docker::words(&error), "cannot remove the container");
            }
        }
        sleep(DISK_RETRY).await;
    }
    false
}

/// Runs what waits for the disk where it holds up nobody.
pub(super) async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|panic| Err(std::io::Error::other(panic)))
}
