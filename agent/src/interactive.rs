//! The node's end of interactive streams: programs that a user runs in a container, and ports that are reached.
//!
//! The control plane names a stream in an answer to `sync`; the agent connects to it, so that no port of the node
//! need be open. Both directions are carried at the pace of whoever is slower, and nothing of them is kept.

use std::collections::HashMap;
use std::time::Duration;

use lilac_api::auth::Secret;
use lilac_api::client::{Client, ClientError};
use lilac_api::problem::ErrorCode;
use lilac_api::socket::{Listener, Said, Speaker};
use lilac_api::stream::{
    CONNECT_WITHIN_SECS, Channel, Control, ExecJob, MAX_DATA_BYTES, StreamOrder, StreamTask,
};
use lilac_api::{AttemptId, StreamId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};

use crate::core::{Stage, State};
use crate::docker::exec::{self, Output, Program};
use crate::docker::{Link, dial};

/// Streams at once.
const MAX_STREAMS: usize = 128;
/// How long an order is remembered: longer than it is repeated.
const REMEMBER: Duration = Duration::from_secs(2 * CONNECT_WITHIN_SECS);
/// How soon a connection is tried again that a balancer led to another server.
const TRY_AGAIN: Duration = Duration::from_millis(250);
/// How often it is seen to that the control plane is still there.
const PING_EVERY: Duration = Duration::from_secs(15);

/// The streams of this node.
pub struct Streams {
    link: Link,
    server: String,
    credential: Secret,
    seen: HashMap<StreamId, Instant>,
    tasks: JoinSet<()>,
}

impl Streams {
    #[must_use]
    pub fn new(link: Link, server: String, credential: Secret) -> Self {
        Self { link, server, credential, seen: HashMap::new(), tasks: JoinSet::new() }
    }

    /// Takes up streams that are new.
    pub fn take(&mut self, orders: Vec<StreamOrder>, state: &State) {
        while self.tasks.try_join_next().is_some() {}
        let now = Instant::now();
        self.seen.retain(|_, seen| now.duration_since(*seen) < REMEMBER);
        for order in orders {
            if self.seen.insert(order.id, now).is_some() {
                continue;
            }
            let attempt = state.attempts.get(&order.attempt_id);
            let objection = if !attempt.is_some_and(|one| matches!(one.stage, Stage::Running { .. })) {
                Some("the job's container does not run on this node")
            } else if self.tasks.len() >= MAX_STREAMS {
                Some("this node carries as many interactive streams as it can")
            } else {
                None
            };
            // Of the user it is known above who it is; the node's log tells that somebody came.
            tracing::info!(attempt = %order.attempt_id, stream = %order.id, objection, "a user connects to a container");
            let servers = order.server.iter().chain([&self.server]).cloned().collect();
            let way = Way { servers, credential: self.credential.clone() };
            self.tasks.spawn(serve(self.link.clone(), way, order, objection));
        }
    }

    /// Breaks all off: the node speaks for its containers no more.
    pub fn stop(&mut self) {
        self.tasks.abort_all();
    }
}

/// How to get to a stream's other end.
struct Way {
    servers: Vec<String>,
    credential: Secret,
}

async fn serve(link: Link, way: Way, order: StreamOrder, objection: Option<&str>) {
    let patience = Duration::from_secs(CONNECT_WITHIN_SECS);
    let Ok(Some((mut speaker, listener))) = timeout(patience, connect(&way, &order)).await else {
        tracing::debug!(stream = %order.id, "nobody waits at the stream");
        return;
    };
    if let Some(objection) = objection {
        fail(&mut speaker, objection).await;
        return;
    }
    match &order.task {
        StreamTask::Exec(exec) => run(&link, order.attempt_id, exec, speaker, listener).await,
        StreamTask::PortForward(forward) => match dial::dial(&link, order.attempt_id, forward.port).await {
            Ok(connection) => carry(connection, speaker, listener).await,
            Err(words) => fail(&mut speaker, &words).await,
        },
    }
}

async fn fail(speaker: &mut Speaker, words: &str) {
    speaker.control(&Control::Failed(words.to_owned())).await;
    speaker.close().await;
}

/// Connects to whichever server holds the user's end. Each try is a connection of its own, which a balancer may
/// lead elsewhere than the last one.
async fn connect(way: &Way, order: &StreamOrder) -> Option<(Speaker, Listener)> {
    loop {
        for server in &way.servers {
            let client = Client::new(server, Some(way.credential.clone())).ok()?;
            match client.agent_stream(order.id, &order.token).await {
                Ok(halves) => return Some(halves),
                Err(error) if is_elsewhere(&error) => {
                    tracing::debug!(stream = %order.id, server, %error, "the stream is not there yet");
                }
                Err(error) => {
                    tracing::warn!(stream = %order.id, server, %error, "cannot connect to a stream");
                    return None;
                }
            }
        }
        sleep(TRY_AGAIN).await;
    }
}

fn is_elsewhere(error: &ClientError) -> bool {
    error.is_transient() || error.code() == Some(ErrorCode::NotFound)
}

/// Runs a program with the user at its input and output.
async fn run(link: &Link, attempt: AttemptId, exec: &ExecJob, mut speaker: Speaker, listener: Listener) {
    let program = match exec::start(link, attempt, exec).await {
        Ok(program) => program,
        Err(words) => return fail(&mut speaker, &words).await,
    };
    let handle = program.handle();
    let Program { input, output, .. } = program;
    let user_stays = speaker.control(&Control::Started).await
        && tokio::select! {
            stays = tell(output, &mut speaker) => stays,
            () = listen(listener, input, &handle) => false,
        };
    if !user_stays {
        handle.end().await;
        return;
    }
    match handle.exit_code().await {
        Some(code) => {
            speaker.control(&Control::Exited(code)).await;
            speaker.close().await;
        }
        None => fail(&mut speaker, "the container ended, and the program with it").await,
    }
}

/// Tells what the program says until its end; false when the user is gone before.
async fn tell(mut output: Output, speaker: &mut Speaker) -> bool {
    let mut buffer = vec![0; MAX_DATA_BYTES];
    let mut pings = interval(PING_EVERY);
    loop {
        tokio::select! {
            read = output.next(&mut buffer) => match read {
                Ok(Some((channel, read))) => if !speaker.data(channel, &buffer[..read]).await { return false },
                // A container that is killed takes its connections with it.
                Ok(None) | Err(_) => return true,
            },
            _ = pings.tick() => if !speaker.ping().await { return false },
        }
    }
}

/// Hands the program what the user says; ends when the user is gone.
async fn listen(mut listener: Listener, mut input: impl AsyncWriteExt + Unpin, handle: &exec::Handle) {
    while let Some(said) = listener.next().await {
        match said {
            // A program that reads no more is no reason to end: it may have something to say.
            Said::Data(Channel::Input, data) => {
                let _ = input.write_all(&data).await;
                let _ = input.flush().await;
            }
            Said::Control(Control::End) => {
                let _ = input.shutdown().await;
            }
            Said::Control(Control::Resize(size)) => handle.resize(size).await,
            Said::Data(..) | Said::Control(_) => return,
        }
    }
}

/// Carries a connection until both sides have said all, or one is gone.
async fn carry(connection: TcpStream, mut speaker: Speaker, mut listener: Listener) {
    let (mut reader, mut writer) = connection.into_split();
    if !speaker.control(&Control::Started).await {
        return;
    }
    // Whether the user has said all and may still listen.
    let inward = async {
        loop {
            match listener.next().await {
                Some(Said::Data(Channel::Input, data)) if writer.write_all(&data).await.is_ok() => {}
                Some(Said::Control(Control::End)) => return writer.shutdown().await.is_ok(),
                _ => return false,
            }
        }
    };
    let outward = async {
        let mut buffer = vec![0; MAX_DATA_BYTES];
        let mut pings = interval(PING_EVERY);
        loop {
            tokio::select! {
                read = reader.read(&mut buffer) => match read {
                    Ok(0) | Err(_) => return speaker.control(&Control::End).await,
                    Ok(read) => if !speaker.data(Channel::Output, &buffer[..read]).await { return false },
                },
                _ = pings.tick() => if !speaker.ping().await { return false },
            }
        }
    };
    // The first of the two that fails ends both.
    let inward = async { inward.await.then_some(()).ok_or(()) };
    let outward = async { outward.await.then_some(()).ok_or(()) };
    let _ = tokio::try_join!(inward, outward);
    speaker.close().await;
}
