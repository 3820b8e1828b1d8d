//! Carries out preemptions: who has to go is told to stop, in the transaction that notes for whom. The planner has
//! booked the place over theirs already; the row tells the next leader to do so, too.

use std::collections::{HashMap, HashSet};

use lilac_api::job::Reason;
use lilac_api::{AttemptId, JobId, NodeId};
use lilac_scheduler::Preemption;
use metrics::counter;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::apply::ACTOR;
use super::bookings::Booking;
use super::follow::Mirror;
use super::leader::{self, Term};
use crate::app::App;
use crate::bell::Topic;
use crate::error::ApiResult;
use crate::training_job::transitions::{self, Waiting};

/// The most places that are cleared in one transaction.
const BATCH: usize = 64;
/// A place that has come free so lately is still kept for its job when a new leader reads what there is.
const KEPT_SECS: i32 = 10;

/// Clears places for jobs that fit nowhere, as long as there are any to be cleared. To be asked when nothing more can
/// be placed.
pub async fn clear_places(app: &App, term: Term, mirror: &mut Mirror) -> ApiResult<()> {
    let bookings = mirror.world.preempt(BATCH);
    if bookings.is_empty() {
        return Ok(());
    }
    let result = carry_out(app, term, &bookings).await;
    let done = result.as_ref().map_or_else(|_| HashSet::new(), Clone::clone);
    mirror.world.take_back(&bookings, &done);
    counter!("lilac_scheduler_preemptions_total").increment(done.len() as u64);
    result.map(drop)
}

/// A job as it stands, locked.
struct Standing {
    epoch: i32,
    waits: bool,
    title: String,
}

/// Tells the victims to stop. Answers with the jobs for which that was done; the others do not wait any more.
async fn carry_out(app: &App, term: Term, bookings: &[Booking]) -> ApiResult<HashSet<JobId>> {
    let mut tx = app.pool.begin().await?;
    leader::check(&mut tx, term).await?;
    let jobs = lock(&mut tx, bookings).await?;
    let stands = |booking: &&Booking| {
        jobs.get(&booking.what.job).is_some_and(|job| job.waits && job.epoch == booking.epoch)
    };
    let bookings: Vec<&Booking> = bookings.iter().filter(stands).collect();
    let sweep = "DELETE FROM preemptions p USING jobs j
                 WHERE j.id = p.job_id AND (j.state <> 'queued' OR j.epoch <> p.epoch)";
    sqlx::query(sweep).execute(&mut *tx).await?;
    let mut topics = Vec::new();
    for booking in &bookings {
        let job = booking.what.job;
        let title = jobs.get(&job).map(|job| job.title.as_str()).unwrap_or_default();
        let message = format!("makes room for {title}: told to stop, and goes back to its queue");
        let (attempts, nodes) = live(&mut tx, booking).await?;
        topics.extend(transitions::preempt(&mut tx, &attempts, &message, ACTOR).await?);
        topics.extend(nodes.into_iter().map(Topic::Node));
        write(&mut tx, booking, &attempts).await?;
        let waiting = told(&mut tx, booking, attempts.len()).await?;
        topics
            .extend(transitions::note_waiting(&mut tx, &[waiting], ACTOR).await?.into_iter().map(Topic::Job));
        tracing::info!(job_id = %job, victims = attempts.len(), "others make room for a job");
    }
    tx.commit().await?;
    app.bell.ring_all(topics);
    Ok(bookings.iter().map(|booking| booking.what.job).collect())
}

/// Locks all jobs that take part, in the order of their ids, as everywhere.
async fn lock(
    conn: &mut PgConnection,
    bookings: &[Booking],
) -> Result<HashMap<JobId, Standing>, sqlx::Error> {
    let all = bookings.iter().flat_map(|booking| booking.what.victims.iter().chain([&booking.what.job]));
    let ids: Vec<Uuid> = all.map(|job| job.0).collect();
    let rows = sqlx::query(
        "SELECT j.id, j.epoch, j.state = 'queued' AND NOT j.blocked AS waits,
                format('job %s (%s) of queue %s', j.name, j.id, q.name) AS title
         FROM jobs j JOIN queues q ON q.id = j.queue_id WHERE j.id = ANY($1) ORDER BY j.id FOR UPDATE OF j",
    )
    .bind(&ids)
    .fetch_all(conn)
    .await?;
    let one = |row: &sqlx::postgres::PgRow| {
        let standing = Standing {
            epoch: row.try_get("epoch")?,
            waits: row.try_get("waits")?,
            title: row.try_get("title")?,
        };
        Ok((JobId(row.try_get("id")?), standing))
    };
    rows.iter().map(one).collect()
}

/// The attempts that have to go and are there still, and where they run.
async fn live(
    conn: &mut PgConnection,
    booking: &Booking,
) -> Result<(Vec<AttemptId>, Vec<NodeId>), sqlx::Error> {
    let (jobs, epochs): (Vec<Uuid>, Vec<i32>) =
        booking.victims.iter().map(|(job, epoch)| (job.0, *epoch)).unzip();
    let rows: Vec<(Uuid, Vec<Uuid>)> = sqlx::query_as(
        "SELECT a.id, ARRAY(SELECT t.node_id FROM tasks t WHERE t.attempt_id = a.id)
         FROM unnest($1::uuid[], $2::int[]) AS v(job_id, epoch)
         JOIN attempts a ON a.job_id = v.job_id AND a.epoch = v.epoch
         WHERE a.state IN ('granted', 'preparing', 'running', 'stopping') ORDER BY a.job_id",
    )
    .bind(&jobs)
    .bind(&epochs)
    .fetch_all(conn)
    .await?;
    let nodes = rows.iter().flat_map(|(_, nodes)| nodes.iter().map(|node| NodeId(*node))).collect();
    Ok((rows.into_iter().map(|(id, _)| AttemptId(id)).collect(), nodes))
}

async fn write(
    conn: &mut PgConnection,
    booking: &Booking,
    attempts: &[AttemptId],
) -> Result<(), sqlx::Error> {
    let indices: Vec<i16> =
        booking.what.gpu_indices.iter().map(|index| i16::try_from(*index).unwrap_or(i16::MAX)).collect();
    sqlx::query(
        "INSERT INTO preemptions (job_id, epoch, node_id, gpu_indices, victims) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (job_id) DO UPDATE SET epoch = $2, node_id = $3, gpu_indices = $4, victims = $5, made_at = clock_timestamp()",
    )
    .bind(booking.what.job.0)
    .bind(booking.epoch)
    .bind(booking.what.node.0)
    .bind(indices)
    .bind(attempts.iter().map(|attempt| attempt.0).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// What the one that waits is told.
async fn told(conn: &mut PgConnection, booking: &Booking, victims: usize) -> Result<Waiting, sqlx::Error> {
    let node: String = sqlx::query_scalar("SELECT name FROM nodes WHERE id = $1")
        .bind(booking.what.node.0)
        .fetch_one(conn)
        .await?;
    let reason = match booking.what.gpu_indices.is_empty() {
        true => Reason::WaitingForCapacity,
        false => Reason::WaitingForGpus,
    };
    let message = lilac_scheduler::awaits_place(victims, &node);
    Ok(Waiting { job_id: booking.what.job, epoch: booking.epoch, reason, message })
}

/// The places that are being cleared, as the database says; with `lately` those, too, that have just come free.
pub async fn open(conn: &mut PgConnection, lately: bool) -> Result<Vec<Booking>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT p.job_id, p.epoch, p.node_id, p.gpu_indices, v.jobs, v.epochs
         FROM preemptions p JOIN jobs j ON j.id = p.job_id AND j.epoch = p.epoch AND j.state = 'queued' AND NOT j.blocked
         CROSS JOIN LATERAL (
            SELECT COALESCE(array_agg(a.job_id) FILTER (WHERE a.finished_at IS NULL), '{}') AS jobs,
                   COALESCE(array_agg(a.epoch) FILTER (WHERE a.finished_at IS NULL), '{}') AS epochs,
                   max(a.finished_at) AS last
            FROM attempts a WHERE a.id = ANY(p.victims)) v
         WHERE cardinality(v.jobs) > 0 OR ($1 AND v.last > clock_timestamp() - $2 * interval '1 second')",
    )
    .bind(lately)
    .bind(KEPT_SECS)
    .fetch_all(conn)
    .await?;
    let one = |row: &sqlx::postgres::PgRow| {
        let (jobs, epochs): (Vec<Uuid>, Vec<i32>) = (row.try_get("jobs")?, row.try_get("epochs")?);
        let indices: Vec<i16> = row.try_get("gpu_indices")?;
        let what = Preemption {
            job: JobId(row.try_get("job_id")?),
            node: NodeId(row.try_get("node_id")?),
            gpu_indices: indices.into_iter().filter_map(|index| u16::try_from(index).ok()).collect(),
            victims: jobs.iter().map(|job| JobId(*job)).collect(),
        };
        let victims = jobs.into_iter().map(JobId).zip(epochs).collect();
        Ok(Booking { what, epoch: row.try_get("epoch")?, victims })
    };
    rows.iter().map(one).collect()
}
