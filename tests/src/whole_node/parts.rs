//! The programs that a whole node is made of, and where they are.

use std::{fs, path::Path, path::PathBuf, process::Command};

use crate::fixture::needs::{assets, plugin};

/// What is executed, from the folder of the control plane's binaries or by `PATH`.
const PROGRAMS: [&str; 11] = [
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubectl",
    "kubelet",
    "containerd",
    "containerd-shim-runc-v2",
    "ctr",
    "runc",
    "ip",
];

/// The reference plugins without which there is no node.
const PLUGINS: [&str; 6] = [
    "bridge",
    "host-device",
    "host-local",
    "loopback",
    "macvlan",
    "static",
];

/// Those that are taken along where they are.
const MORE_PLUGINS: [&str; 4] = ["portmap", "ptp", "tuning", "firewall"];

/// A program by its name.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Where a person's shell does not look.
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::iter::once(assets())
        .chain(std::env::split_paths(&path))
        .chain(system)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// `PATH` for programs that execute others of these.
pub(crate) fn search_path() -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let folders = std::iter::once(assets())
        .chain(std::env::split_paths(&path))
        .chain(system);
    std::env::join_paths(folders).expect("folders of PATH have no colons")
}

/// The names of those that are missing.
pub(crate) fn missing() -> Vec<String> {
    let programs = PROGRAMS.iter().filter(|name| program(name).is_none());
    let plugins = PLUGINS.iter().filter(|name| plugin(name).is_none());
    programs
        .map(|name| (*name).to_owned())
        .chain(plugins.map(|name| format!("the CNI plugin {name}")))
        .collect()
}

/// Copies the reference plugins into a folder.
pub(super) fn copy_plugins(folder: &Path) {
    fs::create_dir_all(folder).expect("the folder is ours");
    for name in PLUGINS.iter().chain(&MORE_PLUGINS) {
        if let Some(file) = plugin(name) {
            fs::copy(&file, folder.join(name))
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        }
    }
}

/// What a program says of its version, in one line.
pub(crate) fn version(name: &str) -> String {
    let Some(file) = program(name) else {
        return "missing".to_owned();
    };
    let output = Command::new(file).arg("--version").output();
    let text = output
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}
