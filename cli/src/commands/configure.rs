//! `configure`: which server to talk to.

use lilac_api::client::{Client, ClientError};

use crate::args::Global;
use crate::commands::prompt;
use crate::failure::{Exit, Failure};
use crate::printer::{Tone, note, painted};
use crate::profile;
use crate::session::same_server;

pub async fn run(global: &Global) -> Result<Exit, Failure> {
    let place = profile::place(global)?;
    let mut saved = profile::load(&place)?;
    let server = match global.server() {
        Some(server) => server,
        None if prompt::possible() => {
            let proposal = saved.server.clone().unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
            prompt::text("Address of the server", Some(proposal))?
        }
        None => return Err(Failure::usage("no server was given", "add --server http://HOST:8080")),
    };
    let client = Client::new(&server, None)?;
    warn_of_plain_text(&server);
    // Without a token, a Lilac server says 401: that is answer enough.
    match client.me().await {
        Ok(_) | Err(ClientError::Refused(_)) => {}
        Err(error @ ClientError::NotLilac { .. }) => return Err(error.into()),
        Err(error) => {
            let message = format!("saved, but at the moment: {}", crate::text::clean(&error.to_string()));
            note(&painted(&message, Tone::Warn));
        }
    }
    if saved.server.as_deref().is_some_and(|before| !same_server(before, &server)) {
        saved.login = None;
    }
    saved.server = Some(client.base_url().to_owned());
    profile::save(&place, &saved)?;
    let printer = global.printer();
    printer.done(&format!(
        "Talking to {} from now on (saved in {}).",
        client.base_url(),
        place.path.display()
    ))?;
    if saved.login.is_none() {
        printer.done("Next: `lilac_cli login`")?;
    }
    Ok(Exit::Ok)
}

/// Says so when a password or token would cross a network unencrypted.
pub fn warn_of_plain_text(server: &str) {
    let Some(rest) = server.strip_prefix("http://") else { return };
    let host = rest.split('/').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host).trim_matches(['[', ']']);
    let local = host == "localhost" || host.starts_with("127.") || host == "::1";
    if !local {
        note(&painted(
            "this address is plain http: passwords, tokens and logs cross the network readable; use https",
            Tone::Warn,
        ));
    }
}
