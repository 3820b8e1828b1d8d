//! What agents say.

use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use reqwest::{Method, StatusCode, header};

use super::{Client, ClientError, Result, TRANSFER_TIMEOUT};
use crate::agent::{
    LogOffset, RegisterRequest, RegisterResponse, SYNC_WAIT_SECS, Supplies, SyncRequest, SyncResponse,
};
use crate::auth::Secret;
use crate::ids::{AttemptId, StreamId};
use crate::job::log_headers;
use crate::metric::MetricsReport;
use crate::output::OutputFailure;
use crate::problem::Problem;
use crate::socket::{Listener, Speaker};
use crate::stream::TOKEN_HEADER;

impl Client {
    pub async fn register(&self, request: &RegisterRequest) -> Result<RegisterResponse> {
        self.post("/agent/register", request).await
    }

    pub async fn sync(&self, request: &SyncRequest) -> Result<SyncResponse> {
        let timeout = Duration::from_secs(SYNC_WAIT_SECS + 10);
        self.json(self.request(Method::POST, "/agent/sync").timeout(timeout).json(request)).await
    }

    /// What the container of an attempt needs, for the node that runs it.
    pub async fn supplies(&self, attempt: AttemptId) -> Result<Supplies> {
        self.get(&format!("/agent/attempts/{attempt}/supplies")).await
    }

    /// Hands over what a node measured.
    pub async fn put_metrics(&self, report: &MetricsReport) -> Result<()> {
        self.send(self.request(Method::POST, "/agent/metrics").json(report)).await.map(|_| ())
    }

    /// Connects the node's end of a stream.
    pub async fn agent_stream(&self, id: StreamId, token: &Secret) -> Result<(Speaker, Listener)> {
        let request = self.request(Method::GET, &format!("/agent/streams/{id}"));
        self.socket(request.header(TOKEN_HEADER, &token.0)).await
    }

    /// Hands over an output: a tar archive. A body that breaks off with an error is not taken.
    pub async fn put_output(
        &self,
        attempt: AttemptId,
        rank: u16,
        index: u16,
        archive: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    ) -> Result<()> {
        let request = self
            .request(Method::PUT, &format!("/agent/attempts/{attempt}/outputs/{index}"))
            .query(&[("rank", rank)])
            .header(header::CONTENT_TYPE, "application/x-tar")
            .timeout(TRANSFER_TIMEOUT)
            .body(reqwest::Body::wrap_stream(archive));
        self.send(request).await.map(|_| ())
    }

    /// Says that an output cannot be handed over.
    pub async fn fail_output(&self, attempt: AttemptId, index: u16, failure: &OutputFailure) -> Result<()> {
        let path = format!("/agent/attempts/{attempt}/outputs/{index}/failure");
        self.send(self.request(Method::POST, &path).json(failure)).await.map(|_| ())
    }

    /// Hands over a part of a log. The inner error is the offset that the server expects instead.
    pub async fn put_log(
        &self,
        attempt: AttemptId,
        rank: u16,
        offset: u64,
        bytes: Bytes,
    ) -> Result<std::result::Result<LogOffset, LogOffset>> {
        let request = self
            .request(Method::PUT, &format!("/agent/attempts/{attempt}/logs"))
            .query(&[("rank", u64::from(rank)), ("offset", offset)])
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(bytes);
        let response = request.send().await.map_err(|error| self.transport(&error))?;
        let expected = response
            .headers()
            .get(log_headers::NEXT_OFFSET)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(|offset| LogOffset { offset });
        match (response.status(), expected) {
            (StatusCode::OK, Some(stored)) => Ok(Ok(stored)),
            (StatusCode::CONFLICT, Some(expected)) => Ok(Err(expected)),
            (status, _) => {
                let body = self.bounded_body(response).await?;
                match serde_json::from_slice::<Problem>(&body) {
                    Ok(problem) => Err(ClientError::Refused(Box::new(problem))),
                    Err(_) => Err(self.not_lilac(format!("status {}", status.as_u16()))),
                }
            }
        }
    }
}
