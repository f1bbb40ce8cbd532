//! The networks of the stories, as NetworkAttachmentDefinitions of the namespace default.

use serde_json::{Value, json};

use super::{device_plugin::RESOURCE, hardware::UPLINK};

/// Where they are.
pub(super) const NETWORKS: &str =
    "/apis/k8s.cni.cncf.io/v1/namespaces/default/network-attachment-definitions";

/// The primary network: what the installer of a cluster network leaves in the runtime's folder.
pub(crate) fn primary() -> Value {
    json!({"cniVersion": "1.0.0", "name": "primary", "plugins": [{
        "type": "bridge", "bridge": "cni0", "isDefaultGateway": true, "hairpinMode": true,
        "ipam": {"type": "host-local", "subnet": "10.88.0.0/16"}}]})
}

/// The bridges that plugins make and leave to the node.
pub(crate) const BRIDGES: [&str; 3] = ["cni0", "br-storage", "br-other"];

/// All of them.
pub(super) fn all() -> Vec<Value> {
    let local = |subnet: &str| json!({"type": "host-local", "subnet": subnet});
    let one_address = json!({"type": "host-local", "ranges": [[{"subnet": "192.168.1.0/24", "rangeStart": "192.168.1.200", "rangeEnd": "192.168.1.200"}]]});
    let bridge = |name: &str, ipam: Value| json!({"type": "bridge", "bridge": name, "isGateway": true, "ipam": ipam});
    let macvlan =
        |ipam: Value| json!({"type": "macvlan", "master": UPLINK, "mode": "bridge", "ipam": ipam});
    vec![
        // The address is the network's: a range of one, as Smart Edge has it.
        network("macvlan-one", None, &[macvlan(one_address)]),
        // The address is the pod's.
        network(
            "macvlan-asked",
            None,
            &[
                json!({"type": "macvlan", "master": UPLINK, "mode": "bridge", "capabilities": {"ips": true, "mac": true},
                "ipam": {"type": "static"}}),
            ],
        ),
        network("front", None, &[macvlan(local("192.168.8.0/24"))]),
        network(
            "storage",
            None,
            &[bridge("br-storage", local("10.89.0.0/16"))],
        ),
        network("control", None, &[macvlan(local("192.168.9.0/24"))]),
        network("other", None, &[bridge("br-other", local("10.90.0.0/16"))]),
        network(
            "vf",
            Some(RESOURCE),
            &[
                json!({"type": "host-device", "capabilities": {"deviceID": true}, "ipam": local("192.168.10.0/24")}),
            ],
        ),
        network(
            "slow",
            None,
            &[
                json!({"type": "slow-macvlan", "master": UPLINK, "mode": "bridge", "ipam": local("192.168.11.0/24")}),
            ],
        ),
    ]
}

/// A reference plugin that takes its time at ADD.
pub(super) const SLOW_MACVLAN: &str = "#!/bin/sh
[ \"$CNI_COMMAND\" = ADD ] && sleep 3
exec \"$(dirname \"$0\")/macvlan\"
";

fn network(name: &str, resource: Option<&str>, plugins: &[Value]) -> Value {
    let config = json!({"cniVersion": "1.0.0", "name": name, "plugins": plugins}).to_string();
    let mut object = json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": name}, "spec": {"config": config}});
    if let Some(resource) = resource {
        object["metadata"]["annotations"] = json!({"k8s.v1.cni.cncf.io/resourceName": resource});
    }
    object
}
