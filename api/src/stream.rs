//! Interactive streams: a program run, or a port reached, in a container that runs.
//!
//! A stream is opened with a POST, which says whether it may be had, and then carried by two WebSockets: one from
//! the user and one from the node's agent, both to the same server, which hands on what either says. Binary messages
//! carry data, text messages carry [`Control`].

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Secret;
use crate::ids::{AttemptId, StreamId};

/// The subprotocol that both WebSockets name.
pub const SUBPROTOCOL: &str = "lilac.stream.v1";
/// The most bytes that one message may carry.
pub const MAX_MESSAGE_BYTES: usize = 64 << 10;
/// The most bytes of data that a message should carry: its first byte names the channel.
pub const MAX_DATA_BYTES: usize = 32 << 10;
/// The most words of a command.
pub const MAX_COMMAND_WORDS: usize = 256;
/// The most bytes of a command and of its environment, each.
pub const MAX_COMMAND_BYTES: usize = 32 << 10;
/// The header in which an agent shows the stream's token.
pub const TOKEN_HEADER: &str = "lilac-stream-token";
/// What stands before a ticket among the subprotocols that a browser offers.
pub const TICKET_PREFIX: &str = "lilac.ticket.";
/// How long a stream waits for its two ends.
pub const CONNECT_WITHIN_SECS: u64 = 20;

/// Rows and columns of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TerminalSize {
    /// Characters in a line: 1 to 10,000.
    pub columns: u16,
    /// Lines: 1 to 10,000.
    pub rows: u16,
}

/// A program to run in a job's container, beside the job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecJob {
    /// The program and its arguments: 1 to 256 words, 32 KiB together.
    pub command: Vec<String>,
    /// Whether it gets a terminal, and of which size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<TerminalSize>,
    /// Whether it gets an input; otherwise its input is at its end from the start.
    #[serde(default)]
    pub input: bool,
    /// Environment beside that of the job.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// In the container of which of the attempt's tasks.
    #[serde(default)]
    pub rank: u16,
}

/// A connection to a port of a job's container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwardPort {
    /// A TCP port on which something in the container listens: 1 to 65535.
    pub port: u16,
    /// In the container of which of the attempt's tasks.
    #[serde(default)]
    pub rank: u16,
}

/// A stream that may be connected to.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenedStream {
    /// Connect a WebSocket to `/streams/{id}`, once, with the credential that opened it.
    pub id: StreamId,
    /// Until when.
    pub expires_at: DateTime<Utc>,
    /// For a browser, which cannot send a credential with a WebSocket: offered as one more subprotocol,
    /// `lilac.ticket.` and this. It opens this stream and nothing else, as long as the stream waits to be connected
    /// to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Secret>,
}

/// What a stream does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StreamTask {
    /// Runs a program.
    Exec(ExecJob),
    /// Reaches a port.
    PortForward(ForwardPort),
}

impl StreamTask {
    /// The rank of the task in whose container it happens.
    #[must_use]
    pub fn rank(&self) -> u16 {
        match self {
            Self::Exec(exec) => exec.rank,
            Self::PortForward(forward) => forward.rank,
        }
    }
}

/// Tells an agent to connect to a stream. It may come more than once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamOrder {
    /// Connect a WebSocket to `/agent/streams/{id}`.
    pub id: StreamId,
    /// Shown in the header `lilac-stream-token`; good for one connection.
    pub token: Secret,
    /// Address of the server that holds the user's end, where it differs from the one that the agent knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// In whose container.
    pub attempt_id: AttemptId,
    /// What happens there.
    pub task: StreamTask,
}

/// What the first byte of a binary message says of the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Channel {
    /// For the program, or the port.
    Input = 0,
    /// From the program, or the port; all that a terminal shows.
    Output = 1,
    /// What the program says on standard error.
    Error = 2,
}

impl Channel {
    /// A message of this channel.
    #[must_use]
    pub fn message(self, data: &[u8]) -> Vec<u8> {
        let mut message = Vec::with_capacity(data.len() + 1);
        message.push(self as u8);
        message.extend_from_slice(data);
        message
    }

    /// The channel of a message, and its data.
    #[must_use]
    pub fn read(message: &[u8]) -> Option<(Self, &[u8])> {
        let (channel, data) = message.split_first()?;
        let channel = match channel {
            0 => Self::Input,
            1 => Self::Output,
            2 => Self::Error,
            _ => return None,
        };
        Some((channel, data))
    }
}

/// What a text message says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// From the agent: the program runs, the port is connected.
    Started,
    /// From the user: the terminal has another size.
    Resize(TerminalSize),
    /// No more data comes from this side.
    End,
    /// From the agent: the program ended with this exit code. Nothing comes after it.
    Exited(i32),
    /// From the agent or the server: it did not come about, or broke off; why, in a sentence. Nothing comes after it.
    Failed(String),
}

impl Control {
    /// As a text message.
    #[must_use]
    pub fn text(&self) -> String {
        // Plain values: they can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_as_they_were() {
        for control in [
            Control::Started,
            Control::Resize(TerminalSize { columns: 80, rows: 24 }),
            Control::End,
            Control::Exited(7),
            Control::Failed("no".into()),
        ] {
            assert_eq!(Control::read(&control.text()), Some(control));
        }
        assert_eq!(Control::Started.text(), r#""started""#);
        assert_eq!(Control::Exited(7).text(), r#"{"exited":7}"#);
        assert_eq!(Channel::read(&Channel::Error.message(b"ab")), Some((Channel::Error, &b"ab"[..])));
        assert_eq!(Channel::read(&Channel::Output.message(b"")), Some((Channel::Output, &b""[..])));
        assert_eq!((Channel::read(b""), Channel::read(b"\x03x")), (None, None));
    }
}
