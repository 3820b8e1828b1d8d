//! Outputs: handed over by a node that speaks the protocol, and read by users.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use lilac_api::agent::{Outcome, Phase, TaskSpec};
use lilac_api::auth::Role;
use lilac_api::client::ClientError;
use lilac_api::job::JobState;
use lilac_api::output::{EntryKind, JobOutput, OutputFailure, OutputFileQuery, OutputQuery, OutputState};
use lilac_api::problem::ErrorCode;
use lilac_api::quantity::Span;
use lilac_api::spec::Output;
use lilac_api::team::CreateTeam;
use lilac_api::{AttemptId, JobId};
use lilac_server::app::Settings;
use lilac_server::auth::settings::AuthSettings;
use lilac_server::blob::{self, Store};
use lilac_server::output::OutputLimits;
use sqlx::PgPool;
use tar::{Builder, EntryType, Header};

use crate::protocol::{Node, result, submit, wait_until};
use crate::support::{Harness, eventually, refused, refused_as, start_as};

/// A server, and a node that runs a job with two outputs.
struct Bed {
    harness: Harness,
    node: Node,
    job: JobId,
    attempt: AttemptId,
    task: TaskSpec,
    store: Store,
}

impl Bed {
    async fn start(pool: PgPool, outputs: OutputLimits) -> Self {
        let store = blob::in_memory();
        let settings = Settings { store: store.clone(), outputs, ..Settings::default() };
        let harness = start_as(pool, AuthSettings::default(), settings).await;
        lilac_server::scheduler::start(harness.app.clone());
        let mut node = Node::join(&harness, "n1").await;
        let job = submit(&harness, |spec| {
            let keep = Some(Span(Duration::from_secs(7200)));
            spec.outputs =
                vec![Output { path: "/out".into(), keep }, Output { path: "/model.bin".into(), keep: None }];
        })
        .await;
        let task = node.task(job).await;
        let attempt = harness.client.attempts(job).await.unwrap().items[0].id;
        Self { harness, node, job, attempt, task, store }
    }

    async fn put(&self, index: u16, archive: Vec<u8>) -> Result<(), ClientError> {
        let pieces: Vec<io::Result<Bytes>> =
            archive.chunks(70_001).map(|piece| Ok(piece.to_vec().into())).collect();
        self.node.client.put_output(self.attempt, 0, index, futures::stream::iter(pieces)).await
    }

    async fn list(&self) -> Vec<JobOutput> {
        self.harness.client.outputs(self.job, &OutputQuery::default()).await.unwrap()
    }

    async fn download(&self, index: u16) -> Result<Vec<u8>, ClientError> {
        let pieces = self.harness.client.download_output(self.job, index, &OutputQuery::default()).await?;
        let pieces: Vec<_> = pieces.try_collect().await?;
        Ok(pieces.concat())
    }

    async fn file(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        let query = OutputFileQuery { path: path.to_owned(), ..OutputFileQuery::default() };
        let pieces = self.harness.client.download_output_file(self.job, 0, &query).await?;
        let pieces: Vec<_> = pieces.try_collect().await?;
        Ok(pieces.concat())
    }

    async fn objects(&self) -> usize {
        let listed: Vec<_> = self.store.list(None).try_collect().await.unwrap();
        listed.len()
    }
}

/// Bytes that do not compress, so that the object has frames of many sizes.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u8::try_from(state >> 56).unwrap()
    };
    (0..length).map(|_| next()).collect()
}

fn archive(files: &[(&str, &[u8])], link: Option<(&str, &str)>) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, *content).unwrap();
    }
    if let Some((path, target)) = link {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, path, target).unwrap();
    }
    builder.into_inner().unwrap()
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn what_a_job_leaves_can_be_had_byte_for_byte(pool: PgPool) {
    let mut bed = Bed::start(pool, OutputLimits::default()).await;
    let told: Vec<_> = bed.task.outputs.iter().map(|output| output.path.as_str()).collect();
    assert_eq!(told, ["/out", "/model.bin"]);
    assert_eq!(bed.task.outputs[0].max_bytes, OutputLimits::default().bytes);
    assert!(bed.list().await.iter().all(|output| output.state == OutputState::Pending));
    refused_as(bed.download(0).await, 409, ErrorCode::Conflict);

    let large = noise(3_000_000);
    let whole = archive(&[("a/large.bin", &large), ("b.txt", b"bee"), ("empty", b"")], Some(("l", "b.txt")));
    bed.put(0, whole.clone()).await.unwrap();
    bed.put(0, whole.clone()).await.unwrap();
    assert_eq!(bed.objects().await, 1, "an upload that comes twice is kept once");
    let failure = OutputFailure { rank: 0, message: "there is nothing at `/model.bin`".into() };
    bed.node.client.fail_output(bed.attempt, 1, &failure).await.unwrap();
    bed.node.client.fail_output(bed.attempt, 0, &failure).await.unwrap();

    let outputs = bed.list().await;
    let [out, model] = outputs.as_slice() else { panic!("{outputs:?}") };
    assert_eq!((out.state, out.path.as_str(), out.epoch), (OutputState::Stored, "/out", 1), "{out:?}");
    assert_eq!((out.bytes, out.entry_count), (whole.len() as u64, 4));
    let entries: Vec<_> =
        out.entries.iter().map(|entry| (entry.path.as_str(), entry.kind, entry.size)).collect();
    let expected = [
        ("a/large.bin", EntryKind::File, 3_000_000),
        ("b.txt", EntryKind::File, 3),
        ("empty", EntryKind::File, 0),
        ("l", EntryKind::Link, 0),
    ];
    assert_eq!(entries, expected);
    let kept = (out.kept_until.unwrap() - chrono::Utc::now()).num_minutes();
    assert!((100..=120).contains(&kept), "as long as the spec says: {kept} minutes");
    assert_eq!((model.state, model.message.as_str()), (OutputState::Failed, failure.message.as_str()));

    assert!(bed.download(0).await.unwrap() == whole);
    assert!(bed.file("a/large.bin").await.unwrap() == large);
    assert_eq!(bed.file("b.txt").await.unwrap(), b"bee");
    assert_eq!(bed.file("empty").await.unwrap(), b"");
    let problem = refused(bed.download(1).await);
    assert_eq!(problem.status, 409);
    assert!(problem.detail.contains("nothing at"), "{}", problem.detail);
    for path in ["l", "a", "../b.txt", "/etc/passwd", "nothing"] {
        refused_as(bed.file(path).await, 404, ErrorCode::NotFound);
    }
    refused_as(bed.download(2).await, 404, ErrorCode::NotFound);

    // They outlive the job's end.
    bed.node.report(bed.attempt, 1, Phase::Ended, Some(result(Outcome::Exited, Some(0))));
    bed.node.sync().await.unwrap();
    wait_until(&bed.harness, bed.job, |job| job.state == JobState::Succeeded).await;
    assert!(bed.download(0).await.unwrap() == whole);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn outputs_are_their_teams_and_their_nodes_own(pool: PgPool) {
    let bed = Bed::start(pool, OutputLimits::default()).await;
    bed.put(0, archive(&[("a", b"x")], None)).await.unwrap();
    let team = bed.harness.client.create_team(&CreateTeam { name: "elsewhere".into() }).await.unwrap();
    let (user, outsider) = bed.harness.user("outsider", Role::Member).await;
    bed.harness.client.add_team_member(team.id, user.id).await.unwrap();
    for team in bed.harness.client.teams().await.unwrap().items.iter().filter(|one| one.name == "default") {
        bed.harness.client.remove_team_member(team.id, user.id).await.unwrap();
    }
    let query = OutputQuery::default();
    refused_as(outsider.outputs(bed.job, &query).await, 404, ErrorCode::NotFound);
    refused_as(outsider.download_output(bed.job, 0, &query).await, 404, ErrorCode::NotFound);

    let other = Node::join(&bed.harness, "n2").await;
    let pieces = futures::stream::iter([Ok(Bytes::from(archive(&[("a", b"forged")], None)))]);
    refused_as(other.client.put_output(bed.attempt, 0, 1, pieces).await, 404, ErrorCode::NotFound);
    let failure = OutputFailure { rank: 0, message: "forged".into() };
    refused_as(other.client.fail_output(bed.attempt, 1, &failure).await, 404, ErrorCode::NotFound);
    assert_eq!(bed.list().await[1].state, OutputState::Pending);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn nothing_stays_of_what_is_refused(pool: PgPool) {
    let limits = OutputLimits { bytes: 1 << 20, file_bytes: 600_000, ..OutputLimits::default() };
    let bed = Bed::start(pool, limits).await;
    let large = noise(600_001);
    refused_as(bed.put(0, archive(&[("a", &large)], None)).await, 413, ErrorCode::TooLarge);
    let several: Vec<_> = ["a", "b", "c"].into_iter().map(|path| (path, &large[..500_000])).collect();
    refused_as(bed.put(0, archive(&several, None)).await, 413, ErrorCode::TooLarge);
    refused_as(
        bed.put(0, archive(&[("a", b"x")], Some(("l", "/etc/passwd")))).await,
        422,
        ErrorCode::InvalidField,
    );
    refused_as(bed.put(0, b"no archive at all".repeat(100)).await, 422, ErrorCode::InvalidField);
    refused_as(bed.put(16, archive(&[], None)).await, 404, ErrorCode::NotFound);
    let too_long = OutputFailure { rank: 0, message: "x".repeat(2001) };
    let problem = refused(bed.node.client.fail_output(bed.attempt, 0, &too_long).await);
    assert_eq!((problem.status, problem.errors[0].path.as_str()), (422, "message"));
    let elsewhere = bed.node.client.put_output(bed.attempt, 1, 0, futures::stream::iter([])).await;
    refused_as(elsewhere, 404, ErrorCode::NotFound);

    // A node that dies in the middle, at the end of an entry even, leaves no half of an output.
    let half = archive(&[("a", &large[..512])], None)[..1024].to_vec();
    let pieces = [Ok(Bytes::from(half)), Err(io::Error::other("the node is gone"))];
    let broken = bed.node.client.put_output(bed.attempt, 0, 0, futures::stream::iter(pieces)).await;
    assert!(broken.is_err());
    eventually(async || bed.objects().await == 0).await;
    assert_eq!(bed.list().await[0].state, OutputState::Pending);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn an_output_goes_when_its_time_is_over(pool: PgPool) {
    let bed = Bed::start(pool, OutputLimits::default()).await;
    bed.put(0, archive(&[("a", b"x")], None)).await.unwrap();
    sqlx::query("UPDATE outputs SET remove_at = now() - interval '1 s'")
        .execute(&bed.harness.app.pool)
        .await
        .unwrap();
    // A new leader looks at once.
    bed.harness.app.stopping.cancel();
    let settings = Settings { store: bed.store.clone(), ..Settings::default() };
    let second = start_as(bed.harness.app.pool.clone(), AuthSettings::default(), settings).await;
    lilac_server::scheduler::start(second.app.clone());
    let list = async || second.client.outputs(bed.job, &OutputQuery::default()).await.unwrap();
    eventually(async || list().await[0].state == OutputState::Removed).await;
    eventually(async || bed.objects().await == 0).await;
    let query = OutputQuery::default();
    refused_as(second.client.download_output(bed.job, 0, &query).await, 409, ErrorCode::Conflict);
}
