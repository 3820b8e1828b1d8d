//! How a browser shows who it is when it connects to a stream.
//!
//! A browser sends no `Authorization` with a WebSocket, and a cookie would come along from any page that asks. So the
//! answer that opens a stream carries a ticket, which the page shows among the subprotocols: a header that is not
//! logged, as an address would be. It names the stream and the credential that opened it, is signed, and is good for as
//! long as the stream waits, which is connected to once. Who copies it later has nothing.

use axum::http::{HeaderMap, header};
use chrono::{DateTime, Utc};
use lilac_api::StreamId;
use lilac_api::auth::{Role, Secret};
use lilac_api::stream::TICKET_PREFIX;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::auth::caller::{Caller, refused};
use crate::auth::known::Credential;
use crate::error::{ApiError, ApiResult};

#[derive(Clone, Serialize, Deserialize)]
struct Ticket {
    stream: StreamId,
    credential: Credential,
    exp: i64,
}

/// The ticket of a stream that the caller opened.
pub fn issue(app: &App, caller: &Caller, stream: StreamId, expires_at: DateTime<Utc>) -> Option<Secret> {
    // Whole seconds: the stream itself ends it sooner.
    let exp = expires_at.timestamp() + 1;
    app.keys.seal_ticket(&Ticket { stream, credential: caller.credential, exp })
}

/// The ticket among the subprotocols of a request.
pub fn shown(headers: &HeaderMap) -> Option<&str> {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let mut words = offered.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    words.find_map(|word| word.trim().strip_prefix(TICKET_PREFIX))
}

/// Who opened the stream, as they are now: a key may have been revoked since.
pub async fn holder(app: &App, ticket: &str, stream: StreamId) -> ApiResult<Caller> {
    let ticket: Ticket = app.keys.open_ticket(ticket).ok_or_else(refused)?;
    if ticket.stream != stream {
        return Err(refused());
    }
    let known = app.callers.user(app, ticket.credential).await?;
    if !known.is_current() {
        return Err(refused());
    }
    let caller = known.caller.clone();
    if caller.role < Role::Member || caller.must_change_password {
        return Err(ApiError::forbidden("a viewer may look, and change nothing"));
    }
    tracing::Span::current().record("user", &caller.username);
    Ok(caller)
}
