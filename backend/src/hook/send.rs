//! Sending what is to be told.
//!
//! Any replica does it: each claims what is due, for a time longer than a try can last, and writes down what
//! became of it. A server that dies in between leaves a claim that runs out. So every message arrives at least
//! once, and whoever gets it twice knows it by its id. A receiver is trusted with nothing: it has ten seconds, its
//! answer's body is not read, no redirect is followed, and what fails is tried again ever more seldom.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use hmac::{Hmac, KeyInit, Mac};
use lilac_api::auth::Secret;
use lilac_api::hook::{HookJob, HookMessage, hook_headers};
use lilac_api::{DeliveryId, HookId, JobId, TeamId};
use metrics::counter;
use reqwest::{Client, StatusCode, header};
use sha2::Sha256;
use sqlx::types::Json;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::outbox::{self, Claimed, Outcome};
use super::target::{NoAddress, Resolver, Targets};
use crate::app::App;
use crate::bell::Topic;
use crate::secret::vault::Context;

/// How long a receiver may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most messages that one server sends at a time, and to one hook.
const MAX_FLIGHTS: usize = 32;
const MAX_FLIGHTS_PER_HOOK: i64 = 8;
/// A look at the outbox is due at least this often, and at most once in a pause.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(200);
/// How long a server that stops waits for what it is sending.
const STOP_PATIENCE: Duration = Duration::from_secs(3);
/// After so many tries a message is given up: with ten seconds before the second, that is after eleven hours.
const MAX_TRIES: i32 = 10;
/// The longest wait for the next try.
const MAX_WAIT: Duration = Duration::from_secs(4 * 3600);

/// Sends what is due until the server stops.
pub async fn run(app: Arc<App>) {
    let client = match client(&Arc::new(app.settings.hooks.targets.clone())) {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "hooks are not told of anything");
            return;
        }
    };
    let mut bells = app.bell.listen();
    let mut flights = JoinSet::new();
    let mut hooks: HashMap<tokio::task::Id, Uuid> = HashMap::new();
    loop {
        let busy: Vec<Uuid> = hooks.values().copied().collect();
        let free = i64::try_from(MAX_FLIGHTS.saturating_sub(flights.len())).unwrap_or_default();
        let due = outbox::claim(&app.pool, &busy, MAX_FLIGHTS_PER_HOOK, free).await;
        for claimed in due.unwrap_or_else(|error| {
            tracing::debug!(%error, "the outbox cannot be read; looking again");
            Vec::new()
        }) {
            let hook = claimed.hook_id;
            let flight = flights.spawn(deliver(app.clone(), client.clone(), claimed));
            hooks.insert(flight.id(), hook);
        }
        tokio::select! {
            _ = bells.wait_for(LOOK_EVERY, Duration::ZERO, |topic| matches!(topic, Topic::Job(_) | Topic::Hook)) => {}
            Some(ended) = flights.join_next_with_id() => landed(&mut hooks, ended),
            () = app.draining.cancelled() => break,
        }
        // What else rings or ends in this moment is looked at together.
        tokio::time::sleep(PAUSE).await;
        while let Some(ended) = flights.try_join_next_with_id() {
            landed(&mut hooks, ended);
        }
    }
    let rest = async { while flights.join_next().await.is_some() {} };
    // What is cut off is sent again when its claim has run out.
    let _ = tokio::time::timeout(STOP_PATIENCE, rest).await;
}

fn landed(
    hooks: &mut HashMap<tokio::task::Id, Uuid>,
    ended: Result<(tokio::task::Id, ()), tokio::task::JoinError>,
) {
    hooks.remove(&ended.map_or_else(|error| error.id(), |(id, ())| id));
}

/// The client that goes where hooks may lead, and nowhere else. It asks no proxy: that one would look up the host
/// by itself. Each message has a connection of its own, whose address was just looked at.
pub(super) fn client(targets: &Arc<Targets>) -> reqwest::Result<Client> {
    // A second installation finds the first in place, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .dns_resolver(Arc::new(Resolver(targets.clone())))
        .pool_max_idle_per_host(0)
        .user_agent(concat!("lilac/", env!("CARGO_PKG_VERSION")))
        .build()
}

async fn deliver(app: Arc<App>, client: Client, claimed: Claimed) {
    let (status, outcome) = attempt(&app, &client, &claimed).await;
    let (word, error) = match &outcome {
        Outcome::Delivered => ("delivered", None),
        Outcome::Failed(why, _) => ("failed", Some(why)),
        Outcome::GivenUp(why) => ("given-up", Some(why)),
    };
    counter!("lilac_hook_tries_total", "outcome" => word).increment(1);
    let (hook_id, delivery_id, tries) = (claimed.hook_id, claimed.id, claimed.tries);
    match error {
        Some(error) if word == "given-up" => {
            tracing::warn!(%hook_id, %delivery_id, tries, status, error, "a hook's message is given up");
        }
        _ => tracing::debug!(%hook_id, %delivery_id, tries, status, error, word, "a hook's message was sent"),
    }
    if let Err(error) = outbox::settle(&app.pool, &claimed, status, &outcome).await {
        tracing::warn!(%error, %delivery_id, "what became of a hook's message is not noted; it will be sent again");
    }
}

/// Sends a message once.
async fn attempt(app: &App, client: &Client, claimed: &Claimed) -> (Option<u16>, Outcome) {
    let failed = |why: String| {
        if claimed.tries >= MAX_TRIES {
            return Outcome::GivenUp(why);
        }
        let luck = f64::from(rand::random::<f32>());
        Outcome::Failed(why, wait(app.settings.hooks.first_retry, claimed.tries, luck))
    };
    let url = match app.settings.hooks.targets.check(&claimed.url) {
        Ok(url) => url,
        Err((_, why)) => return (None, failed(format!("its address is refused: {why}"))),
    };
    let context = Context::hook(TeamId(claimed.team_id), HookId(claimed.hook_id), claimed.version);
    let Ok(secret) = app.vault.open(&context, &claimed.sealed) else {
        return (None, failed("the hook's secret cannot be opened: give it another one".to_owned()));
    };
    let Some(body) = body(claimed) else {
        return (None, Outcome::GivenUp("it was written by another version of the server".to_owned()));
    };
    let timestamp = Utc::now().timestamp();
    let request = client
        .post(url)
        .header(header::CONTENT_TYPE, "application/json")
        .header(hook_headers::DELIVERY, claimed.id.to_string())
        .header(hook_headers::EVENT, &claimed.event)
        .header(hook_headers::TIMESTAMP, timestamp)
        .header(hook_headers::SIGNATURE, format!("v1={}", signature(&secret, timestamp, &body)))
        .body(body);
    match request.send().await {
        // The rest of the answer is left unread: dropping it closes the connection.
        Ok(answer) => {
            let status = answer.status();
            let outcome = match status {
                _ if status.is_success() => Outcome::Delivered,
                StatusCode::GONE => {
                    Outcome::GivenUp("the receiver answered 410: it is gone for good".to_owned())
                }
                _ if status.is_redirection() => {
                    failed(format!("the receiver answered {status}; redirects are not followed"))
                }
                _ => failed(format!("the receiver answered {status}")),
            };
            (Some(status.as_u16()), outcome)
        }
        Err(error) => (None, failed(explain(&error))),
    }
}

/// The message, the same at every try. None where what was noted cannot be read.
fn body(claimed: &Claimed) -> Option<Vec<u8>> {
    let job = claimed.job_id.zip(claimed.facts.clone());
    let message = HookMessage {
        id: DeliveryId(claimed.id),
        event: claimed.event.parse().ok()?,
        at: claimed.created_at,
        hook: claimed.hook.clone(),
        team: claimed.team.clone(),
        job: job.map(|(id, Json(facts))| HookJob { id: JobId(id), facts }),
    };
    serde_json::to_vec(&message).ok()
}

/// HMAC-SHA256 over timestamp, `.` and body, in hexadecimal.
fn signature(secret: &Secret, timestamp: i64, body: &[u8]) -> String {
    use std::fmt::Write;
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.0.as_bytes()) else { return String::new() };
    mac.update(timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.finalize().into_bytes().iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The wait after the given try, three times as long after each, give or take a fifth: what failed together is not
/// tried together.
fn wait(first: Duration, tries: i32, luck: f64) -> Duration {
    let factor = 3_u32.saturating_pow(u32::try_from(tries - 1).unwrap_or_default());
    first.saturating_mul(factor).min(MAX_WAIT).mul_f64(0.8 + 0.4 * luck)
}

/// Whether a request was not sent because its host is inside.
pub(super) fn leads_inside(error: &reqwest::Error) -> bool {
    sources(error).any(|source| source.is::<NoAddress>())
}

fn sources(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&error| error.source())
}

/// Why nothing was answered, for the people of the team: without the address, whose path may be a secret.
fn explain(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {}s", TIMEOUT.as_secs());
    }
    if leads_inside(error) {
        return NoAddress.to_string();
    }
    let cause: String = sources(error).last().map(|cause| cause.to_string()).unwrap_or_default();
    let cause: String = cause.chars().filter(|c| !c.is_control()).take(200).collect();
    match error.is_connect() {
        true => format!("cannot connect: {cause}"),
        false => format!("the connection broke: {cause}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_spread_over_hours_and_end() {
        let first = Duration::from_secs(10);
        let waits: Vec<u64> = (1..MAX_TRIES).map(|tries| wait(first, tries, 0.5).as_secs()).collect();
        assert_eq!(waits, [10, 30, 90, 270, 810, 2430, 7290, 14_400, 14_400]);
        assert_eq!(wait(first, 1, 0.0).as_secs(), 8);
        assert_eq!(wait(first, i32::MAX, 1.0).as_secs(), 17_280);
    }

    #[test]
    fn a_signature_is_what_the_guide_says() {
        // As in docs/webhooks.md, made there with openssl.
        let made =
            signature(&Secret("a-secret-of-the-guide".to_owned()), 1_700_000_000, br#"{"event":"test"}"#);
        assert_eq!(made, "3b5d781a96f04ebfcfa208bfe9848837f0ea87295c99e4fdcb66103e7f19c5ed");
    }
}
