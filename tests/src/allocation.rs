//! The device-bridge between kubelet and plugin: gRPC on one unix socket, the plugin's question on another.

use serde_json::{Value, json};

use crate::{
    fixture::{
        bridge::{Bridge, network, pod, write_objects},
        delegates,
        kubelet::Kubelet,
        needs::{Need, SCRIPTS},
        node::{Node, ip},
        runtime::{Sandbox, conf, host_local},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    const NETWORK: &[Need] = &[
        Need::Namespaces,
        Need::Ip,
        Need::Plugins(&["bridge", "macvlan", "host-local"]),
    ];
    vec![
        Scenario {
            name: "allocation::two_networks_two_devices",
            needs: NETWORK,
            body: two_networks_two_devices,
        },
        Scenario {
            name: "allocation::an_old_kubelet_is_listed",
            needs: SCRIPTS,
            body: an_old_kubelet_is_listed,
        },
        Scenario {
            name: "allocation::a_device_never_goes_to_two_networks",
            needs: SCRIPTS,
            body: a_device_never_goes_to_two_networks,
        },
        Scenario {
            name: "allocation::what_cannot_be_met_says_why",
            needs: SCRIPTS,
            body: what_cannot_be_met_says_why,
        },
        Scenario {
            name: "allocation::the_resolver_answers_without_an_agent",
            needs: SCRIPTS,
            body: the_resolver_answers_without_an_agent,
        },
        Scenario {
            name: "allocation::networks_from_files_of_the_node",
            needs: SCRIPTS,
            body: networks_from_files_of_the_node,
        },
        Scenario {
            name: "allocation::a_device_that_the_pod_names_reaches_the_plugin",
            needs: SCRIPTS,
            body: a_device_that_the_pod_names_reaches_the_plugin,
        },
        Scenario {
            name: "allocation::the_default_network_of_a_pod",
            needs: SCRIPTS,
            body: the_default_network_of_a_pod,
        },
    ]
}

const RESOURCE: &str = "intel.com/sriov";

fn sriov() -> Value {
    network(
        "sriov-net-a",
        Some(RESOURCE),
        &json!({"cniVersion": "0.3.1", "type": "sriov", "vlan": 1000}),
    )
}

/// Virtual functions: ends of veth pairs, found by their PCI address in a tree like that of sysfs.
fn virtual_functions(node: &Node, addresses: &[&str]) {
    for (index, address) in addresses.iter().enumerate() {
        let name = format!("vf{index}");
        ip(&[
            "link",
            "add",
            &name,
            "type",
            "veth",
            "peer",
            "name",
            &format!("wire{index}"),
        ]);
        std::fs::create_dir_all(
            node.path("sys/bus/pci/devices")
                .join(address)
                .join("net")
                .join(&name),
        )
        .unwrap();
    }
}

/// The whole idea: a cluster network, a macvlan and two virtual functions, each told its own deviceID.
fn two_networks_two_devices() {
    Node::run(|node| {
        delegates::install(node, "sriov", delegates::SRIOV);
        virtual_functions(node, &["0000:03:02.2", "0000:03:02.3"]);
        ip(&[
            "link", "add", "uplink0", "type", "veth", "peer", "name", "switch0",
        ]);
        ip(&["link", "set", "uplink0", "up"]);
        let macvlan = json!({"cniVersion": "0.3.1", "type": "macvlan", "master": "uplink0", "ipam": host_local(node, "192.168.1.0/24")});
        let objects = [
            network("macvlan-conf", None, &macvlan),
            sriov(),
            pod("p1", "macvlan-conf, sriov-net-a, sriov-net-a"),
        ];
        let bridge = Bridge::start(node, &objects);
        bridge.kubelet.allocate(
            "p1",
            &[("app", RESOURCE, &["0000:03:02.2", "0000:03:02.3"])],
        );
        let conf = bridge.conf(&json!({"cniVersion": "1.0.0", "name": "cluster-net", "type": "bridge", "bridge": "cni0", "ipam": host_local(node, "10.22.0.0/24")}));
        let sandbox = Sandbox::new(node, "p1");
        let result = sandbox.add(&conf);
        assert_eq!(result["ips"][0]["address"], "10.22.0.2/24");
        assert_eq!(sandbox.netns.names(), ["eth0", "net1", "net2", "net3"]);
        assert_eq!(
            std::fs::read_to_string(node.path("vfs")).unwrap(),
            "net2 0000:03:02.2\nnet3 0000:03:02.3\n"
        );
        let status = bridge.status("p1");
        let names: Vec<_> = status
            .iter()
            .map(|element| (&element["name"], &element["interface"]))
            .collect();
        assert_eq!(
            json!(names),
            json!([
                ["cluster-net", "eth0"],
                ["default/macvlan-conf", "net1"],
                ["default/sriov-net-a", "net2"],
                ["default/sriov-net-a", "net3"]
            ])
        );
        assert_eq!(status[0]["default"], true);
        assert_eq!(
            status[3]["device-info"]["pci"]["pci-address"],
            "0000:03:02.3"
        );
        assert_eq!(status[1]["ips"], json!(["192.168.1.2"]));
        sandbox.del(&conf);
        assert_eq!(sandbox.netns.names(), Vec::<String>::new());
        assert_eq!(node.files("state"), [].into());
        let links = node.links();
        assert!(
            ["vf0", "vf1"]
                .iter()
                .all(|vf| links.iter().any(|link| link.name == *vf)),
            "the functions are back: {links:?}"
        );
    });
}

fn an_old_kubelet_is_listed() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let chain = json!({"cniVersion": "1.0.0", "plugins": [{"type": "probe"}, {"type": "probe", "capabilities": {"deviceID": true}}]});
        let objects = [network("chain", Some(RESOURCE), &chain), pod("p1", "chain")];
        let bridge = Bridge::with_kubelet(
            node,
            &objects,
            Kubelet::start(&node.path("kubelet.sock"), false),
        );
        bridge
            .kubelet
            .allocate("other", &[("app", RESOURCE, &["0000:03:02.7"])]);
        bridge
            .kubelet
            .allocate("p1", &[("app", RESOURCE, &["0000:03:02.5"])]);
        let conf = bridge.conf(&json!({"cniVersion": "1.0.0", "name": "a", "type": "probe"}));
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        let calls = delegates::calls(node);
        assert!(
            !calls[0].contains("deviceID"),
            "the cluster network has no device: {calls:#?}"
        );
        for call in &calls[1..] {
            assert!(
                call.contains(r#""deviceID":"0000:03:02.5""#)
                    && call.contains(r#""pciBusID":"0000:03:02.5""#),
                "{call}"
            );
        }
        assert!(
            calls[2].contains(r#""runtimeConfig":{"deviceID":"0000:03:02.5"}"#),
            "{}",
            calls[2]
        );
        sandbox.del(&conf);
        assert!(
            delegates::calls(node)
                .iter()
                .filter(|call| call.starts_with("DEL"))
                .any(|call| call.contains("0000:03:02.5")),
            "DEL is told the same"
        );
    });
}

fn a_device_never_goes_to_two_networks() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let probe = json!({"cniVersion": "1.0.0", "type": "probe"});
        let objects = [
            network("a", Some(RESOURCE), &probe),
            network("b", Some(RESOURCE), &probe),
            pod("p1", "a,b,a"),
        ];
        let bridge = Bridge::start(node, &objects);
        // Two containers; the second one's ids sort before the first one's.
        bridge.kubelet.allocate(
            "p1",
            &[
                ("one", RESOURCE, &["0000:09:00.2", "0000:09:00.1"]),
                ("two", RESOURCE, &["0000:03:00.1"]),
            ],
        );
        let conf = bridge.conf(&probe);
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        let devices: Vec<String> = delegates::calls(node)
            .iter()
            .filter_map(|call| {
                call.split_once("\"deviceID\":\"")
                    .map(|(_, rest)| rest[..12].to_owned())
            })
            .collect();
        assert_eq!(
            devices,
            ["0000:09:00.1", "0000:09:00.2", "0000:03:00.1"],
            "containers in their order, sorted within one"
        );
        sandbox.del(&conf);
    });
}

fn what_cannot_be_met_says_why() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let probe = json!({"cniVersion": "1.0.0", "type": "probe"});
        let mut objects = vec![
            network("a", Some(RESOURCE), &probe),
            network("empty", Some(""), &probe),
            network("plain", None, &probe),
        ];
        for (index, config) in ["null", "{}", "{\"plugins\":[]}", "{\"type\":\"multus\"}"]
            .into_iter()
            .enumerate()
        {
            let mut broken = network(&format!("broken-{index}"), None, &probe);
            broken["spec"]["config"] = json!(config);
            objects.push(broken);
        }
        let cases = [
            ("few", "a,a", &["default/few", RESOURCE, "2", "1"][..]),
            ("missing", "nowhere", &["nowhere", "default"]),
            ("null", "[null]", &["entry 1"]),
            ("typo", r#"[{"name":"plain""#, &["not valid JSON"]),
            ("resource", "empty", &["default/empty", "resource name"]),
            (
                "ips",
                r#"[{"name":"plain","ips":["10.0.0.1"]}]"#,
                &["\"ips\"", "capabilities"],
            ),
            (
                "route",
                r#"[{"name":"plain","default-route":["0.0.0.0"]}]"#,
                &["default-route", "0.0.0.0"],
            ),
            ("eth0", "plain@eth0", &["eth0"]),
            ("conf0", "broken-0", &["broken-0", "null"]),
            ("conf1", "broken-1", &["broken-1", "'type'"]),
            ("conf2", "broken-2", &["broken-2", "/plugins"]),
            ("conf3", "broken-3", &["broken-3", "multus"]),
        ];
        objects.extend(cases.iter().map(|(name, networks, _)| pod(name, networks)));
        let bridge = Bridge::start(node, &objects);
        bridge
            .kubelet
            .allocate("few", &[("app", RESOURCE, &["0000:03:02.2"])]);
        let conf = bridge.conf(&probe);
        for (name, networks, words) in cases {
            let sandbox = Sandbox::new(node, name);
            let (code, message) = sandbox.fail("ADD", &conf);
            assert!((2..1000).contains(&code), "{message}");
            for word in words {
                assert!(message.contains(word), "{networks}: {word}: {message}");
            }
            sandbox.del(&conf);
        }
        let (code, message) = Sandbox::new(node, "nobody").fail("ADD", &conf);
        assert_eq!(code, 11, "a pod that is not known yet: {message}");
        let mut recreated = Sandbox::new(node, "few2");
        recreated.pod = "few".to_owned();
        recreated.uid = "another".to_owned();
        let (code, message) = recreated.fail("ADD", &conf);
        assert_eq!(code, 11, "{message}");
        assert!(
            message.contains("uid-few") && message.contains("another"),
            "{message}"
        );
        assert_eq!(node.files("state"), [].into());
        assert_eq!(
            delegates::calls(node),
            Vec::<String>::new(),
            "nothing was executed"
        );

        std::fs::remove_file(node.path("kubelet.sock")).unwrap();
        drop(bridge.kubelet);
        let (_, message) =
            Sandbox::new(node, "few3").fail("ADD", &with_pod_annotations(&conf, "a"));
        assert!(message.contains("kubelet.sock"), "{message}");
    });
}

fn with_pod_annotations(conf: &Value, networks: &str) -> Value {
    let mut conf = conf.clone();
    conf["runtimeConfig"] =
        json!({"io.kubernetes.cri.pod-annotations": {"k8s.v1.cni.cncf.io/networks": networks}});
    conf
}

/// The thin mode of the seeds: a kubeconfig in the configuration and no agent on the node.
fn the_resolver_answers_without_an_agent() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let probe = json!({"cniVersion": "1.0.0", "type": "probe"});
        let objects = [
            network("a", None, &probe),
            network("b", Some(RESOURCE), &probe),
            pod("p1", "a@data0,b"),
        ];
        write_objects(node, &objects);
        // Of a distribution whose kubelet has another folder.
        let socket = node.path("kubelet/pod-resources/kubelet.sock");
        std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
        let kubelet = Kubelet::start(&socket, true);
        kubelet.allocate("p1", &[("app", RESOURCE, &["0000:03:02.2"])]);
        // What stands in for an API server here is a file; the arguments are the plugin's own.
        let resolver = format!(
            "[ \"$1 $2\" = 'resolve --kubeconfig' ] || exit 9\nshift 3\nexec '{}' resolve \"$@\" --objects '{}' --publish-to '{}'\n",
            crate::fixture::binaries::path("polypod-device-bridge").display(),
            node.path("objects.yaml").display(),
            node.path("status").display(),
        );
        delegates::install(node, "resolver", &resolver);
        std::fs::write(node.path("kubeconfig"), "").unwrap();
        let conf = conf(
            node,
            &json!({
            "kubeconfig": node.path("kubeconfig"),
            "bridgeSocket": node.path("no.sock"),
            "resolver": node.path("bin/resolver"),
            "podResourcesSocket": socket,
            "delegates": [probe]}),
        );
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        assert!(delegates::calls(node)[2].contains("0000:03:02.2"));
        let interfaces: Vec<String> = delegates::calls(node)
            .iter()
            .map(|call| call.split(' ').nth(1).unwrap().to_owned())
            .collect();
        assert_eq!(interfaces, ["eth0", "data0", "net2"]);
        let status = std::fs::read_to_string(node.path("status/default_p1.json"))
            .expect("the resolver publishes before it ends");
        assert!(status.contains("default/a"), "{status}");
        sandbox.del(&conf);
        assert_eq!(node.files("state"), [].into());
    });
}

/// A NetworkAttachmentDefinition without `spec.config` means a file of the node.
fn networks_from_files_of_the_node() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let bare = json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition", "metadata": {"name": "on-disk", "namespace": "default"}});
        let bridge = Bridge::start(node, &[bare, pod("p1", "on-disk")]);
        let conf = bridge.conf(&json!({"cniVersion": "1.0.0", "name": "a", "type": "probe"}));
        let (code, message) = Sandbox::new(node, "p1").fail("ADD", &conf);
        assert_eq!(code, 7);
        assert!(
            message.contains("on-disk") && message.contains("spec.config"),
            "{message}"
        );
        std::fs::create_dir_all(node.path("conf")).unwrap();
        std::fs::write(
            node.path("conf/50-on-disk.conf"),
            r#"{"cniVersion":"1.0.0","name":"on-disk","type":"probe","marker":"from-file"}"#,
        )
        .unwrap();
        let mut sandbox = Sandbox::new(node, "p1b");
        sandbox.pod = "p1".to_owned();
        sandbox.uid = "uid-p1".to_owned();
        sandbox.add(&conf);
        assert!(delegates::calls(node)[1].contains("from-file"));
        sandbox.del(&conf);
    });
}

fn the_default_network_of_a_pod() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let probe = json!({"cniVersion": "1.0.0", "type": "probe", "capabilities": {"mac": true}});
        let mut fast = network("fast", Some(RESOURCE), &probe);
        fast["metadata"]["namespace"] = json!("kube-system");
        let mut chooser = pod("p1", "also");
        chooser["metadata"]["annotations"]["v1.multus-cni.io/default-network"] =
            json!(r#"[{"name":"fast","mac":"02:00:00:00:00:09"}]"#);
        let bridge = Bridge::start(
            node,
            &[fast, network("also", Some(RESOURCE), &probe), chooser],
        );
        bridge.kubelet.allocate(
            "p1",
            &[("app", RESOURCE, &["0000:03:02.2", "0000:03:02.3"])],
        );
        let conf =
            bridge.conf(&json!({"cniVersion": "1.0.0", "name": "a", "type": "not-executed"}));
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        let calls = delegates::calls(node);
        assert!(
            calls[0].starts_with("ADD eth0")
                && calls[0].contains("02:00:00:00:00:09")
                && calls[0].contains("0000:03:02.2"),
            "{calls:#?}"
        );
        assert!(
            calls[1].starts_with("ADD net1") && calls[1].contains("0000:03:02.3"),
            "both are counted together: {calls:#?}"
        );
        sandbox.del(&conf);
    });
}

fn a_device_that_the_pod_names_reaches_the_plugin() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let probe = json!({"cniVersion": "1.0.0", "type": "probe"});
        let named = pod("p1", r#"[{"name":"plain","deviceID":"0000:03:02.7"}]"#);
        let bridge = Bridge::start(node, &[network("plain", None, &probe), named]);
        let conf = bridge.conf(&probe);
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        let calls = delegates::calls(node);
        assert!(
            calls[1].contains(r#""deviceID":"0000:03:02.7""#)
                && calls[1].contains(r#""pciBusID":"0000:03:02.7""#),
            "{calls:#?}"
        );
        sandbox.del(&conf);
    });
}
