//! `port-forward`: a port of this machine leads to one of a job's container.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use clap::Args;
use lilac_api::JobId;
use lilac_api::client::Client;
use lilac_api::socket::Said;
use lilac_api::stream::{Channel, Control, ForwardPort, MAX_DATA_BYTES};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::exec::connected;
use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::job_ref::load;
use crate::printer::{Tone, note, painted};
use crate::session::{self, read};
use crate::text::clean;

/// How often it is looked whether the job still runs.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Connections that wait to be taken.
const AHEAD: usize = 16;

#[derive(Args, Debug)]
pub struct PortForwardArgs {
    /// The job: an id, a part of one, a name, or `last`.
    job: String,
    /// Ports: LOCAL:REMOTE, or one for both. LOCAL 0 takes any that is free.
    #[arg(required = true, value_name = "PORTS", value_parser = ports)]
    ports: Vec<(u16, u16)>,
    /// Address of this machine to listen on. Whoever reaches it reaches the job.
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
    /// Rank of the node in a job of several.
    #[arg(long, value_name = "NUMBER", default_value_t)]
    rank: u16,
}

fn ports(text: &str) -> Result<(u16, u16), String> {
    let (local, remote) = text.split_once(':').unwrap_or((text, text));
    let port = |text: &str| text.parse::<u16>().map_err(|_| "write LOCAL:REMOTE, as in 8080:80".to_owned());
    match (port(local)?, port(remote)?) {
        (_, 0) => Err("the job's port is 1 to 65535".to_owned()),
        ports => Ok(ports),
    }
}

pub async fn run(global: &Global, args: PortForwardArgs) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let job = load(&session, &args.job).await?;
    if job.state.is_terminal() {
        return Err(Failure::Refused(vec![format!("the job has ended: it is {}", job.state)]));
    }
    let (sender, mut accepted) = mpsc::channel(AHEAD);
    for (local, remote) in &args.ports {
        let listener = TcpListener::bind((args.address, *local)).await.map_err(|error| {
            Failure::usage(
                format!("cannot listen on {}:{local}: {error}", args.address),
                "choose another port",
            )
        })?;
        let address = listener.local_addr()?;
        let line = if session.printer.quiet {
            address.to_string()
        } else {
            format!("{address} leads to port {remote} of {}. Ctrl-C ends it.", clean(&job.name))
        };
        session.printer.line(&line)?;
        tokio::spawn(accept(listener, *remote, sender.clone()));
    }
    drop(sender);
    loop {
        tokio::select! {
            Some((connection, port)) = accepted.recv() => {
                let request = ForwardPort { port, rank: args.rank };
                tokio::spawn(serve(session.client.clone(), job.id, request, connection));
            }
            () = tokio::time::sleep(LOOK_EVERY) => {
                let now = read(async || session.client.job(job.id).await).await?;
                if now.state.is_terminal() {
                    return Err(Failure::Refused(vec![format!("the job has ended: it is {}", now.state)]));
                }
            }
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
        }
    }
}

async fn accept(listener: TcpListener, port: u16, to: mpsc::Sender<(TcpStream, u16)>) {
    loop {
        match listener.accept().await {
            Ok((connection, _)) => {
                if to.send((connection, port)).await.is_err() {
                    return;
                }
            }
            // Too many open files, above all: some will be closed.
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

async fn serve(client: Client, job: JobId, request: ForwardPort, connection: TcpStream) {
    if let Err(failure) = carry(&client, job, request, connection).await {
        note(&format!("{} {}", painted("error:", Tone::Bad), clean(&failure.to_string())));
    }
}

/// Carries one connection until both sides have said all, or one is gone.
async fn carry(
    client: &Client,
    job: JobId,
    request: ForwardPort,
    connection: TcpStream,
) -> Result<(), Failure> {
    let opened = client.forward_port(job, &request).await?;
    let (mut speaker, mut listener) = connected(client, opened.id).await?;
    let (mut reader, mut writer) = connection.into_split();
    let outward = async {
        let mut buffer = vec![0; MAX_DATA_BYTES];
        loop {
            let goes_on = match reader.read(&mut buffer).await {
                Ok(0) => return speaker.control(&Control::End).await.then_some(()).ok_or(()),
                Ok(read) => speaker.data(Channel::Input, &buffer[..read]).await,
                Err(_) => false,
            };
            if !goes_on {
                return Err(());
            }
        }
    };
    let inward = async {
        loop {
            match listener.next().await {
                Some(Said::Data(Channel::Output, data)) if writer.write_all(&data).await.is_ok() => {}
                Some(Said::Control(Control::End)) => return writer.shutdown().await.map_err(|_| ()),
                _ => return Err(()),
            }
        }
    };
    // The first of the two that fails ends both; the connection that is dropped says so to whoever made it.
    let _ = tokio::try_join!(outward, inward);
    speaker.close().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_a_pair_or_one_for_both() {
        assert_eq!(ports("8080:80"), Ok((8080, 80)));
        assert_eq!(ports("6006"), Ok((6006, 6006)));
        assert_eq!(ports("0:80"), Ok((0, 80)));
        for wrong in ["", ":", "80:", ":80", "80:0", "0", "65536", "a:b", "1:2:3", "-1"] {
            assert!(ports(wrong).is_err(), "{wrong}");
        }
    }
}
