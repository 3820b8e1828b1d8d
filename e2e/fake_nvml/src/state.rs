//! What the library tells: a line for each GPU, `key=value` parted by tabs.
//!
//! `uuid`, `name`, `memory`, `used` (bytes), `use` (percent), `temperature`, `power` (mW), `ecc` (uncorrected errors),
//! `xid` (an error to tell of once), `lost=1`, and `processes` as `PID:BYTES:PERCENT` parted by commas. A GPU whose
//! line is gone has fallen off the bus.

use std::fs;
use std::path::Path;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gpu {
    pub uuid: String,
    pub name: String,
    pub memory: u64,
    pub used: u64,
    pub percent: u32,
    pub temperature: u32,
    pub power: u32,
    pub ecc: u64,
    pub xid: u64,
    pub lost: bool,
    pub processes: Vec<Process>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: u32,
    pub memory: u64,
    pub percent: u32,
}

impl Gpu {
    /// An idle GPU of 80 GiB.
    #[must_use]
    pub fn idle(uuid: &str, name: &str) -> Self {
        Self {
            uuid: uuid.to_owned(),
            name: name.to_owned(),
            memory: 80 << 30,
            temperature: 30,
            power: 70_000,
            ..Self::default()
        }
    }
}

/// Writes the state in one go: a reader sees the old one or the new one.
pub fn write(path: &Path, gpus: &[Gpu]) -> std::io::Result<()> {
    let lines: String = gpus.iter().map(line).collect();
    let beside = path.with_extension("new");
    fs::write(&beside, lines)?;
    fs::rename(beside, path)
}

/// The GPUs that the file tells of; none where it cannot be read.
#[must_use]
pub fn read(path: &Path) -> Vec<Gpu> {
    fs::read_to_string(path).unwrap_or_default().lines().map(parse).collect()
}

fn line(gpu: &Gpu) -> String {
    let processes: Vec<String> =
        gpu.processes.iter().map(|one| format!("{}:{}:{}", one.pid, one.memory, one.percent)).collect();
    format!(
        "uuid={}\tname={}\tmemory={}\tused={}\tuse={}\ttemperature={}\tpower={}\tecc={}\txid={}\tlost={}\tprocesses={}\n",
        gpu.uuid,
        gpu.name,
        gpu.memory,
        gpu.used,
        gpu.percent,
        gpu.temperature,
        gpu.power,
        gpu.ecc,
        gpu.xid,
        u8::from(gpu.lost),
        processes.join(",")
    )
}

fn parse(line: &str) -> Gpu {
    let mut gpu = Gpu::default();
    for (key, value) in line.split('\t').filter_map(|part| part.split_once('=')) {
        let number = || value.parse::<u64>().unwrap_or(0);
        let small = || value.parse::<u32>().unwrap_or(0);
        match key {
            "uuid" => value.clone_into(&mut gpu.uuid),
            "name" => value.clone_into(&mut gpu.name),
            "memory" => gpu.memory = number(),
            "used" => gpu.used = number(),
            "use" => gpu.percent = small(),
            "temperature" => gpu.temperature = small(),
            "power" => gpu.power = small(),
            "ecc" => gpu.ecc = number(),
            "xid" => gpu.xid = number(),
            "lost" => gpu.lost = value == "1",
            "processes" => gpu.processes = value.split(',').filter_map(process).collect(),
            _ => {}
        }
    }
    gpu
}

fn process(text: &str) -> Option<Process> {
    let mut parts = text.split(':');
    Some(Process {
        pid: parts.next()?.parse().ok()?,
        memory: parts.next()?.parse().ok()?,
        percent: parts.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let gpu = Gpu {
            lost: true,
            xid: 79,
            processes: vec![Process { pid: 7, memory: 1 << 30, percent: 50 }],
            ..Gpu::idle("GPU-1", "NVIDIA H100 80GB HBM3")
        };
        assert_eq!(parse(line(&gpu).trim_end()), gpu);
    }
}
