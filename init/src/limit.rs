//! How much of a job's output is kept: so much of the output itself, and so much of the file that holds it.
//!
//! A job that prints byte by byte fills the file with headers, so the file has a bound of its own.

use crate::frame::HEADER_BYTES;

/// How much of one attempt's output is kept.
pub const LIMIT_BYTES: u64 = 256 << 20;

/// What stands where output was dropped.
pub const MARKER: &[u8] = b"\n[lilac] The log is at its limit; what followed was dropped.\n";

/// The longest that a spool of this limit gets, with room for the few frames that are no output.
#[must_use]
pub fn file_limit(limit: u64) -> u64 {
    limit.saturating_add(limit / 2).saturating_add(64 << 10)
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
