//! The log of one attempt on the node's disk, until the control plane has it.
//!
//! What was appended stays at its offset for ever, so that an upload can be repeated from anywhere. The
//! file is bounded: what comes after the limit is dropped behind a line that says so.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// How much of one attempt's output is kept.
pub const LIMIT_BYTES: u64 = 256 << 20;

/// What stands where output was dropped.
pub const MARKER: &[u8] = b"\n[lilac] The log is at its limit; what followed was dropped.\n";

/// What stands at the end of a log that could not be read to its end.
pub const CUT_MARKER: &[u8] = b"\n[lilac] The rest of the log could not be read from Docker.\n";

#[derive(Debug)]
pub struct Spool {
    file: File,
    length: u64,
    limit: u64,
    is_full: bool,
    is_closed: bool,
}

impl Spool {
    /// Opens the log at `path`, or begins it.
    pub fn open(path: &Path, limit: u64) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        let mut length = file.metadata()?.len();
        let marked = limit + MARKER.len() as u64;
        if length > limit && length < marked {
            // A crash in the middle of the marker. It is written anew, byte for byte.
            file.set_len(limit)?;
            length = limit;
        }
        Ok(Self { file, length, limit, is_full: length >= marked, is_closed: false })
    }

    /// Length in bytes, the marker included.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Whether more output would only be dropped.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// Appends output, or drops it when the log is full or closed. After an error nothing was appended.
    pub fn append(&mut self, output: &[u8]) -> io::Result<()> {
        if self.is_full || self.is_closed || output.is_empty() {
            return Ok(());
        }
        let room = usize::try_from(self.limit - self.length).unwrap_or(usize::MAX);
        if output.len() <= room {
            return self.write(output);
        }
        self.write(&[&output[..room], MARKER].concat())?;
        self.is_full = true;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            // Half a chunk would shift all that follows.
            self.file.set_len(self.length)?;
            return Err(error);
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// From now on the log stays as it is, whoever still wants to append.
    pub fn close(&mut self) {
        self.is_closed = true;
    }

    /// Closes a log whose rest is lost, and says so in it.
    pub fn cut(&mut self) -> io::Result<()> {
        let marked = if self.is_full || self.is_closed { Ok(()) } else { self.write(CUT_MARKER) };
        self.is_closed = true;
        marked
    }

    /// Reads up to `max` bytes from `offset` on.
    pub fn read(&self, offset: u64, max: usize) -> io::Result<Vec<u8>> {
        let available = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; available.min(max)];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_closed_log_takes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(&folder.path().join("log"), 100).unwrap();
        spool.append(b"one\n").unwrap();
        spool.close();
        spool.append(b"two\n").unwrap();
        assert_eq!(spool.read(0, 100).unwrap(), b"one\n");
    }

    #[test]
    fn a_log_that_is_cut_says_so_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(&folder.path().join("log"), 100).unwrap();
        spool.append(b"one").unwrap();
        spool.cut().unwrap();
        spool.cut().unwrap();
        spool.append(b"two").unwrap();
        assert_eq!(spool.read(0, 200).unwrap(), [b"one", CUT_MARKER].concat());
    }

    #[test]
    fn a_torn_marker_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for kept in 0..=MARKER.len() {
            std::fs::write(&path, [b"0123456789", &MARKER[..kept]].concat()).unwrap();
            let mut spool = Spool::open(&path, 10).unwrap();
            assert_eq!(spool.is_full(), kept == MARKER.len());
            spool.append(b"x").unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), [b"0123456789", MARKER].concat());
        }
    }

    proptest! {
        /// However the output is cut into pieces, and wherever the agent dies in between, the log is the
        /// output up to the limit, and then the marker.
        #[test]
        fn the_log_is_a_prefix_of_the_output(
            pieces in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..40), any::<bool>()), 0..20),
            limit in 1_u64..200,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("log");
            let output: Vec<u8> = pieces.iter().flat_map(|(piece, _)| piece.clone()).collect();
            let mut spool = Spool::open(&path, limit).unwrap();
            let mut given = 0;
            for (piece, dies) in &pieces {
                if *dies {
                    spool = Spool::open(&path, limit).unwrap();
                    // What was given before is known to be there.
                    prop_assert!(spool.is_full() || spool.length() == given);
                }
                spool.append(piece).unwrap();
                given += piece.len() as u64;
            }
            let mut expected = output.clone();
            if output.len() as u64 > limit {
                expected.truncate(usize::try_from(limit).unwrap());
                expected.extend_from_slice(MARKER);
            }
            prop_assert_eq!(spool.length(), expected.len() as u64);
            let mut read = Vec::new();
            while let Ok(part) = spool.read(read.len() as u64, 7) {
                if part.is_empty() {
                    break;
                }
                read.extend(part);
            }
            prop_assert_eq!(read, expected);
        }
    }
}
