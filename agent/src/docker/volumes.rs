//! Whether a volume's folder is on this node what its administrator allowed.
//!
//! The control plane sees no node's file system. Here the folder must be there, and its path must lead to it
//! without a symbolic link: whoever can write beside it must not choose what a container gets to see.

use std::path::Path;

use lilac_api::agent::Mount;
use lilac_api::secret::check_host_path;

/// Why one of these volumes cannot be mounted here, if so. Reads the disk.
#[must_use]
pub fn objection(mounts: &[Mount]) -> Option<String> {
    mounts.iter().find_map(|mount| {
        let problem = target_problem(&mount.target).or_else(|| problem(&mount.host_path))?;
        Some(format!("The volume `{}` cannot be mounted on this node: {problem}.", mount.name))
    })
}

/// Where the container's init has its things nothing else may be put over them.
fn target_problem(target: &str) -> Option<String> {
    let ours = Path::new("/.lilac");
    let target = Path::new(target);
    (target.starts_with(ours) || ours.starts_with(target))
        .then(|| "`/.lilac` in a container is Lilac's own".to_owned())
}

fn problem(host_path: &str) -> Option<String> {
    if let Err(problem) = check_host_path(host_path) {
        return Some(format!("its path {problem}"));
    }
    let path = Path::new(host_path);
    match path.canonicalize() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Some("its folder is not there".to_owned())
        }
        Err(error) => Some(format!("its folder cannot be looked at: {error}")),
        Ok(real) if real != path => Some("its path leads over a symbolic link".to_owned()),
        Ok(real) if !real.is_dir() => Some("it is not a folder".to_owned()),
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn mount(path: &Path) -> Vec<Mount> {
        let host_path = path.display().to_string();
        vec![Mount { name: "data".into(), host_path, target: "/in".into(), read_only: false }]
    }

    #[test]
    fn a_volume_must_be_a_folder_that_no_link_leads_to() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        fs::create_dir(base.join("sets")).unwrap();
        fs::write(base.join("file"), "").unwrap();
        symlink("sets", base.join("link")).unwrap();
        symlink("/etc", base.join("etc")).unwrap();
        assert_eq!(objection(&mount(&base.join("sets"))), None);
        for (path, words) in [
            (base.join("nothing"), "not there"),
            (base.join("file"), "not a folder"),
            (base.join("link"), "symbolic link"),
            (base.join("etc"), "symbolic link"),
            (base.join("etc/ssl"), "symbolic link"),
            (base.join("sets/.."), "`..`"),
            ("/etc".into(), "/etc"),
            ("/var/run/docker.sock".into(), "socket"),
        ] {
            let told = objection(&mount(&path)).unwrap();
            assert!(told.contains(words) && told.contains("`data`"), "{}: {told}", path.display());
        }
    }

    #[test]
    fn nothing_is_mounted_over_the_init() {
        let folder = tempfile::tempdir().unwrap();
        let mut mounts = mount(&folder.path().canonicalize().unwrap());
        for (target, is_refused) in
            [("/", true), ("/.lilac", true), ("/.lilac/run", true), ("/.lilac-data", false), ("/in", false)]
        {
            mounts[0].target = target.to_owned();
            assert_eq!(objection(&mounts).is_some(), is_refused, "{target}");
        }
    }
}
