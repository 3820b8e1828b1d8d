//! How much of a job's output is kept: so much of the output itself, so much of the file that holds it, and, where
//! the node says so, so much a second.
//!
//! A job that prints byte by byte fills the file with headers, so the file has a bound of its own. The rate is a
//! bucket that holds ten seconds of it: a burst is kept whole. Once it is empty all is dropped until a second's worth
//! is there again, so that what is kept stays readable and the words about what was dropped are few.

use crate::frame::HEADER_BYTES;
use crate::lease::number;

/// How much of one attempt's output is kept.
pub const LIMIT_BYTES: u64 = 256 << 20;

/// What stands where output was dropped.
pub const MARKER: &[u8] = b"\n[lilac] The log is at its limit; what followed was dropped.\n";

/// How many seconds of its rate a job may print at once.
const BURST_SECS: u64 = 10;
/// The longest that [`Rate::words`] gets.
pub const MAX_WORDS_BYTES: usize = 96;

/// The longest that a spool of this limit gets, with room for the few frames that are no output.
#[must_use]
pub fn file_limit(limit: u64) -> u64 {
    limit.saturating_add(limit / 2).saturating_add(64 << 10)
}

/// Reads `LIMIT` or `LIMIT/RATE`, in bytes and bytes a second; no rate is 0.
#[must_use]
pub fn read(word: &[u8]) -> Option<(u64, u64)> {
    let mut parts = word.splitn(2, |byte| *byte == b'/');
    let limit = number(parts.next()?)?;
    let rate = match parts.next() {
        Some(rate) => number(rate)?,
        None => 0,
    };
    Some((limit, rate))
}

/// How much of the output is kept in a second.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// None for any.
    bytes_per_sec: u64,
    left: u64,
    /// When it was filled up last, in ms.
    filled_ms: u64,
    dropped: u64,
}

impl Rate {
    /// `bytes_per_sec` 0 keeps all.
    #[must_use]
    pub fn new(bytes_per_sec: u64, now_ms: u64) -> Self {
        let left = bytes_per_sec.saturating_mul(BURST_SECS);
        Self { bytes_per_sec, left, filled_ms: now_ms, dropped: 0 }
    }

    /// How many of `wanted` bytes are kept.
    pub fn take(&mut self, wanted: usize, now_ms: u64) -> usize {
        if self.bytes_per_sec == 0 {
            return wanted;
        }
        self.fill(now_ms);
        let kept =
            if self.is_dropping() { 0 } else { wanted.min(usize::try_from(self.left).unwrap_or(wanted)) };
        self.left -= kept as u64;
        self.dropped = self.dropped.saturating_add((wanted - kept) as u64);
        kept
    }

    /// Whether output was dropped and what comes next will be kept: time to say so.
    pub fn owes_words(&mut self, now_ms: u64) -> bool {
        self.dropped > 0 && {
            self.fill(now_ms);
            !self.is_dropping()
        }
    }

    /// Whether output was dropped of which nothing was said yet.
    #[must_use]
    pub fn has_dropped(&self) -> bool {
        self.dropped > 0
    }

    /// What stands where output was dropped; from now on that counts as said. Gives the length.
    pub fn words(&mut self, buffer: &mut [u8; MAX_WORDS_BYTES]) -> usize {
        let mut length = 0;
        let mut digits = [0; 20];
        for part in [
            b"\n[lilac] ".as_slice(),
            decimal(self.dropped, &mut digits),
            b" bytes were dropped: it printed too fast.\n",
        ] {
            buffer[length..length + part.len()].copy_from_slice(part);
            length += part.len();
        }
        self.dropped = 0;
        length
    }

    fn is_dropping(&self) -> bool {
        self.left == 0 || self.dropped > 0 && self.left < self.bytes_per_sec
    }

    fn fill(&mut self, now_ms: u64) {
        let passed_ms = now_ms.saturating_sub(self.filled_ms);
        let more = self.bytes_per_sec.saturating_mul(passed_ms) / 1_000;
        // What does not make a byte yet is not lost: the clock stays where it was.
        if more > 0 {
            self.filled_ms = now_ms;
            self.left = self.left.saturating_add(more).min(self.bytes_per_sec.saturating_mul(BURST_SECS));
        }
    }
}

fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}

/// What is left.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    output_left: u64,
    file_left: u64,
    is_full: bool,
}

impl Limit {
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self { output_left: limit, file_left: limit.saturating_add(limit / 2), is_full: false }
    }

    /// Whether all output is dropped from now on.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// How many of `wanted` bytes are kept in one frame. Fewer than all means that the limit is reached just now
    /// or was before.
    pub fn take(&mut self, wanted: usize) -> usize {
        if self.is_full {
            return 0;
        }
        let room = self.output_left.min(self.file_left.saturating_sub(HEADER_BYTES as u64));
        let kept = wanted.min(usize::try_from(room).unwrap_or(usize::MAX));
        self.is_full = kept < wanted;
        if kept > 0 {
            self.output_left -= kept as u64;
            self.file_left -= (kept + HEADER_BYTES) as u64;
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(rate: &mut Rate) -> String {
        let mut buffer = [0; MAX_WORDS_BYTES];
        let length = rate.words(&mut buffer);
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_burst_is_kept_and_a_flood_is_told_of() {
        let mut rate = Rate::new(100, 5_000);
        assert_eq!((rate.take(600, 5_000), rate.take(400, 5_000)), (600, 400));
        assert!(!rate.has_dropped());
        assert_eq!((rate.take(70, 5_000), rate.take(30, 5_900)), (0, 0));
        // Ninety of a second's hundred bytes are there again: that is not enough.
        assert!(rate.has_dropped() && !rate.owes_words(5_900));
        assert!(rate.owes_words(6_000));
        assert_eq!(words(&mut rate), "\n[lilac] 100 bytes were dropped: it printed too fast.\n");
        assert!(!rate.has_dropped() && !rate.owes_words(6_000));
        assert_eq!((rate.take(60, 6_000), rate.take(60, 6_000)), (60, 40));
        assert_eq!(words(&mut rate), "\n[lilac] 20 bytes were dropped: it printed too fast.\n");
        rate.take(usize::MAX, 6_000);
        assert!(words(&mut rate).len() < MAX_WORDS_BYTES);
    }

    #[test]
    fn a_limit_is_read_with_and_without_a_rate() {
        assert_eq!(read(b"1000"), Some((1_000, 0)));
        assert_eq!(read(b"1000/50"), Some((1_000, 50)));
        for word in [b"".as_slice(), b"/", b"1000/", b"/5", b"1/2/3", b"x"] {
            assert_eq!(read(word), None, "{word:?}");
        }
    }

    #[test]
    fn without_a_rate_all_is_kept() {
        let mut rate = Rate::new(0, 0);
        assert_eq!(rate.take(usize::MAX, 0), usize::MAX);
        assert!(!rate.has_dropped());
    }

    proptest! {
        #[test]
        fn no_more_is_kept_than_the_rate_and_its_burst_allow(
            bytes_per_sec in 1_u64..1_000, pieces in proptest::collection::vec((1_usize..500, 0_u64..2_000), 0..200),
        ) {
            let mut rate = Rate::new(bytes_per_sec, 0);
            let (mut now, mut kept, mut printed, mut told) = (0, 0_u64, 0_u64, 0_u64);
            for (piece, later) in pieces {
                now += later;
                if rate.owes_words(now) {
                    told += words(&mut rate).split(' ').nth(1).unwrap().parse::<u64>().unwrap();
                }
                kept += rate.take(piece, now) as u64;
                printed += piece as u64;
                prop_assert!(kept <= bytes_per_sec * BURST_SECS + bytes_per_sec * now / 1_000 + 1);
            }
            if rate.has_dropped() {
                told += words(&mut rate).split(' ').nth(1).unwrap().parse::<u64>().unwrap();
            }
            prop_assert_eq!(kept + told, printed);
        }
    }

    proptest! {
        #[test]
        fn what_is_kept_is_a_prefix_within_both_bounds(
            pieces in proptest::collection::vec(1_usize..300, 0..200), bound in 0_u64..5_000,
        ) {
            let mut limit = Limit::new(bound);
            let (mut kept, mut file, mut over) = (0_u64, 0_u64, false);
            for piece in pieces {
                let taken = limit.take(piece);
                prop_assert!(taken <= piece && !(over && taken > 0));
                kept += taken as u64;
                file += if taken > 0 { (taken + HEADER_BYTES) as u64 } else { 0 };
                over |= taken < piece;
                prop_assert_eq!(limit.is_full(), over);
            }
            prop_assert!(kept <= bound && file <= bound + bound / 2);
            // It is full for a reason.
            prop_assert!(!over || kept == bound || file + HEADER_BYTES as u64 >= bound + bound / 2);
        }
    }
}
