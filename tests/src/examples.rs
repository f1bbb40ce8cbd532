//! `manifests/examples`: what stands there is judged by our own lint, told in its README, and, where the kernel permits,
//! attached as it stands.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::{Value, json};

use crate::{
    fixture::{
        binaries::workspace,
        bridge::Bridge,
        delegates, kubectl_polypod,
        kubelet::Kubelet,
        leftovers,
        needs::Need,
        node::{Node, ip},
        runtime::{Sandbox, host_local},
    },
    manifests::objects::read,
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    const PLAIN: &[Need] = &[
        Need::Namespaces,
        Need::Ip,
        Need::Plugins(&["bridge", "macvlan", "host-local", "static", "tuning"]),
    ];
    const NAT: &[Need] = &[
        Need::Namespaces,
        Need::Ip,
        Need::Nat,
        Need::Plugins(&[
            "bridge",
            "ptp",
            "host-local",
            "portmap",
            "firewall",
            "bandwidth",
            "tuning",
        ]),
    ];
    vec![
        Scenario {
            name: "examples::lint_finds_nothing",
            needs: &[],
            body: lint_finds_nothing,
        },
        Scenario {
            name: "examples::the_readme_names_all_of_them",
            needs: &[],
            body: the_readme_names_all_of_them,
        },
        Scenario {
            name: "examples::attached",
            needs: PLAIN,
            body: attached,
        },
        Scenario {
            name: "examples::attached_with_devices",
            needs: PLAIN,
            body: attached_with_devices,
        },
        Scenario {
            name: "examples::attached_with_address_translation",
            needs: NAT,
            body: attached_with_address_translation,
        },
    ]
}

fn folder() -> PathBuf {
    workspace().join("manifests/examples")
}

/// The manifests, by name.
fn files() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).expect("the examples are there");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the folder is read").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    files.sort();
    files
}

/// Every object of the examples.
pub(crate) fn objects() -> Vec<Value> {
    files().iter().flat_map(|file| read(file)).collect()
}

/// No error, and of warnings exactly those that are listed here: none.
fn lint_finds_nothing() {
    let folder = folder().display().to_string();
    let output = kubectl_polypod::run("lint", &["-f", &folder, "--strict", "-o", "json"], "");
    let told: Value = serde_json::from_slice(&output.stdout).expect("lint prints JSON");
    assert_eq!(told["findings"], json!([]), "{told:#}");
    assert_eq!(told["unusable"], json!([]), "{told:#}");
    assert!(output.status.success());
    let judged = objects()
        .iter()
        .filter(|object| object["kind"] != "ConfigMap")
        .count();
    assert_eq!(told["judged"], judged, "all that lint knows of");
    for kind in ["NetworkAttachmentDefinition", "Pod"] {
        let mut seen = BTreeSet::new();
        for object in objects().iter().filter(|object| object["kind"] == kind) {
            let metadata = &object["metadata"];
            let name = (
                metadata["namespace"].to_string(),
                metadata["name"].to_string(),
            );
            assert!(seen.insert(name), "{kind} {metadata} is there twice");
        }
    }
}

fn the_readme_names_all_of_them() {
    let text = fs::read_to_string(folder().join("README.md")).expect("the examples have a README");
    let mut named = BTreeSet::new();
    for row in text.lines().filter(|line| line.starts_with("| [`")) {
        let name = row.trim_start_matches("| [`").split('`').next();
        named.insert(name.unwrap_or_default().to_owned());
    }
    let there: BTreeSet<String> = files()
        .iter()
        .filter_map(|file| Some(file.file_name()?.to_str()?.to_owned()))
        .collect();
    assert_eq!(named, there);
}

/// A node with an agent that knows all examples as they stand, and a bridge as its cluster network.
fn with_examples(node: &Node) -> (Bridge<'_>, Value) {
    let texts: Vec<String> = files()
        .iter()
        .map(|file| fs::read_to_string(file).expect("it was listed"))
        .collect();
    fs::write(node.path("objects.yaml"), texts.join("\n---\n"))
        .expect("the node's folder can be written");
    let bridge = Bridge::of_file(node, Kubelet::start(&node.path("kubelet.sock"), true));
    let conf = bridge.conf(
        &json!({"cniVersion": "1.0.0", "name": "cbr0", "type": "bridge", "bridge": "cluster0",
        "isDefaultGateway": true, "ipam": host_local(node, "10.22.0.0/24")}),
    );
    (bridge, conf)
}

/// A wired interface of the node.
fn wire(name: &str) {
    let peer = format!("{name}-w");
    ip(&["link", "add", name, "type", "veth", "peer", "name", &peer]);
    ip(&["link", "set", name, "up"]);
    ip(&["link", "set", &peer, "up"]);
}

/// Attaches the pod of an example, compares its interfaces and how their addresses begin, and takes it away again.
fn attach(
    node: &Node,
    conf: &Value,
    pod: &str,
    wanted: &[(&str, &str)],
    meanwhile: impl FnOnce(&Sandbox),
) {
    let sandbox = Sandbox::new(node, pod);
    sandbox.add(conf);
    let mut found: Vec<(String, String)> = sandbox
        .netns
        .links()
        .into_iter()
        .map(|link| (link.name, link.addresses.join(" ")))
        .collect();
    found.sort();
    assert_eq!(found.len(), wanted.len(), "{pod}: {found:?}");
    for ((name, address), (wanted_name, wanted_address)) in found.iter().zip(wanted) {
        assert_eq!(name, wanted_name, "{pod}: {found:?}");
        assert!(address.starts_with(wanted_address), "{pod}: {found:?}");
    }
    meanwhile(&sandbox);
    sandbox.del(conf);
    assert_eq!(sandbox.netns.names(), [""; 0], "{pod}");
}

fn is_all_gone(node: &Node) {
    assert_eq!(node.files("state"), [].into());
    assert_eq!(leftovers::veths(node), [""; 0]);
}

/// In the order of the interfaces' names.
fn attached() {
    Node::run(|node| {
        let (_bridge, conf) = with_examples(node);
        delegates::install(node, "flannel", delegates::FLANNEL);
        for name in ["eth0", "eth1"] {
            wire(name);
        }
        ip(&["link", "add", "virbr0", "type", "bridge"]);
        ip(&["link", "set", "virbr0", "up"]);
        let cluster = ("eth0", "10.22.0.");
        for (pod, wanted) in [
            ("bridge-pod", &[cluster, ("net1", "10.87.1.")][..]),
            ("samplepod", &[cluster, ("net1", "192.168.1.20")]),
            ("samplepod-virbr0", &[cluster, ("net1", "192.168.1.20")]),
            ("pod-case-01", &[cluster, ("net1", "10.1.1.101/24")]),
            (
                "pod-case-03",
                &[
                    cluster,
                    ("net1", "10.1.1.103/24"),
                    ("net2", "10.1.1.104/24"),
                    ("net3", "10.144.1."),
                ],
            ),
            ("pod-case-04", &[cluster]),
            (
                "multi-homed",
                &[
                    ("ctl0", "10.90.1."),
                    cluster,
                    ("net2", "10.90.2."),
                    ("net3", "10.90.3.7/24"),
                ],
            ),
        ] {
            attach(node, &conf, pod, wanted, |_| {});
        }
        let wanted = [cluster, ("net1", "10.91.1."), ("net2", "10.91.2.")];
        attach(node, &conf, "router", &wanted, |sandbox| {
            let routes = sandbox.netns.ip(&["route", "show", "default"]);
            assert!(routes.contains("via 10.91.2.1 dev net2"), "{routes}");
            assert!(!routes.contains("eth0"), "{routes}");
        });
        is_all_gone(node);
    });
}

/// Virtual functions are stood in for.
fn attached_with_devices() {
    Node::run(|node| {
        let (bridge, conf) = with_examples(node);
        delegates::install(node, "flannel", delegates::FLANNEL);
        delegates::install(node, "sriov", delegates::SRIOV);
        wire("eth0");
        wire("eth1");
        let devices = ["0000:03:02.0", "0000:03:02.1", "0000:03:02.2"];
        for (number, device) in devices.iter().enumerate() {
            let (vf, wire) = (format!("vf{number}"), format!("vfw{number}"));
            ip(&["link", "add", &vf, "type", "veth", "peer", "name", &wire]);
            let folder = node.path("sys/bus/pci/devices").join(device);
            fs::create_dir_all(folder.join("net").join(vf)).unwrap();
        }
        let [first, second, third] = devices;
        let cluster = ("eth0", "10.22.0.");
        let kernel = "intel.com/sriov";
        for (pod, held, wanted, given) in [
            (
                "testpod1",
                &[("appcntr1", kernel, &[first, second][..])][..],
                &[
                    cluster,
                    ("net1", "192.168.1.20"),
                    ("net2", "10.56.217.17"),
                    ("net3", "10.56.217.17"),
                ][..],
                &[first, second][..],
            ),
            (
                "testpod1-requests",
                &[("appcntr1", kernel, &[third])],
                &[cluster, ("net1", "10.56.217.17")],
                &[third],
            ),
            (
                "multus-multi-net-poc",
                &[
                    ("app", "intel.com/sriov_enp12s0f1", &[second]),
                    ("app", "intel.com/sriov_enp2s0", &[third]),
                ],
                &[
                    ("eth0", "10.244.1."),
                    ("net1", "10.56.217.17"),
                    ("north", ""),
                ],
                &[second, third],
            ),
        ] {
            let _ = fs::remove_file(node.path("vfs"));
            bridge.kubelet.allocate(pod, held);
            attach(node, &conf, pod, wanted, |_| {});
            bridge.kubelet.model().release("default", pod);
            let told = fs::read_to_string(node.path("vfs")).unwrap_or_default();
            let told: Vec<&str> = told
                .lines()
                .filter_map(|line| line.split(' ').nth(1))
                .collect();
            assert_eq!(told, given, "{pod}");
        }
        assert_eq!(node.files("state"), [].into());
    });
}

fn attached_with_address_translation() {
    Node::run(|node| {
        let (bridge, conf) = with_examples(node);
        delegates::install(node, "sriov", delegates::SRIOV);
        let device = "0000:03:02.0";
        ip(&["link", "add", "vf0", "type", "veth", "peer", "name", "vfw0"]);
        let folder = node.path("sys/bus/pci/devices").join(device);
        fs::create_dir_all(folder.join("net/vf0")).unwrap();
        bridge
            .kubelet
            .allocate("multus-test", &[("test1", "intel.com/sriov", &[device])]);
        let cluster = ("eth0", "10.22.0.");
        for (pod, wanted) in [
            ("ptp-portmap-pod", &[cluster, ("net1", "172.16.0.")][..]),
            ("pod-case-05", &[cluster, ("net1", "172.16.0.")]),
            ("chained-pod", &[cluster, ("net1", "10.95.0.")]),
            (
                "multus-test",
                &[cluster, ("net0", "10.56.217.17"), ("net1", "10.168.1.1")],
            ),
        ] {
            attach(node, &conf, pod, wanted, |_| {});
        }
        assert_eq!(node.files("state"), [].into());
    });
}
