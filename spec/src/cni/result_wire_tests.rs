use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::{collection::vec, prelude::*};

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

#[test]
fn null_and_zero_say_nothing() {
    let zeros = r#"{"interfaces":[{"name":null,"mac":null,"mtu":0,"sandbox":null,"socketPath":null,"pciID":null}],
        "ips":null,"routes":[{"dst":"::/0","gw":null,"mtu":0,"advmss":null,"priority":0,"table":null,"scope":null}],
        "dns":{"nameservers":null,"domain":"","search":[],"options":null},"ip4":null,"unknown":{}}"#;
    let (result, _) = parse(zeros, Version::V1_1_0).unwrap();
    assert_eq!(result.interfaces, [Interface::default()]);
    assert!(result.dns.is_empty());
    assert_eq!(
        print(&result, Version::V1_1_0),
        json!({"cniVersion":"1.1.0","interfaces":[{"name":""}],"routes":[{"dst":"::/0"}]})
    );
    assert_eq!(
        print(&AddResult::default(), Version::V0_2_0),
        json!({"cniVersion":"0.2.0","dns":{}})
    );
}

/// What `version` has words for, said once more and independently of the printer.
fn weakened(result: &AddResult, version: Version) -> AddResult {
    let mut weak = result.clone();
    if version < Version::V1_0_0 {
        for interface in &mut weak.interfaces {
            interface.mtu = None;
            interface.socket_path.clear();
            interface.pci_id.clear();
        }
    }
    if version < Version::V0_3_0 {
        weak.interfaces.clear();
        weak.ips.clear();
        weak.routes.clear();
        for of_family in [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()] {
            let same = |address: IpAddr| address.is_ipv4() == IpAddr::is_ipv4(&of_family);
            let Some(first) = result.ips.iter().find(|ip| same(ip.address.addr())) else {
                continue;
            };
            weak.ips.push(IpConfig {
                interface: None,
                ..first.clone()
            });
            let routes = result.routes.iter().filter(|r| same(r.dst.addr()));
            weak.routes.extend(routes.map(|r| Route {
                dst: r.dst,
                gw: r.gw,
                mtu: None,
                advmss: None,
                priority: None,
                table: None,
                scope: None,
            }));
        }
    }
    weak
}

fn net() -> impl Strategy<Value = IpNet> {
    prop_oneof![
        (any::<Ipv4Addr>(), 0..=32u8).prop_map(|(address, length)| IpNet::new(
            address.into(),
            length
        )
        .unwrap()),
        (any::<Ipv6Addr>(), 0..=128u8).prop_map(|(address, length)| IpNet::new(
            address.into(),
            length
        )
        .unwrap()),
    ]
}

fn number() -> impl Strategy<Value = Option<u32>> {
    proptest::option::of(1..=u32::MAX)
}

prop_compose! {
    fn any_interface()(
        name in "[a-z0-9]{0,5}", mac in "[0-9a-f:]{0,17}", mtu in number(), sandbox in "[a-z/]{0,9}",
        socket_path in "[a-z/]{0,9}", pci_id in "[0-9a-f:.]{0,12}",
    ) -> Interface {
        Interface { name, mac, mtu, sandbox, socket_path, pci_id }
    }
}

prop_compose! {
    fn any_ip()(
        address in net(), gateway in any::<Option<IpAddr>>(), interface in proptest::option::of(0..4usize),
    ) -> IpConfig {
        IpConfig { address, gateway, interface }
    }
}

prop_compose! {
    fn any_route()(
        dst in net(), gw in any::<Option<IpAddr>>(), mtu in number(), advmss in number(), priority in number(),
        table in any::<Option<u32>>(), scope in any::<Option<u32>>(),
    ) -> Route {
        Route { dst, gw, mtu, advmss, priority, table, scope }
    }
}

prop_compose! {
    fn any_dns()(
        nameservers in proptest::option::of(vec("[0-9.]{1,9}", 1..3)),
        domain in proptest::option::of("[a-z.]{1,9}"),
        search in proptest::option::of(vec("[a-z.]{1,9}", 1..3)),
        options in proptest::option::of(vec("[a-z:0-9]{1,9}", 1..3)),
    ) -> Dns {
        Dns { nameservers, domain, search, options }
    }
}

prop_compose! {
    fn any_result()(
        interfaces in vec(any_interface(), 0..4), ips in vec(any_ip(), 0..4), routes in vec(any_route(), 0..4),
        dns in any_dns(),
    ) -> AddResult {
        AddResult { interfaces, ips, routes, dns }
    }
}

proptest! {
    #[test]
    fn only_what_a_version_has_no_words_for_is_lost(result in any_result()) {
        for version in Version::ALL {
            let down = print(&result, version).to_string();
            let (read, found) = parse(&down, Version::V0_1_0).unwrap();
            prop_assert_eq!(found, version);
            prop_assert_eq!(&read, &weakened(&result, version), "{}", version);
            // And up again: nothing that the older version said is lost, and nothing comes to it.
            for newer in Version::ALL.into_iter().filter(|newer| *newer >= version) {
                let up = print(&read, newer).to_string();
                prop_assert_eq!(&parse(&up, Version::V0_1_0).unwrap().0, &read, "{} to {}", version, newer);
            }
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        let _ = parse(&text, Version::V1_1_0);
    }
}
