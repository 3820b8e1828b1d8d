//! What nodes with nothing to do cost: each tells the same again and is told the same again.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use lilac_api::SessionId;
use lilac_api::agent::{NodeCapacity, PROTOCOL_VERSION, RegisterRequest, RuntimeHealth, SyncRequest};
use lilac_api::cluster::CreateJoinKey;
use uuid::Uuid;

use super::cores::others_seconds;
use super::submit::rate;
use super::wire::{self, Wire};
use super::{Measurement, Name, median};
use crate::bed::Bed;

const NODES: usize = 64;
const TURNS: usize = 3;
/// Syncs a second of one core that are aimed at.
const AIM: f64 = 50_000.0;

pub(super) async fn measure(bed: &Bed) -> Result<Measurement> {
    let nodes = join(bed).await?;
    let (mut per_core, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let mut agents = Vec::with_capacity(nodes.len());
        for request in &nodes {
            agents.push((Wire::connect(&bed.url()?).await?, request));
        }
        let busy = others_seconds()?;
        let start = std::time::Instant::now();
        let syncs = rate(agents, async |(wire, request)| wire.call(request, 200).await).await?;
        per_core.push(syncs * start.elapsed().as_secs_f64() / (others_seconds()? - busy).max(0.01));
        rates.push(syncs);
    }
    let ((value, spread), (_, rates)) = (median(per_core), median(rates));
    let detail = format!("{spread}; {rates} a second, and the client beside it");
    let ratio = value / AIM;
    Ok(Measurement { name: Name::IdleSync, value, unit: "1/core-s", reference: AIM, ratio, detail })
}

/// What each of some new nodes says again and again, after it said it for the first time.
async fn join(bed: &Bed) -> Result<Vec<Vec<u8>>> {
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
        let credential = joiner.register(&register).await?.credential;
        let mut request = SyncRequest {
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
            images: None,
            address: None,
            no_wait: true,
        };
        bed.client.with_token(credential.clone()).sync(&request).await?;
        request.sequence += 1;
        nodes.push(wire::post("/api/v1/agent/sync", &credential.0, &serde_json::to_vec(&request)?));
    }
    Ok(nodes)
}
