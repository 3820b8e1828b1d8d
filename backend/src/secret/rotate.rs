//! Changing the master key: `server rotate-keys` wraps every data key with the present one.

use anyhow::{Context as _, Result, bail};
use lilac_api::{HookId, TeamId};
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use super::vault::{Context, Sealed, Vault};
use crate::audit;

/// Refuses to start a server that lacks a key with which something is sealed: its jobs would fail one by one.
pub async fn check_keys(pool: &PgPool, vault: &Vault) -> Result<()> {
    let unknown: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM secrets WHERE NOT key_id = ANY($1))
              + (SELECT count(*) FROM registries WHERE NOT key_id = ANY($1))
              + (SELECT count(*) FROM hooks WHERE NOT key_id = ANY($1))",
    )
    .bind(vault.key_ids())
    .fetch_one(pool)
    .await?;
    if unknown > 0 {
        bail!(
            "{unknown} secrets are sealed with a key that this server does not have: set the LILAC_ENCRYPTION_KEY that \
             they were made with, or name it in LILAC_ENCRYPTION_KEYS_OLD"
        );
    }
    Ok(())
}

/// Wraps everything with the present key, row by row, so that servers that run meanwhile wait for none of it.
/// Gives how many rows it changed.
pub async fn run(pool: &PgPool, vault: &Vault) -> Result<usize> {
    let current = vault.key_ids().swap_remove(0);
    let mut changed = 0;
    for table in ["secrets", "registries", "hooks"] {
        let ids: Vec<Uuid> = sqlx::query_scalar(match table {
            "secrets" => "SELECT id FROM secrets WHERE key_id <> $1 ORDER BY id",
            "registries" => "SELECT id FROM registries WHERE key_id <> $1 ORDER BY id",
            _ => "SELECT id FROM hooks WHERE key_id <> $1 ORDER BY id",
        })
        .bind(&current)
        .fetch_all(pool)
        .await?;
        for id in ids {
            changed += usize::from(rewrap(pool, vault, table, id).await?);
        }
    }
    let mut tx = pool.begin().await?;
    let details = json!({ "changed": changed });
    audit::record(&mut tx, "operator", "encryption.rotate-keys", "encryption", details).await?;
    tx.commit().await?;
    Ok(changed)
}

async fn rewrap(pool: &PgPool, vault: &Vault, table: &str, id: Uuid) -> Result<bool> {
    let mut tx = pool.begin().await?;
    let found = match table {
        "secrets" => {
            let row: Option<(Uuid, String, i32)> =
                sqlx::query_as("SELECT team_id, name, version FROM secrets WHERE id = $1 FOR UPDATE")
                    .bind(id)
                    .fetch_optional(&mut *tx)
                    .await?;
            row.map(|(team, name, version)| Context::secret(TeamId(team), &name, version))
        }
        "hooks" => {
            let row: Option<(Uuid, i32)> =
                sqlx::query_as("SELECT team_id, version FROM hooks WHERE id = $1 FOR NO KEY UPDATE")
                    .bind(id)
                    .fetch_optional(&mut *tx)
                    .await?;
            row.map(|(team, version)| Context::hook(TeamId(team), HookId(id), version))
        }
        _ => {
            let row: Option<(Uuid, String, String, String)> = sqlx::query_as(
                "SELECT team_id, name, server, username FROM registries WHERE id = $1 FOR UPDATE",
            )
            .bind(id)
            .fetch_optional(&mut *tx)
            .await?;
            row.map(|(team, name, server, user)| Context::registry(TeamId(team), &name, &server, &user))
        }
    };
    // Deleted meanwhile.
    let Some(context) = found else { return Ok(false) };
    let (read, write) = match table {
        "secrets" => (
            "SELECT key_id, wrapped_key, sealed FROM secrets WHERE id = $1",
            "UPDATE secrets SET key_id = $2, wrapped_key = $3 WHERE id = $1",
        ),
        "hooks" => (
            "SELECT key_id, wrapped_key, sealed FROM hooks WHERE id = $1",
            "UPDATE hooks SET key_id = $2, wrapped_key = $3 WHERE id = $1",
        ),
        _ => (
            "SELECT key_id, wrapped_key, sealed FROM registries WHERE id = $1",
            "UPDATE registries SET key_id = $2, wrapped_key = $3 WHERE id = $1",
        ),
    };
    let sealed: Sealed = sqlx::query_as(read).bind(id).fetch_one(&mut *tx).await?;
    let rewrapped = vault.rewrap(&context, &sealed).with_context(|| format!("row {id} of {table}"))?;
    let Some(rewrapped) = rewrapped else { return Ok(false) };
    sqlx::query(write)
        .bind(id)
        .bind(&rewrapped.key_id)
        .bind(&rewrapped.wrapped_key)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(true)
}
