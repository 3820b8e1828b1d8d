//! Images as nodes tell of them: what a container was made of, how far a pull is, why there is none.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};
use utoipa::ToSchema;

use crate::quantity::Bytes;

/// The most layers of a pull that are told of. Docker itself allows 127.
pub const MAX_LAYERS: usize = 128;
/// The most images that a node tells of.
pub const MAX_CACHED_IMAGES: usize = 64;
/// The most names of one image that a node tells of.
pub const MAX_IMAGE_NAMES: usize = 4;
/// The most images that a node is asked to have ready.
pub const MAX_PREFETCH: usize = 8;

/// The image of a task, as its node tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskImage {
    /// Id of the image that the container was made of, `sha256:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Digest by which its registry knows it, `sha256:…`; none for an image that was in no registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// How far the pull is; only while one is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<PullProgress>,
    /// Why it could not be had, where the attempt failed with `image-pull`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<ImageProblem>,
}

/// How far a pull is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PullProgress {
    /// In the order of the image, at most 128. Empty until the registry has named them.
    pub layers: Vec<LayerProgress>,
}

/// How far one layer of a pull is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LayerProgress {
    /// The first digits of its digest.
    pub id: String,
    /// Where it stands.
    pub state: LayerState,
    /// Bytes that are here, compressed.
    pub bytes: u64,
    /// All its bytes; 0 until the registry has told.
    pub total_bytes: u64,
}

/// Where one layer of a pull stands.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
    Display,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum LayerState {
    Waiting,
    Downloading,
    /// It is here, and is unpacked.
    Extracting,
    /// It is ready, or was here already.
    Done,
}

/// Why an image could not be had.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    Display,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum ImageProblem {
    /// It is not on the node, and the job says never to pull it.
    NotOnNode,
    /// The registry has none of that name.
    NotFound,
    /// The registry does not give it to the login, or to a pull without one.
    Denied,
    /// The node cannot reach the registry.
    Unreachable,
    /// The node has no room for it.
    DiskFull,
    /// The pull made no progress for a long time.
    Stalled,
    /// It has no build for the node's kind of processor.
    WrongPlatform,
    /// Something else; the message has Docker's words.
    Other,
}

/// An image that a node has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CachedImage {
    /// `sha256:…`
    pub id: String,
    /// Names under which a job gets it without a pull, `busybox:1.36` or `registry/app@sha256:…`; at most 4.
    pub names: Vec<String>,
    /// Size on the node.
    pub bytes: u64,
}

impl PullProgress {
    /// `3 of 7 layers, 120Mi of 1Gi`.
    #[must_use]
    pub fn summary(&self) -> String {
        let sum = |of: fn(&LayerProgress) -> u64| self.layers.iter().map(of).fold(0, u64::saturating_add);
        let done = self.layers.iter().filter(|layer| layer.state == LayerState::Done).count();
        let (bytes, total) = (sum(|layer| layer.bytes), sum(|layer| layer.total_bytes));
        let layers = match self.layers.len() {
            0 => return "asking the registry".to_owned(),
            count => format!("{done} of {count} layers"),
        };
        if total == 0 { layers } else { format!("{layers}, {} of {}", rounded(bytes), rounded(total)) }
    }
}

/// Whole units: nobody reads the bytes of a gigabyte.
fn rounded(bytes: u64) -> Bytes {
    let unit = [30, 20, 10].into_iter().map(|shift| 1 << shift).find(|unit| bytes >= 10 * *unit).unwrap_or(1);
    Bytes(bytes / unit * unit)
}

/// The image by one name: without a tag Docker would pull every tag there is.
#[must_use]
pub fn with_tag(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    if name.contains([':', '@']) { image.to_owned() } else { format!("{image}:latest") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_pulled_by_one_tag() {
        assert_eq!(with_tag("busybox"), "busybox:latest");
        assert_eq!(with_tag("busybox:1.36"), "busybox:1.36");
        assert_eq!(with_tag("localhost:5000/a/b"), "localhost:5000/a/b:latest");
        assert_eq!(with_tag("localhost:5000/a/b:x"), "localhost:5000/a/b:x");
        assert_eq!(with_tag("a/b@sha256:0"), "a/b@sha256:0");
    }

    #[test]
    fn a_pull_is_summed_up() {
        let layer = |state, bytes, total_bytes| LayerProgress { id: "a".into(), state, bytes, total_bytes };
        let of = |layers: &[LayerProgress]| PullProgress { layers: layers.to_vec() }.summary();
        assert_eq!(of(&[]), "asking the registry");
        assert_eq!(of(&[layer(LayerState::Waiting, 0, 0)]), "0 of 1 layers");
        let layers =
            [layer(LayerState::Done, 0, 0), layer(LayerState::Downloading, (50 << 20) + 7, 100 << 20)];
        assert_eq!(of(&layers), "1 of 2 layers, 50Mi of 100Mi");
    }
}
