//! The jobs of one queue, node or cluster.

use lilac_api::job::{Job, JobState};
use lilac_api::page::Page;
use lilac_api::{ClusterId, NodeId, QueueId};
use serde::Deserialize;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use utoipa::IntoParams;

use super::{list, store};
use crate::auth::caller::Caller;
use crate::error::ApiResult;
use crate::page;

/// Where to look for jobs. On nodes and clusters those count whose latest attempt is there.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    Queue(QueueId),
    Node(NodeId),
    Cluster(ClusterId),
}

/// Which of a place's jobs to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PlaceQuery {
    /// Only jobs in these states, separated by commas; all by default.
    pub state: Option<String>,
    /// How many jobs at most: 1 to 500, 50 by default.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// The jobs of a place that the caller sees, the newest first, without their specs.
pub async fn jobs(
    conn: &mut PgConnection,
    caller: &Caller,
    place: Place,
    query: &PlaceQuery,
) -> ApiResult<Page<Job>> {
    let limit = page::limit(query.limit)?;
    let states = list::states(query.state.as_deref())?;
    let before = page::decode(query.cursor.as_deref())?;
    let mut select = QueryBuilder::<Postgres>::new(store::JOB);
    match place {
        Place::Queue(id) => select.push(" WHERE j.queue_id = ").push_bind(id.0),
        Place::Node(id) => select
            .push(
                " WHERE j.id IN (SELECT a.job_id FROM tasks k JOIN attempts a ON a.id = k.attempt_id
                   JOIN jobs i ON i.id = a.job_id AND i.epoch = a.epoch WHERE k.node_id = ",
            )
            .push_bind(id.0)
            .push(")"),
        Place::Cluster(id) => select
            .push(
                " WHERE EXISTS (SELECT FROM attempts a JOIN tasks k ON k.attempt_id = a.id JOIN nodes n ON n.id = k.node_id
                   WHERE a.job_id = j.id AND a.epoch = j.epoch AND n.cluster_id = ",
            )
            .push_bind(id.0)
            .push(")"),
    };
    if let Some(teams) = caller.sees() {
        select.push(" AND j.team_id = ANY(").push_bind(teams).push(")");
    }
    if !states.is_empty() {
        let states: Vec<&str> = states.into_iter().map(JobState::as_str).collect();
        select.push(" AND j.state = ANY(").push_bind(states).push(")");
    }
    if let Some(before) = before {
        select.push(" AND j.id < ").push_bind(before);
    }
    select.push(" ORDER BY j.id DESC LIMIT ").push_bind(limit + 1);
    let rows = select.build().fetch_all(conn).await?;
    let jobs = rows.iter().map(|row| store::job(row).map(|job| Job { spec: None, ..job }));
    Ok(page::cut(jobs.collect::<Result<_, _>>()?, limit, |job| job.id.0))
}
