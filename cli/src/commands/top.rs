//! `top`: nodes, queues and jobs on one screen, live.
//!
//! It asks again every other second; what it shows while the server is away is what it saw last, and it says so.

use std::io::{self, IsTerminal};
use std::time::Duration;

use chrono::Utc;
use clap::Args;
use lilac_api::client::ClientError;
use lilac_api::job::JobFilter;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc;

use super::top_view::{View, draw};
use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::printer::{colours_wanted, unicode_wanted};
use crate::session::{self, Session, read};

/// Jobs that are asked for: more than any screen has lines.
const MAX_JOBS: u32 = 200;

#[derive(Args, Debug)]
pub struct TopArgs {
    /// How often to look, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 2)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,
    /// Show the jobs of all users, not only yours; `a` switches.
    #[arg(short, long)]
    all: bool,
}

pub async fn run(global: &Global, args: TopArgs) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        let hint = "`lilac_cli ls --watch` and `lilac_cli node ls --watch` write to a pipe";
        return Err(Failure::usage("top wants a terminal", hint));
    }
    let mut view = View {
        all: args.all,
        is_coloured: colours_wanted(),
        is_unicode: unicode_wanted(),
        ..View::default()
    };
    view.server = session.client.base_url().to_owned();
    view.user = read(async || session.client.me().await).await?.username;
    // The first look is before the window is taken: an error is told where it stays.
    look(&session, &mut view).await?;
    let mut terminal = ratatui::try_init()?;
    let result = show(&session, &mut terminal, &mut view, Duration::from_secs(args.every)).await;
    ratatui::restore();
    result.map(|()| Exit::Ok)
}

/// What a key asks for.
enum Wish {
    Leave,
    SwitchAll,
    Move(i64),
    Redraw,
}

async fn show(
    session: &Session,
    terminal: &mut ratatui::DefaultTerminal,
    view: &mut View,
    every: Duration,
) -> Result<(), Failure> {
    let mut keys = keys();
    loop {
        terminal.draw(|frame| draw(frame, view, Utc::now()))?;
        let next = tokio::time::sleep(every);
        tokio::select! {
            () = next => look_again(session, view).await,
            key = keys.recv() => match key {
                None | Some(Wish::Leave) => return Ok(()),
                Some(Wish::SwitchAll) => {
                    view.all = !view.all;
                    view.first = 0;
                    look_again(session, view).await;
                }
                Some(Wish::Move(lines)) => view.scroll(lines),
                Some(Wish::Redraw) => {}
            },
        }
    }
}

/// Keys come from a thread of their own, which waits for them for good.
fn keys() -> mpsc::Receiver<Wish> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            if let Some(wish) = wish(&event)
                && sender.blocking_send(wish).is_err()
            {
                return;
            }
        }
    });
    receiver
}

fn wish(event: &Event) -> Option<Wish> {
    match event {
        Event::Resize(..) => Some(Wish::Redraw),
        Event::Key(key) if key.kind == KeyEventKind::Press => match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Wish::Leave),
            KeyCode::Char('q') | KeyCode::Esc => Some(Wish::Leave),
            KeyCode::Char('a') => Some(Wish::SwitchAll),
            KeyCode::Down | KeyCode::Char('j') => Some(Wish::Move(1)),
            KeyCode::Up | KeyCode::Char('k') => Some(Wish::Move(-1)),
            KeyCode::PageDown => Some(Wish::Move(10)),
            KeyCode::PageUp => Some(Wish::Move(-10)),
            _ => None,
        },
        _ => None,
    }
}

async fn look_again(session: &Session, view: &mut View) {
    view.trouble = look(session, view).await.err().map(|error| error.to_string());
}

async fn look(session: &Session, view: &mut View) -> Result<(), ClientError> {
    let client = &session.client;
    let filter = JobFilter {
        owner: (!view.all).then(|| "me".to_owned()),
        limit: Some(MAX_JOBS),
        ..JobFilter::default()
    };
    let live = JobFilter { state: Some("starting,running,queued,held".to_owned()), ..filter.clone() };
    let (nodes, queues, live, recent, counts) = futures::try_join!(
        client.nodes(),
        client.queues(),
        client.jobs(&live),
        client.jobs(&filter),
        client.job_counts()
    )?;
    view.nodes = nodes.items;
    view.queues = queues.items;
    view.counts = counts;
    // What lives comes first; below it, what ended lately.
    view.jobs = live.items;
    view.jobs.sort_by_key(|job| super::top_view::order(job.state));
    view.jobs.extend(recent.items.into_iter().filter(|job| job.state.is_terminal()));
    view.seen_at = Some(Utc::now());
    Ok(())
}
