//! How fast jobs are taken in, each by a request of its own and stored for good before it is answered.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use lilac_api::auth::CreateApiKey;
use lilac_api::spec::JobSpec;
use sqlx::postgres::{PgPool, PgPoolOptions};
use uuid::Uuid;

use super::cores::others_seconds;
use super::wire::{self, Wire};
use super::{Measurement, Name, median};
use crate::bed::Bed;

const CONNECTIONS: usize = 256;
/// Connections that the bare inserts use: PostgreSQL takes no 256.
const BARE_CONNECTIONS: u32 = 32;
const FOR: Duration = Duration::from_secs(5);
/// How often bare inserts and submissions take turns.
const TURNS: usize = 3;

pub(super) async fn many(bed: &Bed) -> Result<Measurement> {
    let pool = bare_table(bed, BARE_CONNECTIONS).await?;
    let (mut ours, mut bare, mut per_core) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        bare.push(inserts(&pool, BARE_CONNECTIONS as usize).await?);
        let busy = others_seconds()?;
        let rate = submissions(bed, CONNECTIONS).await?;
        per_core.push(rate * FOR.as_secs_f64() / (others_seconds()? - busy).max(0.01));
        ours.push(rate);
    }
    Ok(measurement(Name::Submit, ours, bare, per_core))
}

pub(super) async fn one(bed: &Bed) -> Result<Measurement> {
    let pool = bare_table(bed, 1).await?;
    let (mut ours, mut bare, mut smallest, mut per_core) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        smallest.push(inserts(&pool, 1).await?);
        bare.push(rows(&pool).await?);
        let busy = others_seconds()?;
        let rate = submissions(bed, 1).await?;
        per_core.push(rate * FOR.as_secs_f64() / (others_seconds()? - busy).max(0.01));
        ours.push(rate);
    }
    let all = measurement(Name::SubmitOne, ours, bare, per_core);
    let detail = format!("{}; into two columns {:.0}", all.detail, median(smallest).0);
    Ok(Measurement { detail, ..all })
}

fn measurement(name: Name, ours: Vec<f64>, bare: Vec<f64>, per_core: Vec<f64>) -> Measurement {
    let ((value, spread), (reference, bare)) = (median(ours), median(bare));
    let detail = format!("{spread}, {:.0} a core-second; bare inserts {bare}", median(per_core).0);
    Measurement { name, value, unit: "jobs/s", reference, ratio: value / reference, detail }
}

/// A table with nothing but a key and a body, in the server's own database.
pub(super) async fn bare_table(bed: &Bed, connections: u32) -> Result<PgPool> {
    let pool = PgPoolOptions::new().max_connections(connections).connect(bed.database.url()).await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS bench_bare (id uuid PRIMARY KEY, body jsonb NOT NULL)")
        .execute(&pool)
        .await?;
    Ok(pool)
}

/// Bare inserts of a job's row, one at a time: into a table like that of the jobs, with its indexes and checks, but
/// without what refers to it and what follows from it.
async fn rows(pool: &PgPool) -> Result<f64> {
    sqlx::raw_sql("DROP TABLE IF EXISTS bench_rows; CREATE TABLE bench_rows (LIKE jobs INCLUDING ALL)")
        .execute(pool)
        .await?;
    let body = serde_json::to_value(spec("bench-bare"))?;
    let held = pool.acquire().await?;
    rate(vec![held], async |connection| {
        let insert =
            "INSERT INTO bench_rows (id, name, queue_id, owner_id, team_id, priority, state, actor, spec)
            VALUES ($1, 'bench-bare', $2, $2, $2, 50, 'queued', 'user:admin', $3)";
        let query = sqlx::query(insert).bind(Uuid::now_v7()).bind(Uuid::nil()).bind(&body);
        query.execute(&mut **connection).await?;
        Ok(())
    })
    .await
}

pub(super) fn spec(name: &str) -> JobSpec {
    // More than any node has: what is submitted stays where it is.
    let mut spec = JobSpec::new(name, "none");
    spec.resources.cpus.milli = 90_000_000;
    spec
}

async fn submissions(bed: &Bed, connections: usize) -> Result<f64> {
    let request =
        wire::post("/api/v1/jobs", &api_key(bed).await?, &serde_json::to_vec(&spec("bench-submit"))?);
    let url = bed.url()?;
    let wires = futures::future::try_join_all((0..connections).map(|_| Wire::connect(&url))).await?;
    rate(wires, async |wire| wire.call(&request, 201).await).await
}

/// A key of the administrator's, as a program would have one.
pub(super) async fn api_key(bed: &Bed) -> Result<String> {
    Ok(bed.client.create_api_key(&CreateApiKey::named("bench")).await?.secret.0)
}

async fn inserts(pool: &PgPool, connections: usize) -> Result<f64> {
    let body = serde_json::to_value(spec("bench-bare"))?;
    // Connections of their own: a pool would ask each of them whether it lives before every insert.
    let held = futures::future::try_join_all((0..connections).map(|_| pool.acquire())).await?;
    rate(held, async |connection| {
        let insert = "INSERT INTO bench_bare (id, body) VALUES ($1, $2)";
        sqlx::query(insert).bind(Uuid::now_v7()).bind(&body).execute(&mut **connection).await?;
        Ok(())
    })
    .await
}

/// Calls in a loop with each of the tools at once, and says how many calls ended a second.
pub(super) async fn rate<T>(tools: Vec<T>, call: impl AsyncFn(&mut T) -> Result<()>) -> Result<f64> {
    let (over, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let (over, done, call) = (&over, &done, &call);
    let start = Instant::now();
    let work = futures::future::try_join_all(tools.into_iter().map(async |mut tool| {
        while !over.load(Ordering::Relaxed) {
            call(&mut tool).await?;
            done.fetch_add(1, Ordering::Relaxed);
        }
        Ok::<(), anyhow::Error>(())
    }));
    let clock = async {
        tokio::time::sleep(FOR).await;
        over.store(true, Ordering::Relaxed);
        Ok(())
    };
    futures::future::try_join(work, clock).await?;
    Ok(done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64())
}
