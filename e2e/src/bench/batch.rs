//! How fast jobs are taken in by the thousand.

use anyhow::Result;
use lilac_api::submission::{BatchRequest, MAX_BATCH};
use uuid::Uuid;

use super::cores::others_seconds;
use super::submit::{api_key, bare_table, rate, spec};
use super::wire::{self, Wire};
use super::{Measurement, Name, median};
use crate::bed::Bed;

const CONNECTIONS: usize = 4;
const TURNS: usize = 3;

pub(super) async fn measure(bed: &Bed) -> Result<Measurement> {
    let pool = bare_table(bed, CONNECTIONS as u32).await?;
    let batch = BatchRequest { jobs: vec![spec("bench-batch"); MAX_BATCH] };
    let body = serde_json::to_string(&batch.jobs[0])?;
    let jobs = MAX_BATCH as f64;
    let url = bed.url()?;
    let request = wire::post("/api/v1/jobs/batch", &api_key(bed).await?, &serde_json::to_vec(&batch)?);
    let (mut ours, mut bare, mut per_core) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let inserts = rate(vec![&pool; CONNECTIONS], async |pool| {
            let insert =
                "INSERT INTO bench_bare (id, body) SELECT id, $2::jsonb FROM unnest($1::uuid[]) AS b(id)";
            let ids: Vec<Uuid> = (0..MAX_BATCH).map(|_| Uuid::now_v7()).collect();
            sqlx::query(insert).bind(ids).bind(&body).execute(*pool).await?;
            Ok(())
        });
        bare.push(inserts.await? * jobs);
        let wires = futures::future::try_join_all((0..CONNECTIONS).map(|_| Wire::connect(&url))).await?;
        let busy = others_seconds()?;
        let start = std::time::Instant::now();
        let submitted = rate(wires, async |wire| wire.call(&request, 201).await).await? * jobs;
        per_core.push(submitted * start.elapsed().as_secs_f64() / (others_seconds()? - busy).max(0.01));
        ours.push(submitted);
    }
    let ((value, spread), (reference, bare)) = (median(ours), median(bare));
    let detail = format!("{spread}, {:.0} a core-second; bare inserts {bare}", median(per_core).0);
    Ok(Measurement {
        name: Name::SubmitBatch,
        value,
        unit: "jobs/s",
        reference,
        ratio: value / reference,
        detail,
    })
}
