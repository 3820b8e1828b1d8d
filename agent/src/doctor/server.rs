//! The way to the control plane: address, TLS, credential, clock.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use lilac_api::AttemptId;
use lilac_api::client::{Client, ClientError};
use lilac_api::problem::ErrorCode;
use tokio::time::timeout;

use super::Finding;
use crate::config::Settings;
use crate::identity;

const TIMEOUT: Duration = Duration::from_secs(15);
/// A `Date` has whole seconds, and the answer is on its way for a while.
const TOLERANCE: TimeDelta = TimeDelta::seconds(3);

pub(super) async fn examine(settings: &Settings) -> Vec<Finding> {
    let client = match Client::new(&settings.server, None) {
        Ok(client) => client,
        Err(error) => return vec![unreachable(&settings.server, &error)],
    };
    match timeout(TIMEOUT, client.server_time()).await {
        Ok(Ok(time)) => {
            let reached = Finding::good("server", format!("{} answers", settings.server));
            vec![reached, clock(time, Utc::now()), credential(settings).await]
        }
        Ok(Err(error)) => vec![unreachable(&settings.server, &error)],
        Err(_) => {
            let late = ClientError::Broken {
                url: settings.server.clone(),
                message: format!("no answer within {} s", TIMEOUT.as_secs()),
            };
            vec![unreachable(&settings.server, &late)]
        }
    }
}

fn unreachable(server: &str, error: &ClientError) -> Finding {
    let words = error.to_string();
    let is_tls = ["certificate", "tls", "TLS", "UnknownIssuer"].iter().any(|word| words.contains(word));
    let remedy = if is_tls {
        "see that the server's certificate is for this name and has not expired, and add its authority to this \
         machine (`update-ca-certificates`)"
    } else {
        "see that `server` in the agent's configuration is the address of the server, that its name is resolved \
         here, and that no firewall or proxy stands between"
    };
    Finding::bad("server", format!("{server}: {words}"), remedy)
}

/// Leases do not count on the clock of the day; people who read times do.
fn clock(server: Option<DateTime<Utc>>, here: DateTime<Utc>) -> Finding {
    let Some(server) = server else {
        return Finding::skipped("clock", "the server does not tell its time");
    };
    let off = here - server;
    if off.abs() <= TOLERANCE {
        return Finding::good("clock", "as the server's");
    }
    let direction = if off > TimeDelta::zero() { "ahead of" } else { "behind" };
    Finding::warning(
        "clock",
        format!(
            "{} s {direction} the server's: the times of jobs and logs are off by that",
            off.abs().num_seconds()
        ),
        "let the clocks be set by NTP (`timedatectl set-ntp true`), here and on the server",
    )
}

async fn credential(settings: &Settings) -> Finding {
    let credential = match identity::load_credential(&settings.state_dir) {
        Ok(Some(credential)) => credential,
        Ok(None) if settings.join_key.is_some() => {
            return Finding::good("credential", "the node has a join key, and joins when the agent starts");
        }
        Ok(None) => {
            return Finding::bad(
                "credential",
                "the node has not joined a cluster, and has no join key",
                "make one (`lilac_cli cluster join-key create`), then `lilac_cli agent configure --join-key-stdin`",
            );
        }
        Err(error) => {
            let remedy = "run this as the agent's user; if the file is damaged, remove it and join again";
            return Finding::bad("credential", format!("{error:#}"), remedy);
        }
    };
    let client = match Client::new(&settings.server, Some(credential.credential)) {
        Ok(client) => client,
        Err(error) => return unreachable(&settings.server, &error),
    };
    // Asks for what does not exist: who is known is told so, and nothing is changed.
    let asked = timeout(TIMEOUT, client.supplies(AttemptId::new())).await;
    match asked.as_ref().map(|answer| answer.as_ref().map_err(ClientError::code)) {
        Ok(Err(Some(ErrorCode::NotFound)) | Ok(_)) => {
            Finding::good("credential", format!("the server knows this node as {}", credential.node_id))
        }
        Ok(Err(Some(ErrorCode::Unauthenticated | ErrorCode::Forbidden))) => Finding::bad(
            "credential",
            "the server does not know this node any more: it was removed, or joined from elsewhere",
            format!(
                "remove {} and join again with a join key",
                settings.state_dir.join("credential.json").display()
            ),
        ),
        _ => Finding::warning(
            "credential",
            "the server did not say whether it knows this node",
            "try again; if it stays, the server's log says more",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_told_with_its_direction() {
        let now: DateTime<Utc> = "2026-01-02T03:04:05Z".parse().unwrap();
        assert_eq!(clock(None, now).verdict, Verdict::Skipped);
        assert_eq!(clock(Some(now - TimeDelta::seconds(2)), now).verdict, Verdict::Good);
        let ahead = clock(Some(now - TimeDelta::seconds(90)), now);
        assert!(ahead.verdict == Verdict::Warning && ahead.message.starts_with("90 s ahead of"), "{ahead:?}");
        assert!(clock(Some(now + TimeDelta::seconds(10)), now).message.starts_with("10 s behind"));
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_said_with_what_to_do() {
        let config = crate::config::AgentConfig {
            server: Some("http://127.0.0.1:1".into()),
            name: Some("n".into()),
            ..Default::default()
        };
        let settings = crate::config::settle(config, |_| None).unwrap();
        let findings = examine(&settings).await;
        assert_eq!((findings.len(), findings[0].verdict), (1, Verdict::Bad), "{findings:?}");
        assert!(findings[0].remedy.as_ref().unwrap().contains("firewall"), "{findings:?}");
    }
}
