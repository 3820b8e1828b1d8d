//! What is safe to show on a terminal.
//!
//! Names, messages and logs are written by others. On a terminal, bytes are commands: they can rename the
//! window, answer questions in the user's place or hide what stands above. So what others wrote reaches a
//! terminal only through this file. Pipes get logs byte for byte.

/// One line of text in which nothing can act on a terminal: control characters and marks that reorder
/// text are written as escapes.
pub fn clean(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' | '\r' => safe.push(' '),
            c if acts(c) => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    safe
}

/// Like `clean`, but lines stay lines and tabs stay tabs.
pub fn clean_lines(text: &str) -> String {
    let lines: Vec<String> =
        text.split('\n').map(|line| line.split('\t').map(clean).collect::<Vec<_>>().join("\t")).collect();
    lines.join("\n")
}

/// Whether a character does more than stand there.
fn acts(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Shortens to `max` characters.
pub fn shorten(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(max.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// The longest colour sequence that is believed; longer ones are dropped.
const MAX_SEQUENCE_BYTES: usize = 64;

/// Makes a log safe for a terminal, chunk by chunk: text, newlines, tabs, carriage returns and colours
/// pass, every other control sequence is dropped.
#[derive(Debug, Default)]
pub struct TerminalFilter {
    state: State,
    /// Bytes of a character that is not whole yet, or parameters of a sequence.
    held: Vec<u8>,
    keep_colours: bool,
    coloured: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After ESC and an intermediate byte: one more byte belongs to it.
    EscapeIntermediate,
    /// Inside a control sequence (ESC `[`).
    Control,
    /// Inside a string for the terminal (title, clipboard …), up to BEL, ST or the end of the line.
    String,
    /// ESC inside such a string.
    StringEscape,
}

impl TerminalFilter {
    pub fn new(keep_colours: bool) -> Self {
        Self { keep_colours, ..Self::default() }
    }

    /// Filters the next bytes of the log.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut safe = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            self.step(byte, &mut safe);
        }
        safe
    }

    /// What is still held at the end of the log, and colours switched off.
    pub fn finish(&mut self) -> Vec<u8> {
        let mut safe = Vec::new();
        if self.state == State::Text && !self.held.is_empty() {
            self.held.clear();
            push_char(char::REPLACEMENT_CHARACTER, &mut safe);
        }
        if std::mem::take(&mut self.coloured) {
            safe.extend_from_slice(b"\x1b[0m");
        }
        safe
    }

    fn step(&mut self, byte: u8, safe: &mut Vec<u8>) {
        match self.state {
            State::Text => self.text(byte, safe),
            State::Escape => match byte {
                b'[' => self.enter(State::Control),
                b']' | b'P' | b'X' | b'^' | b'_' => self.enter(State::String),
                0x20..=0x2f => self.enter(State::EscapeIntermediate),
                0x1b => {}
                b'\n' | 0x80.. => self.leave(byte, safe),
                _ => self.enter(State::Text),
            },
            State::EscapeIntermediate => match byte {
                0x20..=0x2f => {}
                0x1b => self.enter(State::Escape),
                b'\n' | 0x80.. => self.leave(byte, safe),
                _ => self.enter(State::Text),
            },
            State::Control => match byte {
                0x20..=0x3f => {
                    if self.held.len() <= MAX_SEQUENCE_BYTES {
                        self.held.push(byte);
                    }
                }
                0x40..=0x7e => {
                    self.colour(byte, safe);
                    self.enter(State::Text);
                }
                0x1b => self.enter(State::Escape),
                _ => self.leave(byte, safe),
            },
            State::String => match byte {
                0x07 => self.enter(State::Text),
                0x1b => self.enter(State::StringEscape),
                // A string without an end must not swallow the rest of the log.
                b'\n' => self.leave(byte, safe),
                _ => {}
            },
            State::StringEscape => match byte {
                b'\\' => self.enter(State::Text),
                0x1b => {}
                b'\n' => self.leave(byte, safe),
                _ => self.enter(State::String),
            },
        }
    }

    fn enter(&mut self, state: State) {
        self.held.clear();
        self.state = state;
    }

    /// Back to text; the byte that ended the sequence is text itself.
    fn leave(&mut self, byte: u8, safe: &mut Vec<u8>) {
        self.enter(State::Text);
        self.text(byte, safe);
    }

    fn colour(&mut self, last: u8, safe: &mut Vec<u8>) {
        let plain = self.held.iter().all(|b| b.is_ascii_digit() || matches!(b, b';' | b':'));
        if last == b'm' && plain && self.keep_colours && self.held.len() <= MAX_SEQUENCE_BYTES {
            safe.extend_from_slice(b"\x1b[");
            safe.extend_from_slice(&self.held);
            safe.push(b'm');
            self.coloured = true;
        }
    }

    fn text(&mut self, byte: u8, safe: &mut Vec<u8>) {
        if byte < 0x80 {
            if !self.held.is_empty() {
                self.held.clear();
                push_char(char::REPLACEMENT_CHARACTER, safe);
            }
            match byte {
                0x1b => self.enter(State::Escape),
                b'\n' | b'\t' | b'\r' | 0x20..=0x7e => safe.push(byte),
                _ => {}
            }
            return;
        }
        self.held.push(byte);
        match std::str::from_utf8(&self.held) {
            Ok(whole) => {
                let c = whole.chars().next();
                self.held.clear();
                self.character(c, safe);
            }
            // The beginning of a character: more may come.
            Err(error) if error.error_len().is_none() => {}
            Err(_) => {
                let began = self.held.len() > 1;
                self.held.clear();
                push_char(char::REPLACEMENT_CHARACTER, safe);
                if began {
                    // The byte that broke one character may begin the next.
                    self.text(byte, safe);
                }
            }
        }
    }

    fn character(&mut self, c: Option<char>, safe: &mut Vec<u8>) {
        match c {
            // The same introducers as ESC `[` and its like, in one character.
            Some('\u{9b}') => self.enter(State::Control),
            Some('\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}') => self.enter(State::String),
            Some(c) if !acts(c) => push_char(c, safe),
            _ => {}
        }
    }
}

fn push_char(c: char, safe: &mut Vec<u8>) {
    safe.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filtered(bytes: &[u8]) -> String {
        let mut filter = TerminalFilter::new(true);
        let mut safe = filter.push(bytes);
        safe.extend(filter.finish());
        String::from_utf8(safe).unwrap()
    }

    #[test]
    fn text_newlines_tabs_and_colours_pass() {
        assert_eq!(filtered("größe\tok\r\n".as_bytes()), "größe\tok\r\n");
        assert_eq!(filtered(b"\x1b[31mred\x1b[0m"), "\x1b[31mred\x1b[0m\x1b[0m");
    }

    #[test]
    fn what_commands_the_terminal_is_dropped() {
        for (bytes, text) in [
            (&b"a\x1b]0;title\x07b"[..], "ab"),
            (b"a\x1b]52;c;ZXZpbA==\x1b\\b", "ab"),
            (b"a\x1b[2J\x1b[1;1Hb", "ab"),
            (b"a\x1b[6nb\x1b[?1049hc", "abc"),
            (b"a\x1bcb\x1b(0c", "abc"),
            (b"a\x07\x08\x00b", "ab"),
            ("a\u{9b}2Jb\u{9d}0;x\u{7}c".as_bytes(), "abc"),
            ("a\u{202e}b".as_bytes(), "ab"),
            (b"a\x1bP+q\nb", "a\nb"),
            (b"a\xff\xfeb", "a\u{fffd}\u{fffd}b"),
            (b"\x1b[<9m\x1b[>4;2mx", "x"),
        ] {
            assert_eq!(filtered(bytes), text, "{bytes:?}");
        }
    }

    #[test]
    fn colours_go_when_they_are_not_wanted() {
        assert_eq!(TerminalFilter::new(false).push(b"\x1b[31mred\x1b[0m"), b"red");
    }

    #[test]
    fn cells_hold_no_control_characters() {
        assert_eq!(clean("a\x1b[2J\nb\u{202e}"), "a\\u{1b}[2J b\\u{202e}");
        assert_eq!(clean_lines("a\tb\nc\r"), "a\tb\nc ");
    }

    #[test]
    fn long_text_is_shortened_by_characters() {
        assert_eq!(shorten("grüße", 5), "grüße");
        assert_eq!(shorten("grüße!", 5), "grüß…");
    }

    proptest! {
        #[test]
        fn nothing_acts_and_chunks_do_not_matter(
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), Just(0x1b), Just(b'['), Just(b'm'), Just(b']'), Just(0xc2), Just(0x9b)],
                0..200,
            ),
            cut in 0..200_usize,
        ) {
            let whole = TerminalFilter::new(false).push(&bytes);
            let text = String::from_utf8(whole.clone()).unwrap();
            prop_assert!(text.chars().all(|c| matches!(c, '\n' | '\t' | '\r') || !acts(c)));

            let cut = cut.min(bytes.len());
            let mut filter = TerminalFilter::new(false);
            let mut parts = filter.push(&bytes[..cut]);
            parts.extend(filter.push(&bytes[cut..]));
            prop_assert_eq!(whole, parts);
        }
    }
}
