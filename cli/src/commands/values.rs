//! How the values of `submit`'s flags are written.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use lilac_api::hook::HOOK_STATES;
use lilac_api::spec::{Gpus, Notify, VolumeMount};

use crate::args::key_value;

/// Reads one of the words of an enumeration, with suggestions and completion.
pub fn words<T>(words: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|word| word.parse::<T>())
}

pub fn gpus(text: &str) -> Result<Gpus, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

/// `KEY=VALUE`, or `KEY` for the value that it has here.
pub fn variable(text: &str) -> Result<(String, String), String> {
    if text.contains('=') {
        return key_value(text);
    }
    match std::env::var(text) {
        Ok(value) => Ok((text.to_owned(), value)),
        Err(_) => Err("it is not set here; write KEY=VALUE".to_owned()),
    }
}

/// `VARIABLE=SECRET`: only the secret's name; what it holds is never written on a command line.
pub fn secret(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((variable, name)) if !variable.is_empty() && !name.is_empty() => {
            Ok((variable.to_owned(), name.to_owned()))
        }
        _ => {
            Err("write VARIABLE=SECRET, with the name of a stored secret (`lilac_cli secret ls`)".to_owned())
        }
    }
}

/// `HOOK` for every end, or `HOOK=STATE,STATE`.
pub fn notify(text: &str) -> Result<Notify, String> {
    let (to, states) = text.split_once('=').unwrap_or((text, "succeeded,failed,cancelled"));
    let wrong = |word| {
        format!("`{word}` is no state that is told; those are running, held, succeeded, failed, cancelled")
    };
    let state = |word: &str| {
        word.parse().ok().filter(|state| HOOK_STATES.contains(state)).ok_or_else(|| wrong(word.to_owned()))
    };
    let on = states.split(',').map(state).collect::<Result<Vec<_>, String>>()?;
    if to.is_empty() {
        Err("write HOOK, or HOOK=failed,held".to_owned())
    } else {
        Ok(Notify { on, to: to.to_owned() })
    }
}

/// `NAME:TARGET`, or `NAME:TARGET:ro`.
pub fn volume(text: &str) -> Result<VolumeMount, String> {
    let wrong = || "write NAME:TARGET or NAME:TARGET:ro, as in datasets:/data:ro".to_owned();
    let (name, target) = text.split_once(':').ok_or_else(wrong)?;
    let (target, read_only) = match target.rsplit_once(':') {
        Some((target, "ro")) => (target, true),
        Some((target, "rw")) => (target, false),
        Some(_) => return Err(wrong()),
        None => (target, false),
    };
    if name.is_empty() || !target.starts_with('/') {
        return Err(wrong());
    }
    Ok(VolumeMount { name: name.to_owned(), target: target.to_owned(), read_only })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_has_a_name_a_place_and_perhaps_a_mode() {
        let made = |text| volume(text).map(|mount| (mount.name, mount.target, mount.read_only));
        assert_eq!(made("d:/data"), Ok(("d".into(), "/data".into(), false)));
        assert_eq!(made("d:/data:rw"), Ok(("d".into(), "/data".into(), false)));
        assert_eq!(made("d:/data:ro"), Ok(("d".into(), "/data".into(), true)));
        for wrong in ["", "d", "d:", "d:data", ":/data", "d:/data:x", "/host:data"] {
            assert!(made(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_hook_is_told_of_every_end_or_of_some_states() {
        use lilac_api::job::JobState::{Cancelled, Failed, Held, Succeeded};
        assert_eq!(notify("h").unwrap().on, [Succeeded, Failed, Cancelled]);
        assert_eq!(notify("h=held,failed").unwrap().on, [Held, Failed]);
        assert!(notify("h=queued").is_err() && notify("h=").is_err() && notify("").is_err());
    }

    #[test]
    fn a_secret_is_named_and_not_given() {
        assert_eq!(secret("HF_TOKEN=hf-token"), Ok(("HF_TOKEN".into(), "hf-token".into())));
        for wrong in ["HF_TOKEN", "=a", "A="] {
            assert!(secret(wrong).is_err(), "{wrong}");
        }
    }
}
