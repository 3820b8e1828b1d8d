//! Podman in Docker's place: what differs between the two, no job notices.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::TryStreamExt;
use lilac_api::JobId;
use lilac_api::cluster::{Engine, NodeState};
use lilac_api::job::{JobState, LogQuery, Reason};
use lilac_api::metric::JobMetricsQuery;
use lilac_api::output::{OutputFileQuery, OutputQuery, OutputState};
use lilac_api::quantity::Span;
use lilac_api::queue::{ContainerPolicy, CreateQueue};
use lilac_api::spec::{JobSpec, Output, Signal, Stop};
use lilac_e2e::jobs::{SOON, check_history, end, only_attempt, script, small, until, until_state, whole_log};
use lilac_e2e::{
    Agent, AgentOptions, Bed, Capacity, Cli, IMAGE, Podman, PodmanContainer, eventually, eventually_within,
    with_bed,
};

const LEASE: Duration = Duration::from_secs(10);
const GRACE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn podman_will_do_in_dockers_place() -> Result<()> {
    if let Some(obstacle) = Podman::obstacle() {
        eprintln!("SKIPPED: {obstacle}");
        return Ok(());
    }
    with_bed(async |bed| {
        let podman = Podman::start().await?;
        let join_key = bed.join_key("pod").await?;
        let options = AgentOptions {
            name: "pod",
            server: &bed.url()?,
            join_key: Some(&join_key.0),
            docker_host: &podman.host(),
            capacity: Some(Capacity { cpus: 8, memory: "2Gi" }),
            gpus: &[],
        };
        let agent = Agent::start(&bed.scratch().path("agent-pod"), &options)?;
        bed.until_node("pod", NodeState::Ready).await?;
        let mut node = Node { podman, agent };
        let result = node.hold(bed).await;
        if result.is_err() {
            node.agent.show();
            node.podman.show();
        }
        result
    })
    .await
}

struct Node {
    podman: Podman,
    agent: Agent,
}

impl Node {
    async fn hold(&mut self, bed: &Bed) -> Result<()> {
        ends_are_told_apart(bed).await?;
        self.what_runs_is_limited_and_reached(bed).await?;
        self.what_is_cancelled_ends(bed).await?;
        self.what_runs_outlives_agent_and_service(bed).await?;
        self.what_lost_its_lease_ends(bed).await?;
        eventually_within(SOON, "no container", async || {
            Ok(self.podman.containers()?.is_empty().then_some(()))
        })
        .await
    }

    fn running(&self) -> Result<Vec<PodmanContainer>> {
        let mut containers = self.podman.containers()?;
        containers.retain(|container| container.state == "running");
        Ok(containers)
    }

    /// Limits, measurements, a program beside the job, and what `doctor` says.
    async fn what_runs_is_limited_and_reached(&self, bed: &Bed) -> Result<()> {
        let client = &bed.client;
        let mut strict = CreateQueue::new("strict", 50, vec!["default".to_owned()]);
        strict.policy = ContainerPolicy::Strict;
        client.create_queue(&strict).await?;
        let body = "touch /x 2>/dev/null || echo read-only; touch /tmp/x && id -u; grep CapBnd /proc/self/status; \
                    while :; do :; done";
        let spec =
            JobSpec { queue: "strict".to_owned(), user: Some("65534".to_owned()), ..script("strict", body) };
        let id = client.submit(&spec, None).await?.id;
        until_state(client, id, JobState::Running).await?;
        until_said(bed, id, "read-only\n65534\nCapBnd:\t0000000000000000\n").await?;
        let attempt = only_attempt(client, id).await?.id;
        let found = self.podman.inspect(&format!("lilac-{attempt}"))?;
        let limits = &found["HostConfig"];
        for (limit, expected) in
            [("PidsLimit", 4_096), ("Memory", 32 << 20), ("MemorySwap", 32 << 20), ("CpuQuota", 10_000)]
        {
            ensure!(limits[limit] == expected, "{limit}: {limits}");
        }
        ensure!(limits["LogConfig"]["Type"] == "none", "{limits}");

        let cli = Cli::new(&bed.scratch().path("user"))?;
        let password = format!("{}\n", bed.admin_password().0);
        cli.ok(&["configure", "--server", &bed.servers[0].url()]).await?;
        cli.run_with_input(&["login", "--username", "admin", "--password-stdin"], &password).await?;
        let inside =
            cli.run(&["exec", &id.to_string(), "--", "sh", "-c", "echo in $LILAC_JOB_NAME; exit 5"]).await?;
        ensure!(inside.code == Some(5) && inside.stdout == "in strict\n", "{inside:?}");

        eventually_within(SOON, "measurements", async || {
            let metrics = client.job_metrics(id, &JobMetricsQuery::default()).await?;
            let mut points = metrics.points.iter();
            Ok(points
                .any(|point| (1..1_000).contains(&point.cpu_milli) && point.memory_bytes > 0)
                .then_some(()))
        })
        .await?;
        client.cancel(id).await?;
        assert_eq!(end(client, id).await?.state, JobState::Cancelled);

        let node = client.nodes().await?.items.pop().context("no node")?;
        ensure!(node.engine == Engine::Podman && !node.docker_version.is_empty(), "{node:?}");
        let told = cli.ok(&["node", "show", "pod"]).await?;
        ensure!(told.contains(&format!("Podman {}", node.docker_version)), "{told}");

        let config = self.agent.config().display().to_string();
        let told = cli.run(&["agent", "doctor", "--config", &config]).await?;
        ensure!(
            told.stdout.contains("Podman") && told.stdout.contains("answers in Docker's place"),
            "{told:?}"
        );
        Ok(())
    }

    async fn what_is_cancelled_ends(&self, bed: &Bed) -> Result<()> {
        let client = &bed.client;
        let stop = || Stop { signal: Signal::SigTerm, grace: Span(GRACE), warn: None };
        // Without a program that the signal would end too, which the shell tells of.
        let wait = "echo ready; while :; do :; done";
        let polite = script("polite", &format!("trap 'echo bye; exit 5' TERM; {wait}"));
        let deaf = script("deaf", &format!("trap '' TERM; {wait}"));
        let mut jobs = Vec::new();
        for spec in [polite, deaf] {
            jobs.push(client.submit(&JobSpec { stop: stop(), ..spec }, None).await?.id);
        }
        for (id, code, log) in [(jobs[0], 5, "ready\nbye\n"), (jobs[1], 137, "ready\n")] {
            until_said(bed, id, "ready\n").await?;
            client.cancel(id).await?;
            let job = end(client, id).await?;
            assert_eq!((job.state, job.exit_code), (JobState::Cancelled, Some(code)), "{job:?}");
            assert_eq!(whole_log(client, id).await?, log);
        }
        Ok(())
    }

    /// The agent dies, then Podman's service: the job goes on in the one container that it has.
    async fn what_runs_outlives_agent_and_service(&mut self, bed: &Bed) -> Result<()> {
        let body = "seq 1 2000; while [ ! -e /tmp/over ]; do sleep 0.1; done; seq 2001 4000";
        let id = bed.client.submit(&script("long", body), None).await?.id;
        until_state(&bed.client, id, JobState::Running).await?;
        let before = self.running()?;
        ensure!(before.len() == 1, "{before:?}");
        self.agent.kill()?;
        self.agent.start_again()?;
        bed.until_node("pod", NodeState::Ready).await?;
        self.podman.kill_service()?;
        bed.until_node("pod", NodeState::Unhealthy).await?;
        self.podman.serve_again().await?;
        bed.until_node("pod", NodeState::Ready).await?;
        let after = self.podman.containers()?;
        ensure!(
            after.len() == 1 && after[0].id == before[0].id && after[0].pid == before[0].pid,
            "{after:?}"
        );

        let over = format!("/proc/{}/root/tmp/over", after[0].pid);
        std::fs::write(&over, "").context("telling the job that it is over")?;
        let job = end(&bed.client, id).await?;
        assert_eq!((job.state, job.epoch), (JobState::Succeeded, 1), "{job:?}");
        let numbers: String = (1..=4_000).map(|number| format!("{number}\n")).collect();
        ensure!(whole_log(&bed.client, id).await? == numbers, "a log with holes");
        check_history(&bed.client, &job).await
    }

    /// Nobody renews it: the container ends by itself, before the job is given to anybody again.
    async fn what_lost_its_lease_ends(&mut self, bed: &Bed) -> Result<()> {
        let body = "trap '' TERM; [ $LILAC_ATTEMPT -ge 2 ] || while :; do sleep 0.1; done";
        let spec = JobSpec { max_disconnect: Some(Span(LEASE)), ..script("orphan", body) };
        let id = bed.client.submit(&spec, None).await?.id;
        until_state(&bed.client, id, JobState::Running).await?;
        let first = self.running()?;
        ensure!(first.len() == 1, "{first:?}");
        self.agent.kill()?;
        until(&bed.client, id, "requeued", LEASE + SOON, |job| job.state == JobState::Queued).await?;
        let process = std::fs::read(format!("/proc/{}/cmdline", first[0].pid)).unwrap_or_default();
        ensure!(!process.starts_with(b"/.lilac/init"), "requeued while its container ran");
        self.agent.start_again()?;
        let job = until(&bed.client, id, "done", SOON, |job| job.state == JobState::Succeeded).await?;
        assert_eq!((job.epoch, job.attempts_charged), (2, 0), "{job:?}");
        Ok(())
    }
}

/// Waits until the job's log is this.
async fn until_said(bed: &Bed, id: JobId, text: &str) -> Result<()> {
    eventually_within(SOON, &format!("{text:?} said"), async || {
        let part = bed.client.log(id, &LogQuery::default()).await?;
        Ok((part.bytes == text.as_bytes()).then_some(()))
    })
    .await
}

/// A success with its whole log and what it leaves, and failures of each kind.
async fn ends_are_told_apart(bed: &Bed) -> Result<()> {
    let client = &bed.client;
    let output = Output { path: "/results".to_owned(), keep: None };
    let good = JobSpec {
        outputs: vec![output],
        ..script("good", "seq 1 20000; mkdir /results && seq 1 30000 > /results/numbers")
    };
    let too_hungry = "x=0123456789abcdef; while true; do x=$x$x; done";
    let unstartable = JobSpec { command: vec!["/no/such".to_owned()], ..small("unstartable", IMAGE) };
    let cases = [
        (script("code", "echo so far; exit 3"), Reason::ExitCode, Some(3), ""),
        (script("hungry", too_hungry), Reason::Oom, None, "memory"),
        (unstartable, Reason::Unstartable, None, "/no/such"),
        (small("unknown", "127.0.0.1:9/no-such:1"), Reason::ImagePull, None, "does not answer"),
    ];
    let succeeds = client.submit(&good, None).await?.id;
    let mut jobs = Vec::new();
    for (spec, ..) in &cases {
        jobs.push(client.submit(spec, None).await?.id);
    }
    for ((_, reason, code, words), id) in cases.iter().zip(jobs) {
        let job = end(client, id).await?;
        assert_eq!((job.state, job.reason), (JobState::Failed, Some(*reason)), "{job:?}");
        ensure!(job.message.contains(words) && (code.is_none() || job.exit_code == *code), "{job:?}");
        check_history(client, &job).await?;
    }

    let job = end(client, succeeds).await?;
    assert_eq!((job.state, job.exit_code, job.epoch), (JobState::Succeeded, Some(0), 1), "{job:?}");
    let numbers = |last: u32| (1..=last).map(|number| format!("{number}\n")).collect::<String>();
    ensure!(whole_log(client, succeeds).await? == numbers(20_000), "a log with holes");
    eventually("outputs", async || {
        let outputs = client.outputs(succeeds, &OutputQuery::default()).await?;
        Ok((outputs.len() == 1 && outputs[0].state == OutputState::Stored).then_some(()))
    })
    .await?;
    let query = OutputFileQuery { path: "numbers".to_owned(), ..OutputFileQuery::default() };
    let pieces: Vec<_> = client.download_output_file(succeeds, 0, &query).await?.try_collect().await?;
    ensure!(pieces.concat() == numbers(30_000).into_bytes(), "an output that differs");
    check_history(client, &job).await
}
