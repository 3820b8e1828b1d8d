//! Who is behind a credential, kept for two seconds, so that a busy caller costs no query a request.
//!
//! Only what was read from the database is kept. The signature or the HMAC of what a caller presents is checked
//! at every request. A change of accounts, keys or teams made here counts at once (`forget`), one made on another
//! replica when the entry is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use lilac_api::auth::{Role, Scope};
use lilac_api::{ClusterId, NodeId, TeamId, UserId};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::postgres::PgRow;
use strum::VariantArray;
use uuid::Uuid;

use super::caller::{Caller, NodeCaller, refused, role};
use crate::app::App;
use crate::error::{ApiError, ApiResult};

/// How long a change on another replica may go unseen.
const KEPT_FOR: Duration = Duration::from_secs(2);
/// Beyond it the least used are dropped, and read again when they come back.
const MAX_KEPT: u64 = 20_000;

/// What identifies a caller, without its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Credential {
    Login { user_id: UserId, login_epoch: i32 },
    ApiKey(Uuid),
}

/// A user as one of their credentials makes them.
#[derive(Debug)]
pub struct KnownUser {
    pub caller: Caller,
    /// Of an API key.
    pub secret_hmac: Vec<u8>,
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether the time of the key's last use is to be written; once.
    last_use_is_old: AtomicBool,
}

#[derive(Debug)]
pub struct KnownNode {
    pub node: NodeCaller,
    pub credential_hmac: Vec<u8>,
}

/// An entry's key holds the generation in which it was read: what was read before a change is never found after it,
/// also when it is put in late.
pub struct Callers {
    users: Cache<(u64, Credential), Arc<KnownUser>>,
    nodes: Cache<(u64, Uuid), Arc<KnownNode>>,
    generation: AtomicU64,
}

impl Default for Callers {
    fn default() -> Self {
        Self {
            users: Cache::builder().max_capacity(MAX_KEPT).time_to_live(KEPT_FOR).build(),
            nodes: Cache::builder().max_capacity(MAX_KEPT).time_to_live(KEPT_FOR).build(),
            generation: AtomicU64::new(0),
        }
    }
}

impl Callers {
    /// To be called after every commit that changes users, API keys, teams, their members or nodes' credentials.
    pub fn forget(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    pub async fn user(&self, app: &App, credential: Credential) -> ApiResult<Arc<KnownUser>> {
        let key = (self.generation.load(Ordering::SeqCst), credential);
        if let Some(known) = self.users.get(&key) {
            return Ok(known);
        }
        let known = Arc::new(match credential {
            Credential::Login { user_id, login_epoch } => by_login(app, user_id, login_epoch).await?,
            Credential::ApiKey(id) => by_api_key(app, id).await?,
        });
        self.users.insert(key, known.clone());
        Ok(known)
    }

    pub async fn node(&self, app: &App, id: Uuid) -> ApiResult<Arc<KnownNode>> {
        let key = (self.generation.load(Ordering::SeqCst), id);
        if let Some(known) = self.nodes.get(&key) {
            return Ok(known);
        }
        let known = Arc::new(node(app, id).await?);
        self.nodes.insert(key, known.clone());
        Ok(known)
    }
}

impl KnownUser {
    /// Whether it has not expired since it was read.
    pub fn is_current(&self) -> bool {
        self.expires_at.is_none_or(|end| end > Utc::now())
    }

    /// Notes that a key was used, to within a minute. Only for a key whose secret was checked.
    pub async fn note_use(&self, app: &App) -> ApiResult<()> {
        if let Credential::ApiKey(id) = self.caller.credential
            && self.last_use_is_old.swap(false, Ordering::Relaxed)
        {
            sqlx::query("UPDATE api_keys SET last_used_at = now() WHERE id = $1")
                .bind(id)
                .execute(&app.pool)
                .await?;
        }
        Ok(())
    }
}

async fn by_login(app: &App, user_id: UserId, login_epoch: i32) -> ApiResult<KnownUser> {
    let row = sqlx::query(
        "SELECT id, username, role, must_change_password,
                ARRAY(SELECT team_id FROM team_members WHERE user_id = u.id) AS teams
         FROM users u WHERE id = $1 AND login_epoch = $2 AND NOT disabled",
    )
    .bind(user_id.0)
    .bind(login_epoch)
    .fetch_optional(&app.pool)
    .await?
    .ok_or_else(refused)?;
    let credential = Credential::Login { user_id, login_epoch };
    let mut caller = caller(&row, credential, Scope::VARIANTS.to_vec())?;
    caller.must_change_password = row.try_get("must_change_password")?;
    Ok(KnownUser {
        caller,
        secret_hmac: Vec::new(),
        expires_at: None,
        last_use_is_old: AtomicBool::new(false),
    })
}

async fn by_api_key(app: &App, id: Uuid) -> ApiResult<KnownUser> {
    let row = sqlx::query(
        "SELECT u.id, u.username, u.role, k.secret_hmac, k.scopes, k.expires_at,
                ARRAY(SELECT team_id FROM team_members WHERE user_id = u.id) AS teams,
                k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute' AS last_use_is_old
         FROM api_keys k JOIN users u ON u.id = k.user_id
         WHERE k.id = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
           AND NOT u.disabled",
    )
    .bind(id)
    .fetch_optional(&app.pool)
    .await?
    .ok_or_else(refused)?;
    let scopes = scopes(row.try_get("scopes")?)?;
    Ok(KnownUser {
        caller: caller(&row, Credential::ApiKey(id), scopes)?,
        secret_hmac: row.try_get("secret_hmac")?,
        expires_at: row.try_get("expires_at")?,
        last_use_is_old: AtomicBool::new(row.try_get("last_use_is_old")?),
    })
}

/// A user with the role that the credential leaves: a key of an administrator without the scope `admin` acts as a
/// member, everywhere.
fn caller(row: &PgRow, credential: Credential, scopes: Vec<Scope>) -> ApiResult<Caller> {
    let teams: Vec<Uuid> = row.try_get("teams")?;
    let bound = if scopes.contains(&Scope::Admin) {
        Role::Admin
    } else if scopes.contains(&Scope::Write) {
        Role::Member
    } else {
        Role::Viewer
    };
    let own_role = role(row.try_get("role")?)?;
    Ok(Caller {
        user_id: UserId(row.try_get("id")?),
        username: row.try_get("username")?,
        role: own_role.min(bound),
        own_role,
        teams: teams.into_iter().map(TeamId).collect(),
        scopes,
        credential,
        must_change_password: false,
    })
}

/// A user as a caller, for what is done in their name; none where they are disabled.
pub async fn of_user(conn: &mut sqlx::PgConnection, user_id: UserId) -> ApiResult<Option<Caller>> {
    let row = sqlx::query(
        "SELECT id, username, role, login_epoch, ARRAY(SELECT team_id FROM team_members WHERE user_id = u.id) AS teams
         FROM users u WHERE id = $1 AND NOT disabled",
    )
    .bind(user_id.0)
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let credential = Credential::Login { user_id, login_epoch: row.try_get("login_epoch")? };
    caller(&row, credential, Scope::VARIANTS.to_vec()).map(Some)
}

pub fn scopes(words: Vec<String>) -> ApiResult<Vec<Scope>> {
    let parsed: Result<Vec<Scope>, _> = words.iter().map(|word| word.parse()).collect();
    parsed.map_err(|_| {
        tracing::error!(?words, "the database holds an unknown scope");
        ApiError::internal()
    })
}

async fn node(app: &App, id: Uuid) -> ApiResult<KnownNode> {
    let row = sqlx::query(
        "SELECT cluster_id, name, credential_hmac FROM nodes WHERE id = $1 AND removed_at IS NULL",
    )
    .bind(id)
    .fetch_optional(&app.pool)
    .await?
    .ok_or_else(refused)?;
    Ok(KnownNode {
        node: NodeCaller {
            node_id: NodeId(id),
            cluster_id: ClusterId(row.try_get("cluster_id")?),
            name: row.try_get("name")?,
        },
        credential_hmac: row.try_get("credential_hmac")?,
    })
}
