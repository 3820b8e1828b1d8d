//! How the job ended, as its last frame says.

/// Length of the record, in front of the name of a program that could not be run.
pub const RECORD_BYTES: usize = 8;
/// The most of that name that is kept.
pub const MAX_NAME_BYTES: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Exited {
        code: u8,
    },
    Signalled {
        signal: u8,
        /// It left a core.
        core: bool,
    },
    /// The system would not run the program; its `errno`.
    NotStarted {
        errno: u8,
    },
    /// The lease was over.
    LeaseOver,
}

impl End {
    /// Reads what `wait` tells of a process that is dead.
    #[must_use]
    pub fn of_status(status: i32) -> Self {
        let [low, code, ..] = status.to_le_bytes();
        match low & 0x7f {
            0 => Self::Exited { code },
            signal => Self::Signalled { signal, core: low & 0x80 != 0 },
        }
    }

    /// The exit code that says the same, as well as one can.
    #[must_use]
    pub fn exit_code(self) -> i32 {
        match self {
            Self::Exited { code } => i32::from(code),
            Self::Signalled { signal, .. } => 128 + i32::from(signal),
            // A shell's words for "no such program" and "cannot be run".
            Self::NotStarted { errno: 2 } => 127,
            Self::NotStarted { .. } => 126,
            Self::LeaseOver => 128 + 9,
        }
    }

    /// The record of this end, and whether the kernel killed something in the container for want of memory.
    #[must_use]
    pub fn encode(self, starved: bool) -> [u8; RECORD_BYTES] {
        let [what, first, second] = match self {
            Self::Exited { code } => [1, code, 0],
            Self::Signalled { signal, core } => [2, signal, u8::from(core)],
            Self::NotStarted { errno } => [3, errno, 0],
            Self::LeaseOver => [4, 0, 0],
        };
        [what, first, second, u8::from(starved), 0, 0, 0, 0]
    }

    /// Reads a record; `None` for what is none.
    #[must_use]
    pub fn decode(record: &[u8]) -> Option<Self> {
        match *record.get(..RECORD_BYTES)? {
            [1, code, ..] => Some(Self::Exited { code }),
            [2, signal @ 1..=64, core @ 0..=1, ..] => Some(Self::Signalled { signal, core: core == 1 }),
            [3, errno, ..] => Some(Self::NotStarted { errno }),
            [4, ..] => Some(Self::LeaseOver),
            _ => None,
        }
    }
}

/// Whether a record says that the kernel killed something in the container for want of memory.
#[must_use]
pub fn starved(record: &[u8]) -> bool {
    record.get(3) == Some(&1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_as_the_kernel_writes_it() {
        assert_eq!(End::of_status(3 << 8), End::Exited { code: 3 });
        assert_eq!(End::of_status(255 << 8), End::Exited { code: 255 });
        assert_eq!(End::of_status(9), End::Signalled { signal: 9, core: false });
        assert_eq!(End::of_status(11 | 0x80), End::Signalled { signal: 11, core: true });
    }

    #[test]
    fn a_record_is_read_back() {
        for end in [
            End::Exited { code: 0 },
            End::Exited { code: 255 },
            End::Signalled { signal: 11, core: true },
            End::NotStarted { errno: 13 },
            End::LeaseOver,
        ] {
            for hungry in [false, true] {
                let record = end.encode(hungry);
                assert_eq!((End::decode(&record), starved(&record)), (Some(end), hungry));
            }
        }
        for record in [&[0; 8], &[2, 0, 0, 0, 0, 0, 0, 0], &[2, 9, 7, 0, 0, 0, 0, 0], &[9; 8]] {
            assert_eq!(End::decode(record), None);
        }
        assert_eq!((End::decode(&[1, 0, 0]), starved(&[1, 0, 0])), (None, false));
    }

    #[test]
    fn exit_codes_are_those_of_a_shell() {
        assert_eq!(End::Exited { code: 7 }.exit_code(), 7);
        assert_eq!(End::Signalled { signal: 15, core: false }.exit_code(), 143);
        assert_eq!(
            (End::NotStarted { errno: 2 }.exit_code(), End::NotStarted { errno: 13 }.exit_code()),
            (127, 126)
        );
        assert_eq!(End::LeaseOver.exit_code(), 137);
    }
}
