//! GPUs from end to end, with a driver's library of our own below the real agent: whose they are, who must keep off,
//! what becomes of a job whose GPU is lost, and what is seen of their use.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lilac_api::JobId;
use lilac_api::client::Client;
use lilac_api::cluster::Node;
use lilac_api::job::{JobState, Reason};
use lilac_api::metric::{JobMetricsQuery, NodeMetricsQuery};
use lilac_api::quantity::Ratio;
use lilac_api::spec::{Gpus, JobSpec};
use lilac_e2e::jobs::{self, SOON, until, until_state, whole_log};
use lilac_e2e::{eventually_within, with_bed};
use lilac_fake_nvml::state::{Gpu, Process};

const MODEL: &str = "NVIDIA H100 80GB HBM3";
const LONG: Duration = Duration::from_secs(120);

/// A job with a GPU, or a part of one, that says which it sees and then does `then`.
fn job(name: &str, thousandths: Option<u32>, then: &str) -> JobSpec {
    let script = format!("echo \"$NVIDIA_VISIBLE_DEVICES $LILAC_GPU_SHARE\"; {then}");
    let mut spec = jobs::script(name, &script);
    let share = thousandths.map(|thousandths| Ratio { thousandths });
    spec.resources.gpus = Some(Gpus { share, ..Gpus::of(1) });
    spec
}

async fn node(client: &Client) -> Result<Node> {
    client.nodes().await?.items.into_iter().next().context("no node")
}

async fn until_fault(client: &Client, index: usize, is_so: impl Fn(Option<&str>) -> bool) -> Result<()> {
    eventually_within(SOON, "a GPU as expected", async || {
        let node = node(client).await?;
        let fault = node.gpus.get(index).context("no such GPU")?.fault.clone();
        Ok(is_so(fault.as_deref()).then_some(()))
    })
    .await
}

async fn waits(client: &Client, job: JobId) -> Result<()> {
    until(client, job, "without a GPU", SOON, |job| job.reason == Some(Reason::WaitingForGpus))
        .await
        .map(|_| ())
}

#[tokio::test]
async fn gpus_are_given_out_shared_and_kept_from_strangers() -> Result<()> {
    with_bed(async |bed| {
        let idle = |index: u8| Gpu::idle(&format!("GPU-{index}"), MODEL);
        let stranger = Process { pid: std::process::id(), memory: 1 << 30, percent: 90 };
        let used = Gpu { used: 1 << 30, processes: vec![stranger], ..idle(2) };
        bed.add_gpu_node("a", &[idle(0), idle(1), used]).await?;
        let client = &bed.client;
        let told = format!("the process {}", std::process::id());
        until_fault(client, 2, |fault| fault.is_some_and(|fault| fault.starts_with(&told))).await?;

        // Two jobs have one each; for the third only the stranger's would be left.
        let (one, two) = (
            client.submit(&job("one", None, "sleep 1000"), None).await?.id,
            client.submit(&job("two", None, "sleep 1000"), None).await?.id,
        );
        until_state(client, one, JobState::Running).await?;
        until_state(client, two, JobState::Running).await?;
        let shared = client.submit(&job("half", Some(500), "sleep 1000"), None).await?.id;
        waits(client, shared).await?;
        for id in [one, two] {
            client.cancel(id).await?;
            until_state(client, id, JobState::Cancelled).await?;
        }
        let mut seen = BTreeSet::new();
        for id in [one, two] {
            seen.insert(whole_log(client, id).await?);
        }
        ensure!(seen == BTreeSet::from(["GPU-0 \n".to_owned(), "GPU-1 \n".to_owned()]), "{seen:?}");

        // A half waits no longer, and another half goes beside it: there is no GPU that is wholly free in its stead
        // while a job has the other.
        until_state(client, shared, JobState::Running).await?;
        let whole = client.submit(&job("whole", None, "sleep 1000"), None).await?.id;
        until_state(client, whole, JobState::Running).await?;
        let beside = client.submit(&job("beside", Some(500), "sleep 1000"), None).await?.id;
        until_state(client, beside, JobState::Running).await?;
        let now = node(client).await?;
        ensure!(now.gpus.iter().filter(|gpu| gpu.held_milli == Some(1_000)).count() == 2, "{:?}", now.gpus);
        let third = client.submit(&job("third", Some(1), "true"), None).await?.id;
        waits(client, third).await?;

        // The stranger leaves: its GPU is the third one's.
        bed.nodes[0].agent.set_gpus(&[idle(0), idle(1), idle(2)])?;
        until_fault(client, 2, |fault| fault.is_none()).await?;
        let ended = until_state(client, third, JobState::Succeeded).await?;
        ensure!(whole_log(client, third).await? == "GPU-2 0.001\n", "{}", jobs::describe(&ended));
        for id in [shared, beside] {
            client.cancel(id).await?;
            until_state(client, id, JobState::Cancelled).await?;
        }
        let (one, two) = (whole_log(client, shared).await?, whole_log(client, beside).await?);
        ensure!(one == two && one.ends_with(" 0.5\n"), "{one:?} and {two:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_job_whose_gpu_is_lost_goes_on_elsewhere_and_is_measured() -> Result<()> {
    with_bed(async |bed| {
        let idle = |index: u8| Gpu::idle(&format!("GPU-{index}"), MODEL);
        bed.add_gpu_node("a", &[idle(0), idle(1)]).await?;
        let client = &bed.client;
        // It fails by itself as soon as it is told to stop, as programs do whose GPU is gone.
        let spec = job("burner", None, "trap 'exit 3' TERM; while :; do :; done");
        let id = client.submit(&spec, None).await?.id;
        until_state(client, id, JobState::Running).await?;
        let index = client.attempts(id).await?.items[0].tasks[0].gpu_indices[0];
        let busy = |index: u8| Gpu { percent: 80, used: 30 << 30, ..idle(index) };

        // It is measured: a tenth of a CPU is what it may use, and its GPU is busy.
        let both = if index == 0 { [busy(0), idle(1)] } else { [idle(0), busy(1)] };
        bed.nodes[0].agent.set_gpus(&both)?;
        eventually_within(LONG, "measurements of the job", async || {
            let metrics = client.job_metrics(id, &JobMetricsQuery::default()).await?;
            let burns = metrics.points.iter().any(|point| (40..1_000).contains(&point.cpu_milli));
            let computes = metrics
                .points
                .iter()
                .any(|point| point.gpu_milli == Some(800) && point.gpu_memory_bytes == Some(30 << 30));
            Ok((burns && computes && metrics.epoch == 1).then_some(()))
        })
        .await?;
        let host = node(client).await?.id;
        let metrics = eventually_within(LONG, "measurements of the node", async || {
            let metrics = client.node_metrics(host, &NodeMetricsQuery::default()).await?;
            let is_measured = metrics.points.iter().any(|point| point.memory_bytes > 1 << 20);
            Ok(is_measured.then_some(metrics))
        })
        .await?;
        ensure!(metrics.gpus.iter().map(|gpu| gpu.temperature).collect::<Vec<_>>() == [Some(30), Some(30)]);

        // Its GPU falls off the bus.
        let lost = |index: u8| Gpu { xid: 79, ..idle(index) };
        let both = if index == 0 { [lost(0), idle(1)] } else { [idle(0), lost(1)] };
        bed.nodes[0].agent.set_gpus(&both)?;
        let job =
            until(client, id, "running again", LONG, |job| job.epoch == 2 && job.state == JobState::Running)
                .await?;
        ensure!(job.attempts_charged == 0, "{}", jobs::describe(&job));
        let attempts = client.attempts(id).await?.items;
        ensure!(attempts[1].reason == Some(Reason::GpuLost), "{attempts:?}");
        ensure!(attempts[1].message.contains("XID 79"), "{}", attempts[1].message);
        ensure!(attempts[0].tasks[0].gpu_indices == [1 - index], "{attempts:?}");
        until_fault(client, index.into(), |fault| fault.is_some_and(|fault| fault.contains("XID 79")))
            .await?;
        client.cancel(id).await?;
        until_state(client, id, JobState::Cancelled).await.map(|_| ())
    })
    .await
}
