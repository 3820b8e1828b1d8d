//! Reaching a port of a container.
//!
//! Where the agent may, it dials from inside the container's network: its loopback is reached so, whatever its
//! network is, and nothing that is not the container's. Where it may not, it dials the container's address on the
//! bridge; of the node's own loopback it then knows only what a job on the host's network has.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use lilac_api::ids::AttemptId;
use nix::sched::{CloneFlags, setns};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::{Link, ask, words};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a container is found.
#[derive(Debug, PartialEq, Eq)]
struct Network {
    pid: i32,
    is_host: bool,
    /// Its address on the bridge.
    address: Option<IpAddr>,
}

/// Connects to a port of the attempt's container. The error is a sentence for the user.
pub async fn dial(link: &Link, attempt: AttemptId, port: u16) -> Result<TcpStream, String> {
    let network = look(link, attempt).await?;
    let inside = tokio::fs::File::open(format!("/proc/{}/ns/net", network.pid)).await;
    // Opened while the process was the container's: it still is, so it was all the time.
    if look(link, attempt).await? != network {
        return Err("the container was started anew; try again".to_owned());
    }
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let refused = |error: io::Error| format!("port {port} of the container: {error}");
    if let Ok(namespace) = inside {
        match connect_inside(namespace.into_std().await, loopback).await {
            Ok(connection) => return Ok(connection),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            Err(error) => {
                // Something that listens on the container's address only.
                let Some(address) = network.address else { return Err(refused(error)) };
                let other = connect(SocketAddr::from((address, port))).await;
                return other.map_err(|_| refused(error));
            }
        }
    }
    let address = match network {
        Network { is_host: true, .. } => loopback,
        Network { address: Some(address), .. } => SocketAddr::from((address, port)),
        Network { address: None, .. } => {
            return Err("the job has no network that this node's agent can reach".to_owned());
        }
    };
    connect(address).await.map_err(refused)
}

async fn look(link: &Link, attempt: AttemptId) -> Result<Network, String> {
    let found = ask::find(link, attempt).await.map_err(|error| words(&error))?;
    let state = found.state;
    let pid = state.pid.and_then(|pid| i32::try_from(pid).ok()).filter(|pid| *pid > 0);
    let pid = pid.filter(|_| state.running == Some(true)).ok_or("the container does not run")?;
    let mode = found.host_config.and_then(|host| host.network_mode).unwrap_or_default();
    let networks = found.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
    let address = networks.values().find_map(|network| network.address.as_ref()?.parse().ok());
    Ok(Network { pid, is_host: mode == "host", address })
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Connects from a network namespace. A connection stays in the one that it was made in; the thread that enters it
/// is of no use for anything else, so it is one of its own and ends.
async fn connect_inside(namespace: std::fs::File, address: SocketAddr) -> io::Result<TcpStream> {
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new().name("dial".to_owned()).spawn(move || {
        let connected = setns(namespace, CloneFlags::CLONE_NEWNET)
            .map_err(|_| io::Error::from(io::ErrorKind::PermissionDenied))
            .and_then(|()| std::net::TcpStream::connect_timeout(&address, CONNECT_TIMEOUT));
        // Nobody waits any more: the connection is dropped.
        let _ = sender.send(connected);
    })?;
    let connection = receiver.await.map_err(io::Error::other)??;
    connection.set_nonblocking(true)?;
    TcpStream::from_std(connection)
}
