//! `lilac_cli` in a terminal of its own: keys go in, and what a person would see comes out.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use nix::pty::{Winsize, openpty};
use nix::sys::termios::{Termios, tcgetattr};
use rustix::termios::tcsetwinsize;
use vt100::{Parser, Screen};

use crate::wait::eventually_within;

const PATIENCE: Duration = Duration::from_secs(60);

/// A program in a terminal. Killed when dropped.
pub struct Terminal {
    child: Child,
    keys: File,
    /// Held, so that the terminal outlives the program and can be looked at.
    other_side: OwnedFd,
    before: Termios,
    seen: Arc<Mutex<Parser>>,
}

impl Terminal {
    /// Starts the command in a terminal of that size, which is its controlling one, as a shell's is.
    pub fn start(command: &Command, columns: u16, rows: u16) -> Result<Self> {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None)?;
        let (other_side, keys): (OwnedFd, File) = (pty.slave, pty.master.into());
        let before = tcgetattr(&other_side)?;
        let mut session = Command::new("setsid");
        session.arg("--ctty").arg(command.get_program()).args(command.get_args()).env_clear();
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                session.env(name, value);
            }
        }
        if let Some(folder) = command.get_current_dir() {
            session.current_dir(folder);
        }
        let child = session
            .env("TERM", "xterm-256color")
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::from(other_side.try_clone()?))
            .stdout(Stdio::from(other_side.try_clone()?))
            .stderr(Stdio::from(other_side.try_clone()?))
            .spawn()
            .context("starting setsid, of util-linux")?;
        let (high, wide) = window(columns, rows)?;
        let seen = Arc::new(Mutex::new(Parser::new(high, wide, 0)));
        watch(keys.try_clone()?, seen.clone());
        Ok(Self { child, keys, other_side, before, seen })
    }

    pub fn press(&mut self, keys: &str) -> Result<()> {
        Ok(self.keys.write_all(keys.as_bytes())?)
    }

    /// Changes its size, of which the kernel tells the program.
    pub fn resize(&mut self, columns: u16, rows: u16) -> Result<()> {
        let (high, wide) = window(columns, rows)?;
        self.seen.lock().map_err(|_| anyhow!("a reader panicked"))?.screen_mut().set_size(high, wide);
        let size = rustix::termios::Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        Ok(tcsetwinsize(&self.keys, size)?)
    }

    /// What stands on it now.
    pub fn screen(&self) -> Result<Screen> {
        Ok(self.seen.lock().map_err(|_| anyhow!("a reader panicked"))?.screen().clone())
    }

    /// Waits until what it shows is as it should be; gives it.
    pub async fn until(&self, what: &str, is_there: impl Fn(&Screen) -> bool) -> Result<String> {
        eventually_within(PATIENCE, what, async || {
            let screen = self.screen()?;
            Ok(is_there(&screen).then(|| screen.contents()))
        })
        .await
        .with_context(|| format!("it shows:\n{}", self.screen().map(|s| s.contents()).unwrap_or_default()))
    }

    /// Waits until it shows the text.
    pub async fn shows(&self, text: &str) -> Result<String> {
        self.until(&format!("{text:?} on the terminal"), |screen| screen.contents().contains(text)).await
    }

    pub async fn exit(&mut self) -> Result<ExitStatus> {
        eventually_within(PATIENCE, "the end of the program", async || Ok(self.child.try_wait()?)).await
    }

    /// Whether the terminal is set as it was before the program came.
    pub fn is_restored(&self) -> Result<bool> {
        let (before, now) = (&self.before, tcgetattr(&self.other_side)?);
        let flags = |of: &Termios| (of.input_flags, of.output_flags, of.local_flags);
        Ok(flags(before) == flags(&now))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn window(columns: u16, rows: u16) -> Result<(NonZeroU16, NonZeroU16)> {
    NonZeroU16::new(rows).zip(NonZeroU16::new(columns)).context("a window without a character")
}

/// Shows on a terminal that is only remembered what the program writes.
fn watch(mut from: File, seen: Arc<Mutex<Parser>>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        // A terminal whose other side is closed answers with an error: its end.
        while let Ok(read) = from.read(&mut buffer) {
            if read == 0 {
                return;
            }
            if let Ok(mut parser) = seen.lock() {
                parser.process(&buffer[..read]);
            }
        }
    });
}
