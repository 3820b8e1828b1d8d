//! Asking what should be refused, and judging the refusals.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail, ensure};
use lilac_api::auth::{LoginRequest, Secret};
use lilac_api::client::Client;
use lilac_api::problem::ErrorCode::{self, *};
use serde_json::{Value, json};

use crate::bed::Bed;
use crate::http::Answer;

/// What is expected of an answer: one of these statuses, one of these codes, and, where fields are
/// refused, this path among them.
pub struct Expected(pub &'static [u16], pub &'static [ErrorCode], pub Option<&'static str>);

pub const MALFORMED: Expected = Expected(&[400], &[MalformedJson], None);
pub const BAD_REQUEST: Expected = Expected(&[400, 422], &[MalformedRequest, InvalidField], None);
pub const ILL_SHAPED: Expected = Expected(&[400, 422], &[MalformedJson, InvalidField], None);
pub const UNKNOWN_CALLER: Expected = Expected(&[401], &[Unauthenticated], None);
pub const FORBIDDEN: Expected = Expected(&[403], &[Forbidden], None);
pub const NOT_FOUND: Expected = Expected(&[404], &[NotFound], None);
pub const TOO_LARGE: Expected = Expected(&[413], &[TooLarge], None);

pub const fn field(path: &'static str) -> Expected {
    Expected(&[422], &[InvalidField], Some(path))
}

impl Expected {
    pub fn check(&self, answer: &Answer) -> Result<()> {
        let Self(statuses, codes, path) = self;
        let problem = answer.problem()?;
        ensure!(statuses.contains(&problem.status), "status {}: {}", problem.status, answer.body);
        ensure!(codes.contains(&problem.code), "code {}: {}", problem.code, answer.body);
        ensure!(!problem.detail.is_empty(), "no sentence: {}", answer.body);
        if let Some(path) = path {
            let paths: Vec<&str> = problem.errors.iter().map(|error| error.path.as_str()).collect();
            ensure!(paths.contains(path), "it names {paths:?}: {}", answer.body);
        }
        Ok(())
    }
}

/// Gathers what went wrong, so that one run shows all of it.
#[derive(Default)]
pub struct Findings(String, usize);

impl Findings {
    pub fn note(&mut self, case: &str, result: Result<()>) -> Result<()> {
        self.1 += 1;
        match result {
            Ok(()) => Ok(()),
            Err(error) => writeln!(self.0, "{case}: {error:#}").context("noting a finding"),
        }
    }

    pub fn conclude(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { bail!("of {} cases:\n{}", self.1, self.0) }
    }
}

/// A job spec as JSON, with one field changed.
pub fn spec_with(field: &str, value: Value) -> String {
    let mut spec = json!({"name": "job", "image": "lilac/busybox:test", "network": "none"});
    if let Some((outer, inner)) = field.split_once('/') {
        spec[outer][inner] = value;
    } else {
        spec[field] = value;
    }
    spec.to_string()
}

pub async fn admin_token(bed: &Bed) -> Result<String> {
    token(&bed.servers[0].client()?, "admin", bed.admin_password()).await
}

pub async fn token(client: &Client, username: &str, password: &Secret) -> Result<String> {
    let request = LoginRequest { username: username.to_owned(), password: password.clone() };
    Ok(client.login(&request).await?.access_token.0)
}

/// The server neither panicked nor found a defect in itself.
pub fn calm(bed: &Bed) -> Result<()> {
    let said = bed.servers[0].output();
    ensure!(!said.contains("panicked"), "{said}");
    Ok(())
}
