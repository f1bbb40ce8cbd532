//! The rules of Multus v1 and v2, one by one: roles, order, names, namespaces, refusals, and what DEL needs.

use serde_json::{Value, json};

use crate::{
    fixture::{
        bridge::Bridge,
        delegates,
        needs::SCRIPTS,
        node::Node,
        runtime::{Sandbox, conf},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    [
        (
            "legacy::the_first_listed_is_eth0_and_takes_the_delegates_place",
            the_first_listed_is_eth0_and_takes_the_delegates_place as fn(),
        ),
        ("legacy::a_pod_without_annotation", a_pod_without_annotation),
        (
            "legacy::the_namespace_is_always_default",
            the_namespace_is_always_default,
        ),
        ("legacy::what_is_refused_says_why", what_is_refused_says_why),
        (
            "legacy::the_master_plugin_goes_first_wherever_it_stands",
            the_master_plugin_goes_first_wherever_it_stands,
        ),
        (
            "legacy::an_api_server_that_fails_is_not_the_default_network",
            an_api_server_that_fails_is_not_the_default_network,
        ),
        (
            "legacy::del_needs_neither_objects_nor_anybody_to_ask",
            del_needs_neither_objects_nor_anybody_to_ask,
        ),
        ("legacy::v2_adds_to_the_delegates", v2_adds_to_the_delegates),
    ]
    .map(|(name, body)| Scenario {
        name,
        needs: SCRIPTS,
        body,
    })
    .into()
}

/// A `Network` of Multus v1, whose plugin tells its configuration apart by `marker`.
fn network(namespace: &str, name: &str, marker: &str) -> Value {
    object(
        namespace,
        name,
        &json!({"plugin": "probe", "args": json!([{"marker": marker}]).to_string()}),
    )
}

fn object(namespace: &str, name: &str, fields: &Value) -> Value {
    let mut object = json!({"apiVersion": "kubernetes.com/v1", "kind": "Network",
        "metadata": {"name": name, "namespace": namespace}});
    if let (Value::Object(object), Value::Object(fields)) = (&mut object, fields) {
        object.extend(fields.clone());
    }
    object
}

fn pod(namespace: &str, name: &str, annotations: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace,
        "uid": format!("uid-{name}"), "annotations": annotations}, "spec": {"containers": [{"name": "app"}]}})
}

/// A configuration of Multus v1 that the agent answers for.
fn v1(node: &Node, more: &Value) -> Value {
    let mut conf = conf(
        node,
        &json!({"kubeconfig": "/nowhere", "bridgeSocket": node.path("run/bridge.sock"), "legacy": "v1"}),
    );
    conf.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    conf
}

/// What no test may execute.
fn unwanted() -> Value {
    json!({"delegates": [{"type": "probe", "marker": "unwanted", "masterplugin": true}]})
}

/// Interface and marker of every call of a verb.
fn told(node: &Node, verb: &str) -> Vec<(String, String)> {
    let calls = delegates::calls(node);
    let of_verb = calls.iter().filter(|call| call.starts_with(verb));
    of_verb
        .map(|call| {
            let mut words = call.splitn(4, ' ');
            let interface = words.nth(1).unwrap().to_owned();
            let conf: Value = serde_json::from_str(words.nth(1).unwrap()).unwrap();
            (interface, conf["marker"].as_str().unwrap().to_owned())
        })
        .collect()
}

fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    wanted
        .iter()
        .map(|(interface, marker)| ((*interface).to_owned(), (*marker).to_owned()))
        .collect()
}

fn the_first_listed_is_eth0_and_takes_the_delegates_place() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let annotation = r#"[{"name":"b"},{"name":"a"},{"name":"b"},{"name":"c"}]"#;
        let objects = [
            network("default", "a", "of-a"),
            network("default", "b", "of-b"),
            network("default", "c", "of-c"),
            pod("default", "p1", &json!({"networks": annotation})),
        ];
        let _bridge = Bridge::start(node, &objects);
        let sandbox = Sandbox::new(node, "p1");
        let wanted = pairs(&[
            ("eth0", "of-b"),
            ("net0", "of-a"),
            ("net1", "of-b"),
            ("net2", "of-c"),
        ]);
        for more in [json!({}), unwanted()] {
            let conf = v1(node, &more);
            let result = sandbox.add(&conf);
            assert_eq!(
                result["interfaces"][0]["name"], "eth0",
                "the first one reports back: {result}"
            );
            assert_eq!(told(node, "ADD"), wanted, "{more}");
            assert!(!node.files("state").is_empty(), "there is a record");
            sandbox.del(&conf);
            let deleted: Vec<_> = wanted.iter().rev().cloned().collect();
            assert_eq!(told(node, "DEL"), deleted);
            assert_eq!(node.files("state"), [].into());
            std::fs::remove_file(node.path("calls")).unwrap();
        }
        // Without the word `legacy`, a kubeconfig alone is unmistakably v1.
        let mut alone = v1(node, &json!({}));
        alone.as_object_mut().unwrap().remove("legacy");
        sandbox.add(&alone);
        assert_eq!(told(node, "ADD"), wanted);
        sandbox.del(&alone);
    });
}

fn a_pod_without_annotation() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let others =
            json!({"k8s.v1.cni.cncf.io/networks": "a", "v1.multus-cni.io/default-network": "a"});
        let objects = [
            pod("default", "plain", &json!({})),
            pod("default", "blank", &json!({"networks": " "})),
            pod("default", "empty", &json!({"networks": "[]"})),
            pod("default", "modern", &others),
        ];
        let _bridge = Bridge::start(node, &objects);
        for name in ["plain", "blank", "empty", "modern"] {
            let sandbox = Sandbox::new(node, name);
            let (code, message) = sandbox.fail("ADD", &v1(node, &json!({})));
            assert_eq!(code, 7, "{message}");
            assert!(
                message.contains("delegates") && message.contains("annotation \"networks\""),
                "{name}: {message}"
            );
            assert_eq!(told(node, "ADD"), []);
            let conf = v1(
                node,
                &json!({"delegates": [{"type": "probe", "marker": "default", "masterplugin": true}]}),
            );
            sandbox.add(&conf);
            assert_eq!(told(node, "ADD"), pairs(&[("eth0", "default")]), "{name}");
            sandbox.del(&conf);
            std::fs::remove_file(node.path("calls")).unwrap();
        }
        assert_eq!(node.files("state"), [].into());
    });
}

fn the_namespace_is_always_default() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let annotation = json!({"networks": r#"[{"name":"a","namespace":"team-a"},{"name":"b"}]"#});
        let objects = [
            network("default", "a", "of-default"),
            network("team-a", "a", "of-team-a"),
            network("default", "b", "b-of-default"),
            network("team-a", "only-here", "of-team-a"),
            pod("team-a", "p1", &annotation),
            pod(
                "team-a",
                "p2",
                &json!({"networks": r#"[{"name":"only-here"}]"#}),
            ),
        ];
        let _bridge = Bridge::start(node, &objects);
        let mut sandbox = Sandbox::new(node, "p1");
        sandbox.namespace = "team-a".to_owned();
        // The pod does not choose the namespace, so that isolation does not forbid it.
        let conf = v1(
            node,
            &json!({"namespaceIsolation": true, "globalNamespaces": "kube-system"}),
        );
        sandbox.add(&conf);
        assert_eq!(
            told(node, "ADD"),
            pairs(&[("eth0", "of-default"), ("net0", "b-of-default")])
        );
        sandbox.del(&conf);
        let mut other = Sandbox::new(node, "p2");
        other.namespace = "team-a".to_owned();
        let (_, message) = other.fail("ADD", &conf);
        assert!(
            message.contains("\"only-here\"") && message.contains("namespace \"default\""),
            "{message}"
        );
    });
}

fn what_is_refused_says_why() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let broken = [
            (
                "two",
                json!({"plugin": "probe", "args": "[{}, {}]"}),
                "a list of 2 elements",
            ),
            (
                "none",
                json!({"plugin": "probe", "args": "[]"}),
                "a list of 0 elements",
            ),
            (
                "bare",
                json!({"plugin": "probe", "args": "{}"}),
                "its args is an object",
            ),
            (
                "text",
                json!({"plugin": "probe", "args": "[{\"a\":]"}),
                "not valid JSON",
            ),
            (
                "list",
                json!({"plugin": "probe", "args": [{}]}),
                "its args is a list",
            ),
            ("no-args", json!({"plugin": "probe"}), "no args"),
            ("no-plugin", json!({"args": "[{}]"}), "no plugin"),
            (
                "itself",
                json!({"plugin": "multus", "args": "[{}]"}),
                "multus",
            ),
            (
                "under-spec",
                json!({"spec": {"plugin": "probe", "args": "[{}]"}}),
                "no plugin",
            ),
        ];
        let mut objects = vec![network("default", "good", "good")];
        let mut cases = Vec::new();
        for (name, fields, word) in broken {
            objects.push(object("default", name, &fields));
            let annotation = format!(r#"[{{"name":"good"}},{{"name":"{name}"}}]"#);
            cases.push((
                name,
                annotation,
                vec![
                    "entry 2".to_owned(),
                    format!("default/{name}"),
                    word.to_owned(),
                ],
            ));
        }
        for (name, annotation, word) in [
            (
                "missing",
                r#"[{"name":"nowhere"}]"#,
                "no Network \"nowhere\" of kubernetes.com/v1 in namespace \"default\"",
            ),
            (
                "short",
                "good,good",
                "annotation networks is not valid JSON",
            ),
            ("object", r#"{"name":"good"}"#, "annotation networks"),
            ("null", "[null]", "entry 1"),
            ("nameless", "[{}]", "entry 1"),
        ] {
            cases.push((name, annotation.to_owned(), vec![word.to_owned()]));
        }
        objects.extend(cases.iter().map(|(name, annotation, _)| {
            pod(
                "default",
                &format!("p-{name}"),
                &json!({"networks": annotation}),
            )
        }));
        let _bridge = Bridge::start(node, &objects);
        let conf = v1(node, &unwanted());
        for (name, annotation, words) in cases {
            let sandbox = Sandbox::new(node, &format!("p-{name}"));
            let (code, message) = sandbox.fail("ADD", &conf);
            assert!((2..1000).contains(&code), "{message}");
            for word in words {
                assert!(message.contains(&word), "{annotation}: {word}: {message}");
            }
            sandbox.del(&conf);
        }
        assert_eq!(told(node, "ADD"), [], "nothing was executed");
        assert_eq!(node.files("state"), [].into());
    });
}

fn the_master_plugin_goes_first_wherever_it_stands() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let delegates = |masters: [Value; 3]| {
            let [a, b, c] = masters;
            json!({"delegates": [{"type": "probe", "marker": "a", "masterplugin": a},
                {"type": "probe", "marker": "b", "masterplugin": b}, {"type": "probe", "marker": "c", "masterplugin": c}]})
        };
        let sandbox = Sandbox::new(node, "p1");
        let file = |more: &Value| conf(node, more);
        let conf = file(&delegates([json!(false), Value::Null, json!(true)]));
        sandbox.add(&conf);
        assert_eq!(
            told(node, "ADD"),
            pairs(&[("eth0", "c"), ("net0", "a"), ("net1", "b")])
        );
        sandbox.del(&conf);
        std::fs::remove_file(node.path("calls")).unwrap();
        for (masters, words) in [
            (
                [json!(true), json!(false), json!(true)],
                ["delegates", "only one"],
            ),
            (
                [json!(false), json!("yes"), json!(true)],
                ["element 1", "must be true or false"],
            ),
        ] {
            let (_, message) = sandbox.fail("ADD", &file(&delegates(masters)));
            for word in words {
                assert!(message.contains(word), "{word}: {message}");
            }
        }
        assert_eq!(told(node, "ADD"), []);
        assert_eq!(node.files("state"), [].into());
    });
}

/// Multus v1 attached the default network then, and the pod ran without what it asked for.
fn an_api_server_that_fails_is_not_the_default_network() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        delegates::install(
            node,
            "resolver",
            "echo 'the API server is away' >&2\nexit 1\n",
        );
        let mut conf = v1(node, &unwanted());
        conf["bridgeSocket"] = json!(node.path("no.sock"));
        std::fs::write(node.path("kubeconfig"), "").unwrap();
        conf["kubeconfig"] = json!(node.path("kubeconfig"));
        conf["resolver"] = json!(node.path("bin/resolver"));
        let (_, message) = Sandbox::new(node, "p1").fail("ADD", &conf);
        assert!(message.contains("resolver"), "{message}");
        assert_eq!(told(node, "ADD"), []);
        assert_eq!(node.files("state"), [].into());
    });
}

fn del_needs_neither_objects_nor_anybody_to_ask() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let annotation = json!({"networks": r#"[{"name":"a"},{"name":"b"}]"#});
        let objects = [
            network("default", "a", "of-a"),
            network("default", "b", "of-b"),
            pod("default", "p1", &annotation),
        ];
        let bridge = Bridge::start(node, &objects);
        let mut conf = v1(node, &json!({}));
        conf["resolver"] = json!("/nowhere");
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        drop(bridge);
        std::fs::remove_file(node.path("objects.yaml")).unwrap();
        sandbox.del(&conf);
        assert_eq!(
            told(node, "DEL"),
            pairs(&[("net0", "of-b"), ("eth0", "of-a")])
        );
        assert_eq!(node.files("state"), [].into());
        sandbox.del(&conf);
        assert_eq!(told(node, "DEL").len(), 2, "a second DEL finds nothing");
    });
}

fn v2_adds_to_the_delegates() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let of_v2 = |namespace: &str, name: &str, spec: Value| {
            json!({"apiVersion": "kubernetes.cni.cncf.io/v1", "kind": "Network",
                "metadata": {"name": name, "namespace": namespace}, "spec": spec})
        };
        let config = |marker: &str| json!({"config": json!({"type": "probe", "marker": marker}).to_string()});
        let annotation = r#"[{"name":"a"},{"name":"b","namespace":"team-b","interfaceRequest":"data0",
            "ipRequest":"10.0.0.5/24","macRequest":"02:00:00:00:00:05"},{"name":"on-disk"}]"#;
        let of = |text: &str| json!({"kubernetes.v1.cni.cncf.io/networks": text, "networks": "[{\"name\":\"unwanted\"}]"});
        let objects = [
            of_v2("default", "a", config("of-a")),
            of_v2("team-b", "b", config("of-b")),
            of_v2("default", "on-disk", Value::Null),
            network("default", "unwanted", "unwanted"),
            pod("default", "p1", &of(annotation)),
            pod("default", "short", &of("a@data1, team-b/b")),
            pod("default", "taken", &of("a@eth0")),
            pod("default", "missing", &of("team-b/a")),
        ];
        std::fs::create_dir_all(node.path("conf")).unwrap();
        std::fs::write(
            node.path("conf/10.conf"),
            r#"{"name":"on-disk","type":"probe","marker":"from-file"}"#,
        )
        .unwrap();
        let _bridge = Bridge::start(node, &objects);
        let conf = v1(
            node,
            &json!({"legacy": "v2", "delegates": [{"type": "probe", "marker": "cluster", "masterplugin": true}]}),
        );
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        assert_eq!(
            told(node, "ADD"),
            pairs(&[
                ("eth0", "cluster"),
                ("net1", "of-a"),
                ("data0", "of-b"),
                ("net3", "from-file")
            ])
        );
        let calls = delegates::calls(node);
        assert!(
            calls[2].contains("IP=10.0.0.5/24") && calls[2].contains("MAC=02:00:00:00:00:05"),
            "{}",
            calls[2]
        );
        sandbox.del(&conf);
        std::fs::remove_file(node.path("calls")).unwrap();
        let sandbox = Sandbox::new(node, "short");
        sandbox.add(&conf);
        assert_eq!(
            told(node, "ADD"),
            pairs(&[("eth0", "cluster"), ("data1", "of-a"), ("net2", "of-b")])
        );
        sandbox.del(&conf);
        for (name, words) in [
            ("taken", ["eth0", "default/a"]),
            (
                "missing",
                ["kubernetes.cni.cncf.io/v1", "namespace \"team-b\""],
            ),
        ] {
            let (_, message) = Sandbox::new(node, name).fail("ADD", &conf);
            for word in words {
                assert!(message.contains(word), "{word}: {message}");
            }
        }
        assert_eq!(node.files("state"), [].into());
    });
}
