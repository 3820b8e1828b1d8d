//! Logs in a store that speaks S3: moto, a server in Python, on loopback.

#![expect(clippy::print_stderr, reason = "a test that is skipped says why")]

use std::path::Path;
use std::process::{Child, Command, Stdio};

use lilac_api::auth::Secret;
use lilac_api::job::LogQuery;
use lilac_server::blob::{self, StoreConfig};
use sqlx::PgPool;

use super::bed::{self, Bed, settings, text};
use crate::support::refused;

/// The running server; it ends with this.
struct Moto(Child);

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts it, installing what it takes the way `./dev test` does.
fn start(port: u16) -> Option<Moto> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("SKIPPED: a store that speaks S3 needs python3");
        return None;
    }
    let program = std::env::current_exe().unwrap();
    let target = program.ancestors().nth(3).unwrap();
    let install = "set -euo pipefail; . scripts/common.sh; . scripts/needs.sh; target_dir=$0; need_moto >&2";
    let installed = Command::new("bash").args(["-c", install]).arg(target).current_dir(root).status();
    assert!(installed.unwrap().success(), "moto can be installed");
    let moto = Command::new(target.join("tools/moto/bin/moto_server"))
        .args(["-H", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Some(Moto(moto.unwrap()))
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn logs_are_kept_in_s3(pool: PgPool) {
    let port = free_port();
    let Some(moto) = start(port) else { return };
    let endpoint = format!("http://127.0.0.1:{port}");
    bed::until("a store that answers", || async {
        let create = Command::new("curl")
            .args(["-sf", "-o", "/dev/null", "-X", "PUT", &format!("{endpoint}/lilac-logs")])
            .args(["-H", "Authorization: AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request"])
            .status();
        create.is_ok_and(|status| status.success()).then_some(())
    })
    .await;
    let config = StoreConfig {
        url: Some("s3://lilac-logs/some/prefix".into()),
        endpoint: Some(endpoint),
        region: Some("us-east-1".into()),
        access_key: Some("key".into()),
        secret_key: Some(Secret("secret".into())),
    };
    let store = blob::open(&config, Path::new("/nonexistent")).unwrap();
    let mut bed = Bed::start(pool, settings(store.clone())).await;
    let log = text(100_000);
    bed.upload(&log).await;
    let seam = bed.moved(1).await;
    assert!(bed.download().await == log);
    let part = LogQuery { offset: Some(seam as u64 - 9), limit: Some(20), ..LogQuery::default() };
    assert!(bed.read(part).await.bytes == log[seam - 9..seam + 11]);
    bed.end(log.len()).await;
    bed.all_moved().await;
    assert!(bed.download().await == log);
    let objects = bed::objects(&store).await;
    assert!(objects.len() >= 2 && objects.iter().all(|path| path.starts_with("logs/")), "{objects:?}");
    // A store that is away is a matter of patience, and everything else goes on.
    drop(moto);
    let away = refused(bed.harness.client.log(bed.job, &LogQuery::default()).await);
    assert_eq!(away.status, 503, "{}", away.detail);
    bed.harness.client.job(bed.job).await.unwrap();
}
