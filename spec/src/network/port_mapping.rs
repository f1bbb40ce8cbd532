//! `portMappings`: traffic of a host port that is led to a port of the pod (NPWG specification, 4.1.2.1.7).

use std::{net::IpAddr, num::NonZeroU16};

use serde::{Deserialize, Serialize};

/// One mapping, in the shape of the `portMappings` capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortMapping {
    /// The port on the host.
    pub host_port: NonZeroU16,
    /// The port in the pod.
    pub container_port: NonZeroU16,
    /// The protocol; TCP unless said.
    pub protocol: Protocol,
    /// The host's address to listen on; all of them unless said.
    #[serde(rename = "hostIP", default, skip_serializing_if = "Option::is_none")]
    pub host_ip: Option<IpAddr>,
}

/// A protocol with ports. Printed in lower case, as the `portmap` plugin wants it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// The protocol of that name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "tcp" | "" => Some(Self::Tcp),
            "udp" => Some(Self::Udp),
            "sctp" => Some(Self::Sctp),
            _ => None,
        }
    }
}
