//! Images of a real daemon, pulled from a real registry.

use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lilac_api::image::{LayerState, PullProgress};

use super::*;
use crate::support::Registry;

const PASSWORD: &str = "registry password";

/// A node, and a registry with an image that only `ada` gets; the node's Docker configuration has her login.
fn node_and_registry(
    change: impl FnOnce(ImageSettings) -> ImageSettings,
) -> Option<(Node, Registry, String)> {
    let daemon = Dockerd::start()?;
    let registry = Registry::start("ada", PASSWORD)?;
    let image = format!("{}/team/app:1", registry.address());
    registry.fill(&daemon, &image, "ada", PASSWORD);
    let node = Node::with_images(daemon, change);
    let auth = STANDARD.encode(format!("ada:{PASSWORD}"));
    let config = serde_json::json!({ "auths": { registry.address(): { "auth": auth } } });
    std::fs::write(node.daemon.folder().join("node-config.json"), config.to_string()).unwrap();
    Some((node, registry, image))
}

impl Node {
    async fn has(&self, image: &str) -> bool {
        docker::find_image(&self.link, image).await.unwrap().is_some()
    }

    fn take_away(&self, image: &str) {
        let output = self.daemon.docker(&["rmi", image]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test]
async fn one_pull_serves_all_who_want_it_and_tells_how_far_it_is() {
    let Some((node, _registry, image)) = node_and_registry(|settings| settings) else { return };
    let told: Mutex<Vec<PullProgress>> = Mutex::default();
    let tell = |progress| told.lock().unwrap().push(progress);

    // Without a login of the team, the node's own is taken.
    node.images.pull(&image, None, tell).await.unwrap();
    assert!(node.has(&image).await);
    assert_eq!(told.lock().unwrap().first(), Some(&PullProgress::default()), "at once, that it has begun");

    node.take_away(&image);
    let since = chrono::Utc::now().format("%s%.9f").to_string();
    let pulls = (0..5).map(|_| node.images.pull(&image, None, tell));
    for pulled in futures::future::join_all(pulls).await {
        pulled.unwrap();
    }
    let until = chrono::Utc::now().format("%s%.9f").to_string();
    let events = ["events", "--since", &since, "--until", &until, "--filter", "event=pull"];
    let events = String::from_utf8_lossy(&node.daemon.docker(&events).stdout).into_owned();
    assert_eq!(events.lines().count(), 1, "five jobs, one pull: {events}");
    for progress in told.lock().unwrap().iter().filter(|progress| !progress.layers.is_empty()) {
        assert!(progress.layers.iter().all(|layer| layer.bytes <= layer.total_bytes), "{progress:?}");
        assert!(progress.layers.iter().all(|layer| layer.state <= LayerState::Done && !layer.id.is_empty()));
    }

    // The container is made of what the registry knows by this digest.
    let attempt = AttemptId::new();
    node.create(attempt, &TaskSpec { image: image.clone(), ..shell("true") }).await.unwrap();
    let (id, digest) = docker::image_of(&node.link, attempt, &image).await.unwrap().unwrap();
    let inspected = node.daemon.docker(&["inspect", "-f", "{{.Id}} {{index .RepoDigests 0}}", &image]);
    let inspected = String::from_utf8_lossy(&inspected.stdout).into_owned();
    assert_eq!(inspected.trim(), format!("{id} {}@{}", image.trim_end_matches(":1"), digest.unwrap()));
}

#[tokio::test]
async fn unused_images_go_and_awaited_ones_come() {
    let keep_none = |settings| ImageSettings { keep: Duration::ZERO, ..settings };
    let Some((node, registry, image)) = node_and_registry(keep_none) else { return };
    let other = format!("{}/team/other:1", registry.address());
    // Not the same image under another name.
    for words in [
        &["create", "--name", "base", IMAGE, "true"][..],
        &["commit", "base", "other:local"],
        &["rm", "base"],
    ] {
        assert!(node.daemon.docker(words).status.success(), "{words:?}");
    }
    registry.fill_with(&node.daemon, "other:local", &other, "ada", PASSWORD);
    tokio::spawn(node.images.clone().keep());

    // One is used by a container, the other by nobody.
    let (attempt, task) = (AttemptId::new(), TaskSpec { image: image.clone(), ..shell("true") });
    node.images.want(attempt, &image);
    node.create(attempt, &task).await.unwrap();
    node.images.pull(&other, None, |_| {}).await.unwrap();
    until("the unused image is gone", || async { (!node.has(&other).await).then_some(()) }).await;
    assert!(node.has(&image).await, "an image in use stays");
    // Even where nobody speaks for it any more, as long as the container is there.
    node.images.release(attempt);
    node.images.pull(&other, None, |_| {}).await.unwrap();
    until("the unused image is gone again", || async { (!node.has(&other).await).then_some(()) }).await;
    assert!(node.has(&image).await, "an image of a container stays");

    docker::remove(&node.link, &docker::container_name(attempt)).await.unwrap();
    node.images.pull(&image, None, |_| {}).await.unwrap();
    until("it goes once its container is gone", || async { (!node.has(&image).await).then_some(()) }).await;
    // What this agent did not pull is not its to remove.
    assert!(node.has(IMAGE).await);

    // What jobs wait for comes by itself, and stays while they wait.
    let mut on_node = node.images.on_node();
    node.images.await_jobs(vec![image.clone(), format!("{}/team/nothing:1", registry.address())]);
    let is_told = |images: &Vec<lilac_api::image::CachedImage>| {
        images.iter().any(|cached| cached.names.contains(&image))
    };
    tokio::time::timeout(Duration::from_secs(60), on_node.wait_for(is_told)).await.unwrap().unwrap();
    node.images.await_jobs(Vec::new());
    until("it goes when nobody waits", || async { (!node.has(&image).await).then_some(()) }).await;
}

#[tokio::test]
async fn an_image_that_is_not_to_be_had_is_said_in_the_daemons_words() {
    let Some(node) = Node::start() else { return };
    for pull in [PullPolicy::Never, PullPolicy::IfNotPresent, PullPolicy::Always] {
        // Port 1 refuses at once, wherever the test runs.
        let task = TaskSpec { image: "127.0.0.1:1/nosuch/image:1".into(), pull, ..shell("true") };
        let failure = node.create(AttemptId::new(), &task).await.unwrap_err();
        let (Failure::Image(words) | Failure::Pull(_, words)) = failure else {
            panic!("{pull:?}: {failure:?}")
        };
        assert!(words.contains("127.0.0.1:1"), "{pull:?}: {words}");
    }
    let task = TaskSpec { image: "Not An Image".into(), ..shell("true") };
    let failure = node.create(AttemptId::new(), &task).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Refused(words) if words.contains("invalid reference")),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_pull_can_be_given_up() {
    let Some(node) = Node::start() else { return };
    // A registry that accepts and never answers.
    let registry = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let image = format!("{}/nosuch/image:1", registry.local_addr().unwrap());
    let task = TaskSpec { image, ..shell("true") };
    let cancel = CancellationToken::new();
    let create = node.create_by(node.owner, AttemptId::new(), &task, nothing, &cancel);
    let give_up = async {
        let _connection = registry.accept().await.unwrap();
        cancel.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        result = create => assert_eq!(result, Err(Failure::Cancelled)),
        () = give_up => unreachable!("it waits for ever"),
    }
}

#[tokio::test]
async fn an_image_is_pulled_with_the_teams_login() {
    let Some(node) = Node::start() else { return };
    let Some(registry) = support::Registry::start("ada", "registry password") else { return };
    let image = format!("{}/team/app:1", registry.address());
    registry.fill(&node.daemon, &image, "ada", "registry password");
    let login = |password: &str| Supplies {
        registry: Some(RegistryLogin {
            server: registry.address(),
            username: "ada".into(),
            password: Secret(password.into()),
        }),
        ..Supplies::default()
    };
    let task = |image: &str| TaskSpec { image: image.to_owned(), ..shell("echo pulled") };
    let told = async |task: TaskSpec, supplies: Supplies| match node
        .create_with(AttemptId::new(), &task, supplies)
        .await
        .unwrap_err()
    {
        Failure::Pull(problem, words) => (problem, words),
        other => panic!("{other:?}"),
    };
    let (problem, words) = told(task(&image), Supplies::default()).await;
    assert_eq!(problem, ImageProblem::Denied);
    assert!(words.contains("denies the image to a pull without a login"), "{words}");
    let (problem, words) = told(task(&image), login("wrong words")).await;
    assert_eq!(problem, ImageProblem::Denied);
    assert!(words.contains("denies the image to the login of `ada`"), "{words}");
    assert!(!words.contains("wrong words"), "{words}");
    let missing = format!("{}/team/nothing:1", registry.address());
    let (problem, words) = told(task(&missing), login("registry password")).await;
    assert_eq!(problem, ImageProblem::NotFound);
    assert!(words.contains("has no such image"), "{words}");

    let (code, log) = outcome(&node, &task(&image), login("registry password")).await;
    assert_eq!((code, log.as_str()), (0, "pulled\n"));
    let address = registry.address();
    drop(registry);
    let always = TaskSpec { pull: PullPolicy::Always, ..task(&format!("{address}/team/app:1")) };
    let (problem, words) = told(always, Supplies::default()).await;
    assert_eq!(problem, ImageProblem::Unreachable);
    assert!(words.contains("does not answer"), "{words}");
}
