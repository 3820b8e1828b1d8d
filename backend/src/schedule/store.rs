//! Schedules in the database.

use chrono::{DateTime, Utc};
use lilac_api::schedule::JobSchedule;
use lilac_api::spec::JobSpec;
use lilac_api::{JobId, ScheduleId, TeamId, UserId};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};
use uuid::Uuid;

/// How many of the next times are told.
const UPCOMING: usize = 5;

const SCHEDULE: &str =
    "SELECT s.id, s.name, t.name AS team, u.username AS owner, s.owner_id, s.spec, s.paused, s.next_at,
    s.last_fired_at, s.last_job_id, s.message, s.created_at
    FROM schedules s JOIN teams t ON t.id = s.team_id JOIN users u ON u.id = s.owner_id WHERE true";

/// A schedule with what users need not see.
pub struct ScheduleRow {
    pub schedule: JobSchedule,
    pub owner_id: UserId,
    pub spec: JobSpec,
}

pub struct NewSchedule<'a> {
    pub id: ScheduleId,
    pub team_id: TeamId,
    pub owner_id: UserId,
    pub spec: &'a JobSpec,
    pub next_at: Option<DateTime<Utc>>,
}

pub async fn insert(conn: &mut PgConnection, new: &NewSchedule<'_>) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO schedules (id, name, team_id, owner_id, spec, next_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(new.id.0)
    .bind(&new.spec.name)
    .bind(new.team_id.0)
    .bind(new.owner_id.0)
    .bind(Json(new.spec))
    .bind(new.next_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// How many schedules a team has.
pub async fn count(conn: &mut PgConnection, team: TeamId) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM schedules WHERE team_id = $1").bind(team.0).fetch_one(conn).await
}

/// The schedules of these teams (none for all) after `after`, in the order of their ids.
pub async fn list(
    conn: &mut PgConnection,
    teams: Option<Vec<Uuid>>,
    after: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<ScheduleRow>> {
    let mut query = QueryBuilder::<Postgres>::new(SCHEDULE);
    if let Some(teams) = teams {
        query.push(" AND s.team_id = ANY(").push_bind(teams).push(")");
    }
    if let Some(after) = after {
        query.push(" AND s.id > ").push_bind(after);
    }
    query.push(" ORDER BY s.id LIMIT ").push_bind(limit);
    query.build().fetch_all(conn).await?.iter().map(row).collect()
}

pub async fn find(
    conn: &mut PgConnection,
    teams: Option<Vec<Uuid>>,
    id: ScheduleId,
) -> sqlx::Result<Option<ScheduleRow>> {
    let mut query = QueryBuilder::<Postgres>::new(SCHEDULE);
    query.push(" AND s.id = ").push_bind(id.0);
    if let Some(teams) = teams {
        query.push(" AND s.team_id = ANY(").push_bind(teams).push(")");
    }
    query.build().fetch_optional(conn).await?.as_ref().map(row).transpose()
}

/// What is due, the longest first.
pub async fn due(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<ScheduleRow>> {
    let mut query = QueryBuilder::<Postgres>::new(SCHEDULE);
    query
        .push(" AND NOT s.paused AND s.next_at <= clock_timestamp() ORDER BY s.next_at LIMIT ")
        .push_bind(limit);
    query.build().fetch_all(conn).await?.iter().map(row).collect()
}

/// Moves a schedule on from a time of its, if nobody did so before.
pub async fn move_on(
    conn: &mut PgConnection,
    id: ScheduleId,
    from: DateTime<Utc>,
    to: Option<DateTime<Utc>>,
    job: Option<JobId>,
    message: &str,
) -> sqlx::Result<bool> {
    let moved = sqlx::query(
        "UPDATE schedules SET next_at = $3, message = $5, last_job_id = COALESCE($4, last_job_id),
            last_fired_at = CASE WHEN $4::uuid IS NULL THEN last_fired_at ELSE clock_timestamp() END
         WHERE id = $1 AND next_at = $2",
    )
    .bind(id.0)
    .bind(from)
    .bind(to)
    .bind(job.map(|job| job.0))
    .bind(message)
    .execute(conn)
    .await?;
    Ok(moved.rows_affected() == 1)
}

pub async fn set_paused(
    conn: &mut PgConnection,
    id: ScheduleId,
    paused: bool,
    next_at: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE schedules SET paused = $2, next_at = $3 WHERE id = $1")
        .bind(id.0)
        .bind(paused)
        .bind(next_at)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn delete(conn: &mut PgConnection, id: ScheduleId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM schedules WHERE id = $1").bind(id.0).execute(conn).await?;
    Ok(())
}

fn row(row: &PgRow) -> sqlx::Result<ScheduleRow> {
    let Json(spec): Json<JobSpec> = row.try_get("spec")?;
    let schedule =
        spec.schedule.clone().ok_or_else(|| sqlx::Error::Decode("a schedule without one".into()))?;
    let next_at: Option<DateTime<Utc>> = row.try_get("next_at")?;
    let paused: bool = row.try_get("paused")?;
    let mut upcoming: Vec<DateTime<Utc>> = next_at.into_iter().filter(|_| !paused).collect();
    while let Some(next) =
        upcoming.last().filter(|_| upcoming.len() < UPCOMING).and_then(|last| schedule.next_after(*last))
    {
        upcoming.push(next);
    }
    Ok(ScheduleRow {
        schedule: JobSchedule {
            id: ScheduleId(row.try_get("id")?),
            name: row.try_get("name")?,
            team: row.try_get("team")?,
            owner: row.try_get("owner")?,
            cron: schedule.cron,
            timezone: schedule.timezone,
            overlap: schedule.overlap,
            paused,
            next_at: next_at.filter(|_| !paused),
            upcoming,
            last_fired_at: row.try_get("last_fired_at")?,
            last_job_id: row.try_get::<Option<Uuid>, _>("last_job_id")?.map(JobId),
            message: row.try_get("message")?,
            created_at: row.try_get("created_at")?,
            spec: Some(spec.clone()),
        },
        owner_id: UserId(row.try_get("owner_id")?),
        spec,
    })
}
