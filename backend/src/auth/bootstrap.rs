//! What a fresh database needs before anyone can use it: an administrator, a cluster and a queue.
//!
//! Runs at every start, and changes nothing where there is something. Replicas that start together take
//! turns by a lock that ends with the transaction.

use std::io::Write;

use anyhow::{Context, Result, bail};
use lilac_api::ClusterId;
use lilac_api::auth::{DEFAULT_TEAM, Role, Secret};
use lilac_api::cluster::PlacementPolicy;
use lilac_api::quantity::Span;
use lilac_api::queue::CreateQueue;
use sqlx::PgConnection;
use uuid::Uuid;

use super::password;
use super::store::{self, NewUser};
use crate::app::App;
use crate::error::ApiError;
use crate::{cluster, queue};

/// Any number, as long as nothing else in Lilac locks it.
const LOCK: i64 = 0x6c69_6c61_635f_7570;

/// Makes what is missing. A random password of the first administrator is shown once, on stderr: never by
/// way of the log, which is kept and carried elsewhere.
pub async fn run(app: &App, admin_password: Option<&Secret>) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *tx).await?;
    check_key(&mut tx, &app.keys.check_value()).await?;
    let shown = first_admin(app, &mut tx, admin_password).await?;
    first_cluster_and_queue(&mut tx).await.map_err(readable)?;
    tx.commit().await?;
    if let Some(password) = shown {
        let mut stderr = std::io::stderr().lock();
        writeln!(
            stderr,
            "\nThe first administrator is `admin`, the password is {} (shown only now).\n",
            password.0
        )?;
    }
    Ok(())
}

/// An `ApiError` as one for the person who starts the server.
fn readable(error: ApiError) -> anyhow::Error {
    anyhow::anyhow!(error.detail)
}

/// Refuses a server whose key is not the one that this database's credentials were made with: it would
/// refuse every one of them, and its own would be refused by the others.
async fn check_key(conn: &mut PgConnection, check_value: &[u8]) -> Result<()> {
    sqlx::query("INSERT INTO installation (id, key_check) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(Uuid::now_v7())
        .bind(check_value)
        .execute(&mut *conn)
        .await?;
    let stored: Vec<u8> = sqlx::query_scalar("SELECT key_check FROM installation").fetch_one(conn).await?;
    if stored != check_value {
        bail!(
            "this database belongs to another LILAC_SECRET_KEY: set the one that it was first used with, \
             or bring back the file secret.key of that server's data folder"
        );
    }
    Ok(())
}

/// Adds `admin` where there is no user; gives the password where it was made up.
async fn first_admin(app: &App, conn: &mut PgConnection, wanted: Option<&Secret>) -> Result<Option<Secret>> {
    if store::any_user(conn).await? {
        return Ok(None);
    }
    let (password, shown) = match wanted {
        Some(password) => (password.clone(), None),
        None => {
            let random = password::random();
            (random.clone(), Some(random))
        }
    };
    let mut errors = Vec::new();
    password::check("LILAC_ADMIN_PASSWORD", &password, &mut errors);
    if let Some(error) = errors.first() {
        bail!("{}: {}", error.path, error.message);
    }
    let hash = app.passwords.hash(&password).await.context("cannot hash the first password")?;
    let teams = [DEFAULT_TEAM.to_owned()];
    let new = NewUser {
        username: "admin",
        password_hash: &hash,
        role: Role::Admin,
        teams: &teams,
        must_change_password: false,
    };
    store::insert_user(conn, &new).await.map_err(readable)?;
    Ok(shown)
}

async fn first_cluster_and_queue(conn: &mut PgConnection) -> Result<(), ApiError> {
    let oldest: Option<Uuid> = sqlx::query_scalar(
        "SELECT id FROM clusters WHERE deleted_at IS NULL ORDER BY created_at, id LIMIT 1",
    )
    .fetch_optional(&mut *conn)
    .await?;
    let cluster = match oldest {
        Some(id) => ClusterId(id),
        None => {
            let patience = Span(cluster::DEFAULT_MAX_DISCONNECT);
            cluster::store::insert_cluster(conn, "default", PlacementPolicy::default(), patience).await?
        }
    };
    let any_queue: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM queues)").fetch_one(&mut *conn).await?;
    if !any_queue {
        let request = CreateQueue::new(queue::DEFAULT_QUEUE, 0, Vec::new());
        let queue = queue::store::insert_queue(conn, &request).await?;
        queue::store::set_clusters(conn, queue, &[cluster]).await?;
    }
    Ok(())
}
