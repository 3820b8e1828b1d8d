//! `lilac_agent`: reads its configuration and runs until it is told to end.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::runtime::LocalOptions;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Runs jobs of a Lilac cluster on this machine, in Docker.
///
/// Configuration is read from the file and from the environment, which goes over the file:
/// LILAC_SERVER, LILAC_JOIN_KEY, LILAC_NODE_NAME, LILAC_STATE_DIR, LILAC_RUN_DIR, LILAC_LOG.
#[derive(Parser)]
#[command(name = "lilac_agent", version)]
struct Args {
    /// Configuration file [default: /etc/lilac/agent.toml for root, else ~/.config/lilac/agent.toml]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Run the agent; what it does without a command, too
    Run,
}

fn main() -> ExitCode {
    let Args { config, command: Some(Command::Run) | None } = Args::parse();
    let levels = std::env::var("LILAC_LOG").ok().and_then(|levels| levels.parse().ok());
    let levels: Targets = levels.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    tracing_subscriber::registry().with(lines).with(levels).init();
    match start(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(config: Option<PathBuf>) -> anyhow::Result<()> {
    let config = lilac_agent::config::load(config.as_deref())?;
    let settings = lilac_agent::config::settle(config, |name| std::env::var(name).ok())?;
    // One thread decides; the few others only wait for the disk. A runtime that can have no more than one leaves out
    // of the program what shares work between several.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(16)
        .thread_keep_alive(Duration::from_secs(2))
        .build_local(LocalOptions::default())?;
    let result = runtime.block_on(lilac_agent::run::run(settings));
    // What is under way is either on the disk already or is found again at the next start.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}
