//! The latest measurement in Prometheus' text format, over HTTP, where the configuration asks for it. Nothing but a
//! GET of `/metrics` is understood, and little of anybody's words is read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use lilac_api::ids::{AttemptId, JobId};
use lilac_api::metric::{Sample, Usage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::Meters;
use crate::VERSION;

/// How many are answered at once; the others wait.
const CONNECTIONS: usize = 8;
/// How long a question and its answer may take together.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest head of a request.
const HEAD_BYTES: usize = 8 << 10;

pub(super) async fn serve(listener: TcpListener, meters: Meters, node: String) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (meters, node) = (meters.clone(), node.clone());
        tokio::spawn(async move {
            // Who is too slow is cut off.
            let _ = timeout(TIMEOUT, answer(stream, &meters, &node)).await;
            drop(permit);
        });
    }
}

async fn answer(mut stream: TcpStream, meters: &Meters, node: &str) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > HEAD_BYTES || stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let wants_metrics = line.starts_with(b"GET /metrics ") || line.starts_with(b"GET /metrics?");
    let (status, body) = if wants_metrics {
        let (latest, jobs) = meters.latest();
        ("200 OK", text(latest.as_ref(), &jobs, node))
    } else {
        ("404 Not Found", "see /metrics\n".to_owned())
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

/// Name, kind and description of each series, and where its value is found.
type Series = (&'static str, &'static str, &'static str, fn(&Usage) -> Option<f64>);

const SERIES: [Series; 8] = [
    ("cpu_seconds_total", "counter", "CPU time used.", |usage| Some(usage.cpu_micros as f64 / 1e6)),
    ("memory_bytes", "gauge", "Memory in use.", |usage| Some(usage.memory_bytes as f64)),
    ("disk_read_bytes_total", "counter", "Bytes read from disks.", |usage| {
        Some(usage.disk_read_bytes as f64)
    }),
    ("disk_written_bytes_total", "counter", "Bytes written to disks.", |usage| {
        Some(usage.disk_written_bytes as f64)
    }),
    ("network_received_bytes_total", "counter", "Bytes received.", |usage| {
        Some(usage.network_received_bytes as f64)
    }),
    ("network_sent_bytes_total", "counter", "Bytes sent.", |usage| Some(usage.network_sent_bytes as f64)),
    ("gpus_busy", "gauge", "How busy its GPUs are together: 1 is one whole GPU.", |usage| {
        usage.gpu_milli.map(|milli| f64::from(milli) / 1e3)
    }),
    ("gpu_memory_bytes", "gauge", "Memory of its GPUs in use.", |usage| {
        usage.gpu_memory_bytes.map(|bytes| bytes as f64)
    }),
];

fn text(sample: Option<&Sample>, jobs: &BTreeMap<AttemptId, JobId>, node: &str) -> String {
    let mut text = format!(
        "# HELP lilac_agent_build_info Always 1; the labels say which version runs on which node.\n\
         # TYPE lilac_agent_build_info gauge\nlilac_agent_build_info{{version=\"{VERSION}\",node=\"{node}\"}} 1\n"
    );
    let Some(sample) = sample else { return text };
    let nodes = vec![(String::new(), &sample.node)];
    let tasks = sample.tasks.iter().map(|task| {
        let job = jobs.get(&task.attempt_id).map(ToString::to_string).unwrap_or_default();
        (format!("{{job=\"{job}\",attempt=\"{}\",rank=\"{}\"}}", task.attempt_id, task.rank), &task.usage)
    });
    write_series(&mut text, "lilac_node", &nodes);
    write_series(&mut text, "lilac_job", &tasks.collect::<Vec<_>>());
    for (name, help, value) in [
        ("lilac_gpu_busy_ratio", "How much of the time the GPU computed.", 0_usize),
        ("lilac_gpu_memory_bytes", "Memory of the GPU in use.", 1),
        ("lilac_gpu_temperature_celsius", "Temperature of the GPU.", 2),
        ("lilac_gpu_power_watts", "Power that the GPU draws.", 3),
    ] {
        let values = sample.gpus.iter().filter_map(|gpu| {
            let value = match value {
                0 => f64::from(gpu.percent?) / 100.0,
                1 => gpu.memory_bytes as f64,
                2 => f64::from(gpu.temperature?),
                _ => f64::from(gpu.milliwatts?) / 1e3,
            };
            Some(format!("{name}{{gpu=\"{}\"}} {value}\n", gpu.index))
        });
        let lines: String = values.collect();
        if !lines.is_empty() {
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{lines}");
        }
    }
    text
}

fn write_series(text: &mut String, prefix: &str, of: &[(String, &Usage)]) {
    for (name, kind, help, value) in SERIES {
        let lines: String = of
            .iter()
            .filter_map(|(labels, usage)| Some(format!("{prefix}_{name}{labels} {}\n", value(usage)?)))
            .collect();
        if !lines.is_empty() {
            let _ = write!(text, "# HELP {prefix}_{name} {help}\n# TYPE {prefix}_{name} {kind}\n{lines}");
        }
    }
}

#[cfg(test)]
mod tests {
    use lilac_api::metric::{GpuUsage, TaskUsage};

    use super::*;

    #[test]
    fn a_measurement_is_told_as_prometheus_reads_it() {
        let attempt_id = AttemptId::new();
        let job = JobId::new();
        let usage = Usage { cpu_micros: 1_500_000, gpu_milli: Some(500), ..Usage::default() };
        let sample = Sample {
            at: chrono::DateTime::UNIX_EPOCH,
            node: Usage { memory_bytes: 7, ..Usage::default() },
            gpus: vec![GpuUsage {
                index: 2,
                percent: Some(50),
                memory_bytes: 9,
                temperature: None,
                milliwatts: Some(70_500),
            }],
            tasks: vec![TaskUsage { attempt_id, rank: 0, usage }],
        };
        let text = text(Some(&sample), &[(attempt_id, job)].into(), "n1");
        for line in [
            "lilac_node_memory_bytes 7".to_owned(),
            format!("lilac_job_cpu_seconds_total{{job=\"{job}\",attempt=\"{attempt_id}\",rank=\"0\"}} 1.5"),
            format!("lilac_job_gpus_busy{{job=\"{job}\",attempt=\"{attempt_id}\",rank=\"0\"}} 0.5"),
            "lilac_gpu_busy_ratio{gpu=\"2\"} 0.5".to_owned(),
            "lilac_gpu_power_watts{gpu=\"2\"} 70.5".to_owned(),
            "# TYPE lilac_node_cpu_seconds_total counter".to_owned(),
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("temperature") && !text.contains("lilac_node_gpus_busy"), "{text}");
    }
}
