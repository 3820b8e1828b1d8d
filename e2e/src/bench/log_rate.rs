//! How fast a container's output comes to whoever follows it: through Lilac, and by `docker logs -f` of the same
//! program.
//!
//! Both sides are read while the program runs, from its start to the last byte. Docker's is the daemon's own stream
//! (what `docker logs -f` reads) of its default driver, with the options that Lilac asks for otherwise.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bollard::Docker;
use bollard::models::{ContainerCreateBody, HostConfigLogConfig};
use bollard::query_parameters::LogsOptions;
use futures::StreamExt;
use lilac_api::job::LogQuery;
use lilac_api::spec::JobSpec;

use super::daemon::{finish_bare, start_bare, template};
use super::{Measurement, Name, median};
use crate::bed::Bed;
use crate::image::IMAGE;
use crate::jobs::{resources, small};

const ROUNDS: usize = 3;
const LINES: u32 = 2_000_000;

fn command() -> Vec<String> {
    ["seq", "1", &LINES.to_string()].map(str::to_owned).to_vec()
}

pub(super) async fn measure(bed: &Bed) -> Result<Measurement> {
    let docker = bed.nodes.first().context("a bed without a node")?.machine.docker();
    let mut body = template(bed).await?;
    body.cmd = Some(command());
    if let Some(config) = &mut body.host_config {
        config.log_config = Some(HostConfigLogConfig { typ: Some("json-file".to_owned()), config: None });
    }
    let (mut lilac, mut bare, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let name = format!("bench-log-{round}");
        let with = through_lilac(bed, &name).await?;
        let without = through_docker(docker, &name, body.clone()).await?;
        lilac.push(with);
        bare.push(without);
        ratios.push(with / without);
    }
    let ((value, lilac), (reference, bare), (ratio, ratios)) = (median(lilac), median(bare), median(ratios));
    Ok(Measurement {
        name: Name::LogRate,
        value,
        unit: "MB/s",
        reference,
        ratio,
        detail: format!(
            "followed through Lilac {lilac}, by `docker logs -f` {bare}, ratio of neighbours {ratios}"
        ),
    })
}

/// Megabytes a second, from the submit to the last byte.
async fn through_lilac(bed: &Bed, name: &str) -> Result<f64> {
    let spec = JobSpec { command: command(), resources: resources(1_000, 64), ..small(name, IMAGE) };
    let id = bed.client.submit(&spec, None).await?.id;
    let begun = Instant::now();
    let mut bytes = 0_u64;
    loop {
        let query = LogQuery { offset: Some(bytes), ..LogQuery::default() };
        // Before the job is placed there is no log yet.
        let Ok(part) = bed.client.log(id, &query).await else { continue };
        bytes += part.bytes.len() as u64;
        if part.complete {
            break;
        }
        if part.bytes.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
    rate(bytes, begun)
}

async fn through_docker(docker: &Docker, name: &str, body: ContainerCreateBody) -> Result<f64> {
    let begun = Instant::now();
    start_bare(docker, name, body).await?;
    let options = LogsOptions { follow: true, stdout: true, stderr: true, ..LogsOptions::default() };
    let mut log = docker.logs(name, Some(options));
    let mut bytes = 0;
    while let Some(part) = log.next().await {
        bytes += part?.into_bytes().len() as u64;
    }
    let rate = rate(bytes, begun)?;
    finish_bare(docker, name).await?;
    Ok(rate)
}

#[expect(clippy::cast_precision_loss, reason = "no log has so many bytes")]
fn rate(bytes: u64, begun: Instant) -> Result<f64> {
    let expected: u64 = (1..=u64::from(LINES)).map(|line| u64::from(line.ilog10()) + 2).sum();
    ensure!(bytes == expected, "{bytes} bytes instead of {expected}");
    Ok(bytes as f64 / 1e6 / begun.elapsed().as_secs_f64())
}
