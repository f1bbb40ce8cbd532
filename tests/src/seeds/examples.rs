//! The folder `examples` of Multus in November 2018.

use std::process::Command;

use serde_json::{Value, json};

use super::{bridge, conf, on_node, text, wire, yaml, yamls};
use crate::{
    fixture::{
        binaries::workspace,
        bridge::Bridge,
        delegates,
        needs::Need,
        node::{Node, ip},
        runtime::Sandbox,
    },
    scenario::Scenario,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    const NETWORK: &[Need] = &[
        Need::Namespaces,
        Need::Ip,
        Need::Plugins(&["bridge", "macvlan", "host-local"]),
    ];
    const NAT: &[Need] = &[
        Need::Namespaces,
        Need::Ip,
        Need::Nat,
        Need::Plugins(&["ptp", "host-local", "portmap"]),
    ];
    vec![
        Scenario {
            name: "seeds::examples::macvlan_and_flannel",
            needs: NETWORK,
            body: macvlan_and_flannel,
        },
        Scenario {
            name: "seeds::examples::ptp_and_portmap",
            needs: NAT,
            body: ptp_and_portmap,
        },
        Scenario {
            name: "seeds::examples::sriov",
            needs: NETWORK,
            body: sriov,
        },
        Scenario {
            name: "seeds::examples::the_printed_crds_are_ours",
            needs: &[],
            body: the_printed_crds_are_ours,
        },
    ]
}

/// The three ways the examples make flannel the cluster network, and a macvlan beside it.
fn macvlan_and_flannel() {
    Node::run(|node| {
        delegates::install(node, "flannel", delegates::FLANNEL);
        wire("eth0");
        let bridge = bridge(
            node,
            &[
                "examples/crd.yml",
                "examples/clusterrole.yml",
                "examples/flannel-conf.yml",
                "examples/macvlan-conf.yml",
                "examples/multus-with-flannel.yml",
                "examples/sample-pod.yml",
            ],
        );
        let of_file = conf(node, "examples/cni-configuration.conf");
        let manifests = yamls("examples/multus-with-flannel.yml");
        let of_manifest = manifests
            .iter()
            .find(|object| object["kind"] == "ConfigMap");
        let of_manifest = of_manifest.unwrap()["data"]["cni-conf.json"].as_str();
        let of_manifest = on_node(node, of_manifest.unwrap());
        assert_eq!(of_manifest, of_file);
        let mut of_object = of_file.clone();
        of_object.as_object_mut().unwrap().remove("delegates");
        of_object["clusterNetwork"] = json!("flannel-conf");
        of_object["multusNamespace"] = json!("default");
        for (at, (conf, name)) in [
            (&of_file, "multus-cni-network"),
            (&of_object, "default/flannel-conf"),
        ]
        .into_iter()
        .enumerate()
        {
            attach_sample_pod(&bridge, node, conf, name, at);
        }
        assert_eq!(node.files("state"), [].into());
    });
}

fn attach_sample_pod(bridge: &Bridge<'_>, node: &Node, conf: &Value, name: &str, at: usize) {
    let mut sandbox = Sandbox::new(node, &format!("samplepod-{at}"));
    sandbox.pod = "samplepod".to_owned();
    sandbox.add(conf);
    let links = sandbox.netns.links();
    let of = |name: &str| links.iter().find(|link| link.name == name).unwrap();
    assert_eq!(links.len(), 2, "{links:?}");
    assert!(
        of("eth0").addresses[0].starts_with("10.244.1."),
        "{links:?}"
    );
    assert!(
        of("net1").addresses[0].starts_with("192.168.1.20"),
        "{links:?}"
    );
    let default = sandbox.netns.ip(&["route", "show", "default"]);
    assert!(default.contains("via 10.244.1.1 dev eth0"), "{default}");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    // The second sandbox of the pod is told of a moment after the first one's status is there.
    let status = loop {
        let status = bridge.status("samplepod");
        if status[0]["name"] == name || std::time::Instant::now() > until {
            break status;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    };
    let told: Vec<Value> = status
        .iter()
        .map(|of| json!([of["name"], of["interface"], of["default"], of["gateway"]]))
        .collect();
    assert_eq!(
        json!(told),
        json!([
            [name, "eth0", true, ["10.244.1.1"]],
            ["default/macvlan-conf", "net1", null, ["192.168.1.1"]]
        ])
    );
    sandbox.del(conf);
    assert_eq!(sandbox.netns.names(), Vec::<String>::new());
}

/// `multus-ptp-portmap.conf`: one delegate that is a chain, with the runtime's port mappings.
fn ptp_and_portmap() {
    Node::run(|node| {
        let mut conf = on_node(
            node,
            &with_commas(&text("examples/multus-ptp-portmap.conf")),
        );
        conf.as_object_mut().unwrap().remove("bridgeSocket");
        conf["runtimeConfig"] =
            json!({"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]});
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

/// The example lacks one comma and has one too many.
fn with_commas(printed: &str) -> String {
    let text = printed.replacen("\"type\": \"multus\"\n", "\"type\": \"multus\",\n", 1);
    let (before, after) = text.rsplit_once("],").expect("it has one too many");
    format!("{before}]{after}")
}

/// The device that the kubelet allocated for `intel.com/sriov` becomes the pod's interface.
fn sriov() {
    Node::run(|node| {
        delegates::install(node, "flannel", delegates::FLANNEL);
        delegates::install(node, "sriov", delegates::SRIOV);
        ip(&[
            "link", "add", "vf0", "type", "veth", "peer", "name", "wire0",
        ]);
        let device = "0000:03:02.2";
        let folder = node.path("sys/bus/pci/devices").join(device);
        std::fs::create_dir_all(folder.join("net/vf0")).unwrap();
        let bridge = bridge(
            node,
            &[
                "examples/sriov-net.yaml",
                "examples/net-resource-sample-pod.yaml",
            ],
        );
        bridge
            .kubelet
            .allocate("testpod1", &[("appcntr1", "intel.com/sriov", &[device])]);
        let conf = conf(node, "examples/cni-configuration.conf");
        let sandbox = Sandbox::new(node, "testpod1");
        sandbox.add(&conf);
        let call = delegates::calls(node).remove(0);
        assert!(
            call.contains(r#""deviceID":"0000:03:02.2""#) && call.contains("1000"),
            "{call}"
        );
        let links = sandbox.netns.links();
        let net1 = links.iter().find(|link| link.name == "net1").unwrap();
        assert_eq!(net1.addresses, ["10.56.217.171/24"]);
        let status = bridge.status("testpod1");
        assert_eq!(status[1]["name"], "default/sriov-net-a");
        assert_eq!(status[1]["device-info"]["pci"]["pci-address"], device);
        assert_eq!(status[1]["gateway"], json!(["10.56.217.1"]));
        sandbox.del(&conf);
        assert!(
            node.links().iter().any(|link| link.name == "vf0"),
            "the device is back"
        );
        assert_eq!(node.files("state"), [].into());
    });
}

fn the_printed_crds_are_ours() {
    let file = workspace().join("manifests/crds/network-attachment-definitions.yaml");
    let ours = std::fs::read_to_string(file).expect("the manifest is there");
    let ours: Value = serde_yaml_ng::from_str(&ours).expect("it is YAML");
    for name in ["examples/crd.yml", "examples/npwg-demo-1/01_crd.yml"] {
        let printed = yaml(name);
        assert_eq!(printed["metadata"]["name"], ours["metadata"]["name"]);
        let (printed, ours) = (&printed["spec"], &ours["spec"]);
        for field in ["group", "scope"] {
            assert_eq!(printed[field], ours[field], "{name}: {field}");
        }
        for field in ["plural", "singular", "kind"] {
            assert_eq!(
                printed["names"][field], ours["names"][field],
                "{name}: {field}"
            );
        }
        let short = ours["names"]["shortNames"].as_array().unwrap();
        assert!(short.contains(&printed["names"]["shortNames"][0]), "{name}");
        assert_eq!(printed["version"], ours["versions"][0]["name"]);
    }
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
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
