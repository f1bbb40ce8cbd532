//! What a pod selects, and how, reaches the delegates: every field, every capability, every place where a network is named.

use serde_json::{Value, json};

use crate::{
    fixture::{
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
            "selection::every_field_reaches_the_delegate",
            every_field_reaches_the_delegate,
        ),
        scenario(
            "selection::a_missing_capability_is_named",
            a_missing_capability_is_named,
        ),
        scenario(
            "selection::capabilities_of_the_runtime_reach_every_delegate",
            capabilities_of_the_runtime_reach_every_delegate,
        ),
        scenario(
            "selection::every_plugin_of_a_chain_is_told",
            every_plugin_of_a_chain_is_told,
        ),
    ]
}

fn on_node(node: &Node) {
    delegates::install(node, "probe", delegates::PROBE);
}

fn main_network() -> Value {
    json!({"cniVersion": "1.0.0", "name": "main", "type": "probe"})
}

fn interfaces(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.interface.as_str()).collect()
}

fn every_field_reaches_the_delegate() {
    Node::run(|node| {
        on_node(node);
        let mut conf = probe(&[
            "ips",
            "mac",
            "infinibandGUID",
            "portMappings",
            "bandwidth",
            "deviceID",
        ]);
        conf["args"] = json!({"cni": {"k": "network", "kept": 1}, "labels": ["x"]});
        let everything = r#"[{"Name":"all","interfaceRequest":"data0","ips":["10.1.1.101/24","fd00::5"],"mac":"C2-B0-57-49-47-F1",
            "infiniband-guid":"24:8a:07:03:00:8d:ae:2f","PortMappings":[{"hostPort":8080,"containerPort":80,"protocol":"udp","hostIP":"10.0.0.9"}],
            "bandwidth":{"ingressRate":2048,"ingressBurst":1600,"egressRate":4096,"egressBurst":3200},
            "cni-args":{"k":"pod","nested":{"b":[1]}},"deviceID":"0000:03:02.7","gateway":["10.1.1.1"],"x-unknown":null}]"#;
        let claims = r#"[{"name":"all","interface":"north","ipam-claim-reference":"claim-1"}]"#;
        let objects = [
            network("all", None, &conf),
            in_namespace("kube-system", network("all", None, &conf)),
            pod("secondary", everything),
            pod_with_default_network("default", everything, ""),
            pod("claims", claims),
        ];
        let bridge = Bridge::start(node, &objects);
        let conf = bridge.conf(&main_network());
        for (pod, at, count) in [("secondary", 1, 2), ("default", 0, 1)] {
            let calls = adds(node, pod, &conf);
            assert_eq!(calls.len(), count, "{pod}");
            let call = &calls[at];
            assert_eq!(call.interface, "data0", "{pod}");
            assert_eq!(call.conf["name"], "all");
            let mut runtime_config = call.conf["runtimeConfig"].clone();
            runtime_config
                .as_object_mut()
                .unwrap()
                .remove("CNIDeviceInfoFile");
            assert_eq!(
                runtime_config,
                json!({
                    "ips": ["10.1.1.101/24", "fd00::5"], "mac": "c2:b0:57:49:47:f1", "infinibandGUID": "24:8a:07:03:00:8d:ae:2f",
                    "portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "udp", "hostIP": "10.0.0.9"}],
                    "bandwidth": {"ingressRate": 2048, "ingressBurst": 1600, "egressRate": 4096, "egressBurst": 3200},
                    "deviceID": "0000:03:02.7"}),
                "{pod}"
            );
            let args =
                json!({"cni": {"k": "pod", "kept": 1, "nested": {"b": [1]}}, "labels": ["x"]});
            assert_eq!(call.conf["args"], args, "{pod}");
            assert_eq!(call.conf["deviceID"], "0000:03:02.7");
            assert_eq!(call.conf["pciBusID"], "0000:03:02.7");
            let legacy = ";MAC=c2:b0:57:49:47:f1;IP=10.1.1.101/24,fd00::5";
            assert!(call.args.ends_with(legacy), "{pod}: {}", call.args);
            assert!(
                call.args.contains(&format!("K8S_POD_NAME={pod};")),
                "{}",
                call.args
            );
        }
        let calls = adds(node, "claims", &conf);
        assert_eq!(interfaces(&calls), ["eth0", "north"]);
        assert_eq!(
            calls[1].conf.get("runtimeConfig"),
            None,
            "a claim is for others to read"
        );
    });
}

fn a_missing_capability_is_named() {
    let cases = [
        ("ips", "ips", r#"["10.0.0.1"]"#),
        ("mac", "mac", r#""02:00:00:00:00:01""#),
        (
            "infinibandGUID",
            "infiniband-guid",
            r#""24:8a:07:03:00:8d:ae:2f""#,
        ),
        (
            "portMappings",
            "portMappings",
            r#"[{"hostPort":1,"containerPort":2}]"#,
        ),
        (
            "bandwidth",
            "bandwidth",
            r#"{"ingressRate":1,"ingressBurst":1}"#,
        ),
    ];
    Node::run(move |node| {
        on_node(node);
        let mut objects = vec![
            network("plain", None, &probe(&[])),
            in_namespace("kube-system", network("plain", None, &probe(&[]))),
        ];
        for (capability, field, value) in cases {
            let text = format!(r#"[{{"name":"plain","{field}":{value}}}]"#);
            let name = capability.to_lowercase();
            objects.extend([
                pod(&name, &text),
                pod_with_default_network(&format!("{name}-d"), &text, ""),
            ]);
        }
        let bridge = Bridge::start(node, &objects);
        let conf = bridge.conf(&main_network());
        for (capability, _, _) in cases {
            let name = capability.to_lowercase();
            for (name, network) in [
                (name.clone(), "default/plain"),
                (format!("{name}-d"), "kube-system/plain"),
            ] {
                let (code, message) = sandbox(node, &name).fail("ADD", &conf);
                assert_eq!(code, 101, "{message}");
                for word in [network, &format!("no plugin of it takes {capability:?}")] {
                    assert!(message.contains(word), "{word}: {message}");
                }
            }
        }
        assert_eq!(delegates::calls(node), Vec::<String>::new());
    });
}

/// Multus drops what it does not know, and hands a pod's host ports to every network.
fn capabilities_of_the_runtime_reach_every_delegate() {
    const SHARED: [&str; 5] = [
        "dns",
        "ipRanges",
        "cgroupPath",
        "aliases",
        "io.kubernetes.cri.pod-annotations",
    ];
    Node::run(|node| {
        on_node(node);
        let all: Vec<&str> = SHARED
            .into_iter()
            .chain(["portMappings", "bandwidth"])
            .collect();
        let mut cluster = probe(&all);
        cluster["name"] = json!("main");
        let objects = [
            network("some", None, &probe(&all)),
            network("none", None, &probe(&[])),
            in_namespace("kube-system", network("some", None, &probe(&all))),
            pod("p1", "unused"),
        ];
        let bridge = Bridge::start(node, &objects);
        let mut runtime_config = json!({
            "dns": {"servers": ["10.0.0.1"]}, "ipRanges": [[{"subnet": "10.1.2.0/24"}]], "cgroupPath": "/kubepods/pod1",
            "aliases": {"main": ["a"]}, "portMappings": [{"hostPort": 1, "containerPort": 2, "protocol": "tcp"}],
            "bandwidth": {"ingressRate": 1, "ingressBurst": 1}, "io.kubernetes.cri.pod-annotations": {"k8s.v1.cni.cncf.io/networks": "some,none"}});
        let only = |config: &Value, keys: &[&str]| -> Value {
            let kept = config
                .as_object()
                .unwrap()
                .iter()
                .filter(|(key, _)| keys.contains(&key.as_str()));
            Value::Object(
                kept.map(|(key, value)| (key.clone(), value.clone()))
                    .collect(),
            )
        };
        let conf = |runtime_config: &Value| {
            bridge.conf_with(&json!({"runtimeConfig": runtime_config, "delegates": [cluster]}))
        };
        let calls = adds(node, "p1", &conf(&runtime_config));
        assert_eq!(
            interfaces(&calls),
            ["eth0", "net1", "net2"],
            "the annotations of the runtime count"
        );
        assert_eq!(calls[0].conf["runtimeConfig"], runtime_config);
        assert_eq!(
            calls[1].conf["runtimeConfig"],
            only(&runtime_config, &SHARED),
            "host ports are the cluster network's"
        );
        assert_eq!(
            calls[2].conf.get("runtimeConfig"),
            None,
            "it declares nothing"
        );

        runtime_config["io.kubernetes.cri.pod-annotations"] =
            json!({"v1.multus-cni.io/default-network": "some"});
        let calls = adds(node, "p1", &conf(&runtime_config));
        assert_eq!(interfaces(&calls), ["eth0"]);
        assert_eq!(
            calls[0].conf["runtimeConfig"], runtime_config,
            "the pod's default network is its cluster network"
        );
    });
}

fn every_plugin_of_a_chain_is_told() {
    Node::run(|node| {
        on_node(node);
        let chain = json!({"cniVersion": "0.3.1", "cniVersions": ["0.4.0", "1.0.0", "9.9.9"], "plugins": [
            {"type": "probe", "args": {"cni": {"k": "network", "kept": 1}}},
            {"type": "probe", "name": "own", "cniVersion": "0.1.0", "capabilities": {"deviceID": true, "mac": true}}]});
        let selection = r#"[{"name":"chain","cni-args":{"k":"pod"},"mac":"02:00:00:00:00:01"}]"#;
        let single = json!({"type": "probe", "vlan": 5});
        let objects = [
            network("chain", Some("intel.com/sriov"), &chain),
            network("single", None, &single),
            network("named", None, &json!({"name": "its-own", "type": "probe"})),
            pod("p1", selection),
            pod(
                "p2",
                r#"[{"name":"single","cni-args":{"a":"b"}},{"name":"named"}]"#,
            ),
        ];
        let bridge = Bridge::start(node, &objects);
        let devices: &[&str] = &["0000:03:02.1"];
        bridge
            .kubelet
            .allocate("p1", &[("app", "intel.com/sriov", devices)]);
        let conf = bridge.conf(&main_network());
        let calls = adds(node, "p1", &conf);
        assert_eq!(interfaces(&calls), ["eth0", "net1", "net1"]);
        for call in &calls[1..] {
            assert_eq!(
                call.conf["name"], "chain",
                "the object's name, where the configuration has none"
            );
            assert_eq!(
                call.conf["cniVersion"], "1.0.0",
                "the highest version that is known"
            );
            assert_eq!(
                (&call.conf["deviceID"], &call.conf["pciBusID"]),
                (&json!(devices[0]), &json!(devices[0]))
            );
            assert!(
                call.args.ends_with(";MAC=02:00:00:00:00:01"),
                "{}",
                call.args
            );
        }
        assert_eq!(
            calls[1].conf["args"],
            json!({"cni": {"k": "pod", "kept": 1}})
        );
        assert_eq!(calls[1].conf.get("runtimeConfig"), None);
        assert_eq!(calls[2].conf["args"], json!({"cni": {"k": "pod"}}));
        assert_eq!(
            calls[2].conf["runtimeConfig"],
            json!({"deviceID": devices[0], "mac": "02:00:00:00:00:01"})
        );
        assert_eq!(calls[2].conf["prevResult"]["interfaces"][0]["name"], "net1");

        let calls = adds(node, "p2", &conf);
        assert_eq!(
            calls[1].conf,
            json!({"args": {"cni": {"a": "b"}}, "name": "single", "type": "probe", "vlan": 5})
        );
        assert_eq!(calls[2].conf["name"], "its-own");
        assert_eq!(bridge.status("p2")[2]["name"], "default/named");
    });
}
