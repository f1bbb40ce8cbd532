//! The node loses its power, and what a machine has lost that starts again: processes, memory, interfaces.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use super::super::super::{cluster::Cluster, evidence::until, hardware, mounts, networks::BRIDGES};
use crate::fixture::{cgroup, node::ip};

/// How long the kernel may take to tidy up.
const TIDY: Duration = Duration::from_secs(60);

/// Ends every process of the node at once, and takes away what is in memory alone. The disk stays as it is: what the runtime,
/// the kubelet, the plugin and host-local keep below `/var/lib`, and the configuration.
///
/// The control plane runs on another machine, so to speak.
pub(super) fn off(cluster: &mut Cluster) {
    let containers = cluster.ctr(&["containers", "list", "-q"]);
    cluster.kubelet.kill();
    cluster.agent.kill();
    cluster.device_plugin = None;
    cluster.containerd.kill();
    until("every container has ended", TIDY, || {
        let processes = of_containers();
        for pid in &processes {
            let _ = kill(*pid, Signal::SIGKILL);
        }
        if processes.is_empty() {
            Ok(())
        } else {
            Err(format!("{processes:?}"))
        }
    });
    // The kubelet would wait for what they were for.
    until("the containers' cgroups are gone", TIDY, || {
        let is_gone = |id: &str| cgroup::remove_everywhere(&Path::new("k8s.io").join(id));
        let left: Vec<&str> = containers.lines().filter(|id| !is_gone(id)).collect();
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("{left:?}"))
        }
    });
    unmount();
    for entry in fs::read_dir("/run").expect("it is a tmpfs").flatten() {
        let path = entry.path();
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    for name in ["/run/netns", "/run/lock"] {
        fs::create_dir_all(name).expect("it is a tmpfs");
    }
    interfaces();
    new_boot(cluster);
}

/// Shims, and what runs in PID namespaces of its own. Nobody else's process is to be seen from the node's PID namespace.
fn of_containers() -> Vec<Pid> {
    let own = fs::read_link("/proc/self/ns/pid").expect("a process has a PID namespace");
    let is_of_container = |folder: &Path| {
        let name = fs::read_to_string(folder.join("comm")).unwrap_or_default();
        let namespace = fs::read_link(folder.join("ns/pid"));
        name.starts_with("containerd-shim") || namespace.is_ok_and(|other| other != own)
    };
    let processes = fs::read_dir("/proc")
        .expect("the node has its own")
        .flatten();
    processes
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            is_of_container(&entry.path()).then_some(Pid::from_raw(pid))
        })
        .collect()
}

/// Undoes every mount that the runtime and the kubelet have made.
fn unmount() {
    until("nothing is mounted any more", TIDY, || {
        let left = ["/run/", "/var/lib/kubelet/"].map(mounts::detach_below);
        let left = left.concat();
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("{left:?}"))
        }
    });
}

/// Those that plugins have made are gone, and hardware is where it belongs.
fn interfaces() {
    for bridge in BRIDGES {
        if Path::new("/sys/class/net").join(bridge).exists() || names().contains(&bridge.to_owned())
        {
            ip(&["link", "delete", bridge]);
        }
    }
    until("the pods' interfaces are gone", TIDY, || {
        let names = names();
        let is_left = |name: &&String| {
            let function = name.strip_suffix("-port");
            name.starts_with("veth") || function.is_some_and(|vf| !names.contains(&vf.to_owned()))
        };
        match names.iter().find(is_left) {
            None => Ok(()),
            Some(name) => Err(name.clone()),
        }
    });
    hardware::make_functions();
}

fn names() -> Vec<String> {
    let links: Value = serde_json::from_str(&ip(&["-json", "link"])).expect("ip prints JSON");
    let links = links.as_array().cloned().unwrap_or_default();
    let names = links.iter().filter_map(|link| link["ifname"].as_str());
    names.map(str::to_owned).collect()
}

/// By this the kubelet knows that the machine was started again.
fn new_boot(cluster: &Cluster) {
    let file: PathBuf = cluster.folder.join("boot-id");
    fs::write(&file, "00000000-0000-4000-8000-000000000002\n").expect("the folder is ours");
    mounts::bind(&file, Path::new("/proc/sys/kernel/random/boot_id"));
}
