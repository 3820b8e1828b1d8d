//! `profile`: the saved servers.

use clap::Subcommand;
use serde::Serialize;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::printer::{Field, Tone};
use crate::profile::{self, Profile, UNNAMED};

#[derive(Debug, Subcommand)]
pub enum ProfileVerb {
    /// Lists the saved servers. `--profile NAME configure` saves another.
    Ls,
    /// Chooses the one to talk to where --profile does not say; `default` is the one without a name.
    Use {
        /// Name of the profile.
        name: String,
    },
    /// Forgets one. Its login stays valid: `--profile NAME logout` first ends it.
    Rm {
        /// Name of the profile.
        name: String,
    },
}

#[derive(Serialize)]
struct Shown {
    name: String,
    current: bool,
    server: Option<String>,
    username: Option<String>,
}

pub fn run(global: &Global, verb: ProfileVerb) -> Result<Exit, Failure> {
    let place = profile::place(global)?;
    let mut stored = profile::stored(&place.path)?;
    let printer = global.printer();
    let known = |name: &str| name == UNNAMED || stored.profiles.contains_key(name);
    match verb {
        ProfileVerb::Ls => {
            let current = place.name(&stored).unwrap_or(UNNAMED);
            let named = stored.profiles.iter().map(|(name, profile)| shown(name, current, profile));
            let unnamed = shown(UNNAMED, current, &stored.profile(None));
            let all: Vec<Shown> = std::iter::once(unnamed).chain(named).collect();
            let columns = ["NAME", "USED", "SERVER", "USER"];
            printer.list(&all, &columns, row, |one| one.name.clone())?;
        }
        ProfileVerb::Use { name } if known(&name) => {
            stored.current = Some(name.clone()).filter(|name| name != UNNAMED);
            profile::store(&place.path, &stored)?;
            let server = stored.profile(stored.current.as_deref()).server.unwrap_or_default();
            printer.done(&format!("Talking to {server} from now on (profile {name})."))?;
        }
        ProfileVerb::Rm { name } if name != UNNAMED && known(&name) => {
            stored.profiles.remove(&name);
            stored.current = stored.current.take().filter(|current| *current != name);
            profile::store(&place.path, &stored)?;
            printer.done(&format!("Profile {name} is forgotten."))?;
        }
        ProfileVerb::Use { name } | ProfileVerb::Rm { name } => {
            return Err(Failure::NotFound { kind: "profile", name, list: "profile ls" });
        }
    }
    Ok(Exit::Ok)
}

fn shown(name: &str, current: &str, profile: &Profile) -> Shown {
    Shown {
        name: name.to_owned(),
        current: name == current,
        server: profile.server.clone(),
        username: profile.login.as_ref().map(|login| login.username.clone()),
    }
}

fn row(one: &Shown) -> Vec<Field> {
    vec![
        Field::from(&one.name),
        if one.current { Field::toned("yes", Tone::Good) } else { Field::from("") },
        one.server.as_deref().unwrap_or_default().into(),
        one.username.as_deref().unwrap_or_default().into(),
    ]
}
