//! Reading the environment. A complaint names the variable and what it may be, and never its value, which may be
//! a secret in the wrong place.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use lilac_api::auth::Secret;

use super::settings::{OF_OTHER_PROGRAMS, SETTINGS, Setting};

/// The shortest secret that may sign or encrypt.
const MIN_SECRET_BYTES: usize = 32;
/// Fewer different characters are a pattern and no secret: of 32 random hexadecimal digits fewer than eight are
/// different once in a hundred thousand times.
const MIN_DIFFERENT: usize = 8;
/// Words out of examples and of people who fill in forms.
const TELLTALE: [&str; 6] = ["changeme", "change-me", "change_me", "example", "password", "secret"];

/// The variables of the environment that are for the server.
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    pub fn from_environment() -> Result<Self> {
        Self::new(std::env::vars_os())
    }

    /// Refuses a variable that begins like ours and is none: it is a misspelling that would do nothing.
    pub fn new(all: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self> {
        let mut known = BTreeMap::new();
        for (name, value) in all {
            let Some(name) = name.to_str() else { continue };
            if !is_setting(name) {
                ensure!(!is_ours(name), "{}", unknown(name));
                continue;
            }
            let value = value.into_string().ok().with_context(|| format!("{name} is not UTF-8"))?;
            if !value.trim().is_empty() {
                known.insert(name.to_owned(), value);
            }
        }
        Ok(Self(known))
    }

    /// What is set, if it is.
    pub fn text(&self, name: &str) -> Option<String> {
        debug_assert!(is_setting(name), "{name} is missing in the table of settings");
        self.0.get(name).cloned()
    }

    /// What is set or the table's default, read by `parse`. `allowed` ends the sentence "NAME must be …".
    pub fn read<T>(&self, name: &str, allowed: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
        let default = SETTINGS.iter().find(|setting| setting.name == name).map(|setting| setting.default);
        let text = self.text(name).or(default.map(str::to_owned)).unwrap_or_default();
        parse(text.trim()).with_context(|| format!("{name} must be {allowed}"))
    }

    /// As [`Variables::read`], for what may be absent.
    pub fn read_optional<T>(
        &self,
        name: &str,
        allowed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        if self.text(name).is_none() {
            return Ok(None);
        }
        self.read(name, allowed, parse).map(Some)
    }

    /// A whole number between two bounds.
    pub fn number(&self, name: &str, bounds: std::ops::RangeInclusive<u64>) -> Result<u64> {
        let allowed = format!("a number from {} to {}", bounds.start(), bounds.end());
        self.read(name, &allowed, |text| text.parse().ok().filter(|number| bounds.contains(number)))
    }

    /// `true` or `false`.
    pub fn flag(&self, name: &str) -> Result<bool> {
        self.read(name, "true or false", |text| text.parse().ok())
    }

    /// A span of time as in `30s`, `15m`, `90d`, between two bounds.
    pub fn span(&self, name: &str, bounds: std::ops::RangeInclusive<Duration>) -> Result<Duration> {
        self.read(name, &spans_between(&bounds), |text| {
            humantime::parse_duration(text).ok().filter(|span| bounds.contains(span))
        })
    }

    /// As [`Variables::span`]; `never` is none.
    pub fn span_or_never(
        &self,
        name: &str,
        bounds: std::ops::RangeInclusive<Duration>,
    ) -> Result<Option<Duration>> {
        self.read(name, &format!("{}, or `never`", spans_between(&bounds)), |text| match text {
            "never" => Some(None),
            text => humantime::parse_duration(text).ok().filter(|span| bounds.contains(span)).map(Some),
        })
    }

    /// A secret as it is set.
    pub fn secret(&self, name: &str) -> Option<Secret> {
        self.text(name).map(Secret)
    }

    /// A secret that signs or encrypts: one that could be guessed is refused.
    pub fn strong_secret(&self, name: &str) -> Result<Option<Secret>> {
        let Some(secret) = self.secret(name) else { return Ok(None) };
        if let Some(weakness) = weakness(&secret.0) {
            bail!("{name} {weakness}; `openssl rand -hex 32` makes a good one");
        }
        Ok(Some(secret))
    }
}

fn spans_between(bounds: &std::ops::RangeInclusive<Duration>) -> String {
    let [least, most] = [bounds.start(), bounds.end()].map(|bound| humantime::format_duration(*bound));
    format!("a span of time from {least} to {most}")
}

/// Why a secret could be guessed, if it could.
fn weakness(secret: &str) -> Option<String> {
    if secret.len() < MIN_SECRET_BYTES {
        return Some(format!("is too short: at least {MIN_SECRET_BYTES} characters"));
    }
    let characters: Vec<char> = secret.chars().collect();
    let different: std::collections::BTreeSet<_> = characters.iter().collect();
    let repeats = (1..=characters.len() / 2)
        .any(|period| characters.iter().zip(&characters[period..]).all(|(one, other)| one == other));
    if different.len() < MIN_DIFFERENT || repeats {
        return Some("repeats itself".to_owned());
    }
    let lower = secret.to_lowercase();
    TELLTALE.iter().any(|word| lower.contains(word)).then(|| "looks like an example".to_owned())
}

fn is_setting(name: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.name == name)
}

/// Whether a name claims to be Lilac's. A cluster manager that has a service of this name sets variables like
/// LILAC_SERVICE_HOST and LILAC_PORT_8080_TCP in every container: those are none of ours.
fn is_ours(name: &str) -> bool {
    let of_a_service = name.contains("_SERVICE_") || name.contains("_PORT_");
    name.starts_with("LILAC_") && !OF_OTHER_PROGRAMS.contains(&name) && !of_a_service
}

fn unknown(name: &str) -> String {
    let likely = SETTINGS
        .iter()
        .map(|Setting { name: known, .. }| (strsim::damerau_levenshtein(known, name), *known))
        .min()
        .filter(|(distance, _)| *distance <= 6);
    match likely {
        Some((_, known)) => format!("there is no setting {name}; did you mean {known}?"),
        None => format!("there is no setting {name}; docs/operating.md lists all"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(set: &[(&str, &str)]) -> Result<Variables> {
        Variables::new(set.iter().map(|(name, value)| (OsString::from(*name), OsString::from(*value))))
    }

    fn refusal<T>(result: Result<T>) -> String {
        format!("{:#}", result.err().unwrap())
    }

    #[test]
    fn a_misspelled_setting_is_refused_with_the_likely_one() {
        let refused = refusal(variables(&[("LILAC_LISTENS", "hidden value")]));
        assert_eq!(refused, "there is no setting LILAC_LISTENS; did you mean LILAC_LISTEN?");
        let refused = refusal(variables(&[("LILAC_COMPLETELY_ELSE", "hidden value")]));
        assert!(refused.contains("LILAC_COMPLETELY_ELSE") && !refused.contains("hidden"), "{refused}");
        for foreign in ["LILAC_TOKEN", "LILAC_SERVICE_HOST", "LILAC_PORT_8080_TCP", "PATH", "LILACS"] {
            variables(&[(foreign, "x")]).unwrap();
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_without_its_value() {
        for value in ["0", "501", "ten", "-3", "1e9", "18446744073709551616"] {
            let variables = variables(&[("LILAC_DATABASE_CONNECTIONS", value)]).unwrap();
            let refused = refusal(variables.number("LILAC_DATABASE_CONNECTIONS", 2..=500));
            assert_eq!(refused, "LILAC_DATABASE_CONNECTIONS must be a number from 2 to 500");
        }
    }

    #[test]
    fn what_is_not_set_or_empty_has_the_default_of_the_table() {
        let variables = variables(&[("LILAC_DATABASE_CONNECTIONS", " ")]).unwrap();
        assert_eq!(variables.number("LILAC_DATABASE_CONNECTIONS", 2..=500).unwrap(), 16);
        assert!(variables.strong_secret("LILAC_SECRET_KEY").unwrap().is_none());
    }

    #[test]
    fn a_secret_that_could_be_guessed_is_refused() {
        for (weak, why) in [
            ("tiny", "too short"),
            ("0123456789abcdef0123456789abcde", "too short"),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "repeats"),
            ("0101010101010101010101010101010101010101", "repeats"),
            ("0123456789abcdef0123456789abcdef", "repeats"),
            ("please-change-me-before-you-go-live-now", "example"),
            ("the-Secret-key-of-our-production-server", "example"),
        ] {
            let variables = variables(&[("LILAC_SECRET_KEY", weak)]).unwrap();
            let refused = refusal(variables.strong_secret("LILAC_SECRET_KEY"));
            assert!(refused.starts_with("LILAC_SECRET_KEY") && refused.contains(why), "{refused}");
            assert!(!refused.contains(weak), "{refused}");
        }
        for strong in
            ["3f9a1c77e2b84d05963af1e0c8d2b7465e90ab13", "kV7+u2Zs0QpLx9fTgB4nYwR1mHcEjA6dKoXq8tIvNyU="]
        {
            let variables = variables(&[("LILAC_SECRET_KEY", strong)]).unwrap();
            assert!(variables.strong_secret("LILAC_SECRET_KEY").unwrap().is_some());
        }
    }
}
