//! The device-bridge as it is shipped.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// What was built, and for which target.
pub(crate) struct Shipped {
    pub(crate) program: PathBuf,
    pub(crate) target: &'static str,
}

const MUSL: &str = "x86_64-unknown-linux-musl";
const GNU: &str = "x86_64-unknown-linux-gnu";

/// Builds it by the profile `dist-daemon`: for musl, or for gnu where that target, or a C compiler for it, is not installed.
pub(crate) fn build() -> Shipped {
    let target = if compile(MUSL) {
        MUSL
    } else {
        println!(
            "for {MUSL} it cannot be built (rustup target add {MUSL}; apt-get install musl-tools): {GNU} is measured"
        );
        assert!(compile(GNU), "building the device-bridge failed");
        GNU
    };
    // target/<profile>/deps/<name>-<hash>
    let own = std::env::current_exe().expect("a process knows its executable");
    let folder = own
        .ancestors()
        .nth(3)
        .expect("benches and tests are built into target/<profile>/deps");
    Shipped {
        program: folder
            .join(target)
            .join("dist-daemon/polypod-device-bridge"),
        target,
    }
}

fn compile(target: &str) -> bool {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a member of a workspace");
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "build",
            "--quiet",
            "--locked",
            "--profile",
            "dist-daemon",
            "-p",
            "device-bridge",
            "--target",
            target,
        ])
        .current_dir(workspace)
        .status()
        .is_ok_and(|status| status.success())
}
