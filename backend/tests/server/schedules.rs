//! Jobs by the clock: each time once, whoever leads.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use crate::protocol::start;
use crate::support::{Harness, refused_as, refused_fields};
use chrono::{DateTime, Utc};
use lilac_api::ScheduleId;
use lilac_api::auth::{Role, UpdateUser};
use lilac_api::job::{Job, JobFilter, JobState};
use lilac_api::problem::ErrorCode;
use lilac_api::schedule::JobSchedule;
use lilac_api::spec::{JobSpec, Overlap, Schedule};
use lilac_server::schedule::fire;
use sqlx::PgPool;

fn nightly(name: &str, overlap: Overlap) -> JobSpec {
    let schedule = Schedule { cron: "0 2 * * *".to_owned(), timezone: "Europe/Berlin".to_owned(), overlap };
    JobSpec { schedule: Some(schedule), ..JobSpec::new(name, "image") }
}

/// Makes a schedule due since `hours` ago.
async fn make_due(harness: &Harness, id: ScheduleId, hours: i32) -> DateTime<Utc> {
    sqlx::query_scalar(
        "UPDATE schedules SET next_at = date_trunc('second', now()) - $2 * interval '1 hour' WHERE id = $1 RETURNING next_at",
    )
    .bind(id.0)
    .bind(hours)
    .fetch_one(&harness.app.pool)
    .await
    .unwrap()
}

async fn jobs(harness: &Harness, name: &str) -> Vec<Job> {
    let filter = JobFilter { name: Some(name.to_owned()), ..JobFilter::default() };
    harness.client.jobs(&filter).await.unwrap().items
}

/// Waits until a schedule has moved on from what was due.
async fn moved_on(harness: &Harness, id: ScheduleId) -> JobSchedule {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let now = harness.client.schedule(id).await.unwrap();
        if now.next_at.is_some_and(|at| at > Utc::now()) {
            return now;
        }
        assert!(tokio::time::Instant::now() < deadline, "not fired: {now:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_schedule_fires_each_time_once_and_makes_up_for_one(pool: PgPool) {
    let harness = start(pool).await;
    let (_, ada) = harness.user("ada", Role::Member).await;
    let made = ada.create_schedule(&nightly("night", Overlap::Queue)).await.unwrap();
    assert_eq!((made.upcoming.len(), made.upcoming[0]), (5, made.next_at.unwrap()));
    // Three nights were missed.
    make_due(&harness, made.id, 72).await;
    let fired = moved_on(&harness, made.id).await;
    let submitted = jobs(&harness, "night").await;
    assert_eq!(submitted.len(), 1, "one missed time is made up for");
    assert_eq!((submitted[0].owner.as_str(), fired.last_job_id), ("ada", Some(submitted[0].id)));
    assert_eq!(harness.client.job(submitted[0].id).await.unwrap().spec.unwrap().schedule, None);

    // A leader that died between storing the job and moving the schedule on: the next one finds the same time.
    let due = make_due(&harness, made.id, 1).await;
    moved_on(&harness, made.id).await;
    sqlx::query("UPDATE schedules SET next_at = $2 WHERE id = $1")
        .bind(made.id.0)
        .bind(due)
        .execute(&harness.app.pool)
        .await
        .unwrap();
    let (first, second) = tokio::join!(fire::fire_due(&harness.app), fire::fire_due(&harness.app));
    first.unwrap();
    second.unwrap();
    moved_on(&harness, made.id).await;
    assert_eq!(jobs(&harness, "night").await.len(), 2, "the same time makes the same job");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_job_that_still_runs_is_waited_for_joined_or_replaced(pool: PgPool) {
    let harness = start(pool).await;
    for (name, overlap, states) in [
        ("skip", Overlap::Skip, vec![JobState::Queued]),
        ("queue", Overlap::Queue, vec![JobState::Queued, JobState::Queued]),
        ("replace", Overlap::Replace, vec![JobState::Queued, JobState::Cancelled]),
    ] {
        let made = harness.client.create_schedule(&nightly(name, overlap)).await.unwrap();
        for hours in [2, 1] {
            make_due(&harness, made.id, hours).await;
            moved_on(&harness, made.id).await;
        }
        let found: Vec<JobState> = jobs(&harness, name).await.iter().map(|job| job.state).collect();
        assert_eq!(found, states, "{name}");
        let message = harness.client.schedule(made.id).await.unwrap().message;
        assert_eq!(message.contains("had not ended"), overlap == Overlap::Skip, "{message}");
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_schedule_of_a_disabled_user_or_a_paused_one_does_not_fire(pool: PgPool) {
    let harness = start(pool).await;
    let (user, ada) = harness.user("ada", Role::Member).await;
    let made = ada.create_schedule(&nightly("night", Overlap::Queue)).await.unwrap();
    assert!(ada.pause_schedule(made.id).await.unwrap().next_at.is_none());
    make_due(&harness, made.id, 1).await;
    fire::fire_due(&harness.app).await.unwrap();
    assert!(jobs(&harness, "night").await.is_empty());
    // What was missed in a pause is not made up for.
    assert!(ada.resume_schedule(made.id).await.unwrap().next_at.unwrap() > Utc::now());
    assert_eq!(ada.run_schedule(made.id).await.unwrap().owner, "ada");

    let disable = UpdateUser { disabled: Some(true), ..UpdateUser::default() };
    harness.client.update_user(user.id, &disable).await.unwrap();
    make_due(&harness, made.id, 1).await;
    let told = moved_on(&harness, made.id).await;
    assert_eq!(told.message, "its owner ada is disabled");
    assert_eq!(jobs(&harness, "night").await.len(), 1);
    refused_as(harness.client.run_schedule(made.id).await, 409, ErrorCode::Conflict);
    harness.client.delete_schedule(made.id).await.unwrap();
    refused_as(harness.client.schedule(made.id).await, 404, ErrorCode::NotFound);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_bad_schedule_is_refused_by_field(pool: PgPool) {
    let harness = start(pool).await;
    let with = |change: fn(&mut Schedule)| {
        let mut spec = nightly("night", Overlap::Skip);
        change(spec.schedule.as_mut().unwrap());
        spec
    };
    for (spec, field) in [
        (JobSpec::new("night", "image"), "schedule"),
        (with(|schedule| schedule.cron = "61 * * * *".to_owned()), "schedule.cron"),
        (with(|schedule| schedule.cron = "0 0 31 2 *".to_owned()), "schedule.cron"),
        (with(|schedule| schedule.timezone = "Mars/Olympus".to_owned()), "schedule.timezone"),
        (JobSpec { queue: "none".to_owned(), ..nightly("night", Overlap::Skip) }, "queue"),
    ] {
        assert_eq!(refused_fields(harness.client.create_schedule(&spec).await), [field]);
    }
    harness.client.create_schedule(&nightly("night", Overlap::Skip)).await.unwrap();
    let again = harness.client.create_schedule(&nightly("night", Overlap::Skip)).await;
    refused_as(again, 409, ErrorCode::NameTaken);
    // A job that is submitted runs once: one that is to run by the clock goes another way.
    assert_eq!(
        refused_fields(harness.client.submit(&nightly("once", Overlap::Skip), None).await),
        ["schedule"]
    );
}
