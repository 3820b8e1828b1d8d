//! A job never runs twice at once, whoever dies, and it is requeued by itself all the same.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lilac_api::JobId;
use lilac_api::job::{AttemptState, JobState};
use lilac_api::quantity::Span;
use lilac_api::spec::{JobSpec, Placement};
use lilac_e2e::jobs::{SOON, check_history, end, only_attempt, resources, until, until_state};
use lilac_e2e::{
    Agent, AgentOptions, Bed, Capacity, Island, Witness, eventually, no_islands, rebooted_agent, with_bed,
};
use nix::sys::signal::Signal;

const LEASE: Duration = Duration::from_secs(10);
/// A node for one job.
const ONE_JOB: Option<Capacity> = Some(Capacity { cpus: 1, memory: "256Mi" });

/// Signs for ever at the first try, and ends at once at the second. Deaf to every plea.
const DEAF: &str = "trap '' TERM INT HUP; [ $LILAC_ATTEMPT -ge 2 ] || while :; do sign; sleep 0.05; done";

/// A job for the node at `index`, at work there; what it leaves is for the heir.
async fn fill(bed: &Bed, witness: &Witness, index: usize, lease: Option<Duration>) -> Result<JobId> {
    let name = bed.nodes[index].agent.name();
    let spec = JobSpec {
        max_disconnect: lease.map(Span),
        resources: resources(1_000, 64),
        placement: Placement { constraints: vec![format!("node in ({name}, heir)").parse()?], same: None },
        ..witness.job(name, DEAF)
    };
    let id = bed.client.submit(&spec, None).await?.id;
    let job = until_state(&bed.client, id, JobState::Running).await?;
    assert_eq!(job.nodes, [name]);
    signed(witness, id).await?;
    Ok(id)
}

async fn signed(witness: &Witness, id: JobId) -> Result<()> {
    eventually("its first mark", async || Ok(witness.of(id).is_ok_and(|s| !s.is_empty()).then_some(()))).await
}

/// The job was given up at its first try and done at its second, in this order and never together. Gives the
/// milliseconds by which the first outlived its lease, negative where it ended before.
async fn ran_on(bed: &Bed, witness: &Witness, id: JobId, lease_until: u64) -> Result<i64> {
    let job =
        until(&bed.client, id, "requeued and done", LEASE + SOON, |job| job.state == JobState::Succeeded)
            .await?;
    assert_eq!((job.epoch, job.attempts_charged), (2, 0), "{job:?}");
    assert_eq!(job.nodes, ["heir"]);
    let seen = witness.of(id)?;
    let [first, second] = seen.as_slice() else { anyhow::bail!("{seen:?}") };
    // The control plane waits for three seconds more.
    ensure!(first.last_ms < witness.dead_by(lease_until), "{first:?} outlived its lease {lease_until}");
    // It was left alone for as long as its lease lasted, and not much longer than promised.
    ensure!(first.last_ms + 2_000 > lease_until, "{first:?} ended before its lease {lease_until}");
    ensure!(second.first_ms > lease_until, "{second:?} began within the lease {lease_until}");
    let attempts = bed.client.attempts(id).await?.items;
    let lost = attempts.iter().find(|attempt| attempt.epoch == 1).context("no first attempt")?;
    assert_eq!(lost.state, AttemptState::Lost, "{lost:?}");
    check_history(&bed.client, &job).await?;
    Ok(i64::try_from(first.last_ms)? - i64::try_from(lease_until)?)
}

/// Five nodes fall silent. Three lose their agents for good: on one the Docker daemon lives, on one it is killed as
/// well, on one it hangs. One agent is stopped, and one is cut off. On each the container ends with its lease, though
/// on four of them nobody but itself can know that it is over.
#[tokio::test]
async fn containers_end_with_their_leases_whoever_is_dead_silent_or_cut_off() -> Result<()> {
    with_bed(async |bed| {
        let witness = Witness::new(&bed.client, &bed.scratch().path("witness")).await?;
        for name in ["alone", "killed", "hung", "stopped", "cut"] {
            bed.add_node(name, ONE_JOB).await?;
        }
        let island = cut_off(bed, 4).await?;
        let mut jobs = Vec::new();
        for index in 0..bed.nodes.len() {
            jobs.push(fill(bed, &witness, index, Some(LEASE)).await?);
        }
        let mut attempts = Vec::new();
        for id in &jobs {
            attempts.push(only_attempt(&bed.client, *id).await?.id);
        }
        for index in 0..3 {
            bed.nodes[index].agent.kill()?;
        }
        bed.nodes[1].machine.kill_daemon()?;
        bed.nodes[2].machine.signal_daemon(Signal::SIGSTOP)?;
        bed.nodes[3].agent.signal(Signal::SIGSTOP)?;
        match &island {
            Some(island) => island.cut()?,
            None => bed.nodes[4].agent.signal(Signal::SIGSTOP)?,
        }
        let server = bed.url()?;
        bed.add_node_of("heir", &server, Some(Capacity { cpus: 4, memory: "1Gi" })).await?;

        let mut late = Vec::new();
        for (index, (id, attempt)) in jobs.iter().zip(&attempts).enumerate() {
            // What its agent wrote down last.
            let lease_until = bed.nodes[index].agent.lease(*attempt)?;
            let name = bed.nodes[index].agent.name().to_owned();
            late.push((name, ran_on(bed, &witness, *id, lease_until).await?));
        }
        eprintln!("ms from the end of the lease to the last mark: {late:?}");

        // What is left of the first attempts is cleared away, and changes nothing, when their nodes come back.
        bed.nodes[2].machine.signal_daemon(Signal::SIGCONT)?;
        bed.nodes[2].agent.start_again()?;
        bed.nodes[3].agent.signal(Signal::SIGCONT)?;
        match &island {
            Some(island) => island.mend()?,
            None => bed.nodes[4].agent.signal(Signal::SIGCONT)?,
        }
        for (index, id) in jobs.iter().enumerate().skip(2) {
            bed.nodes[index].machine.empty(SOON).await?;
            let job = end(&bed.client, *id).await?;
            assert_eq!((job.state, job.epoch), (JobState::Succeeded, 2), "{job:?}");
            assert_eq!(witness.of(*id)?.len(), 2);
        }
        Ok(())
    })
    .await
}

/// Moves the agent of a node to a network of its own, where that is permitted.
#[expect(clippy::print_stderr, reason = "what is skipped must say why")]
async fn cut_off(bed: &mut Bed, index: usize) -> Result<Option<Island>> {
    if let Some(obstacle) = no_islands() {
        eprintln!("SKIPPED, in part: {obstacle}; its agent is stopped instead");
        return Ok(None);
    }
    let island = Island::new(bed.scratch(), "cut", &bed.url()?).await?;
    let agent = &mut bed.nodes[index].agent;
    agent.be(island.program());
    agent.kill()?;
    agent.start_again()?;
    Ok(Some(island))
}

/// An agent that dies fifty times within a minute, wherever it stands just then: no attempt has two containers, no two
/// attempts of a job overlap, none is charged, and all is done. What an agent was told and died over before it wrote that
/// down is nobody's until its lease ends: only then is it tried again.
#[tokio::test]
async fn an_agent_that_dies_fifty_times_runs_no_job_twice() -> Result<()> {
    const KILLS: u64 = 50;
    with_bed(async |bed| {
        let witness = Witness::new(&bed.client, &bed.scratch().path("witness")).await?;
        bed.add_node("a", Some(Capacity { cpus: 8, memory: "2Gi" })).await?;
        let starts = bed.nodes[0].machine.watch_starts();
        let job = |name: &str, body: &str| JobSpec {
            max_disconnect: Some(Span(LEASE * 2)),
            resources: resources(500, 32),
            ..witness.job(name, body)
        };
        let long = job("long", "until [ -e /witness/over ]; do sign; sleep 0.05; done");
        let mut jobs = vec![bed.client.submit(&long, None).await?.id];
        for kill in 0..KILLS {
            if kill % 5 == 0 {
                let body = "i=0; while [ $i -lt 10 ]; do i=$((i+1)); sign; sleep 0.05; done; echo done";
                jobs.push(bed.client.submit(&job(&format!("short-{kill}"), body), None).await?.id);
            }
            // At any point of a start: while it recovers, registers its session, writes an intent, makes a container.
            tokio::time::sleep(Duration::from_millis(100 + kill * 397 % 900)).await;
            bed.nodes[0].agent.kill()?;
            bed.nodes[0].agent.start_again()?;
        }
        std::fs::write(witness.path("over"), "")?;
        let mut attempts = HashMap::new();
        for id in &jobs {
            let job =
                until(&bed.client, *id, "done", SOON * 2, |job| job.state == JobState::Succeeded).await?;
            assert_eq!(job.attempts_charged, 0, "{job:?}");
            // Fails where two overlap, or one was run by two containers.
            let seen = witness.of(*id)?;
            attempts.insert(id.to_string(), (seen.len(), job.epoch as usize));
            check_history(&bed.client, &job).await?;
        }
        for job in starts.jobs()? {
            let (_, left) = attempts.get_mut(&job).context("a container of nobody")?;
            ensure!(*left > 0, "more containers than attempts: {job}");
            *left -= 1;
        }
        eprintln!("attempts of {} jobs over {KILLS} deaths: {attempts:?}", jobs.len());
        bed.nodes[0].machine.empty(SOON).await
    })
    .await
}

/// A second agent with the identity of one, and a machine that is booted again: what ran before is over before it is
/// run again, and after the boot nobody waits for a lease.
#[tokio::test]
async fn neither_a_copied_identity_nor_a_reboot_runs_a_job_twice() -> Result<()> {
    with_bed(async |bed| {
        let witness = Witness::new(&bed.client, &bed.scratch().path("witness")).await?;
        bed.add_node("copied", ONE_JOB).await?;
        bed.add_node("booted", ONE_JOB).await?;
        let copied = fill(bed, &witness, 0, Some(LEASE)).await?;
        let booted = fill(bed, &witness, 1, None).await?;
        let attempt = only_attempt(&bed.client, copied).await?.id;

        // The copy takes over the attempt, and not its lease: that is where the older one keeps its own.
        let _copy = copy_of(bed, 0)?;
        let status = bed.nodes[0].agent.exit(SOON).await?;
        assert!(!status.success(), "it must say that something is wrong");
        let lease_until = bed.nodes[0].agent.lease(attempt)?;
        let server = bed.url()?;
        bed.add_node_of("heir", &server, Some(Capacity { cpus: 4, memory: "1Gi" })).await?;

        // Where the boot is only made up, no container that is started after it finds a lease of its own.
        let nodes = bed.client.nodes().await?.items;
        let node = nodes.iter().find(|node| node.name == "booted").context("no such node")?;
        bed.client.cordon(node.id).await?;
        // Meanwhile the other machine loses its power. Its job has a lease of minutes, for which nobody waits.
        bed.nodes[1].agent.kill()?;
        bed.nodes[1].machine.kill_containers();
        bed.nodes[1].machine.kill_daemon()?;
        bed.nodes[1].machine.start_daemon_again().await?;
        let agent = rebooted_agent(bed.scratch(), "booted")?;
        bed.nodes[1].agent.be(&agent);
        bed.nodes[1].agent.start_again()?;
        let job = until(&bed.client, booted, "run again after the boot", SOON, |job| {
            job.state == JobState::Succeeded
        })
        .await?;
        assert_eq!((job.epoch, job.attempts_charged), (2, 0), "{job:?}");
        assert_eq!(witness.of(booted)?.len(), 2);
        check_history(&bed.client, &job).await?;

        // The older agent ended the container with its lease, and may not speak any more. The copy sees a container
        // that somebody killed: whoever it was, it is no end of the job's, and none that it is charged for.
        let job = until(&bed.client, copied, "run again after the copy", LEASE + SOON, |job| {
            job.state == JobState::Succeeded
        })
        .await?;
        assert_eq!((job.epoch, job.attempts_charged), (2, 0), "{job:?}");
        let seen = witness.of(copied)?;
        let [first, _] = seen.as_slice() else { anyhow::bail!("{seen:?}") };
        ensure!(first.last_ms < witness.dead_by(lease_until), "{first:?} outlived its lease {lease_until}");
        check_history(&bed.client, &job).await
    })
    .await
}

/// Starts a second agent with the identity of a node's, on the same daemon.
fn copy_of(bed: &Bed, index: usize) -> Result<Agent> {
    let folder = bed.scratch().path("copy");
    std::fs::create_dir_all(&folder)?;
    let agent = &bed.nodes[index].agent;
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([agent.state_dir(), folder.join("state")])
        .status()
        .context("copying the agent's state")?;
    ensure!(copied.success(), "cp: {copied}");
    Agent::start(
        &folder,
        &AgentOptions {
            name: agent.name(),
            server: &bed.url()?,
            join_key: None,
            docker_host: bed.nodes[index].machine.docker_host(),
            capacity: ONE_JOB,
            gpus: &[],
        },
    )
}
