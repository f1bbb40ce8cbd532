//! The folder `npwg-demo-1` of the examples: five pods.

use serde_json::Value;

use super::{bridge, conf, text, wire, yamls};
use crate::{
    fixture::{delegates, needs::Need, node::Node, runtime::Sandbox},
    scenario::Scenario,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    const NETWORK: &[Need] = &[
        Need::Namespaces,
        Need::Ip,
        Need::Plugins(&["bridge", "macvlan", "host-local", "static"]),
    ];
    const TUNING: &[Need] = &[
        Need::Namespaces,
        Need::Ip,
        Need::Nat,
        Need::Plugins(&["bridge", "ptp", "host-local", "tuning"]),
    ];
    vec![
        Scenario {
            name: "seeds::npwg_demo::macvlan_and_vlan",
            needs: NETWORK,
            body: macvlan_and_vlan,
        },
        Scenario {
            name: "seeds::npwg_demo::two_flannels",
            needs: NETWORK,
            body: two_flannels,
        },
        Scenario {
            name: "seeds::npwg_demo::ptp_and_tuning",
            needs: TUNING,
            body: ptp_and_tuning,
        },
    ]
}

/// Names and addresses of the interfaces of a pod, sorted.
fn addresses(sandbox: &Sandbox) -> Vec<(String, String)> {
    let mut all: Vec<_> = sandbox
        .netns
        .links()
        .into_iter()
        .map(|link| (link.name, link.addresses.join(" ")))
        .collect();
    all.sort();
    all
}

fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    wanted
        .iter()
        .map(|(name, addresses)| ((*name).to_owned(), (*addresses).to_owned()))
        .collect()
}

fn macvlan_and_vlan() {
    Node::run(|node| {
        delegates::install(node, "flannel", delegates::FLANNEL);
        delegates::install(node, "vlan", delegates::VLAN);
        wire("eth1");
        let _bridge = bridge(
            node,
            &[
                "examples/npwg-demo-1/01_crd.yml",
                "examples/npwg-demo-1/02_clusterrole.yml",
                "examples/npwg-demo-1/03_namespace1.yml",
                "examples/npwg-demo-1/04_macvlan1.yml",
                "examples/npwg-demo-1/05_vlan1.yml",
                "examples/npwg-demo-1/11_pod_case1.yml",
                "examples/npwg-demo-1/12_pod_case2.yml",
                "examples/npwg-demo-1/14_pod_case4.yml",
            ],
        );
        let conf = conf(node, "examples/cni-configuration.conf");
        for (pod, wanted) in [
            (
                "pod-case-01",
                &[("eth0", "10.244.1.2/24"), ("net1", "10.1.1.101/24")][..],
            ),
            (
                "pod-case-02",
                &[
                    ("eth0", "10.244.1.3/24"),
                    ("net1", "10.1.1.102/24"),
                    ("vlan1-1", "172.16.1.101/24"),
                ],
            ),
            ("pod-case-04", &[("eth0", "10.244.1.4/24")]),
        ] {
            let sandbox = Sandbox::new(node, pod);
            sandbox.add(&conf);
            assert_eq!(addresses(&sandbox), pairs(wanted), "{pod}");
            sandbox.del(&conf);
            assert_eq!(sandbox.netns.names(), Vec::<String>::new());
        }
        let call = delegates::calls(node).remove(0);
        assert!(
            call.starts_with("ADD vlan1-1 ") && call.contains("\"vlanid\""),
            "{call}"
        );
        assert_eq!(node.files("state"), [].into());
    });
}

/// The second flannel is a file of the node. Its object is of a group that was already gone when the demo was printed, and
/// the pod uses the new annotation: that names what is missing. With either both new or both old it works.
fn two_flannels() {
    Node::run(|node| {
        delegates::install(node, "flannel", delegates::FLANNEL);
        wire("eth1");
        let objects = yamls("examples/npwg-demo-1/06_flannel2.yml");
        let file = objects
            .iter()
            .find_map(|object| object["data"]["flannel2-conf.json"].as_str());
        std::fs::create_dir_all(node.path("conf")).unwrap();
        std::fs::write(node.path("conf/10-flannel.conf"), file.unwrap()).unwrap();
        let conf = conf(node, "examples/cni-configuration.conf");
        let printed = [
            text("examples/npwg-demo-1/04_macvlan1.yml"),
            text("examples/npwg-demo-1/06_flannel2.yml"),
            text("examples/npwg-demo-1/13_pod_case3.yml"),
        ]
        .join("\n---\n");

        let attach = |objects: &str, conf: &Value| {
            std::fs::write(node.path("objects.yaml"), objects).unwrap();
            let _ = std::fs::remove_file(node.path("kubelet.sock"));
            let kubelet = crate::fixture::kubelet::Kubelet::start(&node.path("kubelet.sock"), true);
            let _bridge = crate::fixture::bridge::Bridge::of_file(node, kubelet);
            let sandbox = Sandbox::new(node, "pod-case-03");
            let ran = sandbox.run("ADD", conf);
            let got = addresses(&sandbox);
            sandbox.del(conf);
            let _ = nix::mount::umount2(&sandbox.netns.path, nix::mount::MntFlags::MNT_DETACH);
            (ran, got)
        };
        let (ran, got) = attach(&printed, &conf);
        let message = ran.printed["msg"].as_str().unwrap_or_default();
        assert!(
            !ran.success
                && message.contains("entry 3")
                && message.contains("network-attachment-definition (flannel-2)"),
            "{message}"
        );
        assert_eq!(got, []);

        let wanted = |eth0: &str, net3: &str| {
            pairs(&[
                ("eth0", eth0),
                ("net1", "10.1.1.103/24"),
                ("net2", "10.1.1.104/24"),
                ("net3", net3),
            ])
        };
        let new = printed
            .replace(
                "apiVersion: \"kubernetes.cni.cncf.io/v1\"",
                "apiVersion: k8s.cni.cncf.io/v1",
            )
            .replace("kind: Network\n", "kind: NetworkAttachmentDefinition\n");
        let (ran, got) = attach(&new, &conf);
        assert!(ran.success, "{}", ran.printed);
        assert_eq!(got, wanted("10.244.1.2/24", "10.144.1.2/24"));

        let old = printed
            .replace(
                "k8s.v1.cni.cncf.io/networks",
                "kubernetes.v1.cni.cncf.io/networks",
            )
            .replace("\"k8s.cni.cncf.io/v1\"", "kubernetes.cni.cncf.io/v1")
            .replace("kind: NetworkAttachmentDefinition\n", "kind: Network\n");
        let mut of_v2 = conf;
        of_v2["legacy"] = "v2".into();
        let (ran, got) = attach(&old, &of_v2);
        assert!(ran.success, "{}", ran.printed);
        assert_eq!(got, wanted("10.244.1.3/24", "10.144.1.3/24"));
        assert_eq!(node.files("state"), [].into());
    });
}

fn ptp_and_tuning() {
    Node::run(|node| {
        delegates::install(node, "flannel", delegates::FLANNEL);
        let _bridge = bridge(
            node,
            &[
                "examples/npwg-demo-1/07_ptp_tuning_conflist.yml",
                "examples/npwg-demo-1/15_pod_case5.yml",
            ],
        );
        let conf = conf(node, "examples/cni-configuration.conf");
        let sandbox = Sandbox::new(node, "pod-case-05");
        sandbox.add(&conf);
        assert_eq!(
            addresses(&sandbox),
            pairs(&[("eth0", "10.244.1.2/24"), ("net1", "172.16.0.2/24")])
        );
        let net1 = sandbox.netns.ip(&["link", "show", "net1"]);
        assert!(net1.contains("mtu 512"), "{net1}");
        sandbox.del(&conf);
        assert_eq!(sandbox.netns.names(), Vec::<String>::new());
        assert_eq!(node.files("state"), [].into());
    });
}
