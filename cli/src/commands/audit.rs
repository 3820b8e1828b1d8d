//! `audit`: who changed what.

use chrono::{DateTime, Utc};
use clap::Args;
use lilac_api::audit::{AuditEntry, AuditFilter};
use lilac_api::page::MAX_LIMIT;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::printer::{Field, Tone, note, painted};
use crate::session::{self, Session, read};
use crate::times;

#[derive(Args, Debug)]
pub struct AuditArgs {
    /// Only what this actor did: user:ada.
    #[arg(long, value_name = "ACTOR")]
    actor: Option<String>,
    /// Only this action: queue.update.
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only what was done to this: queue:research.
    #[arg(long, value_name = "OBJECT")]
    object: Option<String>,
    /// Only from this time on: 10m, 2h, or a time as 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = times::since)]
    since: Option<DateTime<Utc>>,
    /// Only before this time, written as with --since.
    #[arg(long, value_name = "TIME", value_parser = times::since)]
    until: Option<DateTime<Utc>>,
    /// At most this many, the newest.
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Look instead whether the log was tampered with.
    #[arg(long, conflicts_with_all = ["actor", "action", "object", "since", "until"])]
    verify: bool,
}

pub async fn run(global: &Global, args: AuditArgs) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    if args.verify {
        return verify(&session).await;
    }
    let mut filter = AuditFilter {
        actor: args.actor,
        action: args.action,
        object: args.object,
        since: args.since,
        until: args.until,
        ..AuditFilter::default()
    };
    let mut entries: Vec<AuditEntry> = Vec::new();
    loop {
        let missing = (args.limit as usize).saturating_sub(entries.len());
        filter.limit = Some(u32::try_from(missing).unwrap_or(MAX_LIMIT).min(MAX_LIMIT));
        let page = read(async || session.client.audit(&filter).await).await?;
        entries.extend(page.items);
        filter.cursor = page.next_cursor;
        if filter.cursor.is_none() || entries.len() >= args.limit as usize {
            break;
        }
    }
    let columns = ["AT", "ACTOR", "ACTION", "OBJECT", "MESSAGE"];
    session.printer.list(&entries, &columns, row, |entry| entry.sequence.to_string())?;
    if session.printer.is_for_people() && filter.cursor.is_some() {
        note(&painted(&format!("the latest {}; `-n NUMBER` shows more", entries.len()), Tone::Faint));
    }
    Ok(Exit::Ok)
}

async fn verify(session: &Session) -> Result<Exit, Failure> {
    let check = read(async || session.client.verify_audit().await).await?;
    let printer = session.printer;
    printer.one(
        &check,
        |check| check.valid.to_string(),
        |check| {
            let to = check.checked_to;
            match check.first_broken {
                _ if check.valid => printer.line(&format!("The log is whole up to entry {to}.")),
                Some(entry) => printer.line(&format!("The log is changed or has a gap at entry {entry}.")),
                None => printer.line("The log is changed."),
            }
        },
    )?;
    Ok(if check.valid { Exit::Ok } else { Exit::Unfit })
}

fn row(entry: &AuditEntry) -> Vec<Field> {
    let details = match &entry.details {
        serde_json::Value::Null => String::new(),
        serde_json::Value::Object(fields) if fields.is_empty() => String::new(),
        details => details.to_string(),
    };
    vec![
        times::exact(entry.at).into(),
        Field::from(&entry.actor),
        Field::from(&entry.action),
        Field::from(&entry.object),
        Field::toned(details, Tone::Faint),
    ]
}
