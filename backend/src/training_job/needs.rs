//! What a job waits for: names and ids made into rows.
//!
//! A need is resolved when its job is stored, to a job that exists and that the caller sees. The rows of those
//! jobs are locked meanwhile, so that none ends unnoticed between the look at it and the commit. Within a batch
//! `$name` is a job of the same batch; there, and only there, a cycle could be made, and is refused.

use std::collections::{BTreeSet, HashMap, HashSet};

use lilac_api::job::{JobState, Reason};
use lilac_api::problem::FieldError;
use lilac_api::spec::{self, NeedOn};
use lilac_api::{ArrayId, JobId};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::auth::caller::Caller;

/// One job that another waits for.
#[derive(Clone, Debug)]
pub struct Need {
    pub job_id: JobId,
    pub on: NeedOn,
    /// It has ended already, as it should.
    pub settled: bool,
    /// It has ended already, in another way.
    failed: bool,
}

/// Who waits.
#[derive(Clone, Copy, Debug)]
pub enum Dependent {
    Job(JobId),
    Array(ArrayId),
}

/// The jobs that needs speak of.
#[derive(Default)]
pub struct Known {
    names: HashMap<String, JobId>,
    jobs: HashMap<JobId, Target>,
}

struct Target {
    state: JobState,
    is_member: bool,
}

/// How a job that ended in `state` meets what is asked of it.
pub fn is_met(state: JobState, on: NeedOn) -> bool {
    match on {
        NeedOn::Succeeded => state == JobState::Succeeded,
        NeedOn::Failed => state == JobState::Failed,
        NeedOn::Finished => state.is_terminal(),
    }
}

/// Looks up, and locks against ending, what these needs speak of as far as the caller sees it.
pub async fn look_up(
    conn: &mut PgConnection,
    caller: &Caller,
    needs: impl Iterator<Item = &spec::Need>,
) -> Result<Known, sqlx::Error> {
    let texts: BTreeSet<&str> =
        needs.map(|need| need.job.as_str()).filter(|text| !text.starts_with('$')).collect();
    if texts.is_empty() {
        return Ok(Known::default());
    }
    let (ids, names): (Vec<&str>, Vec<&str>) =
        texts.into_iter().partition(|text| text.parse::<JobId>().is_ok());
    let mut ids: HashSet<Uuid> =
        ids.into_iter().filter_map(|text| text.parse::<JobId>().ok()).map(|id| id.0).collect();
    let mut known = Known::default();
    if !names.is_empty() {
        let rows = sqlx::query(
            "SELECT n.name, (SELECT j.id FROM jobs j WHERE j.owner_id = $1 AND j.name = n.name
                AND ($2::uuid[] IS NULL OR j.team_id = ANY($2)) ORDER BY j.id DESC LIMIT 1) AS id
             FROM unnest($3::text[]) AS n(name)",
        )
        .bind(caller.user_id.0)
        .bind(caller.sees())
        .bind(&names)
        .fetch_all(&mut *conn)
        .await?;
        for row in rows {
            if let Some(id) = row.try_get::<Option<Uuid>, _>("id")? {
                ids.insert(id);
                known.names.insert(row.try_get("name")?, JobId(id));
            }
        }
    }
    let rows = sqlx::query(
        "SELECT id, state, array_id IS NOT NULL AS is_member FROM jobs
         WHERE id = ANY($1) AND ($2::uuid[] IS NULL OR team_id = ANY($2)) ORDER BY id FOR SHARE",
    )
    .bind(ids.into_iter().collect::<Vec<_>>())
    .bind(caller.sees())
    .fetch_all(conn)
    .await?;
    for row in rows {
        let state: &str = row.try_get("state")?;
        let state = state.parse().map_err(|error| sqlx::Error::Decode(Box::new(error) as _))?;
        known.jobs.insert(JobId(row.try_get("id")?), Target { state, is_member: row.try_get("is_member")? });
    }
    Ok(known)
}

/// Makes the needs of a job into those of jobs that exist; `siblings` are the jobs of its batch.
pub fn resolve(
    needs: &[spec::Need],
    known: &Known,
    siblings: &HashMap<&str, JobId>,
) -> Result<Vec<Need>, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut resolved = Vec::with_capacity(needs.len());
    for (index, need) in needs.iter().enumerate() {
        match resolve_one(need, known, siblings) {
            Ok(need) => resolved.push(need),
            Err((code, message)) => {
                errors.push(FieldError::new(format!("needs[{index}].job"), code, message));
            }
        }
    }
    if errors.is_empty() { Ok(resolved) } else { Err(errors) }
}

fn resolve_one(
    need: &spec::Need,
    known: &Known,
    siblings: &HashMap<&str, JobId>,
) -> Result<Need, (&'static str, String)> {
    if let Some(name) = need.job.strip_prefix('$') {
        let job_id = siblings
            .get(name)
            .copied()
            .ok_or_else(|| ("not-found", format!("there is no one job named `{name}` in the same batch")))?;
        return Ok(Need { job_id, on: need.on, settled: false, failed: false });
    }
    let by_name = known.names.get(&need.job).copied();
    let job_id = by_name.or_else(|| need.job.parse().ok());
    let found = job_id.and_then(|id| known.jobs.get(&id).map(|target| (id, target)));
    let Some((job_id, target)) = found else {
        return Err(("not-found", format!("there is no job `{}` of yours", need.job)));
    };
    if by_name.is_some() && target.is_member {
        let message = format!("`{}` is an array; name one of its jobs by its id", need.job);
        return Err(("is-array", message));
    }
    let settled = is_met(target.state, need.on);
    Ok(Need { job_id, on: need.on, settled, failed: target.state.is_terminal() && !settled })
}

/// Why a job with these needs does not start yet.
pub fn blocked(needs: &[Need]) -> Option<(Reason, String)> {
    let open = needs.iter().filter(|need| !need.settled).count();
    let message = match open {
        0 => return None,
        1 => "waits for 1 job to end".to_owned(),
        count => format!("waits for {count} jobs to end"),
    };
    Some((Reason::Dependency, message))
}

/// Stores who waits for what. Of those that ended in another way than asked for, the leader learns at once.
pub async fn store(conn: &mut PgConnection, waits: &[(Dependent, &[Need])]) -> Result<(), sqlx::Error> {
    let flat: Vec<(Dependent, &Need)> =
        waits.iter().flat_map(|(who, needs)| needs.iter().map(|need| (*who, need))).collect();
    if flat.is_empty() {
        return Ok(());
    }
    let job = |who: Dependent| if let Dependent::Job(id) = who { Some(id.0) } else { None };
    let array = |who: Dependent| if let Dependent::Array(id) = who { Some(id.0) } else { None };
    sqlx::query(
        "INSERT INTO job_needs (job_id, array_id, needs_id, outcome, settled)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::boolean[])",
    )
    .bind(flat.iter().map(|(who, _)| job(*who)).collect::<Vec<_>>())
    .bind(flat.iter().map(|(who, _)| array(*who)).collect::<Vec<_>>())
    .bind(flat.iter().map(|(_, need)| need.job_id.0).collect::<Vec<_>>())
    .bind(flat.iter().map(|(_, need)| need.on.as_str()).collect::<Vec<_>>())
    .bind(flat.iter().map(|(_, need)| need.settled).collect::<Vec<_>>())
    .execute(&mut *conn)
    .await?;
    let ended: BTreeSet<JobId> =
        flat.iter().filter(|(_, need)| need.failed).map(|(_, need)| need.job_id).collect();
    if !ended.is_empty() {
        sqlx::query("INSERT INTO job_wakes (job_id) SELECT * FROM unnest($1::uuid[])")
            .bind(ended.into_iter().map(|id| id.0).collect::<Vec<_>>())
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// The positions of jobs that wait for each other in a circle, or for one that does; `waits_for[i]` are the
/// positions that job `i` waits for.
pub fn in_cycle(waits_for: &[Vec<usize>]) -> Vec<usize> {
    let mut open: Vec<usize> = waits_for.iter().map(Vec::len).collect();
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); waits_for.len()];
    for (job, needs) in waits_for.iter().enumerate() {
        for need in needs {
            dependents[*need].push(job);
        }
    }
    let mut free: Vec<usize> = (0..open.len()).filter(|job| open[*job] == 0).collect();
    while let Some(job) = free.pop() {
        for dependent in &dependents[job] {
            open[*dependent] -= 1;
            if open[*dependent] == 0 {
                free.push(*dependent);
            }
        }
    }
    (0..open.len()).filter(|job| open[*job] > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_are_found_and_diamonds_are_none() {
        assert_eq!(in_cycle(&[vec![], vec![0], vec![0], vec![1, 2]]), Vec::<usize>::new());
        assert_eq!(in_cycle(&[vec![0]]), [0]);
        assert_eq!(in_cycle(&[vec![2], vec![0], vec![1], vec![]]), [0, 1, 2]);
        assert_eq!(in_cycle(&[vec![1], vec![0], vec![1]]), [0, 1, 2], "what waits for a circle never starts");
    }

    #[test]
    fn each_outcome_meets_what_it_says() {
        use JobState::{Cancelled, Failed, Running, Succeeded};
        for (on, met) in [
            (NeedOn::Succeeded, vec![Succeeded]),
            (NeedOn::Failed, vec![Failed]),
            (NeedOn::Finished, vec![Succeeded, Failed, Cancelled]),
        ] {
            for state in [Running, Succeeded, Failed, Cancelled] {
                assert_eq!(is_met(state, on), met.contains(&state), "{state} {on}");
            }
        }
    }
}
