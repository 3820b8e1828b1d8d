//! Outputs: what a task leaves in the folders that its spec names. The node hands them over when the container
//! has ended, as one archive each.

use std::time::Duration;

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
