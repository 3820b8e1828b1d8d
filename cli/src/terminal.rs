//! The terminal that this program was started in, while it stands for one in a container: every key goes there as
//! it is, Ctrl-C too, and whatever happens the terminal is given back as it was.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use lilac_api::stream::TerminalSize;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// The size of a terminal that does not tell its own.
const USUAL: TerminalSize = TerminalSize { columns: 80, rows: 24 };

/// Whether there is a terminal to read from and to write to.
pub fn is_there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

pub fn size() -> TerminalSize {
    size_of(io::stdout())
}

/// The size of the terminal that one of the standard streams leads to.
pub fn size_of(stream: impl AsFd) -> TerminalSize {
    match tcgetwinsize(stream) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            TerminalSize { columns: size.ws_col, rows: size.ws_row }
        }
        _ => USUAL,
    }
}

/// Hands every key on as it is, until it is dropped.
pub struct Raw {
    before: Termios,
}

impl Raw {
    pub fn enter() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        let guard = Self { before };
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(guard)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.before);
    }
}
