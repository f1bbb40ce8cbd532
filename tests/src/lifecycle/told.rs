//! An agent that ends between its answer and the pod's report.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::json;

use super::until;
use crate::{
    fixture::{
        bridge::{Bridge, network, pod},
        delegates,
        needs::SCRIPTS,
        node::Node,
        runtime::{Sandbox, finish},
    },
    scenario::Scenario,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![Scenario {
        name: "lifecycle::told::the_one_shot_is_told_in_the_place_of_an_agent_that_has_ended",
        needs: SCRIPTS,
        body: the_one_shot_is_told_in_the_place_of_an_agent_that_has_ended,
    }]
}

/// Stands in for the one-shot: keeps what it is told.
const KEEPS: &str = "#!/bin/sh\ncat > \"$0.new\"\nmv \"$0.new\" \"$0.told\"\n";

fn the_one_shot_is_told_in_the_place_of_an_agent_that_has_ended() {
    Node::run(|node| {
        delegates::install(
            node,
            "primary",
            "cat > /dev/null\nprintf '{\"cniVersion\":\"1.0.0\"}'\n",
        );
        delegates::install(node, "waits", delegates::WAITS);
        let slow = json!({"cniVersion": "1.0.0", "name": "slow", "type": "waits"});
        let objects = [network("slow", None, &slow), pod("p1", "slow")];
        let bridge = Bridge::start(node, &objects);
        let resolver = node.path("resolver");
        fs::write(&resolver, KEEPS).expect("the node's folder can be written");
        fs::set_permissions(&resolver, fs::Permissions::from_mode(0o755)).expect("it is ours");
        fs::write(node.path("kubeconfig"), "").expect("the node's folder can be written");
        let mut conf = bridge.conf(&json!({"cniVersion": "1.0.0", "name": "a", "type": "primary"}));
        conf["kubeconfig"] = json!(node.path("kubeconfig"));
        conf["resolver"] = json!(resolver);

        let sandbox = Sandbox::new(node, "p1");
        let adding = sandbox.start("ADD", &conf);
        delegates::wait_for_file(&node.path("begun"));
        drop(bridge);
        fs::write(node.path("go"), "").expect("the node's folder can be written");
        finish(adding).succeeded();
        until("the one-shot is told", || {
            let told = fs::read(node.path("resolver.told")).unwrap_or_default();
            let told = String::from_utf8_lossy(&told).into_owned();
            told.contains("\"p1\"") && told.contains("net1")
        });
        sandbox.del(&conf);
    });
}
