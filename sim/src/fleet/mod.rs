//! A fleet of agents against a real server: the agent's real core and the real courier of its syncs, each with a
//! credential of its own from a join key, over real HTTP; only containers are played. First they have nothing to do,
//! then jobs flow that this program submits.
//!
//! All of it is one process: each agent holds one connection to the server, which waits for its answer most of the
//! time, and the limit of open files is raised to what they need.

mod agent;
mod containers;
mod proc;
mod report;
mod tally;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::Args;
use futures::StreamExt;
use lilac_agent::sync::Backoff;
use lilac_api::agent::{PROTOCOL_VERSION, RegisterRequest, RegisterResponse};
use lilac_api::auth::Secret;
use lilac_api::client::Client;
use lilac_api::cluster::CreateJoinKey;
use lilac_api::spec::JobSpec;
use lilac_api::submission::{BatchRequest, MAX_BATCH};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::sync::watch;

use agent::Post;
use proc::Usage;
pub use report::{Phase, Report};
use tally::Tally;

/// Agents that register at a time.
const REGISTERING: usize = 32;
/// Files that are open beside the agents' connections.
const OTHER_FILES: u64 = 200;
/// So often new jobs are handed in.
const HAND_IN: Duration = Duration::from_millis(250);
/// How long all agents may take to be heard, and all jobs to end.
const PATIENCE: Duration = Duration::from_secs(300);

#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Address of the server. Its administrator's token is read from `LILAC_TOKEN`.
    #[arg(long)]
    pub server: String,
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub agents: u32,
    /// Name of the cluster that they join.
    #[arg(long, default_value = "default")]
    pub cluster: String,
    /// Over how many seconds they start; a fiftieth of a second for ten by default.
    #[arg(long)]
    pub ramp_secs: Option<u64>,
    /// How long they are watched with nothing to do.
    #[arg(long, default_value_t = 60)]
    pub idle_secs: u64,
    /// How long jobs flow.
    #[arg(long, default_value_t = 60)]
    pub flow_secs: u64,
    /// Jobs that are submitted each second of the flow.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub jobs_per_second: u32,
    /// How long a job takes in the mean.
    #[arg(long, default_value_t = 10)]
    pub job_secs: u64,
    /// Threads on which agents live.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub threads: u32,
    /// Process of the server on this machine, to tell its CPU and memory.
    #[arg(long)]
    pub server_pid: Option<u32>,
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[arg(long)]
    pub json: bool,
}

/// # Errors
/// Where the server does not do what it should.
pub fn run(options: &Options) -> anyhow::Result<Report> {
    raise_file_limit(u64::from(options.agents) + OTHER_FILES)?;
    let token =
        std::env::var("LILAC_TOKEN").context("LILAC_TOKEN does not hold a token of an administrator")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(drive(options, Secret(token)))
}

/// Each connection is a file, and what is allowed at first is often less.
fn raise_file_limit(needed: u64) -> anyhow::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    ensure!(
        hard >= needed,
        "{needed} files are needed and {hard} may be open: raise the hard limit (ulimit -Hn)"
    );
    if soft < needed {
        setrlimit(Resource::RLIMIT_NOFILE, needed, hard).context("cannot raise the limit of open files")?;
    }
    Ok(())
}

async fn drive(options: &Options, token: Secret) -> anyhow::Result<Report> {
    let client = Client::new(&options.server, Some(token))?;
    let began = Instant::now();
    let posts = register(&client, options).await?;
    let register_secs = began.elapsed().as_secs_f64();

    let tally = Arc::new(Tally::default());
    let (stop, stopped) = watch::channel(false);
    let threads = people(posts, options, &tally, &stopped);
    let measured = measure(&client, options, &tally).await;
    let _ = stop.send(true);
    for thread in threads {
        let joined = thread.join();
        joined.map_err(|_| anyhow::anyhow!("a thread of agents panicked"))??;
    }
    let (idle, flow) = measured?;
    Ok(report::report(options, register_secs, idle, flow, &tally))
}

/// A node for each agent, by one join key.
async fn register(client: &Client, options: &Options) -> anyhow::Result<Vec<Post>> {
    let clusters = client.clusters().await?.items;
    let cluster = clusters.iter().find(|cluster| cluster.name == options.cluster);
    let cluster = cluster.with_context(|| format!("there is no cluster {}", options.cluster))?.id;
    let key = CreateJoinKey { name: "fleet".to_owned(), reusable: true, expires_in: None };
    let joiner = client.with_token(client.create_join_key(cluster, &key).await?.secret);
    let joining = (0..options.agents).map(|number| {
        let joiner = joiner.clone();
        async move {
            let name = format!("fleet-{number:05}");
            let request = RegisterRequest {
                protocol: PROTOCOL_VERSION,
                name: name.clone(),
                machine_id: name.clone(),
                agent_version: lilac_agent::VERSION.to_owned(),
            };
            let registered =
                register_one(&joiner, &request).await.with_context(|| format!("registering {name}"))?;
            anyhow::Ok(Post { number, name, credential: registered.credential })
        }
    });
    let joined: Vec<_> = futures::stream::iter(joining).buffer_unordered(REGISTERING).collect().await;
    joined.into_iter().collect()
}

/// As the agent does it: a server that is busy, or away for a moment, is asked again.
async fn register_one(joiner: &Client, request: &RegisterRequest) -> anyhow::Result<RegisterResponse> {
    let (began, mut backoff) = (Instant::now(), Backoff::default());
    loop {
        match joiner.register(request).await {
            Err(error) if error.is_transient() && began.elapsed() < PATIENCE => {
                tokio::time::sleep(backoff.pause()).await;
            }
            answer => return Ok(answer?),
        }
    }
}

/// Puts the agents on their threads. What an agent waits for does not go from thread to thread.
fn people(
    posts: Vec<Post>,
    options: &Options,
    tally: &Arc<Tally>,
    stopped: &watch::Receiver<bool>,
) -> Vec<std::thread::JoinHandle<anyhow::Result<()>>> {
    let threads = options.threads as usize;
    let mut shares: Vec<Vec<Post>> = (0..threads).map(|_| Vec::new()).collect();
    posts.into_iter().for_each(|post| shares[post.number as usize % threads].push(post));
    let start = |share: Vec<Post>| {
        let (options, tally, stopped) = (options.clone(), Arc::clone(tally), stopped.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let local = tokio::task::LocalSet::new();
            local.block_on(&runtime, agent::live(share, &options, &tally, stopped))
        })
    };
    shares.into_iter().map(start).collect()
}

async fn measure(
    client: &Client,
    options: &Options,
    tally: &Tally,
) -> anyhow::Result<(Phase, Option<Phase>)> {
    until("all agents to be heard", || tally.heard() >= u64::from(options.agents)).await?;
    // What they said at first is over.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle = Watch::begin(options, tally)?;
    tokio::time::sleep(Duration::from_secs(options.idle_secs)).await;
    let idle = idle.end(tally)?;
    if options.jobs_per_second == 0 || options.flow_secs == 0 {
        return Ok((idle, None));
    }
    let flow = Watch::begin(options, tally)?;
    submit(client, options, tally).await?;
    until("all jobs to end", || tally.done() >= tally.submitted()).await?;
    let mut flow = flow.end(tally)?;
    (flow.start_p50_ms, flow.start_p99_ms) = tally.starts();
    Ok((idle, Some(flow)))
}

/// What is measured from one moment to another.
struct Watch<'a> {
    options: &'a Options,
    began: Instant,
    server: Option<Usage>,
    own: Usage,
    done: u64,
}

impl<'a> Watch<'a> {
    fn begin(options: &'a Options, tally: &Tally) -> anyhow::Result<Self> {
        tally.take_syncs();
        let server = options.server_pid.map(|pid| Usage::of(&pid.to_string())).transpose()?;
        Ok(Self { options, began: Instant::now(), server, own: Usage::of("self")?, done: tally.done() })
    }

    fn end(self, tally: &Tally) -> anyhow::Result<Phase> {
        let secs = self.began.elapsed().as_secs_f64();
        let (syncs, failed_syncs, p50, p99) = tally.take_syncs();
        let server = self.options.server_pid.map(|pid| Usage::of(&pid.to_string())).transpose()?;
        let cpus = |before: &Usage, after: &Usage| (after.cpu_secs - before.cpu_secs) / secs;
        let done = tally.done() - self.done;
        Ok(Phase {
            secs,
            syncs_per_second: syncs as f64 / secs,
            failed_syncs,
            sync_p50_ms: p50,
            sync_p99_ms: p99,
            jobs: done,
            jobs_per_second: done as f64 / secs,
            start_p50_ms: 0.0,
            start_p99_ms: 0.0,
            server_cpus: self.server.as_ref().zip(server.as_ref()).map(|(before, after)| cpus(before, after)),
            server_memory_mb: server.map(|usage| usage.memory_mb),
            fleet_cpus: cpus(&self.own, &Usage::of("self")?),
        })
    }
}

/// Hands in jobs at an even pace, a batch at a time, as long as they are to flow.
async fn submit(client: &Client, options: &Options, tally: &Tally) -> anyhow::Result<()> {
    let mut spec = JobSpec::new("fleet", "none");
    spec.resources.cpus.milli = 1_000;
    let began = Instant::now();
    let whole = u64::from(options.jobs_per_second) * options.flow_secs;
    let mut tick = tokio::time::interval(HAND_IN);
    while tally.submitted() < whole {
        tick.tick().await;
        let due = (began.elapsed().as_secs_f64() * f64::from(options.jobs_per_second)) as u64;
        let count = due.min(whole).saturating_sub(tally.submitted()).min(MAX_BATCH as u64);
        if count == 0 {
            continue;
        }
        let batch = BatchRequest { jobs: vec![spec.clone(); usize::try_from(count)?] };
        let sent = Instant::now();
        let jobs = client.submit_batch(&batch, None).await.context("submitting jobs")?.jobs;
        tally.note_submitted(jobs.iter().map(|job| job.id), sent);
    }
    Ok(())
}

async fn until(what: &str, is_so: impl Fn() -> bool) -> anyhow::Result<()> {
    let began = Instant::now();
    while !is_so() {
        if began.elapsed() > PATIENCE {
            bail!("waited in vain for {what}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
