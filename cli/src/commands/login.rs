//! `login`, `logout`, `whoami`.
//!
//! A login lasts minutes only, so it is traded at once for an API key that belongs to this machine, is
//! seen in the list of keys, expires, and can be revoked alone.

use std::time::Duration;

use clap::Args;
use lilac_api::auth::{ChangePassword, CreateApiKey, CreatedApiKey, LoginRequest, LoginResponse, Secret};
use lilac_api::client::{Client, ClientError};
use lilac_api::problem::ErrorCode;
use lilac_api::quantity::Span;

use crate::args::Global;
use crate::commands::configure::warn_of_plain_text;
use crate::commands::prompt;
use crate::failure::{Exit, Failure};
use crate::printer::{Field, note};
use crate::profile::{self, Login};
use crate::session::{self, change, read, same_server};
use crate::times;

const KEY_LIFE: Duration = Duration::from_secs(30 * 86_400);

#[derive(Args, Debug)]
pub struct LoginArgs {
    /// Name of your account.
    #[arg(short, long, value_name = "NAME")]
    username: Option<String>,
    /// Read the password from standard input.
    #[arg(long)]
    password_stdin: bool,
}

pub async fn run(global: &Global, args: LoginArgs) -> Result<Exit, Failure> {
    let (server, mut saved) = session::server_and_profile(global)?;
    let client = Client::new(&server, None)?;
    warn_of_plain_text(&server);
    let username = match args.username {
        Some(username) => username,
        None if prompt::possible() && !args.password_stdin => {
            let before = saved.login.as_ref().map(|login| login.username.clone());
            prompt::text("Username", Some(before.unwrap_or_else(|| "admin".to_owned())))?
        }
        None => return Err(Failure::usage("no username was given", "add --username NAME")),
    };
    let password = if args.password_stdin {
        prompt::secret_from_stdin("a password")?
    } else if prompt::possible() {
        prompt::secret("Password", false)?
    } else {
        return Err(Failure::usage(
            "there is no terminal to ask for the password",
            "use --password-stdin, or set LILAC_TOKEN to an API key",
        ));
    };
    let request = LoginRequest { username, password };
    let login = change(async || client.login(&request).await).await.map_err(wrong_password)?;
    let login = if login.user.must_change_password {
        new_password(&client.with_token(login.access_token), request.password).await?
    } else {
        login
    };
    let client = client.with_token(login.access_token);
    let created = machine_key(&client).await?;
    revoke_before(&client, &saved, &server).await;
    let expires_at = created.key.expires_at;
    saved.server = Some(client.base_url().to_owned());
    saved.login = Some(Login {
        username: login.user.username.clone(),
        token: created.secret,
        key_id: created.key.id,
        expires_at,
    });
    let place = profile::place(global)?;
    profile::save(&place, &saved)?;
    let until = expires_at.map(|time| format!(" until {}", time.format("%Y-%m-%d"))).unwrap_or_default();
    global.printer().done(&format!(
        "Logged in to {} as {} ({}){until}.",
        client.base_url(),
        login.user.username,
        login.user.role
    ))?;
    Ok(Exit::Ok)
}

/// Changes a password that somebody else knows; nothing else may be done with it.
async fn new_password(client: &Client, current_password: Secret) -> Result<LoginResponse, Failure> {
    if !prompt::possible() {
        let message = "the password must be changed first, and there is no terminal to ask for a new one";
        return Err(Failure::usage(message, "log in at a terminal or in a browser"));
    }
    note("This password must be changed.");
    let new_password = prompt::secret("New password", true)?;
    let request = ChangePassword { current_password, new_password };
    Ok(change(async || client.change_password(&request).await).await?)
}

/// A wrong password is no reason to say "log in".
fn wrong_password(error: ClientError) -> Failure {
    match error {
        ClientError::Refused(problem) if problem.code == ErrorCode::Unauthenticated => {
            Failure::Refused(vec!["wrong username or password".to_owned()])
        }
        other => other.into(),
    }
}

/// The key of this machine. A name that is taken by another machine of that name gets a number.
async fn machine_key(client: &Client) -> Result<CreatedApiKey, Failure> {
    let host = nix::unistd::gethostname().unwrap_or_default();
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let host: String = host.to_string_lossy().chars().filter(|c| legal(*c)).take(40).collect();
    let base = format!("lilac_cli-{host}");
    let mut request = CreateApiKey { expires_in: Some(Span(KEY_LIFE)), ..CreateApiKey::named(&base) };
    for number in 2..=20 {
        match change(async || client.create_api_key(&request).await).await {
            Err(error) if error.code() == Some(ErrorCode::NameTaken) => {
                request.name = format!("{base}-{number}");
            }
            result => return Ok(result?),
        }
    }
    Err(Failure::usage(
        format!("all keys from {base} to {} exist already", request.name),
        "revoke some: `lilac_cli key ls`, `lilac_cli key rm`, or the page of your account",
    ))
}

/// The key that the new one replaces. Its owner may be another, or it may be gone: both are fine.
async fn revoke_before(client: &Client, saved: &profile::Profile, server: &str) {
    if let (Some(login), Some(before)) = (&saved.login, &saved.server)
        && same_server(before, server)
    {
        let _ = client.revoke_api_key(login.key_id).await;
    }
}

pub async fn logout(global: &Global) -> Result<Exit, Failure> {
    let place = profile::place(global)?;
    let mut saved = profile::load(&place)?;
    let printer = global.printer();
    let (Some(login), Some(server)) = (saved.login.take(), saved.server.clone()) else {
        printer.done("You were not logged in.")?;
        return Ok(Exit::Ok);
    };
    let client = Client::new(&server, Some(login.token))?;
    let revoked = change(async || client.revoke_api_key(login.key_id).await).await;
    profile::save(&place, &saved)?;
    match revoked {
        Ok(()) => printer.done(&format!("Logged out of {server}: the key is revoked."))?,
        Err(error) if matches!(error.code(), Some(ErrorCode::Unauthenticated | ErrorCode::NotFound)) => {
            printer.done(&format!("Logged out of {server}: the key was not valid any more."))?;
        }
        Err(error) => {
            note("the login is forgotten here, but the key could not be revoked: revoke it in the web UI");
            return Err(error.into());
        }
    }
    if std::env::var_os("LILAC_TOKEN").is_some_and(|token| !token.is_empty()) {
        note("LILAC_TOKEN is set and still logs you in");
    }
    Ok(Exit::Ok)
}

pub async fn whoami(global: &Global) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let user = read(async || session.client.me().await).await?;
    let printer = session.printer;
    printer.one(
        &user,
        |user| user.username.clone(),
        |user| {
            printer.facts(&[
                ("Username", Field::from(&user.username)),
                ("Role", user.role.to_string().into()),
                ("Server", session.client.base_url().into()),
                ("Since", times::exact(user.created_at).into()),
            ])
        },
    )?;
    Ok(Exit::Ok)
}
