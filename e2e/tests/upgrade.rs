//! Agent and server of different releases side by side, and a binary that is replaced: no job notices.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lilac_api::cluster::NodeState;
use lilac_api::job::JobState;
use lilac_e2e::jobs::{SOON, end, only_attempt, script, until_state, whole_log};
use lilac_e2e::{Bed, binary, eventually_within, with_bed};
use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A way to the server on which an agent speaks another version of the protocol while that is wanted.
struct OtherVersion {
    url: String,
    is_on: Arc<AtomicBool>,
}

impl OtherVersion {
    async fn before(server: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let server = server.trim_start_matches("http://").to_owned();
        let is_on = Arc::new(AtomicBool::new(false));
        let wanted = is_on.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server.clone(), wanted.clone()));
            }
        });
        Ok(Self { url, is_on })
    }

    fn speak(&self, other: bool) {
        self.is_on.store(other, Ordering::SeqCst);
    }
}

async fn carry(client: TcpStream, server: String, is_on: Arc<AtomicBool>) -> std::io::Result<()> {
    let server = TcpStream::connect(server).await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = from_client.read(&mut buffer).await?;
        if read == 0 {
            return to_server.shutdown().await;
        }
        let (said, spoken) = (b"\"protocol\":1,", b"\"protocol\":9,");
        let place = buffer[..read].windows(said.len()).position(|window| window == said);
        if let Some(place) = place.filter(|_| is_on.load(Ordering::SeqCst)) {
            buffer[place..place + spoken.len()].copy_from_slice(spoken);
        }
        to_server.write_all(&buffer[..read]).await?;
    }
}

async fn container(bed: &Bed, job: lilac_api::JobId) -> Result<String> {
    let attempt = only_attempt(&bed.client, job).await?.id;
    let found = bed.nodes[0].machine.container(attempt).await?.context("no container")?;
    ensure!(found.state.and_then(|state| state.running) == Some(true), "it does not run");
    found.id.context("a container without an id")
}

/// Puts a file in the place of another as installers do: the one that runs is not written to.
fn install(from: &Path, to: &Path) -> Result<()> {
    let fresh = to.with_extension("new");
    std::fs::copy(from, &fresh)?;
    Ok(std::fs::rename(fresh, to)?)
}

#[tokio::test]
async fn a_job_runs_on_through_an_upgrade() -> Result<()> {
    with_bed(async |bed| {
        let other = OtherVersion::before(&bed.servers[0].url()).await?;
        bed.add_node_of("a", &other.url, None).await?;
        let text = "while [ ! -e /tmp/enough ]; do sleep 0.2; done; echo done";
        let job = bed.client.submit(&script("long", text), None).await?.id;
        until_state(&bed.client, job, JobState::Running).await?;
        let before = container(bed, job).await?;

        // The server does not know the agent's version: it is told what to do, and goes on asking.
        other.speak(true);
        bed.nodes[0].agent.signal(Signal::SIGTERM)?;
        bed.nodes[0].agent.exit(Duration::from_secs(30)).await?;
        bed.nodes[0].agent.start_again()?;
        eventually_within(SOON, "a word about the version", async || {
            let said = bed.nodes[0].agent.output();
            Ok((said.contains("speaks protocol 9") && said.contains("upgrade the server first"))
                .then_some(()))
        })
        .await?;
        assert_eq!(container(bed, job).await?, before);

        // It is installed anew, as another file in the same place, and restarted; then the server understands.
        let program = bed.scratch().path("installed").join("lilac_agent");
        std::fs::create_dir_all(program.parent().context("no folder")?)?;
        install(&binary("lilac_agent")?, &program)?;
        bed.nodes[0].agent.be(&program);
        bed.nodes[0].agent.kill()?;
        bed.nodes[0].agent.start_again()?;
        other.speak(false);
        bed.until_node("a", NodeState::Ready).await?;
        assert_eq!(container(bed, job).await?, before);

        // The file is replaced while the agent runs from it, and the agent is restarted.
        install(&binary("lilac_agent")?, &program)?;
        bed.nodes[0].agent.signal(Signal::SIGTERM)?;
        bed.nodes[0].agent.exit(Duration::from_secs(30)).await?;
        bed.nodes[0].agent.start_again()?;
        assert_eq!(container(bed, job).await?, before);

        let attempt = only_attempt(&bed.client, job).await?.id;
        let made = bed.nodes[0].machine.docker();
        let exec = bollard::exec::CreateExecOptions {
            cmd: Some(vec!["touch", "/tmp/enough"]),
            ..Default::default()
        };
        let exec = made.create_exec(&format!("lilac-{attempt}"), exec).await?;
        made.start_exec(
            &exec.id,
            Some(bollard::exec::StartExecOptions { detach: true, ..Default::default() }),
        )
        .await?;
        let ended = end(&bed.client, job).await?;
        assert_eq!((ended.state, ended.epoch), (JobState::Succeeded, 1), "{ended:?}");
        assert_eq!(whole_log(&bed.client, job).await?, "done\n");
        bed.nodes[0].machine.empty(SOON).await
    })
    .await
}
