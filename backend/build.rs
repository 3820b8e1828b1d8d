//! Rebuilds the server when a migration or the built UI changes: both are embedded in it.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
    // The folder may be missing: the server then serves a page that says how to build the UI.
    let dist = std::path::Path::new("../frontend/dist");
    let _ = std::fs::create_dir_all(dist);
    println!("cargo:rerun-if-changed=../frontend/dist");
}
