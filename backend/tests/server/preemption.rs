//! Jobs that take the places of others: who is told to stop, for whom, and to whom the place belongs then.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use lilac_api::agent::{Outcome, Phase};
use lilac_api::job::{AttemptState, Job, JobState, Reason};
use lilac_api::quantity::Cpus;
use lilac_api::queue::{CreateQueue, Guarantee, Preemption, Quota, UpdateQueue};
use lilac_api::{AttemptId, JobId};
use sqlx::PgPool;

use crate::protocol::{Node, result, start, submit, wait_until};
use crate::support::{Harness, refused_fields};

/// A job in a queue that asks for so many of the node's four CPUs.
pub async fn job(harness: &Harness, queue: &str, cpus: u32, priority: u8, preemptible: bool) -> JobId {
    submit(harness, |spec| {
        spec.queue = queue.to_owned();
        spec.resources.cpus = Cpus { milli: cpus * 1000 };
        (spec.priority, spec.preemptible) = (priority, preemptible);
    })
    .await
}

/// A job that runs on the node.
pub async fn running(
    harness: &Harness,
    node: &mut Node,
    queue: &str,
    priority: u8,
    yields: bool,
) -> (JobId, AttemptId) {
    let id = job(harness, queue, 4, priority, yields).await;
    let attempt = node.wait_for(id).await;
    node.report(attempt, 1, Phase::Running, None);
    node.sync().await.unwrap();
    (id, attempt)
}

/// Whether the node is told to stop an attempt, as things stand.
async fn is_told(node: &mut Node, attempt: AttemptId) -> bool {
    node.sync().await.unwrap().desired.iter().any(|one| one.attempt_id == attempt && one.stop)
}

pub async fn until_told(node: &mut Node, attempt: AttemptId) {
    for _ in 0..50 {
        let response = node.say(false).await.unwrap();
        if response.desired.iter().any(|one| one.attempt_id == attempt && one.stop) {
            return;
        }
    }
    panic!("never told to stop");
}

pub async fn end(node: &mut Node, attempt: AttemptId, epoch: u32, outcome: Outcome, code: i32) {
    node.report(attempt, epoch, Phase::Ended, Some(result(outcome, Some(code))));
    node.sync().await.unwrap();
}

async fn until_explained(harness: &Harness, id: JobId) -> Job {
    wait_until(harness, id, |job| job.reason.is_some()).await
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_place_is_cleared_for_a_more_urgent_job_and_is_no_thirds(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "a").await;
    let (low, attempt) = running(&harness, &mut node, "default", 10, true).await;
    let urgent = job(&harness, "default", 4, 90, false).await;
    until_told(&mut node, attempt).await;
    assert_eq!(harness.client.job(low).await.unwrap().state, JobState::Running, "it has its grace");
    let waits = wait_until(&harness, urgent, |job| job.message.contains("takes the place")).await;
    assert_eq!(waits.reason, Some(Reason::WaitingForCapacity));
    assert_eq!(waits.message, "takes the place of 1 job on node a, which has been told to stop");
    // Others come meanwhile that would go before the one that yields.
    let third = job(&harness, "default", 1, 80, false).await;
    until_explained(&harness, third).await;

    end(&mut node, attempt, 1, Outcome::Stopped, 143).await;
    let place = node.wait_for(urgent).await;
    let back = wait_until(&harness, low, |job| job.state == JobState::Queued).await;
    assert_eq!((back.attempts_charged, back.epoch), (0, 1));
    let attempts = harness.client.attempts(low).await.unwrap().items;
    assert_eq!((attempts[0].state, attempts[0].reason), (AttemptState::Preempted, Some(Reason::Preempted)));
    let events = harness.client.job_events(low).await.unwrap().items;
    let told = events.iter().find(|event| event.attempt_state == Some(AttemptState::Stopping)).unwrap();
    assert!(told.message.contains(&urgent.to_string()), "{}", told.message);
    assert_eq!(harness.client.job(third).await.unwrap().epoch, 0, "the room was not its own");

    // The one that made room comes back when there is some, and goes on.
    node.report(place, 1, Phase::Running, None);
    end(&mut node, place, 1, Outcome::Exited, 0).await;
    let place = node.wait_for(third).await;
    end(&mut node, place, 1, Outcome::Exited, 0).await;
    let again = node.wait_for(low).await;
    end(&mut node, again, 2, Outcome::Exited, 0).await;
    let done = wait_until(&harness, low, |job| job.state == JobState::Succeeded).await;
    assert_eq!((done.epoch, done.attempts_charged), (2, 0));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn who_did_not_offer_it_or_ranks_no_lower_stays(pool: PgPool) {
    let harness = start(pool).await;
    let off = CreateQueue {
        preemption: Preemption::Off,
        ..CreateQueue::new("patient", 9, vec!["default".to_owned()])
    };
    harness.client.create_queue(&off).await.unwrap();
    let mut node = Node::join(&harness, "a").await;
    for (yields, queue, priority) in
        [(false, "default", 90), (true, "default", 10), (true, "default", 5), (true, "patient", 90)]
    {
        let (runs, attempt) = running(&harness, &mut node, "default", 10, yields).await;
        let waits = job(&harness, queue, 1, priority, false).await;
        // It is told why it waits after it was seen whether others can make room.
        until_explained(&harness, waits).await;
        assert!(!is_told(&mut node, attempt).await, "{yields} {queue} {priority}");
        harness.client.cancel(waits).await.unwrap();
        end(&mut node, attempt, 1, Outcome::Exited, 0).await;
        wait_until(&harness, runs, |job| job.state == JobState::Succeeded).await;
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn what_is_guaranteed_comes_back_and_what_is_not_offered_is_waited_for(pool: PgPool) {
    let harness = start(pool).await;
    let guaranteed =
        |cpus: u32| Guarantee { cpus: Some(Cpus { milli: cpus * 1000 }), ..Guarantee::default() };
    let owner = CreateQueue {
        guaranteed: guaranteed(4),
        preemption: Preemption::Off,
        ..CreateQueue::new("owner", 0, vec!["default".to_owned()])
    };
    let owner = harness.client.create_queue(&owner).await.unwrap();
    assert_eq!(harness.client.queue(owner.id).await.unwrap().guaranteed, guaranteed(4));
    let quota = Quota { cpus: Some(Cpus { milli: 3000 }), ..Quota::default() };
    let too_small = UpdateQueue { quota: Some(quota), ..UpdateQueue::default() };
    let refused = refused_fields(harness.client.update_queue(owner.id, &too_small).await);
    assert_eq!(refused, ["guaranteed.cpus"]);

    let mut node = Node::join(&harness, "a").await;
    // What others borrow is waited for where they did not offer to go, and the wait says so.
    let (kept, attempt) = running(&harness, &mut node, "default", 90, false).await;
    let mine = job(&harness, "owner", 4, 1, false).await;
    let waits = until_explained(&harness, mine).await;
    assert!(waits.message.contains("is guaranteed that much"), "{}", waits.message);
    assert!(!is_told(&mut node, attempt).await);
    harness.client.cancel(mine).await.unwrap();
    end(&mut node, attempt, 1, Outcome::Exited, 0).await;
    wait_until(&harness, kept, |job| job.state == JobState::Succeeded).await;

    // Where they did, it comes back at once, though they rank higher.
    let (_, attempt) = running(&harness, &mut node, "default", 90, true).await;
    let mine = job(&harness, "owner", 4, 1, false).await;
    until_told(&mut node, attempt).await;
    end(&mut node, attempt, 1, Outcome::Stopped, 143).await;
    node.wait_for(mine).await;
}
