//! Images on the nodes: what their agents tell of them, and which ones jobs are waiting for.
//!
//! All of it is state that the next word replaces. A pull that goes on is no event of its job's history.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lilac_api::agent::SyncRequest;
use lilac_api::image::{
    CachedImage, MAX_CACHED_IMAGES, MAX_IMAGE_NAMES, MAX_LAYERS, MAX_PREFETCH, TaskImage, with_tag,
};
use lilac_api::problem::FieldError;
use lilac_api::secret::registry_of;
use lilac_api::validate::in_bounds;
use lilac_api::{AttemptId, ClusterId, NodeId};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::app::App;
use crate::auth::caller::NodeCaller;

/// The longest id, digest or name of an image.
const MAX_NAME_BYTES: u64 = 1024;
/// How old the list of awaited images may be.
const AWAITED_EVERY: Duration = Duration::from_secs(10);
/// How many jobs of each queue are looked at for it.
const LOOKED_AT: i64 = 50;

/// One spelling of an image's name, so that what a job asks for is found among what nodes have: without the registry
/// and the tag that Docker takes where none is named.
pub fn full_name(image: &str) -> String {
    let hub =
        ["docker.io/library/", "docker.io/", "index.docker.io/library/", "index.docker.io/", "library/"];
    let name = hub.iter().find_map(|prefix| image.strip_prefix(prefix)).unwrap_or(image);
    with_tag(name)
}

/// The images of nodes that follow one in the order of their ids, by all their full names: of so many nodes.
pub async fn of_nodes(
    conn: &mut PgConnection,
    after: Uuid,
    most: i64,
) -> Result<Vec<(NodeId, Vec<String>)>, sqlx::Error> {
    let rows: Vec<(Uuid, Json<Vec<String>>)> = sqlx::query_as(
        "SELECT id, jsonb_path_query_array(COALESCE(images, '[]'), '$[*].names[*]') FROM nodes
         WHERE removed_at IS NULL AND id > $1 ORDER BY id LIMIT $2",
    )
    .bind(after)
    .bind(most)
    .fetch_all(conn)
    .await?;
    let full = |names: Vec<String>| names.iter().map(|name| full_name(name)).collect();
    Ok(rows.into_iter().map(|(id, Json(names))| (NodeId(id), full(names))).collect())
}

/// Bounds what a node says of images.
pub fn check(request: &SyncRequest, errors: &mut Vec<FieldError>) {
    let length = |path: String, text: &str, errors: &mut Vec<FieldError>| {
        in_bounds(&path, text.len() as u64, 1, MAX_NAME_BYTES, errors);
    };
    let images = request.images.as_deref().unwrap_or_default();
    in_bounds("images", images.len() as u64, 0, MAX_CACHED_IMAGES as u64, errors);
    for (index, image) in images.iter().take(MAX_CACHED_IMAGES).enumerate() {
        let path = format!("images[{index}]");
        length(format!("{path}.id"), &image.id, errors);
        in_bounds(&format!("{path}.names"), image.names.len() as u64, 0, MAX_IMAGE_NAMES as u64, errors);
        for name in image.names.iter().take(MAX_IMAGE_NAMES) {
            length(format!("{path}.names"), name, errors);
        }
    }
    for (index, image) in
        request.attempts.iter().enumerate().filter_map(|(i, one)| Some((i, one.image.as_ref()?)))
    {
        let path = format!("attempts[{index}].image");
        for (name, text) in [("id", &image.id), ("digest", &image.digest)] {
            if let Some(text) = text {
                length(format!("{path}.{name}"), text, errors);
            }
        }
        let layers = image.pull.as_ref().map(|pull| pull.layers.as_slice()).unwrap_or_default();
        in_bounds(&format!("{path}.pull.layers"), layers.len() as u64, 0, MAX_LAYERS as u64, errors);
        for layer in layers.iter().take(MAX_LAYERS) {
            length(format!("{path}.pull.layers"), &layer.id, errors);
        }
    }
}

/// What is stored of the images of attempts.
pub type Known = HashMap<AttemptId, Option<TaskImage>>;

/// Stores what the reports say of images, where `known` is what is stored of each attempt.
pub async fn note(
    conn: &mut PgConnection,
    node: &NodeCaller,
    request: &SyncRequest,
    known: &Known,
) -> Result<(), sqlx::Error> {
    let told = request.attempts.iter().filter_map(|report| {
        let image = report.image.as_ref()?;
        let stored = known.get(&report.attempt_id)?;
        (stored.as_ref() != Some(image)).then_some((report.attempt_id.0, Json(image)))
    });
    let (attempts, images): (Vec<Uuid>, Vec<Json<&TaskImage>>) = told.unzip();
    if attempts.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE tasks t SET image = told.image FROM unnest($1::uuid[], $2::jsonb[]) AS told(attempt_id, image)
         WHERE t.attempt_id = told.attempt_id AND t.node_id = $3 AND t.released_at IS NULL",
    )
    .bind(attempts)
    .bind(images)
    .bind(node.node_id.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Stores which images the node has, where it says.
pub async fn note_cache(
    conn: &mut PgConnection,
    node: &NodeCaller,
    images: Option<&[CachedImage]>,
) -> Result<(), sqlx::Error> {
    let Some(images) = images else { return Ok(()) };
    sqlx::query("UPDATE nodes SET images = $2 WHERE id = $1 AND images IS DISTINCT FROM $2")
        .bind(node.node_id.0)
        .bind(Json(images))
        .execute(conn)
        .await?;
    Ok(())
}

/// The images that jobs of each cluster wait for, as of some seconds ago: every sync carries them, and none of
/// them is worth a query of its own.
#[derive(Default)]
pub struct Awaited {
    clusters: Mutex<HashMap<ClusterId, Sought>>,
}

#[derive(Default)]
struct Sought {
    at: Option<Instant>,
    images: Vec<String>,
}

/// What nodes of the cluster should have ready. An old answer is given once more, while a new one is sought.
pub fn awaited(app: &Arc<App>, cluster: ClusterId) -> Vec<String> {
    let mut clusters = app.awaited.clusters.lock().unwrap_or_else(PoisonError::into_inner);
    let sought = clusters.entry(cluster).or_default();
    let images = sought.images.clone();
    if sought.at.is_none_or(|at| at.elapsed() >= AWAITED_EVERY) {
        sought.at = Some(Instant::now());
        let app = app.clone();
        tokio::spawn(async move {
            match read_awaited(&app.pool, cluster).await {
                Ok(images) => {
                    let mut clusters = app.awaited.clusters.lock().unwrap_or_else(PoisonError::into_inner);
                    clusters.entry(cluster).or_default().images = images;
                }
                Err(error) => tracing::debug!(%error, "cannot tell which images jobs wait for"),
            }
        });
    }
    images
}

/// Images of the jobs that would be placed next, without those that need a login of their team: a node gets
/// that with the job alone.
async fn read_awaited(pool: &PgPool, cluster: ClusterId) -> Result<Vec<String>, sqlx::Error> {
    let waiting: Vec<(String, Uuid)> = sqlx::query_as(
        "SELECT w.image, w.team_id
         FROM queue_clusters c JOIN queues q ON q.id = c.queue_id AND NOT q.paused AND q.deleted_at IS NULL
         CROSS JOIN LATERAL (
            SELECT j.spec->>'image' AS image, j.team_id, j.priority, j.id FROM jobs j
            WHERE j.queue_id = q.id AND j.state = 'queued' AND NOT j.blocked AND j.spec->>'image' <> ''
              AND j.spec->'pull'->>'policy' IS DISTINCT FROM 'never' AND j.spec->'pull'->>'secret' IS NULL
            ORDER BY j.priority DESC, j.id LIMIT $2
         ) w
         WHERE c.cluster_id = $1
         ORDER BY q.priority DESC, w.priority DESC, w.id LIMIT 1000",
    )
    .bind(cluster.0)
    .bind(LOOKED_AT)
    .fetch_all(pool)
    .await?;
    if waiting.is_empty() {
        return Ok(Vec::new());
    }
    let teams: Vec<Uuid> = waiting.iter().map(|(_, team)| *team).collect();
    let logins: Vec<(Uuid, String)> =
        sqlx::query_as("SELECT DISTINCT team_id, server FROM registries WHERE team_id = ANY($1)")
            .bind(teams)
            .fetch_all(pool)
            .await?;
    let logins: HashSet<(Uuid, String)> = logins.into_iter().collect();
    let mut images: Vec<String> = Vec::new();
    for (image, team) in waiting {
        if images.len() < MAX_PREFETCH
            && !images.contains(&image)
            && !logins.contains(&(team, registry_of(&image)))
        {
            images.push(image);
        }
    }
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::full_name;

    #[test]
    fn an_image_has_one_full_name() {
        for same in [
            "busybox",
            "busybox:latest",
            "library/busybox",
            "docker.io/busybox",
            "docker.io/library/busybox:latest",
        ] {
            assert_eq!(full_name(same), "busybox:latest");
        }
        for full in ["team/app:2", "localhost:5000/app:latest", "registry.example/app@sha256:1f"] {
            assert_eq!(full_name(full), full);
        }
        assert_eq!(full_name("localhost:5000/app"), "localhost:5000/app:latest");
    }
}
