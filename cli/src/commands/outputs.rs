//! `outputs`: what a job left, and what is in it.

use std::borrow::Cow;

use chrono::Utc;
use clap::Args;
use lilac_api::output::{EntryKind, JobOutput, OutputQuery, OutputState};

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::job_ref::{missing, resolve};
use crate::printer::{Field, Tone};
use crate::session::{self, read};
use crate::times;

#[derive(Args, Debug)]
pub struct OutputsArgs {
    /// Which job.
    job: String,
    /// List the files in the outputs; the first 1,000 of each.
    #[arg(short, long)]
    files: bool,
    /// Number of the attempt; the latest by default.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    attempt: Option<u32>,
    /// Rank of the node in a job of several; all by default.
    #[arg(long, value_name = "NUMBER")]
    rank: Option<u16>,
}

pub async fn run(global: &Global, args: OutputsArgs) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let id = resolve(&session, &args.job).await?;
    let query = OutputQuery { epoch: args.attempt, rank: args.rank };
    let outputs = read(async || session.client.outputs(id, &query).await)
        .await
        .map_err(|error| missing(error, &args.job))?;
    if args.files && !session.printer.json_wanted() && !session.printer.quiet {
        let rows = outputs.iter().flat_map(files).collect();
        session.printer.table(&["PATH", "KIND", ">SIZE"], rows)?;
    } else {
        let columns = ["PATH", ">RANK", "STATE", ">SIZE", ">ENTRIES", "KEPT FOR", "MESSAGE"];
        session.printer.list(&outputs, &columns, row, |output| output.path.clone())?;
    }
    Ok(Exit::Ok)
}

fn row(output: &JobOutput) -> Vec<Field> {
    let is_stored = output.state == OutputState::Stored;
    let when_stored = |text: String| if is_stored { text } else { String::new() };
    vec![
        Field::from(&output.path),
        output.rank.to_string().into(),
        Field::toned(output.state.to_string(), tone(output.state)),
        when_stored(size(output.bytes)).into(),
        when_stored(output.entry_count.to_string()).into(),
        output.kept_until.map(|until| times::ahead(Utc::now(), until)).unwrap_or_default().into(),
        Field::from(&output.message),
    ]
}

fn tone(state: OutputState) -> Tone {
    match state {
        OutputState::Stored => Tone::Good,
        OutputState::Failed => Tone::Bad,
        OutputState::Pending => Tone::Busy,
        OutputState::Removed => Tone::Faint,
    }
}

fn files(output: &JobOutput) -> Vec<Vec<Field>> {
    let rows = output.entries.iter().map(|entry| {
        let (kind, bytes) = match entry.kind {
            EntryKind::File => ("file", size(entry.size)),
            EntryKind::Folder => ("folder", String::new()),
            EntryKind::Link => ("link", String::new()),
        };
        let path = match output.lone_file() {
            Some(_) => Cow::Borrowed(output.path.as_str()),
            None => Cow::Owned(format!("{}/{}", output.path, entry.path)),
        };
        vec![Field::from(&*path), kind.to_owned().into(), bytes.into()]
    });
    rows.collect()
}

/// A size as people say it: `3.2 MiB`.
pub fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut tenths, mut unit) = (u128::from(bytes) * 10, 0);
    while tenths >= 10_240 && unit + 1 < units.len() {
        tenths /= 1024;
        unit += 1;
    }
    let name = units.get(unit).copied().unwrap_or_default();
    if unit == 0 { format!("{bytes} B") } else { format!("{}.{} {name}", tenths / 10, tenths % 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let said = [0, 1023, 1024, 3_355_443, 10 << 30, u64::MAX].map(size);
        assert_eq!(said, ["0 B", "1023 B", "1.0 KiB", "3.1 MiB", "10.0 GiB", "16777215.9 TiB"]);
    }
}
