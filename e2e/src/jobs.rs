//! Small jobs, and waiting for what becomes of them.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use lilac_api::client::Client;
use lilac_api::job::{Attempt, Job, JobState, LogQuery};
use lilac_api::quantity::{Bytes, Cpus};
use lilac_api::spec::{JobSpec, Network, Resources};
use lilac_api::{JobId, page::Page};

use crate::image::IMAGE;
use crate::machine::Starts;
use crate::wait::eventually_within;

/// Long enough for a job of a second on a machine that is busy with other tests.
pub const SOON: Duration = Duration::from_secs(60);

/// A job that runs `script` and takes little.
#[must_use]
pub fn script(name: &str, script: &str) -> JobSpec {
    JobSpec { run: Some(script.to_owned()), ..small(name, IMAGE) }
}

/// A job of any image that takes little.
#[must_use]
pub fn small(name: &str, image: &str) -> JobSpec {
    JobSpec { network: Network::None, resources: resources(100, 32), ..JobSpec::new(name, image) }
}

#[must_use]
pub fn resources(cpu_milli: u32, memory_mib: u64) -> Resources {
    Resources { cpus: Cpus { milli: cpu_milli }, memory: Bytes(memory_mib << 20), ..Resources::default() }
}

/// Waits until the job is as wanted. A job that has ended otherwise will not change any more.
pub async fn until(
    client: &Client,
    id: JobId,
    what: &str,
    within: Duration,
    is_so: impl Fn(&Job) -> bool,
) -> Result<Job> {
    let mut latest = None;
    let job = eventually_within(within, &format!("job {what}"), async || {
        let job = client.job(id).await?;
        let is_over = is_so(&job) || job.state.is_terminal();
        latest = Some(job.clone());
        Ok(is_over.then_some(job))
    })
    .await;
    match job {
        Ok(job) if is_so(&job) => Ok(job),
        Ok(job) => bail!("job {what}: it ended otherwise: {}", describe(&job)),
        Err(error) => bail!("{error:#}; it was: {}", latest.as_ref().map_or_else(String::new, describe)),
    }
}

pub async fn until_state(client: &Client, id: JobId, state: JobState) -> Result<Job> {
    until(client, id, state.as_str(), SOON, |job| job.state == state).await
}

/// Waits for the end, whatever it is.
pub async fn end(client: &Client, id: JobId) -> Result<Job> {
    until(client, id, "at its end", SOON, |job| job.state.is_terminal()).await
}

/// A job in one line, for the person who reads why a test failed.
#[must_use]
pub fn describe(job: &Job) -> String {
    format!(
        "{} {} {:?} `{}` by {} at epoch {}, code {:?}, signal {:?}",
        job.name, job.state, job.reason, job.message, job.actor, job.epoch, job.exit_code, job.signal
    )
}

/// The only attempt of a job.
pub async fn only_attempt(client: &Client, id: JobId) -> Result<Attempt> {
    let Page { mut items, .. } = client.attempts(id).await?;
    ensure!(items.len() == 1, "{} attempts: {items:?}", items.len());
    items.pop().ok_or_else(|| anyhow::anyhow!("no attempt"))
}

/// Waits for the latest attempt's log to be whole, and reads it.
pub async fn whole_log(client: &Client, id: JobId) -> Result<String> {
    let mut bytes = Vec::new();
    eventually_within(SOON, "a whole log", async || {
        loop {
            let offset = Some(bytes.len() as u64);
            let part = client.log(id, &LogQuery { offset, ..LogQuery::default() }).await?;
            bytes.extend_from_slice(&part.bytes);
            if part.complete {
                return Ok(Some(()));
            }
            if part.bytes.is_empty() {
                return Ok(None);
            }
        }
    })
    .await?;
    Ok(String::from_utf8(bytes)?)
}

/// Checks what every history must hold: no gap, and the end that the job shows.
pub async fn check_history(client: &Client, job: &Job) -> Result<()> {
    let events = client.job_events(job.id).await?.items;
    for (index, event) in events.iter().enumerate() {
        ensure!(event.sequence as usize == index + 1, "a gap in the history: {events:?}");
    }
    let ends = events.iter().filter(|event| event.state.is_terminal()).count();
    ensure!(ends == usize::from(job.state.is_terminal()), "{ends} ends: {events:?}");
    ensure!(events.last().is_some_and(|event| event.state == job.state), "another end: {events:?}");
    Ok(())
}

/// Waits until `count` jobs have ended well, and no job otherwise.
pub async fn all_succeed(client: &Client, count: u64, within: Duration) -> Result<()> {
    eventually_within(within, &format!("{count} successes"), async || {
        let counts = client.job_counts().await?;
        let of = |state| counts.by_state.get(&state).copied().unwrap_or_default();
        assert_eq!(of(JobState::Failed) + of(JobState::Cancelled) + of(JobState::Held), 0, "{counts:?}");
        Ok((of(JobState::Succeeded) >= count).then_some(()))
    })
    .await
}

/// Each job printed its own line once, in one attempt, in one container.
pub async fn each_ran_once(client: &Client, jobs: &[JobId], starts: &[Starts]) -> Result<()> {
    let mut started: HashMap<String, usize> = HashMap::new();
    for starts in starts {
        for job in starts.jobs()? {
            *started.entry(job).or_default() += 1;
        }
    }
    for id in jobs {
        assert_eq!(whole_log(client, *id).await?, format!("ran {id} as 1\n"));
        only_attempt(client, *id).await?;
        assert_eq!(started.remove(&id.to_string()), Some(1), "containers of {id}");
    }
    ensure!(started.is_empty(), "containers of nobody: {started:?}");
    Ok(())
}
