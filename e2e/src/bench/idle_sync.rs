//! What nodes with nothing to do cost: each tells the same again and is told the same again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use lilac_api::SessionId;
use lilac_api::agent::{NodeCapacity, PROTOCOL_VERSION, RegisterRequest, RuntimeHealth, SyncRequest};
use lilac_api::client::Client;
use lilac_api::cluster::CreateJoinKey;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::cores::busy_seconds;
use super::submit::rate;
use super::{Measurement, Name, median};
use crate::bed::Bed;

const NODES: usize = 64;
const TURNS: usize = 3;
/// Syncs a second of one core that are aimed at.
const AIM: f64 = 50_000.0;

pub(super) async fn measure(bed: &Bed) -> Result<Measurement> {
    let nodes = join(bed).await?;
    let next = AtomicUsize::new(0);
    let (mut per_core, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let busy = busy_seconds()?;
        let start = std::time::Instant::now();
        let syncs = rate(NODES, || async {
            let node = &nodes[next.fetch_add(1, Ordering::Relaxed) % nodes.len()];
            let (client, request) = &mut *node.lock().await;
            client.sync(request).await?;
            request.sequence += 1;
            Ok(())
        })
        .await?;
        per_core.push(syncs * start.elapsed().as_secs_f64() / (busy_seconds()? - busy).max(0.01));
        rates.push(syncs);
    }
    let ((value, spread), (_, rates)) = (median(per_core), median(rates));
    let detail = format!("{spread}; {rates} a second, client, server and database on one machine");
    let ratio = value / AIM;
    Ok(Measurement { name: Name::IdleSync, value, unit: "1/core-s", reference: AIM, ratio, detail })
}

async fn join(bed: &Bed) -> Result<Vec<Mutex<(Client, SyncRequest)>>> {
    let cluster = bed.client.clusters().await?.items.first().context("no cluster")?.id;
    let key = CreateJoinKey { name: "bench".to_owned(), reusable: true, expires_in: None };
    let joiner = bed.client.with_token(bed.client.create_join_key(cluster, &key).await?.secret);
    let mut nodes = Vec::with_capacity(NODES);
    for index in 0..NODES {
        let name = format!("idle-{index}");
        let register = RegisterRequest {
            protocol: PROTOCOL_VERSION,
            name: name.clone(),
            machine_id: name.clone(),
            agent_version: "bench".to_owned(),
        };
        let client = bed.client.with_token(joiner.register(&register).await?.credential);
        let request = SyncRequest {
            protocol: PROTOCOL_VERSION,
            agent_version: "bench".to_owned(),
            boot_id: Uuid::now_v7(),
            machine_id: name,
            session: SessionId::new(),
            sequence: 0,
            capacity: NodeCapacity::default(),
            labels: BTreeMap::new(),
            runtime: RuntimeHealth::default(),
            attempts: Vec::new(),
            no_wait: true,
        };
        nodes.push(Mutex::new((client, request)));
    }
    Ok(nodes)
}
