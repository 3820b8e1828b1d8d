//! `lilac_cli` as a user meets it, and a node that joins through it.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lilac_api::cluster::{Cluster, NodeState};
use lilac_api::job::{Job, JobFilter, JobState};
use lilac_e2e::jobs::until_state;
use lilac_e2e::{Bed, Cli, IMAGE, Machine, Process, with_bed};

/// Flags of a job that takes little.
const SMALL: [&str; 8] = ["--image", IMAGE, "--network", "none", "--cpus", "100m", "--memory", "32Mi"];

/// A user who is logged in as the administrator.
async fn user(bed: &Bed) -> Result<Cli> {
    let cli = Cli::new(&bed.scratch().path("user"))?;
    cli.ok(&["configure", "--server", &bed.servers[0].url()]).await?;
    let login = ["login", "--username", "admin", "--password-stdin"];
    let answer = cli.run_with_input(&login, &format!("{}\n", bed.admin_password().0)).await?;
    ensure!(answer.code == Some(0), "{answer:?}");
    Ok(cli)
}

fn submit<'a>(name: &'a str, flags: &[&'a str], command: &[&'a str]) -> Vec<&'a str> {
    [&["submit", "--name", name], SMALL.as_slice(), flags, &["--"], command].concat()
}

async fn newest(bed: &Bed, name: &str) -> Result<Job> {
    let filter = JobFilter { name: Some(name.to_owned()), ..JobFilter::default() };
    bed.client.jobs(&filter).await?.items.into_iter().next().context("no such job")
}

#[tokio::test]
async fn a_user_submits_follows_and_cancels() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let cli = user(bed).await?;

        let followed =
            cli.run(&submit("hello", &["--follow"], &["sh", "-c", "echo hello from a container"])).await?;
        assert_eq!(followed.code, Some(0), "{followed:?}");
        assert!(followed.stdout.contains("hello from a container\n"), "{followed:?}");
        let everything = format!("{}{}", followed.stdout, followed.stderr);
        assert!(everything.contains("succeeded"), "{followed:?}");

        let failed = cli.run(&submit("fails", &["--follow"], &["sh", "-c", "echo no; exit 3"])).await?;
        assert_eq!(failed.code, Some(100), "{failed:?}");
        assert!(format!("{}{}", failed.stdout, failed.stderr).contains('3'), "{failed:?}");

        let never = ["submit", "--name", "no-image", "--image", "127.0.0.1:9/nowhere:1", "--network", "none"];
        let waited = cli.run(&[never.as_slice(), &["--wait"]].concat()).await?;
        assert_eq!(waited.code, Some(100), "{waited:?}");
        assert!(format!("{}{}", waited.stdout, waited.stderr).contains("127.0.0.1:9"), "{waited:?}");

        let listed = cli.ok(&["ls"]).await?;
        assert!(listed.contains("hello") && listed.contains("fails"), "{listed}");
        let shown = cli.ok(&["show", "hello"]).await?;
        assert!(shown.contains("succeeded") && shown.contains(IMAGE), "{shown}");
        assert_eq!(cli.ok(&["logs", "hello"]).await?, "hello from a container\n");
        assert_eq!(cli.run(&["wait", "hello"]).await?.code, Some(0));
        assert_eq!(cli.run(&["wait", "fails"]).await?.code, Some(100));
        assert_eq!(cli.run(&["wait", "no-such-job"]).await?.code, Some(102));

        cli.ok(&submit("endless", &[], &["sleep", "1000"])).await?;
        let endless = newest(bed, "endless").await?.id;
        until_state(&bed.client, endless, JobState::Running).await?;
        assert_eq!(cli.run(&["wait", "endless", "--timeout", "1s"]).await?.code, Some(101));
        cli.ok(&["cancel", &endless.to_string()]).await?;
        assert_eq!(cli.run(&["wait", &endless.to_string()]).await?.code, Some(103));
        let again = cli.run(&["cancel", &endless.to_string()]).await?;
        assert_eq!(again.code, Some(1), "{again:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_job_comes_from_a_file() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let cli = user(bed).await?;
        let file = bed.scratch().path("job.yaml");
        let path = file.to_str().context("a path that is no text")?;
        let good = format!(
            "name: from-file\nimage: {IMAGE}\nnetwork: none\nresources: {{cpus: 100m, memory: 32Mi}}\n\
             env: {{GREETING: hi}}\nrun: |\n  echo \"$GREETING\"\n  echo two\n"
        );
        std::fs::write(&file, &good)?;
        let output = cli.run(&["submit", "-f", path, "--follow"]).await?;
        assert_eq!(output.code, Some(0), "{output:?}");
        assert!(output.stdout.contains("hi\ntwo\n"), "{output:?}");

        // What is wrong is named, with its line, and nothing is submitted.
        for (text, words) in [
            (good.replace("image:", "imag:"), ["job.yaml:2", "`image`"]),
            (good.replace("cpus: 100m", "cpus: 0"), ["cpus", "resources"]),
            (good.replace("memory: 32Mi", "memory: lots"), ["memory", "lots"]),
            (good.replace("name: from-file", "name: 'a b'"), ["name", "letters"]),
            (format!("{good}bad: [\n"), ["job.yaml:9", "bad"]),
            (String::new(), ["job.yaml", "job.yaml"]),
        ] {
            std::fs::write(&file, &text)?;
            let output = cli.run(&["submit", "-f", path]).await?;
            assert_eq!(output.code, Some(2), "{output:?}\n{text}");
            for word in words {
                assert!(output.stderr.contains(word), "`{word}` is missing: {output:?}\n{text}");
            }
        }
        let missing = cli.run(&["submit", "-f", "/no/such/file.yaml"]).await?;
        assert_eq!(missing.code, Some(2), "{missing:?}");
        assert_eq!(bed.client.jobs(&JobFilter::default()).await?.items.len(), 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_platform_is_shown_in_tables_and_in_json() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("node-a", None).await?;
        let cli = user(bed).await?;
        let profile = bed.scratch().path("user/cli.toml");
        let mode = std::fs::metadata(&profile)?.permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "the profile holds a token");
        let profile = std::fs::read_to_string(&profile)?;
        assert!(!profile.contains(&bed.admin_password().0), "the password was kept");

        assert!(cli.ok(&["whoami"]).await?.contains("admin"));
        let nodes = cli.ok(&["node", "ls"]).await?;
        assert!(nodes.contains("node-a") && nodes.contains("ready"), "{nodes}");
        assert!(cli.ok(&["queue", "ls"]).await?.contains("default"));
        let clusters = cli.ok(&["cluster", "ls", "-o", "json"]).await?;
        let clusters: serde_json::Value = serde_json::from_str(&clusters).context(clusters)?;
        let list = clusters.as_array().or_else(|| clusters["items"].as_array()).context("no list")?;
        let cluster: Cluster = serde_json::from_value(list.first().context("no cluster")?.clone())?;
        assert_eq!((cluster.name.as_str(), cluster.nodes), ("default", 1));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn mistakes_get_a_sentence_and_a_code() -> Result<()> {
    with_bed(async |bed| {
        let cli = Cli::new(&bed.scratch().path("stranger"))?;
        let url = bed.servers[0].url();
        let nowhere = "http://127.0.0.1:9";
        let wrong = ["login", "--username", "admin", "--password-stdin", "--server", &url];
        let wrong = cli.run_with_input(&wrong, "not the password\n").await?;
        assert_eq!(wrong.code, Some(1), "{wrong:?}");
        for (arguments, code, word) in [
            (vec!["ls", "--server", &url], 1, "login"),
            (vec!["ls", "--server", nowhere], 1, "127.0.0.1:9"),
            (vec!["ls", "--no-such-flag"], 2, "--no-such-flag"),
            (vec!["no-such-verb"], 2, "no-such-verb"),
            (vec!["submit", "--name", "x"], 2, "image"),
        ] {
            let output = cli.run(&arguments).await?;
            assert_eq!(output.code, Some(code), "{arguments:?}: {output:?}");
            assert!(output.stderr.contains(word), "{arguments:?}: {output:?}");
            for noise in ["panicked", "backtrace", "stack"] {
                assert!(!output.stderr.to_lowercase().contains(noise), "{output:?}");
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_node_joins_through_the_cli() -> Result<()> {
    with_bed(async |bed| {
        let machine = Machine::start("joins").await?;
        let cli = user(bed).await?;
        let key =
            cli.ok(&["cluster", "join-key", "create", "default", "--name", "for-the-node", "-q"]).await?;
        assert!(key.trim().starts_with("lilac_join_"), "{key}");
        let folder = bed.scratch().path("joined");
        std::fs::create_dir_all(&folder)?;
        let (config, state) = (folder.join("agent.toml"), folder.join("state"));
        let (config, state) = (config.to_str().context("path")?, state.to_str().context("path")?);
        let run = folder.join("run");
        let run = run.to_str().context("path")?;
        let server = bed.servers[0].url();
        let configure = [
            ["--server", &server],
            ["--name", "joined"],
            ["--state-dir", state],
            ["--docker-host", machine.docker_host()],
            ["--run-dir", run],
            ["--label", "rack=r1"],
            ["--config", config],
        ];
        let configure = [&["agent", "configure", "--join-key-stdin"], configure.concat().as_slice()].concat();
        let configured = cli.run_with_input(&configure, &key).await?;
        assert_eq!(configured.code, Some(0), "{configured:?}");
        let mode = std::fs::metadata(config)?.permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "the file holds a join key");

        let command = cli.command(&["agent", "start", "--config", config])?;
        let mut agent = Process::spawn("agent", command, &folder.join("log"))?;
        bed.until_node("joined", NodeState::Ready).await.with_context(|| agent.output())?;
        let node = bed.client.nodes().await?.items.into_iter().next().context("no node")?;
        assert_eq!(node.labels.get("rack").map(String::as_str), Some("r1"));
        let ran = cli.run(&submit("on-it", &["--follow"], &["echo", "here"])).await?;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(!agent.output().contains(key.trim()), "the agent logged its join key");

        // The key was for one node.
        let second = Machine::start("second").await?;
        let uses = bed.client.clusters().await?.items.into_iter().next().context("no cluster")?.id;
        let keys = bed.client.join_keys(uses).await?.items;
        assert_eq!(keys.iter().map(|key| key.uses).collect::<Vec<_>>(), [1]);
        let refused = lilac_e2e::Agent::start(
            &bed.scratch().path("refused"),
            &lilac_e2e::AgentOptions {
                name: "refused",
                server: &server,
                join_key: Some(key.trim()),
                docker_host: second.docker_host(),
                capacity: None,
                gpus: &[],
            },
        );
        let status = refused?.exit(Duration::from_secs(30)).await?;
        assert!(!status.success(), "a used key was taken again");
        assert_eq!(bed.client.nodes().await?.items.len(), 1);
        agent.kill()
    })
    .await
}
