//! Secrets, registry logins and volumes.

use reqwest::Method;

use super::{Client, Result, whole_page};
use crate::ids::{RegistryId, SecretId, VolumeId};
use crate::page::Page;
use crate::secret::{
    CreateRegistry, CreateSecret, CreateVolume, Registry, ReplaceSecret, StoredSecret, UpdateVolume, Volume,
};

impl Client {
    /// A page of secrets, 500 at most, from `cursor` on.
    pub async fn secrets(&self, cursor: Option<&str>) -> Result<Page<StoredSecret>> {
        self.get_with("/secrets", &whole_page(cursor)).await
    }

    pub async fn secret(&self, id: SecretId) -> Result<StoredSecret> {
        self.get(&format!("/secrets/{id}")).await
    }

    pub async fn create_secret(&self, request: &CreateSecret) -> Result<StoredSecret> {
        self.post("/secrets", request).await
    }

    pub async fn replace_secret(&self, id: SecretId, request: &ReplaceSecret) -> Result<StoredSecret> {
        self.json(self.request(Method::PUT, &format!("/secrets/{id}")).json(request)).await
    }

    pub async fn delete_secret(&self, id: SecretId) -> Result<()> {
        self.delete(&format!("/secrets/{id}")).await
    }

    /// A page of registry logins, 500 at most, from `cursor` on.
    pub async fn registries(&self, cursor: Option<&str>) -> Result<Page<Registry>> {
        self.get_with("/registries", &whole_page(cursor)).await
    }

    pub async fn registry(&self, id: RegistryId) -> Result<Registry> {
        self.get(&format!("/registries/{id}")).await
    }

    pub async fn create_registry(&self, request: &CreateRegistry) -> Result<Registry> {
        self.post("/registries", request).await
    }

    pub async fn delete_registry(&self, id: RegistryId) -> Result<()> {
        self.delete(&format!("/registries/{id}")).await
    }

    pub async fn volumes(&self) -> Result<Page<Volume>> {
        self.get("/volumes").await
    }

    pub async fn volume(&self, id: VolumeId) -> Result<Volume> {
        self.get(&format!("/volumes/{id}")).await
    }

    pub async fn create_volume(&self, request: &CreateVolume) -> Result<Volume> {
        self.post("/volumes", request).await
    }

    pub async fn update_volume(&self, id: VolumeId, request: &UpdateVolume) -> Result<Volume> {
        self.patch(&format!("/volumes/{id}"), request).await
    }

    pub async fn delete_volume(&self, id: VolumeId) -> Result<()> {
        self.delete(&format!("/volumes/{id}")).await
    }
}
