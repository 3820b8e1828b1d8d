//! A node sees only what it runs: no word of another node's attempts, within its cluster or beyond, and what it says
//! of them is said to nobody.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use lilac_api::agent::{Outcome, Phase};
use lilac_api::auth::Secret;
use lilac_api::cluster::{CreateCluster, PlacementPolicy};
use lilac_api::job::{AttemptState, JobState, LogQuery};
use lilac_api::output::{OutputFailure, OutputQuery, OutputState};
use lilac_api::problem::ErrorCode;
use lilac_api::secret::CreateSecret;
use lilac_api::spec::Output;
use lilac_api::{AttemptId, JobId};
use sqlx::PgPool;

use crate::protocol::{Node, result, start, submit, wait_until};
use crate::support::{Harness, refused, refused_as};

/// A job with a secret, an output and the beginning of a log, which `node` runs.
async fn running_job(harness: &Harness, node: &mut Node) -> (JobId, AttemptId) {
    let secret = CreateSecret { name: "token".into(), value: Secret("canary".into()), team: None };
    harness.client.create_secret(&secret).await.unwrap();
    let job = submit(harness, |spec| {
        spec.secrets.insert("TOKEN".into(), "token".into());
        spec.outputs = vec![Output { path: "/out".into(), keep: None }];
    })
    .await;
    let attempt = node.wait_for(job).await;
    node.report(attempt, 1, Phase::Running, None);
    node.sync().await.unwrap();
    node.client.put_log(attempt, 0, 0, "mine\n".into()).await.unwrap().unwrap();
    (job, attempt)
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_node_neither_reads_nor_writes_what_another_runs(pool: PgPool) {
    let harness = start(pool).await;
    let mut owner = Node::join(&harness, "a").await;
    let (job, attempt) = running_job(&harness, &mut owner).await;
    let elsewhere = CreateCluster {
        name: "elsewhere".into(),
        placement_policy: PlacementPolicy::default(),
        max_disconnect: None,
    };
    let elsewhere = harness.client.create_cluster(&elsewhere).await.unwrap().id;
    let home = harness.client.clusters().await.unwrap().items.into_iter().find(|one| one.id != elsewhere);
    let before = harness.client.job_events(job).await.unwrap().items.len();

    for (name, cluster) in [("b", home.unwrap().id), ("c", elsewhere)] {
        let mut other = Node::join_to(&harness, cluster, name).await;
        assert!(other.sync().await.unwrap().desired.is_empty(), "{name} is told of what it does not run");

        // It answers as what never was: whoever guesses an id does not learn that it is one.
        let missing = refused(other.client.supplies(AttemptId::new()).await);
        let refusal = refused(other.client.supplies(attempt).await);
        assert_eq!((refusal.status, refusal.detail), (404, missing.detail), "{name}: supplies");
        for offset in [0, 5, 9] {
            refused_as(
                other.client.put_log(attempt, 0, offset, "theirs\n".into()).await,
                404,
                ErrorCode::NotFound,
            );
        }
        let archive = futures::stream::iter([Ok(bytes::Bytes::from_static(&[0; 1024]))]);
        refused_as(other.client.put_output(attempt, 0, 0, archive).await, 404, ErrorCode::NotFound);
        let failure = OutputFailure { rank: 0, message: "gone".into() };
        refused_as(other.client.fail_output(attempt, 0, &failure).await, 404, ErrorCode::NotFound);
        for refusal in [
            refused(other.client.job(job).await),
            refused(other.client.attempts(job).await),
            refused(other.client.log(job, &LogQuery::default()).await),
        ] {
            assert_eq!(refusal.status, 403, "{name}: routes of users");
        }

        // What it reports of the attempt, in the right epoch and any phase, is told to nobody.
        let ends = [Outcome::Exited, Outcome::Stopped, Outcome::NotStarted, Outcome::Lost].map(|outcome| {
            let code = (outcome == Outcome::Exited).then_some(0);
            (Phase::Ended, Some(result(outcome, code)))
        });
        let others =
            [Phase::Preparing, Phase::Running, Phase::Stopping, Phase::Unknown].map(|phase| (phase, None));
        for (phase, end) in ends.into_iter().chain(others) {
            other.report(attempt, 1, phase, end);
            let answer = other.sync().await.unwrap();
            assert!(answer.desired.is_empty(), "{name} as {phase}: {:?}", answer.desired);
        }
        let now = harness.client.job(job).await.unwrap();
        assert_eq!((now.state, now.epoch, now.nodes), (JobState::Running, 1, vec!["a".to_owned()]), "{name}");
    }

    let attempts = harness.client.attempts(job).await.unwrap().items;
    assert_eq!(attempts.iter().map(|one| one.state).collect::<Vec<_>>(), [AttemptState::Running]);
    assert_eq!(harness.client.job_events(job).await.unwrap().items.len(), before, "a line in its history");
    let outputs = harness.client.outputs(job, &OutputQuery::default()).await.unwrap();
    assert!(outputs.iter().all(|output| output.state != OutputState::Failed), "{outputs:?}");
    assert_eq!(harness.client.log(job, &LogQuery::default()).await.unwrap().bytes, "mine\n");

    // Its own node goes on as if nothing had been.
    owner.client.put_log(attempt, 0, 5, "still mine\n".into()).await.unwrap().unwrap();
    assert!(owner.client.supplies(attempt).await.unwrap().env.contains_key("TOKEN"));
    owner.report(attempt, 1, Phase::Ended, Some(result(Outcome::Exited, Some(0))));
    owner.sync().await.unwrap();
    wait_until(&harness, job, |job| job.state == JobState::Succeeded).await;
    refused_as(owner.client.supplies(attempt).await, 404, ErrorCode::NotFound);
}
