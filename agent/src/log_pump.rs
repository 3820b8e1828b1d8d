//! Carries one attempt's log from the spool, which its container writes, to the control plane.
//!
//! Neither the agent's death nor the Docker daemon's nor a control plane that is away holds up the job or loses
//! anything: the log waits on the disk. It has a connection of its own, so that it never holds up a lease.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use lilac_api::client::Client;
use lilac_api::ids::AttemptId;
use lilac_api::problem::ErrorCode;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::log_spool::{self, Reader, Sum};
use crate::sync::Backoff;

/// The most that one upload carries.
const CHUNK_BYTES: usize = 256 << 10;
/// Output that trickles in is gathered for this long between two uploads.
const GATHER: Duration = Duration::from_millis(20);
/// How often the spool is looked at: at first, and when nothing has come for a while.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(100));
/// How long a disk that does not read is given before it is tried again.
const DISK_RETRY: Duration = Duration::from_secs(1);
/// How often a log that cannot be read is tried before it is given up.
const SUM_TRIES: u32 = 3;

/// Whom a log is handed to.
#[derive(Clone, Debug)]
pub struct Destination {
    pub client: Client,
    /// Bounds how many uploads of this node are under way at once.
    pub permits: Arc<Semaphore>,
}

/// The log of one attempt, on its way.
#[derive(Debug)]
pub struct Pump {
    attempt: AttemptId,
    path: PathBuf,
    /// The log's length, once it is known that nothing more comes.
    length: watch::Sender<Option<u64>>,
    uploader: Mutex<Option<JoinHandle<()>>>,
}

impl Pump {
    /// Begins to hand over the log in the spool at `path`, which may not be there yet.
    #[must_use]
    pub fn open(path: &Path, attempt: AttemptId, rank: u16, to: Destination) -> Arc<Self> {
        let length = watch::Sender::new(None);
        let upload = Upload {
            to,
            attempt,
            rank,
            offset: 0,
            reader: Reader::new(path),
            chunk: Bytes::new(),
            is_behind: true,
        };
        let uploader = tokio::spawn(upload.run(length.subscribe()));
        Arc::new(Self { attempt, path: path.to_owned(), length, uploader: Mutex::new(Some(uploader)) })
    }

    /// Closes the log of a container that is dead, and says what it comes to.
    pub async fn finish(&self) -> Sum {
        let sum = self.sum().await;
        self.length.send_replace(Some(sum.length));
        sum
    }

    async fn sum(&self) -> Sum {
        for _ in 0..SUM_TRIES {
            match read_sum(&self.path).await {
                Ok(sum) => return sum,
                Err(error) => tracing::warn!(attempt = %self.attempt, %error, "cannot read the log"),
            }
            sleep(DISK_RETRY).await;
        }
        Sum::default()
    }

    /// Waits until the control plane has the whole log, or wants none of it.
    pub async fn handed_over(&self) {
        let uploader = self.uploader.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(uploader) = uploader {
            // An upload that panicked is over as well.
            let _ = uploader.await;
        }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        if let Some(task) = &*self.uploader.lock().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

/// What the log at `path` comes to by now.
pub async fn read_sum(path: &Path) -> io::Result<Sum> {
    let path = path.to_owned();
    spawn_blocking(move || log_spool::sum(&path)).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}

/// Hands a log over, from wherever the control plane has it to, until it is whole.
struct Upload {
    to: Destination,
    attempt: AttemptId,
    rank: u16,
    /// Where the chunk belongs, or the next one.
    offset: u64,
    reader: Reader,
    chunk: Bytes,
    /// More may lie ready than was read last.
    is_behind: bool,
}

enum Sent {
    Stored,
    /// The control plane does not know the attempt any more.
    Unwanted,
    Failed,
}

impl Upload {
    async fn run(mut self, mut length: watch::Receiver<Option<u64>>) {
        let mut backoff = Backoff::default();
        let mut pause = LOOK_AGAIN.0;
        loop {
            let known_length = *length.borrow_and_update();
            if self.chunk.is_empty() && !self.read_chunk(known_length.is_some()).await {
                if known_length.is_some_and(|length| self.offset >= length) {
                    return;
                }
                match timeout(pause, length.changed()).await {
                    // The pump is gone, and with it whoever could want the log handed over.
                    Ok(Err(_)) => return,
                    Ok(Ok(())) => pause = LOOK_AGAIN.0,
                    Err(_) => pause = (pause * 2).min(LOOK_AGAIN.1),
                }
                continue;
            }
            pause = LOOK_AGAIN.0;
            let next_at = Instant::now() + GATHER;
            let is_full = self.chunk.len() >= CHUNK_BYTES;
            match self.send().await {
                Sent::Stored => {
                    backoff.reset();
                    // What waits already, and the end of a log, do not wait for company.
                    if !is_full && length.borrow().is_none() {
                        sleep_until(next_at).await;
                    }
                }
                Sent::Unwanted => return,
                // The log waits on the disk; so does the attempt's folder, until it is handed over.
                Sent::Failed => sleep(backoff.pause()).await,
            }
        }
    }

    /// Reads the next chunk; whether there is one. Nothing is read of a file that has not grown.
    async fn read_chunk(&mut self, is_closed: bool) -> bool {
        if !is_closed && !self.is_behind && !self.reader.has_more() {
            return false;
        }
        let mut reader = std::mem::replace(&mut self.reader, Reader::new(Path::new("")));
        let read = spawn_blocking(move || {
            let read = reader.read(CHUNK_BYTES);
            (reader, read)
        });
        let Ok((reader, read)) = read.await else { return false };
        self.reader = reader;
        match read {
            Ok(bytes) => {
                self.is_behind = bytes.len() >= CHUNK_BYTES;
                self.chunk = bytes.into();
                !self.chunk.is_empty()
            }
            Err(error) => {
                tracing::warn!(attempt = %self.attempt, offset = self.offset, %error, "cannot read the log from the disk");
                sleep(DISK_RETRY).await;
                false
            }
        }
    }

    async fn send(&mut self) -> Sent {
        // The semaphore is never closed.
        let permits = Arc::clone(&self.to.permits);
        let _permit = permits.acquire().await;
        match self.to.client.put_log(self.attempt, self.rank, self.offset, self.chunk.clone()).await {
            Ok(Ok(stored)) => self.go_on_at(stored.offset),
            // Somebody, an earlier run of this agent most likely, was there before.
            Ok(Err(expected)) if expected.offset != self.offset => self.go_on_at(expected.offset),
            Err(error) if matches!(error.code(), Some(ErrorCode::NotFound | ErrorCode::Forbidden)) => {
                tracing::info!(attempt = %self.attempt, %error, "the control plane does not want the log");
                Sent::Unwanted
            }
            Ok(Err(_)) => Sent::Failed,
            Err(error) => {
                tracing::debug!(attempt = %self.attempt, %error, "the log waits");
                Sent::Failed
            }
        }
    }

    /// The control plane has the log up to `offset`.
    fn go_on_at(&mut self, offset: u64) -> Sent {
        if offset != self.offset + self.chunk.len() as u64 {
            self.reader.skip_to(offset);
            self.is_behind = true;
        }
        self.offset = offset;
        self.chunk = Bytes::new();
        Sent::Stored
    }
}
