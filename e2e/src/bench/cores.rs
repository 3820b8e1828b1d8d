//! How busy server and database are: the client of a measurement shares the machine with them, so a rate alone
//! says little.

use anyhow::{Context, Result};

/// Core-seconds that all processes of the machine but this one have used since it started.
pub(super) fn others_seconds() -> Result<f64> {
    let whole = std::fs::read_to_string("/proc/stat").context("reading how busy the machine is")?;
    // user, nice, system, idle, iowait, irq, softirq.
    let whole = ticks(&whole, [1, 2, 3, 6, 7])?;
    let own = std::fs::read_to_string("/proc/self/stat").context("reading how busy this process is")?;
    // The name in parentheses may hold anything; after it come the state and, as 12th and 13th, user and system.
    let (_, own) = own.rsplit_once(')').context("no name in /proc/self/stat")?;
    Ok((whole - ticks(own, [11, 12])?) / 100.0)
}

/// The sum of some columns of the first line, in hundredths of a second.
fn ticks<const N: usize>(text: &str, columns: [usize; N]) -> Result<f64> {
    let words: Vec<&str> = text.lines().next().unwrap_or_default().split_whitespace().collect();
    let numbers = columns.map(|column| words.get(column).and_then(|word| word.parse::<f64>().ok()));
    numbers.into_iter().sum::<Option<f64>>().context("an unknown form of /proc")
}
