//! The bare Docker API, used as the agent uses it, and the daemon's own word on what happened when.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result};
use bollard::Docker;
use bollard::models::{ContainerCreateBody, EventMessage, HostConfig};
use bollard::query_parameters::{CreateContainerOptionsBuilder, EventsOptionsBuilder};
use chrono::Utc;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use lilac_api::job::JobState;
use lilac_api::spec::JobSpec;

use crate::bed::Bed;
use crate::image::IMAGE;
use crate::jobs::{only_attempt, resources, small, until_state};

const PATIENCE: Duration = Duration::from_secs(60);

/// A job that does nothing, of one CPU.
pub(super) fn trivial(name: &str) -> JobSpec {
    JobSpec { command: vec!["true".to_owned()], resources: resources(1000, 64), ..small(name, IMAGE) }
}

/// What the agent asks the daemon for when it runs [`trivial`], read back from a real container, so
/// that both sides ask for the same. The labels are left out: the agent ends what bears them and is
/// not its own. So is what the agent puts in front of the program, with the folders that this needs:
/// what that costs is Lilac's.
pub(super) async fn template(bed: &Bed) -> Result<ContainerCreateBody> {
    let command = vec!["sleep".to_owned(), "1000".to_owned()];
    let id = bed.client.submit(&JobSpec { command, ..trivial("template") }, None).await?.id;
    until_state(&bed.client, id, JobState::Running).await?;
    let attempt = only_attempt(&bed.client, id).await?.id;
    let machine = &bed.nodes.first().context("a bed without a node")?.machine;
    let container = machine.container(attempt).await?.context("no container")?;
    bed.client.cancel(id).await?;
    machine.empty(PATIENCE).await?;
    let config = container.config.context("a container without a configuration")?;
    Ok(ContainerCreateBody {
        image: config.image,
        cmd: Some(vec!["true".to_owned()]),
        env: config.env,
        working_dir: config.working_dir.filter(|folder| !folder.is_empty()),
        user: config.user.filter(|user| !user.is_empty()),
        stop_signal: config.stop_signal,
        host_config: container.host_config.map(|config| HostConfig { mounts: None, ..config }),
        ..ContainerCreateBody::default()
    })
}

/// Create, start, wait, remove: a job's life without a platform, and without its log, which is not Docker's.
pub(super) async fn run_bare(docker: &Docker, name: &str, body: ContainerCreateBody) -> Result<()> {
    start_bare(docker, name, body).await?;
    finish_bare(docker, name).await
}

pub(super) async fn start_bare(docker: &Docker, name: &str, body: ContainerCreateBody) -> Result<()> {
    let options = CreateContainerOptionsBuilder::default().name(name).build();
    docker.create_container(Some(options), body).await.context("creating")?;
    docker.start_container(name, None).await.context("starting")
}

pub(super) async fn finish_bare(docker: &Docker, name: &str) -> Result<()> {
    docker.wait_container(name, None).try_collect::<Vec<_>>().await.context("waiting")?;
    docker.remove_container(name, None).await.context("removing")
}

/// The daemon's events, which tell of both sides in the same way, and cost neither a question.
pub(super) struct Watch(BoxStream<'static, Result<EventMessage, bollard::errors::Error>>);

impl Watch {
    /// Of what happens from now on, however late it is looked at.
    pub(super) fn new(docker: &Docker) -> Self {
        let filters = HashMap::from([("type", vec!["container"]), ("event", vec!["start", "destroy"])]);
        let now = Utc::now().timestamp().to_string();
        let options = EventsOptionsBuilder::default().since(&now).filters(&filters).build();
        Self(docker.events(Some(options)).boxed())
    }

    /// The next `action` of any container: its attributes (labels and `name`) and the time in
    /// nanoseconds since 1970.
    pub(super) async fn next(&mut self, action: &str) -> Result<(HashMap<String, String>, i64)> {
        let wait = async {
            loop {
                let event = self.0.next().await.context("the daemon broke off")??;
                if event.action.as_deref() == Some(action) {
                    let attributes = event.actor.and_then(|actor| actor.attributes).unwrap_or_default();
                    return anyhow::Ok((attributes, event.time_nano.context("an event without a time")?));
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.with_context(|| format!("no `{action}`"))?
    }

    /// When `action` next happens to the container with this value of an attribute.
    pub(super) async fn time_of(&mut self, action: &str, attribute: &str, value: &str) -> Result<i64> {
        loop {
            let (attributes, at) = self.next(action).await?;
            if attributes.get(attribute).is_some_and(|found| found == value) {
                return Ok(at);
            }
        }
    }
}
