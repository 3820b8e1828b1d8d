//! AMD's GPUs, as the kernel's driver tells of them below `/sys`: no library is needed.
//!
//! A container gets the driver's own device and those of its GPUs. What it may not open, AMD's runtime does not see.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Process, Seen};

/// What the ids of these GPUs begin with: NVIDIA's begin otherwise.
const PREFIX: &str = "AMD-";
/// The driver's own device.
const DRIVER: &str = "kfd";

/// One GPU's folder in the driver's list.
struct Listed {
    uuid: String,
    /// The driver's number for it.
    number: String,
    /// The number of its device.
    minor: u64,
}

/// The GPUs below `root`, which is `/` but in tests. None where there is no such driver.
pub(super) fn look(root: &Path) -> Vec<Seen> {
    list(root).iter().map(|listed| describe(root, listed)).collect()
}

fn list(root: &Path) -> Vec<Listed> {
    let nodes = root.join("sys/class/kfd/kfd/topology/nodes");
    let Ok(entries) = fs::read_dir(nodes) else { return Vec::new() };
    let mut found: Vec<Listed> = entries.flatten().filter_map(|entry| listed(&entry.path())).collect();
    found.sort_by_key(|gpu| gpu.minor);
    found
}

/// Processors stand in the same list, as nodes without such units.
fn listed(folder: &Path) -> Option<Listed> {
    let properties = fs::read_to_string(folder.join("properties")).ok()?;
    let property = |name: &str| -> u64 {
        let line = properties.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
    };
    if property("simd_count") == 0 {
        return None;
    }
    let uuid = match property("unique_id") {
        // Some models have none: where they are plugged in tells them apart.
        0 => format!("{PREFIX}{:04x}-{:08x}", property("domain"), property("location_id")),
        id => format!("{PREFIX}{id:016x}"),
    };
    let number = fs::read_to_string(folder.join("gpu_id")).ok()?.trim().to_owned();
    Some(Listed { uuid, number, minor: property("drm_render_minor") })
}

fn describe(root: &Path, gpu: &Listed) -> Seen {
    let device = root.join(format!("sys/class/drm/renderD{}/device", gpu.minor));
    let text = |name: &str| fs::read_to_string(device.join(name)).unwrap_or_default().trim().to_owned();
    let number = |name: &str| text(name).parse::<u64>().ok();
    let name = text("product_name");
    Seen {
        uuid: gpu.uuid.clone(),
        model: if name.is_empty() { format!("AMD GPU {}", text("device")) } else { name },
        memory_bytes: number("mem_info_vram_total").unwrap_or(0),
        used_bytes: number("mem_info_vram_used").unwrap_or(0),
        percent: number("gpu_busy_percent").and_then(|percent| u32::try_from(percent).ok()),
        temperature: temperature(&device),
        processes: processes(root, &gpu.number),
        ..Seen::default()
    }
}

fn temperature(device: &Path) -> Option<u32> {
    let sensors = fs::read_dir(device.join("hwmon")).ok()?.flatten().next()?.path();
    let thousandths: u32 = fs::read_to_string(sensors.join("temp1_input")).ok()?.trim().parse().ok()?;
    Some(thousandths / 1_000)
}

/// The driver lists its processes, and what each holds of which GPU.
fn processes(root: &Path, number: &str) -> Vec<Process> {
    let Ok(entries) = fs::read_dir(root.join("sys/class/kfd/kfd/proc")) else { return Vec::new() };
    let process = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let held = fs::read_to_string(entry.path().join(format!("vram_{number}"))).ok()?;
        let memory_bytes: u64 = held.trim().parse().ok()?;
        // Whoever opens the driver is listed with every GPU.
        (memory_bytes > 0).then_some(Process { pid, memory_bytes, percent: None })
    };
    entries.flatten().filter_map(process).collect()
}

/// A device that a container gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub path: PathBuf,
    /// The group that may open it.
    pub group: Option<u32>,
}

/// The devices of these GPUs, those of other makes left out.
#[must_use]
pub fn devices(root: &Path, uuids: &[String]) -> Vec<Device> {
    if !uuids.iter().any(|uuid| is_amd(uuid)) {
        return Vec::new();
    }
    let own = list(root).into_iter().filter(|gpu| uuids.contains(&gpu.uuid));
    let paths = own.map(|gpu| PathBuf::from(format!("dev/dri/renderD{}", gpu.minor)));
    let device = |path: PathBuf| {
        let group = fs::metadata(root.join(&path)).ok().map(|metadata| metadata.gid());
        Device { path: Path::new("/").join(path), group: group.filter(|group| *group != 0) }
    };
    std::iter::once(PathBuf::from("dev").join(DRIVER)).chain(paths).map(device).collect()
}

/// Whether it is the id of one of AMD's.
#[must_use]
pub fn is_amd(uuid: &str) -> bool {
    uuid.starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, content: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// A machine with a processor and two GPUs, one of them without an id of its own.
    fn machine() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let node = |number: u8, properties: &str, id: &str| {
            let node = format!("sys/class/kfd/kfd/topology/nodes/{number}");
            write(root, &format!("{node}/properties"), properties);
            write(root, &format!("{node}/gpu_id"), id);
        };
        node(0, "cpu_cores_count 64\nsimd_count 0\n", "0\n");
        node(1, "simd_count 304\nunique_id 81985529216486895\ndrm_render_minor 129\n", "4711\n");
        node(2, "simd_count 80\nunique_id 0\nlocation_id 768\ndomain 0\ndrm_render_minor 128\n", "12\n");
        let device = "sys/class/drm/renderD129/device";
        write(root, &format!("{device}/product_name"), "AMD Instinct MI300X OAM\n");
        write(root, &format!("{device}/mem_info_vram_total"), "206141652992\n");
        write(root, &format!("{device}/mem_info_vram_used"), "1048576\n");
        write(root, &format!("{device}/gpu_busy_percent"), "37\n");
        write(root, &format!("{device}/hwmon/hwmon3/temp1_input"), "41000\n");
        write(root, "sys/class/kfd/kfd/proc/77/vram_4711", "2097152\n");
        write(root, "sys/class/kfd/kfd/proc/77/vram_12", "0\n");
        write(root, "dev/kfd", "");
        write(root, "dev/dri/renderD129", "");
        folder
    }

    #[test]
    fn gpus_are_found_with_what_they_do() {
        let machine = machine();
        let found = look(machine.path());
        let [plain, big] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((plain.uuid.as_str(), plain.processes.len()), ("AMD-0000-00000300", 0));
        assert_eq!(
            (big.uuid.as_str(), big.model.as_str()),
            ("AMD-0123456789abcdef", "AMD Instinct MI300X OAM")
        );
        assert_eq!((big.memory_bytes, big.used_bytes, big.percent), (206_141_652_992, 1 << 20, Some(37)));
        assert_eq!(big.temperature, Some(41));
        assert_eq!(big.processes, [Process { pid: 77, memory_bytes: 2 << 20, percent: None }]);
        assert!(look(Path::new("/nonexistent")).is_empty());
    }

    #[test]
    fn a_container_gets_the_driver_and_its_own_gpus() {
        let machine = machine();
        let own = devices(machine.path(), &["AMD-0123456789abcdef".into()]);
        let paths: Vec<&str> = own.iter().map(|device| device.path.to_str().unwrap()).collect();
        assert_eq!(paths, ["/dev/kfd", "/dev/dri/renderD129"]);
        assert!(devices(machine.path(), &["GPU-0".into()]).is_empty(), "another maker's");
    }
}
