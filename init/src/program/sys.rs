//! The system calls, each behind a function that cannot be used wrongly, and what lies on the first stack.
//!
//! This is the only `unsafe` of the crate. It holds as long as each call hands the kernel pointers to memory that
//! lives through the call, with the length that the kernel is told: every wrapper takes a reference or a slice and
//! derives both from it. Nothing here allocates, and no call gives away memory for longer than it takes.

#![expect(unsafe_code, reason = "a program without libc makes its system calls itself")]

use core::arch::asm;
use core::ffi::CStr;
use core::ptr::null;

/// The kernel's number for what went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub u8);

impl Errno {
    pub const NOT_FOUND: Self = Self(2);
    pub const INTERRUPTED: Self = Self(4);
    pub const NO_CHILD: Self = Self(10);
    pub const AGAIN: Self = Self(11);
    pub const DENIED: Self = Self(13);
    pub const NOT_A_FOLDER: Self = Self(20);
}

#[cfg(target_arch = "x86_64")]
mod number {
    pub const READ: usize = 0;
    pub const WRITE: usize = 1;
    pub const CLOSE: usize = 3;
    pub const LSEEK: usize = 8;
    pub const RT_SIGPROCMASK: usize = 14;
    pub const GETPID: usize = 39;
    pub const CLONE: usize = 56;
    pub const EXECVE: usize = 59;
    pub const WAIT4: usize = 61;
    pub const KILL: usize = 62;
    pub const FCNTL: usize = 72;
    pub const FDATASYNC: usize = 75;
    pub const SETPGID: usize = 109;
    pub const PRCTL: usize = 157;
    pub const CLOCK_GETTIME: usize = 228;
    pub const EXIT_GROUP: usize = 231;
    pub const OPENAT: usize = 257;
    pub const PPOLL: usize = 271;
    pub const SYNC_FILE_RANGE: usize = 277;
    pub const SIGNALFD4: usize = 289;
    pub const DUP3: usize = 292;
    pub const PIPE2: usize = 293;
}

#[cfg(target_arch = "aarch64")]
mod number {
    pub const DUP3: usize = 24;
    pub const FCNTL: usize = 25;
    pub const OPENAT: usize = 56;
    pub const CLOSE: usize = 57;
    pub const PIPE2: usize = 59;
    pub const LSEEK: usize = 62;
    pub const READ: usize = 63;
    pub const WRITE: usize = 64;
    pub const PPOLL: usize = 73;
    pub const SIGNALFD4: usize = 74;
    pub const FDATASYNC: usize = 83;
    pub const SYNC_FILE_RANGE: usize = 84;
    pub const EXIT_GROUP: usize = 94;
    pub const CLOCK_GETTIME: usize = 113;
    pub const KILL: usize = 129;
    pub const RT_SIGPROCMASK: usize = 135;
    pub const SETPGID: usize = 154;
    pub const PRCTL: usize = 167;
    pub const GETPID: usize = 172;
    pub const CLONE: usize = 220;
    pub const EXECVE: usize = 221;
    pub const WAIT4: usize = 260;
}

/// # Safety
/// What the arguments point to must be as the call of this number wants it.
#[cfg(target_arch = "x86_64")]
unsafe fn raw(number: usize, args: [usize; 6]) -> isize {
    let result;
    // SAFETY: the kernel changes nothing but `rax`, `rcx`, `r11` and what the caller vouches for.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number.cast_signed() => result,
            in("rdi") args[0], in("rsi") args[1], in("rdx") args[2],
            in("r10") args[3], in("r8") args[4], in("r9") args[5],
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// # Safety
/// What the arguments point to must be as the call of this number wants it.
#[cfg(target_arch = "aarch64")]
unsafe fn raw(number: usize, args: [usize; 6]) -> isize {
    let result;
    // SAFETY: the kernel changes nothing but `x0` and what the caller vouches for.
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") args[0].cast_signed() => result,
            in("x1") args[1], in("x2") args[2], in("x3") args[3], in("x4") args[4], in("x5") args[5],
            options(nostack),
        );
    }
    result
}

/// # Safety
/// As [`raw`].
unsafe fn call(number: usize, args: [usize; 6]) -> Result<usize, Errno> {
    // SAFETY: the caller's promise.
    let result = unsafe { raw(number, args) };
    match usize::try_from(result) {
        Ok(value) => Ok(value),
        Err(_) => Err(Errno(u8::try_from(result.unsigned_abs()).unwrap_or(u8::MAX))),
    }
}

/// A number as an argument: the kernel takes as many bits as it wants.
fn arg(number: i32) -> usize {
    (number as isize).cast_unsigned()
}

fn file(number: usize) -> Fd {
    Fd(i32::try_from(number).unwrap_or(-1))
}

/// An open file. It is closed by [`Fd::close`] or with the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fd(i32);

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Read,
    Append,
}

const CLOEXEC: usize = 0o2_000_000;
const NONBLOCK: usize = 0o4_000;
const WORKING_FOLDER: i32 = -100;

impl Fd {
    pub const STDOUT: Self = Self(1);
    pub const STDERR: Self = Self(2);
    /// No file; [`poll`] passes over it.
    pub const NONE: Self = Self(-1);

    pub fn open(path: &CStr, mode: Mode) -> Result<Self, Errno> {
        let flags = match mode {
            Mode::Read => 0,
            Mode::Append => 0o2_001,
        };
        let path = path.as_ptr() as usize;
        // SAFETY: the path ends with a zero.
        unsafe { call(number::OPENAT, [arg(WORKING_FOLDER), path, flags | CLOEXEC, 0, 0, 0]) }.map(file)
    }

    pub fn read(self, buffer: &mut [u8]) -> Result<usize, Errno> {
        // SAFETY: the kernel fills the slice at the most.
        unsafe { call(number::READ, [arg(self.0), buffer.as_mut_ptr() as usize, buffer.len(), 0, 0, 0]) }
    }

    pub fn write(self, bytes: &[u8]) -> Result<usize, Errno> {
        // SAFETY: the kernel reads the slice at the most.
        unsafe { call(number::WRITE, [arg(self.0), bytes.as_ptr() as usize, bytes.len(), 0, 0, 0]) }
    }

    pub fn close(self) {
        // SAFETY: no pointer.
        let _ = unsafe { call(number::CLOSE, [arg(self.0), 0, 0, 0, 0, 0]) };
    }

    /// Length of the file.
    pub fn length(self) -> Result<usize, Errno> {
        // SAFETY: no pointer.
        unsafe { call(number::LSEEK, [arg(self.0), 0, 2, 0, 0, 0]) }
    }

    /// Puts the content on the disk.
    pub fn sync(self) {
        // SAFETY: no pointer.
        let _ = unsafe { call(number::FDATASYNC, [arg(self.0), 0, 0, 0, 0, 0]) };
    }

    /// Lets the disk begin with what was written, without waiting for it.
    pub fn begin_sync(self) {
        const WRITE: usize = 2;
        // SAFETY: no pointer.
        let _ = unsafe { call(number::SYNC_FILE_RANGE, [arg(self.0), 0, 0, WRITE, 0, 0]) };
    }

    /// Reading where nothing is gives [`Errno::AGAIN`] from now on.
    pub fn never_wait(self) -> Result<(), Errno> {
        const SET_FLAGS: usize = 4;
        // SAFETY: no pointer.
        unsafe { call(number::FCNTL, [arg(self.0), SET_FLAGS, NONBLOCK, 0, 0, 0]) }.map(|_| ())
    }

    /// Makes this file also known as `other`, which programs that are run inherit.
    pub fn become_also(self, other: Self) -> Result<(), Errno> {
        // SAFETY: no pointer.
        unsafe { call(number::DUP3, [arg(self.0), arg(other.0), 0, 0, 0, 0]) }.map(|_| ())
    }
}

/// A pipe's two ends: to read, to write.
pub fn pipe() -> Result<[Fd; 2], Errno> {
    let mut ends = [0_i32; 2];
    // SAFETY: the kernel writes two numbers.
    unsafe { call(number::PIPE2, [ends.as_mut_ptr() as usize, CLOEXEC, 0, 0, 0, 0]) }?;
    Ok(ends.map(Fd))
}

#[repr(C)]
struct PollEntry {
    file: i32,
    wanted: i16,
    found: i16,
}

#[repr(C)]
struct Time {
    secs: i64,
    nanos: i64,
}

/// Waits until one of the files can be read or has come to its end, for `wait_ms` at the most.
pub fn poll<const N: usize>(files: [Fd; N], wait_ms: u64) -> [bool; N] {
    const READABLE: i16 = 1;
    let mut entries = files.map(|file| PollEntry { file: file.0, wanted: READABLE, found: 0 });
    let time = Time {
        secs: i64::try_from(wait_ms / 1_000).unwrap_or(i64::MAX),
        nanos: (wait_ms % 1_000).cast_signed() * 1_000_000,
    };
    let args = [entries.as_mut_ptr() as usize, N, &raw const time as usize, 0, 8, 0];
    // SAFETY: N entries, one time, no mask.
    let found = unsafe { call(number::PPOLL, args) };
    entries.map(|entry| found.is_ok() && entry.found != 0)
}

/// A set of signals: signal n is bit n - 1.
pub type Signals = u64;

/// Sets which signals are held back, and gives those that were.
pub fn hold_back(signals: Signals) -> Signals {
    const SET: usize = 2;
    let mut before: Signals = 0;
    let args = [SET, &raw const signals as usize, &raw mut before as usize, 8, 0, 0];
    // SAFETY: two sets of eight bytes.
    let _ = unsafe { call(number::RT_SIGPROCMASK, args) };
    before
}

/// A file that tells of the signals that are held back.
pub fn signal_file(signals: Signals) -> Result<Fd, Errno> {
    let args = [arg(-1), &raw const signals as usize, 8, CLOEXEC | NONBLOCK, 0, 0];
    // SAFETY: a set of eight bytes.
    unsafe { call(number::SIGNALFD4, args) }.map(file)
}

/// The next signal that a [`signal_file`] tells of.
pub fn next_signal(file: Fd) -> Option<u8> {
    let mut record = [0_u8; 128];
    match file.read(&mut record) {
        Ok(128) => Some(record[0]),
        _ => None,
    }
}

/// Sends a signal; to everybody else in the container for -1, to a group for a negative number.
pub fn kill(to: i32, signal: u8) {
    // SAFETY: no pointer.
    let _ = unsafe { call(number::KILL, [arg(to), usize::from(signal), 0, 0, 0, 0]) };
}

/// Buries a dead child, if there is one: its pid and how it ended. An error where there is no child at all.
pub fn bury() -> Result<Option<(i32, i32)>, Errno> {
    const DO_NOT_WAIT: usize = 1;
    let mut status = 0_i32;
    let args = [arg(-1), &raw mut status as usize, DO_NOT_WAIT, 0, 0, 0];
    // SAFETY: one status.
    let pid = unsafe { call(number::WAIT4, args) }?;
    Ok((pid != 0).then(|| (i32::try_from(pid).unwrap_or(-1), status)))
}

/// Makes a copy of this process; zero in the copy.
pub fn fork() -> Result<i32, Errno> {
    const TELL_OF_DEATH: usize = 17;
    // SAFETY: the copy has a stack and a memory of its own, with the same content.
    let pid = unsafe { call(number::CLONE, [TELL_OF_DEATH, 0, 0, 0, 0, 0]) }?;
    Ok(i32::try_from(pid).unwrap_or(-1))
}

/// Puts a process at the head of a group of its own.
pub fn lead_group(pid: i32) {
    // SAFETY: no pointer.
    let _ = unsafe { call(number::SETPGID, [arg(pid), arg(pid), 0, 0, 0, 0]) };
}

/// Nobody in the container may stop or change this process by `ptrace`, whoever they are.
pub fn forbid_tracing() {
    const SET_DUMPABLE: usize = 4;
    // SAFETY: no pointer.
    let _ = unsafe { call(number::PRCTL, [SET_DUMPABLE, 0, 0, 0, 0, 0]) };
}

pub fn pid() -> i32 {
    // SAFETY: no pointer.
    unsafe { call(number::GETPID, [0; 6]) }.map_or(0, |pid| i32::try_from(pid).unwrap_or(0))
}

/// Milliseconds since the machine was booted, its sleep included. A clock that fails is at the end of time, where
/// every lease is over.
pub fn boot_ms() -> u64 {
    clock_ms(7).unwrap_or(u64::MAX)
}

/// Milliseconds since 1970.
pub fn wall_ms() -> u64 {
    clock_ms(0).unwrap_or(0)
}

fn clock_ms(clock: usize) -> Option<u64> {
    let mut time = Time { secs: 0, nanos: 0 };
    // SAFETY: one time.
    unsafe { call(number::CLOCK_GETTIME, [clock, &raw mut time as usize, 0, 0, 0, 0]) }.ok()?;
    let (secs, nanos) = (u64::try_from(time.secs).ok()?, u64::try_from(time.nanos).ok()?);
    Some(secs * 1_000 + nanos / 1_000_000)
}

pub fn exit(code: i32) -> ! {
    loop {
        // SAFETY: no pointer.
        let _ = unsafe { call(number::EXIT_GROUP, [arg(code), 0, 0, 0, 0, 0]) };
    }
}

/// What the kernel hands to a program: its words, and the environment.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    argc: usize,
    argv: *const *const u8,
}

impl Words {
    /// # Safety
    /// `stack` is the stack pointer with which the kernel began this process.
    #[must_use]
    pub unsafe fn of_stack(stack: *const usize) -> Self {
        // SAFETY: there the kernel puts the number of words, and after it pointers to them.
        unsafe { Self { argc: *stack, argv: stack.add(1).cast() } }
    }

    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'static CStr> {
        if index >= self.argc {
            return None;
        }
        // SAFETY: the kernel's words end with a zero each and stay where they are.
        unsafe { Some(CStr::from_ptr((*self.argv.add(index)).cast())) }
    }

    /// The environment: pointers behind the words and one zero, up to another zero.
    fn env(&self) -> *const *const u8 {
        // SAFETY: so the kernel lays them out.
        unsafe { self.argv.add(self.argc + 1) }
    }

    /// The value of a variable, named with its `=`.
    #[must_use]
    pub fn variable(&self, name: &[u8]) -> Option<&'static [u8]> {
        let mut next = self.env();
        // SAFETY: up to the zero, each points to a text of the kernel's that ends with a zero.
        unsafe {
            while !(*next).is_null() {
                let entry: &'static CStr = CStr::from_ptr((*next).cast());
                if let Some(value) = entry.to_bytes().strip_prefix(name) {
                    return Some(value);
                }
                next = next.add(1);
            }
        }
        None
    }

    /// Becomes the program at `path`, with the words from `first` on and the same environment. Comes back only
    /// with why it cannot.
    #[must_use]
    pub fn execute(&self, path: &CStr, first: usize) -> Errno {
        let words = if first <= self.argc {
            // SAFETY: at `argc` stands the zero that ends the words.
            unsafe { self.argv.add(first) }
        } else {
            null()
        };
        let args = [path.as_ptr() as usize, words as usize, self.env() as usize, 0, 0, 0];
        // SAFETY: the kernel's own lists, which end with a zero each.
        match unsafe { call(number::EXECVE, args) } {
            Err(errno) => errno,
            Ok(_) => Errno(0),
        }
    }
}
