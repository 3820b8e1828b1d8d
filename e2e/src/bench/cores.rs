//! How busy the machine is: client, server and database share it, so a rate alone says little.

use anyhow::{Context, Result};

/// Core-seconds that all processes of the machine have used since it started.
pub(super) fn busy_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/stat").context("reading how busy the machine is")?;
    let numbers: Vec<f64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|number| number.parse().ok())
        .collect();
    // user, nice, system, idle, iowait, irq, softirq; in hundredths.
    let busy = [0, 1, 2, 5, 6].into_iter().filter_map(|column| numbers.get(column)).sum::<f64>();
    Ok(busy / 100.0)
}
