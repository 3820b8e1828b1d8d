//! `server`: the control plane. Parses, builds, runs, maps to an exit code.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use lilac_server::config::{Config, LogConfig, Variables, data_dir};
use lilac_server::observe::log;
use lilac_server::{app, backup, embedded, openapi};

/// A request makes a few hundred small allocations; this allocator takes about half the time for them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Lilac's control plane. Settings come from the environment or `.env`; `.env.example` lists them all.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve (the default).
    Serve,
    /// Manage the embedded PostgreSQL.
    Db(embedded::Command),
    /// Seal all secrets under the present LILAC_ENCRYPTION_KEY, so that older keys can go.
    RotateKeys,
    /// Write the whole database to a new file. The server may be running.
    Backup {
        /// The file, which must not exist yet.
        file: PathBuf,
    },
    /// Fill an empty database from a file that `backup` wrote. No server may be running on it.
    Restore {
        /// The file that `backup` wrote.
        file: PathBuf,
    },
    /// Print the OpenAPI document.
    Openapi,
}

fn main() -> ExitCode {
    // `.env` is optional; what the environment sets itself goes first.
    let dotenv = dotenvy::dotenv();
    let args = Args::parse();
    let variables = Variables::from_environment();
    // A log that cannot be set up as wanted still has to say so.
    let wanted = variables.as_ref().ok().and_then(|variables| LogConfig::read(variables).ok());
    let traces = match log::start(&wanted.unwrap_or_default()) {
        Ok(traces) => traces,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error:#}");
            return ExitCode::FAILURE;
        }
    };
    if let Err(error) = &dotenv
        && !error.not_found()
    {
        tracing::error!("`.env` cannot be read: line {}", line_of(error));
        return ExitCode::FAILURE;
    }
    let code = match run(args, variables) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    };
    traces.end();
    code
}

/// Where `.env` is wrong, without showing the line: it may hold a secret.
fn line_of(error: &dotenvy::Error) -> String {
    match error {
        dotenvy::Error::LineParse(_, position) => format!("has an error at character {position}"),
        dotenvy::Error::Io(error) => error.to_string(),
        _ => "is malformed".to_owned(),
    }
}

fn run(args: Args, variables: Result<Variables>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match args.command.unwrap_or(Command::Serve) {
        Command::Serve => {
            let variables = variables?;
            LogConfig::read(&variables)?;
            runtime.block_on(app::serve(Config::read(&variables)?))
        }
        Command::Db(command) => runtime.block_on(embedded::run(&data_dir(&variables?), command)),
        Command::RotateKeys => runtime.block_on(app::rotate_keys(Config::read(&variables?)?)),
        Command::Backup { file } => runtime.block_on(backup::backup(&Config::read(&variables?)?, &file)),
        Command::Restore { file } => runtime.block_on(backup::restore(&Config::read(&variables?)?, &file)),
        Command::Openapi => Ok(writeln!(std::io::stdout(), "{}", openapi::document())?),
    }
}
