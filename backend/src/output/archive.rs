//! Reading an archive as it comes in, and trusting nothing of it.
//!
//! A node's agent writes plain archives: files, folders, and links that stay inside. Whatever else is in one, an
//! entry that leaves the archive, a device, a path through a link, a header that promises more than may come, is
//! refused, and nothing of it is kept. The bytes go on to the store in compressed frames meanwhile; no part of
//! the archive but names is held in memory.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};

use bytes::Bytes;
use lilac_api::output::{EntryKind, MAX_OUTPUT_ENTRIES, MAX_OUTPUT_PATH_BYTES, is_plain_path, stays_inside};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tar::{Archive, Entry, EntryType};
use tokio::sync::mpsc;

use super::OutputLimits;
use crate::blob::frames::Packer;

/// An entry, and where in the archive its content lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEntry {
    pub path: String,
    pub kind: EntryKind,
    pub size: u64,
    pub at: u64,
}

/// An archive that was read to its end and found to be as it should.
#[derive(Debug)]
pub struct Archived {
    pub entries: Vec<StoredEntry>,
    pub frame_ends: Vec<i64>,
    pub bytes: u64,
    pub sha256: Vec<u8>,
}

/// Why an archive is not taken.
#[derive(Debug)]
pub enum Refusal {
    TooLarge(String),
    Hostile(String),
    /// The node hung up, or the store takes no more.
    Broken,
}

/// Hands an archive's bytes to whoever reads them in step, and does not care who that is.
pub struct BodyReader {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl BodyReader {
    pub fn new(pieces: mpsc::Receiver<io::Result<Bytes>>) -> Self {
        Self { pieces, current: Bytes::new() }
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.current = piece?,
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

/// Counts, hashes and compresses what is read through it.
struct Tee<R> {
    source: R,
    limit: u64,
    bytes: u64,
    hash: Sha256,
    packer: Packer,
    frames: mpsc::Sender<Bytes>,
    is_over: bool,
}

impl<R: Read> Tee<R> {
    fn send(&self, packed: Vec<u8>) -> io::Result<()> {
        if packed.is_empty() {
            return Ok(());
        }
        self.frames.blocking_send(packed.into()).map_err(|_| io::Error::other("the store takes no more"))
    }
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        let read = buffer.get(..count).unwrap_or_default();
        self.bytes += count as u64;
        if self.bytes > self.limit {
            self.is_over = true;
            return Err(io::Error::other("over the limit"));
        }
        self.hash.update(read);
        let packed = self.packer.push(read)?;
        self.send(packed)?;
        Ok(count)
    }
}

/// Reads an archive to its end.
pub fn take_in(
    source: impl Read,
    limits: OutputLimits,
    frames: mpsc::Sender<Bytes>,
) -> Result<Archived, Refusal> {
    let mut tee = Tee {
        source,
        limit: limits.bytes,
        bytes: 0,
        hash: Sha256::new(),
        packer: Packer::default(),
        frames,
        is_over: false,
    };
    let entries = read_entries(&mut tee, limits);
    // What stands behind the end mark belongs to the archive's bytes.
    let rest = if entries.is_ok() { io::copy(&mut tee, &mut io::sink()) } else { Ok(0) };
    if tee.is_over {
        return Err(Refusal::TooLarge(format!("the archive has more than {} bytes", limits.bytes)));
    }
    let entries = entries?;
    rest.map_err(|_| Refusal::Broken)?;
    let last = tee.packer.finish().map_err(|_| Refusal::Broken)?;
    tee.send(last).map_err(|_| Refusal::Broken)?;
    Ok(Archived {
        entries,
        frame_ends: tee.packer.ends,
        bytes: tee.bytes,
        sha256: tee.hash.finalize().to_vec(),
    })
}

fn hostile(words: impl Into<String>) -> Refusal {
    Refusal::Hostile(words.into())
}

fn read_entries<R: Read>(tee: &mut Tee<R>, limits: OutputLimits) -> Result<Vec<StoredEntry>, Refusal> {
    let mut checker = Checker::default();
    let mut archive = Archive::new(tee);
    let entries = archive.entries().map_err(|_| Refusal::Broken)?;
    for entry in entries.raw(true) {
        let mut entry = entry.map_err(|error| hostile(format!("the archive is none: {error}")))?;
        checker.entry(&mut entry, limits)?;
    }
    Ok(checker.entries)
}

/// What was seen of an archive so far.
#[derive(Default)]
struct Checker {
    entries: Vec<StoredEntry>,
    long_name: Option<String>,
    long_link: Option<String>,
    seen: HashMap<String, usize>,
    links: HashSet<String>,
}

impl Checker {
    fn entry<R: Read>(&mut self, entry: &mut Entry<'_, R>, limits: OutputLimits) -> Result<(), Refusal> {
        let size = entry.header().entry_size().map_err(|_| hostile("an entry has no size"))?;
        let kind = match entry.header().entry_type() {
            EntryType::GNULongName => {
                self.long_name = Some(long(entry, size)?);
                return Ok(());
            }
            EntryType::GNULongLink => {
                self.long_link = Some(long(entry, size)?);
                return Ok(());
            }
            kind => kind,
        };
        let path = match self.long_name.take() {
            Some(name) => name,
            None => text(entry.path_bytes().as_ref())?,
        };
        let target = self.long_link.take();
        let path =
            path.strip_suffix('/').filter(|_| kind == EntryType::Directory).unwrap_or(&path).to_owned();
        self.check_place(&path)?;
        let stored = match kind {
            EntryType::Regular if size > limits.file_bytes => {
                let detail = format!("`{path}` has more than {} bytes", limits.file_bytes);
                return Err(Refusal::TooLarge(detail));
            }
            EntryType::Regular => {
                let at = entry.raw_file_position();
                StoredEntry { path, kind: EntryKind::File, size, at }
            }
            EntryType::Directory => StoredEntry { path, kind: EntryKind::Folder, size: 0, at: 0 },
            EntryType::Symlink => {
                let target = target.map_or_else(|| link_name(entry), Ok)?;
                if !stays_inside(&path, &target) {
                    return Err(hostile(format!("the link `{path}` leads out of the archive")));
                }
                self.links.insert(path.clone());
                StoredEntry { path, kind: EntryKind::Link, size: 0, at: 0 }
            }
            EntryType::Link => {
                let target = target.map_or_else(|| link_name(entry), Ok)?;
                let known = self.seen.get(&target).and_then(|index| self.entries.get(*index));
                let file = known.filter(|known| known.kind == EntryKind::File);
                let file = file.ok_or_else(|| hostile(format!("`{path}` is a name of no file before it")))?;
                StoredEntry { path, ..file.clone() }
            }
            other => return Err(hostile(format!("`{path}` is no file, folder or link but {other:?}"))),
        };
        if size > 0 && kind != EntryType::Regular {
            return Err(hostile(format!("`{}` has content although it is no file", stored.path)));
        }
        self.seen.insert(stored.path.clone(), self.entries.len());
        self.entries.push(stored);
        Ok(())
    }

    fn check_place(&self, path: &str) -> Result<(), Refusal> {
        if self.entries.len() >= MAX_OUTPUT_ENTRIES {
            return Err(Refusal::TooLarge(format!("the archive has more than {MAX_OUTPUT_ENTRIES} entries")));
        }
        if !is_plain_path(path) {
            return Err(hostile(format!("`{}` is no path below the output", path.escape_debug())));
        }
        if self.seen.contains_key(path) {
            return Err(hostile(format!("`{path}` stands twice")));
        }
        let mut parents = path.match_indices('/').filter_map(|(end, _)| path.get(..end));
        if let Some(link) = parents.find(|parent| self.links.contains(*parent)) {
            return Err(hostile(format!("`{path}` leads through the link `{link}`")));
        }
        Ok(())
    }
}

fn text(bytes: &[u8]) -> Result<String, Refusal> {
    String::from_utf8(bytes.to_vec()).map_err(|_| hostile("a name is no UTF-8"))
}

fn link_name<R: Read>(entry: &Entry<'_, R>) -> Result<String, Refusal> {
    let name = entry.link_name_bytes().ok_or_else(|| hostile("a link leads nowhere"))?;
    text(name.as_ref())
}

/// The content of an entry that only says the name of the next.
fn long<R: Read>(entry: &mut Entry<'_, R>, size: u64) -> Result<String, Refusal> {
    if size > MAX_OUTPUT_PATH_BYTES as u64 + 1 {
        return Err(hostile("a name is longer than a path may be"));
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(|_| Refusal::Broken)?;
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
    text(bytes)
}

#[cfg(test)]
mod tests;
