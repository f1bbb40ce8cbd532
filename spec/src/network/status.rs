//! `k8s.v1.cni.cncf.io/network-status`: what a pod got (NPWG specification, 5; layout as Multus prints it).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    cni::{AddResult, Dns, IpConfig},
    device::PciAddress,
};

/// The content of a device-info file, passed through (NPWG device information specification).
pub type DeviceInfo = Value;

/// One element of the annotation. The order of the fields is the order in which they are printed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NetworkStatus {
    /// `namespace/name` of the NetworkAttachmentDefinition, or the CNI name of the cluster network.
    pub name: String,
    /// The interface in the pod.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub interface: String,
    /// Its addresses, without prefix length.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ips: Vec<String>,
    /// Its hardware address.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mac: String,
    /// Its MTU in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// Whether this is the cluster network.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// Name resolution; always printed.
    #[serde(default)]
    pub dns: Dns,
    /// The device behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_info: Option<DeviceInfo>,
    /// The gateways of its default routes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gateway: Vec<String>,
}

/// The device information of a PCI device of which nobody has written any (NPWG device-information specification 1.1.0).
#[must_use]
pub fn pci_device_info(address: &PciAddress) -> DeviceInfo {
    json!({"type": "pci", "version": "1.1.0", "pci": {"pci-address": address}})
}

/// The elements for one attachment: one for each interface the result has in the container, and one with
/// `interface` for a result that names none, so that no attachment is missing.
#[must_use]
pub fn statuses(
    name: &str,
    interface: &str,
    default: bool,
    result: &AddResult,
    device_info: Option<&DeviceInfo>,
) -> Vec<NetworkStatus> {
    let gateways = default_gateways(result);
    let base = NetworkStatus {
        name: name.to_owned(),
        dns: result.dns.clone(),
        device_info: device_info.cloned(),
        gateway: gateways,
        ..NetworkStatus::default()
    };
    let in_sandbox: Vec<_> = result.sandbox_interfaces().collect();
    let Some((first, _)) = in_sandbox.first().copied() else {
        let ips = result
            .ips
            .iter()
            .map(|ip| ip.address.addr().to_string())
            .collect();
        // Some plugins tell of the container's interface and not that it is in the container.
        let found = result
            .interfaces
            .iter()
            .find(|found| found.name == interface);
        return vec![NetworkStatus {
            interface: interface.to_owned(),
            ips,
            mac: found.map(|found| found.mac.clone()).unwrap_or_default(),
            mtu: found.and_then(|found| found.mtu),
            default,
            ..base
        }];
    };
    let is_in_sandbox = |index: usize| in_sandbox.iter().any(|(at, _)| *at == index);
    let with_gateway = result
        .ips
        .iter()
        .find(|ip| ip.gateway.is_some())
        .and_then(|ip| ip.interface);
    let main = with_gateway
        .filter(|index| is_in_sandbox(*index))
        .unwrap_or(first);
    // An address without an interface, or with one that is not the container's, belongs to the main one: it would be lost
    // otherwise.
    let of = |ip: &IpConfig| ip.interface.filter(|of| is_in_sandbox(*of)).unwrap_or(main);
    in_sandbox
        .iter()
        .map(|&(index, found)| NetworkStatus {
            interface: found.name.clone(),
            ips: result
                .ips
                .iter()
                .filter(|ip| of(ip) == index)
                .map(|ip| ip.address.addr().to_string())
                .collect(),
            mac: found.mac.clone(),
            mtu: found.mtu,
            default: default && index == main,
            ..base.clone()
        })
        .collect()
}

/// Gateways of default routes. A route without a gateway of its own goes by the gateway of its family's address.
fn default_gateways(result: &AddResult) -> Vec<String> {
    result
        .routes
        .iter()
        .filter(|route| route.is_default())
        .filter_map(|route| {
            let of_family = |gateway: &IpAddr| gateway.is_ipv4() == route.dst.addr().is_ipv4();
            let mut of_addresses = result.ips.iter().filter_map(|ip| ip.gateway);
            route.gw.or_else(|| of_addresses.find(of_family))
        })
        .map(|gateway| gateway.to_string())
        .collect()
}

/// The annotation's text, laid out as Multus does it: elements indented by four spaces and joined by a comma.
#[must_use]
pub fn print_statuses(statuses: &[NetworkStatus]) -> String {
    let elements: Vec<String> = statuses.iter().map(print).collect();
    format!("[{}]", elements.join(","))
}

fn print(status: &NetworkStatus) -> String {
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
    status
        .serialize(&mut serializer)
        .expect("a status has text keys only and is written to memory");
    String::from_utf8(text).expect("JSON is UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cni::Version;

    fn result(text: &str) -> AddResult {
        AddResult::parse(text, Version::V1_0_0).unwrap().0
    }

    #[test]
    fn layout() {
        let cluster = result(
            r#"{"interfaces":[{"name":"veth1"},{"name":"eth0","mac":"0a:58:0a:f4:01:49","sandbox":"/x"}],
                "ips":[{"address":"10.244.1.73/24","gateway":"10.244.1.1","interface":1}],"routes":[{"dst":"0.0.0.0/0"}]}"#,
        );
        let macvlan = result(
            r#"{"interfaces":[{"name":"net1","mac":"86:1d:96:ff:55:0d","sandbox":"/x"}],"ips":[{"address":"192.168.1.205/24","interface":0}]}"#,
        );
        let mut all = statuses("cbr0", "eth0", true, &cluster, None);
        all.extend(statuses(
            "default/macvlan-conf",
            "net1",
            false,
            &macvlan,
            None,
        ));
        let wanted = "[{\n    \"name\": \"cbr0\",\n    \"interface\": \"eth0\",\n    \"ips\": [\n        \"10.244.1.73\"\n    ],\n    \"mac\": \"0a:58:0a:f4:01:49\",\n    \"default\": true,\n    \"dns\": {},\n    \"gateway\": [\n        \"10.244.1.1\"\n    ]\n},{\n    \"name\": \"default/macvlan-conf\",\n    \"interface\": \"net1\",\n    \"ips\": [\n        \"192.168.1.205\"\n    ],\n    \"mac\": \"86:1d:96:ff:55:0d\",\n    \"dns\": {}\n}]";
        assert_eq!(print_statuses(&all), wanted);
    }

    #[test]
    fn a_result_without_interfaces_is_not_lost() {
        let old = result(r#"{"cniVersion":"0.2.0","ip4":{"ip":"10.0.0.5/24"}}"#);
        let all = statuses("default/old", "net1", false, &old, None);
        assert_eq!(
            (all[0].interface.as_str(), all[0].ips.as_slice()),
            ("net1", ["10.0.0.5".to_owned()].as_slice())
        );
        assert_eq!(
            statuses("n", "net1", false, &AddResult::default(), None).len(),
            1
        );
    }

    #[test]
    fn an_interface_that_is_not_said_to_be_in_the_container_has_its_address_all_the_same() {
        let told = result(
            r#"{"interfaces":[{"name":"veth1","mac":"02:00:00:00:00:01"},{"name":"net1","mac":"02:00:00:00:00:02"}]}"#,
        );
        let all = statuses("n", "net1", false, &told, None);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].mac, "02:00:00:00:00:02");
    }

    #[test]
    fn no_address_is_lost_with_its_interface() {
        let on_the_host = result(
            r#"{"interfaces":[{"name":"veth1"},{"name":"net1","sandbox":"/x"}],
                "ips":[{"address":"10.0.0.5/24","interface":0},{"address":"fd00::5/64","interface":7}]}"#,
        );
        let all = statuses("n", "net1", false, &on_the_host, None);
        assert_eq!(all[0].ips, ["10.0.0.5", "fd00::5"]);
    }

    #[test]
    fn gateways_of_default_routes() {
        for (text, wanted) in [
            (r#"{"routes":[{"dst":"0.0.0.0/0"}]}"#, vec![]),
            (
                r#"{"routes":[{"dst":"0.0.0.0/1","gw":"10.0.0.1"}]}"#,
                vec![],
            ),
            (
                r#"{"ips":[{"address":"10.0.0.5/24"},{"address":"fd00::5/64","gateway":"fd00::1"},{"address":"10.0.1.5/24","gateway":"10.0.1.1"}],
                    "routes":[{"dst":"0.0.0.0/0"},{"dst":"::/0"},{"dst":"::/0","gw":"fe80::1"}]}"#,
                vec!["10.0.1.1", "fd00::1", "fe80::1"],
            ),
        ] {
            assert_eq!(
                statuses("n", "net1", false, &result(text), None)[0].gateway,
                wanted
            );
        }
    }

    #[test]
    fn several_interfaces_share_nothing_but_the_network() {
        let two = result(
            r#"{"interfaces":[{"name":"a","sandbox":"/x"},{"name":"b","sandbox":"/x"}],
                "ips":[{"address":"10.0.0.5/24","interface":0},{"address":"10.0.1.5/24","gateway":"10.0.1.1","interface":1},{"address":"10.0.2.5/24"}]}"#,
        );
        let all = statuses("n", "net1", true, &two, None);
        assert_eq!(all.iter().map(|s| s.ips.len()).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(
            all.iter().map(|s| s.default).collect::<Vec<_>>(),
            [false, true]
        );
    }
}
