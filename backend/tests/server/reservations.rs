//! Nodes that are kept for a job which found no room: everybody sees that they are, and who may see the job for whom.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use lilac_api::agent::Phase;
use lilac_api::auth::{Role, Secret};
use lilac_api::cluster::{CreateCluster, PlacementPolicy};
use lilac_api::problem::ErrorCode;
use lilac_api::quantity::{Cpus, Span};
use lilac_api::reservation::{Reservation, ReservedJob};
use lilac_api::team::CreateTeam;
use lilac_api::{ClusterId, JobId};
use lilac_server::app::App;
use sqlx::PgPool;

use crate::protocol::{Node, start, submit};
use crate::support::{Harness, PASSWORD, SECRET_KEY, eventually, log_in, refused_as};

/// A job that asks for so many of the node's four CPUs, and ends within the hour.
async fn bounded(harness: &Harness, name: &str, cpus: u32) -> JobId {
    submit(harness, |spec| {
        spec.name = name.into();
        spec.resources.cpus = Cpus { milli: cpus * 1000 };
        spec.max_runtime = Some(Span(Duration::from_secs(3600)));
    })
    .await
}

async fn reserved(harness: &Harness, cluster: ClusterId) -> Vec<Reservation> {
    harness.client.reservations(cluster).await.unwrap().items
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn what_is_kept_is_told_with_its_time_and_its_job_to_those_who_see_it(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let cluster = harness.client.clusters().await.unwrap().items[0].id;
    let mut node = Node::join(&harness, "n1").await;
    assert_eq!(reserved(&harness, cluster).await, [], "nothing waits");
    let runs = bounded(&harness, "runs", 2).await;
    let attempt = node.wait_for(runs).await;
    node.report(attempt, 1, Phase::Running, None);
    node.sync().await.unwrap();
    let big = bounded(&harness, "big", 4).await;
    let later = bounded(&harness, "later", 3).await;
    eventually(async || {
        let kept = reserved(&harness, cluster).await;
        kept.first().is_some_and(|one| one.since.is_some() && one.starts_by.is_some())
    })
    .await;

    let kept = reserved(&harness, cluster).await;
    let [one] = kept.as_slice() else { panic!("one job has nodes kept for it: {kept:?}") };
    let of = ReservedJob { job_id: big, name: "big".into(), owner: "admin".into(), queue: "default".into() };
    assert_eq!(one.job.as_ref(), Some(&of));
    assert_eq!(one.nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["n1"]);
    assert_eq!((one.requests.cpu_milli, one.requests.gpus), (4000, 0));
    let in_time = one.starts_by.unwrap() - Utc::now();
    assert!(in_time > TimeDelta::minutes(50) && in_time < TimeDelta::minutes(62), "{in_time}");
    assert!(one.since.unwrap() <= Utc::now());

    // The job itself is told, and no other.
    let why = harness.client.explain_job(big).await.unwrap();
    assert_eq!(why.reservation.map(|own| (own.nodes, own.job)), Some((one.nodes.clone(), Some(of))));
    assert_eq!(harness.client.explain_job(later).await.unwrap().reservation, None);

    // Nothing is kept in another cluster; one that is not there is not found.
    let request = CreateCluster {
        name: "other".into(),
        placement_policy: PlacementPolicy::default(),
        max_disconnect: None,
    };
    let other = harness.client.create_cluster(&request).await.unwrap();
    assert_eq!(reserved(&harness, other.id).await, []);
    refused_as(harness.client.reservations(ClusterId::new()).await, 404, ErrorCode::NotFound);

    // Whoever is in another team sees what is kept, and not for whom.
    let (ann, client) = harness.user("ann", Role::Member).await;
    let default = harness.client.teams().await.unwrap().items[0].id;
    let team = harness.client.create_team(&CreateTeam { name: "vision".into() }).await.unwrap();
    harness.client.add_team_member(team.id, ann.id).await.unwrap();
    harness.client.remove_team_member(default, ann.id).await.unwrap();
    let seen = client.reservations(cluster).await.unwrap().items;
    assert_eq!(seen, [Reservation { job: None, ..one.clone() }]);

    // A server that does not lead says the same, but for what it cannot know.
    let beside = App::new(pool, &Secret(SECRET_KEY.into())).unwrap();
    let beside = log_in(&harness.beside(beside).await, "admin", PASSWORD).await.unwrap();
    let same = beside.reservations(cluster).await.unwrap().items.pop().unwrap();
    let apart = (same.starts_by.unwrap() - one.starts_by.unwrap()).abs();
    assert!(apart < TimeDelta::minutes(1), "{apart}");
    assert_eq!(same, Reservation { since: None, starts_by: same.starts_by, ..one.clone() });

    // A job that waits no more has nothing kept; the next in turn has.
    harness.client.cancel(big).await.unwrap();
    eventually(async || {
        let kept = reserved(&harness, cluster).await;
        kept.first().and_then(|one| one.job.as_ref()).is_some_and(|job| job.job_id == later)
    })
    .await;
}
