//! Outputs: what a job leaves when its container has ended.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};
use utoipa::{IntoParams, ToSchema};

/// The most outputs of one job.
pub const MAX_OUTPUTS: usize = 16;
/// The most entries that one output may have.
pub const MAX_OUTPUT_ENTRIES: usize = 10_000;
/// The longest path in an output, in bytes.
pub const MAX_OUTPUT_PATH_BYTES: usize = 4096;
/// The most entries that a listing shows of one output; its archive has them all.
pub const MAX_LISTED_ENTRIES: usize = 1000;

/// Where an output stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, Display, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum OutputState {
    /// The attempt has not ended, or its node has not handed it over yet.
    Pending,
    /// It can be downloaded.
    Stored,
    /// It could not be had; `message` says why.
    Failed,
    /// Its time was over.
    Removed,
}

/// One output of an attempt.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobOutput {
    /// Number of the attempt.
    pub epoch: u32,
    /// Rank of the task.
    pub rank: u16,
    /// Place in the job's list of outputs, from 0.
    pub index: u16,
    /// Path in the container.
    pub path: String,
    /// Where it stands.
    pub state: OutputState,
    /// Why it failed; empty otherwise.
    pub message: String,
    /// Size of its archive.
    pub bytes: u64,
    /// How many entries the archive has.
    pub entry_count: u64,
    /// The first 1,000 of them.
    pub entries: Vec<OutputEntry>,
    /// Until when it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_until: Option<DateTime<Utc>>,
}

impl JobOutput {
    /// The name of the file that this output is, where it is no folder.
    #[must_use]
    pub fn lone_file(&self) -> Option<&str> {
        let name = self.path.rsplit('/').next()?;
        match self.entries.as_slice() {
            [entry] if entry.kind == EntryKind::File && entry.path == name => Some(name),
            _ => None,
        }
    }
}

/// What an entry of an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    File,
    Folder,
    Link,
}

/// A file, folder or link of an output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutputEntry {
    /// Path below the output's own; of an output that is a file, its name.
    pub path: String,
    pub kind: EntryKind,
    /// Bytes of a file; 0 for folders and links.
    pub size: u64,
}

/// Which attempt's outputs.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OutputQuery {
    /// Number of the attempt; the latest by default. Also `attempt`.
    #[serde(default, alias = "attempt", skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u32>,
    /// Rank of the task; 0 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u16>,
}

/// Which file of an output.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OutputFileQuery {
    /// Path of the file, as the listing shows it.
    pub path: String,
    /// Number of the attempt; the latest by default. Also `attempt`.
    #[serde(default, alias = "attempt", skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u32>,
    /// Rank of the task; 0 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u16>,
}

/// What a node must collect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutputTask {
    /// Absolute path in the container.
    pub path: String,
    /// The most bytes that the archive may have.
    pub max_bytes: u64,
    /// The most bytes that a file in it may have.
    pub max_file_bytes: u64,
}

/// That a node cannot hand an output over.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputFailure {
    /// Rank of the task.
    #[serde(default)]
    pub rank: u16,
    /// A sentence for the job's owner; at most 2,000 characters.
    pub message: String,
}

/// Whether an entry's path is one: below its archive's root, in plain segments.
#[must_use]
pub fn is_plain_path(path: &str) -> bool {
    !path.is_empty()
        && path.len() <= MAX_OUTPUT_PATH_BYTES
        && path.split('/').all(|segment| !matches!(segment, "" | "." | "..") && !segment.contains('\0'))
}

/// Whether a link at `path` that leads to `target` stays inside its archive.
#[must_use]
pub fn stays_inside(path: &str, target: &str) -> bool {
    if target.is_empty() || target.starts_with('/') || target.len() > MAX_OUTPUT_PATH_BYTES {
        return false;
    }
    let mut depth = path.split('/').count() - 1;
    for segment in target.split('/') {
        match segment {
            "" | "." => {}
            ".." if depth == 0 => return false,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_leads_nowhere_else() {
        for path in ["a", "a/b.txt", ".hidden", "..a", "a b/ü"] {
            assert!(is_plain_path(path), "{path}");
        }
        for path in
            ["", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/.", "a\0", &"a".repeat(5000)]
        {
            assert!(!is_plain_path(path), "{path}");
        }
    }

    #[test]
    fn a_link_must_not_leave() {
        for (path, target) in
            [("a", "b"), ("a/b", "../c"), ("a/b", "."), ("a/b/c", "../../d"), ("a", "./x/../y")]
        {
            assert!(stays_inside(path, target), "{path} -> {target}");
        }
        for (path, target) in [
            ("a", "/etc"),
            ("a", ".."),
            ("a", "../x"),
            ("a/b", "../../x"),
            ("a/b", "c/../../../x"),
            ("a", ""),
        ] {
            assert!(!stays_inside(path, target), "{path} -> {target}");
        }
    }
}
