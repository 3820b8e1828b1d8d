//! Holds a plan to the quotas once more, in the transaction that carries it out.
//!
//! A plan is made on what was read a moment ago, and a quota is no property of one row that a compare-and-set could
//! guard: it is about the sum of what many jobs hold. So whoever places jobs of a queue that has a quota takes turns
//! at the queue's row, and counts anew what is held while nobody else can add to it. Ends of jobs need no turn: they
//! only give back. Submissions are not held up: they share the row with this lock.

use std::collections::{BTreeSet, HashMap};

use lilac_api::job::Amounts;
use lilac_api::{QueueId, UserId};
use lilac_scheduler::Bounds;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::load;

/// Some queues, and what is held against their quotas.
pub struct Quotas {
    queues: HashMap<QueueId, Rules>,
    of_queues: HashMap<QueueId, Sum>,
    of_users: HashMap<(QueueId, UserId), Sum>,
}

struct Rules {
    paused: bool,
    quota: Bounds,
    user_quota: Bounds,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    jobs: u64,
    cpu_milli: u64,
    memory_bytes: u64,
    /// A share of a GPU counts as that share, as in the planner.
    gpu_milli: u64,
}

/// Locks queues and reads what is held in them. To be asked before rows of nodes or jobs are locked.
pub async fn hold(conn: &mut PgConnection, queues: &BTreeSet<QueueId>) -> Result<Quotas, sqlx::Error> {
    let queues = lock(conn, queues).await?;
    let mut quotas = Quotas { queues, of_queues: HashMap::new(), of_users: HashMap::new() };
    let bounded: Vec<Uuid> =
        quotas.queues.iter().filter(|(_, rules)| rules.is_bounded()).map(|(id, _)| id.0).collect();
    if !bounded.is_empty() {
        for held in load::held(conn, &bounded).await? {
            let load::Held { queue, user, jobs, cpu_milli, memory_bytes, gpu_milli } = held;
            quotas.add(queue, user, Sum { jobs, cpu_milli, memory_bytes, gpu_milli });
        }
    }
    Ok(quotas)
}

/// Queues with a quota are locked against others that place; the rest only against being deleted, as a submission
/// does it.
async fn lock(
    conn: &mut PgConnection,
    ids: &BTreeSet<QueueId>,
) -> Result<HashMap<QueueId, Rules>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let mut queues = HashMap::new();
    for query in [
        "SELECT id, paused, quota, user_quota FROM queues
         WHERE id = ANY($1) AND deleted_at IS NULL
           AND (quota <> '{}' OR user_quota <> '{}') ORDER BY id FOR NO KEY UPDATE",
        "SELECT id, paused, quota, user_quota FROM queues
         WHERE id = ANY($1) AND deleted_at IS NULL
           AND quota = '{}' AND user_quota = '{}' ORDER BY id FOR KEY SHARE",
    ] {
        for row in sqlx::query(query).bind(&ids).fetch_all(&mut *conn).await? {
            let rules = Rules {
                paused: row.try_get("paused")?,
                quota: load::bounds(&row, "quota")?,
                user_quota: load::bounds(&row, "user_quota")?,
            };
            queues.insert(QueueId(row.try_get("id")?), rules);
        }
    }
    Ok(queues)
}

impl Rules {
    fn is_bounded(&self) -> bool {
        self.quota != Bounds::default() || self.user_quota != Bounds::default()
    }
}

impl Quotas {
    /// Counts a job in, if its queue still takes it; with so many thousandths of each of its GPUs.
    pub fn take(&mut self, queue: QueueId, user: UserId, requests: &Amounts, gpu_milli: u16) -> bool {
        // It was deleted meanwhile.
        let Some(rules) = self.queues.get(&queue) else { return false };
        if rules.paused {
            return false;
        }
        let of_queue = self.of_queues.get(&queue).copied().unwrap_or_default();
        let of_user = self.of_users.get(&(queue, user)).copied().unwrap_or_default();
        let asked = Sum {
            jobs: 1,
            cpu_milli: requests.cpu_milli.into(),
            memory_bytes: requests.memory_bytes,
            gpu_milli: u64::from(requests.gpus) * u64::from(gpu_milli),
        };
        if of_queue.would_exceed(rules.quota, asked) || of_user.would_exceed(rules.user_quota, asked) {
            return false;
        }
        self.add(queue, user, asked);
        true
    }

    fn add(&mut self, queue: QueueId, user: UserId, more: Sum) {
        self.of_queues.entry(queue).or_default().add(more);
        self.of_users.entry((queue, user)).or_default().add(more);
    }
}

impl Sum {
    fn add(&mut self, more: Self) {
        self.jobs += more.jobs;
        self.cpu_milli += more.cpu_milli;
        self.memory_bytes = self.memory_bytes.saturating_add(more.memory_bytes);
        self.gpu_milli += more.gpu_milli;
    }

    /// What asks for none of a thing is not held up by its quota, as in the planner.
    fn would_exceed(&self, bounds: Bounds, asked: Self) -> bool {
        [
            (bounds.jobs, self.jobs, asked.jobs),
            (bounds.cpu_milli, self.cpu_milli, asked.cpu_milli),
            (bounds.memory_bytes, self.memory_bytes, asked.memory_bytes),
            (bounds.gpu_milli(), self.gpu_milli, asked.gpu_milli),
        ]
        .into_iter()
        .any(|(bound, held, asked)| {
            bound.is_some_and(|bound| asked > 0 && held.saturating_add(asked) > bound)
        })
    }
}
