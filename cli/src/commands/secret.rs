//! `secret`: what jobs may know and nobody may read.

use chrono::Utc;
use clap::Subcommand;
use lilac_api::auth::Secret;
use lilac_api::secret::{CreateSecret, ReplaceSecret, StoredSecret};

use crate::args::Global;
use crate::commands::prompt;
use crate::failure::{Exit, Failure};
use crate::printer::Field;
use crate::session::{self, Session, change, read_all};
use crate::times;

#[derive(Debug, Subcommand)]
pub enum SecretVerb {
    /// Lists secrets, never their values.
    Ls,
    /// Sets a secret, or replaces its value. The value comes from standard input or is asked for.
    Set {
        /// 1 to 63 characters of letters, digits, `.`, `_`, `-`.
        name: String,
        /// Team that it is for; your only one by default.
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
    },
    /// Deletes a secret. Jobs that name it and have not started will fail to.
    Rm {
        /// Name or id of the secret.
        secret: String,
        /// Team that it belongs to, where several have one of that name.
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
    },
}

pub async fn run(global: &Global, verb: SecretVerb) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let printer = session.printer;
    match verb {
        SecretVerb::Ls => {
            let columns = ["NAME", "TEAM", ">VERSION", ">USED BY", "SET", "BY", "ID"];
            printer.list(&all(&session).await?, &columns, row, |secret| secret.id.to_string())?;
        }
        SecretVerb::Set { name, team } => {
            let value = value("Value of the secret")?;
            let known = matching(all(&session).await?, &name, team.as_deref());
            let secret = match known.as_slice() {
                [] => {
                    let request = CreateSecret { name, team, value };
                    change(async || session.client.create_secret(&request).await).await?
                }
                [known] => {
                    let request = ReplaceSecret { value };
                    change(async || session.client.replace_secret(known.id, &request).await).await?
                }
                several => return Err(ambiguous(name, several)),
            };
            printer.one(
                &secret,
                |secret| secret.id.to_string(),
                |secret| {
                    let StoredSecret { name, team, version, .. } = secret;
                    printer.line(&format!("Secret {name} of team {team} is set (version {version})."))
                },
            )?;
        }
        SecretVerb::Rm { secret, team } => {
            let known = matching(all(&session).await?, &secret, team.as_deref());
            let [known] = known.as_slice() else {
                return Err(match known.as_slice() {
                    [] => Failure::NotFound { kind: "secret", name: secret, list: "secret ls" },
                    several => ambiguous(secret, several),
                });
            };
            change(async || session.client.delete_secret(known.id).await).await?;
            printer.done(&format!("Secret {} is deleted.", known.name))?;
        }
    }
    Ok(Exit::Ok)
}

/// A value that is typed twice, or all of standard input but the newline that ends it.
pub fn value(question: &str) -> Result<Secret, Failure> {
    if prompt::possible() { prompt::secret(question, true) } else { prompt::value_from_stdin() }
}

async fn all(session: &Session) -> Result<Vec<StoredSecret>, Failure> {
    Ok(read_all(async |cursor| session.client.secrets(cursor).await).await?)
}

fn matching(secrets: Vec<StoredSecret>, name: &str, team: Option<&str>) -> Vec<StoredSecret> {
    let is_meant = |secret: &StoredSecret| {
        let in_team = team.is_none_or(|team| secret.team.eq_ignore_ascii_case(team));
        in_team && (secret.name == name || secret.id.to_string() == name)
    };
    secrets.into_iter().filter(is_meant).collect()
}

fn ambiguous(name: String, several: &[StoredSecret]) -> Failure {
    let teams: Vec<String> = several.iter().map(|secret| format!("--team {}", secret.team)).collect();
    Failure::Ambiguous { kind: "secret", text: name, candidates: teams.join(", ") }
}

fn row(secret: &StoredSecret) -> Vec<Field> {
    vec![
        Field::from(&secret.name),
        Field::from(&secret.team),
        secret.version.to_string().into(),
        secret.used_by.to_string().into(),
        times::ago(Utc::now(), secret.updated_at).into(),
        Field::from(&secret.updated_by),
        secret.id.to_string().into(),
    ]
}
