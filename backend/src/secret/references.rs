//! What a job names must be there when it is submitted: a typing mistake is told at once, not by an attempt
//! that fails in the night. What is taken away later is told by `supplies`.

use lilac_api::problem::FieldError;
use lilac_api::secret::registry_of;
use lilac_api::spec::JobSpec;
use lilac_api::{QueueId, TeamId};
use sqlx::PgConnection;

use super::{registry_store, store};
use crate::error::ApiResult;
use crate::{hook, volume};

/// All that the spec names and the job's team does not have. Asks nothing for a job that names nothing.
pub async fn check(
    conn: &mut PgConnection,
    team: TeamId,
    queue: QueueId,
    spec: &JobSpec,
) -> ApiResult<Vec<FieldError>> {
    let mut errors = Vec::new();
    if !spec.secrets.is_empty() {
        let names: Vec<&str> = spec.secrets.values().map(String::as_str).collect();
        let known = store::known(conn, team, &names).await?;
        for (variable, name) in spec.secrets.iter().filter(|(_, name)| !known.contains(name)) {
            errors.push(missing_secret(variable, name));
        }
    }
    if let Some(name) = &spec.pull.secret {
        let wanted = registry_of(&spec.image);
        match registry_store::server_of(conn, team, name).await? {
            None => errors.push(missing_registry(name)),
            Some(server) if server != wanted => {
                let message = format!("`{name}` is a login to {server}, and the image comes from {wanted}");
                errors.push(FieldError::new("pull.secret", "mismatch", message));
            }
            Some(_) => {}
        }
    }
    if !spec.volumes.is_empty() {
        let queue = volume::store::Place::Queue(queue);
        let known = volume::store::usable(conn, team, queue, &spec.volumes).await?;
        for (index, mount) in spec.volumes.iter().enumerate() {
            match known.iter().find(|known| known.name == mount.name) {
                None => errors.push(missing_volume(index, &mount.name)),
                Some(volume) if !volume.reachable => {
                    let message = format!("volume `{}` is not on all clusters of the queue", mount.name);
                    errors.push(FieldError::new(format!("volumes[{index}].name"), "mismatch", message));
                }
                Some(_) => {}
            }
        }
    }
    if !spec.notify.is_empty() {
        let names: Vec<&str> = spec.notify.iter().map(|notify| notify.to.as_str()).collect();
        let known = hook::store::known(conn, team, &names).await?;
        errors.extend(spec.notify.iter().enumerate().filter_map(|(index, notify)| {
            let Some((name, events)) = known.iter().find(|(name, _)| *name == notify.to) else {
                let message = format!("the job's team has no hook `{}`", notify.to);
                return Some(FieldError::new(format!("notify[{index}].to"), "not-found", message));
            };
            let other = notify.on.iter().find(|state| !events.iter().any(|event| event == state.as_str()))?;
            let message = format!("the hook `{name}` is not told of {other}");
            Some(FieldError::new(format!("notify[{index}].on"), "mismatch", message))
        }));
    }
    Ok(errors)
}

pub fn missing_secret(variable: &str, name: &str) -> FieldError {
    let message = format!("the job's team has no secret `{name}`");
    FieldError::new(format!("secrets.{variable}"), "not-found", message)
}

pub fn missing_registry(name: &str) -> FieldError {
    let message = format!("the job's team has no registry login `{name}`");
    FieldError::new("pull.secret", "not-found", message)
}

pub fn missing_volume(index: usize, name: &str) -> FieldError {
    let message = format!("there is no volume `{name}` for the job's team");
    FieldError::new(format!("volumes[{index}].name"), "not-found", message)
}
