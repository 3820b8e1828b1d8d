//! What nodes and jobs use: as agents measure it, and as users see it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::ids::{AttemptId, JobId, NodeId};

/// The most samples that one report may hold.
pub const MAX_SAMPLES: usize = 60;

/// Up: samples in the order of their times. One that was handed over before is passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricsReport {
    /// 1 to 60.
    pub samples: Vec<Sample>,
}

/// What a node and its tasks had used at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// By the node's clock. One that lies more than a minute ahead or a day back is passed over.
    pub at: DateTime<Utc>,
    /// The whole machine, counted since it was booted.
    pub node: Usage,
    /// The GPUs of the machine, each by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<GpuUsage>,
    /// Tasks that run, counted since each was started; at most 4,096.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskUsage>,
}

/// Amounts at one moment, and counters since the beginning. As counters only grow, a sample that is lost, repeated or
/// late changes no sum, and an agent that is started anew counts on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// CPU time, in microseconds, of all CPUs together.
    pub cpu_micros: u64,
    /// Memory in use, without what the kernel can give back at once.
    pub memory_bytes: u64,
    pub disk_read_bytes: u64,
    pub disk_written_bytes: u64,
    /// 0 for a task that shares the node's network: its part is not told apart.
    pub network_received_bytes: u64,
    /// As above.
    pub network_sent_bytes: u64,
    /// How busy its GPUs are together, in thousandths of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_milli: Option<u32>,
    /// What is used of its GPUs' memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_memory_bytes: Option<u64>,
}

/// What one task had used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskUsage {
    pub attempt_id: AttemptId,
    pub rank: u16,
    pub usage: Usage,
}

/// How one GPU stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GpuUsage {
    /// Position on the node.
    pub index: u16,
    /// How much of the time it computed, in percent; none where its model does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u32>,
    pub memory_bytes: u64,
    /// In degrees Celsius.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<u32>,
    /// What it draws, in thousandths of a watt; some models do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milliwatts: Option<u32>,
}

/// Which part of the measurements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NodeMetricsQuery {
    /// From this time on; the last hour by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// Up to this time; now by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// The most points: 1 to 1,000; 300 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<u32>,
}

/// Which part of the measurements of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobMetricsQuery {
    /// Number of the attempt; the latest by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u32>,
    /// Rank of the task; 0 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u16>,
    /// From this time on; from its start by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// Up to this time; to its end by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// The most points: 1 to 1,000; 300 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<u32>,
}

/// What was used up to one moment, since the point before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricPoint {
    pub at: DateTime<Utc>,
    /// CPUs in use, in thousandths, on average.
    pub cpu_milli: u64,
    /// Memory in use, on average.
    pub memory_bytes: u64,
    /// The most memory that was seen in use.
    pub memory_peak_bytes: u64,
    /// Bytes a second that were read from disks.
    pub disk_read_rate: u64,
    /// Bytes a second that were written to disks.
    pub disk_write_rate: u64,
    /// Bytes a second that were received.
    pub network_receive_rate: u64,
    /// Bytes a second that were sent.
    pub network_send_rate: u64,
    /// How busy its GPUs were together, in thousandths of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_milli: Option<u32>,
    /// What was used of its GPUs' memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_memory_bytes: Option<u64>,
}

/// What a task of a job used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobMetrics {
    pub job_id: JobId,
    /// Number of the attempt; 0 before the first.
    pub epoch: u32,
    pub rank: u16,
    /// How far two points lie apart, about. What is older is kept in longer steps.
    pub step_secs: u32,
    /// In the order of time; empty where nothing was measured yet.
    pub points: Vec<MetricPoint>,
}

/// What a node used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NodeMetrics {
    pub node_id: NodeId,
    /// How far two points lie apart, about. What is older is kept in longer steps.
    pub step_secs: u32,
    /// In the order of time; empty where nothing was measured yet.
    pub points: Vec<MetricPoint>,
    /// Each GPU as it stood last, where that is not long ago.
    pub gpus: Vec<GpuUsage>,
}
