//! What a job asks for that its runtime does not give.

use crate::problem::FieldError;
use crate::spec::{JobSpec, Network, Runtime};

pub(super) fn check(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    if spec.runtime == Runtime::Docker {
        return;
    }
    let absent = [
        ("image", !spec.image.is_empty()),
        ("pull", spec.pull != Default::default()),
        ("volumes", !spec.volumes.is_empty()),
        ("shm_size", spec.shm_size.is_some()),
        ("outputs", !spec.outputs.is_empty()),
        ("hold_on_failure", spec.hold_on_failure.is_some()),
    ];
    for (field, _) in absent.into_iter().filter(|(_, is_set)| *is_set) {
        let message = "a process runs on its node's own files: leave this out with `runtime: process`";
        errors.push(FieldError::new(field, "exclusive", message));
    }
    if spec.run.is_none() && spec.command.is_empty() && spec.entrypoint.is_empty() {
        let message = "without an image the job itself must say what runs";
        errors.push(FieldError::new("command", "missing-field", message));
    }
    if spec.network == Network::Bridge {
        let message = "a process has its node's network or none: write `host` or `none`";
        errors.push(FieldError::new("network", "invalid-value", message));
    }
    if spec.user.as_deref().is_some_and(|user| !is_numbers_and_not_root(user)) {
        let message = "a process runs as a user of its node, and never as root: write uid or uid:gid";
        errors.push(FieldError::new("user", "invalid-user", message));
    }
}

/// `uid` or `uid:gid`, neither of them 0.
fn is_numbers_and_not_root(user: &str) -> bool {
    let mut parts = user.splitn(2, ':');
    parts.all(|part| part.parse::<u32>().is_ok_and(|id| id != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_asked_for_what_a_process_can_be() {
        let good = JobSpec {
            runtime: Runtime::Process,
            network: Network::Host,
            run: Some("true".into()),
            ..JobSpec::new("a", "")
        };
        let wrong = |spec: &JobSpec| -> Vec<String> {
            crate::validate::job_spec(spec).into_iter().map(|error| error.path).collect()
        };
        assert_eq!(wrong(&good), Vec::<String>::new());
        assert_eq!(wrong(&JobSpec { user: Some("1000:1000".into()), ..good.clone() }), Vec::<String>::new());
        assert_eq!(wrong(&JobSpec { image: "busybox".into(), ..good.clone() }), ["image"]);
        assert_eq!(wrong(&JobSpec { network: Network::Bridge, ..good.clone() }), ["network"]);
        assert_eq!(wrong(&JobSpec { run: None, ..good.clone() }), ["command"]);
        for user in ["root", "0", "1000:0", "0:1", "nobody"] {
            assert_eq!(wrong(&JobSpec { user: Some(user.into()), ..good.clone() }), ["user"], "{user}");
        }
        // A container still needs its image.
        assert_eq!(wrong(&JobSpec { runtime: Runtime::Docker, ..good }), ["image"]);
    }
}
