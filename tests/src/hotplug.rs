//! The hot-plug socket: interfaces plugged into pods that run, by the HTTP API of Multus's daemon.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
};
use serde_json::{Value, json};

use crate::{
    fixture::{
        bridge::{network, pod},
        daemon::Daemon,
        delegates, hotplug,
        hotplug::Hotplug,
        leftovers, multus,
        needs::{self, Need, SCRIPTS, plugin_folders},
        node::{Node, ip},
        runtime::{Sandbox, conf, gc, host_local},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    const NETWORK: &[Need] = &[
        Need::Namespaces,
        Need::Ip,
        Need::Plugins(&["bridge", "macvlan", "host-local", "static", "tuning"]),
    ];
    const SHIM: &[Need] = &[
        Need::Namespaces,
        Need::Ip,
        Need::Plugins(&["bridge", "macvlan", "host-local"]),
        Need::MultusShim,
    ];
    vec![
        Scenario {
            name: "hotplug::in_and_out_of_a_running_pod",
            needs: NETWORK,
            body: in_and_out_of_a_running_pod,
        },
        Scenario {
            name: "hotplug::a_chain_with_addresses_asked_for",
            needs: NETWORK,
            body: a_chain_with_addresses_asked_for,
        },
        Scenario {
            name: "hotplug::what_nobody_unplugs_goes_with_the_pod",
            needs: NETWORK,
            body: what_nobody_unplugs_goes_with_the_pod,
        },
        Scenario {
            name: "hotplug::what_must_not_be_is_refused",
            needs: NETWORK,
            body: what_must_not_be_is_refused,
        },
        Scenario {
            name: "hotplug::a_failure_leaves_nothing",
            needs: SCRIPTS,
            body: a_failure_leaves_nothing,
        },
        Scenario {
            name: "hotplug::a_hung_delegate_is_taken_away_by_the_next_try",
            needs: SCRIPTS,
            body: a_hung_delegate_is_taken_away_by_the_next_try,
        },
        Scenario {
            name: "hotplug::a_pod_of_multus",
            needs: SCRIPTS,
            body: a_pod_of_multus,
        },
        Scenario {
            name: "hotplug::the_shims_configuration_below_the_daemons",
            needs: NETWORK,
            body: the_shims_configuration_below_the_daemons,
        },
        Scenario {
            name: "hotplug::delegates_run_in_the_hosts_namespaces",
            needs: NETWORK,
            body: delegates_run_in_the_hosts_namespaces,
        },
        Scenario {
            name: "hotplug::multus_shim_itself",
            needs: SHIM,
            body: multus_shim_itself,
        },
    ]
}

fn bridge(node: &Node) -> Value {
    json!({"cniVersion": "1.0.0", "name": "cluster-net", "type": "bridge", "bridge": "cni0",
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

/// What the daemon's configuration says of the node.
fn overlay(node: &Node) -> Value {
    let folders = plugin_folders().into_iter().chain([node.path("bin")]);
    let folders: Vec<String> = folders.map(|folder| folder.display().to_string()).collect();
    json!({"cniDir": node.path("state"), "binDir": folders.join(":")})
}

/// A pod that runs, with its cluster network alone.
fn running(node: &Node, cluster: &Value) -> (Sandbox, Value) {
    let conf = conf(node, &json!({"delegates": [cluster]}));
    let sandbox = Sandbox::new(node, "p1");
    sandbox.add(&conf);
    (sandbox, conf)
}

fn in_and_out_of_a_running_pod() {
    Node::run(|node| {
        uplink();
        let agent = Hotplug::start(node, &[], &overlay(node));
        let (sandbox, conf) = running(node, &bridge(node));
        let net1 = sandbox.by_interface("net1");
        let result = agent.plug(&net1, &macvlan(node), &Value::Null);
        assert_eq!(result["ips"][0]["address"], "192.168.1.2/24", "{result}");
        assert_eq!(sandbox.netns.names(), ["eth0", "net1"]);
        assert_eq!(
            node.files("state").len(),
            1,
            "it is part of the sandbox's record"
        );
        assert!(!node.path("status").exists(), "who asks writes the status");
        let checked = agent.delegate("CHECK", &net1, &macvlan(node), &Value::Null);
        assert_eq!(checked, (200, String::new()));
        let told = agent.delegate("STATUS", &net1, &macvlan(node), &Value::Null);
        assert_eq!(told, (200, String::new()));
        // The runtime's own CHECK looks at it too.
        sandbox.run("CHECK", &conf).succeeded();
        agent.unplug(&net1, &macvlan(node));
        assert_eq!(sandbox.netns.names(), ["eth0"]);
        assert_eq!(leftovers::leases(node).len(), 1, "the cluster network's");
        // Controllers try again when an answer is lost.
        agent.unplug(&net1, &macvlan(node));
        let (code, words) = agent.refused("CHECK", &net1, &macvlan(node));
        assert!(code == 3 && words.contains("net1"), "{words}");
        agent.plug(&net1, &macvlan(node), &Value::Null);
        agent.unplug(&net1, &macvlan(node));
        sandbox.run("CHECK", &conf).succeeded();
        sandbox.del(&conf);
        leftovers::assert_none(node, &sandbox, "after DEL");
    });
}

fn a_chain_with_addresses_asked_for() {
    Node::run(|node| {
        uplink();
        let agent = Hotplug::start(node, &[], &overlay(node));
        let (sandbox, conf) = running(node, &bridge(node));
        let chain = json!({"cniVersion": "1.0.0", "name": "chain", "plugins": [
            {"type": "macvlan", "master": "uplink0", "capabilities": {"ips": true},
             "ipam": {"type": "static"}},
            {"type": "tuning", "capabilities": {"mac": true}}]});
        let asked = json!({"ips": ["10.9.0.7/24"], "mac": "02:00:00:00:00:07", "cni-args": null});
        let net1 = sandbox.by_interface("data0");
        agent.plug(&net1, &chain, &asked);
        let links = sandbox.netns.links();
        let data0 = links.iter().find(|link| link.name == "data0").unwrap();
        assert_eq!(data0.addresses, ["10.9.0.7/24"]);
        assert_eq!(data0.mac, "02:00:00:00:00:07");
        agent.unplug(&net1, &chain);
        assert_eq!(sandbox.netns.names(), ["eth0"]);
        // The same without anybody to take the request.
        let (status, body) = agent.delegate("ADD", &net1, &macvlan(node), &asked);
        assert!(status == 400 && body.contains("capabilities"), "{body}");
        assert_eq!(sandbox.netns.names(), ["eth0"]);
        sandbox.del(&conf);
        leftovers::assert_none(node, &sandbox, "after DEL");
    });
}

fn what_nobody_unplugs_goes_with_the_pod() {
    Node::run(|node| {
        uplink();
        let mut agent = Hotplug::start(node, &[], &overlay(node));
        let (sandbox, conf) = running(node, &bridge(node));
        agent.plug(&sandbox.by_interface("net1"), &macvlan(node), &Value::Null);
        agent.plug(&sandbox.by_interface("net2"), &macvlan(node), &Value::Null);
        assert_eq!(leftovers::leases(node).len(), 3);
        let collected = gc(node, &conf, &[&sandbox]);
        collected.succeeded();
        assert_eq!(sandbox.netns.names(), ["eth0", "net1", "net2"]);
        // Neither the agent nor who plugged them in is there any more.
        agent.stop();
        sandbox.del(&conf);
        leftovers::assert_none(node, &sandbox, "after DEL");

        // The same where DEL never comes, and GC does.
        let agent = Hotplug::start(node, &[], &overlay(node));
        let lost = Sandbox::new(node, "p2");
        lost.add(&conf);
        agent.plug(&lost.by_interface("net1"), &macvlan(node), &Value::Null);
        lost.netns.remove();
        gc(node, &conf, &[]).succeeded();
        assert_eq!(leftovers::leases(node).len(), 0);
        assert_eq!(node.files("state").len(), 0);
    });
}

fn what_must_not_be_is_refused() {
    Node::run(|node| {
        uplink();
        let agent = Hotplug::start(node, &[], &overlay(node));
        let (sandbox, conf) = running(node, &bridge(node));
        let other = Sandbox::new(node, "p2");
        other.add(&conf);
        let net1 = sandbox.by_interface("net1");
        agent.plug(&net1, &macvlan(node), &Value::Null);

        let refuses = |verb: &str, sandbox: &Sandbox, delegate: &Value, words: &str| {
            let (code, said) = agent.refused(verb, sandbox, delegate);
            assert!(said.contains(words), "{verb}: {said}");
            code
        };
        let cluster = bridge(node);
        assert_eq!(refuses("DEL", &sandbox, &cluster, "cluster network"), 101);
        assert_eq!(refuses("ADD", &sandbox, &macvlan(node), "eth0"), 101);
        assert_eq!(refuses("ADD", &net1, &macvlan(node), "net1"), 101);
        let mut renamed = macvlan(node);
        renamed["name"] = json!("another");
        // What a controller does that rolls its failed ADD back.
        assert_eq!(refuses("DEL", &net1, &renamed, "\"macvlan-conf\""), 101);
        let mut unknown = sandbox.by_interface("net2");
        unknown.id = "no-such".to_owned();
        assert_eq!(refuses("ADD", &unknown, &macvlan(node), "no-such"), 3);
        let mut swapped = sandbox.by_interface("net2");
        swapped.netns = other.netns.clone();
        assert_eq!(refuses("ADD", &swapped, &macvlan(node), "CNI_NETNS"), 4);
        let net2 = sandbox.by_interface("net2");
        let own = json!({"name": "n", "type": "polypod", "delegates": [bridge(node)]});
        assert_eq!(refuses("ADD", &net2, &own, "polypod"), 7);
        let missing = json!({"name": "n", "type": "no-such-plugin"});
        assert_eq!(refuses("ADD", &net2, &missing, "no-such-plugin"), 100);
        let nonsense = json!({"name": "n"});
        assert_eq!(refuses("ADD", &net2, &nonsense, "type"), 7);
        let (status, body) = agent.delegate("GC", &net1, &macvlan(node), &Value::Null);
        assert!(
            status == 400 && body.contains("unknown cmd type: GC"),
            "{body}"
        );

        assert_eq!(sandbox.netns.names(), ["eth0", "net1"]);
        assert_eq!(other.netns.names(), ["eth0"]);
        other.del(&conf);
        sandbox.del(&conf);
        leftovers::assert_none(node, &sandbox, "after DEL");
    });
}

fn a_failure_leaves_nothing() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        delegates::install(node, "fails", delegates::FAILS);
        let agent = Hotplug::start(node, &[], &overlay(node));
        let (sandbox, conf) = running(node, &json!({"name": "c", "type": "probe"}));
        let net1 = sandbox.by_interface("net1");
        let before = node.files("state");
        let record = || std::fs::read_to_string(before.first().unwrap()).unwrap();
        let chain = json!({"cniVersion": "1.0.0", "name": "n", "plugins": [{"type": "probe"}, {"type": "fails"}]});
        let (code, words) = agent.refused("ADD", &net1, &chain);
        assert_eq!(code, 11, "the plugin's own code: {words}");
        assert!(words.contains("the switch is rebooting"), "{words}");
        assert!(!record().contains("\"fails\""), "{}", record());
        let calls = std::fs::read_to_string(node.path("calls")).unwrap();
        let of_net1: Vec<&str> = calls
            .lines()
            .filter(|line| line.contains(" net1 "))
            .map(|line| line.split(' ').next().unwrap())
            .collect();
        assert_eq!(of_net1, ["ADD", "DEL"]);
        sandbox.del(&conf);
        assert_eq!(node.files("state").len(), 0);
    });
}

fn a_hung_delegate_is_taken_away_by_the_next_try() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        delegates::install(node, "hangs", delegates::HANGS);
        let mut overlay = overlay(node);
        overlay["delegateTimeout"] = json!(2);
        let limit: [&std::ffi::OsStr; 2] = ["--hotplug-timeout".as_ref(), "1".as_ref()];
        let agent = Hotplug::with(node, &[], &overlay, &limit);
        let (sandbox, mut conf) = running(node, &json!({"name": "c", "type": "probe"}));
        conf["delegateTimeout"] = json!(2);
        let net1 = sandbox.by_interface("net1");
        let hung = json!({"name": "n", "type": "hangs"});
        let (status, body) = agent.delegate("ADD", &net1, &hung, &Value::Null);
        assert_eq!(status, 400);
        assert!(
            body.starts_with("ContainerID:") && body.contains("did not end within 1 seconds"),
            "{body}"
        );
        // The intent is written down, so the pod's own DEL ends the delegate and takes away what it made.
        sandbox.del(&conf);
        assert_eq!(node.files("state").len(), 0);
    });
}

fn a_pod_of_multus() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let conf_of = |name: &str| json!({"cniVersion": "1.0.0", "name": name, "type": "probe"});
        let sandbox = Sandbox::new(node, "p1");
        let attached = [
            multus::Delegate::new("c", "eth0", conf_of("c")),
            multus::Delegate::new("default/n", "net1", conf_of("n")),
        ];
        multus::write_scratch(node, &sandbox, &attached);
        multus::write_results(node, &sandbox, &attached);
        let agent = Hotplug::start(node, &[], &overlay(node));
        let plugged = sandbox.by_interface("net2");
        agent.plug(&plugged, &conf_of("m"), &Value::Null);
        let conf = conf(node, &json!({"delegates": [conf_of("c")]}));
        sandbox.del(&conf);
        let calls = std::fs::read_to_string(node.path("calls")).unwrap();
        let deleted: Vec<&str> = calls
            .lines()
            .filter(|line| line.starts_with("DEL "))
            .map(|line| line.split(' ').nth(1).unwrap())
            .collect();
        assert_eq!(
            deleted,
            ["net2", "net1", "eth0"],
            "all that anybody attached"
        );
        assert_eq!(node.files("state").len(), 0, "{:?}", node.files("state"));
    });
}

/// What Multus generates for the runtime.
fn shim_conf(node: &Node) -> Value {
    json!({"cniVersion": "0.4.0", "name": "multus-cni-network", "type": "multus-shim", "logLevel": "verbose",
           "clusterNetwork": "/nowhere", "daemonSocketDir": node.path("multus")})
}

/// The daemon's configuration, with the cluster network in a file.
fn daemon_conf(node: &Node) -> Value {
    let file = node.path("10-cluster.conf");
    std::fs::write(&file, bridge(node).to_string()).unwrap();
    let mut overlay = overlay(node);
    overlay["clusterNetwork"] = json!(file);
    overlay["bridgeSocket"] = json!(node.path("run/bridge.sock"));
    overlay
}

fn the_shims_configuration_below_the_daemons() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    Node::run(|node| {
        uplink();
        let objects = [network("net-a", None, &macvlan(node)), pod("p1", "net-a")];
        let agent = Hotplug::start(node, &objects, &daemon_conf(node));
        let sandbox = Sandbox::new(node, "p1");
        let post = |verb: &str| {
            let mut env: Value = sandbox
                .environment(verb)
                .into_iter()
                .map(|(name, value)| (name.to_owned(), json!(value)))
                .collect::<serde_json::Map<_, _>>()
                .into();
            env["PATH"] = json!("/nowhere");
            env["LD_PRELOAD"] = json!("/nowhere.so");
            let body = json!({"env": env, "config": STANDARD.encode(shim_conf(node).to_string())});
            agent.send("POST", "/cni", body.to_string().as_bytes())
        };
        let (status, body) = post("ADD");
        assert_eq!(status, 200, "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            body["Result"]["ips"][0]["address"], "10.22.0.2/24",
            "{body}"
        );
        assert_eq!(sandbox.netns.names(), ["eth0", "net1"]);
        assert_eq!(node.files("state").len(), 1, "one record");
        assert_eq!(post("CHECK"), (200, String::new()));
        assert_eq!(post("DEL"), (200, String::new()));
        leftovers::assert_none(node, &sandbox, "after DEL");
    });
}

/// The agent is in a container: its own network namespace, and mounts that hide plugins, configuration and namespaces.
fn delegates_run_in_the_hosts_namespaces() {
    Node::run(|node| {
        uplink();
        std::fs::create_dir_all(node.path("host-bin")).unwrap();
        let plugin = node.path("host-bin/polypod");
        std::fs::copy(crate::fixture::binaries::path("polypod"), &plugin).unwrap();
        let (sandbox, conf) = running(node, &bridge(node));
        let mut host = Command::new("sleep").arg("600").spawn().unwrap();
        let mut arguments = hotplug::arguments(node, &[], &overlay(node));
        let named = |name: &str| arguments.iter().position(|one| one == name).unwrap() + 1;
        let at = named("--plugin-path");
        arguments[at] = plugin.clone().into_os_string();
        arguments.extend(["--host-pid".into(), host.id().to_string().into()]);
        let hidden = [node.path("host-bin"), node.path("netns")];
        let daemon = std::thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).unwrap();
            for folder in &hidden {
                let flags = MsFlags::empty();
                mount(Some("tmpfs"), folder, Some("tmpfs"), flags, None::<&str>).unwrap();
            }
            assert!(!plugin.exists(), "it is hidden from the agent");
            let arguments: Vec<_> = arguments
                .iter()
                .map(std::ffi::OsString::as_os_str)
                .collect();
            let daemon = Daemon::start("polypod-device-bridge", &arguments);
            daemon.ready("serving unix://");
            daemon
        });
        let agent = Hotplug::of(node, daemon.join().unwrap());
        let net1 = sandbox.by_interface("net1");
        agent.plug(&net1, &macvlan(node), &Value::Null);
        assert_eq!(sandbox.netns.names(), ["eth0", "net1"]);
        agent.unplug(&net1, &macvlan(node));
        assert_eq!(sandbox.netns.names(), ["eth0"]);
        host.kill().unwrap();
        host.wait().unwrap();
        let (status, body) = agent.delegate("ADD", &net1, &macvlan(node), &Value::Null);
        assert!(status == 400 && body.contains("cannot join"), "{body}");
        sandbox.del(&conf);
        leftovers::assert_none(node, &sandbox, "after DEL");
    });
}

fn multus_shim_itself() {
    Node::run(|node| {
        uplink();
        let objects = [network("net-a", None, &macvlan(node)), pod("p1", "net-a")];
        let _agent = Hotplug::start(node, &objects, &daemon_conf(node));
        let sandbox = Sandbox::new(node, "p1");
        let run = |verb: &str| {
            let mut child = Command::new(needs::shim().unwrap())
                .envs(sandbox.environment(verb))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut stdin = child.stdin.take().unwrap();
            let conf = shim_conf(node).to_string();
            stdin.write_all(conf.as_bytes()).unwrap();
            drop(stdin);
            let output = child.wait_with_output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
            (output.status.success(), stdout, stderr)
        };
        let (success, stdout, stderr) = run("ADD");
        assert!(success, "{stdout} {stderr}");
        let result: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(result["cniVersion"], "0.4.0", "{result}");
        assert_eq!(result["ips"][0]["address"], "10.22.0.2/24", "{result}");
        assert_eq!(sandbox.netns.names(), ["eth0", "net1"]);
        let (success, stdout, _) = run("CHECK");
        assert!(success, "{stdout}");
        let (success, stdout, _) = run("ADD");
        assert!(
            !success && stdout.contains("is attached already"),
            "{stdout}"
        );
        let (success, stdout, _) = run("DEL");
        assert!(success && stdout.is_empty(), "{stdout}");
        leftovers::assert_none(node, &sandbox, "after DEL");
    });
}
