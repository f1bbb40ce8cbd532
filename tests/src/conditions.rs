//! Every condition that makes Multus fail: a clear error with a code, nothing left behind, no panic.
//!
//! Where people match on Multus's words and these read well, they are in ours.

use serde_json::{Value, json};

use crate::{
    fixture::{
        binaries,
        bridge::{Bridge, network, pod},
        delegates,
        needs::SCRIPTS,
        node::Node,
        probed::{sandbox, take_adds},
        runtime::{Ran, Sandbox, conf, error, run_of_network},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "conditions::of_the_node",
            needs: SCRIPTS,
            body: of_the_node,
        },
        Scenario {
            name: "conditions::of_a_pod",
            needs: SCRIPTS,
            body: of_a_pod,
        },
        Scenario {
            name: "conditions::of_delegates_that_are_gone",
            needs: SCRIPTS,
            body: of_delegates_that_are_gone,
        },
    ]
}

/// What is done, with which verb, and what comes of it.
struct Row {
    done: &'static str,
    verb: &'static str,
    code: u64,
    words: &'static [&'static str],
    /// Prepares it, and gives back the configuration.
    prepare: fn(&Node, &mut Sandbox) -> Value,
}

fn row(
    done: &'static str,
    verb: &'static str,
    code: u64,
    words: &'static [&'static str],
    prepare: fn(&Node, &mut Sandbox) -> Value,
) -> Row {
    Row {
        done,
        verb,
        code,
        words,
        prepare,
    }
}

fn probe() -> Value {
    json!({"cniVersion": "1.1.0", "name": "main", "type": "probe"})
}

fn run(node: &Node, sandbox: &Sandbox, verb: &str, conf: &Value) -> Ran {
    match verb {
        "STATUS" | "GC" => run_of_network(node, verb, conf),
        _ => sandbox.run(verb, conf),
    }
}

fn check(node: &Node, rows: Vec<Row>) {
    delegates::install(node, "probe", delegates::PROBE);
    for (index, row) in rows.into_iter().enumerate() {
        let mut sandbox = Sandbox::new(node, &format!("p{index}"));
        let conf = (row.prepare)(node, &mut sandbox);
        let ran = run(node, &sandbox, row.verb, &conf);
        let about = format!("{} {}: {} {}", row.verb, row.done, ran.printed, ran.stderr);
        assert!(!ran.success, "{about}");
        let (code, message) = error(&ran.printed);
        assert_eq!(code, row.code, "{about}");
        for word in row.words {
            assert!(message.contains(word), "{word:?} is not in {about}");
        }
        assert_eq!(node.files("state"), [].into(), "no record: {about}");
        assert_eq!(take_adds(node).len(), 0, "nothing was attached: {about}");
    }
}

const NOT_JSON: &[&str] = &["network configuration on standard input is not a JSON object"];
const NO_DELEGATE: &[&str] = &["at least one delegate/clusterNetwork must be specified"];
const NOT_READY: &[&str] = &["still waiting for readinessindicatorfile @", "/ready"];
const NO_PLUGIN: &[&str] = &["failed to find plugin \"missing\" in path [", "/bin"];
const NO_BRIDGE: &[&str] = &[
    "none.sock",
    "is polypod-device-bridge running on this node?",
];

fn of_the_node() {
    Node::run(|node| {
        let no_object = |_: &Node, _: &mut Sandbox| json!("text");
        let nothing = |node: &Node, _: &mut Sandbox| conf(node, &json!({}));
        let not_ready = |node: &Node, _: &mut Sandbox| {
            let more = json!({"timeout": 2, "delegates": [probe()], "readinessindicatorfile": node.path("ready")});
            conf(node, &more)
        };
        let no_bridge = |node: &Node, _: &mut Sandbox| {
            let more = json!({"bridgeSocket": node.path("none.sock"), "bridgeTimeout": 1, "delegates": [probe()]});
            conf(node, &more)
        };
        let no_plugin = |node: &Node, _: &mut Sandbox| {
            conf(
                node,
                &json!({"delegates": [probe(), {"cniVersion": "1.1.0", "type": "missing"}]}),
            )
        };
        let rows = vec![
            row("no JSON object", "ADD", 6, NOT_JSON, no_object),
            row("no JSON object", "DEL", 6, NOT_JSON, no_object),
            row("no JSON object", "CHECK", 6, NOT_JSON, no_object),
            row("no JSON object", "STATUS", 6, NOT_JSON, no_object),
            row("no JSON object", "GC", 6, NOT_JSON, no_object),
            row("nothing to delegate to", "ADD", 7, NO_DELEGATE, nothing),
            row("nothing to delegate to", "STATUS", 7, NO_DELEGATE, nothing),
            row(
                "a delegate without plugins",
                "ADD",
                7,
                &["delegate must have the 'type' or 'plugin' field"],
                |node, _| conf(node, &json!({"delegates": [{"name": "x"}]})),
            ),
            row(
                "an unreadable kubeconfig",
                "ADD",
                7,
                &["kubeconfig /no/kubeconfig"],
                |node, _| {
                    conf(
                        node,
                        &json!({"delegates": [probe()], "kubeconfig": "/no/kubeconfig",
                                   "resolver": binaries::path("polypod-device-bridge")}),
                    )
                },
            ),
            row(
                "a cluster network that nobody knows",
                "ADD",
                7,
                &["clusterNetwork \"nowhere\"", "neither"],
                |node, _| conf(node, &json!({"clusterNetwork": "nowhere"})),
            ),
            row("no readiness file", "ADD", 50, NOT_READY, not_ready),
            row("no readiness file", "STATUS", 50, NOT_READY, not_ready),
            row("no device-bridge", "ADD", 11, NO_BRIDGE, no_bridge),
            row("no device-bridge", "STATUS", 50, &["none.sock"], no_bridge),
            row(
                "a plugin that is not installed",
                "ADD",
                100,
                NO_PLUGIN,
                no_plugin,
            ),
            row(
                "a plugin that is not installed",
                "STATUS",
                50,
                NO_PLUGIN,
                no_plugin,
            ),
            row(
                "an interface that is there",
                "ADD",
                101,
                &["interface name eth0 already exists"],
                |node, sandbox| {
                    sandbox.netns.ip(&["link", "add", "eth0", "type", "bridge"]);
                    conf(node, &json!({"delegates": [probe()]}))
                },
            ),
            row(
                "a network namespace that is gone",
                "ADD",
                4,
                &["no net namespace", "gone"],
                |node, sandbox| {
                    sandbox.netns.path = node.path("netns/gone");
                    conf(node, &json!({"delegates": [probe()]}))
                },
            ),
            row(
                "a delegate that fails",
                "ADD",
                11,
                &["\"main\"", "eth0", "\"fails\"", "the switch is rebooting"],
                |node, _| {
                    delegates::install(node, "fails", delegates::FAILS);
                    conf(
                        node,
                        &json!({"delegates": [{"cniVersion": "1.0.0", "name": "main", "type": "fails"}]}),
                    )
                },
            ),
            row(
                "an auxiliary chain without a path",
                "ADD",
                7,
                &["auxiliary chain used but ClusterNetwork must be a path"],
                |node, _| {
                    conf(
                        node,
                        &json!({"delegates": [probe()], "auxiliaryCNIChainName": "aux"}),
                    )
                },
            ),
            row(
                "a previous result that is none",
                "ADD",
                7,
                &["\"prevResult\""],
                |node, _| {
                    conf(
                        node,
                        &json!({"delegates": [probe()], "prevResult": {"ips": 5}}),
                    )
                },
            ),
            row(
                "a sandbox that was never attached",
                "CHECK",
                3,
                &["is not attached"],
                |node, _| conf(node, &json!({"delegates": [probe()]})),
            ),
        ];
        check(node, rows);
    });
}

/// Annotations, what they refer to, and what is wrong with it: networks, default-network, the code, and the words.
type OfPod = (&'static str, &'static str, &'static [&'static str]);

/// What is wrong with a networks annotation.
const NETWORKS: [OfPod; 25] = [
    (
        "missing",
        "nowhere",
        &["cannot find a network-attachment-definition (nowhere) in namespace (default)"],
    ),
    (
        "isolated",
        "other/far",
        &[
            "namespace isolation enabled, annotation violates permission",
            "\"other\"",
        ],
    ),
    (
        "typo",
        r#"[{"name":"plain""#,
        &["networks is not valid JSON", "line 1"],
    ),
    (
        "object",
        r#"{"name":"plain"}"#,
        &["must be a JSON array", "an object"],
    ),
    ("slashes", "a/b/c", &["entry 1", "more than one '/'"]),
    ("ats", "plain@a@b", &["entry 1", "more than one '@'"]),
    ("charset", "plain,Bad_Name", &["entry 2", "Bad_Name"]),
    ("comma", "plain,", &["entry 2", "empty"]),
    (
        "longif",
        "plain@a-name-of-16-chr",
        &["interface", "a-name-of-16-chr", "15"],
    ),
    (
        "mac",
        r#"[{"name":"plain","mac":"02:00"}]"#,
        &["\"mac\"", "02:00"],
    ),
    (
        "guid",
        r#"[{"name":"plain","infiniband-guid":"24:8a"}]"#,
        &["\"infiniband-guid\"", "24:8a"],
    ),
    (
        "ip",
        r#"[{"name":"plain","ips":["10.0.0"]}]"#,
        &["\"ips\"", "10.0.0"],
    ),
    (
        "cidr",
        r#"[{"name":"plain","ips":["10.0.0.1/33"]}]"#,
        &["\"ips\"", "10.0.0.1/33"],
    ),
    (
        "ecmp",
        r#"[{"name":"plain","default-route":["10.0.0.1","10.0.0.2"]}]"#,
        &["does not support ECMP for default-route"],
    ),
    (
        "few",
        "device,device",
        &["default/few", "intel.com/sriov", "2", "1"],
    ),
    // What makes Multus panic.
    ("null", "[null]", &["entry 1", "null"]),
    ("number", "[5]", &["entry 1", "a number"]),
    (
        "noplugins",
        "noplugins",
        &["default/noplugins", "empty list at /plugins"],
    ),
    ("nullconf", "nullconf", &["default/nullconf", "null"]),
    (
        "notype",
        "notype",
        &["default/notype", "no 'type' at /plugins/0"],
    ),
    ("noobject", "noobject", &["default/noobject", "a list"]),
    (
        "args",
        r#"[{"name":"args","cni-args":{"a":1}}]"#,
        &["default/args", "cni-args", "/args"],
    ),
    (
        "argscni",
        r#"[{"name":"argscni","cni-args":{"a":1}}]"#,
        &["default/argscni", "cni-args", "/args/cni"],
    ),
    (
        "cniargs",
        r#"[{"name":"plain","cni-args":[1]}]"#,
        &["\"cni-args\"", "a list"],
    ),
    ("multus", "multus", &["default/multus", "multus"]),
];

/// What is wrong with a default-network annotation.
const DEFAULT_NETWORK: [OfPod; 6] = [
    (
        "two",
        "plain,plain",
        &[
            "v1.multus-cni.io/default-network",
            "more than one default network is specified",
        ],
    ),
    (
        "none",
        "",
        &["v1.multus-cni.io/default-network", "exactly one"],
    ),
    (
        "empty",
        "[]",
        &["v1.multus-cni.io/default-network", "exactly one"],
    ),
    (
        "dnull",
        "[null]",
        &["v1.multus-cni.io/default-network", "entry 1"],
    ),
    (
        "dmissing",
        "default/nowhere",
        &["cannot find a network-attachment-definition (nowhere) in namespace (default)"],
    ),
    (
        "disolated",
        "other/far",
        &["namespace isolation enabled, annotation violates permission"],
    ),
];

fn of_a_pod() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let mut objects = vec![
            network("plain", None, &probe()),
            network("device", Some("intel.com/sriov"), &probe()),
        ];
        for (name, config) in [
            ("noplugins", r#"{"plugins":[]}"#),
            ("nullconf", "null"),
            ("notype", r#"{"plugins":[{"name":"x"}]}"#),
            ("noobject", "[]"),
            ("args", r#"{"type":"probe","args":5}"#),
            ("argscni", r#"{"type":"probe","args":{"cni":"x"}}"#),
            ("multus", r#"{"type":"multus"}"#),
        ] {
            let mut broken = network(name, None, &Value::Null);
            broken["spec"]["config"] = json!(config);
            objects.push(broken);
        }
        let mut far = network("far", None, &probe());
        far["metadata"]["namespace"] = json!("other");
        objects.push(far);
        objects.extend(NETWORKS.iter().map(|(name, text, _)| pod(name, text)));
        objects.extend(DEFAULT_NETWORK.iter().map(|(name, text, _)| {
            let mut pod = pod(name, "");
            pod["metadata"]["annotations"]["v1.multus-cni.io/default-network"] = json!(text);
            pod
        }));
        let bridge = Bridge::start(node, &objects);
        let devices: &[&str] = &["0000:03:02.2"];
        bridge
            .kubelet
            .allocate("few", &[("app", "intel.com/sriov", devices)]);
        let conf = bridge.conf_with(&json!({"namespaceIsolation": true, "delegates": [probe()]}));
        for (name, text, words) in NETWORKS.iter().chain(&DEFAULT_NETWORK) {
            let sandbox = Sandbox::new(node, name);
            let (code, message) = sandbox.fail("ADD", &conf);
            assert!(matches!(code, 7 | 101), "{text}: {code} {message}");
            for word in words.iter().chain(&["default/"]) {
                assert!(
                    message.contains(word),
                    "{text}: {word:?} is not in {message}"
                );
            }
            sandbox.del(&conf);
        }
        let mut recreated = sandbox(node, "mac");
        recreated.uid = "another".to_owned();
        let (code, message) = recreated.fail("ADD", &conf);
        assert_eq!(code, 11, "{message}");
        let words = r#"expected pod UID "another" but got "uid-mac" from Kube API"#;
        assert!(message.contains(words), "{message}");
        let (code, message) = Sandbox::new(node, "nobody").fail("ADD", &conf);
        assert_eq!(code, 11, "{message}");
        assert!(
            message.contains("default/nobody") && message.contains("no such pod"),
            "{message}"
        );

        std::fs::remove_file(node.path("kubelet.sock")).unwrap();
        let few = sandbox(node, "few");
        let (_, message) = few.fail("ADD", &conf);
        assert!(
            message.contains("kubelet.sock") && message.contains("default/few"),
            "{message}"
        );
        assert_eq!(
            delegates::calls(node),
            Vec::<String>::new(),
            "nothing was executed"
        );
        assert_eq!(node.files("state"), [].into());
    });
}

fn of_delegates_that_are_gone() {
    Node::run(|node| {
        delegates::install(node, "first", delegates::PROBE);
        delegates::install(node, "second", delegates::PROBE);
        let delegate = |name: &str| json!({"cniVersion": "1.0.0", "name": name, "type": name});
        let conf = conf(
            node,
            &json!({"delegates": [delegate("first"), delegate("second")]}),
        );
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        for name in ["first", "second"] {
            std::fs::remove_file(node.path("bin").join(name)).unwrap();
        }
        let mut collecting = conf.clone();
        collecting["cni.dev/valid-attachments"] = json!([]);
        for (verb, conf) in [("DEL", &conf), ("GC", &collecting)] {
            let ran = run(node, &sandbox, verb, conf);
            assert!(!ran.success, "{verb}");
            let (code, message) = error(&ran.printed);
            assert_eq!(code, 100, "{message}");
            for name in ["first", "second"] {
                let words = format!("failed to find plugin {name:?} in path [");
                assert!(message.contains(&words), "{verb}: {message}");
            }
            assert_eq!(node.files("state").len(), 1, "the record is kept at {verb}");
        }
        delegates::install(node, "first", delegates::PROBE);
        delegates::install(node, "second", delegates::PROBE);
        sandbox.del(&conf);
        assert_eq!(node.files("state"), [].into());
    });
}
