//! One invocation's connection: the server, the login, and how to try again.

use std::time::Duration;

use lilac_api::auth::Secret;
use lilac_api::client::{Client, ClientError};
use lilac_api::page::Page;

use crate::args::Global;
use crate::failure::Failure;
use crate::printer::{Printer, note};
use crate::profile;
use crate::times;

/// How often a call is tried before it counts as failed; the waits between add up to about two seconds.
const TRIES: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// How long a patient call bears an outage.
const PATIENCE: Duration = Duration::from_secs(600);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub struct Session {
    pub client: Client,
    pub printer: Printer,
}

/// The session of somebody who is logged in.
pub fn open(global: &Global) -> Result<Session, Failure> {
    let (server, profile) = server_and_profile(global)?;
    let token = match environment_token()? {
        Some(token) => token,
        None => match (profile.login, profile.server) {
            (Some(login), Some(saved)) if same_server(&saved, &server) => {
                let now = chrono::Utc::now();
                if let Some(end) = login.expires_at.filter(|end| *end < now) {
                    return Err(Failure::Expired { server, ago: times::ago(now, end) });
                }
                login.token
            }
            (Some(_), Some(saved)) => return Err(Failure::OtherServer { saved, wanted: server }),
            _ => return Err(Failure::NoLogin { server }),
        },
    };
    Ok(Session { client: Client::new(&server, Some(token))?, printer: global.printer() })
}

/// The address to talk to, and the saved profile.
pub fn server_and_profile(global: &Global) -> Result<(String, profile::Profile), Failure> {
    let profile = profile::load(&profile::place(global)?)?;
    let server = global.server().or_else(|| profile.server.clone()).ok_or(Failure::NoServer)?;
    Ok((server, profile))
}

/// Whether two addresses are one server, as far as their text says.
pub fn same_server(one: &str, other: &str) -> bool {
    one.trim_end_matches('/').eq_ignore_ascii_case(other.trim_end_matches('/'))
}

fn environment_token() -> Result<Option<Secret>, Failure> {
    let Some(value) = std::env::var_os("LILAC_TOKEN").filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let text = value.to_str().map(str::trim).unwrap_or_default();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::usage(
            "LILAC_TOKEN holds no token: a token is one word of ASCII characters",
            "set it to an API key (`lilac_cli key create`), or unset it to use the saved login",
        ));
    }
    Ok(Some(Secret(text.to_owned())))
}

/// Which errors allow another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// The call may be repeated whatever became of it: it reads, or carries an idempotency key.
    WhateverHappened,
    /// Only when it surely had no effect.
    IfNothingHappened,
}

impl Again {
    fn allows(self, error: &ClientError) -> bool {
        match self {
            Self::WhateverHappened => error.is_transient(),
            Self::IfNothingHappened => error.is_transient() && !matches!(error, ClientError::Broken { .. }),
        }
    }
}

/// A call that is tried again a few times when nobody answers or the server asks for patience.
pub async fn attempt<T>(
    again: Again,
    call: impl AsyncFn() -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    let mut wait = FIRST_WAIT;
    for _ in 1..TRIES {
        match call().await {
            Err(error) if again.allows(&error) => pause(&mut wait, Duration::from_secs(2)).await,
            result => return result,
        }
    }
    call().await
}

/// A call that reads, tried a few times.
pub async fn read<T>(call: impl AsyncFn() -> Result<T, ClientError>) -> Result<T, ClientError> {
    attempt(Again::WhateverHappened, call).await
}

/// All items of a list, page by page.
pub async fn read_all<T>(
    page: impl AsyncFn(Option<&str>) -> Result<Page<T>, ClientError>,
) -> Result<Vec<T>, ClientError> {
    let (mut items, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let next = read(async || page(cursor.as_deref()).await).await?;
        items.extend(next.items);
        cursor = next.next_cursor;
        if cursor.is_none() {
            return Ok(items);
        }
    }
}

/// A call that changes something, tried again only when it surely had no effect.
pub async fn change<T>(call: impl AsyncFn() -> Result<T, ClientError>) -> Result<T, ClientError> {
    attempt(Again::IfNothingHappened, call).await
}

/// A call that reads for somebody who waits anyway: bears an outage of minutes, such as a restart or an
/// upgrade of the server.
pub async fn patiently<T>(call: impl AsyncFn() -> Result<T, ClientError>) -> Result<T, ClientError> {
    let started = tokio::time::Instant::now();
    let mut wait = FIRST_WAIT;
    let mut told = false;
    loop {
        match call().await {
            Err(error) if error.is_transient() && started.elapsed() < PATIENCE => {
                if !told && started.elapsed() > Duration::from_secs(1) {
                    note(&format!("{}; trying again …", crate::text::clean(&error.to_string())));
                    told = true;
                }
                pause(&mut wait, LONGEST_WAIT).await;
            }
            result => {
                if told && result.is_ok() {
                    note("the server answers again");
                }
                return result;
            }
        }
    }
}

/// Waits for half of `wait` to all of it, so that many clients do not come back at once; doubles it.
pub async fn pause(wait: &mut Duration, longest: Duration) {
    tokio::time::sleep(wait.mul_f64(rand::random_range(0.5..=1.0))).await;
    *wait = (*wait * 2).min(longest);
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use lilac_api::problem::{ErrorCode, Problem};

    use super::*;

    fn refused(status: u16, code: ErrorCode) -> ClientError {
        ClientError::Refused(Box::new(Problem {
            kind: "about:blank".into(),
            title: String::new(),
            status,
            code,
            detail: String::new(),
            errors: Vec::new(),
        }))
    }

    fn broken() -> ClientError {
        ClientError::Broken { url: String::new(), message: String::new() }
    }

    async fn tries(again: Again, error: impl Fn() -> ClientError) -> u32 {
        let count = Cell::new(0);
        let result: Result<(), _> = attempt(again, async || {
            count.set(count.get() + 1);
            Err(error())
        })
        .await;
        assert!(result.is_err());
        count.get()
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_may_help_is_tried_again() {
        let unavailable = || refused(503, ErrorCode::Unavailable);
        assert_eq!(tries(Again::WhateverHappened, unavailable).await, TRIES);
        assert_eq!(tries(Again::WhateverHappened, broken).await, TRIES);
        assert_eq!(tries(Again::WhateverHappened, || refused(422, ErrorCode::InvalidField)).await, 1);
        assert_eq!(tries(Again::IfNothingHappened, unavailable).await, TRIES);
        assert_eq!(tries(Again::IfNothingHappened, broken).await, 1);
    }

    #[test]
    fn servers_are_told_apart() {
        assert!(same_server("http://A:1/", "http://a:1"));
        assert!(!same_server("http://a:1", "http://a:2"));
        assert!(!same_server("http://a", "https://a"));
    }
}
