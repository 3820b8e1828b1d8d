//! Jobs as processes of the node, for machines without Docker.
//!
//! A job's process is what its container would be, less the image: `lilac-init` is the first process of a pid namespace
//! of its own, with the same lease and the same spool at the same paths, in a cgroup of its own. So all promises hold by
//! the same means: the kernel ends everything when the init ends, and the init ends with its lease, whoever else is
//! dead. What a process is not: kept from the node's files, from other processes' sockets, or from devices; so it never
//! runs as root, and only queues that trust their users let it in.
//!
//! Nothing remembers the processes but the kernel. They are found by what nobody else can be: the first of a namespace
//! below this one, running the very file that this agent unpacked.

mod limits;
mod start;

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use lilac_api::agent::Supplies;
use lilac_api::ids::AttemptId;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::core::{Event, Exit, Failure, Listed, Sight};
use crate::docker::{Order, container_name};
use crate::{clock, journal, last_resort, lease, log_spool};
use limits::Limits;
use start::Plan;
pub use start::check_node;

/// How often it is looked whether a process is still there.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often all of them are told, as Docker lists its containers.
const LIST_EVERY: Duration = Duration::from_secs(60);
/// How long a process may take to become a job's init.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the kernel may take to end what was killed.
const ENDING: Duration = Duration::from_secs(10);

/// The node's processes. Clones share them.
#[derive(Clone, Debug)]
pub struct Local {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    state_dir: PathBuf,
    run_dir: PathBuf,
    boot_id: Uuid,
    jobs: Mutex<HashMap<AttemptId, Job>>,
}

/// What this run of the agent knows of one attempt's process.
#[derive(Debug, Default)]
struct Job {
    /// What is to be started; secrets are in it, so no disk holds it.
    plan: Option<Plan>,
    /// What was started by this run of the agent, to be buried by it.
    child: Option<Child>,
    /// The init, while it was there at the last look.
    pid: Option<i32>,
}

impl Local {
    /// Fails where the node cannot run processes as they must be run.
    pub fn new(state_dir: PathBuf, run_dir: PathBuf, boot_id: Uuid) -> anyhow::Result<Self> {
        start::prepare_node()?;
        Ok(Self { inner: Arc::new(Inner { state_dir, run_dir, boot_id, jobs: Mutex::default() }) })
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<AttemptId, Job>> {
        self.inner.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spool(&self, attempt: AttemptId) -> PathBuf {
        journal::log_path(&self.inner.state_dir, attempt)
    }

    fn created_mark(&self, attempt: AttemptId) -> PathBuf {
        journal::folder(&self.inner.state_dir, attempt).join("created")
    }

    /// Makes ready what [`Local::start`] starts.
    pub fn create(&self, order: &Order<'_>, supplies: &Supplies) -> Result<(), Failure> {
        let plan = Plan::new(order, supplies).map_err(Failure::Refused)?;
        self.jobs().entry(order.attempt).or_default().plan = Some(plan);
        Ok(())
    }

    /// Starts the attempt's process, and waits until its init is there.
    pub async fn start(&self, attempt: AttemptId) -> Result<(), Failure> {
        let spool = self.spool(attempt);
        let plan = self.jobs().get_mut(&attempt).and_then(|job| job.plan.take());
        let Some(plan) = plan else {
            let is_there = self.find(attempt).is_some() || log_spool::has_begun(&spool);
            let unclear = || Failure::Unclear("nothing was made ready for it".to_owned());
            return if is_there { Ok(()) } else { Err(unclear()) };
        };
        let errors = journal::folder(&self.inner.state_dir, attempt).join("start-errors");
        let limits = Limits::make(attempt, &plan.wants);
        let child = plan.spawn(&limits, &errors).map_err(|error| Failure::Refused(error.to_string()))?;
        self.jobs().entry(attempt).or_default().child = Some(child);
        let start_by = Instant::now() + START_TIMEOUT;
        loop {
            let has_ended = match self.jobs().get_mut(&attempt).and_then(|job| job.child.as_mut()) {
                Some(child) => !matches!(child.try_wait(), Ok(None)),
                None => true,
            };
            if log_spool::has_begun(&spool) {
                return Ok(());
            }
            if has_ended {
                let words = std::fs::read_to_string(&errors).unwrap_or_default();
                return Err(Failure::Refused(format!("The process could not be started: {}", words.trim())));
            }
            if Instant::now() > start_by {
                return Err(Failure::Unclear("its process does not come up".to_owned()));
            }
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// How the attempt's process stands.
    pub fn look(&self, attempt: AttemptId) -> Sight {
        if self.find(attempt).is_some() {
            return Sight::Running { started_at: self.started_at(attempt).unwrap_or_else(Utc::now) };
        }
        let is_ready = self.jobs().get(&attempt).is_some_and(|job| job.plan.is_some());
        if is_ready {
            return Sight::Created;
        }
        if !log_spool::has_begun(&self.spool(attempt)) && self.created_mark(attempt).exists() {
            // An earlier run of the agent may have started what does not show yet. Without a lease that ends before
            // it does anything; what had read its lease before shows by now.
            let _ = lease::write(&self.inner.run_dir, attempt, self.inner.boot_id, 0);
            if self.find(attempt).is_some() {
                return Sight::Running { started_at: Utc::now() };
            }
        }
        if !log_spool::has_begun(&self.spool(attempt)) {
            return Sight::Missing;
        }
        // Its init's last frame sets this right, where it came to write one.
        Sight::Exited(Exit {
            code: 137,
            oom_killed: limits::killed_for_memory(attempt),
            started_at: self.started_at(attempt),
            finished_at: Utc::now(),
        })
    }

    /// The mark is made just before the start.
    fn started_at(&self, attempt: AttemptId) -> Option<DateTime<Utc>> {
        self.created_mark(attempt).metadata().and_then(|mark| mark.modified()).ok().map(DateTime::from)
    }

    /// The attempt's init, by the node's count.
    pub fn find(&self, attempt: AttemptId) -> Option<i32> {
        let known = self.jobs().get(&attempt).and_then(|job| job.pid);
        let known = known.filter(|pid| last_resort::is_init_of(&self.inner.state_dir, *pid, attempt));
        let found = known.or_else(|| last_resort::find(&self.inner.state_dir, attempt).ok().flatten());
        let mut jobs = self.jobs();
        match jobs.get_mut(&attempt) {
            Some(job) => job.pid = found,
            None if found.is_some() => drop(jobs.insert(attempt, Job { pid: found, ..Job::default() })),
            None => {}
        }
        found
    }

    /// Sends a signal, by its name or number, to the attempt's init. One that is not there needs none.
    pub fn signal(&self, attempt: AttemptId, signal: &str) {
        let Some(pid) = self.find(attempt) else { return };
        // The orders to an init are real-time signals, for which only the shell's own `kill` has words.
        let name = signal.strip_prefix("SIG").unwrap_or(signal);
        let _ = Command::new("/bin/sh")
            .args(["-c", "kill -s \"$0\" \"$1\" 2>/dev/null || kill -\"$0\" \"$1\"", name, &pid.to_string()])
            .stderr(Stdio::null())
            .status();
    }

    /// All that there are.
    pub fn list(&self) -> Vec<Listed> {
        let running = last_resort::all(&self.inner.state_dir).unwrap_or_default();
        let listed = |attempt: AttemptId, running| Listed {
            container: container_name(attempt),
            attempt: Some(attempt),
            running,
        };
        let ready: Vec<AttemptId> = self
            .jobs()
            .iter()
            .filter(|(id, job)| job.plan.is_some() && !running.contains(id))
            .map(|(id, _)| *id)
            .collect();
        let running = running.into_iter().map(|id| listed(id, true));
        running.chain(ready.into_iter().map(|id| listed(id, false))).collect()
    }

    /// Ends a process and all that is known of it, by the name of the container that it would be.
    pub async fn remove(&self, name: &str) {
        let Some(attempt) = name.strip_prefix("lilac-").and_then(|id| id.parse().ok()) else { return };
        let gone_by = Instant::now() + ENDING;
        while self.find(attempt).is_some() && Instant::now() < gone_by {
            self.signal(attempt, "SIGKILL");
            sleep(LOOK_EVERY).await;
        }
        let job = self.jobs().remove(&attempt);
        if let Some(mut child) = job.and_then(|job| job.child) {
            let _ = child.kill();
            let _ = child.wait();
        }
        limits::remove(attempt);
    }

    /// Buries the dead, and names those that were there at the last look and are no more.
    fn ended(&self) -> Vec<AttemptId> {
        let mut ended = Vec::new();
        for (id, job) in self.jobs().iter_mut() {
            if let Some(child) = &mut job.child
                && !matches!(child.try_wait(), Ok(None))
            {
                job.child = None;
                ended.push(*id);
            }
            let is_gone = |pid: &i32| !last_resort::is_init_of(&self.inner.state_dir, *pid, *id);
            if job.pid.as_ref().is_some_and(is_gone) {
                job.pid = None;
                ended.push(*id);
            }
        }
        ended.dedup();
        ended
    }
}

/// Tells of the processes, as Docker tells of its containers, until nobody listens any more.
pub async fn watch(local: Local, events: mpsc::Sender<Event>) {
    let mut list_at = Instant::now();
    loop {
        if Instant::now() >= list_at {
            list_at = Instant::now() + LIST_EVERY;
            let taken_at = clock::boot_ms();
            let up = Event::DockerUp { version: VERSION.to_owned(), taken_at, containers: local.list() };
            if events.send(up).await.is_err() {
                return;
            }
        }
        for attempt in local.ended() {
            if events.send(Event::Died(attempt)).await.is_err() {
                return;
            }
        }
        sleep(LOOK_EVERY).await;
    }
}

/// What such a node says in place of Docker's version.
const VERSION: &str = "processes";
