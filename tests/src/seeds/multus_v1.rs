//! The document of Multus v1 (2017).

use serde_json::{Value, json};

use super::{bridge, conf, multi_net, on_node, text};
use crate::{
    fixture::{
        binaries, delegates,
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
        Need::Plugins(&["bridge", "ptp", "host-local"]),
    ];
    vec![
        Scenario {
            name: "seeds::multus_v1::a_file_alone",
            needs: NETWORK,
            body: a_file_alone,
        },
        Scenario {
            name: "seeds::multus_v1::networks_of_a_pod",
            needs: NETWORK,
            body: networks_of_a_pod,
        },
        Scenario {
            name: "seeds::multus_v1::weave_as_the_default_network",
            needs: NETWORK,
            body: weave_as_the_default_network,
        },
        Scenario {
            name: "seeds::multus_v1::every_printed_form_of_an_object",
            needs: NETWORK,
            body: every_printed_form_of_an_object,
        },
    ]
}

/// SR-IOV, ptp, and flannel as the master plugin.
fn a_file_alone() {
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
        let printed = text("multus-v1/file-alone.conf");
        let conf = printed.replace("#part of sriov plugin conf", "");
        let mut conf = on_node(node, &conf);
        // There is no agent, and none is expected.
        conf.as_object_mut().unwrap().remove("bridgeSocket");
        let sandbox = Sandbox::new(node, "multus-test");
        let result = sandbox.add(&conf);
        assert_eq!(
            sandbox.netns.names(),
            ["eth0", "net0", "net1"],
            "eth0 by flannel, then net0 and net1 as the document shows"
        );
        let address_of = |name: &str| {
            let links = sandbox.netns.links();
            links
                .into_iter()
                .find(|link| link.name == name)
                .unwrap()
                .addresses
        };
        assert_eq!(address_of("eth0"), ["10.244.1.2/24"]);
        assert_eq!(address_of("net0"), ["10.56.217.131/24"]);
        assert_eq!(address_of("net1"), ["10.168.1.11/24"]);
        assert_eq!(
            result["ip4"]["ip"], "10.244.1.2/24",
            "the master plugin reports back: {result}"
        );
        let default = sandbox.netns.ip(&["route", "show", "default"]);
        assert!(
            default.contains("dev eth0"),
            "the master plugin sets the default route: {default}"
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

/// A kubeconfig, and networks that the pod lists: by the agent, and by the one-shot when the agent is gone.
fn networks_of_a_pod() {
    Node::run(|node| {
        multi_net::prepare(node);
        let names: Vec<&str> = multi_net::OBJECTS
            .into_iter()
            .chain([multi_net::POD, "multus-v1/multus-test.yaml"])
            .collect();
        let agent = bridge(node, &names);
        let mut conf = conf(node, "multus-v1/kubeconfig-only.conf");
        let sandbox = Sandbox::new(node, "multus-multi-net-poc");
        multi_net::attach_and_detach(node, &sandbox, &conf);
        let told: Vec<Value> = agent
            .status("multus-multi-net-poc")
            .iter()
            .map(|of| json!([of["name"], of["interface"], of["default"]]))
            .collect();
        assert_eq!(
            json!(told),
            json!([
                ["default/flannel-conf", "eth0", true],
                ["default/sriov-conf", "net0", null],
                ["default/sriov-vlanid-l2enable-conf", "north", null]
            ])
        );
        drop(agent);
        resolver(node, &mut conf);
        multi_net::attach_and_detach(node, &sandbox, &conf);
        let (_, message) = Sandbox::new(node, "multus-test").fail("ADD", &conf);
        assert!(message.contains("annotation \"networks\""), "{message}");
    });
}

/// The one-shot, which reads the node's objects from a file here. The arguments are the plugin's own, with the printed kubeconfig
/// in the node's folder: it is executed only where that file is.
fn resolver(node: &Node, conf: &mut Value) {
    assert_eq!(conf["kubeconfig"], "/etc/kubernetes/node-kubeconfig.yaml");
    let kubeconfig = node.path("node-kubeconfig.yaml");
    std::fs::write(&kubeconfig, "").expect("the node's folder can be written");
    conf["kubeconfig"] = json!(kubeconfig);
    let script = format!(
        "[ \"$1 $2 $3\" = 'resolve --kubeconfig {}' ] || exit 9\nexec '{}' resolve --objects '{}' --publish-to '{}'\n",
        kubeconfig.display(),
        binaries::path("polypod-device-bridge").display(),
        node.path("objects.yaml").display(),
        node.path("status").display(),
    );
    delegates::install(node, "resolver", &script);
    conf["resolver"] = json!(node.path("bin/resolver"));
}

/// Weave as the default network "in the absence of network field in the pod metadata annotation".
fn weave_as_the_default_network() {
    Node::run(|node| {
        multi_net::prepare(node);
        delegates::install(node, "weave-net", delegates::PROBE);
        let names: Vec<&str> = multi_net::OBJECTS
            .into_iter()
            .chain([multi_net::POD, "multus-v1/multus-test.yaml"])
            .collect();
        drop(bridge(node, &names));
        let printed = conf(node, "multus-v1/default-network.conf");
        let mut by_resolver = printed.clone();
        resolver(node, &mut by_resolver);
        let mut by_annotations = printed;
        by_annotations["runtimeConfig"] = json!({"io.kubernetes.cri.pod-annotations": {}});
        let sandbox = Sandbox::new(node, "multus-test");
        for conf in [&by_resolver, &by_annotations] {
            sandbox.add(conf);
            let calls = delegates::calls(node);
            assert!(
                calls[0].starts_with("ADD eth0") && calls[0].contains("\"hairpinMode\":true"),
                "{calls:?}"
            );
            sandbox.del(conf);
            std::fs::remove_file(node.path("calls")).unwrap();
        }
        // The configuration is printed for later releases too, so which annotation counts has to be said.
        by_resolver["legacy"] = json!("v1");
        let sandbox = Sandbox::new(node, "multus-multi-net-poc");
        multi_net::attach_and_detach(node, &sandbox, &by_resolver);
    });
}

/// As written and as `kubectl get -o yaml` shows it, beside a ThirdPartyResource, which says nothing to a plugin.
fn every_printed_form_of_an_object() {
    Node::run(|node| {
        delegates::install(node, "flannel", delegates::FLANNEL);
        for (index, (of_network, network)) in [
            ("multus-v1/flannel-networkobj.yaml", "flannel-networkobj"),
            (
                "multus-v1/flannel-networkobj-as-got.yaml",
                "flannel-networkobj",
            ),
            ("multus-v1/flannel-conf.yaml", "flannel-conf"),
            ("multus-v1/flannel-conf-as-got.yaml", "flannel-conf"),
        ]
        .into_iter()
        .enumerate()
        {
            let pod = format!("p{index}");
            let agent = bridge(
                node,
                &[
                    "multus-v1/crdnetwork.yaml",
                    "multus-v1/tprnetwork.yaml",
                    of_network,
                ],
            );
            let mut conf = conf(node, "multus-v1/kubeconfig-only.conf");
            conf["runtimeConfig"] = json!({"io.kubernetes.cri.pod-annotations":
                {"networks": format!("[{{\"name\": \"{network}\"}}]")}});
            let sandbox = Sandbox::new(node, &pod);
            let result = sandbox.add(&conf);
            assert_eq!(sandbox.netns.names(), ["eth0"], "{of_network}");
            assert_eq!(result["ip4"]["gateway"], "10.244.1.1", "{result}");
            sandbox.del(&conf);
            drop(agent);
            std::fs::remove_file(node.path("kubelet.sock")).unwrap();
        }
        assert_eq!(node.files("state"), [].into());
    });
}
