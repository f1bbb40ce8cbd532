//! The shapes a result of ADD has had from version 0.1.0 to 1.1.0.
//!
//! Where a version's text and the reference implementation's types differ, the types hold, as plugins are built with them:
//! the interfaces' `mtu`, `socketPath` and `pciID` are printed from 1.0.0 on, the routes' `mtu`, `advmss`, `priority`,
//! `table` and `scope` from 0.3.0 on. A reader that does not know them passes them over; one that does (CHECK compares
//! with what ADD printed) would miss them.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{AddResult, Dns, Interface, IpConfig, ResultError, Route, Version, go};

/// All shapes at once: which members are there tells them apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    cni_version: Option<String>,
    interfaces: Option<Vec<Interface>>,
    ips: Option<Vec<WireIp>>,
    routes: Option<Vec<Route>>,
    dns: Option<Dns>,
    ip4: Option<WireIpOld>,
    ip6: Option<WireIpOld>,
}

#[derive(Deserialize)]
struct WireIp {
    address: IpNet,
    #[serde(default, deserialize_with = "go::address")]
    gateway: Option<IpAddr>,
    /// Some plugins write -1 for "none".
    interface: Option<i64>,
}

/// Versions 0.1.0 and 0.2.0: one address per family, with its routes.
#[derive(Deserialize)]
struct WireIpOld {
    ip: IpNet,
    #[serde(default, deserialize_with = "go::address")]
    gateway: Option<IpAddr>,
    routes: Option<Vec<Route>>,
}

pub(super) fn parse(
    text: &str,
    conf_version: Version,
) -> Result<(AddResult, Version), ResultError> {
    let Some(wire) = serde_json::from_str::<Option<Wire>>(text)? else {
        return Ok((AddResult::default(), conf_version));
    };
    let version = match wire.cni_version.as_deref() {
        None | Some("") => conf_version,
        Some(version) => version.parse()?,
    };
    let mut result = AddResult {
        interfaces: wire.interfaces.unwrap_or_default(),
        ips: Vec::new(),
        routes: wire.routes.unwrap_or_default(),
        dns: wire.dns.unwrap_or_default(),
    };
    for ip in wire.ips.into_iter().flatten() {
        let interface = ip.interface.and_then(|index| usize::try_from(index).ok());
        result.ips.push(IpConfig {
            address: ip.address,
            gateway: ip.gateway,
            interface,
        });
    }
    for old in [wire.ip4, wire.ip6].into_iter().flatten() {
        result.ips.push(IpConfig {
            address: old.ip,
            gateway: old.gateway,
            interface: None,
        });
        result.routes.extend(old.routes.into_iter().flatten());
    }
    Ok((result, version))
}

pub(super) fn print(result: &AddResult, version: Version) -> Value {
    let mut wire = Map::new();
    wire.insert("cniVersion".to_owned(), Value::from(version.as_str()));
    if version < Version::V0_3_0 {
        for (key, is_v4) in [("ip4", true), ("ip6", false)] {
            if let Some(ip) = result
                .ips
                .iter()
                .find(|ip| ip.address.addr().is_ipv4() == is_v4)
            {
                wire.insert(key.to_owned(), old_ip(result, ip, is_v4));
            }
        }
    } else {
        insert_list(
            &mut wire,
            "interfaces",
            result.interfaces.iter().map(|i| interface(i, version)),
        );
        insert_list(
            &mut wire,
            "ips",
            result.ips.iter().map(|ip| new_ip(ip, version)),
        );
        insert_list(
            &mut wire,
            "routes",
            result.routes.iter().map(|route| json!(route)),
        );
    }
    // As the reference implementation prints it, byte for byte.
    if version < Version::V1_0_0 || !result.dns.is_empty() {
        wire.insert("dns".to_owned(), json!(result.dns));
    }
    Value::Object(wire)
}

fn insert_list(wire: &mut Map<String, Value>, key: &str, elements: impl Iterator<Item = Value>) {
    let elements: Vec<Value> = elements.collect();
    if !elements.is_empty() {
        wire.insert(key.to_owned(), Value::Array(elements));
    }
}

fn interface(interface: &Interface, version: Version) -> Value {
    if version >= Version::V1_0_0 {
        return json!(interface);
    }
    let old = Interface {
        mtu: None,
        socket_path: String::new(),
        pci_id: String::new(),
        ..interface.clone()
    };
    json!(old)
}

fn new_ip(ip: &IpConfig, version: Version) -> Value {
    let mut wire = Map::new();
    if version < Version::V1_0_0 {
        wire.insert(
            "version".to_owned(),
            Value::from(if ip.address.addr().is_ipv4() {
                "4"
            } else {
                "6"
            }),
        );
    }
    wire.insert("address".to_owned(), json!(ip.address));
    if let Some(gateway) = ip.gateway {
        wire.insert("gateway".to_owned(), json!(gateway));
    }
    if let Some(interface) = ip.interface {
        wire.insert("interface".to_owned(), json!(interface));
    }
    Value::Object(wire)
}

fn old_route(route: &Route) -> Value {
    let mut wire = json!({ "dst": route.dst });
    if let Some(gw) = route.gw {
        wire["gw"] = json!(gw);
    }
    wire
}

fn old_ip(result: &AddResult, ip: &IpConfig, is_v4: bool) -> Value {
    let mut wire = json!({ "ip": ip.address });
    if let Some(gateway) = ip.gateway {
        wire["gateway"] = json!(gateway);
    }
    let routes: Vec<Value> = result
        .routes
        .iter()
        .filter(|r| r.dst.addr().is_ipv4() == is_v4)
        .map(old_route)
        .collect();
    if !routes.is_empty() {
        wire["routes"] = Value::Array(routes);
    }
    wire
}

#[cfg(test)]
#[path = "result_wire_tests.rs"]
mod tests;
