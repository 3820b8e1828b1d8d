//! What the node has, and what it offers of it.

use std::path::Path;

use lilac_api::agent::NodeCapacity;
use lilac_api::cluster::Gpu;
use nix::sys::statvfs::statvfs;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use crate::config::CapacityConfig;

/// Looks at the machine, whose GPUs are known. Reads a few files: not for the thread that everything else runs on.
#[must_use]
pub fn discover(gpus: Vec<Gpu>, disk_path: &Path, offer: CapacityConfig) -> NodeCapacity {
    let kind = RefreshKind::nothing()
        .with_cpu(CpuRefreshKind::nothing())
        .with_memory(MemoryRefreshKind::nothing().with_ram());
    let (cpus, memory_bytes) = match System::new_with_specifics(kind) {
        Ok(system) => (system.cpus().len(), system.total_memory()),
        Err(error) => {
            tracing::warn!(%error, "cannot tell what the machine has");
            (0, 0)
        }
    };
    let found = NodeCapacity {
        cpu_milli: u32::try_from(cpus).unwrap_or(u32::MAX).saturating_mul(1_000),
        memory_bytes,
        disk_bytes: disk_bytes(disk_path),
        gpus,
    };
    offered(found, offer)
}

/// The configuration's word stands over what was found.
fn offered(found: NodeCapacity, offer: CapacityConfig) -> NodeCapacity {
    NodeCapacity {
        cpu_milli: offer.cpus.map_or(found.cpu_milli, |cpus| cpus.milli),
        memory_bytes: offer.memory.map_or(found.memory_bytes, |bytes| bytes.0),
        disk_bytes: offer.disk.map_or(found.disk_bytes, |bytes| bytes.0),
        gpus: found.gpus,
    }
}

/// The size of the filesystem that `path` lies on: what is free of it changes all the time, and is not
/// the scheduler's to know.
fn disk_bytes(path: &Path) -> u64 {
    match statvfs(path) {
        Ok(stat) => stat.blocks().saturating_mul(stat.fragment_size()),
        Err(error) => {
            tracing::debug!(path = %path.display(), %error, "cannot tell the size of the disk");
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use lilac_api::quantity::{Bytes, Cpus};

    use super::*;

    #[test]
    fn the_machine_is_found() {
        let found = discover(Vec::new(), Path::new("/"), CapacityConfig::default());
        assert!(
            found.cpu_milli >= 1_000 && found.memory_bytes > 1 << 26 && found.disk_bytes > 1 << 26,
            "{found:?}"
        );
        assert_eq!(found.cpu_milli % 1_000, 0);
    }

    #[test]
    fn an_offer_stands_over_what_was_found() {
        let offer =
            CapacityConfig { cpus: Some(Cpus { milli: 500 }), memory: Some(Bytes(7)), disk: Some(Bytes(9)) };
        let found = discover(Vec::new(), Path::new("/"), offer);
        assert_eq!((found.cpu_milli, found.memory_bytes, found.disk_bytes), (500, 7, 9));
    }
}
