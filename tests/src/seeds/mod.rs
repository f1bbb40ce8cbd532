//! The configurations of the documents this project was founded on, executed as they stand there.
//!
//! They are kept in `tests/seeds`, as printed; indentation that a document lost is restored. A test changes where the
//! files of a node are (`cniDir`, `confDir`, `binDir`, the kubeconfig, the socket), and nothing else unless it says so.
//! Hardware and overlay networks are stood in for by [`crate::fixture::delegates`]; bridge, macvlan, ptp, host-local,
//! static, portmap and tuning are the reference plugins.
//!
//! | document | what it prints | scenario |
//! |---|---|---|
//! | Smart Edge, "Multus" | NetworkAttachmentDefinition `macvlan` on `virbr0`; pod `samplepod` | `smart_edge::macvlan` |
//! | Multus v1, README | CRD `networks.kubernetes.com` | `cluster::networks_of_multus_v1` |
//! | | ThirdPartyResource `network.kubernetes.com` | `multus_v1::every_printed_form_of_an_object` |
//! | | `Network` `flannel-networkobj`, and as `kubectl get -o yaml` shows it | `multus_v1::every_printed_form_of_an_object` |
//! | | `Network` `flannel-conf`, and as `kubectl get -o yaml` shows it | the same; `multus_v1::networks_of_a_pod`, `cluster::networks_of_multus_v1` |
//! | | `Network` `sriov-conf`, `sriov-vlanid-l2enable-conf`; pod `multus-multi-net-poc` and its `ifconfig` | `multus_v1::networks_of_a_pod`, `cluster::networks_of_multus_v1` |
//! | | `multus-cni.conf` with a kubeconfig alone | the same two |
//! | | `multus-cni.conf` with weave as the default network | `multus_v1::weave_as_the_default_network` |
//! | | `multus-cni.conf` with SR-IOV, ptp and flannel; pod `multus-test` and its `ip link` | `multus_v1::a_file_alone`; its comment: `as_printed::no_json` |
//! | "Multiple Network Interfaces" (kubernetes.io case study) | nothing but words: master plugin `eth0`, minions `net0`, `net1` | `multus_v1::a_file_alone` |
//! | Red Hat, "Multus, stage left" | nothing but words: object, annotation, status | `examples::macvlan_and_flannel` |
//! | Multus, `examples` of November 2018 | `cni-configuration.conf`, `flannel-conf.yml`, `macvlan-conf.yml`, `sample-pod.yml` | `examples::macvlan_and_flannel` |
//! | | `multus-with-flannel.yml`: the configuration in its ConfigMap | `examples::macvlan_and_flannel` |
//! | | `crd.yml`, `npwg-demo-1/01_crd.yml` | `examples::the_printed_crds_are_ours` |
//! | | `clusterrole.yml`, `npwg-demo-1/02_clusterrole.yml`, `03_namespace1.yml` | permissions and a namespace: passed over among the objects |
//! | | `multus-ptp-portmap.conf` | `examples::ptp_and_portmap`; its commas: `as_printed::no_json` |
//! | | `sriov-net.yaml` (also in the page's README), `net-resource-sample-pod.yaml` | `examples::sriov` |
//! | | `npwg-demo-1/04_macvlan1.yml`, `05_vlan1.yml`, pods 11, 12, 14 | `npwg_demo::macvlan_and_vlan` |
//! | | `npwg-demo-1/06_flannel2.yml`: the `Network` without a spec and the file it means; pod 13 | `npwg_demo::two_flannels` |
//! | | `npwg-demo-1/07_ptp_tuning_conflist.yml`, pod 15 | `npwg_demo::ptp_and_tuning` |
//! | | every NetworkAttachmentDefinition and pod of today's kind | `as_printed::admitted` |

mod as_printed;
mod examples;
pub(crate) mod multi_net;
mod multus_v1;
mod npwg_demo;
mod smart_edge;

use std::{fs, path::PathBuf};

use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::{
    fixture::{
        binaries::workspace,
        bridge::Bridge,
        kubelet::Kubelet,
        node::{Node, ip},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    [
        as_printed::scenarios(),
        examples::scenarios(),
        multus_v1::scenarios(),
        npwg_demo::scenarios(),
        smart_edge::scenarios(),
    ]
    .concat()
}

fn file(name: &str) -> PathBuf {
    workspace().join("tests/seeds").join(name)
}

/// A configuration or manifest as it is printed.
fn text(name: &str) -> String {
    fs::read_to_string(file(name)).unwrap_or_else(|error| panic!("tests/seeds/{name}: {error}"))
}

/// The first object of a printed manifest.
pub(crate) fn yaml(name: &str) -> Value {
    yamls(name).remove(0)
}

/// The objects of a printed manifest.
fn yamls(name: &str) -> Vec<Value> {
    serde_yaml_ng::Deserializer::from_str(&text(name))
        .map(|document| Value::deserialize(document).expect("a printed manifest is YAML"))
        .filter(|document| !document.is_null())
        .collect()
}

/// A printed configuration of the plugin, on a node.
pub(crate) fn conf(node: &Node, name: &str) -> Value {
    on_node(node, &text(name))
}

/// Where a test keeps what the documents keep in folders of the system.
fn on_node(node: &Node, conf: &str) -> Value {
    let mut conf: Value = serde_json::from_str(conf).expect("it is JSON");
    for (key, folder) in [("cniDir", "state"), ("confDir", "conf"), ("binDir", "bin")] {
        conf[key] = json!(node.path(folder));
    }
    conf["bridgeSocket"] = json!(node.path("run/bridge.sock"));
    conf
}

/// An agent that knows the objects of printed manifests, read as they are printed.
fn bridge<'a>(node: &'a Node, names: &[&str]) -> Bridge<'a> {
    let documents: Vec<String> = names.iter().map(|name| text(name)).collect();
    fs::write(node.path("objects.yaml"), documents.join("\n---\n"))
        .expect("the node's folder can be written");
    Bridge::of_file(node, Kubelet::start(&node.path("kubelet.sock"), true))
}

/// A wired interface of the node.
fn wire(name: &str) {
    let peer = format!("{name}-w");
    ip(&["link", "add", name, "type", "veth", "peer", "name", &peer]);
    ip(&["link", "set", name, "up"]);
    ip(&["link", "set", &peer, "up"]);
}
