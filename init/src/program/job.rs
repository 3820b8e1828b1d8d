//! Starting the job: the image's own program, as a child with its own group, pipes and clean signals.

use core::ffi::CStr;

use super::sys::{self, Errno, Fd, Signals, Words};
use crate::BROKEN;

/// Where programs are looked for when the environment does not say.
const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The longest path that the kernel takes, its zero included.
const MAX_PATH_BYTES: usize = 4_096;

/// A job that was started.
pub struct Job {
    pub pid: i32,
    pub stdout: Fd,
    pub stderr: Fd,
    /// Tells in one byte why its program could not be run; at its end without one once it runs.
    pub trouble: Fd,
}

/// Starts the words from `first` on, with `signals` held back as they were for this process.
pub fn start(words: Words, first: usize, signals: Signals) -> Result<Job, Errno> {
    let [stdout, stdout_in] = sys::pipe()?;
    let [stderr, stderr_in] = sys::pipe()?;
    let [trouble, trouble_in] = sys::pipe()?;
    for file in [stdout, stderr, trouble] {
        file.never_wait()?;
    }
    let pid = sys::fork()?;
    if pid == 0 {
        sys::lead_group(0);
        let wired = stdout_in.become_also(Fd::STDOUT).and_then(|()| stderr_in.become_also(Fd::STDERR));
        let errno = match wired {
            Ok(()) => {
                sys::hold_back(signals);
                become_program(words, first)
            }
            Err(errno) => errno,
        };
        let _ = trouble_in.write(&[errno.0]);
        sys::exit(BROKEN);
    }
    // Both do it, so that it is done whoever comes first.
    sys::lead_group(pid);
    for file in [stdout_in, stderr_in, trouble_in] {
        file.close();
    }
    Ok(Job { pid, stdout, stderr, trouble })
}

/// Becomes the program that the words name, looked for as a shell does. Comes back only with why it cannot.
fn become_program(words: Words, first: usize) -> Errno {
    let Some(name) = words.get(first) else { return Errno::NOT_FOUND };
    if name.is_empty() {
        return Errno::NOT_FOUND;
    }
    if name.to_bytes().contains(&b'/') {
        return words.execute(name, first);
    }
    let mut told = Errno::NOT_FOUND;
    for folder in words.variable(b"PATH=").unwrap_or(DEFAULT_PATH).split(|byte| *byte == b':') {
        let mut buffer = [0; MAX_PATH_BYTES];
        let Some(path) = join(folder, name, &mut buffer) else { continue };
        match words.execute(path, first) {
            Errno::NOT_FOUND | Errno::NOT_A_FOLDER => {}
            // Another folder may hold one that may be run.
            Errno::DENIED => told = Errno::DENIED,
            errno => return errno,
        }
    }
    told
}

/// `folder/name`; an empty folder is the working one.
fn join<'a>(folder: &[u8], name: &CStr, buffer: &'a mut [u8; MAX_PATH_BYTES]) -> Option<&'a CStr> {
    let name = name.to_bytes_with_nul();
    let slash: &[u8] = if folder.is_empty() { b"" } else { b"/" };
    let mut length = 0;
    for part in [folder, slash, name] {
        buffer.get_mut(length..length + part.len())?.copy_from_slice(part);
        length += part.len();
    }
    CStr::from_bytes_with_nul(&buffer[..length]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_joined_and_never_cut() {
        let joined = |folder: &[u8], name| {
            let mut buffer = [0; MAX_PATH_BYTES];
            join(folder, name, &mut buffer).map(|path| path.to_bytes().to_vec())
        };
        assert_eq!(joined(b"/bin", c"sh").unwrap(), b"/bin/sh");
        assert_eq!(joined(b"", c"sh").unwrap(), b"sh");
        assert_eq!(joined(&[b'a'; MAX_PATH_BYTES - 4], c"sh").unwrap().len(), MAX_PATH_BYTES - 1);
        assert_eq!(joined(&[b'a'; MAX_PATH_BYTES - 3], c"sh"), None);
        assert_eq!(joined(b"a\0b", c"sh"), None);
    }
}
