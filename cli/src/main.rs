//! `lilac_cli`: submits and follows jobs, and configures and starts the agent.

mod args;
mod commands;
#[cfg(test)]
mod docs;
mod download;
mod failure;
mod follow;
mod job_ref;
mod printer;
mod profile;
mod progress;
mod screen;
mod session;
mod spec_file;
mod spec_set;
mod substitute;
mod terminal;
mod text;
mod times;
mod watch;
mod which;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Verb};
use failure::{Exit, Failure};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.global.watch() {
        Some(every) if cli.verb.only_shows() => watch::run(every).await,
        Some(_) => Err(Failure::usage("--watch is for what only shows", "leave it out here")),
        None => run(cli).await,
    };
    match done {
        Ok(exit) => exit.code().into(),
        // `lilac_cli ls | head` is no error.
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell();
            failure.code().into()
        }
    }
}

async fn run(cli: Cli) -> Result<Exit, Failure> {
    let global = &cli.global;
    match cli.verb {
        Verb::Configure => commands::configure::run(global).await,
        Verb::Login(args) => commands::login::run(global, args).await,
        Verb::Logout => commands::login::logout(global).await,
        Verb::Whoami => commands::login::whoami(global).await,
        Verb::Submit(args) => commands::submit::run(global, *args).await,
        Verb::Plan(args) => commands::submit::plan(global, *args).await,
        Verb::Init(args) => commands::init::run(global, args),
        Verb::Top(args) => commands::top::run(global, args).await,
        Verb::Ls(args) => commands::list::run(global, args).await,
        Verb::Show(args) => commands::show::run(global, args).await,
        Verb::Events(args) => commands::events::run(global, args).await,
        Verb::Logs(args) => commands::logs::run(global, args).await,
        Verb::Exec(args) => commands::exec::run(global, args).await,
        Verb::Shell(args) => commands::exec::shell(global, args).await,
        Verb::PortForward(args) => commands::port_forward::run(global, args).await,
        Verb::Outputs(args) => commands::outputs::run(global, args).await,
        Verb::Cp(args) => commands::cp::run(global, args).await,
        Verb::Wait(args) => commands::wait::run(global, args).await,
        Verb::Cancel(args) => commands::cancel::run(global, args).await,
        Verb::Release(args) => commands::release::run(global, args).await,
        Verb::Rerun(args) => commands::act::rerun(global, args).await,
        Verb::Extend(args) => commands::act::extend(global, args).await,
        Verb::Hold(args) => commands::act::hold(global, args).await,
        Verb::Reprioritise(args) => commands::act::reprioritise(global, args).await,
        Verb::Explain(args) => commands::explain::run(global, args).await,
        Verb::Receipt(args) => commands::receipt::run(global, args).await,
        Verb::Array(verb) => commands::array::run(global, verb).await,
        Verb::Schedule(verb) => commands::schedule::run(global, verb).await,
        Verb::Queue(verb) => commands::queue::run(global, verb).await,
        Verb::Node(verb) => commands::node::run(global, verb).await,
        Verb::Cluster(verb) => commands::cluster::run(global, verb).await,
        Verb::Key(verb) => commands::key::run(global, verb).await,
        Verb::Secret(verb) => commands::secret::run(global, verb).await,
        Verb::Registry(verb) => commands::registry::run(global, verb).await,
        Verb::Hook(verb) => commands::hook::run(global, verb).await,
        Verb::Volume(verb) => commands::volume::run(global, verb).await,
        Verb::User(verb) => commands::user::run(global, verb).await,
        Verb::Team(verb) => commands::team::run(global, verb).await,
        Verb::Audit(args) => commands::audit::run(global, args).await,
        Verb::Profile(verb) => commands::profile::run(global, verb),
        Verb::Passwd(args) => commands::passwd::run(global, args).await,
        Verb::Agent(verb) => commands::agent::run(global, verb).await,
        Verb::Completion(args) => commands::completion::run(global, args),
        Verb::Man(args) => commands::completion::man(global, args),
        Verb::Openapi => commands::openapi::run(global).await,
    }
}
