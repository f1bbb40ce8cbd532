//! A static pod: the API server has a mirror of it, with a UID that is not the pod's.

use std::path::Path;

use serde_json::json;

use super::super::{
    NODE, Story,
    cluster::{Cluster, STATIC_PODS},
    pods::{interface_of, network_status, pod},
};

pub(super) const STATIC: Story = Story {
    name: "static pod",
    checks: "its networks are attached, and network-status is on its mirror pod",
    tell: of_a_file,
};

fn of_a_file(cluster: &mut Cluster) {
    let mut object = pod("static", "front@front0,storage");
    object["metadata"]["namespace"] = json!("default");
    let file = Path::new(STATIC_PODS).join("static.json");
    std::fs::write(&file, object.to_string()).expect("the folder is the node's");
    let name = format!("static-{NODE}");
    let mirror = cluster.running(&name);
    let status = network_status(&mirror).expect("it was waited for");
    for (interface, network) in [("front0", "default/front"), ("net2", "default/storage")] {
        let link = cluster.link(&name, interface);
        let entry = interface_of(&status, interface);
        assert_eq!(entry["name"], network);
        let address = entry["ips"][0].as_str().unwrap_or_default();
        assert!(
            link.addresses
                .iter()
                .any(|known| known.starts_with(&format!("{address}/"))),
            "{link:?} {entry}"
        );
    }
    std::fs::remove_file(&file).expect("the folder is the node's");
    cluster.gone(&name);
}
