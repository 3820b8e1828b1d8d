//! `queue`: list, show, create, edit, delete, pause, resume.

use clap::{Args, Subcommand};
use lilac_api::quantity::Span;
use lilac_api::queue::{
    ContainerPolicy, CreateQueue, Guarantee, JobLimits, JobsChoice, Preemption, Queue, QueueStats, Quota,
    RunAs, Submitters, UpdateQueue,
};
use lilac_api::spec::Network;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::printer::{Field, Printer, Tone};
use crate::session::{self, Session, change, read};

#[derive(Debug, Subcommand)]
pub enum QueueVerb {
    /// Lists queues, with what waits and runs in them.
    Ls,
    /// Shows a queue's rules, and what is used of its quotas.
    Show {
        /// Name or id of the queue.
        queue: String,
    },
    /// Creates a queue.
    Create {
        /// 1 to 63 characters of letters, digits, `.`, `_`, `-`.
        name: String,
        /// Team that owns it.
        #[arg(long, value_name = "TEAM", default_value = "default")]
        team: String,
        /// Higher goes first, over all queues; -1000 to 1000.
        #[arg(long, value_name = "NUMBER", default_value_t = 0, allow_negative_numbers = true)]
        priority: i32,
        /// Cluster that its jobs may run on, the preferred first. May be repeated.
        #[arg(long = "cluster", value_name = "CLUSTER", default_value = "default")]
        clusters: Vec<String>,
        #[command(flatten)]
        rules: Rules,
    },
    /// Changes a queue; what is not named stays.
    Edit {
        /// Name or id of the queue.
        queue: String,
        /// Team that owns it.
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
        /// Higher goes first, over all queues; -1000 to 1000.
        #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
        priority: Option<i32>,
        /// Cluster that its jobs may run on, the preferred first. May be repeated.
        #[arg(long = "cluster", value_name = "CLUSTER")]
        clusters: Vec<String>,
        #[command(flatten)]
        rules: Rules,
    },
    /// Deletes a queue. Its ended jobs stay readable.
    Rm {
        /// Name or id of the queue.
        queue: String,
        /// What becomes of jobs that wait or run: refuse, cancel or move:QUEUE.
        #[arg(long, value_name = "CHOICE", default_value = "refuse")]
        jobs: JobsChoice,
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

/// What a queue allows.
#[derive(Debug, Args)]
pub struct Rules {
    /// Share against queues of the same priority; 1 to 1000.
    #[arg(long, value_name = "NUMBER")]
    weight: Option<u32>,
    /// What its jobs may hold together, as in cpus=64,memory=1Ti,gpus=8,running_jobs=10,queued_jobs=100; `none` for no bound.
    #[arg(long, value_name = "BOUNDS", value_parser = bounds::<Quota>)]
    quota: Option<Quota>,
    /// What the jobs of each user may hold together, written like --quota.
    #[arg(long, value_name = "BOUNDS", value_parser = bounds::<Quota>)]
    user_quota: Option<Quota>,
    /// What no other queue may keep from it, as in cpus=16,memory=64Gi,gpus=4; `none` for nothing.
    #[arg(long, value_name = "AMOUNTS", value_parser = bounds::<Guarantee>)]
    guaranteed: Option<Guarantee>,
    /// Whose places its jobs may take: off (nobody's) or lower-priority (those of preemptible jobs that rank lower).
    #[arg(long, value_name = "WHOSE")]
    preemption: Option<Preemption>,
    /// What one job may ask for, as in cpus=16,memory=64Gi,gpus=4,nodes=1,max_runtime=24h; `none` for no bound.
    #[arg(long, value_name = "BOUNDS", value_parser = bounds::<JobLimits>)]
    limits: Option<JobLimits>,
    /// How long jobs may run that do not say: 30m, 24h.
    #[arg(long, value_name = "TIME")]
    default_max_runtime: Option<Span>,
    /// Team that may submit beside the owning one. May be repeated.
    #[arg(long = "submit-team", value_name = "TEAM")]
    submit_teams: Vec<String>,
    /// User who may submit beside the owning team. May be repeated.
    #[arg(long = "submit-user", value_name = "USER")]
    submit_users: Vec<String>,
    /// What its containers may do: restricted, strict or trusted.
    #[arg(long, value_name = "POLICY")]
    policy: Option<ContainerPolicy>,
    /// Whom its containers run as: image (whom the job or its image say) or submitter.
    #[arg(long, value_name = "WHOM")]
    run_as: Option<RunAs>,
    /// Network that its jobs may choose: bridge, host or none. May be repeated.
    #[arg(long = "network", value_name = "NETWORK")]
    networks: Vec<Network>,
}

impl Rules {
    fn submitters(&self) -> Option<Submitters> {
        let submitters = Submitters { teams: self.submit_teams.clone(), users: self.submit_users.clone() };
        (submitters != Submitters::default()).then_some(submitters)
    }

    fn networks(&self) -> Option<Vec<Network>> {
        (!self.networks.is_empty()).then(|| self.networks.clone())
    }
}

/// Reads `cpus=64,gpus=8` as the object that the API takes.
fn bounds<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let mut object = Map::new();
    for part in text.split(',').filter(|part| *part != "none" && !part.is_empty()) {
        let (name, amount) = part.split_once('=').ok_or_else(|| format!("`{part}`: write name=amount"))?;
        let amount = amount.parse::<u64>().map_or_else(|_| Value::from(amount), Value::from);
        object.insert(name.trim().replace('-', "_"), amount);
    }
    serde_json::from_value(Value::Object(object)).map_err(|error| error.to_string())
}

impl QueueVerb {
    pub fn only_shows(&self) -> bool {
        matches!(self, Self::Ls | Self::Show { .. })
    }
}

pub async fn run(global: &Global, verb: QueueVerb) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let printer = session.printer;
    match verb {
        QueueVerb::Ls => {
            let queues = read(async || session.client.queues().await).await?.items;
            let columns =
                ["NAME", "TEAM", ">PRIORITY", ">WEIGHT", "STATE", ">QUEUED", ">RUNNING", "CLUSTERS"];
            printer.list(&queues, &columns, row, |queue| queue.id.to_string())?;
        }
        QueueVerb::Show { queue } => {
            let queue = find(&session, &queue).await?;
            let stats = read(async || session.client.queue_stats(queue.id).await).await?;
            let shown = Shown { queue, stats };
            printer.one(&shown, |shown| shown.queue.id.to_string(), |shown| show(printer, shown))?;
        }
        QueueVerb::Create { name, team, priority, clusters, rules } => {
            let mut request = CreateQueue::new(&name, priority, clusters);
            request.team = team;
            request.weight = rules.weight.unwrap_or(request.weight);
            request.submitters = rules.submitters().unwrap_or_default();
            request.networks = rules.networks().unwrap_or(request.networks);
            request.quota = rules.quota.unwrap_or_default();
            request.user_quota = rules.user_quota.unwrap_or_default();
            request.guaranteed = rules.guaranteed.unwrap_or_default();
            request.preemption = rules.preemption.unwrap_or_default();
            request.limits = rules.limits.unwrap_or_default();
            request.default_max_runtime = rules.default_max_runtime;
            request.policy = rules.policy.unwrap_or_default();
            request.run_as = rules.run_as.unwrap_or_default();
            let queue = change(async || session.client.create_queue(&request).await).await?;
            told(
                printer,
                &queue,
                &format!("Created queue {} with priority {}.", queue.name, queue.priority),
            )?;
        }
        QueueVerb::Edit { queue, team, priority, clusters, rules } => {
            let queue = find(&session, &queue).await?;
            let request = UpdateQueue {
                team,
                priority,
                clusters: (!clusters.is_empty()).then_some(clusters),
                weight: rules.weight,
                submitters: rules.submitters(),
                networks: rules.networks(),
                quota: rules.quota,
                user_quota: rules.user_quota,
                guaranteed: rules.guaranteed,
                preemption: rules.preemption,
                limits: rules.limits,
                default_max_runtime: rules.default_max_runtime.map(Some),
                policy: rules.policy,
                run_as: rules.run_as,
                paused: None,
            };
            let queue = change(async || session.client.update_queue(queue.id, &request).await).await?;
            told(printer, &queue, &format!("Changed queue {}.", queue.name))?;
        }
        QueueVerb::Rm { queue, jobs } => {
            let queue = find(&session, &queue).await?;
            change(async || session.client.delete_queue(queue.id, &jobs).await).await?;
            printer.done(&format!("Queue {} is deleted.", queue.name))?;
        }
        QueueVerb::Pause { queue } => {
            let queue = find(&session, &queue).await?;
            let queue = change(async || session.client.pause_queue(queue.id).await).await?;
            let sentence =
                format!("Queue {} is paused: {} wait, {} run on.", queue.name, queue.queued, queue.running);
            told(printer, &queue, &sentence)?;
        }
        QueueVerb::Resume { queue } => {
            let queue = find(&session, &queue).await?;
            let queue = change(async || session.client.resume_queue(queue.id).await).await?;
            told(printer, &queue, &format!("Queue {} starts jobs again.", queue.name))?;
        }
    }
    Ok(Exit::Ok)
}

/// The queue of that name or id.
async fn find(session: &Session, text: &str) -> Result<Queue, Failure> {
    let queues = read(async || session.client.queues().await).await?.items;
    queues
        .into_iter()
        .find(|queue| queue.name == text || queue.id.to_string() == text)
        .ok_or_else(|| Failure::NotFound { kind: "queue", name: text.to_owned(), list: "queue ls" })
}

fn told(printer: Printer, queue: &Queue, sentence: &str) -> Result<(), Failure> {
    printer.one(queue, |queue| queue.id.to_string(), |_| printer.line(sentence))?;
    Ok(())
}

fn state(queue: &Queue) -> Field {
    let (state, tone) = if queue.paused { ("paused", Tone::Warn) } else { ("open", Tone::Good) };
    Field::toned(state, tone)
}

fn row(queue: &Queue) -> Vec<Field> {
    vec![
        Field::from(&queue.name),
        Field::from(&queue.team),
        queue.priority.to_string().into(),
        queue.weight.to_string().into(),
        state(queue),
        queue.queued.to_string().into(),
        queue.running.to_string().into(),
        queue.clusters.join(", ").into(),
    ]
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    queue: Queue,
    stats: QueueStats,
}

fn show(printer: Printer, Shown { queue, stats }: &Shown) -> std::io::Result<()> {
    let used = &stats.used;
    let networks: Vec<String> = queue.networks.iter().map(ToString::to_string).collect();
    let runtime = queue.default_max_runtime.map(|span| span.to_string()).unwrap_or_default();
    printer.facts(&[
        ("Name", Field::from(&queue.name)),
        ("Id", queue.id.to_string().into()),
        ("Team", Field::from(&queue.team)),
        ("State", state(queue)),
        ("Priority", queue.priority.to_string().into()),
        ("Weight", queue.weight.to_string().into()),
        ("Clusters", queue.clusters.join(", ").into()),
        ("Jobs", format!("{} wait, {} run", queue.queued, queue.running).into()),
        ("Quota", written(&queue.quota).into()),
        (
            "Used",
            format!(
                "cpus={},memory={},gpus={},running_jobs={},queued_jobs={}",
                used.cpus, used.memory, used.gpus, used.running_jobs, used.queued_jobs
            )
            .into(),
        ),
        ("User quota", written(&queue.user_quota).into()),
        ("Guaranteed", written(&queue.guaranteed).into()),
        ("Preempts", queue.preemption.to_string().into()),
        ("Job limits", written(&queue.limits).into()),
        ("Runtime", runtime.into()),
        (
            "Submitters",
            [queue.submitters.teams.join(", "), queue.submitters.users.join(", ")].join(" ").trim().into(),
        ),
        ("Policy", queue.policy.to_string().into()),
        ("Runs as", queue.run_as.to_string().into()),
        ("Networks", networks.join(", ").into()),
    ])
}

/// Bounds as `--quota` takes them.
fn written(bounds: &impl Serialize) -> String {
    let Ok(Value::Object(fields)) = serde_json::to_value(bounds) else { return String::new() };
    let parts = fields.into_iter().map(|(name, amount)| match amount {
        Value::String(amount) => format!("{name}={amount}"),
        other => format!("{name}={other}"),
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(",") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read_as_they_are_written() {
        for text in ["cpus=64,memory=1Ti,gpus=8", "none", "queued_jobs=100"] {
            let quota: Quota = bounds(text).unwrap();
            let again: Quota = bounds(&written(&quota)).unwrap();
            assert_eq!(quota, again, "{text}");
        }
        assert_eq!(bounds::<Quota>("running-jobs=3").unwrap().running_jobs, Some(3));
        assert!(bounds::<JobLimits>("max_runtime=1h,nodes=2").unwrap().max_runtime.is_some());
        for wrong in ["cpu=1", "gpus", "gpus=x", "memory=1Xi"] {
            assert!(bounds::<Quota>(wrong).is_err(), "{wrong}");
        }
    }
}
