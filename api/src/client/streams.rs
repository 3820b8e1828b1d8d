//! Streams into containers.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode, header};

use super::{Client, Result};
use crate::auth::Secret;
use crate::ids::{JobId, StreamId};
use crate::socket::{self, Listener, Speaker};
use crate::stream::{ExecJob, ForwardPort, OpenedStream, SUBPROTOCOL, TICKET_PREFIX};

/// Longest that a WebSocket may take to come about.
const SOCKET_TIMEOUT: Duration = Duration::from_secs(20);

impl Client {
    /// Opens a stream to a program that is run in the job's container.
    pub async fn exec(&self, id: JobId, request: &ExecJob) -> Result<OpenedStream> {
        self.post(&format!("/jobs/{id}/exec"), request).await
    }

    /// Opens a stream to a port of the job's container.
    pub async fn forward_port(&self, id: JobId, request: &ForwardPort) -> Result<OpenedStream> {
        self.post(&format!("/jobs/{id}/port-forward"), request).await
    }

    /// Connects to a stream that the caller has opened.
    pub async fn stream(&self, id: StreamId) -> Result<(Speaker, Listener)> {
        self.socket(self.request(Method::GET, &format!("/streams/{id}"))).await
    }

    /// As [`Client::stream`], with a stream's ticket in place of the client's credential, as a browser does.
    pub async fn stream_by_ticket(&self, id: StreamId, ticket: &Secret) -> Result<(Speaker, Listener)> {
        let request = self.http.request(Method::GET, format!("{}/api/v1/streams/{id}", self.base));
        self.socket_offering(request, &format!("{SUBPROTOCOL}, {TICKET_PREFIX}{}", ticket.0)).await
    }

    pub(super) async fn socket(&self, request: RequestBuilder) -> Result<(Speaker, Listener)> {
        self.socket_offering(request, SUBPROTOCOL).await
    }

    async fn socket_offering(&self, request: RequestBuilder, protocols: &str) -> Result<(Speaker, Listener)> {
        let (key, accept) = socket::key();
        let request = request
            .timeout(SOCKET_TIMEOUT)
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_PROTOCOL, protocols)
            .header(header::SEC_WEBSOCKET_KEY, key);
        let response = request.send().await.map_err(|error| self.transport(&error))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(self.refusal(response).await);
        }
        socket::open(response, &accept).await.map_err(|message| self.not_lilac(message))
    }
}
