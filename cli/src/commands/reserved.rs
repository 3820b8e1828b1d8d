//! Nodes that are kept for jobs which found no room, in a line: `node show`, `cluster show` and `explain` tell of them.

use lilac_api::reservation::Reservation;
use lilac_api::{ClusterId, NodeId};

use crate::failure::Failure;
use crate::job_ref::short;
use crate::session::{Session, read};
use crate::times;

/// What is kept in a cluster.
pub async fn of(session: &Session, cluster: ClusterId) -> Result<Vec<Reservation>, Failure> {
    Ok(read(async || session.client.reservations(cluster).await).await?.items)
}

/// `n1, n2 for big (ef012345) from 2026-01-31 12:00:00 on`; empty where nothing is kept.
pub fn in_cluster(kept: &[Reservation]) -> String {
    let lines: Vec<String> = kept.iter().map(|one| format!("{} {}", nodes(one), for_whom(one))).collect();
    lines.join("; ")
}

/// The same for one node, without its name.
pub fn on_node(kept: &[Reservation], node: NodeId) -> String {
    let here = |one: &&Reservation| one.nodes.iter().any(|kept| kept.node_id == node);
    let lines: Vec<String> = kept.iter().filter(here).map(for_whom).collect();
    lines.join("; ")
}

pub fn nodes(one: &Reservation) -> String {
    let names: Vec<&str> = one.nodes.iter().map(|node| node.name.as_str()).collect();
    names.join(", ")
}

fn for_whom(one: &Reservation) -> String {
    let whom = match &one.job {
        Some(job) => format!("for {} ({})", job.name, short(job.job_id)),
        None => "for a job of another team".to_owned(),
    };
    match one.starts_by {
        Some(at) => format!("{whom} from {} on at the latest", times::exact(at)),
        None => format!("{whom}, nobody knows from when on"),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use lilac_api::JobId;
    use lilac_api::job::Amounts;
    use lilac_api::reservation::{ReservedJob, ReservedNode};

    use super::*;

    #[test]
    fn what_is_kept_reads_as_a_line() {
        let node_id = NodeId::new();
        let job_id: JobId = "0198c2f0-1111-7222-8333-abcdef012345".parse().unwrap();
        let job = ReservedJob { job_id, name: "big".into(), owner: "ann".into(), queue: "default".into() };
        let seen = Reservation {
            job: Some(job),
            nodes: vec![ReservedNode { node_id, name: "n1".into() }],
            requests: Amounts::default(),
            since: None,
            starts_by: DateTime::from_timestamp(1_800_000_000, 0),
        };
        let at = times::exact(seen.starts_by.unwrap());
        assert_eq!(
            in_cluster(std::slice::from_ref(&seen)),
            format!("n1 for big (ef012345) from {at} on at the latest")
        );
        assert_eq!(on_node(std::slice::from_ref(&seen), NodeId::new()), "");
        let hidden = Reservation { job: None, starts_by: None, ..seen };
        assert_eq!(on_node(&[hidden], node_id), "for a job of another team, nobody knows from when on");
    }
}
