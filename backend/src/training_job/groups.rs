//! Jobs counted by what they have in common: whose they are, where they wait, on which image they run.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use axum::extract::State;
use lilac_api::job::{JobFilter, JobState};
use lilac_api::overview::{JobGroup, JobGroups};
use lilac_api::problem::Problem;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, Visitor};
use sqlx::postgres::PgPool;
use sqlx::{Postgres, QueryBuilder, Row};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::list::{self, Filter};
use super::store::{decode, word};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::extract::Query;

/// The most groups of one answer.
const MAX_GROUPS: usize = 200;
/// The longest key of a label.
const MAX_KEY_CHARS: usize = 63;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(groups))
}

/// Count jobs by what they have in common
///
/// Takes the filters of the list. By queue, owner, team and reason it costs the same however many jobs there are; by
/// anything else the 50,000 newest jobs are looked at and no further.
#[utoipa::path(get, operation_id = "group_jobs", path = "/jobs/groups", tag = "jobs", security(("bearer" = [])),
    params(
        ("by" = String, Query, description = "`queue`, `owner`, `team`, `reason`, `name`, `image`, `node` (of the latest attempt's first task), or `label:KEY`."),
        JobFilter,
    ),
    responses(
        (status = 200, description = "The groups, the largest first", body = JobGroups),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
    ))]
async fn groups(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(GroupQuery { by, filter }): Query<GroupQuery>,
) -> ApiResult<axum::Json<JobGroups>> {
    let by = By::read(&by)?;
    let filter = Filter::of_all(filter, &caller)?;
    Ok(axum::Json(read(&app.pool, &by, &filter).await?))
}

/// What to group by, beside the filter of the list. Read by hand: serde cannot flatten what refuses unknown fields.
struct GroupQuery {
    by: String,
    filter: JobFilter,
}

impl<'de> Deserialize<'de> for GroupQuery {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(GroupVisitor)
    }
}

struct GroupVisitor;

impl<'de> Visitor<'de> for GroupVisitor {
    type Value = GroupQuery;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("query parameters")
    }

    fn visit_map<A: MapAccess<'de>>(self, parameters: A) -> Result<GroupQuery, A::Error> {
        let mut by = None;
        let filter =
            JobFilter::deserialize(MapAccessDeserializer::new(WithoutBy { parameters, by: &mut by }))?;
        Ok(GroupQuery { by: by.ok_or_else(|| A::Error::missing_field("by"))?, filter })
    }
}

/// All parameters but `by`, which is put aside.
struct WithoutBy<'a, A> {
    parameters: A,
    by: &'a mut Option<String>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for WithoutBy<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(name) = self.parameters.next_key::<String>()? {
            if name != "by" {
                return seed.deserialize(name.into_deserializer()).map(Some);
            }
            if self.by.replace(self.parameters.next_value()?).is_some() {
                return Err(A::Error::duplicate_field("by"));
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.parameters.next_value_seed(seed)
    }
}

/// What jobs are grouped by.
enum By {
    /// Something that the counts which are kept know.
    Kept(&'static str),
    /// Something that only the job itself tells.
    Single(&'static str),
    Label(String),
}

impl By {
    fn read(text: &str) -> ApiResult<Self> {
        Ok(match text {
            "queue" => Self::Kept("(SELECT name FROM queues WHERE id = j.queue_id)"),
            "owner" => Self::Kept("(SELECT username FROM users WHERE id = j.owner_id)"),
            "team" => Self::Kept("(SELECT name FROM teams WHERE id = j.team_id)"),
            "reason" => Self::Kept("j.reason"),
            "name" => Self::Single("j.name"),
            "image" => Self::Single("j.spec->>'image'"),
            "node" => Self::Single(
                "(SELECT n.name FROM attempts a JOIN tasks k ON k.attempt_id = a.id AND k.rank = 0
                  JOIN nodes n ON n.id = k.node_id WHERE a.job_id = j.id AND a.epoch = j.epoch)",
            ),
            other => match other.strip_prefix("label:") {
                Some(key) if (1..=MAX_KEY_CHARS).contains(&key.chars().count()) && !key.contains('\0') => {
                    Self::Label(key.to_owned())
                }
                _ => {
                    let known = "queue, owner, team, reason, name, image, node or label:KEY";
                    return Err(ApiError::malformed(format!("by: must be {known}")));
                }
            },
        })
    }
}

async fn read(pool: &PgPool, by: &By, filter: &Filter) -> Result<JobGroups, sqlx::Error> {
    let is_kept = matches!(by, By::Kept(_)) && filter.is_kept();
    let mut query = QueryBuilder::<Postgres>::new("SELECT COALESCE(");
    match by {
        By::Kept(column) | By::Single(column) => query.push(column),
        By::Label(key) => query.push("j.labels->>").push_bind(key.clone()),
    };
    query.push(", '') AS value, j.state, ").push(if is_kept { "sum(j.jobs)::bigint" } else { "count(*)" });
    query.push(" AS jobs FROM ").push(if is_kept { list::KEPT } else { "jobs j" }).push(" WHERE true");
    list::narrow(&mut query, filter);
    if !is_kept && filter.text.is_none() {
        list::searched(&mut query, filter);
    }
    query.push(" GROUP BY 1, 2");
    let rows = query.build().fetch_all(pool).await?;
    let mut groups: BTreeMap<String, BTreeMap<JobState, u64>> = BTreeMap::new();
    for row in rows {
        let jobs = u64::try_from(row.try_get::<i64, _>("jobs")?).map_err(decode)?;
        if jobs > 0 {
            *groups.entry(row.try_get("value")?).or_default().entry(word(&row, "state")?).or_default() +=
                jobs;
        }
    }
    let mut items: Vec<_> = groups
        .into_iter()
        .map(|(value, by_state)| JobGroup { value, jobs: by_state.values().sum(), by_state })
        .collect();
    // Equal ones stay in the order of their names.
    items.sort_by_key(|group| std::cmp::Reverse(group.jobs));
    let has_more = items.len() > MAX_GROUPS;
    items.truncate(MAX_GROUPS);
    Ok(JobGroups { items, has_more })
}
