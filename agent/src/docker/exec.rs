//! Programs that are run in a container beside its own.
//!
//! Starting one switches the connection to the daemon over to the program's input and output. That connection is
//! made here by hand: the client's own reader takes a terminal's output for frames when it begins with a small
//! byte, and would then hold gigabytes of it. Nothing here holds more than the reader's buffer.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use bollard::models::{ExecConfig, ExecInspectResponse};
use bollard::query_parameters::ResizeExecOptionsBuilder;
use lilac_api::ids::AttemptId;
use lilac_api::stream::{Channel, ExecJob, TerminalSize};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, ReadHalf, WriteHalf, split};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{sleep, timeout};
use tokio_util::either::Either;

use super::{Link, answer_in_time, container_name, words};

/// The most bytes of a head that the daemon may answer.
const MAX_HEAD_BYTES: u64 = 16 << 10;
/// The most bytes of a refusal that are read.
const MAX_REFUSAL_BYTES: u64 = 8 << 10;
/// How long the daemon may take to start a program.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How often, and how many times, the daemon is asked for the exit code of a program whose output is at its end.
const ASK_EVERY: Duration = Duration::from_millis(50);
const ASKS: u32 = 200;
/// What a program that nobody talks to any more has left.
const GRACE: Duration = Duration::from_secs(2);

pub(super) type Connection = Either<UnixStream, TcpStream>;

/// A program that runs in a container.
pub struct Program {
    link: Link,
    id: String,
    pub input: WriteHalf<Connection>,
    pub output: Output,
}

/// What a program says.
pub struct Output {
    reader: BufReader<ReadHalf<Connection>>,
    /// A terminal's output is not framed.
    is_terminal: bool,
    channel: Channel,
    /// Bytes of the frame that were not read yet.
    left: usize,
}

/// Starts a program in the attempt's container. The error is a sentence for the user.
pub async fn start(link: &Link, attempt: AttemptId, exec: &ExecJob) -> Result<Program, String> {
    let docker = link.client().await.map_err(|error| words(&error))?;
    let config = ExecConfig {
        attach_stdin: Some(exec.input),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(exec.terminal.is_some()),
        // An older daemon passes over it, and hears of the size a moment later.
        console_size: exec.terminal.map(|size| vec![size.rows.into(), size.columns.into()]),
        cmd: Some(exec.command.clone()),
        env: Some(exec.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        ..ExecConfig::default()
    };
    let made = answer_in_time(docker.create_exec(&container_name(attempt), config)).await;
    let id = made.map_err(|error| words(&error))?.id;
    let is_terminal = exec.terminal.is_some();
    let started = timeout(START_TIMEOUT, attach(link, &id, is_terminal)).await;
    let (reader, input) = match started {
        Ok(Ok(Ok(halves))) => halves,
        Ok(Ok(Err(refusal))) => return Err(refusal),
        Ok(Err(error)) => return Err(format!("Docker does not start the program: {error}")),
        Err(_) => return Err("Docker did not start the program in time".to_owned()),
    };
    let output = Output { reader, is_terminal, channel: Channel::Output, left: 0 };
    let program = Program { link: link.clone(), id, input, output };
    if let Some(size) = exec.terminal {
        program.resize(size).await;
    }
    Ok(program)
}

type Halves = (BufReader<ReadHalf<Connection>>, WriteHalf<Connection>);

/// Switches a connection of its own over to the program. The inner error is the daemon's refusal.
async fn attach(link: &Link, id: &str, is_terminal: bool) -> io::Result<Result<Halves, String>> {
    let connection = connect(&link.host).await?;
    let (reader, mut writer) = split(connection);
    let body = format!(r#"{{"Detach":false,"Tty":{is_terminal}}}"#);
    let mut request = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        request,
        "POST /exec/{id}/start HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    writer.write_all(request.as_bytes()).await?;
    let mut reader = BufReader::new(reader);
    let head = head(&mut reader).await?;
    if matches!(head.status, 101 | 200) {
        return Ok(Ok((reader, writer)));
    }
    let mut body = Vec::new();
    reader.take(head.content_length.min(MAX_REFUSAL_BYTES)).read_to_end(&mut body).await?;
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    let refusal = serde_json::from_slice::<Refusal>(&body).map(|refusal| refusal.message);
    Ok(Err(refusal.unwrap_or_else(|_| format!("Docker answers with status {}", head.status))))
}

pub(super) async fn connect(host: &str) -> io::Result<Connection> {
    if let Some(path) = host.strip_prefix("unix://") {
        return Ok(Either::Left(UnixStream::connect(path).await?));
    }
    let address = host.split_once("://").map_or(host, |(_, address)| address);
    Ok(Either::Right(TcpStream::connect(address).await?))
}

/// What matters of an answer's head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub status: u16,
    content_length: u64,
}

pub(super) async fn head(reader: &mut (impl AsyncBufReadExt + Unpin)) -> io::Result<Head> {
    let broken = || io::Error::other("it does not answer in HTTP");
    let mut lines = reader.take(MAX_HEAD_BYTES);
    let mut line = String::new();
    lines.read_line(&mut line).await?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
    let mut head = Head { status, content_length: 0 };
    loop {
        line.clear();
        if lines.read_line(&mut line).await? == 0 {
            return Err(broken());
        }
        let text = line.trim_end();
        if text.is_empty() {
            return Ok(head);
        }
        if let Some((name, value)) = text.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            head.content_length = value.trim().parse().map_err(|_| broken())?;
        }
    }
}

impl Output {
    /// Reads what comes next into the buffer; none at the end.
    pub async fn next(&mut self, buffer: &mut [u8]) -> io::Result<Option<(Channel, usize)>> {
        if !self.is_terminal {
            while self.left == 0 {
                if !self.next_frame().await? {
                    return Ok(None);
                }
            }
        }
        let most = if self.is_terminal { buffer.len() } else { self.left.min(buffer.len()) };
        let read = self.reader.read(&mut buffer[..most]).await?;
        self.left = self.left.saturating_sub(read);
        Ok((read > 0).then_some((self.channel, read)))
    }

    /// Reads a frame's head: the stream, three zeros, the length. False at the end.
    async fn next_frame(&mut self) -> io::Result<bool> {
        let mut head = [0_u8; 8];
        match self.reader.read_exact(&mut head).await {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
        let [stream, _, _, _, length @ ..] = head;
        self.channel = if stream == 2 { Channel::Error } else { Channel::Output };
        self.left = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        Ok(true)
    }
}

/// What may be done to a program while others read and write.
#[derive(Clone)]
pub struct Handle {
    link: Link,
    id: String,
}

impl Program {
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle { link: self.link.clone(), id: self.id.clone() }
    }

    async fn resize(&self, size: TerminalSize) {
        self.handle().resize(size).await;
    }
}

impl Handle {
    pub async fn resize(&self, size: TerminalSize) {
        let Ok(docker) = self.link.client().await else { return };
        let options = ResizeExecOptionsBuilder::default().h(size.rows.into()).w(size.columns.into()).build();
        if let Err(error) = answer_in_time(docker.resize_exec(&self.id, options)).await {
            // It may have ended; the next size may be taken.
            tracing::debug!(error = words(&error), "cannot resize a terminal");
        }
    }

    /// The exit code of a program whose output is at its end; none where the daemon does not know.
    pub async fn exit_code(&self) -> Option<i32> {
        for _ in 0..ASKS {
            match self.look().await {
                Some(ExecInspectResponse { running: Some(true), .. }) => sleep(ASK_EVERY).await,
                Some(found) => return found.exit_code.and_then(|code| i32::try_from(code).ok()),
                None => return None,
            }
        }
        None
    }

    async fn look(&self) -> Option<ExecInspectResponse> {
        let docker = self.link.client().await.ok()?;
        answer_in_time(docker.inspect_exec(&self.id)).await.ok()
    }

    /// Ends a program that nobody talks to any more: Docker has no call for it, and it would stay as long as the
    /// job. Only a process that is in the container is touched, which an agent that does not see the node's
    /// processes cannot tell.
    pub async fn end(&self) {
        for signal in [Signal::SIGHUP, Signal::SIGTERM, Signal::SIGKILL] {
            let Some(found) = self.look().await.filter(|found| found.running == Some(true)) else { return };
            let (Some(pid), Some(container)) = (found.pid, found.container_id) else { return };
            let Some(pid) = i32::try_from(pid).ok().filter(|pid| *pid > 1) else { return };
            let cgroups = tokio::fs::read_to_string(format!("/proc/{pid}/cgroup")).await.unwrap_or_default();
            if container.len() < 12 || !cgroups.contains(&container) {
                tracing::debug!(pid, "a program that was left alone is not seen here, and runs on");
                return;
            }
            // It may be gone by now.
            let _ = kill(Pid::from_raw(pid), signal);
            sleep(GRACE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_head_is_read_and_what_follows_is_left() {
        let mut answer = &b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\n\r\n\x01rest"[..];
        assert_eq!(head(&mut answer).await.unwrap(), Head { status: 101, content_length: 0 });
        assert_eq!(answer, b"\x01rest");
        let mut answer = &b"HTTP/1.1 409 Conflict\r\ncontent-LENGTH: 12\r\n\r\n{}"[..];
        assert_eq!(head(&mut answer).await.unwrap(), Head { status: 409, content_length: 12 });
        for broken in ["", "HTTP/1.1", "HTTP/1.1 x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"] {
            assert!(head(&mut broken.as_bytes()).await.is_err(), "{broken:?}");
        }
        let endless = "x".repeat(100_000);
        assert!(head(&mut endless.as_bytes()).await.is_err());
    }

    /// What is read of these bytes, piece by piece of at most three.
    async fn pieces(bytes: &[u8], is_terminal: bool) -> Vec<(Channel, Vec<u8>)> {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(bytes).await.unwrap();
        drop(theirs);
        let (reader, _writer) = split(Either::Left(ours));
        let reader = BufReader::new(reader);
        let mut output = Output { reader, is_terminal, channel: Channel::Output, left: 0 };
        let (mut buffer, mut found) = ([0; 3], Vec::new());
        while let Some((channel, read)) = output.next(&mut buffer).await.unwrap() {
            found.push((channel, buffer[..read].to_vec()));
        }
        found
    }

    #[tokio::test]
    async fn frames_are_read_in_pieces_and_a_terminal_as_it_is() {
        let framed = b"\x01\0\0\0\0\0\0\x04abcd\x02\0\0\0\0\0\0\x01e\x01\0\0\0\0\0\0\0";
        let expected = [(Channel::Output, "abc"), (Channel::Output, "d"), (Channel::Error, "e")];
        assert_eq!(pieces(framed, false).await, expected.map(|(channel, text)| (channel, text.into())));
        let raw = b"\x01\xff\xff\xff\xff";
        let shown: Vec<u8> = pieces(raw, true).await.into_iter().flat_map(|(_, bytes)| bytes).collect();
        assert_eq!(shown, raw);
        // A frame that claims more than comes ends with what came.
        assert_eq!(pieces(b"\x01\0\0\0\xff\xff\xff\xffab", false).await, [(Channel::Output, b"ab".to_vec())]);
    }
}
