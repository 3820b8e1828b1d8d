//! What would become of a job: the scheduler's own core is asked, with the job among those that wait.

use std::collections::HashMap;
use std::time::Duration;

use lilac_api::JobId;
use lilac_api::job::Reason;
use lilac_api::spec::JobSpec;
use lilac_api::submission::{Forecast, JobForecast};
use tokio::sync::Semaphore;

use super::needs;
use super::submit::{self, Admitted};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::queue::admission;
use crate::scheduler;
use crate::secret::references;

/// Forecasts that are made at a time: each reads all that waits, as the scheduler does.
static AT_A_TIME: Semaphore = Semaphore::const_new(2);
/// How long one waits for its turn before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(5);

/// Checks the job as a submission does, and asks the scheduler. Writes nothing.
pub async fn forecast(app: &App, caller: &Caller, spec: JobSpec) -> ApiResult<JobForecast> {
    refuse_invalid(submit::check(&spec))?;
    let turn = tokio::time::timeout(PATIENCE, AT_A_TIME.acquire()).await;
    let _turn = turn.map_err(|_| ApiError::unavailable("too many plans are being made; try again later"))?;
    let mut tx = app.pool.begin().await?;
    let team: Vec<&str> = spec.team.as_deref().into_iter().collect();
    let doors = admission::doors(&mut tx, caller, &[&spec.queue], &team).await?;
    let door = doors.first().ok_or_else(|| ApiError::invalid(vec![admission::no_queue(&spec.queue)]))?;
    let one = Admitted::through(door, spec.clone()).map_err(ApiError::invalid)?;
    refuse_invalid(references::check(&mut tx, one.ticket.team_id, one.ticket.queue_id, &one.spec).await?)?;
    let known = needs::look_up(&mut tx, caller, one.spec.needs.iter()).await?;
    let needed = needs::resolve(&one.spec.needs, &known, &HashMap::new()).map_err(ApiError::invalid)?;
    tx.rollback().await?;
    if let Some((reason, message)) = needs::blocked(&needed) {
        return Ok(waits(reason, message, 0));
    }
    let id = JobId::new();
    let found = scheduler::prospect(app, id, &one.spec, one.ticket, caller.user_id).await?;
    if let Some(node) = found.node {
        let message = format!("would start on {node}");
        let outcome = Forecast::StartsNow;
        return Ok(JobForecast { outcome, node: Some(node), reason: None, message, position: 0 });
    }
    let position = u32::try_from(found.position).unwrap_or(u32::MAX);
    let Some((reason, message)) = found.why else {
        let message = "there is room for it, and others go before it".to_owned();
        let outcome = Forecast::Waits;
        return Ok(JobForecast { outcome, node: None, reason: None, message, position });
    };
    Ok(waits(reason, message, position))
}

fn waits(reason: Reason, message: String, position: u32) -> JobForecast {
    let outcome = match reason {
        Reason::NoMatchingNodes | Reason::ExceedsAnyNode => Forecast::NeverStarts,
        _ => Forecast::Waits,
    };
    JobForecast { outcome, node: None, reason: Some(reason), message, position }
}
