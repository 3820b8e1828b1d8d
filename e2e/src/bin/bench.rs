//! Measures the platform against the bare Docker API: `bench [NAME] [--agents N] [--json]`.
//!
//! Numbers of a debug build say nothing, so build with `--release`. A number never fails a build: the
//! exit code only tells whether it could be taken.

use std::process::ExitCode;

use clap::Parser;
use lilac_e2e::bench::{self, Measurement, Name};

#[derive(Parser)]
#[command(about = "Measures the platform against the bare Docker API.")]
struct Arguments {
    /// What to measure; everything by default.
    name: Option<Name>,
    /// Agents of the fleet.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=11_000))]
    agents: u32,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stderr, reason = "it is how a program says what went wrong")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if cfg!(debug_assertions) {
        eprintln!("bench: this is a debug build, its numbers say nothing about a release");
    }
    match bench::run(arguments.name, arguments.agents).await {
        Ok(results) => {
            results.iter().for_each(|result| print(result, arguments.json));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the results are what it is for")]
fn print(result: &Measurement, as_json: bool) {
    let Ok(json) = serde_json::to_value(result) else { return };
    if as_json {
        println!("{json}");
        return;
    }
    let Measurement { value, unit, reference, ratio, detail, .. } = result;
    let name = json["name"].as_str().unwrap_or_default();
    println!("{name:<18} {value:>8.2} {unit:<7} reference {reference:>8.2}  ratio {ratio:>5.2}  {detail}");
}
