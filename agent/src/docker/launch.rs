//! Making a container and starting it, with its image pulled where the policy says so.

use std::time::Duration;

use bollard::errors::Error;
use bollard::query_parameters::{CreateContainerOptions, CreateImageOptions};
use futures::StreamExt;
use lilac_api::agent::TaskSpec;
use lilac_api::ids::AttemptId;
use lilac_api::spec::PullPolicy;
use tokio_util::sync::CancellationToken;

use super::{Link, Owner, container_body, container_name, status, words};
use crate::core::Failure;

/// How long a pull may go without any progress.
const PULL_STALL_TIMEOUT: Duration = Duration::from_secs(600);

/// Makes the attempt's container.
///
/// An image that is there costs no question: the container is made outright, and only the daemon's
/// "no such image" leads to a pull. `cancel` gives up a pull, never a create that is under way.
pub async fn create(
    link: &Link,
    owner: Owner,
    attempt: AttemptId,
    epoch: u32,
    task: &TaskSpec,
    cancel: &CancellationToken,
) -> Result<(), Failure> {
    if task.pull == PullPolicy::Always {
        pull_or_cancel(link, &task.image, cancel).await?;
    }
    let refusal = match create_once(link, owner, attempt, epoch, task).await {
        Err(Failure::Image(refusal)) => refusal,
        other => return other,
    };
    match task.pull {
        PullPolicy::Never => Err(Failure::Image(format!("{refusal} (and the job says never to pull it)"))),
        PullPolicy::Always => Err(Failure::Image(refusal)),
        PullPolicy::IfNotPresent => {
            pull_or_cancel(link, &task.image, cancel).await?;
            create_once(link, owner, attempt, epoch, task).await
        }
    }
}

async fn create_once(
    link: &Link,
    owner: Owner,
    attempt: AttemptId,
    epoch: u32,
    task: &TaskSpec,
) -> Result<(), Failure> {
    let docker = link.client().await.map_err(|error| Failure::Unclear(words(&error)))?;
    let options =
        CreateContainerOptions { name: Some(container_name(attempt)), ..CreateContainerOptions::default() };
    let body = container_body(owner, attempt, epoch, task);
    match docker.create_container(Some(options), body).await {
        Ok(created) => {
            for warning in created.warnings {
                tracing::debug!(%attempt, warning, "Docker warns about the container");
            }
            Ok(())
        }
        Err(error) => Err(match status(&error) {
            Some(404) => Failure::Image(words(&error)),
            Some(409) => Failure::Exists,
            Some(_) => Failure::Refused(words(&error)),
            None => Failure::Unclear(words(&error)),
        }),
    }
}

/// Starts the attempt's container. One that runs already counts as started.
pub async fn start(link: &Link, attempt: AttemptId) -> Result<(), Failure> {
    let docker = link.client().await.map_err(|error| Failure::Unclear(words(&error)))?;
    docker.start_container(&container_name(attempt), None).await.map_err(|error| match &error {
        // Somebody removed it. A 404 about anything else, a program for example, is a refusal.
        Error::DockerResponseServerError { status_code: 404, message }
            if message.starts_with("No such container") =>
        {
            Failure::Unclear(words(&error))
        }
        Error::DockerResponseServerError { .. } => Failure::Refused(words(&error)),
        _ => Failure::Unclear(words(&error)),
    })
}

async fn pull_or_cancel(link: &Link, image: &str, cancel: &CancellationToken) -> Result<(), Failure> {
    tokio::select! {
        result = pull(link, image) => result,
        () = cancel.cancelled() => Err(Failure::Cancelled),
    }
}

async fn pull(link: &Link, image: &str) -> Result<(), Failure> {
    let docker = link.client().await.map_err(|error| Failure::Unclear(words(&error)))?;
    let options = CreateImageOptions { from_image: Some(with_tag(image)), ..CreateImageOptions::default() };
    tracing::info!(image, "pulling");
    let mut progress = docker.create_image(Some(options), None, None);
    loop {
        match tokio::time::timeout(PULL_STALL_TIMEOUT, progress.next()).await {
            Ok(Some(Ok(_))) => {}
            Ok(None) => return Ok(()),
            Ok(Some(Err(
                error @ (Error::DockerResponseServerError { .. } | Error::DockerStreamError { .. }),
            ))) => {
                return Err(Failure::Image(words(&error)));
            }
            Ok(Some(Err(error))) => return Err(Failure::Unclear(words(&error))),
            Err(_) => {
                let minutes = PULL_STALL_TIMEOUT.as_secs() / 60;
                return Err(Failure::Image(format!("The pull made no progress for {minutes} minutes.")));
            }
        }
    }
}

/// Without a tag Docker would pull every tag there is.
fn with_tag(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    if name.contains([':', '@']) { image.to_owned() } else { format!("{image}:latest") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_pulled_by_one_tag() {
        assert_eq!(with_tag("busybox"), "busybox:latest");
        assert_eq!(with_tag("busybox:1.36"), "busybox:1.36");
        assert_eq!(with_tag("localhost:5000/a/b"), "localhost:5000/a/b:latest");
        assert_eq!(with_tag("localhost:5000/a/b:x"), "localhost:5000/a/b:x");
        assert_eq!(with_tag("a/b@sha256:0"), "a/b@sha256:0");
    }
}
