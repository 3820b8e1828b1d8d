//! `user`: accounts; for administrators.

use chrono::Utc;
use clap::Subcommand;
use lilac_api::auth::{CreateUser, Role, User};

use crate::args::Global;
use crate::commands::prompt;
use crate::failure::{Exit, Failure};
use crate::printer::{Field, Tone};
use crate::session::{self, change, read};
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
}

pub async fn run(global: &Global, verb: UserVerb) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let printer = session.printer;
    match verb {
        UserVerb::Ls => {
            let users = read(async || session.client.users().await).await?.items;
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
    }
    Ok(Exit::Ok)
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
