//! A typed HTTP client for the control plane, used by the CLI, the agent and the tests. Here is how it asks and what
//! can go wrong; what there is to ask stands in a room for each domain.

mod accounts;
mod agents;
mod clusters;
mod events;
mod hooks;
mod jobs;
mod logs;
mod outputs;
mod queues;
mod schedules;
mod secrets;
mod streams;

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt};
use reqwest::{Method, RequestBuilder, Response, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::auth::Secret;
use crate::page::{MAX_LIMIT, Page};
use crate::problem::{ErrorCode, Problem};
use crate::server::ServerFacts;

pub use logs::{LogEvent, LogPart};

/// Longest that an ordinary request may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Longest that the transfer of a file may take.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(3600);
/// The most bytes of one answer that are read.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Why a call did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server answered with a problem.
    #[error("{}", describe(.0))]
    Refused(Box<Problem>),
    /// Nobody answers at that address.
    #[error("cannot reach {url}: {message}")]
    Unreachable { url: String, message: String },
    /// The connection broke, or the answer took too long.
    #[error("the connection to {url} failed: {message}")]
    Broken { url: String, message: String },
    /// Somebody answers, but not like Lilac.
    #[error("{url} does not answer like a Lilac server: {message}")]
    NotLilac { url: String, message: String },
    /// Somebody answers, but no encrypted connection comes about.
    #[error("no secure connection to {url}: {message}")]
    Tls { url: String, message: String },
    /// The server answers in a way that this version cannot read.
    #[error("{url} is of another version than this program ({}): {message}", env!("CARGO_PKG_VERSION"))]
    OtherVersion { url: String, message: String },
    /// The address cannot be read.
    #[error("`{0}` is not a server address; write http://host:port or https://host")]
    Address(String),
}

impl ClientError {
    /// The server's stable code, where the server answered.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(problem) => Some(problem.code),
            _ => None,
        }
    }

    /// Whether the same call may go through later: nobody answered, or the server asked for patience.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused(problem) => matches!(problem.status, 429 | 502 | 503 | 504),
            Self::Unreachable { .. } | Self::Broken { .. } => true,
            Self::NotLilac { .. } | Self::Tls { .. } | Self::OtherVersion { .. } | Self::Address(_) => false,
        }
    }
}

fn describe(problem: &Problem) -> String {
    match problem.errors.as_slice() {
        [] => problem.detail.clone(),
        errors => {
            let fields: Vec<String> = errors.iter().map(|e| format!("{}: {}", e.path, e.message)).collect();
            fields.join("; ")
        }
    }
}

/// A connection to one control plane as one caller.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<Secret>,
}

type Result<T> = std::result::Result<T, ClientError>;

impl Client {
    /// A client of the server at `url` (`http://host:port`), as the holder of `token`.
    pub fn new(url: &str, token: Option<Secret>) -> Result<Self> {
        let base = url.trim_end_matches('/').to_owned();
        let parsed = reqwest::Url::parse(&base).map_err(|_| ClientError::Address(url.to_owned()))?;
        if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
            return Err(ClientError::Address(url.to_owned()));
        }
        // A second installation finds the first in place, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .tcp_nodelay(true)
            // A request has its connection to itself: what is large holds up nothing that is in a hurry.
            .http1_only()
            // The server lets go of an idle connection after 30 s; one that it has just let go of is no use.
            .pool_idle_timeout(Duration::from_secs(20))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("lilac/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| ClientError::NotLilac { url: base.clone(), message: error.to_string() })?;
        Ok(Self { http, base, token })
    }

    /// The same connection with another token.
    #[must_use]
    pub fn with_token(&self, token: Secret) -> Self {
        Self { token: Some(token), ..self.clone() }
    }

    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}/api/v1{path}", self.base)).timeout(TIMEOUT);
        match &self.token {
            Some(token) => request.bearer_auth(&token.0),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await.map_err(|error| self.transport(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refusal(response).await)
    }

    /// What an answer says that is no success.
    async fn refusal(&self, response: Response) -> ClientError {
        let status = response.status();
        let is_problem = response
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
        let body = match self.bounded_body(response).await {
            Ok(body) => body,
            Err(error) => return error,
        };
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) if is_problem => ClientError::Refused(Box::new(problem)),
            _ => self.not_lilac(format!("status {}", status.as_u16())),
        }
    }

    async fn bounded_body(&self, response: Response) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| self.transport(&error))?;
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(self.not_lilac("an answer of over 64 MiB".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        let response = self.send(request).await?;
        let kind = response.headers().get(header::CONTENT_TYPE);
        let is_json = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        let body = self.bounded_body(response).await?;
        serde_json::from_slice(&body).map_err(|error| {
            let (url, message) = (self.base.clone(), error.to_string());
            // JSON that is not what was expected comes from a server that is older or newer.
            if is_json && error.is_data() {
                ClientError::OtherVersion { url, message }
            } else {
                ClientError::NotLilac { url, message }
            }
        })
    }

    fn transport(&self, error: &reqwest::Error) -> ClientError {
        // The innermost cause is what a person can act on: "Connection refused".
        let mut cause: &dyn std::error::Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let (url, message) = (self.base.clone(), cause.to_string());
        if let Some(tls) = tls_error(error) {
            ClientError::Tls { url, message: tls_words(tls) }
        } else if error.is_connect() {
            ClientError::Unreachable { url, message }
        } else {
            ClientError::Broken { url, message }
        }
    }

    fn not_lilac(&self, message: String) -> ClientError {
        ClientError::NotLilac { url: self.base.clone(), message }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.json(self.request(Method::GET, path)).await
    }

    async fn get_with<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> Result<T> {
        self.json(self.request(Method::GET, path).query(query)).await
    }

    /// A list as a single page, however many the server gives it in.
    async fn all_pages<T: DeserializeOwned>(&self, path: &str) -> Result<Page<T>> {
        let mut all = Page { items: Vec::new(), next_cursor: None };
        loop {
            let page: Page<T> = self.get_with(path, &whole_page(all.next_cursor.as_deref())).await?;
            all.items.extend(page.items);
            if page.next_cursor.is_none() {
                return Ok(Page { next_cursor: None, ..all });
            }
            all.next_cursor = page.next_cursor;
        }
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.json(self.request(Method::POST, path).json(body)).await
    }

    async fn act<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.json(self.request(Method::POST, path)).await
    }

    async fn patch<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.json(self.request(Method::PATCH, path).json(body)).await
    }

    async fn delete(&self, path: &str) -> Result<()> {
        self.send(self.request(Method::DELETE, path)).await.map(|_| ())
    }

    /// A body that is too long to hold.
    async fn download(&self, request: RequestBuilder) -> Result<impl Stream<Item = Result<Bytes>> + use<>> {
        let response = self.send(request.timeout(TRANSFER_TIMEOUT)).await?;
        let client = self.clone();
        Ok(response.bytes_stream().map(move |piece| piece.map_err(|error| client.transport(&error))))
    }

    /// What the server tells about itself.
    pub async fn server_facts(&self) -> Result<ServerFacts> {
        self.get("/server").await
    }

    /// The server's clock, to the second, where it tells it: that it answers at all is as much worth knowing.
    pub async fn server_time(&self) -> Result<Option<DateTime<Utc>>> {
        let request = self.http.get(format!("{}/healthz", self.base)).timeout(TIMEOUT);
        let response = self.send(request).await?;
        let date = response.headers().get(header::DATE).and_then(|date| date.to_str().ok());
        Ok(date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()).map(|date| date.to_utc()))
    }

    /// The description of the API.
    pub async fn openapi(&self) -> Result<serde_json::Value> {
        self.get("/openapi.json").await
    }
}

/// What went wrong with the encryption, where it was that.
fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        // An I/O error hides what it was made of from `source`.
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn tls_words(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidMessage(_) => "what answers there does not speak https".to_owned(),
        rustls::Error::InvalidCertificate(reason) => format!("its certificate is not accepted: {reason}"),
        other => other.to_string(),
    }
}

/// The query of a page as long as there are.
fn whole_page(cursor: Option<&str>) -> Vec<(&'static str, String)> {
    let cursor = cursor.map(|cursor| ("cursor", cursor.to_owned()));
    [("limit", MAX_LIMIT.to_string())].into_iter().chain(cursor).collect()
}
