//! The program as scripts see it: exit codes, what goes to which stream, and what is said when something
//! is wrong. None of this needs a server: what does is in the end-to-end tests.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("what is printed is UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// The program in a home of its own, with nothing of the tester's environment.
fn program(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lilac_cli"));
    command.env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin").current_dir(home).stdin(Stdio::null());
    command
}

fn run(home: &Path, words: &[&str]) -> Ran {
    program(home).args(words).output().expect("the program starts").into()
}

fn run_with_input(home: &Path, words: &[&str], input: &[u8]) -> Ran {
    let mut child = program(home)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A program that does not want all of it closes the pipe, which is its right.
    let _ = child.stdin.take().expect("its input is a pipe").write_all(input);
    child.wait_with_output().expect("the program ends").into()
}

/// An address where nobody answers.
fn dead_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    format!("http://{}", listener.local_addr().expect("it has an address"))
}

#[test]
fn help_and_version_are_no_errors() {
    let home = tempfile::tempdir().unwrap();
    for words in [&["--help"][..], &["--version"], &["submit", "--help"], &["completion", "bash"]] {
        let ran = run(home.path(), words);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{words:?}");
        assert!(ran.out.contains("lilac_cli"), "{words:?}");
    }
}

#[test]
fn wrong_usage_ends_with_2_and_names_the_flag() {
    let home = tempfile::tempdir().unwrap();
    for (words, told) in [
        (&[][..], "Usage"),
        (&["sbmit"], "submit"),
        (&["submit", "--imge", "x"], "--image"),
        (&["ls", "--state", "runing"], "running"),
        (&["ls", "-n", "0"], "--limit"),
        (&["ls", "-q", "-o", "json"], "--output"),
        (&["wait", "x", "--timeout", "soon"], "--timeout"),
        (&["submit", "--server", "http://127.0.0.1:1"], "nothing to run"),
        (&["configure"], "--server"),
        (&["login", "--server", "http://127.0.0.1:1"], "--username"),
        (&["cancel"], "which jobs"),
        (&["cancel", "last", "--mine"], "not by both"),
        (&["wait"], "which jobs"),
        (&["extend", "last", "soon"], "not a span of time"),
        (&["reprioritise", "last", "101"], "0 to 100"),
        (&["submit", "--image", "x", "--propagate"], "--follow or --wait"),
        (&["submit", "--image", "x", "--watch"], "only shows"),
        (&["ls", "--watch=0"], "0.2 to 3600"),
        (&["ls", "-o", "xml"], "jsonl"),
        (&["--profile", "a/b", "ls"], "no name of a profile"),
        (&["agent", "join", "--server", "http://127.0.0.1:1"], "--join-key-stdin"),
    ] {
        let ran = run(home.path(), words);
        assert_eq!(ran.code, Some(2), "{words:?}: {}", ran.err);
        assert!(ran.err.contains(told), "{words:?}: {}", ran.err);
        assert_eq!(ran.out, "", "{words:?}");
    }
}

#[test]
fn a_bad_job_file_ends_with_2_before_any_server_is_asked() {
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        fs::write(home.path().join(name), bytes).unwrap();
        name.to_owned()
    };
    fs::create_dir(home.path().join("folder")).unwrap();
    for (path, told) in [
        (
            file("typo.yaml", b"name: a\nimge: b\n"),
            "typo.yaml:2:1: unknown field `imge`; did you mean `image`?",
        ),
        (file("bad.yaml", b"name: a\nimage: b\nresources: {cpus: 0}\n"), "bad.yaml:3:19: resources.cpus:"),
        (file("nul.yaml", b"name: a\0\n"), "NUL"),
        (file("latin.yaml", b"name: \xe9\n"), "UTF-8"),
        (file("empty.yaml", b"\n"), "empty"),
        (file("big.yaml", &vec![b' '; 2 << 20]), "1 MiB"),
        ("folder".to_owned(), "directory"),
        ("none.yaml".to_owned(), "no such file"),
    ] {
        let ran = run(home.path(), &["submit", "--follow", "-f", &path]);
        assert_eq!(ran.code, Some(2), "{path}: {}", ran.err);
        assert!(ran.err.contains(told), "{path}: {}", ran.err);
        assert_eq!(ran.out, "");
    }
    let ran = run_with_input(home.path(), &["submit", "-f", "-"], b"name: a\n");
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("standard input: image: must be given"), "{}", ran.err);
}

#[test]
fn what_is_missing_is_said_with_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let ran = run(home.path(), &["ls"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("lilac_cli configure"), "{}", ran.err);
    let ran = run(home.path(), &["ls", "--server", "http://127.0.0.1:1"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("lilac_cli login"), "{}", ran.err);
    let ran = run(home.path(), &["profile", "use", "lab"]);
    assert_eq!(ran.code, Some(102));
    assert!(ran.err.contains("lilac_cli profile ls"), "{}", ran.err);
    let ran = run(home.path(), &["ls", "--server", "nonsense"]);
    assert_eq!(ran.code, Some(1));
    assert!(!ran.err.contains("panic"), "{}", ran.err);
}

#[test]
fn a_server_that_does_not_answer_is_named() {
    let home = tempfile::tempdir().unwrap();
    let address = dead_address();
    for words in [&["ls"][..], &["submit", "--image", "x"], &["wait", "last"], &["cancel", "abcd"]] {
        let ran: Ran = program(home.path())
            .args(words)
            .env("LILAC_SERVER", &address)
            .env("LILAC_TOKEN", "lilac_pat_secret")
            .output()
            .unwrap()
            .into();
        assert_eq!(ran.code, Some(1), "{words:?}");
        assert!(ran.err.contains(&format!("cannot reach {address}")), "{words:?}: {}", ran.err);
        assert!(ran.err.contains("help:"), "{}", ran.err);
        assert!(!ran.err.contains("secret"), "{}", ran.err);
    }
}

#[test]
fn the_profile_is_private_and_its_login_goes_to_its_server_only() {
    let home = tempfile::tempdir().unwrap();
    let address = dead_address();
    let ran = run(home.path(), &["configure", "--server", &address]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let profile = home.path().join(".config/lilac/cli.toml");
    assert_eq!(fs::metadata(&profile).unwrap().permissions().mode() & 0o777, 0o600);

    let login = "[login]\nusername = \"ada\"\ntoken = \"lilac_pat_secret\"\n\
                 key_id = \"0198c2f0-1111-7222-8333-abcdef012345\"\n";
    fs::write(&profile, format!("server = \"{address}\"\n{login}")).unwrap();
    let ran = run(home.path(), &["ls", "--server", "http://127.0.0.1:2"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains(&format!("the saved login is for {address}")), "{}", ran.err);

    fs::set_permissions(&profile, fs::Permissions::from_mode(0o644)).unwrap();
    let ran = run(home.path(), &["ls"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("chmod 600"), "{}", ran.err);
    assert!(!ran.err.contains("secret"), "{}", ran.err);
}

#[test]
fn secrets_come_by_standard_input_only() {
    let home = tempfile::tempdir().unwrap();
    let words = ["login", "--server", "http://127.0.0.1:1", "--username", "a", "--password-stdin"];
    for input in [&b""[..], b"\n", b"two\nlines\n", &[b'x'; 5000]] {
        let ran = run_with_input(home.path(), &words, input);
        assert_eq!(ran.code, Some(2), "{}", ran.err);
        assert!(ran.err.contains("one line"), "{}", ran.err);
    }
    let ran = run(home.path(), &["login", "--username", "a", "--server", "http://127.0.0.1:1"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("--password-stdin"), "{}", ran.err);
}

#[test]
fn a_token_that_is_none_is_refused() {
    let home = tempfile::tempdir().unwrap();
    for token in [" ", "two words", "line\nbreak", "grün"] {
        let ran: Ran = program(home.path())
            .args(["ls", "--server", "http://127.0.0.1:1"])
            .env("LILAC_TOKEN", token)
            .output()
            .unwrap()
            .into();
        assert_eq!(ran.code, Some(2), "{token:?}");
        assert!(ran.err.contains("LILAC_TOKEN"), "{}", ran.err);
    }
}

#[test]
fn the_agent_is_configured_without_a_secret_on_the_command_line() {
    let home = tempfile::tempdir().unwrap();
    let words = [
        "agent",
        "configure",
        "--config",
        "agent.toml",
        "--server",
        "http://127.0.0.1:1",
        "--join-key-stdin",
    ];
    let ran = run_with_input(home.path(), &words, b"lilac_join_x\n");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let written = home.path().join("agent.toml");
    assert_eq!(fs::metadata(&written).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(written).unwrap().contains("join_key = \"lilac_join_x\""));
    assert!(!ran.out.contains("lilac_join_x") && !ran.err.contains("lilac_join_x"));
}
