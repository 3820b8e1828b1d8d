//! `queue`: list, create, pause, resume.

use clap::Subcommand;
use lilac_api::queue::{CreateQueue, Queue, UpdateQueue};

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::printer::{Field, Tone};
use crate::session::{self, Session, change, read};

#[derive(Debug, Subcommand)]
pub enum QueueVerb {
    /// Lists queues, with what waits and runs in them.
    Ls,
    /// Creates a queue.
    Create {
        /// 1 to 63 characters of letters, digits, `.`, `_`, `-`.
        name: String,
        /// Higher goes first, over all queues; -1000 to 1000.
        #[arg(long, value_name = "NUMBER", default_value_t = 0, allow_negative_numbers = true)]
        priority: i32,
        /// Cluster that its jobs may run on, the preferred first. May be repeated.
        #[arg(long = "cluster", value_name = "CLUSTER", default_value = "default")]
        clusters: Vec<String>,
    },
    /// Starts nothing more from a queue; what runs goes on.
    Pause {
        /// Name or id of the queue.
        queue: String,
    },
    /// Starts jobs from a paused queue again.
    Resume {
        /// Name or id of the queue.
        queue: String,
    },
}

pub async fn run(global: &Global, verb: QueueVerb) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let printer = session.printer;
    match verb {
        QueueVerb::Ls => {
            let queues = read(async || session.client.queues().await).await?.items;
            let columns = ["NAME", ">PRIORITY", "STATE", ">QUEUED", ">RUNNING", "CLUSTERS"];
            printer.list(&queues, &columns, row, |queue| queue.id.to_string())?;
        }
        QueueVerb::Create { name, priority, clusters } => {
            let request = CreateQueue::new(&name, priority, clusters);
            let queue = change(async || session.client.create_queue(&request).await).await?;
            printer.one(
                &queue,
                |queue| queue.id.to_string(),
                |queue| {
                    printer.line(&format!("Created queue {} with priority {}.", queue.name, queue.priority))
                },
            )?;
        }
        QueueVerb::Pause { queue } => pause(&session, &queue, true).await?,
        QueueVerb::Resume { queue } => pause(&session, &queue, false).await?,
    }
    Ok(Exit::Ok)
}

fn row(queue: &Queue) -> Vec<Field> {
    let (state, tone) = if queue.paused { ("paused", Tone::Warn) } else { ("open", Tone::Good) };
    vec![
        Field::from(&queue.name),
        queue.priority.to_string().into(),
        Field::toned(state, tone),
        queue.queued.to_string().into(),
        queue.running.to_string().into(),
        queue.clusters.join(", ").into(),
    ]
}

async fn pause(session: &Session, name: &str, paused: bool) -> Result<(), Failure> {
    let queues = read(async || session.client.queues().await).await?.items;
    let queue = queues
        .into_iter()
        .find(|queue| queue.name == name || queue.id.to_string() == name)
        .ok_or_else(|| Failure::NotFound { kind: "queue", name: name.to_owned(), list: "queue ls" })?;
    let request = UpdateQueue { paused: Some(paused), ..UpdateQueue::default() };
    let queue = change(async || session.client.update_queue(queue.id, &request).await).await?;
    let printer = session.printer;
    printer.one(
        &queue,
        |queue| queue.id.to_string(),
        |queue| match queue.paused {
            true => printer.line(&format!(
                "Queue {} is paused: {} wait, {} run on.",
                queue.name, queue.queued, queue.running
            )),
            false => printer.line(&format!("Queue {} starts jobs again.", queue.name)),
        },
    )?;
    Ok(())
}
