//! Users in containers: programs beside a job, a terminal, a port; and who gets none of it.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lilac_api::JobId;
use lilac_api::audit::AuditFilter;
use lilac_api::auth::{CreateUser, LoginRequest, Role, Secret};
use lilac_api::job::JobState;
use lilac_api::team::CreateTeam;
use lilac_e2e::jobs::{SOON, end, script, until_state};
use lilac_e2e::{Bed, Cli, eventually, eventually_within, with_bed};
use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A job that serves files on its loopback, which nothing but its own network reaches.
const SERVER: &str = "mkdir -p /tmp/www && cd /tmp/www && echo hello from the job > index.html \
    && seq 1 500000 > numbers && exec httpd -f -p 127.0.0.1:8080 -h /tmp/www";

/// The CLI of a user who is logged in.
async fn user(bed: &Bed, name: &str, password: &str) -> Result<Cli> {
    let cli = Cli::new(&bed.scratch().path(&format!("user-{name}")))?;
    cli.ok(&["configure", "--server", &bed.servers[0].url()]).await?;
    let login = cli
        .run_with_input(&["login", "--username", name, "--password-stdin"], &format!("{password}\n"))
        .await?;
    ensure!(login.code == Some(0), "{login:?}");
    Ok(cli)
}

fn numbers(last: u32) -> String {
    (1..=last).map(|number| format!("{number}\n")).collect()
}

/// A CLI that runs on, and what it has printed so far.
struct Running {
    child: Child,
    printed: Arc<Mutex<String>>,
}

impl Running {
    fn start(cli: &Cli, arguments: &[&str]) -> Result<Self> {
        let mut command = cli.command(arguments)?;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let printed = gather(child.stdout.take().context("no output")?);
        Ok(Self { child, printed })
    }

    fn printed(&self) -> String {
        self.printed.lock().map(|text| text.clone()).unwrap_or_default()
    }

    async fn until_printed(&self, text: &str) -> Result<String> {
        eventually_within(SOON, &format!("{text:?} printed"), async || {
            Ok(Some(self.printed()).filter(|printed| printed.contains(text)))
        })
        .await
        .with_context(|| format!("it printed {:?}", self.printed()))
    }

    async fn exit_code(&mut self) -> Result<Option<i32>> {
        let status =
            eventually_within(SOON, "the end of lilac_cli", async || Ok(self.child.try_wait()?)).await?;
        Ok(status.code())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn gather(mut from: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let printed = Arc::new(Mutex::new(String::new()));
    let into = printed.clone();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        // A terminal whose other side is closed answers with an error: its end.
        while let Ok(read) = from.read(&mut buffer) {
            if read == 0 {
                return;
            }
            if let Ok(mut text) = into.lock() {
                text.push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
        }
    });
    printed
}

/// Runs a program that reads and writes at once, as a shell's pipe would; gives its code and its output.
async fn pipe(cli: &Cli, arguments: &[&str], input: &str) -> Result<(Option<i32>, String)> {
    let mut running = Running::start(cli, arguments)?;
    let mut stdin = running.child.stdin.take().context("no input")?;
    let input = input.to_owned();
    let writing = tokio::task::spawn_blocking(move || stdin.write_all(input.as_bytes()));
    let code = running.exit_code().await?;
    writing.await??;
    // The reader is a thread of its own, and may be a little behind.
    let printed = running.printed.clone();
    eventually("the end of the output", async || Ok((Arc::strong_count(&printed) == 2).then_some(())))
        .await?;
    Ok((code, running.printed()))
}

/// Programs with pipes: exit code, both outputs, input to its end.
async fn programs(cli: &Cli, job: &str) -> Result<()> {
    let ran = cli.run(&["exec", job, "--", "sh", "-c", "echo out; echo err >&2; exit 7"]).await?;
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(7), "out\n", "err\n"));
    // More than all buffers on the way hold, in both directions at once.
    let text = numbers(400_000);
    let (code, shown) = pipe(cli, &["exec", "-i", job, "--", "cat"], &text).await?;
    ensure!(code == Some(0) && shown == text, "{code:?}: {} bytes", shown.len());
    let ran = cli.run_with_input(&["exec", job, "--", "wc", "-c"], "not handed on").await?;
    assert_eq!((ran.code, ran.stdout.trim()), (Some(0), "0"), "{ran:?}");
    let ran = cli.run(&["exec", job, "--", "no-such-program"]).await?;
    ensure!(ran.code.is_some_and(|code| code != 0), "{ran:?}");
    ensure!(format!("{}{}", ran.stdout, ran.stderr).contains("no-such-program"), "{ran:?}");
    let ran = cli.run_with_input(&["shell", job], "echo in $LILAC_JOB_NAME; exit 5\n").await?;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(5), "in server\n"), "{ran:?}");
    Ok(())
}

/// A terminal: its size, one that changes, keys as they are, and given back as it was.
async fn terminal(cli: &Cli, job: &str) -> Result<()> {
    let pty = openpty(None, None)?;
    let (terminal, mut keys): (OwnedFd, std::fs::File) = (pty.slave, pty.master.into());
    resize(&keys, 91, 33)?;
    let before = nix::sys::termios::tcgetattr(&terminal)?;
    let printed = gather(keys.try_clone()?);
    let text = "trap '' INT; until stty size 2>/dev/null | grep -q '[1-9]'; do sleep 0.1; done; stty size; read line; echo \"got $line\"; stty size; exit 9";
    let mut command = cli.command(&["exec", "-it", job, "--", "sh", "-c", text])?;
    let child = command
        .stdin(Stdio::from(terminal.try_clone()?))
        .stdout(Stdio::from(terminal.try_clone()?))
        .stderr(Stdio::null())
        .spawn()?;
    let mut running = Running { child, printed };
    running.until_printed("33 91").await?;
    resize(&keys, 120, 40)?;
    kill(Pid::from_raw(i32::try_from(running.child.id())?), Signal::SIGWINCH)?;
    // It is raw here: Ctrl-C is a key like others, which the program does not mind.
    keys.write_all(b"\x03")?;
    // The size goes ahead of what is typed after it, through the same connection, but by another call of Docker's.
    eventually("the new size", async || {
        let seen = cli
            .run(&["exec", job, "--", "sh", "-c", "for t in /dev/pts/[0-9]*; do stty size < $t; done"])
            .await?;
        Ok(seen.stdout.contains("40 120").then_some(()))
    })
    .await?;
    keys.write_all(b"typed\r")?;
    running.until_printed("got ").await?;
    running.until_printed("40 120").await?;
    assert_eq!(running.exit_code().await?, Some(9));
    let after = nix::sys::termios::tcgetattr(&terminal)?;
    assert_eq!((before.local_flags, before.input_flags), (after.local_flags, after.input_flags));
    Ok(())
}

fn resize(of: &std::fs::File, columns: u16, rows: u16) -> Result<()> {
    let size = rustix::termios::Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    Ok(rustix::termios::tcsetwinsize(of, size)?)
}

/// A port leads to the job, for connections one after another and at once.
async fn port(cli: &Cli, job: &str) -> Result<Running> {
    let running = Running::start(cli, &["port-forward", job, "0:8080"])?;
    let printed = running.until_printed(" leads to port 8080").await?;
    let address = printed.split(' ').next().context("no address")?.to_owned();
    let get = async |path: &str| -> Result<String> {
        let mut connection = TcpStream::connect(&address).await?;
        connection.write_all(format!("GET /{path} HTTP/1.0\r\n\r\n").as_bytes()).await?;
        let mut answer = String::new();
        tokio::time::timeout(SOON, connection.read_to_string(&mut answer)).await??;
        Ok(answer.split_once("\r\n\r\n").context("no body")?.1.to_owned())
    };
    assert_eq!(get("index.html").await?, "hello from the job\n");
    let (one, other, third) = tokio::try_join!(get("numbers"), get("index.html"), get("numbers"))?;
    ensure!(one == numbers(500_000) && third == one, "{} and {} bytes", one.len(), third.len());
    assert_eq!(other, "hello from the job\n");
    Ok(running)
}

/// Whether a program with this in its arguments runs in the container.
async fn runs(cli: &Cli, job: &str, text: &str) -> Result<bool> {
    let listed = cli.ok(&["exec", job, "--", "ps", "-o", "args"]).await?;
    Ok(listed.lines().any(|line| line.starts_with(text)))
}

async fn audited(bed: &Bed, id: JobId) -> Result<()> {
    let of = |action: &str| AuditFilter {
        action: Some(action.to_owned()),
        object: Some(format!("job:{id}")),
        ..AuditFilter::default()
    };
    let entries = bed.client.audit(&of("job.exec")).await?.items;
    let entry = entries.iter().find(|entry| entry.details["command"][0] == "no-such-program");
    let entry = entry.context("no entry of what was run")?;
    assert_eq!((entry.actor.as_str(), entry.details["from"].as_str()), ("user:ada", Some("127.0.0.1")));
    ensure!(!serde_json::to_string(&entries)?.contains("typed"), "what was typed is kept");
    ensure!(
        bed.client.audit(&of("job.port-forward")).await?.items.len() >= 4,
        "connections without an entry"
    );
    Ok(())
}

#[tokio::test]
async fn users_are_let_into_the_containers_of_their_jobs() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        bed.client.create_team(&CreateTeam { name: "elsewhere".into() }).await?;
        for (name, team) in [("ada", "default"), ("eve", "elsewhere")] {
            let mut user = CreateUser::new(name, Secret("correct horse battery".into()), Role::Member);
            user.teams = vec![team.to_owned()];
            bed.client.create_user(&user).await?;
        }
        let ada = user(bed, "ada", "correct horse battery").await?;
        let eve = user(bed, "eve", "correct horse battery").await?;
        let password = Secret("correct horse battery".into());
        let login = bed.client.login(&LoginRequest { username: "ada".into(), password }).await?;
        let ada_client = bed.client.with_token(login.access_token);
        let id = ada_client.submit(&script("server", SERVER), None).await?.id;
        until_state(&bed.client, id, JobState::Running).await?;
        let job = id.to_string();
        let job = job.as_str();

        programs(&ada, job).await?;
        terminal(&ada, job).await?;
        let mut forwarding = port(&ada, job).await?;

        // A program whose user is gone goes, too.
        let mut left =
            Running::start(&ada, &["exec", job, "--", "sh", "-c", "echo begun; exec sleep 54321"])?;
        left.until_printed("begun").await?;
        ensure!(runs(&ada, job, "sleep 54321").await?, "it does not run");
        left.child.kill()?;
        eventually_within(SOON, "the end of a program that was left", async || {
            Ok((!runs(&ada, job, "sleep 54321").await?).then_some(()))
        })
        .await?;

        for refused in
            [eve.run(&["exec", job, "--", "true"]).await?, eve.run(&["port-forward", job, "0:1"]).await?]
        {
            assert_eq!(refused.code, Some(102), "{refused:?}");
            ensure!(refused.stderr.contains("there is no job"), "{refused:?}");
        }
        audited(bed, id).await?;

        // With the job, all that stands on it ends.
        let mut staying =
            Running::start(&ada, &["exec", job, "--", "sh", "-c", "echo begun; exec sleep 1000"])?;
        staying.until_printed("begun").await?;
        ada.ok(&["cancel", job]).await?;
        end(&bed.client, id).await?;
        let code = staying.exit_code().await?;
        ensure!(code.is_some_and(|code| code != 0), "{code:?}");
        assert_eq!(forwarding.exit_code().await?, Some(1));
        let late = ada.run(&["exec", job, "--", "true"]).await?;
        ensure!(late.code == Some(1) && late.stderr.contains("does not run"), "{late:?}");

        // The agent is as good as before.
        let after = bed.client.submit(&script("after", "true"), None).await?.id;
        assert_eq!(end(&bed.client, after).await?.state, JobState::Succeeded);
        bed.nodes[0].machine.empty(Duration::from_secs(60)).await
    })
    .await
}
