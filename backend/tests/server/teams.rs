//! Teams: who is in them, and what leaving one takes away.

use crate::support::{refused_as, refused_fields, start};
use lilac_api::auth::{CreateApiKey, Role};
use lilac_api::problem::ErrorCode;
use lilac_api::queue::CreateQueue;
use lilac_api::team::{CreateTeam, Team, UpdateTeam};
use lilac_api::{TeamId, UserId};
use sqlx::PgPool;

fn named(name: &str) -> CreateTeam {
    CreateTeam { name: name.to_owned() }
}

fn names(teams: Vec<Team>) -> Vec<String> {
    teams.into_iter().map(|team| team.name).collect()
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_member_sees_the_own_teams_only(pool: PgPool) {
    let harness = start(pool).await;
    let research = harness.client.create_team(&named("research")).await.unwrap();
    assert_eq!((research.name.as_str(), research.members), ("research", 0));
    let (ada, as_ada) = harness.user("ada", Role::Member).await;
    assert_eq!(names(as_ada.teams().await.unwrap().items), ["default"]);
    refused_as(as_ada.team(research.id).await, 404, ErrorCode::NotFound);
    refused_as(as_ada.team_members(research.id).await, 404, ErrorCode::NotFound);
    refused_as(as_ada.team(TeamId::new()).await, 404, ErrorCode::NotFound);

    for _ in 0..2 {
        harness.client.add_team_member(research.id, ada.id).await.unwrap();
    }
    assert_eq!(as_ada.team(research.id).await.unwrap().members, 1, "it counts at once");
    let members = as_ada.team_members(research.id).await.unwrap().items;
    assert_eq!((members.len(), members[0].username.as_str(), members[0].role), (1, "ada", Role::Member));
    assert_eq!(as_ada.me().await.unwrap().teams, ["default", "research"]);

    harness.client.remove_team_member(research.id, ada.id).await.unwrap();
    refused_as(as_ada.team(research.id).await, 404, ErrorCode::NotFound);
    refused_as(harness.client.remove_team_member(research.id, ada.id).await, 404, ErrorCode::NotFound);
    refused_as(harness.client.add_team_member(research.id, UserId::new()).await, 404, ErrorCode::NotFound);
    refused_as(harness.client.add_team_member(TeamId::new(), ada.id).await, 404, ErrorCode::NotFound);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn leaving_a_team_takes_its_queues_away_at_once_for_keys_too(pool: PgPool) {
    let harness = start(pool).await;
    let team = harness.client.create_team(&named("research")).await.unwrap();
    let (ada, as_ada) = harness.user("ada", Role::Member).await;
    harness.client.add_team_member(team.id, ada.id).await.unwrap();
    let queue = CreateQueue { team: "research".into(), ..CreateQueue::new("gpu", 0, vec!["default".into()]) };
    let queue = harness.client.create_queue(&queue).await.unwrap();
    let key = as_ada.create_api_key(&CreateApiKey::named("ci")).await.unwrap();
    let by_key = harness.as_holder(&key.secret);
    let sees = async |client: &lilac_api::client::Client| {
        client.queues().await.unwrap().items.iter().any(|seen| seen.id == queue.id)
    };
    assert!(sees(&as_ada).await && sees(&by_key).await);
    harness.client.remove_team_member(team.id, ada.id).await.unwrap();
    assert!(!sees(&as_ada).await && !sees(&by_key).await);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_team_that_owns_something_stays(pool: PgPool) {
    let harness = start(pool).await;
    let team = harness.client.create_team(&named("research")).await.unwrap();
    let queue = CreateQueue { team: "research".into(), ..CreateQueue::new("gpu", 0, vec!["default".into()]) };
    harness.client.create_queue(&queue).await.unwrap();
    refused_as(harness.client.delete_team(team.id).await, 409, ErrorCode::Conflict);
    let default = harness.client.teams().await.unwrap().items.into_iter().find(|team| team.name == "default");
    let default = default.unwrap();
    refused_as(harness.client.delete_team(default.id).await, 409, ErrorCode::Conflict);
    let rename = UpdateTeam { name: Some("other".into()) };
    refused_as(harness.client.update_team(default.id, &rename).await, 409, ErrorCode::Conflict);

    let empty = harness.client.create_team(&named("empty")).await.unwrap();
    assert_eq!(harness.client.update_team(empty.id, &rename).await.unwrap().name, "other");
    refused_as(harness.client.create_team(&named("Other")).await, 409, ErrorCode::NameTaken);
    assert_eq!(refused_fields(harness.client.create_team(&named("a b")).await), ["name"]);
    harness.client.delete_team(empty.id).await.unwrap();
    refused_as(harness.client.delete_team(empty.id).await, 404, ErrorCode::NotFound);
}
