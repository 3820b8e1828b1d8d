//! A typed HTTP client for the control plane, used by the CLI, the agent and the tests.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt};
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::action::{CancelledJobs, ExtendJob, HoldJob, Receipt, ReprioritiseJob};
use crate::agent::{
    LogOffset, RegisterRequest, RegisterResponse, SYNC_WAIT_SECS, Supplies, SyncRequest, SyncResponse,
};
use crate::audit::{AuditCheck, AuditEntry, AuditFilter};
use crate::auth::{
    ApiKey, ChangePassword, CreateApiKey, CreateUser, CreatedApiKey, LoginMethods, LoginRequest,
    LoginResponse, ResetPassword, Secret, SignUp, UpdateProfile, UpdateUser, User,
};
use crate::cluster::{
    Cluster, ClusterStats, CordonNode, CreateCluster, CreateJoinKey, CreatedJoinKey, DrainNode, JoinKey,
    Node, NodeEvent, UpdateCluster, UpdateNode,
};
use crate::explanation::Explanation;
use crate::hook::{CreateHook, CreatedHook, Delivery, Hook, RotateHook, UpdateHook};
use crate::ids::{
    ApiKeyId, ArrayId, AttemptId, ClusterId, DeliveryId, HookId, JobId, JoinKeyId, NodeId, QueueId,
    RegistryId, ScheduleId, SecretId, StreamId, TeamId, UserId, VolumeId,
};
use crate::job::{
    Attempt, Job, JobCounts, JobEvent, JobFilter, LogChunk, LogDownload, LogEnd, LogQuery, log_headers,
};
use crate::line::{QueueLine, QueueWaits};
use crate::log::{LogMatches, LogSearch};
use crate::metric::{JobMetrics, JobMetricsQuery, MetricsReport, NodeMetrics, NodeMetricsQuery};
use crate::output::{JobOutput, OutputFailure, OutputFileQuery, OutputQuery};
use crate::overview::{JobGroups, PlatformUsage, UsageQuery};
use crate::page::{MAX_LIMIT, Page};
use crate::problem::{ErrorCode, Problem};
use crate::quantity::Span;
use crate::queue::{CreateQueue, JobsChoice, Queue, QueueStats, UpdateQueue};
use crate::schedule::JobSchedule;
use crate::secret::{
    CreateRegistry, CreateSecret, CreateVolume, Registry, ReplaceSecret, StoredSecret, UpdateVolume, Volume,
};
use crate::server::ServerFacts;
use crate::socket::{self, Listener, Speaker};
use crate::spec::JobSpec;
use crate::stream::{ExecJob, ForwardPort, OpenedStream, SUBPROTOCOL, TICKET_PREFIX, TOKEN_HEADER};
use crate::submission::{BatchRequest, BatchResponse, CancelledArray, JobArray, JobForecast};
use crate::team::{CreateTeam, Team, TeamMember, UpdateTeam};

/// Longest that an ordinary request may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Longest that a WebSocket may take to come about.
const SOCKET_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest that the transfer of a file may take.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(3600);
/// The most bytes of one answer that are read.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Why a call did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server answered with a problem.
    #[error("{}", describe(.0))]
    Refused(Box<Problem>),
    /// Nobody answers at that address.
    #[error("cannot reach {url}: {message}")]
    Unreachable { url: String, message: String },
    /// The connection broke, or the answer took too long.
    #[error("the connection to {url} failed: {message}")]
    Broken { url: String, message: String },
    /// Somebody answers, but not like Lilac.
    #[error("{url} does not answer like a Lilac server: {message}")]
    NotLilac { url: String, message: String },
    /// Somebody answers, but no encrypted connection comes about.
    #[error("no secure connection to {url}: {message}")]
    Tls { url: String, message: String },
    /// The server answers in a way that this version cannot read.
    #[error("{url} is of another version than this program ({}): {message}", env!("CARGO_PKG_VERSION"))]
    OtherVersion { url: String, message: String },
    /// The address cannot be read.
    #[error("`{0}` is not a server address; write http://host:port or https://host")]
    Address(String),
}

impl ClientError {
    /// The server's stable code, where the server answered.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(problem) => Some(problem.code),
            _ => None,
        }
    }

    /// Whether the same call may go through later: nobody answered, or the server asked for patience.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused(problem) => matches!(problem.status, 429 | 502 | 503 | 504),
            Self::Unreachable { .. } | Self::Broken { .. } => true,
            Self::NotLilac { .. } | Self::Tls { .. } | Self::OtherVersion { .. } | Self::Address(_) => false,
        }
    }
}

fn describe(problem: &Problem) -> String {
    match problem.errors.as_slice() {
        [] => problem.detail.clone(),
        errors => {
            let fields: Vec<String> = errors.iter().map(|e| format!("{}: {}", e.path, e.message)).collect();
            fields.join("; ")
        }
    }
}

/// One event of a live log.
#[derive(Clone, Debug)]
pub enum LogEvent {
    Chunk(LogChunk),
    End(LogEnd),
}

/// A part of a log.
#[derive(Clone, Debug)]
pub struct LogPart {
    pub bytes: Bytes,
    pub epoch: u32,
    pub offset: u64,
    pub next_offset: u64,
    pub complete: bool,
}

/// A connection to one control plane as one caller.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<Secret>,
}

type Result<T> = std::result::Result<T, ClientError>;

impl Client {
    /// A client of the server at `url` (`http://host:port`), as the holder of `token`.
    pub fn new(url: &str, token: Option<Secret>) -> Result<Self> {
        let base = url.trim_end_matches('/').to_owned();
        let parsed = reqwest::Url::parse(&base).map_err(|_| ClientError::Address(url.to_owned()))?;
        if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
            return Err(ClientError::Address(url.to_owned()));
        }
        // A second installation finds the first in place, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .tcp_nodelay(true)
            // The server lets go of an idle connection after 30 s; one that it has just let go of is no use.
            .pool_idle_timeout(Duration::from_secs(20))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("lilac/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| ClientError::NotLilac { url: base.clone(), message: error.to_string() })?;
        Ok(Self { http, base, token })
    }

    /// The same connection with another token.
    #[must_use]
    pub fn with_token(&self, token: Secret) -> Self {
        Self { token: Some(token), ..self.clone() }
    }

    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}/api/v1{path}", self.base)).timeout(TIMEOUT);
        match &self.token {
            Some(token) => request.bearer_auth(&token.0),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await.map_err(|error| self.transport(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refusal(response).await)
    }

    /// What an answer says that is no success.
    async fn refusal(&self, response: Response) -> ClientError {
        let status = response.status();
        let is_problem = response
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
        let body = match self.bounded_body(response).await {
            Ok(body) => body,
            Err(error) => return error,
        };
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) if is_problem => ClientError::Refused(Box::new(problem)),
            _ => self.not_lilac(format!("status {}", status.as_u16())),
        }
    }

    async fn bounded_body(&self, response: Response) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| self.transport(&error))?;
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(self.not_lilac("an answer of over 64 MiB".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        let response = self.send(request).await?;
        let kind = response.headers().get(header::CONTENT_TYPE);
        let is_json = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        let body = self.bounded_body(response).await?;
        serde_json::from_slice(&body).map_err(|error| {
            let (url, message) = (self.base.clone(), error.to_string());
            // JSON that is not what was expected comes from a server that is older or newer.
            if is_json && error.is_data() {
                ClientError::OtherVersion { url, message }
            } else {
                ClientError::NotLilac { url, message }
            }
        })
    }

    fn transport(&self, error: &reqwest::Error) -> ClientError {
        // The innermost cause is what a person can act on: "Connection refused".
        let mut cause: &dyn std::error::Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let (url, message) = (self.base.clone(), cause.to_string());
        if let Some(tls) = tls_error(error) {
            ClientError::Tls { url, message: tls_words(tls) }
        } else if error.is_connect() {
            ClientError::Unreachable { url, message }
        } else {
            ClientError::Broken { url, message }
        }
    }

    fn not_lilac(&self, message: String) -> ClientError {
        ClientError::NotLilac { url: self.base.clone(), message }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.json(self.request(Method::GET, path)).await
    }

    async fn get_with<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> Result<T> {
        self.json(self.request(Method::GET, path).query(query)).await
    }

    /// A list as a single page, however many the server gives it in.
    async fn all_pages<T: DeserializeOwned>(&self, path: &str) -> Result<Page<T>> {
        let mut all = Page { items: Vec::new(), next_cursor: None };
        loop {
            let page: Page<T> = self.get_with(path, &whole_page(all.next_cursor.as_deref())).await?;
            all.items.extend(page.items);
            if page.next_cursor.is_none() {
                return Ok(Page { next_cursor: None, ..all });
            }
            all.next_cursor = page.next_cursor;
        }
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.json(self.request(Method::POST, path).json(body)).await
    }

    async fn act<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.json(self.request(Method::POST, path)).await
    }

    async fn patch<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.json(self.request(Method::PATCH, path).json(body)).await
    }

    async fn delete(&self, path: &str) -> Result<()> {
        self.send(self.request(Method::DELETE, path)).await.map(|_| ())
    }

    /// The server's clock, to the second, where it tells it: that it answers at all is as much worth knowing.
    pub async fn server_time(&self) -> Result<Option<DateTime<Utc>>> {
        let request = self.http.get(format!("{}/healthz", self.base)).timeout(TIMEOUT);
        let response = self.send(request).await?;
        let date = response.headers().get(header::DATE).and_then(|date| date.to_str().ok());
        Ok(date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()).map(|date| date.to_utc()))
    }

    /// The description of the API.
    pub async fn openapi(&self) -> Result<serde_json::Value> {
        self.get("/openapi.json").await
    }

    // Accounts.

    pub async fn login(&self, request: &LoginRequest) -> Result<LoginResponse> {
        self.post("/auth/login", request).await
    }

    pub async fn me(&self) -> Result<User> {
        self.get("/auth/me").await
    }

    pub async fn update_me(&self, request: &UpdateProfile) -> Result<User> {
        self.patch("/auth/me", request).await
    }

    /// Ends all logins of the caller; the answer is a new one.
    pub async fn change_password(&self, request: &ChangePassword) -> Result<LoginResponse> {
        self.post("/auth/password", request).await
    }

    pub async fn sign_up(&self, request: &SignUp) -> Result<User> {
        self.post("/auth/sign-up", request).await
    }

    pub async fn login_methods(&self) -> Result<LoginMethods> {
        self.get("/auth/methods").await
    }

    pub async fn users(&self) -> Result<Page<User>> {
        self.get("/users?limit=500").await
    }

    /// A page of users, 500 at most, from `cursor` on.
    pub async fn users_page(&self, cursor: Option<&str>) -> Result<Page<User>> {
        self.get_with("/users", &whole_page(cursor)).await
    }

    pub async fn create_user(&self, request: &CreateUser) -> Result<User> {
        self.post("/users", request).await
    }

    pub async fn update_user(&self, id: UserId, request: &UpdateUser) -> Result<User> {
        self.patch(&format!("/users/{id}"), request).await
    }

    pub async fn user(&self, id: UserId) -> Result<User> {
        self.get(&format!("/users/{id}")).await
    }

    pub async fn delete_user(&self, id: UserId) -> Result<()> {
        self.delete(&format!("/users/{id}")).await
    }

    /// Gives a user a made-up password, which must be changed at the next login.
    pub async fn reset_password(&self, id: UserId) -> Result<ResetPassword> {
        self.act(&format!("/users/{id}/reset-password")).await
    }

    pub async fn api_keys(&self) -> Result<Page<ApiKey>> {
        self.get("/api-keys").await
    }

    pub async fn create_api_key(&self, request: &CreateApiKey) -> Result<CreatedApiKey> {
        self.post("/api-keys", request).await
    }

    pub async fn revoke_api_key(&self, id: ApiKeyId) -> Result<()> {
        self.delete(&format!("/api-keys/{id}")).await
    }

    // Teams.

    pub async fn teams(&self) -> Result<Page<Team>> {
        self.get("/teams?limit=500").await
    }

    /// A page of teams, 500 at most, from `cursor` on.
    pub async fn teams_page(&self, cursor: Option<&str>) -> Result<Page<Team>> {
        self.get_with("/teams", &whole_page(cursor)).await
    }

    pub async fn team(&self, id: TeamId) -> Result<Team> {
        self.get(&format!("/teams/{id}")).await
    }

    pub async fn create_team(&self, request: &CreateTeam) -> Result<Team> {
        self.post("/teams", request).await
    }

    pub async fn update_team(&self, id: TeamId, request: &UpdateTeam) -> Result<Team> {
        self.patch(&format!("/teams/{id}"), request).await
    }

    pub async fn delete_team(&self, id: TeamId) -> Result<()> {
        self.delete(&format!("/teams/{id}")).await
    }

    pub async fn team_members(&self, id: TeamId) -> Result<Page<TeamMember>> {
        self.get(&format!("/teams/{id}/members")).await
    }

    pub async fn add_team_member(&self, id: TeamId, user: UserId) -> Result<()> {
        self.send(self.request(Method::PUT, &format!("/teams/{id}/members/{user}"))).await.map(|_| ())
    }

    pub async fn remove_team_member(&self, id: TeamId, user: UserId) -> Result<()> {
        self.delete(&format!("/teams/{id}/members/{user}")).await
    }

    // The audit log.

    pub async fn audit(&self, filter: &AuditFilter) -> Result<Page<AuditEntry>> {
        self.get_with("/audit", filter).await
    }

    pub async fn verify_audit(&self) -> Result<AuditCheck> {
        self.get("/audit/verify").await
    }

    // Clusters and nodes.

    pub async fn clusters(&self) -> Result<Page<Cluster>> {
        self.get("/clusters").await
    }

    pub async fn create_cluster(&self, request: &CreateCluster) -> Result<Cluster> {
        self.post("/clusters", request).await
    }

    pub async fn cluster(&self, id: ClusterId) -> Result<Cluster> {
        self.get(&format!("/clusters/{id}")).await
    }

    pub async fn update_cluster(&self, id: ClusterId, request: &UpdateCluster) -> Result<Cluster> {
        self.patch(&format!("/clusters/{id}"), request).await
    }

    pub async fn delete_cluster(&self, id: ClusterId) -> Result<()> {
        self.delete(&format!("/clusters/{id}")).await
    }

    pub async fn cluster_stats(&self, id: ClusterId) -> Result<ClusterStats> {
        self.get(&format!("/clusters/{id}/stats")).await
    }

    /// All nodes of a cluster.
    pub async fn cluster_nodes(&self, id: ClusterId) -> Result<Page<Node>> {
        self.all_pages(&format!("/clusters/{id}/nodes")).await
    }

    pub async fn cluster_jobs(&self, id: ClusterId) -> Result<Page<Job>> {
        self.get(&format!("/clusters/{id}/jobs")).await
    }

    pub async fn join_keys(&self, cluster: ClusterId) -> Result<Page<JoinKey>> {
        self.get(&format!("/clusters/{cluster}/api-keys")).await
    }

    pub async fn create_join_key(
        &self,
        cluster: ClusterId,
        request: &CreateJoinKey,
    ) -> Result<CreatedJoinKey> {
        self.post(&format!("/clusters/{cluster}/api-keys"), request).await
    }

    pub async fn revoke_join_key(&self, cluster: ClusterId, key: JoinKeyId) -> Result<()> {
        self.delete(&format!("/clusters/{cluster}/api-keys/{key}")).await
    }

    /// All nodes.
    pub async fn nodes(&self) -> Result<Page<Node>> {
        self.all_pages("/nodes").await
    }

    pub async fn node(&self, id: NodeId) -> Result<Node> {
        self.get(&format!("/nodes/{id}")).await
    }

    /// Stops new jobs from being placed on a node.
    pub async fn cordon(&self, id: NodeId) -> Result<Node> {
        self.act(&format!("/nodes/{id}/cordon")).await
    }

    /// As [`Client::cordon`], with a sentence for the others.
    pub async fn cordon_because(&self, id: NodeId, request: &CordonNode) -> Result<Node> {
        self.post(&format!("/nodes/{id}/cordon"), request).await
    }

    pub async fn uncordon(&self, id: NodeId) -> Result<Node> {
        self.act(&format!("/nodes/{id}/uncordon")).await
    }

    /// Empties a node: what does not end by itself in time goes back to its queue.
    pub async fn drain(&self, id: NodeId, request: &DrainNode) -> Result<Node> {
        self.post(&format!("/nodes/{id}/drain"), request).await
    }

    /// Sets labels that stand over those of the node's agent.
    pub async fn update_node(&self, id: NodeId, request: &UpdateNode) -> Result<Node> {
        self.patch(&format!("/nodes/{id}"), request).await
    }

    /// The latest of a node's history.
    pub async fn node_events(&self, id: NodeId) -> Result<Page<NodeEvent>> {
        self.get(&format!("/nodes/{id}/events")).await
    }

    pub async fn node_jobs(&self, id: NodeId) -> Result<Page<Job>> {
        self.get(&format!("/nodes/{id}/jobs")).await
    }

    /// Attests that a node is dead and removes it: its jobs are requeued at once.
    pub async fn remove_node(&self, id: NodeId) -> Result<()> {
        self.delete(&format!("/nodes/{id}")).await
    }

    // Queues.

    pub async fn queues(&self) -> Result<Page<Queue>> {
        self.get("/queues").await
    }

    pub async fn create_queue(&self, request: &CreateQueue) -> Result<Queue> {
        self.post("/queues", request).await
    }

    pub async fn update_queue(&self, id: QueueId, request: &UpdateQueue) -> Result<Queue> {
        self.patch(&format!("/queues/{id}"), request).await
    }

    pub async fn queue(&self, id: QueueId) -> Result<Queue> {
        self.get(&format!("/queues/{id}")).await
    }

    /// Starts nothing more from a queue.
    pub async fn pause_queue(&self, id: QueueId) -> Result<Queue> {
        self.act(&format!("/queues/{id}/pause")).await
    }

    pub async fn resume_queue(&self, id: QueueId) -> Result<Queue> {
        self.act(&format!("/queues/{id}/resume")).await
    }

    pub async fn delete_queue(&self, id: QueueId, jobs: &JobsChoice) -> Result<()> {
        let request = self.request(Method::DELETE, &format!("/queues/{id}"));
        self.send(request.query(&[("jobs", jobs.to_string())])).await.map(|_| ())
    }

    pub async fn queue_stats(&self, id: QueueId) -> Result<QueueStats> {
        self.get(&format!("/queues/{id}/stats")).await
    }

    /// Who is next in a queue, and why not yet.
    pub async fn queue_line(&self, id: QueueId) -> Result<QueueLine> {
        self.get(&format!("/queues/{id}/line")).await
    }

    /// How long jobs of a queue waited lately.
    pub async fn queue_waits(&self, id: QueueId) -> Result<QueueWaits> {
        self.get(&format!("/queues/{id}/waits")).await
    }

    /// What the server tells about itself.
    pub async fn server_facts(&self) -> Result<ServerFacts> {
        self.get("/server").await
    }

    pub async fn queue_jobs(&self, id: QueueId) -> Result<Page<Job>> {
        self.get(&format!("/queues/{id}/jobs")).await
    }

    // Secrets, registry logins and volumes.

    /// A page of secrets, 500 at most, from `cursor` on.
    pub async fn secrets(&self, cursor: Option<&str>) -> Result<Page<StoredSecret>> {
        self.get_with("/secrets", &whole_page(cursor)).await
    }

    pub async fn secret(&self, id: SecretId) -> Result<StoredSecret> {
        self.get(&format!("/secrets/{id}")).await
    }

    pub async fn create_secret(&self, request: &CreateSecret) -> Result<StoredSecret> {
        self.post("/secrets", request).await
    }

    pub async fn replace_secret(&self, id: SecretId, request: &ReplaceSecret) -> Result<StoredSecret> {
        self.json(self.request(Method::PUT, &format!("/secrets/{id}")).json(request)).await
    }

    pub async fn delete_secret(&self, id: SecretId) -> Result<()> {
        self.delete(&format!("/secrets/{id}")).await
    }

    /// A page of registry logins, 500 at most, from `cursor` on.
    pub async fn registries(&self, cursor: Option<&str>) -> Result<Page<Registry>> {
        self.get_with("/registries", &whole_page(cursor)).await
    }

    pub async fn registry(&self, id: RegistryId) -> Result<Registry> {
        self.get(&format!("/registries/{id}")).await
    }

    pub async fn create_registry(&self, request: &CreateRegistry) -> Result<Registry> {
        self.post("/registries", request).await
    }

    pub async fn delete_registry(&self, id: RegistryId) -> Result<()> {
        self.delete(&format!("/registries/{id}")).await
    }

    pub async fn volumes(&self) -> Result<Page<Volume>> {
        self.get("/volumes").await
    }

    pub async fn volume(&self, id: VolumeId) -> Result<Volume> {
        self.get(&format!("/volumes/{id}")).await
    }

    pub async fn create_volume(&self, request: &CreateVolume) -> Result<Volume> {
        self.post("/volumes", request).await
    }

    pub async fn update_volume(&self, id: VolumeId, request: &UpdateVolume) -> Result<Volume> {
        self.patch(&format!("/volumes/{id}"), request).await
    }

    pub async fn delete_volume(&self, id: VolumeId) -> Result<()> {
        self.delete(&format!("/volumes/{id}")).await
    }

    // Hooks.

    /// A page of hooks, 500 at most, from `cursor` on.
    pub async fn hooks(&self, cursor: Option<&str>) -> Result<Page<Hook>> {
        self.get_with("/hooks", &whole_page(cursor)).await
    }

    pub async fn hook(&self, id: HookId) -> Result<Hook> {
        self.get(&format!("/hooks/{id}")).await
    }

    pub async fn create_hook(&self, request: &CreateHook) -> Result<CreatedHook> {
        self.post("/hooks", request).await
    }

    pub async fn update_hook(&self, id: HookId, request: &UpdateHook) -> Result<Hook> {
        self.patch(&format!("/hooks/{id}"), request).await
    }

    pub async fn delete_hook(&self, id: HookId) -> Result<()> {
        self.delete(&format!("/hooks/{id}")).await
    }

    /// Replaces a hook's secret.
    pub async fn rotate_hook(&self, id: HookId, request: &RotateHook) -> Result<CreatedHook> {
        self.post(&format!("/hooks/{id}/rotate"), request).await
    }

    /// Sends a hook a message that tells of no job.
    pub async fn test_hook(&self, id: HookId) -> Result<Delivery> {
        self.act(&format!("/hooks/{id}/test")).await
    }

    /// A page of a hook's deliveries, 500 at most, the newest first, from `cursor` on.
    pub async fn hook_deliveries(&self, id: HookId, cursor: Option<&str>) -> Result<Page<Delivery>> {
        self.get_with(&format!("/hooks/{id}/deliveries"), &whole_page(cursor)).await
    }

    pub async fn hook_delivery(&self, id: HookId, delivery: DeliveryId) -> Result<Delivery> {
        self.get(&format!("/hooks/{id}/deliveries/{delivery}")).await
    }

    /// Sends a delivery once more, now.
    pub async fn redeliver(&self, id: HookId, delivery: DeliveryId) -> Result<Delivery> {
        self.act(&format!("/hooks/{id}/deliveries/{delivery}/redeliver")).await
    }

    // Jobs.

    /// Submits a job. With a key, a repeated call gives the job that the first one made.
    pub async fn submit(&self, spec: &JobSpec, idempotency_key: Option<&str>) -> Result<Job> {
        self.submit_raw(serde_json::to_vec(spec).unwrap_or_default(), idempotency_key).await
    }

    /// Submits a spec that is JSON text already.
    pub async fn submit_raw(&self, spec: Vec<u8>, idempotency_key: Option<&str>) -> Result<Job> {
        let mut request =
            self.request(Method::POST, "/jobs").header(header::CONTENT_TYPE, "application/json").body(spec);
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        self.json(request).await
    }

    /// Submits several jobs, all or none. With a key, a repeated call gives the jobs that the first one made.
    pub async fn submit_batch(
        &self,
        batch: &BatchRequest,
        idempotency_key: Option<&str>,
    ) -> Result<BatchResponse> {
        let mut request = self.request(Method::POST, "/jobs/batch").json(batch);
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        self.json(request).await
    }

    pub async fn array(&self, id: ArrayId) -> Result<JobArray> {
        self.get(&format!("/arrays/{id}")).await
    }

    pub async fn cancel_array(&self, id: ArrayId) -> Result<CancelledArray> {
        self.act(&format!("/arrays/{id}/cancel")).await
    }

    pub async fn jobs(&self, filter: &JobFilter) -> Result<Page<Job>> {
        self.get_with("/jobs", filter).await
    }

    /// The jobs that match, by what they have in common.
    pub async fn job_groups(&self, by: &str, filter: &JobFilter) -> Result<JobGroups> {
        let request = self.request(Method::GET, "/jobs/groups").query(&[("by", by)]).query(filter);
        self.json(request).await
    }

    /// What was held over the last hours, and how long jobs waited.
    pub async fn usage(&self, query: &UsageQuery) -> Result<PlatformUsage> {
        self.get_with("/usage", query).await
    }

    pub async fn job_counts(&self) -> Result<JobCounts> {
        self.get("/jobs/counts").await
    }

    /// Counts the jobs that match; `limit`, `cursor` and `sort` are not for this.
    pub async fn job_counts_of(&self, filter: &JobFilter) -> Result<JobCounts> {
        self.get_with("/jobs/counts", filter).await
    }

    /// What would become of a job that is submitted now.
    pub async fn plan_job(&self, spec: &JobSpec) -> Result<JobForecast> {
        self.post("/jobs/plan", spec).await
    }

    pub async fn job(&self, id: JobId) -> Result<Job> {
        self.get(&format!("/jobs/{id}")).await
    }

    pub async fn cancel(&self, id: JobId) -> Result<Job> {
        self.act(&format!("/jobs/{id}/cancel")).await
    }

    /// Puts a held job back in its queue.
    pub async fn release(&self, id: JobId) -> Result<Job> {
        self.act(&format!("/jobs/{id}/release")).await
    }

    /// Cancels all jobs that match; `limit` and `cursor` are not for this.
    pub async fn cancel_jobs(&self, filter: &JobFilter) -> Result<CancelledJobs> {
        self.json(self.request(Method::POST, "/jobs/cancel").query(filter)).await
    }

    /// Keeps a waiting job from being placed.
    pub async fn hold(&self, id: JobId, message: &str) -> Result<Job> {
        self.post(&format!("/jobs/{id}/hold"), &HoldJob { message: message.to_owned() }).await
    }

    pub async fn reprioritise(&self, id: JobId, priority: u8) -> Result<Job> {
        self.post(&format!("/jobs/{id}/reprioritise"), &ReprioritiseJob { priority }).await
    }

    /// Lets a job run for `max_runtime` in all.
    pub async fn extend(&self, id: JobId, max_runtime: Span) -> Result<Job> {
        self.post(&format!("/jobs/{id}/extend"), &ExtendJob { max_runtime }).await
    }

    /// Submits a job's spec anew.
    pub async fn rerun(&self, id: JobId) -> Result<Job> {
        self.act(&format!("/jobs/{id}/rerun")).await
    }

    pub async fn explain_job(&self, id: JobId) -> Result<Explanation> {
        self.get(&format!("/jobs/{id}/explain")).await
    }

    pub async fn receipt(&self, id: JobId) -> Result<Receipt> {
        self.get(&format!("/jobs/{id}/receipt")).await
    }

    pub async fn schedules(&self) -> Result<Page<JobSchedule>> {
        self.get("/schedules?limit=500").await
    }

    pub async fn schedule(&self, id: ScheduleId) -> Result<JobSchedule> {
        self.get(&format!("/schedules/{id}")).await
    }

    /// Has a job submitted by the clock: `spec` says when.
    pub async fn create_schedule(&self, spec: &JobSpec) -> Result<JobSchedule> {
        self.post("/schedules", spec).await
    }

    pub async fn pause_schedule(&self, id: ScheduleId) -> Result<JobSchedule> {
        self.act(&format!("/schedules/{id}/pause")).await
    }

    pub async fn resume_schedule(&self, id: ScheduleId) -> Result<JobSchedule> {
        self.act(&format!("/schedules/{id}/resume")).await
    }

    pub async fn run_schedule(&self, id: ScheduleId) -> Result<Job> {
        self.act(&format!("/schedules/{id}/run")).await
    }

    pub async fn delete_schedule(&self, id: ScheduleId) -> Result<()> {
        self.delete(&format!("/schedules/{id}")).await
    }

    pub async fn job_events(&self, id: JobId) -> Result<Page<JobEvent>> {
        self.get(&format!("/jobs/{id}/events")).await
    }

    pub async fn attempts(&self, id: JobId) -> Result<Page<Attempt>> {
        self.get(&format!("/jobs/{id}/attempts")).await
    }

    /// Reads a part of a log.
    pub async fn log(&self, id: JobId, query: &LogQuery) -> Result<LogPart> {
        let response = self.send(self.request(Method::GET, &format!("/jobs/{id}/logs")).query(query)).await?;
        let number =
            |name: &str| -> Option<u64> { response.headers().get(name)?.to_str().ok()?.parse().ok() };
        let (Some(offset), Some(next_offset), Some(epoch)) = (
            number(log_headers::OFFSET),
            number(log_headers::NEXT_OFFSET),
            number(log_headers::EPOCH).and_then(|epoch| u32::try_from(epoch).ok()),
        ) else {
            return Err(self.not_lilac("a log without its offset".to_owned()));
        };
        let complete = response.headers().get(log_headers::COMPLETE).is_some_and(|value| value == "true");
        let bytes = self.bounded_body(response).await?.into();
        Ok(LogPart { bytes, epoch, offset, next_offset, complete })
    }

    /// Searches a part of a log; `next_offset` leads to the next.
    pub async fn search_log(&self, id: JobId, query: &LogSearch) -> Result<LogMatches> {
        self.get_with(&format!("/jobs/{id}/logs/search"), query).await
    }

    /// All that there is of a log, piece by piece.
    pub async fn download_log(
        &self,
        id: JobId,
        query: &LogDownload,
    ) -> Result<impl Stream<Item = Result<Bytes>> + use<>> {
        let request = self.request(Method::GET, &format!("/jobs/{id}/logs/download")).query(query);
        self.download(request).await
    }

    pub async fn outputs(&self, id: JobId, query: &OutputQuery) -> Result<Vec<JobOutput>> {
        self.get_with(&format!("/jobs/{id}/outputs"), query).await
    }

    /// An output's tar archive, piece by piece.
    pub async fn download_output(
        &self,
        id: JobId,
        index: u16,
        query: &OutputQuery,
    ) -> Result<impl Stream<Item = Result<Bytes>> + use<>> {
        let request = self.request(Method::GET, &format!("/jobs/{id}/outputs/{index}")).query(query);
        self.download(request).await
    }

    /// One file of an output, piece by piece.
    pub async fn download_output_file(
        &self,
        id: JobId,
        index: u16,
        query: &OutputFileQuery,
    ) -> Result<impl Stream<Item = Result<Bytes>> + use<>> {
        let request = self.request(Method::GET, &format!("/jobs/{id}/outputs/{index}/files")).query(query);
        self.download(request).await
    }

    /// Opens a stream to a program that is run in the job's container.
    pub async fn exec(&self, id: JobId, request: &ExecJob) -> Result<OpenedStream> {
        self.post(&format!("/jobs/{id}/exec"), request).await
    }

    /// Opens a stream to a port of the job's container.
    pub async fn forward_port(&self, id: JobId, request: &ForwardPort) -> Result<OpenedStream> {
        self.post(&format!("/jobs/{id}/port-forward"), request).await
    }

    /// Connects to a stream that the caller has opened.
    pub async fn stream(&self, id: StreamId) -> Result<(Speaker, Listener)> {
        self.socket(self.request(Method::GET, &format!("/streams/{id}"))).await
    }

    /// As [`Client::stream`], with a stream's ticket in place of the client's credential, as a browser does.
    pub async fn stream_by_ticket(&self, id: StreamId, ticket: &Secret) -> Result<(Speaker, Listener)> {
        let request = self.http.request(Method::GET, format!("{}/api/v1/streams/{id}", self.base));
        self.socket_offering(request, &format!("{SUBPROTOCOL}, {TICKET_PREFIX}{}", ticket.0)).await
    }

    async fn socket(&self, request: RequestBuilder) -> Result<(Speaker, Listener)> {
        self.socket_offering(request, SUBPROTOCOL).await
    }

    async fn socket_offering(&self, request: RequestBuilder, protocols: &str) -> Result<(Speaker, Listener)> {
        let (key, accept) = socket::key();
        let request = request
            .timeout(SOCKET_TIMEOUT)
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_PROTOCOL, protocols)
            .header(header::SEC_WEBSOCKET_KEY, key);
        let response = request.send().await.map_err(|error| self.transport(&error))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(self.refusal(response).await);
        }
        socket::open(response, &accept).await.map_err(|message| self.not_lilac(message))
    }

    /// A body that is too long to hold.
    async fn download(&self, request: RequestBuilder) -> Result<impl Stream<Item = Result<Bytes>> + use<>> {
        let response = self.send(request.timeout(TRANSFER_TIMEOUT)).await?;
        let client = self.clone();
        Ok(response.bytes_stream().map(move |piece| piece.map_err(|error| client.transport(&error))))
    }

    /// Follows a log until the attempt ended and the log is whole.
    pub async fn follow_log(
        &self,
        id: JobId,
        query: &LogQuery,
    ) -> Result<impl Stream<Item = Result<LogEvent>> + use<>> {
        let request = self
            .request(Method::GET, &format!("/jobs/{id}/logs/stream"))
            .query(query)
            // A live stream has no end of its own; the server's comments show that it lives.
            .timeout(Duration::from_secs(365 * 86_400));
        let response = self.send(request).await?;
        let client = self.clone();
        Ok(events(client, response).filter_map(|event| async move {
            match event {
                Ok(event) => match event.name.as_str() {
                    "log" => Some(parse(&event.data).map(LogEvent::Chunk)),
                    "end" => Some(parse(&event.data).map(LogEvent::End)),
                    _ => None,
                },
                Err(error) => Some(Err(error)),
            }
        }))
    }

    // Agents.

    pub async fn register(&self, request: &RegisterRequest) -> Result<RegisterResponse> {
        self.post("/agent/register", request).await
    }

    pub async fn sync(&self, request: &SyncRequest) -> Result<SyncResponse> {
        let timeout = Duration::from_secs(SYNC_WAIT_SECS + 10);
        self.json(self.request(Method::POST, "/agent/sync").timeout(timeout).json(request)).await
    }

    /// What the container of an attempt needs, for the node that runs it.
    pub async fn supplies(&self, attempt: AttemptId) -> Result<Supplies> {
        self.get(&format!("/agent/attempts/{attempt}/supplies")).await
    }

    /// Hands over what a node measured.
    pub async fn put_metrics(&self, report: &MetricsReport) -> Result<()> {
        self.send(self.request(Method::POST, "/agent/metrics").json(report)).await.map(|_| ())
    }

    /// What a task of a job used.
    pub async fn job_metrics(&self, id: JobId, query: &JobMetricsQuery) -> Result<JobMetrics> {
        self.get_with(&format!("/jobs/{id}/metrics"), query).await
    }

    /// What a node used.
    pub async fn node_metrics(&self, id: NodeId, query: &NodeMetricsQuery) -> Result<NodeMetrics> {
        self.get_with(&format!("/nodes/{id}/metrics"), query).await
    }

    /// Connects the node's end of a stream.
    pub async fn agent_stream(&self, id: StreamId, token: &Secret) -> Result<(Speaker, Listener)> {
        let request = self.request(Method::GET, &format!("/agent/streams/{id}"));
        self.socket(request.header(TOKEN_HEADER, &token.0)).await
    }

    /// Hands over an output: a tar archive. A body that breaks off with an error is not taken.
    pub async fn put_output(
        &self,
        attempt: AttemptId,
        rank: u16,
        index: u16,
        archive: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    ) -> Result<()> {
        let request = self
            .request(Method::PUT, &format!("/agent/attempts/{attempt}/outputs/{index}"))
            .query(&[("rank", rank)])
            .header(header::CONTENT_TYPE, "application/x-tar")
            .timeout(TRANSFER_TIMEOUT)
            .body(reqwest::Body::wrap_stream(archive));
        self.send(request).await.map(|_| ())
    }

    /// Says that an output cannot be handed over.
    pub async fn fail_output(&self, attempt: AttemptId, index: u16, failure: &OutputFailure) -> Result<()> {
        let path = format!("/agent/attempts/{attempt}/outputs/{index}/failure");
        self.send(self.request(Method::POST, &path).json(failure)).await.map(|_| ())
    }

    /// Hands over a part of a log. The inner error is the offset that the server expects instead.
    pub async fn put_log(
        &self,
        attempt: AttemptId,
        rank: u16,
        offset: u64,
        bytes: Bytes,
    ) -> Result<std::result::Result<LogOffset, LogOffset>> {
        let request = self
            .request(Method::PUT, &format!("/agent/attempts/{attempt}/logs"))
            .query(&[("rank", u64::from(rank)), ("offset", offset)])
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(bytes);
        let response = request.send().await.map_err(|error| self.transport(&error))?;
        let expected = response
            .headers()
            .get(log_headers::NEXT_OFFSET)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(|offset| LogOffset { offset });
        match (response.status(), expected) {
            (StatusCode::OK, Some(stored)) => Ok(Ok(stored)),
            (StatusCode::CONFLICT, Some(expected)) => Ok(Err(expected)),
            (status, _) => {
                let body = self.bounded_body(response).await?;
                match serde_json::from_slice::<Problem>(&body) {
                    Ok(problem) => Err(ClientError::Refused(Box::new(problem))),
                    Err(_) => Err(self.not_lilac(format!("status {}", status.as_u16()))),
                }
            }
        }
    }
}

/// What went wrong with the encryption, where it was that.
fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        // An I/O error hides what it was made of from `source`.
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn tls_words(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidMessage(_) => "what answers there does not speak https".to_owned(),
        rustls::Error::InvalidCertificate(reason) => format!("its certificate is not accepted: {reason}"),
        other => other.to_string(),
    }
}

/// The query of a page as long as there are.
fn whole_page(cursor: Option<&str>) -> Vec<(&'static str, String)> {
    let cursor = cursor.map(|cursor| ("cursor", cursor.to_owned()));
    [("limit", MAX_LIMIT.to_string())].into_iter().chain(cursor).collect()
}

/// One server-sent event.
#[derive(Debug, Default)]
struct Event {
    name: String,
    data: String,
}

fn parse<T: DeserializeOwned>(data: &str) -> Result<T> {
    serde_json::from_str(data).map_err(|error| ClientError::NotLilac {
        url: "the event stream".to_owned(),
        message: error.to_string(),
    })
}

/// The longest line of an event stream: a log chunk in base64 and then some.
const MAX_EVENT_LINE_BYTES: usize = 4 << 20;

/// Reads server-sent events off a response, as the HTML standard writes them.
fn events(client: Client, response: Response) -> impl Stream<Item = Result<Event>> {
    let body = Box::pin(response.bytes_stream());
    let start = (client, body, Vec::<u8>::new(), Event::default());
    futures::stream::unfold(start, |(client, mut body, mut buffer, mut event)| async move {
        loop {
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                let line = line.trim_end_matches(['\n', '\r']);
                if line.is_empty() {
                    if event.data.is_empty() && event.name.is_empty() {
                        continue;
                    }
                    let complete = std::mem::take(&mut event);
                    return Some((Ok(complete), (client, body, buffer, event)));
                }
                let (field, value) = line.split_once(':').unwrap_or((line, ""));
                let value = value.strip_prefix(' ').unwrap_or(value);
                match field {
                    "event" => value.clone_into(&mut event.name),
                    "data" => event.data.push_str(value),
                    _ => {}
                }
            }
            if buffer.len() > MAX_EVENT_LINE_BYTES {
                buffer.clear();
                let error = client.not_lilac("an event of over 4 MiB".to_owned());
                return Some((Err(error), (client, body, buffer, event)));
            }
            match body.next().await {
                Some(Ok(chunk)) => buffer.extend_from_slice(&chunk),
                Some(Err(error)) => {
                    let error = client.transport(&error);
                    return Some((Err(error), (client, body, buffer, event)));
                }
                None => return None,
            }
        }
    })
}
