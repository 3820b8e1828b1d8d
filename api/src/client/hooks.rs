//! Hooks, and what was sent to them.

use super::{Client, Result, whole_page};
use crate::hook::{CreateHook, CreatedHook, Delivery, Hook, RotateHook, UpdateHook};
use crate::ids::{DeliveryId, HookId};
use crate::page::Page;

impl Client {
    /// A page of hooks, 500 at most, from `cursor` on.
    pub async fn hooks(&self, cursor: Option<&str>) -> Result<Page<Hook>> {
        self.get_with("/hooks", &whole_page(cursor)).await
    }

    pub async fn hook(&self, id: HookId) -> Result<Hook> {
        self.get(&format!("/hooks/{id}")).await
    }

    pub async fn create_hook(&self, request: &CreateHook) -> Result<CreatedHook> {
        self.post("/hooks", request).await
    }

    pub async fn update_hook(&self, id: HookId, request: &UpdateHook) -> Result<Hook> {
        self.patch(&format!("/hooks/{id}"), request).await
    }

    pub async fn delete_hook(&self, id: HookId) -> Result<()> {
        self.delete(&format!("/hooks/{id}")).await
    }

    /// Replaces a hook's secret.
    pub async fn rotate_hook(&self, id: HookId, request: &RotateHook) -> Result<CreatedHook> {
        self.post(&format!("/hooks/{id}/rotate"), request).await
    }

    /// Sends a hook a message that tells of no job.
    pub async fn test_hook(&self, id: HookId) -> Result<Delivery> {
        self.act(&format!("/hooks/{id}/test")).await
    }

    /// A page of a hook's deliveries, 500 at most, the newest first, from `cursor` on.
    pub async fn hook_deliveries(&self, id: HookId, cursor: Option<&str>) -> Result<Page<Delivery>> {
        self.get_with(&format!("/hooks/{id}/deliveries"), &whole_page(cursor)).await
    }

    pub async fn hook_delivery(&self, id: HookId, delivery: DeliveryId) -> Result<Delivery> {
        self.get(&format!("/hooks/{id}/deliveries/{delivery}")).await
    }

    /// Sends a delivery once more, now.
    pub async fn redeliver(&self, id: HookId, delivery: DeliveryId) -> Result<Delivery> {
        self.act(&format!("/hooks/{id}/deliveries/{delivery}/redeliver")).await
    }
}
