//! GC: what no valid attachment needs goes, and every network is told who stays on it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    fixture::{
        delegates, leftovers,
        multus::{self, Delegate},
        needs::{BRIDGE, SCRIPTS},
        node::Node,
        runtime::{Sandbox, conf, finish, gc, host_local, run_of_network},
        witness::{self, Told, pairs, told_at},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "gc::what_is_not_valid_leaves_nothing",
            needs: BRIDGE,
            body: what_is_not_valid_leaves_nothing,
        },
        Scenario {
            name: "gc::every_network_has_its_own_list",
            needs: SCRIPTS,
            body: every_network_has_its_own_list,
        },
        Scenario {
            name: "gc::without_a_list_nothing_is_stale",
            needs: SCRIPTS,
            body: without_a_list_nothing_is_stale,
        },
        Scenario {
            name: "gc::an_add_at_work_is_no_garbage",
            needs: SCRIPTS,
            body: an_add_at_work_is_no_garbage,
        },
        Scenario {
            name: "gc::a_torn_record_is_told",
            needs: SCRIPTS,
            body: a_torn_record_is_told,
        },
        Scenario {
            name: "gc::nobody_collects_while_somebodys_attachments_are_unknown",
            needs: SCRIPTS,
            body: nobody_collects_while_somebodys_attachments_are_unknown,
        },
        Scenario {
            name: "gc::failures_hold_nothing_else_up",
            needs: SCRIPTS,
            body: failures_hold_nothing_else_up,
        },
        Scenario {
            name: "gc::pods_of_multus",
            needs: SCRIPTS,
            body: pods_of_multus,
        },
    ]
}

fn what_is_not_valid_leaves_nothing() {
    Node::run(|node| {
        delegates::install(node, "writes-device-info", delegates::WRITES_DEVICE_INFO);
        let conf = conf(
            node,
            &json!({
                "cniVersion": "1.1.0",
                "deviceInfoDir": node.path("devinfo"),
                "runtimeConfig": {"deviceID": "0000:03:02.1"},
                "delegates": [
                    {"cniVersion": "1.0.0", "name": "device-net", "type": "writes-device-info", "capabilities": {"deviceID": true, "CNIDeviceInfoFile": true}},
                    {"cniVersion": "1.0.0", "name": "bridge-net", "type": "bridge", "bridge": "cni0", "ipam": host_local(node, "10.22.0.0/16")},
                ],
            }),
        );
        let [live, stale, gone, renamed] =
            ["live", "stale", "gone", "renamed"].map(|pod| Sandbox::new(node, pod));
        for sandbox in [&live, &stale, &gone, &renamed] {
            sandbox.add(&conf);
        }
        gone.netns.remove();
        // The runtime knows the container by another attachment alone.
        let valid = renamed.by_interface("eth7");
        gc(node, &conf, &[&live, &gone, &valid]).succeeded();
        assert_eq!(live.netns.names(), ["net1"]);
        for sandbox in [&stale, &renamed] {
            assert_eq!(sandbox.netns.names(), Vec::<String>::new());
        }
        // The runtime is going to delete what it lists, and finds that nothing is left.
        let mut deleting = conf.clone();
        deleting["kubeconfig"] = json!(node.path("kubeconfig"));
        deleting["prevResult"] = json!({"cniVersion": "1.0.0", "interfaces": [{"name": "eth0"}]});
        gone.del(&deleting);
        for folder in ["state", "devinfo"] {
            let left = node.files(folder);
            assert!(
                left.len() == 1
                    && left
                        .iter()
                        .all(|file| file.display().to_string().contains("live")),
                "{left:?}"
            );
        }
        assert_eq!(leftovers::leases(node).len(), 1);
        assert_eq!(leftovers::veths(node).len(), 1);
        live.run("CHECK", &conf).succeeded();
        gc(node, &conf, &[]).succeeded();
        leftovers::assert_none(node, &live, "nothing is valid any more");
        gc(node, &conf, &[]).succeeded();
    });
}

/// Who is valid on the network of a witness that collects.
fn valid(told: &Told) -> BTreeSet<(String, String)> {
    assert_eq!(
        told.stdin["cni.dev/valid-attachments"], told.stdin["cni.dev/attachments"],
        "under both keys"
    );
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = told.stdin["cni.dev/valid-attachments"].as_array().unwrap();
    all.iter()
        .map(|valid| (text(&valid["containerID"]), text(&valid["ifname"])))
        .collect()
}

fn every_network_has_its_own_list() {
    Node::run(|node| {
        witness::install(node, &["cluster", "storage", "chained", "old", "off"]);
        let off = json!({"cniVersion": "1.1.0", "name": "off", "disableGC": true, "plugins": [{"type": "off"}]});
        let storage = json!({"cniVersion": "1.1.0", "name": "storage", "plugins": [{"type": "storage"}, {"type": "chained"}]});
        let cluster = json!({"cniVersion": "1.1.0", "name": "cluster-net", "type": "cluster"});
        let old = json!({"cniVersion": "1.0.0", "name": "old", "type": "old"});
        let conf = conf(
            node,
            &json!({"cniVersion": "1.1.0", "delegates": [cluster, storage, old, off]}),
        );
        let [one, stale] = ["one", "stale"].map(|pod| Sandbox::new(node, pod));
        one.add(&conf);
        stale.add(&conf);
        // Attached by the runtime itself, before there was a meta-plugin.
        let unknown = Sandbox::new(node, "unknown");
        let by_multus = Sandbox::new(node, "by-multus");
        multus::write_scratch(
            node,
            &by_multus,
            &[
                Delegate::new("cluster-net", "eth0", cluster),
                Delegate {
                    requested: true,
                    ..Delegate::new("default/storage", "data0", storage)
                },
            ],
        );
        witness::told(node);
        gc(node, &conf, &[&one, &unknown, &by_multus]).succeeded();
        let told: Vec<Told> = witness::told(node);
        let collecting: Vec<&Told> = told.iter().filter(|told| told.verb == "GC").collect();
        let who: Vec<&str> = collecting.iter().map(|told| told.plugin.as_str()).collect();
        assert_eq!(who.len(), 3, "{who:?}");
        for told in collecting {
            assert_eq!((told.container.as_str(), told.interface.as_str()), ("", ""));
            let wanted = match told.plugin.as_str() {
                "cluster" => vec![
                    ("sandbox-by-multus", "eth0"),
                    ("sandbox-one", "eth0"),
                    ("sandbox-unknown", "eth0"),
                ],
                "storage" | "chained" => {
                    vec![("sandbox-by-multus", "data0"), ("sandbox-one", "net1")]
                }
                other => panic!("{other} has no GC"),
            };
            assert_eq!(
                valid(told),
                pairs(&wanted).into_iter().collect(),
                "{}",
                told.plugin
            );
        }
        assert!(told.iter().any(|told| told.verb == "DEL"
            && told.plugin == "storage"
            && told.container == stale.id),);
    });
}

fn two(node: &Node, version: &str) -> Value {
    witness::install(node, &["one", "two"]);
    conf(
        node,
        &json!({"cniVersion": "1.1.0", "delegates": [
            {"cniVersion": version, "name": "a", "type": "one"},
            {"cniVersion": version, "name": "b", "type": "two"},
        ]}),
    )
}

fn without_a_list_nothing_is_stale() {
    Node::run(|node| {
        let mut conf = two(node, "1.1.0");
        let [kept, gone] = ["kept", "gone"].map(|pod| Sandbox::new(node, pod));
        for sandbox in [&kept, &gone] {
            sandbox.add(&conf);
        }
        multus::write_scratch(node, &Sandbox::new(node, "by-multus"), &[]);
        gone.netns.remove();
        witness::told(node);
        for list in [None, Some(Value::Null)] {
            conf.as_object_mut()
                .unwrap()
                .extend(list.map(|list| ("cni.dev/valid-attachments".to_owned(), list)));
            run_of_network(node, "GC", &conf).succeeded();
        }
        let told = witness::told(node);
        assert!(
            told.iter()
                .all(|told| told.verb == "DEL" && told.container == gone.id)
                && told.len() == 2,
            "{told:?}"
        );
        let left: Vec<_> = node.files("state").into_iter().collect();
        assert_eq!(
            left,
            [
                node.path("state/sandbox-by-multus"),
                node.path("state/sandboxes/sandbox-kept.json")
            ]
        );
        // What is no list at all collects nothing.
        conf["cni.dev/valid-attachments"] = json!([{"ifname": "eth0"}]);
        let (code, message) = run_of_network(node, "GC", &conf).failed();
        assert_eq!(code, 7, "{message}");
        assert!(message.contains("nothing was collected"), "{message}");
        assert_eq!(told_at(node, "DEL"), []);
    });
}

fn an_add_at_work_is_no_garbage() {
    Node::run(|node| {
        delegates::install(node, "waits", delegates::WAITS);
        witness::install(node, &["one"]);
        let conf = conf(
            node,
            &json!({"cniVersion": "1.1.0", "delegates": [
                {"cniVersion": "1.1.0", "name": "a", "type": "one"},
                {"cniVersion": "1.0.0", "name": "b", "type": "waits"},
            ]}),
        );
        let sandbox = Sandbox::new(node, "p1");
        let adding = sandbox.start("ADD", &conf);
        delegates::wait_for_file(&node.path("begun"));
        witness::told(node);
        gc(node, &conf, &[]).succeeded();
        let told = witness::told(node);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].verb, "GC");
        assert_eq!(
            valid(&told[0]),
            pairs(&[("sandbox-p1", "eth0")]).into_iter().collect()
        );
        std::fs::write(node.path("go"), "").unwrap();
        finish(adding).succeeded();
        sandbox.run("CHECK", &conf).succeeded();
        gc(node, &conf, &[]).succeeded();
        assert_eq!(node.files("state"), [].into());
        assert!(!node.path("made").exists());
    });
}

/// Cuts a sandbox's record short.
fn tear(node: &Node, sandbox: &Sandbox) {
    let file = node
        .path("state/sandboxes")
        .join(format!("{}.json", sandbox.id));
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, &text[..text.len() / 2]).unwrap();
}

fn a_torn_record_is_told() {
    Node::run(|node| {
        let conf = two(node, "1.1.0");
        let [torn, stale] = ["a-torn", "stale"].map(|pod| Sandbox::new(node, pod));
        torn.add(&conf);
        stale.add(&conf);
        tear(node, &torn);
        witness::told(node);
        let (code, message) = gc(node, &conf, &[]).failed();
        assert_eq!(code, 103, "{message}");
        assert!(message.contains("sandbox-a-torn.json"), "{message}");
        let told: Vec<_> = witness::told(node)
            .into_iter()
            .map(|told| (told.verb, told.plugin))
            .collect();
        assert_eq!(
            told,
            pairs(&[("DEL", "two"), ("DEL", "one"), ("GC", "one"), ("GC", "two")]),
            "the rest is done"
        );
        let left: Vec<_> = node.files("state").into_iter().collect();
        assert_eq!(left, [node.path("state/sandboxes/sandbox-a-torn.json")]);
    });
}

/// A network that is not told of a live attachment gives its address to somebody else.
fn nobody_collects_while_somebodys_attachments_are_unknown() {
    Node::run(|node| {
        let conf = two(node, "1.1.0");
        let [torn, stale] = ["torn", "stale"].map(|pod| Sandbox::new(node, pod));
        torn.add(&conf);
        stale.add(&conf);
        tear(node, &torn);
        witness::told(node);
        let (code, message) = gc(node, &conf, &[&torn]).failed();
        assert_eq!(code, 103, "{message}");
        assert!(message.contains("sandbox-torn.json"), "{message}");
        let verbs: Vec<_> = witness::told(node)
            .into_iter()
            .map(|told| (told.verb, told.container))
            .collect();
        assert_eq!(
            verbs,
            pairs(&[("DEL", "sandbox-stale"), ("DEL", "sandbox-stale")])
        );
        // The same of a pod that Multus has attached.
        std::fs::remove_file(node.path("state/sandboxes/sandbox-torn.json")).unwrap();
        multus::write_scratch_text(node, &torn, "[{\"Conf\":");
        let (_, message) = gc(node, &conf, &[&torn]).failed();
        assert!(message.contains("sandbox-torn"), "{message}");
        assert_eq!(told_at(node, "GC"), []);
        gc(node, &conf, &[]).succeeded();
        assert_eq!(
            told_at(node, "GC").len(),
            2,
            "whatever that file is, nobody lives by it"
        );
    });
}

fn failures_hold_nothing_else_up() {
    Node::run(|node| {
        let conf = two(node, "1.1.0");
        let [first, second] = ["first", "second"].map(|pod| Sandbox::new(node, pod));
        first.add(&conf);
        second.add(&conf);
        witness::fail(
            node,
            "one",
            "DEL",
            &json!({"code": 111, "msg": "the switch is away"}),
        );
        witness::fail(
            node,
            "one",
            "GC",
            &json!({"code": 112, "msg": "the store is away"}),
        );
        witness::told(node);
        let (code, message) = gc(node, &conf, &[]).failed();
        assert_eq!(code, 111, "{message}");
        assert_eq!(
            message.matches("the switch is away").count(),
            2,
            "{message}"
        );
        assert!(message.contains("the store is away"), "{message}");
        assert_eq!(
            witness::told(node).len(),
            6,
            "everything was attempted: two DEL of two sandboxes, and two GC"
        );
        assert_eq!(node.files("state").len(), 2, "what is left is recorded");
        witness::relent(node);
        gc(node, &conf, &[]).succeeded();
        let told: Vec<_> = witness::told(node)
            .into_iter()
            .map(|told| (told.verb, told.plugin))
            .collect();
        assert_eq!(
            told,
            pairs(&[("DEL", "one"), ("DEL", "one"), ("GC", "one"), ("GC", "two")]),
            "only what was left"
        );
        assert_eq!(node.files("state"), [].into());
    });
}

fn pods_of_multus() {
    Node::run(|node| {
        let conf = two(node, "1.0.0");
        let delegates = [
            Delegate::new(
                "a",
                "eth0",
                json!({"cniVersion": "1.0.0", "name": "a", "type": "one"}),
            ),
            Delegate::new(
                "default/b",
                "net1",
                json!({"cniVersion": "1.0.0", "name": "b", "type": "two"}),
            ),
        ];
        let [live, stale, torn] = ["live", "stale", "torn"].map(|pod| Sandbox::new(node, pod));
        for sandbox in [&live, &stale, &torn] {
            multus::write_scratch(node, sandbox, &delegates);
            multus::write_results(node, sandbox, &delegates);
        }
        multus::write_scratch_text(node, &torn, "");
        std::fs::write(node.path("state/README"), "not a container").unwrap();
        gc(node, &conf, &[&live]).failed();
        let told: Vec<_> = witness::told(node)
            .into_iter()
            .map(|told| (told.verb, told.container, told.plugin))
            .collect();
        for (container, plugins) in [
            ("sandbox-stale", ["two", "one"]),
            ("sandbox-torn", ["two", "one"]),
        ] {
            let of: Vec<_> = told
                .iter()
                .filter(|told| told.1 == container)
                .map(|told| (told.0.as_str(), told.2.as_str()))
                .collect();
            assert_eq!(of, plugins.map(|plugin| ("DEL", plugin)), "{container}");
        }
        assert!(told.iter().all(|told| told.1 != live.id), "{told:?}");
        let left = node.files("state");
        assert_eq!(
            left.iter()
                .filter(|file| file.display().to_string().contains("stale"))
                .count(),
            0,
            "{left:?}"
        );
        assert!(left.contains(&node.path("state/sandbox-live")));
        assert!(left.contains(&node.path("state/results/a-sandbox-live-eth0")));
        assert!(left.contains(&node.path("state/README")));
    });
}
