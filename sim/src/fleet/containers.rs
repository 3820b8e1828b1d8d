//! Played containers: what the agent's hands do is done at once, and the code in them takes its seeded time.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use lilac_agent::clock;
use lilac_agent::core::{Action, Event, Exit, Sight};
use lilac_api::spec::Signal;
use lilac_api::{AttemptId, JobId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::Instant;

/// A job takes no longer than so many times the mean.
const LONGEST: f64 = 6.0;

pub(super) struct Containers {
    seed: u64,
    mean_secs: u64,
    all: HashMap<AttemptId, Container>,
}

struct Container {
    job: JobId,
    standing: Standing,
}

enum Standing {
    Created,
    Running { started_at: DateTime<Utc>, ends_at: Instant },
    Exited(Exit),
}

impl Containers {
    pub(super) fn new(seed: u64, mean_secs: u64) -> Self {
        Self { seed, mean_secs, all: HashMap::new() }
    }

    pub(super) fn next_end(&self) -> Option<Instant> {
        let ends = self.all.values().filter_map(|container| match container.standing {
            Standing::Running { ends_at, .. } => Some(ends_at),
            _ => None,
        });
        ends.min()
    }

    pub(super) fn end_what_is_done(&mut self) -> Vec<Event> {
        let now = Instant::now();
        let is_done = |container: &Container| matches!(container.standing, Standing::Running { ends_at, .. } if ends_at <= now);
        let done: Vec<AttemptId> =
            self.all.iter().filter(|(_, container)| is_done(container)).map(|(id, _)| *id).collect();
        done.into_iter().filter_map(|id| self.exit(id, 0)).collect()
    }

    fn exit(&mut self, id: AttemptId, code: i32) -> Option<Event> {
        let container = self.all.get_mut(&id)?;
        let Standing::Running { started_at, .. } = container.standing else { return None };
        let exit =
            Exit { code, oom_killed: false, started_at: Some(started_at), finished_at: clock::now().wall };
        container.standing = Standing::Exited(exit);
        Some(Event::Died(id))
    }

    /// What comes of an action.
    pub(super) fn carry_out(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::SaveIntent(id) => Some(Event::IntentSaved(id)),
            Action::Create(id, task) => {
                self.all.insert(id, Container { job: task.job_id, standing: Standing::Created });
                Some(Event::Created(id))
            }
            Action::Start(id) => {
                let (seed, mean_secs) = (self.seed, self.mean_secs);
                let container = self.all.get_mut(&id)?;
                let takes = takes(seed, container.job, mean_secs);
                let started_at = clock::now().wall;
                container.standing = Standing::Running { started_at, ends_at: Instant::now() + takes };
                Some(Event::Started(id))
            }
            Action::Look(id) => {
                let sight = self.all.get(&id).map_or(Sight::Missing, Container::sight);
                Some(Event::Seen { attempt: id, taken_at: clock::boot_ms(), sight })
            }
            Action::Signal(id, signal) => self.exit(id, if signal == Signal::SigKill { 137 } else { 143 }),
            Action::Conclude(id, _, draft) => Some(Event::Concluded(id, draft.with_log(0))),
            Action::Drop(id) => {
                self.all.remove(&id);
                Some(Event::Dropped(id))
            }
            Action::Reap(container) => Some(Event::Reaped(container)),
            // There is no disk, no log and no pull; and the agent itself minds the leases.
            _ => None,
        }
    }
}

impl Container {
    fn sight(&self) -> Sight {
        match &self.standing {
            Standing::Created => Sight::Created,
            Standing::Running { started_at, .. } => Sight::Running { started_at: *started_at },
            Standing::Exited(exit) => Sight::Exited(exit.clone()),
        }
    }
}

/// How long a job takes: the same for a seed wherever it runs.
fn takes(seed: u64, job: JobId, mean_secs: u64) -> Duration {
    let number = job.0.as_u128();
    let mut random = StdRng::seed_from_u64(seed ^ (number as u64) ^ ((number >> 64) as u64));
    let times = -(1.0 - random.random::<f64>()).ln();
    Duration::from_secs(mean_secs).mul_f64(times.min(LONGEST))
}
