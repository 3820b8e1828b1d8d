//! Jobs as processes of a node without Docker: with an init, a lease, a log and a user as a container has them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lilac_api::job::{JobState, Reason};
use lilac_api::quantity::Span;
use lilac_api::queue::{ContainerPolicy, CreateQueue};
use lilac_api::spec::{JobSpec, Network, Runtime};
use lilac_e2e::jobs::{SOON, end, only_attempt, resources, script, until, until_state, whole_log};
use lilac_e2e::{Bed, Capacity, Witness, eventually, eventually_within, with_bed};

const LEASE: Duration = Duration::from_secs(10);

fn process(name: &str, body: &str) -> JobSpec {
    JobSpec {
        image: String::new(),
        runtime: Runtime::Process,
        queue: "bare".to_owned(),
        network: Network::None,
        ..script(name, body)
    }
}

/// A process that signs where a container would: there is no volume, and the folder is the node's own.
fn signing(witness: &Witness, name: &str, body: &str) -> JobSpec {
    let spec = witness.job(name, body);
    let run = spec.run.unwrap_or_default().replace("/witness/", &format!("{}/", witness.path("").display()));
    JobSpec { run: Some(run), ..process(name, "") }
}

#[tokio::test]
async fn a_node_without_docker_runs_jobs_and_keeps_the_promises() -> Result<()> {
    with_bed(async |bed| {
        let witness = Witness::new(&bed.client, &bed.scratch().path("witness")).await?;
        bed.add_node("bare", Some(Capacity { cpus: 4, memory: "2Gi" })).await?;
        bed.nodes[0].agent.kill()?;
        bed.nodes[0].agent.configure("runtime = \"process\"")?;
        bed.nodes[0].agent.start_again()?;
        let client = &bed.client;
        eventually("a node that says so", async || {
            let nodes = client.nodes().await?.items;
            Ok(nodes.iter().any(|node| node.labels.contains_key(Runtime::LABEL)).then_some(()))
        })
        .await?;
        let mut queue = CreateQueue::new("bare", 50, vec!["default".to_owned()]);
        queue.policy = ContainerPolicy::Trusted;
        client.create_queue(&queue).await?;

        // A queue that is not trusted refuses it; a container waits for a node that has any.
        let untrusted = JobSpec { queue: "default".to_owned(), ..process("untrusted", "true") };
        let refused = client.submit(&untrusted, None).await.err().context("a queue let it in")?;
        ensure!(format!("{refused:?}").contains("runtime"), "{refused:?}");
        let container = client.submit(&script("container", "true"), None).await?.id;

        let body = "id -u; echo $LILAC_ATTEMPT; ls /.lilac; cat /proc/1/comm; exit 3";
        let id = client.submit(&process("speaks", body), None).await?.id;
        let job = end(client, id).await?;
        assert_eq!((job.state, job.exit_code), (JobState::Failed, Some(3)), "{job:?}");
        let log = whole_log(client, id).await?;
        assert_eq!(log, "65534\n1\ninit\nlog\nrun\ninit\n");
        let greedy = client.submit(&process("greedy", "head -c 300000000 /dev/zero | tail"), None).await?.id;
        let job = end(client, greedy).await?;
        assert_eq!((job.state, job.reason), (JobState::Failed, Some(Reason::Oom)), "{job:?}");

        let id = client.submit(&process("stopped", "sleep 1000 & sleep 1000; wait"), None).await?.id;
        until_state(client, id, JobState::Running).await?;
        client.cancel(id).await?;
        assert_eq!(end(client, id).await?.state, JobState::Cancelled);

        goes_on(bed, &witness).await?;
        ends_with_its_lease(bed, &witness).await?;
        let job = bed.client.job(container).await?;
        assert_eq!((job.state, job.epoch), (JobState::Queued, 0), "{job:?}");
        bed.client.cancel(container).await?;
        nothing_is_left(bed).await
    })
    .await
}

/// An agent that dies finds its process again, and loses nothing of its log.
async fn goes_on(bed: &mut Bed, witness: &Witness) -> Result<()> {
    let body = "echo begun; until [ -e /witness/over ]; do sign; sleep 0.05; done; echo over";
    let id = bed.client.submit(&signing(witness, "long", body), None).await?.id;
    until_state(&bed.client, id, JobState::Running).await?;
    for _ in 0..2 {
        bed.nodes[0].agent.kill()?;
        bed.nodes[0].agent.start_again()?;
        let marks = witness.of(id)?[0].last_ms;
        eventually("it goes on", async || Ok((witness.of(id)?[0].last_ms > marks).then_some(()))).await?;
    }
    std::fs::write(witness.path("over"), "")?;
    let job = end(&bed.client, id).await?;
    assert_eq!((job.state, job.epoch), (JobState::Succeeded, 1), "{job:?}");
    assert_eq!(whole_log(&bed.client, id).await?, "begun\nover\n");
    only_attempt(&bed.client, id).await?;
    assert_eq!(witness.of(id)?.len(), 1);
    Ok(())
}

/// A process whose agent is dead ends with its lease, and the job is run again by itself.
async fn ends_with_its_lease(bed: &mut Bed, witness: &Witness) -> Result<()> {
    let deaf = "trap '' TERM INT HUP; [ $LILAC_ATTEMPT -ge 2 ] || while :; do sign; sleep 0.05; done";
    let spec = JobSpec {
        max_disconnect: Some(Span(LEASE)),
        resources: resources(500, 64),
        ..signing(witness, "deaf", deaf)
    };
    let id = bed.client.submit(&spec, None).await?.id;
    until_state(&bed.client, id, JobState::Running).await?;
    let attempt = only_attempt(&bed.client, id).await?.id;
    bed.nodes[0].agent.kill()?;
    let lease_until = bed.nodes[0].agent.lease(attempt)?;
    until(&bed.client, id, "requeued", LEASE + SOON, |job| job.state == JobState::Queued).await?;
    bed.nodes[0].agent.start_again()?;
    let job = until(&bed.client, id, "done", SOON, |job| job.state == JobState::Succeeded).await?;
    assert_eq!((job.epoch, job.attempts_charged), (2, 0), "{job:?}");
    let seen = witness.of(id)?;
    let [first, second] = seen.as_slice() else { anyhow::bail!("{seen:?}") };
    ensure!(first.last_ms < witness.dead_by(lease_until), "{first:?} outlived its lease {lease_until}");
    ensure!(second.first_ms > lease_until, "{second:?} began within the lease {lease_until}");
    Ok(())
}

async fn nothing_is_left(bed: &Bed) -> Result<()> {
    eventually_within(SOON, "no process is left", async || {
        let left = std::fs::read_dir("/proc")?.flatten().any(|process| {
            let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            let state = bed.nodes[0].agent.state_dir();
            String::from_utf8_lossy(&line).contains(&format!("{}/init/", state.display()))
        });
        Ok((!left).then_some(()))
    })
    .await
}
