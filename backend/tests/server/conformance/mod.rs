//! The rules in memory and the rules in PostgreSQL are the same rules: every state that an attempt and its job can be
//! in, under every guard, is put before both, and both must make the same of it. The simulator drives agents against
//! the rows in memory, and proves nothing where they differ.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

mod bed;
mod gangs;
mod situations;

use std::collections::BTreeSet;

use chrono::Utc;
use lilac_api::job::{AttemptState, JobState};
use lilac_api::{AttemptId, JobId};
use lilac_server::scheduler::reaper;
use lilac_server::training_job::transitions::{self, Grant};
use sqlx::PgPool;
use strum::VariantArray;

use bed::Bed;
use situations::{greetings, leases, standings, words};

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn every_word_of_a_node_means_the_same(pool: PgPool) {
    let bed = Bed::new(pool).await;
    for (who, greeting) in greetings() {
        let (rows, ids) = bed.lay(&standings()).await;
        let count = words(&ids, &rows).len();
        for index in 0..count {
            let (mut rows, ids) = bed.lay(&standings()).await;
            let (what, reports) = words(&ids, &rows).swap_remove(index);
            bed.say(&mut rows, &greeting, reports, &format!("{who} says {what}")).await;
        }
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn every_lease_and_session_means_the_same(pool: PgPool) {
    let bed = Bed::new(pool).await;
    for (who, greeting) in greetings() {
        for mentions in [false, true] {
            let (mut rows, ids) = bed.lay(&leases()).await;
            let reports = if mentions { words(&ids, &rows).swap_remove(3).1 } else { Vec::new() };
            bed.say(&mut rows, &greeting, reports, &format!("{who}, mentions: {mentions}")).await;
        }
    }
    let (rows, _) = bed.lay(&leases()).await;
    let before: BTreeSet<AttemptId> = rows.expired(Utc::now()).into_iter().map(|(id, _)| id).collect();
    let mut conn = bed.pool.acquire().await.unwrap();
    let found: BTreeSet<AttemptId> =
        reaper::expired(&mut conn).await.unwrap().into_iter().map(|one| one.attempt).collect();
    let after: BTreeSet<AttemptId> = rows.expired(Utc::now()).into_iter().map(|(id, _)| id).collect();
    assert!(!before.is_empty() && before.is_subset(&found) && found.is_subset(&after), "{found:?}");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn every_loss_and_order_means_the_same(pool: PgPool) {
    let bed = Bed::new(pool).await;
    let now = Utc::now();
    for what in ["lose", "preempt", "cancel", "hold", "release"] {
        let (mut rows, ids) = bed.lay(&standings()).await;
        let before = rows.clone();
        let mut conn = bed.pool.acquire().await.unwrap();
        let attempts: Vec<AttemptId> = ids.iter().map(|(_, id)| *id).collect();
        match what {
            "lose" => {
                drop(transitions::lose_attempts(&mut conn, &attempts, bed.node, "", "test").await.unwrap())
            }
            "preempt" => drop(transitions::preempt(&mut conn, &attempts, "", "test").await.unwrap()),
            _ => {}
        }
        for (job, id) in ids {
            let (model, real) = match what {
                "lose" => (rows.lose(id, bed.node, now), None),
                "preempt" => (rows.preempt(id, now), None),
                "cancel" => (rows.cancel(job, now), Some(transitions::cancel(&mut conn, job, "test").await)),
                "hold" => (rows.hold(job, now), Some(transitions::hold(&mut conn, job, "", "test").await)),
                _ => (rows.release(job, now), Some(transitions::release(&mut conn, job, "test").await)),
            };
            if let Some(real) = real {
                // An order that was given before is obeyed by doing nothing.
                let obeyed = real.is_ok_and(|topics| !topics.is_empty());
                assert_eq!(obeyed, model, "{what}: {:?}", before.jobs[&job]);
            }
        }
        assert_eq!(rows.illegal, None);
        bed.compare(&before, &rows, what).await;
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn every_grant_means_the_same(pool: PgPool) {
    let bed = Bed::new(pool).await;
    for epoch_off in [0, -1, 1] {
        let (mut rows, ids) = bed.lay(&standings()).await;
        let before = rows.clone();
        let queue_id = bed.queue().await;
        let grants: Vec<Grant> = ids
            .iter()
            .map(|(job, _)| bed.grant(queue_id, *job, rows.jobs[job].epoch + epoch_off, Vec::new()))
            .collect();
        let mut conn = bed.pool.acquire().await.unwrap();
        let granted = transitions::grant(&mut conn, &grants, "test").await.unwrap();
        let model: Vec<JobId> = grants
            .iter()
            .filter(|one| rows.grant(one.job_id, one.epoch, one.attempt_id, &[one.node_id], Utc::now()))
            .map(|one| one.job_id)
            .collect();
        assert_eq!(granted.iter().collect::<BTreeSet<_>>(), model.iter().collect::<BTreeSet<_>>());
        assert_eq!(model.is_empty(), epoch_off != 0);
        bed.compare(&before, &rows, &format!("grant {epoch_off}")).await;
    }
}

/// No state was forgotten above.
#[test]
fn every_state_is_put_before_both() {
    let (jobs, attempts): (BTreeSet<JobState>, BTreeSet<AttemptState>) =
        standings().into_iter().map(|one| (one.job, one.attempt)).unzip();
    assert_eq!(jobs, JobState::VARIANTS.iter().copied().collect());
    assert_eq!(attempts, AttemptState::VARIANTS.iter().copied().collect());
}
