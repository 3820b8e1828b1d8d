//! A server that dies between the store and the database.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use futures::stream::BoxStream;
use lilac_server::blob::{self, Store, sweep};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::runtime::Builder;

use super::bed::{self, Bed, settings, text};

/// A store that takes everything, and whose answer to a write never arrives.
#[derive(Debug)]
struct Silent {
    inner: Store,
    written: Arc<AtomicUsize>,
}

impl fmt::Display for Silent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "silent {}", self.inner)
    }
}

#[async_trait::async_trait]
impl ObjectStore for Silent {
    async fn put_opts(&self, to: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(to, payload, options).await?;
        self.written.fetch_add(1, Ordering::SeqCst);
        std::future::pending().await
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(to, options).await
    }

    async fn get_opts(&self, from: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(from, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_death_between_store_and_database_loses_nothing(pool: PgPool) {
    let store = blob::in_memory();
    let written = Arc::new(AtomicUsize::new(0));
    let silent = Arc::new(Silent { inner: store.clone(), written: Arc::clone(&written) });
    // A server in a runtime of its own, which can be ended as a process is: with all that is under way.
    let doomed = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let options = (*pool.connect_options()).clone();
    let began = doomed.spawn(async move {
        let pool = PgPoolOptions::new().max_connections(5).connect_with(options).await.unwrap();
        Bed::start(pool, settings(silent)).await
    });
    let mut first = began.await.unwrap();
    let log = text(100_000);
    let begun = doomed.spawn(async move {
        first.upload(&text(100_000)).await;
        first
    });
    let first = begun.await.unwrap();
    bed::until("a write to the store", || async { (written.load(Ordering::SeqCst) > 0).then_some(()) }).await;
    let (job, attempt, mut node) = (first.job, first.attempt, first.node);
    drop(first.harness);
    doomed.shutdown_background();
    assert_eq!(bed::objects(&store).await.len(), 1, "nobody knows of this one");

    let second = bed::server(pool, settings(store.clone())).await;
    lilac_server::scheduler::start(second.app.clone());
    node.client = second.client.with_token(node.token.clone());
    let second = Bed { harness: second, node, job, attempt, uploaded: log.len() as u64 };
    assert!(second.download().await == log, "before it moves");
    second.moved(1).await;
    assert!(second.download().await == log, "after it moved");
    let app = &second.harness.app;
    assert_eq!(sweep::sweep(app, TimeDelta::hours(1)).await.unwrap(), 0, "it may be on its way to a row");
    assert_eq!(sweep::sweep(app, TimeDelta::milliseconds(-1)).await.unwrap(), 1);
    assert_eq!(bed::objects(&store).await.len(), 1);
    assert!(second.download().await == log, "after the sweep");
}
