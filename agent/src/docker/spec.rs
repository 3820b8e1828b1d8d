//! From a task to the body of Docker's create call.

use std::collections::HashMap;

use bollard::models::{ContainerCreateBody, DeviceRequest, HostConfig, HostConfigLogConfig};
use lilac_api::agent::TaskSpec;
use lilac_api::ids::AttemptId;
use lilac_api::spec::Network;

use super::{Owner, label};

/// The most processes and threads in one container.
const PIDS_LIMIT: i64 = 4_096;
/// The kernel shares out CPU time in rounds of this length.
const CPU_PERIOD_MICROS: i64 = 100_000;
/// The least share of a round that the kernel takes.
const MIN_CPU_QUOTA_MICROS: i64 = 1_000;
/// Docker keeps the output in files of this size, two at the most. The spool keeps 256 MiB; in these
/// files every line costs some 100 bytes more, and they must hold what a restarted agent reads again.
const LOG_FILE_SIZE: &str = "320m";
const LOG_FILES: &str = "2";

/// What Docker is asked to make for one task.
///
/// CPU is limited by quota, not by `NanoCpus`: the daemon refuses more `NanoCpus` than it sees CPUs,
/// and what a node offers is not the daemon's to decide.
#[must_use]
pub fn container_body(owner: Owner, attempt: AttemptId, epoch: u32, task: &TaskSpec) -> ContainerCreateBody {
    let labels = HashMap::from([
        (label::CLUSTER.to_owned(), owner.cluster_id.to_string()),
        (label::NODE.to_owned(), owner.node_id.to_string()),
        (label::ATTEMPT.to_owned(), attempt.to_string()),
        (label::JOB.to_owned(), task.job_id.to_string()),
        (label::EPOCH.to_owned(), epoch.to_string()),
    ]);
    let memory = i64::try_from(task.memory_bytes).unwrap_or(i64::MAX);
    let cpu_quota = i64::from(task.cpu_milli) * CPU_PERIOD_MICROS / 1_000;
    let log_config = HashMap::from([
        ("max-size".to_owned(), LOG_FILE_SIZE.to_owned()),
        ("max-file".to_owned(), LOG_FILES.to_owned()),
    ]);
    let host_config = HostConfig {
        cpu_period: Some(CPU_PERIOD_MICROS),
        cpu_quota: Some(cpu_quota.max(MIN_CPU_QUOTA_MICROS)),
        memory: Some(memory),
        // As much swap and memory together as memory: none.
        memory_swap: Some(memory),
        pids_limit: Some(PIDS_LIMIT),
        init: Some(true),
        network_mode: Some(network_mode(task.network).to_owned()),
        shm_size: task.shm_bytes.and_then(|bytes| i64::try_from(bytes).ok()),
        device_requests: gpu_request(&task.gpu_uuids).map(|request| vec![request]),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        log_config: Some(HostConfigLogConfig { typ: Some("json-file".to_owned()), config: Some(log_config) }),
        auto_remove: Some(false),
        ..HostConfig::default()
    };
    ContainerCreateBody {
        image: Some(task.image.clone()),
        entrypoint: some_unless_empty(&task.entrypoint),
        cmd: some_unless_empty(&task.command),
        env: Some(task.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        working_dir: task.workdir.clone(),
        user: task.user.clone(),
        labels: Some(labels),
        stop_signal: Some(task.stop_signal.to_string()),
        stop_timeout: i64::try_from(task.stop_grace.0.as_secs()).ok(),
        host_config: Some(host_config),
        ..ContainerCreateBody::default()
    }
}

fn network_mode(network: Network) -> &'static str {
    match network {
        Network::Bridge => "bridge",
        Network::Host => "host",
        Network::None => "none",
    }
}

fn gpu_request(uuids: &[String]) -> Option<DeviceRequest> {
    if uuids.is_empty() {
        return None;
    }
    Some(DeviceRequest {
        driver: Some("nvidia".to_owned()),
        device_ids: Some(uuids.to_vec()),
        capabilities: Some(vec![vec!["gpu".to_owned()]]),
        ..DeviceRequest::default()
    })
}

fn some_unless_empty(words: &[String]) -> Option<Vec<String>> {
    if words.is_empty() { None } else { Some(words.to_vec()) }
}
