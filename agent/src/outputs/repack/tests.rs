use super::*;

fn output(path: &str) -> OutputTask {
    OutputTask { path: path.into(), max_bytes: 1 << 20, max_file_bytes: 100_000 }
}

fn header(kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o104_755);
    header.set_uid(1000);
    header
}

/// An archive as Docker makes one: the output's own name stands in front.
struct Docker(Builder<Vec<u8>>);

impl Docker {
    fn folder(name: &str) -> Self {
        let mut docker = Self(Builder::new(Vec::new()));
        docker.entry(EntryType::Directory, &format!("{name}/"), b"");
        docker
    }

    fn entry(&mut self, kind: EntryType, path: &str, content: &[u8]) {
        self.0.append_data(&mut header(kind, content.len() as u64), path, content).unwrap();
    }

    fn link(&mut self, kind: EntryType, path: &str, target: &str) {
        self.0.append_link(&mut header(kind, 0), path, target).unwrap();
    }

    fn pack(self, output: &OutputTask) -> Result<Vec<(String, EntryType, String)>, Trouble> {
        packed(&self.0.into_inner().unwrap(), output)
    }
}

/// Path, kind, and content or target of each entry.
fn packed(source: &[u8], output: &OutputTask) -> Result<Vec<(String, EntryType, String)>, Trouble> {
    let mut bytes = Vec::new();
    repack(source, output, &mut bytes)?;
    let mut archive = Archive::new(bytes.as_slice());
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        assert_eq!((entry.header().uid().unwrap(), entry.header().mode().unwrap() & !0o777), (0, 0));
        let path = entry.path().unwrap().display().to_string();
        let target = entry.link_name().unwrap().map(|target| target.display().to_string());
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        (path, entry.header().entry_type(), target.unwrap_or(content))
    });
    Ok(entries.collect())
}

#[test]
fn a_folder_keeps_what_can_be_kept() {
    let deep = format!("out/{}/x", "d".repeat(150));
    let mut docker = Docker::folder("out");
    docker.entry(EntryType::Directory, "out/a/", b"");
    docker.entry(EntryType::Regular, "out/a/f", b"content");
    docker.entry(EntryType::Regular, &deep, b"deep");
    docker.link(EntryType::Symlink, "out/a/up", "../top");
    docker.link(EntryType::Symlink, "out/a/own", "/data/out/top");
    docker.link(EntryType::Symlink, "out/a/away", "/etc/passwd");
    docker.link(EntryType::Symlink, "out/away", "../x");
    docker.link(EntryType::Link, "out/again", "out/a/f");
    docker.entry(EntryType::Fifo, "out/pipe", b"");
    docker.entry(EntryType::Char, "out/device", b"");
    let entries = docker.pack(&output("/data/out")).unwrap();
    let entries: Vec<_> =
        entries.iter().map(|(path, kind, text)| (path.as_str(), *kind, text.as_str())).collect();
    let deep = deep.strip_prefix("out/").unwrap();
    let expected = [
        ("a", EntryType::Directory, ""),
        ("a/f", EntryType::Regular, "content"),
        (deep, EntryType::Regular, "deep"),
        ("a/up", EntryType::Symlink, "../top"),
        ("a/own", EntryType::Symlink, "../top"),
        ("again", EntryType::Link, "a/f"),
    ];
    assert_eq!(entries, expected);
}

#[test]
fn a_file_is_an_output_and_a_link_is_none() {
    let mut docker = Docker(Builder::new(Vec::new()));
    docker.entry(EntryType::Regular, "model.bin", b"weights");
    let entries = docker.pack(&output("/data/model.bin")).unwrap();
    assert_eq!(entries, [("model.bin".to_owned(), EntryType::Regular, "weights".to_owned())]);
    assert_eq!(Docker::folder("out").pack(&output("/out")).unwrap(), []);

    let mut docker = Docker(Builder::new(Vec::new()));
    docker.link(EntryType::Symlink, "out", "/etc");
    assert!(matches!(docker.pack(&output("/out")), Err(Trouble::Refused(_))));
}

#[test]
fn too_much_is_refused_and_what_breaks_off_is_not_taken_for_whole() {
    let mut docker = Docker::folder("out");
    docker.entry(EntryType::Regular, "out/large", &[0; 100_001]);
    assert!(matches!(docker.pack(&output("/out")), Err(Trouble::Refused(words)) if words.contains("large")));
    let mut docker = Docker::folder("out");
    (0..12).for_each(|i| docker.entry(EntryType::Regular, &format!("out/{i}"), &[0; 90_000]));
    assert!(
        matches!(docker.pack(&output("/out")), Err(Trouble::Refused(words)) if words.contains("archive"))
    );
    let mut docker = Docker::folder("out");
    (0..=MAX_OUTPUT_ENTRIES).for_each(|i| docker.entry(EntryType::Directory, &format!("out/{i}/"), b""));
    let roomy = OutputTask { max_bytes: 1 << 30, ..output("/out") };
    assert!(matches!(docker.pack(&roomy), Err(Trouble::Refused(words)) if words.contains("more than")));

    let mut docker = Docker::folder("out");
    docker.entry(EntryType::Regular, "out/a", &[1; 5000]);
    let whole = docker.0.into_inner().unwrap();
    assert!(matches!(packed(&whole[..3000], &output("/out")), Err(Trouble::Broken(_))));
}
