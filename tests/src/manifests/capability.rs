//! The agent's one capability is enough to install, and is needed where the folder of plugins is not root's.

use std::{
    path::Path,
    process::{Command, Output},
};

use super::{
    arguments::{agent, container},
    objects::{items, listed, manifests, word},
};
use crate::fixture::binaries;

pub(super) fn is_enough_and_needed() {
    let objects = listed(&manifests("base"));
    let pod = container(agent(&objects), "polypod-device-bridge").expect("there is an agent");
    let added: String = items(&pod["securityContext"]["capabilities"]["add"])
        .map(|name| format!(",+{}", word(name).to_lowercase()))
        .collect();
    let node = tempfile::tempdir().expect("a temporary folder can be made");
    let (bin, conf) = (
        node.path().join("opt/cni/bin"),
        node.path().join("etc/cni/net.d"),
    );
    for folder in [&bin, &conf] {
        std::fs::create_dir_all(folder).expect("the folder is ours");
    }
    let primary = r#"{"cniVersion":"1.0.0","name":"cbr0","plugins":[{"type":"bridge"}]}"#;
    std::fs::write(conf.join("10-bridge.conflist"), primary).expect("the folder is ours");
    // As kubespray has it.
    std::os::unix::fs::chown(&bin, Some(1001), Some(1001)).expect("root may give folders away");

    let refused = install(node.path(), "-all");
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && told.contains("Permission denied"),
        "{told}"
    );
    assert!(!bin.join("polypod").exists());
    let done = install(node.path(), &format!("-all{added}"));
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{told}");
    assert!(bin.join("polypod").exists() && conf.join("00-polypod.conflist").exists());
}

/// Installs as root with these capabilities, and no way to others.
fn install(root: &Path, capabilities: &str) -> Output {
    Command::new("setpriv")
        .args(["--no-new-privs", "--inh-caps=-all"])
        .arg(format!("--bounding-set={capabilities}"))
        .arg(binaries::path("polypod-device-bridge"))
        .args(["install", "--once", "--host-root"])
        .arg(root)
        .output()
        .expect("setpriv can be executed (Debian: util-linux)")
}
