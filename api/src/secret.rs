//! Secrets, registry logins and volumes: what a job names, and only its container gets to see.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Secret;
use crate::ids::{RegistryId, SecretId, VolumeId};

/// The most bytes that a secret's value may have.
pub const MAX_SECRET_BYTES: usize = 64 << 10;
/// The most secrets that a team may have.
pub const MAX_SECRETS_PER_TEAM: i64 = 1_000;
/// The most registry logins that a team may have.
pub const MAX_REGISTRIES_PER_TEAM: i64 = 100;
/// The most volumes that there may be.
pub const MAX_VOLUMES: i64 = 1_000;

/// What is known of a secret; its value is never given out but to the nodes that run jobs with it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StoredSecret {
    pub id: SecretId,
    /// Name by which job specs of the team refer to it.
    pub name: String,
    /// Name of the team that it belongs to.
    pub team: String,
    /// 1 for the first value, and one more for each that replaces it.
    pub version: i32,
    /// How many unfinished jobs name it.
    pub used_by: u64,
    pub created_at: DateTime<Utc>,
    /// Who made it.
    pub created_by: String,
    /// When the present value was set.
    pub updated_at: DateTime<Utc>,
    /// Who set the present value.
    pub updated_by: String,
}

/// A secret, to be kept for a team.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSecret {
    /// 1 to 63 characters of letters, digits, `.`, `_`, `-`.
    pub name: String,
    /// Name of the team; the caller's only one by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// 1 byte to 64 KiB, without NUL.
    pub value: Secret,
}

/// The value that replaces the present one. Containers that run keep the one that they started with.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceSecret {
    /// 1 byte to 64 KiB, without NUL.
    pub value: Secret,
}

/// A team's login to a registry, without its password.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Registry {
    pub id: RegistryId,
    /// Name by which `pull.secret` of a job refers to it.
    pub name: String,
    /// Name of the team that it belongs to.
    pub team: String,
    /// `host` or `host:port`, as in the names of images; `docker.io` for those without one.
    pub server: String,
    pub username: String,
    pub created_at: DateTime<Utc>,
    /// Who made it.
    pub created_by: String,
}

/// A login to a registry, to be kept for a team.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRegistry {
    /// 1 to 63 characters of letters, digits, `.`, `_`, `-`.
    pub name: String,
    /// Name of the team; the caller's only one by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// `host` or `host:port`, without `https://`; `docker.io` for images without one.
    pub server: String,
    /// 1 to 255 characters.
    pub username: String,
    /// 1 byte to 64 KiB.
    pub password: Secret,
}

/// A folder of the nodes that an administrator lets jobs see under a name.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Volume {
    pub id: VolumeId,
    /// Name by which job specs refer to it.
    pub name: String,
    /// The folder on every node; shown to administrators only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_path: Option<String>,
    /// Whether jobs may only read it, whatever they ask for.
    pub read_only: bool,
    /// Names of the teams whose jobs may mount it; empty for all.
    pub teams: Vec<String>,
    /// Names of the clusters on whose nodes the folder is; empty for all.
    pub clusters: Vec<String>,
    pub created_at: DateTime<Utc>,
    /// Who made it.
    pub created_by: String,
}

/// A folder of the nodes that jobs may mount.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateVolume {
    /// 1 to 63 characters of letters, digits, `.`, `_`, `-`.
    pub name: String,
    /// Absolute path of a folder on the nodes, written out; none that holds the system's own things.
    pub host_path: String,
    /// Whether jobs may only read it, whatever they ask for.
    #[serde(default)]
    pub read_only: bool,
    /// Names of the teams whose jobs may mount it; all by default.
    #[serde(default)]
    pub teams: Vec<String>,
    /// Names of the clusters on whose nodes the folder is; all by default. A queue must feed no others for its
    /// jobs to mount the volume.
    #[serde(default)]
    pub clusters: Vec<String>,
}

/// What to change; what is left out stays. Containers that run keep what they started with.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateVolume {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// Names of the teams whose jobs may mount it; empty for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teams: Option<Vec<String>>,
    /// Names of the clusters on whose nodes the folder is; empty for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<Vec<String>>,
}

/// Folders that no volume may be, lie in or contain: the system's, Docker's and Lilac's own.
const FORBIDDEN: [&str; 17] = [
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib64",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/var/lib/containerd",
    "/var/lib/docker",
    "/var/lib/lilac",
    "/var/lib/lilac_agent",
    "/var/run",
];

/// Says what is wrong with the path of a volume on its nodes.
pub fn check_host_path(path: &str) -> Result<(), String> {
    crate::validate::absolute(path)?;
    let within = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if path.ends_with(".sock") {
        return Err("must be a folder, not a socket".to_owned());
    }
    match FORBIDDEN.into_iter().find(|folder| within(path, folder) || within(folder, path)) {
        Some(folder) => Err(format!("no volume may reach into `{folder}`")),
        None => Ok(()),
    }
}

/// The server of a registry that an image's name leads to, as Docker reads it.
#[must_use]
pub fn registry_of(image: &str) -> String {
    let server = match image.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        _ => "docker.io",
    };
    normal_server(server)
}

/// One spelling of a registry's server: lower case, and Docker Hub by one name.
#[must_use]
pub fn normal_server(server: &str) -> String {
    match server.to_ascii_lowercase().as_str() {
        "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => "docker.io".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_reaches_nothing_of_the_system() {
        for allowed in
            ["/data", "/mnt/nfs/sets", "/home/shared", "/srv/a.b", "/var/lib/models", "/usr2", "/devel"]
        {
            assert_eq!(check_host_path(allowed), Ok(()), "{allowed}");
        }
        for refused in [
            "",
            "/",
            "data",
            "./data",
            "/data/",
            "//data",
            "/data/..",
            "/data/../etc",
            "/data/./x",
            "/etc",
            "/etc/passwd",
            "/proc",
            "/proc/1/root",
            "/sys",
            "/dev",
            "/dev/shm",
            "/var",
            "/var/run",
            "/var/run/docker.sock",
            "/run",
            "/run/docker.sock",
            "/var/lib",
            "/var/lib/docker",
            "/usr",
            "/var/lib/docker/volumes",
            "/data/docker.sock",
            "/root/.ssh",
            "/a:b",
            "/a\\b",
            "/a\nb",
            "/a\0b",
        ] {
            assert!(check_host_path(refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn an_image_names_its_registry() {
        for (image, server) in [
            ("busybox", "docker.io"),
            ("busybox:1.36", "docker.io"),
            ("team/app", "docker.io"),
            ("index.docker.io/team/app", "docker.io"),
            ("localhost/app", "localhost"),
            ("localhost:5000/app:2", "localhost:5000"),
            ("Registry.example.com/a/b@sha256:0", "registry.example.com"),
        ] {
            assert_eq!(registry_of(image), server, "{image}");
        }
    }
}
