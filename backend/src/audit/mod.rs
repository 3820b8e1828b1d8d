//! The audit log: who changed what, append-only and hash-chained.
//!
//! An entry is written in the transaction of the change that it tells of: there is neither without the other.
//! It is the transaction's last statement, for it locks the head of the chain until the commit.

pub mod routes;
mod store;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, Row};

/// Adds an entry. `actor` as in [`crate::auth::caller::Caller::actor`]; `object` is a kind with an id or a
/// name, as in `queue:research`; `details` says what became of it, and never holds a secret.
pub async fn record(
    conn: &mut PgConnection,
    actor: &str,
    action: &str,
    object: &str,
    details: Value,
) -> sqlx::Result<()> {
    let details = details.to_string();
    let head = sqlx::query("SELECT sequence, hash, clock_timestamp() AS now FROM audit_head FOR UPDATE")
        .fetch_one(&mut *conn)
        .await?;
    let sequence = head.try_get::<i64, _>("sequence")? + 1;
    let previous: Vec<u8> = head.try_get("hash")?;
    let at: DateTime<Utc> = head.try_get("now")?;
    let hash = hash(&previous, sequence, at, [actor, action, object, &details]);
    sqlx::query(
        "WITH head AS (UPDATE audit_head SET sequence = $1, hash = $8)
         INSERT INTO audit (sequence, at, actor, action, object, details, previous_hash, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(sequence)
    .bind(at)
    .bind(actor)
    .bind(action)
    .bind(object)
    .bind(&details)
    .bind(&previous)
    .bind(&hash)
    .execute(conn)
    .await?;
    Ok(())
}

/// The hash of an entry: over the one before it and every field with its length, so that no two entries give
/// the same bytes.
pub fn hash(previous: &[u8], sequence: i64, at: DateTime<Utc>, fields: [&str; 4]) -> Vec<u8> {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(sequence.to_be_bytes());
    hasher.update(at.timestamp_micros().to_be_bytes());
    for field in fields {
        hasher.update((field.len() as u64).to_be_bytes());
        hasher.update(field);
    }
    hasher.finalize().to_vec()
}
