//! `cluster`: list, show, create, edit, delete, and the keys with which nodes join.

use chrono::Utc;
use clap::Subcommand;
use lilac_api::cluster::{
    Cluster, ClusterStats, CreateCluster, CreateJoinKey, JoinKey, PlacementPolicy, UpdateCluster,
};
use lilac_api::quantity::Span;
use lilac_api::reservation::Reservation;

use crate::args::Global;
use crate::commands::key::expiry;
use crate::commands::reserved;
use crate::commands::show::{bytes, cpus};
use crate::failure::{Exit, Failure};
use crate::printer::{Field, Printer, Tone, note};
use crate::session::{self, Session, change, read};
use crate::times;

#[derive(Debug, Subcommand)]
pub enum ClusterVerb {
    /// Lists clusters, with what they have and what is taken.
    Ls,
    /// Shows a cluster in numbers.
    Show {
        /// Name or id of the cluster.
        cluster: String,
    },
    /// Changes a cluster; what is not named stays.
    Edit {
        /// Name or id of the cluster.
        cluster: String,
        /// How to choose between nodes that fit: first-fit, best-fit, spread or fragmentation-aware.
        #[arg(long, value_name = "POLICY")]
        placement: Option<PlacementPolicy>,
        /// How long a node may be silent before its jobs count as lost: 10s to 24h.
        #[arg(long, value_name = "TIME")]
        max_disconnect: Option<Span>,
    },
    /// Deletes a cluster that has no nodes and that no queue feeds.
    Rm {
        /// Name or id of the cluster.
        cluster: String,
    },
    /// Creates a cluster.
    Create {
        /// 1 to 63 characters of letters, digits, `.`, `_`, `-`.
        name: String,
        /// How to choose between nodes that fit: first-fit, best-fit, spread or fragmentation-aware.
        #[arg(long, value_name = "POLICY", default_value_t)]
        placement: PlacementPolicy,
        /// How long a node may be silent before its jobs count as lost: 10s to 24h.
        #[arg(long, value_name = "TIME")]
        max_disconnect: Option<Span>,
    },
    /// Keys with which new nodes join a cluster.
    #[command(subcommand)]
    JoinKey(JoinKeyVerb),
}

#[derive(Debug, Subcommand)]
pub enum JoinKeyVerb {
    /// Makes a key. Its secret is shown this once; with -q nothing else is.
    Create {
        /// Name or id of the cluster.
        cluster: String,
        /// What it is for.
        #[arg(long, value_name = "NAME")]
        name: String,
        /// Let more than one node join with it.
        #[arg(long)]
        reusable: bool,
        /// How long it may be used: 1h, 7d. For ever by default.
        #[arg(long, value_name = "TIME")]
        expires_in: Option<Span>,
    },
    /// Lists the keys of a cluster.
    Ls {
        /// Name or id of the cluster.
        cluster: String,
    },
    /// Revokes a key. Nodes that joined with it stay.
    Rm {
        /// Name or id of the cluster.
        cluster: String,
        /// Name or id of the key.
        key: String,
    },
}

impl ClusterVerb {
    pub fn only_shows(&self) -> bool {
        matches!(self, Self::Ls | Self::Show { .. })
    }
}

pub async fn run(global: &Global, verb: ClusterVerb) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let printer = session.printer;
    match verb {
        ClusterVerb::Ls => {
            let clusters = read(async || session.client.clusters().await).await?.items;
            let columns =
                ["NAME", ">NODES", ">ALIVE", ">CPUS", ">MEMORY", ">GPUS", "PLACEMENT", "DISCONNECT"];
            printer.list(&clusters, &columns, row, |cluster| cluster.id.to_string())?;
        }
        ClusterVerb::Show { cluster } => {
            let cluster = find(&session, &cluster).await?;
            let stats = read(async || session.client.cluster_stats(cluster.id).await).await?;
            let kept = reserved::of(&session, cluster.id).await?;
            printer.one(&stats, |_| cluster.id.to_string(), |stats| show(printer, &cluster, stats, &kept))?;
        }
        ClusterVerb::Edit { cluster, placement, max_disconnect } => {
            let cluster = find(&session, &cluster).await?;
            let request = UpdateCluster { placement_policy: placement, max_disconnect };
            let cluster = change(async || session.client.update_cluster(cluster.id, &request).await).await?;
            printer.one(
                &cluster,
                |cluster| cluster.id.to_string(),
                |cluster| printer.line(&format!("Changed cluster {}.", cluster.name)),
            )?;
        }
        ClusterVerb::Rm { cluster } => {
            let cluster = find(&session, &cluster).await?;
            change(async || session.client.delete_cluster(cluster.id).await).await?;
            printer.done(&format!("Cluster {} is deleted.", cluster.name))?;
        }
        ClusterVerb::Create { name, placement, max_disconnect } => {
            let request = CreateCluster { name, placement_policy: placement, max_disconnect };
            let cluster = change(async || session.client.create_cluster(&request).await).await?;
            printer.one(
                &cluster,
                |cluster| cluster.id.to_string(),
                |cluster| {
                    printer.line(&format!("Created cluster {}.", cluster.name))?;
                    printer.line(&format!(
                        "Next: `lilac_cli cluster join-key create {} --name NAME`",
                        cluster.name
                    ))
                },
            )?;
        }
        ClusterVerb::JoinKey(verb) => join_key(&session, verb).await?,
    }
    Ok(Exit::Ok)
}

async fn join_key(session: &Session, verb: JoinKeyVerb) -> Result<(), Failure> {
    let printer = session.printer;
    match verb {
        JoinKeyVerb::Create { cluster, name, reusable, expires_in } => {
            let cluster = find(session, &cluster).await?;
            let request = CreateJoinKey { name, reusable, expires_in };
            let created = change(async || session.client.create_join_key(cluster.id, &request).await).await?;
            printer.one(
                &created,
                |created| created.secret.0.clone(),
                |created| {
                    printer.line(&created.secret.0)?;
                    let times = if created.key.reusable { "any number of nodes" } else { "one node" };
                    note(&format!(
                        "This key lets {times} join {} (expires {}). It is not shown again.",
                        cluster.name,
                        expiry(created.key.expires_at)
                    ));
                    note(&format!(
                        "On the node, with the key on standard input: `lilac_cli agent configure --server {} \
                         --join-key-stdin`, then `lilac_cli agent start`",
                        session.client.base_url()
                    ));
                    Ok(())
                },
            )?;
        }
        JoinKeyVerb::Ls { cluster } => {
            let cluster = find(session, &cluster).await?;
            let keys = read(async || session.client.join_keys(cluster.id).await).await?.items;
            let columns = ["NAME", "STATE", "REUSABLE", ">USES", "EXPIRES", "LAST USED", "CREATED", "ID"];
            printer.list(&keys, &columns, join_key_row, |key| key.id.to_string())?;
        }
        JoinKeyVerb::Rm { cluster, key } => {
            let cluster = find(session, &cluster).await?;
            let keys = read(async || session.client.join_keys(cluster.id).await).await?.items;
            let found: Vec<JoinKey> = keys
                .into_iter()
                .filter(|known| {
                    known.id.to_string() == key || (known.name == key && known.revoked_at.is_none())
                })
                .collect();
            let [found] = found.as_slice() else {
                return Err(match found.as_slice() {
                    [] => {
                        Failure::NotFound { kind: "join key", name: key, list: "cluster join-key ls CLUSTER" }
                    }
                    several => {
                        let ids: Vec<String> = several.iter().map(|key| key.id.to_string()).collect();
                        Failure::Ambiguous { kind: "join key", text: key, candidates: ids.join(", ") }
                    }
                });
            };
            change(async || session.client.revoke_join_key(cluster.id, found.id).await).await?;
            printer.done(&format!("Join key {} is revoked.", found.name))?;
        }
    }
    Ok(())
}

/// The cluster of that name or id.
async fn find(session: &Session, text: &str) -> Result<Cluster, Failure> {
    let clusters = read(async || session.client.clusters().await).await?.items;
    clusters
        .into_iter()
        .find(|cluster| cluster.name == text || cluster.id.to_string() == text)
        .ok_or_else(|| Failure::NotFound { kind: "cluster", name: text.to_owned(), list: "cluster ls" })
}

fn show(
    printer: Printer,
    cluster: &Cluster,
    stats: &ClusterStats,
    kept: &[Reservation],
) -> std::io::Result<()> {
    let of = |taken: String, has: String| format!("{taken} of {has} taken").into();
    let (has, taken) = (&stats.capacity, &stats.allocated);
    let nodes = stats.nodes.iter().filter(|(_, count)| **count > 0);
    let nodes: Vec<String> = nodes.map(|(state, count)| format!("{count} {state}")).collect();
    printer.facts(&[
        ("Name", Field::from(&cluster.name)),
        ("Id", cluster.id.to_string().into()),
        ("Nodes", nodes.join(", ").into()),
        ("Jobs", stats.running_jobs.to_string().into()),
        ("CPUs", of(cpus(taken.cpu_milli), cpus(has.cpu_milli))),
        ("Memory", of(bytes(taken.memory_bytes), bytes(has.memory_bytes))),
        ("Disk", of(bytes(taken.disk_bytes), bytes(has.disk_bytes))),
        ("GPUs", of(taken.gpus.to_string(), has.gpus.to_string())),
        ("Kept", reserved::in_cluster(kept).into()),
        ("Placement", cluster.placement_policy.to_string().into()),
        ("Disconnect", cluster.max_disconnect.to_string().into()),
    ])
}

fn row(cluster: &Cluster) -> Vec<Field> {
    let (has, taken) = (&cluster.capacity, &cluster.allocated);
    let alive = if cluster.nodes_alive < cluster.nodes { Tone::Warn } else { Tone::Plain };
    vec![
        Field::from(&cluster.name),
        cluster.nodes.to_string().into(),
        Field::toned(cluster.nodes_alive.to_string(), alive),
        format!("{}/{}", cpus(taken.cpu_milli), cpus(has.cpu_milli)).into(),
        format!("{}/{}", bytes(taken.memory_bytes), bytes(has.memory_bytes)).into(),
        format!("{}/{}", taken.gpus, has.gpus).into(),
        cluster.placement_policy.to_string().into(),
        cluster.max_disconnect.to_string().into(),
    ]
}

fn join_key_row(key: &JoinKey) -> Vec<Field> {
    let now = Utc::now();
    let (state, tone) = if key.revoked_at.is_some() {
        ("revoked", Tone::Faint)
    } else if key.expires_at.is_some_and(|expires| expires <= now) {
        ("expired", Tone::Warn)
    } else if !key.reusable && key.uses > 0 {
        ("used", Tone::Faint)
    } else {
        ("valid", Tone::Good)
    };
    vec![
        Field::from(&key.name),
        Field::toned(state, tone),
        if key.reusable { "yes" } else { "no" }.into(),
        key.uses.to_string().into(),
        expiry(key.expires_at).into(),
        key.last_used_at.map_or("never".to_owned(), |time| times::ago(now, time)).into(),
        times::ago(now, key.created_at).into(),
        Field::toned(key.id.to_string(), Tone::Faint),
    ]
}
