//! Amounts, numbers and lists in the sentences that people read.

use lilac_api::quantity::Bytes;

/// How many entries of a list are named; the rest is counted.
const NAMED: usize = 3;

/// `1 node`, `3 nodes`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// `a`, `a and b`, `a, b and c`, `a, b, c and 4 more`; the last word joined by `and` or `or`.
pub(crate) fn listed(entries: impl IntoIterator<Item = String>, conjunction: &str) -> String {
    let mut named: Vec<String> = entries.into_iter().collect();
    if named.len() > NAMED + 1 {
        let more = format!("{} more", named.len() - NAMED);
        named.truncate(NAMED);
        named.push(more);
    }
    match named.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} {conjunction} {last}", others.join(", ")),
    }
}

/// Whether a number that is cut short may come out too large or too small: what is asked for is
/// rounded up and what is there down, so that a sentence never shows enough where there is too little.
#[derive(Clone, Copy)]
pub(crate) enum Rounding {
    Up,
    Down,
}

/// Thousandths of CPUs as `2`, `1.5`, `0.125`: exact.
pub(crate) fn cpus(milli: u64) -> String {
    let (whole, rest) = (milli / 1000, milli % 1000);
    if rest == 0 {
        return whole.to_string();
    }
    let digits = format!("{rest:03}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

/// `512Mi`, `15.3Gi`: exact where a unit divides it evenly, else with one digit after the point.
pub(crate) fn bytes(amount: u64, rounding: Rounding) -> String {
    const UNITS: [(u64, &str); 4] = [(1 << 40, "Ti"), (1 << 30, "Gi"), (1 << 20, "Mi"), (1 << 10, "Ki")];
    let Some((unit, suffix)) = UNITS.into_iter().find(|(unit, _)| amount >= *unit) else {
        return counted(amount, "byte");
    };
    if amount.is_multiple_of(unit) {
        return Bytes(amount).to_string();
    }
    let scaled = u128::from(amount) * 10;
    let tenths = match rounding {
        Rounding::Up => scaled.div_ceil(u128::from(unit)),
        Rounding::Down => scaled / u128::from(unit),
    };
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole}{suffix}"),
        (whole, tenth) => format!("{whole}.{tenth}{suffix}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short_and_never_flatter() {
        assert_eq!([cpus(2000), cpus(1500), cpus(125), cpus(0)], ["2", "1.5", "0.125", "0"]);
        assert_eq!(bytes(16 << 30, Rounding::Down), "16Gi");
        assert_eq!(bytes(3 << 29, Rounding::Down), "1.5Gi");
        assert_eq!(bytes((16 << 30) - 1, Rounding::Down), "15.9Gi");
        assert_eq!(bytes((16 << 30) + 1, Rounding::Up), "16.1Gi");
        assert_eq!([bytes(0, Rounding::Up), bytes(1, Rounding::Up)], ["0 bytes", "1 byte"]);
        assert_eq!(bytes(u64::MAX, Rounding::Down), "16777215.9Ti");
    }

    #[test]
    fn long_lists_are_cut() {
        let list = |count: u32| listed((0..count).map(|entry| entry.to_string()), "and");
        assert_eq!([list(0), list(1), list(2), list(4)], ["", "0", "0 and 1", "0, 1, 2 and 3"]);
        assert_eq!(list(9), "0, 1, 2 and 6 more");
    }
}
