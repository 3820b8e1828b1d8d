//! Where a container's own files are on the node: what it may fill the disk with.

use std::path::PathBuf;

use bollard::errors::Error;
use bollard::query_parameters::InspectContainerOptions;
use lilac_api::ids::AttemptId;

use super::{Link, answer_in_time, container_name};

/// The folders that hold what a container writes beside its volumes: its layer, and the anonymous volumes that
/// its image asks for. None where the storage driver keeps no folder of the kind.
pub async fn written_folders(link: &Link, attempt: AttemptId) -> Result<Option<Vec<PathBuf>>, Error> {
    let docker = link.client().await?;
    let container = answer_in_time(docker.inspect_container(&container_name(attempt), None)).await?;
    let layer = container.graph_driver.and_then(|driver| driver.data.get("UpperDir").map(PathBuf::from));
    let volumes = container.mounts.unwrap_or_default().into_iter().filter_map(|mount| {
        let is_volume = mount.typ.as_deref() == Some("volume");
        mount.source.filter(|_| is_volume).map(PathBuf::from)
    });
    Ok(layer.filter(|layer| layer.is_dir()).map(|layer| std::iter::once(layer).chain(volumes).collect()))
}

/// How much a container wrote into its layer, by Docker's count: dear, for the daemon reads all of it.
pub async fn written_bytes(link: &Link, attempt: AttemptId) -> Result<u64, Error> {
    let docker = link.client().await?;
    let options = InspectContainerOptions { size: true };
    let container = docker.inspect_container(&container_name(attempt), Some(options)).await?;
    Ok(container.size_rw.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0))
}
