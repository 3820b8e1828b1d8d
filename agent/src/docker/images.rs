//! The images that the daemon has.

use std::collections::BTreeSet;
use std::path::PathBuf;

use bollard::errors::Error;
use bollard::query_parameters::RemoveImageOptions;
use lilac_api::ids::AttemptId;
use lilac_api::image::{CachedImage, MAX_IMAGE_NAMES};

use super::{Link, ask, status};

/// The image of an attempt's container: its id, and the digest by which the registry of `image` knows it.
pub async fn image_of(
    link: &Link,
    attempt: AttemptId,
    image: &str,
) -> Result<Option<(String, Option<String>)>, Error> {
    let Some(id) = ask::find(link, attempt).await?.image else { return Ok(None) };
    let found = ask::image(link, &id).await?;
    let digest = digest(image, &found.repo_digests.unwrap_or_default());
    Ok(Some((id, digest)))
}

/// The digest of the repository that `image` is in; of another one, the digest may differ.
fn digest(image: &str, repo_digests: &[String]) -> Option<String> {
    let repository = repository(image);
    let named = repo_digests.iter().find(|named| self::repository(named) == repository);
    let (_, digest) = named.or(repo_digests.first())?.rsplit_once('@')?;
    Some(digest.to_owned())
}

/// The name without tag and digest, as Docker shortens it.
fn repository(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or(image);
    let name = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    };
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    name.strip_prefix("library/").unwrap_or(name)
}

/// An image by its name: the id and how many names it has; none where there is no such image.
pub async fn find_image(link: &Link, name: &str) -> Result<Option<(String, usize)>, Error> {
    match ask::image(link, name).await {
        Ok(found) => Ok(found.id.map(|id| (id, found.repo_tags.unwrap_or_default().len()))),
        Err(error) if status(&error) == Some(404) => Ok(None),
        Err(error) => Err(error),
    }
}

/// All images that have a name.
pub async fn images(link: &Link) -> Result<Vec<CachedImage>, Error> {
    let named = |names: Option<Vec<String>>| {
        names.unwrap_or_default().into_iter().filter(|name| !name.contains("<none>"))
    };
    let cached = ask::images(link).await?.into_iter().map(|image| CachedImage {
        id: image.id.unwrap_or_default(),
        names: named(image.repo_tags).chain(named(image.repo_digests)).take(MAX_IMAGE_NAMES).collect(),
        bytes: image.size.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
    });
    Ok(cached.filter(|image| !image.names.is_empty()).collect())
}

/// Ids of the images that containers were made of, anybody's.
pub async fn images_in_use(link: &Link) -> Result<BTreeSet<String>, Error> {
    let containers = ask::list(link, &[]).await?;
    Ok(containers.into_iter().map(|container| container.image_id).collect())
}

/// Takes a name away from its image, and the image with its last name. Says whether it did: Docker itself
/// keeps what a container was made of.
pub async fn remove_image(link: &Link, name: &str) -> Result<bool, Error> {
    let docker = link.client().await?;
    match docker.remove_image(name, None::<RemoveImageOptions>, None).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(status(&error), Some(404 | 409)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Where the daemon keeps images and containers.
pub async fn root_folder(link: &Link) -> Result<Option<PathBuf>, Error> {
    Ok(ask::info(link).await?.docker_root_dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_images_own_registry() {
        let digests = ["r:5000/team/app@sha256:1".to_owned(), "busybox@sha256:2".to_owned()];
        for (image, expected) in [
            ("busybox", "sha256:2"),
            ("docker.io/library/busybox:1.36", "sha256:2"),
            ("r:5000/team/app:2", "sha256:1"),
            ("r:5000/team/app@sha256:1", "sha256:1"),
            ("elsewhere/app", "sha256:1"),
        ] {
            assert_eq!(digest(image, &digests).as_deref(), Some(expected), "{image}");
        }
        assert_eq!(digest("busybox", &[]), None);
    }
}
