//! `init`: a job file to begin with.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use clap::Args;

use crate::args::Global;
use crate::failure::{Exit, Failure};

const EXAMPLE: &str = include_str!("init.yaml");

#[derive(Args, Debug)]
pub struct InitArgs {
    /// Where to write it; `-` is standard output.
    #[arg(value_name = "FILE", default_value = "job.yaml")]
    file: PathBuf,
    /// Write over a file that is there.
    #[arg(long)]
    force: bool,
}

pub fn run(global: &Global, args: InitArgs) -> Result<Exit, Failure> {
    let printer = global.printer();
    if args.file.as_os_str() == "-" {
        printer.raw(EXAMPLE.as_bytes())?;
        return Ok(Exit::Ok);
    }
    let mut options = OpenOptions::new();
    options.write(true);
    if args.force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    options.open(&args.file).and_then(|mut file| file.write_all(EXAMPLE.as_bytes())).map_err(|error| {
        match error.kind() {
            ErrorKind::AlreadyExists => {
                Failure::file(&args.file, "there is such a file already", "name another, or add --force")
            }
            _ => Failure::file(&args.file, error, "name another place"),
        }
    })?;
    let file = args.file.display();
    printer.done(&format!("Wrote {file}. Next: `lilac_cli plan -f {file}`, `lilac_cli submit -f {file}`"))?;
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use lilac_api::spec::JobSpec;
    use lilac_api::validate;

    use super::*;

    /// What is written, and the same with all that is switched off switched on, are job files.
    #[test]
    fn the_example_is_a_job_file_with_and_without_its_examples() {
        let plain: JobSpec = serde_saphyr::from_str(EXAMPLE).unwrap();
        assert_eq!(validate::job_spec(&plain), []);
        let switched_on = |line: &str| {
            let field = line.trim_start().strip_prefix("# ")?;
            let (name, _) = field.split_once(':')?;
            let is_field = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            // A command excludes the script.
            let indent = if line.starts_with(' ') { "  " } else { "" };
            (is_field && name != "command").then(|| format!("{indent}{field}\n"))
        };
        let text: String =
            EXAMPLE.lines().map(|line| switched_on(line).unwrap_or_else(|| format!("{line}\n"))).collect();
        let whole: JobSpec = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(validate::job_spec(&whole), [], "{text}");
        assert!(whole.resources.gpus.is_some() && whole.array.is_some() && !whole.volumes.is_empty());
    }
}
