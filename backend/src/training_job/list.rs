//! Lists of jobs and how many there are.
//!
//! A page is read in the order of the ids, which is that of the submission, with the filter beside: the indexes
//! of the table all end in the id. Counts by what every job has (team, queue, owner, state, reason) are kept as
//! jobs change and cost the same however many jobs there are; others are counted one by one.

use chrono::{DateTime, Utc};
use lilac_api::ArrayId;
use lilac_api::job::{Job, JobCounts, JobFilter, JobOrder, JobState, Reason};
use lilac_api::suggest::nearest;
use sqlx::postgres::PgPool;
use sqlx::types::Json;
use sqlx::{Postgres, QueryBuilder, Row};
use strum::VariantArray;
use uuid::Uuid;

use super::store::{JOB, decode, job, word};
use crate::auth::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::page;

/// How many jobs a search for a text looks at.
const SEARCHED: i64 = 50_000;
/// How far an id's time may be from the time that its job was stored, on servers with poor clocks. What lies
/// between is read job by job, which is what a page of a time range costs.
const SKEW_HOURS: i64 = 1;
/// The counts that are kept, as `j`.
pub(super) const KEPT: &str = "(SELECT team_id, queue_id, owner_id, state, reason, jobs FROM job_counts
    UNION ALL SELECT team_id, queue_id, owner_id, state, reason, jobs FROM job_count_changes) j";
/// The most labels that one filter names.
const MAX_LABELS: usize = 16;

/// What a list of jobs is narrowed to; already checked.
#[derive(Debug, Default)]
pub struct Filter {
    /// Only jobs of these teams; none for all ([`crate::auth::caller::Caller::sees`]).
    pub teams: Option<Vec<Uuid>>,
    pub states: Vec<JobState>,
    pub reasons: Vec<Reason>,
    pub queue: Option<String>,
    pub owner: Option<String>,
    pub team: Option<String>,
    pub name: Option<String>,
    pub text: Option<String>,
    pub labels: Vec<(String, String)>,
    pub node: Option<String>,
    pub array: Option<ArrayId>,
    pub folded: bool,
    pub created: [Option<DateTime<Utc>>; 2],
    pub finished: [Option<DateTime<Utc>>; 2],
    pub oldest_first: bool,
    /// Only jobs beyond this id, in the order of the list.
    pub beyond: Option<Uuid>,
    pub limit: i64,
}

impl Filter {
    /// A filter as the caller means it; one more than the page is read, to know whether there are more.
    pub fn checked(filter: JobFilter, caller: &Caller) -> ApiResult<Self> {
        if let Some(text) = &filter.text
            && !(1..=128).contains(&text.chars().count())
        {
            return Err(ApiError::malformed("text: must have 1 to 128 characters"));
        }
        Ok(Self {
            teams: caller.sees(),
            states: words("state", filter.state.as_deref())?,
            reasons: words("reason", filter.reason.as_deref())?,
            queue: filter.queue,
            owner: filter.owner.map(|owner| if owner == "me" { caller.username.clone() } else { owner }),
            team: filter.team,
            name: filter.name,
            text: filter.text,
            labels: filter.label.map(|labels| split_labels(&labels)).transpose()?.unwrap_or_default(),
            node: filter.node,
            array: filter.array,
            folded: filter.folded == Some(true),
            created: [filter.created_after, filter.created_before],
            finished: [filter.finished_after, filter.finished_before],
            oldest_first: filter.sort == Some(JobOrder::Oldest),
            beyond: page::decode(filter.cursor.as_deref())?,
            limit: page::limit(filter.limit)? + 1,
        })
    }

    /// As [`Filter::checked`], for what takes all that match.
    pub fn of_all(filter: JobFilter, caller: &Caller) -> ApiResult<Self> {
        if filter.limit.is_some() || filter.cursor.is_some() || filter.sort.is_some() {
            return Err(ApiError::malformed(
                "query: limit, cursor and sort are for lists; this takes all that match",
            ));
        }
        Self::checked(filter, caller)
    }

    /// Whether the counts that are kept can tell how many jobs match.
    pub(super) fn is_kept(&self) -> bool {
        self.name.is_none()
            && self.text.is_none()
            && self.labels.is_empty()
            && self.node.is_none()
            && self.array.is_none()
            && !self.folded
            && self.created == [None, None]
            && self.finished == [None, None]
    }
}

/// Words of a list that is separated by commas.
fn words<T>(parameter: &str, list: Option<&str>) -> ApiResult<Vec<T>>
where
    T: std::str::FromStr + VariantArray + Copy + Into<&'static str>,
{
    let words =
        list.into_iter().flat_map(|list| list.split(',')).map(str::trim).filter(|word| !word.is_empty());
    words
        .map(|word| {
            word.parse().map_err(|_| {
                let near = nearest(word, T::VARIANTS.iter().map(|known| (*known).into()));
                let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                let word = word.escape_debug();
                ApiError::malformed(format!("{parameter}: there is no {parameter} `{word}`{hint}"))
            })
        })
        .collect()
}

/// The states of a list that is separated by commas.
pub fn states(list: Option<&str>) -> ApiResult<Vec<JobState>> {
    words("state", list)
}

/// `a=b,c=d`; a part without `=` belongs to the value before it, which has a comma.
fn split_labels(text: &str) -> ApiResult<Vec<(String, String)>> {
    let refuse = || ApiError::malformed("label: write key=value, or several separated by commas");
    let mut labels: Vec<(String, String)> = Vec::new();
    for part in text.split(',') {
        match (part.split_once('='), labels.last_mut()) {
            (Some((key, value)), _) => labels.push((key.to_owned(), value.to_owned())),
            (None, Some((_, value))) => {
                value.push(',');
                value.push_str(part);
            }
            (None, None) => return Err(refuse()),
        }
    }
    if labels.len() > MAX_LABELS { Err(refuse()) } else { Ok(labels) }
}

/// The first jobs of a list, without their specs.
pub async fn list(pool: &PgPool, filter: &Filter) -> Result<Vec<Job>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new(JOB);
    query.push(" WHERE true");
    narrow(&mut query, filter);
    let (beyond, order) = if filter.oldest_first { (">", "") } else { ("<", " DESC") };
    if let Some(id) = filter.beyond {
        query.push(format!(" AND j.id {beyond} ")).push_bind(id);
    }
    query.push(format!(" ORDER BY j.id{order} LIMIT ")).push_bind(filter.limit);
    let rows = query.build().fetch_all(pool).await?;
    rows.iter().map(|row| job(row).map(|job| Job { spec: None, ..job })).collect()
}

/// How many jobs match, by state, and why the queued ones wait.
pub async fn counts(pool: &PgPool, filter: &Filter) -> Result<JobCounts, sqlx::Error> {
    let mut query = if filter.is_kept() {
        QueryBuilder::<Postgres>::new(format!(
            "SELECT j.state, j.reason, sum(j.jobs)::bigint AS jobs FROM {KEPT} WHERE true"
        ))
    } else {
        QueryBuilder::new(
            "SELECT j.state, COALESCE(j.reason, '') AS reason, count(*) AS jobs FROM jobs j WHERE true",
        )
    };
    narrow(&mut query, filter);
    query.push(" GROUP BY 1, 2");
    let rows = query.build().fetch_all(pool).await?;
    let mut counts = JobCounts::default();
    for state in JobState::VARIANTS {
        counts.by_state.insert(*state, 0);
    }
    for row in rows {
        let jobs = u64::try_from(row.try_get::<i64, _>("jobs")?).map_err(decode)?;
        let state: JobState = word(&row, "state")?;
        *counts.by_state.entry(state).or_default() += jobs;
        if state == JobState::Queued && jobs > 0 {
            let reason: &str = row.try_get("reason")?;
            let reason = if reason.is_empty() { "none" } else { reason };
            *counts.queued_by_reason.entry(reason.to_owned()).or_default() += jobs;
        }
    }
    Ok(counts)
}

/// Adds the conditions of a filter on `j`, a job or a count of jobs.
pub(super) fn narrow(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    if let Some(teams) = &filter.teams {
        query.push(" AND j.team_id = ANY(").push_bind(teams.clone()).push(")");
    }
    if !filter.states.is_empty() {
        let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
        query.push(" AND j.state = ANY(").push_bind(states).push(")");
    }
    if !filter.reasons.is_empty() {
        let reasons: Vec<&str> = filter.reasons.iter().map(|reason| reason.as_str()).collect();
        query.push(" AND j.reason = ANY(").push_bind(reasons).push(")");
    }
    if let Some(queue) = &filter.queue {
        query
            .push(" AND j.queue_id IN (SELECT id FROM queues WHERE name = ")
            .push_bind(queue.clone())
            .push(")");
    }
    if let Some(owner) = &filter.owner {
        query.push(" AND j.owner_id = (SELECT id FROM users WHERE lower(username) = lower(");
        query.push_bind(owner.clone()).push("))");
    }
    if let Some(team) = &filter.team {
        query.push(" AND j.team_id = (SELECT id FROM teams WHERE lower(name) = lower(");
        query.push_bind(team.clone()).push("))");
    }
    narrow_one_by_one(query, filter);
}

/// The conditions that only a job itself can tell.
fn narrow_one_by_one(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    if let Some(name) = &filter.name {
        query.push(" AND j.name = ").push_bind(name.clone());
    }
    if let Some(text) = &filter.text {
        query.push(" AND strpos(lower(j.name), lower(").push_bind(text.clone()).push(")) > 0");
        searched(query, filter);
    }
    for (key, value) in &filter.labels {
        query
            .push(" AND j.labels <> '{}' AND j.labels @> ")
            .push_bind(Json(serde_json::json!({ key: value })));
    }
    if let Some(node) = &filter.node {
        query.push(
            " AND EXISTS (SELECT FROM attempts a JOIN tasks k ON k.attempt_id = a.id JOIN nodes n ON n.id = k.node_id
               WHERE a.job_id = j.id AND a.epoch = j.epoch AND n.name = ",
        );
        query.push_bind(node.clone()).push(")");
    }
    if let Some(array) = filter.array {
        query.push(" AND j.array_id = ").push_bind(array.0);
    }
    if filter.folded {
        query.push(" AND COALESCE(j.array_index, 0) = 0");
    }
    for (column, range) in [("created_at", &filter.created), ("finished_at", &filter.finished)] {
        for (comparison, at) in [(">=", range[0]), ("<", range[1])] {
            if let Some(at) = at {
                query.push(format!(" AND j.{column} {comparison} ")).push_bind(at);
            }
        }
    }
    // An id tells roughly when its job came, and the list is read in the order of the ids. What ended before a
    // time came before it, too.
    let before = filter.created[1].into_iter().chain(filter.finished[1]).min();
    for (comparison, at, skew) in [(">=", filter.created[0], -SKEW_HOURS), ("<", before, SKEW_HOURS)] {
        if let Some(at) = at.and_then(|at| at.checked_add_signed(chrono::Duration::hours(skew))) {
            query.push(format!(" AND j.id {comparison} ")).push_bind(first_id(at));
        }
    }
}

/// Bounds a search to so many jobs from where the list is read.
pub(super) fn searched(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    let (beyond, order, until, none) =
        if filter.oldest_first { (">", "", "<=", Uuid::max()) } else { ("<", " DESC", ">=", Uuid::nil()) };
    query.push(format!(" AND j.id {until} COALESCE((SELECT id FROM jobs"));
    if let Some(id) = filter.beyond {
        query.push(format!(" WHERE id {beyond} ")).push_bind(id);
    }
    query
        .push(format!(" ORDER BY id{order} OFFSET "))
        .push_bind(SEARCHED)
        .push(" LIMIT 1), ")
        .push_bind(none)
        .push(")");
}

/// The smallest id that could be made at a time.
pub(super) fn first_id(at: DateTime<Utc>) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    Uuid::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_may_hold_commas() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(split_labels("a=1,b=2").unwrap(), [pair("a", "1"), pair("b", "2")]);
        assert_eq!(split_labels("a=1,2").unwrap(), [pair("a", "1,2")]);
        assert!(split_labels("a").is_err());
    }

    #[test]
    fn an_id_is_as_old_as_its_time() {
        let id = Uuid::now_v7();
        let hour = chrono::Duration::hours(1);
        assert!(first_id(Utc::now() - hour) < id && id < first_id(Utc::now() + hour));
    }
}
