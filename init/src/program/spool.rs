//! The spool as the program writes it.
//!
//! A disk that is full holds the job up rather than losing what it printed: what could not be written is kept and
//! tried again, and nothing more is read from the job until it is through.

use core::ops::Range;

use super::sys::{self, Errno, Fd, Mode};
use crate::end::{End, MAX_NAME_BYTES, RECORD_BYTES};
use crate::frame::{HEADER_BYTES, Header, Kind, MAX_PAYLOAD_BYTES};
use crate::limit::{Limit, MARKER, MAX_WORDS_BYTES, Rate};

const PATH: &core::ffi::CStr = c"/.lilac/log/frames";
/// The disk begins to write after so much, so that little is left to wait for at the end.
const SYNC_AFTER_BYTES: usize = 8 << 20;
/// How often, every 100 ms, a full disk is tried at the end.
const LAST_TRIES: u32 = 100;

pub struct Spool {
    file: Fd,
    limit: Limit,
    rate: Rate,
    /// One frame.
    buffer: [u8; HEADER_BYTES + MAX_PAYLOAD_BYTES],
    /// What of the frame is still to be written.
    pending: Range<usize>,
    /// The marker of the limit comes next.
    marker_due: bool,
    unsynced: usize,
}

/// What came of reading from the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    Something,
    /// Not now.
    Nothing,
    /// Never again.
    Ended,
}

impl Spool {
    /// Opens the file that the agent made. One that is begun belongs to a container that ran before.
    pub fn open(limit: u64, bytes_per_sec: u64) -> Option<Self> {
        let file = Fd::open(PATH, Mode::Append).ok()?;
        if file.length() != Ok(0) {
            return None;
        }
        Some(Self {
            file,
            limit: Limit::new(limit),
            rate: Rate::new(bytes_per_sec, sys::boot_ms()),
            buffer: [0; HEADER_BYTES + MAX_PAYLOAD_BYTES],
            pending: 0..0,
            marker_due: false,
            unsynced: 0,
        })
    }

    /// Says that the job is about to run; whether that could be written.
    pub fn begin(&mut self) -> bool {
        self.stage(Kind::Begin, 0);
        self.flush()
    }

    /// Takes over what the job printed to `from`, as much as one frame holds. For a spool that is not stuck.
    pub fn take(&mut self, kind: Kind, from: Fd) -> Read {
        let now = sys::boot_ms();
        if self.rate.owes_words(now) && !self.tell_of_dropped() {
            return Read::Nothing;
        }
        let length = match from.read(&mut self.buffer[HEADER_BYTES..]) {
            Ok(0) => return Read::Ended,
            Ok(length) => length,
            Err(Errno::AGAIN | Errno::INTERRUPTED) => return Read::Nothing,
            Err(_) => return Read::Ended,
        };
        let was_full = self.limit.is_full();
        let kept = self.limit.take(self.rate.take(length, now));
        self.marker_due = self.limit.is_full() && !was_full;
        if kept > 0 {
            self.stage(kind, kept);
        }
        self.flush();
        Read::Something
    }

    /// Writes what waits; whether all is written.
    pub fn flush(&mut self) -> bool {
        loop {
            while !self.pending.is_empty() {
                match self.file.write(&self.buffer[self.pending.clone()]) {
                    Ok(0) | Err(_) => return false,
                    Ok(written) => self.wrote(written),
                }
            }
            if !self.marker_due {
                return true;
            }
            self.marker_due = false;
            self.buffer[HEADER_BYTES..][..MARKER.len()].copy_from_slice(MARKER);
            self.stage(Kind::Note, MARKER.len());
        }
    }

    /// Says that output was dropped for its rate, unless the log is at its end anyway; whether that is written.
    fn tell_of_dropped(&mut self) -> bool {
        let mut words = [0; MAX_WORDS_BYTES];
        let length = self.rate.words(&mut words);
        let length = self.limit.take(length);
        if length > 0 {
            self.buffer[HEADER_BYTES..][..length].copy_from_slice(&words[..length]);
            self.stage(Kind::Note, length);
        }
        self.flush()
    }

    fn wrote(&mut self, written: usize) {
        self.pending.start += written;
        self.unsynced += written;
        if self.unsynced >= SYNC_AFTER_BYTES {
            self.unsynced = 0;
            self.file.begin_sync();
        }
    }

    fn stage(&mut self, kind: Kind, length: usize) {
        let header = Header { kind, length, time_ms: sys::wall_ms() };
        self.buffer[..HEADER_BYTES].copy_from_slice(&header.encode());
        self.pending = 0..HEADER_BYTES + length;
    }

    /// Writes how the job ended, and whether memory ran short. `name` is the program, where it could not be run.
    pub fn end(&mut self, end: End, starved: bool, name: &[u8]) {
        if self.flush_with_patience() && self.rate.has_dropped() {
            self.tell_of_dropped();
        }
        if !self.flush_with_patience() {
            return;
        }
        let name = &name[..name.len().min(MAX_NAME_BYTES)];
        let payload = &mut self.buffer[HEADER_BYTES..];
        payload[..RECORD_BYTES].copy_from_slice(&end.encode(starved));
        payload[RECORD_BYTES..][..name.len()].copy_from_slice(name);
        self.stage(Kind::End, RECORD_BYTES + name.len());
        self.flush_with_patience();
        // A job that lost its lease is over for the control plane: what it waits for is its death.
        if end != End::LeaseOver {
            self.file.sync();
        }
    }

    /// As [`Spool::flush`], with some time for a disk that is full.
    pub fn flush_with_patience(&mut self) -> bool {
        for _ in 0..LAST_TRIES {
            if self.flush() {
                return true;
            }
            sys::poll([Fd::NONE], 100);
        }
        false
    }
}
