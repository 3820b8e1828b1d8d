//! Submissions that arrive while a transaction is under way wait for its end, and are then stored together in
//! the next one. A commit costs a write to the disk whatever is in it: under load the group grows with the
//! number of callers, and a single caller waits for nobody.
//!
//! A refused job is answered by itself and does not touch the others. Should the group's transaction fail as a
//! whole, each of its jobs gets one of its own, so that the one at fault fails alone.

use std::collections::{BTreeSet, HashMap};

use axum::http::StatusCode;
use lilac_api::JobId;
use lilac_api::job::Job;
use lilac_api::spec::JobSpec;
use sqlx::PgConnection;
use sqlx::postgres::PgPool;
use tokio::sync::{mpsc, oneshot};

use super::needs::{self, Dependent, Need};
use super::submit::{Admitted, as_stored, earlier};
use super::transitions::{self, NewJob};
use crate::auth::caller::Caller;
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::queue::admission::{self, Door, Ticket};
use crate::secret::references;

/// Submissions that wait for their turn. Beyond, callers are told to come back.
const MAX_WAITING: usize = 8192;
/// The most jobs that one transaction takes.
const MAX_GROUP: usize = 512;

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
pub struct Committer {
    sender: mpsc::Sender<Waiting>,
}

impl Committer {
    /// Starts the task that commits. It ends with the committer.
    pub fn start(pool: PgPool) -> Self {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        tokio::spawn(run(pool, receiver));
        Self { sender }
    }

    /// Stores a job, in a transaction that it may share with others. When this answers, it is stored for good.
    pub async fn submit(&self, submission: Submission) -> ApiResult<Stored> {
        let (reply, answer) = oneshot::channel();
        self.sender.try_send(Waiting { submission, reply }).map_err(|_| {
            ApiError::unavailable("more jobs are being submitted than can be stored; nothing was stored")
        })?;
        // It went with the task that held it: a defect, which is logged where it happened.
        answer.await.map_err(|_| ApiError::internal())?
    }
}

async fn run(pool: PgPool, mut receiver: mpsc::Receiver<Waiting>) {
    let mut group = Vec::with_capacity(MAX_GROUP);
    while receiver.recv_many(&mut group, MAX_GROUP).await > 0 {
        // In a task of its own, so that a panic ends one group and not the way in.
        let work = tokio::spawn(commit(pool.clone(), std::mem::take(&mut group)));
        if let Err(error) = work.await {
            tracing::error!(%error, "storing a group of jobs died");
        }
    }
}

async fn commit(pool: PgPool, group: Vec<Waiting>) {
    let (submissions, replies): (Vec<Submission>, Vec<_>) =
        group.into_iter().map(|waiting| (waiting.submission, waiting.reply)).unzip();
    let answers = match store(&pool, &submissions).await {
        Ok(answers) => answers,
        Err(error) if submissions.len() == 1 || error.status == StatusCode::SERVICE_UNAVAILABLE => {
            submissions.iter().map(|_| Err(error.clone())).collect()
        }
        Err(_) => {
            let mut answers = Vec::with_capacity(submissions.len());
            for submission in &submissions {
                let alone = store(&pool, std::slice::from_ref(submission)).await;
                answers
                    .push(alone.and_then(|mut one| one.pop().unwrap_or_else(|| Err(ApiError::internal()))));
            }
            answers
        }
    };
    for (reply, answer) in replies.into_iter().zip(answers) {
        // Whoever hung up is not told; the job is stored all the same.
        let _ = reply.send(answer);
    }
}

/// Stores a group in one transaction. Fails as a whole only where the database does, or where a queue that
/// bounds how many may wait is full.
async fn store(pool: &PgPool, group: &[Submission]) -> ApiResult<Vec<ApiResult<Stored>>> {
    let mut tx = pool.begin().await?;
    let doors = Doors::open(&mut tx, group).await?;
    let mut answers: Vec<Option<ApiResult<Stored>>> = group.iter().map(|_| None).collect();
    let mut admitted: Vec<(usize, &Door, Admitted)> = Vec::with_capacity(group.len());
    for (position, submission) in group.iter().enumerate() {
        match admit(&mut tx, &doors, submission).await {
            Ok((door, one)) => admitted.push((position, door, one)),
            Err(error) if error.status.is_server_error() => return Err(error),
            Err(refused) => answers[position] = Some(again(&mut tx, submission, Some(refused)).await),
        }
    }
    let actors: Vec<String> = admitted.iter().map(|(position, ..)| group[*position].caller.actor()).collect();
    let new: Vec<NewJob<'_>> = admitted
        .iter()
        .zip(&actors)
        .map(|((position, _, one), actor)| {
            let submission = &group[*position];
            one.new_job(
                &submission.caller,
                actor,
                submission.key.as_deref(),
                &submission.body_hash,
                submission.rerun_of,
            )
        })
        .collect();
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
        None => Err(refused.unwrap_or_else(ApiError::internal)),
    }
}

/// Lets one job into its queue and finds what it waits for.
async fn admit<'d>(
    conn: &mut PgConnection,
    doors: &'d Doors,
    submission: &Submission,
) -> ApiResult<(&'d Door, Admitted)> {
    let door = doors.of(&submission.caller, &submission.spec.queue)?;
    let mut one = Admitted::through(door, submission.spec.clone()).map_err(ApiError::invalid)?;
    let Ticket { team_id, queue_id } = one.ticket;
    refuse_invalid(references::check(conn, team_id, queue_id, &one.spec).await?)?;
    if !one.spec.needs.is_empty() {
        let known = needs::look_up(conn, &submission.caller, one.spec.needs.iter()).await?;
        one.needs = needs::resolve(&one.spec.needs, &known, &HashMap::new()).map_err(ApiError::invalid)?;
    }
    Ok((door, one))
}

/// The queues of a group, as each of its callers meets them: one query a caller.
struct Doors {
    by_caller: Vec<(Caller, Vec<Door>)>,
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
            by_caller.push((caller.clone(), admission::doors(conn, caller, &queues, &teams).await?));
        }
        Ok(Self { by_caller })
    }

    fn of(&self, caller: &Caller, queue: &str) -> ApiResult<&Door> {
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
