//! Whether memory ran short in the container, by the kernel's own count.
//!
//! The daemon hears of it too, but beside the end and not with it: on a busy machine it may tell the end first, and
//! Podman may not tell it at all. The container's control group is gone by then; its first process can still look.

use core::ffi::CStr;

use super::sys::{Fd, Mode};
use crate::lease::number;

/// Where a container sees its own count: in version 2 and 1 of control groups.
const COUNTS: [&CStr; 2] = [c"/sys/fs/cgroup/memory.events", c"/sys/fs/cgroup/memory/memory.oom_control"];
/// Longer than either file is.
const MAX_BYTES: usize = 512;

/// Whether the kernel killed something in this container for want of memory. Where that cannot be read, nothing is
/// claimed.
pub fn ran_short() -> bool {
    COUNTS.into_iter().any(|path| {
        let Ok(file) = Fd::open(path, Mode::Read) else { return false };
        let mut text = [0; MAX_BYTES];
        let length = file.read(&mut text).unwrap_or(0);
        file.close();
        kills(&text[..length]) > 0
    })
}

/// The number in the line `oom_kill NUMBER`.
fn kills(text: &[u8]) -> u64 {
    let mut lines = text.split(|byte| *byte == b'\n');
    lines.find_map(|line| number(line.strip_prefix(b"oom_kill ")?)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_counted_in_both_versions() {
        assert_eq!(kills(b"low 0\nhigh 0\nmax 12\noom 1\noom_kill 3\noom_group_kill 0\n"), 3);
        assert_eq!(kills(b"oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"), 1);
        for text in [b"".as_slice(), b"oom_kill_disable 1\nunder_oom 0\n", b"oom_kill 0\n", b"oom_kill \n"] {
            assert_eq!(kills(text), 0);
        }
    }
}
