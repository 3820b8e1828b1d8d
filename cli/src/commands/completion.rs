//! `completion` and `man`: what shells and `man` want to know, made from the command line itself.

use std::fs;
use std::path::PathBuf;

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use crate::args::{Cli, Global};
use crate::failure::{Exit, Failure};

#[derive(Args, Debug)]
pub struct CompletionArgs {
    /// For which shell; for bash: `source <(lilac_cli completion bash)`.
    shell: Shell,
}

#[derive(Args, Debug)]
pub struct ManArgs {
    /// Where to write them: ~/.local/share/man/man1, for example.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

pub fn run(global: &Global, args: CompletionArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "lilac_cli", &mut script);
    global.printer().raw(&script)?;
    Ok(Exit::Ok)
}

pub fn man(global: &Global, args: ManArgs) -> Result<Exit, Failure> {
    fs::create_dir_all(&args.folder).map_err(|error| Failure::file(&args.folder, error, ""))?;
    let mut command = Cli::command();
    command.build();
    let mut written = 0;
    let mut pages = vec![(command.get_name().to_owned(), command)];
    while let Some((name, command)) = pages.pop() {
        let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
        pages.extend(verbs.map(|verb| (format!("{name}-{}", verb.get_name()), verb.clone())));
        let path = args.folder.join(format!("{name}.1"));
        fs::write(&path, page(command, name)?).map_err(|error| Failure::file(path, error, ""))?;
        written += 1;
    }
    global.printer().done(&format!("Wrote {written} pages to {}.", args.folder.display()))?;
    Ok(Exit::Ok)
}

fn page(command: Command, name: String) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let name: &'static str = Box::leak(name.into_boxed_str());
    clap_mangen::Man::new(command.name(name)).render(&mut page)?;
    Ok(page)
}
