//! The shapes a result of ADD has had from version 0.1.0 to 1.1.0.

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
            result.routes.iter().map(|r| route(r, version)),
        );
    }
    wire.insert("dns".to_owned(), json!(result.dns));
    Value::Object(wire)
}

fn insert_list(wire: &mut Map<String, Value>, key: &str, elements: impl Iterator<Item = Value>) {
    let elements: Vec<Value> = elements.collect();
    if !elements.is_empty() {
        wire.insert(key.to_owned(), Value::Array(elements));
    }
}

fn interface(interface: &Interface, version: Version) -> Value {
    if version >= Version::V1_1_0 {
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

fn route(route: &Route, version: Version) -> Value {
    if version >= Version::V1_1_0 {
        return json!(route);
    }
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
        .map(|r| route(r, Version::V0_2_0))
        .collect();
    if !routes.is_empty() {
        wire["routes"] = Value::Array(routes);
    }
    wire
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = r#"{"cniVersion":"1.1.0",
        "interfaces":[{"name":"br0"},{"name":"eth0","mac":"02:00:00:00:00:01","mtu":1500,"sandbox":"/run/netns/x","pciID":"0000:03:02.1"}],
        "ips":[{"address":"10.1.0.5/24","gateway":"10.1.0.1","interface":1},{"address":"fd00::5/64","interface":1}],
        "routes":[{"dst":"0.0.0.0/0","priority":7},{"dst":"::/0","gw":"fd00::1"}],"dns":{}}"#;

    #[test]
    fn every_version_survives_its_own_round_trip() {
        let (result, version) = parse(NEW, Version::V0_1_0).unwrap();
        assert_eq!(version, Version::V1_1_0);
        assert_eq!(result.sandbox_interfaces().count(), 1);
        for version in Version::ALL {
            let printed = print(&result, version);
            let (again, found) = parse(&printed.to_string(), Version::V0_1_0).unwrap();
            assert_eq!(found, version);
            assert_eq!(print(&again, version), printed);
            assert_eq!(again.ips.len(), 2, "{version}");
        }
        assert_eq!(
            parse(
                &print(&result, Version::V1_1_0).to_string(),
                Version::V1_1_0
            )
            .unwrap()
            .0,
            result
        );
    }

    #[test]
    fn old_and_odd_shapes() {
        let old = r#"{"ip4":{"ip":"10.0.0.5/24","gateway":"10.0.0.1","routes":[{"dst":"0.0.0.0/0"}]},"dns":{"nameservers":["10.0.0.1"]}}"#;
        let (result, version) = parse(old, Version::V0_2_0).unwrap();
        assert_eq!(version, Version::V0_2_0);
        assert_eq!(
            print(&result, Version::V0_4_0)["ips"],
            json!([{"version":"4","address":"10.0.0.5/24","gateway":"10.0.0.1"}])
        );
        assert_eq!(
            parse("null", Version::V1_0_0).unwrap().0,
            AddResult::default()
        );
        assert_eq!(
            parse(
                r#"{"ips":[{"address":"10.0.0.5/24","interface":-1}],"interfaces":null}"#,
                Version::V1_0_0
            )
            .unwrap()
            .0
            .ips[0]
                .interface,
            None
        );
        let zeros = r#"{"interfaces":[{"name":"a","mac":null,"sandbox":null}],"ips":[{"address":"10.0.0.5/24","gateway":""}],"routes":[{"dst":"0.0.0.0/0","gw":""}]}"#;
        assert_eq!(parse(zeros, Version::V1_0_0).unwrap().0.routes[0].gw, None);
        for bad in ["", "hello", "[]", "{\"ips\":5}", "{\"cniVersion\":\"7\"}"] {
            assert!(parse(bad, Version::V1_0_0).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn shapes_on_the_wire() {
        let (result, _) = parse(NEW, Version::V1_1_0).unwrap();
        let shapes: Vec<Value> = [Version::V0_2_0, Version::V0_4_0, Version::V1_0_0]
            .map(|v| print(&result, v))
            .into();
        insta::assert_json_snapshot!(shapes);
    }
}
