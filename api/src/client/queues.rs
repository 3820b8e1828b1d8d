//! Queues.

use reqwest::Method;

use super::{Client, Result};
use crate::ids::QueueId;
use crate::job::Job;
use crate::line::{QueueLine, QueueWaits};
use crate::page::Page;
use crate::queue::{CreateQueue, JobsChoice, Queue, QueueStats, UpdateQueue};

impl Client {
    pub async fn queues(&self) -> Result<Page<Queue>> {
        self.get("/queues").await
    }

    pub async fn create_queue(&self, request: &CreateQueue) -> Result<Queue> {
        self.post("/queues", request).await
    }

    pub async fn update_queue(&self, id: QueueId, request: &UpdateQueue) -> Result<Queue> {
        self.patch(&format!("/queues/{id}"), request).await
    }

    pub async fn queue(&self, id: QueueId) -> Result<Queue> {
        self.get(&format!("/queues/{id}")).await
    }

    /// Starts nothing more from a queue.
    pub async fn pause_queue(&self, id: QueueId) -> Result<Queue> {
        self.act(&format!("/queues/{id}/pause")).await
    }

    pub async fn resume_queue(&self, id: QueueId) -> Result<Queue> {
        self.act(&format!("/queues/{id}/resume")).await
    }

    pub async fn delete_queue(&self, id: QueueId, jobs: &JobsChoice) -> Result<()> {
        let request = self.request(Method::DELETE, &format!("/queues/{id}"));
        self.send(request.query(&[("jobs", jobs.to_string())])).await.map(|_| ())
    }

    pub async fn queue_stats(&self, id: QueueId) -> Result<QueueStats> {
        self.get(&format!("/queues/{id}/stats")).await
    }

    /// Who is next in a queue, and why not yet.
    pub async fn queue_line(&self, id: QueueId) -> Result<QueueLine> {
        self.get(&format!("/queues/{id}/line")).await
    }

    /// How long jobs of a queue waited lately.
    pub async fn queue_waits(&self, id: QueueId) -> Result<QueueWaits> {
        self.get(&format!("/queues/{id}/waits")).await
    }

    pub async fn queue_jobs(&self, id: QueueId) -> Result<Page<Job>> {
        self.get(&format!("/queues/{id}/jobs")).await
    }
}
