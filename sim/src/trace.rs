//! Reads the CSV files of the GPU-sharing traces. Columns are found by their names, those that are not needed are
//! passed over, and what cannot be read is told with its file and line.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use csv::{ReaderBuilder, StringRecord, Trim};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceNode {
    pub name: String,
    pub cpu_milli: u32,
    pub memory_mib: u64,
    pub gpus: u16,
    /// Of all its GPUs; empty where the trace does not say.
    pub model: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TracePod {
    pub cpu_milli: u32,
    pub memory_mib: u64,
    pub gpus: u32,
    /// Thousandths of each of its GPUs: below 1000 only for one GPU.
    pub gpu_milli: u16,
    /// Any of these; every one where there are none.
    pub models: Vec<String>,
}

/// A pod with its times, in seconds since the trace began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedPod {
    pub pod: TracePod,
    pub submitted_secs: u64,
    /// How long it ran; none where it never did.
    pub ran_secs: Option<u64>,
    /// Its class of service, in lower case; `default` where the trace does not say.
    pub qos: String,
}

impl TracePod {
    #[must_use]
    pub fn total_gpu_milli(&self) -> u64 {
        u64::from(self.gpus) * u64::from(self.gpu_milli)
    }
}

/// # Errors
/// Where the file cannot be read, or is not a list of nodes.
pub fn nodes(path: &Path) -> anyhow::Result<Vec<TraceNode>> {
    let nodes = rows(path, &["cpu_milli", "memory_mib", "gpu"], &["sn", "model"], |line, row| {
        Ok(TraceNode {
            name: if row.text(3).is_empty() { format!("line-{line}") } else { row.text(3).to_owned() },
            cpu_milli: row.number(0)?,
            memory_mib: row.number(1)?,
            gpus: row.number::<u16>(2)?,
            model: row.text(4).to_owned(),
        })
    })?;
    ensure!(!nodes.is_empty(), "{} has no nodes", path.display());
    ensure!(nodes.iter().any(|node| node.gpus > 0), "no node in {} has a GPU", path.display());
    Ok(nodes)
}

/// # Errors
/// Where the file cannot be read, or is not a list of pods.
pub fn pods(path: &Path) -> anyhow::Result<Vec<TracePod>> {
    let pods =
        rows(path, &["cpu_milli", "memory_mib", "num_gpu"], &["gpu_milli", "gpu_spec"], |_, row| pod(row))?;
    ensure!(pods.iter().any(|pod| pod.total_gpu_milli() > 0), "no pod in {} asks for a GPU", path.display());
    Ok(pods)
}

/// # Errors
/// Where the file cannot be read, or is not a list of pods with their times.
pub fn timed_pods(path: &Path) -> anyhow::Result<Vec<TimedPod>> {
    let optional = ["gpu_milli", "gpu_spec", "creation_time", "deletion_time", "scheduled_time", "qos"];
    rows(path, &["cpu_milli", "memory_mib", "num_gpu"], &optional, |_, row| {
        let (deleted, started) = (row.number::<u64>(6)?, row.optional_number::<u64>(7)?);
        let qos = if row.text(8).is_empty() { "default".to_owned() } else { row.text(8).to_lowercase() };
        Ok(TimedPod {
            pod: pod(row)?,
            submitted_secs: row.number(5)?,
            ran_secs: started.map(|started| deleted.saturating_sub(started)),
            qos,
        })
    })
}

fn pod(row: &Row<'_>) -> anyhow::Result<TracePod> {
    let gpus: u32 = row.number(2)?;
    let share = row.optional_number::<u32>(3)?.filter(|milli| *milli > 0);
    let gpu_milli = match (gpus, share) {
        (0, _) => 0,
        (1, Some(milli)) if milli < 1000 => u16::try_from(milli)?,
        (_, None | Some(1000)) => 1000,
        // A share of several GPUs is not known: such a pod has them whole.
        (_, Some(milli)) if milli < 1000 => 1000,
        (_, Some(milli)) => {
            bail!("gpu_milli is {milli}; it is the share of one GPU in thousandths, 1000 at most")
        }
    };
    let models = row.text(4).split('|').map(str::trim).filter(|model| !model.is_empty());
    let models = if gpus == 0 { Vec::new() } else { models.map(str::to_owned).collect() };
    Ok(TracePod { cpu_milli: row.number(0)?, memory_mib: row.number(1)?, gpus, gpu_milli, models })
}

/// A line with the position of each column that is asked for.
struct Row<'a> {
    record: &'a StringRecord,
    columns: &'a [(&'a str, Option<usize>)],
}

impl Row<'_> {
    fn text(&self, column: usize) -> &str {
        self.columns[column].1.and_then(|position| self.record.get(position)).unwrap_or_default()
    }

    fn number<T: TryFrom<u64>>(&self, column: usize) -> anyhow::Result<T> {
        self.optional_number(column)?.with_context(|| format!("{} is empty", self.columns[column].0))
    }

    /// `12`, `12.0`; a part is rounded up, so that what is asked for is never too little.
    fn optional_number<T: TryFrom<u64>>(&self, column: usize) -> anyhow::Result<Option<T>> {
        let (text, name) = (self.text(column), self.columns[column].0);
        if text.is_empty() {
            return Ok(None);
        }
        let number: f64 = text.parse().with_context(|| format!("{name} is `{text}`, which is no number"))?;
        ensure!((0.0..9e15).contains(&number), "{name} is `{text}`, which is out of bounds");
        let number = T::try_from(number.ceil() as u64);
        number.map(Some).map_err(|_| anyhow::anyhow!("{name} is `{text}`, which is too large"))
    }
}

fn rows<T>(
    path: &Path,
    required: &[&str],
    optional: &[&str],
    read: impl Fn(u64, &Row<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<Vec<T>> {
    let name = path.display();
    let mut reader = ReaderBuilder::new()
        .trim(Trim::All)
        .flexible(true)
        .from_path(path)
        .with_context(|| format!("cannot read {name}"))?;
    let header = reader.headers().with_context(|| format!("cannot read the first line of {name}"))?.clone();
    let position = |column: &str| {
        header.iter().position(|found| found.trim_start_matches('\u{feff}').eq_ignore_ascii_case(column))
    };
    let columns: Vec<_> = required.iter().chain(optional).map(|column| (*column, position(column))).collect();
    let missing: Vec<&str> = columns[..required.len()]
        .iter()
        .filter(|(_, position)| position.is_none())
        .map(|(name, _)| *name)
        .collect();
    ensure!(missing.is_empty(), "{name} has no column {}; it has {}", missing.join(", "), list(&header));
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.with_context(|| format!("cannot read {name}"))?;
        if record.iter().all(str::is_empty) {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        let row = Row { record: &record, columns: &columns };
        rows.push(read(line, &row).with_context(|| format!("line {line} of {name}"))?);
    }
    Ok(rows)
}

fn list(header: &StringRecord) -> String {
    if header.is_empty() { "none".to_owned() } else { header.iter().collect::<Vec<_>>().join(", ") }
}
