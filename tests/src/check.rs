//! CHECK: everything that is recorded, as it was attached.

use serde_json::{Value, json};

use crate::{
    fixture::{
        bridge::{Bridge, network, pod},
        delegates,
        multus::{self, Delegate},
        needs::{BRIDGE, SCRIPTS},
        node::Node,
        runtime::{Sandbox, conf, finish, host_local},
        witness::{self, pairs, told_at},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "check::cluster_network_and_the_pods_networks",
            needs: SCRIPTS,
            body: cluster_network_and_the_pods_networks,
        },
        Scenario {
            name: "check::all_that_is_amiss_is_told",
            needs: SCRIPTS,
            body: all_that_is_amiss_is_told,
        },
        Scenario {
            name: "check::what_is_not_attached",
            needs: SCRIPTS,
            body: what_is_not_attached,
        },
        Scenario {
            name: "check::an_add_that_was_killed",
            needs: SCRIPTS,
            body: an_add_that_was_killed,
        },
        Scenario {
            name: "check::a_lost_interface",
            needs: BRIDGE,
            body: a_lost_interface,
        },
        Scenario {
            name: "check::pods_of_multus",
            needs: SCRIPTS,
            body: pods_of_multus,
        },
    ]
}

/// Attached with a bridge, checked without.
fn cluster_network_and_the_pods_networks() {
    Node::run(|node| {
        witness::install(
            node,
            &["cluster", "storage", "first", "second", "old", "off"],
        );
        let off =
            json!({"cniVersion": "1.0.0", "disableCheck": true, "plugins": [{"type": "off"}]});
        let chain =
            json!({"cniVersion": "0.4.0", "plugins": [{"type": "first"}, {"type": "second"}]});
        let objects = [
            network(
                "storage",
                None,
                &json!({"cniVersion": "0.4.0", "type": "storage"}),
            ),
            network("old", None, &json!({"cniVersion": "0.3.1", "type": "old"})),
            network("off", None, &off),
            network("chain", None, &chain),
            pod("p1", "storage, old, off, chain@chain0"),
        ];
        let bridge = Bridge::start(node, &objects);
        let conf = bridge.conf(
            &json!({"cniVersion": "1.0.0", "name": "cluster-net", "type": "cluster", "mtu": 1400}),
        );
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        drop(bridge);
        witness::told(node);
        let ran = sandbox.run("CHECK", &conf).succeeded();
        assert_eq!(ran.printed, Value::Null, "CHECK prints nothing");
        let told = witness::told(node);
        let who: Vec<_> = told
            .iter()
            .map(|told| {
                (
                    told.plugin.as_str(),
                    told.interface.as_str(),
                    told.stdin["prevResult"]["cniVersion"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            who,
            [
                ("cluster", "eth0", "1.0.0"),
                ("storage", "net1", "0.4.0"),
                ("first", "chain0", "0.4.0"),
                ("second", "chain0", "0.4.0"),
            ],
            "in the order of ADD, without versions from before CHECK and without disableCheck"
        );
        for told in &told {
            let interface = &told.stdin["prevResult"]["interfaces"][0]["name"];
            assert_eq!(*interface, told.interface, "its own result");
            assert_eq!(told.container, sandbox.id);
            assert!(told.args.contains("K8S_POD_NAME=p1"), "{}", told.args);
        }
        assert_eq!(told[0].stdin["mtu"], 1400);
        assert_eq!(told[3].stdin["name"], "chain", "the list's own name");
        sandbox.del(&conf);
    });
}

fn three(node: &Node) -> Value {
    witness::install(node, &["one", "two", "three"]);
    conf(
        node,
        &json!({"delegates": [
            {"cniVersion": "1.0.0", "name": "a", "type": "one"},
            {"cniVersion": "1.0.0", "name": "b", "type": "two"},
            {"cniVersion": "1.0.0", "name": "c", "type": "three"},
        ]}),
    )
}

fn all_that_is_amiss_is_told() {
    Node::run(|node| {
        let conf = three(node);
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        witness::fail(
            node,
            "one",
            "CHECK",
            &json!({"code": 123, "msg": "no route"}),
        );
        witness::fail(
            node,
            "three",
            "CHECK",
            &json!({"code": 124, "msg": "no address"}),
        );
        let (code, message) = sandbox.fail("CHECK", &conf);
        assert_eq!(code, 123, "the first one's");
        for word in ["\"a\"", "no route", "\"c\"", "net2", "no address"] {
            assert!(message.contains(word), "{word}: {message}");
        }
        assert!(!message.contains("\"b\""), "{message}");
        witness::relent(node);
        sandbox.run("CHECK", &conf).succeeded();
        sandbox.del(&conf);
    });
}

fn what_is_not_attached() {
    Node::run(|node| {
        let conf = three(node);
        let sandbox = Sandbox::new(node, "p1");
        let (code, message) = sandbox.fail("CHECK", &conf);
        assert_eq!(code, 3, "{message}");
        assert!(message.contains("sandbox-p1"), "{message}");
        sandbox.add(&conf);
        let (code, message) = sandbox.by_interface("eth1").fail("CHECK", &conf);
        assert_eq!(code, 3, "another attachment of the container: {message}");
        assert!(message.contains("eth1"), "{message}");
        let record = node.path("state/sandboxes/sandbox-p1.json");
        let text = std::fs::read_to_string(&record).unwrap();
        std::fs::write(&record, &text[..text.len() / 3]).unwrap();
        let (code, message) = sandbox.fail("CHECK", &conf);
        assert_eq!(code, 103, "{message}");
        assert!(message.contains("sandbox-p1.json"), "{message}");
        std::fs::write(&record, text).unwrap();
        sandbox.del(&conf);
        assert_eq!(sandbox.fail("CHECK", &conf).0, 3);
    });
}

fn an_add_that_was_killed() {
    Node::run(|node| {
        witness::install(node, &["quick"]);
        delegates::install(node, "slow", delegates::WAITS);
        let conf = conf(
            node,
            &json!({"delegates": [
                {"cniVersion": "1.0.0", "name": "a", "type": "quick"},
                {"cniVersion": "1.0.0", "name": "b", "type": "slow"},
            ]}),
        );
        let sandbox = Sandbox::new(node, "p1");
        let mut killed = sandbox.start("ADD", &conf);
        delegates::wait_for_file(&node.path("begun"));
        killed.kill().unwrap();
        finish(killed);
        std::fs::write(node.path("go"), "").unwrap();
        let (code, message) = sandbox.fail("CHECK", &conf);
        assert_eq!(code, 3, "{message}");
        assert!(
            message.contains("\"b\"") && message.contains("net1") && !message.contains("\"a\""),
            "{message}"
        );
        sandbox.del(&conf);
    });
}

fn a_lost_interface() {
    Node::run(|node| {
        let bridge = |index: u8| {
            json!({"cniVersion": "1.0.0", "name": format!("net-{index}"), "type": "bridge", "bridge": format!("br{index}"),
                   "ipam": host_local(node, &format!("10.{index}.0.0/24"))})
        };
        let conf = conf(node, &json!({"delegates": [bridge(1), bridge(2)]}));
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        sandbox.run("CHECK", &conf).succeeded();
        sandbox.netns.ip(&["link", "delete", "net1"]);
        let (_, message) = sandbox.fail("CHECK", &conf);
        for word in ["\"net-2\"", "net1", "bridge", "CHECK"] {
            assert!(message.contains(word), "{word}: {message}");
        }
        assert!(!message.contains("\"net-1\""), "{message}");
        sandbox.del(&conf);
    });
}

/// Multus itself has never checked but what its configuration lists, and its default routes are often not those that were
/// asked for.
fn pods_of_multus() {
    Node::run(|node| {
        witness::install(node, &["cluster", "storage"]);
        let conf = conf(
            node,
            &json!({"delegates": [{"name": "other", "type": "none"}]}),
        );
        let sandbox = Sandbox::new(node, "p1");
        let delegates = [
            Delegate::new(
                "cbr0",
                "eth0",
                json!({"cniVersion": "0.4.0", "name": "cbr0", "type": "cluster"}),
            ),
            Delegate {
                default_route: vec!["10.1.1.1"],
                ..Delegate::new(
                    "default/storage",
                    "net1",
                    json!({"cniVersion": "1.0.0", "name": "storage", "type": "storage"}),
                )
            },
        ];
        multus::write_scratch(node, &sandbox, &delegates);
        multus::write_results(node, &sandbox, &delegates);
        sandbox.run("CHECK", &conf).succeeded();
        assert_eq!(
            told_at(node, "CHECK"),
            pairs(&[("cluster", "eth0"), ("storage", "net1")])
        );
        witness::fail(
            node,
            "storage",
            "CHECK",
            &json!({"code": 100, "msg": "gone"}),
        );
        let (code, message) = sandbox.fail("CHECK", &conf);
        assert_eq!(code, 100);
        assert!(
            message.contains("default/storage") && message.contains("gone"),
            "{message}"
        );
        sandbox.del(&conf);
    });
}
