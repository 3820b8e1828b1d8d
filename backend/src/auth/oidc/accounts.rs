//! Whose account a person of the provider has, and what it may do by the provider's word.

use axum::http::StatusCode;
use lilac_api::UserId;
use lilac_api::auth::{DEFAULT_TEAM, Role};
use lilac_api::validate;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::provider::Claims;
use super::settings::OidcSettings;
use crate::audit;
use crate::auth::caller::role;
use crate::auth::password::UNUSABLE;
use crate::auth::store::{self, NewUser, UserChange, UserRow};
use crate::auth::users::keep_one_admin;
use crate::error::{ApiError, ApiResult};

const MAX_TEAMS: usize = 100;

/// Why a person is not let in.
#[derive(Clone, Copy, Debug)]
pub enum Refusal {
    /// There is no account for the person, and none is made.
    Unknown,
    /// An account of that name exists, and is not the person's.
    Taken,
    Disabled,
    /// The provider's claims give no role.
    NoRole,
}

impl Refusal {
    /// As the login page knows it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Taken => "taken",
            Self::Disabled => "disabled",
            Self::NoRole => "no-role",
        }
    }
}

/// A user who was let in, and what is to be noted of it.
pub struct Admitted {
    pub row: UserRow,
    notes: Vec<(&'static str, Value)>,
}

/// The user whom the claims mean, with the role and the teams that they give.
pub async fn user(
    conn: &mut PgConnection,
    settings: &OidcSettings,
    claims: &Claims,
) -> ApiResult<Result<Admitted, Refusal>> {
    let Some(wanted) = wanted_role(settings, claims) else { return Ok(Err(Refusal::NoRole)) };
    let mut notes = Vec::new();
    let id = match known(conn, settings, claims).await? {
        Some(id) => id,
        None => match begin(conn, settings, claims, wanted).await? {
            Ok((id, note)) => {
                notes.push((note, json!({ "issuer": settings.issuer, "subject": claims.sub })));
                id
            }
            Err(refusal) => return Ok(Err(refusal)),
        },
    };
    let row = store::user(conn, id).await?.ok_or_else(ApiError::internal)?;
    // The administrators' rows are locked first, as everywhere.
    let changes =
        settings.roles.is_some() && role(&row.role)? != wanted && may_become(conn, &row, wanted).await?;
    let row = store::lock_user(conn, id).await?.ok_or_else(ApiError::internal)?;
    if row.disabled {
        return Ok(Err(Refusal::Disabled));
    }
    if changes {
        let change = UserChange { role: Some(wanted), ..UserChange::default() };
        store::update_user(conn, id, &change).await?;
        notes.push(("user.update", json!({ "role": wanted, "by": "sso" })));
    }
    if let Some(claim) = &settings.teams_claim {
        let teams = texts(claims.more.get(claim));
        if set_teams(conn, id, &teams).await? {
            notes.push(("user.teams", json!({ "teams": teams, "by": "sso" })));
        }
    }
    let row = store::user(conn, id).await?.ok_or_else(ApiError::internal)?;
    Ok(Ok(Admitted { row, notes }))
}

/// Writes what happened to the account into the audit log: the last statements before the commit.
pub async fn note(conn: &mut PgConnection, user: &Admitted) -> sqlx::Result<()> {
    let object = format!("user:{}", user.row.username);
    for (action, details) in &user.notes {
        audit::record(conn, "server", action, &object, details.clone()).await?;
    }
    Ok(())
}

async fn known(
    conn: &mut PgConnection,
    settings: &OidcSettings,
    claims: &Claims,
) -> sqlx::Result<Option<UserId>> {
    let id: Option<Uuid> =
        sqlx::query_scalar("SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2")
            .bind(&settings.issuer)
            .bind(&claims.sub)
            .fetch_optional(conn)
            .await?;
    Ok(id.map(UserId))
}

/// The first login of a person: makes an account, or takes the existing one of that name where the operator has
/// said that the provider's names are ours. An account is never taken otherwise: whoever chooses a name at the
/// provider would choose an account.
async fn begin(
    conn: &mut PgConnection,
    settings: &OidcSettings,
    claims: &Claims,
    role: Role,
) -> ApiResult<Result<(UserId, &'static str), Refusal>> {
    let Some(name) = username(settings, claims) else { return Ok(Err(Refusal::Unknown)) };
    let existing = store::user_by_name(conn, &name.to_lowercase()).await?;
    let (id, note) = match (existing, settings.creates_users) {
        (Some(user), false) if !is_linked(conn, settings, user.id).await? => (UserId(user.id), "sso.link"),
        (Some(_), _) => return Ok(Err(Refusal::Taken)),
        (None, false) => return Ok(Err(Refusal::Unknown)),
        (None, true) => {
            let teams = [DEFAULT_TEAM.to_owned()];
            let new = NewUser {
                username: &name,
                password_hash: UNUSABLE,
                role,
                teams: &teams,
                must_change_password: false,
            };
            match store::insert_user(conn, &new).await {
                Ok(user) => (user.id, "sso.create"),
                // Two first logins at once: the later one begins again.
                Err(error) if error.status == StatusCode::CONFLICT => return Ok(Err(Refusal::Taken)),
                Err(error) => return Err(error),
            }
        }
    };
    sqlx::query("INSERT INTO identities (issuer, subject, user_id) VALUES ($1, $2, $3)")
        .bind(&settings.issuer)
        .bind(&claims.sub)
        .bind(id.0)
        .execute(conn)
        .await?;
    Ok(Ok((id, note)))
}

/// Whether the account is another person's at this provider.
async fn is_linked(conn: &mut PgConnection, settings: &OidcSettings, user: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM identities WHERE issuer = $1 AND user_id = $2)")
        .bind(&settings.issuer)
        .bind(user)
        .fetch_one(conn)
        .await
}

/// The name at the provider, if it can be one here. Of an address the part before the `@`.
fn username(settings: &OidcSettings, claims: &Claims) -> Option<String> {
    let text = |claim: &str| claims.more.get(claim).and_then(Value::as_str);
    let name = text(&settings.username_claim)?;
    let name = name.split('@').next().unwrap_or_default().to_owned();
    let mut errors = Vec::new();
    validate::name("username", &name, 63, &mut errors);
    errors.is_empty().then_some(name)
}

/// The highest role that a value of the claim gives.
fn wanted_role(settings: &OidcSettings, claims: &Claims) -> Option<Role> {
    let mapped = settings.roles.as_ref().and_then(|roles| {
        let has = texts(claims.more.get(&roles.claim));
        roles.values.iter().filter(|(value, _)| has.contains(value)).map(|(_, role)| *role).max()
    });
    mapped.or(settings.default_role)
}

/// The last administrator stays one, whatever the provider says.
async fn may_become(conn: &mut PgConnection, row: &UserRow, wanted: Role) -> ApiResult<bool> {
    if wanted == Role::Admin {
        return Ok(true);
    }
    match keep_one_admin(conn, UserId(row.id)).await {
        Ok(()) => Ok(true),
        Err(error) if error.status == StatusCode::CONFLICT => {
            tracing::warn!(user = %row.username, "the provider would demote the last administrator; kept");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Puts the user into the existing teams of these names, and out of all others. Says whether that changed anything.
async fn set_teams(conn: &mut PgConnection, user: UserId, teams: &[String]) -> sqlx::Result<bool> {
    let names: Vec<String> = teams.iter().map(|team| team.to_lowercase()).collect();
    let changed: i64 = sqlx::query_scalar(
        "WITH wanted AS (SELECT id FROM teams WHERE lower(name) = ANY($2)
         ), gone AS (
            DELETE FROM team_members WHERE user_id = $1 AND team_id NOT IN (SELECT id FROM wanted) RETURNING 1
         ), came AS (
            INSERT INTO team_members (team_id, user_id) SELECT id, $1 FROM wanted ON CONFLICT DO NOTHING RETURNING 1
         )
         SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM came)",
    )
    .bind(user.0)
    .bind(names)
    .fetch_one(conn)
    .await?;
    Ok(changed > 0)
}

/// A claim's texts: one, or a list of them.
fn texts(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => {
            items.iter().filter_map(Value::as_str).take(MAX_TEAMS).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}
