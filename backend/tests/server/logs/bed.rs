//! A server with a node that runs one job, and what the tests of logs ask of them.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt, TryStreamExt};
use lilac_api::agent::{Outcome, Phase, TaskResult};
use lilac_api::client::LogPart;
use lilac_api::job::{JobState, LogDownload, LogQuery};
use lilac_api::log::LogSearch;
use lilac_api::{AttemptId, JobId};
use lilac_server::app::Settings;
use lilac_server::auth::settings::AuthSettings;
use lilac_server::blob::Store;
use sqlx::PgPool;
use tower::ServiceExt;

use crate::protocol::{Node, result, submit, wait_until};
use crate::support::{Harness, start_as};

pub struct Bed {
    pub harness: Harness,
    pub node: Node,
    pub job: JobId,
    pub attempt: AttemptId,
    /// Length of what was handed over.
    pub uploaded: u64,
}

/// A server with these settings.
pub async fn server(pool: PgPool, settings: Settings) -> Harness {
    start_as(pool, AuthSettings::default(), settings).await
}

/// Settings with which an ended log is moved at once.
pub fn settings(store: Store) -> Settings {
    Settings { store, log_settles: Duration::ZERO, ..Settings::default() }
}

/// A log in which every line is another.
pub fn text(lines: u64) -> Vec<u8> {
    // Long enough that a hundred thousand of them fill more than a segment.
    let mut text = Vec::new();
    for line in 1..=lines {
        if line % 2 == 0 {
            text.extend_from_slice(format!("{}\n", "x".repeat(90)).as_bytes());
        }
        text.extend_from_slice(format!("line {line}\n").as_bytes());
    }
    text
}

pub fn decode(data: &str) -> Vec<u8> {
    STANDARD.decode(data).unwrap()
}

impl Bed {
    pub async fn start(pool: PgPool, settings: Settings) -> Self {
        let harness = server(pool, settings).await;
        lilac_server::scheduler::start(harness.app.clone());
        let mut node = Node::join(&harness, "n1").await;
        let job = submit(&harness, |_| {}).await;
        let attempt = node.wait_for(job).await;
        node.report(attempt, 1, Phase::Running, None);
        node.sync().await.unwrap();
        Self { harness, node, job, attempt, uploaded: 0 }
    }

    /// Hands bytes over behind those before, in pieces as an agent makes them.
    pub async fn upload(&mut self, bytes: &[u8]) {
        self.upload_at(usize::try_from(self.uploaded).unwrap(), bytes).await;
    }

    pub async fn upload_at(&mut self, offset: usize, bytes: &[u8]) {
        let mut offset = offset as u64;
        for piece in bytes.chunks(150_001) {
            let stored = self.node.client.put_log(self.attempt, 0, offset, piece.to_vec().into()).await;
            offset = stored.unwrap().unwrap().offset;
        }
        self.uploaded = offset;
    }

    /// The node says that the job ended well, with so long a log.
    pub async fn end(&mut self, length: usize) {
        let ended = TaskResult { log_bytes: length as u64, ..result(Outcome::Exited, Some(0)) };
        self.node.report(self.attempt, 1, Phase::Ended, Some(ended));
        self.node.sync().await.unwrap();
        wait_until(&self.harness, self.job, |job| job.state == JobState::Succeeded).await;
    }

    pub async fn read(&self, query: LogQuery) -> LogPart {
        self.harness.client.log(self.job, &query).await.unwrap()
    }

    pub async fn download(&self) -> Vec<u8> {
        let pieces = self.harness.client.download_log(self.job, &LogDownload::default()).await.unwrap();
        let pieces: Vec<_> = pieces.try_collect().await.unwrap();
        pieces.concat()
    }

    /// Every line that matches, over as many calls as it takes.
    pub async fn search(&self, mut query: LogSearch) -> Vec<(u64, String)> {
        let mut found = Vec::new();
        loop {
            let page = self.harness.client.search_log(self.job, &query).await.unwrap();
            assert!(page.items.len() <= query.limit.unwrap_or(100) as usize);
            found.extend(page.items.into_iter().map(|one| (one.offset, one.text)));
            if page.reached_end {
                return found;
            }
            assert!(query.offset < Some(page.next_offset), "a search that does not get on");
            query.offset = Some(page.next_offset);
        }
    }

    /// Waits until the log has so many segments; gives where the last ends.
    pub async fn moved(&self, segments: i64) -> usize {
        until("segments in the store", || async {
            let (count, end): (i64, Option<i64>) =
                sqlx::query_as("SELECT count(*), max(end_byte) FROM log_segments WHERE attempt_id = $1")
                    .bind(self.attempt.0)
                    .fetch_one(&self.harness.app.pool)
                    .await
                    .unwrap();
            (count >= segments).then(|| usize::try_from(end.unwrap()).unwrap())
        })
        .await
    }

    pub async fn all_moved(&self) {
        until("a database without logs", || async { (self.chunks().await == 0).then_some(()) }).await;
    }

    pub async fn chunks(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM log_chunks").fetch_one(&self.harness.app.pool).await.unwrap()
    }

    /// A fresh token of the administrator.
    pub async fn token(&self) -> String {
        self.harness.admin_header().await
    }
}

/// Asks until there is an answer, for a minute at the most.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking)
        .await
        .unwrap_or_else(|_| panic!("waited for: {what}"))
}

/// The paths of all objects of a store.
pub async fn objects(store: &Store) -> Vec<String> {
    let listed: Vec<_> = store.list(None).try_collect().await.unwrap();
    listed.into_iter().map(|object| object.location.to_string()).collect()
}

/// Reads a live log behind `place` to its end: the bytes, and the ids of the events.
pub async fn follow(router: Router, path: String, token: String, place: String) -> (Vec<u8>, Vec<String>) {
    let request = Request::get(path)
        .header(header::AUTHORIZATION, token)
        .header("last-event-id", place)
        .body(Body::empty())
        .unwrap();
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let mut body = response.into_body().into_data_stream();
    let (mut text, mut bytes, mut ids) = (String::new(), Vec::new(), Vec::new());
    while let Some(piece) = body.next().await {
        text.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
    }
    for line in text.lines() {
        if let Some(id) = line.strip_prefix("id: ") {
            ids.push(id.to_owned());
        } else if let Some(data) = line.strip_prefix("data: ") {
            let data: serde_json::Value = serde_json::from_str(data).unwrap();
            bytes.extend(data["data"].as_str().map(decode).unwrap_or_default());
        }
    }
    (bytes, ids)
}
