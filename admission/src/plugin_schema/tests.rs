//! What is denied and what is warned of, plugin by plugin.

use proptest::prelude::*;

use super::*;

/// Every fault with `-`, every warning with `?`.
fn told(conf: &str) -> String {
    let Report {
        faults, warnings, ..
    } = check(conf, false);
    let faults = faults.iter().map(|fault| {
        let text = fault.to_string();
        format!("\n  - {}", text.trim_start_matches("in spec.config, "))
    });
    let warnings = warnings.iter().map(|warning| format!("\n  ? {warning}"));
    format!("{conf}{}", faults.chain(warnings).collect::<String>())
}

/// The members of a configuration of one plugin, as the schema sees them.
fn all(plugin: &str, members: &[&str]) -> String {
    let conf = |members: &&str| told(&format!("{{\"type\":\"{plugin}\",{members}}}"));
    members.iter().map(conf).collect::<Vec<_>>().join("\n")
}

fn with_ipam(ipam: &str, members: &[&str]) -> String {
    let conf = |members: &&str| {
        let conf = format!("{{\"type\":\"macvlan\",\"ipam\":{{\"type\":\"{ipam}\",{members}}}}}");
        let told = told(&conf);
        let lines = told.strip_prefix(&conf).unwrap().to_owned();
        format!("{members}{lines}")
    };
    members.iter().map(conf).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_plugins_take_is_silent() {
    for conf in [
        r#"{"type":"bridge","cniVersion":"1.0.0","name":"n","bridge":"br0","isGateway":true,"ipMasq":true,"mtu":1500,"vlan":100,"vlanTrunk":[{"minID":100,"maxID":102},{"id":105}],"hairpinMode":false,"dns":{"nameservers":["10.1.0.1"]},"args":{"cni":{"mac":"x"}},"capabilities":{"ips":true},"cni.dev/x":5}"#,
        r#"{"type":"bridge","MTU":1500,"vlan":null,"ipam":{}}"#,
        r#"{"type":"macvlan","master":"eth0","mode":"","mac":"","ipam":{"type":"dhcp","request":[{"skipDefault":true,"option":"routers"}],"provide":[{"option":"60","value":"x"}]}}"#,
        r#"{"plugins":[{"type":"sriov","vlan":1000,"vlanQoS":7,"vlanProto":"802.1AD","spoofchk":"off","trust":"on","link_state":"enable","min_tx_rate":100,"max_tx_rate":200},{"type":"tuning","sysctl":{"net.ipv4.conf.IFNAME.rp_filter":"0"},"mtu":9000},{"type":"portmap","snat":true,"capabilities":{"portMappings":true}},{"type":"sbr"}],"cniVersions":["1.0.0"],"disableCheck":true}"#,
        r#"{"type":"ptp","ipam":{"type":"host-local","ranges":[[{"subnet":"10.1.0.0/24","rangeStart":"10.1.0.10","rangeEnd":"10.1.0.20","gateway":"10.1.0.1"},{"subnet":"10.1.0.0/24","rangeStart":"10.1.0.30"}],[{"subnet":"fd00::/64"}]],"routes":[{"dst":"0.0.0.0/0","gw":""}],"dataDir":"/run/x"}}"#,
        r#"{"type":"bond","mode":"active-backup","miimon":"100","failOverMac":1,"links":[{"name":"net1"},{"name":"net2"}],"linksInContainer":true}"#,
        r#"{"type":"ipvlan","ipam":{"type":"whereabouts","range":"192.168.2.225/28","exclude":["192.168.2.229/30","192.168.2.236"],"gateway":"192.168.2.1","ipRanges":[{"range":"10.0.0.10-10.0.0.20/24"}],"log_level":"debug"}}"#,
        r#"{"type":"no-such-plugin","mastr":1,"vlan":99999,"ipam":{"type":"host-local","subnet":"x"}}"#,
        r#"{"type":"bridge","ipam":{"type":"no-such-ipam","subnet":"x"}}"#,
    ] {
        assert_eq!(told(conf), conf);
    }
    let with_device = check(r#"{"type":"host-device"}"#, true);
    assert!(with_device.faults.is_empty() && with_device.warnings.is_empty());
}

#[test]
fn keys() {
    insta::assert_snapshot!([
        r#"{"type":"macvlan","mastr":"eth0","vlan":5}"#,
        r#"{"plugins":[{"type":"bridge"},{"type":"tuning","sysctls":{},"Mtu":1500,"mtu":9000}],"ipam":{},"plugin":[]}"#,
        r#"{"type":"bridge","ipam":{"type":"static","address":"10.0.0.1/24"},"dns":{"server":[]}}"#,
        r#"{"type":"bridge","a~/b":{"x":1,"x":2},"mtu":1,"mtu":2}"#,
        "{\"type\": \"other\",\n \"list\": [0, {\"a\": 1,\n   \"a\": 1}]}",
    ].map(told).join("\n"));
}

#[test]
fn main_plugins() {
    insta::assert_snapshot!([
        all("bridge", &[
            r#""vlan":99999"#, r#""vlan":-1"#, r#""vlan":"5""#, r#""vlan":1.0"#, r#""vlan":1e2"#, r#""mtu":-1"#, r#""mtu":70000"#,
            r#""isGateway":"true""#, r#""bridge":5"#, r#""vlanTrunk":[{"id":0},{"minID":5,"maxID":4},{"minID":5},{"maxID":5},{"id":"1"}]"#,
            r#""vlanTrunk":{"id":1}"#, r#""hairpinMode":true,"promiscMode":true"#,
            r#""disableContainerInterface":true,"ipam":{"type":"dhcp"}"#, r#""ipMasq":true,"ipMasqBackend":"pf""#, r#""ipam":"dhcp""#,
            r#""capabilities":{"ips":true},"dns":{"nameservers":"10.0.0.1"}"#,
        ]),
        all("macvlan", &[r#""mode":"Bridge""#, r#""mtu":-1"#, r#""mac":"zz""#, r#""bcqueuelen":-1"#, r#""linkInContainer":1"#]),
        all("ipvlan", &[r#""mode":"l4""#, r#""mtu":-1"#]),
        all("vlan", &[r#""vlanId":5"#, r#""master":"eth0","vlanId":4095,"ipam":{"type":"dhcp"}"#, r#""master":"eth0","ipam":{"type":"dhcp"}"#]),
        all("host-device", &[r#""ipam":{}"#, r#""hwaddr":"zz""#, r#""device":"eth1","hwaddr":"zz""#, r#""capabilities":{"deviceID":true}"#]),
        all("ptp", &[r#""ipam":{}"#]),
        all("dummy", &[r#""ipam":{}"#]),
        all("tap", &[r#""owner":-1"#, r#""mac":"1""#]),
        all("sriov", &[
            r#""vlan":4095"#, r#""vlanQoS":3"#, r#""vlanQoS":0"#, r#""vlan":0,"vlanQoS":3"#, r#""vlan":5,"vlanQoS":8"#, r#""vlanProto":"802.1q""#,
            r#""vlan":0,"vlanProto":"802.1ad""#, r#""vlan":5,"vlanProto":"qinq""#, r#""link_state":"up""#, r#""spoofchk":true"#, r#""spoofchk":"yes""#,
            r#""min_tx_rate":9,"max_tx_rate":8"#, r#""mtu":9000"#,
        ]),
        all("ib-sriov", &[r#""link_state":"up""#, r#""pkey":5"#]),
        all("bond", &[
            r#""mode":"1","miimon":"fast","links":[{"name":"net1"}]"#, r#""failOverMac":3,"tlbDynamicLb":1,"allSlavesActive":2,"mtu":60,"mode":"802.3ad","xmitHashPolicy":"layer9""#,
            r#""mode":"balance-rr","miimon":100,"links":[{},{"name":5}],"ipam":{"type":"bond"}"#,
        ]),
        all("ovs", &[r#""trunk":[{"id":5000},{"minID":9,"maxID":3}]"#, r#""vlan":5000"#, r#""ofport_request":70000"#]),
    ].join("\n"));
}

#[test]
fn chained_plugins() {
    insta::assert_snapshot!([
        all("tuning", &[r#""sysctl":{"net.core.somaxconn":500}"#, r#""mtu":-1"#, r#""promisc":"on""#]),
        all("portmap", &[
            r#""capabilities":{"portMappings":false}"#, r#""capabilities":{"portMappings":true},"markMasqBit":32"#,
            r#""capabilities":{"portMappings":true},"markMasqBit":5,"externalSetMarkChain":"X""#, r#""capabilities":{"portMappings":"yes"},"backend":"ebpf""#,
        ]),
        all("bandwidth", &[r#""ingressRate":1000"#, r#""egressBurst":1000"#, r#""ingressRate":1,"ingressBurst":34359738360"#, r#""ingressRate":0"#]),
        all("firewall", &[r#""backend":"nft""#, r#""ingressPolicy":"closed""#]),
        all("sbr", &[r#""table":"x""#, r#""gateways":["a","10.0.0.1","10.0.0.2"]"#]),
        all("vrf", &[r#""table":-1"#, r#""vrfname":"""#]),
        all("rdma", &[r#""args":{"cni":{"debug":"yes"}}"#]),
    ].join("\n"));
}

#[test]
fn ipam_plugins() {
    insta::assert_snapshot!([
        with_ipam("host-local", &[
            r#""subnet":"not-a-cidr""#, r#""subnet":"10.1.0.5/24""#, r#""subnet":"10.1.0.0/31""#, r#""subnet":"::ffff:10.1.0.0/120""#,
            r#""subnet":"10.1.0.0/24","gateway":"10.2.0.1""#, r#""subnet":"10.1.0.0/24","rangeStart":"10.2.0.9","rangeEnd":"x""#,
            r#""subnet":"10.1.0.0/24","rangeStart":"10.1.0.9","rangeEnd":"10.1.0.3""#, r#""rangeStart":"10.1.0.9""#, r#""ranges":[]"#,
            r#""ranges":[[]]"#, r#""ranges":[{"subnet":"10.1.0.0/24"}]"#, r#""ranges":[[{"rangeStart":"10.1.0.9"}]]"#,
            r#""ranges":[[{"subnet":"10.1.0.0/24"},{"subnet":"fd00::/64"}]]"#,
            r#""subnet":"10.1.0.0/16","ranges":[[{"subnet":"10.1.2.0/24"}],[{"subnet":"10.2.0.0/24"}]]"#,
            r#""ranges":[[{"subnet":"10.1.0.0/24","rangeStart":"10.1.0.255"},{"subnet":"10.1.0.0/24"}]]"#,
            r#""subnet":"10.1.0.0/24","routes":[{"dst":"10.2.0.1"},{"gw":"10.1.0.1"},{"dst":"0.0.0.0/0","gw":"x"},5]"#,
        ]),
        with_ipam("static", &[
            r#""addresses":[{"address":"10.1.0.1"},{"gateway":"10.1.0.1"},{"address":"10.1.0.5/24","gateway":"10.2.0.1"}]"#, r#""addresses":{}"#,
        ]),
        with_ipam("dhcp", &[r#""routes":[{"gw":"10.1.0.1"}]"#, r#""provide":[{"option":"hostname"},{"option":"300"},{"option":12}]"#]),
        with_ipam("whereabouts", &[
            r#""range":"192.168.2.0""#, r#""range":"10.0.0.9-10.1.0.20/24""#, r#""range":"10.0.0.0/24","range_start":"10.1.0.1","range_end":"x","exclude":["a"]"#,
            r#""ipRanges":[{},{"range":"10.0.0.0/24","range_start":"x"}],"gateway":"x","addresses":[{"address":"10.0.0.1"}]"#, r#""range":"010.0.0.0/24""#,
        ]),
    ].join("\n"));
}

/// The work is counted, as a time says more about the machine.
#[test]
fn hostile_configurations_cost_little() {
    let repeated = |conf: &dyn Fn(usize) -> String| {
        let mut text = conf(0);
        for number in 1.. {
            let next = conf(number);
            if text.len() + next.len() + 64 > MOST_BYTES {
                break;
            }
            text.push(',');
            text.push_str(&next);
        }
        text
    };
    let bridge = |members: &str| format!("{{\"type\":\"bridge\",{members}}}");
    // Every spelling of one key: none of them is there twice.
    let spelt = |number: usize| {
        let letters = "preserveDefaultVlan".chars().enumerate();
        let key: String = letters
            .map(|(at, c)| match number >> at & 1 {
                0 => c.to_ascii_lowercase(),
                _ => c.to_ascii_uppercase(),
            })
            .collect();
        format!("\"{key}\":true")
    };
    let long_key = "k".repeat(MOST_BYTES / 2);
    for (conf, most) in [
        (bridge(&repeated(&|_| "\"mtu\":1".to_owned())), 103),
        (
            bridge(&format!(
                "\"vlanTrunk\":[{}]",
                repeated(&|_| "{\"id\":\"0\"}".to_owned())
            )),
            100_000,
        ),
        (
            bridge(&repeated(&|number| format!("\"k{number}\":{{}}"))),
            100_000,
        ),
        (bridge(&repeated(&spelt)), 40_000),
        (
            bridge(&format!(
                "\"{long_key}\":[{}]",
                "{},".repeat(MOST_BYTES / 7) + "{}"
            )),
            100_000,
        ),
        (
            bridge(&format!(
                "\"{long_key}\":{{\"a\":1{}}}",
                ",\"a\":2".repeat(10_000)
            )),
            200,
        ),
    ] {
        let Report {
            faults,
            warnings,
            looks,
        } = check(&conf, false);
        assert!(!faults.contains(&DefinitionFault::TooLarge));
        assert!(
            looks > 100 && looks <= most,
            "{looks} looks at {}",
            &conf[..60]
        );
        assert!(faults.len() <= 100 && warnings.len() <= 10);
        assert!(faults.iter().all(|fault| fault.to_string().len() < 1000));
    }
}

#[test]
fn what_is_told_is_on_one_line() {
    let conf =
        "{\"type\":\"bridge\",\"vlan\":{\n\"a\":\"\u{85}\"},\"a\\nb\":1,\"a\\nb\":2,\"x\\ty\":1}";
    let report = check(conf, false);
    assert_eq!((report.faults.len(), report.warnings.len()), (2, 3));
    let faults = report.faults.iter().map(ToString::to_string);
    let warnings = report.warnings.iter().map(ToString::to_string);
    for text in faults.chain(warnings) {
        assert!(!text.contains(char::is_control), "{text:?}");
    }
}

#[test]
fn what_is_too_large_is_not_looked_into() {
    let large = format!(
        "{{\"type\":\"bridge\",\"mtu\":-1{}}}",
        ",\"mtu\":1".repeat(60_000)
    );
    let report = check(&large, false);
    assert_eq!(
        (report.faults, report.looks),
        (vec![DefinitionFault::TooLarge], 0)
    );
    let list = |count: usize| {
        let plugins = vec!["{\"type\":\"tap\"}"; count].join(",");
        told(&format!("{{\"plugins\":[{plugins}]}}")).contains("more than 64 plugins")
    };
    assert!(!list(64) && list(65));
}

#[test]
fn secrets_are_not_quoted() {
    for conf in [
        r#"{"type":"bridge","ipam":{"type":"whereabouts","etcd_password":31337}}"#,
        r#"{"type":"bridge","ipam":{"type":"whereabouts","kubernetes":["31337","TOKEN"]}}"#,
        r#"{"type":"bridge","dns":[{"Secret":"31337"}]}"#,
        r#"{"type":"tuning","sysctl":{"api-key":31337}}"#,
    ] {
        let report = check(conf, false);
        let [fault] = &report.faults[..] else {
            panic!("{conf}: {:?}", report.faults)
        };
        let fault = fault.to_string();
        assert!(
            !fault.contains("31337") && fault.contains(": what stands there is not"),
            "{fault}"
        );
    }
}

proptest! {
    /// Values of any kind at every key are told of or not, but never a panic.
    #[test]
    fn any_value_at_any_key(plugin in 0..KNOWN.len(), ipam in 0..4_usize, value in proptest::sample::select(vec![
        "null", "true", "0", "-1", "99999999999999999999999999999999999999999", "1.5", "\"\"", "\"x\"", "\"10.0.0.0/24\"", "[]", "[null]",
        "[[{}]]", "{}", "{\"type\":5}", "[{\"id\":1}]", "[[{\"subnet\":\"10.0.0.0/24\"},{\"subnet\":\"10.0.0.0/24\"}]]",
    ])) {
        let schema = KNOWN[plugin];
        for field in schema.fields.iter().chain(every_plugin::FIELDS) {
            let conf = format!("{{\"type\":\"{}\",\"{}\":{value}}}", schema.plugin, field.key);
            let _ = check(&conf, false);
        }
        let ipam = ipam::KNOWN[ipam];
        for field in ipam.fields {
            let conf = format!("{{\"type\":\"bridge\",\"ipam\":{{\"type\":\"{}\",\"{}\":{value}}}}}", ipam.plugin, field.key);
            let _ = check(&conf, false);
        }
    }
}
