//! `--watch`: the same look again and again, until Ctrl-C.
//!
//! The command line is read anew for every look, so that times such as `--since 10m` move on. An error ends the first
//! look as it would without `--watch`; later, a server that is away for a moment is told in the frame.

use std::io::{self, IsTerminal};
use std::time::Duration;

use clap::Parser;

use crate::args::Cli;
use crate::failure::{Exit, Failure};
use crate::printer::clock;
use crate::text::clean;
use crate::{screen, terminal};

const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l";
const LEAVE: &[u8] = b"\x1b[?25h\x1b[?1049l";

/// The window as it was is given back whatever happens.
struct Window;

impl Window {
    fn enter() -> io::Result<Self> {
        screen::write_out(ENTER)?;
        Ok(Self)
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        let _ = screen::write_out(LEAVE);
    }
}

pub async fn run(every: Duration) -> Result<Exit, Failure> {
    let mut frame = look().await?;
    let window = io::stdout().is_terminal().then(Window::enter).transpose()?;
    let mut shown = Vec::new();
    loop {
        match &window {
            Some(_) => screen::write_out(&painted(&frame, every))?,
            None if shown != frame => screen::write_out(&frame)?,
            None => {}
        }
        shown = frame;
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            signal = tokio::signal::ctrl_c() => {
                signal?;
                drop(window);
                return Ok(Exit::Interrupted);
            }
        }
        frame = match look().await {
            Ok(frame) => frame,
            Err(failure) if failure.is_closed_pipe() => return Err(failure),
            Err(failure) => format!("error: {}\n", clean(&failure.to_string())).into_bytes(),
        };
    }
}

/// One look, collected.
async fn look() -> Result<Vec<u8>, Failure> {
    screen::begin_frame();
    let result = Box::pin(crate::run(Cli::parse())).await;
    let frame = screen::end_frame();
    result.map(|_| frame)
}

/// The frame from the top of the window on, as far as there is room.
fn painted(frame: &[u8], every: Duration) -> Vec<u8> {
    let rows = usize::from(terminal::size().rows);
    let text = String::from_utf8_lossy(frame);
    let mut lines: Vec<&str> = text.lines().collect();
    let room = rows.saturating_sub(2);
    let cut = lines.len().saturating_sub(room);
    lines.truncate(room);
    let more = if cut > 0 { format!("   {cut} more lines below") } else { String::new() };
    let mut painted =
        format!("\x1b[H\x1b[2mevery {} s   {}{more}\x1b[0m\x1b[K\r\n", every.as_secs_f32(), clock());
    for line in lines {
        painted.push_str(line);
        painted.push_str("\x1b[K\r\n");
    }
    painted.push_str("\x1b[J");
    painted.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_clears_what_was_there_and_fits_the_window() {
        let frame = "a\n".repeat(1000);
        let painted = String::from_utf8(painted(frame.as_bytes(), Duration::from_secs(2))).unwrap();
        assert!(painted.starts_with("\x1b[H") && painted.ends_with("\x1b[J"), "{painted:?}");
        assert!(painted.lines().count() <= usize::from(terminal::size().rows));
        assert!(painted.contains("more lines below"), "{painted:?}");
    }
}
