//! Questions about containers, of whose answers only what counts here is read.
//!
//! The client's own types take an answer apart strictly: one container in a state that they do not know is an error
//! of the whole list. Podman has such states for a moment after every end. So these questions are asked by hand, and
//! a state is a word like any other.

use std::collections::HashMap;
use std::io;

use bollard::errors::Error;
use lilac_api::ids::AttemptId;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};

use super::exec::{connect, head};
use super::{Link, answer_in_time, container_name};

/// The longest answer that is read: some ten thousand containers.
const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// A container in a list.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Listed {
    pub id: String,
    #[serde(rename = "ImageID")]
    pub image_id: String,
    pub labels: Option<HashMap<String, String>>,
    pub state: String,
}

/// A container that was looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Found {
    pub image: Option<String>,
    pub state: State,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct State {
    pub status: String,
    pub pid: Option<i64>,
    pub exit_code: Option<i64>,
    #[serde(rename = "OOMKilled")]
    pub oom_killed: Option<bool>,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
}

/// All containers with these labels, running or not.
pub(super) async fn list(link: &Link, labels: &[String]) -> Result<Vec<Listed>, Error> {
    let filters = serde_json::json!({ "label": labels }).to_string();
    get(link, &format!("/containers/json?all=true&filters={}", escaped(&filters))).await
}

/// The attempt's container. A daemon that knows none answers with 404.
pub(super) async fn find(link: &Link, attempt: AttemptId) -> Result<Found, Error> {
    get(link, &format!("/containers/{}/json", container_name(attempt))).await
}

/// A text as it may stand in a URL.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

async fn get<T: DeserializeOwned>(link: &Link, path: &str) -> Result<T, Error> {
    // It says what is wrong where there is no daemon at all.
    link.client().await?;
    let (status, body) = answer_in_time(fetch(&link.host, path)).await?;
    if status != 200 {
        return Err(Error::DockerResponseServerError { status_code: status, message: refusal(&body) });
    }
    serde_json::from_slice(&body).map_err(|error| broken(&format!("an answer that cannot be read: {error}")))
}

/// Asks in HTTP/1.0: the answer comes as it is, and its end is that of the connection.
async fn fetch(host: &str, path: &str) -> Result<(u16, Vec<u8>), Error> {
    let mut connection = connect(host).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut reader = BufReader::new(connection);
    let head = head(&mut reader).await?;
    let mut body = Vec::new();
    reader.take(MAX_ANSWER_BYTES).read_to_end(&mut body).await?;
    Ok((head.status, body))
}

fn refusal(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    let told = serde_json::from_slice::<Refusal>(body).map(|refusal| refusal.message);
    told.unwrap_or_else(|_| String::from_utf8_lossy(body).trim().to_owned())
}

fn broken(words: &str) -> Error {
    Error::IOError { err: io::Error::other(words.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_may_stand_in_a_url() {
        assert_eq!(escaped(r#"{"label":["a.b=1"]}"#), "%7B%22label%22%3A%5B%22a.b%3D1%22%5D%7D");
    }

    #[test]
    fn a_state_that_nobody_knows_spoils_no_list() {
        let told =
            r#"[{"Id":"a","State":"stopped","Labels":null,"ImageID":"sha256:1","More":{}},{"Id":"b"}]"#;
        let listed: Vec<Listed> = serde_json::from_str(told).unwrap();
        assert_eq!((listed[0].id.as_str(), listed[0].state.as_str()), ("a", "stopped"));
        assert_eq!((listed[1].id.as_str(), listed[1].state.as_str()), ("b", ""));
        let found: Found = serde_json::from_str(r#"{"State":{"Status":"exited","OOMKilled":true}}"#).unwrap();
        assert_eq!((found.state.status.as_str(), found.state.oom_killed), ("exited", Some(true)));
    }

    #[test]
    fn a_refusal_is_told_in_the_daemons_words() {
        assert_eq!(refusal(br#"{"cause":"x","message":"no such container"}"#), "no such container");
        assert_eq!(refusal(b"Not Found\n"), "Not Found");
    }
}
