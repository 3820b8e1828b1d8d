//! The scheduler's shell, and the reaper: the leader's work.
//!
//! The brain is the pure crate `lilac_scheduler`, whose state is kept in memory and follows the database's changes
//! ([`follow`]). Around it: wait for a bell or a timer, take over what changed, plan, and apply the plan in batches,
//! each in one transaction in which the leader's term is checked and every placement is verified again against
//! rows that are locked. The next batch is planned while the last one is committed. The loop takes no input but the
//! database: any bell may be lost, and nothing is lost with it; and all is read anew now and then.

mod apply;
pub mod asked;
mod bookings;
mod deadlines;
mod desk;
mod drain;
mod explained;
mod follow;
pub mod invariants;
mod kept;
pub mod leader;
mod line;
pub mod load;
mod preempt;
pub mod quotas;
pub mod reaper;
mod tell;
mod waits;
mod world;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lilac_api::JobId;
use metrics::{counter, gauge, histogram};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::app::App;
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult};
use crate::retention;

pub use desk::{Desk, Prospect, prospect};
pub use explained::{Explained, explain};
use follow::Mirror;
pub use kept::{Kept, kept};
pub use line::{InTurn, line};
use tell::Telling;
use world::Order;

/// A plan is made at least this often, whether a bell rang or not.
const PLAN_EVERY: Duration = Duration::from_secs(5);
/// Cycles that bells ask for begin this far apart. The first begins at once.
const GATHER_FOR: Duration = Duration::from_millis(10);
/// And so many times as far apart as the last one was long, up to a bound: jobs that stream in leave most of the time
/// to those who store them.
const GATHER_SHARE: u32 = 5;
const GATHER_AT_MOST: Duration = Duration::from_millis(50);
/// How long after a cycle that left work the next one follows.
const AGAIN_AFTER: Duration = Duration::from_millis(20);
/// How long after a failure the leader tries again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Transactions that place jobs at once. The database spends longer on a batch than the planner does.
const FLIGHTS: usize = 2;
/// A cycle with more to do than this takes ends, so that questions get their turn.
const CYCLE: Duration = Duration::from_secs(1);

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
    let mut telling = Telling::default();
    let (mut wait, mut gather) = (Duration::ZERO, GATHER_FOR);
    loop {
        let rang = tokio::select! {
            rang = bells.wait_for(wait, gather, |topic| topic == Topic::Schedule) => rang,
            () = app.draining.cancelled() => return,
        };
        let began = Instant::now();
        // Only the leader plans; another replica looks again when it may have become one.
        wait = match holder.term() {
            None => leader::RENEW_EVERY,
            Some(term) => cycle(&app, term, &mut telling, rang).await.unwrap_or_else(|error| {
                tracing::warn!(error = %error.detail, "planning failed; trying again");
                RETRY_AFTER
            }),
        };
        gather = (began.elapsed() * GATHER_SHARE).clamp(GATHER_FOR, GATHER_AT_MOST);
    }
}

/// One cycle: take over what changed, then plan and apply until nothing is left to place. Says how long to wait for
/// the next when no bell rings.
async fn cycle(app: &Arc<App>, term: leader::Term, telling: &mut Telling, rang: bool) -> ApiResult<Duration> {
    let began = Instant::now();
    let mut desk = app.desk.lock().await;
    let mirror = desk.fresh(app, false).await?;
    let mut done = place_all(app, term, mirror, began).await?;
    let to_tell = Instant::now();
    let tells = !done.has_more && done.refused == 0 && telling.is_time(&mut mirror.world);
    if tells && !mirror.was_surveyed {
        // Nobody is told to lack what a node has that came a moment ago.
        mirror.catch_up(app, true).await?;
        let more = place_all(app, term, mirror, began).await?;
        done = Done { placed: done.placed + more.placed, ..more };
    }
    if !done.has_more && done.refused == 0 {
        preempt::clear_places(app, term, mirror).await?;
    }
    counter!("lilac_scheduler_placements_total").increment(done.placed as u64);
    gauge!("lilac_scheduler_waiting_jobs").set(mirror.world.count_waiting() as f64);
    if done.refused > 0 {
        // Something changed in between: look again soon, and not in a rush where nothing at all could be done.
        return Ok(if done.placed > 0 { AGAIN_AFTER } else { RETRY_AFTER });
    }
    if done.has_more {
        return Ok(Duration::ZERO);
    }
    if tells {
        telling.tell(app, term, &mirror.world, to_tell).await?;
    }
    app.desk.kept.lock().await.note(&mirror.world);
    histogram!("lilac_scheduler_cycle_duration_seconds").record(began.elapsed().as_secs_f64());
    let backoff = mirror.world.wake_in().map(|wait| wait + Duration::from_millis(1));
    // A bell may have rung for a node that was not looked at yet.
    let survey = (rang && !mirror.was_surveyed).then(|| mirror.survey_in());
    let waits = [backoff, survey, telling.due_in()].into_iter().flatten();
    Ok(waits.fold(PLAN_EVERY, Duration::min))
}

/// What a cycle did.
#[derive(Default)]
struct Done {
    placed: usize,
    refused: usize,
    has_more: bool,
}

/// Orders that are being carried out.
struct Flight {
    orders: Arc<[Order]>,
    work: JoinHandle<ApiResult<HashSet<JobId>>>,
}

impl Flight {
    fn start(app: &Arc<App>, term: leader::Term, orders: Vec<Order>, before: &VecDeque<Self>) -> Self {
        let orders: Arc<[Order]> = orders.into();
        let beside: Vec<Arc<[Order]>> = before.iter().map(|flight| flight.orders.clone()).collect();
        let (app, batch) = (app.clone(), orders.clone());
        let work = tokio::spawn(async move { apply::place(&app, term, &batch, &beside).await });
        Self { orders, work }
    }

    /// Waits for the end, and tells the world what came of it: gives the orders that were refused. What failed as a
    /// whole may have been committed all the same: then the job's history tells so, and its epoch keeps it from
    /// being placed a second time.
    async fn land(self, mirror: &mut Mirror, done: &mut Done) -> ApiResult<Vec<Order>> {
        let Ok(result) = self.work.await else {
            mirror.world.is_in_doubt = true;
            return Err(ApiError::internal());
        };
        let placed = result.as_ref().map_or_else(|_| HashSet::new(), Clone::clone);
        let refused: HashSet<JobId> = mirror.world.settle(&self.orders, &placed).into_iter().collect();
        done.placed += placed.len();
        done.refused += refused.len();
        result?;
        Ok(self.orders.iter().filter(|order| refused.contains(&order.job)).cloned().collect())
    }
}

/// Plans and applies in batches. While some are carried out the next is planned, as if all of them succeeded, or more
/// of the waiting jobs are read, where not all are known yet.
async fn place_all(
    app: &Arc<App>,
    term: leader::Term,
    mirror: &mut Mirror,
    began: Instant,
) -> ApiResult<Done> {
    let mut done = Done::default();
    let mut flights: VecDeque<Flight> = VecDeque::with_capacity(FLIGHTS);
    loop {
        let is_late = began.elapsed() > CYCLE;
        let orders = if is_late { Vec::new() } else { mirror.world.plan(apply::BATCH) };
        if !mirror.is_whole()
            && !is_late
            && let Err(error) = mirror.read_on(&app.pool).await
        {
            // What comes of the orders is not waited for.
            mirror.world.is_in_doubt = true;
            return Err(error.into());
        }
        let may_fly_on = if orders.is_empty() { 0 } else { FLIGHTS - 1 };
        let mut refused = Ok(Vec::new());
        while flights.len() > may_fly_on || (!is_clear(&refused) && !flights.is_empty()) {
            let Some(flight) = flights.pop_front() else { break };
            let also = flight.land(mirror, &mut done).await;
            refused = refused.and_then(|refused: Vec<Order>| Ok([refused, also?].concat()));
        }
        if !is_clear(&refused) {
            mirror.world.settle(&orders, &HashSet::new());
            recheck(app, mirror, &refused?).await?;
            return Ok(done);
        }
        if orders.is_empty() && (mirror.is_whole() || is_late) {
            done.has_more = is_late;
            return Ok(done);
        }
        if !orders.is_empty() {
            let flight = Flight::start(app, term, orders, &flights);
            flights.push_back(flight);
        }
    }
}

fn is_clear(refused: &ApiResult<Vec<Order>>) -> bool {
    matches!(refused, Ok(refused) if refused.is_empty())
}

/// Reads again what orders that were refused were about.
async fn recheck(app: &App, mirror: &mut Mirror, refused: &[Order]) -> ApiResult<()> {
    mirror.world.doubt_nodes(refused.iter().flat_map(Order::places).map(|(node, _)| node));
    let jobs: HashSet<Uuid> = refused.iter().map(|order| order.job.0).collect();
    Ok(mirror.recheck(&app.pool, &jobs).await?)
}
