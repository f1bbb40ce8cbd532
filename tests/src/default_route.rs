//! `default-route` in real namespaces: what the kernel routes by, what the runtime and the status are told, what CHECK sees.

use serde_json::{Value, json};

use crate::{
    fixture::{
        bridge::{Bridge, network, pod},
        delegates,
        needs::{Need, SCRIPTS},
        node::{Netns, Node, ip},
        runtime::{Sandbox, host_local},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    const NETWORK: &[Need] = &[
        Need::Namespaces,
        Need::Ip,
        Need::Plugins(&["bridge", "macvlan", "ptp", "static", "host-local"]),
    ];
    vec![
        Scenario {
            name: "default_route::each_family_goes_where_it_is_told",
            needs: NETWORK,
            body: each_family_goes_where_it_is_told,
        },
        Scenario {
            name: "default_route::an_empty_list_takes_its_own_and_nothing_else",
            needs: NETWORK,
            body: an_empty_list_takes_its_own_and_nothing_else,
        },
        Scenario {
            name: "default_route::the_default_network_can_lose_its_own",
            needs: NETWORK,
            body: the_default_network_can_lose_its_own,
        },
        Scenario {
            name: "default_route::two_gateways_of_a_family_are_refused",
            needs: SCRIPTS,
            body: two_gateways_of_a_family_are_refused,
        },
        Scenario {
            name: "default_route::an_unreachable_gateway_undoes_everything",
            needs: NETWORK,
            body: an_unreachable_gateway_undoes_everything,
        },
        Scenario {
            name: "default_route::check_sees_a_changed_route",
            needs: NETWORK,
            body: check_sees_a_changed_route,
        },
    ]
}

/// Default routes as `family: interface gateway`, the IPv4 ones first.
type Routes = &'static [&'static str];

const OF_CLUSTER: Routes = &["4: eth0 10.22.0.1", "6: eth0 fd00:22::1"];

/// The cluster network: Debian's bridge, with a default route of each family.
fn cluster(node: &Node) -> Value {
    json!({"cniVersion": "1.0.0", "name": "cluster-net", "type": "bridge", "bridge": "cni0", "isDefaultGateway": true,
           "ipam": {"type": "host-local", "dataDir": node.path("leases"),
                    "ranges": [[{"subnet": "10.22.0.0/24"}], [{"subnet": "fd00:22::/64"}]]}})
}

/// A network without a default route of its own, reached by macvlan.
fn lan(node: &Node) -> Value {
    ip(&[
        "link", "add", "uplink0", "type", "veth", "peer", "name", "switch0",
    ]);
    ip(&["link", "set", "uplink0", "up"]);
    ip(&["link", "set", "switch0", "up"]);
    let conf = json!({"cniVersion": "0.4.0", "type": "macvlan", "master": "uplink0", "mode": "bridge",
        "ipam": {"type": "host-local", "dataDir": node.path("leases"),
                 "ranges": [[{"subnet": "192.168.1.0/24"}], [{"subnet": "fd00:1::/64"}]]}});
    network("lan", None, &conf)
}

/// A network that brings an IPv4 default route of its own.
fn uphill() -> Value {
    let conf = json!({"cniVersion": "1.0.0", "type": "ptp", "ipam": {"type": "static",
        "addresses": [{"address": "10.9.0.2/24", "gateway": "10.9.0.1"}], "routes": [{"dst": "0.0.0.0/0"}]}});
    network("uphill", None, &conf)
}

/// What the kernel has.
fn kernel(netns: &Netns) -> Vec<String> {
    let of = |family: &str| -> Vec<String> {
        let text = netns.ip(&["-json", &format!("-{family}"), "route", "show", "default"]);
        let routes: Vec<Value> = match text.trim() {
            "" => Vec::new(),
            text => serde_json::from_str(text).expect("ip -json prints a list"),
        };
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        routes
            .iter()
            .map(|route| {
                format!(
                    "{family}: {} {}",
                    text(&route["dev"]),
                    text(&route["gateway"])
                )
            })
            .collect()
    };
    [of("4"), of("6")].concat()
}

/// The default routes of a CNI result, as `destination gateway`.
fn default_routes(result: &Value) -> Vec<String> {
    result["routes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|route| route["dst"] == "0.0.0.0/0" || route["dst"] == "::/0")
        .map(|route| format!("{} {}", route["dst"], route["gw"]).replace('"', ""))
        .collect()
}

fn nothing_is_left(node: &Node, sandbox: &Sandbox) {
    assert_eq!(sandbox.netns.names(), Vec::<String>::new());
    assert_eq!(node.files("state"), [].into());
    let leases: Vec<_> = node
        .files("leases")
        .into_iter()
        .filter(|file| {
            let name = file.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.parse::<std::net::IpAddr>().is_ok())
        })
        .collect();
    assert_eq!(leases, Vec::<std::path::PathBuf>::new());
    let veths = node.links().into_iter();
    assert_eq!(
        veths.filter(|link| link.name.starts_with("veth")).count(),
        0
    );
}

/// One pod: its networks annotation, the kernel's default routes, those of the result, and the status's gateways by
/// interface.
struct Case {
    networks: &'static str,
    kernel: Routes,
    result: Routes,
    status: fn() -> Value,
}

const BOTH_OF_CLUSTER: Routes = &["0.0.0.0/0 10.22.0.1", "::/0 fd00:22::1"];

fn each_family_goes_where_it_is_told() {
    let cases = [
        Case {
            networks: "lan",
            kernel: OF_CLUSTER,
            result: BOTH_OF_CLUSTER,
            status: || json!({"eth0": ["10.22.0.1", "fd00:22::1"]}),
        },
        Case {
            networks: r#"[{"name":"lan","default-route":["192.168.1.1"]}]"#,
            kernel: &["4: net1 192.168.1.1", "6: eth0 fd00:22::1"],
            result: &["::/0 fd00:22::1"],
            status: || json!({"eth0": ["fd00:22::1"], "net1": ["192.168.1.1"]}),
        },
        Case {
            networks: r#"[{"name":"lan","default-route":["fd00:1::1"]}]"#,
            kernel: &["4: eth0 10.22.0.1", "6: net1 fd00:1::1"],
            result: &["0.0.0.0/0 10.22.0.1"],
            status: || json!({"eth0": ["10.22.0.1"], "net1": ["fd00:1::1"]}),
        },
        Case {
            networks: r#"[{"name":"lan","default-route":["fd00:1::1","192.168.1.1"]}]"#,
            kernel: &["4: net1 192.168.1.1", "6: net1 fd00:1::1"],
            result: &[],
            status: || json!({"net1": ["fd00:1::1", "192.168.1.1"]}),
        },
        Case {
            networks: r#"[{"name":"lan","default-route":["192.168.1.1"]},{"name":"lan","default-route":["fd00:1::1"]}]"#,
            kernel: &["4: net1 192.168.1.1", "6: net2 fd00:1::1"],
            result: &[],
            status: || json!({"net1": ["192.168.1.1"], "net2": ["fd00:1::1"]}),
        },
        Case {
            networks: r#"[{"name":"lan","default-route":[]}]"#,
            kernel: OF_CLUSTER,
            result: BOTH_OF_CLUSTER,
            status: || json!({"eth0": ["10.22.0.1", "fd00:22::1"]}),
        },
        Case {
            networks: r#"[{"name":"lan"},{"name":"uphill","default-route":["10.9.0.1"]}]"#,
            kernel: &["4: net2 10.9.0.1", "6: eth0 fd00:22::1"],
            result: &["::/0 fd00:22::1"],
            status: || json!({"eth0": ["fd00:22::1"], "net2": ["10.9.0.1"]}),
        },
    ];
    Node::run(move |node| {
        let mut objects = vec![lan(node), uphill()];
        objects.extend(
            cases
                .iter()
                .enumerate()
                .map(|(index, case)| pod(&format!("p{index}"), case.networks)),
        );
        let bridge = Bridge::start(node, &objects);
        let conf = bridge.conf(&cluster(node));
        for (index, case) in cases.iter().enumerate() {
            let sandbox = Sandbox::new(node, &format!("p{index}"));
            let result = sandbox.add(&conf);
            assert_eq!(kernel(&sandbox.netns), case.kernel, "{}", case.networks);
            assert_eq!(default_routes(&result), case.result, "{}", case.networks);
            let status: serde_json::Map<String, Value> = bridge
                .status(&sandbox.pod)
                .iter()
                .filter(|element| element.get("gateway").is_some())
                .map(|element| {
                    let interface = element["interface"].as_str().unwrap().to_owned();
                    (interface, element["gateway"].clone())
                })
                .collect();
            assert_eq!(Value::Object(status), (case.status)(), "{}", case.networks);
            let checked = sandbox.run("CHECK", &conf);
            assert!(checked.success, "{}: {}", case.networks, checked.printed);
            sandbox.del(&conf);
            nothing_is_left(node, &sandbox);
        }
    });
}

/// The cluster network has no default route here, so that the one of the pod's network is really there to be taken.
fn an_empty_list_takes_its_own_and_nothing_else() {
    Node::run(|node| {
        let objects = [
            uphill(),
            lan(node),
            pod("kept", "uphill"),
            pod("taken", r#"[{"name":"uphill","default-route":[]}]"#),
            pod(
                "others",
                r#"[{"name":"uphill"},{"name":"lan","default-route":[]}]"#,
            ),
            pod(
                "replaced",
                r#"[{"name":"uphill"},{"name":"lan","default-route":["192.168.1.1"]}]"#,
            ),
        ];
        let bridge = Bridge::start(node, &objects);
        let quiet = json!({"cniVersion": "1.0.0", "name": "cluster-net", "type": "bridge", "bridge": "cni0",
                           "ipam": host_local(node, "10.22.0.0/24")});
        let conf = bridge.conf(&quiet);
        for (name, wanted, gateway) in [
            ("kept", &["4: net1 10.9.0.1"][..], json!(["10.9.0.1"])),
            ("taken", &[], Value::Null),
            ("others", &["4: net1 10.9.0.1"], json!(["10.9.0.1"])),
            ("replaced", &["4: net2 192.168.1.1"], Value::Null),
        ] {
            let sandbox = Sandbox::new(node, name);
            sandbox.add(&conf);
            assert_eq!(kernel(&sandbox.netns), wanted, "{name}");
            assert_eq!(bridge.status(name)[1]["gateway"], gateway, "{name}");
            let checked = sandbox.run("CHECK", &conf);
            assert!(checked.success, "{name}: {}", checked.printed);
            sandbox.del(&conf);
            nothing_is_left(node, &sandbox);
        }
    });
}

fn the_default_network_can_lose_its_own() {
    Node::run(|node| {
        let mut main = network("main", None, &cluster(node));
        main["metadata"]["namespace"] = json!("kube-system");
        let mut none = pod("none", "");
        none["metadata"]["annotations"]["v1.multus-cni.io/default-network"] =
            json!(r#"[{"name":"main","default-route":[]}]"#);
        let mut other = pod("other", "");
        other["metadata"]["annotations"]["v1.multus-cni.io/default-network"] =
            json!(r#"[{"name":"main","default-route":["10.22.0.9"]}]"#);
        let bridge = Bridge::start(node, &[main, none, other]);
        let conf = bridge.conf(&cluster(node));
        for (name, wanted, told) in [
            ("none", &[][..], &[][..]),
            (
                "other",
                &["4: eth0 10.22.0.9", "6: eth0 fd00:22::1"],
                &["::/0 fd00:22::1", "0.0.0.0/0 10.22.0.9"],
            ),
        ] {
            let sandbox = Sandbox::new(node, name);
            let result = sandbox.add(&conf);
            assert_eq!(kernel(&sandbox.netns), wanted, "{name}");
            assert_eq!(default_routes(&result), told, "the runtime is told: {name}");
            sandbox.del(&conf);
            nothing_is_left(node, &sandbox);
        }
    });
}

fn two_gateways_of_a_family_are_refused() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let probe = json!({"cniVersion": "1.0.0", "type": "probe"});
        let mut main = network("main", None, &probe);
        main["metadata"]["namespace"] = json!("kube-system");
        let mut across = pod("across", r#"[{"name":"a","default-route":["10.0.0.1"]}]"#);
        across["metadata"]["annotations"]["v1.multus-cni.io/default-network"] =
            json!(r#"[{"name":"main","default-route":["10.0.0.2"]}]"#);
        let objects = [
            main,
            network("a", None, &probe),
            network("b", None, &probe),
            pod(
                "one",
                r#"[{"name":"a","default-route":["10.0.0.1","10.0.0.2"]}]"#,
            ),
            pod(
                "two",
                r#"[{"name":"a","default-route":["fd00::1"]},{"name":"b","default-route":["fd00::2"]}]"#,
            ),
            across,
        ];
        let bridge = Bridge::start(node, &objects);
        let conf = bridge.conf(&probe);
        for (name, words) in [
            ("one", ["10.0.0.1", "10.0.0.2"]),
            ("two", ["fd00::1", "fd00::2"]),
            ("across", ["10.0.0.1", "10.0.0.2"]),
        ] {
            let (code, message) = Sandbox::new(node, name).fail("ADD", &conf);
            assert_eq!(code, 101, "{message}");
            for word in words
                .iter()
                .chain(&["does not support ECMP for default-route"])
            {
                assert!(message.contains(word), "{name}: {word}: {message}");
            }
        }
        assert_eq!(delegates::calls(node), Vec::<String>::new());
        assert_eq!(node.files("state"), [].into());
    });
}

fn an_unreachable_gateway_undoes_everything() {
    Node::run(|node| {
        let gateways = ["172.31.0.1", "2001:db8::1"];
        let mut objects = vec![lan(node)];
        objects.extend(gateways.iter().enumerate().map(|(index, gateway)| {
            let networks =
                format!(r#"[{{"name":"lan","default-route":["{gateway}"]}},{{"name":"lan"}}]"#);
            pod(&format!("p{index}"), &networks)
        }));
        let bridge = Bridge::start(node, &objects);
        let conf = bridge.conf(&cluster(node));
        for (index, gateway) in gateways.iter().enumerate() {
            let sandbox = Sandbox::new(node, &format!("p{index}"));
            let (code, message) = sandbox.fail("ADD", &conf);
            assert_eq!(code, 101, "{message}");
            for word in [
                "default/lan",
                "net1",
                gateway,
                "error setting default gateway:",
            ] {
                assert!(message.contains(word), "{word}: {message}");
            }
            nothing_is_left(node, &sandbox);
            sandbox.del(&conf);
        }
    });
}

fn check_sees_a_changed_route() {
    Node::run(|node| {
        let annotation = r#"[{"name":"lan","default-route":["192.168.1.1"]}]"#;
        let bridge = Bridge::start(node, &[lan(node), pod("p1", annotation)]);
        let conf = bridge.conf(&cluster(node));
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        for (break_it, word, mend_it) in [
            (
                &["route", "del", "default", "dev", "net1"][..],
                "is gone",
                &[
                    "route",
                    "add",
                    "default",
                    "via",
                    "192.168.1.1",
                    "dev",
                    "net1",
                ][..],
            ),
            (
                &[
                    "route",
                    "replace",
                    "default",
                    "via",
                    "192.168.1.9",
                    "dev",
                    "net1",
                ],
                "192.168.1.9",
                &[
                    "route",
                    "replace",
                    "default",
                    "via",
                    "192.168.1.1",
                    "dev",
                    "net1",
                ],
            ),
            (
                &[
                    "route",
                    "add",
                    "default",
                    "via",
                    "10.22.0.1",
                    "dev",
                    "eth0",
                    "metric",
                    "7",
                ],
                "10.22.0.1",
                &[
                    "route",
                    "del",
                    "default",
                    "via",
                    "10.22.0.1",
                    "dev",
                    "eth0",
                    "metric",
                    "7",
                ],
            ),
        ] {
            let fine = sandbox.run("CHECK", &conf);
            assert!(fine.success, "{}", fine.printed);
            sandbox.netns.ip(break_it);
            let (_, message) = sandbox.fail("CHECK", &conf);
            assert!(message.contains(word), "{break_it:?}: {message}");
            sandbox.netns.ip(mend_it);
        }
        let fine = sandbox.run("CHECK", &conf);
        assert!(fine.success, "{}", fine.printed);
        sandbox.del(&conf);
        nothing_is_left(node, &sandbox);
    });
}
