//! What the first process of every container does for its job, whatever image, user and policy it has.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lilac_api::job::{JobState, LogQuery, Reason};
use lilac_api::quantity::Span;
use lilac_api::queue::{ContainerPolicy, CreateQueue};
use lilac_api::spec::{JobSpec, Stop};
use lilac_e2e::jobs::{SOON, end, only_attempt, script, small, until_state, whole_log};
use lilac_e2e::{BARE_IMAGE, Witness, eventually, eventually_within, with_bed};

/// An image without libc, shell or folders, a root file system that cannot be written to, a user without a name or
/// a right: the job runs as its image says, is stopped politely, and tells how it ended.
#[tokio::test]
async fn a_container_needs_nothing_of_its_image() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        bed.nodes[0].machine.add_bare_image().await?;
        let client = &bed.client;
        let mut queue = CreateQueue::new("strict", 50, vec!["default".to_owned()]);
        queue.policy = ContainerPolicy::Strict;
        client.create_queue(&queue).await?;
        let bare = |name: &str, entrypoint: &str, command: &str| JobSpec {
            queue: "strict".to_owned(),
            user: Some("12345:54321".to_owned()),
            entrypoint: entrypoint.split_whitespace().map(str::to_owned).collect(),
            command: command.split_whitespace().map(str::to_owned).collect(),
            stop: Stop { grace: Span(Duration::from_secs(300)), ..Stop::default() },
            ..small(name, BARE_IMAGE)
        };
        let as_it_says = client.submit(&bare("as-it-says", "", ""), None).await?.id;
        let other_words = client.submit(&bare("other-words", "", "of the job"), None).await?.id;
        let fails = client.submit(&bare("fails", "/busybox false", ""), None).await?.id;
        let missing = client.submit(&bare("missing", "sh", "-c true"), None).await?.id;
        for (id, log) in [(as_it_says, "from the image\n"), (other_words, "of the job\n")] {
            let job = end(client, id).await?;
            assert_eq!((job.state, job.exit_code), (JobState::Succeeded, Some(0)), "{job:?}");
            assert_eq!(whole_log(client, id).await?, log);
        }
        let job = end(client, fails).await?;
        assert_eq!((job.state, job.exit_code), (JobState::Failed, Some(1)), "{job:?}");
        let job = end(client, missing).await?;
        assert_eq!((job.state, job.reason), (JobState::Failed, Some(Reason::Unstartable)), "{job:?}");
        assert!(job.message.contains("sh: No such file"), "{job:?}");

        // A stop as soon as it runs, and one before that: neither waits for the grace to be over.
        for awaited in [JobState::Running, JobState::Starting] {
            let id = client.submit(&bare("stopped", "/busybox sleep", "1000"), None).await?.id;
            eventually("it begins", async || {
                let now = client.job(id).await?.state;
                Ok((now == awaited || now == JobState::Running).then_some(()))
            })
            .await?;
            client.cancel(id).await?;
            let job = end(client, id).await?;
            assert_eq!(job.state, JobState::Cancelled, "{job:?}");
            assert!(job.signal.is_none_or(|signal| signal == 15), "{job:?}");
        }
        bed.nodes[0].machine.empty(SOON).await
    })
    .await
}

/// The dead are buried, what the job leaves behind ends with it, and its last words are kept.
#[tokio::test]
async fn a_job_leaves_no_process_behind() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let client = &bed.client;
        let body = "i=0; while [ $i -lt 20 ]; do i=$((i+1)); (sleep 0.1 & ); done; \
            while grep -qs '^PPid:.1$' $(ls -d /proc/[0-9]*/status | grep -v \"/$$/\"); do sleep 0.1; done; \
            echo buried; (trap 'echo told to end; exit' TERM; echo there; while :; do sleep 0.1; done) 2>/dev/null & \
            sleep 1; printf 'last words'; exit 5";
        let id = client.submit(&script("parent", body), None).await?.id;
        let job = end(client, id).await?;
        assert_eq!((job.state, job.exit_code), (JobState::Failed, Some(5)), "{job:?}");
        assert_eq!(whole_log(client, id).await?, "buried\nthere\nlast wordstold to end\n");
        bed.nodes[0].machine.empty(SOON).await
    })
    .await
}

const LINES: u32 = 6_000_000;

/// Some fifty megabytes, while agent, server and Docker daemon die in turn: every byte arrives, and the job never
/// notices.
#[tokio::test]
async fn a_log_is_whole_whoever_dies() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let witness = Witness::new(&bed.client, &bed.scratch().path("witness")).await?;
        let half = LINES / 2;
        let rest = half + 1;
        let body = format!(
            "seq 1 {half}; until [ -e /witness/go ]; do sleep 0.1; done; seq {rest} {LINES}; printf end; : > /witness/done"
        );
        let spec = JobSpec { resources: lilac_e2e::jobs::resources(1_000, 64), ..witness.job("talker", &body) };
        let id = bed.client.submit(&spec, None).await?.id;
        until_state(&bed.client, id, JobState::Running).await?;
        eventually("a part of the log", async || {
            let part = bed.client.log(id, &LogQuery { offset: Some(1 << 20), ..LogQuery::default() }).await?;
            Ok((!part.bytes.is_empty()).then_some(()))
        })
        .await?;

        bed.nodes[0].agent.kill()?;
        bed.servers[0].kill()?;
        bed.servers[0].start_again().await?;
        bed.until_answered().await?;
        bed.nodes[0].agent.start_again()?;
        let before = stored(bed, id).await?;
        eventually("it goes on", async || Ok((stored(bed, id).await? > before).then_some(()))).await?;
        bed.nodes[0].machine.kill_daemon()?;
        std::fs::write(witness.path("go"), "")?;
        eventually_within(SOON, "the job's end", async || Ok(witness.path("done").exists().then_some(()))).await?;
        bed.nodes[0].agent.kill()?;
        bed.nodes[0].machine.start_daemon_again().await?;
        bed.nodes[0].agent.start_again()?;

        let job = lilac_e2e::jobs::until(&bed.client, id, "at its end", SOON * 3, |job| job.state.is_terminal()).await?;
        assert_eq!((job.state, job.exit_code, job.epoch), (JobState::Succeeded, Some(0), 1), "{job:?}");
        let log = whole_log(&bed.client, id).await?;
        let mut numbers = log.lines();
        for expected in 1..=LINES {
            let line = numbers.next().context("the log is short")?;
            ensure!(line.parse() == Ok(expected), "`{line}` instead of {expected}");
        }
        assert_eq!((numbers.next(), numbers.next()), (Some("end"), None));
        assert_eq!(only_attempt(&bed.client, id).await?.tasks[0].log_bytes, log.len() as u64);
        assert_eq!(witness.of(id)?.len(), 1);
        bed.nodes[0].machine.empty(SOON).await
    })
    .await
}

async fn stored(bed: &lilac_e2e::Bed, id: lilac_api::JobId) -> Result<u64> {
    Ok(only_attempt(&bed.client, id).await?.tasks.first().map_or(0, |task| task.log_bytes))
}
