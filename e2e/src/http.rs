//! Requests that no well-meaning client sends.

use anyhow::{Context, Result};
use lilac_api::problem::{PROBLEM_JSON, Problem};
use reqwest::header::{ALLOW, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Body, Method};

/// A client that says what it is told to say.
pub struct Raw {
    http: reqwest::Client,
    base: String,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Raw {
    /// Of the server at `url`, a client of which was made before in this process.
    pub fn new(url: &str) -> Result<Self> {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { http, base: url.to_owned() })
    }

    /// Sends a body as JSON.
    pub async fn json(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: String,
    ) -> Result<Answer> {
        self.send(method, path, token, Some("application/json"), body).await
    }

    /// Sends anything.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        content_type: Option<&str>,
        body: impl Into<Body>,
    ) -> Result<Answer> {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).body(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let response = request.send().await.with_context(|| format!("no answer to {path}"))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.text().await.context("an answer that breaks off")?;
        Ok(Answer { status, headers, body })
    }
}

impl Answer {
    /// The problem that the answer describes; an error where it describes none.
    pub fn problem(&self) -> Result<Problem> {
        let kind = self.header(CONTENT_TYPE.as_str());
        anyhow::ensure!(kind.starts_with(PROBLEM_JSON), "an answer of type `{kind}`: {self:?}");
        let problem: Problem =
            serde_json::from_str(&self.body).with_context(|| format!("no problem: {}", self.body))?;
        anyhow::ensure!(problem.status == self.status, "two statuses: {self:?}");
        Ok(problem)
    }

    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The methods that the answer allows.
    #[must_use]
    pub fn allow(&self) -> &str {
        self.header(ALLOW.as_str())
    }

    /// When to come again.
    #[must_use]
    pub fn retry_after(&self) -> &str {
        self.header(RETRY_AFTER.as_str())
    }
}
