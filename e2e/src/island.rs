//! An agent in a network of its own, whose cable can be pulled.
//!
//! The network is a namespace with nothing but its loopback. There the server's port is a bridge: a socket that was
//! opened in the namespace, and carries on from outside of it. Cut by `iptables`, packets vanish in both directions, as
//! they do in a partition: nobody is told, and no connection is closed.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};
use nix::sched::{CloneFlags, setns};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener as Listener, TcpStream};

use crate::process::{PATH, Process, binary, clean_command};
use crate::scratch::Scratch;
use crate::wait::eventually;

/// A network namespace, and what keeps it.
pub struct Island {
    /// Does nothing but to be there.
    keeper: Process,
    port: u16,
    program: PathBuf,
}

/// Why no network can be cut here; `None` where one can.
#[must_use]
pub fn no_islands() -> Option<String> {
    let trial = "ip link set lo up && iptables -A INPUT -i lo -p tcp --dport 1 -j DROP";
    let made = Command::new("unshare").args(["--net", "sh", "-c", trial]).env("PATH", PATH).output();
    match made {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!(
            "a network namespace with iptables is not permitted: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Err(error) => Some(format!("no `unshare`: {error}")),
    }
}

impl Island {
    /// Makes a network in which the server is at the same address as outside.
    pub async fn new(scratch: &Scratch, name: &str, server_url: &str) -> Result<Self> {
        let (_, port) = server_url.rsplit_once(':').context("a server without a port")?;
        let port = port.parse()?;
        let mut command = clean_command(Path::new("unshare"), scratch.root());
        command.args(["--net", "sh", "-c", "ip link set lo up && exec sleep 86400"]);
        let keeper = Process::spawn(&format!("network {name}"), command, &scratch.path("network.log"))?;
        let namespace = namespace(&keeper);
        let listener =
            eventually("a network of its own", async || Ok(Some(listen(&namespace, port)?))).await?;
        tokio::spawn(bridge(listener, port));

        let program = scratch.path(&format!("island-{name}"));
        let agent = binary("lilac_agent")?;
        let words =
            format!("#!/bin/sh\nexec nsenter --net={} {} \"$@\"\n", namespace.display(), agent.display());
        std::fs::write(&program, words)?;
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
        Ok(Self { keeper, port, program })
    }

    /// The agent's program, in this network.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Where the network is.
    pub(crate) fn namespace(&self) -> PathBuf {
        namespace(&self.keeper)
    }

    /// Connects to a port of a machine that is in this network, from within.
    pub fn connect(&self, port: u16) -> Result<TcpStream> {
        let namespace = File::open(self.namespace())?;
        let connected = std::thread::spawn(move || {
            setns(namespace, CloneFlags::CLONE_NEWNET)?;
            let stream = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
            stream.set_nonblocking(true)?;
            anyhow::Ok(stream)
        });
        Ok(TcpStream::from_std(connected.join().map_err(|_| anyhow!("the thread panicked"))??)?)
    }

    /// From now on nothing comes through.
    pub fn cut(&self) -> Result<()> {
        let port = self.port;
        self.run(&format!(
            "iptables -A INPUT -i lo -p tcp --dport {port} -j DROP && iptables -A INPUT -i lo -p tcp --sport {port} -j DROP"
        ))
    }

    /// All comes through again.
    pub fn mend(&self) -> Result<()> {
        self.run("iptables -F INPUT")
    }

    fn run(&self, script: &str) -> Result<()> {
        let network = format!("--net={}", namespace(&self.keeper).display());
        let output =
            Command::new("nsenter").args([&network, "sh", "-c", script]).env("PATH", PATH).output()?;
        ensure!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }
}

fn namespace(keeper: &Process) -> PathBuf {
    PathBuf::from(format!("/proc/{}/ns/net", keeper.pid()))
}

/// Opens a socket in another network. Only the thread that does it goes there, and it ends with that.
fn listen(namespace: &Path, port: u16) -> Result<Listener> {
    let own = std::fs::read_link("/proc/self/ns/net")?;
    ensure!(std::fs::read_link(namespace)? != own, "it has not left yet");
    let namespace = File::open(namespace)?;
    let listener = std::thread::spawn(move || {
        setns(namespace, CloneFlags::CLONE_NEWNET)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        anyhow::Ok(listener)
    });
    Ok(Listener::from_std(listener.join().map_err(|_| anyhow!("the thread panicked"))??)?)
}

async fn bridge(listener: Listener, port: u16) {
    while let Ok((mut inside, _)) = listener.accept().await {
        tokio::spawn(async move {
            let Ok(mut outside) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else { return };
            // Either side may go at any time: that is what it is for.
            let _ = copy_bidirectional(&mut inside, &mut outside).await;
        });
    }
}
