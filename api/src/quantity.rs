//! Amounts as people write them: `500m` CPUs, `128Gi` of memory, `30s`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// CPUs in thousandths. Written `2`, `0.5` or `500m`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cpus {
    pub milli: u32,
}

/// Bytes. Written as a number, or with a unit: `512Mi`, `128Gi`, `1G`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// A span of time. Written `500ms`, `90s`, `10m`, `24h`, `7d`, or several in a row: `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub Duration);

/// A plain number with at most three digits after the point: `1.5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ratio {
    pub thousandths: u32,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum QuantityError {
    #[error("`{0}` is not a number with at most three digits after the point; write 1.5")]
    Ratio(String),
    #[error("`{0}` is not a number of CPUs; write 2, 0.5 or 500m")]
    Cpus(String),
    #[error("`{0}` is not an amount of bytes; write 512Mi, 128Gi or a plain number")]
    Bytes(String),
    #[error("`{0}` is not a span of time; write 90s, 10m, 24h or 7d")]
    Span(String),
    #[error("`{0}` is beyond what can be counted")]
    TooLarge(String),
}

/// The longest text that a quantity can be; what an error echoes is never longer.
const MAX_TEXT: usize = 32;

fn echo(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

/// Reads a decimal number exactly: value × 10^-`scale`, refusing what has more digits after the point.
fn decimal(text: &str, scale: u32) -> Option<u128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || text.len() > MAX_TEXT || text.ends_with('.')
    {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > scale as usize {
        return None;
    }
    let padded = format!("{whole}{fraction:0<width$}", width = scale as usize);
    padded.parse().ok()
}

impl FromStr for Cpus {
    type Err = QuantityError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let milli = match text.strip_suffix('m') {
            Some(milli) => decimal(milli, 0),
            None => decimal(text, 3),
        };
        let milli = milli.ok_or_else(|| QuantityError::Cpus(echo(text)))?;
        let milli = u32::try_from(milli).map_err(|_| QuantityError::TooLarge(echo(text)))?;
        Ok(Self { milli })
    }
}

impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.milli.is_multiple_of(1000) {
            write!(f, "{}", self.milli / 1000)
        } else {
            write!(f, "{}m", self.milli)
        }
    }
}

impl Ratio {
    /// The number, where it has nothing after the point.
    #[must_use]
    pub fn whole(self) -> Option<u32> {
        self.thousandths.is_multiple_of(1000).then_some(self.thousandths / 1000)
    }

    /// So many times an amount, rounded down; the largest amount where that is too much.
    #[must_use]
    pub fn of(self, amount: u64) -> u64 {
        u64::try_from(u128::from(amount) * u128::from(self.thousandths) / 1000).unwrap_or(u64::MAX)
    }
}

impl FromStr for Ratio {
    type Err = QuantityError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let thousandths = decimal(text, 3).ok_or_else(|| QuantityError::Ratio(echo(text)))?;
        let thousandths = u32::try_from(thousandths).map_err(|_| QuantityError::TooLarge(echo(text)))?;
        Ok(Self { thousandths })
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.thousandths / 1000, self.thousandths % 1000) {
            (whole, 0) => write!(f, "{whole}"),
            (whole, rest) => write!(f, "{whole}.{}", format!("{rest:03}").trim_end_matches('0')),
        }
    }
}

const UNITS: [(&str, u64); 10] = [
    ("Ti", 1 << 40),
    ("Gi", 1 << 30),
    ("Mi", 1 << 20),
    ("Ki", 1 << 10),
    ("T", 1_000_000_000_000),
    ("G", 1_000_000_000),
    ("M", 1_000_000),
    ("K", 1_000),
    ("k", 1_000),
    ("B", 1),
];

impl FromStr for Bytes {
    type Err = QuantityError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, unit) = UNITS
            .iter()
            .find_map(|(suffix, unit)| text.strip_suffix(suffix).map(|number| (number, *unit)))
            .unwrap_or((text, 1));
        const SCALE: u32 = 6;
        let scaled = decimal(number, SCALE).ok_or_else(|| QuantityError::Bytes(echo(text)))?;
        let bytes =
            scaled.checked_mul(u128::from(unit)).ok_or_else(|| QuantityError::TooLarge(echo(text)))?
                / 10_u128.pow(SCALE);
        // PostgreSQL counts in signed 64 bits.
        let bytes = i64::try_from(bytes).map_err(|_| QuantityError::TooLarge(echo(text)))?;
        Ok(Self(bytes.unsigned_abs()))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS[..4].iter().find(|(_, unit)| self.0 >= *unit && self.0.is_multiple_of(*unit));
        match unit {
            Some((suffix, unit)) => write!(f, "{}{suffix}", self.0 / unit),
            None => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for Span {
    type Err = QuantityError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || QuantityError::Span(echo(text));
        let mut rest = text;
        let mut millis: u64 = 0;
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let number: u64 = rest[..digits].parse().map_err(|_| refuse())?;
            rest = &rest[digits..];
            let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
            let unit: u64 = match &rest[..letters] {
                "ms" => 1,
                "s" => 1_000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                _ => return Err(refuse()),
            };
            rest = &rest[letters..];
            millis = number
                .checked_mul(unit)
                .and_then(|part| millis.checked_add(part))
                .ok_or_else(|| QuantityError::TooLarge(echo(text)))?;
        }
        if text.is_empty() { Err(refuse()) } else { Ok(Self(Duration::from_millis(millis))) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_millis();
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, millis) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
            if rest >= millis {
                write!(f, "{}{unit}", rest / millis)?;
                rest %= millis;
            }
        }
        Ok(())
    }
}

/// Text and numbers are both accepted; text is what is written back.
macro_rules! serde_as_text {
    ($name:ident, $example:literal, $expecting:literal) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                // Numbers are taken too; text is what is always answered.
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($expecting))
                    .examples([$example])
                    .into()
            }
        }

        impl ToSchema for $name {}

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                    fn visit_u64<E: de::Error>(self, number: u64) -> Result<$name, E> {
                        number.to_string().parse().map_err(E::custom)
                    }
                    fn visit_i64<E: de::Error>(self, number: i64) -> Result<$name, E> {
                        number.to_string().parse().map_err(E::custom)
                    }
                    fn visit_f64<E: de::Error>(self, number: f64) -> Result<$name, E> {
                        number.to_string().parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_any(Text)
            }
        }
    };
}

serde_as_text!(Cpus, "500m", "CPUs as 2, 0.5 or 500m");
serde_as_text!(Bytes, "128Gi", "bytes as 512Mi, 128Gi or a plain number");
serde_as_text!(Ratio, "1.5", "a number with at most three digits after the point");
serde_as_text!(Span, "10m", "a span of time as 90s, 10m or 24h");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cpus_are_read_exactly() {
        for (text, milli) in [("2", 2000), ("0.5", 500), ("500m", 500), ("1.250", 1250), ("0", 0)] {
            assert_eq!(text.parse(), Ok(Cpus { milli }), "{text}");
        }
        for text in
            ["", "-1", "1.2345", "m", "0.5m", "1e3", "9".repeat(40).as_str(), "5000000000m", "1.", " 1"]
        {
            assert!(text.parse::<Cpus>().is_err(), "{text}");
        }
    }

    #[test]
    fn bytes_know_both_families_of_units() {
        for (text, bytes) in
            [("1", 1), ("1K", 1000), ("1Ki", 1024), ("1.5Gi", 3 << 29), ("2T", 2_000_000_000_000), ("7B", 7)]
        {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
        for text in ["", "Gi", "-1", "1e400", "99999999999Ti", "18446744073709551616", "1 Gi"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
    }

    #[test]
    fn spans_may_be_compound() {
        for (text, millis) in [("90s", 90_000), ("1h30m", 5_400_000), ("7d", 604_800_000), ("500ms", 500)] {
            assert_eq!(text.parse(), Ok(Span(Duration::from_millis(millis))), "{text}");
        }
        for text in ["", "10", "s", "1y", "99999999999999999999s", "184467440737095516d", "-1s"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_accepted_and_text_is_written() {
        assert_eq!(serde_json::from_str::<Cpus>("2").unwrap(), Cpus { milli: 2000 });
        assert_eq!(serde_json::from_str::<Cpus>("0.5").unwrap(), Cpus { milli: 500 });
        assert_eq!(serde_json::to_string(&Bytes(1 << 30)).unwrap(), "\"1Gi\"");
        assert!(serde_json::from_str::<Bytes>("-5").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(milli: u32, bytes in 0..i64::MAX as u64, millis in 0..u64::from(u32::MAX)) {
            let cpus = Cpus { milli };
            prop_assert_eq!(cpus.to_string().parse(), Ok(cpus));
            let ratio = Ratio { thousandths: milli };
            prop_assert_eq!(ratio.to_string().parse(), Ok(ratio));
            prop_assert_eq!(Bytes(bytes).to_string().parse(), Ok(Bytes(bytes)));
            let span = Span(Duration::from_millis(millis));
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = text.parse::<Cpus>();
            let _ = text.parse::<Ratio>();
            let _ = text.parse::<Bytes>();
            let _ = text.parse::<Span>();
        }
    }
}
