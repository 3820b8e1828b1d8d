//! The metrics, described, and their exposition in Prometheus' text format.
//!
//! Labels come from bounded sets: route templates, states, and the first hundred queues. None names a job, a user
//! or an address. They are of this process; what is of the whole platform (jobs, nodes) is the same on every
//! replica: take one of them, or the largest.

use std::sync::OnceLock;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the buckets of durations, in seconds: 0.5 ms to a minute.
const SECONDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// The exposition of this process.
pub struct Exposition {
    handle: PrometheusHandle,
    process: metrics_process::Collector,
}

/// The metrics of this process, which has one set of them however many servers it holds.
pub fn exposition() -> Option<&'static Exposition> {
    static EXPOSITION: OnceLock<Option<Exposition>> = OnceLock::new();
    EXPOSITION.get_or_init(start).as_ref()
}

fn start() -> Option<Exposition> {
    let builder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS);
    let handle = match builder
        .map_err(|error| error.to_string())
        .and_then(|builder| builder.install_recorder().map_err(|error| error.to_string()))
    {
        Ok(handle) => handle,
        Err(error) => {
            tracing::error!(error, "there are no metrics");
            return None;
        }
    };
    let process = metrics_process::Collector::default();
    process.describe();
    describe();
    gauge!("lilac_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
    Some(Exposition { handle, process })
}

impl Exposition {
    /// All metrics as text.
    pub fn render(&self) -> String {
        self.process.collect();
        self.handle.render()
    }

    /// Moves what was measured into the buckets. Due every few seconds, whether anybody asks or not: until then
    /// every single measurement is kept.
    pub fn tidy(&self) {
        self.handle.run_upkeep();
    }
}

fn describe() {
    describe_histogram!(
        "lilac_http_request_duration_seconds",
        Unit::Seconds,
        "Time from a request's head to its answer's head, by method, route template and class of status. A held sync counts for as long as it is held."
    );
    describe_gauge!("lilac_http_connections", "Open connections.");
    describe_counter!(
        "lilac_http_rate_limited_total",
        "Requests answered 429 because of a rate limit, by limit."
    );
    describe_gauge!("lilac_streams", "Interactive streams that this process carries.");
    describe_gauge!("lilac_jobs", "Jobs by state and queue. Queues beyond a hundred are counted as `other`.");
    describe_gauge!("lilac_nodes", "Nodes by state.");
    describe_histogram!(
        "lilac_scheduler_cycle_duration_seconds",
        Unit::Seconds,
        "Time of one cycle: load, plan, apply. Only the leader has any."
    );
    describe_counter!("lilac_scheduler_placements_total", "Attempts granted to nodes by this process.");
    describe_gauge!("lilac_scheduler_waiting_jobs", "Jobs that the latest cycle could not place.");
    describe_counter!("lilac_scheduler_lost_attempts_total", "Attempts taken from nodes that fell silent.");
    describe_gauge!("lilac_leader", "1 on the process that leads, 0 elsewhere.");
    describe_gauge!("lilac_leader_term", "The term that this process leads in; 0 when it does not.");
    describe_counter!(
        "lilac_agent_syncs_total",
        "Messages of agents answered, by what they were told: `news` or `nothing`."
    );
    describe_counter!("lilac_bells_total", "Wake-ups exchanged with the other processes: `sent` or `heard`.");
    describe_gauge!("lilac_database_connections", "Connections to the database, `idle` and `used`.");
    describe_gauge!(
        "lilac_database_connections_limit",
        "The most connections to the database that this process may have."
    );
    describe_counter!("lilac_log_received_bytes_total", Unit::Bytes, "Bytes of jobs' logs taken in.");
    describe_counter!(
        "lilac_hook_tries_total",
        "Messages sent to hooks, by what became of them: `delivered`, `failed` (and tried again) or `given-up`."
    );
    describe_counter!("lilac_retention_deleted_rows_total", "Rows deleted because they were old, by table.");
    describe_gauge!("lilac_build_info", "Always 1; the label says which version runs.");
}
