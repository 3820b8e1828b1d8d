//! Hands over what a job leaves: the folders and files that its spec names as outputs.
//!
//! It begins when the container has ended, beside the report of how it ended, and the container stays until it
//! is done. Docker reads an output out of the container, [`repack`] writes it anew, and it goes to the control
//! plane as it comes: this node keeps no copy. An upload that breaks off is begun again, until its time is over;
//! then, and where no further try would help, the control plane is told why there is none. A mark on the disk
//! says of each output that it is done with, for the agent that comes after this one.

mod repack;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use lilac_api::agent::TaskSpec;
use lilac_api::client::{Client, ClientError};
use lilac_api::ids::AttemptId;
use lilac_api::output::{OutputFailure, OutputTask};
use lilac_api::problem::ErrorCode;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use crate::docker::{self, Link};
use crate::journal;
use crate::sync::Backoff;
use repack::Trouble;

/// How long an output is tried: longer than a control plane should ever be away.
const TRY_FOR: Duration = Duration::from_secs(6 * 3600);
/// How often the control plane is told that there will be none.
const TELL_TRIES: u32 = 100;
/// Pieces that wait between Docker, the packing and the control plane.
const PIECES: usize = 16;
const PIECE_BYTES: usize = 64 << 10;
/// The most characters that the control plane takes for the reason.
const MAX_MESSAGE_CHARS: usize = 2000;

/// Whom outputs are handed to.
#[derive(Clone, Debug)]
pub struct Destination {
    pub client: Client,
    /// Bounds how many of this node's outputs are under way at once.
    pub permits: Arc<Semaphore>,
}

/// Why an output is not there yet.
#[derive(Debug)]
enum Failure {
    Later(String),
    /// Another try would come to the same.
    Never(String),
    /// The control plane does not know the attempt any more, or not this node.
    Unwanted,
}

/// Hands over all outputs of an attempt whose container has ended. Comes to an end whatever happens.
pub async fn hand_over(to: Destination, link: Link, state_dir: PathBuf, id: AttemptId, task: TaskSpec) {
    for (index, output) in (0_u16..).zip(&task.outputs) {
        let mark = journal::output_mark(&state_dir, id, index);
        if mark.exists() {
            continue;
        }
        match try_for_long(&to, &link, id, task.rank, index, output).await {
            Ok(()) => tracing::info!(attempt = %id, path = output.path, "handed an output over"),
            Err(Failure::Unwanted) => {
                tracing::info!(attempt = %id, "the control plane does not want the outputs");
                return;
            }
            Err(Failure::Later(words) | Failure::Never(words)) => {
                tracing::warn!(attempt = %id, path = output.path, words, "an output cannot be handed over");
                tell(&to.client, id, task.rank, index, &words).await;
            }
        }
        note(&mark);
    }
}

/// Should the mark get lost, the control plane has the output twice and keeps the first.
fn note(mark: &Path) {
    if let Err(error) = std::fs::write(mark, b"") {
        tracing::debug!(mark = %mark.display(), %error, "cannot note that an output is done with");
    }
}

async fn try_for_long(
    to: &Destination,
    link: &Link,
    id: AttemptId,
    rank: u16,
    index: u16,
    output: &OutputTask,
) -> Result<(), Failure> {
    let give_up_at = Instant::now() + TRY_FOR;
    let mut backoff = Backoff::default();
    loop {
        let tried = {
            // The semaphore is never closed.
            let _permit = to.permits.acquire().await;
            send(&to.client, link, id, rank, index, output).await
        };
        match tried {
            Err(Failure::Later(words)) if Instant::now() < give_up_at => {
                tracing::debug!(attempt = %id, path = output.path, words, "an output waits");
                sleep(backoff.pause()).await;
            }
            done => return done,
        }
    }
}

/// One try: Docker's archive, packed anew on its way to the control plane.
async fn send(
    client: &Client,
    link: &Link,
    id: AttemptId,
    rank: u16,
    index: u16,
    output: &OutputTask,
) -> Result<(), Failure> {
    let later = |error: &bollard::errors::Error| Failure::Later(docker::words(error));
    let docker = link.client().await.map_err(|error| later(&error))?;
    let mut archive = Box::pin(docker::archive(&docker, id, &output.path));
    // What is not there is said before anything is sent.
    let first = match archive.next().await {
        Some(Ok(first)) => first,
        Some(Err(error)) if docker::is_missing(&error) => {
            let path = &output.path;
            return Err(Failure::Never(format!("there is nothing at `{path}` in the container")));
        }
        Some(Err(error)) => return Err(later(&error)),
        None => return Err(Failure::Later("Docker gave no archive".to_owned())),
    };
    let (pieces, source) = mpsc::channel(PIECES);
    let feed = async move {
        let mut pieces_left = stream::iter([Ok(first)]).chain(archive);
        while let Some(piece) = pieces_left.next().await {
            if pieces.send(piece.map_err(|error| docker::words(&error))).await.is_err() {
                return;
            }
        }
    };
    let (target, body) = mpsc::channel(PIECES);
    let task = output.clone();
    let packing = spawn_blocking(move || pack(source, &task, target));
    let upload = client.put_output(id, rank, index, whole(body));
    let ((), packed, sent) = tokio::join!(feed, packing, upload);
    match (packed, sent) {
        (Ok(Err(Trouble::Refused(words))), _) => Err(Failure::Never(words)),
        (_, Err(error)) => Err(refusal(&error)),
        (Ok(Ok(())), Ok(())) => Ok(()),
        (Ok(Err(Trouble::Broken(words))), Ok(())) => Err(Failure::Later(words)),
        (Err(panic), Ok(())) => Err(Failure::Later(panic.to_string())),
    }
}

fn refusal(error: &ClientError) -> Failure {
    match error {
        ClientError::Refused(problem) if matches!(problem.status, 413 | 422) => {
            Failure::Never(format!("the control plane does not take it: {error}"))
        }
        error if is_unwanted(error) => Failure::Unwanted,
        error => Failure::Later(error.to_string()),
    }
}

fn is_unwanted(error: &ClientError) -> bool {
    matches!(error.code(), Some(ErrorCode::NotFound | ErrorCode::Forbidden | ErrorCode::Unauthenticated))
}

/// Tells why there will be no such output. Where that cannot be said, the control plane finds out by itself.
async fn tell(client: &Client, id: AttemptId, rank: u16, index: u16, words: &str) {
    let message = words.chars().take(MAX_MESSAGE_CHARS).collect();
    let failure = OutputFailure { rank, message };
    let mut backoff = Backoff::default();
    for _ in 0..TELL_TRIES {
        match client.fail_output(id, index, &failure).await {
            Err(error) if !is_unwanted(&error) => {
                tracing::debug!(attempt = %id, %error, "cannot say yet that an output is missing");
            }
            _ => return,
        }
        sleep(backoff.pause()).await;
    }
}

/// What goes into the body: bytes, and nothing at the end. A packing that ends without that end has failed.
type Body = mpsc::Sender<Bytes>;

fn pack(
    source: mpsc::Receiver<Result<Bytes, String>>,
    output: &OutputTask,
    target: Body,
) -> Result<(), Trouble> {
    let mut pipe = Pipe { target, buffer: Vec::with_capacity(PIECE_BYTES) };
    repack::repack(Pieces { source, current: Bytes::new() }, output, &mut pipe)?;
    pipe.send(Bytes::new())?;
    Ok(())
}

/// The body of the request. It breaks off with an error unless the packing came to its end: a part of an
/// archive must not be taken for the whole.
fn whole(body: mpsc::Receiver<Bytes>) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::unfold(Some(body), |body| async move {
        let mut body = body?;
        match body.recv().await {
            Some(end) if end.is_empty() => None,
            Some(bytes) => Some((Ok(bytes), Some(body))),
            None => Some((Err(io::Error::other("the archive broke off")), None)),
        }
    })
}

struct Pipe {
    target: Body,
    buffer: Vec<u8>,
}

impl Pipe {
    fn send(&self, bytes: Bytes) -> io::Result<()> {
        self.target.blocking_send(bytes).map_err(|_| io::Error::other("the upload broke off"))
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let full = std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE_BYTES));
        self.send(full.into())
    }
}

struct Pieces {
    source: mpsc::Receiver<Result<Bytes, String>>,
    current: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.source.blocking_recv() {
                Some(piece) => self.current = piece.map_err(io::Error::other)?,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.current.len());
        let taken = self.current.split_to(count);
        if let Some(room) = buffer.get_mut(..count) {
            room.copy_from_slice(&taken);
        }
        Ok(count)
    }
}
