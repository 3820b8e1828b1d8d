//! What rules and people do to jobs while time goes by: limits, warnings, second tries, the clock, and jobs in
//! number.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use lilac_api::JobId;
use lilac_api::client::Client;
use lilac_api::job::{AttemptState, Job, JobFilter, JobState, LogQuery, Reason};
use lilac_api::quantity::{Bytes, Span};
use lilac_api::spec::{Array, Backoff, JobSpec, Need, NeedOn, Retry, Signal, Stop, Warn};
use lilac_api::submission::ArrayState;
use lilac_e2e::jobs::{
    SOON, check_history, end, only_attempt, resources, script, until, until_state, whole_log,
};
use lilac_e2e::{Capacity, eventually, eventually_within, with_bed};

const MIB: u64 = 1 << 20;

fn seconds(seconds: u64) -> Span {
    Span(Duration::from_secs(seconds))
}

/// Waits until the script has said that it is ready, and what it is to be told will find it so.
async fn until_ready(client: &Client, id: JobId) -> Result<()> {
    eventually_within(SOON, "a script that is ready", async || {
        let log = client.log(id, &LogQuery::default()).await?.bytes;
        Ok(log.starts_with(b"ready").then_some(()))
    })
    .await
}

#[tokio::test]
async fn time_and_memory_are_given_as_the_rules_say() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let client = &bed.client;

        // The clock goes on while the others run.
        let nightly = JobSpec {
            schedule: Some(serde_json::from_str(r#"{"cron": "* * * * *", "timezone": "UTC"}"#)?),
            ..script("nightly", "echo by the clock")
        };
        let schedule = client.create_schedule(&nightly).await?;
        let due = schedule.next_at.context("a schedule that never fires")?;

        let warn = Warn { signal: Signal::SigUsr1, before: seconds(7) };
        let timed = JobSpec {
            max_runtime: Some(seconds(12)),
            stop: Stop { grace: seconds(30), warn: Some(warn), ..Stop::default() },
            ..script(
                "timed",
                "trap 'echo warned' USR1; trap 'echo saving; exit 7' TERM
                 echo ready; while true; do sleep 0.1; done",
            )
        };
        let timed = client.submit(&timed, None).await?.id;

        let extended = JobSpec {
            max_runtime: Some(seconds(15)),
            ..script("extended", "echo ready; sleep 20; echo done")
        };
        let extended = client.submit(&extended, None).await?.id;
        until_state(client, extended, JobState::Running).await?;
        let told = client.extend(extended, seconds(3600)).await?;
        assert_eq!((told.state, told.max_runtime), (JobState::Running, Some(seconds(3600))));

        // `tail` keeps what it reads: more than the first attempt may have.
        let retry = Retry {
            max_attempts: 2,
            backoff: Backoff { initial: seconds(1), ..Backoff::default() },
            rules: vec![serde_json::from_str(r#"{"on": ["oom"], "action": "retry", "memory_factor": 4}"#)?],
        };
        let hungry = JobSpec {
            retry,
            resources: resources(100, 32),
            ..script("hungry", "head -c 60000000 /dev/zero | tail -c 60000000 > /dev/null")
        };
        let hungry = client.submit(&hungry, None).await?.id;
        until_ready(client, timed).await?;

        let fed = end(client, hungry).await?;
        assert_eq!((fed.state, fed.epoch, fed.attempts_charged), (JobState::Succeeded, 2, 1), "{fed:?}");
        assert_eq!(fed.requests.memory_bytes, 128 * MIB, "what it asks for now");
        let spec = fed.spec.as_ref().context("a job without its spec")?;
        assert_eq!(spec.resources.memory, Bytes(32 * MIB), "and what its user wrote");
        let attempts = client.attempts(hungry).await?.items;
        let first = attempts.last().context("no attempts")?;
        assert_eq!((first.state, first.reason), (AttemptState::Failed, Some(Reason::Oom)));
        check_history(client, &fed).await?;

        let late = end(client, timed).await?;
        assert_eq!((late.state, late.reason), (JobState::Failed, Some(Reason::Timeout)), "{late:?}");
        let log = whole_log(client, timed).await?;
        // The signals go to all that the script runs, so the shell may tell of what ended by them as well.
        let own: Vec<&str> =
            log.lines().filter(|line| ["ready", "warned", "saving"].contains(line)).collect();
        assert_eq!(own, ["ready", "warned", "saving"], "{log}");
        let ran = late.finished_at.context("no end")? - late.started_at.context("no start")?;
        assert!(ran.num_milliseconds() >= 11_900, "it ran for {ran} of its 12 s");
        check_history(client, &late).await?;

        let longer = end(client, extended).await?;
        assert_eq!((longer.state, longer.epoch), (JobState::Succeeded, 1), "{longer:?}");
        assert_eq!(whole_log(client, extended).await?, "ready\ndone\n");

        let fired = eventually_within(SOON * 2, "a job of the schedule's", async || {
            let now = client.schedule(schedule.id).await?;
            Ok(now.last_job_id.map(|job| (job, now)))
        })
        .await?;
        assert!(fired.1.last_fired_at >= Some(due) && fired.1.next_at > Some(due), "{:?}", fired.1);
        client.delete_schedule(schedule.id).await?;
        assert_eq!(end(client, fired.0).await?.state, JobState::Succeeded);
        assert_eq!(whole_log(client, fired.0).await?, "by the clock\n");
        bed.nodes[0].machine.empty(SOON).await
    })
    .await
}

/// All jobs of a name, by their place in the array.
async fn named(client: &Client, name: &str) -> Result<Vec<Job>> {
    let filter = JobFilter { name: Some(name.to_owned()), ..JobFilter::default() };
    let mut jobs = client.jobs(&filter).await?.items;
    jobs.sort_by_key(|job| job.array.as_ref().map(|place| place.index));
    Ok(jobs)
}

#[tokio::test]
async fn jobs_wait_for_others_and_their_turn() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", Some(Capacity { cpus: 4, memory: "2Gi" })).await?;
        let client = &bed.client;
        let need = |job: JobId, on: NeedOn| Need { job: job.to_string(), on };

        // An array that waits for a job, in pairs; what waits for a failure; and what nobody can wait for.
        let prep = client.submit(&script("prep", "sleep 2; exit 0"), None).await?.id;
        let matrix = BTreeMap::from([("LR".to_owned(), ["1e-4", "3e-4"].map(str::to_owned).to_vec())]);
        let matrix =
            matrix.into_iter().chain([("SEED".to_owned(), ["1", "2", "3"].map(str::to_owned).to_vec())]);
        let sweep = JobSpec {
            array: Some(Array { matrix: matrix.collect(), max_parallel: Some(2), ..Array::default() }),
            needs: vec![need(prep, NeedOn::Succeeded)],
            ..script("sweep", "echo $LILAC_ARRAY_INDEX $LR $SEED; sleep 1")
        };
        let first = client.submit(&sweep, None).await?;
        let array = first.array.as_ref().context("no array")?.id;
        assert_eq!((first.state, first.reason), (JobState::Queued, Some(Reason::Dependency)), "{first:?}");
        let broken = client.submit(&script("broken", "exit 9"), None).await?.id;
        let repair = JobSpec { needs: vec![need(broken, NeedOn::Failed)], ..script("repair", "true") };
        let repair = client.submit(&repair, None).await?.id;
        let hopeless = JobSpec { needs: vec![need(broken, NeedOn::Succeeded)], ..script("hopeless", "true") };
        let hopeless = client.submit(&hopeless, None).await?.id;

        let mut most = 0;
        eventually_within(SOON * 2, "the array's end", async || {
            let now = client.array(array).await?;
            let count = |state| now.by_state.get(&state).copied().unwrap_or_default();
            let live = count(JobState::Starting) + count(JobState::Running);
            assert!(live <= 2, "{live} of the array are live");
            let running = bed.nodes[0].machine.running().await?.len();
            most = most.max(live);
            assert!(running <= 6, "{running} containers");
            Ok((now.state == ArrayState::Succeeded).then_some(()))
        })
        .await?;
        assert_eq!(most, 2, "its jobs ran one after the other");
        let prepared = client.job(prep).await?.finished_at.context("no end")?;
        let jobs = named(client, "sweep").await?;
        assert_eq!(jobs.len(), 6);
        for (index, job) in jobs.iter().enumerate() {
            assert!(job.started_at.is_some_and(|start| start >= prepared), "{job:?} before {prepared}");
            let values = ["1e-4 1", "1e-4 2", "1e-4 3", "3e-4 1", "3e-4 2", "3e-4 3"][index];
            assert_eq!(whole_log(client, job.id).await?, format!("{index} {values}\n"));
            only_attempt(client, job.id).await?;
        }
        assert_eq!(end(client, repair).await?.state, JobState::Succeeded);
        let hopeless = end(client, hopeless).await?;
        assert_eq!((hopeless.state, hopeless.reason), (JobState::Failed, Some(Reason::DependencyFailed)));
        assert_eq!(hopeless.epoch, 0, "it was never placed");

        // The node holds one of these at a time.
        let whole = |name: &str, priority: u8| JobSpec {
            priority,
            resources: resources(4000, 32),
            ..script(name, "echo ran")
        };
        let blocker = JobSpec { run: Some("exec sleep 1000".to_owned()), ..whole("blocker", 50) };
        let stop = Stop { signal: Signal::SigKill, ..Stop::default() };
        let blocker = client.submit(&JobSpec { stop, ..blocker }, None).await?.id;
        until_state(client, blocker, JobState::Running).await?;
        let low = client.submit(&whole("low", 10), None).await?.id;
        let high = client.submit(&whole("high", 60), None).await?.id;
        let held = client.submit(&whole("held", 100), None).await?.id;
        for id in [low, high, held] {
            until(client, id, "that waits", SOON, |job| job.reason == Some(Reason::WaitingForCapacity))
                .await?;
        }
        let told = client.hold(held, "not before the review").await?;
        assert_eq!((told.state, told.reason), (JobState::Held, Some(Reason::Held)));
        assert!(told.message.contains("not before the review"), "{}", told.message);
        assert_eq!(client.reprioritise(low, 90).await?.priority, 90);
        client.cancel(blocker).await?;
        let (low, high) = (end(client, low).await?, end(client, high).await?);
        assert!(low.started_at < high.started_at, "{low:?} was to go before {high:?}");
        assert_eq!(client.job(held).await?.state, JobState::Held, "nobody released it");
        assert_eq!(client.release(held).await?.state, JobState::Queued);
        let held = end(client, held).await?;
        assert_eq!((held.state, held.epoch), (JobState::Succeeded, 1));
        check_history(client, &held).await?;
        eventually("an empty node", async || {
            Ok(bed.nodes[0].machine.running().await?.is_empty().then_some(()))
        })
        .await
    })
    .await
}
