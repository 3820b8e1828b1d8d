//! `team`: people who see each other's jobs.

use chrono::Utc;
use clap::Subcommand;
use lilac_api::team::{CreateTeam, Team};

use crate::args::Global;
use crate::commands::user;
use crate::failure::{Exit, Failure};
use crate::printer::Field;
use crate::session::{self, Session, change, read_all};
use crate::times;

#[derive(Debug, Subcommand)]
pub enum TeamVerb {
    /// Lists your teams; all for administrators.
    Ls,
    /// Creates a team.
    Create {
        /// 1 to 63 characters of letters, digits, `.`, `_`, `-`.
        name: String,
    },
    /// Deletes a team that owns nothing any more.
    Rm {
        /// Name or id of the team.
        team: String,
    },
    /// Puts a user into a team.
    Add {
        /// Name or id of the team.
        team: String,
        /// Name or id of the user.
        user: String,
    },
    /// Takes a user out of a team.
    Remove {
        /// Name or id of the team.
        team: String,
        /// Name or id of the user.
        user: String,
    },
}

pub async fn run(global: &Global, verb: TeamVerb) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let printer = session.printer;
    match verb {
        TeamVerb::Ls => {
            let teams = read_all(async |cursor| session.client.teams_page(cursor).await).await?;
            printer.list(&teams, &["NAME", ">MEMBERS", "CREATED", "ID"], row, |team| team.id.to_string())?;
        }
        TeamVerb::Create { name } => {
            let request = CreateTeam { name };
            let team = change(async || session.client.create_team(&request).await).await?;
            printer.one(
                &team,
                |team| team.id.to_string(),
                |team| printer.line(&format!("Created team {}.", team.name)),
            )?;
        }
        TeamVerb::Rm { team } => {
            let team = find(&session, &team).await?;
            change(async || session.client.delete_team(team.id).await).await?;
            printer.done(&format!("Team {} is gone.", team.name))?;
        }
        TeamVerb::Add { team, user } => {
            let (team, user) = (find(&session, &team).await?, user::find(&session, &user).await?);
            change(async || session.client.add_team_member(team.id, user.id).await).await?;
            printer.done(&format!("{} is in team {}.", user.username, team.name))?;
        }
        TeamVerb::Remove { team, user } => {
            let (team, user) = (find(&session, &team).await?, user::find(&session, &user).await?);
            change(async || session.client.remove_team_member(team.id, user.id).await).await?;
            printer.done(&format!("{} is not in team {} any more.", user.username, team.name))?;
        }
    }
    Ok(Exit::Ok)
}

async fn find(session: &Session, name: &str) -> Result<Team, Failure> {
    let teams = read_all(async |cursor| session.client.teams_page(cursor).await).await?;
    let found =
        teams.into_iter().find(|team| team.name.eq_ignore_ascii_case(name) || team.id.to_string() == name);
    found.ok_or_else(|| Failure::NotFound { kind: "team", name: name.to_owned(), list: "team ls" })
}

fn row(team: &Team) -> Vec<Field> {
    vec![
        Field::from(&team.name),
        team.members.to_string().into(),
        times::ago(Utc::now(), team.created_at).into(),
        team.id.to_string().into(),
    ]
}
