//! T11: a node that could not start a job. Where that is the node's fault and not the job's, the job is tried on
//! another and nothing is charged.
//!
//! Which problems are the node's: it has no room, does not reach the registry, or lacks what a job may not pull; an image
//! that is not there, or denied, is so everywhere. A job whose retry rules speak of `image-pull` says by itself what is
//! to be done.

use lilac_api::agent::{Outcome, TaskResult};
use lilac_api::image::ImageProblem;
use lilac_api::job::{JobState, Reason};
use lilac_rules::verdict::Verdict;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::LockedAttempt;

/// On how many nodes a job is tried before it counts as one that cannot be started.
const NODES: i64 = 3;

/// What becomes of a job that a node could not start: the verdict as it was, where that is no fault of the node's or no
/// other node could take it. Notes the node, so that the job does not come back to it at once.
pub(super) async fn judge(
    conn: &mut PgConnection,
    attempt: &LockedAttempt,
    result: &TaskResult,
    verdict: Verdict,
) -> Result<Verdict, sqlx::Error> {
    let is_pull = result.outcome == Outcome::NotStarted && result.reason == Some(Reason::ImagePull);
    let has_rule = attempt.job.retry.rules.iter().any(|rule| rule.on.contains(&Reason::ImagePull));
    if !is_pull || has_rule || verdict.job == JobState::Cancelled {
        return Ok(verdict);
    }
    // The task whose node said so; and a node that is ready, large enough and not tried yet.
    let row = sqlx::query(
        "SELECT t.node_id, t.image->>'problem' AS problem,
                (SELECT count(*) FROM job_avoids v WHERE v.job_id = $2 AND v.node_id <> t.node_id) AS tried,
                EXISTS (SELECT FROM nodes n JOIN jobs j ON j.id = $2 JOIN queue_clusters c ON c.queue_id = j.queue_id
                        WHERE n.cluster_id = c.cluster_id AND n.id <> t.node_id AND n.removed_at IS NULL AND NOT n.cordoned
                          AND n.runtime_ok AND n.given_up_at IS NULL AND n.last_seen_at > clock_timestamp() - interval '30 seconds'
                          AND n.cpu_milli >= t.cpu_milli AND n.memory_bytes >= t.memory_bytes
                          AND NOT EXISTS (SELECT FROM job_avoids v WHERE v.job_id = $2 AND v.node_id = n.id)) AS has_other
         FROM tasks t WHERE t.attempt_id = $1 AND t.image->>'problem' IS NOT NULL ORDER BY t.rank LIMIT 1",
    )
    .bind(attempt.id.0)
    .bind(attempt.job.id.0)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(verdict) };
    let problem: Option<ImageProblem> = row.try_get::<&str, _>("problem")?.parse().ok();
    if !problem.is_some_and(is_of_node) {
        return Ok(verdict);
    }
    sqlx::query(
        "INSERT INTO job_avoids (job_id, node_id) VALUES ($1, $2)
         ON CONFLICT (job_id, node_id) DO UPDATE SET at = clock_timestamp()",
    )
    .bind(attempt.job.id.0)
    .bind(row.try_get::<Uuid, _>("node_id")?)
    .execute(conn)
    .await?;
    if row.try_get::<i64, _>("tried")? + 1 >= NODES {
        return Ok(Verdict {
            job: JobState::Failed,
            reason: Some(Reason::Unstartable),
            wait: None,
            ..verdict
        });
    }
    if !row.try_get::<bool, _>("has_other")? {
        return Ok(verdict);
    }
    Ok(Verdict { job: JobState::Queued, wait: None, charge: false, ..verdict })
}

fn is_of_node(problem: ImageProblem) -> bool {
    match problem {
        ImageProblem::NotOnNode
        | ImageProblem::Unreachable
        | ImageProblem::DiskFull
        | ImageProblem::Stalled
        | ImageProblem::WrongPlatform => true,
        ImageProblem::NotFound | ImageProblem::Denied | ImageProblem::Other => false,
    }
}
