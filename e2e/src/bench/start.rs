//! From the request to the first moment of user code, with Lilac between and without.
//!
//! Both sides end at the daemon's own `start` event of the container. One starts when the job is
//! submitted, the other when the bare API is asked to create. They take turns, and each waits until the
//! other has cleared away, so that what disturbs one disturbs both.

use anyhow::{Context, Result};
use bollard::Docker;
use bollard::models::ContainerCreateBody;
use chrono::Utc;

use super::daemon::{Watch, finish_bare, start_bare, template, trivial};
use super::{Measurement, Name, median};
use crate::bed::Bed;

const ROUNDS: usize = 31;
/// Rounds that fill caches and count for nothing.
const WARM_UP: usize = 4;

pub(super) async fn measure(bed: &Bed) -> Result<Measurement> {
    let docker = bed.nodes.first().context("a bed without a node")?.machine.docker();
    let body = template(bed).await?;
    let mut watch = Watch::new(docker);
    let (mut bare, mut lilac, mut overhead) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..WARM_UP + ROUNDS {
        let name = format!("bench-start-{round}");
        let (with, without) = if round % 2 == 0 {
            let with = through_lilac(bed, &mut watch, &name).await?;
            (with, through_docker(docker, &mut watch, &name, body.clone()).await?)
        } else {
            let without = through_docker(docker, &mut watch, &name, body.clone()).await?;
            (through_lilac(bed, &mut watch, &name).await?, without)
        };
        if round >= WARM_UP {
            lilac.push(with);
            bare.push(without);
            overhead.push(with - without);
        }
    }
    let ((value, overhead), (reference, bare), (_, lilac)) = (median(overhead), median(bare), median(lilac));
    Ok(Measurement {
        name: Name::StartOverheadMs,
        value,
        unit: "ms",
        reference,
        ratio: value / reference,
        detail: format!("submitted {lilac}, bare {bare}, difference of neighbours {overhead}"),
    })
}

async fn through_lilac(bed: &Bed, watch: &mut Watch, name: &str) -> Result<f64> {
    let spec = trivial(name);
    let from = now_nanos()?;
    let id = bed.client.submit(&spec, None).await?.id.to_string();
    let to = watch.time_of("start", "lilac.job", &id).await?;
    watch.time_of("destroy", "lilac.job", &id).await?;
    Ok(millis(to - from))
}

async fn through_docker(
    docker: &Docker,
    watch: &mut Watch,
    name: &str,
    body: ContainerCreateBody,
) -> Result<f64> {
    let from = now_nanos()?;
    start_bare(docker, name, body).await?;
    let to = watch.time_of("start", "name", name).await?;
    finish_bare(docker, name).await?;
    watch.time_of("destroy", "name", name).await?;
    Ok(millis(to - from))
}

/// The clock by which the daemon tells the times of its events.
fn now_nanos() -> Result<i64> {
    Utc::now().timestamp_nanos_opt().context("a clock beyond this age")
}

#[expect(clippy::cast_precision_loss, reason = "no run takes so many nanoseconds")]
fn millis(nanos: i64) -> f64 {
    nanos as f64 / 1e6
}
