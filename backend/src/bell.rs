//! Bells: who waits for a change is woken when it happens, on whichever replica it happened.
//!
//! Ring to be fast, poll to be right: a bell carries no data, may ring too often and may be lost. Whoever is
//! woken reads the database; whoever is not, reads it a little later by a timer.
//!
//! Inside a process a bell is a broadcast to the few who hear of everything, and a list per topic for the many who
//! wait for one thing: ten thousand nodes must not all wake because one of them got a job. Between replicas it is
//! PostgreSQL's NOTIFY, sent by one task beside the transactions and not by the transactions themselves, because a
//! commit that notifies takes a lock that all such commits share.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use lilac_api::{JobId, NodeId};
use metrics::counter;
use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{Notify, broadcast, mpsc};
use tokio::time::Instant;
use uuid::Uuid;

const CHANNEL: &str = "lilac_bell";
/// Bells kept for a slow listener. One that falls behind hears "everything may have changed".
const CAPACITY: usize = 4096;
/// How long bells to the other replicas are gathered after some were sent. The first is sent at once.
const GATHER_FOR: Duration = Duration::from_millis(10);
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
    /// Streams at which a node's agent is wanted.
    Streams(NodeId),
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
            Self::Streams(id) => format!("t{}", id.0.simple()),
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
            't' => Self::Streams(NodeId(id()?)),
            'q' => Self::QueueView(id()?),
            'h' => Self::Hook,
            '*' => Self::Everything,
            _ => return None,
        })
    }
}

#[derive(Clone)]
pub struct Bell {
    local: Local,
    remote: mpsc::Sender<Topic>,
    /// A bell found the outbox full: the other replicas are told to look at everything.
    overflowed: Arc<AtomicBool>,
}

/// Who hears the bells of this process.
#[derive(Clone)]
struct Local {
    /// All bells but those of streams.
    all: broadcast::Sender<Topic>,
    streams: broadcast::Sender<Topic>,
    waiting: Arc<Waiting>,
}

/// Those who wait for one topic, by topic.
#[derive(Default)]
struct Waiting(Mutex<HashMap<Topic, Vec<Arc<Notify>>>>);

/// Hears the bells of some topics from when it was made. One that rang while nobody waited is not lost.
pub struct Watch {
    topics: Vec<Topic>,
    rang: Arc<Notify>,
    among: Arc<Waiting>,
}

/// Hears the bells from when it was made.
pub struct Listener {
    bells: broadcast::Receiver<Topic>,
    /// When it last waited for a bell and heard one.
    heard_at: Option<Instant>,
}

impl Bell {
    /// Starts the tasks that carry bells to and from the other replicas.
    pub fn start(pool: PgPool) -> Self {
        let local = Local {
            all: broadcast::channel(CAPACITY).0,
            streams: broadcast::channel(CAPACITY).0,
            waiting: Arc::default(),
        };
        let (remote, outbox) = mpsc::channel(CAPACITY);
        let overflowed = Arc::new(AtomicBool::new(false));
        let origin = Uuid::now_v7().simple().to_string();
        tokio::spawn(send(pool.clone(), outbox, overflowed.clone(), origin.clone()));
        tokio::spawn(receive(pool, local.clone(), origin));
        Self { local, remote, overflowed }
    }

    /// Rings here and, soon after, on the other replicas. Call it after the commit.
    pub fn ring(&self, topic: Topic) {
        self.local.ring(topic);
        if self.remote.try_send(topic).is_err() {
            self.overflowed.store(true, Ordering::Relaxed);
        }
    }

    pub fn ring_all(&self, topics: impl IntoIterator<Item = Topic>) {
        for topic in topics {
            self.ring(topic);
        }
    }

    /// For who hears of many things. Streams are not among them.
    pub fn listen(&self) -> Listener {
        Listener { bells: self.local.all.subscribe(), heard_at: None }
    }

    /// For who hears of streams, and need not be woken by every job.
    pub fn listen_for_streams(&self) -> Listener {
        Listener { bells: self.local.streams.subscribe(), heard_at: None }
    }

    /// For who waits for a few things only: is not woken by any other.
    pub fn watch(&self, topics: impl IntoIterator<Item = Topic>) -> Watch {
        let (topics, rang) = (topics.into_iter().collect::<Vec<_>>(), Arc::new(Notify::new()));
        let mut waiting = self.local.waiting.lock();
        for topic in &topics {
            waiting.entry(*topic).or_default().push(rang.clone());
        }
        drop(waiting);
        Watch { topics, rang, among: self.local.waiting.clone() }
    }
}

impl Local {
    fn ring(&self, topic: Topic) {
        let (to_all, to_streams) = match topic {
            Topic::Everything => (true, true),
            Topic::Streams(_) => (false, true),
            _ => (true, false),
        };
        // Nobody may be listening: the timers of those who wait later make up for it.
        let _ = to_all.then(|| self.all.send(topic));
        let _ = to_streams.then(|| self.streams.send(topic));
        let waiting = self.waiting.lock();
        let woken: Box<dyn Iterator<Item = &Arc<Notify>>> = match topic {
            Topic::Everything => Box::new(waiting.values().flatten()),
            topic => Box::new(waiting.get(&topic).into_iter().flatten()),
        };
        woken.for_each(|rang| rang.notify_one());
    }
}

impl Waiting {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Topic, Vec<Arc<Notify>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// Waits for a bell, at most for `timeout`. Says whether one rang, now or since the last call.
    pub async fn rang_within(&self, timeout: Duration) -> bool {
        tokio::time::timeout(timeout, self.rang.notified()).await.is_ok()
    }

    /// Whether a bell rang since the last call.
    pub fn has_rung(&self) -> bool {
        self.rang.notified().now_or_never().is_some()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut waiting = self.among.lock();
        for topic in &self.topics {
            let Some(list) = waiting.get_mut(topic) else { continue };
            list.retain(|rang| !Arc::ptr_eq(rang, &self.rang));
            if list.is_empty() {
                waiting.remove(topic);
            }
        }
    }
}

impl Listener {
    /// The next bell. A listener that fell behind hears `Everything`.
    pub async fn next(&mut self) -> Topic {
        match self.bells.recv().await {
            Ok(topic) => topic,
            Err(broadcast::error::RecvError::Lagged(_)) => Topic::Everything,
            // The sender lives as long as the server.
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }

    /// Waits for one of the topics that `wanted` names, at most for `timeout`. Says whether one rang.
    ///
    /// The first bell is heard at once. What rings within `gather` of the last time is heard together, so that a
    /// thousand bells are not a thousand looks at the database. All that rang until this answers was heard: the
    /// caller looks after that.
    pub async fn wait_for(
        &mut self,
        timeout: Duration,
        gather: Duration,
        wanted: impl Fn(Topic) -> bool,
    ) -> bool {
        let heard = async {
            loop {
                let topic = self.next().await;
                if topic == Topic::Everything || wanted(topic) {
                    return;
                }
            }
        };
        if tokio::time::timeout(timeout, heard).await.is_err() {
            return false;
        }
        if let Some(heard_at) = self.heard_at {
            tokio::time::sleep_until(heard_at + gather).await;
        }
        while !matches!(self.bells.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed)) {}
        self.heard_at = Some(Instant::now());
        true
    }
}

async fn send(pool: PgPool, mut outbox: mpsc::Receiver<Topic>, overflowed: Arc<AtomicBool>, origin: String) {
    let mut topics = Vec::new();
    while outbox.recv_many(&mut topics, CAPACITY).await > 0 {
        let mut distinct: HashSet<Topic> = topics.drain(..).collect();
        if overflowed.swap(false, Ordering::Relaxed) {
            distinct = HashSet::from([Topic::Everything]);
        }
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
        // A transaction that notifies has something to commit. A bell may be lost, so nobody waits for the disk.
        let sent = sqlx::query(
            "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, payload)
             FROM unnest($2::text[]) AS payload",
        )
        .bind(CHANNEL)
        .bind(&payloads)
        .execute(&pool)
        .await;
        if let Err(error) = sent {
            tracing::debug!(%error, "a bell was not carried to the other replicas");
        }
        tokio::time::sleep(GATHER_FOR).await;
    }
}

async fn receive(pool: PgPool, local: Local, origin: String) {
    loop {
        let listening = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.listen(CHANNEL).await?;
            // What rang while nobody listened is unknown.
            local.ring(Topic::Everything);
            loop {
                let Some(notification) = listener.try_recv().await? else {
                    // The connection was lost and made anew.
                    local.ring(Topic::Everything);
                    continue;
                };
                let mut words = notification.payload().split(' ');
                if words.next() == Some(origin.as_str()) {
                    continue;
                }
                for topic in words.filter_map(Topic::decode) {
                    counter!("lilac_bells_total", "direction" => "heard").increment(1);
                    local.ring(topic);
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

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(5);
    const GATHER: Duration = Duration::from_millis(100);

    fn local() -> Local {
        Local {
            all: broadcast::channel(CAPACITY).0,
            streams: broadcast::channel(CAPACITY).0,
            waiting: Arc::default(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_bell_is_heard_at_once_and_those_that_follow_together() {
        let local = local();
        let mut listener = Listener { bells: local.all.subscribe(), heard_at: None };
        let began = Instant::now();
        local.ring(Topic::Schedule);
        assert!(listener.wait_for(LONG, GATHER, |topic| topic == Topic::Schedule).await);
        assert_eq!(began.elapsed(), Duration::ZERO);

        for _ in 0..2 * CAPACITY {
            local.ring(Topic::Schedule);
        }
        assert!(listener.wait_for(LONG, GATHER, |topic| topic == Topic::Schedule).await);
        assert_eq!(began.elapsed(), GATHER);
        assert!(!listener.wait_for(LONG, GATHER, |topic| topic == Topic::Schedule).await, "all were heard");
    }

    #[tokio::test(start_paused = true)]
    async fn who_hears_of_streams_is_not_woken_by_jobs() {
        let local = local();
        let mut all = Listener { bells: local.all.subscribe(), heard_at: None };
        let mut streams = Listener { bells: local.streams.subscribe(), heard_at: None };
        let (job, stream) = (Topic::Job(JobId::new()), Topic::Streams(NodeId::new()));
        local.ring(job);
        local.ring(stream);
        local.ring(Topic::Everything);
        assert_eq!([streams.next().await, streams.next().await], [stream, Topic::Everything]);
        assert_eq!([all.next().await, all.next().await], [job, Topic::Everything]);
    }
}
