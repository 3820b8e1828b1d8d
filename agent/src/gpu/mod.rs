//! The node's GPUs: which there are, how each stands, and whether it may be given to a job.
//!
//! The driver's library can take seconds to open, and a call into it can hang: a thread of its own talks to it, every
//! few seconds and when it is asked to. All others read what it saw last. What is made of that is [`judge`]'s.

pub mod amd;
mod judge;
mod nvml;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use lilac_api::cluster::Gpu;
use lilac_api::ids::AttemptId;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use judge::Bench;

/// How often the GPUs are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often a library that is not there is looked for again.
const LIBRARY_RETRY: Duration = Duration::from_secs(60);
/// How long the driver may take to answer somebody who waits.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the one before may take to leave a GPU. A driver frees the memory of a killed process within seconds.
const HAND_OVER_WAIT: Duration = Duration::from_secs(15);
/// How often it is looked whether it has.
const HAND_OVER_STEP: Duration = Duration::from_millis(300);

/// One GPU as it was last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its position among the node's GPUs, which it keeps until the machine is booted anew.
    pub index: u16,
    pub uuid: String,
    pub model: String,
    pub memory_bytes: u64,
    pub used_bytes: u64,
    /// How much of the time it computed.
    pub percent: Option<u32>,
    pub temperature: Option<u32>,
    pub milliwatts: Option<u32>,
    pub processes: Vec<Process>,
    pub fault: Option<Fault>,
}

/// A process that computes on a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: u32,
    pub memory_bytes: u64,
    /// How much of the time it computed there, where the driver tells.
    pub percent: Option<u32>,
}

/// Why a GPU is given to nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub words: String,
    /// Whoever computes on it has lost what it did.
    pub is_lost: bool,
}

/// All GPUs at one moment.
#[derive(Clone, Debug)]
pub struct Look {
    pub taken_at: Instant,
    pub gpus: Vec<Seen>,
}

impl Look {
    fn find(&self, uuid: &str) -> Option<&Seen> {
        self.gpus.iter().find(|gpu| gpu.uuid == uuid)
    }

    /// As the control plane is told.
    #[must_use]
    pub fn listing(&self) -> Vec<Gpu> {
        let told = |gpu: &Seen| Gpu {
            index: gpu.index,
            uuid: gpu.uuid.clone(),
            model: gpu.model.clone(),
            memory_bytes: gpu.memory_bytes,
            fault: gpu.fault.as_ref().map(|fault| fault.words.clone()),
            ..Gpu::default()
        };
        self.gpus.iter().map(told).collect()
    }
}

/// Whose each GPU is, and which one a job could not be given.
#[derive(Debug, Default)]
struct Ownership {
    /// Attempts that have processes on it, or may have soon.
    holders: HashMap<String, BTreeSet<AttemptId>>,
    /// What was found when it was to be handed over. Stands until it is seen to be free again.
    refused: HashMap<String, String>,
}

/// The way to what is known of the node's GPUs.
#[derive(Clone, Debug)]
pub struct Gpus {
    looks: watch::Receiver<Option<Arc<Look>>>,
    ask: mpsc::Sender<()>,
    ownership: Arc<Mutex<Ownership>>,
}

fn lock(ownership: &Mutex<Ownership>) -> MutexGuard<'_, Ownership> {
    ownership.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gpus {
    /// Begins to look. `library` is where the driver's library lies, where that is not the usual place.
    #[must_use]
    pub fn watch(library: Option<PathBuf>, state_dir: &Path, boot_id: Uuid) -> Self {
        let (sender, looks) = watch::channel(None);
        let (ask, asked) = mpsc::channel();
        let ownership = Arc::<Mutex<Ownership>>::default();
        let bench = Bench::load(state_dir, boot_id);
        let shared = Arc::clone(&ownership);
        let eyes = Eyes { bench, sender, asked, ownership: shared };
        let begun =
            std::thread::Builder::new().name("gpus".to_owned()).spawn(move || eyes.run(library.as_deref()));
        if let Err(error) = begun {
            tracing::error!(%error, "cannot look at the GPUs");
        }
        Self { looks, ask, ownership }
    }

    /// What was seen last; `None` before the first look.
    #[must_use]
    pub fn latest(&self) -> Option<Arc<Look>> {
        self.looks.borrow().clone()
    }

    /// Waits for the next look. Says whether there will be more.
    pub async fn next(&mut self) -> Option<Arc<Look>> {
        self.looks.changed().await.ok()?;
        self.looks.borrow_and_update().clone()
    }

    /// A look that begins now; `None` where the driver does not answer.
    pub async fn fresh(&self) -> Option<Arc<Look>> {
        let asked_at = Instant::now();
        self.ask.send(()).ok()?;
        let mut looks = self.looks.clone();
        let is_fresh = |look: &Option<Arc<Look>>| look.as_ref().is_some_and(|look| look.taken_at >= asked_at);
        let look = timeout(ANSWER_TIMEOUT, looks.wait_for(is_fresh)).await.ok()?.ok()?;
        look.clone()
    }

    /// Notes which attempts hold GPUs: those whose processes run, or may run soon.
    pub fn note_holders<'a>(&self, holders: impl Iterator<Item = (AttemptId, &'a [String])>) {
        let mut by_gpu: HashMap<String, BTreeSet<AttemptId>> = HashMap::new();
        for (attempt, uuids) in holders {
            for uuid in uuids {
                by_gpu.entry(uuid.clone()).or_default().insert(attempt);
            }
        }
        lock(&self.ownership).holders = by_gpu;
    }

    /// How many attempts hold the GPU.
    #[must_use]
    pub fn holders(&self, uuid: &str) -> usize {
        lock(&self.ownership).holders.get(uuid).map_or(0, BTreeSet::len)
    }

    /// Which of these GPUs are lost, and in what words.
    #[must_use]
    pub fn lost(look: &Look) -> BTreeMap<String, String> {
        let lost = |gpu: &Seen| {
            let fault = gpu.fault.as_ref().filter(|fault| fault.is_lost)?;
            Some((gpu.uuid.clone(), fault.words.clone()))
        };
        look.gpus.iter().filter_map(lost).collect()
    }

    /// Sees to it that nobody else is left on an attempt's GPUs. What was there before may take a moment to go.
    pub async fn hand_over(&self, attempt: AttemptId, uuids: &[String]) -> Result<(), String> {
        let deadline = Instant::now() + HAND_OVER_WAIT;
        loop {
            let obstacle = match self.fresh().await {
                None => uuids.first().map(|uuid| (uuid.clone(), "its driver does not answer".to_owned())),
                Some(look) => {
                    uuids.iter().find_map(|uuid| Some((uuid.clone(), self.obstacle(attempt, uuid, &look)?)))
                }
            };
            let Some((uuid, why)) = obstacle else { return Ok(()) };
            if Instant::now() >= deadline {
                // Said before the attempt ends, so that no other is sent there meanwhile.
                lock(&self.ownership).refused.insert(uuid.clone(), why.clone());
                self.fresh().await;
                return Err(format!("The GPU {uuid} cannot be used: {why}."));
            }
            sleep(HAND_OVER_STEP).await;
        }
    }

    /// Why the GPU cannot be the attempt's, if so. Who shares it with another finds that one's processes there.
    fn obstacle(&self, attempt: AttemptId, uuid: &str, look: &Look) -> Option<String> {
        let Some(gpu) = look.find(uuid) else { return Some("it is not there any more".to_owned()) };
        if let Some(fault) = gpu.fault.as_ref().filter(|fault| fault.is_lost) {
            return Some(fault.words.clone());
        }
        let is_shared = lock(&self.ownership)
            .holders
            .get(uuid)
            .is_some_and(|holders| holders.iter().any(|holder| *holder != attempt));
        if is_shared { None } else { judge::foreign_use(gpu) }
    }
}

/// How many GPUs NVIDIA's driver shows now.
#[must_use]
pub fn nvidia_count(library: Option<&Path>) -> usize {
    nvml::open(library).and_then(|driver| nvml::look(&driver)).map_or(0, |found| found.len())
}

/// Adds AMD's, whose driver is asked without a library.
fn with_amd(mut found: Vec<Seen>) -> Vec<Seen> {
    found.extend(amd::look(Path::new("/")));
    found
}

/// The thread that looks.
struct Eyes {
    bench: Bench,
    sender: watch::Sender<Option<Arc<Look>>>,
    asked: mpsc::Receiver<()>,
    ownership: Arc<Mutex<Ownership>>,
}

impl Eyes {
    fn run(mut self, library: Option<&Path>) {
        loop {
            match nvml::open(library) {
                Ok(driver) => {
                    let mut errors = nvml::Errors::listen(&driver);
                    loop {
                        errors.hear(&mut self.bench);
                        let taken_at = Instant::now();
                        match nvml::look(&driver) {
                            Ok(found) => self.tell(taken_at, Ok(with_amd(found))),
                            Err(error) => {
                                // A driver that was loaded anew wants its library opened anew.
                                tracing::warn!(%error, "the GPU driver does not answer");
                                self.tell(taken_at, Err(error.to_string()));
                                break;
                            }
                        }
                        if !self.rest(LOOK_EVERY) {
                            return;
                        }
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "no NVIDIA GPUs");
                    let taken_at = Instant::now();
                    let found = with_amd(Vec::new());
                    // Without a library, it is the other makers' GPUs that a machine has.
                    self.tell(taken_at, if found.is_empty() { Err(error.to_string()) } else { Ok(found) });
                }
            }
            let pause = if self.bench.is_empty() { LIBRARY_RETRY } else { LOOK_EVERY };
            if !self.rest(pause) {
                return;
            }
        }
    }

    fn tell(&mut self, taken_at: Instant, found: Result<Vec<Seen>, String>) {
        let gpus = {
            let mut ownership = lock(&self.ownership);
            let Ownership { holders, refused } = &mut *ownership;
            self.bench.judge(found, |uuid| holders.contains_key(uuid), refused)
        };
        self.sender.send_replace(Some(Arc::new(Look { taken_at, gpus })));
    }

    /// Waits until the next look is due or somebody asks for one. Says whether anybody is left to look for.
    fn rest(&self, pause: Duration) -> bool {
        match self.asked.recv_timeout(pause) {
            Ok(()) => {
                // One look answers all who asked before it.
                while self.asked.try_recv().is_ok() {}
                true
            }
            Err(mpsc::RecvTimeoutError::Timeout) => true,
            Err(mpsc::RecvTimeoutError::Disconnected) => false,
        }
    }
}
