//! `key`: your API keys.

use chrono::{DateTime, Utc};
use clap::Subcommand;
use lilac_api::auth::{ApiKey, CreateApiKey};
use lilac_api::quantity::Span;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::printer::{Field, Tone, note};
use crate::session::{self, change, read};
use crate::times;

#[derive(Debug, Subcommand)]
pub enum KeyVerb {
    /// Lists your API keys.
    Ls,
    /// Makes a key for a program. Its secret is shown this once; with -q nothing else is.
    Create {
        /// What it is for.
        #[arg(long, value_name = "NAME")]
        name: String,
        /// How long it may be used: 1h, 90d. For ever by default.
        #[arg(long, value_name = "TIME")]
        expires_in: Option<Span>,
    },
    /// Revokes a key.
    Rm {
        /// Name or id of the key.
        key: String,
    },
}

pub async fn run(global: &Global, verb: KeyVerb) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let printer = session.printer;
    match verb {
        KeyVerb::Ls => {
            let keys = read(async || session.client.api_keys().await).await?.items;
            let columns = ["NAME", "EXPIRES", "LAST USED", "CREATED", "ID"];
            printer.list(&keys, &columns, row, |key| key.id.to_string())?;
        }
        KeyVerb::Create { name, expires_in } => {
            let request = CreateApiKey { name, expires_in };
            let created = change(async || session.client.create_api_key(&request).await).await?;
            printer.one(
                &created,
                |created| created.secret.0.clone(),
                |created| {
                    printer.line(&created.secret.0)?;
                    note(&format!(
                        "Whoever has this key acts as you (expires {}). It is not shown again; give it to programs as \
                         LILAC_TOKEN.",
                        expiry(created.key.expires_at)
                    ));
                    Ok(())
                },
            )?;
        }
        KeyVerb::Rm { key } => {
            let keys = read(async || session.client.api_keys().await).await?.items;
            let found: Vec<ApiKey> =
                keys.into_iter().filter(|known| known.id.to_string() == key || known.name == key).collect();
            let [found] = found.as_slice() else {
                return Err(match found.as_slice() {
                    [] => Failure::NotFound { kind: "API key", name: key, list: "key ls" },
                    several => {
                        let ids: Vec<String> = several.iter().map(|key| key.id.to_string()).collect();
                        Failure::Ambiguous { kind: "API key", text: key, candidates: ids.join(", ") }
                    }
                });
            };
            change(async || session.client.revoke_api_key(found.id).await).await?;
            printer.done(&format!("API key {} is revoked.", found.name))?;
        }
    }
    Ok(Exit::Ok)
}

fn row(key: &ApiKey) -> Vec<Field> {
    let now = Utc::now();
    vec![
        Field::from(&key.name),
        expiry(key.expires_at).into(),
        key.last_used_at.map_or("never".to_owned(), |time| times::ago(now, time)).into(),
        times::ago(now, key.created_at).into(),
        Field::toned(key.id.to_string(), Tone::Faint),
    ]
}

/// When a key expires: `in 30d`, `never`, `past`.
pub fn expiry(expires_at: Option<DateTime<Utc>>) -> String {
    expires_at.map_or("never".to_owned(), |time| times::ahead(Utc::now(), time))
}
