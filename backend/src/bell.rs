//! Bells: who waits for a change is woken when it happens, on whichever replica it happened.
//!
//! Ring to be fast, poll to be right: a bell carries no data, may ring too often and may be lost. Whoever is
//! woken reads the database; whoever is not, reads it a little later by a timer.
//!
//! Inside a process a bell is a broadcast. Between replicas it is PostgreSQL's NOTIFY, sent by one task
//! beside the transactions and not by the transactions themselves, because a commit that notifies takes a lock
//! that all such commits share.

use std::collections::HashSet;
use std::time::Duration;

use lilac_api::{JobId, NodeId};
use metrics::counter;
use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::{broadcast, mpsc};
use uuid::Uuid;

const CHANNEL: &str = "lilac_bell";
/// Bells kept for a slow listener. One that falls behind hears "everything may have changed".
const CAPACITY: usize = 4096;
/// A payload of NOTIFY stays under 8,000 bytes.
const MAX_PAYLOAD_BYTES: usize = 7000;

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Something that the scheduler should look at: a job queued, a place freed, a node or queue changed.
    Schedule,
    /// What a node should run.
    Node(NodeId),
    /// A job's state.
    Job(JobId),
    /// A job's log.
    Log(JobId),
    /// A node as users see it.
    NodeView(NodeId),
    /// A queue as users see it.
    QueueView(Uuid),
    /// A message to a hook that somebody asked for.
    Hook,
    /// Bells may have been lost: look at everything.
    Everything,
}

impl Topic {
    fn encode(self) -> String {
        match self {
            Self::Schedule => "s".to_owned(),
            Self::Node(id) => format!("n{}", id.0.simple()),
            Self::Job(id) => format!("j{}", id.0.simple()),
            Self::Log(id) => format!("l{}", id.0.simple()),
            Self::NodeView(id) => format!("v{}", id.0.simple()),
            Self::QueueView(id) => format!("q{}", id.simple()),
            Self::Hook => "h".to_owned(),
            Self::Everything => "*".to_owned(),
        }
    }

    fn decode(text: &str) -> Option<Self> {
        let kind = text.chars().next()?;
        let id = || text.get(1..)?.parse::<Uuid>().ok();
        Some(match kind {
            's' => Self::Schedule,
            'n' => Self::Node(NodeId(id()?)),
            'j' => Self::Job(JobId(id()?)),
            'l' => Self::Log(JobId(id()?)),
            'v' => Self::NodeView(NodeId(id()?)),
            'q' => Self::QueueView(id()?),
            'h' => Self::Hook,
            '*' => Self::Everything,
            _ => return None,
        })
    }
}

#[derive(Clone)]
pub struct Bell {
    local: broadcast::Sender<Topic>,
    remote: mpsc::Sender<Topic>,
}

/// Hears the bells from when it was made.
pub struct Listener(broadcast::Receiver<Topic>);

impl Bell {
    /// Starts the tasks that carry bells to and from the other replicas.
    pub fn start(pool: PgPool) -> Self {
        let (local, _) = broadcast::channel(CAPACITY);
        let (remote, outbox) = mpsc::channel(CAPACITY);
        let origin = Uuid::now_v7().simple().to_string();
        tokio::spawn(send(pool.clone(), outbox, origin.clone()));
        tokio::spawn(receive(pool, local.clone(), origin));
        Self { local, remote }
    }

    /// Rings here and, soon after, on the other replicas. Call it after the commit.
    pub fn ring(&self, topic: Topic) {
        // Nobody listening here, or a full outbox: the timers of those who wait make up for it.
        let _ = self.local.send(topic);
        let _ = self.remote.try_send(topic);
    }

    pub fn ring_all(&self, topics: impl IntoIterator<Item = Topic>) {
        for topic in topics {
            self.ring(topic);
        }
    }

    pub fn listen(&self) -> Listener {
        Listener(self.local.subscribe())
    }
}

impl Listener {
    /// The next bell. A listener that fell behind hears `Everything`.
    pub async fn next(&mut self) -> Topic {
        match self.0.recv().await {
            Ok(topic) => topic,
            Err(broadcast::error::RecvError::Lagged(_)) => Topic::Everything,
            // The sender lives as long as the server.
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }

    /// Waits for one of the topics that `wanted` names, at most for `timeout`. Says whether one rang.
    pub async fn wait_for(&mut self, timeout: Duration, wanted: impl Fn(Topic) -> bool) -> bool {
        let heard = async {
            loop {
                let topic = self.next().await;
                if topic == Topic::Everything || wanted(topic) {
                    return;
                }
            }
        };
        tokio::time::timeout(timeout, heard).await.is_ok()
    }
}

async fn send(pool: PgPool, mut outbox: mpsc::Receiver<Topic>, origin: String) {
    let mut topics = Vec::new();
    while outbox.recv_many(&mut topics, CAPACITY).await > 0 {
        let distinct: HashSet<Topic> = topics.drain(..).collect();
        counter!("lilac_bells_total", "direction" => "sent").increment(distinct.len() as u64);
        let mut payload = origin.clone();
        let mut payloads = Vec::new();
        for topic in distinct {
            let word = topic.encode();
            if payload.len() + 1 + word.len() > MAX_PAYLOAD_BYTES {
                payloads.push(std::mem::replace(&mut payload, origin.clone()));
            }
            payload.push(' ');
            payload.push_str(&word);
        }
        payloads.push(payload);
        let sent = sqlx::query("SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload")
            .bind(CHANNEL)
            .bind(&payloads)
            .execute(&pool)
            .await;
        if let Err(error) = sent {
            tracing::debug!(%error, "a bell was not carried to the other replicas");
        }
    }
}

async fn receive(pool: PgPool, local: broadcast::Sender<Topic>, origin: String) {
    loop {
        let listening = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.listen(CHANNEL).await?;
            // What rang while nobody listened is unknown.
            let _ = local.send(Topic::Everything);
            loop {
                let Some(notification) = listener.try_recv().await? else {
                    // The connection was lost and made anew.
                    let _ = local.send(Topic::Everything);
                    continue;
                };
                let mut words = notification.payload().split(' ');
                if words.next() == Some(origin.as_str()) {
                    continue;
                }
                for topic in words.filter_map(Topic::decode) {
                    counter!("lilac_bells_total", "direction" => "heard").increment(1);
                    let _ = local.send(topic);
                }
            }
        };
        let result: Result<(), sqlx::Error> = listening.await;
        if pool.is_closed() {
            return;
        }
        if let Err(error) = result {
            tracing::warn!(%error, "bells of other replicas are not heard; listening again");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
