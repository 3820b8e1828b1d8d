//! Makes `lilac-init`, which the agent carries in itself and puts into every container.
//!
//! It is linked without any libc and with an entry point of its own, and so needs no target beside the one that
//! the agent is built for: the compiler at hand and the system's linker are enough. Cargo cannot be told such
//! things for one program of a workspace, so the compiler is called here: once for the library, which cargo
//! builds and checks as well, and once for the few lines around it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let init = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("../init");
    let out = PathBuf::from(variable("OUT_DIR"));
    for source in ["src", "start"] {
        println!("cargo:rerun-if-changed={}", init.join(source).display());
    }
    println!("cargo:rerun-if-changed=build.rs");
    let library = out.join("liblilac_init.rlib");
    compile(&init.join("src/lib.rs"), &library, |command| {
        command.args(["--crate-name", "lilac_init", "--crate-type", "rlib"]);
    });
    compile(&init.join("start/start.rs"), &out.join("lilac-init"), |command| {
        command.args(["--crate-name", "lilac_init_start", "--crate-type", "bin"]);
        command.arg("--extern").arg(format!("lilac_init={}", library.display()));
        command.args([
            "-C",
            "relocation-model=static",
            "-C",
            "target-feature=+crt-static",
            "-C",
            "strip=symbols",
        ]);
        for argument in ["-nostdlib", "-nostartfiles", "-static", "-Wl,--build-id=none", "-Wl,-z,noexecstack"]
        {
            command.arg("-C").arg(format!("link-arg={argument}"));
        }
        if let Some(linker) = env::var_os("RUSTC_LINKER") {
            let mut choice = std::ffi::OsString::from("linker=");
            choice.push(linker);
            command.arg("-C").arg(choice);
        }
    });
}

fn compile(source: &Path, output: &Path, choose: impl FnOnce(&mut Command)) {
    let mut command = Command::new(variable("RUSTC"));
    command.arg(source).arg("-o").arg(output).args(["--edition", "2024", "--target", &variable("TARGET")]);
    command.args(["-C", "panic=abort", "-C", "opt-level=s", "-C", "codegen-units=1", "--cap-lints", "allow"]);
    choose(&mut command);
    match command.status() {
        Ok(status) if status.success() => {}
        result => {
            println!("cargo:error=cannot build lilac-init: {result:?}");
            std::process::exit(1);
        }
    }
}

fn variable(name: &str) -> String {
    match env::var(name) {
        Ok(value) => value,
        Err(_) => {
            println!("cargo:error=cargo did not set {name}");
            std::process::exit(1);
        }
    }
}
