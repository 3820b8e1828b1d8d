use tar::{Builder, Header};

use super::*;

const LIMITS: OutputLimits =
    OutputLimits { bytes: 1 << 20, file_bytes: 100_000, keep: std::time::Duration::from_secs(3600) };

fn read(bytes: &[u8]) -> Result<Archived, Refusal> {
    let (sender, mut frames) = mpsc::channel(1024);
    let taken = take_in(bytes, LIMITS, sender);
    while frames.try_recv().is_ok() {}
    taken
}

/// An entry written by hand: a builder refuses what these tests are about.
fn entry(kind: EntryType, path: &str, target: &str, size: u64, content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.name[..path.len()].copy_from_slice(path.as_bytes());
    gnu.linkname[..target.len()].copy_from_slice(target.as_bytes());
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = entries.concat();
    bytes.extend([0; 1024]);
    bytes
}

#[test]
fn what_an_agent_writes_is_taken() {
    let long = format!("{}/deep.txt", "folder-".repeat(20));
    let mut builder = Builder::new(Vec::new());
    let mut file = |path: &str, content: &[u8]| {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, content).unwrap();
    };
    file("a.txt", b"alpha");
    file(&long, b"deep");
    let mut link = Header::new_gnu();
    link.set_entry_type(EntryType::Symlink);
    link.set_size(0);
    builder.append_link(&mut link, "newest", "a.txt").unwrap();
    let mut hard = Header::new_gnu();
    hard.set_entry_type(EntryType::Link);
    hard.set_size(0);
    builder.append_link(&mut hard, "again.txt", "a.txt").unwrap();
    let bytes = builder.into_inner().unwrap();
    let taken = read(&bytes).unwrap();
    let names: Vec<&str> = taken.entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(names, ["a.txt", &long, "newest", "again.txt"]);
    assert_eq!((taken.bytes, taken.sha256), (bytes.len() as u64, Sha256::digest(&bytes).to_vec()));
    let content = |entry: &StoredEntry| {
        let at = usize::try_from(entry.at).unwrap();
        bytes[at..at + usize::try_from(entry.size).unwrap()].to_vec()
    };
    assert_eq!(content(&taken.entries[0]), b"alpha");
    assert_eq!(content(&taken.entries[1]), b"deep");
    assert_eq!(content(&taken.entries[3]), b"alpha", "a second name of the same file");
    assert!(read(&archive(&[])).unwrap().entries.is_empty());
}

#[test]
fn hostile_archives_are_refused() {
    use EntryType::{Block, Char, Directory, Fifo, GNULongName, GNUSparse, Link, Regular, Symlink, XHeader};
    let file = |path| entry(Regular, path, "", 1, b"x");
    let cases: Vec<(&str, Vec<Vec<u8>>)> = vec![
        ("absolute", vec![file("/etc/passwd")]),
        ("up", vec![file("../x")]),
        ("up inside", vec![file("a/../../x")]),
        ("empty segment", vec![file("a//b")]),
        ("no name", vec![file("")]),
        ("link out", vec![entry(Symlink, "a", "../x", 0, b"")]),
        ("absolute link", vec![entry(Symlink, "a", "/etc", 0, b"")]),
        ("link to nothing", vec![entry(Symlink, "a", "", 0, b"")]),
        ("through a link", vec![entry(Symlink, "a", ".", 0, b""), file("a/b")]),
        ("twice", vec![file("a"), file("a")]),
        ("hard link out", vec![entry(Link, "a", "/etc/passwd", 0, b"")]),
        ("hard link to a folder", vec![entry(Directory, "d", "", 0, b""), entry(Link, "a", "d", 0, b"")]),
        ("character device", vec![entry(Char, "a", "", 0, b"")]),
        ("block device", vec![entry(Block, "a", "", 0, b"")]),
        ("pipe", vec![entry(Fifo, "a", "", 0, b"")]),
        ("sparse", vec![entry(GNUSparse, "a", "", 0, b"")]),
        ("extended header", vec![entry(XHeader, "a", "", 9, b"9 path=b\n"), file("a")]),
        ("long name of a gigabyte", vec![entry(GNULongName, "a", "", 1 << 30, b"x")]),
        ("long name that leads up", vec![entry(GNULongName, "a", "", 5, b"../x\0"), file("a")]),
        ("folder with content", vec![entry(Directory, "a", "", 512, &[1; 512])]),
    ];
    for (name, entries) in cases {
        let refused = read(&archive(&entries));
        assert!(matches!(refused, Err(Refusal::Hostile(_))), "{name}: {refused:?}");
    }
    let mut broken = archive(&[file("a")]);
    broken[0] = b'b';
    assert!(matches!(read(&broken), Err(Refusal::Hostile(_))), "a wrong checksum");
    let cut = &archive(&[entry(Regular, "a", "", 5000, &[1; 5000])])[..2000];
    assert!(read(cut).is_err(), "an archive that ends in the middle");
}

#[test]
fn too_much_is_refused() {
    let large = entry(EntryType::Regular, "a", "", 100_001, &vec![0; 100_001]);
    assert!(matches!(read(&archive(&[large])), Err(Refusal::TooLarge(_))));
    // Its header promises what never comes.
    let promised = entry(EntryType::Regular, "a", "", u64::from(u32::MAX), b"");
    assert!(matches!(read(&archive(&[promised])), Err(Refusal::TooLarge(_))));
    let many: Vec<Vec<u8>> =
        (0..20).map(|i| entry(EntryType::Regular, &i.to_string(), "", 90_000, &vec![0; 90_000])).collect();
    assert!(matches!(read(&archive(&many)), Err(Refusal::TooLarge(_))));
    let endless = std::io::repeat(0).take(1 << 30);
    let (sender, _frames) = mpsc::channel(1024);
    assert!(matches!(take_in(endless, LIMITS, sender), Err(Refusal::TooLarge(_))));
    let empty: Vec<Vec<u8>> =
        (0..=MAX_OUTPUT_ENTRIES).map(|i| entry(EntryType::Directory, &i.to_string(), "", 0, b"")).collect();
    let limits = OutputLimits { bytes: 1 << 30, ..LIMITS };
    let (sender, frames) = mpsc::channel(1 << 16);
    assert!(matches!(take_in(archive(&empty).as_slice(), limits, sender), Err(Refusal::TooLarge(_))));
    drop(frames);
}
