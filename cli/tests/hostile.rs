//! What the world does to a program: files that are none, servers that are none, pipes that are closed, homes that
//! cannot be written to, and people who press Ctrl-C. Always the documented exit code, one clear sentence, and no more
//! memory than it takes.

mod server;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use server::Server;

/// Memory that is plenty for the program and far too little for a gigabyte.
const MEMORY_KIB: u32 = 600_000;

/// The program in a home of its own, with nothing of the tester's environment.
fn program(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lilac_cli"));
    clean(&mut command, home);
    command
}

fn clean(command: &mut Command, home: &Path) {
    command.env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin").current_dir(home).stdin(Stdio::null());
}

/// The program with a bound on its memory.
fn bounded(home: &Path, words: &[&str]) -> Output {
    let script = format!("ulimit -v {MEMORY_KIB} && exec \"$0\" \"$@\"");
    let mut command = Command::new("/bin/sh");
    clean(&mut command, home);
    command.arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_lilac_cli")).args(words);
    command.output().expect("the program starts")
}

fn err(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).expect("what is printed is UTF-8");
    for noise in ["panicked", "backtrace"] {
        assert!(!text.contains(noise), "{text}");
    }
    text
}

/// Logged in to a server by the environment.
fn asked(home: &Path, address: &str, words: &[&str]) -> Command {
    let mut command = program(home);
    command.args(words).env("LILAC_SERVER", address).env("LILAC_TOKEN", "lilac_pat_secret");
    command
}

#[test]
fn a_file_that_is_no_job_is_told_in_a_sentence() {
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        fs::write(home.path().join(name), bytes).unwrap();
        name.to_owned()
    };
    // Nine levels of nine: a billion at the end.
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let before = format!("*a{}", level - 1);
        bomb += &format!("a{level}: &a{level} [{}]\n", vec![before; 9].join(", "));
    }
    let deep = format!("name: {}x{}\n", "[".repeat(5000), "]".repeat(5000));
    let huge = File::create(home.path().join("huge.yaml")).unwrap();
    huge.set_len(1 << 30).unwrap();
    fs::create_dir(home.path().join("folder")).unwrap();
    for (path, told) in [
        (file("bomb.yaml", format!("{bomb}name: *a8\nimage: x\n").as_bytes()), "bomb.yaml"),
        (file("deep.yaml", deep.as_bytes()), "deep.yaml:1:7"),
        (
            file("tabs.yaml", b"name: a\nimage: b\nresources:\n\tcpus: 1\n"),
            "tabs.yaml:4:1: this line is indented with a tab",
        ),
        ("huge.yaml".to_owned(), "1 MiB"),
        ("folder".to_owned(), "this is a directory"),
        ("none.yaml".to_owned(), "there is no such file"),
        (file("two.yaml", b"name: a\nimage: b\n---\nname: c\n"), "several documents"),
        (file("twice.yaml", b"name: a\nname: b\nimage: c\n"), "twice.yaml:2:1"),
    ] {
        for verb in ["submit", "plan"] {
            let output = bounded(home.path(), &[verb, "-f", &path]);
            let told_in = err(&output);
            assert_eq!(output.status.code(), Some(2), "{path}: {told_in}");
            assert!(told_in.contains(told), "{path}: {told_in}");
            assert!(told_in.starts_with("error: "), "{told_in}");
            assert!(output.stdout.is_empty());
        }
    }
}

#[test]
fn marks_and_line_ends_of_other_systems_are_no_mistake() {
    let home = tempfile::tempdir().unwrap();
    // The server sees that the file was read: it is asked, and takes it.
    let server = Server::start(|path| match path {
        "/api/v1/jobs/plan" => (200, r#"{"outcome": "starts-now", "message": "", "position": 0}"#.to_owned()),
        _ => (404, "{}".to_owned()),
    });
    for (name, text) in [
        ("bom.yaml", "\u{feff}name: a\nimage: b\n"),
        ("crlf.yaml", "name: a\r\nimage: b\r\nrun: |\r\n  echo one\r\n  echo two\r\n"),
        ("both.json", "\u{feff}{\"name\": \"a\",\r\n\"image\": \"b\"}\r\n"),
    ] {
        fs::write(home.path().join(name), text).unwrap();
        let output = asked(home.path(), &server.address, &["plan", "-f", name]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}: {}", err(&output));
    }
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|body| !body.contains("\\r") && body.contains(r#""name":"a""#)), "{asked:?}");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let home = tempfile::tempdir().unwrap();
    for words in [&["completion", "bash"][..], &["init", "-"], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = program(home.path()).args(words).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""), "{words:?}");
    }
}

#[test]
fn a_home_that_cannot_be_written_to_is_told() {
    let home = tempfile::tempdir().unwrap();
    for place in ["/proc/lilac/cli.toml", "/dev/null/cli.toml"] {
        let mut command = program(home.path());
        command.args(["configure", "--server", "http://127.0.0.1:9"]).env("LILAC_CONFIG", place);
        let output = command.output().unwrap();
        let told = err(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(place) && told.contains("set LILAC_CONFIG"), "{told}");
    }
    let output = program(home.path()).args(["init", "/proc/job.yaml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("/proc/job.yaml"), "{}", err(&output));
}

#[test]
fn an_example_is_written_once_and_can_be_planned() {
    let home = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| program(home.path()).args(words).output().unwrap();
    assert_eq!(run(&["init"]).status.code(), Some(0));
    let again = run(&["init"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(err(&again).contains("--force"), "{}", err(&again));
    assert_eq!(run(&["init", "--force"]).status.code(), Some(0));
    // Read and found good: only the server is missing.
    let planned = run(&["plan", "-f", "job.yaml"]);
    assert!(err(&planned).contains("no server is configured"), "{}", err(&planned));
}

#[test]
fn each_trouble_with_a_server_has_its_own_sentence() {
    let home = tempfile::tempdir().unwrap();
    let newer = Server::start(|_| (200, r#"{"items": [{"id": 1}], "next_cursor": null}"#.to_owned()));
    let refuses = Server::start(|_| {
        let problem = r#"{"type": "about:blank", "title": "Unauthorized", "status": 401,
            "code": "unauthenticated", "detail": "the credential is expired"}"#;
        (401, problem.to_owned())
    });
    let other = Server::start(|_| (200, "<html>hello</html>".to_owned()));
    let encrypted = newer.address.replace("http://", "https://");
    for (address, sentence, help) in [
        ("http://127.0.0.1:9", "cannot reach http://127.0.0.1:9", "check that the server runs"),
        (encrypted.as_str(), "does not speak https", "speaks https there at all"),
        (newer.address.as_str(), "is of another version than this program", "install the lilac_cli"),
        (refuses.address.as_str(), "the credential is expired", "lilac_cli login"),
        (other.address.as_str(), "does not answer like a Lilac server", "another program may answer there"),
    ] {
        let output = asked(home.path(), address, &["ls"]).output().unwrap();
        let told = err(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(sentence) && told.contains(help), "{address}: {told}");
        assert_eq!(told.matches("error:").count(), 1, "{told}");
        assert!(!told.contains("lilac_pat_secret"), "{told}");
    }
    let profile = format!(
        "server = \"{0}\"\n[login]\nusername = \"ada\"\ntoken = \"lilac_pat_secret\"\n\
         key_id = \"0198c2f0-1111-7222-8333-abcdef012345\"\nexpires_at = \"2026-01-01T00:00:00Z\"\n",
        newer.address
    );
    let path = home.path().join("cli.toml");
    fs::write(&path, profile).unwrap();
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&path, permissions).unwrap();
    let output = program(home.path()).arg("ls").env("LILAC_CONFIG", &path).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = err(&output);
    assert!(told.contains("expired") && told.contains("lilac_cli login --server"), "{told}");
}

/// Starts a submit, interrupts it once the server has been asked, and gives what became of it.
fn interrupted(home: &Path, server: &Server) -> Output {
    let mut command = asked(home, &server.address, &["submit", "--image", "x", "--idempotency-key", "once"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.expect("the program starts");
    server.until_asked();
    let pid = i32::try_from(child.id()).expect("pids are small");
    kill(Pid::from_raw(pid), Signal::SIGINT).expect("it runs");
    server.go_on();
    child.wait_with_output().expect("the program ends")
}

#[test]
fn who_interrupts_a_submit_is_told_whether_it_was_accepted() {
    let home = tempfile::tempdir().unwrap();
    let job = r#"{"id": "0198c2f0-1111-7222-8333-abcdef012345", "name": "x", "queue": "default", "team": "default",
        "owner": "ada", "priority": 50, "state": "queued", "message": "", "actor": "user:ada", "image": "x",
        "labels": {}, "requests": {"cpu_milli": 1, "memory_bytes": 1, "disk_bytes": 0, "gpus": 0}, "epoch": 0,
        "attempts_charged": 0, "cancel_requested": false, "nodes": [], "created_at": "2026-01-01T00:00:00Z"}"#;
    let accepts = Server::held(move |_| (201, job.to_owned()));
    let output = interrupted(home.path(), &accepts);
    assert_eq!(output.status.code(), Some(130));
    let told = err(&output);
    assert!(told.contains("was accepted as 0198c2f0-1111-7222-8333-abcdef012345"), "{told}");
    assert!(told.contains("lilac_cli cancel ef012345"), "{told}");

    let refuses = Server::held(|_| {
        let problem = r#"{"type": "about:blank", "title": "Forbidden", "status": 403, "code": "forbidden",
            "detail": "you may not submit there"}"#;
        (403, problem.to_owned())
    });
    let output = interrupted(home.path(), &refuses);
    assert_eq!(output.status.code(), Some(130));
    assert!(err(&output).contains("was not accepted: you may not submit there"), "{}", err(&output));

    // It never answers.
    let silent = Server::held(|_| (0, String::new()));
    let output = interrupted(home.path(), &silent);
    assert_eq!(output.status.code(), Some(130));
    let told = err(&output);
    assert!(told.contains("is not known") && told.contains("--idempotency-key once"), "{told}");
}

#[test]
fn manual_pages_are_written_for_every_verb() {
    let home = tempfile::tempdir().unwrap();
    let output = program(home.path()).args(["man", "pages"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    for (page, word) in
        [("lilac_cli.1", "submit"), ("lilac_cli-submit.1", "propagate"), ("lilac_cli-node-drain.1", "within")]
    {
        let text = fs::read_to_string(home.path().join("pages").join(page)).unwrap();
        assert!(text.contains(".TH") && text.contains(word), "{page}");
    }
}
