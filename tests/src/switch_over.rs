//! Nodes that are switched over from Multus with pods on them, and back; and records that are lost.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    fixture::{
        multus::{self, Delegate},
        needs::SCRIPTS,
        node::Node,
        runtime::{Sandbox, conf},
        witness::{self, pairs, told_at},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "switch_over::pods_of_multus_are_deleted",
            needs: SCRIPTS,
            body: pods_of_multus_are_deleted,
        },
        Scenario {
            name: "switch_over::a_delegate_that_fails_keeps_multus_files",
            needs: SCRIPTS,
            body: a_delegate_that_fails_keeps_multus_files,
        },
        Scenario {
            name: "switch_over::multus_files_that_are_torn_or_empty",
            needs: SCRIPTS,
            body: multus_files_that_are_torn_or_empty,
        },
        Scenario {
            name: "switch_over::multus_files_beside_the_record",
            needs: SCRIPTS,
            body: multus_files_beside_the_record,
        },
        Scenario {
            name: "switch_over::a_torn_record",
            needs: SCRIPTS,
            body: a_torn_record,
        },
        Scenario {
            name: "switch_over::a_missing_record",
            needs: SCRIPTS,
            body: a_missing_record,
        },
    ]
}

/// A chain as the cluster network, and two pod networks, one under a name of its own.
fn delegates() -> Vec<Delegate<'static>> {
    let chain = json!({"cniVersion": "0.4.0", "name": "cbr0", "plugins": [
        {"type": "flannel", "delegate": {"mtu": 1400}}, {"type": "portmap", "capabilities": {"portMappings": true}}]});
    let sriov = json!({"cniVersion": "0.3.1", "name": "sriov-a", "type": "sriov", "deviceID": "0000:03:02.1", "pciBusID": "0000:03:02.1"});
    let storage = json!({"cniVersion": "1.0.0", "name": "storage", "type": "storage", "capabilities": {"ips": true}});
    vec![
        Delegate {
            capability_args: json!({"portMappings": [{"hostPort": 80, "containerPort": 8080}]}),
            ..Delegate::new("cbr0", "eth0", chain)
        },
        Delegate::new("default/sriov-a", "net1", sriov),
        Delegate {
            requested: true,
            capability_args: json!({"ips": ["10.1.1.5/24"]}),
            ..Delegate::new("default/storage", "data0", storage)
        },
    ]
}

/// What DEL of [`delegates`] executes.
const REVERSE: [(&str, &str); 4] = [
    ("storage", "data0"),
    ("sriov", "net1"),
    ("portmap", "eth0"),
    ("flannel", "eth0"),
];

/// A configuration that says nothing of what Multus attached.
fn changed(node: &Node) -> Value {
    witness::install(node, &["flannel", "portmap", "sriov", "storage"]);
    conf(
        node,
        &json!({"delegates": [{"name": "other", "type": "none"}]}),
    )
}

fn pods_of_multus_are_deleted() {
    Node::run(|node| {
        let conf = changed(node);
        let sandbox = Sandbox::new(node, "p1");
        multus::write_scratch(node, &sandbox, &delegates());
        multus::write_results(node, &sandbox, &delegates());
        sandbox.del(&conf);
        let told = witness::told(node);
        let who: Vec<_> = told
            .iter()
            .map(|told| (told.plugin.as_str(), told.interface.as_str()))
            .collect();
        assert_eq!(who, REVERSE);
        assert!(
            told.iter()
                .all(|told| told.verb == "DEL" && told.args.contains("BY=multus")),
            "{told:?}"
        );
        let [storage, sriov, portmap, flannel] =
            [0, 1, 2, 3].map(|index: usize| &told[index].stdin);
        assert_eq!(storage["runtimeConfig"], json!({"ips": ["10.1.1.5/24"]}));
        assert_eq!(storage["prevResult"]["interfaces"][0]["name"], "data0");
        assert_eq!(sriov["deviceID"], "0000:03:02.1");
        assert_eq!(
            sriov.get("prevResult"),
            None,
            "no result before version 0.4.0"
        );
        assert_eq!(
            portmap["runtimeConfig"]["portMappings"][0]["hostPort"],
            json!(80)
        );
        assert_eq!(flannel["delegate"], json!({"mtu": 1400}));
        assert_eq!(flannel["name"], "cbr0");
        assert_eq!(
            node.files("state"),
            [].into(),
            "Multus's files are gone too"
        );
        sandbox.del(&conf);
        assert_eq!(witness::told(node).len(), 0);
        // Without the cache of results there is less to tell the plugins, and they are executed all the same.
        multus::write_scratch(node, &sandbox, &delegates());
        sandbox.del(&conf);
        assert_eq!(told_at(node, "DEL"), pairs(&REVERSE));
        assert_eq!(node.files("state"), [].into());
    });
}

fn a_delegate_that_fails_keeps_multus_files() {
    Node::run(|node| {
        let conf = changed(node);
        let sandbox = Sandbox::new(node, "p1");
        multus::write_scratch(node, &sandbox, &delegates());
        multus::write_results(node, &sandbox, &delegates());
        let before = node.files("state");
        witness::fail(
            node,
            "sriov",
            "DEL",
            &json!({"code": 11, "msg": "the port is busy"}),
        );
        let (code, message) = sandbox.fail("DEL", &conf);
        assert_eq!(code, 11, "{message}");
        assert!(
            message.contains("default/sriov-a") && message.contains("the port is busy"),
            "{message}"
        );
        assert_eq!(told_at(node, "DEL"), pairs(&REVERSE), "all were attempted");
        assert_eq!(node.files("state"), before);
        witness::relent(node);
        sandbox.del(&conf);
        assert_eq!(node.files("state"), [].into());
    });
}

fn multus_files_that_are_torn_or_empty() {
    Node::run(|node| {
        let conf = changed(node);
        for (pod, text, has_results) in [
            ("cut", "[{\"Conf\":{\"name\":\"cbr0\"", true),
            ("nothing", "", true),
            ("cut-alone", "[{\"Conf\":{\"name\":\"cbr0\"", false),
            ("nothing-alone", "", false),
            ("no-list", "{}", false),
        ] {
            let sandbox = Sandbox::new(node, pod);
            multus::write_scratch_text(node, &sandbox, text);
            if has_results {
                multus::write_results(node, &sandbox, &delegates());
            }
            let (code, message) = sandbox.fail("DEL", &conf);
            assert_eq!(code, 103, "{pod}: {message}");
            let file = node.path("state").join(&sandbox.id);
            assert!(
                message.contains(&file.display().to_string()),
                "{pod}: {message}"
            );
            let mut told = told_at(node, "DEL");
            told.sort();
            let mut wanted = if has_results {
                pairs(&REVERSE)
            } else {
                Vec::new()
            };
            wanted.sort();
            assert_eq!(told, wanted, "{pod}: what the results tell is taken away");
            // As the message says.
            std::fs::remove_file(file).unwrap();
            sandbox.del(&conf);
            assert_eq!(node.files("state"), [].into(), "{pod}");
            witness::told(node);
        }
        for (pod, text) in [("empty", "[]"), ("null", "null")] {
            let sandbox = Sandbox::new(node, pod);
            multus::write_scratch_text(node, &sandbox, text);
            sandbox.del(&conf);
            assert_eq!(node.files("state"), [].into(), "{pod}");
        }
        // Another pod's results are not touched.
        let other = Sandbox::new(node, "other");
        multus::write_results(node, &other, &delegates());
        Sandbox::new(node, "p1").del(&conf);
        assert_eq!(node.files("state").len(), 3);
        assert_eq!(told_at(node, "DEL"), []);
    });
}

/// Two networks, the second with a request of the runtime, and Multus's files as long as the pod lives.
fn compatible(node: &Node) -> Value {
    witness::install(node, &["one", "two", "tuning"]);
    conf(
        node,
        &json!({"compat": "multus", "runtimeConfig": {"dns": {"servers": ["10.0.0.1"]}}, "delegates": [
            {"cniVersion": "1.0.0", "name": "a", "type": "one"},
            {"cniVersion": "0.4.0", "name": "b", "plugins": [{"type": "two", "capabilities": {"dns": true}, "vlan": 5}, {"type": "tuning"}]},
        ]}),
    )
}

fn read(node: &Node, name: &str) -> Value {
    let file = node.path("state").join(name);
    let text = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_slice(&text).unwrap()
}

fn base64(value: &Value) -> Value {
    let bytes = STANDARD.decode(value.as_str().unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// The shape is what Multus decodes into its structures (`types.DelegateNetConf`, libcni's `cachedInfo`).
fn multus_files_beside_the_record() {
    Node::run(|node| {
        let conf = compatible(node);
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        let scratch = read(node, "sandbox-p1");
        let [first, second] = &scratch.as_array().unwrap()[..] else {
            panic!("two delegates: {scratch}");
        };
        assert_eq!(base64(&first["Bytes"]), conf["delegates"][0]);
        assert_eq!(base64(&second["Bytes"]), conf["delegates"][1]);
        assert_eq!(first["Conf"]["name"], "a");
        assert_eq!(first["ConfList"].get("plugins"), None, "no chain");
        assert_eq!(
            second["ConfList"]["plugins"].as_array().unwrap().len(),
            2,
            "Multus knows a chain by its plugins"
        );
        assert_eq!(
            (&first["Name"], &second["Name"]),
            (&json!("a"), &json!("b"))
        );
        for delegate in [first, second] {
            assert_eq!(
                delegate.get("ifnameRequest"),
                None,
                "the names of their places"
            );
        }
        for (name, interface, version) in [("a", "eth0", "1.0.0"), ("b", "net1", "0.4.0")] {
            let entry = read(node, &format!("results/{name}-sandbox-p1-{interface}"));
            assert_eq!(entry["kind"], "cniCacheV1");
            assert_eq!(entry["containerId"], "sandbox-p1");
            assert_eq!(entry["ifName"], interface);
            assert_eq!(entry["networkName"], name);
            assert_eq!(entry["netns"], json!(sandbox.netns.path));
            assert_eq!(base64(&entry["config"])["name"], name);
            assert_eq!(
                entry["result"]["cniVersion"], version,
                "libcni reads it in the network's version"
            );
            assert_eq!(entry["result"]["interfaces"][0]["name"], interface);
            assert_eq!(
                entry["capabilityArgs"],
                json!({"dns": {"servers": ["10.0.0.1"]}})
            );
            assert!(
                entry["cniArgs"]
                    .as_array()
                    .unwrap()
                    .contains(&json!(["K8S_POD_NAME", "p1"]))
            );
        }
        sandbox.del(&conf);
        assert_eq!(node.files("state"), [].into());
        // Back again: what was written for Multus is what Multus's own files would be.
        sandbox.add(&conf);
        std::fs::remove_file(node.path("state/sandboxes/sandbox-p1.json")).unwrap();
        witness::told(node);
        sandbox.del(&conf);
        assert_eq!(
            told_at(node, "DEL"),
            pairs(&[("tuning", "net1"), ("two", "net1"), ("one", "eth0")])
        );
        assert_eq!(node.files("state"), [].into());
    });
}

/// Cuts the record of the pod short.
fn tear(node: &Node) -> std::path::PathBuf {
    let file = node.path("state/sandboxes/sandbox-p1.json");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, &text[..text.len() / 2]).unwrap();
    file
}

fn a_torn_record() {
    Node::run(|node| {
        let conf = compatible(node);
        let mut alone = conf.clone();
        alone["compat"] = Value::Null;
        let sandbox = Sandbox::new(node, "p1");
        let reverse = pairs(&[("tuning", "net1"), ("two", "net1"), ("one", "eth0")]);
        // Multus's files say the same.
        sandbox.add(&conf);
        tear(node);
        witness::told(node);
        sandbox.del(&conf);
        assert_eq!(told_at(node, "DEL"), reverse);
        assert_eq!(node.files("state"), [].into());
        // Nothing says the same.
        sandbox.add(&alone);
        let file = tear(node);
        witness::told(node);
        let (code, message) = sandbox.fail("DEL", &alone);
        assert_eq!(code, 103, "{message}");
        assert!(
            message.contains(&file.display().to_string())
                && message.contains("by hand")
                && !message.contains("was taken away"),
            "{message}"
        );
        assert_eq!(told_at(node, "DEL"), []);
        assert!(file.exists());
        // The runtime says that there was something, and the configuration what.
        alone["prevResult"] = json!({"cniVersion": "1.0.0", "interfaces": [{"name": "eth0"}]});
        let (code, message) = sandbox.fail("DEL", &alone);
        assert_eq!(code, 103, "{message}");
        assert!(message.contains("was taken away"), "{message}");
        assert_eq!(told_at(node, "DEL"), reverse);
        assert!(file.exists());
    });
}

fn a_missing_record() {
    Node::run(|node| {
        let mut conf = compatible(node);
        conf["compat"] = Value::Null;
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        std::fs::remove_file(node.path("state/sandboxes/sandbox-p1.json")).unwrap();
        witness::told(node);
        sandbox.del(&conf);
        assert_eq!(told_at(node, "DEL"), [], "nobody says that it was attached");
        conf["prevResult"] = json!({"cniVersion": "1.0.0", "interfaces": [{"name": "eth0"}], "ips": [{"address": "10.1.2.3/24"}]});
        sandbox.del(&conf);
        let told = witness::told(node);
        let who: Vec<_> = told.iter().map(|told| told.plugin.as_str()).collect();
        assert_eq!(who, ["tuning", "two", "one"]);
        assert_eq!(
            told[2].stdin["prevResult"]["ips"][0]["address"], "10.1.2.3/24",
            "the cluster network's result"
        );
        assert_eq!(told[0].stdin.get("prevResult"), None, "not its result");
        witness::fail(
            node,
            "one",
            "DEL",
            &json!({"code": 11, "msg": "the switch is away"}),
        );
        let (code, message) = sandbox.fail("DEL", &conf);
        assert_eq!(code, 11, "{message}");
        assert!(message.contains("the switch is away"), "{message}");
        witness::relent(node);
        // Where others could say what a pod gets, the configuration does not know all: that is told once.
        conf["kubeconfig"] = json!(node.path("kubeconfig"));
        let (code, message) = sandbox.fail("DEL", &conf);
        assert_eq!(code, 103, "{message}");
        assert!(
            message.contains("nobody knows what other networks"),
            "{message}"
        );
        sandbox.del(&conf);
        assert_eq!(node.files("state"), [].into());
        // The runtime has forgotten the sandbox since: another DEL of it was first.
        let results = std::path::Path::new("/var/lib/cni/results");
        std::fs::create_dir_all(results).unwrap();
        sandbox.del(&conf);
        std::fs::remove_dir(results).unwrap();
        assert_eq!(node.files("state"), [].into());
        // A cluster network that is an object cannot be known, and keeps no pod from being deleted either.
        let mut named = conf.clone();
        named["delegates"] = Value::Null;
        named["clusterNetwork"] = json!("an-object");
        sandbox.fail("DEL", &named);
        sandbox.del(&named);
        assert_eq!(node.files("state"), [].into());
    });
}
