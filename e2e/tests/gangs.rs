//! Jobs on several nodes, on real containers: the ranks meet over the network, end together, and run once at a time.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lilac_api::JobId;
use lilac_api::job::{Attempt, AttemptState, JobState, LogQuery, Reason};
use lilac_api::quantity::Span;
use lilac_api::queue::UpdateQueue;
use lilac_api::spec::{JobSpec, Network};
use lilac_e2e::jobs::{SOON, check_history, end, script, until, until_state};
use lilac_e2e::{Bed, Witness, eventually, with_bed};

const LEASE: Duration = Duration::from_secs(10);
/// What siblings of a failed rank are promised to be dead within, and the rest of a machine that is busy.
const SIBLINGS_DEAD_WITHIN: Duration = Duration::from_secs(10);
const SLACK: Duration = Duration::from_secs(20);

/// Rank 0 waits until each of the others came by, over a connection of its own; these try until they were heard.
const MEET: &str = r#"
if [ $LILAC_NODE_RANK = 0 ]; then
    wanted=$LILAC_NUM_NODES
    while [ $wanted -gt 1 ]; do
        came=$(echo welcome | nc -l -p $MASTER_PORT)
        case " $seen " in *" $came "*) ;; *) seen="$seen $came"; wanted=$((wanted - 1)) ;; esac
    done
    echo met $(echo $seen | tr ' ' '\n' | sort)
else
    until echo rank$LILAC_NODE_RANK | nc -w 5 $MASTER_ADDR $MASTER_PORT 2>&1 | grep -q welcome; do sleep 0.1; done
    echo was heard as $LILAC_NODE_RANK of $LILAC_NUM_NODES
fi
"#;

/// A job on some nodes, in their own network, where they reach each other.
fn on(nodes: u32, spec: JobSpec) -> JobSpec {
    JobSpec { nodes, network: Network::Host, ..spec }
}

async fn allow_host_network(bed: &Bed) -> Result<()> {
    let queues = bed.client.queues().await?.items;
    let queue = queues.first().context("no queue")?.id;
    let networks = Some(vec![Network::Bridge, Network::Host, Network::None]);
    bed.client.update_queue(queue, &UpdateQueue { networks, ..UpdateQueue::default() }).await?;
    Ok(())
}

async fn log_of(bed: &Bed, id: JobId, rank: u16) -> Result<String> {
    let mut text = String::new();
    eventually(&format!("the log of rank {rank}"), async || {
        let part = bed.client.log(id, &LogQuery { rank: Some(rank), ..LogQuery::default() }).await?;
        text = String::from_utf8(part.bytes.to_vec())?;
        Ok(part.complete.then_some(()))
    })
    .await?;
    Ok(text)
}

async fn attempt(bed: &Bed, id: JobId, epoch: u32) -> Result<Attempt> {
    let attempts = bed.client.attempts(id).await?.items;
    attempts.into_iter().find(|attempt| attempt.epoch == epoch).context("no such attempt")
}

#[tokio::test]
async fn ranks_meet_fail_together_and_run_once_at_a_time() -> Result<()> {
    with_bed(async |bed| {
        for name in ["a", "b", "c"] {
            bed.add_node(name, None).await?;
        }
        allow_host_network(bed).await?;
        they_meet(bed).await?;
        let took = one_that_fails_ends_all(bed).await?;
        eprintln!("the siblings of a failed rank were dead after {took:?}");
        a_dead_node_ends_all_and_they_begin_anew(bed).await
    })
    .await
}

/// Three ranks on three nodes find each other by what their environment says.
async fn they_meet(bed: &Bed) -> Result<()> {
    let body = format!("{MEET}\ncat $LILAC_HOSTFILE; echo $LILAC_NODE_IPS $LILAC_GPUS_PER_NODE");
    let id = bed.client.submit(&on(3, script("meet", &body)), None).await?.id;
    let job = end(&bed.client, id).await?;
    ensure!(job.state == JobState::Succeeded, "{job:?}: {}", log_of(bed, id, 0).await?);
    let mut nodes = job.nodes.clone();
    nodes.sort();
    assert_eq!(nodes, ["a", "b", "c"]);
    let first = log_of(bed, id, 0).await?;
    assert!(first.starts_with("met rank1 rank2\n"), "{first}");
    assert_eq!(first.matches(" slots=1\n").count(), 3, "{first}");
    for rank in [1, 2] {
        let text = log_of(bed, id, rank).await?;
        assert!(text.starts_with(&format!("was heard as {rank} of 3\n")), "{text}");
    }
    let receipt = bed.client.receipt(id).await?;
    assert_eq!(receipt.attempts[0].nodes, job.nodes);
    check_history(&bed.client, &job).await
}

/// One rank ends with 3; the others are deaf and would take ten minutes to stop.
async fn one_that_fails_ends_all(bed: &Bed) -> Result<Duration> {
    let body =
        "if [ $LILAC_NODE_RANK = 1 ]; then sleep 1; exit 3; fi; trap '' TERM; while :; do sleep 1; done";
    let spec = script("fails", body);
    let stop = lilac_api::spec::Stop { grace: Span(Duration::from_secs(600)), ..spec.stop.clone() };
    let id = bed.client.submit(&on(3, JobSpec { stop, ..spec }), None).await?.id;
    let job = end(&bed.client, id).await?;
    assert_eq!((job.state, job.reason, job.exit_code), (JobState::Failed, Some(Reason::ExitCode), Some(3)));
    let node = &job.nodes[1];
    assert_eq!(job.message, format!("rank 1 on {node} exited with 3"));
    let ends = attempt(bed, id, 1).await?.tasks;
    let at: Vec<_> = ends.iter().filter_map(|task| Some(task.end.as_ref()?.at)).collect();
    ensure!(at.len() == 3, "{ends:?}");
    let took = (*at.iter().max().context("no end")? - at[1]).to_std()?;
    ensure!(took < SIBLINGS_DEAD_WITHIN + SLACK, "the siblings lived on for {took:?}");
    for node in &bed.nodes {
        assert!(node.machine.running().await?.is_empty(), "something runs on {}", node.agent.name());
    }
    check_history(&bed.client, &job).await?;
    Ok(took)
}

/// A node loses its agent and its daemon for good. The container there knows that its lease is over; nothing of the
/// second attempt begins before.
async fn a_dead_node_ends_all_and_they_begin_anew(bed: &mut Bed) -> Result<()> {
    let witness = Witness::new(&bed.client, &bed.scratch().path("witness")).await?;
    let body = "trap '' TERM; [ $LILAC_ATTEMPT -ge 2 ] || while :; do sign; sleep 0.05; done";
    let spec = JobSpec { max_disconnect: Some(Span(LEASE)), ..witness.job("anew", body) };
    let id = bed.client.submit(&on(2, spec), None).await?.id;
    let job = until_state(&bed.client, id, JobState::Running).await?;
    let dead = bed.nodes.iter().position(|node| node.agent.name() == job.nodes[1]).context("no node")?;
    eventually("the first marks", async || {
        Ok(witness.of_ranks(id, 2).is_ok_and(|s| !s.is_empty()).then_some(()))
    })
    .await?;
    let lost = attempt(bed, id, 1).await?.id;
    bed.nodes[dead].agent.kill()?;
    let lease_until = bed.nodes[dead].agent.lease(lost)?;
    bed.nodes[dead].machine.kill_daemon()?;

    let name = bed.nodes[dead].agent.name().to_owned();
    let job =
        until(&bed.client, id, "begun anew and done", LEASE + SOON, |job| job.state == JobState::Succeeded)
            .await?;
    assert_eq!((job.epoch, job.attempts_charged), (2, 0), "{job:?}");
    assert!(!job.nodes.contains(&name), "{job:?}");
    let first = attempt(bed, id, 1).await?;
    assert_eq!((first.state, first.reason), (AttemptState::Lost, Some(Reason::NodeLost)), "{first:?}");
    assert!(first.message.contains(&format!("rank 1 on {name}")), "{first:?}");
    // An error where any rank of the first attempt signed after one of the second did.
    let seen = witness.of_ranks(id, 2)?;
    let [_, second] = seen.as_slice() else { anyhow::bail!("{seen:?}") };
    assert!(second.first_ms > lease_until, "{second:?} began within the lease {lease_until}");
    check_history(&bed.client, &job).await
}
