//! Clusters, join keys and nodes.

use super::{Client, Result};
use crate::cluster::{
    Cluster, ClusterStats, CordonNode, CreateCluster, CreateJoinKey, CreatedJoinKey, DrainNode, JoinKey,
    Node, NodeEvent, UpdateCluster, UpdateNode,
};
use crate::ids::{ClusterId, JoinKeyId, NodeId};
use crate::job::Job;
use crate::metric::{NodeMetrics, NodeMetricsQuery};
use crate::page::Page;
use crate::reservation::Reservation;

impl Client {
    pub async fn clusters(&self) -> Result<Page<Cluster>> {
        self.get("/clusters").await
    }

    pub async fn create_cluster(&self, request: &CreateCluster) -> Result<Cluster> {
        self.post("/clusters", request).await
    }

    pub async fn cluster(&self, id: ClusterId) -> Result<Cluster> {
        self.get(&format!("/clusters/{id}")).await
    }

    pub async fn update_cluster(&self, id: ClusterId, request: &UpdateCluster) -> Result<Cluster> {
        self.patch(&format!("/clusters/{id}"), request).await
    }

    pub async fn delete_cluster(&self, id: ClusterId) -> Result<()> {
        self.delete(&format!("/clusters/{id}")).await
    }

    pub async fn cluster_stats(&self, id: ClusterId) -> Result<ClusterStats> {
        self.get(&format!("/clusters/{id}/stats")).await
    }

    /// All nodes of a cluster.
    pub async fn cluster_nodes(&self, id: ClusterId) -> Result<Page<Node>> {
        self.all_pages(&format!("/clusters/{id}/nodes")).await
    }

    pub async fn cluster_jobs(&self, id: ClusterId) -> Result<Page<Job>> {
        self.get(&format!("/clusters/{id}/jobs")).await
    }

    /// Nodes of a cluster that are kept for jobs, and for which.
    pub async fn reservations(&self, cluster: ClusterId) -> Result<Page<Reservation>> {
        self.get(&format!("/clusters/{cluster}/reservations")).await
    }

    pub async fn join_keys(&self, cluster: ClusterId) -> Result<Page<JoinKey>> {
        self.get(&format!("/clusters/{cluster}/api-keys")).await
    }

    pub async fn create_join_key(
        &self,
        cluster: ClusterId,
        request: &CreateJoinKey,
    ) -> Result<CreatedJoinKey> {
        self.post(&format!("/clusters/{cluster}/api-keys"), request).await
    }

    pub async fn revoke_join_key(&self, cluster: ClusterId, key: JoinKeyId) -> Result<()> {
        self.delete(&format!("/clusters/{cluster}/api-keys/{key}")).await
    }

    /// All nodes.
    pub async fn nodes(&self) -> Result<Page<Node>> {
        self.all_pages("/nodes").await
    }

    pub async fn node(&self, id: NodeId) -> Result<Node> {
        self.get(&format!("/nodes/{id}")).await
    }

    /// Stops new jobs from being placed on a node.
    pub async fn cordon(&self, id: NodeId) -> Result<Node> {
        self.act(&format!("/nodes/{id}/cordon")).await
    }

    /// As [`Client::cordon`], with a sentence for the others.
    pub async fn cordon_because(&self, id: NodeId, request: &CordonNode) -> Result<Node> {
        self.post(&format!("/nodes/{id}/cordon"), request).await
    }

    pub async fn uncordon(&self, id: NodeId) -> Result<Node> {
        self.act(&format!("/nodes/{id}/uncordon")).await
    }

    /// Empties a node: what does not end by itself in time goes back to its queue.
    pub async fn drain(&self, id: NodeId, request: &DrainNode) -> Result<Node> {
        self.post(&format!("/nodes/{id}/drain"), request).await
    }

    /// Sets labels that stand over those of the node's agent.
    pub async fn update_node(&self, id: NodeId, request: &UpdateNode) -> Result<Node> {
        self.patch(&format!("/nodes/{id}"), request).await
    }

    /// The latest of a node's history.
    pub async fn node_events(&self, id: NodeId) -> Result<Page<NodeEvent>> {
        self.get(&format!("/nodes/{id}/events")).await
    }

    pub async fn node_jobs(&self, id: NodeId) -> Result<Page<Job>> {
        self.get(&format!("/nodes/{id}/jobs")).await
    }

    /// Attests that a node is dead and removes it: its jobs are requeued at once.
    pub async fn remove_node(&self, id: NodeId) -> Result<()> {
        self.delete(&format!("/nodes/{id}")).await
    }

    /// What a node used.
    pub async fn node_metrics(&self, id: NodeId, query: &NodeMetricsQuery) -> Result<NodeMetrics> {
        self.get_with(&format!("/nodes/{id}/metrics"), query).await
    }
}
