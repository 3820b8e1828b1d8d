//! What must hold in the database at any moment, asked as queries. A replica that is about to lead asks first:
//! on a state that should not exist it would only do more harm, and a person should look.

use sqlx::postgres::PgPool;

/// Each query counts rows that break the rule beside it.
const RULES: [(&str, &str); 8] = [
    (
        "a live attempt is the latest of its job, and the job is starting or running",
        "SELECT count(*) FROM attempts a JOIN jobs j ON j.id = a.job_id
         WHERE a.state IN ('granted', 'preparing', 'running', 'stopping')
           AND (a.epoch <> j.epoch OR j.state NOT IN ('starting', 'running'))",
    ),
    (
        "a job that is starting or running has a live attempt",
        "SELECT count(*) FROM jobs j WHERE j.state IN ('starting', 'running') AND NOT EXISTS (
            SELECT FROM attempts a WHERE a.job_id = j.id AND a.epoch = j.epoch
              AND a.state IN ('granted', 'preparing', 'running', 'stopping'))",
    ),
    (
        "a task holds its node exactly while its attempt is live, or, of a gang, until it has ended",
        "SELECT count(*) FROM tasks t JOIN attempts a ON a.id = t.attempt_id
         WHERE (t.released_at IS NULL) <> (a.state IN ('granted', 'preparing', 'running', 'stopping'))
           AND NOT (t.released_at IS NOT NULL AND t.result IS NOT NULL)
           -- What ended long ago is not read again at every start.
           AND (t.released_at IS NULL OR t.released_at > now() - interval '1 day')",
    ),
    (
        "a GPU is claimed by a live attempt",
        "SELECT count(*) FROM gpu_claims g JOIN attempts a ON a.id = g.attempt_id
         WHERE a.state NOT IN ('granted', 'preparing', 'running', 'stopping')",
    ),
    (
        "the GPUs of a held task are claimed for it",
        "SELECT count(*) FROM tasks t WHERE t.released_at IS NULL AND cardinality(t.gpu_indices) <> (
            SELECT count(*) FROM gpu_claims g WHERE g.attempt_id = t.attempt_id AND g.node_id = t.node_id)",
    ),
    (
        "no GPU is given out more than once over",
        "SELECT count(*) FROM (SELECT FROM gpu_claims GROUP BY node_id, gpu_index HAVING sum(milli) > 1000) over",
    ),
    (
        // Those that wait are passed over: a million of them would be counted before anybody leads.
        "the events of a job that runs have no gap",
        "SELECT count(*) FROM jobs j WHERE j.state IN ('starting', 'running', 'held')
           AND j.event_count <> (SELECT count(*) FROM job_events e WHERE e.job_id = j.id)",
    ),
    (
        "a stored log is a contiguous prefix",
        "SELECT count(*) FROM tasks t WHERE t.released_at IS NULL AND t.log_bytes <> COALESCE(
            (SELECT sum(end_byte - start_byte) FROM log_chunks c WHERE c.attempt_id = t.attempt_id AND c.rank = t.rank), 0)",
    ),
];

/// The rules that are broken, each with the number of rows that break it; empty when all is well.
pub async fn violations(pool: &PgPool) -> Result<Vec<(&'static str, i64)>, sqlx::Error> {
    let mut violations = Vec::new();
    for (rule, query) in RULES {
        let rows: i64 = sqlx::query_scalar(query).fetch_one(pool).await?;
        if rows > 0 {
            violations.push((rule, rows));
        }
    }
    Ok(violations)
}
