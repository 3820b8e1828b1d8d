//! `lilac_cli` as a user runs it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::process::{binary, clean_command};

pub struct Cli {
    folder: PathBuf,
}

/// What a command gave.
#[derive(Debug)]
pub struct CliOutput {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Cli {
    /// A user whose profile lies in `folder`.
    pub fn new(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// A command of this user's that was not started yet.
    pub fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = clean_command(&binary("lilac_cli")?, &self.folder);
        command.env("LILAC_CONFIG", self.folder.join("cli.toml")).args(arguments);
        Ok(command)
    }

    /// Runs a command to its end.
    pub async fn run(&self, arguments: &[&str]) -> Result<CliOutput> {
        self.run_with_input(arguments, "").await
    }

    /// Runs a command with `input` on its standard input.
    pub async fn run_with_input(&self, arguments: &[&str], input: &str) -> Result<CliOutput> {
        let mut command = self.command(arguments)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let input = input.to_owned();
        let output = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                // A command that does not read closes the pipe, which is its right.
                let _ = stdin.write_all(input.as_bytes());
            }
            child.wait_with_output()
        })
        .await?
        .context("running lilac_cli")?;
        Ok(CliOutput {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs a command that must go well, and gives what it printed.
    pub async fn ok(&self, arguments: &[&str]) -> Result<String> {
        let output = self.run(arguments).await?;
        ensure!(output.code == Some(0), "lilac_cli {} failed: {output:?}", arguments.join(" "));
        Ok(output.stdout)
    }
}
