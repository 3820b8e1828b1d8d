//! Who gets into a queue with what: asked in the transaction that stores the job.

use lilac_api::problem::FieldError;
use lilac_api::quantity::Span;
use lilac_api::queue::{ContainerPolicy, JobLimits, Quota, RunAs};
use lilac_api::spec::{JobSpec, Network, Runtime};
use lilac_api::{QueueId, TeamId, UserId};
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::store::{span, visible_queue, word};
use crate::auth::caller::Caller;
use crate::error::{ApiError, ApiResult};

/// A queue as one caller meets it with a job.
pub struct Door {
    pub id: QueueId,
    pub name: String,
    /// The queue's version as it was read, and how many deletions of people it had seen.
    version: i64,
    deletions: i64,
    owning_team: TeamId,
    /// The teams for which the caller may submit here, with their names.
    teams: Vec<(TeamId, String)>,
    limits: JobLimits,
    default_max_runtime: Option<Span>,
    networks: Vec<Network>,
    policy: ContainerPolicy,
    run_as: RunAs,
    /// Whether it is known who the caller is on the nodes.
    has_node_user: bool,
    /// How many jobs may wait: of all users, and of one.
    queued: [Option<u32>; 2],
}

/// Where a job goes that was admitted.
#[derive(Clone, Copy, Debug)]
pub struct Ticket {
    pub queue_id: QueueId,
    /// The version of the queue by whose rules it was let in, and how many deletions of people it had seen.
    pub version: i64,
    pub deletions: i64,
    pub team_id: TeamId,
}

/// The queues of those names that the caller sees; none where the caller is there no more. They are held against being
/// deleted until the transaction ends, so ask in the one that stores the jobs. `teams` are the names of teams that the
/// jobs name: for an administrator, who may name any.
pub async fn doors(
    conn: &mut PgConnection,
    caller: &Caller,
    names: &[&str],
    teams: &[&str],
) -> ApiResult<Vec<Door>> {
    // Deletions are counted as the people are seen: of the row itself the latest is read, once it is locked.
    let rows = sqlx::query(concat!(
        "SELECT q.id, q.name, q.version, (SELECT d.deletions FROM queues d WHERE d.id = q.id) AS deletions, q.team_id,
                q.limits, q.default_max_runtime_millis, q.networks, q.policy, q.quota, q.user_quota,
                q.run_as, EXISTS (SELECT FROM users WHERE id = $3 AND uid IS NOT NULL) AS has_node_user, e.ids, e.names
         FROM queues q CROSS JOIN LATERAL (
             SELECT COALESCE(array_agg(t.id ORDER BY lower(t.name)), '{}') AS ids,
                    COALESCE(array_agg(t.name ORDER BY lower(t.name)), '{}') AS names
             FROM teams t
             WHERE CASE WHEN $2::uuid[] IS NULL THEN t.id = q.team_id OR lower(t.name) = ANY($4)
                   ELSE t.id = ANY($2) AND (t.id = q.team_id OR EXISTS (
                       SELECT FROM queue_submitters s
                       WHERE s.queue_id = q.id AND (s.team_id = t.id OR s.user_id = $3))) END
         ) e
         WHERE q.name = ANY($1) AND EXISTS (SELECT FROM users WHERE id = $3) AND ",
        visible_queue!("$2", "$3"),
        " ORDER BY q.id FOR KEY SHARE OF q"
    ))
    .bind(names)
    .bind(caller.sees())
    .bind(caller.user_id.0)
    .bind(teams.iter().map(|team| team.to_lowercase()).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    Ok(rows.iter().map(door).collect::<Result<_, _>>()?)
}

fn door(row: &sqlx::postgres::PgRow) -> sqlx::Result<Door> {
    let ids: Vec<Uuid> = row.try_get("ids")?;
    let names: Vec<String> = row.try_get("names")?;
    let networks: Vec<String> = row.try_get("networks")?;
    let Json(quota): Json<Quota> = row.try_get("quota")?;
    let Json(user_quota): Json<Quota> = row.try_get("user_quota")?;
    Ok(Door {
        id: QueueId(row.try_get("id")?),
        name: row.try_get("name")?,
        version: row.try_get("version")?,
        deletions: row.try_get("deletions")?,
        owning_team: TeamId(row.try_get("team_id")?),
        teams: ids.into_iter().map(TeamId).zip(names).collect(),
        limits: row.try_get::<Json<JobLimits>, _>("limits")?.0,
        default_max_runtime: row.try_get::<Option<i64>, _>("default_max_runtime_millis")?.map(span),
        networks: networks.iter().map(|text| word(text)).collect::<Result<_, _>>()?,
        policy: word(row.try_get("policy")?)?,
        run_as: word(row.try_get("run_as")?)?,
        has_node_user: row.try_get("has_node_user")?,
        queued: [quota.queued_jobs, user_quota.queued_jobs],
    })
}

/// What a queue that the caller does not see, or that does not exist, is answered with.
pub fn no_queue(name: &str) -> FieldError {
    FieldError::new("queue", "not-found", format!("there is no queue `{name}`"))
}

impl Door {
    /// Lets a job in, whose `max_runtime` becomes the queue's where it names none; or says which fields the queue refuses.
    pub fn admit(&self, spec: &mut JobSpec) -> Result<Ticket, Vec<FieldError>> {
        spec.max_runtime = spec.max_runtime.or(self.default_max_runtime).or(self.limits.max_runtime);
        let mut errors = over_limits(&self.limits, spec);
        if !self.networks.contains(&spec.network) {
            let allowed: Vec<String> = self.networks.iter().map(ToString::to_string).collect();
            let message = format!("queue {} allows {}", self.name, allowed.join(" and "));
            errors.push(FieldError::new("network", "not-allowed", message));
        }
        if spec.runtime == Runtime::Process && self.policy != ContainerPolicy::Trusted {
            let message = format!("queue {} runs containers only: its policy is not `trusted`", self.name);
            errors.push(FieldError::new("runtime", "not-allowed", message));
        }
        errors.extend(self.wrong_user(spec));
        match self.team(spec.team.as_deref()) {
            Ok(team_id) if errors.is_empty() => {
                let Self { id: queue_id, version, deletions, .. } = *self;
                Ok(Ticket { queue_id, version, deletions, team_id })
            }
            Ok(_) => Err(errors),
            Err(error) => {
                errors.push(error);
                Err(errors)
            }
        }
    }

    /// Whether it bounds how many jobs may wait, which must be counted when one is stored.
    pub fn counts(&self) -> bool {
        self.queued.iter().any(Option::is_some)
    }

    /// Why the job cannot run as whom the queue wants, if so.
    fn wrong_user(&self, spec: &JobSpec) -> Option<FieldError> {
        if self.run_as != RunAs::Submitter {
            return None;
        }
        let message = if spec.user.is_some() {
            format!("queue {} runs each container as its submitter: leave `user` out", self.name)
        } else if !self.has_node_user {
            format!(
                "queue {} runs each container as its submitter, and you have no uid: have an administrator give you one",
                self.name
            )
        } else {
            return None;
        };
        Some(FieldError::new("user", "not-allowed", message))
    }

    /// The name of a ticket's team.
    pub fn team_name(&self, team: TeamId) -> &str {
        self.teams.iter().find(|(id, _)| *id == team).map_or("", |(_, name)| name)
    }

    /// The job's team: the one that is named; else the queue's own, where the caller may submit for it; else
    /// the only one that is left.
    fn team(&self, named: Option<&str>) -> Result<TeamId, FieldError> {
        if let Some(named) = named {
            let found = self.teams.iter().find(|(_, name)| name.to_lowercase() == named.to_lowercase());
            return found.map(|(id, _)| *id).ok_or_else(|| {
                let message = format!("there is no team `{named}` for which you may submit to this queue");
                FieldError::new("team", "not-found", message)
            });
        }
        if self.teams.iter().any(|(id, _)| *id == self.owning_team) {
            return Ok(self.owning_team);
        }
        match self.teams.as_slice() {
            [(only, _)] => Ok(*only),
            [] => {
                Err(FieldError::new("team", "missing-field", "you are in no team that a job could belong to"))
            }
            several => {
                let names: Vec<&str> = several.iter().map(|(_, name)| name.as_str()).collect();
                let message = format!("say for which of your teams: {}", names.join(", "));
                Err(FieldError::new("team", "missing-field", message))
            }
        }
    }

    /// Asked once jobs of a user are stored, so that a repeated submission is none: refuses them where too many
    /// wait with them. Submissions to a queue with such a bound take turns, so that it holds exactly.
    pub async fn check_room(&self, conn: &mut PgConnection, owner: UserId, added: u64) -> ApiResult<()> {
        if !self.counts() {
            return Ok(());
        }
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))")
            .bind(self.id.to_string())
            .execute(&mut *conn)
            .await?;
        for (bound, of) in self.queued.into_iter().zip([None, Some(owner)]) {
            let Some(bound) = bound else { continue };
            let waiting: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM jobs WHERE queue_id = $1 AND state = 'queued' AND ($2::uuid IS NULL OR owner_id = $2)",
            )
            .bind(self.id.0)
            .bind(of.map(|owner| owner.0))
            .fetch_one(&mut *conn)
            .await?;
            let waiting = waiting.unsigned_abs();
            if waiting > u64::from(bound) {
                let whose = if of.is_some() { "of one user " } else { "" };
                let before = waiting.saturating_sub(added);
                let message =
                    format!("queue {} lets {bound} jobs {whose}wait, and {before} do already", self.name);
                return Err(ApiError::field("queue", "quota-exceeded", message));
            }
        }
        Ok(())
    }
}

/// In what a job asks for more than its queue grants one job.
fn over_limits(limits: &JobLimits, spec: &JobSpec) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut refuse = |path: &str, most: String| {
        errors.push(FieldError::new(path, "over-queue-limit", format!("the queue allows {most} at most")));
    };
    let others = spec.alternatives.iter().enumerate();
    let others = others.map(|(index, other)| (format!("alternatives[{index}]"), other));
    for (path, resources) in std::iter::once(("resources".to_owned(), &spec.resources)).chain(others) {
        let asked = resources.amounts();
        if let Some(most) = limits.cpus.filter(|most| asked.cpu_milli > most.milli) {
            refuse(&format!("{path}.cpus"), format!("{most} CPUs"));
        }
        if let Some(most) = limits.memory.filter(|most| asked.memory_bytes > most.0) {
            refuse(&format!("{path}.memory"), most.to_string());
        }
        if let Some(most) = limits.gpus.filter(|most| asked.gpus > *most) {
            refuse(&format!("{path}.gpus"), format!("{most} GPUs"));
        }
    }
    if let Some(most) = limits.nodes.filter(|most| spec.nodes > *most) {
        refuse("nodes", format!("{most} nodes"));
    }
    if let Some(most) = limits.max_runtime.filter(|most| spec.max_runtime.is_some_and(|asked| asked > *most))
    {
        refuse("max_runtime", most.to_string());
    }
    errors
}
