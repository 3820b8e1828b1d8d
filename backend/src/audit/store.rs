//! Reading the audit log.

use chrono::{DateTime, Utc};
use lilac_api::audit::{AuditCheck, AuditEntry, AuditFilter};
use serde_json::Value;
use sqlx::{PgConnection, Postgres, QueryBuilder};

/// Entries that are read at once for checking.
const BATCH: i64 = 1000;

#[derive(sqlx::FromRow)]
struct Row {
    sequence: i64,
    at: DateTime<Utc>,
    actor: String,
    action: String,
    object: String,
    details: String,
    previous_hash: Vec<u8>,
    hash: Vec<u8>,
}

impl Row {
    /// Whether the entry is the one that was written after an entry with the hash `previous`.
    fn follows(&self, previous: &[u8]) -> bool {
        let fields = [self.actor.as_str(), &self.action, &self.object, &self.details];
        self.previous_hash == previous && self.hash == super::hash(previous, self.sequence, self.at, fields)
    }
}

impl From<Row> for AuditEntry {
    fn from(row: Row) -> Self {
        Self {
            sequence: row.sequence,
            at: row.at,
            actor: row.actor,
            action: row.action,
            object: row.object,
            details: serde_json::from_str(&row.details).unwrap_or(Value::Null),
        }
    }
}

/// The latest entries that match, the latest first.
pub async fn entries_before(
    conn: &mut PgConnection,
    filter: &AuditFilter,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<AuditEntry>> {
    let mut query = QueryBuilder::<Postgres>::new("SELECT * FROM audit WHERE true");
    for (column, value) in [
        (" AND actor = ", &filter.actor),
        (" AND action = ", &filter.action),
        (" AND object = ", &filter.object),
    ] {
        if let Some(value) = value {
            query.push(column).push_bind(value);
        }
    }
    if let Some(since) = filter.since {
        query.push(" AND at >= ").push_bind(since);
    }
    if let Some(until) = filter.until {
        query.push(" AND at < ").push_bind(until);
    }
    if let Some(before) = before {
        query.push(" AND sequence < ").push_bind(before);
    }
    query.push(" ORDER BY sequence DESC LIMIT ").push_bind(limit);
    let rows: Vec<Row> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().map(AuditEntry::from).collect())
}

/// Walks the chain from behind the entry `after`, over `limit` entries at most.
pub async fn verify(conn: &mut PgConnection, after: i64, limit: i64) -> sqlx::Result<AuditCheck> {
    // Read first: entries that are added meanwhile lie behind it.
    let (last, head): (i64, Vec<u8>) =
        sqlx::query_as("SELECT sequence, hash FROM audit_head").fetch_one(&mut *conn).await?;
    let broken =
        |at: i64| AuditCheck { valid: false, first_broken: Some(at), checked_to: at, complete: true };
    let mut checked_to = after.min(last);
    let mut previous: Vec<u8> = Vec::new();
    if checked_to > 0 {
        let hash = sqlx::query_scalar("SELECT hash FROM audit WHERE sequence = $1").bind(checked_to);
        match hash.fetch_optional(&mut *conn).await? {
            Some(hash) => previous = hash,
            None => return Ok(broken(checked_to)),
        }
    }
    let end = last.min(checked_to.saturating_add(limit));
    while checked_to < end {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT * FROM audit WHERE sequence > $1 AND sequence <= $2 ORDER BY sequence LIMIT $3",
        )
        .bind(checked_to)
        .bind(end)
        .bind(BATCH)
        .fetch_all(&mut *conn)
        .await?;
        if rows.is_empty() {
            return Ok(broken(checked_to + 1));
        }
        for row in rows {
            if row.sequence != checked_to + 1 || !row.follows(&previous) {
                return Ok(broken(checked_to + 1));
            }
            (checked_to, previous) = (row.sequence, row.hash);
        }
    }
    let complete = checked_to == last;
    if complete && previous != head {
        return Ok(broken(last));
    }
    Ok(AuditCheck { valid: true, first_broken: None, checked_to, complete })
}
