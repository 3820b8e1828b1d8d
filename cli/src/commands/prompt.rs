//! Asking a person, and reading secrets from standard input.

use std::io::{self, IsTerminal, Read};

use dialoguer::{Confirm, Input, Password};
use lilac_api::auth::Secret;

use crate::failure::Failure;

/// Far more than a password or key has.
const MAX_SECRET_BYTES: u64 = 4096;

/// The most bytes of a secret's value.
const MAX_VALUE_BYTES: u64 = lilac_api::secret::MAX_SECRET_BYTES as u64;

/// Whether somebody is there to answer.
pub fn possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a line of text on the terminal.
pub fn text(question: &str, proposal: Option<String>) -> Result<String, Failure> {
    let mut input = Input::new().with_prompt(question);
    if let Some(proposal) = proposal {
        input = input.default(proposal);
    }
    input.interact_text().map_err(interrupted)
}

/// Asks whether to go on; no, unless it is said.
pub fn confirm(question: &str) -> Result<bool, Failure> {
    Confirm::new().with_prompt(question).default(false).interact().map_err(interrupted)
}

/// Asks for a secret without showing it; twice, where it is a new one.
pub fn secret(question: &str, new: bool) -> Result<Secret, Failure> {
    let mut password = Password::new().with_prompt(question);
    if new {
        password = password.with_confirmation("Again", "they differ");
    }
    password.interact().map(Secret).map_err(interrupted)
}

/// A secret from standard input, without the newline that ends it.
pub fn secret_from_stdin(what: &str) -> Result<Secret, Failure> {
    let mut text = String::new();
    io::stdin()
        .lock()
        .take(MAX_SECRET_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| Failure::input(format!("standard input: {error}")))?;
    let secret = text.trim_end_matches(['\n', '\r']);
    if secret.is_empty() || text.len() as u64 > MAX_SECRET_BYTES || secret.contains('\n') {
        return Err(Failure::input(format!("standard input: {what} is one line of at most 4096 bytes")));
    }
    Ok(Secret(secret.to_owned()))
}

/// A value of many lines from standard input, without the newline that ends it.
pub fn value_from_stdin() -> Result<Secret, Failure> {
    let mut text = String::new();
    io::stdin()
        .lock()
        .take(MAX_VALUE_BYTES + 2)
        .read_to_string(&mut text)
        .map_err(|error| Failure::input(format!("standard input: {error}")))?;
    let value = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    if value.is_empty() || value.len() as u64 > MAX_VALUE_BYTES {
        return Err(Failure::input("standard input: a value has 1 byte to 64 KiB".to_owned()));
    }
    Ok(Secret(value.to_owned()))
}

/// Two secrets from standard input, a line each.
pub fn two_secrets_from_stdin() -> Result<(Secret, Secret), Failure> {
    let mut text = String::new();
    io::stdin()
        .lock()
        .take(2 * MAX_SECRET_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| Failure::input(format!("standard input: {error}")))?;
    let lines: Vec<&str> = text.lines().collect();
    match lines.as_slice() {
        [one, other] if !one.is_empty() && !other.is_empty() => {
            Ok((Secret((*one).to_owned()), Secret((*other).to_owned())))
        }
        _ => Err(Failure::input("standard input: two lines are wanted, a password each".to_owned())),
    }
}

fn interrupted(error: dialoguer::Error) -> Failure {
    Failure::Terminal(format!("the question was not answered: {error}"))
}
