//! The log of one attempt on the node's disk, until the control plane has it.
//!
//! `lilac-init` writes the file, in the container and as the container's user; the agent only reads it. What
//! stands in it stays, so that an upload can be repeated from anywhere. The job runs as the same user and could
//! write into it too, so nothing in it is trusted: no link is followed, and what is no frame ends the log.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use lilac_init::end::{End, RECORD_BYTES, starved};
use lilac_init::frame::{HEADER_BYTES, Header, Kind, MAX_PAYLOAD_BYTES};
use lilac_init::limit::{self, LIMIT_BYTES, MARKER};
use nix::fcntl::OFlag;

/// How much is read from the disk at once; a frame and more.
const READ_BYTES: usize = 4 * MAX_PAYLOAD_BYTES;

/// Makes the folder and the file that the container's init writes to, whoever its user is.
pub fn prepare(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    }
    // One that is begun stays as it is: its container was started.
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    file.set_permissions(Permissions::from_mode(0o666))
}

/// How the container's init says that the job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub end: End,
    pub at: DateTime<Utc>,
    /// The program, where it could not be run.
    pub program: String,
    /// The kernel killed something in the container for want of memory.
    pub starved: bool,
}

/// What a log comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    pub length: u64,
    /// The init was there and wrote.
    pub begun: bool,
    pub told: Option<Told>,
}

/// Reads the whole log to see what it comes to.
pub fn sum(path: &Path) -> io::Result<Sum> {
    let mut reader = Reader::new(path);
    reader.skip_to(u64::MAX);
    reader.read(1)?;
    Ok(Sum { length: reader.passed, begun: reader.begun, told: reader.told })
}

/// Waits for nothing: whether the init in the container is there and hears signals.
#[must_use]
pub fn has_begun(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.len() > 0)
}

/// Reads a log while it is written.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    file: Option<File>,
    /// Bytes of the file that were read and not yet gone through.
    buffer: Vec<u8>,
    start: usize,
    /// Where the file is read next.
    file_at: u64,
    /// How much of a frame of the log is still to come.
    inside: usize,
    /// Bytes of the log that were gone through.
    passed: u64,
    /// Bytes of the log in front of this are passed over.
    wanted_from: u64,
    begun: bool,
    told: Option<Told>,
    /// Nothing more will be read, whatever comes.
    is_over: bool,
}

impl Reader {
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            file: None,
            buffer: Vec::new(),
            start: 0,
            file_at: 0,
            inside: 0,
            passed: 0,
            wanted_from: 0,
            begun: false,
            told: None,
            is_over: false,
        }
    }

    /// Passes over what lies before `offset`, once it is there.
    pub fn skip_to(&mut self, offset: u64) {
        if offset < self.passed {
            *self = Self::new(&self.path);
        }
        self.wanted_from = offset;
    }

    /// Whether the file has grown since it was last read. Costs next to nothing.
    #[must_use]
    pub fn has_more(&self) -> bool {
        let length = match &self.file {
            Some(file) => file.metadata().map_or(0, |metadata| metadata.len()),
            None => fs::symlink_metadata(&self.path).map_or(0, |metadata| metadata.len()),
        };
        !self.is_over && length > self.file_at
    }

    /// Reads what follows, `max` bytes at the most; nothing where nothing follows yet.
    pub fn read(&mut self, max: usize) -> io::Result<Vec<u8>> {
        let mut output = Vec::new();
        while output.len() < max && !self.is_over {
            if self.inside == 0 {
                if !self.next_frame()? {
                    break;
                }
                continue;
            }
            if self.start == self.buffer.len() && !self.refill()? {
                break;
            }
            self.pass(max, &mut output);
        }
        Ok(output)
    }

    /// Goes through bytes of the log that are in the buffer.
    fn pass(&mut self, max: usize, output: &mut Vec<u8>) {
        let here = &self.buffer[self.start..];
        let skip = usize::try_from(self.wanted_from.saturating_sub(self.passed)).unwrap_or(usize::MAX);
        let available = here.len().min(self.inside);
        let passed = if skip > 0 {
            available.min(skip)
        } else {
            let taken = available.min(max - output.len());
            output.extend_from_slice(&here[..taken]);
            taken
        };
        self.start += passed;
        self.inside -= passed;
        self.passed += passed as u64;
        // More than the init ever writes was written by somebody else.
        self.is_over |= self.passed > LIMIT_BYTES + MARKER.len() as u64;
    }

    /// Goes to the next frame; whether there was one.
    fn next_frame(&mut self) -> io::Result<bool> {
        let Some(header) = self.at_least::<HEADER_BYTES>(HEADER_BYTES)? else { return Ok(false) };
        let Some(header) = Header::decode(&header) else {
            tracing::warn!(path = %self.path.display(), "the log is damaged and ends here");
            self.is_over = true;
            return Ok(false);
        };
        if header.kind.is_log() {
            self.start += HEADER_BYTES;
            self.inside = header.length;
            return Ok(true);
        }
        let Some(_) = self.at_least::<0>(HEADER_BYTES + header.length)? else { return Ok(false) };
        self.start += HEADER_BYTES;
        let payload = &self.buffer[self.start..][..header.length];
        if header.kind == Kind::End {
            self.told = End::decode(payload).map(|end| Told {
                end,
                at: i64::try_from(header.time_ms)
                    .ok()
                    .and_then(DateTime::from_timestamp_millis)
                    .unwrap_or_default(),
                program: String::from_utf8_lossy(payload.get(RECORD_BYTES..).unwrap_or_default())
                    .into_owned(),
                starved: starved(payload),
            });
            self.is_over = true;
        }
        self.begun |= header.kind == Kind::Begin;
        self.start += header.length;
        Ok(true)
    }

    /// The first `N` of `needed` bytes that lie ahead, if so many are there yet.
    fn at_least<const N: usize>(&mut self, needed: usize) -> io::Result<Option<[u8; N]>> {
        while self.buffer.len() - self.start < needed {
            if !self.refill()? {
                return Ok(None);
            }
        }
        Ok(self.buffer[self.start..].first_chunk::<N>().copied())
    }

    /// Reads more of the file; whether there was more.
    fn refill(&mut self) -> io::Result<bool> {
        if self.file_at > limit::file_limit(LIMIT_BYTES) {
            self.is_over = true;
            return Ok(false);
        }
        if self.file.is_none() {
            self.file = open(&self.path)?;
        }
        let Some(file) = &self.file else { return Ok(false) };
        // No more room than there is to read: most logs are short, and a node has many.
        let left = file.metadata()?.len().saturating_sub(self.file_at);
        let room = usize::try_from(left).unwrap_or(READ_BYTES).min(READ_BYTES);
        self.buffer.drain(..self.start);
        self.start = 0;
        let kept = self.buffer.len();
        self.buffer.resize(kept + room, 0);
        let read = file.read_at(&mut self.buffer[kept..], self.file_at);
        self.buffer.truncate(kept + *read.as_ref().unwrap_or(&0));
        let read = read?;
        self.file_at += read as u64;
        Ok(read > 0)
    }
}

/// Opens the spool, and nothing that somebody put in its place.
fn open(path: &Path) -> io::Result<Option<File>> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = match OpenOptions::new().read(true).custom_flags(flags.bits()).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.nlink() != 1 {
        return Err(io::Error::other("it is not the file that was made"));
    }
    Ok(Some(file))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::symlink;

    use proptest::prelude::*;

    use super::*;

    fn frame(kind: Kind, payload: &[u8]) -> Vec<u8> {
        let header = Header { kind, length: payload.len(), time_ms: 1_700_000_000_000 };
        [header.encode().as_slice(), payload].concat()
    }

    fn spool() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool/frames");
        prepare(&path).unwrap();
        (folder, path)
    }

    #[test]
    fn the_last_frame_tells_how_it_ended() {
        let (_folder, path) = spool();
        assert_eq!(sum(&path).unwrap(), Sum::default());
        let record = [End::NotStarted { errno: 2 }.encode(true).as_slice(), b"/no/such"].concat();
        let content = [
            frame(Kind::Begin, b""),
            frame(Kind::Stdout, b"out"),
            frame(Kind::Stderr, b"err"),
            frame(Kind::End, &record),
        ];
        std::fs::write(&path, content.concat()).unwrap();
        let sum = sum(&path).unwrap();
        assert_eq!((sum.length, sum.begun), (6, true));
        let told = sum.told.unwrap();
        assert_eq!((told.end, told.program.as_str()), (End::NotStarted { errno: 2 }, "/no/such"));
        assert!(told.starved);
        assert_eq!(told.at.timestamp(), 1_700_000_000);
    }

    #[test]
    fn what_a_job_puts_in_its_spools_place_is_not_read() {
        let (folder, path) = spool();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(folder.path().join("secret"), frame(Kind::Stdout, b"of the node")).unwrap();
        symlink(folder.path().join("secret"), &path).unwrap();
        assert!(Reader::new(&path).read(100).is_err());
        std::fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(Reader::new(&path).read(100).is_err());
        std::fs::remove_file(&path).unwrap();
        std::fs::hard_link(folder.path().join("secret"), &path).unwrap();
        assert!(Reader::new(&path).read(100).is_err());
    }

    #[test]
    fn what_is_no_frame_ends_the_log() {
        let (_folder, path) = spool();
        std::fs::write(&path, [frame(Kind::Stdout, b"good"), b"nonsense that is no frame".to_vec()].concat())
            .unwrap();
        let mut reader = Reader::new(&path);
        assert_eq!(reader.read(100).unwrap(), b"good");
        assert!(!reader.has_more());
        assert_eq!(sum(&path).unwrap(), Sum { length: 4, begun: false, told: None });
    }

    proptest! {
        /// However the frames come in and however they are read, what is read is what was printed, from wherever
        /// it was wanted.
        #[test]
        fn what_is_read_is_what_was_printed(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..20),
            write_at_once in 1_usize..50,
            read_at_once in 1_usize..50,
            from in 0_u64..300,
            back_to in 0_u64..300,
        ) {
            let (_folder, path) = spool();
            let printed = pieces.concat();
            let mut content = frame(Kind::Begin, b"");
            for (index, piece) in pieces.iter().enumerate() {
                content.extend(frame(if index % 2 == 0 { Kind::Stdout } else { Kind::Stderr }, piece));
            }
            content.extend(frame(Kind::End, &End::Exited { code: 0 }.encode(false)));
            let wanted = |offset: u64| printed.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
            let mut reader = Reader::new(&path);
            reader.skip_to(from);
            let mut read = Vec::new();
            let mut file = OpenOptions::new().append(true).open(&path).unwrap();
            for part in content.chunks(write_at_once) {
                file.write_all(part).unwrap();
                prop_assert!(reader.has_more());
                read.extend(reader.read(read_at_once).unwrap());
            }
            loop {
                let part = reader.read(read_at_once).unwrap();
                if part.is_empty() {
                    break;
                }
                read.extend(part);
            }
            prop_assert_eq!(&read, wanted(from));
            prop_assert!(!reader.has_more());
            reader.skip_to(back_to);
            prop_assert_eq!(reader.read(10_000).unwrap(), wanted(back_to));
            let sum = sum(&path).unwrap();
            prop_assert_eq!((sum.length, sum.begun, sum.told.is_some()), (printed.len() as u64, true, true));
        }
    }
}
