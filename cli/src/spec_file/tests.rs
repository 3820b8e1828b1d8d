use lilac_api::validate;

use super::*;

fn read(text: &str) -> Result<JobSpec, String> {
    SpecFile::of(text).spec(&[]).map_err(|failure| failure.to_string())
}

/// What a person is told about a file, from reading or from checking.
fn told(text: &str) -> String {
    let file = SpecFile::of(text);
    match file.spec(&[]) {
        Err(failure) => failure.to_string(),
        Ok(spec) => file.complain(&validate::job_spec(&spec)).join("\n"),
    }
}

#[test]
fn yaml_and_json_give_the_same_job() {
    let yaml = read("name: a\nimage: b\ncommand: [sleep, 30]\nresources: {cpus: 0.5, gpus: 'H100:2'}\n");
    let json = read(
        "{\n\t\"name\": \"a\",\n\t\"image\": \"b\", \"command\": [\"sleep\", \"30\"],\r\n\t\"resources\": {\"cpus\": \"500m\", \"gpus\": \"H100:2\"}\n}\n",
    );
    assert_eq!(yaml.unwrap(), json.unwrap());
}

#[test]
fn scalars_are_the_text_that_stands_there() {
    let spec =
        read("name: 123\nimage: b\nenv:\n  PORT: 8080\n  VERSION: 1.10\n  SWITCH: yes\n  NUL: 'null'\n");
    let env = spec.unwrap().env;
    let values: Vec<&str> = env.values().map(String::as_str).collect();
    assert_eq!(values, ["null", "8080", "yes", "1.10"]);
}

#[test]
fn marks_and_line_ends_of_other_systems_do_no_harm() {
    let spec = read("\u{feff}name: a\r\nimage: b\r\nrun: |\r\n  echo 1\r\n  echo 2\r\n").unwrap();
    assert_eq!(spec.run.as_deref(), Some("echo 1\necho 2\n"));
}

#[test]
fn fields_that_flags_give_may_be_missing() {
    let file = SpecFile::of("image: b\n");
    let given = [("name", "n".to_owned()), ("image", "other".to_owned())];
    let spec = file.spec(&given).unwrap();
    assert_eq!((spec.name.as_str(), spec.image.as_str()), ("n", "b"), "what the file has is the file's");
}

#[test]
fn complaints_name_field_line_and_column() {
    insta::assert_snapshot!(
        [
            "name: a\nimge: busybox\n",
            "name: a\nimage: b\nzzz: 1\n",
            "name: a\n",
            "name: a\nimage: b\npriority: high\n",
            "name: a\nimage: b\nresources:\n  cpus: many\n",
            "name: a\nimage: b\nresources:\n  memmory: 1Gi\n",
            "name: a\nimage: b\nnetwork: brige\n",
            "name: a\nimage: b\nenv: [A, B]\n",
            "name: a\nimage: b\ncommand: echo hello\n",
            "name: a\nname: b\nimage: c\n",
            "name: a\nimage: [b\n",
            "name: a\n\timage: b\n",
            "name: 'a\nimage: b\n",
            "- name: a\n",
            "just text\n",
            "name: a\nimage: b\n---\nname: c\nimage: d\n",
            "{\"name\": \"a\", \"image\": \"b\",, }",
            // Well-formed, but refused by the check that the server does too.
            "name: a b\nimage: c\nresources:\n  cpus: 0\nenv:\n  OK: x\n  1BAD: y\ncommand:\n  - ''\n",
            "name: a\nimage: b\nenv: {LILAC_X: 1}\nretry: {max_attempts: 500}\n",
            // What does something to a terminal is shown, not sent.
            "name: a\nimage: \"b\\e]0;title\\a\"\n",
        ]
        .map(|text| format!("{}\n", told(text)))
        .join("\n")
    );
}

#[test]
fn bytes_that_are_no_text_are_told_with_their_line() {
    for (bytes, message) in [
        (&b"name: a\nimage: b\0\n"[..], "line 2 holds a NUL byte"),
        (b"name: a\nimage: \xff\n", "line 2 is not UTF-8"),
        (b"\xff\xfen\0", "UTF-16"),
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
    ] {
        let error = decode(bytes.to_vec()).unwrap_err();
        assert!(error.contains(message), "{bytes:?}: {error}");
    }
}

#[test]
fn files_that_cannot_be_used_are_told_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let huge = folder.path().join("huge.yaml");
    File::create(&huge).unwrap().set_len(1 << 30).unwrap();
    for (path, message) in [
        (folder.path().to_str().unwrap(), "directory"),
        (folder.path().join("none.yaml").to_str().unwrap(), "no such file"),
        (huge.to_str().unwrap(), "at most 1 MiB"),
        ("/dev/zero", "at most 1 MiB"),
    ] {
        let error = open(path).unwrap_err();
        assert_eq!(error.code(), 2);
        assert!(error.to_string().contains(message), "{path}: {error}");
        assert_eq!(error.to_string().lines().count(), 1);
    }
}

#[test]
fn bombs_are_defused() {
    let mut aliases = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (this, before) in "bcdefghi".chars().zip("abcdefgh".chars()) {
        let list = vec![format!("*{before}"); 10].join(", ");
        aliases += &format!("{this}: &{this} [{list}]\n");
    }
    let label = "name: &n a\nimage: b\nlabels:\n".to_owned()
        + &(0..5000).map(|n| format!("  l{n}: *n\n")).collect::<String>();
    let nested = format!("name: a\nimage: b\nenv: {}\n", "[".repeat(5000));
    let deep = (0..300).map(|n| " ".repeat(n) + "a:\n").collect::<String>();
    let wide = "name: a\nimage: b\ncommand: [".to_owned() + &"x, ".repeat(300_000) + "x]\n";
    for text in [aliases, label, nested, deep, wide] {
        let started = std::time::Instant::now();
        let error = told(&text);
        // Some milliseconds by itself, whatever else the machine does; a bomb would take hours.
        assert!(started.elapsed().as_secs() < 60, "took {:?}", started.elapsed());
        assert!(!error.is_empty() && error.len() < 1000, "{error}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "[ -~\\n\\t\u{e9}\u{1b}]{0,80}") {
        let told = SpecFile { label: "job.yaml".into(), text };
        let _ = told.spec(&[]);
        told.places();
    }
}
