//! A Docker daemon of the test's own, with one image made from the machine's static busybox.

#![expect(clippy::print_stderr, reason = "a test that is skipped says why")]

mod registry;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use registry::Registry;

/// Programs that the image has, beside the shell.
const APPLETS: [&str; 15] = [
    "sh", "grep", "id", "touch", "true", "false", "sleep", "echo", "cat", "seq", "dd", "tail", "kill",
    "date", "printf",
];

pub const IMAGE: &str = "lilac-test/busybox:latest";

/// A running dockerd; it ends, with all its containers, when this is dropped.
pub struct Dockerd {
    folder: TempDir,
    process: Option<Child>,
}

impl Dockerd {
    /// Starts a daemon, or says on stderr why there can be none here.
    pub fn start() -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            eprintln!("SKIPPED: a Docker daemon of the test's own needs root");
            return None;
        }
        let found = |name: &str| {
            std::env::split_paths(&std::env::var_os("PATH")?)
                .chain([PathBuf::from("/usr/sbin")])
                .map(|folder| folder.join(name))
                .find(|path| path.exists())
        };
        let (Some(dockerd), Some(busybox)) = (found("dockerd"), found("busybox")) else {
            eprintln!(
                "SKIPPED: this needs dockerd and a static busybox: apt-get install docker.io busybox-static"
            );
            return None;
        };
        let mut daemon = Self { folder: TempDir::new().expect("a temporary folder"), process: None };
        daemon.launch(&dockerd);
        daemon.import_image(&busybox);
        Some(daemon)
    }

    pub fn host(&self) -> String {
        format!("unix://{}", self.folder.path().join("d.sock").display())
    }

    /// A folder beside the daemon's own that goes with it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn launch(&mut self, dockerd: &Path) {
        let base = self.folder.path();
        let log = fs::File::create(base.join("dockerd.log")).expect("a log file");
        let path = |name: &str| base.join(name).display().to_string();
        let process = Command::new(dockerd)
            .args(["-H", &self.host()])
            .args(["--data-root", &path("data"), "--exec-root", &path("exec"), "--pidfile", &path("pid")])
            .args(["--bridge", "none", "--iptables=false", "--ip-masq=false"])
            .args(["--cgroup-parent", &format!("/{}", self.cgroup())])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("dockerd starts");
        self.process = Some(process);
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.docker(&["version"]).status.success() {
            assert!(
                Instant::now() < deadline,
                "dockerd did not come up: {}",
                fs::read_to_string(base.join("dockerd.log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn import_image(&self, busybox: &Path) {
        let root = self.folder.path().join("root");
        let bin = root.join("bin");
        for folder in ["bin", "tmp", "etc"] {
            fs::create_dir_all(root.join(folder)).expect("a folder");
        }
        fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777)).expect("a mode");
        fs::copy(busybox, bin.join("busybox")).expect("busybox is copied");
        for applet in APPLETS {
            symlink("busybox", bin.join(applet)).expect("a link");
        }
        let archive = self.folder.path().join("root.tar");
        let tar = Command::new("tar").args(["-C"]).arg(&root).arg("-cf").arg(&archive).arg(".").status();
        assert!(tar.expect("tar runs").success());
        let imported = self.docker(&["import", &archive.display().to_string(), IMAGE]);
        assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    }

    /// Runs Docker's own client against the daemon.
    pub fn docker(&self, args: &[&str]) -> std::process::Output {
        Command::new("docker")
            .env("DOCKER_CONFIG", self.folder.path().join("client"))
            .args(["-H", &self.host()])
            .args(args)
            .output()
            .expect("the docker client runs")
    }

    /// Kills the daemon as a crash would, and starts another on the same data.
    pub fn crash_and_restart(&mut self) {
        let dockerd = fs::read_link(format!("/proc/{}/exe", self.pid())).expect("the daemon's program");
        let mut process = self.process.take().expect("a running daemon");
        process.kill().expect("the daemon is killed");
        process.wait().expect("the daemon ends");
        // Its containerd was killed along with it. Where nobody collects dead processes, the pid that
        // these files name still looks alive.
        for file in ["pid", "exec/containerd/containerd.pid"] {
            let _ = fs::remove_file(self.folder.path().join(file));
        }
        self.launch(&dockerd);
    }

    /// The daemon's control group; its folder is as unique as the temporary one.
    fn cgroup(&self) -> String {
        let name = self.folder.path().file_name().unwrap_or_default().to_string_lossy();
        format!("lilac-agent-test-{}", name.trim_start_matches('.'))
    }

    /// A daemon that crashed leaves mounts, and every daemon leaves its control groups.
    fn clean_up(&self) {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let ours = mounts.lines().filter_map(|line| line.split(' ').nth(1));
        for mount in ours.filter(|mount| Path::new(mount).starts_with(self.folder.path())) {
            let _ = Command::new("umount").args(["-l", mount]).status();
        }
        let hierarchies = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
        for hierarchy in hierarchies {
            let _ = fs::remove_dir(hierarchy.path().join(self.cgroup()));
        }
        let _ = fs::remove_dir(Path::new("/sys/fs/cgroup").join(self.cgroup()));
    }

    fn pid(&self) -> u32 {
        self.process.as_ref().map_or(0, Child::id)
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        let listed = self.docker(&["ps", "-aq"]);
        let ids = String::from_utf8_lossy(&listed.stdout).into_owned();
        for id in ids.split_whitespace() {
            self.docker(&["rm", "-f", id]);
        }
        if let Some(mut process) = self.process.take() {
            let pid = nix::unistd::Pid::from_raw(i32::try_from(process.id()).unwrap_or(0));
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
            let _ = process.wait();
        }
        self.clean_up();
    }
}
