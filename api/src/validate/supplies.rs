//! What the control plane brings: secrets, registry logins, volumes.

use super::container::variable;
use super::{absolute, name};
use crate::problem::FieldError;
use crate::spec::JobSpec;

/// The most volumes that one job may mount.
const MAX_VOLUMES: usize = 32;
/// The most secrets that one job may name.
const MAX_SECRETS: usize = 256;
/// Folders of the container that are the kernel's or Docker's own.
const OWN_FOLDERS: [&str; 4] = ["/proc", "/sys", "/dev", "/.lilac"];

pub(super) fn check(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    secrets(spec, errors);
    volumes(spec, errors);
}

fn secrets(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    if spec.secrets.len() > MAX_SECRETS {
        let message = format!("at most {MAX_SECRETS} secrets, there are {}", spec.secrets.len());
        errors.push(FieldError::new("secrets", "too-many", message));
        return;
    }
    for (key, secret) in &spec.secrets {
        let path = format!("secrets.{key}");
        variable(&path, key, errors);
        name(&path, secret, 63, errors);
        if spec.env.contains_key(key) {
            errors.push(FieldError::new(&path, "exclusive", "the same variable stands in `env`"));
        }
    }
    if let Some(registry) = &spec.pull.secret {
        name("pull.secret", registry, 63, errors);
    }
}

fn volumes(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    if spec.volumes.len() > MAX_VOLUMES {
        let message = format!("at most {MAX_VOLUMES} volumes, there are {}", spec.volumes.len());
        errors.push(FieldError::new("volumes", "too-many", message));
        return;
    }
    for (index, volume) in spec.volumes.iter().enumerate() {
        name(&format!("volumes[{index}].name"), &volume.name, 63, errors);
        let path = format!("volumes[{index}].target");
        let own = |folder: &str| volume.target == folder || volume.target.starts_with(&format!("{folder}/"));
        if let Err(problem) = absolute(&volume.target) {
            errors.push(FieldError::new(path, "invalid-path", problem));
        } else if OWN_FOLDERS.into_iter().any(own) {
            errors.push(FieldError::new(path, "reserved", "this folder is the container's own"));
        } else if spec.volumes[..index].iter().any(|other| other.target == volume.target) {
            errors.push(FieldError::new(path, "duplicate", "another volume is mounted there"));
        }
    }
}
