//! One stream from the moment its user connected: waits for the agent, carries, and ends it when it must end.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures::stream::SplitSink;
use futures::{SinkExt, StreamExt};
use lilac_api::stream::{CONNECT_WITHIN_SECS, Control};
use tokio::time::timeout;

use super::carry::{Pulse, carry, from_agent, from_user};
use super::relays::Place;
use super::store::{self, Claimed};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::bell::Topic;

/// How often it is looked whether the stream may go on, although no bell rang.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long nothing may flow.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// How long an end may take to hear the last word.
const GOODBYE: Duration = Duration::from_secs(3);

pub async fn run(app: Arc<App>, caller: Caller, stream: Claimed, mut place: Place, user: WebSocket) {
    metrics::gauge!("lilac_streams").increment(1);
    let (mut to_user, mut of_user) = user.split();
    let agent = tokio::select! {
        agent = timeout(Duration::from_secs(CONNECT_WITHIN_SECS), &mut place.agent) => agent.ok().and_then(Result::ok),
        // The user has nothing to say before it starts, and may hang up.
        _ = of_user.next() => {
            finish(&app, &stream).await;
            return;
        }
        () = app.stopping.cancelled() => None,
    };
    let Some(agent) = agent else {
        let why =
            "the job's node did not answer in time; its agent may be older than this server, or not reach it";
        tell(&mut to_user, why).await;
        finish(&app, &stream).await;
        return;
    };
    let (mut to_agent, mut of_agent) = agent.split();
    let pulse = Pulse::default();
    let end = tokio::select! {
        () = carry(&mut of_user, &mut to_agent, from_user, &pulse) => None,
        () = carry(&mut of_agent, &mut to_user, from_agent, &pulse) => None,
        why = until_over(&app, &caller, &stream, &pulse) => Some(why),
    };
    if let Some(why) = end {
        tell(&mut to_user, why).await;
    }
    // Whichever end is left learns by this that the other is gone.
    let _ = timeout(GOODBYE, async { tokio::join!(to_user.close(), to_agent.close()) }).await;
    drop(place);
    finish(&app, &stream).await;
}

async fn finish(app: &App, stream: &Claimed) {
    metrics::gauge!("lilac_streams").decrement(1);
    if let Err(error) = store::end(&app.pool, stream.id).await {
        // It stops to count by itself.
        tracing::debug!(stream_id = %stream.id, %error, "a stream's end was not noted");
    }
}

async fn tell(to: &mut SplitSink<WebSocket, Message>, why: &str) {
    let message = Message::Text(Control::Failed(why.to_owned()).text().into());
    let _ = timeout(GOODBYE, async {
        let _ = to.send(message).await;
        let _ = to.close().await;
    })
    .await;
}

/// Waits until the stream must not go on, and says why.
async fn until_over(app: &App, caller: &Caller, stream: &Claimed, pulse: &Pulse) -> &'static str {
    let mut bells = app.bell.listen();
    loop {
        if !caller.is_still_valid(app).await {
            return "your login or API key has ended, or may do less than before";
        }
        match store::keep_alive(&app.pool, stream.id).await {
            Ok(true) => {}
            Ok(false) => return "the job's attempt has ended",
            Err(error) => tracing::debug!(%error, "a stream goes on without the database"),
        }
        if pulse.is_silent_for(IDLE) {
            return "nothing was sent for 30 minutes";
        }
        let of_job = |topic| topic == Topic::Job(stream.job_id);
        tokio::select! {
            _ = bells.wait_for(LOOK_EVERY, Duration::ZERO, of_job) => {}
            () = app.stopping.cancelled() => return "the server stops",
        }
    }
}
