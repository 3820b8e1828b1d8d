//! Reading the lease in a container.

use super::sys::{self, Fd, Mode};
use crate::lease::{READ_EVERY_MS, deadline};

const PATH: &core::ffi::CStr = c"/.lilac/run/lease";
const BOOT_ID_PATH: &core::ffi::CStr = c"/proc/sys/kernel/random/boot_id";
const BOOT_ID_BYTES: usize = 36;

pub struct Lease {
    boot_id: [u8; BOOT_ID_BYTES],
    deadline: u64,
    read_at: u64,
}

impl Lease {
    /// Reads the first lease. One that cannot be read grants nothing.
    pub fn new() -> Self {
        let mut text = [0; 64];
        let read = read(BOOT_ID_PATH, &mut text);
        let mut boot_id = [0; BOOT_ID_BYTES];
        if let Some(id) = read.get(..BOOT_ID_BYTES) {
            boot_id.copy_from_slice(id);
        }
        let mut lease = Self { boot_id, deadline: 0, read_at: 0 };
        lease.read_again(0);
        lease
    }

    /// Milliseconds that are left, none when the lease is over. Reads the file where it was not read lately, and
    /// always before it says that a lease is over.
    pub fn left_ms(&mut self) -> u64 {
        let now = sys::boot_ms();
        if now >= self.read_at.saturating_add(READ_EVERY_MS) || now >= self.deadline {
            self.read_again(now);
        }
        self.deadline.saturating_sub(now)
    }

    /// A file that cannot be read leaves what was granted before.
    fn read_again(&mut self, now: u64) {
        self.read_at = now;
        let mut text = [0; 128];
        if let Some(deadline) = deadline(read(PATH, &mut text), &self.boot_id) {
            self.deadline = deadline;
        }
    }
}

fn read<'a>(path: &core::ffi::CStr, buffer: &'a mut [u8]) -> &'a [u8] {
    let Ok(file) = Fd::open(path, Mode::Read) else { return &[] };
    let length = file.read(buffer).unwrap_or(0);
    file.close();
    &buffer[..length]
}
