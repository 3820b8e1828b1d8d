//! Sends what the stop ladder decides to a container: through Docker, and without it where it does not answer.

use std::path::PathBuf;
use std::time::Duration;

use lilac_api::ids::AttemptId;
use lilac_api::spec::Signal;
use nix::sys::signal::Signal as Kernel;
use tokio::time::{Instant, sleep, timeout};

use super::hands::on_disk;
use crate::docker::{self, Link};
use crate::{journal, last_resort, log_spool};

/// How long a container's init is given until it hears signals.
const INIT_BEGINS: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// How long the daemon may take to signal a container before it is done without.
const DAEMON_ANSWERS: Duration = Duration::from_millis(1_500);
/// How long the init may take to kill its job and write down the last words.
const ORDER_FOLLOWED: Duration = Duration::from_millis(400);

/// Sends a signal of the ladder's, once there is somebody to hear it.
pub(super) async fn send(link: &Link, state_dir: PathBuf, id: AttemptId, signal: Signal) {
    // A process that has just become the first of its namespace hears nothing until it has said what it wants to
    // hear. By its first frame it has.
    let spool = journal::log_path(&state_dir, id);
    let begun_by = Instant::now() + INIT_BEGINS;
    while !log_spool::has_begun(&spool) && Instant::now() < begun_by {
        sleep(LOOK_AGAIN).await;
    }
    match timeout(DAEMON_ANSWERS, docker::signal(link, id, signal)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let error = docker::words(&error);
            tracing::warn!(attempt = %id, %signal, error, "Docker cannot send the signal");
            without_docker(state_dir, id, of_kernel(signal)).await;
        }
        Err(_) => without_docker(state_dir, id, of_kernel(signal)).await,
    }
}

/// Kills a container: by an order to its init, which keeps the job's last words; by Docker; by the kernel.
pub(super) async fn kill(link: &Link, state_dir: PathBuf, id: AttemptId) {
    let by_docker = async {
        if let Err(error) = docker::lift_limits(link, id).await {
            tracing::debug!(attempt = %id, error = docker::words(&error), "cannot lift the container's limits");
        }
        docker::order_kill(link, id).await?;
        sleep(ORDER_FOLLOWED).await;
        docker::signal(link, id, Signal::SigKill).await
    };
    match timeout(DAEMON_ANSWERS, by_docker).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => {
            tracing::warn!(attempt = %id, error = docker::words(&error), "Docker cannot kill the container");
        }
        Err(_) => tracing::warn!(attempt = %id, "Docker does not kill the container in time"),
    }
    without_docker(state_dir, id, Kernel::SIGKILL).await;
}

async fn without_docker(state_dir: PathBuf, id: AttemptId, signal: Kernel) {
    match on_disk(move || last_resort::signal(&state_dir, id, signal)).await {
        Ok(true) => tracing::info!(attempt = %id, %signal, "signalled the container without Docker"),
        Ok(false) => {}
        Err(error) => {
            tracing::warn!(attempt = %id, %signal, %error, "cannot signal the container without Docker")
        }
    }
}

fn of_kernel(signal: Signal) -> Kernel {
    match signal {
        Signal::SigTerm => Kernel::SIGTERM,
        Signal::SigInt => Kernel::SIGINT,
        Signal::SigHup => Kernel::SIGHUP,
        Signal::SigQuit => Kernel::SIGQUIT,
        Signal::SigUsr1 => Kernel::SIGUSR1,
        Signal::SigUsr2 => Kernel::SIGUSR2,
        Signal::SigKill => Kernel::SIGKILL,
    }
}
