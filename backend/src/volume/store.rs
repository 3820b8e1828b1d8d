//! The SQL of volumes.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use lilac_api::problem::ErrorCode;
use lilac_api::secret::{CreateVolume, Volume};
use lilac_api::spec::VolumeMount;
use lilac_api::{ClusterId, QueueId, TeamId, VolumeId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::{ApiError, ApiResult, broken_constraint};

#[derive(sqlx::FromRow)]
struct VolumeRow {
    id: Uuid,
    name: String,
    host_path: String,
    read_only: bool,
    teams: Vec<String>,
    clusters: Vec<String>,
    created_at: DateTime<Utc>,
    created_by: String,
}

/// The volumes that the caller may mount, by name; with their paths for those who see all teams. `teams` as in
/// [`crate::auth::caller::Caller::sees`].
pub async fn volumes(
    conn: &mut PgConnection,
    teams: Option<&[Uuid]>,
    only: Option<VolumeId>,
) -> sqlx::Result<Vec<Volume>> {
    let rows: Vec<VolumeRow> = sqlx::query_as(
        "SELECT v.id, v.name, v.host_path, v.read_only, v.created_at, v.created_by,
                ARRAY(SELECT t.name FROM volume_teams x JOIN teams t ON t.id = x.team_id
                      WHERE x.volume_id = v.id AND ($1::uuid[] IS NULL OR t.id = ANY($1)) ORDER BY t.name) AS teams,
                ARRAY(SELECT c.name FROM volume_clusters x JOIN clusters c ON c.id = x.cluster_id
                      WHERE x.volume_id = v.id ORDER BY c.name) AS clusters
         FROM volumes v
         WHERE ($2::uuid IS NULL OR v.id = $2)
           AND ($1::uuid[] IS NULL OR v.any_team
                OR EXISTS (SELECT FROM volume_teams x WHERE x.volume_id = v.id AND x.team_id = ANY($1)))
         ORDER BY v.name",
    )
    .bind(teams)
    .bind(only.map(|id| id.0))
    .fetch_all(conn)
    .await?;
    let volume = |row: VolumeRow| Volume {
        id: VolumeId(row.id),
        name: row.name,
        host_path: teams.is_none().then_some(row.host_path),
        read_only: row.read_only,
        teams: row.teams,
        clusters: row.clusters,
        created_at: row.created_at,
        created_by: row.created_by,
    };
    Ok(rows.into_iter().map(volume).collect())
}

pub async fn volume(conn: &mut PgConnection, teams: Option<&[Uuid]>, id: VolumeId) -> ApiResult<Volume> {
    volumes(conn, teams, Some(id)).await?.pop().ok_or_else(|| ApiError::not_found("volume"))
}

pub async fn count(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM volumes").fetch_one(conn).await
}

pub async fn insert(conn: &mut PgConnection, request: &CreateVolume, actor: &str) -> ApiResult<VolumeId> {
    let id = VolumeId::new();
    sqlx::query(
        "INSERT INTO volumes (id, name, host_path, read_only, any_team, any_cluster, created_by)
         VALUES ($1, $2, $3, $4, true, true, $5)",
    )
    .bind(id.0)
    .bind(&request.name)
    .bind(&request.host_path)
    .bind(request.read_only)
    .bind(actor)
    .execute(&mut *conn)
    .await
    .map_err(|error| match broken_constraint(&error) {
        Some("volumes_name_key") => {
            let detail = format!("there is a volume named `{}` already", request.name);
            ApiError::new(StatusCode::CONFLICT, ErrorCode::NameTaken, detail)
        }
        _ => error.into(),
    })?;
    Ok(id)
}

/// Holds the volume's row until the transaction ends.
pub async fn lock(conn: &mut PgConnection, id: VolumeId) -> ApiResult<()> {
    let found = sqlx::query("SELECT FROM volumes WHERE id = $1 FOR UPDATE").bind(id.0).execute(conn).await?;
    if found.rows_affected() == 0 { Err(ApiError::not_found("volume")) } else { Ok(()) }
}

pub async fn set_read_only(conn: &mut PgConnection, id: VolumeId, read_only: bool) -> sqlx::Result<()> {
    sqlx::query("UPDATE volumes SET read_only = $2 WHERE id = $1")
        .bind(id.0)
        .bind(read_only)
        .execute(conn)
        .await?;
    Ok(())
}

/// Says which teams may mount the volume: these, or all where the list is empty.
pub async fn set_teams(conn: &mut PgConnection, id: VolumeId, teams: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM volume_teams WHERE volume_id = $1").bind(id.0).execute(&mut *conn).await?;
    sqlx::query("UPDATE volumes SET any_team = $2 WHERE id = $1")
        .bind(id.0)
        .bind(teams.is_empty())
        .execute(&mut *conn)
        .await?;
    sqlx::query(
        "INSERT INTO volume_teams (volume_id, team_id) SELECT $1, unnest($2::uuid[]) ON CONFLICT DO NOTHING",
    )
    .bind(id.0)
    .bind(teams)
    .execute(conn)
    .await?;
    Ok(())
}

/// Says on which clusters the volume is: these, or all where the list is empty.
pub async fn set_clusters(conn: &mut PgConnection, id: VolumeId, clusters: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM volume_clusters WHERE volume_id = $1").bind(id.0).execute(&mut *conn).await?;
    sqlx::query("UPDATE volumes SET any_cluster = $2 WHERE id = $1")
        .bind(id.0)
        .bind(clusters.is_empty())
        .execute(&mut *conn)
        .await?;
    sqlx::query(
        "INSERT INTO volume_clusters (volume_id, cluster_id) SELECT $1, unnest($2::uuid[]) ON CONFLICT DO NOTHING",
    )
    .bind(id.0)
    .bind(clusters)
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn delete(conn: &mut PgConnection, id: VolumeId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM volumes WHERE id = $1").bind(id.0).execute(conn).await?;
    Ok(())
}

/// Ids of teams by their names, in the names' order; none for a name that no team has.
pub async fn teams_by_name(conn: &mut PgConnection, names: &[String]) -> sqlx::Result<Vec<Option<Uuid>>> {
    sqlx::query_scalar(
        "SELECT t.id FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, position)
         LEFT JOIN teams t ON lower(t.name) = lower(wanted.name) ORDER BY wanted.position",
    )
    .bind(names)
    .fetch_all(conn)
    .await
}

/// Where a volume is to be: wherever the queue's jobs may run, or on one cluster.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    Queue(QueueId),
    Cluster(ClusterId),
}

/// A volume that a team may mount.
#[derive(sqlx::FromRow)]
pub struct Usable {
    pub name: String,
    pub host_path: String,
    pub read_only: bool,
    /// Whether it is everywhere in the place.
    pub reachable: bool,
}

/// Those of the volumes that jobs of the team may mount.
pub async fn usable(
    conn: &mut PgConnection,
    team: TeamId,
    place: Place,
    mounts: &[VolumeMount],
) -> sqlx::Result<Vec<Usable>> {
    let names: Vec<&str> = mounts.iter().map(|mount| mount.name.as_str()).collect();
    let (queue, cluster) = match place {
        Place::Queue(queue) => (Some(queue.0), None),
        Place::Cluster(cluster) => (None, Some(cluster.0)),
    };
    sqlx::query_as(
        "SELECT v.name, v.host_path, v.read_only,
                v.any_cluster OR NOT EXISTS (
                    SELECT FROM (SELECT cluster_id FROM queue_clusters WHERE queue_id = $3
                                 UNION SELECT $4::uuid WHERE $4::uuid IS NOT NULL) place
                    WHERE place.cluster_id NOT IN (SELECT x.cluster_id FROM volume_clusters x WHERE x.volume_id = v.id)
                ) AS reachable
         FROM volumes v
         WHERE v.name = ANY($2)
           AND (v.any_team OR EXISTS (SELECT FROM volume_teams x WHERE x.volume_id = v.id AND x.team_id = $1))",
    )
    .bind(team.0)
    .bind(names)
    .bind(queue)
    .bind(cluster)
    .fetch_all(conn)
    .await
}
