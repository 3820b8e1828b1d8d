//! What people do to jobs, from every state that a job can be in.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use std::time::Duration;

use crate::protocol::{Node, result, start, submit, wait_until};
use crate::support::{Harness, refused_as, refused_fields};
use lilac_api::agent::{Outcome, Phase};
use lilac_api::auth::Role;
use lilac_api::job::{JobFilter, JobState, Reason};
use lilac_api::problem::ErrorCode;
use lilac_api::quantity::Span;
use lilac_api::spec::JobSpec;
use lilac_api::{AttemptId, JobId};
use sqlx::PgPool;

fn span(secs: u64) -> Span {
    Span(Duration::from_secs(secs))
}

/// A job in each state that the API can bring it into.
async fn in_state(harness: &Harness, node: &mut Node, state: JobState) -> JobId {
    let job = submit(harness, |spec| {
        spec.max_runtime = Some(span(3600));
        if state == JobState::Queued || state == JobState::Held {
            spec.resources.memory = lilac_api::quantity::Bytes(1 << 50);
        }
    })
    .await;
    match state {
        JobState::Queued => {}
        JobState::Held => {
            harness.client.hold(job, "").await.unwrap();
        }
        JobState::Cancelled => {
            let attempt = node.wait_for(job).await;
            harness.client.cancel(job).await.unwrap();
            ended(node, attempt, Outcome::Stopped, 143).await;
        }
        JobState::Starting => {
            node.wait_for(job).await;
        }
        JobState::Running => {
            let attempt = node.wait_for(job).await;
            node.report(attempt, 1, Phase::Running, None);
            node.sync().await.unwrap();
        }
        JobState::Succeeded | JobState::Failed => {
            let attempt = node.wait_for(job).await;
            ended(node, attempt, Outcome::Exited, i32::from(state == JobState::Failed)).await;
        }
    }
    let is = harness.client.job(job).await.unwrap().state;
    assert_eq!(is, state);
    job
}

async fn ended(node: &mut Node, attempt: AttemptId, outcome: Outcome, code: i32) {
    node.report(attempt, 1, Phase::Ended, Some(result(outcome, Some(code))));
    node.sync().await.unwrap();
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn each_action_holds_from_the_states_that_it_is_for(pool: PgPool) {
    use JobState::{Held, Queued, Running, Starting};
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "n1").await;
    for state in [Queued, Held, Starting, Running, JobState::Succeeded, JobState::Failed, JobState::Cancelled]
    {
        let mut outcomes = Vec::new();
        for action in ["cancel", "hold", "release", "reprioritise", "extend"] {
            let job = in_state(&harness, &mut node, state).await;
            let before = harness.client.job_events(job).await.unwrap().items.len();
            let client = &harness.client;
            let answer = match action {
                "cancel" => client.cancel(job).await,
                "hold" => client.hold(job, "look at it").await,
                "release" => client.release(job).await,
                "reprioritise" => client.reprioritise(job, 90).await,
                _ => client.extend(job, span(7200)).await,
            };
            let events = client.job_events(job).await.unwrap().items;
            match answer {
                Ok(job) => {
                    // A job that waits for what no node has may have been told so meanwhile.
                    let news = events[before..].iter().find(|event| event.actor == "user:admin").unwrap();
                    assert!(!news.message.is_empty(), "{action} of {state}");
                    outcomes.push((action, Some(job.state)));
                }
                Err(error) => {
                    assert_eq!(error.code(), Some(ErrorCode::Conflict), "{action} of {state}: {error}");
                    assert!(events[before..].iter().all(|event| event.actor != "user:admin"));
                    outcomes.push((action, None));
                }
            }
            if matches!(state, Starting | Running) {
                // Room for the next one.
                if action != "cancel" {
                    client.cancel(job).await.unwrap();
                }
                let attempt = client.attempts(job).await.unwrap().items[0].id;
                ended(&mut node, attempt, Outcome::Stopped, 143).await;
            }
        }
        let expected = match state {
            Queued => [Some(JobState::Cancelled), Some(Held), None, Some(Queued), Some(Queued)],
            Held => [Some(JobState::Cancelled), None, Some(Queued), Some(Held), Some(Held)],
            Starting => [Some(Starting), None, None, None, Some(Starting)],
            Running => [Some(Running), None, None, None, Some(Running)],
            _ => [None; 5],
        };
        assert_eq!(outcomes.iter().map(|(_, to)| *to).collect::<Vec<_>>(), expected, "{state}: {outcomes:?}");
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_held_job_waits_for_a_person_and_says_why(pool: PgPool) {
    let harness = start(pool).await;
    let job = submit(&harness, |_| {}).await;
    let held = harness.client.hold(job, " the data set moved ").await.unwrap();
    assert_eq!((held.state, held.reason), (JobState::Held, Some(Reason::Held)));
    assert_eq!(held.message, "held by admin: the data set moved");
    let mut node = Node::join(&harness, "n1").await;
    let other = submit(&harness, |_| {}).await;
    node.wait_for(other).await;
    assert_eq!(harness.client.job(job).await.unwrap().epoch, 0, "a held job is passed over");
    harness.client.release(job).await.unwrap();
    node.wait_for(job).await;
    assert_eq!(refused_fields(harness.client.hold(job, &"x".repeat(501)).await), ["message"]);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_higher_priority_goes_first(pool: PgPool) {
    let harness = start(pool).await;
    let first = submit(&harness, |spec| spec.resources.cpus.milli = 4000).await;
    let second = submit(&harness, |spec| spec.resources.cpus.milli = 4000).await;
    let told = harness.client.reprioritise(second, 80).await.unwrap();
    assert_eq!((told.priority, told.message.as_str()), (80, "priority changed from 50 to 80"));
    let mut node = Node::join(&harness, "n1").await;
    node.wait_for(second).await;
    assert_eq!(harness.client.job(first).await.unwrap().state, JobState::Queued);
    assert_eq!(refused_fields(harness.client.reprioritise(first, 101).await), ["priority"]);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_job_is_extended_only_to_more(pool: PgPool) {
    let harness = start(pool).await;
    let job = submit(&harness, |spec| spec.max_runtime = Some(span(60))).await;
    for refused in [span(59), span(0), span(u64::from(u32::MAX))] {
        assert_eq!(refused_fields(harness.client.extend(job, refused).await), ["max_runtime"]);
    }
    let told = harness.client.extend(job, span(90)).await.unwrap();
    assert_eq!(told.max_runtime, Some(span(90)));
    assert_eq!(told.spec.unwrap().max_runtime, Some(span(60)), "the spec stays as it was submitted");
    // A queue's limit binds its users, and not an administrator.
    let (_, ada) = harness.user("ada", Role::Member).await;
    let hers =
        ada.submit(&JobSpec { max_runtime: Some(span(60)), ..JobSpec::new("hers", "image") }, None).await;
    let hers = hers.unwrap().id;
    let endless = submit(&harness, |_| {}).await;
    sqlx::query("UPDATE queues SET limits = '{\"max_runtime\": \"2m\"}'")
        .execute(&harness.app.pool)
        .await
        .unwrap();
    assert_eq!(refused_fields(ada.extend(hers, span(121)).await), ["max_runtime"]);
    assert_eq!(ada.extend(hers, span(120)).await.unwrap().max_runtime, Some(span(120)));
    harness.client.extend(hers, span(121)).await.unwrap();
    refused_as(harness.client.extend(endless, span(60)).await, 409, ErrorCode::Conflict);
    // What is started after it runs for as long.
    let mut node = Node::join(&harness, "n1").await;
    let mut limit = None;
    for _ in 0..50 {
        let response = node.say(false).await.unwrap();
        limit = response
            .desired
            .iter()
            .find_map(|one| one.task.as_ref().filter(|task| task.job_id == job)?.max_runtime);
        if limit.is_some() {
            break;
        }
    }
    assert_eq!(limit, Some(span(90)));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_rerun_is_a_new_job_of_whoever_asks(pool: PgPool) {
    let harness = start(pool).await;
    let (_, ada) = harness.user("ada", Role::Member).await;
    let job = submit(&harness, |spec| spec.name = "train".to_owned()).await;
    let again = ada.rerun(job).await.unwrap();
    assert_eq!((again.owner.as_str(), again.rerun_of, again.state), ("ada", Some(job), JobState::Queued));
    assert_eq!(again.spec, harness.client.job(job).await.unwrap().spec);
    let (_, viewer) = harness.user("vic", Role::Viewer).await;
    refused_as(viewer.rerun(job).await, 403, ErrorCode::Forbidden);
    refused_as(ada.rerun(JobId::new()).await, 404, ErrorCode::NotFound);
    // A repeated call with one key makes one job; the same key for another job is refused.
    let bearer = harness.admin_header().await;
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "once")];
    let path = format!("/jobs/{job}/rerun");
    let first = harness.send_json("POST", &path, &headers, "").await;
    let second = harness.send_json("POST", &path, &headers, "").await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 200));
    assert_eq!(first.body["id"], second.body["id"]);
    let other = harness.send_json("POST", &format!("/jobs/{}/rerun", again.id), &headers, "").await;
    assert_eq!((other.status.as_u16(), other.code()), (409, "idempotency-mismatch"));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn many_jobs_are_cancelled_by_a_filter_and_only_the_callers_own(pool: PgPool) {
    let harness = start(pool).await;
    let (_, ada) = harness.user("ada", Role::Member).await;
    for index in 0..450 {
        let mut spec = JobSpec::new(if index % 2 == 0 { "even" } else { "odd" }, "image");
        spec.labels.insert("exp".to_owned(), "a".to_owned());
        ada.submit(&spec, None).await.unwrap();
    }
    let admins = submit(&harness, |spec| spec.name = "even".to_owned()).await;
    let even = JobFilter { name: Some("even".to_owned()), ..JobFilter::default() };
    let done = ada.cancel_jobs(&even).await.unwrap();
    assert_eq!((done.cancelled, done.has_more), (225, false));
    assert_eq!(ada.cancel_jobs(&even).await.unwrap().cancelled, 0, "a second call finds nothing to do");
    assert_eq!(harness.client.job(admins).await.unwrap().state, JobState::Queued);
    let counts = harness.client.job_counts().await.unwrap().by_state;
    assert_eq!((counts[&JobState::Cancelled], counts[&JobState::Queued]), (225, 226));

    refused_as(ada.cancel_jobs(&JobFilter::default()).await, 400, ErrorCode::MalformedRequest);
    let paged = JobFilter { limit: Some(10), ..even.clone() };
    refused_as(ada.cancel_jobs(&paged).await, 400, ErrorCode::MalformedRequest);
    let others = JobFilter { owner: Some("admin".to_owned()), ..JobFilter::default() };
    refused_as(ada.cancel_jobs(&others).await, 403, ErrorCode::Forbidden);
    let queued = JobFilter { state: Some("queued".to_owned()), ..JobFilter::default() };
    assert_eq!(
        harness.client.cancel_jobs(&queued).await.unwrap().cancelled,
        226,
        "an administrator cancels all"
    );
    let audited: i64 = sqlx::query_scalar(
        "SELECT sum((details::jsonb->>'cancelled')::bigint)::bigint FROM audit WHERE action = 'jobs.cancel'",
    )
    .fetch_one(&harness.app.pool)
    .await
    .unwrap();
    assert_eq!(audited, 451);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_receipt_says_what_a_job_took(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "n1").await;
    let job = submit(&harness, |spec| spec.resources.cpus.milli = 2000).await;
    let attempt = node.wait_for(job).await;
    ended(&mut node, attempt, Outcome::Exited, 3).await;
    wait_until(&harness, job, |job| job.state == JobState::Failed).await;
    sqlx::query("UPDATE tasks t SET released_at = a.granted_at + interval '10 seconds' FROM attempts a WHERE a.id = t.attempt_id")
        .execute(&harness.app.pool)
        .await
        .unwrap();
    let receipt = harness.client.receipt(job).await.unwrap();
    assert_eq!(
        (receipt.owner.as_str(), receipt.image.as_str(), receipt.exit_code),
        ("admin", "image", Some(3))
    );
    assert_eq!((receipt.attempt_count, receipt.attempts.len()), (1, 1));
    assert_eq!(
        (receipt.attempts[0].nodes.as_slice(), receipt.attempts[0].cpu_milli),
        (["n1".to_owned()].as_slice(), 2000)
    );
    assert!((receipt.total.cpu_seconds - 20.0).abs() < 1e-6, "{:?}", receipt.total);
    assert!((receipt.total.memory_gib_seconds - 2.5).abs() < 1e-6, "{:?}", receipt.total);
    assert!(receipt.total.gpu_seconds.abs() < 1e-9);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_job_that_waits_too_long_fails(pool: PgPool) {
    let harness = start(pool).await;
    let job = submit(&harness, |spec| spec.max_queue_time = Some(span(1))).await;
    let patient = submit(&harness, |spec| spec.max_queue_time = Some(span(3600))).await;
    assert!(harness.client.job(patient).await.unwrap().queue_deadline.is_some());
    let failed = wait_until(&harness, job, |job| job.state.is_terminal()).await;
    assert_eq!((failed.state, failed.reason), (JobState::Failed, Some(Reason::QueueTimeout)));
    assert_eq!(harness.client.job(patient).await.unwrap().state, JobState::Queued);
    // Once it has started, it has waited long enough.
    let mut node = Node::join(&harness, "n1").await;
    let attempt = node.wait_for(patient).await;
    node.report(attempt, 1, Phase::Running, None);
    node.sync().await.unwrap();
    let deadline: Option<chrono::DateTime<chrono::Utc>> =
        sqlx::query_scalar("SELECT queue_deadline FROM jobs WHERE id = $1")
            .bind(patient.0)
            .fetch_one(&harness.app.pool)
            .await
            .unwrap();
    assert_eq!(deadline, None);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_run_that_its_agent_does_not_end_is_told_to_stop(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "n1").await;
    let job = submit(&harness, |spec| spec.max_runtime = Some(span(60))).await;
    let attempt = node.wait_for(job).await;
    node.report(attempt, 1, Phase::Running, None);
    node.sync().await.unwrap();
    let set = "UPDATE attempts SET run_deadline = run_deadline - $1 * interval '1 second' WHERE id = $2";
    // Not before the time to stop it is over as well: 60 s, 10 s of grace, 30 s of patience.
    sqlx::query(set).bind(71).bind(attempt.0).execute(&harness.app.pool).await.unwrap();
    assert!(!node.sync().await.unwrap().desired[0].stop);
    sqlx::query(set).bind(30).bind(attempt.0).execute(&harness.app.pool).await.unwrap();
    wait_until(&harness, job, |job| job.reason == Some(Reason::Timeout)).await;
    assert!(node.sync().await.unwrap().desired[0].stop);
    ended(&mut node, attempt, Outcome::Stopped, 143).await;
    let job = harness.client.job(job).await.unwrap();
    assert_eq!((job.state, job.reason), (JobState::Failed, Some(Reason::Timeout)));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_retry_asks_for_more_memory_as_far_as_there_is_a_node(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "n1").await;
    let rule = serde_json::json!({"on": ["oom"], "action": "retry", "memory_factor": 1.5});
    let job = submit(&harness, |spec| {
        spec.resources.memory = lilac_api::quantity::Bytes(4 << 30);
        spec.retry.max_attempts = 5;
        spec.retry.backoff.initial = Span(Duration::from_millis(1));
        spec.retry.rules = vec![serde_json::from_value(rule).unwrap()];
    })
    .await;
    // The node has 8 GiB: there is no more to be had than that.
    for (epoch, expected) in [(1, 4), (2, 6), (3, 8), (4, 8)] {
        let mut memory = None;
        let mut attempt = None;
        for _ in 0..50 {
            let response = node.say(false).await.unwrap();
            let wanted = response.desired.into_iter().find_map(|one| Some((one.attempt_id, one.task?)));
            if let Some((id, task)) = wanted {
                (attempt, memory) = (Some(id), Some(task.memory_bytes >> 30));
                break;
            }
        }
        assert_eq!(memory, Some(expected), "attempt {epoch}");
        let oom =
            lilac_api::agent::TaskResult { reason: Some(Reason::Oom), ..result(Outcome::Exited, Some(137)) };
        node.report(attempt.unwrap(), epoch, Phase::Ended, Some(oom));
        node.sync().await.unwrap();
        let told = harness.client.job(job).await.unwrap();
        if epoch == 1 {
            let events = harness.client.job_events(job).await.unwrap().items;
            let retried =
                events.iter().find(|event| event.attempt_state == Some(lilac_api::job::AttemptState::Failed));
            let message = "ended with exit code 137; tried again after 1ms, with 6Gi of memory";
            assert_eq!(retried.unwrap().message, message);
            assert_eq!(told.requests.memory_bytes >> 30, 6);
        }
        node.reports.clear();
    }
    assert_eq!(harness.client.job(job).await.unwrap().spec.unwrap().resources.memory.0 >> 30, 4);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_rule_may_hold_a_job_for_a_person(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "n1").await;
    let rule = serde_json::json!({"exit_codes": [7], "action": "hold"});
    let job = submit(&harness, |spec| spec.retry.rules = vec![serde_json::from_value(rule).unwrap()]).await;
    let attempt = node.wait_for(job).await;
    ended(&mut node, attempt, Outcome::Exited, 7).await;
    let held = harness.client.job(job).await.unwrap();
    assert_eq!((held.state, held.reason, held.exit_code), (JobState::Held, Some(Reason::ExitCode), Some(7)));
    assert_eq!(held.message, "ended with exit code 7; held, as its retry rules say");
    node.reports.clear();
    harness.client.release(job).await.unwrap();
    node.wait_for(job).await;
}
