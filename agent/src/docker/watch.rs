//! Watching the daemon: whether it answers, and which containers end.
//!
//! One stream of events serves all containers. Events are heard from before the listing on, so that
//! nothing falls between the two; and the listing is repeated now and then, so that a lost event costs
//! a minute and not a job.

use std::collections::HashMap;
use std::time::Duration;

use bollard::errors::Error;
use bollard::query_parameters::EventsOptions;
use chrono::Utc;
use futures::StreamExt;
use tokio::sync::mpsc;

use super::{Link, Owner, label, list, words};
use crate::clock;
use crate::core::Event;
use crate::process;
use crate::sync::Backoff;

/// How often the daemon is asked for a listing when it has nothing to say.
const LIST_EVERY: Duration = Duration::from_secs(60);

/// Tells of the daemon and of ended containers until nobody listens any more.
pub async fn watch(link: Link, owner: Owner, events: mpsc::Sender<Event>) {
    if let Some(local) = link.local() {
        return process::watch(local.clone(), events).await;
    }
    let mut backoff = Backoff::default();
    loop {
        let error = match watch_once(&link, owner, &events, &mut backoff).await {
            Ok(()) => "its stream of events ended".to_owned(),
            Err(error) => words(&error),
        };
        if events.send(Event::DockerDown(format!("Docker does not answer: {error}"))).await.is_err() {
            return;
        }
        tokio::time::sleep(backoff.pause()).await;
    }
}

async fn watch_once(
    link: &Link,
    owner: Owner,
    events: &mpsc::Sender<Event>,
    backoff: &mut Backoff,
) -> Result<(), Error> {
    let docker = link.client().await?;
    let since = Utc::now();
    let version = link.get_to_know().await?.version.unwrap_or_default();
    report(link, owner, &version, events).await?;
    backoff.reset();
    // Podman tells of `die` to those who ask for `died`.
    let filters = HashMap::from([
        ("type".to_owned(), vec!["container".to_owned()]),
        ("event".to_owned(), vec!["die".to_owned(), "died".to_owned()]),
        ("label".to_owned(), vec![format!("{}={}", label::NODE, owner.node_id)]),
    ]);
    let options = EventsOptions {
        since: Some(format!("{}.{:09}", since.timestamp(), since.timestamp_subsec_nanos())),
        until: None,
        filters: Some(filters),
    };
    let mut stream = docker.events(Some(options));
    loop {
        match tokio::time::timeout(LIST_EVERY, stream.next()).await {
            Ok(Some(event)) => {
                let attributes = event?.actor.and_then(|actor| actor.attributes).unwrap_or_default();
                let attempt = attributes.get(label::ATTEMPT).and_then(|id| id.parse().ok());
                if let Some(attempt) = attempt
                    && events.send(Event::Died(attempt)).await.is_err()
                {
                    return Ok(());
                }
            }
            Ok(None) => return Ok(()),
            Err(_) => report(link, owner, &version, events).await?,
        }
    }
}

async fn report(link: &Link, owner: Owner, version: &str, events: &mpsc::Sender<Event>) -> Result<(), Error> {
    let taken_at = clock::boot_ms();
    let containers = list(link, owner).await?;
    // A closed channel ends the watch at its next event.
    let _ = events.send(Event::DockerUp { version: version.to_owned(), taken_at, containers }).await;
    Ok(())
}
