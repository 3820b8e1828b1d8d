//! Interactive streams: who may open one, that both ends meet and nobody else does, and when they end. The node is
//! one that speaks for itself; what a real agent does with a stream is seen end to end.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use std::collections::BTreeMap;

use lilac_api::agent::{Outcome, Phase};
use lilac_api::audit::AuditFilter;
use lilac_api::auth::{CreateUser, Role, Secret, UpdateUser};
use lilac_api::client::Client;
use lilac_api::problem::ErrorCode;
use lilac_api::socket::{Listener, Said, Speaker};
use lilac_api::spec::JobSpec;
use lilac_api::stream::{
    Channel, Control, ExecJob, ForwardPort, OpenedStream, StreamOrder, StreamTask, TerminalSize,
};
use lilac_api::team::CreateTeam;
use lilac_api::{AttemptId, JobId, StreamId};
use lilac_server::app::{App, Settings};
use lilac_server::auth::settings::AuthSettings;
use lilac_server::secret::vault::Vault;
use sqlx::PgPool;

use crate::protocol::{Node, result, start};
use crate::support::{Harness, PASSWORD, SECRET_KEY, log_in, refused, refused_as, refused_fields};

fn program(words: &[&str]) -> ExecJob {
    ExecJob {
        command: words.iter().map(|word| (*word).to_owned()).collect(),
        terminal: None,
        input: true,
        env: BTreeMap::new(),
        rank: 0,
    }
}

/// A job that runs on a node.
async fn running(harness: &Harness) -> (Node, JobId, AttemptId) {
    let mut node = Node::join(harness, "n1").await;
    let job = harness.client.submit(&JobSpec::new("talks", "image"), None).await.unwrap().id;
    let attempt = node.wait_for(job).await;
    node.report(attempt, 1, Phase::Running, None);
    node.sync().await.unwrap();
    (node, job, attempt)
}

/// What the node is told to connect to.
async fn order(node: &mut Node, id: StreamId) -> StreamOrder {
    for _ in 0..50 {
        let told = node.say(false).await.unwrap().streams;
        if let Some(order) = told.into_iter().find(|order| order.id == id) {
            return order;
        }
    }
    panic!("the node was never told of the stream");
}

/// Both ends of a stream, the user's first.
async fn both(
    client: &Client,
    node: &mut Node,
    opened: &OpenedStream,
) -> ((Speaker, Listener), (Speaker, Listener)) {
    let user = client.stream(opened.id).await.unwrap();
    let order = order(node, opened.id).await;
    let agent = node.client.agent_stream(order.id, &order.token).await.unwrap();
    (user, agent)
}

fn data(channel: Channel, text: &'static str) -> Option<Said> {
    Some(Said::Data(channel, text.into()))
}

fn control(said: Control) -> Option<Said> {
    Some(Said::Control(said))
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_program_is_spoken_to_by_who_opened_it_and_the_node_that_runs_it(pool: PgPool) {
    let harness = start(pool).await;
    let (mut node, job, attempt) = running(&harness).await;
    let client = &harness.client;
    let request = program(&["cat", "-n"]);
    let opened = client.exec(job, &request).await.unwrap();

    // Nobody is told of it before the user is there.
    assert!(node.sync().await.unwrap().streams.is_empty());
    let (mut speaker, mut listener) = client.stream(opened.id).await.unwrap();
    refused_as(client.stream(opened.id).await.map(|_| ()), 404, ErrorCode::NotFound);
    let order = order(&mut node, opened.id).await;
    assert_eq!((order.attempt_id, &order.task), (attempt, &StreamTask::Exec(request)));
    assert_eq!(order.server, None);

    // The order is for this node, and for who has the token.
    let other = Node::join(&harness, "n2").await;
    let by = async |node: &Node, token: &str| {
        node.client.agent_stream(opened.id, &Secret(token.to_owned())).await.map(|_| ())
    };
    refused_as(by(&other, &order.token.0).await, 404, ErrorCode::NotFound);
    refused_as(by(&node, "guessed").await, 404, ErrorCode::NotFound);
    let (mut agent, mut agent_hears) = node.client.agent_stream(order.id, &order.token).await.unwrap();
    refused_as(by(&node, &order.token.0).await, 404, ErrorCode::NotFound);

    assert!(agent.control(&Control::Started).await);
    assert_eq!(listener.next().await, control(Control::Started));
    assert!(speaker.data(Channel::Input, b"hello").await);
    let size = TerminalSize { columns: 120, rows: 40 };
    assert!(speaker.control(&Control::Resize(size)).await && speaker.control(&Control::End).await);
    assert_eq!(agent_hears.next().await, data(Channel::Input, "hello"));
    assert_eq!(agent_hears.next().await, control(Control::Resize(size)));
    assert_eq!(agent_hears.next().await, control(Control::End));
    assert!(agent.data(Channel::Output, b"out").await && agent.data(Channel::Error, b"err").await);
    assert!(agent.control(&Control::Exited(3)).await);
    agent.close().await;
    assert_eq!(listener.next().await, data(Channel::Output, "out"));
    assert_eq!(listener.next().await, data(Channel::Error, "err"));
    assert_eq!(listener.next().await, control(Control::Exited(3)));
    assert_eq!(listener.next().await, None);

    // The audit log tells of it, and of nothing that was typed.
    let entries = client.audit(&AuditFilter::default()).await.unwrap().items;
    let entry = entries.iter().find(|entry| entry.action == "job.exec").unwrap();
    assert_eq!((entry.actor.as_str(), entry.object.clone()), ("user:admin", format!("job:{job}")));
    assert_eq!(entry.details["command"], serde_json::json!(["cat", "-n"]));
    assert!(!serde_json::to_string(&entries).unwrap().contains("hello"));
    // Its row is gone, so it counts no more.
    crate::support::eventually(async || {
        let left: i64 =
            sqlx::query_scalar("SELECT count(*) FROM streams").fetch_one(&harness.app.pool).await.unwrap();
        left == 0
    })
    .await;
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_stream_ends_with_its_attempt_and_with_either_end(pool: PgPool) {
    let harness = start(pool).await;
    let (mut node, job, attempt) = running(&harness).await;
    let client = &harness.client;

    // The user goes: the agent learns of it.
    let opened = client.forward_port(job, &ForwardPort { port: 80, rank: 0 }).await.unwrap();
    let (user, (_agent, mut agent_hears)) = both(client, &mut node, &opened).await;
    drop(user);
    assert_eq!(agent_hears.next().await, None);

    // An agent that says what only users say is cut off.
    let opened = client.forward_port(job, &ForwardPort { port: 80, rank: 0 }).await.unwrap();
    let ((_speaker, mut listener), (mut agent, _)) = both(client, &mut node, &opened).await;
    assert!(agent.data(Channel::Input, b"x").await);
    assert_eq!(listener.next().await, None);

    // The attempt ends: both learn of it.
    let opened = client.exec(job, &program(&["sh"])).await.unwrap();
    let ((_speaker, mut listener), (mut agent, mut agent_hears)) = both(client, &mut node, &opened).await;
    assert!(agent.control(&Control::Started).await);
    assert_eq!(listener.next().await, control(Control::Started));
    node.report(attempt, 1, Phase::Ended, Some(result(Outcome::Exited, Some(0))));
    node.sync().await.unwrap();
    let Some(Said::Control(Control::Failed(why))) = listener.next().await else { panic!("it goes on") };
    assert!(why.contains("attempt has ended"), "{why}");
    assert_eq!(listener.next().await, None);
    assert_eq!(agent_hears.next().await, None);
    refused_as(client.exec(job, &program(&["sh"])).await, 409, ErrorCode::Conflict);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn only_who_may_control_a_running_job_opens_streams(pool: PgPool) {
    let harness = start(pool).await;
    let (_node, job, _) = running(&harness).await;
    let exec = async |client: &Client, job| client.exec(job, &program(&["true"])).await.map(|_| ());
    let forward = ForwardPort { port: 80, rank: 0 };

    harness.client.create_team(&CreateTeam { name: "elsewhere".into() }).await.unwrap();
    let mut outsider = CreateUser::new("outsider", Secret(PASSWORD.into()), Role::Member);
    outsider.teams = vec!["elsewhere".into()];
    harness.client.create_user(&outsider).await.unwrap();
    let outsider = log_in(&harness.client, "outsider", PASSWORD).await.unwrap();
    refused_as(exec(&outsider, job).await, 404, ErrorCode::NotFound);
    refused_as(outsider.forward_port(job, &forward).await, 404, ErrorCode::NotFound);
    for (name, role) in [("colleague", Role::Member), ("watcher", Role::Viewer)] {
        let client = harness.user(name, role).await.1;
        refused_as(exec(&client, job).await, 403, ErrorCode::Forbidden);
        refused_as(client.forward_port(job, &forward).await, 403, ErrorCode::Forbidden);
        let opened = harness.client.exec(job, &program(&["true"])).await.unwrap();
        let status = if role == Role::Viewer { 403 } else { 404 };
        assert_eq!(refused(client.stream(opened.id).await.map(|_| ())).status, status);
    }

    let waiting = JobSpec { queue: "default".into(), ..JobSpec::new("waits", "image") };
    let mut waiting = waiting;
    waiting.resources.cpus.milli = 1_000_000;
    let waiting = harness.client.submit(&waiting, None).await.unwrap().id;
    refused_as(exec(&harness.client, waiting).await, 409, ErrorCode::Conflict);

    let client = &harness.client;
    let long = "x".repeat(40_000);
    let many = vec!["x"; 300];
    for (request, field) in [
        (program(&[]), "command"),
        (program(&[""]), "command[0]"),
        (program(&["a", "b\0"]), "command[1]"),
        (program(&[&long]), "command"),
        (program(&many), "command"),
        (ExecJob { rank: 1, ..program(&["a"]) }, "rank"),
        (ExecJob { rank: u16::MAX, ..program(&["a"]) }, "rank"),
        (ExecJob { env: [("A=".to_owned(), "1".to_owned())].into(), ..program(&["a"]) }, "env.A="),
        (ExecJob { env: [("A".to_owned(), long.clone())].into(), ..program(&["a"]) }, "env"),
        (
            ExecJob { terminal: Some(TerminalSize { columns: 0, rows: 20_000 }), ..program(&["a"]) },
            "terminal.columns",
        ),
    ] {
        let fields = refused_fields(client.exec(job, &request).await);
        assert_eq!(fields.first().map(String::as_str), Some(field), "{fields:?}");
    }
    let port = client.forward_port(job, &ForwardPort { port: 0, rank: 0 }).await;
    assert_eq!(refused_fields(port), ["port"]);

    // Two are open already; from a number on, no more are.
    let mut opened = 2;
    let refusal = loop {
        match client.exec(job, &program(&["true"])).await {
            Ok(_) => opened += 1,
            Err(error) => break refused::<()>(Err(error)),
        }
        assert!(opened < 100, "{opened} streams are open");
    };
    // On a slow machine the first may have been given up meanwhile.
    assert_eq!(refusal.status, 429);
    assert!(opened >= 32, "{opened} streams");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn an_agent_is_told_which_server_the_user_is_at(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let (mut node, job, _) = running(&harness).await;
    let secret = Secret(SECRET_KEY.into());
    let settings = Settings { advertise_url: Some("http://10.0.0.9:1".into()), ..Settings::default() };
    let vault = Vault::derived(&secret).unwrap();
    let app = App::with(pool, &secret, vault, AuthSettings::default(), settings).unwrap();
    let beside = log_in(&harness.beside(app).await, "admin", PASSWORD).await.unwrap();

    // Opened at one server, connected to at another, and told by the first.
    let opened = harness.client.exec(job, &program(&["id"])).await.unwrap();
    let (mut speaker, mut listener) = beside.stream(opened.id).await.unwrap();
    let order = order(&mut node, opened.id).await;
    assert_eq!(order.server.as_deref(), Some("http://10.0.0.9:1"));
    let at_first = node.client.agent_stream(order.id, &order.token).await.map(|_| ());
    refused_as(at_first, 404, ErrorCode::NotFound);
    let node_beside = beside.with_token(node.token.clone());
    let (mut agent, mut agent_hears) = node_beside.agent_stream(order.id, &order.token).await.unwrap();
    assert!(agent.control(&Control::Started).await);
    assert_eq!(listener.next().await, control(Control::Started));
    assert!(speaker.data(Channel::Input, b"in").await);
    assert_eq!(agent_hears.next().await, data(Channel::Input, "in"));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_browser_connects_with_the_ticket_of_the_stream_and_once(pool: PgPool) {
    let harness = start(pool).await;
    let (mut node, job, _) = running(&harness).await;
    let client = &harness.client;
    let open = async || {
        let opened = client.exec(job, &program(&["sh"])).await.unwrap();
        let ticket = opened.ticket.clone().unwrap();
        (opened, ticket)
    };
    let by = async |id, ticket: &Secret| client.stream_by_ticket(id, ticket).await.map(|_| ());

    let (opened, ticket) = open().await;
    let (other, other_ticket) = open().await;
    // It is for one stream, and nobody makes or bends one.
    refused_as(by(opened.id, &other_ticket).await, 401, ErrorCode::Unauthenticated);
    refused_as(by(opened.id, &Secret("guessed".into())).await, 401, ErrorCode::Unauthenticated);
    let bent = Secret(format!("{}x", ticket.0));
    refused_as(by(opened.id, &bent).await, 401, ErrorCode::Unauthenticated);
    // An access token is none, and a ticket opens nothing else.
    let token = client.with_token(ticket.clone());
    refused_as(token.me().await.map(|_| ()), 401, ErrorCode::Unauthenticated);

    let (mut speaker, mut listener) = client.stream_by_ticket(opened.id, &ticket).await.unwrap();
    let order = order(&mut node, opened.id).await;
    let (mut agent, mut agent_hears) = node.client.agent_stream(order.id, &order.token).await.unwrap();
    assert!(agent.control(&Control::Started).await);
    assert_eq!(listener.next().await, control(Control::Started));
    assert!(speaker.data(Channel::Input, b"typed").await);
    assert_eq!(agent_hears.next().await, data(Channel::Input, "typed"));
    refused_as(by(opened.id, &ticket).await, 404, ErrorCode::NotFound);

    // Of a user who is disabled meanwhile it opens nothing.
    let (leaver, member) = harness.user("leaver", Role::Member).await;
    let mine = member.submit(&JobSpec::new("mine", "image"), None).await.unwrap().id;
    let attempt = node.wait_for(mine).await;
    node.report(attempt, 1, Phase::Running, None);
    node.sync().await.unwrap();
    let opened = member.exec(mine, &program(&["sh"])).await.unwrap();
    let disable = UpdateUser { disabled: Some(true), ..UpdateUser::default() };
    client.update_user(leaver.id, &disable).await.unwrap();
    refused_as(by(opened.id, &opened.ticket.unwrap()).await, 401, ErrorCode::Unauthenticated);
    drop((other, listener));
}
