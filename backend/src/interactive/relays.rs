//! What one server holds of streams: ends of users that wait for their agents, and which nodes to tell.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::ws::WebSocket;
use lilac_api::stream::{CONNECT_WITHIN_SECS, StreamOrder};
use lilac_api::{NodeId, StreamId};
use tokio::sync::oneshot;

use super::store::{self, too_many};
use crate::app::App;
use crate::bell::{Bell, Topic};
use crate::error::{ApiError, ApiResult};

/// Streams that one server carries at once.
const MAX_STREAMS: usize = 512;
/// How long after a bell the database is asked for a node's streams: as long as a stream waits for its ends.
const HINT: Duration = Duration::from_secs(CONNECT_WITHIN_SECS);
/// An agent that was told and does not come is told again.
pub const TELL_AGAIN: Duration = Duration::from_secs(2);

/// The streams of this server, and what it was told of those of others.
#[derive(Clone, Default)]
pub struct Relays(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    carried: usize,
    waiting: HashMap<StreamId, oneshot::Sender<WebSocket>>,
    /// Nodes that may be wanted at a stream, and until when. An idle `sync` costs no query.
    hinted: HashMap<NodeId, Instant>,
    /// Until when every node may be wanted, as bells were lost.
    all_hinted: Option<Instant>,
    told: HashMap<StreamId, Instant>,
}

/// What an agent is to be told of streams.
#[derive(Default)]
pub struct Orders {
    pub now: Vec<StreamOrder>,
    /// Whether some were told a moment ago, and must be told again if the agent does not come.
    pub are_pending: bool,
}

/// A user's end that waits for its agent. Its place is given back when it is dropped.
pub struct Place {
    relays: Relays,
    id: StreamId,
    pub agent: oneshot::Receiver<WebSocket>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.relays.lock();
        state.waiting.remove(&self.id);
        state.carried = state.carried.saturating_sub(1);
    }
}

impl Relays {
    /// Begins to hear the bells.
    pub fn start(bell: &Bell) -> Self {
        let relays = Self::default();
        let (mut bells, hears) = (bell.listen_for_streams(), relays.clone());
        tokio::spawn(async move {
            loop {
                match bells.next().await {
                    Topic::Streams(node) => hears.hint(node),
                    Topic::Everything => hears.lock().all_hinted = Some(Instant::now() + HINT),
                    _ => {}
                }
            }
        });
        relays
    }

    /// The node may be wanted at a stream from now on.
    pub fn hint(&self, node: NodeId) {
        let (mut state, now) = (self.lock(), Instant::now());
        state.hinted.retain(|_, until| *until > now);
        state.told.retain(|_, told| now.duration_since(*told) < HINT);
        state.hinted.insert(node, now + HINT);
    }

    /// A place for a user's end, if there is one.
    pub fn wait(&self, id: StreamId) -> ApiResult<Place> {
        let (sender, agent) = oneshot::channel();
        let mut state = self.lock();
        if state.carried >= MAX_STREAMS {
            return Err(too_many("this server carries as many interactive streams as it can"));
        }
        state.carried += 1;
        state.waiting.insert(id, sender);
        drop(state);
        Ok(Place { relays: self.clone(), id, agent })
    }

    /// Whether the user's end of a stream waits here.
    pub fn is_here(&self, id: StreamId) -> bool {
        self.lock().waiting.contains_key(&id)
    }

    /// Hands the agent's end to the user's. False when nobody waits for it any more.
    pub fn meet(&self, id: StreamId, agent: WebSocket) -> bool {
        let waiting = self.lock().waiting.remove(&id);
        waiting.is_some_and(|waiting| waiting.send(agent).is_ok())
    }

    /// What to tell a node's agent. One that was told lately is not told again at once: it is on its way.
    pub async fn orders(&self, app: &App, node: NodeId) -> ApiResult<Orders> {
        let now = Instant::now();
        {
            let state = self.lock();
            let is_hinted = state.hinted.get(&node).is_some_and(|until| *until > now)
                || state.all_hinted.is_some_and(|until| until > now);
            if !is_hinted {
                return Ok(Orders::default());
            }
        }
        let wanted = store::orders(&app.pool, node, |id| app.keys.stream_token(id)).await?;
        let mut state = self.lock();
        let (late, pending): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|order| {
            state.told.get(&order.id).is_none_or(|told| now.duration_since(*told) >= TELL_AGAIN)
        });
        for order in &late {
            state.told.insert(order.id, now);
        }
        Ok(Orders { now: late, are_pending: !pending.is_empty() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The agent came where nobody waits: to another server than the user, or too late.
pub fn not_here() -> ApiError {
    ApiError::not_found("stream on this server")
}
