//! Server-sent events, as the HTML standard writes them.

use futures::{Stream, StreamExt};
use reqwest::Response;
use serde::de::DeserializeOwned;

use super::{Client, ClientError, Result};

/// One server-sent event.
#[derive(Debug, Default)]
pub(super) struct Event {
    pub name: String,
    pub data: String,
}

pub(super) fn parse<T: DeserializeOwned>(data: &str) -> Result<T> {
    serde_json::from_str(data).map_err(|error| ClientError::NotLilac {
        url: "the event stream".to_owned(),
        message: error.to_string(),
    })
}

/// The longest line of an event stream: a log chunk in base64 and then some.
const MAX_EVENT_LINE_BYTES: usize = 4 << 20;

/// Reads server-sent events off a response, as the HTML standard writes them.
pub(super) fn events(client: Client, response: Response) -> impl Stream<Item = Result<Event>> {
    let body = Box::pin(response.bytes_stream());
    let start = (client, body, Vec::<u8>::new(), Event::default());
    futures::stream::unfold(start, |(client, mut body, mut buffer, mut event)| async move {
        loop {
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                let line = line.trim_end_matches(['\n', '\r']);
                if line.is_empty() {
                    if event.data.is_empty() && event.name.is_empty() {
                        continue;
                    }
                    let complete = std::mem::take(&mut event);
                    return Some((Ok(complete), (client, body, buffer, event)));
                }
                let (field, value) = line.split_once(':').unwrap_or((line, ""));
                let value = value.strip_prefix(' ').unwrap_or(value);
                match field {
                    "event" => value.clone_into(&mut event.name),
                    "data" => event.data.push_str(value),
                    _ => {}
                }
            }
            if buffer.len() > MAX_EVENT_LINE_BYTES {
                buffer.clear();
                let error = client.not_lilac("an event of over 4 MiB".to_owned());
                return Some((Err(error), (client, body, buffer, event)));
            }
            match body.next().await {
                Some(Ok(chunk)) => buffer.extend_from_slice(&chunk),
                Some(Err(error)) => {
                    let error = client.transport(&error);
                    return Some((Err(error), (client, body, buffer, event)));
                }
                None => return None,
            }
        }
    })
}
