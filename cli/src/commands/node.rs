//! `node`: list, show, cordon, drain, uncordon, label, remove.

use std::collections::BTreeMap;

use chrono::Utc;
use clap::Subcommand;
use lilac_api::cluster::{CordonNode, DrainNode, Gpu, Node, NodeEvent, UpdateNode};
use lilac_api::quantity::Span;
use lilac_api::reservation::Reservation;

use crate::args::Global;
use crate::commands::prompt;
use crate::commands::reserved;
use crate::commands::show::{bytes, cpus};
use crate::failure::{Exit, Failure};
use crate::job_ref::short;
use crate::printer::{Field, Printer, Tone, node_tone};
use crate::session::{self, Session, change, read};
use crate::times;

#[derive(Debug, Subcommand)]
pub enum NodeVerb {
    /// Lists nodes, with what they have and what is taken.
    Ls,
    /// Shows a node, with the latest of its history.
    Show {
        /// Name or id of the node.
        node: String,
    },
    /// Places nothing more on a node; what runs goes on.
    Cordon {
        /// Name or id of the node.
        node: String,
        /// A sentence for the others.
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// Empties a node: what has not ended in time is stopped and goes back to its queue, uncharged.
    Drain {
        /// Name or id of the node.
        node: String,
        /// How long its jobs may take to end by themselves: 0s to 30d.
        #[arg(long, value_name = "TIME", default_value = "1h")]
        within: Span,
        /// A sentence for the others.
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// Sets labels of a node, over those that its agent reports.
    Label {
        /// Name or id of the node.
        node: String,
        /// `key=value` sets a label, `key-` takes away one that was set.
        #[arg(required = true, value_name = "LABEL")]
        labels: Vec<String>,
    },
    /// Places jobs on a node again; calls a drain off.
    Uncordon {
        /// Name or id of the node.
        node: String,
    },
    /// Attests that a node is dead and removes it: its jobs are placed anew at once.
    ///
    /// If the node lives and only cannot be reached, its jobs may run twice. Use it for machines that are
    /// off or gone.
    Rm {
        /// Name or id of the node.
        node: String,
        /// Do not ask.
        #[arg(short, long)]
        yes: bool,
    },
}

impl NodeVerb {
    pub fn only_shows(&self) -> bool {
        matches!(self, Self::Ls | Self::Show { .. })
    }
}

pub async fn run(global: &Global, verb: NodeVerb) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let printer = session.printer;
    match verb {
        NodeVerb::Ls => {
            let nodes = read(async || session.client.nodes().await).await?.items;
            let columns =
                ["NAME", "CLUSTER", "STATE", ">CPUS", ">MEMORY", ">GPUS", ">JOBS", "SEEN", "MESSAGE"];
            printer.list(&nodes, &columns, row, |node| node.id.to_string())?;
        }
        NodeVerb::Show { node } => {
            let node = find(&session, &node).await?;
            let events = read(async || session.client.node_events(node.id).await).await?.items;
            let clusters = read(async || session.client.clusters().await).await?.items;
            let kept = match clusters.iter().find(|cluster| cluster.name == node.cluster) {
                Some(cluster) => reserved::of(&session, cluster.id).await?,
                None => Vec::new(),
            };
            printer.one(
                &node,
                |node| node.id.to_string(),
                |node| {
                    show(printer, node, &kept)?;
                    history(printer, &events)
                },
            )?;
        }
        NodeVerb::Cordon { node, reason } => {
            let node = find(&session, &node).await?;
            let request = CordonNode { reason };
            let node = change(async || session.client.cordon_because(node.id, &request).await).await?;
            told(printer, &node, "takes nothing new; what runs goes on")?;
        }
        NodeVerb::Drain { node, within, reason } => {
            let node = find(&session, &node).await?;
            let request = DrainNode { within, reason };
            let node = change(async || session.client.drain(node.id, &request).await).await?;
            told(printer, &node, &format!("is drained; its jobs may end by themselves for {within}"))?;
        }
        NodeVerb::Label { node, labels } => {
            let node = find(&session, &node).await?;
            let request = UpdateNode { labels: labelled(node.admin_labels, &labels)? };
            let node = change(async || session.client.update_node(node.id, &request).await).await?;
            told(printer, &node, "has its labels")?;
        }
        NodeVerb::Uncordon { node } => {
            let node = find(&session, &node).await?;
            let node = change(async || session.client.uncordon(node.id).await).await?;
            told(printer, &node, "takes jobs again")?;
        }
        NodeVerb::Rm { node, yes } => {
            let node = find(&session, &node).await?;
            if !yes {
                confirm(&node)?;
            }
            change(async || session.client.remove_node(node.id).await).await?;
            printer.done(&format!("Node {} is removed; its jobs are placed anew.", node.name))?;
        }
    }
    Ok(Exit::Ok)
}

/// The labels after `key=value` and `key-`.
fn labelled(
    mut labels: BTreeMap<String, String>,
    changes: &[String],
) -> Result<BTreeMap<String, String>, Failure> {
    for text in changes {
        match (text.split_once('='), text.strip_suffix('-')) {
            (Some((key, value)), _) => {
                labels.insert(key.to_owned(), value.to_owned());
            }
            (None, Some(key)) => {
                labels.remove(key);
            }
            (None, None) => {
                return Err(Failure::usage(
                    format!("`{text}` is no label"),
                    "write key=value, or key- to take it away",
                ));
            }
        }
    }
    Ok(labels)
}

/// The latest of a node's history.
fn history(printer: Printer, events: &[NodeEvent]) -> std::io::Result<()> {
    const SHOWN: usize = 10;
    if events.is_empty() {
        return Ok(());
    }
    let now = Utc::now();
    let row = |event: &NodeEvent| {
        vec![
            times::ago(now, event.at).into(),
            event.kind.to_string().into(),
            Field::from(&event.message),
            Field::from(&event.actor),
        ]
    };
    printer.line("")?;
    printer.table(&["WHEN", "EVENT", "MESSAGE", "BY"], events.iter().take(SHOWN).map(row).collect())
}

fn told(printer: Printer, node: &Node, what: &str) -> Result<(), Failure> {
    printer.one(
        node,
        |node| node.id.to_string(),
        |node| printer.line(&format!("Node {} {what}.", node.name)),
    )?;
    Ok(())
}

/// Being wrong about this lets a job run twice, so it is not done in passing.
fn confirm(node: &Node) -> Result<(), Failure> {
    let refusal = Failure::usage(
        format!("node {} is {}; removing it needs your word that the machine is dead", node.name, node.state),
        "add --yes",
    );
    if !prompt::possible() {
        return Err(refusal);
    }
    let question =
        format!("Is the machine of {} off for certain? Type its name", crate::text::clean(&node.name));
    if prompt::text(&question, None)? == node.name { Ok(()) } else { Err(refusal) }
}

/// The node of that name or id.
async fn find(session: &Session, text: &str) -> Result<Node, Failure> {
    let nodes = read(async || session.client.nodes().await).await?.items;
    let found: Vec<Node> =
        nodes.into_iter().filter(|node| node.name == text || node.id.to_string() == text).collect();
    let ids: Vec<String> = found.iter().map(|node| format!("{} in {}", node.id, node.cluster)).collect();
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(node), None) => Ok(node),
        (None, _) => Err(Failure::NotFound { kind: "node", name: text.to_owned(), list: "node ls" }),
        (Some(_), Some(_)) => {
            Err(Failure::Ambiguous { kind: "node", text: text.to_owned(), candidates: ids.join(", ") })
        }
    }
}

fn row(node: &Node) -> Vec<Field> {
    let (has, taken) = (&node.capacity, &node.allocated);
    vec![
        Field::from(&node.name),
        Field::from(&node.cluster),
        Field::toned(node.state.to_string(), node_tone(node.state)),
        format!("{}/{}", cpus(taken.cpu_milli), cpus(has.cpu_milli)).into(),
        format!("{}/{}", bytes(taken.memory_bytes), bytes(has.memory_bytes)).into(),
        format!("{}/{}", taken.gpus, has.gpus).into(),
        node.running_jobs.to_string().into(),
        node.last_seen_at.map_or("never".to_owned(), |seen| times::ago(Utc::now(), seen)).into(),
        Field::from(&node.message),
    ]
}

fn show(printer: Printer, node: &Node, kept: &[Reservation]) -> std::io::Result<()> {
    let now = Utc::now();
    let both = |time| format!("{} ({})", times::exact(time), times::ago(now, time));
    let of = |taken: String, has: String| format!("{taken} of {has} taken").into();
    let (has, taken) = (&node.capacity, &node.allocated);
    let labels: Vec<String> = node.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    printer.facts(&[
        ("Name", Field::from(&node.name)),
        ("Id", node.id.to_string().into()),
        ("Cluster", Field::from(&node.cluster)),
        ("State", Field::toned(node.state.to_string(), node_tone(node.state))),
        ("Message", Field::from(&node.message)),
        ("CPUs", of(cpus(taken.cpu_milli), cpus(has.cpu_milli))),
        ("Memory", of(bytes(taken.memory_bytes), bytes(has.memory_bytes))),
        ("Disk", of(bytes(taken.disk_bytes), bytes(has.disk_bytes))),
        ("GPUs", of(taken.gpus.to_string(), has.gpus.to_string())),
        ("Jobs", node.running_jobs.to_string().into()),
        ("Kept", reserved::on_node(kept, node.id).into()),
        ("Labels", labels.join(", ").into()),
        ("Agent", Field::from(&node.agent_version)),
        ("Engine", node.engine.with_version(&node.docker_version).into()),
        ("Address", node.address.clone().unwrap_or_default().into()),
        ("Joined", both(node.registered_at).into()),
        ("Seen", node.last_seen_at.map_or("never".to_owned(), both).into()),
    ])?;
    if node.gpus.is_empty() {
        return Ok(());
    }
    printer.line("")?;
    printer.table(&[">GPU", "MODEL", ">MEMORY", "JOB", "UUID"], node.gpus.iter().map(gpu_row).collect())
}

fn gpu_row(gpu: &Gpu) -> Vec<Field> {
    vec![
        gpu.index.to_string().into(),
        Field::from(&gpu.model),
        bytes(gpu.memory_bytes).into(),
        gpu.job.map(short).unwrap_or_default().into(),
        Field::toned(&gpu.uuid, Tone::Faint),
    ]
}
