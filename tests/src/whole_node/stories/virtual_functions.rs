//! Virtual functions, all the way: the webhook injects the request, the kubelet allocates, the agent says whose device it is,
//! and the delegate moves it into the pod.

use std::collections::BTreeSet;

use serde_json::json;

use super::super::{
    Story,
    allocations::allocations,
    cluster::Cluster,
    device_plugin::RESOURCE,
    hardware::function_of,
    pods::{container, pod},
};

pub(super) const IN_A_POD: Story = Story {
    name: "two VFs in one pod",
    checks: "two devices are injected; each interface is the VF that the kubelet allocated, in the order of their ids; afterwards they are back on the node",
    tell: in_a_pod,
};

pub(super) const IN_TWO_CONTAINERS: Story = Story {
    name: "two VFs in two containers",
    checks: "nothing is injected where containers ask themselves; the first network gets the first container's VF; two pods share none",
    tell: in_two_containers,
};

fn in_a_pod(cluster: &mut Cluster) {
    let stored = cluster.create_pod(&pod("two-vfs", "vf,vf"));
    let resources = &stored["spec"]["containers"][0]["resources"];
    assert_eq!(resources["limits"], json!({RESOURCE: "2"}));
    cluster.running("two-vfs");
    let mut allocated = held("two-vfs", "c0");
    allocated.sort();
    assert_eq!(allocated.len(), 2);
    assert_eq!(functions(cluster, "two-vfs"), allocated);
    cluster.delete_pod("two-vfs");
}

fn in_two_containers(cluster: &mut Cluster) {
    let mut two = pod("two-containers", "vf,vf");
    let of = |name: &str| {
        let mut container = container(name);
        container["resources"] = json!({"limits": {RESOURCE: "1"}});
        container
    };
    two["spec"]["containers"] = json!([of("c0"), of("c1")]);
    let stored = cluster.create_pod(&two);
    for index in 0..2 {
        let resources = &stored["spec"]["containers"][index]["resources"];
        assert_eq!(resources["limits"], json!({RESOURCE: "1"}), "{index}");
    }
    cluster.create_pod(&pod("beside", "vf"));
    cluster.running("two-containers");
    cluster.running("beside");
    let allocated = [held("two-containers", "c0"), held("two-containers", "c1")].concat();
    assert_eq!(functions(cluster, "two-containers"), allocated);
    let beside = functions(cluster, "beside");
    assert_eq!(beside, held("beside", "c0"));
    let all: BTreeSet<_> = allocated.iter().chain(&beside).collect();
    assert_eq!(all.len(), 3, "no device is handed out twice");
    cluster.delete_pod("two-containers");
    cluster.delete_pod("beside");
}

/// What the kubelet says that a container holds.
fn held(pod: &str, container: &str) -> Vec<String> {
    let allocations = allocations().expect("the kubelet answers");
    let ids = allocations.get(&(pod.to_owned(), container.to_owned()));
    ids.cloned()
        .unwrap_or_else(|| panic!("{pod}/{container} holds nothing: {allocations:?}"))
}

/// The virtual functions in a pod, by the names of their interfaces; each has an address and is up.
fn functions(cluster: &Cluster, pod: &str) -> Vec<String> {
    let mut links = cluster.links(pod);
    links.retain(|link| link.name != "eth0");
    links.sort_by(|a, b| a.name.cmp(&b.name));
    links
        .iter()
        .map(|link| {
            assert_eq!(link.addresses.len(), 1, "{link:?}");
            let id = function_of(&link.mac);
            id.unwrap_or_else(|| panic!("no virtual function: {link:?}"))
                .to_owned()
        })
        .collect()
}
