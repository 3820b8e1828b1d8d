//! Who is next in a queue, asked of the mirror.

use lilac_api::job::Reason;
use lilac_api::{JobId, QueueId};

use super::explained;
use crate::app::App;
use crate::error::ApiResult;

/// A job that waits for its turn, and why it does not start; nothing where it does with the next plan.
pub struct InTurn {
    pub job: JobId,
    pub why: Option<(Reason, String)>,
}

/// The jobs of a queue that would be tried first, in that order; at most so many.
pub async fn line(app: &App, queue: QueueId, most: usize) -> ApiResult<Vec<InTurn>> {
    let _turn = explained::turn().await?;
    let mut shelf = app.desk.lock().await;
    let mirror = shelf.fresh(app, true).await?;
    while !mirror.is_whole() {
        mirror.read_on(&app.pool).await?;
    }
    let mut inquiry = mirror.world.ask();
    let jobs = inquiry.line_in(queue, most);
    Ok(jobs.into_iter().map(|job| InTurn { job, why: inquiry.why(job) }).collect())
}
