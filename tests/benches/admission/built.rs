//! The webhook as it is installed, and the floor built alike.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// What was built, and for which target.
pub(crate) struct Built {
    pub(crate) webhook: PathBuf,
    pub(crate) floor: PathBuf,
    pub(crate) target: &'static str,
}

const MUSL: &str = "x86_64-unknown-linux-musl";
const GNU: &str = "x86_64-unknown-linux-gnu";

/// Builds the webhook and this example of it by the profile `release`: for musl, or for gnu where that target, or a C compiler for it, is not installed.
pub(crate) fn build(floor: &str) -> Built {
    let target = if compile(floor, MUSL) {
        MUSL
    } else {
        println!(
            "for {MUSL} it cannot be built (rustup target add {MUSL}; apt-get install musl-tools): {GNU} is measured"
        );
        assert!(compile(floor, GNU), "building the webhook failed");
        GNU
    };
    // target/<profile>/deps/<name>-<hash>
    let own = std::env::current_exe().expect("a process knows its executable");
    let folder = own
        .ancestors()
        .nth(3)
        .expect("benches and tests are built into target/<profile>/deps")
        .join(target)
        .join("release");
    Built {
        webhook: folder.join("polypod-webhook"),
        floor: folder.join("examples").join(floor),
        target,
    }
}

fn compile(floor: &str, target: &str) -> bool {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a member of a workspace");
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--locked", "--release", "-p", "webhook"])
        .args(["--bins", "--example", floor, "--target", target])
        .current_dir(workspace)
        .status()
        .is_ok_and(|status| status.success())
}
