//! The connection pool and the migrations.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result};
use lilac_api::auth::Secret;
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

/// How long an idle connection is taken to be alive.
pub const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// How long a query waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

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
            // Statements are short: to compile one takes longer than to carry it out.
            ("jit", "off"),
            ("statement_timeout", "30s"),
            ("lock_timeout", "10s"),
            ("idle_in_transaction_session_timeout", "30s"),
        ]);
    let pool = pool_options()
        .max_connections(connections)
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

/// What all pools have in common. A connection that was used a moment ago is handed out as it is: to ask it first
/// whether it lives would be a second round trip for every query. One that died in that moment fails its query
/// as an outage does.
pub fn pool_options() -> PgPoolOptions {
    PgPoolOptions::new()
        .acquire_timeout(PATIENCE)
        // Under load each of thousands of agents waits for its turn: only who gets none is told, where that is noticed.
        .acquire_slow_threshold(PATIENCE)
        .test_before_acquire(false)
        .before_acquire(|connection, idle| {
            Box::pin(async move {
                if idle.idle_for >= TRUSTED_FOR {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}

/// Connections to the same database whose statements are planned once, for those that take longer to plan than to carry
/// out. Others want to be planned for what they are asked.
///
/// All of these find a few rows by their keys, and that is what they are planned for. A plan that was made while the tables
/// were empty would read them from end to end, and go on so when they are full.
pub fn planned_once(pool: &PgPool, connections: u32) -> PgPool {
    let options = PgConnectOptions::clone(&pool.connect_options()).options([
        ("plan_cache_mode", "force_generic_plan"),
        ("enable_seqscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
    ]);
    pool_options().max_connections(connections).connect_lazy_with(options)
}
