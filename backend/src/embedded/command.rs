//! `server db …`: the embedded database by hand, for maintenance and for development.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};

use super::{Listen, Options, Status, start, status, stop};

#[derive(Debug, Args)]
pub struct Command {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Start it, making it where there is none, and print its URL.
    Start {
        /// Serve the address in DATABASE_URL too: postgres://user:password@127.0.0.1:port/name.
        /// The user and the database are made; the password comes from nowhere else.
        #[arg(long)]
        serve_database_url: bool,
        /// For tests: faster, and lost when the machine crashes.
        #[arg(long)]
        volatile: bool,
    },
    /// Stop it. A server that uses it answers 503 until it runs again.
    Stop,
    /// Print its URL, by which the users of this machine who own it need no password.
    Url,
}

/// Does what the command line says; results go to stdout.
pub async fn run(data_dir: &Path, command: Command) -> Result<()> {
    match command.verb {
        Verb::Start { serve_database_url, volatile } => {
            let listen = match serve_database_url {
                true => {
                    let url = std::env::var("DATABASE_URL").context("DATABASE_URL is not set")?;
                    Some(Listen::from_url(&url)?)
                }
                false => None,
            };
            say(&start(data_dir, &Options { listen, volatile, ..Options::default() }).await?)
        }
        Verb::Stop => match stop(data_dir).await? {
            true => say("stopped"),
            false => say("not running"),
        },
        Verb::Url => match status(data_dir).await? {
            Status::Running { url, .. } => say(&url),
            Status::Absent | Status::Stopped => {
                bail!("the database in {} does not run; `server db start` starts it", data_dir.display())
            }
        },
    }
}

fn say(line: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{line}").context("cannot write to stdout")
}
