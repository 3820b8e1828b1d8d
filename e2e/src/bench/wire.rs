//! A client that costs next to nothing, so that what is measured is the server: it sends bytes that were made
//! before, over a connection of its own, and reads no more of an answer than its status and its length.

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest answer that is read: a batch of a thousand jobs is told whole.
const MAX_ANSWER_BYTES: usize = 8 << 20;

pub(super) struct Wire {
    stream: TcpStream,
    answer: Vec<u8>,
}

/// The bytes of a request with a JSON body.
pub(super) fn post(path: &str, token: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

impl Wire {
    /// Connects to a server at `http://address`.
    pub(super) async fn connect(url: &str) -> Result<Self> {
        let address = url.strip_prefix("http://").context("a server that speaks plain HTTP")?;
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answer: Vec::with_capacity(16 << 10) })
    }

    /// Sends a request and reads its answer, whose status must be the expected one.
    pub(super) async fn call(&mut self, request: &[u8], status: u16) -> Result<()> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.answer).await?;
            ensure!(read > 0, "the server hung up: {}", String::from_utf8_lossy(&self.answer));
            let Some(length) = whole_length(&self.answer)? else { continue };
            ensure!(length <= MAX_ANSWER_BYTES, "an answer of {length} bytes");
            while self.answer.len() < length {
                ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "an answer that breaks off");
            }
            let told = self.answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
            let text = String::from_utf8_lossy(&self.answer);
            ensure!(told == Some(&status.to_string()), "{}", text.chars().take(600).collect::<String>());
            return Ok(());
        }
    }
}

/// How long an answer is with its head, once that has arrived.
fn whole_length(answer: &[u8]) -> Result<Option<usize>> {
    let Some(head_end) = memchr::memmem::find(answer, b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&answer[..head_end])?;
    let field = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    };
    let length = head.lines().find_map(field).context("an answer without its length")?;
    Ok(Some(head_end + 4 + length))
}
