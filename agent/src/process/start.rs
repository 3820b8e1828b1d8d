//! From a task to a process of the node's.
//!
//! Everything up to the change of the user runs with an environment of our own: the job's (`LD_PRELOAD`!) would have a
//! say in what root runs. It follows on standard input, which no list of processes and no disk shows, and is set by a
//! shell that is the job's user already.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, ensure};
use lilac_api::agent::Supplies;
use lilac_api::queue::ContainerPolicy;
use lilac_api::spec::{Network, Runtime};
use lilac_init::PROGRAM;

use super::limits::{Limits, Wants};
use crate::docker::{Order, objection};

/// Where a process finds what a container finds there. An empty folder of the node, over which every process has its own.
const OWN_FOLDER: &str = "/.lilac";
/// Whom a process runs as whose job does not say.
const NOBODY: &str = "65534:65534";
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Goes into the cgroups, then into namespaces. What the agent's own process is spared or kept from, the job is not.
const ENTER: &str = r#"umask 022; echo 0 > /proc/self/oom_score_adj; while [ "$1" != -- ]; do echo $$ > "$1"; shift; done; shift; exec unshare "$@""#;

/// In the namespaces: lays out what an init expects, becomes the job's user, and then its init.
const BECOME: &str = r#"set -e
mount -t tmpfs -o mode=0755,size=64k,nosuid,nodev lilac /.lilac
mkdir /.lilac/run /.lilac/log
: > /.lilac/init
mount --bind "$1" /.lilac/init
mount --bind "$2" /.lilac/run
mount -o remount,bind,ro /.lilac/run
mount --bind "$3" /.lilac/log
uid=$4 gid=$5
shift 5
exec setpriv --reuid "$uid" --regid "$gid" --clear-groups --no-new-privs --inh-caps=-all \
    /bin/sh -c 'eval "$(cat)"; exec "$@" < /dev/null' sh "$@""#;

/// A process that can be started.
#[derive(Debug)]
pub struct Plan {
    pub wants: Wants,
    args: Vec<String>,
    workdir: String,
    /// The job's environment, as a shell reads it.
    exports: String,
}

/// Whether processes can be run here at all. Looks, and changes nothing.
pub fn check_node() -> anyhow::Result<()> {
    ensure!(
        nix::unistd::geteuid().is_root(),
        "`runtime = \"process\"` needs root: each job gets namespaces of its own"
    );
    for program in ["unshare", "setpriv", "mount"] {
        let found = std::env::split_paths(PATH).any(|folder| folder.join(program).is_file());
        ensure!(found, "`runtime = \"process\"` needs `{program}`: install util-linux");
    }
    Ok(())
}

/// Sees to it that they can.
pub fn prepare_node() -> anyhow::Result<()> {
    check_node()?;
    fs::create_dir_all(OWN_FOLDER).with_context(|| format!("cannot make {OWN_FOLDER}, which processes need"))
}

impl Plan {
    /// The error is a sentence for the user.
    pub fn new(order: &Order<'_>, supplies: &Supplies) -> Result<Self, String> {
        let &Order { attempt, task, places, .. } = order;
        if task.runtime != Runtime::Process {
            return Err("This node runs processes and no containers.".to_owned());
        }
        if let Some(objection) = objection(task) {
            return Err(objection);
        }
        if task.policy != ContainerPolicy::Trusted {
            return Err(format!("The queue's policy `{}` allows containers only.", task.policy));
        }
        let user = task.user.as_deref().unwrap_or(NOBODY);
        let (uid, gid) = user.split_once(':').unwrap_or((user, user));
        let is_id = |id: &str| id.parse::<u32>().is_ok_and(|id| id != 0);
        if !is_id(uid) || !is_id(gid) {
            return Err(format!(
                "A process never runs as root, and `{user}` is no uid or uid:gid of another user."
            ));
        }
        let workdir = task.workdir.clone().unwrap_or_else(|| "/".to_owned());
        if !Path::new(&workdir).is_dir() {
            return Err(format!("The folder {workdir} is not on this node."));
        }
        let network: &[&str] = match task.network {
            Network::None => &["--net"],
            Network::Host => &[],
            Network::Bridge => return Err("A process has its node's network or none.".to_owned()),
        };
        let mut args: Vec<String> =
            ["--pid", "--mount", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
                .iter()
                .chain(network)
                .chain(&["/bin/sh", "-c", BECOME, "lilac-process"])
                .map(ToString::to_string)
                .collect();
        args.extend([&places.program, &places.lease, &places.spool].map(|path| path.display().to_string()));
        args.extend([uid.to_owned(), gid.to_owned()]);
        args.extend([PROGRAM.to_owned(), attempt.to_string(), places.log_limit(), "--".to_owned()]);
        args.extend(task.entrypoint.iter().chain(&task.command).cloned());
        Ok(Self { wants: Wants::of(task), args, workdir, exports: exports(order, supplies) })
    }

    /// Starts it, apart from the agent: nothing that befalls the agent's session or terminal befalls it.
    pub fn spawn(self, limits: &Limits, errors: &Path) -> io::Result<Child> {
        let mut child = Command::new("/bin/sh")
            .args(["-c", ENTER, "lilac-process"])
            .args(&limits.members)
            .arg("--")
            .args(&self.args)
            .env_clear()
            .env("PATH", PATH)
            .current_dir(&self.workdir)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(errors)?)
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // More than a pipe holds waits until the shell reads it.
            std::thread::spawn(move || stdin.write_all(self.exports.as_bytes()));
        }
        Ok(child)
    }
}

/// What the job finds in its environment. Names were checked when it was submitted.
fn exports(order: &Order<'_>, supplies: &Supplies) -> String {
    let task = order.task;
    let gpus = task.gpu_uuids.join(",");
    let own = [("PATH", PATH), ("HOME", "/")];
    let secret = supplies.env.iter().map(|(name, value)| (name.as_str(), value.0.as_str()));
    let of_job = task.env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    // Which GPUs are its own; without any, it should not see those of others.
    let last = [("CUDA_VISIBLE_DEVICES", gpus.as_str())];
    let mut text = String::new();
    for (name, value) in own.into_iter().chain(of_job).chain(secret).chain(last) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "export {name}='{}'", value.replace('\'', r"'\''"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use lilac_api::agent::TaskSpec;
    use lilac_api::auth::Secret;
    use lilac_api::ids::{AttemptId, ClusterId, NodeId};

    use super::*;
    use crate::core::tests::task;
    use crate::docker::Owner;
    use crate::init::Places;

    fn process() -> TaskSpec {
        TaskSpec {
            runtime: Runtime::Process,
            policy: ContainerPolicy::Trusted,
            image: String::new(),
            ..task()
        }
    }

    fn plan(task: &TaskSpec, supplies: &Supplies) -> Result<Plan, String> {
        let attempt = AttemptId::new();
        let here = PathBuf::from("/here");
        let places = Places::of(&here, &here, &here, attempt);
        let owner = Owner { cluster_id: ClusterId::new(), node_id: NodeId::new() };
        Plan::new(&Order { owner, attempt, epoch: 1, task, places: &places, ports: &[] }, supplies)
    }

    #[test]
    fn what_a_process_cannot_be_is_refused() {
        let refused = |task: TaskSpec, words: &str| {
            let told = plan(&task, &Supplies::default()).unwrap_err();
            assert!(told.contains(words), "{told}");
        };
        plan(&process(), &Supplies::default()).unwrap();
        refused(TaskSpec { runtime: Runtime::Docker, ..process() }, "no containers");
        refused(TaskSpec { policy: ContainerPolicy::Restricted, ..process() }, "containers only");
        refused(TaskSpec { network: Network::Host, ..process() }, "does not allow the network");
        refused(TaskSpec { workdir: Some("/no/such/folder".into()), ..process() }, "/no/such/folder");
        for user in ["0", "root", "1000:0", "0:1000"] {
            refused(TaskSpec { user: Some(user.into()), ..process() }, "never runs as root");
        }
    }

    #[test]
    fn the_jobs_environment_is_nobodys_but_its_own() {
        let mut task = process();
        task.env.insert("LD_PRELOAD".into(), "/tmp/evil.so".into());
        task.env.insert("ODD".into(), "it's $HOME `id`\nand more".into());
        let supplies =
            Supplies { env: [("TOKEN".to_owned(), Secret("s3cret".into()))].into(), ..Supplies::default() };
        let plan = plan(&task, &supplies).unwrap();
        assert!(
            !plan.args.iter().any(|arg| arg.contains("evil") || arg.contains("s3cret")),
            "{:?}",
            plan.args
        );
        // A shell makes of it what was meant.
        let mut shell = Command::new("/bin/sh")
            .args(["-c", "eval \"$(cat)\"; printf %s \"$ODD|$TOKEN|$CUDA_VISIBLE_DEVICES\""])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let exports = plan.exports.replace("LD_PRELOAD", "NOT_NOW");
        shell.stdin.take().unwrap().write_all(exports.as_bytes()).unwrap();
        let output = shell.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "it's $HOME `id`\nand more|s3cret|");
    }
}
