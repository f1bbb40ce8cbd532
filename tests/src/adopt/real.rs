//! The same with Multus itself, where `MULTUS` names its program.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use super::{adopt, networks, restore};
use crate::{
    fixture::{
        leftovers,
        needs::{self, Need},
        node::Node,
        runtime::Sandbox,
    },
    install::{Folders, plugin_binary},
    scenario::Scenario,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![Scenario {
        name: "adopt::multus_itself",
        needs: &[
            Need::Namespaces,
            Need::Ip,
            Need::Plugins(&["bridge", "host-local"]),
            Need::Multus,
        ],
        body: multus_itself,
    }]
}

/// Pods that Multus attached are deleted by the plugin, and pods that the plugin attached by Multus.
fn multus_itself() {
    Node::run(|node| {
        let folders = Folders::new(&node.path(""));
        let networks = networks(node);
        let bridge = needs::plugin("bridge").expect("Need::Plugins was checked");
        let plugins = bridge.parent().expect("a plugin is in a folder");
        folders.put("10-bridge.conflist", &networks[0]);
        folders.put(
            "00-multus.conflist",
            &json!({"cniVersion": "1.0.0", "name": "multus-cni-network", "plugins": [{
                "type": "multus", "cniDir": node.path("state"), "binDir": plugins, "logToStderr": false, "delegates": networks}]}),
        );
        let program = needs::multus().expect("Need::Multus was checked");
        fs::copy(program, folders.path("cni-bin/multus"))
            .expect("the node's folder can be written");
        let multus = folders.taken();
        let verb = |sandbox: &Sandbox, verb: &str| -> Value {
            folders.run(sandbox, verb, &json!({})).succeeded().printed
        };

        let [by_multus, through_both, by_us] =
            ["by-multus", "through-both", "by-us"].map(|pod| Sandbox::new(node, pod));
        for sandbox in [&by_multus, &through_both] {
            println!("ADD by multus: {}", verb(sandbox, "ADD"));
            assert_eq!(sandbox.netns.names(), ["eth0", "net1"]);
            assert!(node.path("state").join(&sandbox.id).exists());
        }
        let binary = plugin_binary();
        folders.succeeds("install", &adopt(&binary));
        assert_eq!(folders.taken_plugin()["type"], "polypod");
        verb(&by_multus, "DEL");
        assert_eq!(by_multus.netns.names(), Vec::<String>::new());
        assert_eq!(
            leftovers::leases(node).len(),
            2,
            "those of the pod that lives on"
        );
        println!("ADD by polypod: {}", verb(&by_us, "ADD"));
        assert_eq!(by_us.netns.names(), ["eth0", "net1"]);

        println!("{}", restore(&folders, &[]).trim());
        assert_eq!(folders.taken(), multus);
        assert_eq!(node.files("state/sandboxes"), [].into());
        for sandbox in [&by_us, &through_both] {
            verb(sandbox, "DEL");
            assert_eq!(sandbox.netns.names(), Vec::<String>::new());
        }
        assert_eq!(leftovers::leases(node), Vec::<PathBuf>::new());
        assert_eq!(leftovers::veths(node), Vec::<String>::new());
        println!("left below cniDir: {:?}", node.files("state"));
        assert_eq!(node.files("state"), [].into());
    });
}
