//! The lease: until when the container may run.
//!
//! One line, `<boot id> <deadline in ms of CLOCK_BOOTTIME>`, which the agent replaces as a whole. The clock goes on
//! while the machine sleeps, nobody can set it, and it is the same inside a container and outside.

/// How often the lease is read.
pub const READ_EVERY_MS: u64 = 100;

/// The deadline that `line` grants in this boot. What is torn, or was written before a reboot, grants nothing.
#[must_use]
pub fn deadline(line: &[u8], boot_id: &[u8]) -> Option<u64> {
    let line = line.strip_suffix(b"\n")?;
    let number = line.strip_prefix(boot_id)?.strip_prefix(b" ")?;
    if boot_id.is_empty() { None } else { self::number(number) }
}

/// A decimal number, and nothing beside it.
#[must_use]
pub fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, digit| {
        if !digit.is_ascii_digit() {
            return None;
        }
        value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_line_of_this_boot_grants_its_deadline() {
        assert_eq!(deadline(b"boot 12345\n", b"boot"), Some(12_345));
        assert_eq!(deadline(b"boot 0\n", b"boot"), Some(0));
    }

    #[test]
    fn anything_else_grants_nothing() {
        let huge = b"boot 99999999999999999999\n";
        for line in [
            b"".as_slice(),
            b"\n",
            b"boot",
            b"boot \n",
            // Its end may be missing: 12345 could have been meant.
            b"boot 123",
            b"boot 12x\n",
            b"boot -1\n",
            b"other 12345\n",
            huge,
        ] {
            assert_eq!(deadline(line, b"boot"), None, "{line:?}");
        }
        assert_eq!(deadline(b" 5\n", b""), None);
    }
}
