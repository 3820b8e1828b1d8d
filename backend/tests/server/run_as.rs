//! Queues whose containers run as who submitted their job.

use lilac_api::auth::{NodeUser, UpdateUser};
use lilac_api::queue::{RunAs, UpdateQueue};
use lilac_api::spec::JobSpec;
use sqlx::PgPool;

use crate::protocol::{self, Node};
use crate::support::refused_fields;

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_queue_may_have_containers_run_as_their_submitter(pool: PgPool) {
    let harness = protocol::start(pool).await;
    let client = &harness.client;
    let mut node = Node::join(&harness, "a").await;
    let of = |user: Option<&str>| JobSpec { user: user.map(str::to_owned), ..JobSpec::new("job", "busybox") };
    let waits = client.submit(&of(Some("7")), None).await.unwrap().id;
    assert_eq!(node.task(waits).await.user.as_deref(), Some("7"), "by default the job says");

    let queue = client.queues().await.unwrap().items[0].id;
    let change = UpdateQueue { run_as: Some(RunAs::Submitter), ..UpdateQueue::default() };
    assert_eq!(client.update_queue(queue, &change).await.unwrap().run_as, RunAs::Submitter);
    assert_eq!(refused_fields(client.submit(&of(None), None).await), ["user"], "nobody knows the uid");

    let me = client.me().await.unwrap().id;
    let set = |uid, gid| UpdateUser { node_user: Some(NodeUser { uid, gid }), ..UpdateUser::default() };
    for (uid, gid, field) in
        [(0, 1, "node_user.uid"), (1, 0, "node_user.gid"), (u32::MAX, 1, "node_user.uid")]
    {
        assert_eq!(refused_fields(client.update_user(me, &set(uid, gid)).await), [field]);
    }
    let user = client.update_user(me, &set(1234, 99)).await.unwrap();
    assert_eq!(user.node_user, Some(NodeUser { uid: 1234, gid: 99 }));

    assert_eq!(refused_fields(client.submit(&of(Some("0")), None).await), ["user"], "not even another's");
    let job = client.submit(&of(None), None).await.unwrap().id;
    assert_eq!(node.task(job).await.user.as_deref(), Some("1234:99"));
}
