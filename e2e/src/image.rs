//! The one image that jobs run: made on the spot, since nothing may be pulled.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use bollard::Docker;
use bollard::query_parameters::CreateImageOptionsBuilder;
use bytes::Bytes;
use futures::TryStreamExt;

/// A static busybox with all its applets, and nothing else.
pub const IMAGE: &str = "lilac/busybox:test";

/// One static binary and nothing around it, as `FROM scratch` makes it.
pub const BARE_IMAGE: &str = "lilac/bare:test";

/// Where `busybox-static` puts its binary.
const BUSYBOX: [&str; 2] = ["/bin/busybox", "/usr/bin/busybox"];

pub(crate) fn busybox() -> Option<PathBuf> {
    BUSYBOX.iter().map(PathBuf::from).find(|path| path.is_file())
}

/// Imports the image, as `docker import` does.
pub(crate) async fn import(docker: &Docker, folder: &Path) -> Result<()> {
    import_archive(docker, IMAGE, archive(folder)?, Vec::new()).await
}

/// Imports the image that has nothing but a program, and says by itself what it runs.
pub(crate) async fn import_bare(docker: &Docker, folder: &Path) -> Result<()> {
    let Some(busybox) = busybox() else { bail!("no busybox: install busybox-static") };
    std::fs::create_dir_all(folder)?;
    std::fs::copy(busybox, folder.join("busybox"))?;
    let runs = [r#"ENTRYPOINT ["/busybox", "echo"]"#, r#"CMD ["from", "the image"]"#].map(str::to_owned);
    import_archive(docker, BARE_IMAGE, pack(folder)?, runs.to_vec()).await
}

async fn import_archive(docker: &Docker, image: &str, archive: Vec<u8>, changes: Vec<String>) -> Result<()> {
    // The whole name: Podman passes over a tag that is named apart.
    let options = CreateImageOptionsBuilder::default().from_src("-").repo(image).changes(changes).build();
    docker
        .create_image(Some(options), Some(bollard::body_full(Bytes::from(archive))), None)
        .try_collect::<Vec<_>>()
        .await
        .context("importing the image")?;
    Ok(())
}

/// The image's files as a tar archive.
fn archive(folder: &Path) -> Result<Vec<u8>> {
    let Some(busybox) = busybox() else { bail!("no busybox: install busybox-static") };
    let bin = folder.join("bin");
    for name in ["bin", "etc", "root", "tmp", "work"] {
        std::fs::create_dir_all(folder.join(name))?;
    }
    std::fs::set_permissions(folder.join("tmp"), std::fs::Permissions::from_mode(0o1777))?;
    std::fs::write(
        folder.join("etc/passwd"),
        "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n",
    )?;
    std::fs::copy(&busybox, bin.join("busybox"))?;
    let applets = Command::new(&busybox).arg("--list").output().context("running busybox")?;
    for applet in String::from_utf8_lossy(&applets.stdout).lines().filter(|applet| *applet != "busybox") {
        symlink("busybox", bin.join(applet))?;
    }
    pack(folder)
}

fn pack(folder: &Path) -> Result<Vec<u8>> {
    let tar =
        Command::new("tar").arg("-C").arg(folder).args(["--owner=0", "--group=0", "-c", "."]).output()?;
    ensure!(tar.status.success(), "tar: {}", String::from_utf8_lossy(&tar.stderr));
    Ok(tar.stdout)
}
