//! Leaders die one after another while everybody goes on submitting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use lilac_api::JobId;
use lilac_api::client::Client;
use lilac_api::spec::JobSpec;
use lilac_e2e::jobs::{all_succeed, each_ran_once, resources, script};
use lilac_e2e::{Bed, Capacity, Server, eventually_within, with_bed};
use sqlx::{Connection, PgConnection};

const CAPACITY: Option<Capacity> = Some(Capacity { cpus: 3, memory: "2Gi" });
const ROUNDS: usize = 3;
/// Jobs that are submitted at least.
const ENOUGH: i64 = 10;
/// Patience with a slow machine; what is promised is asserted of the best round.
const SLOW: Duration = Duration::from_secs(60);
const PROMISED: Duration = Duration::from_secs(5);

/// Submits until told to stop, at another server with each try, and until each job was accepted. Each job has its
/// key, so that a try whose answer was lost makes no second one.
async fn submit(clients: Vec<Client>, number: usize, over: Arc<AtomicBool>) -> Result<Vec<JobId>> {
    let mut accepted = Vec::new();
    let mut tries = number;
    while !over.load(Ordering::Relaxed) {
        let key = format!("submitter-{number}-{}", accepted.len());
        let spec = script(&key, "echo \"ran $LILAC_JOB_ID as $LILAC_ATTEMPT\"");
        let spec = JobSpec { resources: resources(500, 32), ..spec };
        let job = loop {
            tries += 1;
            match clients[tries % clients.len()].submit(&spec, Some(&key)).await {
                Ok(job) => break job,
                Err(error) if error.is_transient() => tokio::time::sleep(Duration::from_millis(50)).await,
                Err(error) => return Err(error.into()),
            }
        };
        accepted.push(job.id);
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    Ok(accepted)
}

/// The latest term that a server says it leads in.
fn term(server: &Server) -> Option<u64> {
    let output = server.output();
    let terms = output.lines().filter_map(|line| line.split_once("leading term=")?.1.trim().parse().ok());
    terms.max()
}

fn leader(bed: &Bed) -> Result<usize> {
    let leading = (0..bed.servers.len()).max_by_key(|index| term(&bed.servers[*index]));
    leading.filter(|index| term(&bed.servers[*index]).is_some()).context("nobody leads")
}

/// When the first job was placed after a moment.
async fn placed_after(database: &mut PgConnection, moment: DateTime<Utc>) -> Result<DateTime<Utc>> {
    eventually_within(SLOW, "a placement by the next leader", async || {
        let first = "SELECT min(granted_at) FROM attempts WHERE granted_at > $1";
        Ok(sqlx::query_scalar(first).bind(moment).fetch_one(&mut *database).await?)
    })
    .await
}

#[tokio::test]
async fn a_dead_leader_is_replaced_within_seconds_and_no_job_suffers() -> Result<()> {
    with_bed(async |bed| {
        bed.add_server().await?;
        bed.add_server().await?;
        let mut starts = Vec::new();
        for (index, name) in ["a", "b"].into_iter().enumerate() {
            let server = bed.servers[index].url();
            bed.add_node_of(name, &server, CAPACITY).await?;
            starts.push(bed.nodes[index].machine.watch_starts());
        }
        let mut clients = Vec::new();
        for server in &bed.servers {
            clients.push(server.admin().await?);
        }
        let over = Arc::new(AtomicBool::new(false));
        let submitters: Vec<_> =
            (0..3).map(|number| tokio::spawn(submit(clients.clone(), number, over.clone()))).collect();

        let mut database = PgConnection::connect(bed.database.url()).await?;
        let mut took = Vec::new();
        for _ in 0..ROUNDS {
            let before: DateTime<Utc> =
                sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&mut database).await?;
            placed_after(&mut database, before).await?;
            let leading = leader(bed)?;
            bed.servers[leading].kill()?;
            let killed: DateTime<Utc> =
                sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&mut database).await?;
            let placed = placed_after(&mut database, killed).await?;
            took.push((placed - killed).to_std()?);
            bed.servers[leading].start_again().await?;
        }
        eprintln!("placements again after {took:?}");
        // However quick the rounds were.
        eventually_within(SLOW, "enough jobs", async || {
            let stored: i64 =
                sqlx::query_scalar("SELECT count(*) FROM jobs").fetch_one(&mut database).await?;
            Ok((stored > ENOUGH).then_some(()))
        })
        .await?;
        over.store(true, Ordering::Relaxed);
        let mut accepted = Vec::new();
        for submitter in submitters {
            accepted.extend(submitter.await??);
        }
        let client = &clients[0];
        all_succeed(client, accepted.len() as u64, Duration::from_secs(180)).await?;
        let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM jobs").fetch_one(&mut database).await?;
        assert_eq!(stored, accepted.len() as i64, "an accepted job is one job, however often it was sent");
        each_ran_once(client, &accepted, &starts).await?;
        let best = took.iter().min().context("no round")?;
        assert!(*best < PROMISED, "placements again only after {took:?}");
        Ok(())
    })
    .await
}
