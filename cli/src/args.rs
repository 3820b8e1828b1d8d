//! The command line: what every verb has in common, and the list of verbs. A verb's own arguments stand
//! with its code.

use std::time::Duration;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand};

use crate::commands;
use crate::printer::{Format, Printer};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Magenta.on_default().bold())
    .usage(AnsiColor::Magenta.on_default().bold())
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::White.on_default().dimmed());

const AFTER: &str = "\
A JOB is an id, the beginning or end of one (4 characters or more), a name (your newest job of that \
name), or `last` (your newest job). `last~2` is the second before the last, `last~0-4` are the newest five; \
`sweep:3-7` are jobs 3 to 7 of the array `sweep`, `sweep:*` all of them.

Exit codes: 0 done, 1 error, 2 wrong usage or a bad job file, 102 no such job (node, queue …), 130 interrupted. \
`wait` and `submit` with --wait or --follow tell how the job ended: 100 failed, 101 not finished in time, \
103 cancelled, 104 preempted, 105 ran or waited for too long, 106 a fault of the platform. `plan`: 0 starts \
now, 3 would wait, 4 can never start. `exec` and `shell`: that of the program.

Environment: LILAC_SERVER and LILAC_TOKEN override the profile, LILAC_PROFILE chooses among several, \
LILAC_CONFIG names their file, NO_COLOR switches colours off.";

/// Submits and follows container jobs, and looks after the platform that runs them.
#[derive(Debug, Parser)]
#[command(name = "lilac_cli", version, styles = STYLES, max_term_width = 100, after_long_help = AFTER)]
#[command(disable_help_subcommand = true, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub verb: Verb,
}

/// What every verb understands.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Address of the server: http://HOST:PORT or https://HOST.
    #[arg(long, global = true, env = "LILAC_SERVER", hide_env_values = true, value_name = "URL")]
    server: Option<String>,
    /// Which of several saved servers to talk to (`lilac_cli profile ls`).
    #[arg(long, global = true, env = "LILAC_PROFILE", hide_env_values = true, value_name = "NAME")]
    profile: Option<String>,
    /// How results are written: table, wide, json, jsonl, yaml or name.
    #[arg(short, long, global = true, value_enum, default_value_t, hide_possible_values = true)]
    #[arg(value_name = "FORMAT")]
    output: Format,
    /// Write bare ids only.
    #[arg(short, long, global = true, conflicts_with = "output")]
    quiet: bool,
    /// Look again and again, every 2 seconds by default; for what only shows.
    #[arg(long, global = true, value_name = "SECONDS", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "2", value_parser = seconds)]
    watch: Option<Duration>,
}

impl Global {
    /// The address given for this invocation.
    pub fn server(&self) -> Option<String> {
        self.server.clone().filter(|server| !server.is_empty())
    }

    /// The profile chosen for this invocation.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref().filter(|name| !name.is_empty())
    }

    pub fn watch(&self) -> Option<Duration> {
        self.watch
    }

    pub fn printer(&self) -> Printer {
        Printer::new(self.output, self.quiet)
    }
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Saves which server to talk to.
    Configure,
    /// Logs in and saves an API key for this machine, valid for 30 days.
    Login(commands::login::LoginArgs),
    /// Revokes the saved API key and forgets it.
    Logout,
    /// Shows who you are to the server.
    Whoami,
    /// Submits a job, from flags or a file.
    Submit(Box<commands::submit::SubmitArgs>),
    /// Says what would become of a job that is submitted now, and submits nothing.
    Plan(Box<commands::submit::SpecArgs>),
    /// Writes a job file to begin with, every field explained.
    Init(commands::init::InitArgs),
    /// Lists jobs, the newest first.
    Ls(commands::list::ListArgs),
    /// Shows nodes, queues and your jobs, live.
    Top(commands::top::TopArgs),
    /// Shows a job and its attempts.
    Show(commands::show::ShowArgs),
    /// Shows what happened to a job.
    Events(commands::events::EventsArgs),
    /// Prints a job's log.
    Logs(commands::logs::LogsArgs),
    /// Runs a program in the container of a job that runs.
    Exec(commands::exec::ExecArgs),
    /// Opens a shell in the container of a job that runs.
    Shell(commands::exec::ShellArgs),
    /// Lets a port of this machine lead to one of a job's container.
    PortForward(commands::port_forward::PortForwardArgs),
    /// Shows what a job left.
    Outputs(commands::outputs::OutputsArgs),
    /// Copies what a job left to this machine.
    Cp(commands::cp::CpArgs),
    /// Waits for the end of jobs and tells it by the exit code.
    Wait(commands::wait::WaitArgs),
    /// Cancels jobs.
    Cancel(commands::cancel::CancelArgs),
    /// Puts held jobs back in their queues.
    Release(commands::release::ReleaseArgs),
    /// Submits the specs of jobs once more, as new jobs of yours.
    Rerun(commands::act::RerunArgs),
    /// Lets jobs run longer.
    Extend(commands::act::ExtendArgs),
    /// Keeps waiting jobs from being placed.
    Hold(commands::act::HoldArgs),
    /// Changes the priority of waiting jobs.
    Reprioritise(commands::act::ReprioritiseArgs),
    /// Tells why a job waits, when it may start, and what would let it start.
    Explain(commands::explain::ExplainArgs),
    /// Shows what a job took: where, when, and how much CPU, GPU and memory time.
    Receipt(commands::receipt::ReceiptArgs),
    /// Arrays, the many jobs of one submit: show, cancel.
    #[command(subcommand)]
    Array(commands::array::ArrayVerb),
    /// Jobs by the clock: list, show, pause, resume, run now, delete.
    #[command(subcommand)]
    Schedule(commands::schedule::ScheduleVerb),
    /// Queues: list, show, create, edit, delete, pause, resume.
    #[command(subcommand)]
    Queue(commands::queue::QueueVerb),
    /// Nodes: list, show, cordon, drain, uncordon, label, remove.
    #[command(subcommand)]
    Node(commands::node::NodeVerb),
    /// Clusters and the keys with which nodes join them.
    #[command(subcommand)]
    Cluster(commands::cluster::ClusterVerb),
    /// Your API keys.
    #[command(subcommand)]
    Key(commands::key::KeyVerb),
    /// Secrets of your teams: list, set, delete.
    #[command(subcommand)]
    Secret(commands::secret::SecretVerb),
    /// Logins with which images are pulled: list, add, delete.
    #[command(subcommand)]
    Registry(commands::registry::RegistryVerb),
    /// Addresses that are told what becomes of jobs: list, create, delete, test, rotate, redeliver.
    #[command(subcommand)]
    Hook(commands::hook::HookVerb),
    /// Folders of the nodes that jobs may mount: list, add, delete.
    #[command(subcommand)]
    Volume(commands::volume::VolumeVerb),
    /// Accounts: list, show, create, change, disable, delete, reset the password.
    #[command(subcommand)]
    User(commands::user::UserVerb),
    /// Teams: list, create, delete, add and remove users.
    #[command(subcommand)]
    Team(commands::team::TeamVerb),
    /// Who changed what; for administrators.
    Audit(commands::audit::AuditArgs),
    /// Changes your password.
    Passwd(commands::passwd::PasswdArgs),
    /// The saved servers: list, choose, forget.
    #[command(subcommand)]
    Profile(commands::profile::ProfileVerb),
    /// Configures and starts the agent on this machine, and looks after it.
    #[command(subcommand)]
    Agent(commands::agent::AgentVerb),
    /// Prints a completion script for a shell.
    Completion(commands::completion::CompletionArgs),
    /// Writes a manual page for every verb into a folder.
    Man(commands::completion::ManArgs),
    /// Prints the description of the API: OpenAPI, in JSON.
    Openapi,
}

impl Verb {
    /// Whether it only shows, so that it can be repeated.
    pub fn only_shows(&self) -> bool {
        match self {
            Self::Ls(_)
            | Self::Show(_)
            | Self::Events(_)
            | Self::Explain(_)
            | Self::Receipt(_)
            | Self::Outputs(_)
            | Self::Whoami
            | Self::Audit(_) => true,
            Self::Array(verb) => matches!(verb, commands::array::ArrayVerb::Show { .. }),
            Self::Queue(verb) => verb.only_shows(),
            Self::Node(verb) => verb.only_shows(),
            Self::Cluster(verb) => verb.only_shows(),
            _ => false,
        }
    }
}

/// Reads how often to look.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.trim_end_matches('s').parse::<f64>() {
        Ok(seconds) if (0.2..=3600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("write a number of seconds from 0.2 to 3600".to_owned()),
    }
}

/// Reads `KEY=VALUE`.
pub fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::*;

    /// Every verb with its subverbs, as `submit` or `cluster join-key ls`.
    fn verbs(command: &Command, path: &str, found: &mut Vec<(String, Command)>) {
        for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
            let path = format!("{path} {}", verb.get_name()).trim().to_owned();
            found.push((path.clone(), verb.clone()));
            verbs(verb, &path, found);
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_of_every_verb() {
        let mut command = Cli::command().term_width(100);
        command.build();
        let top = command.render_long_help().to_string();
        insta::with_settings!({snapshot_path => "snapshots/help", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!("lilac_cli", top);
            let mut found = Vec::new();
            verbs(&command, "", &mut found);
            for (path, mut verb) in found {
                let help = verb.render_long_help().to_string();
                insta::assert_snapshot!(path.replace(' ', "_"), help);
            }
        });
    }

    #[test]
    fn pairs_are_split_at_the_first_equals_sign() {
        assert_eq!(key_value("A=b=c"), Ok(("A".into(), "b=c".into())));
        assert_eq!(key_value("A="), Ok(("A".into(), String::new())));
        assert!(key_value("A").is_err() && key_value("=b").is_err());
    }
}
