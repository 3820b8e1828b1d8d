//! Questions to the daemon, of whose answers only what counts here is read.
//!
//! The client's own types take an answer apart strictly: one container in a state that they do not know is an error
//! of the whole list. Podman has such states for a moment after every end. So these questions are asked by hand, and
//! a state is a word like any other. They also know hundreds of fields, and what reads those lies in the memory of an
//! agent that has nothing to do.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bollard::errors::Error;
use lilac_api::ids::AttemptId;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::timeout;

use super::exec::{connect, head};
use super::{Link, QUESTION_TIMEOUT, container_name};

/// The longest answer that is read: some ten thousand containers.
const MAX_ANSWER_BYTES: u64 = 64 << 20;
/// How long the daemon may take where it has work to do, or where a job waits for the answer.
const WORK_TIMEOUT: Duration = Duration::from_secs(120);

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
    pub host_config: Option<HostConfig>,
    pub network_settings: Option<NetworkSettings>,
    pub graph_driver: Option<GraphDriver>,
    pub mounts: Option<Vec<Mounted>>,
    /// Only where it was asked for.
    pub size_rw: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct HostConfig {
    pub network_mode: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct NetworkSettings {
    pub networks: Option<HashMap<String, Endpoint>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Endpoint {
    #[serde(rename = "IPAddress")]
    pub address: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct GraphDriver {
    pub data: Option<GraphData>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct GraphData {
    /// The folder of the container's own layer, where the driver has one.
    pub upper_dir: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Mounted {
    #[serde(rename = "Type")]
    pub kind: Option<String>,
    pub source: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct State {
    pub status: String,
    pub running: Option<bool>,
    pub pid: Option<i64>,
    pub exit_code: Option<i64>,
    #[serde(rename = "OOMKilled")]
    pub oom_killed: Option<bool>,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
}

/// An image, in a list or by itself.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Image {
    pub id: Option<String>,
    pub repo_tags: Option<Vec<String>>,
    pub repo_digests: Option<Vec<String>>,
    pub size: Option<i64>,
    /// Not in lists.
    pub config: Option<ImageConfig>,
}

/// What an image says of its containers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ImageConfig {
    pub user: Option<String>,
    pub entrypoint: Option<Vec<String>>,
    pub cmd: Option<Vec<String>>,
}

/// What the daemon says of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Info {
    pub docker_root_dir: Option<PathBuf>,
    pub security_options: Option<Vec<String>>,
}

/// All containers with these labels, running or not.
pub(super) async fn list(link: &Link, labels: &[String]) -> Result<Vec<Listed>, Error> {
    let filters = serde_json::json!({ "label": labels }).to_string();
    get(link, &format!("/containers/json?all=true&filters={}", escaped(&filters, "")), QUESTION_TIMEOUT).await
}

/// The attempt's container. A daemon that knows none answers with 404.
pub(super) async fn find(link: &Link, attempt: AttemptId) -> Result<Found, Error> {
    get(link, &format!("/containers/{}/json", container_name(attempt)), QUESTION_TIMEOUT).await
}

/// The same with how much it wrote, which the daemon has to find out.
pub(super) async fn find_with_size(link: &Link, attempt: AttemptId) -> Result<Found, Error> {
    get(link, &format!("/containers/{}/json?size=true", container_name(attempt)), WORK_TIMEOUT).await
}

/// All images.
pub(super) async fn images(link: &Link) -> Result<Vec<Image>, Error> {
    get(link, "/images/json", QUESTION_TIMEOUT).await
}

/// An image by its id or name. A daemon that knows none answers with 404.
pub(super) async fn image(link: &Link, name: &str) -> Result<Image, Error> {
    get(link, &format!("/images/{}/json", escaped(name, "/:@")), WORK_TIMEOUT).await
}

pub(super) async fn info(link: &Link) -> Result<Info, Error> {
    get(link, "/info", QUESTION_TIMEOUT).await
}

/// A text as it may stand in a URL, where the signs of `kept` mean nothing else.
fn escaped(text: &str, kept: &str) -> String {
    let escape = |byte: u8| match char::from(byte) {
        sign if sign.is_ascii_alphanumeric() || "-_.".contains(sign) || kept.contains(sign) => {
            sign.to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

async fn get<T: DeserializeOwned>(link: &Link, path: &str, within: Duration) -> Result<T, Error> {
    // It says what is wrong where there is no daemon at all.
    link.client().await?;
    let answer = timeout(within, fetch(&link.host, path)).await;
    let (status, body) = answer.unwrap_or(Err(Error::RequestTimeoutError))?;
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
        assert_eq!(escaped(r#"{"label":["a.b=1"]}"#, ""), "%7B%22label%22%3A%5B%22a.b%3D1%22%5D%7D");
        assert_eq!(escaped("r:5000/a@sha256:1", "/:@"), "r:5000/a@sha256:1");
        assert_eq!(escaped("a b?x=1#y\r\nHost: é", "/:@"), "a%20b%3Fx%3D1%23y%0D%0AHost:%20%C3%A9");
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
    fn what_is_left_out_or_null_is_nothing() {
        let found: Found = serde_json::from_str(
            r#"{"State":{"Running":true},"HostConfig":{"NetworkMode":"host"},"GraphDriver":{"Name":"x","Data":null},
                "Mounts":[{"Type":"volume","Source":"/v"},{}],"NetworkSettings":{"Networks":{"bridge":{"IPAddress":""}}}}"#,
        )
        .unwrap();
        assert_eq!(found.state.running, Some(true));
        assert!(found.graph_driver.unwrap().data.is_none());
        assert_eq!(found.mounts.unwrap()[0].source.as_deref(), Some("/v".as_ref()));
        let image: Image = serde_json::from_str(
            r#"{"Id":"sha256:1","RepoTags":null,"Config":{"Cmd":["a"],"Entrypoint":null,"Env":[]}}"#,
        )
        .unwrap();
        let config = ImageConfig { cmd: Some(vec!["a".into()]), ..ImageConfig::default() };
        assert_eq!((image.repo_tags, image.config), (None, Some(config)));
    }

    #[test]
    fn a_refusal_is_told_in_the_daemons_words() {
        assert_eq!(refusal(br#"{"cause":"x","message":"no such container"}"#), "no such container");
        assert_eq!(refusal(b"Not Found\n"), "Not Found");
    }
}
