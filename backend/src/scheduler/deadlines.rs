//! What falls due: waits that were too long, runs that outlasted their time. Each is found by an index, in
//! bounded batches; most looks find nothing.

use std::sync::Arc;
use std::time::Duration;

use lilac_rules::gang::READY_WITHIN;

use super::leader::{self, Holder, Term};
use crate::app::App;
use crate::error::ApiResult;
use crate::training_job::transitions;

const LOOK_EVERY: Duration = Duration::from_secs(1);
const ACTOR: &str = "scheduler";

pub async fn run(app: Arc<App>, holder: Holder) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = app.stopping.cancelled() => return,
        }
        let Some(term) = holder.term() else { continue };
        // What one batch leaves, the next look takes: a flood is worked off without holding up the rest.
        if let Err(error) = look(&app, term).await {
            tracing::warn!(error = %error.detail, "looking for what is due failed; trying again");
        }
    }
}

async fn look(app: &App, term: Term) -> ApiResult<()> {
    crate::schedule::fire::fire_due(app).await?;
    let is_due: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM jobs WHERE state = 'queued' AND queue_deadline < clock_timestamp())
             OR EXISTS (SELECT FROM attempts WHERE state = 'running' AND run_deadline < clock_timestamp())
             OR EXISTS (SELECT FROM attempts WHERE ranks > 1 AND state IN ('granted', 'preparing')
                        AND granted_at < clock_timestamp() - $1 * interval '1 second')",
    )
    .bind(READY_WITHIN.as_secs_f64())
    .fetch_one(&app.pool)
    .await?;
    if !is_due {
        return Ok(());
    }
    let mut tx = app.pool.begin().await?;
    leader::check(&mut tx, term).await?;
    let mut topics = transitions::expire_waits(&mut tx, ACTOR).await?;
    topics.extend(transitions::stop_overdue(&mut tx, ACTOR).await?);
    topics.extend(transitions::stop_scattered(&mut tx, READY_WITHIN, ACTOR).await?);
    tx.commit().await?;
    app.bell.ring_all(topics);
    Ok(())
}
