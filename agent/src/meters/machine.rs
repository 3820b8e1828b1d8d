//! What the whole machine has used since it was booted, from `/proc`.

use std::fs;
use std::path::Path;

use lilac_api::metric::Usage;

/// The kernel counts CPU time for programs in hundredths of a second, on every kind of machine.
const TICK_MICROS: u64 = 10_000;
/// And disks in sectors of this size, whatever the disk's own is.
const SECTOR_BYTES: u64 = 512;
/// Interfaces that carry what another one carries already, or that never leaves the machine.
const INNER_INTERFACES: [&str; 6] = ["lo", "docker", "br-", "veth", "virbr", "podman"];

pub(super) fn read() -> Usage {
    let text = |name: &str| fs::read_to_string(Path::new("/proc").join(name)).unwrap_or_default();
    let (disk_read_bytes, disk_written_bytes) = disks(&text("diskstats"), is_whole_disk);
    let (network_received_bytes, network_sent_bytes) = network(&text("net/dev"));
    Usage {
        cpu_micros: cpu(&text("stat")),
        memory_bytes: memory(&text("meminfo")),
        disk_read_bytes,
        disk_written_bytes,
        network_received_bytes,
        network_sent_bytes,
        ..Usage::default()
    }
}

/// All but idling and waiting for disks.
fn cpu(stat: &str) -> u64 {
    let line = stat.lines().next().unwrap_or_default();
    // user, nice, system, idle, iowait, irq, softirq, steal; what guests use is in `user` already.
    let ticks = line.split_ascii_whitespace().skip(1).take(8).enumerate();
    let busy =
        ticks.filter(|(index, _)| !matches!(index, 3 | 4)).filter_map(|(_, text)| text.parse::<u64>().ok());
    busy.sum::<u64>() * TICK_MICROS
}

fn memory(meminfo: &str) -> u64 {
    let kibibytes = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_ascii_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0)
    };
    kibibytes("MemTotal:").saturating_sub(kibibytes("MemAvailable:")) * 1_024
}

fn disks(diskstats: &str, is_counted: impl Fn(&str) -> bool) -> (u64, u64) {
    let mut sums = (0, 0);
    for line in diskstats.lines() {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let sectors = |index: usize| words.get(index).and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
        if words.get(2).is_some_and(|name| is_counted(name)) {
            sums.0 += sectors(5) * SECTOR_BYTES;
            sums.1 += sectors(9) * SECTOR_BYTES;
        }
    }
    sums
}

/// Not a part of one, and not made of others.
fn is_whole_disk(name: &str) -> bool {
    Path::new("/sys/block").join(name).join("device").exists()
}

/// Received and sent, over the interfaces that lead out.
pub(super) fn network(dev: &str) -> (u64, u64) {
    let mut sums = (0, 0);
    for (name, counters) in dev.lines().filter_map(|line| line.split_once(':')) {
        if INNER_INTERFACES.iter().any(|inner| name.trim().starts_with(inner)) {
            continue;
        }
        let counters: Vec<u64> =
            counters.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect();
        sums.0 += counters.first().copied().unwrap_or(0);
        sums.1 += counters.get(8).copied().unwrap_or(0);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_s_files_are_understood() {
        assert_eq!(cpu("cpu  100 10 50 9999 777 1 2 3 40 0\ncpu0 1 1\n"), 166 * TICK_MICROS);
        assert_eq!(memory("MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:   400 kB\n"), 600 * 1_024);
        let stats = "   8 0 sda 1 0 10 0 1 0 20 0 0 0 0\n   8 1 sda1 1 0 10 0 1 0 20 0 0 0 0\n";
        assert_eq!(disks(stats, |name| name == "sda"), (5_120, 10_240));
        let dev = "Inter-| Receive\n face |bytes\n  eth0: 100 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n    lo: 5 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n";
        assert_eq!(network(dev), (100, 7));
    }

    #[test]
    fn this_machine_is_read() {
        let usage = read();
        assert!(usage.cpu_micros > 0 && usage.memory_bytes > 1 << 20, "{usage:?}");
    }
}
