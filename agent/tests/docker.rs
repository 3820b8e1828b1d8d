//! The agent's hands on a real Docker daemon.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic, in its helpers too")]

#[path = "docker/allowed.rs"]
mod allowed;
#[path = "docker/golden.rs"]
mod golden;
#[path = "docker/images.rs"]
mod images;
mod support;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lilac_agent::core::{Event, Exit, Failure, Sight, ending};
use lilac_agent::docker::{self, Link, Order, Owner, Sources};
use lilac_agent::images::{ImageSettings, Images};
use lilac_agent::init::{self, Places};
use lilac_agent::log_pump::{Destination, Pump};
use lilac_agent::log_spool::{self, Reader};
use lilac_agent::{clock, identity, journal, last_resort, lease};
use lilac_api::agent::{Mount, Outcome, RegistryLogin, Supplies, TaskSpec};
use lilac_api::auth::Secret;
use lilac_api::client::Client;
use lilac_api::ids::{AttemptId, ClusterId, JobId, NodeId};
use lilac_api::image::ImageProblem;
use lilac_api::job::Reason;
use lilac_api::quantity::Span;
use lilac_api::queue::{ContainerPolicy, default_networks};
use lilac_api::spec::{Network, PullPolicy, Signal};
use lilac_init::end::End;
use support::{Dockerd, IMAGE};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

struct Node {
    daemon: Dockerd,
    link: Link,
    owner: Owner,
    /// The init of every container.
    program: PathBuf,
    images: Images,
}

impl Node {
    fn start() -> Option<Self> {
        let daemon = Dockerd::start()?;
        Some(Self::with_images(daemon, |settings| settings))
    }

    /// A node whose images are kept in a way of its own.
    fn with_images(daemon: Dockerd, change: impl FnOnce(ImageSettings) -> ImageSettings) -> Self {
        let link = Link::new(&daemon.host());
        let settings = change(ImageSettings {
            collect: true,
            keep: Duration::from_secs(86_400),
            disk_high: 100,
            disk_low: 99,
            prefetch: true,
            docker_config: daemon.folder().join("node-config.json"),
        });
        let images = Images::new(settings, daemon.folder(), link.clone());
        let program = init::unpack(daemon.folder()).unwrap();
        lease::prepare(daemon.folder()).unwrap();
        let owner = Owner { cluster_id: ClusterId::new(), node_id: NodeId::new() };
        Self { daemon, link, owner, program, images }
    }

    /// What a container of this attempt gets to see, with a lease that is long enough.
    fn places(&self, attempt: AttemptId) -> Places {
        let folder = self.daemon.folder();
        let boot_id = identity::machine(folder).unwrap().boot_id;
        lease::write(folder, attempt, boot_id, clock::boot_ms() + 600_000).unwrap();
        log_spool::prepare(&self.log_path(attempt)).unwrap();
        Places::of(&self.program, folder, folder, attempt)
    }

    async fn create(&self, attempt: AttemptId, task: &TaskSpec) -> Result<(), Failure> {
        self.create_with(attempt, task, Supplies::default()).await
    }

    async fn create_with(
        &self,
        attempt: AttemptId,
        task: &TaskSpec,
        supplies: Supplies,
    ) -> Result<(), Failure> {
        let fetch = move || std::future::ready(Ok(supplies.clone()));
        self.create_by(self.owner, attempt, task, fetch, &CancellationToken::new()).await
    }

    async fn create_by<F: Future<Output = Result<Supplies, Failure>>>(
        &self,
        owner: Owner,
        attempt: AttemptId,
        task: &TaskSpec,
        supplies: impl Fn() -> F,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        let order = Order { owner, attempt, epoch: 1, task, places: &self.places(attempt), ports: &[] };
        let pull = |login| self.images.pull(&task.image, login, |_| {});
        docker::create(&self.link, &order, &Sources { supplies, pull }, cancel).await
    }

    async fn run(&self, task: &TaskSpec) -> AttemptId {
        let attempt = AttemptId::new();
        self.create(attempt, task).await.unwrap();
        docker::start(&self.link, attempt).await.unwrap();
        attempt
    }

    async fn look(&self, attempt: AttemptId) -> Sight {
        docker::look(&self.link, attempt).await.unwrap()
    }

    async fn exit(&self, attempt: AttemptId) -> Exit {
        until("the container ended", || async {
            match self.look(attempt).await {
                Sight::Exited(exit) => Some(exit),
                Sight::Running { .. } => None,
                sight => panic!("{sight:?}"),
            }
        })
        .await
    }

    fn pump(&self, attempt: AttemptId) -> Arc<Pump> {
        // Nobody listens there: the log waits in its spool.
        let client = Client::new("http://127.0.0.1:1", None).unwrap();
        let to = Destination { client, permits: Arc::new(Semaphore::new(1)) };
        Pump::open(&self.log_path(attempt), attempt, 0, to)
    }

    fn log_path(&self, attempt: AttemptId) -> PathBuf {
        journal::log_path(self.daemon.folder(), attempt)
    }

    fn log(&self, attempt: AttemptId) -> String {
        let log = Reader::new(&self.log_path(attempt)).read(usize::MAX).unwrap();
        String::from_utf8_lossy(&log).into_owned()
    }
}

/// What the control plane gives to a task that needs nothing.
async fn nothing() -> Result<Supplies, Failure> {
    Ok(Supplies::default())
}

/// Asks until there is an answer, for a minute at the most.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking)
        .await
        .unwrap_or_else(|_| panic!("waited for: {what}"))
}

fn shell(script: &str) -> TaskSpec {
    task(&["sh", "-c", script])
}

fn task(command: &[&str]) -> TaskSpec {
    TaskSpec {
        job_id: JobId::new(),
        job_name: "job".into(),
        rank: 0,
        runtime: Default::default(),
        image: IMAGE.into(),
        pull: PullPolicy::IfNotPresent,
        command: command.iter().map(ToString::to_string).collect(),
        entrypoint: Vec::new(),
        workdir: None,
        user: None,
        env: BTreeMap::new(),
        network: Network::None,
        policy: ContainerPolicy::default(),
        networks: default_networks(),
        cpu_milli: 500,
        memory_bytes: 64 << 20,
        disk_bytes: None,
        shm_bytes: None,
        gpu_uuids: Vec::new(),
        stop_signal: Signal::SigTerm,
        stop_grace: Span(Duration::from_secs(10)),
        max_runtime: None,
        stop_warn: None,
        hold_on_failure: None,
        needs_supplies: false,
        outputs: Vec::new(),
        gang: None,
        ports: Vec::new(),
    }
}

fn meaning(exit: &Exit) -> ending::Draft {
    ending::of_exit(exit, ending::Circumstances::default())
}

#[tokio::test]
async fn exits_are_told_apart() {
    let Some(node) = Node::start() else { return };
    let cases = [
        ("true", Some(0), None, None),
        ("exit 3", Some(3), None, Some(Reason::ExitCode)),
        ("kill -9 $$", Some(137), Some(9), Some(Reason::ExitCode)),
        ("nosuchprogram", Some(127), None, Some(Reason::ExitCode)),
    ];
    for (script, code, signal, reason) in cases {
        let attempt = node.run(&shell(script)).await;
        let draft = meaning(&node.exit(attempt).await);
        assert_eq!((draft.exit_code, draft.signal, draft.reason), (code, signal, reason), "{script}");
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_a_failed_start() {
    let Some(node) = Node::start() else { return };
    for (program, why) in
        [("/nosuchprogram", "No such file"), ("nosuchprogram", "No such file"), ("/tmp", "denied")]
    {
        let attempt = node.run(&task(&[program])).await;
        let exit = node.exit(attempt).await;
        let log = node.pump(attempt).finish().await;
        let draft = ending::as_init_says(meaning(&exit), &log);
        assert_eq!(
            (draft.outcome, draft.reason),
            (Outcome::NotStarted, Some(Reason::Unstartable)),
            "{draft:?}"
        );
        assert!(draft.message.contains(program) && draft.message.contains(why), "{draft:?}");
    }
}

#[tokio::test]
async fn a_user_that_is_not_there_is_refused_in_the_daemons_words() {
    let Some(node) = Node::start() else { return };
    let attempt = AttemptId::new();
    node.create(attempt, &TaskSpec { user: Some("nosuchuser".into()), ..shell("true") }).await.unwrap();
    let failure = docker::start(&node.link, attempt).await.unwrap_err();
    let Failure::Refused(words) = failure else { panic!("{failure:?}") };
    assert!(words.contains("nosuchuser"), "{words}");
}

#[tokio::test]
async fn too_much_memory_is_seen_as_such() {
    let Some(node) = Node::start() else { return };
    // `tail` keeps a line without an end in memory.
    let attempt = node.run(&TaskSpec { memory_bytes: 16 << 20, ..shell("tail /dev/zero") }).await;
    assert_eq!(meaning(&node.exit(attempt).await).reason, Some(Reason::Oom));
}

#[tokio::test]
async fn the_container_is_what_the_task_says() {
    let Some(node) = Node::start() else { return };
    let script = "echo $GREETING; cat /proc/self/cgroup | tail -1 >/dev/null; pwd; cat /dev/shm/x 2>/dev/null; \
                  kill -0 1 && echo init; echo to stderr >&2";
    let task = TaskSpec {
        env: BTreeMap::from([("GREETING".into(), "good day=1".into())]),
        workdir: Some("/tmp/work".into()),
        entrypoint: vec!["sh".into(), "-c".into()],
        command: vec![script.into()],
        ..task(&[])
    };
    let attempt = node.run(&task).await;
    assert_eq!(node.exit(attempt).await.code, 0);
    let sum = node.pump(attempt).finish().await;
    let log = node.log(attempt);
    assert_eq!(sum.length, log.len() as u64);
    for line in ["good day=1", "/tmp/work", "init", "to stderr"] {
        assert!(log.lines().any(|found| found == line), "{line:?} in {log:?}");
    }

    let format = "{{.HostConfig.CpuQuota}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} \
                  {{.HostConfig.PidsLimit}} {{.HostConfig.Init}} {{.HostConfig.NetworkMode}} \
                  {{.HostConfig.AutoRemove}} {{.HostConfig.SecurityOpt}}";
    let name = docker::container_name(attempt);
    let output = node.daemon.docker(&["inspect", "-f", format, &name]);
    let memory = 64 << 20;
    let expected = format!("50000 {memory} {memory} 4096 false none false [no-new-privileges]");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected);
}

#[tokio::test]
async fn signals_reach_the_job_and_the_kill_reaches_all() {
    let Some(node) = Node::start() else { return };
    let polite =
        node.run(&shell("trap 'echo bye; exit 4' TERM; echo ready; while :; do sleep 0.1; done")).await;
    let stubborn = node.run(&shell("trap '' TERM; echo ready; while :; do sleep 0.1; done")).await;
    for attempt in [polite, stubborn] {
        until("the trap is set", || async { node.log(attempt).contains("ready").then_some(()) }).await;
        docker::signal(&node.link, attempt, Signal::SigTerm).await.unwrap();
    }
    assert_eq!(node.exit(polite).await.code, 4);
    assert!(matches!(node.look(stubborn).await, Sight::Running { .. }));
    docker::order_kill(&node.link, stubborn).await.unwrap();
    assert_eq!(node.exit(stubborn).await.code, 137);
    let told = node.pump(stubborn).finish().await.told.unwrap();
    assert_eq!(told.end, End::Signalled { signal: 9, core: false });
    // What has ended needs no signal, and what is gone neither.
    docker::signal(&node.link, stubborn, Signal::SigKill).await.unwrap();
    docker::remove(&node.link, &docker::container_name(stubborn)).await.unwrap();
    docker::signal(&node.link, stubborn, Signal::SigKill).await.unwrap();
    docker::remove(&node.link, &docker::container_name(stubborn)).await.unwrap();
    assert_eq!(node.look(stubborn).await, Sight::Missing);
}

#[tokio::test]
async fn an_attempt_has_one_container_and_its_node_finds_it_again() {
    let Some(node) = Node::start() else { return };
    let attempt = AttemptId::new();
    let task = shell("while :; do sleep 0.1; done");
    node.create(attempt, &task).await.unwrap();
    assert_eq!(node.look(attempt).await, Sight::Created);
    assert_eq!(node.create(attempt, &task).await, Err(Failure::Exists));
    docker::start(&node.link, attempt).await.unwrap();
    // Started again, it goes on as it is.
    docker::start(&node.link, attempt).await.unwrap();
    let Sight::Running { started_at } = node.look(attempt).await else { panic!("it runs") };
    assert!((chrono::Utc::now() - started_at).num_seconds() < 60);

    let listed = docker::list(&node.link, node.owner).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].attempt, listed[0].running), (Some(attempt), true));
    for stranger in
        [Owner { node_id: NodeId::new(), ..node.owner }, Owner { cluster_id: ClusterId::new(), ..node.owner }]
    {
        assert_eq!(docker::list(&node.link, stranger).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_lease_ends_its_container_without_agent_or_daemon() {
    let Some(node) = Node::start() else { return };
    let stubborn = "trap '' TERM; echo ready; sleep 1000 & while :; do sleep 0.05; echo on; done";
    let attempt = node.run(&TaskSpec { user: Some("65534".into()), ..shell(stubborn) }).await;
    until("it runs", || async { node.log(attempt).contains("on\n").then_some(()) }).await;
    let boot_id = identity::machine(node.daemon.folder()).unwrap().boot_id;
    let deadline = clock::boot_ms() + 1_000;
    lease::write(node.daemon.folder(), attempt, boot_id, deadline).unwrap();
    let exit = node.exit(attempt).await;
    assert!(clock::boot_ms() >= deadline);
    let sum = node.pump(attempt).finish().await;
    assert_eq!(sum.told.as_ref().unwrap().end, End::LeaseOver);
    assert_eq!(ending::as_init_says(meaning(&exit), &sum).outcome, Outcome::Lost);
    assert!(node.log(attempt).ends_with("on\n"));

    // Nothing is started past it, and nothing twice.
    let late = AttemptId::new();
    node.create(late, &shell("echo ran")).await.unwrap();
    lease::write(node.daemon.folder(), late, boot_id, deadline).unwrap();
    docker::start(&node.link, late).await.unwrap();
    node.exit(late).await;
    assert_eq!(node.pump(late).finish().await.told.unwrap().end, End::LeaseOver);
    assert_eq!(node.log(late), "");
    let once = node.run(&shell("echo ran")).await;
    assert_eq!(node.exit(once).await.code, 0);
    assert!(node.daemon.docker(&["start", &docker::container_name(once)]).status.success());
    until("it refused", || async { (node.exit(once).await.code == lilac_init::BROKEN).then_some(()) }).await;
    assert_eq!(node.log(once), "ran\n");
}

#[tokio::test]
async fn a_container_is_ended_without_docker() {
    let Some(node) = Node::start() else { return };
    let attempt = node.run(&shell("trap '' TERM; echo ready; while :; do sleep 0.05; done")).await;
    until("the trap is set", || async { node.log(attempt).contains("ready").then_some(()) }).await;
    let name = docker::container_name(attempt);
    assert!(node.daemon.docker(&["pause", &name]).status.success());
    let kill = nix::sys::signal::Signal::SIGKILL;
    assert!(!last_resort::signal(node.daemon.folder(), AttemptId::new(), kill).unwrap());
    assert!(last_resort::signal(node.daemon.folder(), attempt, kill).unwrap());
    assert_eq!(node.exit(attempt).await.code, 137);
    assert!(!last_resort::signal(node.daemon.folder(), attempt, kill).unwrap());
}

#[tokio::test]
async fn the_last_words_of_short_containers_are_never_lost() {
    let Some(node) = Node::start() else { return };
    for round in 0..10 {
        let attempt = node.run(&shell(&format!("seq 1 500; printf 'last words {round}'"))).await;
        node.exit(attempt).await;
        let log = node.log(attempt);
        assert!(
            log.ends_with(&format!("500\nlast words {round}")),
            "round {round}: {:?}",
            &log[log.len() - 40..]
        );
    }
}

#[tokio::test]
async fn ends_are_heard_of_and_so_is_the_daemons_own() {
    let Some(mut node) = Node::start() else { return };
    let (sender, mut events) = mpsc::channel(16);
    tokio::spawn(docker::watch(node.link.clone(), node.owner, sender));
    let Some(Event::DockerUp { version, containers, .. }) = events.recv().await else { panic!("it is up") };
    assert!(!version.is_empty() && containers.is_empty());
    let attempt = node.run(&shell("true")).await;
    let Some(Event::Died(died)) = events.recv().await else { panic!("it ended") };
    assert_eq!(died, attempt);
    // Another node's containers are none of our business.
    let stranger = Owner { node_id: NodeId::new(), ..node.owner };
    let other = AttemptId::new();
    node.create_by(stranger, other, &shell("true"), nothing, &CancellationToken::new()).await.unwrap();
    docker::start(&node.link, other).await.unwrap();
    node.exit(other).await;

    node.daemon.crash_and_restart();
    let Some(Event::DockerDown(message)) = events.recv().await else { panic!("it was away") };
    assert!(message.starts_with("Docker does not answer"), "{message}");
    let containers = loop {
        match events.recv().await {
            Some(Event::DockerUp { containers, .. }) => break containers,
            Some(Event::DockerDown(_)) => {}
            event => panic!("{event:?}"),
        }
    };
    assert_eq!((containers.len(), containers[0].attempt), (1, Some(attempt)));
}

#[tokio::test]
async fn a_daemon_that_is_not_there_is_said_so() {
    let link = Link::new("unix:///nonexistent/docker.sock");
    let error = docker::look(&link, AttemptId::new()).await.unwrap_err();
    assert!(docker::words(&error).contains("/nonexistent/docker.sock"), "{error}");
    let task = shell("true");
    let owner = Owner { cluster_id: ClusterId::new(), node_id: NodeId::new() };
    let (attempt, nowhere) = (AttemptId::new(), Path::new("/nonexistent"));
    let places = Places::of(nowhere, nowhere, nowhere, attempt);
    let order = Order { owner, attempt, epoch: 1, task: &task, places: &places, ports: &[] };
    let sources = Sources { supplies: nothing, pull: |_| std::future::ready(Ok(())) };
    let failure = docker::create(&link, &order, &sources, &CancellationToken::new()).await;
    assert!(matches!(failure, Err(Failure::Unclear(_))), "{failure:?}");
}

/// Runs the task to its end and gives its exit code and log.
async fn outcome(node: &Node, task: &TaskSpec, supplies: Supplies) -> (i32, String) {
    let attempt = AttemptId::new();
    node.create_with(attempt, task, supplies).await.unwrap();
    docker::start(&node.link, attempt).await.unwrap();
    let code = node.exit(attempt).await.code;
    (code, node.log(attempt))
}
