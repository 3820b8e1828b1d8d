//! `hook`: addresses that are told what becomes of a team's jobs.

use std::time::Duration;

use chrono::Utc;
use clap::Subcommand;
use lilac_api::hook::{CreateHook, CreatedHook, Delivery, DeliveryState, HOOK_STATES, Hook, RotateHook};
use lilac_api::job::JobState;
use lilac_api::{DeliveryId, HookId};

use crate::args::Global;
use crate::commands::secret::value;
use crate::failure::{Exit, Failure};
use crate::printer::{Field, Printer, Tone, note};
use crate::session::{self, Session, change, read};
use crate::times;

/// How long `hook test` waits for what becomes of its message: longer than one try can take.
const TEST_PATIENCE: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(300);

#[derive(Debug, Subcommand)]
pub enum HookVerb {
    /// Lists hooks, never their secrets.
    Ls,
    /// Makes a hook. Its secret is shown this once; with -q nothing else is.
    Create {
        /// 1 to 63 characters of letters, digits, `.`, `_`, `-`.
        name: String,
        /// Where it is: https://HOST/PATH.
        url: String,
        /// What it may be told of: running, held, succeeded, failed, cancelled. Repeatable; all by default.
        #[arg(long = "on", value_name = "STATE")]
        on: Vec<JobState>,
        /// Bring the secret yourself: it comes from standard input or is asked for.
        #[arg(long)]
        own_secret: bool,
        /// Team that it is for; your only one by default.
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
    },
    /// Deletes a hook. Jobs that name it tell it nothing any more.
    Rm {
        /// Name or id of the hook.
        hook: String,
        /// Team that it belongs to, where several have one of that name.
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
    },
    /// Sends a hook a message that tells of no job, and says what the receiver answered.
    Test {
        /// Name or id of the hook.
        hook: String,
        /// Team that it belongs to, where several have one of that name.
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
    },
    /// Lists what a hook was sent lately and will be, the newest first.
    Deliveries {
        /// Name or id of the hook.
        hook: String,
        /// Team that it belongs to, where several have one of that name.
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
    },
    /// Gives a hook another secret, shown this once; with -q nothing else is. The old one signs nothing any more.
    Rotate {
        /// Name or id of the hook.
        hook: String,
        /// Bring the secret yourself: it comes from standard input or is asked for.
        #[arg(long)]
        own_secret: bool,
        /// Team that it belongs to, where several have one of that name.
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
    },
    /// Sends a delivery once more, now.
    Redeliver {
        /// Name or id of the hook.
        hook: String,
        /// Id of the delivery, as `hook deliveries` shows it.
        delivery: DeliveryId,
        /// Team that it belongs to, where several have one of that name.
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
    },
}

pub async fn run(global: &Global, verb: HookVerb) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let printer = session.printer;
    match verb {
        HookVerb::Ls => {
            let columns = ["NAME", "TEAM", "TOLD OF", "ENABLED", "URL", "ID"];
            printer.list(&all(&session).await?, &columns, row, |hook| hook.id.to_string())?;
        }
        HookVerb::Create { name, url, on, own_secret, team } => {
            let secret = own_secret.then(|| value("Secret of the hook")).transpose()?;
            let events = if on.is_empty() { HOOK_STATES.to_vec() } else { on };
            let request = CreateHook { name, team, url, events, secret };
            // Not repeated by itself: the secret would be lost with the first answer.
            let created = session.client.create_hook(&request).await?;
            told_secret(printer, &created, "made")?;
        }
        HookVerb::Rm { hook, team } => {
            let hook = find(&session, hook, team.as_deref()).await?;
            change(async || session.client.delete_hook(hook.id).await).await?;
            printer.done(&format!("Hook {} is deleted.", hook.name))?;
        }
        HookVerb::Test { hook, team } => {
            let hook = find(&session, hook, team.as_deref()).await?;
            let delivery = test(&session, hook.id).await?;
            let was_delivered = delivery.state == DeliveryState::Delivered;
            if !was_delivered {
                let why = delivery.last_error.as_deref().unwrap_or("it was not sent yet");
                return Err(Failure::Refused(vec![format!("hook {}: {why}", hook.name)]));
            }
            printer.one(
                &delivery,
                |one| one.id.to_string(),
                |one| {
                    printer.line(&format!(
                        "Delivered: the receiver answered {}.",
                        one.status.unwrap_or_default()
                    ))
                },
            )?;
        }
        HookVerb::Rotate { hook, own_secret, team } => {
            let hook = find(&session, hook, team.as_deref()).await?;
            let secret = own_secret.then(|| value("Secret of the hook")).transpose()?;
            let request = RotateHook { secret };
            let rotated = session.client.rotate_hook(hook.id, &request).await?;
            told_secret(printer, &rotated, "given another secret")?;
        }
        HookVerb::Redeliver { hook, delivery, team } => {
            let hook = find(&session, hook, team.as_deref()).await?;
            let sent = session.client.redeliver(hook.id, delivery).await?;
            let deliveries = "`lilac_cli hook deliveries` tells what becomes of it";
            printer.one(
                &sent,
                |one| one.id.to_string(),
                |one| printer.line(&format!("{} of {} is sent again; {deliveries}.", one.event, hook.name)),
            )?;
        }
        HookVerb::Deliveries { hook, team } => {
            let hook = find(&session, hook, team.as_deref()).await?;
            let deliveries = read(async || session.client.hook_deliveries(hook.id, None).await).await?.items;
            let columns = ["EVENT", "JOB", "STATE", ">TRIES", ">STATUS", "MADE", "NEXT TRY", "ID", "MESSAGE"];
            printer.list(&deliveries, &columns, delivery_row, |one| one.id.to_string())?;
        }
    }
    Ok(Exit::Ok)
}

/// Shows the secret of a hook, the only time that it is.
fn told_secret(printer: Printer, created: &CreatedHook, what: &str) -> Result<(), Failure> {
    let secret = created.secret.as_ref().map(|secret| secret.0.clone()).unwrap_or_default();
    printer.one(
        created,
        |_| secret.clone(),
        |created| {
            if !secret.is_empty() {
                printer.line(&secret)?;
            }
            let shown = if secret.is_empty() { "" } else { " This is its secret: it is not shown again." };
            note(&format!("Hook {} is {what}.{shown} `lilac_cli hook test` tries it.", created.hook.name));
            Ok(())
        },
    )?;
    Ok(())
}

/// Sends a test and waits until it was tried once.
async fn test(session: &Session, hook: HookId) -> Result<Delivery, Failure> {
    let mut delivery = session.client.test_hook(hook).await?;
    let deadline = tokio::time::Instant::now() + TEST_PATIENCE;
    let is_open = |one: &Delivery| one.state == DeliveryState::Pending && one.last_error.is_none();
    while is_open(&delivery) && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(LOOK_EVERY).await;
        delivery = read(async || session.client.hook_delivery(hook, delivery.id).await).await?;
    }
    Ok(delivery)
}

async fn all(session: &Session) -> Result<Vec<Hook>, Failure> {
    let (mut items, mut cursor) = (Vec::new(), None);
    loop {
        let page = read(async || session.client.hooks(cursor.as_deref()).await).await?;
        items.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(items);
        }
    }
}

async fn find(session: &Session, name: String, team: Option<&str>) -> Result<Hook, Failure> {
    let is_meant = |hook: &Hook| {
        let in_team = team.is_none_or(|team| hook.team.eq_ignore_ascii_case(team));
        in_team && (hook.name == name || hook.id.to_string() == name)
    };
    let mut found: Vec<Hook> = all(session).await?.into_iter().filter(is_meant).collect();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Failure::NotFound { kind: "hook", name, list: "hook ls" }),
        _ => {
            let teams: Vec<String> = found.iter().map(|hook| format!("--team {}", hook.team)).collect();
            Err(Failure::Ambiguous { kind: "hook", text: name, candidates: teams.join(", ") })
        }
    }
}

fn row(hook: &Hook) -> Vec<Field> {
    let events: Vec<&str> = hook.events.iter().map(|state| state.as_str()).collect();
    vec![
        Field::from(&hook.name),
        Field::from(&hook.team),
        if events.len() == HOOK_STATES.len() { "all".to_owned() } else { events.join(",") }.into(),
        if hook.enabled { Field::from("yes") } else { Field::toned("no", Tone::Warn) },
        Field::from(&hook.url),
        Field::toned(hook.id.to_string(), Tone::Faint),
    ]
}

fn delivery_row(delivery: &Delivery) -> Vec<Field> {
    let now = Utc::now();
    let tone = match delivery.state {
        DeliveryState::Pending => Tone::Busy,
        DeliveryState::Delivered => Tone::Good,
        DeliveryState::GivenUp => Tone::Bad,
    };
    vec![
        delivery.event.to_string().into(),
        delivery.job_id.map(|id| id.to_string()).unwrap_or_default().into(),
        Field::toned(delivery.state.to_string(), tone),
        delivery.tries.to_string().into(),
        delivery.status.map(|status| status.to_string()).unwrap_or_default().into(),
        times::ago(now, delivery.created_at).into(),
        delivery.next_try_at.map(|at| times::ahead(now, at)).unwrap_or_default().into(),
        Field::toned(delivery.id.to_string(), Tone::Faint),
        delivery.last_error.clone().unwrap_or_default().into(),
    ]
}
