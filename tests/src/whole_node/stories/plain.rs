//! A pod that asks for no network.

use super::super::{
    Story,
    cluster::Cluster,
    pods::{interface_of, network_status, pod},
};

pub(super) const PLAIN: Story = Story {
    name: "plain pod",
    checks: "the cluster network alone; pod IP, kernel and network-status agree",
    tell: plain,
};

fn plain(cluster: &mut Cluster) {
    cluster.create_pod(&pod("plain", ""));
    let running = cluster.running("plain");
    let links = cluster.links("plain");
    assert_eq!(links.len(), 1, "{links:?}");
    let ip = running["status"]["podIP"].as_str().unwrap_or_default();
    assert_eq!(links[0].name, "eth0");
    assert_eq!(links[0].addresses, [format!("{ip}/16")]);
    let status = network_status(&running).expect("it was waited for");
    assert_eq!(status.len(), 1, "{status:?}");
    let eth0 = interface_of(&status, "eth0");
    assert_eq!(eth0["default"], true);
    assert_eq!(eth0["ips"][0], ip);
    assert_eq!(eth0["mac"], links[0].mac);
    cluster.delete_pod("plain");
}
