//! What ADD gives back, as one value for all versions of the specification.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{UnsupportedVersion, Version, go, result_wire};

/// The result of ADD, in the shape of version 1.1.0. Older shapes are converted when they are read and printed.
/// CNI specification, section 5, "ADD Success".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddResult {
    /// Interfaces the attachment made, on the host and in the container.
    pub interfaces: Vec<Interface>,
    /// Addresses that were assigned.
    pub ips: Vec<IpConfig>,
    /// Routes that were made.
    pub routes: Vec<Route>,
    /// Name servers that the network knows.
    pub dns: Dns,
}

/// An interface of an [`AddResult`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Its name.
    #[serde(default, deserialize_with = "go::zero")]
    pub name: String,
    /// Its hardware address.
    #[serde(
        default,
        deserialize_with = "go::zero",
        skip_serializing_if = "String::is_empty"
    )]
    pub mac: String,
    /// Its MTU in bytes. In the specification from 1.1.0 on; printed from 1.0.0 on, as libcni does.
    #[serde(
        default,
        deserialize_with = "go::nonzero",
        skip_serializing_if = "Option::is_none"
    )]
    pub mtu: Option<u32>,
    /// The path of the network namespace it is in; empty on the host.
    #[serde(
        default,
        deserialize_with = "go::zero",
        skip_serializing_if = "String::is_empty"
    )]
    pub sandbox: String,
    /// A socket that stands for the interface. From when on: as `mtu`.
    #[serde(
        default,
        rename = "socketPath",
        deserialize_with = "go::zero",
        skip_serializing_if = "String::is_empty"
    )]
    pub socket_path: String,
    /// The PCI address of its device. From when on: as `mtu`.
    #[serde(
        default,
        rename = "pciID",
        deserialize_with = "go::zero",
        skip_serializing_if = "String::is_empty"
    )]
    pub pci_id: String,
}

/// An address of an [`AddResult`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpConfig {
    /// The address with its prefix length.
    pub address: IpNet,
    /// The network's gateway.
    pub gateway: Option<IpAddr>,
    /// The index of its interface in [`AddResult::interfaces`].
    pub interface: Option<usize>,
}

/// A route of an [`AddResult`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Where to.
    pub dst: IpNet,
    /// The gateway, if not the network's own.
    #[serde(
        default,
        deserialize_with = "go::address",
        skip_serializing_if = "Option::is_none"
    )]
    pub gw: Option<IpAddr>,
    /// MTU along the route in bytes. In the specification from 1.1.0 on, as are the ones below; printed from 0.3.0 on, as
    /// libcni does.
    #[serde(
        default,
        deserialize_with = "go::nonzero",
        skip_serializing_if = "Option::is_none"
    )]
    pub mtu: Option<u32>,
    /// Maximal segment size to advertise, in bytes.
    #[serde(
        default,
        deserialize_with = "go::nonzero",
        skip_serializing_if = "Option::is_none"
    )]
    pub advmss: Option<u32>,
    /// Metric: lower is preferred.
    #[serde(
        default,
        deserialize_with = "go::nonzero",
        skip_serializing_if = "Option::is_none"
    )]
    pub priority: Option<u32>,
    /// Routing table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<u32>,
    /// Scope of the destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<u32>,
}

impl Route {
    /// The default route by a gateway, with the kernel's own metric.
    #[must_use]
    pub fn default_by(gateway: IpAddr) -> Self {
        let everywhere: IpAddr = match gateway {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        Self {
            dst: IpNet::new(everywhere, 0).expect("every address has the prefix length 0"),
            gw: Some(gateway),
            mtu: None,
            advmss: None,
            priority: None,
            table: None,
            scope: None,
        }
    }

    /// Whether it is a default route: one to everywhere, in the table that all packets go by.
    #[must_use]
    pub fn is_default(&self) -> bool {
        // The kernel's main table; 0 leaves the table to the kernel, which takes that one.
        self.dst.prefix_len() == 0 && matches!(self.table, None | Some(0 | 254))
    }
}

/// Name resolution of an [`AddResult`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dns {
    /// Addresses of name servers, in the order to ask them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nameservers: Option<Vec<String>>,
    /// The local domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Search domains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Vec<String>>,
    /// Options of the resolver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<String>>,
}

impl Dns {
    /// Whether it says nothing: a list without elements says no more than none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let lists = [&self.nameservers, &self.search, &self.options];
        lists.into_iter().flatten().all(Vec::is_empty)
            && self.domain.as_ref().is_none_or(String::is_empty)
    }
}

/// A text that is no result of ADD.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// Not JSON, or JSON of another shape.
    #[error("the plugin's result is not a CNI result: {0}")]
    Shape(#[from] serde_json::Error),
    /// A version nobody speaks.
    #[error("the plugin's result is wrong at /cniVersion: {0}")]
    Version(#[from] UnsupportedVersion),
}

impl AddResult {
    /// Reads what a plugin printed. A result that does not say its version has that of the configuration; `null` is an
    /// empty result, as some plugins print it.
    ///
    /// # Errors
    /// The text is no result.
    pub fn parse(text: &str, conf_version: Version) -> Result<(Self, Version), ResultError> {
        result_wire::parse(text, conf_version)
    }

    /// The result in the shape of `version`. What that version has no words for is left out.
    #[must_use]
    pub fn to_json(&self, version: Version) -> Value {
        result_wire::print(self, version)
    }

    /// The names of the interfaces inside a container.
    #[must_use]
    pub fn sandbox_names(&self) -> Vec<String> {
        self.sandbox_interfaces()
            .map(|(_, interface)| interface.name.clone())
            .collect()
    }

    /// The interfaces inside a container, with their index.
    pub fn sandbox_interfaces(&self) -> impl Iterator<Item = (usize, &Interface)> {
        self.interfaces
            .iter()
            .enumerate()
            .filter(|(_, interface)| !interface.sandbox.is_empty())
    }
}
