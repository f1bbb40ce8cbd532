//! A node whose agent is away: the plugin's one-shot reads and writes with the token that the agent left, until that ends.

use serde_json::{Value, json};

use super::{Cluster, PLUGIN, create_node, create_pod, until};
use crate::{
    fixture::{
        node::Node,
        runtime::{Sandbox, host_local},
    },
    install::{Folders, bridge, plugin_binary},
};

const STATUS: &str = "k8s.v1.cni.cncf.io/network-status";

pub(super) fn the_resolver_has_the_plugins_own_token() {
    Node::run(|node| {
        let cluster = Cluster::start();
        let plane = &cluster.installed.plane;
        let config = json!({"cniVersion": "1.0.0", "type": "bridge", "bridge": "second", "ipam": host_local(node, "10.78.0.0/24")});
        cluster.installed.apply(&json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
            "metadata": {"name": "second", "namespace": "default"}, "spec": {"config": config.to_string()}}));
        let pods = ["p1", "p2"]
            .map(|name| create_pod(&cluster.installed, "default", name, Some("node-1")));

        let folders = install(node, &cluster);
        let [mut first, mut second] = ["p1", "p2"].map(|name| Sandbox::new(node, name));
        for (sandbox, pod) in [&mut first, &mut second].into_iter().zip(&pods) {
            let uid = pod["metadata"]["uid"].as_str();
            sandbox.uid = uid.expect("every pod has a uid").to_owned();
        }
        folders.run(&first, "ADD", &json!({})).succeeded();
        assert_eq!(first.netns.names(), ["eth0", "net1"]);
        let status = until("network-status", || {
            let pod = plane.ask("GET", "/api/v1/namespaces/default/pods/p1", &Value::Null);
            let status = pod.body["metadata"]["annotations"][STATUS].as_str();
            status.map(str::to_owned)
        });
        assert!(status.contains("default/second"), "{status}");
        let events = until("the Event", || {
            let path = "/api/v1/namespaces/default/events";
            let events = plane.ask("GET", path, &Value::Null).body["items"].take();
            (!events.as_array().is_none_or(Vec::is_empty)).then_some(events)
        });
        assert!(events.to_string().contains("AddedInterface"), "{events}");

        // The token is one of this Node, and goes with it: a pod that needs it waits, fails, and is told why.
        let deleted = plane.ask("DELETE", "/api/v1/nodes/node-1", &Value::Null);
        assert_eq!(deleted.status, 200, "{}", deleted.body);
        let failed = until("the end of the token", || {
            let ran = folders.run(&second, "ADD", &json!({"bridgeTimeout": 1}));
            if ran.success {
                folders.run(&second, "DEL", &json!({})).succeeded();
                return None;
            }
            Some(ran.failed())
        });
        assert_eq!(failed.0, 11, "{failed:?}");
        for words in [
            "401",
            "the token has ended",
            "look whether polypod-device-bridge runs",
        ] {
            assert!(failed.1.contains(words), "{failed:?}");
        }
        folders.run(&second, "DEL", &json!({})).succeeded();
        assert_eq!(second.netns.names(), Vec::<String>::new());

        // With the next token it starts; it has waited for it.
        std::thread::scope(|scope| {
            let waiting =
                scope.spawn(|| folders.run(&second, "ADD", &json!({"bridgeTimeout": 120})));
            create_node(&cluster.installed, "node-1");
            install(node, &cluster);
            waiting.join().expect("it ends").succeeded();
        });
        assert_eq!(second.netns.names(), ["eth0", "net1"]);
        folders.run(&second, "DEL", &json!({})).succeeded();
        folders.run(&first, "DEL", &json!({})).succeeded();
        assert_eq!(node.files("state"), [].into());
    });
}

/// Once, without an agent afterwards.
fn install(node: &Node, cluster: &Cluster) -> Folders {
    let folders = Folders::new(&node.path(""));
    folders.put("10-bridge.conflist", &bridge(node));
    let account = node.path("account");
    cluster.write_service_account(&account);
    folders.succeeds(
        "install",
        &[
            "--once",
            "--plugin-binary",
            &plugin_binary(),
            "--no-bridge-socket",
            "--plugin-kubeconfig",
            &node.path("run/plugin.kubeconfig").display().to_string(),
            "--plugin-service-account",
            PLUGIN,
            "--node-name",
            "node-1",
            "--service-account-dir",
            &account.display().to_string(),
            "--api-server",
            cluster.installed.plane.server(),
        ],
    );
    folders
}
