//! Jobs that are submitted by the clock.

use super::{Client, Result};
use crate::ids::ScheduleId;
use crate::job::Job;
use crate::page::Page;
use crate::schedule::JobSchedule;
use crate::spec::JobSpec;

impl Client {
    pub async fn schedules(&self) -> Result<Page<JobSchedule>> {
        self.get("/schedules?limit=500").await
    }

    pub async fn schedule(&self, id: ScheduleId) -> Result<JobSchedule> {
        self.get(&format!("/schedules/{id}")).await
    }

    /// Has a job submitted by the clock: `spec` says when.
    pub async fn create_schedule(&self, spec: &JobSpec) -> Result<JobSchedule> {
        self.post("/schedules", spec).await
    }

    pub async fn pause_schedule(&self, id: ScheduleId) -> Result<JobSchedule> {
        self.act(&format!("/schedules/{id}/pause")).await
    }

    pub async fn resume_schedule(&self, id: ScheduleId) -> Result<JobSchedule> {
        self.act(&format!("/schedules/{id}/resume")).await
    }

    pub async fn run_schedule(&self, id: ScheduleId) -> Result<Job> {
        self.act(&format!("/schedules/{id}/run")).await
    }

    pub async fn delete_schedule(&self, id: ScheduleId) -> Result<()> {
        self.delete(&format!("/schedules/{id}")).await
    }
}
