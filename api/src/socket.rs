//! The client's end of an interactive stream: a WebSocket on the connection of a [`Client`](crate::client::Client),
//! so that proxies, certificates and credentials are its.

use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use reqwest::{Response, Upgraded, header};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::stream::{Channel, Control, MAX_MESSAGE_BYTES};

/// What the other end said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Data(Channel, Bytes),
    Control(Control),
}

/// Speaks.
pub struct Speaker(SplitSink<WebSocketStream<Upgraded>, Message>);

/// Hears.
pub struct Listener(SplitStream<WebSocketStream<Upgraded>>);

/// The key of a new connection, and what the server must make of it.
pub(crate) fn key() -> (String, String) {
    let key = generate_key();
    let accept = derive_accept_key(key.as_bytes());
    (key, accept)
}

/// The two halves of a connection that the server has switched over; an error says why it is none.
pub(crate) async fn open(response: Response, accept: &str) -> Result<(Speaker, Listener), String> {
    let accepted = response.headers().get(header::SEC_WEBSOCKET_ACCEPT);
    if accepted.is_none_or(|value| value.as_bytes() != accept.as_bytes()) {
        return Err("it does not switch to a WebSocket".to_owned());
    }
    let upgraded = response.upgrade().await.map_err(|error| error.to_string())?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES))
        .read_buffer_size(MAX_MESSAGE_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * MAX_MESSAGE_BYTES);
    let socket = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await;
    let (speaker, listener) = socket.split();
    Ok((Speaker(speaker), Listener(listener)))
}

impl Speaker {
    /// Waits until the data is on its way: whoever reads slowly slows down who writes. False when the connection
    /// is over.
    pub async fn data(&mut self, channel: Channel, data: &[u8]) -> bool {
        self.0.send(Message::Binary(channel.message(data).into())).await.is_ok()
    }

    pub async fn control(&mut self, control: &Control) -> bool {
        self.0.send(Message::Text(control.text().into())).await.is_ok()
    }

    /// Asks for a sign of life. False when the connection is over.
    pub async fn ping(&mut self) -> bool {
        self.0.send(Message::Ping(Bytes::new())).await.is_ok()
    }

    /// Says goodbye.
    pub async fn close(&mut self) {
        // The other end may be gone already.
        let _ = self.0.close().await;
    }
}

impl Listener {
    /// What is said next; none when the connection is over, or when what comes cannot be read.
    pub async fn next(&mut self) -> Option<Said> {
        loop {
            match self.0.next().await?.ok()? {
                Message::Binary(message) => {
                    let (channel, _) = Channel::read(&message)?;
                    return Some(Said::Data(channel, message.slice(1..)));
                }
                Message::Text(text) => return Control::read(&text).map(Said::Control),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
                Message::Close(_) => return None,
            }
        }
    }
}
