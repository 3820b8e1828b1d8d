//! `lilac_cli` as a user meets it, and a node that joins through it.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lilac_api::cluster::{Cluster, NodeState};
use lilac_api::job::{Job, JobFilter, JobState};
use lilac_e2e::jobs::until_state;
use lilac_e2e::{Bed, Cli, IMAGE, Machine, Process, Terminal, with_bed};

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
        let asks = ["agent", "status", "--config", config];
        let shown = cli.ok(&asks).await?;
        let id = node.id.to_string();
        assert!(shown.contains("running") && shown.contains("ready") && shown.contains(&id), "{shown}");

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
        agent.kill()?;
        let shown = cli.run(&asks).await?;
        assert!(shown.code == Some(1) && shown.stdout.contains("not running"), "{shown:?}");
        // It joins once: what it is told again, it does not need.
        let again = ["agent", "join", "--config", config, "--join-key-stdin"];
        let joined = cli.run_with_input(&again, &key).await?;
        assert_eq!(joined.code, Some(0), "{joined:?}");
        let shown = cli.run(&asks).await?;
        // It runs in the background, and would go on after this test.
        let pid: i32 =
            std::fs::read_to_string(std::path::Path::new(run).join("agent.pid"))?.trim().parse()?;
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL)?;
        assert_eq!(shown.code, Some(0), "{shown:?}");
        Ok(())
    })
    .await
}

/// A command that runs beside the test, and what it says on standard error.
struct Beside {
    child: std::process::Child,
    said: std::io::BufReader<std::process::ChildStderr>,
}

impl Beside {
    fn start(cli: &Cli, arguments: &[&str]) -> Result<Self> {
        let mut command = cli.command(arguments)?;
        let quiet = std::process::Stdio::null;
        let mut child =
            command.stdin(quiet()).stdout(quiet()).stderr(std::process::Stdio::piped()).spawn()?;
        let said = std::io::BufReader::new(child.stderr.take().context("no standard error")?);
        Ok(Self { child, said })
    }

    /// Waits until it says a line with this in it; its end is an error.
    fn until_said(&mut self, words: &str) -> Result<()> {
        let mut all = String::new();
        loop {
            let before = all.len();
            ensure!(std::io::BufRead::read_line(&mut self.said, &mut all)? > 0, "it said {all:?} and ended");
            if all[before..].contains(words) {
                return Ok(());
            }
        }
    }

    async fn code(mut self) -> Result<Option<i32>> {
        let end = lilac_e2e::eventually_within(lilac_e2e::jobs::SOON, "the end of lilac_cli", async || {
            Ok(self.child.try_wait()?)
        });
        Ok(end.await?.code())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // One that has ended is beyond this, and that is all that is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Each code of the table in the guide, from a real server with a real agent.
#[tokio::test]
async fn every_exit_code_tells_what_it_says() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("n1", None).await?;
        let cli = user(bed).await?;
        let code = async |words: &[&str]| -> Result<(Option<i32>, String)> {
            let output = cli.run(words).await?;
            Ok((output.code, format!("{output:?}")))
        };
        let small = |verb| [&[verb, "--name", "planned"], SMALL.as_slice()].concat();
        let expect = async |words: &[&str], wanted: i32| -> Result<()> {
            let (code, output) = code(words).await?;
            ensure!(code == Some(wanted), "{words:?} gave {code:?} and not {wanted}: {output}");
            Ok(())
        };

        // What would become of a job.
        expect(&small("plan"), 0).await?;
        expect(&["submit", "--plan", "--name", "huge", "--image", IMAGE, "--cpus", "90000"], 4).await?;
        cli.ok(&["queue", "pause", "default"]).await?;
        expect(&small("plan"), 3).await?;
        cli.ok(&["queue", "resume", "default"]).await?;

        // How a job ended.
        expect(&submit("ends-well", &["--wait"], &["true"]), 0).await?;
        expect(&submit("fails", &["--wait"], &["sh", "-c", "exit 7"]), 100).await?;
        expect(&submit("tells-why", &["--wait", "--propagate"], &["sh", "-c", "exit 7"]), 7).await?;
        expect(&submit("is-killed", &["--wait", "--propagate"], &["sh", "-c", "kill -9 $$"]), 137).await?;
        expect(&submit("too-long", &["--wait", "--max-runtime", "1s"], &["sleep", "600"]), 105).await?;
        expect(&["wait", "ends-well", "too-long", "fails"], 105).await?;
        expect(&["submit", "--image", IMAGE, "--cpus", "many"], 2).await?;
        expect(&["show", "no-such-job"], 102).await?;
        expect(&["node", "show", "no-such-node"], 102).await?;
        expect(&["ls", "--server", "http://127.0.0.1:9"], 1).await?;

        // An attempt that lost its place, and one whose node is gone.
        cli.ok(&submit("endless", &[], &["sleep", "1000"])).await?;
        let endless = newest(bed, "endless").await?.id;
        until_state(&bed.client, endless, JobState::Running).await?;
        expect(&["wait", "endless", "--timeout", "1s"], 101).await?;
        let waiting = ["wait", "endless", "--this-attempt"];
        let mut wait = Beside::start(&cli, &waiting)?;
        wait.until_said("is running")?;
        cli.ok(&["node", "drain", "n1", "--within", "0s"]).await?;
        ensure!(wait.code().await? == Some(104), "a preempted attempt was not told");
        cli.ok(&["node", "uncordon", "n1"]).await?;
        until_state(&bed.client, endless, JobState::Running).await?;

        // Ctrl-C leaves the job alone.
        let mut interrupted = Beside::start(&cli, &["wait", "endless"])?;
        interrupted.until_said("is running")?;
        let pid = i32::try_from(interrupted.child.id())?;
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGINT)?;
        ensure!(interrupted.code().await? == Some(130), "Ctrl-C was not told");
        assert_eq!(bed.client.job(endless).await?.state, JobState::Running);

        let mut wait = Beside::start(&cli, &waiting)?;
        wait.until_said("is running")?;
        cli.ok(&["node", "rm", "n1", "--yes"]).await?;
        ensure!(wait.code().await? == Some(106), "a lost attempt was not told");
        cli.ok(&["cancel", "endless"]).await?;
        expect(&["wait", "endless"], 103).await
    })
    .await
}

/// Many jobs at once: by ranges, by filters, and in every format; none of this needs a node.
#[tokio::test]
async fn jobs_are_meant_by_ranges_and_filters() -> Result<()> {
    with_bed(async |bed| {
        let cli = user(bed).await?;
        let sweep = ["--sweep", "LR=1e-4,3e-4", "--array", "1-3", "--label", "exp=a12", "--set", "env.A=1"];
        cli.ok(&submit("sweep", &sweep, &["true"])).await?;
        let lines = bed.scratch().path("lines");
        std::fs::write(&lines, "one\ntwo words\n")?;
        let lines = lines.to_str().context("path")?;
        cli.ok(&submit("lines", &["--each-line", lines, "--max-runtime", "1h"], &["true"])).await?;
        cli.ok(&submit("alone", &["--max-runtime", "1h"], &["true"])).await?;

        let ids = async |words: &[&str]| -> Result<Vec<String>> {
            let mut words = words.to_vec();
            words.push("-q");
            Ok(cli.ok(&words).await?.lines().map(str::to_owned).collect())
        };
        assert_eq!(ids(&["ls", "--name", "sweep"]).await?.len(), 6);
        assert_eq!(ids(&["show", "sweep:0-1,5"]).await?.len(), 3);
        assert_eq!(ids(&["show", "sweep[2/6]"]).await?, ids(&["show", "sweep:2"]).await?);
        assert_eq!(ids(&["show", "lines:*"]).await?.len(), 2);
        assert_eq!(ids(&["show", "last"]).await?, ids(&["show", "alone"]).await?);
        assert_eq!(ids(&["show", "last~0-2"]).await?.len(), 3);
        let one = ids(&["show", "sweep:2"]).await?.pop().context("no id")?;
        assert_eq!(ids(&["show", &one[one.len() - 8..]]).await?, [one.as_str()]);
        assert_eq!(cli.run(&["show", "sweep:6"]).await?.code, Some(102));
        assert_eq!(cli.run(&["logs", "sweep:0-1"]).await?.code, Some(1));

        let spec: serde_json::Value = serde_json::from_str(&cli.ok(&["show", &one, "-o", "json"]).await?)?;
        assert_eq!(spec["spec"]["env"]["A"], "1");

        // What is said of one is done to all that are meant.
        assert_eq!(ids(&["hold", "sweep:0-1", "--message", "later"]).await?.len(), 2);
        let held = ids(&["ls", "--state", "held"]).await?;
        assert_eq!(held.len(), 2);
        let refused = cli.run(&["release", "-l", "exp=a12", "--state", "held"]).await?;
        assert_eq!(refused.code, Some(2), "nobody is there to ask: {refused:?}");
        assert_eq!(ids(&["release", "-l", "exp=a12", "--state", "held", "--yes"]).await?.len(), 2);
        assert_eq!(ids(&["reprioritise", "sweep:*", "80"]).await?.len(), 6);
        assert_eq!(ids(&["extend", "lines:*", "alone", "2h"]).await?.len(), 3);
        assert_eq!(ids(&["rerun", "alone"]).await?.len(), 1);
        assert_eq!(ids(&["cancel", "lines:0", "last"]).await?.len(), 2);
        let missed = cli.run(&["cancel", "lines:1", "no-such-job"]).await?;
        assert_eq!(missed.code, Some(102), "{missed:?}");
        assert_eq!(ids(&["ls", "--name", "lines", "--state", "queued"]).await?.len(), 1, "one was cancelled");

        // Each format holds the same jobs.
        let all = cli.ok(&["ls", "-o", "jsonl"]).await?;
        let count = all.lines().count();
        assert_eq!(count, 10);
        for line in all.lines() {
            serde_json::from_str::<Job>(line)?;
        }
        let array: Vec<Job> = serde_json::from_str(&cli.ok(&["ls", "-o", "json"]).await?)?;
        assert_eq!(array.len(), count);
        let yaml = cli.ok(&["ls", "-o", "yaml"]).await?;
        assert_eq!(yaml.lines().filter(|line| line.contains("name: sweep")).count(), 6, "{yaml}");
        assert_eq!(cli.ok(&["ls", "-o", "name"]).await?.lines().filter(|line| *line == "sweep").count(), 6);
        let wide = cli.ok(&["ls", "-o", "wide"]).await?;
        assert!(wide.contains(&one) && wide.contains("exp=a12") && wide.contains(IMAGE), "{wide}");
        Ok(())
    })
    .await
}

/// What administrators and visitors of several servers have; none of this needs a node.
#[tokio::test]
async fn accounts_hooks_profiles_and_the_audit_log() -> Result<()> {
    with_bed(async |bed| {
        let cli = user(bed).await?;
        let created =
            cli.run_with_input(&["user", "create", "ada", "--password-stdin"], "ten characters\n").await?;
        assert_eq!(created.code, Some(0), "{created:?}");
        assert!(cli.ok(&["user", "role", "ada", "viewer"]).await?.contains("viewer"));
        assert!(cli.ok(&["user", "show", "ada"]).await?.contains("viewer"));
        cli.ok(&["user", "rm", "ada"]).await?;
        assert_eq!(cli.run(&["user", "show", "ada"]).await?.code, Some(102));

        let audit = cli.ok(&["audit", "--object", "user:ada"]).await?;
        assert!(audit.contains("user.create") && audit.contains("user.delete"), "{audit}");
        assert!(cli.ok(&["audit", "--verify"]).await?.contains("whole"));
        let document: serde_json::Value = serde_json::from_str(&cli.ok(&["openapi"]).await?)?;
        assert!(document["paths"]["/api/v1/jobs"].is_object());

        let secret = cli.ok(&["hook", "create", "told", "https://example.org/x", "-q"]).await?;
        let rotated = cli.ok(&["hook", "rotate", "told", "-q"]).await?;
        assert!(rotated.starts_with("lilac_hook_") && rotated != secret);
        let absent = "0198c2f0-1111-7222-8333-abcdef012345";
        let absent = cli.run(&["hook", "redeliver", "told", absent]).await?;
        assert_eq!(absent.code, Some(1), "{absent:?}");

        // Another profile is another login, and the first stays.
        let url = bed.servers[0].url();
        cli.ok(&["--profile", "lab", "configure", "--server", &url]).await?;
        let stranger = cli.run(&["--profile", "lab", "whoami"]).await?;
        assert!(stranger.code == Some(1) && stranger.stderr.contains("not logged in"), "{stranger:?}");
        let profiles = cli.ok(&["profile", "ls"]).await?;
        assert!(profiles.contains("lab") && profiles.contains("admin"), "{profiles}");
        cli.ok(&["profile", "use", "lab"]).await?;
        assert_eq!(cli.run(&["whoami"]).await?.code, Some(1));
        assert!(cli.ok(&["--profile", "default", "whoami"]).await?.contains("admin"));
        cli.ok(&["profile", "rm", "lab"]).await?;
        assert!(cli.ok(&["whoami"]).await?.contains("admin"));
        let nothing = cli.run(&["wait", "--state", "failed"]).await?;
        assert!(nothing.code == Some(102) && nothing.stderr.contains("no job matches"), "{nothing:?}");
        let watched = cli.run(&["cancel", "last", "--watch"]).await?;
        assert_eq!(watched.code, Some(2), "{watched:?}");
        Ok(())
    })
    .await
}

/// `top` and `submit --follow` in a real terminal: keys, a window that changes, and a terminal that is given back.
#[tokio::test]
async fn a_terminal_shows_what_lives_and_is_given_back() -> Result<()> {
    with_bed(async |bed| {
        let cli = user(bed).await?;
        for name in ["first", "second", "third"] {
            cli.ok(&submit(name, &[], &["true"])).await?;
        }
        let mut top = Terminal::start(&cli.command(&["top", "--every", "1"])?, 120, 30)?;
        // The last line is drawn last.
        let screen = top.shows("q leave   a all users").await?;
        assert!(screen.starts_with(&format!("lilac {} as admin", bed.url()?)), "{screen}");
        assert!(screen.contains("3 queued") && screen.contains("third"), "{screen}");
        assert!(top.screen()?.alternate_screen() && top.screen()?.hide_cursor());
        // What is submitted elsewhere comes by itself.
        cli.ok(&submit("fourth", &[], &["true"])).await?;
        top.shows("4 queued").await?;
        // Down leaves the first one above, and a key back brings it.
        let is_above = |screen: &vt100::Screen| screen.contents().contains("fourth");
        top.press("j")?;
        top.until("the first line scrolled away", |screen| !is_above(screen)).await?;
        top.press("\x1b[A")?;
        top.until("the first line", is_above).await?;
        top.press("a")?;
        top.shows("a yours only").await?;
        // A smaller window is filled to its last line, and no further.
        top.resize(70, 14)?;
        top.until("the keys in the last line of the smaller window", |screen| {
            screen.rows(0, 70).nth(13).is_some_and(|line| line.starts_with("q leave"))
        })
        .await?;
        top.press("q")?;
        assert_eq!(top.exit().await?.code(), Some(0));
        top.until("the terminal as it was", |screen| !screen.alternate_screen() && !screen.hide_cursor())
            .await?;
        assert!(top.is_restored()?);

        // Ctrl-C is a way out as well.
        let mut top = Terminal::start(&cli.command(&["top"])?, 80, 24)?;
        top.shows("QUEUE").await?;
        top.press("\x03")?;
        assert_eq!(top.exit().await?.code(), Some(0));
        assert!(top.is_restored()? && !top.screen()?.alternate_screen());

        // A job that waits is followed in one line; Ctrl-C leaves it alone and says so.
        let follow = submit("followed", &["--follow"], &["true"]);
        let mut follow = Terminal::start(&cli.command(&follow)?, 100, 24)?;
        follow.shows("followed is queued").await?;
        follow.press("\x03")?;
        assert_eq!(follow.exit().await?.code(), Some(130));
        follow.shows("the job goes on").await?;
        assert!(follow.is_restored()? && !follow.screen()?.hide_cursor());
        assert_eq!(newest(bed, "followed").await?.state, JobState::Queued);
        Ok(())
    })
    .await
}
