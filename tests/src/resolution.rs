//! Where networks are named, which configuration each name means, and which interface it gets.

use serde_json::{Value, json};

use crate::{
    fixture::{
        binaries,
        bridge::{Bridge, in_namespace, network, pod, pod_with_default_network},
        delegates,
        needs::Need,
        node::Node,
        probed::{Call, adds, probe, sandbox},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    let scenario = |name, body| Scenario {
        name,
        needs: &[Need::Namespaces, Need::Ip],
        body,
    };
    vec![
        scenario(
            "resolution::interfaces_are_numbered_in_order",
            interfaces_are_numbered_in_order,
        ),
        scenario(
            "resolution::namespaces_are_kept_apart",
            namespaces_are_kept_apart,
        ),
        scenario(
            "resolution::networks_without_spec_are_files_of_the_node",
            networks_without_spec_are_files_of_the_node,
        ),
    ]
}

fn write(node: &Node, file: &str, text: &str) {
    let file = node.path(file);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

fn interfaces_are_numbered_in_order() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        std::os::unix::fs::symlink(binaries::path("polypod"), node.path("bin/passthru")).unwrap();
        write(
            node,
            "net.d/10-main.conflist",
            r#"{"cniVersion":"1.0.0","name":"main","plugins":[{"type":"probe"}]}"#,
        );
        write(
            node,
            "net.d/aux/20-b.conf",
            r#"{"type":"probe","marker":"b"}"#,
        );
        write(
            node,
            "net.d/aux/10-a.conf",
            r#"{"type":"probe","marker":"a"}"#,
        );
        write(
            node,
            "conf/30-file.conf",
            r#"{"cniVersion":"1.0.0","name":"of-file","type":"probe"}"#,
        );
        let objects = [
            in_namespace("kube-system", network("of-object", None, &probe(&[]))),
            network("a", None, &probe(&[])),
            network("b", None, &probe(&[])),
            pod("p1", "a@data0,b"),
            pod("p2", ""),
            pod_with_default_network("p3", r#"[{"name":"of-object","interface":"main0"}]"#, "b"),
        ];
        let bridge = Bridge::start(node, &objects);
        let more = json!({
            "clusterNetwork": node.path("net.d/10-main.conflist"),
            "defaultNetworks": ["of-object", "of-file"],
            "auxiliaryCNIChainName": "aux"});
        let conf = bridge.conf_with(&more);
        let named = |calls: &[Call]| -> Vec<String> {
            let text =
                |call: &Call| format!("{} {}", call.interface, call.conf["name"].as_str().unwrap());
            calls.iter().map(text).collect()
        };
        assert_eq!(
            named(&adds(node, "p1", &conf)),
            [
                "eth0 main",
                "net1 of-object",
                "net2 of-file",
                "data0 a",
                "net4 b",
                "net5 aux",
                "net5 aux"
            ],
            "a named interface still has its number"
        );
        let calls = adds(node, "p2", &conf);
        assert_eq!(
            named(&calls),
            [
                "eth0 main",
                "net1 of-object",
                "net2 of-file",
                "net3 aux",
                "net3 aux"
            ]
        );
        assert_eq!(
            (&calls[3].conf["marker"], &calls[4].conf["marker"]),
            (&json!("a"), &json!("b"))
        );
        assert_eq!(
            named(&adds(node, "p3", &conf)),
            [
                "main0 of-object",
                "net1 of-object",
                "net2 of-file",
                "net3 b",
                "net4 aux",
                "net4 aux"
            ]
        );
        let mut of_system = conf;
        of_system["systemNamespaces"] = json!(["kube-system", "default"]);
        assert_eq!(
            named(&adds(node, "p1", &of_system)),
            ["eth0 main", "data0 a", "net2 b", "net3 aux", "net3 aux"],
            "pods of a system's namespace have no default networks"
        );
        let by_object = bridge.conf_with(
            &json!({"clusterNetwork": "a", "multusNamespace": "default", "defaultNetworks": ["b"]}),
        );
        assert_eq!(named(&adds(node, "p2", &by_object)), ["eth0 a", "net1 b"]);
    });
}

fn namespaces_are_kept_apart() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let objects = [
            network("own", None, &probe(&[])),
            in_namespace("other", network("far", None, &probe(&[]))),
            in_namespace("kube-system", network("main", None, &probe(&[]))),
            pod("own", "own"),
            pod("far", "other/far"),
            pod_with_default_network("chosen", "other/far", ""),
            pod_with_default_network("system", "main", ""),
        ];
        let bridge = Bridge::start(node, &objects);
        let conf = |more: &Value| {
            let mut conf = bridge.conf_with(more);
            conf["clusterNetwork"] = json!("main");
            conf
        };
        for (more, allowed) in [
            (json!({}), &["own", "far", "chosen", "system"][..]),
            (
                json!({"globalNamespaces": "none"}),
                &["own", "far", "chosen", "system"],
            ),
            (json!({"namespaceIsolation": true}), &["own"]),
            (
                json!({"namespaceIsolation": true, "globalNamespaces": "x, other"}),
                &["own", "far", "chosen"],
            ),
            (
                json!({"namespaceIsolation": true, "globalNamespaces": "kube-system"}),
                &["own", "system"],
            ),
        ] {
            let conf = conf(&more);
            for pod in ["own", "far", "chosen", "system"] {
                if allowed.contains(&pod) {
                    assert!(!adds(node, pod, &conf).is_empty(), "{pod} {more}");
                } else {
                    let (code, message) = sandbox(node, pod).fail("ADD", &conf);
                    assert_eq!(code, 101, "{message}");
                    assert!(
                        message.contains("namespace isolation enabled"),
                        "{pod} {more}: {message}"
                    );
                }
            }
        }
    });
}

fn networks_without_spec_are_files_of_the_node() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        write(node, "conf/10-broken.conf", "{ broken");
        write(node, "conf/15-typeless.conf", r#"{"name":"on-disk"}"#);
        write(
            node,
            "conf/20-list.conflist",
            r#"{"cniVersion":"1.0.0","name":"on-disk","plugins":[{"type":"probe","marker":1}]}"#,
        );
        write(
            node,
            "conf/on-disk/20.conf",
            r#"{"type":"probe","marker":3}"#,
        );
        write(
            node,
            "conf/on-disk/10.conf",
            r#"{"type":"probe","marker":2}"#,
        );
        write(
            node,
            "conf/30-inlined.conflist",
            r#"{"cniVersion":"1.0.0","name":"inlined","loadOnlyInlinedPlugins":true,"plugins":[{"type":"probe","marker":1}]}"#,
        );
        write(
            node,
            "conf/inlined/10.conf",
            r#"{"type":"probe","marker":2}"#,
        );
        let without_spec = |name: &str| {
            let mut object = network(name, None, &Value::Null);
            object.as_object_mut().unwrap().remove("spec");
            object
        };
        let objects = [
            without_spec("on-disk"),
            without_spec("inlined"),
            without_spec("nowhere"),
            pod(
                "p1",
                r#"[{"name":"on-disk","cni-args":{"a":1}},{"name":"inlined"}]"#,
            ),
            pod("p2", "nowhere"),
        ];
        let bridge = Bridge::start(node, &objects);
        let conf = bridge.conf(&json!({"cniVersion": "1.0.0", "name": "main", "type": "probe"}));
        let calls = adds(node, "p1", &conf);
        let markers: Vec<_> = calls
            .iter()
            .map(|call| (call.interface.as_str(), call.conf["marker"].as_u64()))
            .collect();
        let of = |interface, marker| (interface, Some(marker));
        assert_eq!(
            markers,
            [
                ("eth0", None),
                of("net1", 1),
                of("net1", 2),
                of("net1", 3),
                of("net2", 1)
            ]
        );
        assert!(
            calls[1..4]
                .iter()
                .all(|call| call.conf["args"]["cni"]["a"] == 1 && call.conf["name"] == "on-disk")
        );
        let (code, message) = sandbox(node, "p2").fail("ADD", &conf);
        assert_eq!(code, 7, "{message}");
        for word in [
            "default/nowhere",
            "10-broken.conf",
            "15-typeless.conf",
            "\"on-disk\"",
        ] {
            assert!(message.contains(word), "{word}: {message}");
        }
    });
}
