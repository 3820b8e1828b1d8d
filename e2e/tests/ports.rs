//! Ports of containers that are reached at their node: with Docker's own bridge, rules and proxies.

use anyhow::{Context, Result, ensure};
use lilac_api::JobId;
use lilac_api::job::JobState;
use lilac_api::spec::{JobSpec, Network, Port};
use lilac_e2e::jobs::{SOON, only_attempt, script, until, until_state};
use lilac_e2e::{Bed, Island, Machine, eventually, eventually_within, no_islands, with_bed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Every job listens on the same port of its container.
const PORT: u16 = 8_080;

fn serving(name: &str) -> JobSpec {
    let body = format!(
        "mkdir /tmp/www && cd /tmp/www && echo {name} > index.html && exec httpd -f -p {PORT} -h /tmp/www"
    );
    let ports = vec![Port { name: "web".to_owned(), port: PORT }];
    JobSpec { network: Network::Bridge, ports, ..script(name, &body) }
}

/// What is told of where a job is reached.
async fn told_port(bed: &Bed, id: JobId) -> Result<u16> {
    eventually("a port that is told", async || {
        let attempt = only_attempt(&bed.client, id).await?;
        let ports: Vec<_> = attempt.tasks.into_iter().flat_map(|task| task.ports).collect();
        let Some(told) = ports.first() else { return Ok(None) };
        ensure!((told.name.as_str(), told.port) == ("web", PORT), "{told:?}");
        let (_, port) = told.address.rsplit_once(':').context("no port")?;
        Ok(Some(port.parse()?))
    })
    .await
}

async fn get(island: &Island, port: u16) -> Result<String> {
    let mut connection = island.connect(port)?;
    connection.write_all(b"GET /index.html HTTP/1.0\r\n\r\n").await?;
    let mut answer = String::new();
    tokio::time::timeout(SOON, connection.read_to_string(&mut answer)).await??;
    Ok(answer.split_once("\r\n\r\n").context("no body")?.1.trim().to_owned())
}

/// Two jobs with the same port are each reached at a port of their own, over a restart of the agent too; and nobody is
/// there any more when they have ended.
#[tokio::test]
async fn a_published_port_leads_to_its_container_and_to_no_other() -> Result<()> {
    with_bed(async |bed| {
        if let Some(obstacle) = no_islands() {
            eprintln!("SKIPPED: {obstacle}");
            return Ok(());
        }
        let island = Island::new(bed.scratch(), "bridged", &bed.url()?).await?;
        let machine = Machine::start_on("bridged", &island).await?;
        bed.add_node_on("bridged", machine).await?;
        // The node's ports are those of its network.
        bed.nodes[0].agent.be(island.program());
        bed.nodes[0].agent.kill()?;
        bed.nodes[0].agent.start_again()?;

        let mut jobs = Vec::new();
        for name in ["one", "other"] {
            let id = bed.client.submit(&serving(name), None).await?.id;
            until_state(&bed.client, id, JobState::Running).await?;
            jobs.push((name, id, told_port(bed, id).await?));
        }
        assert_ne!(jobs[0].2, jobs[1].2);
        for round in 0..2 {
            for (name, _, port) in &jobs {
                eventually_within(SOON, "an answer", async || {
                    let answer = get(&island, *port).await?;
                    assert_eq!(answer, *name, "the port of another, in round {round}");
                    Ok(Some(()))
                })
                .await?;
            }
            bed.nodes[0].agent.kill()?;
            bed.nodes[0].agent.start_again()?;
        }
        for (_, id, port) in &jobs {
            bed.client.cancel(*id).await?;
            until(&bed.client, *id, "cancelled", SOON, |job| job.state == JobState::Cancelled).await?;
            eventually("a closed port", async || Ok(island.connect(*port).is_err().then_some(()))).await?;
        }
        bed.nodes[0].machine.empty(SOON).await
    })
    .await
}
