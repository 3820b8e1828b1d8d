//! `key`: your API keys.

use chrono::{DateTime, Utc};
use clap::Subcommand;
use lilac_api::auth::{ApiKey, CreateApiKey, Scope};
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
        /// What it may be used for: read, write (includes read), admin (includes write), account (your keys,
        /// password and profile). Repeatable; all that your own login may by default.
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<Scope>,
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
            let columns = ["NAME", "SCOPES", "EXPIRES", "LAST USED", "CREATED", "ID"];
            printer.list(&keys, &columns, row, |key| key.id.to_string())?;
        }
        KeyVerb::Create { name, expires_in, scopes } => {
            let scopes = (!scopes.is_empty()).then_some(scopes);
            let request = CreateApiKey { name, expires_in, scopes };
            let created = change(async || session.client.create_api_key(&request).await).await?;
            printer.one(
                &created,
                |created| created.secret.0.clone(),
                |created| {
                    printer.line(&created.secret.0)?;
                    note(&format!(
                        "Whoever has this key acts as you ({}; expires {}). It is not shown again; give it to programs as \
                         LILAC_TOKEN.",
                        allowed(&created.key),
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
        allowed(key).into(),
        expiry(key.expires_at).into(),
        key.last_used_at.map_or("never".to_owned(), |time| times::ago(now, time)).into(),
        times::ago(now, key.created_at).into(),
        Field::toned(key.id.to_string(), Tone::Faint),
    ]
}

/// What a key may be used for: `read,account`, or `all`.
fn allowed(key: &ApiKey) -> String {
    if [Scope::Admin, Scope::Account].iter().all(|scope| key.scopes.contains(scope)) {
        return "all".to_owned();
    }
    let words: Vec<&str> = key.scopes.iter().map(<&str>::from).collect();
    words.join(",")
}

/// When a key expires: `in 30d`, `never`, `past`.
pub fn expiry(expires_at: Option<DateTime<Utc>>) -> String {
    expires_at.map_or("never".to_owned(), |time| times::ahead(Utc::now(), time))
}
