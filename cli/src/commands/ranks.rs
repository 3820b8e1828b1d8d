//! The ranks of a job on several nodes, and where ports are reached.

use lilac_api::job::{Attempt, RankEnd, Task};

use super::show::bytes;
use crate::printer::{Field, Printer, Tone};

/// The parts of an attempt, where it has several or serves something.
pub fn table(printer: Printer, attempt: &Attempt) -> std::io::Result<()> {
    let is_gang = attempt.tasks.len() > 1;
    if !is_gang && attempt.tasks.iter().all(|task| task.ports.is_empty()) {
        return Ok(());
    }
    printer.line("")?;
    let columns = [">RANK", "NODE", "GPUS", ">LOG", "PORTS", "ENDED"];
    printer.table(&columns, attempt.tasks.iter().map(row).collect())
}

fn row(task: &Task) -> Vec<Field> {
    let gpus: Vec<String> = task.gpu_indices.iter().map(ToString::to_string).collect();
    let port = |port: &lilac_api::job::PublishedPort| format!("{} {}", port.name, port.address);
    let ports: Vec<String> = task.ports.iter().map(port).collect();
    let failed = task.end.as_ref().is_some_and(|end| end.failed_first);
    vec![
        task.rank.to_string().into(),
        Field::from(&task.node),
        gpus.join(",").into(),
        bytes(task.log_bytes).into(),
        ports.join(", ").into(),
        Field::toned(
            task.end.as_ref().map(ended).unwrap_or_default(),
            if failed { Tone::Bad } else { Tone::Plain },
        ),
    ]
}

/// How a rank ended, in a few words.
fn ended(end: &RankEnd) -> String {
    let how = match (end.exit_code, end.signal) {
        (_, Some(signal)) => format!("signal {signal}"),
        (Some(code), None) => format!("exit {code}"),
        (None, None) => end.message.clone(),
    };
    if end.failed_first { format!("{how}, the first to fail") } else { how }
}

/// Where a job runs: `a`, or `a (rank 0), b (rank 1)`.
pub fn places(nodes: &[String]) -> String {
    let named = |(rank, node): (usize, &String)| format!("{node} (rank {rank})");
    match nodes {
        [one] => one.clone(),
        many => many.iter().enumerate().map(named).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn ranks_are_told_where_there_are_several() {
        let nodes = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(places(&nodes(&["a"])), "a");
        assert_eq!(places(&nodes(&["b", "a"])), "b (rank 0), a (rank 1)");
    }
}
