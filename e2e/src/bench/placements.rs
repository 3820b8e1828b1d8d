//! How fast waiting jobs are placed for good, and how soon a server that starts again among a million of them places
//! the first.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use lilac_api::queue::UpdateQueue;
use sqlx::postgres::PgPool;
use uuid::Uuid;

use super::{Measurement, Name, median};
use crate::bed::Bed;

const TURNS: usize = 3;
/// Jobs that are placed in a turn.
const JOBS: i64 = 40_000;
/// As many rows as one transaction of the scheduler places.
const BATCH: usize = 500;
const WAITING: i64 = 1_000_000;
/// What the first placement after a start may take.
const BOUND_MS: f64 = 5000.0;
const PATIENCE: Duration = Duration::from_secs(600);

/// Nodes of 64 CPUs with room for all, that are there as far as the database can tell.
const NODES: &str = "
    INSERT INTO nodes (id, cluster_id, name, machine_id, credential_hmac, runtime_ok, cpu_milli, memory_bytes, disk_bytes, last_seen_at)
    SELECT gen_random_uuid(), c.id, 'bench-' || n, 'bench-' || n, decode(lpad(to_hex(n), 8, '0'), 'hex'), true, 64000, 1::bigint << 38,
        1::bigint << 40, now() + interval '1 day'
    FROM generate_series(1, 4000) n, clusters c WHERE c.name = 'default' ON CONFLICT DO NOTHING";

/// Jobs that wait, of 200 shapes, as a submission stores them.
const JOBS_THAT_WAIT: &str = "
    WITH job AS (
        INSERT INTO jobs (id, name, queue_id, owner_id, team_id, priority, state, actor, spec)
        SELECT gen_random_uuid(), 'bench', q.id, u.id, q.team_id, 50, 'queued', 'user:admin',
            jsonb_build_object('name', 'bench', 'image', 'busybox',
                'resources', jsonb_build_object('cpus', ((n % 200 + 1) * 10 || 'm'), 'memory', '16Mi'))
        FROM generate_series(1, $1) AS n, queues q, users u WHERE q.name = 'default' AND u.username = 'admin'
        RETURNING id
    )
    INSERT INTO job_events (job_id, sequence, state, epoch, message, actor)
    SELECT id, 1, 'queued', 0, 'submitted', 'user:admin' FROM job";

pub(super) async fn durable(bed: &Bed) -> Result<Measurement> {
    let pool = PgPool::connect(bed.database.url()).await?;
    sqlx::query(NODES).execute(&pool).await?;
    sqlx::query("CREATE TABLE bench_jobs (LIKE jobs INCLUDING ALL)").execute(&pool).await?;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        bare.push(bare_updates(&pool).await?);
        pause(bed, true).await?;
        sqlx::query(JOBS_THAT_WAIT).bind(JOBS).execute(&pool).await?;
        // Known to the scheduler before the clock starts, as they would be who were submitted one by one.
        tokio::time::sleep(Duration::from_secs(6)).await;
        let start = Instant::now();
        pause(bed, false).await?;
        until(async || all_placed(&pool).await).await?;
        ours.push(JOBS as f64 / start.elapsed().as_secs_f64());
    }
    let ((value, spread), (reference, bare)) = (median(ours), median(bare));
    let detail = format!("{spread}; bare updates {bare}");
    Ok(Measurement {
        name: Name::Placements,
        value,
        unit: "jobs/s",
        reference,
        ratio: value / reference,
        detail,
    })
}

/// `UPDATE … FROM unnest` of as many rows in as large batches, on a table like that of the jobs.
async fn bare_updates(pool: &PgPool) -> Result<f64> {
    sqlx::query("TRUNCATE bench_jobs").execute(pool).await?;
    let copy = JOBS_THAT_WAIT.replace("INSERT INTO jobs", "INSERT INTO bench_jobs");
    let copy = copy.split("INSERT INTO job_events").next().unwrap_or_default();
    let rows = format!("{copy} SELECT id FROM job");
    let ids: Vec<Uuid> = sqlx::query_scalar(sqlx::AssertSqlSafe(rows)).bind(JOBS).fetch_all(pool).await?;
    let start = Instant::now();
    for batch in ids.chunks(BATCH) {
        sqlx::query(
            "UPDATE bench_jobs SET state = 'starting', epoch = bench_jobs.epoch + 1
             FROM unnest($1::uuid[]) AS b(id) WHERE bench_jobs.id = b.id",
        )
        .bind(batch)
        .execute(pool)
        .await?;
    }
    Ok(JOBS as f64 / start.elapsed().as_secs_f64())
}

/// The last of the bed's measurements: a million rows stay behind.
pub(super) async fn restart(bed: &mut Bed) -> Result<Measurement> {
    let pool = PgPool::connect(bed.database.url()).await?;
    sqlx::query(NODES).execute(&pool).await?;
    pause(bed, true).await?;
    sqlx::query(JOBS_THAT_WAIT).bind(WAITING).execute(&pool).await?;
    sqlx::query("VACUUM ANALYZE jobs").execute(&pool).await?;
    bed.servers[0].kill()?;
    sqlx::query("UPDATE queues SET paused = false").execute(&pool).await?;
    let before = placed(&pool).await?;
    let start = Instant::now();
    bed.servers[0].start_again().await?;
    until(async || Ok(placed(&pool).await? > before)).await?;
    let value = start.elapsed().as_secs_f64() * 1000.0;
    Ok(Measurement {
        name: Name::RestartMs,
        value,
        unit: "ms",
        reference: BOUND_MS,
        ratio: value / BOUND_MS,
        detail: format!("from the start of the server to its first placement, with {WAITING} jobs waiting"),
    })
}

async fn pause(bed: &Bed, paused: bool) -> Result<()> {
    let queues = bed.client.queues().await?.items;
    let Some(queue) = queues.iter().find(|queue| queue.name == "default") else { bail!("no default queue") };
    let change = UpdateQueue { paused: Some(paused), ..UpdateQueue::default() };
    bed.client.update_queue(queue.id, &change).await?;
    Ok(())
}

async fn placed(pool: &PgPool) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM attempts").fetch_one(pool).await?)
}

/// Asked while they are placed, so it must cost next to nothing.
async fn all_placed(pool: &PgPool) -> Result<bool> {
    let query = "SELECT NOT EXISTS (SELECT FROM jobs WHERE state = 'queued' AND NOT blocked)";
    Ok(sqlx::query_scalar(query).fetch_one(pool).await?)
}

async fn until(holds: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await? {
        if Instant::now() > deadline {
            bail!("it does not come to an end");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
