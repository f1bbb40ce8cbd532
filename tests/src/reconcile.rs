//! What the device-bridge finds and mends of what runtimes, plugins and itself left undone.

use std::{
    fs::{self, File},
    time::{Duration, Instant, SystemTime},
};

use serde_json::json;

use crate::{
    fixture::{
        binaries,
        bridge::{Bridge, network, pod, write_objects},
        kubelet::Kubelet,
        leftovers::leases,
        needs::{BRIDGE, SCRIPTS},
        node::Node,
        runtime::{Sandbox, host_local},
        witness,
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "reconcile::what_is_left_of_a_sandbox_is_undone",
            needs: BRIDGE,
            body: what_is_left_of_a_sandbox_is_undone,
        },
        Scenario {
            name: "reconcile::a_pod_that_lacks_a_network_is_told_of",
            needs: SCRIPTS,
            body: a_pod_that_lacks_a_network_is_told_of,
        },
        Scenario {
            name: "reconcile::a_status_that_is_waited_for",
            needs: SCRIPTS,
            body: a_status_that_is_waited_for,
        },
    ]
}

const PATIENCE: Duration = Duration::from_secs(60);

fn wait_until(what: &str, is_done: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_done() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What is younger than some minutes is not judged: the plugin may be at work on it.
pub(crate) fn age(node: &Node, sandbox: &Sandbox) {
    let record = node
        .path("state/sandboxes")
        .join(format!("{}.json", sandbox.id));
    let hours_ago = SystemTime::now() - Duration::from_secs(7200);
    let file = File::options().append(true).open(record);
    file.unwrap().set_modified(hours_ago).unwrap();
}

/// The namespace is gone and the pod of the name is another one: no runtime will send DEL for it any more.
fn what_is_left_of_a_sandbox_is_undone() {
    Node::run(|node| {
        let objects = |uid: &str| {
            let mut of_pod = pod("p1", "");
            of_pod["metadata"]["uid"] = json!(uid);
            write_objects(node, &[of_pod]);
        };
        objects("uid-p1");
        let kubelet = || Kubelet::start(&node.path("kubelet.sock"), true);
        let bridge = Bridge::of_file(node, kubelet());
        let cluster = json!({"cniVersion": "0.3.1", "name": "cbr0", "type": "bridge", "bridge": "cni0", "ipam": host_local(node, "10.22.0.0/24")});
        let conf = bridge.conf(&cluster);
        let [left, alive, meanwhile] = ["p1", "p2", "p3"].map(|name| Sandbox::new(node, name));
        left.add(&conf);
        // A pod without objects: the plugin knows that it asks for nothing.
        let mut quiet = conf;
        quiet["runtimeConfig"] = json!({"io.kubernetes.cri.pod-annotations": {}});
        alive.add(&quiet);
        assert_eq!(leases(node).len(), 2);
        drop(bridge);
        // While the device-bridge is down, pods that ask for no network start.
        meanwhile.add(&quiet);
        left.netns.remove();
        for sandbox in [&left, &alive, &meanwhile] {
            age(node, sandbox);
        }
        objects("uid-of-another");
        fs::remove_file(node.path("kubelet.sock")).unwrap();
        let plugin = binaries::path("polypod");
        let more = [
            "--reconcile-interval".as_ref(),
            "1".as_ref(),
            "--plugin-path".as_ref(),
            plugin.as_os_str(),
        ];
        let _bridge = Bridge::with_arguments(node, kubelet(), &more);
        wait_until("the record and the lease are there", || {
            node.files("state/sandboxes").len() == 2 && leases(node).len() == 2
        });
        for sandbox in [alive, meanwhile] {
            assert_eq!(sandbox.netns.names(), ["eth0"]);
        }
    });
}

/// The annotation was changed while the pod ran, and no controller has plugged the network in.
fn a_pod_that_lacks_a_network_is_told_of() {
    Node::run(|node| {
        witness::install(node, &["one"]);
        let conf = json!({"cniVersion": "1.0.0", "type": "one"});
        let networks = [network("net-a", None, &conf), network("net-b", None, &conf)];
        let objects = |chosen: &str| {
            write_objects(node, &[&networks[..], &[pod("p1", chosen)]].concat());
        };
        objects("net-a");
        let kubelet = || Kubelet::start(&node.path("kubelet.sock"), true);
        let bridge = Bridge::of_file(node, kubelet());
        let cluster = json!({"cniVersion": "1.0.0", "name": "c", "type": "one"});
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&bridge.conf(&cluster));
        drop(bridge);
        age(node, &sandbox);
        objects("net-a, net-b");
        fs::remove_file(node.path("kubelet.sock")).unwrap();
        let more = ["--reconcile-interval".as_ref(), "1".as_ref()];
        let _bridge = Bridge::with_arguments(node, kubelet(), &more);
        let events =
            || fs::read_to_string(node.path("status/default_p1.events.jsonl")).unwrap_or_default();
        wait_until("no Event", || events().contains("NetworksMissing"));
        let told = events();
        assert!(told.contains("default/net-b"), "{told}");
        // It is told once, however many rounds find it.
        std::thread::sleep(Duration::from_secs(3));
        assert_eq!(events().matches("NetworksMissing").count(), 1);
    });
}

/// With `statusTimeout` ADD waits until network-status is published. One that has waited in vain succeeds and says so, and
/// the status is published when it can be.
fn a_status_that_is_waited_for() {
    Node::run(|node| {
        witness::install(node, &["one"]);
        let conf = json!({"cniVersion": "1.0.0", "type": "one"});
        let names = ["p1", "p2"];
        let pods = names.map(|name| pod(name, "net-a"));
        let objects = [&[network("net-a", None, &conf)][..], &pods].concat();
        let bridge = Bridge::start(node, &objects);
        let log = node.path("log");
        let conf = bridge.conf_with(&json!({
            "delegates": [{"cniVersion": "1.0.0", "name": "c", "type": "one"}],
            "statusTimeout": 1, "logFile": log, "logLevel": "error",
        }));
        let [waited, in_vain] = names.map(|name| Sandbox::new(node, name));
        waited.add(&conf);
        assert!(node.path("status/default_p1.json").exists());
        // In the place of the status is a folder, for a while.
        let blocked = node.path("status/default_p2.json");
        fs::create_dir_all(blocked.join("x")).unwrap();
        in_vain.add(&conf);
        let logged = fs::read_to_string(&log).unwrap_or_default();
        assert!(logged.contains("not published after 1000 ms"), "{logged}");
        fs::remove_dir_all(&blocked).unwrap();
        assert!(!bridge.status("p2").is_empty());
    });
}
