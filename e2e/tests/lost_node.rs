//! Nodes that die, fall silent, or exist twice: no job is lost, and none runs on after it was given up.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lilac_api::JobId;
use lilac_api::cluster::NodeState;
use lilac_api::job::{Attempt, AttemptState, Job, JobState, Reason};
use lilac_api::quantity::Span;
use lilac_api::spec::JobSpec;
use lilac_e2e::jobs::{check_history, end, script, until, until_state, whole_log};
use lilac_e2e::{Agent, AgentOptions, Bed, Node, eventually, eventually_within, with_bed};
use nix::sys::signal::Signal;

const LEASE: Duration = Duration::from_secs(10);
/// The margin that the control plane waits beyond a lease, and the time to act on it.
const MARGIN: Duration = Duration::from_secs(3 + 2);
/// For the grace that a busy machine needs.
const SLACK: Duration = Duration::from_secs(5);

/// Never ends at the first try, and at once at the second.
fn second_time_lucky() -> JobSpec {
    let body = "echo attempt $LILAC_ATTEMPT; [ $LILAC_ATTEMPT -ge 2 ] || exec sleep 1000";
    JobSpec { max_disconnect: Some(Span(LEASE)), ..script("lucky", body) }
}

/// Submits it and waits until it runs; with the index of its node.
async fn running_first(bed: &Bed, spec: &JobSpec) -> Result<(JobId, usize)> {
    let id = bed.client.submit(spec, None).await?.id;
    let job = until_state(&bed.client, id, JobState::Running).await?;
    let node = bed.nodes.iter().position(|node| job.nodes == [node.agent.name()]).context("no node")?;
    Ok((id, node))
}

fn die(node: &mut Node) -> Result<()> {
    node.agent.kill()?;
    node.machine.kill_containers();
    Ok(())
}

async fn attempt(bed: &Bed, id: JobId, epoch: u32) -> Result<Attempt> {
    let attempts = bed.client.attempts(id).await?.items;
    attempts.into_iter().find(|attempt| attempt.epoch == epoch).context("no such attempt")
}

/// The job succeeded at its second try, on `node`; the first counts as lost, and against nobody.
async fn moved_to(bed: &Bed, id: JobId, node: &str) -> Result<Job> {
    let job = end(&bed.client, id).await?;
    assert_eq!((job.state, job.epoch), (JobState::Succeeded, 2), "{job:?}");
    assert_eq!(job.nodes, [node]);
    assert_eq!(job.attempts_charged, 0, "a lost node is no fault of the job");
    assert_eq!(whole_log(&bed.client, id).await?, "attempt 2\n");
    let lost = attempt(bed, id, 1).await?;
    assert_eq!((lost.state, lost.reason), (AttemptState::Lost, Some(Reason::NodeLost)), "{lost:?}");
    check_history(&bed.client, &job).await?;
    Ok(job)
}

#[tokio::test]
async fn jobs_of_a_dead_node_move_to_another() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        bed.add_node("b", None).await?;
        let (id, dead) = running_first(bed, &second_time_lucky()).await?;
        let promised = attempt(bed, id, 1).await?.lease_until.context("no lease")?;
        die(&mut bed.nodes[dead])?;
        let died = Instant::now();
        until(&bed.client, id, "given up", LEASE + MARGIN + SLACK, |job| {
            job.epoch == 2 || job.state == JobState::Queued
        })
        .await?;
        let took = died.elapsed();
        assert!(took <= LEASE + MARGIN, "it took {took:?}");
        let given_up = attempt(bed, id, 1).await?.finished_at.context("no end")?;
        assert!(given_up > promised, "given up at {given_up}, promised until {promised}");
        let other = bed.nodes[1 - dead].agent.name().to_owned();
        let before = moved_to(bed, id, &other).await?;

        // The dead node comes back with old news, which changes nothing.
        bed.nodes[dead].agent.start_again()?;
        let name = bed.nodes[dead].agent.name().to_owned();
        bed.until_node(&name, NodeState::Ready).await?;
        bed.nodes[dead].machine.empty(LEASE + MARGIN).await?;
        let after = bed.client.job(id).await?;
        assert_eq!(serde_json::to_string(&after)?, serde_json::to_string(&before)?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_node_that_was_attested_dead_is_given_up_at_once() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        bed.add_node("b", None).await?;
        let spec = JobSpec { max_disconnect: None, ..second_time_lucky() };
        let (id, dead) = running_first(bed, &spec).await?;
        die(&mut bed.nodes[dead])?;
        let name = bed.nodes[dead].agent.name().to_owned();
        let nodes = bed.client.nodes().await?.items;
        let node = nodes.iter().find(|node| node.name == name).context("no such node")?;
        bed.client.remove_node(node.id).await?;
        let removed = Instant::now();
        let other = bed.nodes[1 - dead].agent.name().to_owned();
        moved_to(bed, id, &other).await?;
        assert!(removed.elapsed() < LEASE, "it took {:?}", removed.elapsed());
        assert_eq!(bed.client.nodes().await?.items.len(), 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_agent_that_was_silent_too_long_ends_its_container() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        bed.add_node("b", None).await?;
        let (id, silent) = running_first(bed, &second_time_lucky()).await?;
        bed.nodes[silent].agent.signal(Signal::SIGSTOP)?;
        let other = bed.nodes[1 - silent].agent.name().to_owned();
        let job = moved_to(bed, id, &other).await?;
        // Nobody but the container itself can have ended it.
        assert!(bed.nodes[silent].machine.running().await?.is_empty());

        bed.nodes[silent].agent.signal(Signal::SIGCONT)?;
        bed.nodes[silent].machine.empty(LEASE).await?;
        assert_eq!(serde_json::to_string(&bed.client.job(id).await?)?, serde_json::to_string(&job)?);
        // It is as good as any other node again.
        let name = bed.nodes[silent].agent.name().to_owned();
        bed.until_node(&name, NodeState::Ready).await
    })
    .await
}

#[tokio::test]
async fn an_agent_without_a_server_keeps_to_its_lease() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let (id, _) = running_first(bed, &second_time_lucky()).await?;
        let patient = JobSpec { max_disconnect: None, ..script("patient", "sleep 1000") };
        let patient = bed.client.submit(&patient, None).await?.id;
        until_state(&bed.client, patient, JobState::Running).await?;
        let machine = &bed.nodes[0].machine;
        assert_eq!(machine.running().await?.len(), 2);

        bed.servers[0].kill()?;
        let died = Instant::now();
        eventually_within(LEASE + SLACK, "the end of the lease", async || {
            Ok((machine.running().await?.len() == 1).then_some(()))
        })
        .await?;
        let took = died.elapsed();
        ensure!(took > LEASE / 4, "ended after {took:?}: an outage shorter than the lease must not harm");
        ensure!(took <= LEASE, "the container outlived its lease: {took:?}");
        bed.servers[0].start_again().await?;
        bed.until_answered().await?;
        moved_to(bed, id, "a").await?;
        // The other job has a longer lease and noticed nothing.
        let job = bed.client.job(patient).await?;
        assert_eq!((job.state, job.epoch), (JobState::Running, 1), "{job:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn of_two_agents_with_one_identity_the_older_gives_way() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let folder = bed.scratch().path("copy");
        std::fs::create_dir_all(&folder)?;
        let copied = Command::new("cp")
            .arg("-a")
            .args([bed.nodes[0].agent.state_dir(), folder.join("state")])
            .status()
            .context("copying the agent's state")?;
        ensure!(copied.success(), "cp: {copied}");
        let server = bed.servers[0].url();
        let docker_host = bed.nodes[0].machine.docker_host().to_owned();
        let mut newer = Agent::start(
            &folder,
            &AgentOptions {
                name: "a",
                server: &server,
                join_key: None,
                docker_host: &docker_host,
                capacity: None,
                gpus: &[],
            },
        )?;

        let status = bed.nodes[0].agent.exit(Duration::from_secs(60)).await?;
        assert!(!status.success(), "it must say that something is wrong");
        let said = bed.nodes[0].agent.output();
        assert!(said.contains("another agent"), "{said}");
        let id = bed.client.submit(&script("after", "echo after"), None).await?.id;
        assert_eq!(end(&bed.client, id).await?.state, JobState::Succeeded, "{}", newer.output());
        assert_eq!(bed.client.nodes().await?.items.len(), 1);
        eventually("the newer one to be alive", async || Ok(Some(newer.signal(Signal::SIGCONT)?))).await
    })
    .await
}
