//! Outputs: what a task leaves in the folders that its spec names. The node hands them over when the container
//! has ended, as one archive each: the bytes lie in the store, what they are stands in the database.

mod archive;
pub mod intake;
pub mod routes;
mod store;

use std::time::Duration;

use lilac_api::output::OutputTask;

/// What a task may leave.
#[derive(Clone, Copy, Debug)]
pub struct OutputLimits {
    /// Size of one archive.
    pub bytes: u64,
    /// Size of one file in it.
    pub file_bytes: u64,
    /// How long it is kept where the spec does not say.
    pub keep: Duration,
}

impl Default for OutputLimits {
    fn default() -> Self {
        Self { bytes: 10 << 30, file_bytes: 10 << 30, keep: Duration::from_secs(30 * 86_400) }
    }
}

impl OutputLimits {
    /// What a node is told of the output at `path`.
    pub fn task(self, path: String) -> OutputTask {
        OutputTask { path, max_bytes: self.bytes, max_file_bytes: self.file_bytes }
    }
}
