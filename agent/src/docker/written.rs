//! Where a container's own files are on the node: what it may fill the disk with.

use std::path::PathBuf;

use bollard::errors::Error;
use lilac_api::ids::AttemptId;

use super::{Link, ask};

/// The folders that hold what a container writes beside its volumes: its layer, and the anonymous volumes that
/// its image asks for. None where the storage driver keeps no folder of the kind.
pub async fn written_folders(link: &Link, attempt: AttemptId) -> Result<Option<Vec<PathBuf>>, Error> {
    let container = ask::find(link, attempt).await?;
    let layer = container.graph_driver.and_then(|driver| driver.data?.upper_dir);
    let volumes = container.mounts.unwrap_or_default().into_iter().filter_map(|mount| {
        let is_volume = mount.kind.as_deref() == Some("volume");
        mount.source.filter(|_| is_volume)
    });
    Ok(layer.filter(|layer| layer.is_dir()).map(|layer| std::iter::once(layer).chain(volumes).collect()))
}

/// How much a container wrote into its layer, by Docker's count: dear, for the daemon reads all of it.
pub async fn written_bytes(link: &Link, attempt: AttemptId) -> Result<u64, Error> {
    Ok(ask::find_with_size(link, attempt).await?.size_rw.unwrap_or(0))
}
