//! kube-apiserver is killed and started again while etcd goes on.

use serde_json::json;

use super::{NETWORKS, World, create_network, create_pod, definition, get};
use crate::{
    cluster::wait_for,
    fixture::{control_plane::ControlPlane, node::Node, runtime::Sandbox},
};

pub(super) fn the_api_server_restarts() {
    Node::run(|node| {
        let mut plane = ControlPlane::start();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        runtime.block_on(tell(node, &mut plane));
    });
}

async fn tell(node: &Node, plane: &mut ControlPlane) {
    let networks = ["known", "devices", "goes"];
    let pods = [("before", "known"), ("during", "known"), ("later", "known")];
    let world = World::start(node, plane, &plane.kubeconfig(), &networks, &pods).await;
    let during = world.sandbox("during").await;
    let before = world.sandbox("before").await;
    world.attached_by(&before);
    world.status("before", 2).await;

    plane.kill_api_server();
    assert_eq!(world.attached_by(&during).len(), 2, "eth0 and net1");
    // Nobody can say what this pod asks for, so it is not started without.
    let (code, message) = Sandbox::new(node, "unknown").fail("ADD", &world.conf);
    assert_eq!(code, 11, "try again later: {message}");
    for word in ["default/unknown", "API server"] {
        assert!(message.contains(word), "{word}: {message}");
    }
    let injected = world.webhook.judges("devices");
    assert!(
        injected.clone().is_ok_and(|patch| patch > 0),
        "{injected:?}"
    );
    let undecided = world.webhook.judges("comes").unwrap_err();
    assert!(undecided.starts_with("HTTP 503"), "{undecided}");
    assert!(world.webhook.is_ready());
    assert!(get("http://127.0.0.1:9098/readyz").is_some());

    plane.start_api_server();
    // At once, long before a watch is tried again.
    create_network(&world.client, "comes").await;
    create_pod(&world.client, "after", "comes").await;
    let after = world.sandbox("after").await;
    assert_eq!(world.attached_by(&after).len(), 2, "eth0 and net1");
    assert_eq!(world.webhook.judges("comes"), Ok(0));
    // What was taken during the outage is published, and what came after it.
    world.status("during", 2).await;
    world.status("after", 2).await;

    // The watches go on: of what was there before, of what is new, and of what goes.
    world.agent_knows(4, 4).await;
    let changed = definition("known", "new");
    let change = json!({"spec": changed["spec"]});
    let patched = plane.ask("PATCH", &format!("{NETWORKS}/known"), &change);
    assert_eq!(patched.status, 200, "{}", patched.body);
    let later = world.sandbox("later").await;
    wait_for(async || {
        let calls = world.attached_by(&later);
        later.del(&world.conf);
        let is_new = |call: &String| call.contains(r#""mark":"new""#);
        calls.iter().any(is_new).then_some(())
    })
    .await;
    let deleted = plane.ask("DELETE", &format!("{NETWORKS}/goes"), &json!({}));
    assert_eq!(deleted.status, 200, "{}", deleted.body);
    wait_for(async || world.webhook.judges("goes").err()).await;
    world.agent_knows(3, 4).await;

    for sandbox in [&before, &during, &after] {
        sandbox.del(&world.conf);
    }
    assert_eq!(node.files("state"), [].into());
    let World { agent, webhook, .. } = world;
    for log in [agent.log(), webhook.daemon.log()] {
        assert!(log.contains("again"), "nobody noticed: {log}");
        assert!(!log.contains("panicked"), "{log}");
    }
}
