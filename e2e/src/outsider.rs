//! A program that the server calls: a provider of single sign-on and a receiver of hooks in one, which keeps nothing
//! to itself. Where it refuses something it repeats all that it was sent.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The most that one request may hold here.
const MAX_REQUEST_BYTES: usize = 64 << 10;

/// Ends when dropped.
pub struct Outsider {
    address: String,
    heard: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Outsider {
    /// Starts it on a free port of the loopback interface. What it `knows` it puts into its refusals too.
    pub async fn start(knows: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let (base, knows, hears) = (format!("http://{address}"), knows.to_owned(), heard.clone());
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (base, knows, hears) = (base.clone(), knows.clone(), hears.clone());
                // A caller that hangs up in the middle is the test's business.
                tokio::spawn(async move { answer(stream, &base, &knows, &hears).await });
            }
        });
        Ok(Self { address, heard, serving })
    }

    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All requests so far, head and body.
    #[must_use]
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Outsider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(mut stream: TcpStream, base: &str, knows: &str, hears: &Mutex<Vec<String>>) -> Result<()> {
    let request = read(&mut stream).await?;
    hears.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
    let path = request.split(' ').nth(1).unwrap_or_default();
    let (status, body) = match path {
        "/.well-known/openid-configuration" => {
            let at = |path: &str| format!("{base}/{path}");
            let (login, token, keys) = (at("authorize"), at("token"), at("keys"));
            let says = json!({
                "issuer": base, "authorization_endpoint": login, "token_endpoint": token, "jwks_uri": keys,
            });
            ("200 OK", says)
        }
        "/keys" => ("200 OK", json!({ "keys": [] })),
        _ => ("400 Bad Request", json!({ "error": "refused", "heard": request, "known": knows })),
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await.context("answering")
}

/// A whole request, by the length that its head tells.
async fn read(stream: &mut TcpStream) -> Result<String> {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await?;
        bytes.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let is_whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let lengths = head.lines().filter_map(|line| line.split_once(':'));
            let mut lengths = lengths.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            let wanted = lengths.next().and_then(|(_, value)| value.trim().parse().ok());
            body.len() >= wanted.unwrap_or(0)
        });
        if is_whole || count == 0 || bytes.len() > MAX_REQUEST_BYTES {
            return Ok(text.into_owned());
        }
    }
}
