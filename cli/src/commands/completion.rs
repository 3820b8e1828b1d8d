//! `completion`: a script that completes verbs and flags.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::{Cli, Global};
use crate::failure::{Exit, Failure};

#[derive(Args, Debug)]
pub struct CompletionArgs {
    /// For which shell; for bash: `source <(lilac_cli completion bash)`.
    shell: Shell,
}

pub fn run(global: &Global, args: CompletionArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "lilac_cli", &mut script);
    global.printer().raw(&script)?;
    Ok(Exit::Ok)
}
