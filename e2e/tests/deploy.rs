//! The files in `deploy/` name what there is: programs of this workspace, settings of the server, folders of the
//! agent. Nothing of them is run here but systemd's own check of the units.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use lilac_e2e::binary;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(root().join(path)).with_context(|| path.to_owned())
}

/// All words of a text that begin with `LILAC_`.
fn settings_in(text: &str) -> BTreeSet<&str> {
    let is_part = |sign: char| sign.is_ascii_uppercase() || sign.is_ascii_digit() || sign == '_';
    text.split(|sign| !is_part(sign)).filter(|word| word.starts_with("LILAC_") && word.len() > 6).collect()
}

#[test]
fn settings_that_are_named_exist() -> Result<()> {
    let (of_server, of_agent) = (read(".env.example")?, read("agent/README.md")?);
    let known: BTreeSet<&str> = settings_in(&of_server).union(&settings_in(&of_agent)).copied().collect();
    for file in [
        "deploy/compose.yaml",
        "deploy/server.Dockerfile",
        "deploy/agent.Dockerfile",
        "deploy/lilac-server.service",
        "deploy/lilac-agent.service",
    ] {
        let text = read(file)?;
        let unknown: Vec<_> = settings_in(&text).difference(&known).copied().collect();
        ensure!(unknown.is_empty(), "{file} names {unknown:?}");
    }
    Ok(())
}

#[test]
fn images_are_made_of_what_the_workspace_builds() -> Result<()> {
    let members = read("Cargo.toml")?;
    for (file, programs) in [
        ("deploy/server.Dockerfile", &[("backend", "lilac_server", "server")][..]),
        (
            "deploy/agent.Dockerfile",
            &[("agent", "lilac_agent", "lilac_agent"), ("cli", "lilac_cli", "lilac_cli")],
        ),
    ] {
        let text = read(file)?;
        for (folder, package, program) in programs {
            ensure!(members.contains(&format!("\"{folder}\"")), "{folder} is no member");
            let manifest = read(&format!("{folder}/Cargo.toml"))?;
            ensure!(manifest.contains(&format!("name = \"{package}\"")), "{folder} is not {package}");
            ensure!(
                manifest.contains(&format!("[[bin]]\nname = \"{program}\"")),
                "{package} has no {program}"
            );
            ensure!(text.contains(&format!("-p {package}")), "{file} does not build {package}");
            ensure!(text.contains(&format!("target/release/{program}")), "{file} lacks {program}");
        }
        // What is copied out of the context is there.
        for line in text.lines().filter(|line| line.starts_with("COPY ") && !line.contains("--from")) {
            let words: Vec<&str> = line.split_whitespace().skip(1).collect();
            for source in &words[..words.len() - 1] {
                ensure!(root().join(source).exists(), "{file}: {line}");
            }
        }
    }
    let compose = read("deploy/compose.yaml")?;
    for line in compose.lines().filter_map(|line| line.trim().strip_prefix("dockerfile: ")) {
        ensure!(root().join(line).is_file(), "compose.yaml names {line}");
    }
    Ok(())
}

/// A unit, its drop-in, what it starts, and how exposed it may be: systemd rates what a service could do to the rest of
/// the machine, from 0 to 100. The agent has to kill, to look into files and to reach devices; the server nothing.
const UNITS: [(&str, Option<&str>, &str, &str, u32); 3] = [
    ("lilac-server.service", None, "/usr/local/bin/lilac-server", "server", 20),
    ("lilac-agent.service", None, "/usr/local/bin/lilac_agent", "lilac_agent", 50),
    (
        "lilac-agent.service",
        Some("lilac-agent-process.conf"),
        "/usr/local/bin/lilac_agent",
        "lilac_agent",
        80,
    ),
];

/// systemd checks the units, with the programs of this workspace in place of the installed ones, and rates them.
#[test]
fn systemd_takes_the_units() -> Result<()> {
    let Ok(help) = Command::new("systemd-analyze").arg("--help").output() else {
        eprintln!("SKIPPED: systemd-analyze is not installed");
        return Ok(());
    };
    // It rates files, and not only what runs, since release 250.
    let rates_files = String::from_utf8_lossy(&help.stdout).contains("--offline");
    if !rates_files {
        eprintln!("SKIPPED, in part: this systemd-analyze rates no files");
    }
    for (unit, drop_in, installed, program, most) in UNITS {
        let folder = tempfile::tempdir()?;
        if let Some(drop_in) = drop_in {
            let beside = folder.path().join(format!("{unit}.d"));
            std::fs::create_dir(&beside)?;
            std::fs::write(beside.join(drop_in), read(&format!("deploy/{drop_in}"))?)?;
        }
        let text = read(&format!("deploy/{unit}"))?;
        ensure!(text.contains(&format!("ExecStart={installed}")), "{unit} does not start {installed}");
        let here = text.replace(installed, &binary(program)?.display().to_string());
        let path = folder.path().join(unit);
        std::fs::write(&path, here)?;
        let checked = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output()?;
        let said = String::from_utf8_lossy(&checked.stderr).into_owned();
        let is_ours = |line: &&str| line.contains(unit) || drop_in.is_some_and(|name| line.contains(name));
        let complaints: Vec<&str> = said.lines().filter(is_ours).collect();
        ensure!(complaints.is_empty(), "{unit}: {complaints:#?}");
        if rates_files {
            let threshold = format!("--threshold={most}");
            let rate = ["security", "--offline=true", "--no-pager", &threshold];
            let rated = Command::new("systemd-analyze").args(rate).arg(&path).output()?;
            let said = String::from_utf8_lossy(&rated.stdout).into_owned();
            ensure!(said.contains("exposure level"), "{unit} was not rated: {rated:?}");
            ensure!(rated.status.success(), "{unit} with {drop_in:?} may do more than {most}: {said}");
        }
    }
    Ok(())
}
