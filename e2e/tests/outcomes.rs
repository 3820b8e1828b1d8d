//! How jobs end, and what their users are told.

use std::time::Duration;

use anyhow::{Context, Result};
use lilac_api::client::ClientError;
use lilac_api::job::{AttemptState, JobFilter, JobState, Reason};
use lilac_api::problem::ErrorCode;
use lilac_api::quantity::{Bytes, Cpus, Span};
use lilac_api::spec::{Backoff, JobSpec, Pull, PullPolicy, Retry};
use lilac_e2e::jobs::{
    SOON, check_history, end, only_attempt, resources, script, small, until, until_state, whole_log,
};
use lilac_e2e::{Capacity, IMAGE, with_bed};

#[tokio::test]
async fn a_job_runs_as_it_was_described() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let client = &bed.client;

        let mut spec = script(
            "described",
            "echo out; echo err >&2; echo \"$GREETING\"; pwd; id -u; \
             echo \"$LILAC_JOB_ID $LILAC_JOB_NAME $LILAC_ATTEMPT\"; printf 'no newline'",
        );
        spec.env.insert("GREETING".to_owned(), "hello  \"you\" $HOME ü".to_owned());
        spec.workdir = Some("/work".to_owned());
        spec.user = Some("65534:65534".to_owned());
        spec.labels.insert("exp".to_owned(), "a12".to_owned());
        let job = client.submit(&spec, None).await?;
        let told = end(client, job.id).await?;

        assert_eq!((told.state, told.exit_code, told.reason), (JobState::Succeeded, Some(0), None));
        assert_eq!((told.nodes.as_slice(), told.epoch), (["a".to_owned()].as_slice(), 1));
        assert_eq!(told.spec.as_ref(), Some(&spec));
        let (started, finished) = (told.started_at.context("no start")?, told.finished_at.context("no end")?);
        assert!(told.created_at <= started && started <= finished, "{told:?}");
        let log = whole_log(client, job.id).await?;
        let lines: Vec<&str> = log.lines().collect();
        let ids = format!("{} described 1", job.id);
        // The two streams are separate pipes, so only what came through the same one is in order.
        let mut expected =
            vec!["out", "hello  \"you\" $HOME ü", "/work", "65534", ids.as_str(), "no newline"];
        assert_eq!(lines.iter().filter(|line| **line == "err").count(), 1, "{log}");
        expected.retain(|line| *line != "err");
        assert_eq!(lines.iter().filter(|line| **line != "err").copied().collect::<Vec<_>>(), expected);
        assert!(log.ends_with("no newline") || log.ends_with("err\n"), "{log}");
        let attempt = only_attempt(client, job.id).await?;
        assert_eq!(attempt.state, AttemptState::Succeeded);
        assert_eq!(attempt.tasks.first().map(|task| task.log_bytes), Some(log.len() as u64));
        check_history(client, &told).await?;

        let mut words = small("words", IMAGE);
        words.command = ["echo", "a b", "$HOME", "*"].map(str::to_owned).to_vec();
        let job = client.submit(&words, None).await?;
        assert_eq!(end(client, job.id).await?.state, JobState::Succeeded);
        assert_eq!(whole_log(client, job.id).await?, "a b $HOME *\n");
        bed.nodes[0].machine.empty(SOON).await
    })
    .await
}

#[tokio::test]
async fn failures_are_told_apart() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let client = &bed.client;

        let unstartable =
            JobSpec { command: vec!["/no/such/program".to_owned()], ..small("unstartable", IMAGE) };
        let never = Pull { policy: PullPolicy::Never, secret: None };
        let too_hungry = "x=0123456789abcdef; while true; do x=$x$x; done";
        let cases = [
            (script("code", "echo so far; exit 3"), Reason::ExitCode, Some(3), ""),
            (small("unknown", "127.0.0.1:9/no-such:1"), Reason::ImagePull, None, "127.0.0.1:9"),
            (
                JobSpec { pull: never, ..small("never", "lilac/absent:1") },
                Reason::ImagePull,
                None,
                "lilac/absent",
            ),
            (unstartable, Reason::Unstartable, None, "/no/such/program"),
            (script("hungry", too_hungry), Reason::Oom, None, ""),
            (
                JobSpec {
                    max_runtime: Some(Span(Duration::from_secs(1))),
                    ..script("slow", "exec sleep 1000")
                },
                Reason::Timeout,
                None,
                "",
            ),
            (script("signal", "kill -SEGV $$"), Reason::ExitCode, None, ""),
        ];
        let mut jobs = Vec::new();
        for (spec, ..) in &cases {
            jobs.push(client.submit(spec, None).await?.id);
        }
        for ((spec, reason, code, words), id) in cases.iter().zip(jobs) {
            let job = end(client, id).await?;
            assert_eq!((job.state, job.reason), (JobState::Failed, Some(*reason)), "{job:?}");
            assert!(job.message.contains(words), "{}: `{}`", spec.name, job.message);
            if code.is_some() {
                assert_eq!(job.exit_code, *code, "{job:?}");
            }
            match spec.name.as_str() {
                "code" => assert_eq!(whole_log(client, id).await?, "so far\n"),
                "signal" => assert_eq!(job.signal, Some(11), "{job:?}"),
                _ => {}
            }
            check_history(client, &job).await?;
        }
        bed.nodes[0].machine.empty(SOON).await
    })
    .await
}

#[tokio::test]
async fn what_no_node_could_hold_waits_and_says_so() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", Some(Capacity { cpus: 2, memory: "1Gi" })).await?;
        let client = &bed.client;

        let mut wide = script("wide", "true");
        wide.resources.cpus = Cpus { milli: 64_000 };
        let mut large = script("large", "true");
        large.resources.memory = Bytes(1 << 40);
        let mut gpu = script("gpu", "true");
        gpu.resources.gpus = Some(serde_json::from_str("\"H100:8\"")?);
        for (spec, reasons) in [
            (wide, [Reason::ExceedsAnyNode].as_slice()),
            (large, &[Reason::ExceedsAnyNode]),
            (gpu, &[Reason::ExceedsAnyNode, Reason::NoMatchingNodes]),
        ] {
            let id = client.submit(&spec, None).await?.id;
            let job = until(client, id, "with a reason", SOON, |job| job.reason.is_some()).await?;
            assert_eq!(job.state, JobState::Queued);
            assert!(job.reason.is_some_and(|reason| reasons.contains(&reason)), "{job:?}");
            assert!(!job.message.is_empty());
        }
        // They wait without holding up those that fit.
        let id = client.submit(&script("small", "true"), None).await?.id;
        assert_eq!(end(client, id).await?.state, JobState::Succeeded);

        // A node that is large enough ends the wait.
        let filter = JobFilter { name: Some("wide".to_owned()), ..JobFilter::default() };
        let id = client.jobs(&filter).await?.items.first().context("no such job")?.id;
        bed.add_node("b", Some(Capacity { cpus: 64, memory: "1Gi" })).await?;
        let job = until(&bed.client, id, "placed", SOON, |job| job.epoch > 0).await?;
        assert_eq!(job.nodes, ["b"]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn failed_jobs_are_tried_again_as_their_rules_say() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let client = &bed.client;
        let backoff =
            Backoff { initial: Span(Duration::from_secs(1)), factor: 2, max: Span(Duration::from_secs(2)) };
        let thrice = Retry { max_attempts: 3, backoff, ..Retry::default() };

        let heals = JobSpec {
            retry: thrice.clone(),
            ..script("heals", "echo attempt $LILAC_ATTEMPT; [ $LILAC_ATTEMPT -ge 3 ]")
        };
        let hopeless = JobSpec { retry: thrice.clone(), ..script("hopeless", "exit 7") };
        let mut chosen = JobSpec { retry: thrice, ..script("chosen", "exit 8") };
        chosen.retry.rules = vec![serde_json::from_str(r#"{"exit_codes": [33], "action": "retry"}"#)?];
        let heals = client.submit(&heals, None).await?.id;
        let hopeless = client.submit(&hopeless, None).await?.id;
        let chosen = client.submit(&chosen, None).await?.id;

        let waiting = until(client, heals, "in backoff", SOON, |job| {
            job.state == JobState::Queued && job.reason == Some(Reason::Backoff)
        })
        .await?;
        assert!(waiting.not_before.is_some(), "{waiting:?}");
        let healed = end(client, heals).await?;
        assert_eq!((healed.state, healed.epoch, healed.attempts_charged), (JobState::Succeeded, 3, 2));
        assert_eq!(whole_log(client, heals).await?, "attempt 3\n");
        let attempts = client.attempts(heals).await?.items;
        let mut ends: Vec<_> = attempts.iter().map(|attempt| (attempt.epoch, attempt.state)).collect();
        ends.sort();
        let (failed, succeeded) = (AttemptState::Failed, AttemptState::Succeeded);
        assert_eq!(ends, [(1, failed), (2, failed), (3, succeeded)]);
        for pair in [[1, 2], [2, 3]] {
            let of = |epoch| attempts.iter().find(|attempt| attempt.epoch == epoch).context("no attempt");
            let (ended, next) = (of(pair[0])?.finished_at.context("no end")?, of(pair[1])?.granted_at);
            let pause = next - ended;
            // The n-th wait is n seconds here; clocks and rounding get a tenth of a second.
            assert!(pause.num_milliseconds() >= i64::from(pair[0]) * 1000 - 100, "{pause} after {ended}");
        }

        let failed = end(client, hopeless).await?;
        assert_eq!((failed.state, failed.reason), (JobState::Failed, Some(Reason::ExitCode)));
        assert_eq!((failed.exit_code, failed.attempts_charged), (Some(7), 3));
        let once = end(client, chosen).await?;
        assert_eq!((once.state, once.exit_code, once.epoch), (JobState::Failed, Some(8), 1));
        check_history(client, &healed).await
    })
    .await
}

#[tokio::test]
async fn a_node_runs_many_jobs_and_never_more_than_it_holds() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", Some(Capacity { cpus: 2, memory: "192Mi" })).await?;
        let client = &bed.client;
        // By CPUs four would fit at once, by memory three.
        let mut jobs = Vec::new();
        for index in 0..9 {
            let spec = JobSpec { resources: resources(500, 64), ..script(&format!("j{index}"), "sleep 1") };
            jobs.push(client.submit(&spec, None).await?.id);
        }
        let mut most = 0;
        lilac_e2e::eventually_within(SOON * 2, "the end of all", async || {
            let running = bed.nodes[0].machine.running().await?.len();
            most = most.max(running);
            let node = client.nodes().await?.items.into_iter().next().context("no node")?;
            assert!(running <= 3, "{running} containers at once");
            assert!(node.allocated.memory_bytes <= node.capacity.memory_bytes, "{node:?}");
            assert!(node.allocated.cpu_milli <= node.capacity.cpu_milli, "{node:?}");
            let counts = client.job_counts().await?;
            Ok((counts.by_state.get(&JobState::Succeeded) == Some(&9)).then_some(()))
        })
        .await?;
        assert!(most > 1, "they ran one after the other");
        for id in jobs {
            only_attempt(client, id).await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_same_key_submits_once() -> Result<()> {
    with_bed(async |bed| {
        let client = &bed.client;
        let spec = script("once", "true");
        let first = client.submit(&spec, Some("a-key")).await?;
        let second = client.submit(&spec, Some("a-key")).await?;
        assert_eq!(first.id, second.id);
        let other = client.submit(&script("other", "true"), Some("a-key")).await;
        let code = other.as_ref().err().and_then(ClientError::code);
        assert_eq!(code, Some(ErrorCode::IdempotencyMismatch), "{other:?}");
        assert_eq!(client.jobs(&JobFilter::default()).await?.items.len(), 1);
        // With no node at all it waits, and says for what.
        let job = until(client, first.id, "with a reason", SOON, |job| job.reason.is_some()).await?;
        assert_eq!((job.state, job.reason), (JobState::Queued, Some(Reason::NoMatchingNodes)));
        until_state(client, first.id, JobState::Queued).await?;
        Ok(())
    })
    .await
}
