//! The agent as a service: the unit of `deploy/` under a real systemd, with everything that it forbids the agent.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};
use lilac_api::JobId;
use lilac_api::cluster::NodeState;
use lilac_api::job::{JobState, LogQuery};
use lilac_api::queue::{ContainerPolicy, CreateQueue};
use lilac_api::spec::{JobSpec, Network, Runtime};
use lilac_e2e::jobs::{SOON, end, only_attempt, script, until_state, whole_log};
use lilac_e2e::{Bed, Cli, Process, Systemd, eventually_within, with_bed};

const UNIT: &str = "lilac-agent.service";
/// Speaks, and waits until it is told to end.
const SPEAKS: &str = "echo begun; until [ -e /tmp/$LILAC_JOB_ID ]; do sleep 0.1; done; echo over";

#[tokio::test]
async fn jobs_outlive_what_befalls_the_service() -> Result<()> {
    if let Some(obstacle) = Systemd::obstacle() {
        eprintln!("SKIPPED: {obstacle}");
        return Ok(());
    }
    with_bed(async |bed| {
        let systemd = Systemd::boot().await?;
        let held = hold(bed, &systemd).await;
        if held.is_err() {
            systemd.show();
        }
        held
    })
    .await
}

async fn hold(bed: &Bed, systemd: &Systemd) -> Result<()> {
    let cli = Cli::new(&bed.scratch().path("user"))?;
    let password = format!("{}\n", bed.admin_password().0);
    cli.ok(&["configure", "--server", &bed.url()?]).await?;
    cli.run_with_input(&["login", "--username", "admin", "--password-stdin"], &password).await?;

    let settings = format!(
        "name = \"served\"\nserver = \"{}\"\njoin_key = \"{}\"\n[capacity]\ncpus = \"4\"\nmemory = \"2Gi\"\n",
        bed.url()?,
        bed.join_key("served").await?.0
    );
    systemd.put("etc/lilac/agent.toml", &settings)?;
    systemd.put(&format!("etc/systemd/system/{UNIT}"), include_str!("../../deploy/lilac-agent.service"))?;
    systemd.run(&["chmod", "600", "/etc/lilac/agent.toml"])?;
    systemd.run(&["systemctl", "daemon-reload"])?;
    systemd.run(&["systemctl", "start", UNIT])?;
    bed.until_node("served", NodeState::Ready).await?;

    let server = "mkdir /tmp/files; echo hello >/tmp/files/x; httpd -p 127.0.0.1:8080 -h /tmp/files";
    let id = bed.client.submit(&script("long", &format!("{server}; {SPEAKS}")), None).await?.id;
    until_begun(bed, id).await?;
    let containers = systemd.running().await?;
    ensure!(containers.len() == 1, "{containers:?}");
    // For this it enters the container's network, which is most of what it needs its rights for.
    assert_eq!(over_the_port(&cli, bed, id).await?, "hello\n");
    is_disturbed(systemd).await?;
    bed.until_node("served", NodeState::Ready).await?;
    assert_eq!(systemd.running().await?, containers);
    cli.ok(&["exec", &id.to_string(), "--", "sh", "-c", "touch /tmp/$LILAC_JOB_ID"]).await?;
    assert_eq!(ends_well(bed, id).await?, "begun\nover\n");

    runs_processes(bed, systemd, &settings).await
}

/// The same service with jobs as processes, which are its children.
async fn runs_processes(bed: &Bed, systemd: &Systemd, settings: &str) -> Result<()> {
    let mut queue = CreateQueue::new("bare", 50, vec!["default".to_owned()]);
    queue.policy = ContainerPolicy::Trusted;
    bed.client.create_queue(&queue).await?;
    systemd.put("etc/lilac/agent.toml", &format!("runtime = \"process\"\n{settings}"))?;
    let drop_in = include_str!("../../deploy/lilac-agent-process.conf");
    systemd.put(&format!("etc/systemd/system/{UNIT}.d/process.conf"), drop_in)?;
    systemd.run(&["systemctl", "daemon-reload"])?;
    systemd.run(&["systemctl", "restart", UNIT])?;
    let body = format!("{SPEAKS}; cat /proc/self/oom_score_adj; umask; touch /tmp/written-$LILAC_JOB_ID");
    let spec = JobSpec {
        image: String::new(),
        runtime: Runtime::Process,
        queue: "bare".to_owned(),
        network: Network::None,
        ..script("process", &body)
    };
    let id = bed.client.submit(&spec, None).await?.id;
    until_begun(bed, id).await?;
    is_disturbed(systemd).await?;
    systemd.run(&["touch", &format!("/tmp/{id}")])?;
    // What the service is spared and kept from, its jobs are not.
    assert_eq!(ends_well(bed, id).await?, "begun\nover\n0\n0022\n");
    systemd.run(&["test", "-e", &format!("/tmp/written-{id}")])
}

async fn until_begun(bed: &Bed, id: JobId) -> Result<()> {
    until_state(&bed.client, id, JobState::Running).await?;
    eventually_within(SOON, "its first word", async || {
        let part = bed.client.log(id, &LogQuery::default()).await?;
        Ok(part.bytes.starts_with(b"begun\n").then_some(()))
    })
    .await
}

/// Waits for the end of a job that ran once, and gives its log.
async fn ends_well(bed: &Bed, id: JobId) -> Result<String> {
    let job = end(&bed.client, id).await?;
    assert_eq!((job.state, job.epoch), (JobState::Succeeded, 1), "{job:?}");
    only_attempt(&bed.client, id).await?;
    whole_log(&bed.client, id).await
}

/// The service is restarted, crashes, and is stopped for a while.
async fn is_disturbed(systemd: &Systemd) -> Result<()> {
    let agent = || systemd.property(UNIT, "MainPID");
    let first = agent()?;
    systemd.run(&["systemctl", "restart", UNIT])?;
    let second = agent()?;
    ensure!(second != first && second != "0", "{first}, then {second}");
    systemd.run(&["kill", "-KILL", &second])?;
    eventually_within(SOON, "another one by itself", async || {
        let third = agent()?;
        Ok((third != second && third != "0").then_some(()))
    })
    .await?;
    systemd.run(&["systemctl", "stop", UNIT])?;
    assert_eq!(systemd.property(UNIT, "ActiveState")?, "inactive");
    // Where containers read their leases.
    systemd.run(&["test", "-d", "/run/lilac-agent"])?;
    systemd.run(&["systemctl", "start", UNIT])
}

/// What the job's web server answers, by a port of this machine.
async fn over_the_port(cli: &Cli, bed: &Bed, id: JobId) -> Result<String> {
    let command = cli.command(&["port-forward", &id.to_string(), "0:8080"])?;
    let forward = Process::spawn("port-forward", command, &bed.scratch().path("port-forward"))?;
    let address = eventually_within(SOON, "a port", async || {
        let said = forward.output();
        Ok(said.split_once(" leads to port").map(|(address, _)| address.to_owned()))
    })
    .await?;
    let asked = tokio::task::spawn_blocking(move || -> Result<String> {
        let mut connection = TcpStream::connect(address)?;
        connection.set_read_timeout(Some(SOON))?;
        connection.write_all(b"GET /x HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer.split_once("\r\n\r\n").context("no body")?.1.to_owned())
    });
    asked.await?
}
