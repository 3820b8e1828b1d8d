//! What a queue's rules must hold to be accepted, and how they are written.

use std::time::Duration;

use lilac_api::problem::FieldError;
use lilac_api::quantity::Cpus;
use lilac_api::queue::{CreateQueue, Guarantee, JobLimits, Quota, Submitters, UpdateQueue};
use lilac_api::spec::Network;
use lilac_api::{ClusterId, QueueId, validate};
use sqlx::PgConnection;

use super::store;
use crate::error::{ApiError, ApiResult, refuse_invalid};

/// Clusters that a queue may feed.
const MAX_CLUSTERS: usize = 100;
/// Teams, and users, that may submit to a queue beside its own team.
const MAX_SUBMITTERS: usize = 100;
const MAX_SPAN: Duration = Duration::from_secs(400 * 86_400);

/// What a new queue's rules come to as a change of the rules that hold by default.
pub fn of_new(request: &CreateQueue) -> UpdateQueue {
    UpdateQueue {
        team: None,
        priority: Some(request.priority),
        weight: Some(request.weight),
        clusters: Some(request.clusters.clone()),
        paused: None,
        quota: Some(request.quota.clone()),
        user_quota: Some(request.user_quota.clone()),
        guaranteed: Some(request.guaranteed.clone()),
        preemption: Some(request.preemption),
        limits: Some(request.limits.clone()),
        default_max_runtime: Some(request.default_max_runtime),
        submitters: Some(request.submitters.clone()),
        policy: Some(request.policy),
        run_as: Some(request.run_as),
        networks: Some(request.networks.clone()),
    }
}

/// Refuses what no queue can have, whatever it has now.
pub fn check(change: &UpdateQueue, errors: &mut Vec<FieldError>) {
    if let Some(priority) = change.priority.filter(|priority| !(-1000..=1000).contains(priority)) {
        let message = format!("must be -1000 to 1000, is {priority}");
        errors.push(FieldError::new("priority", "out-of-bounds", message));
    }
    if let Some(weight) = change.weight {
        validate::in_bounds("weight", weight.into(), 1, 1000, errors);
    }
    if let Some(names) = &change.clusters {
        check_clusters(names, errors);
    }
    if let Some(quota) = &change.quota {
        check_quota("quota", quota, errors);
    }
    if let Some(quota) = &change.user_quota {
        check_quota("user_quota", quota, errors);
    }
    if let Some(Guarantee { cpus, memory, gpus }) = change.guaranteed.clone() {
        check_quota("guaranteed", &Quota { cpus, memory, gpus, ..Quota::default() }, errors);
    }
    if let Some(limits) = &change.limits {
        check_limits(limits, errors);
    }
    if let Some(Some(runtime)) = change.default_max_runtime {
        validate::span("default_max_runtime", runtime, Duration::from_secs(1), MAX_SPAN, errors);
    }
    if let Some(submitters) = &change.submitters {
        check_submitters(submitters, errors);
    }
    if let Some(networks) = &change.networks {
        check_networks(networks, errors);
    }
}

fn check_clusters(names: &[String], errors: &mut Vec<FieldError>) {
    if names.is_empty() || names.len() > MAX_CLUSTERS {
        let message = format!("a queue has 1 to {MAX_CLUSTERS} clusters, not {}", names.len());
        errors.push(FieldError::new("clusters", "out-of-bounds", message));
        return;
    }
    for (index, name) in names.iter().enumerate().filter(|(index, name)| names[..*index].contains(name)) {
        let message = format!("`{}` stands in the list already", short(name));
        errors.push(FieldError::new(format!("clusters[{index}]"), "duplicate", message));
    }
}

/// A quota of nothing is allowed: it closes a queue, or a dimension of it, without pausing the rest.
fn check_quota(path: &str, quota: &Quota, errors: &mut Vec<FieldError>) {
    if let Some(cpus) = quota.cpus {
        validate::in_bounds(&format!("{path}.cpus"), cpus.milli.into(), 0, u64::from(u32::MAX), errors);
    }
    if let Some(memory) = quota.memory {
        validate::in_bounds(&format!("{path}.memory"), memory.0, 0, 1 << 60, errors);
    }
    for (field, count) in
        [("gpus", quota.gpus), ("running_jobs", quota.running_jobs), ("queued_jobs", quota.queued_jobs)]
    {
        validate::in_bounds(&format!("{path}.{field}"), count.unwrap_or(0).into(), 0, 100_000_000, errors);
    }
}

fn check_limits(limits: &JobLimits, errors: &mut Vec<FieldError>) {
    if limits.cpus.is_some_and(|cpus| cpus.milli == 0) {
        errors.push(FieldError::new("limits.cpus", "out-of-bounds", "must be at least 1m"));
    }
    if let Some(memory) = limits.memory {
        validate::in_bounds("limits.memory", memory.0, 1, 1 << 60, errors);
    }
    validate::in_bounds("limits.gpus", limits.gpus.unwrap_or(0).into(), 0, 1024, errors);
    validate::in_bounds("limits.nodes", limits.nodes.unwrap_or(1).into(), 1, 1024, errors);
    if let Some(runtime) = limits.max_runtime {
        validate::span("limits.max_runtime", runtime, Duration::from_secs(1), MAX_SPAN, errors);
    }
}

fn check_submitters(submitters: &Submitters, errors: &mut Vec<FieldError>) {
    for (field, names) in [("teams", &submitters.teams), ("users", &submitters.users)] {
        validate::in_bounds(
            &format!("submitters.{field}"),
            names.len() as u64,
            0,
            MAX_SUBMITTERS as u64,
            errors,
        );
    }
}

fn check_networks(networks: &[Network], errors: &mut Vec<FieldError>) {
    if networks.is_empty() {
        errors.push(FieldError::new("networks", "empty", "a job needs one to choose from; `none` is one"));
    }
    for index in (0..networks.len()).filter(|index| networks[..*index].contains(&networks[*index])) {
        let message = format!("`{}` stands in the list already", networks[index]);
        errors.push(FieldError::new(format!("networks[{index}]"), "duplicate", message));
    }
}

/// Writes a change that was checked; names that nobody has are refused fields. The row is locked, or new.
pub async fn write(conn: &mut PgConnection, id: QueueId, change: &UpdateQueue) -> ApiResult<()> {
    if let Some(names) = &change.clusters {
        let clusters = resolve(conn, names).await?;
        store::set_clusters(conn, id, &clusters).await?;
    }
    if let Some(submitters) = &change.submitters {
        let unknown = store::set_submitters(conn, id, submitters).await?;
        let message = "there is none of that name, or it stands in the list twice";
        refuse_invalid(
            unknown.into_iter().map(|path| FieldError::new(path, "not-found", message)).collect(),
        )?;
    }
    store::write_rules(conn, id, change).await?;
    let (quota, guaranteed) = store::guarantee(conn, id).await?;
    refuse_invalid(beyond_quota(&quota, &guaranteed))?;
    let (default, limits) = store::runtimes(conn, id).await?;
    match (default, limits.max_runtime) {
        (Some(default), Some(most)) if default > most => {
            let message = format!("is {default}, beyond the limit of {most} on one job");
            Err(ApiError::field("default_max_runtime", "out-of-bounds", message))
        }
        _ => Ok(()),
    }
}

/// Nobody can be guaranteed what the quota keeps from them.
fn beyond_quota(quota: &Quota, guaranteed: &Guarantee) -> Vec<FieldError> {
    let milli = |cpus: Cpus| u64::from(cpus.milli);
    let pairs = [
        ("cpus", guaranteed.cpus.map(milli), quota.cpus.map(milli)),
        ("memory", guaranteed.memory.map(|memory| memory.0), quota.memory.map(|memory| memory.0)),
        ("gpus", guaranteed.gpus.map(u64::from), quota.gpus.map(u64::from)),
    ];
    let beyond = pairs.into_iter().filter(|(_, guaranteed, most)| most.is_some() && guaranteed > most);
    let error = |(field, ..): (&str, Option<u64>, Option<u64>)| {
        let message = "is more than the queue's quota allows";
        FieldError::new(format!("guaranteed.{field}"), "out-of-bounds", message)
    };
    beyond.map(error).collect()
}

/// The clusters of those names; a name that no cluster has is a refused field.
async fn resolve(conn: &mut PgConnection, names: &[String]) -> ApiResult<Vec<ClusterId>> {
    let found = store::clusters_by_name(conn, names).await?;
    let unknown = names.iter().zip(&found).enumerate().filter(|(_, (_, id))| id.is_none());
    let errors = unknown.map(|(index, (name, _))| {
        let message = format!("there is no cluster named `{}`", short(name));
        FieldError::new(format!("clusters[{index}]"), "not-found", message)
    });
    refuse_invalid(errors.collect())?;
    Ok(found.into_iter().flatten().collect())
}

/// As much of a name as an answer repeats.
fn short(name: &str) -> String {
    name.chars().take(63).collect()
}
