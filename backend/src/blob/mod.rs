//! The object store: where logs end up and outputs lie. A folder by default, S3 by configuration.
//!
//! An object's path is made anew for each write and never used again, and an object counts only once a row
//! names it. So a crash between the two leaves an object that nobody knows, which the sweep removes, and a
//! write that comes late overwrites nothing.

pub mod frames;
pub mod sweep;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use lilac_api::auth::Secret;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, RetryConfig};

use crate::error::ApiError;

pub type Store = Arc<dyn ObjectStore>;

/// Where objects are kept.
#[derive(Clone, Debug, Default)]
pub struct StoreConfig {
    /// `s3://bucket/prefix` or the path of a folder; none for `objects` in the data folder.
    pub url: Option<String>,
    /// Address of a server that speaks S3; none for Amazon's.
    pub endpoint: Option<String>,
    pub region: Option<String>,
    pub access_key: Option<String>,
    pub secret_key: Option<Secret>,
}

/// Opens the store. What cannot work is said here: a folder that cannot be written, an address that is none.
pub fn open(config: &StoreConfig, data_dir: &Path) -> Result<Store> {
    match config.url.as_deref() {
        Some(url) if url.starts_with("s3://") => s3(config, url),
        Some(path) if path.starts_with('/') => folder(Path::new(path)),
        Some(other) => {
            bail!("LILAC_STORE_URL is `{other}`; write s3://bucket/prefix or the absolute path of a folder")
        }
        None => folder(&data_dir.join("objects")),
    }
}

/// A store that is gone with the process.
pub fn in_memory() -> Store {
    Arc::new(InMemory::new())
}

fn folder(path: &Path) -> Result<Store> {
    std::fs::create_dir_all(path)
        .with_context(|| format!("cannot make {}, the folder of logs and outputs", path.display()))?;
    let store = LocalFileSystem::new_with_prefix(path)
        .with_context(|| format!("cannot use {}", path.display()))?
        .with_automatic_cleanup(true)
        // What a row names must survive a power cut as the row does.
        .with_fsync(true);
    Ok(Arc::new(store))
}

fn s3(config: &StoreConfig, url: &str) -> Result<Store> {
    // A second installation finds the first in place, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let rest = url.strip_prefix("s3://").unwrap_or_default();
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        bail!("LILAC_STORE_URL is `{url}`, which names no bucket; write s3://bucket/prefix");
    }
    let retry = RetryConfig {
        max_retries: 3,
        retry_timeout: std::time::Duration::from_secs(20),
        ..RetryConfig::default()
    };
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(retry);
    if let Some(endpoint) = &config.endpoint {
        builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
    }
    if let Some(region) = &config.region {
        builder = builder.with_region(region);
    }
    if let Some(key) = &config.access_key {
        builder = builder.with_access_key_id(key);
    }
    if let Some(key) = &config.secret_key {
        builder = builder.with_secret_access_key(&key.0);
    }
    let store =
        builder.build().context("the settings LILAC_STORE_… of the object store do not go together")?;
    Ok(Arc::new(PrefixStore::new(store, prefix)))
}

/// A store that does not answer is a matter of patience; what it has lost is one of looking at its log. To who
/// calls both are the same: not now.
impl From<object_store::Error> for ApiError {
    fn from(error: object_store::Error) -> Self {
        tracing::warn!(%error, "the object store does not give or take an object");
        Self::unavailable("the store of logs and outputs does not answer at the moment")
    }
}
