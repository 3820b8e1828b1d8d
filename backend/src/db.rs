//! The connection pool and the migrations.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result};
use lilac_api::auth::Secret;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

/// The schema, embedded in the binary.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// Connects, waiting a little for a database that is just starting, and brings the schema up to date.
/// Replicas that start together take turns: the migrator holds a lock.
pub async fn connect(url: &Secret, connections: u32) -> Result<PgPool> {
    let options = PgConnectOptions::from_str(&url.0)
        .map_err(|_| {
            anyhow::anyhow!("DATABASE_URL cannot be read; write postgres://user:password@host:port/name")
        })?
        .application_name("lilac")
        .options([
            ("statement_timeout", "30s"),
            ("lock_timeout", "10s"),
            ("idle_in_transaction_session_timeout", "30s"),
        ]);
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(5))
        .idle_timeout(Duration::from_secs(300))
        .connect_lazy_with(options);
    let mut tries = 0;
    while let Err(error) = sqlx::query("SELECT 1").execute(&pool).await {
        tries += 1;
        if tries == 20 || !crate::error::is_outage(&error) {
            return Err(error).context("cannot connect to the database");
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    MIGRATOR.run(&pool).await.context("cannot bring the schema up to date")?;
    Ok(pool)
}
