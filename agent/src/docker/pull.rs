//! Pulling an image, with the login that the job's team has for its registry.

use std::time::Duration;

use bollard::auth::DockerCredentials;
use bollard::errors::Error;
use bollard::query_parameters::CreateImageOptions;
use futures::StreamExt;
use lilac_api::agent::RegistryLogin;

use super::{Link, words};
use crate::core::Failure;

/// How long a pull may go without any progress.
const STALL_TIMEOUT: Duration = Duration::from_secs(600);

pub(super) async fn pull(link: &Link, image: &str, login: Option<&RegistryLogin>) -> Result<(), Failure> {
    let docker = link.client().await.map_err(|error| Failure::Unclear(words(&error)))?;
    let options = CreateImageOptions { from_image: Some(with_tag(image)), ..CreateImageOptions::default() };
    tracing::info!(image, logged_in = login.is_some(), "pulling");
    let mut progress = docker.create_image(Some(options), None, login.map(credentials));
    loop {
        match tokio::time::timeout(STALL_TIMEOUT, progress.next()).await {
            Ok(Some(Ok(_))) => {}
            Ok(None) => return Ok(()),
            Ok(Some(Err(
                error @ (Error::DockerResponseServerError { .. } | Error::DockerStreamError { .. }),
            ))) => {
                return Err(Failure::Image(explain(&words(&error), login)));
            }
            Ok(Some(Err(error))) => return Err(Failure::Unclear(words(&error))),
            Err(_) => {
                let minutes = STALL_TIMEOUT.as_secs() / 60;
                return Err(Failure::Image(format!("The pull made no progress for {minutes} minutes.")));
            }
        }
    }
}

fn credentials(login: &RegistryLogin) -> DockerCredentials {
    let server = match login.server.as_str() {
        "docker.io" => "https://index.docker.io/v1/",
        server => server,
    };
    DockerCredentials {
        username: Some(login.username.clone()),
        password: Some(login.password.0.clone()),
        serveraddress: Some(server.to_owned()),
        ..DockerCredentials::default()
    }
}

/// Puts before the daemon's words what they come down to: the three cases want three different people.
fn explain(words: &str, login: Option<&RegistryLogin>) -> String {
    let lower = words.to_lowercase();
    let has = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    // A registry that does not say whether an image exists denies it: that goes first.
    if has(&["unauthorized", "denied", "no basic auth", "authentication required", "forbidden"]) {
        let who = match login {
            Some(login) => format!("the login of `{}` to {}", login.username, login.server),
            None => "a pull without a login".to_owned(),
        };
        return format!("The registry denies the image to {who}: {words}");
    }
    if has(&["manifest unknown", "not found", "name unknown", "does not exist"]) {
        return format!("The registry has no such image: {words}");
    }
    if has(&[
        "connection refused",
        "no such host",
        "timeout",
        "deadline",
        "unreachable",
        "no route",
        "reset by",
    ]) {
        return format!("The registry does not answer: {words}");
    }
    words.to_owned()
}

/// Without a tag Docker would pull every tag there is.
fn with_tag(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    if name.contains([':', '@']) { image.to_owned() } else { format!("{image}:latest") }
}

#[cfg(test)]
mod tests {
    use lilac_api::auth::Secret;

    use super::*;

    #[test]
    fn an_image_is_pulled_by_one_tag() {
        assert_eq!(with_tag("busybox"), "busybox:latest");
        assert_eq!(with_tag("busybox:1.36"), "busybox:1.36");
        assert_eq!(with_tag("localhost:5000/a/b"), "localhost:5000/a/b:latest");
        assert_eq!(with_tag("localhost:5000/a/b:x"), "localhost:5000/a/b:x");
        assert_eq!(with_tag("a/b@sha256:0"), "a/b@sha256:0");
    }

    #[test]
    fn what_a_registry_says_is_told_apart() {
        let login = RegistryLogin {
            server: "r:5000".into(),
            username: "ada".into(),
            password: Secret("hidden words".into()),
        };
        for (words, told) in [
            ("Get \"http://r:5000/v2/a/manifests/1\": no basic auth credentials", "denies"),
            ("pull access denied for a, repository does not exist or may require 'docker login'", "denies"),
            ("unauthorized: authentication required", "denies"),
            ("manifest for r:5000/a:2 not found: manifest unknown: manifest unknown", "has no such image"),
            (
                "Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused",
                "does not answer",
            ),
            ("dial tcp: lookup nowhere.example: no such host", "does not answer"),
            ("invalid tar header", "invalid tar header"),
        ] {
            for login in [None, Some(&login)] {
                let told_words = explain(words, login);
                assert!(told_words.contains(told) && told_words.contains(words), "{told_words}");
                assert!(!told_words.contains("hidden words"), "{told_words}");
            }
        }
        assert!(explain("unauthorized", Some(&login)).contains("`ada` to r:5000"));
    }
}
