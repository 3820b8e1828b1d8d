//! Child processes that do not outlive their owner.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::wait::eventually_within;

/// How much of a process's output is shown when a test fails.
const SHOWN_LINES: usize = 80;

/// The binary `name` of this workspace, built in the same profile as the running executable.
pub fn binary(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("where this executable lies")?;
    // A test's executable lies in `target/PROFILE/deps`, a binary in `target/PROFILE`.
    let found = own.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file());
    match found {
        Some(path) => Ok(path),
        None => bail!("no `{name}` beside {}: run `cargo build --workspace` first", own.display()),
    }
}

/// Where programs are found.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A command without this process's environment: settings of the developer's shell, DATABASE_URL above
/// all, must not leak into what is tested.
pub(crate) fn clean_command(program: &Path, working_directory: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", PATH)
        .env("HOME", working_directory)
        .env("RUST_BACKTRACE", "1")
        .current_dir(working_directory)
        .stdin(Stdio::null());
    command
}

/// A running child, its output in a file. Killed when dropped.
pub struct Process {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Process {
    /// Starts `command`, with its output appended to `log`.
    pub fn spawn(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        let output = OpenOptions::new().create(true).append(true).open(log).context("opening a log")?;
        command.stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().with_context(|| format!("starting {name}"))?;
        Ok(Self { child, name: name.to_owned(), log: log.to_owned() })
    }

    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal to a process that still runs; the pid of one that was reaped may be another's.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        if !self.is_alive() {
            bail!("{} does not run any more", self.name);
        }
        let pid = i32::try_from(self.child.id()).context("a pid beyond i32")?;
        kill(Pid::from_raw(pid), signal).with_context(|| format!("sending {signal} to {}", self.name))
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().with_context(|| format!("killing {}", self.name))?;
        self.child.wait().map(|_| ()).with_context(|| format!("reaping {}", self.name))
    }

    /// Waits until it ends by itself.
    pub async fn exit(&mut self, within: Duration) -> Result<ExitStatus> {
        let what = format!("end of {}", self.name);
        eventually_within(within, &what, async || Ok(self.child.try_wait()?)).await
    }

    /// All that it printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        std::fs::read(&self.log)
            .map_or_else(|error| format!("({error})"), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Asks it to end, waits, and kills it when it does not listen.
    pub(crate) fn terminate(&mut self, within: Duration) {
        if self.signal(Signal::SIGTERM).is_ok() {
            let start = Instant::now();
            while self.is_alive() && start.elapsed() < within {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        // It fails where the process has ended, which is what is wanted.
        let _ = self.kill();
    }

    /// Shows the end of its output, for the person who reads why a test failed.
    #[expect(clippy::print_stderr, reason = "a failing test must show what the processes said")]
    pub(crate) fn show(&self) {
        let output = self.output();
        let lines: Vec<&str> = output.lines().collect();
        let shown = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
        eprintln!("--- {} ({} lines, the last {}):", self.name, lines.len(), shown.len());
        for line in shown {
            eprintln!("{line}");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show();
        }
        let _ = self.kill();
    }
}
