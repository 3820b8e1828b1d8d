//! Lists and counts among a million jobs.

use std::time::Instant;

use anyhow::Result;
use lilac_api::job::JobFilter;
use sqlx::postgres::PgPool;

use super::{Measurement, Name, median};
use crate::bed::Bed;

/// What a page may take.
const BOUND_MS: f64 = 50.0;
const LOOKS: usize = 9;

/// A million jobs that have ended, of several names and labels; a few failed. Counted, as those are that are submitted.
const MILLION: &str = "
    WITH job AS (INSERT INTO jobs (id, name, queue_id, owner_id, team_id, priority, state, reason, actor, spec, labels, created_at, finished_at)
    SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - (1000000 - n)::bigint * 1000), 12, '0') || '7000' || '8000' || lpad(to_hex(n), 12, '0'))::uuid,
        'job-' || n % 5000, q.id, u.id, q.team_id, 50,
        CASE WHEN n % 1000 = 0 THEN 'failed' ELSE 'succeeded' END, CASE WHEN n % 1000 = 0 THEN 'oom' END, 'user:admin',
        jsonb_build_object('name', 'job-' || n % 5000, 'image', 'busybox'),
        CASE WHEN n % 100 = 0 THEN jsonb_build_object('exp', 'e' || n % 7000) ELSE '{}' END,
        now() - (1000000 - n) * interval '1 second', now() - (1000000 - n) * interval '1 second'
    FROM generate_series(1, 1000000) AS n, queues q, users u WHERE q.name = 'default' AND u.username = 'admin'
    RETURNING team_id, queue_id, owner_id, state, reason)
    INSERT INTO job_count_changes (team_id, queue_id, owner_id, state, reason, jobs)
    SELECT team_id, queue_id, owner_id, state, COALESCE(reason, ''), count(*) FROM job GROUP BY 1, 2, 3, 4, 5";

pub(super) async fn measure(bed: &Bed) -> Result<[Measurement; 2]> {
    let pool = PgPool::connect(bed.database.url()).await?;
    sqlx::query(MILLION).execute(&pool).await?;
    sqlx::query("VACUUM ANALYZE jobs").execute(&pool).await?;
    let mut slowest: (f64, String) = (0.0, String::new());
    let mut all = Vec::new();
    for (name, filter) in filters() {
        let mut times = Vec::new();
        for _ in 0..LOOKS {
            let start = Instant::now();
            bed.client.jobs(&filter).await?;
            times.push(start.elapsed().as_secs_f64() * 1000.0);
        }
        let (value, spread) = median(times);
        all.push(format!("{name} {value:.1}"));
        if value > slowest.0 {
            slowest = (value, format!("slowest: {name} {spread}"));
        }
    }
    let mut times = Vec::new();
    for _ in 0..LOOKS {
        let start = Instant::now();
        bed.client.job_counts().await?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    let (value, detail) = median(times);
    let list = Measurement {
        name: Name::ListMs,
        value: slowest.0,
        unit: "ms",
        reference: BOUND_MS,
        ratio: slowest.0 / BOUND_MS,
        detail: format!("{}; of {}", slowest.1, all.join(", ")),
    };
    let count = Measurement {
        name: Name::CountMs,
        value,
        unit: "ms",
        reference: BOUND_MS,
        ratio: value / BOUND_MS,
        detail,
    };
    Ok([list, count])
}

fn filters() -> Vec<(&'static str, JobFilter)> {
    let set = |text: &str| Some(text.to_owned());
    let half = chrono::Duration::days(6);
    let all = JobFilter::default;
    vec![
        ("none", all()),
        ("state", JobFilter { state: set("failed"), ..all() }),
        ("states", JobFilter { state: set("queued,running"), ..all() }),
        ("reason", JobFilter { reason: set("oom"), ..all() }),
        ("no reason", JobFilter { reason: set("timeout"), ..all() }),
        ("queue", JobFilter { queue: set("default"), ..all() }),
        ("owner", JobFilter { owner: set("me"), ..all() }),
        ("team", JobFilter { team: set("default"), ..all() }),
        ("name", JobFilter { name: set("job-77"), ..all() }),
        ("text", JobFilter { text: set("b-499"), ..all() }),
        ("no text", JobFilter { text: set("nothing"), ..all() }),
        ("label", JobFilter { label: set("exp=e700"), ..all() }),
        ("created", JobFilter { created_before: Some(chrono::Utc::now() - half), ..all() }),
        ("finished", JobFilter { finished_before: Some(chrono::Utc::now() - half), ..all() }),
        ("folded", JobFilter { folded: Some(true), ..all() }),
    ]
}
