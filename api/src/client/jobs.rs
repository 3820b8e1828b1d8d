//! Jobs and arrays: handing them in, reading of them, changing them.

use reqwest::{Method, header};

use super::{Client, Result};
use crate::action::{CancelledJobs, ExtendJob, HoldJob, Receipt, ReprioritiseJob};
use crate::explanation::Explanation;
use crate::ids::{ArrayId, JobId};
use crate::job::{Attempt, Job, JobCounts, JobEvent, JobFilter};
use crate::metric::{JobMetrics, JobMetricsQuery};
use crate::overview::{JobGroups, PlatformUsage, UsageQuery};
use crate::page::Page;
use crate::quantity::Span;
use crate::spec::JobSpec;
use crate::submission::{BatchRequest, BatchResponse, CancelledArray, JobArray, JobForecast};

impl Client {
    /// Submits a job. With a key, a repeated call gives the job that the first one made.
    pub async fn submit(&self, spec: &JobSpec, idempotency_key: Option<&str>) -> Result<Job> {
        self.submit_raw(serde_json::to_vec(spec).unwrap_or_default(), idempotency_key).await
    }

    /// Submits a spec that is JSON text already.
    pub async fn submit_raw(&self, spec: Vec<u8>, idempotency_key: Option<&str>) -> Result<Job> {
        let mut request =
            self.request(Method::POST, "/jobs").header(header::CONTENT_TYPE, "application/json").body(spec);
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        self.json(request).await
    }

    /// Submits several jobs, all or none. With a key, a repeated call gives the jobs that the first one made.
    pub async fn submit_batch(
        &self,
        batch: &BatchRequest,
        idempotency_key: Option<&str>,
    ) -> Result<BatchResponse> {
        let mut request = self.request(Method::POST, "/jobs/batch").json(batch);
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        self.json(request).await
    }

    pub async fn array(&self, id: ArrayId) -> Result<JobArray> {
        self.get(&format!("/arrays/{id}")).await
    }

    pub async fn cancel_array(&self, id: ArrayId) -> Result<CancelledArray> {
        self.act(&format!("/arrays/{id}/cancel")).await
    }

    pub async fn jobs(&self, filter: &JobFilter) -> Result<Page<Job>> {
        self.get_with("/jobs", filter).await
    }

    /// The jobs that match, by what they have in common.
    pub async fn job_groups(&self, by: &str, filter: &JobFilter) -> Result<JobGroups> {
        let request = self.request(Method::GET, "/jobs/groups").query(&[("by", by)]).query(filter);
        self.json(request).await
    }

    /// What was held over the last hours, and how long jobs waited.
    pub async fn usage(&self, query: &UsageQuery) -> Result<PlatformUsage> {
        self.get_with("/usage", query).await
    }

    pub async fn job_counts(&self) -> Result<JobCounts> {
        self.get("/jobs/counts").await
    }

    /// Counts the jobs that match; `limit`, `cursor` and `sort` are not for this.
    pub async fn job_counts_of(&self, filter: &JobFilter) -> Result<JobCounts> {
        self.get_with("/jobs/counts", filter).await
    }

    /// What would become of a job that is submitted now.
    pub async fn plan_job(&self, spec: &JobSpec) -> Result<JobForecast> {
        self.post("/jobs/plan", spec).await
    }

    pub async fn job(&self, id: JobId) -> Result<Job> {
        self.get(&format!("/jobs/{id}")).await
    }

    pub async fn cancel(&self, id: JobId) -> Result<Job> {
        self.act(&format!("/jobs/{id}/cancel")).await
    }

    /// Puts a held job back in its queue.
    pub async fn release(&self, id: JobId) -> Result<Job> {
        self.act(&format!("/jobs/{id}/release")).await
    }

    /// Cancels all jobs that match; `limit` and `cursor` are not for this.
    pub async fn cancel_jobs(&self, filter: &JobFilter) -> Result<CancelledJobs> {
        self.json(self.request(Method::POST, "/jobs/cancel").query(filter)).await
    }

    /// Keeps a waiting job from being placed.
    pub async fn hold(&self, id: JobId, message: &str) -> Result<Job> {
        self.post(&format!("/jobs/{id}/hold"), &HoldJob { message: message.to_owned() }).await
    }

    pub async fn reprioritise(&self, id: JobId, priority: u8) -> Result<Job> {
        self.post(&format!("/jobs/{id}/reprioritise"), &ReprioritiseJob { priority }).await
    }

    /// Lets a job run for `max_runtime` in all.
    pub async fn extend(&self, id: JobId, max_runtime: Span) -> Result<Job> {
        self.post(&format!("/jobs/{id}/extend"), &ExtendJob { max_runtime }).await
    }

    /// Submits a job's spec anew.
    pub async fn rerun(&self, id: JobId) -> Result<Job> {
        self.act(&format!("/jobs/{id}/rerun")).await
    }

    pub async fn explain_job(&self, id: JobId) -> Result<Explanation> {
        self.get(&format!("/jobs/{id}/explain")).await
    }

    pub async fn receipt(&self, id: JobId) -> Result<Receipt> {
        self.get(&format!("/jobs/{id}/receipt")).await
    }

    pub async fn job_events(&self, id: JobId) -> Result<Page<JobEvent>> {
        self.get(&format!("/jobs/{id}/events")).await
    }

    pub async fn attempts(&self, id: JobId) -> Result<Page<Attempt>> {
        self.get(&format!("/jobs/{id}/attempts")).await
    }

    /// What a task of a job used.
    pub async fn job_metrics(&self, id: JobId, query: &JobMetricsQuery) -> Result<JobMetrics> {
        self.get_with(&format!("/jobs/{id}/metrics"), query).await
    }
}
