//! The node is switched over from Multus and back to it, with pods alive through both.
//!
//! Where `MULTUS` names Multus's own program (its thin plugin), pods are attached and deleted by it as well. Without it something
//! stands in its place that attaches nothing, and Multus's part is played by its files: configuration, scratch files, cache.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;

use super::{
    super::{
        Story,
        bringing_up::{CNI_BIN, CNI_CONF, agent_is_ready},
        cluster::Cluster,
        networks, parts,
    },
    alive::{self, RECORDS, Seen, create, has, starts},
};
use crate::fixture::binaries;

pub(super) fn stories() -> Vec<Story> {
    vec![Story {
        name: "from Multus and back",
        checks: "--adopt-multus takes the place of 00-multus.conf, --restore-multus gives it back, and again: pods alive through all of it, each deleted by whoever is there, by Multus's files too",
        tell: switched,
    }]
}

/// What nobody executes while the node is Multus's, but a person who has one to try.
const STANDS_IN: &str = "#!/bin/sh
echo '{\"cniVersion\": \"1.0.0\", \"code\": 999, \"msg\": \"stands in for Multus\"}'
exit 1
";

/// Where Multus keeps what it has attached, a file for each sandbox.
const SCRATCH: &str = "/var/lib/cni/multus";

const INTERFACES: [&str; 3] = ["eth0", "net1", "net2"];

fn switched(cluster: &mut Cluster) {
    let program = std::env::var_os("MULTUS").map(PathBuf::from);
    let pods = [
        Seen::new(cluster, "alive", "front,storage"),
        Seen::new(cluster, "alive-vf", "vf"),
        Seen::new(cluster, "ends-first", "front,storage"),
        Seen::new(cluster, "ends-last", "front,storage"),
    ];
    put_multus(cluster, program.as_deref());
    let arguments = cluster.agent.arguments().clone();
    let conf = Path::new(CNI_CONF).join("00-multus.conf");

    // Multus's place is taken.
    cluster.agent.terminate();
    cluster.agent.arguments().push("--adopt-multus".into());
    cluster.agent.start();
    agent_is_ready(&mut cluster.agent);
    assert!(
        !conf.exists(),
        "Multus's configuration is where no runtime reads it"
    );
    create(cluster, "adopted", 2, "front,storage");
    for name in ["adopted-0", "adopted-1"] {
        has(cluster, name, &INTERFACES);
    }
    all_alive(cluster, &pods);
    alive::delete(cluster, ["adopted-0"]);

    // And given back: what Multus needs to delete these pods is in its files.
    cluster.agent.terminate();
    restore();
    assert!(conf.is_file(), "Multus's configuration is in force");
    assert_eq!(
        alive::files(Path::new(RECORDS)),
        [""; 0],
        "records are Multus's now"
    );
    let scratch = alive::files(Path::new(SCRATCH));
    for pod in pods.iter().map(Seen::name).chain(["adopted-1"]) {
        let id = cluster.sandbox(pod).id;
        assert!(scratch.contains(&id), "{pod}: {scratch:?}");
    }
    all_alive(cluster, &pods);
    if program.is_some() {
        alive::delete(cluster, ["adopted-1"]);
        create(cluster, "of-multus", 2, "front,storage");
        for name in ["of-multus-0", "of-multus-1"] {
            starts(cluster, name);
            assert_eq!(cluster.links(name).len(), 3, "{name}");
        }
        alive::delete(cluster, ["of-multus-0"]);
    }

    // Once more, with pods of which Multus's files tell.
    cluster.agent.start();
    agent_is_ready(&mut cluster.agent);
    all_alive(cluster, &pods);
    alive::delete(cluster, pods.iter().take(3).map(Seen::name));

    // Multus is removed for good.
    cluster.agent.terminate();
    *cluster.agent.arguments() = arguments;
    for file in ["00-multus.conf", "00-multus.conf.polypod-backup"] {
        let _ = fs::remove_file(Path::new(CNI_CONF).join(file));
    }
    fs::remove_file(Path::new(CNI_BIN).join("multus")).expect("it was put there");
    fs::remove_dir_all(Path::new(CNI_CONF).join("multus.d")).expect("it was put there");
    cluster.agent.start();
    agent_is_ready(&mut cluster.agent);
    pods[3].is_as_before(cluster);
    let rest = cluster.pods();
    let rest = rest
        .iter()
        .filter_map(|pod| pod["metadata"]["name"].as_str());
    alive::delete(cluster, rest);
}

fn all_alive(cluster: &Cluster, pods: &[Seen]) {
    for pod in pods {
        pod.is_as_before(cluster);
    }
}

/// Installs Multus as its own manifest does, as far as the node's disk is concerned.
fn put_multus(cluster: &Cluster, program: Option<&Path>) {
    let installed = Path::new(CNI_BIN).join("multus");
    match program {
        Some(program) => drop(fs::copy(program, &installed).expect("MULTUS names a program")),
        None => fs::write(&installed, STANDS_IN).expect("the folder is ours"),
    }
    fs::set_permissions(&installed, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    let folder = Path::new(CNI_CONF).join("multus.d");
    fs::create_dir_all(&folder).expect("the folder is ours");
    let kubeconfig = folder.join("multus.kubeconfig");
    fs::copy(cluster.plane.kubeconfig(), &kubeconfig).expect("the folder is ours");
    let conf = json!({"cniVersion": "1.0.0", "name": "multus-cni-network", "type": "multus",
        "kubeconfig": kubeconfig, "delegates": [networks::primary()]});
    let file = Path::new(CNI_CONF).join("00-multus.conf");
    fs::write(file, conf.to_string()).expect("the folder is ours");
}

fn restore() {
    let output = Command::new(binaries::path("polypod-device-bridge"))
        .args(["install", "--restore-multus"])
        .env("PATH", parts::search_path())
        .output()
        .expect("it is built");
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{stderr}");
    assert!(stdout.starts_with("restored "), "{stdout}");
}
