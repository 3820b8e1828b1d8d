//! Where everything that is written goes: to the two standard streams, or, while `--watch` looks, into a frame.
//!
//! A frame is one whole look. It is collected and shown at once, so that a terminal does not flicker and a pipe
//! gets looks that are whole.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

static FRAME: Mutex<Option<Vec<u8>>> = Mutex::new(None);

/// From now on what is written is collected.
pub fn begin_frame() {
    *FRAME.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
}

/// What was collected; what is written from now on goes to the streams again.
pub fn end_frame() -> Vec<u8> {
    FRAME.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
}

pub fn write_out(bytes: &[u8]) -> io::Result<()> {
    if collect(bytes) {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// When it cannot be written, nobody reads it.
pub fn write_err(text: &str) {
    if !collect(text.as_bytes()) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

fn collect(bytes: &[u8]) -> bool {
    match FRAME.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        Some(frame) => {
            frame.extend_from_slice(bytes);
            true
        }
        None => false,
    }
}
