//! The scheduler's shell, and the reaper: the leader's work.
//!
//! The brain is the pure crate `lilac_scheduler`. Around it: wait for a bell or a timer, read what waits and
//! what is free, plan, and apply the plan in one transaction in which the leader's term is checked and every
//! placement is verified again against rows that are locked. The loop takes no input but the database: any
//! bell may be lost, and nothing is lost with it.

mod apply;
mod deadlines;
mod drain;
pub mod invariants;
pub mod leader;
pub mod load;
pub mod quotas;
pub mod reaper;
mod waits;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lilac_api::job::Reason;
use lilac_api::spec::JobSpec;
use lilac_api::{JobId, UserId};
use metrics::{counter, gauge, histogram};
use sqlx::postgres::PgPool;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::bell::Topic;
use crate::error::ApiResult;
use crate::queue::admission::Ticket;
use crate::retention;

/// A plan is made at least this often, whether a bell rang or not.
const PLAN_EVERY: Duration = Duration::from_secs(5);
/// Words that tell a job why it waits are renewed at most this often while the reason stays the same.
const WORDS_EVERY: Duration = Duration::from_secs(10);
/// How long after a cycle that left work the next one follows.
const AGAIN_AFTER: Duration = Duration::from_millis(20);
/// How long after a failure the leader tries again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The leader's work in the background.
pub struct Background {
    tasks: Vec<JoinHandle<()>>,
}

impl Background {
    /// Waits until the work has ended, after the application was told to stop.
    pub async fn stop(self) {
        for task in self.tasks {
            // A task that panicked has logged it.
            let _ = task.await;
        }
    }
}

/// Starts scheduling and reaping. Each replica tries; the leader does.
pub fn start(app: Arc<App>) -> Background {
    let holder = leader::Holder::new();
    let tasks = vec![
        tokio::spawn(leader::hold(app.clone(), holder.clone())),
        tokio::spawn(run(app.clone(), holder.clone())),
        tokio::spawn(deadlines::run(app.clone(), holder.clone())),
        tokio::spawn(reaper::run(app.clone(), holder.clone())),
        tokio::spawn(waits::run(app.clone(), holder.clone())),
        tokio::spawn(crate::blob::sweep::run(app.clone(), holder.clone())),
        tokio::spawn(crate::hook::run(app.clone())),
        tokio::spawn(retention::run(app, holder)),
    ];
    Background { tasks }
}

async fn run(app: Arc<App>, holder: leader::Holder) {
    let mut bells = app.bell.listen();
    let mut noted = Noted::default();
    let mut wait = Duration::ZERO;
    loop {
        tokio::select! {
            _ = bells.wait_for(wait, |topic| topic == Topic::Schedule) => {}
            () = app.draining.cancelled() => return,
        }
        // Only the leader plans; another replica looks again when it may have become one.
        wait = match holder.term() {
            None => leader::RENEW_EVERY,
            Some(term) => cycle(&app, term, &mut noted).await.unwrap_or_else(|error| {
                tracing::warn!(error = %error.detail, "planning failed; trying again");
                RETRY_AFTER
            }),
        };
    }
}

/// The plan that would be made now, were this job among those that wait.
pub async fn plan_with(
    pool: &PgPool,
    id: JobId,
    spec: &JobSpec,
    ticket: Ticket,
    owner: UserId,
) -> Result<(load::Loaded, lilac_scheduler::Plan), sqlx::Error> {
    let mut loaded = load::load(pool).await?;
    load::add_job(pool, &mut loaded, id, spec, ticket, owner).await?;
    let plan = lilac_scheduler::plan(&loaded.snapshot, loaded.now_ms);
    Ok((loaded, plan))
}

/// When a waiting job was last told why.
#[derive(Default)]
struct Noted(HashMap<JobId, (Reason, Instant)>);

impl Noted {
    /// Whether to tell a job again: its reason is another, or the words may be stale.
    fn is_due(&self, job: JobId, reason: Reason, now: Instant) -> bool {
        self.0.get(&job).is_none_or(|(told, at)| *told != reason || now.duration_since(*at) >= WORDS_EVERY)
    }
}

/// One cycle: load, plan, apply. Says how long to wait for the next when no bell rings.
async fn cycle(app: &App, term: leader::Term, noted: &mut Noted) -> ApiResult<Duration> {
    let began = Instant::now();
    let loaded = load::load(&app.pool).await?;
    let plan = lilac_scheduler::plan(&loaded.snapshot, loaded.now_ms);
    let applied = apply::placements(app, term, &loaded, &plan).await?;
    counter!("lilac_scheduler_placements_total").increment(applied as u64);
    gauge!("lilac_scheduler_waiting_jobs").set(plan.waiting.len() as f64);
    let now = Instant::now();
    let due: Vec<_> = plan.waiting.iter().filter(|one| noted.is_due(one.job, one.reason, now)).collect();
    apply::reasons(app, term, &loaded, &due).await?;
    for one in due {
        noted.0.insert(one.job, (one.reason, now));
    }
    histogram!("lilac_scheduler_cycle_duration_seconds").record(began.elapsed().as_secs_f64());
    let still_waiting: std::collections::HashSet<JobId> = plan.waiting.iter().map(|one| one.job).collect();
    noted.0.retain(|job, _| still_waiting.contains(job));
    if applied < plan.placements.len() || loaded.has_more && applied > 0 {
        // Something changed in between, or there is more than one cycle takes: look again soon, and not in a
        // rush where nothing at all could be done.
        return Ok(if applied > 0 { AGAIN_AFTER } else { RETRY_AFTER });
    }
    let backoff = plan.wake_at_ms.map(|at| u64::try_from(at - loaded.now_ms).unwrap_or_default());
    Ok(backoff.map_or(PLAN_EVERY, |millis| Duration::from_millis(millis + 1).min(PLAN_EVERY)))
}
