//! Another cluster network than the node's, and another default route than the cluster network's.

use serde_json::json;

use super::super::{
    Story,
    cluster::Cluster,
    pods::{interface_of, network_status, pod},
};

pub(super) const DEFAULT_NETWORK: Story = Story {
    name: "default-network",
    checks: "eth0 and the pod IP are of the network that the annotation names",
    tell: default_network,
};

pub(super) const DEFAULT_ROUTE: Story = Story {
    name: "default-route",
    checks: "the pod's only default route goes by the network that asks for it, in the kernel and in network-status",
    tell: default_route,
};

fn default_network(cluster: &mut Cluster) {
    let mut object = pod("elsewhere", "front");
    object["metadata"]["annotations"]["v1.multus-cni.io/default-network"] = json!("default/other");
    cluster.create_pod(&object);
    let running = cluster.running("elsewhere");
    let ip = running["status"]["podIP"].as_str().unwrap_or_default();
    assert!(ip.starts_with("10.90."), "{ip}");
    assert_eq!(
        cluster.link("elsewhere", "eth0").addresses,
        [format!("{ip}/16")]
    );
    let status = network_status(&running).expect("it was waited for");
    let eth0 = interface_of(&status, "eth0");
    assert_eq!(eth0["name"], "default/other");
    assert_eq!(eth0["default"], true);
    assert_eq!(interface_of(&status, "net1")["name"], "default/front");
    cluster.delete_pod("elsewhere");
}

fn default_route(cluster: &mut Cluster) {
    let networks = json!([{"name": "storage", "default-route": ["10.89.0.1"]}, {"name": "front"}]);
    cluster.create_pod(&pod("routed", &networks.to_string()));
    let running = cluster.running("routed");
    let routes = cluster.netns("routed").ip(&["route", "show", "default"]);
    let routes: Vec<&str> = routes.lines().map(str::trim).collect();
    assert_eq!(routes.len(), 1, "{routes:?}");
    assert!(
        routes[0].starts_with("default via 10.89.0.1 dev net1"),
        "{routes:?}"
    );
    let status = network_status(&running).expect("it was waited for");
    let entry = interface_of(&status, "net1");
    assert_eq!(entry["gateway"], json!(["10.89.0.1"]), "{status:?}");
    cluster.delete_pod("routed");
}
