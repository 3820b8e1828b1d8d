//! Making a container and starting it, with its image pulled where the policy says so.

use bollard::errors::Error;
use bollard::query_parameters::CreateContainerOptions;
use lilac_api::agent::{RegistryLogin, Supplies, TaskSpec};
use lilac_api::ids::AttemptId;
use lilac_api::spec::{PullPolicy, Runtime};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::ask::{self, ImageConfig};
use super::spec::{needs_image, program};
use super::{Link, Owner, container_body, container_name, podman, policy, status, volumes, words};
use crate::core::Failure;
use crate::init::Places;

/// Where the things come from that a container may need: the attempt's supplies from the control plane, its
/// image from a registry.
pub struct Sources<S, P> {
    pub supplies: S,
    pub pull: P,
}

/// Makes the attempt's container.
///
/// An image that is there costs no question: the container is made outright, and only the daemon's
/// "no such image" leads to a pull. Supplies are fetched where the task needs them, and for the login of a
/// pull. `cancel` gives up a question or a pull, never a create that is under way.
pub async fn create<F, P>(
    link: &Link,
    order: &Order<'_>,
    sources: &Sources<impl Fn() -> F, impl Fn(Option<RegistryLogin>) -> P>,
    cancel: &CancellationToken,
) -> Result<(), Failure>
where
    F: Future<Output = Result<Supplies, Failure>>,
    P: Future<Output = Result<(), Failure>>,
{
    let task = order.task;
    if let Some(local) = link.local() {
        let supplies = match task.needs_supplies {
            true => unless_cancelled((sources.supplies)(), cancel).await?,
            false => Supplies::default(),
        };
        return local.create(order, &supplies);
    }
    if task.runtime != Runtime::Docker {
        return Err(Failure::Refused("This node runs containers and no other processes.".to_owned()));
    }
    if let Some(objection) = policy::objection(task) {
        return Err(Failure::Refused(objection));
    }
    if let Some(objection) = link.is_podman().then(|| podman::objection(task)).flatten() {
        return Err(Failure::Refused(objection));
    }
    let mut supplies = None;
    if task.needs_supplies || task.pull == PullPolicy::Always {
        supplies = Some(unless_cancelled((sources.supplies)(), cancel).await?);
    }
    if task.pull == PullPolicy::Always {
        let login = supplies.as_ref().and_then(|supplies| supplies.registry.clone());
        unless_cancelled((sources.pull)(login), cancel).await?;
    }
    let refusal = match create_once(link, order, supplies.as_ref()).await {
        Err(Failure::Image(refusal)) => refusal,
        other => return other,
    };
    match task.pull {
        PullPolicy::Never => Err(Failure::Image(format!(
            "{refusal} (and the job says never to pull it: have an administrator bring it to the node, or let it be pulled)"
        ))),
        PullPolicy::Always => Err(Failure::Image(refusal)),
        PullPolicy::IfNotPresent => {
            let supplies = match supplies {
                Some(supplies) => supplies,
                None => unless_cancelled((sources.supplies)(), cancel).await?,
            };
            unless_cancelled((sources.pull)(supplies.registry.clone()), cancel).await?;
            create_once(link, order, Some(&supplies)).await
        }
    }
}

/// Which container to make.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    pub owner: Owner,
    pub attempt: AttemptId,
    pub epoch: u32,
    pub task: &'a TaskSpec,
    pub places: &'a Places,
    /// Ports of the container, each with the node's port that leads to it.
    pub ports: &'a [(u16, u16)],
}

async fn create_once(link: &Link, order: &Order<'_>, supplies: Option<&Supplies>) -> Result<(), Failure> {
    let &Order { attempt, task, .. } = order;
    let none = Supplies::default();
    let supplies = supplies.unwrap_or(&none);
    check_volumes(supplies).await?;
    let docker = link.client().await.map_err(|error| Failure::Unclear(words(&error)))?;
    let image = look_at_image(link, task).await?;
    check_user(task, image.as_ref())?;
    let program = program(task, image.as_ref());
    if program.is_empty() {
        let words = "Neither the job nor its image names a command.";
        return Err(Failure::Refused(words.to_owned()));
    }
    let options =
        CreateContainerOptions { name: Some(container_name(attempt)), ..CreateContainerOptions::default() };
    let mut body = container_body(order, supplies, program);
    if link.is_podman() {
        podman::adapt(&mut body);
    }
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

/// Refuses volumes whose folders are not on this node what they were allowed as.
async fn check_volumes(supplies: &Supplies) -> Result<(), Failure> {
    if supplies.mounts.is_empty() {
        return Ok(());
    }
    let mounts = supplies.mounts.clone();
    match spawn_blocking(move || volumes::objection(&mounts)).await {
        Ok(None) => Ok(()),
        Ok(Some(objection)) => Err(Failure::Refused(objection)),
        Err(_) => Err(Failure::Refused("The node cannot look at its volumes.".to_owned())),
    }
}

/// What the image says of its containers, where that counts for the task.
async fn look_at_image(link: &Link, task: &TaskSpec) -> Result<Option<ImageConfig>, Failure> {
    let user_counts = task.user.is_none() && !policy::allowance(task.policy).root;
    if !user_counts && !needs_image(task) {
        return Ok(None);
    }
    match ask::image(link, &task.image).await {
        Ok(image) => Ok(image.config),
        Err(error) if status(&error) == Some(404) => Err(Failure::Image(words(&error))),
        Err(error @ Error::DockerResponseServerError { .. }) => Err(Failure::Refused(words(&error))),
        Err(error) => Err(Failure::Unclear(words(&error))),
    }
}

/// Where the policy forbids root: refuses a container whose user could be root. That of the image counts where
/// the task names none.
fn check_user(task: &TaskSpec, image: Option<&ImageConfig>) -> Result<(), Failure> {
    if policy::allowance(task.policy).root {
        return Ok(());
    }
    let user = match &task.user {
        Some(user) => user.clone(),
        None => image.and_then(|image| image.user.clone()).unwrap_or_default(),
    };
    if policy::is_not_root(&user) {
        return Ok(());
    }
    let whose = if task.user.is_some() { "the job's" } else { "the image's" };
    let user = if user.is_empty() { "root" } else { &user };
    Err(Failure::Refused(format!(
        "The queue's policy `{}` forbids root: {whose} user is `{user}`; set `user` to a number other than 0.",
        task.policy
    )))
}

/// Starts the attempt's container. One that runs already counts as started.
pub async fn start(link: &Link, attempt: AttemptId) -> Result<(), Failure> {
    if let Some(local) = link.local() {
        return local.start(attempt).await;
    }
    let docker = link.client().await.map_err(|error| Failure::Unclear(words(&error)))?;
    docker.start_container(&container_name(attempt), None).await.map_err(|error| match &error {
        // Somebody removed it. A 404 about anything else, a program for example, is a refusal.
        Error::DockerResponseServerError { status_code: 404, message }
            if message.to_lowercase().contains("no such container") =>
        {
            Failure::Unclear(words(&error))
        }
        // Somebody else was quicker than the container.
        Error::DockerResponseServerError { message, .. }
            if message.contains("port is already allocated")
                || message.contains("address already in use") =>
        {
            Failure::Ports(words(&error))
        }
        Error::DockerResponseServerError { .. } => Failure::Refused(words(&error)),
        _ => Failure::Unclear(words(&error)),
    })
}

async fn unless_cancelled<T>(
    work: impl Future<Output = Result<T, Failure>>,
    cancel: &CancellationToken,
) -> Result<T, Failure> {
    tokio::select! {
        result = work => result,
        () = cancel.cancelled() => Err(Failure::Cancelled),
    }
}
