//! What can go wrong, in words: what happened, and what to do next. The exit code belongs to it.

use std::io;
use std::path::PathBuf;

use lilac_api::client::ClientError;
use lilac_api::problem::{ErrorCode, FieldError};

use crate::printer::{Tone, note, painted};
use crate::text::{clean, clean_lines};

/// How the program ended. The codes are part of the interface: scripts branch on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Ok,
    /// The awaited job failed.
    JobFailed,
    /// The awaited job goes on; the time to wait is over.
    JobUnfinished,
    JobCancelled,
    /// The awaited attempt lost its place to something more urgent; the job waits again.
    JobPreempted,
    /// The awaited job ran, or waited, for longer than it may.
    JobTimedOut,
    /// The awaited job failed by a fault of the platform.
    JobLost,
    /// A planned job would wait.
    WouldWait,
    /// A planned job can never start.
    NeverStarts,
    /// Ctrl-C.
    Interrupted,
    /// That of a program which was run in a container.
    Program(u8),
    /// A machine is not fit for the agent.
    Unfit,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::JobFailed => 100,
            Self::JobUnfinished => 101,
            Self::JobCancelled => 103,
            Self::JobPreempted => 104,
            Self::JobTimedOut => 105,
            Self::JobLost => 106,
            Self::WouldWait => 3,
            Self::NeverStarts => 4,
            Self::Interrupted => 130,
            Self::Program(code) => code,
            Self::Unfit => 1,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{message}")]
    Usage { message: String, hint: String },
    /// Input that cannot be used: one or more complaints, cleaned where they were made.
    #[error("{}", .0.join("\n"))]
    Input(Vec<String>),
    #[error(transparent)]
    Server(#[from] ClientError),
    /// What the server, or the agent, refused: one or more complaints, cleaned where they were made.
    #[error("{}", .0.join("\n"))]
    Refused(Vec<String>),
    #[error("no server is configured")]
    NoServer,
    #[error("you are not logged in to {server}")]
    NoLogin { server: String },
    #[error("your login to {server} expired {ago}")]
    Expired { server: String, ago: String },
    #[error("the saved login is for {saved}, not for {wanted}")]
    OtherServer { saved: String, wanted: String },
    #[error("there is no job `{0}`")]
    NoSuchJob(String),
    #[error("you have no job `{name}`; others have: {others}")]
    NotYours { name: String, others: String },
    #[error("no job matches")]
    NoMatch,
    #[error("there is no {kind} `{name}`")]
    NotFound { kind: &'static str, name: String, list: &'static str },
    #[error("`{text}` fits more than one {kind}: {candidates}")]
    Ambiguous { kind: &'static str, text: String, candidates: String },
    #[error("{}: {message}", path.display())]
    File { path: PathBuf, message: String, hint: String },
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    #[error("{0}")]
    Terminal(String),
    #[error("{message}")]
    Interrupted { message: String, hint: String },
}

impl Failure {
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }

    pub fn input(message: String) -> Self {
        Self::Input(vec![message])
    }

    pub fn file(path: impl Into<PathBuf>, message: impl ToString, hint: &str) -> Self {
        Self::File { path: path.into(), message: message.to_string(), hint: hint.to_owned() }
    }

    pub fn code(&self) -> u8 {
        match self {
            Self::Usage { .. } | Self::Input(_) => 2,
            Self::NoSuchJob(_) | Self::NotYours { .. } | Self::NoMatch | Self::NotFound { .. } => 102,
            Self::Interrupted { .. } => 130,
            _ => 1,
        }
    }

    /// Whether whoever read our output has closed it: nothing is left to say, and to nobody.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// What to do next; empty where the message says it.
    fn hint(&self) -> String {
        match self {
            Self::Usage { hint, .. } | Self::File { hint, .. } | Self::Interrupted { hint, .. } => {
                hint.clone()
            }
            Self::Server(error) => server_hint(error).to_owned(),
            Self::NoServer => {
                "run `lilac_cli configure --server http://HOST:8080`, or set LILAC_SERVER".into()
            }
            Self::Expired { server, .. } => format!("run `lilac_cli login --server {server}`"),
            Self::NoLogin { .. } => "run `lilac_cli login`, or set LILAC_TOKEN".into(),
            Self::OtherServer { wanted, .. } => {
                format!("run `lilac_cli login --server {wanted}`, or set LILAC_TOKEN")
            }
            Self::NoSuchJob(_) => {
                "`lilac_cli ls` shows the jobs; a name means your own newest of that name, an id may be given in \
                 full, or by its beginning or end (4 characters or more)"
                    .into()
            }
            Self::NotYours { .. } => "a name means your own jobs; name one of others by its id".into(),
            Self::NoMatch => "`lilac_cli ls` with fewer filters shows what there is".into(),
            Self::NotFound { list, .. } => format!("`lilac_cli {list}` shows what there is"),
            Self::Ambiguous { .. } => "give more of it, or the full id".into(),
            Self::Input(_) | Self::Refused(_) | Self::Output(_) | Self::Terminal(_) => String::new(),
        }
    }

    /// Tells it on standard error.
    pub fn tell(&self) {
        let complaints = match self {
            Self::Input(complaints) | Self::Refused(complaints) => {
                complaints.iter().map(|complaint| clean_lines(complaint)).collect()
            }
            Self::Server(ClientError::Refused(problem)) if !problem.errors.is_empty() => {
                fields(&problem.errors)
            }
            other => vec![clean(&other.to_string())],
        };
        for complaint in complaints {
            note(&format!("{} {complaint}", painted("error:", Tone::Bad)));
        }
        let hint = self.hint();
        if !hint.is_empty() {
            note(&format!("{} {}", painted(" help:", Tone::Busy), clean(&hint)));
        }
    }
}

/// A complaint about each refused field.
pub fn fields(errors: &[FieldError]) -> Vec<String> {
    errors.iter().map(|error| clean(&format!("{}: {}", error.path, error.message))).collect()
}

fn server_hint(error: &ClientError) -> &'static str {
    match error {
        ClientError::Tls { .. } => {
            "check that address and certificate belong together, that the certificate is of an authority this \
             machine trusts, and that the server speaks https there at all"
        }
        ClientError::OtherVersion { .. } => {
            "server and lilac_cli are of different versions: install the lilac_cli of the server's release"
        }
        ClientError::Broken { url, message }
            if url.starts_with("http://") && message.contains("HTTP version") =>
        {
            "the server may speak https there: write https:// in its address (`lilac_cli configure`)"
        }
        ClientError::Unreachable { .. } => {
            "check that the server runs and that the address is right (`lilac_cli configure`)"
        }
        ClientError::Broken { .. } => "try again; if it stays, check the network and the server's log",
        ClientError::NotLilac { .. } => {
            "check the address (`lilac_cli configure`): another program may answer there"
        }
        ClientError::Address(_) => "",
        ClientError::Refused(problem) => match problem.code {
            ErrorCode::Unauthenticated => "run `lilac_cli login`: the login is missing, expired or revoked",
            ErrorCode::Forbidden => "ask an administrator; `lilac_cli whoami` shows who you are",
            ErrorCode::TooManyRequests | ErrorCode::Unavailable => "wait a moment and try again",
            ErrorCode::Internal => "this is a defect of the server; its log says more",
            ErrorCode::UpgradeRequired => "install the version of Lilac that the server has",
            _ => "",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_stable() {
        assert_eq!(Failure::usage("x", "").code(), 2);
        assert_eq!(Failure::input("x".into()).code(), 2);
        assert_eq!(Failure::NoSuchJob("x".into()).code(), 102);
        assert_eq!(Failure::NotFound { kind: "node", name: "x".into(), list: "node ls" }.code(), 102);
        assert_eq!(Failure::NoServer.code(), 1);
        let exits = [Exit::Ok, Exit::JobFailed, Exit::JobUnfinished, Exit::JobCancelled, Exit::JobPreempted];
        assert_eq!(exits.map(Exit::code), [0, 100, 101, 103, 104]);
        let exits = [Exit::JobTimedOut, Exit::JobLost, Exit::WouldWait, Exit::NeverStarts, Exit::Interrupted];
        assert_eq!(exits.map(Exit::code), [105, 106, 3, 4, 130]);
    }

    #[test]
    fn each_refused_field_is_a_complaint() {
        let errors = [
            FieldError::new("name", "invalid-name", "must not be empty"),
            FieldError::new("env.A\u{1b}", "nul", "must not contain a NUL character"),
        ];
        let complaints = ["name: must not be empty", "env.A\\u{1b}: must not contain a NUL character"];
        assert_eq!(fields(&errors), complaints);
    }
}
