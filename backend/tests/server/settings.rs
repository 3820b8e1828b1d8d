//! The table of settings, `.env.example` and `docs/operating.md` say the same, and the code reads nothing else.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

use std::path::{Path, PathBuf};

use lilac_server::config::settings::{self, SETTINGS};

const BEGIN: &str = "<!-- settings: written by the test `settings` -->\n";
const END: &str = "<!-- end of settings -->";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Compares a file with what it should hold, or writes it when asked to.
#[track_caller]
fn holds(file: &str, wanted: &str) {
    let path = repository().join(file);
    if std::env::var_os("LILAC_WRITE_DOCS").is_some() {
        std::fs::write(&path, wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    let differs = found.lines().zip(wanted.lines()).find(|(found, wanted)| found != wanted);
    assert!(
        found == wanted,
        "{file} is stale, first at {differs:?}: LILAC_WRITE_DOCS=1 cargo nextest run -p lilac_server -E 'test(/settings/)'"
    );
}

#[test]
fn the_example_names_every_setting() {
    holds(".env.example", &settings::env_example());
}

#[test]
fn the_guide_names_every_setting() {
    let guide = std::fs::read_to_string(repository().join("docs/operating.md")).unwrap();
    let (before, rest) = guide.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    holds("docs/operating.md", &format!("{before}{BEGIN}{}{END}{after}", settings::markdown()));
}

#[test]
fn nothing_but_the_table_is_read() {
    let mut sources = Vec::new();
    collect(&repository().join("backend/src"), &mut sources);
    assert!(sources.len() > 50);
    // `server db start` reads the address that it is to serve, which no table knows.
    let may = ["src/config", "embedded/command.rs"];
    sources.retain(|source| !may.iter().any(|part| source.to_string_lossy().contains(part)));
    for source in sources {
        let text = std::fs::read_to_string(&source).unwrap();
        for reading in ["env::var(", "env::var_os("] {
            assert!(!text.contains(reading), "{} reads the environment itself", source.display());
        }
    }
    let reader = std::fs::read_to_string(repository().join("backend/src/config/mod.rs")).unwrap();
    for name in reader.split('"').filter(|word| word.starts_with("LILAC_") && !word.contains(' ')) {
        assert!(SETTINGS.iter().any(|setting| setting.name == name), "{name} is missing in the table");
    }
}

fn collect(folder: &Path, sources: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            sources.push(path);
        }
    }
}

#[test]
fn every_setting_is_said_once_and_in_a_sentence() {
    for (index, setting) in SETTINGS.iter().enumerate() {
        assert!(SETTINGS[..index].iter().all(|other| other.name != setting.name), "{}", setting.name);
        assert!(setting.about.len() > 20 && setting.about.ends_with('.'), "{}", setting.name);
        assert!(!setting.about.contains('|'), "{}: it would end the column", setting.name);
    }
}
