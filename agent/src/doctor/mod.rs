//! Looks at a machine as the agent needs it, says what is wrong, and how it is mended.
//!
//! It only looks: nothing is written, made or started, and a running agent is not disturbed.

mod docker;
mod gpu;
mod host;
mod server;

use std::path::Path;

use lilac_api::spec::Runtime;
use serde::Serialize;

use crate::config::Settings;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Good,
    /// The agent works, less well than it could.
    Warning,
    /// The agent, or its jobs, will not work.
    Bad,
    /// It does not concern this machine, or cannot be told here.
    Skipped,
}

/// What was found out about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable word for what was looked at.
    pub check: &'static str,
    pub verdict: Verdict,
    pub message: String,
    /// How it is mended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    fn good(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Good, message: message.into(), remedy: None }
    }

    fn skipped(check: &'static str, message: impl Into<String>) -> Self {
        Self { verdict: Verdict::Skipped, ..Self::good(check, message) }
    }

    fn warning(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, remedy: Some(remedy.into()), ..Self::good(check, message) }
    }

    /// What keeps the agent from working.
    pub fn bad(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { verdict: Verdict::Bad, remedy: Some(remedy.into()), ..Self::good(check, message) }
    }
}

/// What takes Docker's place where jobs are processes.
fn processes() -> Finding {
    match crate::process::check_node() {
        Ok(()) => Finding::good("process", "jobs can be run as processes of this machine"),
        Err(error) => Finding::bad("process", error.to_string(), "see `Processes` in the agent's guide"),
    }
}

/// All that there is to say about this machine.
pub async fn examine(settings: &Settings) -> Vec<Finding> {
    let root = Path::new("/");
    let mut findings = server::examine(settings).await;
    let (found, daemon) = match settings.runtime {
        Runtime::Docker => docker::examine(&settings.docker_host).await,
        Runtime::Process => (vec![processes()], None),
    };
    findings.extend(found);
    findings.extend(host::examine(settings, root));
    findings.extend(gpu::examine(root, settings.nvml.as_deref(), daemon.as_ref()));
    findings
}
