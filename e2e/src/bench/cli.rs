//! The command line as a person feels it: how long until it answers.
//!
//! What the server takes is not its doing: the same call is made without it, in turns, and taken off.

use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use lilac_api::job::JobFilter;
use sqlx::postgres::PgPool;

use super::submit::{api_key, spec};
use super::{Measurement, Name, median};
use crate::bed::Bed;
use crate::cli::Cli;
use crate::process::binary;

const ROUNDS: usize = 31;
/// Rounds that fill caches and count for nothing.
const WARM_UP: usize = 4;
/// What each may take.
const START_MS: f64 = 10.0;
const CALL_MS: f64 = 50.0;
const BINARY_MB: f64 = 15.0;

/// A hundred thousand jobs that have ended.
const JOBS: &str = "
    INSERT INTO jobs (id, name, queue_id, owner_id, team_id, priority, state, actor, spec, created_at, finished_at)
    SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - (100000 - n)::bigint * 1000), 12, '0') || '7000' || '8000' || lpad(to_hex(n), 12, '0'))::uuid,
        'job-' || n % 5000, q.id, u.id, q.team_id, 50, 'succeeded', 'user:admin',
        jsonb_build_object('name', 'job-' || n % 5000, 'image', 'busybox'),
        now() - (100000 - n) * interval '1 second', now() - (100000 - n) * interval '1 second'
    FROM generate_series(1, 100000) AS n, queues q, users u WHERE q.name = 'default' AND u.username = 'admin'";

pub(super) async fn measure(bed: &Bed, name: Option<Name>) -> Result<Vec<Measurement>> {
    let wanted = |one: Name| name.is_none_or(|name| name == one);
    let user = User::of(bed).await?;
    let mut results = Vec::new();
    if wanted(Name::CliBinaryMb) {
        let bytes = std::fs::metadata(binary("lilac_cli")?)?.len();
        let megabytes = bytes as f64 / 1e6;
        results.push(measurement(Name::CliBinaryMb, "MB", megabytes, BINARY_MB, format!("{bytes} bytes")));
    }
    if wanted(Name::CliStartMs) {
        let times = rounds(async || user.time(&["--version"])).await?;
        let (value, detail) = median(times);
        results.push(measurement(Name::CliStartMs, "ms", value, START_MS, detail));
    }
    if wanted(Name::CliSubmitMs) {
        let spec = spec("bench-cli");
        let words = ["submit", "--name", "bench-cli", "--image", "none", "--cpus", "90000", "-q"];
        let beyond = rounds(async || {
            let with = user.time(&words)?;
            let start = Instant::now();
            bed.client.submit(&spec, None).await?;
            Ok(with - millis(start))
        });
        let (value, detail) = median(beyond.await?);
        results.push(measurement(Name::CliSubmitMs, "ms", value, CALL_MS, detail));
    }
    if wanted(Name::CliLsMs) {
        let pool = PgPool::connect(bed.database.url()).await?;
        sqlx::query(JOBS).execute(&pool).await?;
        sqlx::query("VACUUM ANALYZE jobs").execute(&pool).await?;
        let filter = JobFilter { limit: Some(50), ..JobFilter::default() };
        let beyond = rounds(async || {
            let with = user.time(&["ls"])?;
            let start = Instant::now();
            bed.client.jobs(&filter).await?;
            Ok(with - millis(start))
        });
        let (value, detail) = median(beyond.await?);
        results.push(measurement(Name::CliLsMs, "ms", value, CALL_MS, detail));
    }
    Ok(results)
}

/// Somebody who is logged in.
struct User {
    cli: Cli,
    url: String,
    token: String,
}

impl User {
    async fn of(bed: &Bed) -> Result<Self> {
        let cli = Cli::new(&bed.scratch().path("bench-user"))?;
        Ok(Self { cli, url: bed.url()?, token: api_key(bed).await? })
    }

    /// How many milliseconds a command takes from its start to its end.
    fn time(&self, words: &[&str]) -> Result<f64> {
        let mut command = self.cli.command(words)?;
        command.env("LILAC_SERVER", &self.url).env("LILAC_TOKEN", &self.token);
        let start = Instant::now();
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().context("lilac_cli")?;
        let took = millis(start);
        ensure!(status.success(), "lilac_cli {words:?} failed: {status}");
        Ok(took)
    }
}

async fn rounds(mut round: impl AsyncFnMut() -> Result<f64>) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for number in 0..WARM_UP + ROUNDS {
        let took = round().await?;
        if number >= WARM_UP {
            times.push(took);
        }
    }
    Ok(times)
}

fn measurement(name: Name, unit: &'static str, value: f64, bound: f64, detail: String) -> Measurement {
    Measurement { name, value, unit, reference: bound, ratio: value / bound, detail }
}

fn millis(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}
