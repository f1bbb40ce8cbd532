//! The configurations of the documents this project was founded on, executed as they stand there.

use serde_json::{Value, json};

use crate::{
    fixture::{
        delegates,
        needs::Need,
        node::{Node, ip},
        runtime::Sandbox,
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    const NETWORK: &[Need] = &[
        Need::Namespaces,
        Need::Ip,
        Need::Plugins(&["bridge", "ptp", "host-local"]),
    ];
    const NAT: &[Need] = &[
        Need::Namespaces,
        Need::Ip,
        Need::Nat,
        Need::Plugins(&["ptp", "host-local", "portmap"]),
    ];
    vec![
        Scenario {
            name: "seeds::multus_cni_conf_with_masterplugin",
            needs: NETWORK,
            body: multus_cni_conf_with_masterplugin,
        },
        Scenario {
            name: "seeds::ptp_and_portmap",
            needs: NAT,
            body: ptp_and_portmap,
        },
        Scenario {
            name: "seeds::weave_as_the_default_network",
            needs: NETWORK,
            body: weave_as_the_default_network,
        },
    ]
}

/// Where this test keeps what the seeds keep in folders of the system.
fn on_node(node: &Node, mut conf: Value) -> Value {
    for (key, folder) in [("cniDir", "state"), ("confDir", "conf"), ("binDir", "bin")] {
        conf[key] = json!(node.path(folder));
    }
    conf
}

/// `/etc/cni/net.d/multus-cni.conf` of the Multus v1 document: SR-IOV, ptp, and flannel as the master plugin.
fn multus_cni_conf_with_masterplugin() {
    Node::run(|node| {
        delegates::install(node, "sriov", delegates::SRIOV);
        delegates::install(node, "flannel", delegates::FLANNEL);
        ip(&[
            "link",
            "add",
            "enp12s0f0",
            "type",
            "veth",
            "peer",
            "name",
            "wire0",
        ]);
        let conf = on_node(
            node,
            json!({
                "name": "multus-demo-network",
                "type": "multus",
                "delegates": [
                    {"type": "sriov", "if0": "enp12s0f0", "ipam": {"type": "host-local", "subnet": "10.56.217.0/24",
                        "rangeStart": "10.56.217.131", "rangeEnd": "10.56.217.190", "routes": [{"dst": "0.0.0.0/0"}], "gateway": "10.56.217.1"}},
                    {"type": "ptp", "ipam": {"type": "host-local", "subnet": "10.168.1.0/24",
                        "rangeStart": "10.168.1.11", "rangeEnd": "10.168.1.20", "routes": [{"dst": "0.0.0.0/0"}], "gateway": "10.168.1.1"}},
                    {"type": "flannel", "masterplugin": true, "delegate": {"isDefaultGateway": true}},
                ],
            }),
        );
        let sandbox = Sandbox::new(node, "multus-test");
        let result = sandbox.add(&conf);
        assert_eq!(
            sandbox.netns.names(),
            ["eth0", "net0", "net1"],
            "eth0 by flannel, then net0 and net1 as the document shows"
        );
        let address_of = |name: &str| {
            sandbox
                .netns
                .links()
                .into_iter()
                .find(|link| link.name == name)
                .unwrap()
                .addresses
        };
        assert_eq!(address_of("eth0"), ["10.244.1.2/24"]);
        assert_eq!(address_of("net1"), ["10.168.1.11/24"]);
        assert_eq!(
            result["ip4"]["ip"], "10.244.1.2/24",
            "the master plugin reports back: {result}"
        );
        assert_eq!(
            std::fs::read_to_string(node.path("vfs")).unwrap(),
            "net0 enp12s0f0\n"
        );
        sandbox.del(&conf);
        assert_eq!(sandbox.netns.names(), Vec::<String>::new());
        assert!(
            node.links().iter().any(|link| link.name == "enp12s0f0"),
            "the device is back: {:?}",
            node.links()
        );
        assert_eq!(node.files("state"), [].into());
    });
}

/// `multus-ptp-portmap.conf` of the examples: one delegate that is a chain, with the runtime's port mappings.
fn ptp_and_portmap() {
    Node::run(|node| {
        let conf = on_node(
            node,
            json!({
                "name": "multus-cni-network",
                "type": "multus",
                "capabilities": {"portMappings": true},
                "runtimeConfig": {"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]},
                "delegates": [{
                    "cniVersion": "0.3.1",
                    "name": "ptp-tuning-conflist",
                    "plugins": [
                        {"dns": {"nameservers": ["172.16.1.1"]}, "ipMasq": true,
                         "ipam": {"subnet": "172.16.0.0/24", "type": "host-local"}, "mtu": 512, "type": "ptp"},
                        {"capabilities": {"portMappings": true}, "externalSetMarkChain": "KUBE-MARK-MASQ", "type": "portmap"},
                    ],
                }],
            }),
        );
        // The kubelet makes this chain; portmap only jumps to it.
        run("iptables", &["-t", "nat", "-N", "KUBE-MARK-MASQ"]);
        let sandbox = Sandbox::new(node, "portmapped");
        let result = sandbox.add(&conf);
        assert_eq!(result["dns"]["nameservers"], json!(["172.16.1.1"]));
        assert!(
            sandbox
                .netns
                .ip(&["link", "show", "eth0"])
                .contains("mtu 512")
        );
        let rules = run("iptables-save", &["-t", "nat"]);
        assert!(
            rules.contains("--dport 8080") && rules.contains("--to-destination 172.16.0.2:80"),
            "{rules}"
        );
        sandbox.del(&conf);
        let rules = run("iptables-save", &["-t", "nat"]);
        assert!(!rules.contains("--dport 8080"), "{rules}");
        assert_eq!(sandbox.netns.names(), Vec::<String>::new());
        assert_eq!(node.files("state"), [].into());
    });
}

/// Weave as the default network "in the absence of network field in the pod metadata annotation".
fn weave_as_the_default_network() {
    Node::run(|node| {
        delegates::install(node, "weave-net", delegates::PROBE);
        let conf = on_node(
            node,
            json!({
                "name": "node-cni-network",
                "type": "multus",
                "kubeconfig": "/etc/kubernetes/node-kubeconfig.yaml",
                "delegates": [{"type": "weave-net", "hairpinMode": true, "masterplugin": true}],
                "runtimeConfig": {"io.kubernetes.cri.pod-annotations": {}},
            }),
        );
        let sandbox = Sandbox::new(node, "plain");
        sandbox.add(&conf);
        let calls = delegates::calls(node);
        assert!(
            calls[0].starts_with("ADD eth0") && calls[0].contains("\"hairpinMode\":true"),
            "{calls:?}"
        );
        sandbox.del(&conf);
    });
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = std::process::Command::new(program)
        .args(arguments)
        .output()
        .expect("Need::Nat was checked");
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
