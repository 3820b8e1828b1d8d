//! Writing what the server sends to files: a whole file or none, and of an archive nothing outside its folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::pin::Pin;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use lilac_api::client::ClientError;
use lilac_api::output::{is_plain_path, stays_inside};
use tar::{Archive, Entry, EntryType};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::failure::Failure;

type Piece = Result<Bytes, ClientError>;

/// Saves a transfer as a file. What breaks off leaves no file, and an older one as it was.
pub async fn save(pieces: impl Stream<Item = Piece>, path: &Path) -> Result<u64, Failure> {
    let told = |error: io::Error| Failure::file(path, error, "");
    let mut name = path.file_name().ok_or_else(|| told(io::ErrorKind::InvalidInput.into()))?.to_owned();
    name.push(format!(".part-{}", std::process::id()));
    let part = path.with_file_name(name);
    let mut file = OpenOptions::new().write(true).create_new(true).open(&part).map_err(told)?;
    match fill(pieces, &mut file, path).await {
        Ok(bytes) => fs::rename(&part, path).map(|()| bytes).map_err(told),
        Err(failure) => {
            // It is of no use; where it cannot be removed, its name says so.
            let _ = fs::remove_file(&part);
            Err(failure)
        }
    }
}

async fn fill(pieces: impl Stream<Item = Piece>, file: &mut File, path: &Path) -> Result<u64, Failure> {
    let mut pieces = Box::pin(pieces);
    let mut bytes = 0;
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        file.write_all(&piece).map_err(|error| Failure::file(path, error, ""))?;
        bytes += piece.len() as u64;
    }
    Ok(bytes)
}

/// What came of an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    pub files: u64,
    pub bytes: u64,
}

/// Unpacks what lies below `inner` in an archive (all, where that is empty) into the folder `dest`.
pub async fn unpack(
    pieces: impl Stream<Item = Piece> + Send + 'static,
    inner: &str,
    dest: &Path,
) -> Result<Unpacked, Failure> {
    let source = Pieces { runtime: Handle::current(), pieces: Box::pin(pieces), current: Bytes::new() };
    let (inner, folder) = (inner.to_owned(), dest.to_owned());
    let unpacked = spawn_blocking(move || unpack_from(source, &inner, &folder)).await;
    unpacked
        .unwrap_or_else(|panic| Err(io::Error::other(panic)))
        .map_err(|error| Failure::file(dest, error, ""))
}

fn unpack_from(source: impl Read, inner: &str, dest: &Path) -> io::Result<Unpacked> {
    let mut unpacked = Unpacked::default();
    fs::create_dir_all(dest)?;
    let mut links: Vec<String> = Vec::new();
    for entry in Archive::new(source).entries()? {
        let mut entry = entry?;
        let Some(path) = below(&name(&entry.path_bytes())?, inner) else { continue };
        if !is_plain_path(&path) || links.iter().any(|link| is_below(&path, link)) {
            return Err(io::Error::other(format!(
                "the archive holds `{}`, which leaves it",
                path.escape_debug()
            )));
        }
        if entry.header().entry_type() == EntryType::Symlink {
            links.push(path.clone());
        }
        unpack_entry(&mut entry, &path, inner, dest, &mut unpacked)?;
    }
    Ok(unpacked)
}

fn unpack_entry<R: Read>(
    entry: &mut Entry<'_, R>,
    path: &str,
    inner: &str,
    dest: &Path,
    unpacked: &mut Unpacked,
) -> io::Result<()> {
    let place = dest.join(path);
    let kind = entry.header().entry_type();
    if kind == EntryType::Directory {
        return fs::create_dir_all(place);
    }
    fs::create_dir_all(place.parent().unwrap_or(dest))?;
    // Never write through a link or into a file that somebody else has open.
    match fs::remove_file(&place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let target = entry.link_name_bytes().map(|bytes| name(&bytes)).transpose()?.unwrap_or_default();
    match kind {
        EntryType::Regular => {
            let mode = entry.header().mode().unwrap_or(0o644) & 0o777;
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&place)?;
            let (expected, copied) = (entry.size(), io::copy(entry, &mut file)?);
            if copied != expected {
                return Err(io::Error::other(format!("the transfer broke off in `{path}`")));
            }
            file.set_permissions(fs::Permissions::from_mode(mode))?;
            unpacked.files += 1;
            unpacked.bytes += copied;
        }
        EntryType::Symlink if stays_inside(path, &target) => symlink(target, place)?,
        EntryType::Link => {
            // Another name of a file before it.
            let known = below(&target, inner).filter(|known| is_plain_path(known));
            let source = known.map(|known| dest.join(known)).filter(is_file);
            let source = source.ok_or_else(|| {
                io::Error::other(format!("`{path}` is another name of `{target}`, which is not copied"))
            })?;
            unpacked.bytes += fs::copy(source, place)?;
            unpacked.files += 1;
        }
        _ => return Err(io::Error::other(format!("the archive holds `{path}`, which is no file"))),
    }
    Ok(())
}

fn is_file(path: &PathBuf) -> bool {
    fs::symlink_metadata(path).is_ok_and(|known| known.is_file())
}

fn name(bytes: &[u8]) -> io::Result<String> {
    String::from_utf8(bytes.to_vec()).map_err(io::Error::other)
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// The path below `inner`; none for what lies elsewhere.
fn below(path: &str, inner: &str) -> Option<String> {
    let path = path.trim_end_matches('/');
    if inner.is_empty() {
        return Some(path.to_owned());
    }
    path.strip_prefix(inner)?.strip_prefix('/').map(str::to_owned)
}

/// Reads a transfer in step, on a thread that may wait.
struct Pieces {
    runtime: Handle,
    pieces: Pin<Box<dyn Stream<Item = Piece> + Send>>,
    current: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.runtime.block_on(self.pieces.next()) {
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

#[cfg(test)]
mod tests {
    use tar::{Builder, Header};

    use super::*;

    fn add(builder: &mut Builder<Vec<u8>>, kind: EntryType, path: &str, text: &str) {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o640);
        header.set_size(if kind == EntryType::Regular { text.len() as u64 } else { 0 });
        let gnu = header.as_gnu_mut().unwrap();
        gnu.name[..path.len()].copy_from_slice(path.as_bytes());
        if kind != EntryType::Regular {
            gnu.linkname[..text.len()].copy_from_slice(text.as_bytes());
        }
        header.set_cksum();
        let content = if kind == EntryType::Regular { text.as_bytes() } else { b"" };
        builder.append(&header, content).unwrap();
    }

    fn archive(entries: &[(EntryType, &str, &str)]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        entries.iter().for_each(|(kind, path, text)| add(&mut builder, *kind, path, text));
        builder.into_inner().unwrap()
    }

    #[test]
    fn a_part_of_an_archive_can_be_had() {
        use EntryType::{Directory, Link, Regular, Symlink};
        let bytes = archive(&[
            (Directory, "a/", ""),
            (Regular, "a/one", "1"),
            (Regular, "ab", "no"),
            (Directory, "a/b", ""),
            (Symlink, "a/b/up", "../one"),
            (Link, "a/again", "a/one"),
        ]);
        let folder = tempfile::tempdir().unwrap();
        let dest = folder.path().join("new");
        let unpacked = unpack_from(bytes.as_slice(), "a", &dest).unwrap();
        assert_eq!(unpacked, Unpacked { files: 2, bytes: 2 });
        for path in ["one", "b/up", "again"] {
            assert_eq!(fs::read_to_string(dest.join(path)).unwrap(), "1", "{path}");
        }
        assert!(!dest.join("ab").exists());
        // Once more, over what is there.
        assert_eq!(unpack_from(bytes.as_slice(), "", &dest).unwrap().files, 3);
        assert_eq!(fs::read_to_string(dest.join("ab")).unwrap(), "no");
    }

    #[test]
    fn nothing_is_written_elsewhere() {
        use EntryType::{Char, Link, Regular, Symlink};
        let folder = tempfile::tempdir().unwrap();
        let dest = folder.path().join("dest");
        let cases: [&[(EntryType, &str, &str)]; 7] = [
            &[(Regular, "../out", "x")],
            &[(Regular, "/tmp/out", "x")],
            &[(Symlink, "l", "/etc")],
            &[(Symlink, "l", "../out")],
            &[(Symlink, "l", "."), (Regular, "l/out", "x")],
            &[(Link, "l", "../out")],
            &[(Char, "out", "")],
        ];
        for entries in cases {
            assert!(unpack_from(archive(entries).as_slice(), "", &dest).is_err(), "{entries:?}");
            assert!(!folder.path().join("out").exists(), "{entries:?}");
        }
        let bytes = archive(&[(Regular, "a", &"x".repeat(5000))]);
        assert!(unpack_from(&bytes[..3000], "", &dest).is_err(), "a transfer that broke off");
    }

    #[tokio::test]
    async fn a_file_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let good: [Piece; 2] = [Ok(Bytes::from_static(b"ab")), Ok(Bytes::from_static(b"c"))];
        assert_eq!(save(futures::stream::iter(good), &path).await.unwrap(), 3);
        let lost = ClientError::Broken { url: String::new(), message: "gone".into() };
        let broken: [Piece; 2] = [Ok(Bytes::from_static(b"x")), Err(lost)];
        assert!(save(futures::stream::iter(broken), &path).await.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "abc");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
