//! `server`: the control plane. Parses, builds, runs, maps to an exit code.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use lilac_server::config::{Config, data_dir};
use lilac_server::{app, embedded, openapi};
use tracing_subscriber::EnvFilter;

/// Lilac's control plane. Settings come from the environment or `.env`; see `.env.example`.
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
    /// Print the OpenAPI document.
    Openapi,
}

fn main() -> ExitCode {
    // `.env` is optional; what the environment sets itself goes first.
    let dotenv = dotenvy::dotenv();
    let args = Args::parse();
    start_log();
    if let Err(error) = &dotenv
        && !error.not_found()
    {
        tracing::error!("`.env` cannot be read: line {}", line_of(error));
        return ExitCode::FAILURE;
    }
    match run(args) {
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

fn run(args: Args) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match args.command.unwrap_or(Command::Serve) {
        Command::Serve => runtime.block_on(app::serve(Config::from_environment()?)),
        Command::Db(command) => runtime.block_on(embedded::run(&data_dir(), command)),
        Command::Openapi => {
            use std::io::Write;
            Ok(writeln!(std::io::stdout(), "{}", openapi::document())?)
        }
    }
}

fn start_log() {
    let filter = EnvFilter::try_from_env("LILAC_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::env::var("LILAC_LOG_FORMAT").is_ok_and(|format| format == "json") {
        log.json().init();
    } else {
        log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init();
    }
}
