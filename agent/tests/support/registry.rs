//! A registry with accounts, on loopback: Debian's `docker-registry`.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{Dockerd, IMAGE};

/// A running registry; it ends when this is dropped.
pub struct Registry {
    _folder: TempDir,
    process: Child,
    port: u16,
}

impl Registry {
    /// Starts a registry with one account, or says on stderr why there can be none here.
    pub fn start(username: &str, password: &str) -> Option<Self> {
        let has = |program: &str| Command::new(program).arg("--help").output().is_ok();
        if !has("docker-registry") || !has("htpasswd") {
            eprintln!("SKIPPED: this needs a registry: apt-get install docker-registry apache2-utils");
            return None;
        }
        let folder = TempDir::new().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let hashed =
            Command::new("htpasswd").args(["-Bbn", username, password]).output().expect("htpasswd runs");
        fs::write(path("htpasswd"), hashed.stdout).expect("the accounts are written");
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr());
        let port = port.expect("a free port").port();
        let config = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: 127.0.0.1:{port}}}\n\
             auth: {{htpasswd: {{realm: test, path: {}}}}}\n",
            path("data"),
            path("htpasswd")
        );
        fs::write(path("config.yml"), config).expect("the configuration is written");
        let log = fs::File::create(path("log")).expect("a log file");
        let process = Command::new("docker-registry")
            .args(["serve", &path("config.yml")])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("the registry starts");
        let registry = Self { _folder: folder, process, port };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < deadline, "the registry did not come up");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(registry)
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Pushes the test's image under another name, and takes it off the node again.
    pub fn fill(&self, daemon: &Dockerd, image: &str, username: &str, password: &str) {
        self.fill_with(daemon, IMAGE, image, username, password);
    }

    /// The same with another image of the node.
    pub fn fill_with(&self, daemon: &Dockerd, source: &str, image: &str, username: &str, password: &str) {
        let login = ["login", "-u", username, "-p", password, &self.address()];
        for words in [
            &login[..],
            &["tag", source, image],
            &["push", image],
            &["rmi", image],
            &["logout", &self.address()],
        ] {
            let output = daemon.docker(words);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
