//! The program: starts the job, and watches over it until it and all that it left are dead.
//!
//! It is PID 1, so its own end is the end of everything in the container: the kernel sees to that, and needs
//! neither agent nor daemon. All signals are held back from the first moment on and read from a file, so none
//! comes at a bad time and none is lost; one loop waits for them, for output and for time.

mod job;
mod lease;
mod memory;
mod spool;
pub mod sys;

use crate::end::End;
use crate::frame::Kind;
use crate::lease::READ_EVERY_MS;
use crate::{BROKEN, KILL_ORDER};
use job::Job;
use lease::Lease;
use spool::{Read, Spool};
use sys::{Errno, Fd, Signals, Words};

const SIGKILL: u8 = 9;
const SIGTERM: u8 = 15;
const SIGCHLD: u8 = 17;
const EVERYBODY: i32 = -1;

/// How long what a job leaves behind may take to follow a SIGTERM.
const LEFTOVERS_MS: u64 = 1_000;
/// How often one stream is read before the other gets its turn.
const READS_AT_ONCE: u32 = 16;
/// `lilac-init ATTEMPT LIMIT[/RATE] -- PROGRAM …`: the attempt names the container in lists of processes. How much of
/// the output is kept, in all and in a second.
const LIMIT_WORD: usize = 2;
const PROGRAM_WORD: usize = 4;

/// Runs the job that the words name, and gives the exit code.
#[must_use]
pub fn run(words: Words) -> i32 {
    let signals = sys::hold_back(Signals::MAX);
    if words.get(1) == Some(c"--check") {
        // The agent sees that this machine and this disk let it run.
        return 0;
    }
    // "Everybody" is everybody in the container only for its first process.
    if sys::pid() != 1 {
        return BROKEN;
    }
    sys::forbid_tracing();
    let limit = words.get(LIMIT_WORD).and_then(|word| crate::limit::read(word.to_bytes()));
    let name = words.get(PROGRAM_WORD).map(core::ffi::CStr::to_bytes);
    let (Some((limit, bytes_per_sec)), Some(name)) = (limit, name) else { return BROKEN };
    let Some(mut spool) = Spool::open(limit, bytes_per_sec) else { return BROKEN };
    let mut lease = Lease::new();
    if lease.left_ms() == 0 {
        return end(&mut spool, End::LeaseOver, name);
    }
    let Ok(heard) = sys::signal_file(Signals::MAX) else { return BROKEN };
    if !spool.begin() {
        return BROKEN;
    }
    match job::start(words, PROGRAM_WORD, signals) {
        Ok(job) => {
            let mut watch = Watch { spool, lease, job, heard, errno: None, ended: None, kill_at: 0 };
            let how = watch.watch_over();
            end(&mut watch.spool, how, name)
        }
        Err(Errno(errno)) => end(&mut spool, End::NotStarted { errno }, name),
    }
}

fn end(spool: &mut Spool, end: End, name: &[u8]) -> i32 {
    let name = if matches!(end, End::NotStarted { .. }) { name } else { b"" };
    spool.end(end, memory::ran_short(), name);
    end.exit_code()
}

struct Watch {
    spool: Spool,
    lease: Lease,
    job: Job,
    /// Tells of signals.
    heard: Fd,
    /// Why the program could not be run.
    errno: Option<u8>,
    /// How the job ended; its leftovers may live.
    ended: Option<End>,
    /// When leftovers are killed, in ms since boot.
    kill_at: u64,
}

impl Watch {
    /// Waits for the end of the job and of all that it left, or of the lease.
    fn watch_over(&mut self) -> End {
        loop {
            let left_ms = self.lease.left_ms();
            if left_ms == 0 {
                sys::kill(EVERYBODY, SIGKILL);
                self.drain(Spool::flush);
                return End::LeaseOver;
            }
            if let Some(end) = self.ended
                && self.leftovers_are_dead()
            {
                self.drain(Spool::flush_with_patience);
                return end;
            }
            self.wait(left_ms.min(READ_EVERY_MS));
        }
    }

    /// Waits for something to happen, and sees to it.
    fn wait(&mut self, wait_ms: u64) {
        let is_stuck = !self.spool.flush();
        let or_none = |file| if is_stuck { Fd::NONE } else { file };
        let files = [self.heard, self.job.trouble, or_none(self.job.stdout), or_none(self.job.stderr)];
        // The leftovers' time is short.
        let wait_ms = if self.ended.is_some() { wait_ms.min(20) } else { wait_ms };
        let [heard, trouble, stdout, stderr] = sys::poll(files, wait_ms);
        if trouble {
            self.hear_trouble();
        }
        if stdout {
            self.job.stdout = self.take(Kind::Stdout, self.job.stdout);
        }
        if stderr {
            self.job.stderr = self.take(Kind::Stderr, self.job.stderr);
        }
        if heard {
            while let Some(signal) = sys::next_signal(self.heard) {
                self.hear(signal);
            }
        }
    }

    fn hear_trouble(&mut self) {
        let mut errno = [0];
        if self.job.trouble.read(&mut errno) == Ok(1) {
            self.errno = Some(errno[0]);
        }
        self.job.trouble.close();
        self.job.trouble = Fd::NONE;
    }

    /// Reads one stream for a while; gives it back, or none when it is at its end.
    fn take(&mut self, kind: Kind, from: Fd) -> Fd {
        for _ in 0..READS_AT_ONCE {
            match self.spool.take(kind, from) {
                Read::Nothing => return from,
                Read::Ended => {
                    from.close();
                    return Fd::NONE;
                }
                Read::Something if !self.spool.flush() => return from,
                Read::Something => {}
            }
        }
        from
    }

    fn hear(&mut self, signal: u8) {
        match signal {
            SIGCHLD => self.bury(),
            KILL_ORDER => {
                sys::kill(EVERYBODY, SIGKILL);
            }
            _ if self.ended.is_none() => sys::kill(-self.job.pid, signal),
            // Whoever is impatient now means the leftovers.
            _ => self.kill_at = 0,
        }
    }

    /// Buries the dead; whether anybody lives.
    fn bury(&mut self) {
        while let Ok(Some((pid, status))) = sys::bury() {
            if pid == self.job.pid && self.ended.is_none() {
                self.ended = Some(self.end_of(status));
                sys::kill(EVERYBODY, SIGTERM);
                self.kill_at = sys::boot_ms().saturating_add(LEFTOVERS_MS);
            }
        }
    }

    fn end_of(&mut self, status: i32) -> End {
        if self.job.trouble != Fd::NONE {
            self.hear_trouble();
        }
        match self.errno {
            Some(errno) => End::NotStarted { errno },
            None => End::of_status(status),
        }
    }

    /// Once the job has ended: whether nobody else is left, helped along by a kill when their time is over.
    fn leftovers_are_dead(&mut self) -> bool {
        self.bury();
        if sys::bury() == Err(Errno::NO_CHILD) {
            return true;
        }
        if sys::boot_ms() >= self.kill_at {
            sys::kill(EVERYBODY, SIGKILL);
        }
        false
    }

    /// Takes over what is left in the pipes, in which nobody can write any more.
    fn drain(&mut self, flush: fn(&mut Spool) -> bool) {
        for (kind, from) in [(Kind::Stdout, self.job.stdout), (Kind::Stderr, self.job.stderr)] {
            // More than a pipe can hold.
            for _ in 0..64 {
                if from == Fd::NONE || !flush(&mut self.spool) {
                    break;
                }
                if self.spool.take(kind, from) != Read::Something {
                    break;
                }
            }
        }
    }
}
