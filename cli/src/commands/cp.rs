//! `cp`: copies what a job left to this machine.

use std::path::{Path, PathBuf};

use clap::Args;
use lilac_api::JobId;
use lilac_api::output::{EntryKind, JobOutput, OutputFileQuery, OutputQuery, OutputState};
use lilac_api::problem::ErrorCode;

use super::outputs::size;
use crate::args::Global;
use crate::download::{self, Unpacked};
use crate::failure::{Exit, Failure};
use crate::job_ref::{missing, resolve};
use crate::progress::Progress;
use crate::session::{self, Session, read};

#[derive(Args, Debug)]
pub struct CpArgs {
    /// What: JOB:PATH, where PATH is an output as the job file names it, or a file or folder in one.
    #[arg(value_name = "JOB:PATH")]
    from: String,
    /// Where to. A folder's content goes into this folder, which is made; a file goes into it if it is there,
    /// and under this name otherwise.
    dest: PathBuf,
    /// Number of the attempt; the latest by default.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    attempt: Option<u32>,
    /// Rank of the node in a job of several.
    #[arg(long, value_name = "NUMBER", default_value_t)]
    rank: u16,
}

pub async fn run(global: &Global, args: CpArgs) -> Result<Exit, Failure> {
    let Some((job, path)) =
        args.from.split_once(':').filter(|(job, path)| !job.is_empty() && path.starts_with('/'))
    else {
        let message = format!("`{}` is not JOB:PATH with an absolute path", args.from);
        return Err(Failure::usage(message, "`lilac_cli outputs JOB` lists what there is"));
    };
    let session = session::open(global)?;
    let id = resolve(&session, job).await?;
    let query = OutputQuery { epoch: args.attempt, rank: Some(args.rank) };
    let outputs =
        read(async || session.client.outputs(id, &query).await).await.map_err(|error| missing(error, job))?;
    let path = path.trim_end_matches('/');
    let (output, inner) = find(&outputs, path).ok_or_else(|| nothing(path))?;
    if output.state != OutputState::Stored {
        let message = if output.message.is_empty() { "it was not handed over yet" } else { &output.message };
        return Err(Failure::Refused(vec![format!("{} is {}: {message}", output.path, output.state)]));
    }
    // What was listed is what is copied, even if the job starts anew meanwhile.
    let query = OutputQuery { epoch: Some(output.epoch), rank: Some(output.rank) };
    let lone = output.lone_file().filter(|_| inner.is_empty());
    let is_known_folder = inner.is_empty() || output.entries.iter().any(|entry| is_folder_of(entry, inner));
    if let Some(file) = lone.or_else(|| (!is_known_folder).then_some(inner)) {
        copy_file(&session, id, output, file, &args.dest, path).await
    } else {
        let archive = session.client.download_output(id, output.index, &query).await?;
        let progress = Progress::new(session.printer);
        let archive = progress.of(&output.path, archive);
        let unpacked = download::unpack(archive, inner, &args.dest).await;
        progress.clear();
        let Unpacked { files, bytes } = unpacked?;
        let words = format!("{files} files, {}, are in {}", size(bytes), args.dest.display());
        session.printer.done(&words)?;
        Ok(Exit::Ok)
    }
}

fn is_folder_of(entry: &lilac_api::output::OutputEntry, path: &str) -> bool {
    (entry.kind == EntryKind::Folder && entry.path == path)
        || entry.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
}

fn nothing(path: &str) -> Failure {
    Failure::NotFound { kind: "output", name: path.to_owned(), list: "outputs JOB --files" }
}

/// The output that holds the path, the innermost where several do, and the path in it.
fn find<'a>(outputs: &'a [JobOutput], path: &'a str) -> Option<(&'a JobOutput, &'a str)> {
    let below = |output: &'a JobOutput| {
        let rest = path.strip_prefix(output.path.trim_end_matches('/'))?;
        let inner = if rest.is_empty() { rest } else { rest.strip_prefix('/')? };
        Some((output, inner))
    };
    outputs.iter().filter_map(below).min_by_key(|(_, inner)| inner.len())
}

async fn copy_file(
    session: &Session,
    id: JobId,
    output: &JobOutput,
    file: &str,
    dest: &Path,
    path: &str,
) -> Result<Exit, Failure> {
    let query = OutputFileQuery { path: file.to_owned(), epoch: Some(output.epoch), rank: Some(output.rank) };
    let content = match session.client.download_output_file(id, output.index, &query).await {
        Ok(content) => content,
        Err(error) if error.code() == Some(ErrorCode::NotFound) => return Err(nothing(path)),
        Err(error) => return Err(error.into()),
    };
    let name = file.rsplit('/').next().unwrap_or(file);
    let dest = if dest.is_dir() { dest.join(name) } else { dest.to_owned() };
    let progress = Progress::new(session.printer);
    let saved = download::save(progress.of(name, content), &dest).await;
    progress.clear();
    let bytes = saved?;
    session.printer.done(&format!("{}, {}", dest.display(), size(bytes)))?;
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_output_holds_a_path() {
        let output = |path: &str| JobOutput {
            epoch: 1,
            rank: 0,
            index: 0,
            path: path.to_owned(),
            state: OutputState::Stored,
            message: String::new(),
            bytes: 0,
            entry_count: 0,
            entries: Vec::new(),
            kept_until: None,
        };
        let outputs = [output("/out"), output("/out/deep"), output("/model.bin")];
        let found = |path| find(&outputs, path).map(|(output, inner)| (output.path.as_str(), inner));
        assert_eq!(found("/out"), Some(("/out", "")));
        assert_eq!(found("/out/a/b"), Some(("/out", "a/b")));
        assert_eq!(found("/out/deep/a"), Some(("/out/deep", "a")));
        assert_eq!(found("/model.bin"), Some(("/model.bin", "")));
        assert_eq!((found("/output"), found("/"), found("/etc/passwd")), (None, None, None));
    }
}
