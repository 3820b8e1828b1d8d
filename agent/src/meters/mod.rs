//! What the node and its jobs use: measured every few seconds, handed to the control plane in batches.
//!
//! A measurement is a read of a few files of the kernel's; Docker is asked once for each container, where these
//! are. What is measured are counters that the kernel keeps: an agent that is started anew counts on, and a
//! measurement that is lost or sent twice makes no difference. They go up where logs do, never where leases come
//! from; while the control plane is away, an hour of them is kept.

mod cgroup;
mod exposition;
mod machine;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use chrono::Utc;
use lilac_api::agent::TaskSpec;
use lilac_api::client::{Client, ClientError};
use lilac_api::ids::{AttemptId, JobId};
use lilac_api::metric::{GpuUsage, MAX_SAMPLES, MetricsReport, Sample, TaskUsage, Usage};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use crate::config::Settings;
use crate::docker::{self, Link};
use crate::gpu::{Gpus, Look, Seen};
use crate::sync::Backoff;
use cgroup::Cgroup;

/// How often the node is measured.
const MEASURE_EVERY: Duration = Duration::from_secs(5);
/// Somebody's first measurement does not wait for the next round, but for this long.
const FIRST_AFTER: Duration = Duration::from_millis(500);
/// How many measurements are kept for a control plane that is away: an hour of them. The oldest go first.
const KEPT: usize = 720;
/// How many are gathered for one upload.
const GATHERED: usize = 2;
/// The most nodes and tasks that one upload tells of.
const MAX_ENTRIES: usize = 4_000;
/// How long an upload may take.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(20);

/// A container that is measured.
#[derive(Clone, Debug)]
struct Watched {
    job: JobId,
    rank: u16,
    gpu_uuids: Vec<String>,
    /// None until Docker has said where it is.
    cgroup: Option<Cgroup>,
}

#[derive(Debug, Default)]
struct Store {
    watched: BTreeMap<AttemptId, Watched>,
    waiting: VecDeque<Sample>,
    latest: Option<Sample>,
}

/// What is measured, and what of it was not handed over yet.
#[derive(Clone, Debug)]
pub struct Meters {
    store: Arc<Mutex<Store>>,
    /// Somebody new is to be measured.
    new: Arc<Notify>,
}

impl Meters {
    /// Begins to measure.
    pub async fn start(settings: &Settings, gpus: Gpus, client: Client) -> anyhow::Result<Self> {
        let meters = Self { store: Arc::default(), new: Arc::default() };
        if let Some(address) = settings.metrics_listen {
            let listener = TcpListener::bind(address)
                .await
                .with_context(|| format!("cannot serve metrics on {address} (`metrics_listen`)"))?;
            tokio::spawn(exposition::serve(listener, meters.clone(), settings.name.clone()));
        }
        let filled = Arc::new(Notify::new());
        tokio::spawn(upload(meters.clone(), client, Arc::clone(&filled)));
        tokio::spawn(measure(meters.clone(), gpus, filled));
        Ok(meters)
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Measures an attempt's container from now on, if it is not already.
    pub fn watch(&self, link: &Link, attempt: AttemptId, task: &TaskSpec) {
        {
            let mut store = self.store();
            if store.watched.get(&attempt).is_some_and(|watched| watched.cgroup.is_some()) {
                return;
            }
            let gpu_uuids = task.gpu_uuids.clone();
            let watched = Watched { job: task.job_id, rank: task.rank, gpu_uuids, cgroup: None };
            store.watched.insert(attempt, watched);
        }
        let (meters, link) = (self.clone(), link.clone());
        tokio::spawn(async move {
            let Ok(Some(pid)) = docker::pid(&link, attempt).await else { return };
            match spawn_blocking(move || Cgroup::of(pid)).await {
                Ok(Ok(found)) => {
                    if let Some(watched) = meters.store().watched.get_mut(&attempt) {
                        watched.cgroup = Some(found);
                    }
                    meters.new.notify_one();
                }
                Ok(Err(error)) => tracing::debug!(%attempt, %error, "cannot tell what the container uses"),
                Err(_) => {}
            }
        });
    }

    /// The attempt's container has ended.
    pub fn forget(&self, attempt: AttemptId) {
        self.store().watched.remove(&attempt);
    }

    fn latest(&self) -> (Option<Sample>, BTreeMap<AttemptId, JobId>) {
        let store = self.store();
        let jobs = store.watched.iter().map(|(id, watched)| (*id, watched.job)).collect();
        (store.latest.clone(), jobs)
    }
}

async fn measure(meters: Meters, gpus: Gpus, filled: Arc<Notify>) {
    loop {
        let watched = meters.store().watched.clone();
        let look = gpus.latest();
        let holders = gpus.clone();
        let sample = spawn_blocking(move || {
            let is_shared = |uuid: &str| holders.holders(uuid) > 1;
            sample(&watched, look.as_deref(), is_shared)
        });
        // What panics once will again: then nothing more is measured, and all else goes on.
        let Ok(sample) = sample.await else { return };
        {
            let mut store = meters.store();
            store.latest = Some(sample.clone());
            store.waiting.push_back(sample);
            while store.waiting.len() > KEPT {
                store.waiting.pop_front();
            }
            if store.waiting.len() >= GATHERED {
                filled.notify_one();
            }
        }
        tokio::select! {
            () = sleep(MEASURE_EVERY) => {}
            () = meters.new.notified() => sleep(FIRST_AFTER).await,
        }
    }
}

/// One measurement of everything.
fn sample(
    watched: &BTreeMap<AttemptId, Watched>,
    look: Option<&Look>,
    is_shared: impl Fn(&str) -> bool,
) -> Sample {
    let gpus: &[Seen] = look.map_or(&[], |look| &look.gpus);
    let task = |(attempt_id, watched): (&AttemptId, &Watched)| {
        let cgroup = watched.cgroup.as_ref()?;
        let usage = cgroup.read()?;
        let own = gpus.iter().filter(|gpu| watched.gpu_uuids.contains(&gpu.uuid));
        let parts: Vec<(u32, u64)> = own.map(|gpu| part(gpu, cgroup, is_shared(&gpu.uuid))).collect();
        Some(TaskUsage { attempt_id: *attempt_id, rank: watched.rank, usage: with_gpus(usage, &parts) })
    };
    let whole: Vec<(u32, u64)> = gpus.iter().map(|gpu| (gpu.percent.unwrap_or(0), gpu.used_bytes)).collect();
    Sample {
        at: Utc::now(),
        node: with_gpus(machine::read(), &whole),
        gpus: gpus.iter().map(gpu_usage).collect(),
        tasks: watched.iter().filter_map(task).collect(),
    }
}

/// What a container uses of a GPU, in percent and bytes: all that is used, or where others share it, what its own
/// processes use.
fn part(gpu: &Seen, cgroup: &Cgroup, is_shared: bool) -> (u32, u64) {
    if !is_shared {
        return (gpu.percent.unwrap_or(0), gpu.used_bytes);
    }
    let own = cgroup.own(gpu.processes.iter().map(|process| process.pid));
    let own = gpu.processes.iter().filter(|process| own.contains(&process.pid));
    own.fold((0, 0), |sum, one| (sum.0 + one.percent.unwrap_or(0), sum.1 + one.memory_bytes))
}

fn with_gpus(usage: Usage, parts: &[(u32, u64)]) -> Usage {
    if parts.is_empty() {
        return usage;
    }
    let percent: u32 = parts.iter().map(|(percent, _)| percent).sum();
    let bytes = parts.iter().map(|(_, bytes)| bytes).sum();
    Usage { gpu_milli: Some(percent.saturating_mul(10)), gpu_memory_bytes: Some(bytes), ..usage }
}

fn gpu_usage(gpu: &Seen) -> GpuUsage {
    GpuUsage {
        index: gpu.index,
        percent: gpu.percent,
        memory_bytes: gpu.used_bytes,
        temperature: gpu.temperature,
        milliwatts: gpu.milliwatts,
    }
}

/// The oldest, as many as one report may hold.
fn next_batch(waiting: &VecDeque<Sample>) -> Vec<Sample> {
    let mut entries = 0;
    let fits = |sample: &&Sample| {
        entries += 1 + sample.tasks.len();
        // One always fits: a node does not run that many.
        entries <= MAX_ENTRIES || entries == 1 + sample.tasks.len()
    };
    waiting.iter().take(MAX_SAMPLES).take_while(fits).cloned().collect()
}

async fn upload(meters: Meters, client: Client, filled: Arc<Notify>) {
    let mut backoff = Backoff::default();
    loop {
        let samples = next_batch(&meters.store().waiting);
        if samples.len() < GATHERED {
            filled.notified().await;
            continue;
        }
        let last = samples.last().map(|sample| sample.at);
        let answer = timeout(UPLOAD_TIMEOUT, client.put_metrics(&MetricsReport { samples })).await;
        match answer {
            Ok(Ok(())) => backoff.reset(),
            // Sent again, they would be refused again: by a control plane that does not know of them, for example.
            Ok(Err(error @ ClientError::Refused(_))) if !error.is_transient() => {
                tracing::debug!(%error, "the control plane does not take measurements");
                backoff.reset();
            }
            _ => {
                sleep(backoff.pause()).await;
                continue;
            }
        }
        let mut store = meters.store();
        while store.waiting.front().is_some_and(|sample| Some(sample.at) <= last) {
            store.waiting.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_measured_with_its_gpus() {
        let seen = Seen { index: 1, used_bytes: 7, percent: Some(50), ..Seen::default() };
        let look = Look { taken_at: tokio::time::Instant::now(), gpus: vec![seen.clone(), seen] };
        let sample = sample(&BTreeMap::new(), Some(&look), |_| false);
        assert_eq!((sample.node.gpu_milli, sample.node.gpu_memory_bytes), (Some(1_000), Some(14)));
        assert_eq!((sample.gpus.len(), sample.gpus[0].index), (2, 1));
        assert!(sample.node.cpu_micros > 0);
    }

    #[test]
    fn a_container_is_measured_once_it_is_found() {
        let cgroup = Cgroup::of(std::process::id()).unwrap();
        let readable = cgroup.read().is_some();
        let one = |cgroup| Watched { job: JobId::new(), rank: 3, gpu_uuids: vec!["a".into()], cgroup };
        let watched = BTreeMap::from([(AttemptId::new(), one(Some(cgroup))), (AttemptId::new(), one(None))]);
        let seen = Seen { uuid: "a".into(), used_bytes: 9, percent: Some(30), ..Seen::default() };
        let look = Look { taken_at: tokio::time::Instant::now(), gpus: vec![seen] };
        let tasks = sample(&watched, Some(&look), |_| false).tasks;
        // A sandbox may hide its own counters.
        assert_eq!(tasks.len(), usize::from(readable));
        assert!(
            tasks.iter().all(|task| task.rank == 3 && task.usage.gpu_memory_bytes == Some(9)),
            "{tasks:?}"
        );
        // Where others share it, only its own processes count.
        let tasks = sample(&watched, Some(&look), |_| true).tasks;
        assert!(tasks.iter().all(|task| task.usage.gpu_memory_bytes == Some(0)), "{tasks:?}");
    }
}
