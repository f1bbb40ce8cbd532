//! The pod `multus-multi-net-poc` of the Multus v1 document: flannel, and two SR-IOV networks, chosen by its annotation.

use serde_json::{Value, json};

use crate::fixture::{
    delegates,
    node::{Node, ip},
    runtime::Sandbox,
};

/// Its networks.
pub(crate) const OBJECTS: [&str; 3] = [
    "multus-v1/flannel-conf.yaml",
    "multus-v1/sriov-network.yaml",
    "multus-v1/sriov-vlanid-l2enable-network.yaml",
];

/// The pod.
pub(crate) const POD: &str = "multus-v1/pod-multi-network.yaml";

/// Gives the node the plugins and the two network cards.
pub(crate) fn prepare(node: &Node) {
    delegates::install(node, "sriov", delegates::SRIOV);
    delegates::install(node, "flannel", delegates::FLANNEL);
    for (card, wire) in [("enp12s0f1", "wire1"), ("enp2s0", "wire2")] {
        ip(&["link", "add", card, "type", "veth", "peer", "name", wire]);
    }
}

/// Attaches, compares with what `ifconfig` printed in the document, and detaches.
pub(crate) fn attach_and_detach(node: &Node, sandbox: &Sandbox, conf: &Value) {
    let result = sandbox.add(conf);
    let links: Vec<_> = sandbox
        .netns
        .links()
        .into_iter()
        .map(|link| (link.name, link.addresses))
        .collect();
    let of = |name: &str| {
        let found = links.iter().find(|(of, _)| of == name);
        &found.unwrap_or_else(|| panic!("no {name} in {links:?}")).1
    };
    assert_eq!(links.len(), 3, "{links:?}");
    assert!(of("eth0")[0].starts_with("10.244.1."), "{links:?}");
    assert!(of("net0")[0].starts_with("10.56.217.17"), "{links:?}");
    assert_eq!(of("north"), &Vec::<String>::new(), "layer 2 only");
    assert_eq!(
        result["ip4"]["ip"],
        of("eth0")[0],
        "the first network reports back: {result}"
    );
    let default = sandbox.netns.ip(&["route", "show", "default"]);
    assert!(default.contains("via 10.244.1.1 dev eth0"), "{default}");
    let sriov: Vec<(String, Value)> = delegates::calls(node)
        .iter()
        .map(|call| {
            let mut words = call.splitn(4, ' ');
            let interface = words.nth(1).unwrap().to_owned();
            (
                interface,
                serde_json::from_str(words.nth(1).unwrap()).unwrap(),
            )
        })
        .collect();
    let told: Vec<_> = sriov
        .iter()
        .map(|(interface, conf)| (interface, &conf["if0"], &conf["vlan"], &conf["l2enable"]))
        .collect();
    assert_eq!(
        json!(told),
        json!([
            ["net0", "enp12s0f1", null, null],
            ["net1", "enp2s0", 210, true]
        ])
    );
    sandbox.del(conf);
    assert_eq!(sandbox.netns.names(), Vec::<String>::new());
    let links = node.links();
    for card in ["enp12s0f1", "enp2s0"] {
        assert!(
            links.iter().any(|link| link.name == card),
            "{card} is back: {links:?}"
        );
    }
    assert_eq!(node.files("state"), [].into());
    std::fs::remove_file(node.path("calls")).expect("the plugins were executed");
}
