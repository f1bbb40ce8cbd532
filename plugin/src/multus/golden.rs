//! Multus's files of one sandbox, constructed in the shapes that Multus 4.3 and libcni 1.3 write: a chain as the cluster
//! network, and one secondary network with a device and requests.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use spec::cni::{Args, ContainerId, InterfaceName, Version};

use super::Sandbox;

/// The chain, as it was given.
pub(super) const CLUSTER: &str = r#"{"cniVersion":"0.4.0","name":"cbr0","plugins":[{"bridge":"b0","type":"flannel"},{"capabilities":{"portMappings":true},"type":"portmap"}]}"#;

/// The secondary network, as it was given.
pub(super) const SRIOV: &str = r#"{"cniVersion":"0.3.1","deviceID":"0000:03:02.1","ipam":{"type":"static"},"name":"sriov-a","pciBusID":"0000:03:02.1","type":"sriov"}"#;

/// What the runtime says of the sandbox.
pub(super) struct Runtime {
    container_id: ContainerId,
    interface: InterfaceName,
    args: Args,
}

impl Runtime {
    pub(super) fn new() -> Self {
        Self {
            container_id: "c1".parse().unwrap(),
            interface: "eth0".parse().unwrap(),
            args: Args::parse("IgnoreUnknown=1;K8S_POD_NAME=p1;IP=10.9.9.9").unwrap(),
        }
    }

    pub(super) fn sandbox(&self) -> Sandbox<'_> {
        Sandbox {
            container_id: &self.container_id,
            interface: &self.interface,
            args: &self.args,
            version: Version::V1_0_0,
            device_info: Path::new("/d"),
        }
    }
}

pub(super) fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

/// The scratch file.
pub(super) fn scratch() -> Value {
    json!([
        {
            "Conf": {"cniVersion": "0.4.0", "ipam": {}, "name": "cbr0"},
            "ConfList": {"cniVersion": "0.4.0", "name": "cbr0", "plugins": [
                {"ipam": {}, "type": "flannel"},
                {"capabilities": {"portMappings": true}, "ipam": {}, "type": "portmap"},
            ]},
            "Name": "cbr0",
            "IsFilterV4Gateway": false,
            "IsFilterV6Gateway": false,
            "Bytes": base64(CLUSTER),
        },
        {
            "Conf": {"cniVersion": "0.3.1", "ipam": {"type": "static"}, "name": "sriov-a", "type": "sriov"},
            "ConfList": {},
            "Name": "default/sriov-a",
            "macRequest": "02:00:00:00:00:01",
            "ipRequest": ["10.1.1.5/24"],
            "default-route": ["10.1.1.1", "fd00::1"],
            "IsFilterV4Gateway": false,
            "IsFilterV6Gateway": false,
            "deviceID": "0000:03:02.1",
            "resourceName": "intel.com/sriov",
            "Bytes": base64(SRIOV),
        },
    ])
}

/// The result cache of the secondary network.
pub(super) fn cached() -> Value {
    json!({
        "kind": "cniCacheV1",
        "containerId": "c1",
        "config": base64(SRIOV),
        "ifName": "net1",
        "networkName": "sriov-a",
        "netns": "/run/netns/x",
        "cniArgs": [["IgnoreUnknown", "true"], ["K8S_POD_NAME", "p1"], ["K8S_POD_NAME", "p1"]],
        "capabilityArgs": {
            "CNIDeviceInfoFile": "/d/cni/default-sriov-a-c1_net1",
            "deviceID": "0000:03:02.1",
            "ips": ["10.1.1.5/24"],
            "mac": "02:00:00:00:00:01",
        },
        "result": {
            "cniVersion": "0.3.1",
            "dns": {},
            "interfaces": [{"name": "net1", "sandbox": "/run/netns/x"}],
            "ips": [{"address": "10.1.1.5/24", "interface": 0, "version": "4"}],
        },
    })
}

/// Writes a file below `cni_dir`.
pub(super) fn put(cni_dir: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = cni_dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
