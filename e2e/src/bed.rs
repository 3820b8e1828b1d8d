//! A whole platform for one test.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use lilac_api::auth::{CreateApiKey, Secret};
use lilac_api::client::Client;
use lilac_api::cluster::{CreateJoinKey, NodeState};
use lilac_fake_nvml::state::Gpu;
use uuid::Uuid;

use crate::agent::{Agent, AgentOptions, Capacity};
use crate::database::Database;
use crate::machine::{self, Machine};
use crate::scratch::Scratch;
use crate::server::Server;
use crate::wait::{eventually, eventually_within};

/// A machine and the agent on it.
pub struct Node {
    pub agent: Agent,
    pub machine: Machine,
}

/// A database, a server, and as many nodes and further servers as the test adds. Fields are dropped in
/// this order: nothing outlives what it stands on.
pub struct Bed {
    pub nodes: Vec<Node>,
    pub servers: Vec<Server>,
    pub database: Database,
    /// Acts as the administrator, through the first server.
    pub client: Client,
    admin_password: Secret,
    scratch: Scratch,
}

/// Runs a test on a platform of its own; skips it, saying why, where none can be had. When the test
/// fails, the ends of all logs are shown.
pub async fn with_bed(test: impl AsyncFnOnce(&mut Bed) -> Result<()>) -> Result<()> {
    if let Some(obstacle) = machine::obstacle() {
        skip(&obstacle);
        return Ok(());
    }
    let mut bed = Bed::start().await?;
    let result = test(&mut bed).await;
    if result.is_err() {
        bed.show();
    }
    result
}

#[expect(clippy::print_stderr, reason = "a skipped test must say why")]
fn skip(obstacle: &str) {
    eprintln!("SKIPPED: {obstacle}");
}

impl Bed {
    /// Starts a database and one server.
    pub async fn start() -> Result<Self> {
        let scratch = Scratch::new()?;
        let database = Database::start(&scratch)?;
        let admin_password = Secret(Uuid::new_v4().simple().to_string());
        let server = Server::start("server", &scratch, &database, &admin_password).await?;
        let client = server.admin().await?;
        // A login would end in the middle of a long run.
        let request = CreateApiKey::named("e2e");
        let client = client.with_token(client.create_api_key(&request).await?.secret);
        let servers = vec![server];
        Ok(Self { nodes: Vec::new(), servers, database, client, admin_password, scratch })
    }

    /// Where the first server is.
    pub fn url(&self) -> Result<String> {
        Ok(self.servers.first().context("a bed without a server")?.url())
    }

    /// Adds a node and waits until it takes jobs.
    pub async fn add_node(&mut self, name: &str, capacity: Option<Capacity>) -> Result<()> {
        let server = self.servers.last().context("a bed without a server")?.url();
        self.add_node_of(name, &server, capacity).await
    }

    /// As [`Bed::add_node`], with GPUs.
    pub async fn add_gpu_node(&mut self, name: &str, gpus: &[Gpu]) -> Result<()> {
        let server = self.servers.last().context("a bed without a server")?.url();
        self.add(name, &server, Some(Capacity::default()), gpus).await
    }

    /// As [`Bed::add_node`], with an agent that speaks to `server`.
    pub async fn add_node_of(&mut self, name: &str, server: &str, capacity: Option<Capacity>) -> Result<()> {
        self.add(name, server, capacity, &[]).await
    }

    async fn add(
        &mut self,
        name: &str,
        server: &str,
        capacity: Option<Capacity>,
        gpus: &[Gpu],
    ) -> Result<()> {
        self.add_on(name, server, capacity, gpus, Machine::start(name).await?).await
    }

    /// As [`Bed::add_node`], on a machine that is there.
    pub async fn add_node_on(&mut self, name: &str, machine: Machine) -> Result<()> {
        let server = self.url()?;
        self.add_on(name, &server, Some(Capacity::default()), &[], machine).await
    }

    async fn add_on(
        &mut self,
        name: &str,
        server: &str,
        capacity: Option<Capacity>,
        gpus: &[Gpu],
        machine: Machine,
    ) -> Result<()> {
        let join_key = self.join_key(name).await?;
        let agent = Agent::start(
            &self.scratch.path(&format!("agent-{name}")),
            &AgentOptions {
                name,
                server,
                join_key: Some(&join_key.0),
                docker_host: machine.docker_host(),
                capacity,
                gpus,
            },
        )?;
        self.nodes.push(Node { agent, machine });
        self.until_node(name, NodeState::Ready).await
    }

    /// Adds a server on the same database.
    pub async fn add_server(&mut self) -> Result<()> {
        let name = format!("server-{}", self.servers.len() + 1);
        let server = Server::start(&name, &self.scratch, &self.database, &self.admin_password).await?;
        self.servers.push(server);
        Ok(())
    }

    /// A key for one node to join the default cluster.
    pub async fn join_key(&self, name: &str) -> Result<Secret> {
        let clusters = self.client.clusters().await?.items;
        let Some(cluster) = clusters.first() else { bail!("no cluster") };
        let request = CreateJoinKey { name: name.to_owned(), reusable: false, expires_in: None };
        Ok(self.client.create_join_key(cluster.id, &request).await?.secret)
    }

    /// Waits until the node's state is `state`.
    pub async fn until_node(&self, name: &str, state: NodeState) -> Result<()> {
        self.until_node_within(name, state, Duration::from_secs(60)).await
    }

    pub async fn until_node_within(&self, name: &str, state: NodeState, within: Duration) -> Result<()> {
        eventually_within(within, &format!("node {name} {state}"), async || {
            let nodes = self.client.nodes().await?.items;
            Ok(nodes.iter().any(|node| node.name == name && node.state == state).then_some(()))
        })
        .await
    }

    /// Waits until the server answers the administrator again.
    pub async fn until_answered(&self) -> Result<()> {
        eventually("a server that answers", async || Ok(Some(self.client.me().await.map(|_| ())?))).await
    }

    #[must_use]
    pub fn admin_password(&self) -> &Secret {
        &self.admin_password
    }

    #[must_use]
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    fn show(&self) {
        for server in &self.servers {
            server.show();
        }
        for node in &self.nodes {
            node.agent.show();
            node.machine.show();
        }
    }
}
