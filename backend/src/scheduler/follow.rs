//! Keeps a [`World`] in step with the database: a load in pages, and then what has changed since.
//!
//! Every change of a job writes one row of its history in the same transaction, so the history is the feed of what
//! changed. It is read by snapshots: the next look takes the rows of exactly those transactions that the snapshot
//! of this one sees and the snapshot of the last one did not. Numbers are given out before transactions commit, so
//! no "all after the highest that was seen" would do: one that commits late would be passed over. This passes over
//! none, needs no window to overlap, and waits for no transaction that is open for long. The rows only say which
//! jobs to look at; what is taken over is each job's row as it stands, which is never older than what was told.
//!
//! A load begins with such a snapshot, too. What changes while its pages are read is told by the feed afterwards.
//!
//! Nodes and queues have no history to follow. They are few, and are looked over as often as that stays cheap.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use lilac_api::job::JobState;
use lilac_api::{JobId, NodeId, QueueId, UserId};
use lilac_scheduler::Part;
use sqlx::postgres::{PgPool, PgRow};
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::asked::{Asked, Interner};
use super::world::{JobRow, Mark, Now, World};
use super::{load, preempt};
use crate::app::App;
use crate::cluster::images;

/// Jobs whose rows are read at once.
const PAGE: i64 = 5_000;
/// The first pages of all queues together, and each page after: so many jobs are known before the first plan.
const FIRST_PAGES: i64 = 20_000;
const NEXT_PAGE: i64 = 20_000;
/// The images of so many nodes are read at a time.
const IMAGES_PAGE: i64 = 200;
/// Looking nodes over may take this part of the time, as one in so many.
const SURVEY_SHARE: u32 = 20;
/// Nodes are looked over at least this often: one that falls silent is noticed by nothing else.
const SURVEY_EVERY: Duration = Duration::from_secs(5);
/// However few they are, they are not looked over again before.
const SURVEY_AFTER: Duration = Duration::from_millis(50);

/// A world that follows the database.
pub struct Mirror {
    pub world: World,
    interner: Interner,
    /// What has been read: a snapshot in PostgreSQL's words.
    seen: String,
    /// Queues of which not all waiting jobs are known yet.
    unread: Vec<Unread>,
    next_survey: Instant,
    /// The last node whose images were read: those that follow are looked at next.
    images_after: Uuid,
    /// Whether the latest look took in nodes and queues.
    pub was_surveyed: bool,
    pub loaded_at: Instant,
}

/// How far the waiting jobs of a queue were read, in the order of priority and age.
struct Unread {
    queue: QueueId,
    /// Nothing of a queue is read before all of those that go before it: a plan made meanwhile leaves its order alone.
    rank: i32,
    priority: i16,
    after: Uuid,
}

impl Mirror {
    /// Reads what runs, and the first jobs that wait in each queue; the rest follows with [`Mirror::read_on`].
    pub async fn load(pool: &PgPool) -> Result<Self, sqlx::Error> {
        let mut conn = pool.acquire().await?;
        let (seen, now) = snapshot(&mut conn).await?;
        let mut mirror = Self {
            world: World::at(now.timestamp_millis()),
            interner: Interner::default(),
            seen,
            unread: Vec::new(),
            next_survey: Instant::now(),
            images_after: Uuid::nil(),
            was_surveyed: true,
            loaded_at: Instant::now(),
        };
        mirror.survey(&mut conn, now).await?;
        let live = "j.state IN ('starting', 'running')";
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(format!("{JOB} WHERE {live}"))).fetch_all(&mut *conn).await?;
        mirror.learn(&rows)?;
        let queues: Vec<(Uuid, i32, i16)> = sqlx::query_as(
            "SELECT q.id, q.priority, first.priority FROM queues q CROSS JOIN LATERAL (
                SELECT max(j.priority) AS priority FROM jobs j WHERE j.queue_id = q.id AND j.state = 'queued' AND NOT j.blocked) first
             WHERE first.priority IS NOT NULL ORDER BY q.priority DESC, q.id",
        )
        .fetch_all(&mut *conn)
        .await?;
        let unread = |(id, rank, priority): &(Uuid, i32, i16)| Unread {
            queue: QueueId(*id),
            rank: *rank,
            priority: *priority,
            after: Uuid::nil(),
        };
        mirror.unread = queues.iter().map(unread).collect();
        let page = (FIRST_PAGES / i64::try_from(queues.len().max(1)).unwrap_or(FIRST_PAGES)).max(100);
        let mut read = 0;
        while read < FIRST_PAGES && !mirror.is_whole() {
            read += mirror.read_page(&mut conn, page).await?;
        }
        mirror.learn_bookings(&mut conn, now, true).await?;
        Ok(mirror)
    }

    /// Whether all that waits is known.
    pub fn is_whole(&self) -> bool {
        self.unread.is_empty()
    }

    /// Reads the next of the jobs that were there at the load.
    pub async fn read_on(&mut self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut conn = pool.acquire().await?;
        let mut read = 0;
        while read < NEXT_PAGE && !self.is_whole() {
            read += self.read_page(&mut conn, NEXT_PAGE).await?;
        }
        Ok(())
    }

    /// One page of the queue whose turn it is, which then lets others of its rank go first. Says how many jobs it had.
    async fn read_page(&mut self, conn: &mut PgConnection, page: i64) -> Result<i64, sqlx::Error> {
        if self.unread.is_empty() {
            return Ok(0);
        }
        let Unread { queue, rank, priority, after } = self.unread.remove(0);
        let waiting = "j.queue_id = $1 AND j.state = 'queued' AND NOT j.blocked";
        let query = format!("{JOB} WHERE {waiting} AND j.priority = $2 AND j.id > $3 ORDER BY j.id LIMIT $4");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(queue.0)
            .bind(priority)
            .bind(after)
            .bind(page)
            .fetch_all(&mut *conn)
            .await?;
        self.learn(&rows)?;
        let read = rows.len() as i64;
        let last: Option<Uuid> = rows.last().map(|row| row.try_get("id")).transpose()?;
        let next = match last.filter(|_| read == page) {
            Some(after) => Some(Unread { queue, rank, priority, after }),
            None => {
                let query = format!("SELECT max(priority) FROM jobs j WHERE {waiting} AND j.priority < $2");
                let query = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(queue.0).bind(priority);
                let lower: Option<i16> = query.fetch_one(conn).await?;
                lower.map(|priority| Unread { queue, rank, priority, after: Uuid::nil() })
            }
        };
        let behind = self.unread.iter().take_while(|other| other.rank == rank).count();
        if let Some(next) = next {
            self.unread.insert(behind, next);
        }
        Ok(read)
    }

    /// Takes over what has changed since the last look; of nodes and queues where `all` is asked for, or where it is
    /// their turn.
    pub async fn catch_up(&mut self, app: &App, all: bool) -> Result<(), sqlx::Error> {
        let mut feed = app.feed.acquire().await?;
        let Changed { snapshot: next, now, mut jobs, mut more } =
            changed(&mut feed, &self.seen, None, beginning(&self.seen)?).await?;
        self.world.now_ms = now.timestamp_millis();
        self.was_surveyed = all || Instant::now() >= self.next_survey;
        let mut conn = match self.was_surveyed {
            true => Some(app.pool.acquire().await?),
            false => None,
        };
        if let Some(conn) = &mut conn {
            self.survey(conn, now).await?;
        }
        loop {
            self.look_at(&mut feed, now, &jobs).await?;
            let Some(after) = more else { break };
            Changed { jobs, more, .. } = changed(&mut feed, &self.seen, Some(&next), after).await?;
        }
        self.seen = next;
        if let Some(conn) = &mut conn {
            // Another replica may lead, and clear places.
            self.learn_bookings(conn, now, false).await?;
        }
        Ok(())
    }

    /// Takes over which places are being cleared, for jobs that may be further back than was read.
    async fn learn_bookings(
        &mut self,
        conn: &mut PgConnection,
        now: DateTime<Utc>,
        lately: bool,
    ) -> Result<(), sqlx::Error> {
        let bookings = preempt::open(conn, lately).await?;
        let unread = bookings.iter().map(|booking| booking.what.job);
        let unread = unread.filter(|job| self.world.waiting_epoch(*job).is_none()).map(|job| job.0).collect();
        self.look_at(conn, now, &unread).await?;
        bookings.into_iter().for_each(|booking| self.world.learn_booking(booking));
        Ok(())
    }

    /// Looks at nodes and queues, and at these jobs, whatever was heard of them.
    pub async fn recheck(&mut self, pool: &PgPool, jobs: &HashSet<Uuid>) -> Result<(), sqlx::Error> {
        let mut conn = pool.acquire().await?;
        let (_, now) = snapshot(&mut conn).await?;
        self.survey(&mut conn, now).await?;
        self.look_at(&mut conn, now, jobs).await
    }

    /// Takes over how these jobs stand now.
    async fn look_at(
        &mut self,
        conn: &mut PgConnection,
        now: DateTime<Utc>,
        jobs: &HashSet<Uuid>,
    ) -> Result<(), sqlx::Error> {
        if jobs.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = jobs.iter().copied().collect();
        let query = sqlx::AssertSqlSafe(format!("{JOB} WHERE j.id = ANY($1)"));
        let rows = sqlx::query(query).bind(&ids).fetch_all(&mut *conn).await?;
        let mut there = HashSet::new();
        let mut read = Vec::with_capacity(rows.len());
        for row in &rows {
            read.push(job(row, &mut self.interner)?);
        }
        if read.iter().any(|row| !self.world.can_place(row)) {
            self.survey(conn, now).await?;
        }
        for row in read {
            there.insert(row.id.0);
            self.world.learn(row);
        }
        // One that is not there any more has long ended.
        jobs.difference(&there).for_each(|id| self.world.forget(JobId(*id)));
        Ok(())
    }

    fn learn(&mut self, rows: &[PgRow]) -> Result<(), sqlx::Error> {
        for row in rows {
            let row = job(row, &mut self.interner)?;
            self.world.learn(row);
        }
        Ok(())
    }

    /// Looks at all queues and nodes, and reads those nodes that have changed.
    async fn survey(&mut self, conn: &mut PgConnection, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
        let began = Instant::now();
        let (queues, clusters) = load::queues_and_clusters(conn).await?;
        self.world.learn_queues(queues, clusters);
        let marks = marks(conn, now).await?;
        let (changed, gone) = self.world.changed_nodes(&marks);
        gone.into_iter().for_each(|id| self.world.forget_node(id));
        if !changed.is_empty() {
            let ids: Vec<Uuid> = changed.iter().map(|id| id.0).collect();
            for row in &load::read_nodes(conn, Some(&ids), &[]).await? {
                let (node, lease) = load::bare_node(row, now)?;
                let Some(mark) = marks.get(&node.id) else { continue };
                self.world.learn_node(node, *mark, lease);
            }
        }
        self.read_images(conn).await?;
        self.next_survey =
            Instant::now() + (began.elapsed() * SURVEY_SHARE).clamp(SURVEY_AFTER, SURVEY_EVERY);
        Ok(())
    }

    /// Which images some nodes have; the next time, those of the next. They decide between equal nodes only, so it does no
    /// harm that they are told late where nodes are many.
    async fn read_images(&mut self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        let nodes = images::of_nodes(conn, self.images_after, IMAGES_PAGE).await?;
        let last = nodes.last().filter(|_| nodes.len() as i64 == IMAGES_PAGE);
        self.images_after = last.map_or(Uuid::nil(), |(id, _)| id.0);
        nodes.into_iter().for_each(|(id, names)| self.world.learn_images(id, &names));
        Ok(())
    }

    /// How long until nodes are looked over.
    pub fn survey_in(&self) -> Duration {
        self.next_survey.saturating_duration_since(Instant::now())
    }
}

/// All that is committed now.
async fn snapshot(conn: &mut PgConnection) -> Result<(String, DateTime<Utc>), sqlx::Error> {
    sqlx::query_as("SELECT pg_current_snapshot()::text, clock_timestamp()").fetch_one(conn).await
}

/// A place in the history.
type Place = (i64, i64);

/// The place before all that a snapshot does not show.
fn beginning(snapshot: &str) -> Result<Place, sqlx::Error> {
    let lowest = snapshot.split(':').next().unwrap_or_default();
    let lowest = lowest.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok((lowest, 0))
}

/// What a look at the history told.
struct Changed {
    /// What the look saw, and when it was.
    snapshot: String,
    now: DateTime<Utc>,
    jobs: HashSet<Uuid>,
    /// Where to read on, if there may be more.
    more: Option<Place>,
}

/// The jobs with a row of history that is seen now and was not before, from a place on. Where it takes several looks,
/// the later ones see what the first one saw, `until`.
///
/// The place is the only bound and the order is the column's own: so no more of the index is read than what follows it.
async fn changed(
    conn: &mut PgConnection,
    seen: &str,
    until: Option<&str>,
    after: Place,
) -> Result<Changed, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT s.snapshot, s.now, e.job_id, e.transaction::text::bigint AS transaction, e.id
         FROM (SELECT pg_current_snapshot()::text AS snapshot, clock_timestamp() AS now) s LEFT JOIN LATERAL (
            SELECT h.job_id, h.transaction, h.id FROM job_events h
            WHERE (h.transaction, h.id) > ($3::text::xid8, $4) AND NOT pg_visible_in_snapshot(h.transaction, $1::text::pg_snapshot)
              AND ($2::text IS NULL OR pg_visible_in_snapshot(h.transaction, $2::text::pg_snapshot))
            ORDER BY h.transaction, h.id LIMIT $5) e ON true",
    )
    .bind(seen)
    .bind(until)
    .bind(after.0.to_string())
    .bind(after.1)
    .bind(PAGE)
    .fetch_all(conn)
    .await?;
    let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let (mut jobs, mut last) = (HashSet::with_capacity(rows.len()), after);
    for row in &rows {
        // Where there is nothing, one row tells so.
        let Some(job) = row.try_get("job_id")? else { break };
        jobs.insert(job);
        last = last.max((row.try_get("transaction")?, row.try_get("id")?));
    }
    let more = (rows.len() as i64 == PAGE).then_some(last);
    Ok(Changed { snapshot: first.try_get("snapshot")?, now: first.try_get("now")?, jobs, more })
}

/// What tells whether nodes have changed: a hash of what the planner minds, and whether they are alive.
async fn marks(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<HashMap<NodeId, Mark>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT n.id, n.last_seen_at, n.given_up_at, n.runtime_ok, n.cordoned,
                hashtextextended(concat_ws('/', n.cordoned, n.cpu_milli, n.memory_bytes, n.disk_bytes, c.max_disconnect_millis, n.cluster_id, n.name), 0)
                    # jsonb_hash_extended(n.gpus, 1) # jsonb_hash_extended(n.labels, 2) # jsonb_hash_extended(n.admin_labels, 3) AS mark
         FROM nodes n JOIN clusters c ON c.id = n.cluster_id WHERE n.removed_at IS NULL",
    )
    .fetch_all(conn)
    .await?;
    let mark = |row: &PgRow| {
        let is_ready = load::availability(row, now)? == lilac_scheduler::Availability::Ready;
        Ok((NodeId(row.try_get("id")?), (row.try_get("mark")?, is_ready)))
    };
    rows.iter().map(mark).collect()
}

/// A job with its task, where it has one. What a live one holds is what its task says. The other ranks of a gang are
/// like the first, and its nodes are kept for it until all of them have ended.
const JOB: &str = "SELECT j.id, j.queue_id, j.owner_id, j.priority, j.created_at, j.not_before, j.epoch, j.state, j.blocked,
        COALESCE(t.memory_bytes, j.memory_bytes) AS memory_bytes, t.node_id, t.gpu_indices, a.run_deadline, a.granted_at,
        CASE WHEN a.state <> 'stopping' AND j.spec->'preemptible' = 'true' THEN COALESCE(a.started_at, a.granted_at) END AS yields_since,
        COALESCE(a.alternative, 0::smallint) AS alternative,
        jsonb_build_object('resources', j.spec->'resources', 'alternatives', j.spec->'alternatives', 'stop', j.spec->'stop',
            'max_disconnect', j.spec->'max_disconnect', 'max_runtime', j.spec->'max_runtime',
            'constraints', j.spec->'placement'->'constraints', 'nodes', j.spec->'nodes', 'same', j.spec->'placement'->'same',
            'runtime', j.spec->'runtime', 'image', j.spec->'image',
            'avoid', CASE WHEN j.epoch > 0 THEN (SELECT jsonb_agg(v.node_id ORDER BY v.node_id) FROM job_avoids v
                WHERE v.job_id = j.id AND v.at > clock_timestamp() - interval '10 minutes') END)::text AS asked,
        CASE WHEN a.ranks > 1 THEN (SELECT jsonb_agg(jsonb_build_array(o.node_id, o.gpu_indices) ORDER BY o.rank)
            FROM tasks o WHERE o.attempt_id = a.id AND o.rank > 0) END AS others
    FROM jobs j
    LEFT JOIN attempts a ON a.job_id = j.id AND a.epoch = j.epoch AND j.state IN ('starting', 'running')
    LEFT JOIN tasks t ON t.attempt_id = a.id AND t.rank = 0";

/// Where the ranks after the first are, with their GPUs.
type Others = Vec<(NodeId, Vec<u16>)>;

fn job(row: &PgRow, interner: &mut Interner) -> Result<JobRow, sqlx::Error> {
    let state: &str = row.try_get("state")?;
    let state: JobState = state.parse().map_err(|error| sqlx::Error::Decode(Box::new(error) as _))?;
    let node: Option<Uuid> = row.try_get("node_id")?;
    let now = match (state, node) {
        (JobState::Queued, _) if !row.try_get::<bool, _>("blocked")? => {
            Now::Waits { not_before: row.try_get("not_before")? }
        }
        (JobState::Starting | JobState::Running, Some(node)) => {
            let indices: Vec<i16> = row.try_get("gpu_indices")?;
            let gpu_indices = indices.into_iter().filter_map(|index| u16::try_from(index).ok()).collect();
            let others: Option<Json<Others>> = row.try_get("others")?;
            let others = others.into_iter().flat_map(|Json(others)| others);
            let first = Part { node: NodeId(node), gpu_indices };
            let others = others.map(|(node, gpu_indices)| Part { node, gpu_indices });
            Now::Runs { parts: std::iter::once(first).chain(others).collect() }
        }
        _ => Now::IsNot,
    };
    let alternative = usize::try_from(row.try_get::<i16, _>("alternative")?).unwrap_or_default();
    let asked = interner.intern(row.try_get("asked")?, row.try_get("memory_bytes")?, alternative)?;
    let ends_ms = ends_ms(row, &asked)?;
    Ok(JobRow {
        id: JobId(row.try_get("id")?),
        epoch: row.try_get("epoch")?,
        queue: QueueId(row.try_get("queue_id")?),
        owner: UserId(row.try_get("owner_id")?),
        priority: u8::try_from(row.try_get::<i16, _>("priority")?).unwrap_or_default(),
        submitted_at: row.try_get("created_at")?,
        yields_since: row.try_get("yields_since")?,
        asked,
        ends_ms,
        now,
    })
}

/// When a live job has ended at the latest: when its time is over, as far as it runs already, and its grace.
fn ends_ms(row: &PgRow, asked: &Asked) -> Result<Option<i64>, sqlx::Error> {
    let deadline: Option<DateTime<Utc>> = row.try_get("run_deadline")?;
    let granted: Option<DateTime<Utc>> = row.try_get("granted_at")?;
    let (from, left) = match deadline {
        Some(deadline) => (Some(deadline), Some(asked.grace)),
        None => (granted, asked.most()),
    };
    let millis = |left: Duration| i64::try_from(left.as_millis()).unwrap_or(i64::MAX);
    Ok(from.zip(left).map(|(from, left)| from.timestamp_millis().saturating_add(millis(left))))
}
