//! ADD and DEL with the CNI reference plugins as delegates, in network namespaces of the test's own.

use serde_json::{Value, json};

use crate::{
    fixture::{
        delegates, leftovers,
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
        Need::Plugins(&["bridge", "macvlan", "host-local", "static", "ptp", "tuning"]),
    ];
    vec![
        Scenario {
            name: "attach::bridge_and_macvlan_leave_nothing",
            needs: NETWORK,
            body: bridge_and_macvlan_leave_nothing,
        },
        Scenario {
            name: "attach::a_chain_hands_its_result_on",
            needs: NETWORK,
            body: a_chain_hands_its_result_on,
        },
        Scenario {
            name: "attach::results_in_every_version",
            needs: NETWORK,
            body: results_in_every_version,
        },
        Scenario {
            name: "attach::a_failure_undoes_everything",
            needs: NETWORK,
            body: a_failure_undoes_everything,
        },
        Scenario {
            name: "attach::what_cannot_be_undone_is_kept_for_del",
            needs: SCRIPTS,
            body: what_cannot_be_undone_is_kept_for_del,
        },
        Scenario {
            name: "attach::del_needs_the_record_alone",
            needs: NETWORK,
            body: del_needs_the_record_alone,
        },
        Scenario {
            name: "attach::the_record_is_there_before_the_first_delegate",
            needs: SCRIPTS,
            body: the_record_is_there_before_the_first_delegate,
        },
        Scenario {
            name: "attach::an_interface_that_was_there_before_stays",
            needs: NETWORK,
            body: an_interface_that_was_there_before_stays,
        },
        Scenario {
            name: "attach::del_waits_for_the_delegate_of_a_killed_add",
            needs: SCRIPTS,
            body: del_waits_for_the_delegate_of_a_killed_add,
        },
        Scenario {
            name: "attach::cluster_network_from_a_file",
            needs: SCRIPTS,
            body: cluster_network_from_a_file,
        },
        Scenario {
            name: "attach::capabilities_reach_those_that_declare_them",
            needs: SCRIPTS,
            body: capabilities_reach_those_that_declare_them,
        },
    ]
}

fn bridge(node: &Node) -> Value {
    json!({"cniVersion": "1.0.0", "name": "cluster-net", "type": "bridge", "bridge": "cni0", "isGateway": true,
           "ipam": host_local(node, "10.22.0.0/24")})
}

fn macvlan(node: &Node) -> Value {
    json!({"cniVersion": "0.4.0", "name": "macvlan-conf", "type": "macvlan", "master": "uplink0", "mode": "bridge",
           "ipam": host_local(node, "192.168.1.0/24")})
}

/// A device for macvlan to sit on.
fn uplink() {
    ip(&[
        "link", "add", "uplink0", "type", "veth", "peer", "name", "switch0",
    ]);
    ip(&["link", "set", "uplink0", "up"]);
    ip(&["link", "set", "switch0", "up"]);
}

fn nothing_is_left(node: &Node, sandbox: &Sandbox) {
    leftovers::assert_none(node, sandbox, "after DEL");
}

fn bridge_and_macvlan_leave_nothing() {
    Node::run(|node| {
        uplink();
        let conf = conf(node, &json!({"delegates": [bridge(node), macvlan(node)]}));
        let sandbox = Sandbox::new(node, "p1");
        let result = sandbox.add(&conf);
        assert_eq!(result["cniVersion"], "1.0.0");
        assert_eq!(
            result["ips"][0]["address"], "10.22.0.2/24",
            "the runtime is told of the cluster network: {result}"
        );
        let links = sandbox.netns.links();
        assert_eq!(sandbox.netns.names(), ["eth0", "net1"]);
        assert!(
            links
                .iter()
                .any(|link| link.name == "eth0" && link.addresses == ["10.22.0.2/24"]),
            "{links:?}"
        );
        assert!(
            links
                .iter()
                .any(|link| link.name == "net1" && link.addresses == ["192.168.1.2/24"]),
            "{links:?}"
        );
        assert_eq!(node.files("state").len(), 1, "one record");
        sandbox.del(&conf);
        nothing_is_left(node, &sandbox);
        sandbox.del(&conf);
    });
}

fn a_chain_hands_its_result_on() {
    Node::run(|node| {
        let chain = json!({"cniVersion": "1.0.0", "name": "chain", "plugins": [
            {"type": "ptp", "ipam": {"type": "static", "addresses": [{"address": "10.9.0.2/24", "gateway": "10.9.0.1"}]}},
            {"type": "tuning", "mac": "02:00:00:00:00:07", "sysctl": {"net.ipv4.conf.IFNAME.arp_notify": "1"}}]});
        let conf = conf(node, &json!({"delegates": [chain]}));
        let sandbox = Sandbox::new(node, "p1");
        let result = sandbox.add(&conf);
        let links = sandbox.netns.links();
        assert_eq!(links[0].mac, "02:00:00:00:00:07");
        assert!(
            result["interfaces"]
                .to_string()
                .contains("02:00:00:00:00:07"),
            "tuning changed the result of ptp: {result}"
        );
        assert_eq!(result["ips"][0]["address"], "10.9.0.2/24");
        sandbox.del(&conf);
        nothing_is_left(node, &sandbox);
    });
}

fn results_in_every_version() {
    Node::run(|node| {
        for (index, version) in [
            "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0",
        ]
        .into_iter()
        .enumerate()
        {
            let conf = conf(
                node,
                &json!({"cniVersion": version, "delegates": [bridge(node)]}),
            );
            let sandbox = Sandbox::new(node, &format!("p{index}"));
            let result = sandbox.add(&conf);
            assert_eq!(result["cniVersion"], version);
            let address = if version < "0.3.0" {
                &result["ip4"]["ip"]
            } else {
                &result["ips"][0]["address"]
            };
            assert!(
                address
                    .as_str()
                    .is_some_and(|address| address.ends_with("/24")),
                "{result}"
            );
            assert_eq!(
                result["ips"][0].get("version").is_some(),
                ("0.3.0".."1.0.0").contains(&version),
                "{result}"
            );
            sandbox.del(&conf);
            nothing_is_left(node, &sandbox);
        }
    });
}

fn a_failure_undoes_everything() {
    Node::run(|node| {
        uplink();
        delegates::install(node, "fails", delegates::FAILS);
        let failing = json!({"cniVersion": "1.0.0", "name": "broken-net", "type": "fails"});
        let conf = conf(
            node,
            &json!({"delegates": [bridge(node), macvlan(node), failing]}),
        );
        let sandbox = Sandbox::new(node, "p1");
        let (code, message) = sandbox.fail("ADD", &conf);
        assert_eq!(code, 11, "the delegate's own code");
        for word in [
            "broken-net",
            "net2",
            "fails",
            "the switch is rebooting",
            "port 7",
        ] {
            assert!(message.contains(word), "{word}: {message}");
        }
        nothing_is_left(node, &sandbox);
        sandbox.del(&conf);
    });
}

fn what_cannot_be_undone_is_kept_for_del() {
    Node::run(|node| {
        delegates::install(node, "sticks", delegates::STICKS);
        delegates::install(node, "fails", delegates::FAILS);
        std::fs::write(node.path("stuck"), "").unwrap();
        let conf = conf(
            node,
            &json!({"delegates": [
            {"cniVersion": "1.0.0", "name": "a", "type": "sticks"}, {"cniVersion": "1.0.0", "name": "b", "type": "fails"}]}),
        );
        let sandbox = Sandbox::new(node, "p1");
        let (code, message) = sandbox.fail("ADD", &conf);
        assert_eq!(code, 11, "the cause comes first: {message}");
        assert!(
            message.contains("undoing it failed too") && message.contains("stuck"),
            "{message}"
        );
        assert_eq!(node.files("state").len(), 1, "the record is kept");
        let (code, message) = sandbox.fail("DEL", &conf);
        assert_eq!(code, 101, "{message}");
        let (code, message) = sandbox.fail("ADD", &conf);
        assert_eq!(code, 103, "{message}");
        std::fs::remove_file(node.path("stuck")).unwrap();
        sandbox.del(&conf);
        nothing_is_left(node, &sandbox);
    });
}

/// Neither the configuration's delegates nor the namespace are needed, nor anybody to ask.
fn del_needs_the_record_alone() {
    Node::run(|node| {
        let full = conf(node, &json!({"delegates": [bridge(node)]}));
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&full);
        let changed = conf(
            node,
            &json!({"bridgeSocket": "/does/not/exist", "delegates": [{"name": "other", "type": "missing"}]}),
        );
        sandbox.del(&changed);
        nothing_is_left(node, &sandbox);
        // What has become wrong since ADD keeps no pod from being deleted.
        sandbox.add(&full);
        let broken = json!({"name": "", "cniVersion": "9.9.9", "namespaceIsolation": true, "cniDir": full["cniDir"], "binDir": full["binDir"]});
        sandbox.del(&broken);
        nothing_is_left(node, &sandbox);
    });
}

fn the_record_is_there_before_the_first_delegate() {
    Node::run(|node| {
        delegates::install(
            node,
            "looks",
            "cat > /dev/null; ls \"$node/state/sandboxes\" | grep json >> \"$calls\"; printf '{\"cniVersion\":\"1.0.0\"}'\n",
        );
        let conf = conf(
            node,
            &json!({"delegates": [{"cniVersion": "1.0.0", "name": "a", "type": "looks"}]}),
        );
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        assert_eq!(delegates::calls(node), ["sandbox-p1.json"]);
        sandbox.del(&conf);
        assert_eq!(node.files("state"), [].into());
    });
}

fn cluster_network_from_a_file() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        std::fs::create_dir_all(node.path("conf")).unwrap();
        std::fs::write(node.path("conf").join("10-a.conf"), "{ broken").unwrap();
        let text = r#"{"cniVersion":"1.0.0","name":"in-a-file","plugins":[{"type":"probe"}]}"#;
        std::fs::write(node.path("conf").join("20-b.conflist"), text).unwrap();
        for named in [
            "in-a-file".to_owned(),
            node.path("conf")
                .join("20-b.conflist")
                .display()
                .to_string(),
        ] {
            let conf = conf(node, &json!({"clusterNetwork": named}));
            let sandbox = Sandbox::new(node, &format!("p{}", named.len()));
            let result = sandbox.add(&conf);
            assert_eq!(result["interfaces"][0]["name"], "eth0");
            sandbox.del(&conf);
        }
        let (code, message) = Sandbox::new(node, "p2")
            .fail("ADD", &conf(node, &json!({"clusterNetwork": "nowhere"})));
        assert_eq!(code, 7);
        assert!(
            message.contains("nowhere") && message.contains("10-a.conf"),
            "{message}"
        );
    });
}

fn capabilities_reach_those_that_declare_them() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let conf = conf(
            node,
            &json!({
            "runtimeConfig": {"dns": {"servers": ["10.0.0.1"]}, "portMappings": [{"hostPort": 80, "containerPort": 8080}]},
            "delegates": [
                {"cniVersion": "1.0.0", "name": "a", "plugins": [{"type": "probe", "capabilities": {"dns": true}}, {"type": "probe", "capabilities": {"portMappings": true}}]},
                {"cniVersion": "1.0.0", "name": "b", "type": "probe", "capabilities": {"dns": true, "portMappings": true}}]}),
        );
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        let calls = delegates::calls(node);
        assert!(
            calls[0].contains(r#""runtimeConfig":{"dns":{"servers":["10.0.0.1"]}}"#),
            "{calls:#?}"
        );
        assert!(
            calls[1].contains(r#""runtimeConfig":{"portMappings":"#)
                && calls[1].contains("prevResult"),
            "{calls:#?}"
        );
        assert!(
            calls[2].contains(r#""runtimeConfig":{"dns":{"servers":["10.0.0.1"]}}"#),
            "a capability that is not the cluster network's own reaches everybody who declares it: {calls:#?}"
        );
        assert!(calls[0].contains("K8S_POD_NAME=p1"), "{calls:#?}");
    });
}

fn an_interface_that_was_there_before_stays() {
    Node::run(|node| {
        let conf = conf(node, &json!({"delegates": [bridge(node)]}));
        let sandbox = Sandbox::new(node, "p1");
        sandbox.netns.ip(&["link", "add", "eth0", "type", "bridge"]);
        let (code, message) = sandbox.fail("ADD", &conf);
        assert_eq!(code, 101);
        assert!(
            message.contains("eth0") && message.contains("already"),
            "{message}"
        );
        sandbox.del(&conf);
        assert_eq!(
            sandbox.netns.names(),
            ["eth0"],
            "nobody undoes what they have not done"
        );
        assert_eq!(node.files("state"), [].into());
    });
}

/// The runtime kills the plugin while a delegate works, and then asks for DEL.
fn del_waits_for_the_delegate_of_a_killed_add() {
    Node::run(|node| {
        let slow = "cat > /dev/null\ncase $CNI_COMMAND in\nADD) touch \"$node/begun\"; sleep 1; touch \"$node/made\"; printf '{\"cniVersion\":\"1.0.0\"}' ;;\nDEL) rm -f \"$node/made\" ;;\nesac\n";
        delegates::install(node, "slow", slow);
        let conf = conf(
            node,
            &json!({"delegates": [{"cniVersion": "1.0.0", "name": "a", "type": "slow"}]}),
        );
        let sandbox = Sandbox::new(node, "p1");
        let mut killed = sandbox.start("ADD", &conf);
        while !node.path("begun").exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        killed.kill().expect("it is our child");
        killed.wait().expect("it is our child");
        sandbox.del(&conf);
        assert!(
            !node.path("made").exists(),
            "what the delegate made after its ADD was killed is undone"
        );
        assert_eq!(node.files("state"), [].into());
    });
}
