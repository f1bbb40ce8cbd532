//! The configuration a stand-in reads: the members it acts on, of the reference plugins' own.

use std::{net::IpAddr, path::PathBuf};

use ipnet::IpNet;
use serde::Deserialize;
use spec::{
    cni::{NetworkName, PluginType, Route, Version},
    device::DeviceId,
};

use super::{VERSIONS, error::DelegateError};

/// A checked configuration.
#[derive(Debug)]
pub(super) struct Conf {
    /// One of the versions the stand-ins speak.
    pub(super) version: Version,
    /// The network's name, which separates leases.
    pub(super) name: NetworkName,
    /// `mtu` of `bridge` and `macvlan`.
    pub(super) mtu: Option<u32>,
    /// `isGateway` or `isDefaultGateway` of `bridge`: the node's end has the gateway's address.
    pub(super) is_gateway: bool,
    /// `deviceID` of `sriov`.
    pub(super) device: Option<DeviceId>,
    /// `ipam`; absent or empty for a link without addresses.
    pub(super) ipam: Option<Ipam>,
}

/// `ipam`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ipam {
    /// The IPAM plugin.
    #[serde(rename = "type")]
    pub(super) plugin: PluginType,
    /// `dataDir` of `host-local`.
    pub(super) data_dir: Option<PathBuf>,
    /// `routes` of `host-local`.
    #[serde(default)]
    pub(super) routes: Vec<Route>,
    #[serde(default)]
    ranges: Vec<Vec<Range>>,
    subnet: Option<IpNet>,
    range_start: Option<IpAddr>,
    range_end: Option<IpAddr>,
    gateway: Option<IpAddr>,
}

/// A range of `host-local`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Range {
    /// The network.
    pub(super) subnet: IpNet,
    /// The first address, if not the subnet's first.
    pub(super) range_start: Option<IpAddr>,
    /// The last address, if not the subnet's last.
    pub(super) range_end: Option<IpAddr>,
    /// The gateway, if not the subnet's first address.
    pub(super) gateway: Option<IpAddr>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    cni_version: Option<String>,
    name: Option<NetworkName>,
    mtu: Option<u32>,
    #[serde(default)]
    is_gateway: bool,
    #[serde(default)]
    is_default_gateway: bool,
    #[serde(rename = "deviceID")]
    device: Option<DeviceId>,
    ipam: Option<WireIpam>,
}

/// `"ipam": {}` means no addresses to the reference plugins.
#[derive(Deserialize)]
#[serde(untagged)]
enum WireIpam {
    Ipam(Box<Ipam>),
    Empty {},
}

impl Conf {
    /// Reads and checks a configuration.
    pub(super) fn parse(text: &str) -> Result<Self, DelegateError> {
        let wire: Wire = serde_json::from_str(text)
            .map_err(|error| DelegateError::Undecodable(error.to_string()))?;
        let version = wire.cni_version.unwrap_or_default();
        let version = VERSIONS
            .into_iter()
            .find(|known| known.as_str() == version)
            .ok_or_else(|| DelegateError::Version(format!("{version:?}")))?;
        Ok(Self {
            version,
            name: wire.name.ok_or_else(|| DelegateError::Conf {
                place: "/name",
                problem: "it is missing; leases are kept by it".to_owned(),
            })?,
            mtu: wire.mtu.filter(|mtu| *mtu != 0),
            is_gateway: wire.is_gateway || wire.is_default_gateway,
            device: wire.device,
            ipam: match wire.ipam {
                Some(WireIpam::Ipam(ipam)) => Some(*ipam),
                Some(WireIpam::Empty {}) | None => None,
            },
        })
    }

    /// The version for answers to a configuration that may be anything: its own if a stand-in speaks it.
    pub(super) fn version_of(text: &str) -> Version {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Only {
            cni_version: String,
        }
        let said = serde_json::from_str::<Only>(text).ok();
        said.and_then(|only| {
            VERSIONS
                .into_iter()
                .find(|v| v.as_str() == only.cni_version)
        })
        .unwrap_or(Version::V1_0_0)
    }
}

impl Ipam {
    /// The ranges: each set gives one address from the first of its ranges that has one.
    pub(super) fn range_sets(&self) -> Vec<Vec<Range>> {
        let flat = self.subnet.map(|subnet| Range {
            subnet,
            range_start: self.range_start,
            range_end: self.range_end,
            gateway: self.gateway,
        });
        flat.map(|range| vec![range])
            .into_iter()
            .chain(self.ranges.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_layouts_of_ranges_and_none() {
        let conf = Conf::parse(
            r#"{"cniVersion":"0.3.1","name":"n","type":"sriov","deviceID":"0000:03:02.2","vlan":1000,
                "ipam":{"type":"host-local","subnet":"10.56.217.0/24","rangeStart":"10.56.217.171","ranges":[[{"subnet":"fd00::/64"}]],
                "routes":[{"dst":"0.0.0.0/0"}]}}"#,
        )
        .unwrap();
        assert_eq!(conf.device.unwrap().as_str(), "0000:03:02.2");
        let sets = conf.ipam.unwrap().range_sets();
        assert_eq!(sets.len(), 2);
        assert_eq!(
            sets[0][0].range_start,
            Some("10.56.217.171".parse().unwrap())
        );
        assert_eq!(sets[1][0].subnet, "fd00::/64".parse().unwrap());
        let without = Conf::parse(r#"{"cniVersion":"1.0.0","name":"n","type":"bridge","ipam":{}}"#);
        assert!(without.unwrap().ipam.is_none());
    }

    #[test]
    fn what_is_wrong_has_the_specifications_code() {
        for (text, code) in [
            ("", 6),
            ("[]", 6),
            (r#"{"name":"n"}"#, 1),
            (r#"{"cniVersion":"1.1.0","name":"n"}"#, 1),
            (r#"{"cniVersion":"1.0.0"}"#, 7),
        ] {
            assert_eq!(Conf::parse(text).unwrap_err().code(), code, "{text}");
        }
    }
}
