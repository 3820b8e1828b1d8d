//! `exec` and `shell`: run a program in the container of a job that runs.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use clap::Args;
use lilac_api::client::Client;
use lilac_api::socket::{Listener, Said, Speaker};
use lilac_api::stream::{Channel, Control, ExecJob, MAX_DATA_BYTES};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::job_ref::{missing, resolve};
use crate::session::{self, Session};
use crate::terminal::{self, Raw};

/// What a shell is where the image has more than one.
const SHELL: [&str; 3] = ["sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash || exec sh"];
/// Pieces of input that are read ahead of the program.
const AHEAD: usize = 4;

#[derive(Args, Debug)]
pub struct ExecArgs {
    /// The job: an id, a part of one, a name, or `last`.
    job: String,
    /// Rank of the node in a job of several.
    #[arg(long, value_name = "NUMBER", default_value_t)]
    rank: u16,
    /// Hand standard input on to the program.
    #[arg(short, long)]
    interactive: bool,
    /// Give the program a terminal; this one, which every key is taken from as it is.
    #[arg(short, long)]
    tty: bool,
    /// The program and its arguments, behind `--`.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

#[derive(Args, Debug)]
pub struct ShellArgs {
    /// The job: an id, a part of one, a name, or `last`.
    job: String,
    /// Rank of the node in a job of several.
    #[arg(long, value_name = "NUMBER", default_value_t)]
    rank: u16,
}

pub async fn run(global: &Global, args: ExecArgs) -> Result<Exit, Failure> {
    if args.tty && !terminal::is_there() {
        return Err(Failure::usage(
            "this is no terminal, so the program cannot get one",
            "leave out --tty (-t)",
        ));
    }
    let request = ExecJob {
        command: args.command,
        terminal: args.tty.then(terminal::size),
        input: args.interactive,
        env: environment(args.tty),
        rank: args.rank,
    };
    attend(&session::open(global)?, &args.job, request).await
}

pub async fn shell(global: &Global, args: ShellArgs) -> Result<Exit, Failure> {
    // Without a terminal it is a shell that reads a script.
    let has_terminal = terminal::is_there();
    let request = ExecJob {
        command: SHELL.map(str::to_owned).to_vec(),
        terminal: has_terminal.then(terminal::size),
        input: true,
        env: environment(has_terminal),
        rank: args.rank,
    };
    attend(&session::open(global)?, &args.job, request).await
}

/// What the program must know of the terminal.
fn environment(has_terminal: bool) -> BTreeMap<String, String> {
    let kind = std::env::var("TERM").ok().filter(|kind| !kind.is_empty() && kind.len() < 64);
    kind.filter(|_| has_terminal).map(|kind| ("TERM".to_owned(), kind)).into_iter().collect()
}

async fn attend(session: &Session, job: &str, request: ExecJob) -> Result<Exit, Failure> {
    let id = resolve(session, job).await?;
    let opened = session.client.exec(id, &request).await.map_err(|error| missing(error, job))?;
    let (speaker, listener) = connected(&session.client, opened.id).await?;
    let mut terminations = signal(SignalKind::terminate())?;
    let mut hangups = signal(SignalKind::hangup())?;
    let raw = request.terminal.is_some().then(Raw::enter).transpose()?;
    let end = tokio::select! {
        end = hear(listener) => end,
        end = speak(speaker, request.input, request.terminal.is_some()) => end,
        _ = terminations.recv() => Ok(Exit::Program(143)),
        _ = hangups.recv() => Ok(Exit::Program(129)),
    };
    drop(raw);
    end
}

/// Both halves of a stream whose other end is there.
pub async fn connected(client: &Client, id: lilac_api::StreamId) -> Result<(Speaker, Listener), Failure> {
    let (speaker, mut listener) = client.stream(id).await?;
    match listener.next().await {
        Some(Said::Control(Control::Started)) => Ok((speaker, listener)),
        Some(Said::Control(Control::Failed(why))) => Err(Failure::Refused(vec![why])),
        _ => Err(broken_off()),
    }
}

fn broken_off() -> Failure {
    Failure::Refused(vec!["the connection to the container broke off".to_owned()])
}

/// Writes what the program says, until it ended.
async fn hear(mut listener: Listener) -> Result<Exit, Failure> {
    loop {
        match listener.next().await {
            Some(Said::Data(channel, data)) => write(channel, data).await?,
            Some(Said::Control(Control::Exited(code))) => {
                // A code that is none of a process is told as an error.
                return Ok(Exit::Program(u8::try_from(code).unwrap_or(255)));
            }
            Some(Said::Control(Control::Failed(why))) => return Err(Failure::Refused(vec![why])),
            Some(Said::Control(_)) => {}
            None => return Err(broken_off()),
        }
    }
}

/// Whoever reads the output may be slow: what is typed is handed on meanwhile.
async fn write(channel: Channel, data: bytes::Bytes) -> Result<(), Failure> {
    let written = tokio::task::spawn_blocking(move || {
        let to_all = |mut to: Box<dyn Write>| to.write_all(&data).and_then(|()| to.flush());
        match channel {
            Channel::Error => to_all(Box::new(std::io::stderr())),
            Channel::Input | Channel::Output => to_all(Box::new(std::io::stdout())),
        }
    });
    Ok(written.await.map_err(std::io::Error::other)??)
}

/// Hands on what is typed, and the terminal's size. It never ends before the program does, but for a connection
/// that is over.
async fn speak(mut speaker: Speaker, has_input: bool, has_terminal: bool) -> Result<Exit, Failure> {
    let mut input = has_input.then(read_input);
    let mut sizes = has_terminal.then(|| signal(SignalKind::window_change())).transpose()?;
    loop {
        let goes_on = tokio::select! {
            data = next_input(&mut input) => match data {
                Some(data) => speaker.data(Channel::Input, &data).await,
                None => {
                    input = None;
                    speaker.control(&Control::End).await
                }
            },
            () = next_size(&mut sizes) => speaker.control(&Control::Resize(terminal::size())).await,
        };
        if !goes_on {
            // Whoever hears knows why.
            std::future::pending::<()>().await;
        }
    }
}

/// Reads standard input on a thread of its own, which nobody waits for: a read that is never answered must not keep
/// the program from ending.
fn read_input() -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        let mut buffer = vec![0; MAX_DATA_BYTES];
        let mut stdin = std::io::stdin().lock();
        loop {
            match stdin.read(&mut buffer) {
                Ok(0) => return,
                Ok(read) if sender.blocking_send(buffer[..read].to_vec()).is_err() => return,
                Err(error) if error.kind() != std::io::ErrorKind::Interrupted => return,
                Ok(_) | Err(_) => {}
            }
        }
    });
    receiver
}

async fn next_input(input: &mut Option<mpsc::Receiver<Vec<u8>>>) -> Option<Vec<u8>> {
    match input {
        Some(input) => input.recv().await,
        None => std::future::pending().await,
    }
}

async fn next_size(sizes: &mut Option<tokio::signal::unix::Signal>) {
    match sizes {
        Some(sizes) => {
            sizes.recv().await;
        }
        None => std::future::pending().await,
    }
}
