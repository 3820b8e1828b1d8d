//! `registry`: the logins with which images are pulled.

use chrono::Utc;
use clap::Subcommand;
use lilac_api::secret::{CreateRegistry, Registry};

use crate::args::Global;
use crate::commands::secret::value;
use crate::failure::{Exit, Failure};
use crate::printer::Field;
use crate::session::{self, Session, change, read_all};
use crate::times;

#[derive(Debug, Subcommand)]
pub enum RegistryVerb {
    /// Lists registry logins, never their passwords.
    Ls,
    /// Adds a login. The password comes from standard input or is asked for.
    Add {
        /// 1 to 63 characters of letters, digits, `.`, `_`, `-`.
        name: String,
        /// HOST or HOST:PORT as in the names of images; docker.io for those without one.
        #[arg(long = "registry-server", value_name = "HOST[:PORT]")]
        registry_server: String,
        /// Who logs in there.
        #[arg(long, value_name = "NAME")]
        username: String,
        /// Team that it is for; your only one by default.
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
    },
    /// Deletes a login.
    Rm {
        /// Name or id of the login.
        registry: String,
        /// Team that it belongs to, where several have one of that name.
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
    },
}

pub async fn run(global: &Global, verb: RegistryVerb) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let printer = session.printer;
    match verb {
        RegistryVerb::Ls => {
            let columns = ["NAME", "TEAM", "SERVER", "USERNAME", "CREATED", "BY", "ID"];
            printer.list(&all(&session).await?, &columns, row, |registry| registry.id.to_string())?;
        }
        RegistryVerb::Add { name, registry_server, username, team } => {
            let password = value("Password at the registry")?;
            let request = CreateRegistry { name, team, server: registry_server, username, password };
            let registry = change(async || session.client.create_registry(&request).await).await?;
            printer.one(
                &registry,
                |registry| registry.id.to_string(),
                |registry| {
                    let Registry { name, server, username, .. } = registry;
                    printer.line(&format!("Added {name}: {username} at {server}."))
                },
            )?;
        }
        RegistryVerb::Rm { registry: name, team } => {
            let is_meant = |registry: &Registry| {
                let in_team = team.as_ref().is_none_or(|team| registry.team.eq_ignore_ascii_case(team));
                in_team && (registry.name == name || registry.id.to_string() == name)
            };
            let known: Vec<Registry> = all(&session).await?.into_iter().filter(is_meant).collect();
            let [known] = known.as_slice() else {
                return Err(match known.as_slice() {
                    [] => Failure::NotFound { kind: "registry login", name, list: "registry ls" },
                    several => {
                        let teams: Vec<String> =
                            several.iter().map(|registry| format!("--team {}", registry.team)).collect();
                        Failure::Ambiguous {
                            kind: "registry login",
                            text: name,
                            candidates: teams.join(", "),
                        }
                    }
                });
            };
            change(async || session.client.delete_registry(known.id).await).await?;
            printer.done(&format!("Registry login {} is deleted.", known.name))?;
        }
    }
    Ok(Exit::Ok)
}

async fn all(session: &Session) -> Result<Vec<Registry>, Failure> {
    Ok(read_all(async |cursor| session.client.registries(cursor).await).await?)
}

fn row(registry: &Registry) -> Vec<Field> {
    vec![
        Field::from(&registry.name),
        Field::from(&registry.team),
        Field::from(&registry.server),
        Field::from(&registry.username),
        times::ago(Utc::now(), registry.created_at).into(),
        Field::from(&registry.created_by),
        registry.id.to_string().into(),
    ]
}
