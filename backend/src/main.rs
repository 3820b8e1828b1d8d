//! `server`: the control plane. Parses, builds, runs, maps to an exit code.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use lilac_server::config::{Config, LogConfig, Variables, data_dir};
use lilac_server::{app, embedded, openapi};
use tracing_subscriber::EnvFilter;

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
    /// Print the OpenAPI document.
    Openapi,
}

fn main() -> ExitCode {
    // `.env` is optional; what the environment sets itself goes first.
    let dotenv = dotenvy::dotenv();
    let args = Args::parse();
    let variables = Variables::from_environment();
    // A log that cannot be set up as wanted still has to say so.
    let log = variables.as_ref().ok().and_then(|variables| LogConfig::read(variables).ok());
    start_log(log.unwrap_or(LogConfig { filter: "info".to_owned(), json: false }));
    if let Err(error) = &dotenv
        && !error.not_found()
    {
        tracing::error!("`.env` cannot be read: line {}", line_of(error));
        return ExitCode::FAILURE;
    }
    match run(args, variables) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
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
        Command::Openapi => {
            use std::io::Write;
            Ok(writeln!(std::io::stdout(), "{}", openapi::document())?)
        }
    }
}

fn start_log(config: LogConfig) {
    let filter = EnvFilter::new(config.filter);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if config.json {
        log.json().init();
    } else {
        log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init();
    }
}
