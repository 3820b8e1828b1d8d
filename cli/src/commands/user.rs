//! `user`: accounts; for administrators.

use chrono::Utc;
use clap::Subcommand;
use lilac_api::auth::{CreateUser, NodeUser, Role, UpdateUser, User};

use crate::args::Global;
use crate::commands::prompt;
use crate::failure::{Exit, Failure};
use crate::printer::{Field, Printer, Tone, note};
use crate::session::{self, Session, change, read_all};
use crate::times;

#[derive(Debug, Subcommand)]
pub enum UserVerb {
    /// Lists accounts.
    Ls,
    /// Creates an account.
    Create {
        /// 1 to 63 characters of letters, digits, `.`, `_`, `-`.
        username: String,
        /// viewer (sees), member (submits) or admin (does everything).
        #[arg(long, value_name = "ROLE", default_value = "member")]
        role: Role,
        /// Read the password from standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Shows an account.
    Show {
        /// Name or id of the user.
        user: String,
    },
    /// Changes what an account may do.
    Role {
        /// Name or id of the user.
        user: String,
        /// viewer (sees), member (submits) or admin (does everything).
        #[arg(value_name = "ROLE")]
        role: Role,
    },
    /// Deletes an account that has no jobs. One that has them is disabled instead.
    Rm {
        /// Name or id of the user.
        user: String,
    },
    /// Ends an account's logins and keys, until it is enabled again.
    Disable {
        /// Name or id of the user.
        user: String,
    },
    /// Lets a disabled account in again.
    Enable {
        /// Name or id of the user.
        user: String,
    },
    /// Says who an account is on the nodes, where containers run as their submitter.
    NodeUser {
        /// Name or id of the user.
        user: String,
        /// User id on the nodes, from 1.
        #[arg(long)]
        uid: u32,
        /// Group id on the nodes, from 1.
        #[arg(long)]
        gid: u32,
    },
    /// Gives an account a made-up password, good for one login, which must change it.
    Reset {
        /// Name or id of the user.
        user: String,
    },
}

pub async fn run(global: &Global, verb: UserVerb) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let printer = session.printer;
    match verb {
        UserVerb::Ls => {
            let users = read_all(async |cursor| session.client.users_page(cursor).await).await?;
            let columns = ["USERNAME", "ROLE", "STATE", "CREATED"];
            printer.list(&users, &columns, row, |user| user.id.to_string())?;
        }
        UserVerb::Create { username, role, password_stdin } => {
            let password = if password_stdin {
                prompt::secret_from_stdin("a password")?
            } else if prompt::possible() {
                prompt::secret("Password of the new account", true)?
            } else {
                return Err(Failure::usage(
                    "there is no terminal to ask for the password",
                    "use --password-stdin",
                ));
            };
            let request = CreateUser::new(&username, password, role);
            let user = change(async || session.client.create_user(&request).await).await?;
            printer.one(
                &user,
                |user| user.id.to_string(),
                |user| printer.line(&format!("Created {} ({}).", user.username, user.role)),
            )?;
        }
        UserVerb::Show { user } => {
            let user = find(&session, &user).await?;
            printer.one(&user, |user| user.id.to_string(), |user| show(printer, user))?;
        }
        UserVerb::Role { user, role } => {
            let user = find(&session, &user).await?;
            let request = UpdateUser { role: Some(role), ..UpdateUser::default() };
            let user = change(async || session.client.update_user(user.id, &request).await).await?;
            printer.one(
                &user,
                |user| user.id.to_string(),
                |user| printer.line(&format!("{} is {} now.", user.username, user.role)),
            )?;
        }
        UserVerb::Rm { user } => {
            let user = find(&session, &user).await?;
            change(async || session.client.delete_user(user.id).await).await?;
            printer.done(&format!("{} is deleted.", user.username))?;
        }
        UserVerb::Disable { user } => set_disabled(&session, &user, true).await?,
        UserVerb::Enable { user } => set_disabled(&session, &user, false).await?,
        UserVerb::NodeUser { user, uid, gid } => {
            let user = find(&session, &user).await?;
            let request = UpdateUser { node_user: Some(NodeUser { uid, gid }), ..UpdateUser::default() };
            change(async || session.client.update_user(user.id, &request).await).await?;
            printer.done(&format!("{} is {uid}:{gid} on the nodes.", user.username))?;
        }
        UserVerb::Reset { user } => {
            let user = find(&session, &user).await?;
            let made_up = change(async || session.client.reset_password(user.id).await).await?;
            printer.one(
                &made_up,
                |made_up| made_up.password.0.clone(),
                |made_up| {
                    printer.line(&made_up.password.0)?;
                    note(&format!(
                        "The password of {} until the next login. It is not shown again.",
                        user.username
                    ));
                    Ok(())
                },
            )?;
        }
    }
    Ok(Exit::Ok)
}

async fn set_disabled(session: &Session, name: &str, disabled: bool) -> Result<(), Failure> {
    let user = find(session, name).await?;
    let request = UpdateUser { disabled: Some(disabled), ..UpdateUser::default() };
    change(async || session.client.update_user(user.id, &request).await).await?;
    let state = if disabled { "disabled" } else { "enabled" };
    session.printer.done(&format!("{} is {state}.", user.username))?;
    Ok(())
}

/// A user by name or id.
pub async fn find(session: &Session, name: &str) -> Result<User, Failure> {
    let users = read_all(async |cursor| session.client.users_page(cursor).await).await?;
    let found = users
        .into_iter()
        .find(|user| user.username.eq_ignore_ascii_case(name) || user.id.to_string() == name);
    found.ok_or_else(|| Failure::NotFound { kind: "user", name: name.to_owned(), list: "user ls" })
}

fn show(printer: Printer, user: &User) -> std::io::Result<()> {
    let node_user = user.node_user.as_ref().map(|user| format!("{}:{}", user.uid, user.gid));
    printer.facts(&[
        ("Username", Field::from(&user.username)),
        ("Id", user.id.to_string().into()),
        ("Called", Field::from(user.display_name.as_deref().unwrap_or_default())),
        ("Email", Field::from(user.email.as_deref().unwrap_or_default())),
        ("Role", user.role.to_string().into()),
        ("State", if user.disabled { Field::toned("disabled", Tone::Warn) } else { "active".into() }),
        ("Teams", user.teams.join(", ").into()),
        ("On nodes", node_user.unwrap_or_default().into()),
        ("Created", times::exact(user.created_at).into()),
    ])
}

fn row(user: &User) -> Vec<Field> {
    let (state, tone) = if user.disabled { ("disabled", Tone::Warn) } else { ("active", Tone::Good) };
    vec![
        Field::from(&user.username),
        user.role.to_string().into(),
        Field::toned(state, tone),
        times::ago(Utc::now(), user.created_at).into(),
    ]
}
