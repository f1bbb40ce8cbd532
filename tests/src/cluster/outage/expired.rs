//! Agent and webhook are cut off for so long that etcd has forgotten what they missed: the API server answers their watches
//! 410 Gone, and only a new list can tell what is gone since.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{NETWORKS, PODS, World, create_network, create_pod, definition, expired};
use crate::{
    cluster::wait_for,
    fixture::{control_plane::ControlPlane, forwarder::Forwarder, node::Node},
};

pub(super) fn watches_expire() {
    Node::run(|node| {
        // Watches are etcd's own, and etcd remembers a second or two.
        let plane =
            ControlPlane::start_with(&["--watch-cache=false", "--etcd-compaction-interval=1s"]);
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        runtime.block_on(tell(node, &plane));
    });
}

async fn tell(node: &Node, plane: &ControlPlane) {
    let way = Forwarder::start().await;
    let port = plane.server().rsplit(':').next().expect("it has a port");
    let port = port.parse().expect("a port is a number");
    way.to(port);
    let kubeconfig = plane.kubeconfig_through(way.port);
    let networks = ["stays", "changes", "goes", "used"];
    let pods = [("stays", "changes"), ("again", "stays"), ("ends", "used")];
    let world = World::start(node, plane, &kubeconfig, &networks, &pods).await;
    let kept = wait_for(async || world.webhook.keeps("used")).await;
    assert!(kept.contains("default/ends"), "{kept}");
    let former = world.sandbox("again").await;

    let listed = plane.ask("GET", NETWORKS, &Value::Null);
    let version = listed.body["metadata"]["resourceVersion"].as_str();
    let version = version.expect("a list has a version").to_owned();
    way.cut();
    let change = json!({"spec": definition("changes", "new")["spec"]});
    for (method, path, body) in [
        ("PATCH", format!("{NETWORKS}/changes"), change),
        ("DELETE", format!("{NETWORKS}/goes"), json!({})),
        ("DELETE", format!("{PODS}/ends"), at_once()),
        ("DELETE", format!("{PODS}/again"), at_once()),
    ] {
        let reply = plane.ask(method, &path, &body);
        assert_eq!(reply.status, 200, "{method} {path}: {}", reply.body);
    }
    for name in ["comes", "comes-too"] {
        create_network(&world.client, name).await;
    }
    create_pod(&world.client, "again", "changes,comes").await;
    create_pod(&world.client, "lost", "goes").await;
    create_pod(&world.client, "new", "comes-too").await;
    forgotten(plane, &version).await;

    way.to(port);
    world.agent_knows(5, 4).await;
    // The network is another one, and so is the pod of the name.
    let stays = world.sandbox("stays").await;
    let calls = world.attached_by(&stays);
    assert!(calls[1].contains(r#""mark":"new""#), "{calls:?}");
    let again = world.sandbox("again").await;
    assert_ne!(again.uid, former.uid);
    assert_eq!(world.attached_by(&again).len(), 3, "eth0, net1, net2");
    world.status("again", 3).await;
    let (_, message) = former.fail("ADD", &world.conf);
    assert!(message.contains("default/again"), "{message}");
    // What is gone is not attached.
    let (_, message) = world.sandbox("lost").await.fail("ADD", &world.conf);
    assert!(message.contains("(goes)"), "{message}");

    let denied = wait_for(async || world.webhook.judges("goes").err()).await;
    assert!(denied.contains("default/goes"), "{denied}");
    assert_eq!(world.webhook.judges("comes,stays"), Ok(0));
    wait_for(async || world.webhook.keeps("used").is_none().then_some(())).await;
    let kept = wait_for(async || world.webhook.keeps("comes")).await;
    assert!(kept.contains("default/again"), "{kept}");

    for sandbox in [&stays, &again] {
        sandbox.del(&world.conf);
    }
    let World { agent, webhook, .. } = world;
    let (agent_log, webhook_log) = (agent.log(), webhook.daemon.log());
    for (log, wanted) in [
        (agent_log, ["NetworkAttachmentDefinition", "Pod"]),
        (webhook_log, ["NetworkAttachmentDefinitions", "Pods"]),
    ] {
        let kinds = expired(&log);
        for kind in wanted {
            assert!(kinds.contains(kind), "{kind}: {kinds:?}: {log}");
        }
    }
}

fn at_once() -> Value {
    json!({"gracePeriodSeconds": 0})
}

/// Waits until the API server cannot say any more what happened after this version, neither to networks nor to pods.
async fn forgotten(plane: &ControlPlane, version: &str) {
    let until = Instant::now() + Duration::from_secs(60);
    let is_gone = |path: &str| {
        let watch = format!("{path}?watch=1&resourceVersion={version}&timeoutSeconds=1");
        plane
            .ask("GET", &watch, &Value::Null)
            .body
            .to_string()
            .contains("410")
    };
    while !(is_gone(NETWORKS) && is_gone(PODS)) {
        assert!(Instant::now() < until, "etcd forgets nothing");
        // Without changes there is nothing to compact.
        let note = json!({"metadata": {"generateName": "note-"}});
        let written = plane.ask("POST", "/api/v1/namespaces/default/configmaps", &note);
        assert_eq!(written.status, 201, "{}", written.body);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}
