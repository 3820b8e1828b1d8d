//! Submissions that arrive while a transaction is under way wait for its end, and are then stored together in
//! the next one. A commit costs a write to the disk whatever is in it: under load the group grows with the
//! number of callers, and a single caller waits for nobody.
//!
//! Most jobs name nothing that must be looked up, and go to a queue that their caller met a moment ago: those
//! are one statement, which stores them only if the queue's rules are still the ones that let them in. All else,
//! and whoever the statement turned away, takes the long way: a transaction that reads first.
//!
//! A refused job is answered by itself and does not touch the others. Should the group's transaction fail as a
//! whole, each of its jobs gets one of its own, so that the one at fault fails alone.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use futures::FutureExt;
use lilac_api::job::Job;
use lilac_api::spec::JobSpec;
use lilac_api::{JobId, UserId};
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPool;
use sqlx::{PgConnection, Postgres};
use tokio::sync::oneshot;

use super::needs::{self, Dependent, Need};
use super::submit::{Admitted, as_stored, earlier};
use super::transitions::{self, NewJob};
use crate::auth::caller::Caller;
use crate::db;
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::queue::admission::{self, Door, Ticket};
use crate::secret::references;

/// Submissions that wait for their turn. Beyond, callers are told to come back.
const MAX_WAITING: usize = 8192;
/// The most jobs that one transaction takes.
const MAX_GROUP: usize = 512;
/// Groups that are under way at once.
const AT_ONCE: u32 = 2;

/// How long a queue is remembered as its caller met it. Its rules are checked by their version all the same; who
/// may submit is not.
const REMEMBERED_FOR: Duration = Duration::from_secs(2);
/// Beyond it all are forgotten, and read again when they come back.
const MAX_REMEMBERED: usize = 4096;

/// A job, and whether it is new.
pub type Stored = (Job, bool);

/// One checked job on its way in.
pub struct Submission {
    pub caller: Caller,
    pub spec: JobSpec,
    pub key: Option<String>,
    pub body_hash: Vec<u8>,
    pub rerun_of: Option<JobId>,
}

struct Waiting {
    submission: Submission,
    reply: oneshot::Sender<ApiResult<Stored>>,
}

/// The way in for single jobs.
pub struct Committer(Arc<Inner>);

struct Inner {
    pool: PgPool,
    met: Met,
    waiting: Mutex<VecDeque<Waiting>>,
    /// Where the connections of the one statement come from.
    own: PgPool,
    /// The turns that nobody has.
    free: Mutex<Vec<Held>>,
}

/// The connection that was stored by last, and when. Between groups that follow each other it is kept: to give it
/// back to the pool and take it out again costs two more round trips.
type Held = Option<(PoolConnection<Postgres>, Instant)>;

/// The right to commit one group.
struct Turn {
    inner: Arc<Inner>,
    held: Held,
}

impl Committer {
    pub fn new(pool: PgPool) -> Self {
        let own = db::planned_once(&pool, AT_ONCE);
        let free = Mutex::new((0..AT_ONCE).map(|_| None).collect());
        Self(Arc::new(Inner { pool, own, free, met: Met::default(), waiting: Mutex::default() }))
    }

    /// Stores a job, in a transaction that it may share with others. When this answers, it is stored for good.
    ///
    /// Where a turn is free the caller does the work itself, which spares it two changes of hands. It commits one
    /// group at most: what came meanwhile is another task's work.
    pub async fn submit(&self, submission: Submission) -> ApiResult<Stored> {
        let (reply, answer) = oneshot::channel();
        self.0.enter(Waiting { submission, reply })?;
        if let Some(mut turn) = self.0.take_turn() {
            turn.commit_next().await;
        }
        // It went with the task that held it: a defect, which is logged where it happened.
        answer.await.map_err(|_| ApiError::internal())?
    }
}

impl Inner {
    fn enter(&self, one: Waiting) -> ApiResult<()> {
        let mut waiting = lock(&self.waiting);
        if waiting.len() >= MAX_WAITING {
            let detail = "more jobs are being submitted than can be stored; nothing was stored";
            return Err(ApiError::unavailable(detail));
        }
        waiting.push_back(one);
        Ok(())
    }

    /// A turn to commit, where something waits and fewer than may are at it.
    fn take_turn(self: &Arc<Self>) -> Option<Turn> {
        if lock(&self.waiting).is_empty() {
            return None;
        }
        let held = lock(&self.free).pop()?;
        Some(Turn { inner: self.clone(), held })
    }
}

impl Turn {
    /// Commits the first of what waits, as one group.
    async fn commit_next(&mut self) {
        let group: Vec<Waiting> = {
            let mut waiting = lock(&self.inner.waiting);
            let take = waiting.len().min(MAX_GROUP);
            waiting.drain(..take).collect()
        };
        // A panic ends one group and not the way in.
        let work = AssertUnwindSafe(commit(self, group)).catch_unwind();
        if work.await.is_err() {
            tracing::error!("storing a group of jobs died");
        }
    }

    async fn submit(&mut self, jobs: &[NewJob<'_>]) -> Result<HashMap<JobId, DateTime<Utc>>, sqlx::Error> {
        let held = self.held.take().filter(|(_, used)| used.elapsed() < db::TRUSTED_FOR);
        let mut connection = match held {
            Some((connection, _)) => connection,
            None => self.inner.own.acquire().await?,
        };
        let stored = transitions::submit(&mut connection, jobs).await?;
        self.held = Some((connection, Instant::now()));
        Ok(stored)
    }
}

/// However a turn ends, the next one is for what waits by then.
impl Drop for Turn {
    fn drop(&mut self) {
        lock(&self.inner.free).push(self.held.take());
        // Looked at after the turn was given back: whoever came before that found none, and is seen here.
        if let Some(mut next) = self.inner.take_turn() {
            tokio::spawn(async move { next.commit_next().await });
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn commit(turn: &mut Turn, group: Vec<Waiting>) {
    let inner = turn.inner.clone();
    let Inner { pool, met, .. } = &*inner;
    let (submissions, replies): (Vec<Submission>, Vec<_>) =
        group.into_iter().map(|waiting| (waiting.submission, waiting.reply)).unzip();
    let at_once = store_at_once(turn, &submissions, met).await;
    let (mut others, mut waiting) = (Vec::new(), Vec::new());
    for ((submission, reply), answer) in submissions.into_iter().zip(replies).zip(at_once) {
        match answer {
            // Whoever hung up is not told; the job is stored all the same.
            Some(answer) => drop(reply.send(answer)),
            None => {
                others.push(submission);
                waiting.push(reply);
            }
        }
    }
    if others.is_empty() {
        return;
    }
    let answers = match store(pool, &others, met).await {
        Ok(answers) => answers,
        Err(error) if others.len() == 1 || error.status == StatusCode::SERVICE_UNAVAILABLE => {
            others.iter().map(|_| Err(error.clone())).collect()
        }
        Err(_) => {
            let mut answers = Vec::with_capacity(others.len());
            for submission in &others {
                let alone = store(pool, std::slice::from_ref(submission), met).await;
                answers
                    .push(alone.and_then(|mut one| one.pop().unwrap_or_else(|| Err(ApiError::internal()))));
            }
            answers
        }
    };
    for (reply, answer) in waiting.into_iter().zip(answers) {
        let _ = reply.send(answer);
    }
}

/// Stores by one statement what needs no reading first. Leaves out what does, and what the statement turned
/// away: its queue has changed, or its key was used before.
async fn store_at_once(turn: &mut Turn, group: &[Submission], met: &Met) -> Vec<Option<ApiResult<Stored>>> {
    let mut answers: Vec<Option<ApiResult<Stored>>> = group.iter().map(|_| None).collect();
    let mut admitted: Vec<(usize, Arc<Door>, Admitted)> = Vec::with_capacity(group.len());
    for (position, submission) in group.iter().enumerate() {
        let Some(door) =
            met.door(submission).filter(|door| names_nothing(&submission.spec) && !door.counts())
        else {
            continue;
        };
        // What these rules refuse may be fine by fresh ones.
        if let Ok(one) = Admitted::through(&door, submission.spec.clone()) {
            admitted.push((position, door, one));
        }
    }
    if admitted.is_empty() {
        return answers;
    }
    let actors: Vec<String> = admitted.iter().map(|(position, ..)| group[*position].caller.actor()).collect();
    let new = new_jobs(admitted.iter().map(|(position, _, one)| (*position, one)), group, &actors);
    match turn.submit(&new).await.map_err(ApiError::from) {
        Ok(stored) => {
            for ((position, door, one), new) in admitted.iter().zip(&new) {
                let username = &group[*position].caller.username;
                let at = stored.get(&one.id);
                answers[*position] =
                    at.map(|at| Ok((as_stored(new, *at, &door.name, &one.team, username), true)));
            }
        }
        // Whether it was stored is not known: to store it again might be twice.
        Err(error) if error.status == StatusCode::SERVICE_UNAVAILABLE => {
            for (position, ..) in &admitted {
                answers[*position] = Some(Err(error.clone()));
            }
        }
        // The database refused the statement, so nothing is stored: one by one it says what is wrong with whom.
        Err(_) => {}
    }
    answers
}

/// Whether nothing that a job names must be looked up when it is submitted.
fn names_nothing(spec: &JobSpec) -> bool {
    spec.needs.is_empty()
        && spec.secrets.is_empty()
        && spec.volumes.is_empty()
        && spec.pull.secret.is_none()
        && spec.notify.is_empty()
}

fn new_jobs<'a>(
    admitted: impl Iterator<Item = (usize, &'a Admitted)>,
    group: &'a [Submission],
    actors: &'a [String],
) -> Vec<NewJob<'a>> {
    let new = admitted.zip(actors).map(|((position, one), actor)| {
        let Submission { caller, key, body_hash, rerun_of, .. } = &group[position];
        one.new_job(caller, actor, key.as_deref(), body_hash, *rerun_of)
    });
    new.collect()
}

/// Stores a group in one transaction. Fails as a whole only where the database does, or where a queue that
/// bounds how many may wait is full.
async fn store(pool: &PgPool, group: &[Submission], met: &Met) -> ApiResult<Vec<ApiResult<Stored>>> {
    let mut tx = pool.begin().await?;
    let doors = Doors::open(&mut tx, group).await?;
    let mut answers: Vec<Option<ApiResult<Stored>>> = group.iter().map(|_| None).collect();
    let mut admitted: Vec<(usize, &Arc<Door>, Admitted)> = Vec::with_capacity(group.len());
    for (position, submission) in group.iter().enumerate() {
        match admit(&mut tx, &doors, submission).await {
            Ok((door, one)) => admitted.push((position, door, one)),
            Err(error) if error.status.is_server_error() => return Err(error),
            Err(refused) => answers[position] = Some(again(&mut tx, submission, Some(refused)).await),
        }
    }
    let actors: Vec<String> = admitted.iter().map(|(position, ..)| group[*position].caller.actor()).collect();
    let new = new_jobs(admitted.iter().map(|(position, _, one)| (*position, one)), group, &actors);
    let stored = if new.is_empty() { HashMap::new() } else { transitions::submit(&mut tx, &new).await? };
    let waits: Vec<(Dependent, &[Need])> = admitted
        .iter()
        .filter(|(_, _, one)| stored.contains_key(&one.id))
        .map(|(_, _, one)| (Dependent::Job(one.id), one.needs.as_slice()))
        .collect();
    needs::store(&mut tx, &waits).await?;
    for ((position, door, one), new) in admitted.iter().zip(&new) {
        let submission = &group[*position];
        answers[*position] = Some(match stored.get(&one.id) {
            Some(at) => {
                door.check_room(&mut tx, submission.caller.user_id, 1).await?;
                Ok((as_stored(new, *at, &door.name, &one.team, &submission.caller.username), true))
            }
            None => again(&mut tx, submission, None).await,
        });
    }
    tx.commit().await?;
    met.remember(admitted.iter().map(|(position, door, _)| (&group[*position], *door)));
    Ok(answers.into_iter().map(|answer| answer.unwrap_or_else(|| Err(ApiError::internal()))).collect())
}

/// What the same key made before. What is refused today may have been let in then, and stays so.
async fn again(
    conn: &mut PgConnection,
    submission: &Submission,
    refused: Option<ApiError>,
) -> ApiResult<Stored> {
    let Submission { caller, key, body_hash, .. } = submission;
    match earlier(conn, caller, key.as_deref(), body_hash).await? {
        Some(job) => Ok((job, false)),
        None => Err(refused.unwrap_or_else(gone)),
    }
}

/// What a job names was there when it was let in, and not when it was stored.
pub(super) fn gone() -> ApiError {
    ApiError::conflict("the user, the team or the queue of this job was deleted just now")
}

/// Lets one job into its queue and finds what it waits for.
async fn admit<'d>(
    conn: &mut PgConnection,
    doors: &'d Doors,
    submission: &Submission,
) -> ApiResult<(&'d Arc<Door>, Admitted)> {
    let door = doors.of(&submission.caller, &submission.spec.queue)?;
    let mut one = Admitted::through(door, submission.spec.clone()).map_err(ApiError::invalid)?;
    let Ticket { team_id, queue_id, .. } = one.ticket;
    refuse_invalid(references::check(conn, team_id, queue_id, &one.spec).await?)?;
    if !one.spec.needs.is_empty() {
        let known = needs::look_up(conn, &submission.caller, one.spec.needs.iter()).await?;
        one.needs = needs::resolve(&one.spec.needs, &known, &HashMap::new()).map_err(ApiError::invalid)?;
    }
    Ok((door, one))
}

/// The queues of a group, as each of its callers meets them: one query a caller.
struct Doors {
    by_caller: Vec<(Caller, Vec<Arc<Door>>)>,
}

impl Doors {
    async fn open(conn: &mut PgConnection, group: &[Submission]) -> ApiResult<Self> {
        let mut asked: Vec<(&Caller, BTreeSet<&str>, BTreeSet<&str>)> = Vec::new();
        for Submission { caller, spec, .. } in group {
            let queue = spec.queue.as_str();
            let team = spec.team.as_deref();
            match asked.iter_mut().find(|(other, ..)| is_same(other, caller)) {
                Some((_, queues, teams)) => {
                    queues.insert(queue);
                    teams.extend(team);
                }
                None => asked.push((caller, BTreeSet::from([queue]), team.into_iter().collect())),
            }
        }
        let mut by_caller = Vec::with_capacity(asked.len());
        for (caller, queues, teams) in asked {
            let (queues, teams): (Vec<&str>, Vec<&str>) =
                (queues.into_iter().collect(), teams.into_iter().collect());
            let doors = admission::doors(conn, caller, &queues, &teams).await?;
            by_caller.push((caller.clone(), doors.into_iter().map(Arc::new).collect()));
        }
        Ok(Self { by_caller })
    }

    fn of(&self, caller: &Caller, queue: &str) -> ApiResult<&Arc<Door>> {
        let (_, doors) =
            self.by_caller.iter().find(|(other, _)| is_same(other, caller)).ok_or_else(ApiError::internal)?;
        doors
            .iter()
            .find(|door| door.name == queue)
            .ok_or_else(|| ApiError::invalid(vec![admission::no_queue(queue)]))
    }
}

fn is_same(one: &Caller, other: &Caller) -> bool {
    one.user_id == other.user_id && one.role == other.role && one.teams == other.teams
}

/// The queues that callers met lately.
#[derive(Default)]
struct Met(Mutex<HashMap<Meeting, Remembered>>);

/// When, by whom and what was met.
type Remembered = (Instant, Caller, Arc<Door>);

/// A caller, a queue's name and, where one was named, a team's.
type Meeting = (UserId, String, Option<String>);

impl Met {
    fn door(&self, submission: &Submission) -> Option<Arc<Door>> {
        let met = lock(&self.0);
        let (at, caller, door) = met.get(&meeting(submission))?;
        (at.elapsed() < REMEMBERED_FOR && is_same(caller, &submission.caller)).then(|| door.clone())
    }

    fn remember<'a>(&self, doors: impl Iterator<Item = (&'a Submission, &'a Arc<Door>)>) {
        let mut met = lock(&self.0);
        if met.len() >= MAX_REMEMBERED {
            met.clear();
        }
        for (submission, door) in doors {
            met.insert(meeting(submission), (Instant::now(), submission.caller.clone(), door.clone()));
        }
    }
}

fn meeting(submission: &Submission) -> Meeting {
    let Submission { caller, spec, .. } = submission;
    (caller.user_id, spec.queue.clone(), spec.team.clone())
}
