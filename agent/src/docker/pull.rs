//! Pulling an image, as Docker tells of it.

use std::time::Duration;

use bollard::auth::DockerCredentials;
use bollard::errors::Error;
use bollard::query_parameters::CreateImageOptions;
use futures::StreamExt;
use lilac_api::image::with_tag;

use super::{Link, words};

/// How long a pull may go without any progress.
const STALL_TIMEOUT: Duration = Duration::from_secs(600);

/// With what a registry lets a pull in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Username and password.
    Password(String, String),
    /// What a login to the registry was turned into.
    Token(String),
}

/// One word of Docker's about a pull.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// The layer that it is about; or the tag, in the first of all.
    pub layer: Option<String>,
    /// `Downloading`, `Pull complete` …
    pub status: String,
    pub current: u64,
    pub total: u64,
}

/// How a pull failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// Docker, or the registry, says no; in its words.
    Refused(String),
    /// Docker did not answer.
    Unclear(String),
    /// It made no progress for so long.
    Stalled(Duration),
}

/// Pulls an image from its registry at `server`, and tells each word of Docker's on the way.
pub async fn pull(
    link: &Link,
    image: &str,
    server: &str,
    credentials: Option<Credentials>,
    mut tell: impl FnMut(Word),
) -> Result<(), Failed> {
    let docker = link.client().await.map_err(|error| Failed::Unclear(words(&error)))?;
    let options = CreateImageOptions { from_image: Some(with_tag(image)), ..CreateImageOptions::default() };
    let credentials = credentials.map(|credentials| as_docker_takes_them(server, credentials));
    let mut progress = docker.create_image(Some(options), None, credentials);
    loop {
        match tokio::time::timeout(STALL_TIMEOUT, progress.next()).await {
            Ok(Some(Ok(info))) => {
                let detail = info.progress_detail.unwrap_or_default();
                let count =
                    |bytes: Option<i64>| bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
                tell(Word {
                    layer: info.id,
                    status: info.status.unwrap_or_default(),
                    current: count(detail.current),
                    total: count(detail.total),
                });
            }
            Ok(None) => return Ok(()),
            Ok(Some(Err(
                error @ (Error::DockerResponseServerError { .. } | Error::DockerStreamError { .. }),
            ))) => return Err(Failed::Refused(words(&error))),
            Ok(Some(Err(error))) => return Err(Failed::Unclear(words(&error))),
            Err(_) => return Err(Failed::Stalled(STALL_TIMEOUT)),
        }
    }
}

fn as_docker_takes_them(server: &str, credentials: Credentials) -> DockerCredentials {
    let server = match server {
        "docker.io" => "https://index.docker.io/v1/",
        server => server,
    };
    let (username, password, identitytoken) = match credentials {
        Credentials::Password(username, password) => (Some(username), Some(password), None),
        Credentials::Token(token) => (None, None, Some(token)),
    };
    DockerCredentials {
        username,
        password,
        identitytoken,
        serveraddress: Some(server.to_owned()),
        ..DockerCredentials::default()
    }
}
