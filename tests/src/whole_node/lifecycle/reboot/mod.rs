//! The node is started again, and everything on it comes back in an order that is bad for pods.

mod power;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    super::{
        Story,
        bringing_up::{CNI_BIN, CNI_CONF, DEVICE_PLUGINS, agent_is_ready, wait_for_node},
        cluster::{Cluster, ctr, is_ready},
        device_plugin::{DevicePlugin, RESOURCE, VFS},
        evidence::until,
        networks::NETWORKS,
        pods,
    },
    alive::{self, RECORDS, create, has, is_told},
};

pub(super) fn stories() -> Vec<Story> {
    vec![Story {
        name: "node rebooted",
        checks: "processes, /run, namespaces and interfaces gone; runtime and kubelet, agent, primary CNI, device plugin back in this order: every pod is right, or failed with a reason and replaced; no lease, record or VF of a sandbox of before",
        tell: rebooted,
    }]
}

/// How long a node may take to have all its pods again: the kubelet waits between two attempts, and collects what is left of
/// sandboxes of before once a minute.
const BACK: Duration = Duration::from_secs(180);

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

/// The network of VFs.
const BARE: &str = "vf-bare";

const PLAIN: [&str; 2] = ["plain-0", "plain-1"];

const NETWORKED: [&str; 3] = ["networked-0", "networked-1", "networked-2"];

fn rebooted(cluster: &mut Cluster) {
    create(cluster, "plain", 2, "");
    create(cluster, "networked", 3, "front,storage");
    define(cluster);
    create(cluster, "device", 1, BARE);
    deploy(cluster, "replaced", 3, &format!("{BARE},control"));
    for name in PLAIN {
        has(cluster, name, &["eth0"]);
    }
    for name in NETWORKED {
        has(cluster, name, &["eth0", "net1", "net2"]);
    }
    has(cluster, "device-0", &["eth0", "net1"]);
    available(cluster, "replaced", 3);
    let of_before: BTreeSet<String> = running_sandboxes(cluster);

    power::off(cluster);
    // The primary is not there yet: neither its program nor, as with some, its configuration.
    let primary = Path::new(CNI_CONF).join("10-primary.conflist");
    let program = Path::new(CNI_BIN).join("bridge");
    let aside: Vec<(PathBuf, PathBuf)> = [primary, program]
        .into_iter()
        .map(|file| (file.with_extension("aside"), file))
        .collect();
    for (aside, file) in &aside {
        fs::rename(file, aside).expect("it is there, in its own folder");
    }

    cluster.containerd.start();
    // A kubelet that finds no runtime ends, and its supervisor starts it again.
    until("containerd answers", BACK, || ctr(&["version"]));
    cluster.kubelet.start();
    for name in [PLAIN[0], NETWORKED[0]] {
        // The sandbox of before cannot be deleted without the primary's program, which knows of the address.
        is_told(cluster, name, &["SandboxChanged"]);
    }
    cluster.agent.start();
    cluster.agent.ready("serving unix://");
    for (aside, file) in &aside {
        fs::rename(aside, file).expect("it is there, in its own folder");
    }
    agent_is_ready(&mut cluster.agent);
    let folder = Path::new(DEVICE_PLUGINS);
    cluster.device_plugin = Some(DevicePlugin::start(folder, RESOURCE, &VFS));
    wait_for_node(cluster);

    let events = cluster.events(super::super::NODE);
    assert!(
        events.iter().any(|event| event.starts_with("Rebooted")),
        "{events:?}"
    );
    for name in PLAIN.iter().chain(&NETWORKED) {
        started_again(cluster, name, &of_before);
    }
    for name in PLAIN {
        has(cluster, name, &["eth0"]);
    }
    for name in NETWORKED {
        has(cluster, name, &["eth0", "net1", "net2"]);
    }
    right_or_failed(cluster, "device-0", &of_before);
    available(cluster, "replaced", 3);
    for pod in cluster.pods() {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        if name.starts_with("replaced-") {
            right_or_failed(cluster, name, &of_before);
        }
    }
    nothing_of_before(cluster, &of_before);
    tidy(cluster);
}

/// A network of VFs without addresses: at DEL the reference plugin host-device returns before it frees one when the namespace is
/// gone, as it is after a boot.
fn define(cluster: &Cluster) {
    let config = json!({"cniVersion": "1.0.0", "name": BARE, "type": "host-device", "capabilities": {"deviceID": true}});
    let network = json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": BARE, "annotations": {"k8s.v1.cni.cncf.io/resourceName": RESOURCE}},
        "spec": {"config": config.to_string()}});
    let reply = cluster.ask("POST", NETWORKS, &network);
    assert_eq!(reply.status, 201, "{}", reply.body);
}

/// Creates a Deployment of pods that select `networks`.
fn deploy(cluster: &Cluster, name: &str, replicas: usize, networks: &str) {
    let labels = json!({"app": name});
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "replicas": replicas, "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels, "annotations": {"k8s.v1.cni.cncf.io/networks": networks}},
            "spec": pods::spec()}}});
    let reply = cluster.ask("POST", DEPLOYMENTS, &deployment);
    assert_eq!(reply.status, 201, "{}", reply.body);
}

/// Waits until so many pods of a Deployment run.
fn available(cluster: &Cluster, name: &str, replicas: usize) {
    until(&format!("the Deployment {name} is available"), BACK, || {
        let reply = cluster.ask("GET", &format!("{DEPLOYMENTS}/{name}"), &Value::Null);
        let status = &reply.body["status"];
        let is_so =
            status["availableReplicas"] == replicas && status["unavailableReplicas"].is_null();
        if is_so {
            Ok(())
        } else {
            Err(status.to_string())
        }
    });
}

/// The sandboxes whose process runs.
fn running_sandboxes(cluster: &Cluster) -> BTreeSet<String> {
    let running = cluster.ctr(&["tasks", "list", "-q"]);
    let running: BTreeSet<&str> = running.lines().collect();
    let sandboxes = cluster.ctr(&[
        "containers",
        "list",
        "-q",
        "labels.\"io.cri-containerd.kind\"==sandbox",
    ]);
    let sandboxes = sandboxes.lines().filter(|id| running.contains(id));
    sandboxes.map(str::to_owned).collect()
}

/// Waits until a pod is in a sandbox that was not there before, and the kubelet says that it runs.
fn started_again(cluster: &Cluster, name: &str, of_before: &BTreeSet<String>) {
    until(&format!("the pod {name} was started again"), BACK, || {
        let pod = cluster.pod(name).ok_or("it is gone")?;
        let status = &pod["status"]["containerStatuses"][0];
        let is_new = cluster
            .sandboxes(name)
            .iter()
            .any(|id| !of_before.contains(id));
        if is_ready(&pod) && is_new && status["restartCount"] != 0 {
            Ok(())
        } else {
            Err(format!("{} {:?}", pod["status"], cluster.events(name)))
        }
    });
}

/// Waits until a pod that has devices runs with all it asked for, or has failed with a reason: the kubelet admits no pod whose
/// devices are not there, and does not ask again.
fn right_or_failed(cluster: &Cluster, name: &str, of_before: &BTreeSet<String>) {
    let failed = until(&format!("the pod {name} has come to an end"), BACK, || {
        let pod = cluster.pod(name).ok_or("it is gone")?;
        let is_new = cluster
            .sandboxes(name)
            .iter()
            .any(|id| !of_before.contains(id));
        match pod["status"]["phase"].as_str() {
            Some("Failed") => Ok(Some(pod)),
            Some("Running") if is_ready(&pod) && is_new => Ok(None),
            _ => Err(format!("{} {:?}", pod["status"], cluster.events(name))),
        }
    });
    match failed {
        Some(pod) => {
            let said = [&pod["status"]["reason"], &pod["status"]["message"]];
            let says = |text: &Value| text.as_str().is_some_and(|text| !text.is_empty());
            assert!(said.into_iter().all(says), "{}", pod["status"]);
        }
        None => {
            let names: Vec<String> = cluster
                .links(name)
                .into_iter()
                .map(|link| link.name)
                .collect();
            assert!(names.contains(&"net1".to_owned()), "{name}: {names:?}");
        }
    }
}

/// Waits until every lease and every record is of a sandbox that runs.
fn nothing_of_before(cluster: &Cluster, of_before: &BTreeSet<String>) {
    until("nothing is left of sandboxes of before", BACK, || {
        let records = alive::files(Path::new(RECORDS));
        let records = records
            .into_iter()
            .filter(|name| of_before.iter().any(|id| name.contains(id.as_str())))
            .map(|name| format!("record {name}"));
        let leases = leases()
            .into_iter()
            .filter(|(_, id)| of_before.contains(id));
        let left: Vec<String> = records
            .chain(leases.map(|(file, id)| format!("lease {} of {id}", file.display())))
            .collect();
        if left.is_empty() {
            Ok(())
        } else {
            Err(left.join(", "))
        }
    });
    let running = running_sandboxes(cluster);
    for (file, id) in leases() {
        assert!(running.contains(&id), "{} is of {id}", file.display());
    }
}

/// The leases of host-local: each file is named for an address, and says whose it is.
fn leases() -> Vec<(PathBuf, String)> {
    let networks = fs::read_dir("/var/lib/cni/networks")
        .into_iter()
        .flatten()
        .flatten();
    let files =
        networks.flat_map(|network| fs::read_dir(network.path()).into_iter().flatten().flatten());
    files
        .map(|file| file.path())
        .filter(|path| {
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            name.is_some_and(|name| name.parse::<std::net::IpAddr>().is_ok())
        })
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let id = text
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned();
            (path, id)
        })
        .collect()
}

/// Deletes what the story has made.
fn tidy(cluster: &Cluster) {
    cluster.ask(
        "DELETE",
        &format!("{DEPLOYMENTS}/replaced"),
        &json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground"}),
    );
    let pods = cluster.pods();
    alive::delete(
        cluster,
        pods.iter()
            .filter_map(|pod| pod["metadata"]["name"].as_str()),
    );
    cluster.ask("DELETE", &format!("{NETWORKS}/{BARE}"), &Value::Null);
}
