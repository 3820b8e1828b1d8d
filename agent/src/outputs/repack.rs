//! Writes Docker's archive of an output anew: plain files, folders and links under names below the output's own.
//!
//! Docker's has the output's name in front of every other, extended headers, owners, devices, links to anywhere.
//! None of that is of use where it is unpacked, and some would do harm there. What no output can hold is left
//! out; what would be an output without a part of its content is refused, in words for the job's owner.

use std::io::{self, Read, Write};

use lilac_api::output::{MAX_OUTPUT_ENTRIES, OutputTask, is_plain_path, stays_inside};
use tar::{Archive, Builder, Entry, EntryType, Header};

/// Why an archive did not come to its end.
#[derive(Debug)]
pub enum Trouble {
    /// What the job left is no output, and will not be one.
    Refused(String),
    /// Docker or the control plane broke off.
    Broken(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Reads Docker's archive from `source` and writes the output's to `target`.
pub fn repack(source: impl Read, output: &OutputTask, target: impl Write) -> Result<(), Trouble> {
    let bounded = Bounded { target, left: output.max_bytes, is_over: false };
    let mut packer = Packer { output, builder: Builder::new(bounded), folder: None, count: 0 };
    let packed = packer.pack(source);
    if packer.builder.get_ref().is_over {
        return Err(Trouble::Refused(format!(
            "`{}` has more than {} bytes as an archive",
            output.path, output.max_bytes
        )));
    }
    packed
}

struct Packer<'a, W: Write> {
    output: &'a OutputTask,
    builder: Builder<Bounded<W>>,
    /// The output's own name with a slash, where it is a folder.
    folder: Option<String>,
    count: usize,
}

impl<W: Write> Packer<'_, W> {
    fn pack(&mut self, source: impl Read) -> Result<(), Trouble> {
        let mut archive = Archive::new(source);
        for (index, entry) in archive.entries()?.enumerate() {
            let entry = entry?;
            let name = self.text(&entry.path_bytes())?;
            let name = name.trim_end_matches('/');
            if index == 0 {
                match entry.header().entry_type() {
                    EntryType::Directory => {
                        self.folder = Some(format!("{name}/"));
                        continue;
                    }
                    EntryType::Regular => {}
                    _ => {
                        let path = &self.output.path;
                        return Err(Trouble::Refused(format!("`{path}` is neither a folder nor a file")));
                    }
                }
            }
            let path = self.below(name)?;
            self.add(entry, &path)?;
        }
        self.builder.finish()?;
        Ok(self.builder.get_mut().flush()?)
    }

    /// The name below the output's own.
    fn below(&self, name: &str) -> Result<String, Trouble> {
        let path = match &self.folder {
            Some(folder) => name.strip_prefix(folder.as_str()).unwrap_or_default(),
            None => name,
        };
        if is_plain_path(path) {
            return Ok(path.to_owned());
        }
        Err(Trouble::Refused(format!(
            "`{}` in `{}` has no usable name",
            name.escape_debug(),
            self.output.path
        )))
    }

    fn text(&self, bytes: &[u8]) -> Result<String, Trouble> {
        String::from_utf8(bytes.to_vec()).map_err(|error| {
            let name = String::from_utf8_lossy(error.as_bytes()).escape_debug().to_string();
            Trouble::Refused(format!("`{name}` in `{}` has a name that is no UTF-8", self.output.path))
        })
    }

    fn add<R: Read>(&mut self, mut entry: Entry<'_, R>, path: &str) -> Result<(), Trouble> {
        let mut header = Header::new_gnu();
        let kind = entry.header().entry_type();
        // Neither owners nor bits that give rights away.
        header.set_mode(entry.header().mode().unwrap_or(0o644) & 0o777);
        header.set_mtime(entry.header().mtime().unwrap_or_default());
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_uid(0);
        header.set_gid(0);
        match kind {
            EntryType::Regular => {
                let size = entry.size();
                if size > self.output.max_file_bytes {
                    let limit = self.output.max_file_bytes;
                    return Err(Trouble::Refused(format!("`{path}` has more than {limit} bytes")));
                }
                header.set_size(size);
                self.builder.append_data(&mut header, path, Exactly { source: &mut entry, left: size })?;
            }
            EntryType::Directory => self.builder.append_data(&mut header, path, io::empty())?,
            EntryType::Symlink => {
                let Some(target) = self.target(&entry)? else { return Ok(()) };
                let Some(target) = inside(&self.output.path, path, &target) else {
                    tracing::debug!(path, target, "a link that leaves the output is left out");
                    return Ok(());
                };
                self.builder.append_link(&mut header, path, target)?;
            }
            EntryType::Link => {
                let Some(target) = self.target(&entry)? else { return Ok(()) };
                let target = self.below(&target)?;
                self.builder.append_link(&mut header, path, target)?;
            }
            // Devices, pipes: nothing that could be kept.
            _ => return Ok(()),
        }
        self.count += 1;
        if self.count > MAX_OUTPUT_ENTRIES {
            let path = &self.output.path;
            return Err(Trouble::Refused(format!(
                "`{path}` holds more than {MAX_OUTPUT_ENTRIES} files and folders"
            )));
        }
        Ok(())
    }

    fn target<R: Read>(&self, entry: &Entry<'_, R>) -> Result<Option<String>, Trouble> {
        entry.link_name_bytes().map(|bytes| self.text(&bytes)).transpose()
    }
}

/// A link's target as it is written where the link stays inside the output, seen from the link.
fn inside(output: &str, path: &str, target: &str) -> Option<String> {
    let target = match target.strip_prefix(output).and_then(|rest| rest.strip_prefix('/')) {
        Some(rest) => "../".repeat(path.matches('/').count()) + rest,
        None => target.to_owned(),
    };
    stays_inside(path, &target).then_some(target)
}

/// Takes so many bytes and no more.
struct Bounded<W> {
    target: W,
    left: u64,
    is_over: bool,
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(left) = self.left.checked_sub(bytes.len() as u64) else {
            self.is_over = true;
            return Err(io::Error::other("over the limit"));
        };
        let written = self.target.write(bytes)?;
        self.left = left;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.target.flush()
    }
}

/// Reads what a header promised, and calls less an error: the archive would be wrong from there on.
struct Exactly<R> {
    source: R,
    left: u64,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        if count == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
