//! Networks of one resource, wherever they are selected, take its devices one after another.

use serde_json::{Value, json};

use crate::{
    fixture::{
        bridge::{Bridge, network, pod},
        delegates,
        needs::SCRIPTS,
        node::Node,
        runtime::Sandbox,
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "device_order::configuration_and_annotations_together",
            needs: SCRIPTS,
            body: configuration_and_annotations_together,
        },
        Scenario {
            name: "device_order::a_device_that_the_pod_names_is_not_given_again",
            needs: SCRIPTS,
            body: a_device_that_the_pod_names_is_not_given_again,
        },
    ]
}

const RESOURCE: &str = "intel.com/sriov";

const DEVICES: [&str; 6] = [
    "0000:03:02.1",
    "0000:03:02.2",
    "0000:03:02.3",
    "0000:03:02.4",
    "0000:03:02.5",
    "0000:03:02.6",
];

fn networks() -> Vec<Value> {
    let probe = json!({"cniVersion": "1.0.0", "type": "probe"});
    let mut all = vec![network("mine", Some(RESOURCE), &probe)];
    for name in ["cluster", "chosen", "first-default", "second-default"] {
        let mut network = network(name, Some(RESOURCE), &probe);
        network["metadata"]["namespace"] = json!("kube-system");
        all.push(network);
    }
    all
}

fn conf(bridge: &Bridge<'_>) -> Value {
    let mut conf = bridge.conf(&json!({}));
    conf.as_object_mut().unwrap().remove("delegates");
    conf["clusterNetwork"] = json!("cluster");
    conf["defaultNetworks"] = json!(["first-default", "second-default"]);
    conf
}

fn configuration_and_annotations_together() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let mut objects = networks();
        objects.push(pod("of-cluster", "mine,mine"));
        let mut chooser = pod("chooser", "mine,mine,mine");
        chooser["metadata"]["annotations"]["v1.multus-cni.io/default-network"] = json!("chosen");
        objects.push(chooser);
        objects.push(pod("short", "mine,mine"));
        let bridge = Bridge::start(node, &objects);
        let conf = conf(&bridge);
        for (name, wanted) in [
            (
                "of-cluster",
                &["cluster", "first-default", "second-default", "mine", "mine"][..],
            ),
            (
                "chooser",
                &[
                    "chosen",
                    "first-default",
                    "second-default",
                    "mine",
                    "mine",
                    "mine",
                ],
            ),
        ] {
            bridge
                .kubelet
                .allocate(name, &[("app", RESOURCE, &DEVICES[..wanted.len()])]);
            let sandbox = Sandbox::new(node, name);
            sandbox.add(&conf);
            let interfaces = ["eth0", "net1", "net2", "net3", "net4", "net5"];
            let wanted: Vec<_> = wanted
                .iter()
                .zip(interfaces)
                .zip(DEVICES)
                .map(|((network, interface), device)| {
                    (
                        interface.to_owned(),
                        (*network).to_owned(),
                        device.to_owned(),
                    )
                })
                .collect();
            assert_eq!(told(node, "ADD"), wanted, "{name}");
            std::fs::remove_file(node.path("calls")).unwrap();
            sandbox.del(&conf);
            let deleted = told(node, "DEL");
            assert_eq!(
                deleted,
                wanted.into_iter().rev().collect::<Vec<_>>(),
                "DEL is told the same, backwards"
            );
            std::fs::remove_file(node.path("calls")).unwrap();
            // The pod is gone, and the next one may have its devices.
            bridge.kubelet.allocate(name, &[]);
        }
        bridge
            .kubelet
            .allocate("short", &[("app", RESOURCE, &DEVICES[..4])]);
        let (_, message) = Sandbox::new(node, "short").fail("ADD", &conf);
        for word in [
            "kube-system/cluster, kube-system/first-default, kube-system/second-default, default/mine, default/mine",
            "need 5",
            "allocated 4",
        ] {
            assert!(message.contains(word), "{word}: {message}");
        }
        assert_eq!(told(node, "ADD"), []);
    });
}

/// Interface, network and device of every call of a verb.
fn told(node: &Node, verb: &str) -> Vec<(String, String, String)> {
    let calls = delegates::calls(node);
    let of_verb = calls.iter().filter(|call| call.starts_with(verb));
    of_verb
        .map(|call| {
            let mut words = call.splitn(4, ' ');
            let interface = words.nth(1).unwrap().to_owned();
            let conf: Value = serde_json::from_str(words.nth(1).unwrap()).unwrap();
            let text = |key: &str| conf[key].as_str().unwrap_or_default().to_owned();
            (interface, text("name"), text("deviceID"))
        })
        .collect()
}

/// The pod's annotation names a device that the kubelet allocated, and which another network would take in its turn.
fn a_device_that_the_pod_names_is_not_given_again() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let mut objects = networks();
        let probe = json!({"cniVersion": "1.0.0", "type": "probe"});
        objects.push(network("plain", None, &probe));
        let named = format!(r#"[{{"name":"plain","deviceID":"{}"}}]"#, DEVICES[1]);
        objects.push(pod("p1", &named));
        let bridge = Bridge::start(node, &objects);
        bridge
            .kubelet
            .allocate("p1", &[("app", RESOURCE, &DEVICES[..3])]);
        let sandbox = Sandbox::new(node, "p1");
        let (_, message) = sandbox.fail("ADD", &conf(&bridge));
        for word in [
            DEVICES[1],
            "kube-system/first-default",
            "default/plain",
            "both",
        ] {
            assert!(message.contains(word), "{word}: {message}");
        }
        assert_eq!(told(node, "ADD"), []);
        assert_eq!(node.files("state"), [].into());
    });
}
