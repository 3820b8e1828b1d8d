//! Carries one attempt's output from Docker to the spool, and from the spool to the control plane.
//!
//! The two halves know of each other only how long the log is. A control plane that is away holds up
//! the upload and never the reading; a slow disk holds up the reading and never the lease, for neither
//! runs on the connection that leases come by.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, mem};

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use lilac_api::client::Client;
use lilac_api::ids::AttemptId;
use lilac_api::problem::ErrorCode;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::docker::{self, Link};
use crate::log_spool::{self, Spool};
use crate::sync::Backoff;

/// The most that one upload carries.
const CHUNK_BYTES: usize = 256 << 10;
/// Output that trickles in is gathered for this long between two uploads.
const GATHER: Duration = Duration::from_millis(20);
/// How long the reading of an ended container's log may stand still. As long as it goes on, it is waited for:
/// what a log may hold is bounded.
const FINISH_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a full disk is given before it is tried again.
const DISK_RETRY: Duration = Duration::from_secs(1);
/// How many pieces of output are written to the disk in one go; Docker's pieces have 16 KiB at most.
const PIECES_AT_ONCE: usize = 32;
/// The beginning of a log, as [`Pump::finish`] gives it.
const HEAD_BYTES: usize = 512;

#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    length: u64,
    /// Pieces of output that came from Docker, those that the spool had already counted in.
    pieces: u64,
    is_complete: bool,
}

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
    spool: Arc<Mutex<Spool>>,
    progress: watch::Sender<Progress>,
    reader: Mutex<Reader>,
    uploader: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
enum Reader {
    None,
    Reading(JoinHandle<()>),
    /// No more will be read.
    Finished,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pump {
    /// Opens the log at `path` and begins to hand it over.
    pub fn open(path: &Path, attempt: AttemptId, rank: u16, to: Destination) -> io::Result<Arc<Self>> {
        let spool = Spool::open(path, log_spool::LIMIT_BYTES)?;
        let progress = watch::Sender::new(Progress { length: spool.length(), ..Progress::default() });
        let spool = Arc::new(Mutex::new(spool));
        let uploader = tokio::spawn(upload(to, attempt, rank, Arc::clone(&spool), progress.subscribe()));
        Ok(Arc::new(Self {
            attempt,
            spool,
            progress,
            reader: Mutex::new(Reader::None),
            uploader: Mutex::new(Some(uploader)),
        }))
    }

    /// Reads the container's output, unless somebody does already. What the spool has is skipped.
    pub fn attach(&self, link: &Link) {
        let mut reader = lock(&self.reader);
        let idle = match &*reader {
            Reader::None => true,
            Reader::Reading(task) => task.is_finished(),
            Reader::Finished => false,
        };
        if idle {
            let task = read(link.clone(), self.attempt, Arc::clone(&self.spool), self.progress.clone());
            *reader = Reader::Reading(tokio::spawn(task));
        }
    }

    /// Waits for the end of the output and closes the log. Gives its length and how it begins.
    pub async fn finish(&self) -> (u64, Vec<u8>) {
        let reader = mem::replace(&mut *lock(&self.reader), Reader::Finished);
        let is_whole = match reader {
            Reader::Reading(task) => self.read_out(task).await,
            Reader::None | Reader::Finished => true,
        };
        let (length, head) = {
            let mut spool = lock(&self.spool);
            if is_whole {
                spool.close();
            } else if let Err(error) = spool.cut() {
                tracing::warn!(attempt = %self.attempt, %error, "cannot mark where the log was cut");
            }
            (spool.length(), spool.read(0, HEAD_BYTES).unwrap_or_default())
        };
        self.progress.send_modify(|progress| {
            progress.length = length;
            progress.is_complete = true;
        });
        (length, head)
    }

    /// Waits for the reader to come to the end, as long as it gets anywhere. Says whether it did.
    async fn read_out(&self, mut task: JoinHandle<()>) -> bool {
        loop {
            let before = self.progress.borrow().pieces;
            if timeout(FINISH_TIMEOUT, &mut task).await.is_ok() {
                return true;
            }
            if self.progress.borrow().pieces == before {
                tracing::warn!(attempt = %self.attempt, "the log did not come to its end and is cut here");
                task.abort();
                return false;
            }
        }
    }

    /// Waits until the control plane has the whole log, or wants none of it.
    pub async fn handed_over(&self) {
        let uploader = lock(&self.uploader).take();
        if let Some(uploader) = uploader {
            // An upload that panicked is over as well.
            let _ = uploader.await;
        }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        if let Reader::Reading(task) = &*lock(&self.reader) {
            task.abort();
        }
        if let Some(task) = &*lock(&self.uploader) {
            task.abort();
        }
    }
}

/// Reads until the container's output ends. A daemon that goes away is waited for.
async fn read(link: Link, attempt: AttemptId, spool: Arc<Mutex<Spool>>, progress: watch::Sender<Progress>) {
    let mut backoff = Backoff::default();
    loop {
        match read_once(&link, attempt, &spool, &progress).await {
            Ok(()) => return,
            Err(error) if docker::is_missing(&error) => return,
            Err(error) => {
                tracing::debug!(%attempt, error = docker::words(&error), "the log broke off");
                sleep(backoff.pause()).await;
            }
        }
    }
}

async fn read_once(
    link: &Link,
    attempt: AttemptId,
    spool: &Arc<Mutex<Spool>>,
    progress: &watch::Sender<Progress>,
) -> Result<(), bollard::errors::Error> {
    let docker = link.client().await?;
    // Docker begins at the beginning; what the spool holds of it is skipped.
    let mut skip = lock(spool).length();
    let mut pieces = docker::log(&docker, attempt).ready_chunks(PIECES_AT_ONCE);
    while let Some(ready) = pieces.next().await {
        progress.send_modify(|progress| progress.pieces += ready.len() as u64);
        let mut output = BytesMut::new();
        let mut broken = None;
        for piece in ready {
            match piece {
                Ok(piece) => output.extend_from_slice(&after(&mut skip, piece.into_bytes())),
                Err(error) => broken = Some(error),
            }
        }
        if !output.is_empty() {
            let length = append(attempt, spool, output.freeze()).await;
            progress.send_modify(|progress| progress.length = length);
        }
        if let Some(error) = broken {
            return Err(error);
        }
        if lock(spool).is_full() {
            // Reading on would be work for nothing, for as long as the container talks.
            return Ok(());
        }
    }
    if skip > 0 {
        tracing::warn!(%attempt, missing_bytes = skip, "Docker no longer has the beginning of the log");
    }
    Ok(())
}

/// What of a piece lies behind the bytes to skip.
fn after(skip: &mut u64, piece: Bytes) -> Bytes {
    let cut = usize::try_from(*skip).unwrap_or(usize::MAX).min(piece.len());
    *skip -= cut as u64;
    piece.slice(cut..)
}

/// Appends to the spool and gives its length. While the disk is full, Docker's own file keeps the rest.
async fn append(attempt: AttemptId, spool: &Arc<Mutex<Spool>>, output: Bytes) -> u64 {
    let mut warned = false;
    loop {
        let (target, bytes) = (Arc::clone(spool), output.clone());
        let appended = spawn_blocking(move || {
            let mut spool = lock(&target);
            spool.append(&bytes).map(|()| spool.length())
        });
        match appended.await {
            Ok(Ok(length)) => return length,
            Ok(Err(error)) if !warned => {
                warned = true;
                tracing::warn!(%attempt, %error, "cannot keep the log; trying again until it goes");
            }
            _ => {}
        }
        sleep(DISK_RETRY).await;
    }
}

/// Hands the log over, from wherever the control plane has it to, until it is whole.
async fn upload(
    to: Destination,
    attempt: AttemptId,
    rank: u16,
    spool: Arc<Mutex<Spool>>,
    mut progress: watch::Receiver<Progress>,
) {
    let mut offset = 0;
    let mut backoff = Backoff::default();
    let mut next_at = Instant::now();
    loop {
        let news = |progress: &Progress| progress.is_complete || progress.length > offset;
        match progress.wait_for(news).await {
            Ok(progress) if progress.is_complete && progress.length <= offset => return,
            Ok(_) => {}
            // The pump is gone, and with it whoever could want the log handed over.
            Err(_) => return,
        }
        tokio::select! {
            () = sleep_until(next_at) => {}
            // The end of a log does not wait for company.
            _ = progress.wait_for(|progress| progress.is_complete) => {}
        }
        match upload_one(&to, attempt, rank, &spool, offset).await {
            Upload::Stored(stored) => {
                offset = stored;
                backoff.reset();
                next_at = Instant::now() + GATHER;
            }
            Upload::Unwanted => return,
            // The log waits on the disk; so does the attempt's folder, until it is handed over.
            Upload::Failed => sleep(backoff.pause()).await,
        }
    }
}

enum Upload {
    /// The control plane has it up to here.
    Stored(u64),
    /// It does not know the attempt any more.
    Unwanted,
    Failed,
}

async fn upload_one(
    to: &Destination,
    attempt: AttemptId,
    rank: u16,
    spool: &Arc<Mutex<Spool>>,
    offset: u64,
) -> Upload {
    // The semaphore is never closed.
    let _permit = to.permits.acquire().await;
    let source = Arc::clone(spool);
    let chunk = spawn_blocking(move || lock(&source).read(offset, CHUNK_BYTES)).await;
    let Ok(Ok(chunk)) = chunk else {
        tracing::warn!(%attempt, offset, "cannot read the log back from the disk");
        return Upload::Failed;
    };
    match to.client.put_log(attempt, rank, offset, chunk.into()).await {
        Ok(Ok(stored)) => Upload::Stored(stored.offset),
        // Somebody, an earlier run of this agent most likely, was there before.
        Ok(Err(expected)) if expected.offset != offset => Upload::Stored(expected.offset),
        Err(error) if matches!(error.code(), Some(ErrorCode::NotFound | ErrorCode::Forbidden)) => {
            tracing::info!(%attempt, %error, "the control plane does not want the log");
            Upload::Unwanted
        }
        Ok(Err(_)) => Upload::Failed,
        Err(error) => {
            tracing::debug!(%attempt, %error, "the log waits");
            Upload::Failed
        }
    }
}
