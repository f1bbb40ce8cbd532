//! One network selection: an element of the annotation, as a value that cannot be wrong.

use std::{fmt, net::IpAddr};

use serde_json::{Map, Value, json};

use super::{Bandwidth, Guid, IpRequest, MacAddress, Namespace, ObjectName, PortMapping};
use crate::{
    cni::{InterfaceName, NetworkName},
    device::DeviceId,
};

/// The NetworkAttachmentDefinition that a selection means.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NetworkRef {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub name: ObjectName,
}

impl fmt::Display for NetworkRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl NetworkRef {
    /// The CNI network name of an attachment whose configuration has none: the object's name.
    ///
    /// # Panics
    /// Never: object names are CNI network names.
    #[must_use]
    pub fn cni_name(&self) -> NetworkName {
        let name = self.name.as_str();
        name.parse().expect("lower case letters, digits, '-' and '.', beginning with a letter or digit, are a CNI network name")
    }
}

/// A network that a pod asks for, and how (NPWG specification, 4.1.2.1).
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// Which network.
    pub network: NetworkRef,
    /// `interface`: the name of the interface in the pod.
    pub interface: Option<InterfaceName>,
    /// `ips`: the addresses it must have; empty when the pod does not say.
    pub ips: Vec<IpRequest>,
    /// `mac`: the hardware address it must have.
    pub mac: Option<MacAddress>,
    /// `infiniband-guid`: the GUID it must have.
    pub guid: Option<Guid>,
    /// `portMappings`: host ports led to it; empty when the pod does not say.
    pub port_mappings: Vec<PortMapping>,
    /// `bandwidth`: its limits.
    pub bandwidth: Option<Bandwidth>,
    /// `cni-args`: passed through to the plugins as `args.cni`.
    pub cni_args: Option<Map<String, Value>>,
    /// `deviceID`: the device to use where no resource gives one.
    pub device_id: Option<DeviceId>,
    /// `default-route`: the gateways of the pod's default routes. `Some` of an empty list takes the default route from
    /// this attachment; `None` says nothing.
    pub default_route: Option<Vec<IpAddr>>,
    /// `ipam-claim-reference`: the name of an IPAMClaim.
    pub ipam_claim: Option<String>,
}

impl Selection {
    /// A selection of `network` that asks for nothing more.
    #[must_use]
    pub const fn of(network: NetworkRef) -> Self {
        Self {
            network,
            interface: None,
            ips: Vec::new(),
            mac: None,
            guid: None,
            port_mappings: Vec::new(),
            bandwidth: None,
            cni_args: None,
            device_id: None,
            default_route: None,
            ipam_claim: None,
        }
    }

    /// What the selection asks of the plugins through capabilities, as `runtimeConfig` (CNI CONVENTIONS.md).
    #[must_use]
    pub fn runtime_config(&self) -> Map<String, Value> {
        let mut config = Map::new();
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                config.insert(key.to_owned(), value);
            }
        };
        set("ips", (!self.ips.is_empty()).then(|| json!(self.ips)));
        set("mac", self.mac.map(|mac| json!(mac)));
        set("infinibandGUID", self.guid.map(|guid| json!(guid)));
        set(
            "portMappings",
            (!self.port_mappings.is_empty()).then(|| json!(self.port_mappings)),
        );
        set(
            "bandwidth",
            self.bandwidth.map(|bandwidth| bandwidth.capability()),
        );
        config
    }
}
