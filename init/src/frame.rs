//! The spool's format: a file of frames, each a header and then its bytes, appended and never changed.
//!
//! The job runs as the same user as the program and could write to the file too. So a reader takes nothing in it
//! for granted: a frame that cannot be is the end of what can be read.

/// Length of a header.
pub const HEADER_BYTES: usize = 16;
/// The most that one frame carries.
pub const MAX_PAYLOAD_BYTES: usize = 64 << 10;

/// First byte of every frame.
const MAGIC: u8 = 0xb7;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The program is there and hears signals; nothing of the job runs yet.
    Begin = 1,
    Stdout = 2,
    Stderr = 3,
    /// Words of the program's own that belong into the log.
    Note = 4,
    /// How the job ended, see [`crate::end`]. The last frame.
    End = 5,
}

impl Kind {
    /// Whether its bytes are part of the log.
    #[must_use]
    pub fn is_log(self) -> bool {
        matches!(self, Self::Stdout | Self::Stderr | Self::Note)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub kind: Kind,
    /// Bytes that follow.
    pub length: usize,
    /// When it was written, in ms since 1970.
    pub time_ms: u64,
}

impl Header {
    #[must_use]
    pub fn encode(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0] = MAGIC;
        bytes[1] = self.kind as u8;
        // Far shorter than 4 GiB; what were longer would be no frame.
        let length = u32::try_from(self.length).unwrap_or(u32::MAX);
        bytes[4..8].copy_from_slice(&length.to_le_bytes());
        bytes[8..].copy_from_slice(&self.time_ms.to_le_bytes());
        bytes
    }

    /// Reads a header; `None` for what is none.
    #[must_use]
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let [magic, kind, zero, also_zero, l0, l1, l2, l3, time @ ..] = *bytes;
        let kind = match kind {
            1 => Kind::Begin,
            2 => Kind::Stdout,
            3 => Kind::Stderr,
            4 => Kind::Note,
            5 => Kind::End,
            _ => return None,
        };
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let is_one = magic == MAGIC && zero == 0 && also_zero == 0 && length <= MAX_PAYLOAD_BYTES;
        is_one.then(|| Self { kind, length, time_ms: u64::from_le_bytes(time) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_header_is_read_back(kind in 1_u8..=5, length in 0..=MAX_PAYLOAD_BYTES, time_ms: u64) {
            let mut bytes = Header { kind: Kind::Begin, length, time_ms }.encode();
            bytes[1] = kind;
            let header = Header::decode(&bytes).unwrap();
            prop_assert_eq!((header.kind as u8, header.length, header.time_ms), (kind, length, time_ms));
            prop_assert_eq!(header.encode(), bytes);
        }

        #[test]
        fn what_is_no_header_is_refused(bytes: [u8; HEADER_BYTES]) {
            if let Some(header) = Header::decode(&bytes) {
                prop_assert_eq!(header.encode(), bytes);
            }
        }
    }

    #[test]
    fn a_frame_is_no_longer_than_it_may_be() {
        let bytes = Header { kind: Kind::Stdout, length: MAX_PAYLOAD_BYTES + 1, time_ms: 0 }.encode();
        assert_eq!(Header::decode(&bytes), None);
    }
}
