//! `passwd`: changes your password.

use clap::Args;
use lilac_api::auth::{ChangePassword, Secret};

use crate::args::Global;
use crate::commands::prompt;
use crate::failure::{Exit, Failure};
use crate::session::{self, change};

#[derive(Args, Debug)]
pub struct PasswdArgs {
    /// Read the current password and the new one from standard input, a line each.
    #[arg(long)]
    password_stdin: bool,
}

pub async fn run(global: &Global, args: PasswdArgs) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let (current_password, new_password) =
        if args.password_stdin { prompt::two_secrets_from_stdin()? } else { ask()? };
    let request = ChangePassword { current_password, new_password };
    change(async || session.client.change_password(&request).await).await?;
    session.printer.done("The password is changed. Your other logins have ended; API keys go on.")?;
    Ok(Exit::Ok)
}

fn ask() -> Result<(Secret, Secret), Failure> {
    if !prompt::possible() {
        let message = "there is no terminal to ask for the passwords";
        return Err(Failure::usage(message, "use --password-stdin"));
    }
    Ok((prompt::secret("Current password", false)?, prompt::secret("New password", true)?))
}
