//! What a container may do, and what it is given: by the policy of its queue, its supplies, its limits.

use super::*;

#[tokio::test]
async fn a_policy_decides_what_a_container_may_do() {
    let Some(node) = Node::start() else { return };
    let script = "grep -E 'CapEff|NoNewPrivs' /proc/self/status; id -u; touch /file 2>/dev/null && echo writes; \
                  touch /tmp/file && echo tmp";
    let under =
        |policy, user: Option<&str>| TaskSpec { policy, user: user.map(str::to_owned), ..shell(script) };
    let words = |log: &str| log.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");

    let (code, log) = outcome(&node, &under(ContainerPolicy::Restricted, None), Supplies::default()).await;
    assert_eq!((code, words(&log).as_str()), (0, "CapEff: 00000000000004fb NoNewPrivs: 1 0 writes tmp"));
    let strict = under(ContainerPolicy::Strict, Some("1000:1000"));
    let (code, log) = outcome(&node, &strict, Supplies::default()).await;
    assert_eq!((code, words(&log).as_str()), (0, "CapEff: 0000000000000000 NoNewPrivs: 1 1000 tmp"));
    let (_, log) = outcome(&node, &under(ContainerPolicy::Trusted, None), Supplies::default()).await;
    assert!(words(&log).contains("NoNewPrivs: 0") && log.contains("writes"), "{log}");

    for (user, whose) in
        [(None, "the image's user is `root`"), (Some("0"), "`0`"), (Some("nobody"), "`nobody`")]
    {
        let refused = node.create(AttemptId::new(), &under(ContainerPolicy::Strict, user)).await.unwrap_err();
        let Failure::Refused(words) = refused else { panic!("{refused:?}") };
        assert!(words.contains("forbids root") && words.contains(whose), "{words}");
    }
    let host = TaskSpec { network: Network::Host, ..shell("true") };
    let refused = node.create(AttemptId::new(), &host).await.unwrap_err();
    assert!(matches!(&refused, Failure::Refused(words) if words.contains("`host`")), "{refused:?}");
}

#[tokio::test]
async fn supplies_reach_the_container_and_bad_volumes_do_not() {
    let Some(node) = Node::start() else { return };
    let data = node.daemon.folder().canonicalize().unwrap().join("sets");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("in"), "from the node\n").unwrap();
    let mount = |path: &std::path::Path, read_only| Mount {
        name: "sets".into(),
        host_path: path.display().to_string(),
        target: "/data".into(),
        read_only,
    };
    let supplies = |mount| Supplies {
        env: BTreeMap::from([("TOKEN".into(), Secret("a secret value".into()))]),
        registry: None,
        mounts: vec![mount],
    };
    let script = "echo $TOKEN; cat /data/in; touch /data/out 2>/dev/null && echo writes || echo reads";
    let task = TaskSpec { needs_supplies: true, ..shell(script) };
    let (_, log) = outcome(&node, &task, supplies(mount(&data, true))).await;
    assert_eq!(log, "a secret value\nfrom the node\nreads\n");
    assert!(!data.join("out").exists());
    let (_, log) = outcome(&node, &task, supplies(mount(&data, false))).await;
    assert!(log.ends_with("writes\n") && data.join("out").exists(), "{log}");

    let link = data.with_file_name("link");
    std::os::unix::fs::symlink("/etc", &link).unwrap();
    for path in [link, data.join("nothing"), "/etc".into(), "/var/run/docker.sock".into()] {
        let attempt = AttemptId::new();
        let refused = node.create_with(attempt, &task, supplies(mount(&path, true))).await.unwrap_err();
        let Failure::Refused(words) = refused else { panic!("{refused:?}") };
        assert!(words.contains("`sets`"), "{words}");
        assert_eq!(node.look(attempt).await, Sight::Missing);
        assert!(!data.join("nothing").exists());
    }

    // Without its supplies no container is made.
    let refuse = || std::future::ready(Err(Failure::Refused("no secret `token`".into())));
    let attempt = AttemptId::new();
    let cancel = CancellationToken::new();
    let refused = node.create_by(node.owner, attempt, &task, refuse, &cancel).await;
    assert_eq!(refused, Err(Failure::Refused("no secret `token`".into())));
    assert_eq!(node.look(attempt).await, Sight::Missing);
    let waits = || std::future::pending();
    let create = node.create_by(node.owner, attempt, &task, waits, &cancel);
    let (given_up, ()) = tokio::join!(create, async { cancel.cancel() });
    assert_eq!(given_up, Err(Failure::Cancelled));
}

#[tokio::test]
async fn a_container_that_writes_too_much_is_noticed() {
    let Some(node) = Node::start() else { return };
    let fill =
        |mib: u32| shell(&format!("dd if=/dev/zero of=/file bs=1048576 count={mib} 2>/dev/null; sleep 1000"));
    let (small, large) = (node.run(&fill(1)).await, node.run(&fill(24)).await);
    let (sender, mut events) = mpsc::channel(4);
    for attempt in [small, large] {
        tokio::spawn(lilac_agent::disk::watch(node.link.clone(), attempt, 16 << 20, sender.clone()));
    }
    let exceeded = tokio::time::timeout(Duration::from_secs(120), events.recv()).await.unwrap();
    assert!(matches!(exceeded, Some(Event::DiskExceeded(attempt)) if attempt == large), "{exceeded:?}");
    assert!(events.try_recv().is_err(), "the other one is well within its limit");
}
