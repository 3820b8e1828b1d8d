//! The same of jobs on several nodes: each way in which two ranks can stand to each other.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use lilac_api::agent::{AttemptReport, Outcome, Phase, TakenPorts, TaskResult};
use lilac_api::job::{AttemptState, JobState, Reason};
use lilac_api::{AttemptId, JobId};
use lilac_rules::rows::Rows;
use lilac_scheduler::Part;
use lilac_server::training_job::transitions::{self, Grant};
use sqlx::PgPool;

use super::bed::Bed;
use super::situations::{Ranks, Situation, Told, greetings, standings, words};
use crate::protocol::result;

fn well() -> Option<TaskResult> {
    Some(result(Outcome::Exited, Some(0)))
}

fn bad() -> Option<TaskResult> {
    Some(result(Outcome::Exited, Some(3)))
}

fn stopped() -> Option<TaskResult> {
    Some(result(Outcome::Stopped, Some(143)))
}

fn lost() -> Option<TaskResult> {
    Some(result(Outcome::Lost, None))
}

/// Job, attempt, why, how the rank that speaks and the other ended, which of the two failed first.
type Stand = (JobState, AttemptState, Option<Reason>, Option<TaskResult>, Option<TaskResult>, Option<usize>);

/// While an attempt is live.
fn live() -> Vec<Stand> {
    use AttemptState as A;
    use JobState as J;
    let mut all = Vec::new();
    for (job, attempt) in [(J::Starting, A::Granted), (J::Starting, A::Preparing), (J::Running, A::Running)] {
        for (own, other) in [(None, None), (None, well()), (well(), None)] {
            all.push((job, attempt, None, own, other, None));
        }
    }
    for (reason, end) in [(Reason::ExitCode, bad()), (Reason::NodeLost, lost())] {
        all.push((J::Running, A::Stopping, Some(reason), None, end.clone(), Some(1)));
        all.push((J::Starting, A::Stopping, Some(reason), end, None, Some(0)));
    }
    for reason in [Reason::Cancelled, Reason::Preempted, Reason::Timeout, Reason::Infrastructure] {
        for (own, other) in
            [(None, None), (None, well()), (None, stopped()), (None, bad()), (stopped(), None)]
        {
            all.push((J::Running, A::Stopping, Some(reason), own, other, None));
        }
    }
    all
}

/// When it is over: only a loss may still be taken back.
fn over() -> Vec<Stand> {
    use AttemptState as A;
    use JobState as J;
    let mut all = vec![
        (J::Succeeded, A::Succeeded, None, well(), well(), None),
        (J::Failed, A::Failed, Some(Reason::ExitCode), stopped(), bad(), Some(1)),
        (J::Cancelled, A::Cancelled, Some(Reason::Cancelled), stopped(), stopped(), None),
    ];
    for job in [J::Queued, J::Held] {
        all.push((job, A::Preempted, Some(Reason::Preempted), stopped(), stopped(), None));
        for (own, other, failed) in
            [(lost(), well(), 0), (lost(), stopped(), 0), (lost(), lost(), 0), (well(), lost(), 1)]
        {
            all.push((job, A::Lost, Some(Reason::NodeLost), own, other, Some(failed)));
        }
    }
    all
}

/// Each of them, as either rank, with and without a wish to cancel, with and without tries left, after no loss and many.
fn gangs(stands: Vec<Stand>) -> Vec<Situation> {
    let mut all = Vec::new();
    for (job, attempt, reason, own_end, other_end, failed) in stands {
        for own in [0, 1] {
            for (cancel_requested, was_lost, max_attempts) in
                [(false, false, 1), (false, false, 3), (false, true, 1), (true, false, 1)]
            {
                // By its number.
                let failed = failed.map(|which| if which == 0 { own } else { 1 - own });
                let gang = Ranks {
                    own,
                    ends: [own_end.clone(), other_end.clone()],
                    ready: [true, true],
                    failed,
                    meets: true,
                };
                all.push(Situation {
                    job,
                    attempt,
                    reason,
                    cancel_requested,
                    is_older: false,
                    was_lost,
                    max_attempts,
                    session: Told::Speaker,
                    lease_left: TimeDelta::seconds(299),
                    gang: Some(gang),
                });
            }
        }
    }
    all
}

fn all() -> Vec<Situation> {
    gangs(live().into_iter().chain(over()).collect())
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn every_word_about_a_rank_means_the_same(pool: PgPool) {
    let bed = Bed::new(pool).await;
    let speaks = |who: &str| greetings().into_iter().find(|(name, _)| *name == who).unwrap().1;
    let session = speaks("the session");
    let (rows, ids) = bed.lay(&all()).await;
    for index in 0..words(&ids, &rows).len() {
        let (mut rows, ids) = bed.lay(&all()).await;
        let (what, reports) = words(&ids, &rows).swap_remove(index);
        bed.say(&mut rows, &session, reports, &format!("a rank says {what}")).await;
        assert_eq!(rows.illegal, None);
    }
    // The machine was booted meanwhile: its ranks are dead.
    let (mut rows, _) = bed.lay(&all()).await;
    bed.say(&mut rows, &speaks("after a reboot"), Vec::new(), "after a reboot").await;
}

/// What a node says of a rank that is not started yet.
fn readiness(ids: &[(JobId, AttemptId)], rows: &Rows) -> Vec<(&'static str, Vec<AttemptReport>)> {
    let ports = |rendezvous| Some(TakenPorts { rendezvous, published: vec![30_000] });
    let say = |is_ready, ports: Option<TakenPorts>, epoch_off: u32| {
        let one = |id: &AttemptId| AttemptReport {
            attempt_id: *id,
            epoch: u32::try_from(rows.attempts[id].epoch).unwrap() + epoch_off,
            phase: Phase::Preparing,
            started_at: None,
            result: None,
            image: None,
            is_ready,
            ports: ports.clone(),
        };
        ids.iter().map(|(_, id)| one(id)).collect()
    };
    vec![
        ("nothing", say(false, None, 0)),
        ("it is ready", say(true, None, 0)),
        ("it has a port", say(false, ports(None), 0)),
        ("where they meet", say(false, ports(Some(29_501)), 0)),
        ("it is ready and where they meet", say(true, ports(Some(29_501)), 0)),
        ("it is ready in another epoch", say(true, ports(Some(29_501)), 1)),
    ]
}

/// Ranks that gather: which are ready, whether it is known where they meet, who was told.
fn gathering() -> Vec<Situation> {
    let stands = live().into_iter().filter(|(_, attempt, reason, ..)| {
        let is_ordered = *reason == Some(Reason::Infrastructure);
        matches!(attempt, AttemptState::Granted | AttemptState::Preparing) || is_ordered
    });
    let mut all = Vec::new();
    let is_plain = |one: &Situation| !one.cancel_requested && !one.was_lost && one.max_attempts == 1;
    for one in gangs(stands.collect()).into_iter().filter(is_plain) {
        for ready in [[false, false], [true, false], [false, true], [true, true]] {
            for (meets, session) in [
                (false, Told::Nobody),
                (false, Told::Speaker),
                (true, Told::Nobody),
                (true, Told::Speaker),
                (true, Told::Another),
            ] {
                let gang = one.gang.clone().map(|gang| Ranks { ready, meets, ..gang });
                all.push(Situation { gang, session, ..one.clone() });
            }
        }
    }
    all
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn every_gathering_means_the_same(pool: PgPool) {
    let bed = Bed::new(pool).await;
    let (_, session) = greetings().swap_remove(0);
    let (rows, ids) = bed.lay(&gathering()).await;
    for index in 0..readiness(&ids, &rows).len() {
        let (mut rows, ids) = bed.lay(&gathering()).await;
        let (what, reports) = readiness(&ids, &rows).swap_remove(index);
        bed.say(&mut rows, &session, reports, &format!("a rank says {what}")).await;
    }
    let (mut rows, _) = bed.lay(&gathering()).await;
    bed.say(&mut rows, &session, Vec::new(), "nothing is mentioned").await;
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn every_loss_and_order_of_a_gang_means_the_same(pool: PgPool) {
    let bed = Bed::new(pool).await;
    let now = Utc::now();
    for what in ["lose", "preempt", "cancel", "scatter"] {
        let situations = if what == "scatter" { gathering() } else { all() };
        let (mut rows, ids) = bed.lay(&situations).await;
        let before = rows.clone();
        let mut conn = bed.pool.acquire().await.unwrap();
        let attempts: Vec<AttemptId> = ids.iter().map(|(_, id)| *id).collect();
        match what {
            "lose" => {
                drop(transitions::lose_attempts(&mut conn, &attempts, bed.node, "", "test").await.unwrap());
                for id in &attempts {
                    rows.lose(*id, bed.node, now);
                }
            }
            "preempt" => {
                drop(transitions::preempt(&mut conn, &attempts, "", "test").await.unwrap());
                for id in &attempts {
                    rows.preempt(*id, now);
                }
            }
            "scatter" => {
                let within = Duration::from_secs(30);
                // In bounded batches, as the server does.
                while !transitions::stop_scattered(&mut conn, within, "test").await.unwrap().is_empty() {}
                let told = rows.stop_scattered(TimeDelta::seconds(30), now);
                assert!(!told.is_empty(), "nothing was to be told");
            }
            _ => {
                for (job, _) in &ids {
                    let real = transitions::cancel(&mut conn, *job, "test").await;
                    let obeyed = real.is_ok_and(|topics| !topics.is_empty());
                    assert_eq!(obeyed, rows.cancel(*job, now), "{:?}", before.jobs[job]);
                }
            }
        }
        assert_eq!(rows.illegal, None);
        bed.compare(&before, &rows, what).await;
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn every_grant_of_a_gang_means_the_same(pool: PgPool) {
    let bed = Bed::new(pool).await;
    for epoch_off in [0, -1] {
        let (mut rows, ids) = bed.lay(&standings()).await;
        let before = rows.clone();
        let queue_id = bed.queue().await;
        let others = vec![Part { node: bed.node, gpu_indices: Vec::new() }];
        let grants: Vec<Grant> = ids
            .iter()
            .map(|(job, _)| bed.grant(queue_id, *job, rows.jobs[job].epoch + epoch_off, others.clone()))
            .collect();
        let mut conn = bed.pool.acquire().await.unwrap();
        let granted = transitions::grant(&mut conn, &grants, "test").await.unwrap();
        let nodes = [bed.others[0], bed.node];
        let mut in_memory =
            |one: &&Grant| rows.grant(one.job_id, one.epoch, one.attempt_id, &nodes, Utc::now());
        let model: BTreeSet<JobId> =
            grants.iter().filter(|one| in_memory(one)).map(|one| one.job_id).collect();
        assert_eq!(granted.into_iter().collect::<BTreeSet<_>>(), model);
        assert_eq!(model.is_empty(), epoch_off != 0);
        bed.compare(&before, &rows, &format!("grant {epoch_off}")).await;
    }
}
