//! The pages of `docs/cli`, made from the command line itself; a test keeps them fresh.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};

use crate::args::Cli;

#[test]
fn the_pages_of_the_verbs_are_fresh() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli");
    let mut command = Cli::command();
    command.build();
    let mut pages = vec![("README.md".to_owned(), index(&command))];
    pages.extend(verbs(&command).map(|verb| (format!("{}.md", verb.get_name()), page(verb))));
    if std::env::var_os("LILAC_WRITE_DOCS").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in &pages {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    for (name, text) in &pages {
        let kept = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(kept == *text, "docs/cli/{name} is stale: run this test with LILAC_WRITE_DOCS=1");
    }
    let known = fs::read_dir(&folder).unwrap().count();
    assert_eq!(known, pages.len(), "a page of a verb that is gone is left in docs/cli");
}

fn verbs(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|verb| verb.get_name() != "help" && !verb.is_hide_set())
}

fn index(command: &Command) -> String {
    let mut text = String::from("# lilac_cli\n\n");
    let _ = writeln!(text, "{}.\n", about(command));
    text.push_str(
        "[agent/README.md](../../agent/README.md) is the guide; these pages list every verb and flag.\n",
    );
    text.push_str("They are made from the program's own help.\n\n| verb | |\n|---|---|\n");
    for verb in verbs(command) {
        let name = verb.get_name();
        let _ = writeln!(text, "| [`{name}`]({name}.md) | {} |", cell(&about(verb)));
    }
    text.push_str("\n## Options of every verb\n\n");
    let global = command.get_arguments().filter(|arg| arg.is_global_set());
    global.for_each(|arg| text.push_str(&argument(arg)));
    let after = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(text, "\n{after}");
    text
}

fn page(verb: &Command) -> String {
    let mut text = String::new();
    section(verb, &format!("lilac_cli {}", verb.get_name()), 1, &mut text);
    text
}

fn section(verb: &Command, name: &str, depth: usize, text: &mut String) {
    let usage = verb.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let _ = write!(text, "{} {name}\n\n{}.\n\n```\n{usage}\n```\n", "#".repeat(depth), about(verb));
    if let Some(long) = verb.get_long_about() {
        let more = long.to_string();
        if let Some((_, rest)) = more.split_once("\n\n") {
            let _ = write!(text, "\n{rest}\n");
        }
    }
    let own: Vec<&Arg> = verb
        .get_arguments()
        .filter(|arg| !arg.is_global_set() && !arg.is_hide_set() && arg.get_id() != "help")
        .collect();
    if !own.is_empty() {
        text.push('\n');
        own.iter().for_each(|arg| text.push_str(&argument(arg)));
    }
    for inner in verbs(verb) {
        text.push('\n');
        section(inner, &format!("{name} {}", inner.get_name()), depth + 1, text);
    }
}

/// An argument in a line: how it is written, what it is for, and what it is where it is not given.
fn argument(arg: &Arg) -> String {
    let values: Vec<String> =
        arg.get_value_names().unwrap_or_default().iter().map(|name| format!("<{name}>")).collect();
    let takes = arg.get_action().takes_values();
    let value = if takes { values.join(" ") } else { String::new() };
    let written = match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long} {value}"),
        (None, Some(long)) => format!("--{long} {value}"),
        (Some(short), None) => format!("-{short} {value}"),
        (None, None) => value,
    };
    let mut line =
        format!("- `{}`: {}", written.trim(), arg.get_help().map(ToString::to_string).unwrap_or_default());
    let words: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|_| takes && !arg.is_hide_possible_values_set())
        .map(|word| word.get_name().to_owned())
        .collect();
    if !line.ends_with(['.', '?', '!']) {
        line.push('.');
    }
    if !words.is_empty() {
        let _ = write!(line, " One of {}.", words.join(", "));
    }
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if takes && !defaults.is_empty() && !arg.is_hide_default_value_set() {
        let _ = write!(line, " By default {}.", defaults.join(", "));
    }
    if let Some(variable) = arg.get_env() {
        let _ = write!(line, " Also {}.", variable.to_string_lossy());
    }
    line + "\n"
}

fn about(command: &Command) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    about.trim_end_matches('.').to_owned()
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
