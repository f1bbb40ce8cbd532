//! `manifests/install.yaml` is applied to a node without Polypod, with images of the binaries under test.
//!
//! There is no kube-proxy: the API server calls the webhook's endpoints by itself, and pods reach it by a forwarder at its
//! Service's address. Nobody enforces the NetworkPolicy.

use std::{
    io::copy,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    super::{
        Story,
        bringing_up::{CNI_CONF, agent_is_ready},
        cluster::Cluster,
        evidence::until,
        hardware::UPLINK,
        image,
        networks::NETWORKS,
        parts, pods,
        pods::{interface_of, network_status},
        webhook,
    },
    alive::{self, Seen, has},
    uninstalled::leave,
};
use crate::{
    fixture::node::ip,
    manifests::objects::{manifests, read},
};

pub(super) fn stories() -> Vec<Story> {
    vec![Story {
        name: "install.yaml applied",
        checks: "kubectl apply of manifests/install.yaml on a node without Polypod: webhook and agent run as pods, a NetworkAttachmentDefinition and a pod give net1, a pod is given its VF, a bad one is denied; a pod of before notices nothing and is deleted at the first try; deleted again",
        tell: applied,
    }]
}

/// How long images and probes may take on a busy machine.
const ROLLED_OUT: Duration = Duration::from_secs(180);

const CONFIGURATIONS: &str = "/apis/admissionregistration.k8s.io/v1";

fn applied(cluster: &mut Cluster) {
    leave(cluster);
    cluster.webhook.terminate();
    unregister(cluster);
    assert_eq!(alive::files(Path::new(CNI_CONF)), ["10-primary.conflist"]);
    let before = Seen::of_before(cluster, "of-before");
    forward(cluster);
    let archive = image::daemons(&cluster.folder.join("tmp"));
    cluster.ctr(&["images", "import", &archive.display().to_string()]);

    let file = manifests("install.yaml");
    let file = file.display().to_string();
    kubectl(
        cluster,
        &["apply", "--server-side", "--force-conflicts", "-f", &file],
    );
    rolled_out(
        cluster,
        "deployments",
        "polypod-webhook",
        "availableReplicas",
        2,
    );
    rolled_out(
        cluster,
        "daemonsets",
        "polypod-device-bridge",
        "numberReady",
        1,
    );

    net1(cluster);
    devices_and_denials(cluster);
    // The cluster network alone has attached it, and the plugin deletes it.
    before.is_as_before(cluster);
    alive::delete(cluster, [before.name()]);
    alive::none_failed(cluster, &[before.name().to_owned()]);

    // What stays is what others have made: the definitions of networks, and the networks.
    let without_definitions: Vec<Value> = read(&manifests("install.yaml"))
        .into_iter()
        .filter(|object| object["kind"] != "CustomResourceDefinition")
        .collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": without_definitions});
    let list_file = cluster.folder.join("install.json");
    std::fs::write(&list_file, list.to_string()).expect("the folder is ours");
    let list_file = list_file.display().to_string();
    kubectl(
        cluster,
        &[
            "delete",
            "--ignore-not-found",
            "--wait=false",
            "-f",
            &list_file,
        ],
    );
    until("the namespace polypod-system is gone", ROLLED_OUT, || {
        let reply = cluster.ask("GET", "/api/v1/namespaces/polypod-system", &Value::Null);
        if reply.status == 404 {
            Ok(())
        } else {
            Err(reply.body.to_string())
        }
    });
    unregister(cluster);

    cluster.webhook = webhook::start(&cluster.plane, &cluster.folder);
    cluster.agent.start();
    agent_is_ready(&mut cluster.agent);
}

/// What README says, after the manifest: a network, a pod, and its `net1`.
fn net1(cluster: &Cluster) {
    let config = json!({"cniVersion": "1.0.0", "name": "first", "type": "macvlan", "master": UPLINK,
        "mode": "bridge", "ipam": {"type": "host-local", "subnet": "192.168.77.0/24"}});
    let network = json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": "first"}, "spec": {"config": config.to_string()}});
    cluster.ask("POST", NETWORKS, &network).is_created();
    cluster.create_pod(&pods::pod("first", "first"));
    has(cluster, "first", &["eth0", "net1"]);
    let pod = cluster.running("first");
    let link = cluster.link("first", "net1");
    let address = link.addresses.first().expect("host-local gives one");
    assert!(address.starts_with("192.168.77."), "{link:?}");
    let status = network_status(&pod).expect("it was waited for");
    let told = &interface_of(&status, "net1")["ips"][0];
    assert!(
        told.as_str().is_some_and(|ip| address.starts_with(ip)),
        "{told} {address}"
    );
    let printed = cluster.exec("first", &["ip", "address", "show", "net1"]);
    assert!(
        printed
            .as_ref()
            .is_ok_and(|printed| printed.contains(address.as_str())),
        "{printed:?}"
    );
    cluster.delete_pod("first");
    cluster.ask("DELETE", &format!("{NETWORKS}/first"), &Value::Null);
}

/// The webhook in its pod injects and denies, and the agent in its own finds what the kubelet has allocated.
fn devices_and_denials(cluster: &Cluster) {
    let created = cluster.create_pod(&pods::pod("device", "vf"));
    let limits = &created["spec"]["containers"][0]["resources"]["limits"];
    assert_eq!(limits["intel.com/sriov"], "1", "{created}");
    has(cluster, "device", &["eth0", "net1"]);
    cluster.delete_pod("device");

    let denied = cluster.ask("POST", pods::PODS, &pods::pod("denied", "not-there"));
    let message = denied.body["message"].as_str().unwrap_or_default();
    assert!(
        denied.status >= 400 && message.contains("not-there"),
        "{}",
        denied.body
    );
}

fn unregister(cluster: &Cluster) {
    for kind in [
        "mutatingwebhookconfigurations",
        "validatingwebhookconfigurations",
    ] {
        let path = format!("{CONFIGURATIONS}/{kind}/polypod");
        cluster.ask("DELETE", &path, &Value::Null);
    }
}

/// Waits until a workload of ours has so many pods that are ready.
fn rolled_out(cluster: &Cluster, kind: &str, name: &str, key: &str, count: usize) {
    let namespace = "namespaces/polypod-system";
    until(&format!("{name} is rolled out"), ROLLED_OUT, || {
        let path = format!("/apis/apps/v1/{namespace}/{kind}/{name}");
        let reply = cluster.ask("GET", &path, &Value::Null);
        if reply.body["status"][key] == count {
            return Ok(());
        }
        let selected =
            format!("/api/v1/{namespace}/pods?labelSelector=app.kubernetes.io/name={name}");
        let pods = cluster.ask("GET", &selected, &Value::Null);
        let events = cluster.ask("GET", &format!("/api/v1/{namespace}/events"), &Value::Null);
        let events = events.body["items"].as_array().cloned().unwrap_or_default();
        let events: Vec<&Value> = events.iter().map(|event| &event["message"]).collect();
        let statuses = pods.body["items"].as_array().cloned().unwrap_or_default();
        let statuses: Vec<&Value> = statuses
            .iter()
            .map(|pod| &pod["status"]["containerStatuses"])
            .collect();
        Err(format!("{} {statuses:?} {events:?}", reply.body["status"]))
    });
}

/// The API server's Service, as a node with a kube-proxy has it.
fn forward(cluster: &Cluster) {
    let service = "/api/v1/namespaces/default/services/kubernetes";
    let service = cluster.ask("GET", service, &Value::Null).body;
    let address = service["spec"]["clusterIP"]
        .as_str()
        .unwrap_or_else(|| panic!("{service}"));
    ip(&["address", "add", &format!("{address}/32"), "dev", "lo"]);
    let listener = TcpListener::bind((address, 443)).expect("the address is the node's");
    let server = cluster.plane.server().trim_start_matches("https://");
    let server: SocketAddr = server.parse().expect("it is an address of loopback");
    // It ends with this process, which is the node's.
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(server) else {
                continue;
            };
            for (from, to) in [
                (client.try_clone(), server.try_clone()),
                (server.try_clone(), client.try_clone()),
            ] {
                let (Ok(mut from), Ok(mut to)) = (from, to) else {
                    continue;
                };
                std::thread::spawn(move || {
                    // Either side may go at any time; there is nobody to tell.
                    let _ = copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
}

fn kubectl(cluster: &Cluster, arguments: &[&str]) {
    let program = parts::program("kubectl").expect("Need::WholeNode was checked");
    let output = Command::new(program)
        .arg("--kubeconfig")
        .arg(cluster.plane.kubeconfig())
        .args(arguments)
        .output()
        .expect("kubectl can be executed");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "kubectl {arguments:?}: {stderr}");
}
