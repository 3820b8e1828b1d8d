//! Agents of other releases: what they say may hold what is unknown here, and what they get is what to do.

use lilac_api::agent::PROTOCOL_VERSION;
use serde_json::json;
use sqlx::PgPool;

use crate::protocol::{Node, start};

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn an_agent_of_another_version_is_told_what_to_do(pool: PgPool) {
    let harness = start(pool).await;
    let node = Node::join(&harness, "n1").await;
    let bearer = format!("Bearer {}", node.token.0);
    let headers = [("authorization", bearer.as_str())];
    let newer = json!({ "protocol": PROTOCOL_VERSION + 1, "said_in_a_new_way": [1, 2] });
    for (body, what_to_do) in [
        (newer, "upgrade the server first"),
        (json!({ "protocol": 0, "said_in_an_old_way": true }), "its jobs run on meanwhile"),
    ] {
        let answer = harness.send_json("POST", "/agent/sync", &headers, body.to_string()).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (426, "upgrade-required"), "{}", answer.body);
        let detail = answer.body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(what_to_do) && detail.contains("install the lilac_agent"), "{detail}");
    }
    // Of one's own version, an unknown field is a mistake like any other.
    let body = json!({ "protocol": PROTOCOL_VERSION, "unknown": 1 }).to_string();
    let answer = harness.send_json("POST", "/agent/sync", &headers, body).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (422, "invalid-field"), "{}", answer.body);
}
