//! What a process of this machine has used, as the kernel tells.

use anyhow::Context;

/// Ticks of a second: what Linux shows to programs, whatever the kernel itself counts in.
const TICKS: f64 = 100.0;

#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    pub cpu_secs: f64,
    pub memory_mb: f64,
}

impl Usage {
    /// Of a pid, or of `self`.
    pub(super) fn of(pid: &str) -> anyhow::Result<Self> {
        let read = |name: &str| {
            let path = format!("/proc/{pid}/{name}");
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
        };
        let (stat, status) = (read("stat")?, read("status")?);
        // The name of the program may hold anything; what follows it are numbers.
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks =
            after_name.split_whitespace().skip(11).take(2).filter_map(|number| number.parse::<f64>().ok());
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = resident.and_then(|text| text.trim().trim_end_matches(" kB").parse::<f64>().ok());
        Ok(Self {
            cpu_secs: ticks.sum::<f64>() / TICKS,
            memory_mb: kibibytes.context("the kernel does not tell its memory")? * 1024.0 / 1e6,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something() {
        let mut sum = 0_u64;
        let usage = || Usage::of("self").unwrap();
        while usage().cpu_secs == 0.0 {
            sum = (0..1_000_000).fold(sum, |sum, number| sum.wrapping_mul(31).wrapping_add(number));
        }
        assert!(usage().memory_mb > 1.0, "{:?} {sum}", usage());
        assert!(Usage::of("0").is_err(), "nobody has this pid");
    }
}
