//! What goes on while somebody waits: a line on the terminal that comes and goes, and nothing in a pipe.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use lilac_api::client::ClientError;
use lilac_api::image::PullProgress;

use crate::printer::{Printer, unicode_wanted};
use crate::terminal;
use crate::text::clean;

const TICK: Duration = Duration::from_millis(120);

/// As many columns as `^C` takes, which a terminal writes by itself where the cursor is.
const ECHO_COLUMNS: u16 = 2;

/// The terminal at standard error, a little narrower than it is. The line fills it to its right edge and leaves the cursor
/// there; what the terminal echoes has room then, instead of starting a new line, which would be the one that is taken
/// away.
#[derive(Debug)]
struct Narrow;

impl TermLike for Narrow {
    fn width(&self) -> u16 {
        terminal::size_of(io::stderr()).columns.saturating_sub(ECHO_COLUMNS + 1).max(1)
    }

    fn height(&self) -> u16 {
        terminal::size_of(io::stderr()).rows
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        moved(lines, 'A')
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        moved(lines, 'B')
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        moved(columns, 'C')
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        moved(columns, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(&format!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        io::stderr().write_all(text.as_bytes())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.write_str("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn moved(by: usize, way: char) -> io::Result<()> {
    if by == 0 { Ok(()) } else { Narrow.write_str(&format!("\x1b[{by}{way}")) }
}

/// What stands on the terminal; taken away when nobody tells of it any more, as after Ctrl-C.
#[derive(Debug, Default)]
struct Shown {
    bar: Mutex<Option<ProgressBar>>,
}

impl Shown {
    fn clear(&self) {
        if let Some(bar) = self.bar.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A line of progress on standard error.
#[derive(Clone, Debug)]
pub struct Progress {
    line: Arc<Shown>,
    /// Whether anybody sees it.
    pub is_seen: bool,
}

impl Progress {
    pub fn new(printer: Printer) -> Self {
        let is_seen = io::stderr().is_terminal() && printer.is_for_people();
        Self { line: Arc::default(), is_seen }
    }

    /// Says what is waited for.
    pub fn say(&self, words: &str) {
        self.show("{spinner} {wide_msg}", words, None);
    }

    /// Says how far something is.
    pub fn amount(&self, words: &str, done: u64, total: u64) {
        let template = if unicode_wanted() {
            "{spinner} {msg} {bar:24.cyan} {bytes} of {total_bytes}"
        } else {
            "{spinner} {msg} [{bar:24}] {bytes} of {total_bytes}"
        };
        self.show(template, words, Some((done, total)));
    }

    /// Says how much of a transfer is here whose end is not known.
    pub fn bytes(&self, words: &str, done: u64) {
        self.show("{spinner} {msg} {bytes} ({bytes_per_sec})", words, Some((done, 0)));
    }

    /// A transfer that is told of as its pieces come.
    pub fn of<S: Stream<Item = Result<Bytes, ClientError>>>(
        &self,
        words: &str,
        pieces: S,
    ) -> impl Stream<Item = Result<Bytes, ClientError>> + use<S> {
        let (progress, words, mut sum) = (self.clone(), words.to_owned(), 0);
        pieces.inspect(move |piece| {
            sum += piece.as_ref().map_or(0, |piece| piece.len() as u64);
            progress.bytes(&words, sum);
        })
    }

    /// How far the pull of an image is.
    pub fn pull(&self, pull: &PullProgress) {
        let sum = |of: fn(&lilac_api::image::LayerProgress) -> u64| {
            pull.layers.iter().map(of).fold(0, u64::saturating_add)
        };
        match sum(|layer| layer.total_bytes) {
            0 => self.say(&format!("pulling its image: {}", pull.summary())),
            total => self.amount("pulling its image", sum(|layer| layer.bytes).min(total), total),
        }
    }

    /// Takes the line away: something else is written.
    pub fn clear(&self) {
        self.line.clear();
    }

    fn show(&self, template: &str, words: &str, amount: Option<(u64, u64)>) {
        if !self.is_seen {
            return;
        }
        let mut bar = self.line.bar.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::term_like(Box::new(Narrow)));
            bar.enable_steady_tick(TICK);
            bar
        });
        // The templates stand above; one that cannot be read would only look plainer.
        let style =
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner());
        let style = if unicode_wanted() { style } else { style.tick_chars("|/-\\ ").progress_chars("#>-") };
        bar.set_style(style);
        bar.set_message(clean(words));
        if let Some((done, total)) = amount {
            if total > 0 {
                bar.set_length(total);
            }
            bar.set_position(done);
        }
    }
}
