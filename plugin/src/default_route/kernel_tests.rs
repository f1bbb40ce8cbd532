//! In real network namespaces, each with `eth0` and `net1` of both families and another host at the end of each.

use std::{
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use super::*;
use crate::default_route::{Families, changes, family::Family};

struct Namespace(String);

impl Namespace {
    /// None where the user may not make one.
    fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        if !rustix::process::geteuid().is_root() {
            eprintln!("SKIPPED: only root can make network namespaces");
            return None;
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let namespace = Self(format!("default-route-{}-{number}", std::process::id()));
        run(&["netns", "add", &namespace.0]);
        for (interface, number) in [("eth0", "0"), ("net1", "1")] {
            let peer = format!("peer{number}");
            namespace.ip(&format!("link add {interface} type veth peer name {peer}"));
            namespace.ip(&format!("link set {peer} up"));
            namespace.ip(&format!("link set {interface} up"));
            namespace.ip(&format!("addr add 10.0.{number}.5/24 dev {interface}"));
            namespace.ip(&format!(
                "addr add 2001:db8:{number}::5/64 dev {interface} nodad"
            ));
        }
        namespace.settle();
        Some(namespace)
    }

    /// Waits for what the kernel does by itself once an address is there: without a detection of duplicates, too, the route
    /// to an address of its own comes later.
    fn settle(&self) {
        let wanted = ["local 2001:db8::5 ", "local 2001:db8:1::5 "];
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let local = run(&["-6", "-n", &self.0, "route", "show", "table", "local"]);
            if wanted.iter().all(|route| local.contains(route)) {
                return;
            }
            assert!(Instant::now() < until, "{local}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn ip(&self, arguments: &str) {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        run(&[&["-n", &self.0], arguments.as_slice()].concat());
    }

    /// The default routes of both families as `ip route` prints them, without what does not matter here.
    fn default_routes(&self) -> Vec<String> {
        let all = ["-4", "-6"].map(|family| {
            run(&[
                family, "-n", &self.0, "-oneline", "route", "show", "default",
            ])
        });
        let unimportant = [" metric 1024", " pref medium", " weight 1", " linkdown"];
        let words = |line: &str| {
            let line = line.replace(['\\', '\t'], " ");
            let words: Vec<&str> = line.split_whitespace().collect();
            unimportant
                .iter()
                .fold(words.join(" "), |line, word| line.replace(word, ""))
        };
        all.iter()
            .flat_map(|text| text.lines())
            .map(words)
            .collect()
    }

    fn path(&self) -> String {
        format!("/run/netns/{}", self.0)
    }

    fn apply(&self, interface: &str, change: &RouteChange) -> Result<(), RouteError> {
        apply(
            &self.path(),
            &[interface.to_owned()],
            &interface.parse().unwrap(),
            change,
        )
    }

    fn check(&self, interface: &str, change: &RouteChange) -> Result<(), RouteError> {
        check(
            &self.path(),
            &[interface.to_owned()],
            &interface.parse().unwrap(),
            change,
        )
    }

    /// What `default-route` of `net1` does to it and to `eth0`, which says nothing.
    fn default_route(&self, gateways: Option<&[&str]>) {
        let changes = of_net1(gateways);
        for (interface, change) in ["eth0", "net1"].into_iter().zip(&changes) {
            self.apply(interface, change).unwrap();
        }
        for (interface, change) in ["eth0", "net1"].into_iter().zip(&changes) {
            self.check(interface, change).unwrap();
            self.apply(interface, change).unwrap();
        }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

fn run(arguments: &[&str]) -> String {
    let output = Command::new("ip").args(arguments).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments:?}: {words}");
    String::from_utf8(output.stdout).unwrap()
}

fn of_net1(gateways: Option<&[&str]>) -> Vec<RouteChange> {
    let gateways: Option<Vec<IpAddr>> =
        gateways.map(|gateways| gateways.iter().map(|text| text.parse().unwrap()).collect());
    let (eth0, net1) = ("eth0".parse().unwrap(), "net1".parse().unwrap());
    changes(&[(&eth0, None), (&net1, gateways.as_deref())]).unwrap()
}

fn taken(v4: bool, v6: bool) -> RouteChange {
    RouteChange {
        remove: Families { v4, v6 },
        add: Vec::new(),
    }
}

#[test]
fn each_family_is_replaced_alone() {
    let before = [
        "default via 10.0.0.1 dev eth0",
        "default via 2001:db8::1 dev eth0",
    ];
    for (gateways, wanted) in [
        (None, before.as_slice()),
        (Some(&[][..]), &before),
        (
            Some(&["10.0.1.1"]),
            &["default via 10.0.1.1 dev net1", before[1]],
        ),
        (
            Some(&["2001:db8:1::1"]),
            &[before[0], "default via 2001:db8:1::1 dev net1"],
        ),
        (
            Some(&["2001:db8:1::1", "10.0.1.1"]),
            &[
                "default via 10.0.1.1 dev net1",
                "default via 2001:db8:1::1 dev net1",
            ],
        ),
    ] {
        let Some(namespace) = Namespace::new() else {
            return;
        };
        namespace.ip("route add default via 10.0.0.1");
        namespace.ip("route add default via 2001:db8::1");
        namespace.ip("route add default via 10.0.0.9 table 100");
        namespace.ip("route add 0.0.0.0/1 via 10.0.0.8");
        namespace.ip("route add unreachable default metric 4000");
        let others = || {
            run(&["-n", &namespace.0, "route", "show", "table", "all"])
                .lines()
                .filter(|line| !line.starts_with("default") || line.contains("table 100"))
                .filter(|line| !line.contains("fe80::") && !line.contains("ff00::"))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let untouched = others();
        namespace.default_route(gateways);
        let kept: Vec<String> = namespace
            .default_routes()
            .into_iter()
            .filter(|route| !route.starts_with("unreachable"))
            .collect();
        assert_eq!(kept, wanted, "{gateways:?}");
        assert_eq!(others(), untouched, "{gateways:?}");
    }
}

#[test]
fn an_empty_list_takes_all_of_its_own_interface_and_nothing_else() {
    let Some(namespace) = Namespace::new() else {
        return;
    };
    namespace.ip("route add default via 10.0.0.1");
    namespace.ip("route add default via 2001:db8::1");
    namespace.ip("route add default dev net1 metric 50");
    namespace.ip("route add default via 10.0.1.1 metric 60");
    namespace.ip("route append default via 10.0.1.2 metric 60 proto static");
    namespace.ip("route add default via 2001:db8:1::1 metric 50");
    namespace.ip("route add default via inet6 2001:db8:1::1 dev net1 metric 70");
    namespace.ip("route add default via 10.7.7.7 dev net1 onlink metric 80 src 10.0.1.5 mtu 1400");
    namespace.ip("-6 route add default dev net1 metric 90");
    namespace.ip("-6 route add default from 2001:db8:1::/64 via 2001:db8:1::2 dev net1");
    namespace.default_route(Some(&[]));
    assert_eq!(
        namespace.default_routes(),
        [
            "default via 10.0.0.1 dev eth0",
            "default via 2001:db8::1 dev eth0"
        ]
    );
}

#[test]
fn another_default_route_of_the_same_metric_gives_way() {
    let Some(namespace) = Namespace::new() else {
        return;
    };
    namespace.ip("route add default via 10.0.0.1");
    namespace.ip("route add default via 2001:db8::1");
    // Only net1's change: eth0's route stands in the way.
    let change = &of_net1(Some(&["10.0.1.1", "2001:db8:1::1"]))[1];
    assert!(matches!(
        namespace.check("net1", change),
        Err(RouteError::Gone { .. })
    ));
    namespace.apply("net1", change).unwrap();
    let wanted = [
        "default via 10.0.1.1 dev net1",
        "default via 2001:db8:1::1 dev net1",
    ];
    assert_eq!(namespace.default_routes(), wanted);
    namespace.apply("net1", change).unwrap();
    assert_eq!(namespace.default_routes(), wanted, "the same once more");
    namespace.check("net1", change).unwrap();

    // One of several ways, all of them by another interface.
    namespace.ip("route replace default nexthop via 10.0.0.1 nexthop via 10.0.0.2");
    namespace.ip("-6 route replace default nexthop via 2001:db8::1 nexthop via 2001:db8::2");
    namespace.apply("net1", change).unwrap();
    assert_eq!(namespace.default_routes(), wanted);

    // One of the interface itself, by no gateway.
    namespace.ip("route replace default dev net1");
    namespace.ip("-6 route replace default dev net1");
    namespace.apply("net1", change).unwrap();
    assert_eq!(namespace.default_routes(), wanted);
}

#[test]
fn ways_of_other_interfaces_stay() {
    let Some(namespace) = Namespace::new() else {
        return;
    };
    namespace.ip("link add net2 type veth peer name peer2");
    namespace.ip("link set net2 up");
    namespace.ip("addr add 10.0.2.5/24 dev net2");
    namespace.ip("addr add 2001:db8:2::5/64 dev net2 nodad");
    // The first of the metric is not the one of several ways.
    namespace.ip("route add default via 10.0.0.7");
    namespace
        .ip("route append default nexthop via 10.0.0.1 nexthop via 10.0.1.1 nexthop via 10.0.2.1");
    namespace.ip("-6 route add default nexthop via 2001:db8::1 nexthop via 2001:db8:1::1 nexthop via 2001:db8:2::1");
    let change = taken(true, true);
    let error = namespace.check("net1", &change).unwrap_err().to_string();
    assert!(error.contains("nexthop via 10.0.1.1 dev net1"), "{error}");
    namespace.apply("net1", &change).unwrap();
    assert_eq!(
        namespace.default_routes(),
        [
            "default via 10.0.0.7 dev eth0",
            "default nexthop via 10.0.0.1 dev eth0 nexthop via 10.0.2.1 dev net2",
            "default nexthop via 2001:db8::1 dev eth0 nexthop via 2001:db8:2::1 dev net2",
        ]
    );
    namespace.check("net1", &change).unwrap();
    namespace.apply("eth0", &change).unwrap();
    assert_eq!(
        namespace.default_routes(),
        [
            "default via 10.0.2.1 dev net2",
            "default via 2001:db8:2::1 dev net2"
        ]
    );
    let both = ["net2".to_owned(), "gone".to_owned()];
    let main = "nowhere".parse().unwrap();
    apply(&namespace.path(), &both, &main, &change).unwrap();
    assert_eq!(namespace.default_routes(), [""; 0]);
}

#[test]
fn nexthop_objects_stay_and_are_used_no_more() {
    let Some(namespace) = Namespace::new() else {
        return;
    };
    for (family, first, second) in [
        ("-4", "10.0.0.1", "10.0.1.1"),
        ("-6", "2001:db8::1", "2001:db8:1::1"),
    ] {
        let number = |n: u32| n + if family == "-6" { 10 } else { 0 };
        namespace.ip(&format!(
            "{family} nexthop add id {} via {first} dev eth0",
            number(1)
        ));
        namespace.ip(&format!(
            "{family} nexthop add id {} via {second} dev net1",
            number(2)
        ));
        namespace.ip(&format!(
            "nexthop add id {} group {}/{}",
            number(3),
            number(1),
            number(2)
        ));
        namespace.ip(&format!("{family} route add default nhid {}", number(3)));
        namespace.ip(&format!(
            "{family} route add default nhid {} metric 7",
            number(2)
        ));
    }
    namespace.apply("net1", &taken(true, true)).unwrap();
    assert_eq!(
        namespace.default_routes(),
        [
            "default via 10.0.0.1 dev eth0",
            "default via 2001:db8::1 dev eth0"
        ]
    );
    assert_eq!(run(&["-n", &namespace.0, "nexthop"]).lines().count(), 6);
}

#[test]
fn refusals_say_what_the_kernel_said() {
    let Some(namespace) = Namespace::new() else {
        return;
    };
    let refused = |gateway: &str, words: &[&str]| {
        let change = &of_net1(Some(&[gateway]))[1];
        let error = namespace.apply("net1", change).unwrap_err().to_string();
        for word in [gateway, "\"net1\""].iter().chain(words) {
            assert!(error.contains(word), "{gateway}: {word}: {error}");
        }
    };
    let (unreachable, subnet) = ("os error 101", "subnet");
    refused(
        "10.9.9.9",
        &["Nexthop has invalid gateway", unreachable, subnet],
    );
    refused("0.0.0.0", &["no gateway's address", subnet]);
    refused("255.255.255.255", &[unreachable, subnet]);
    refused("2001:db8:9::9", &["os error 113", subnet]);
    refused("2001:db8:1::5", &["local address", "os error 22", subnet]);
    refused("ff02::1", &["os error 22", subnet]);
    namespace.ip("link set net1 down");
    refused("10.0.1.1", &["os error 101", "must be up"]);
    namespace.ip("link del net1");
    refused("10.0.1.1", &["there is no interface"]);

    let change = &of_net1(Some(&["10.0.1.1"]))[1];
    assert!(matches!(
        namespace.check("net1", change),
        Err(RouteError::NoInterface { .. })
    ));
    namespace.apply("net1", &taken(true, true)).unwrap();
    let gone = apply("/run/netns/no-such", &[], &"net1".parse().unwrap(), change);
    assert!(matches!(gone, Err(RouteError::Netns { .. })));
}

#[test]
fn check_finds_what_has_changed_since() {
    let Some(namespace) = Namespace::new() else {
        return;
    };
    let changes = of_net1(Some(&["10.0.1.1", "2001:db8:1::1"]));
    namespace.default_route(Some(&["10.0.1.1", "2001:db8:1::1"]));
    namespace.ip("-6 route add default via 2001:db8::1 metric 1");
    let back = namespace.check("eth0", &changes[0]).unwrap_err();
    assert!(
        matches!(&back, RouteError::StillThere { route } if route == "default via 2001:db8::1 dev eth0 metric 1"),
        "{back}"
    );
    namespace.check("net1", &changes[1]).unwrap();
    namespace.ip("route del default");
    let gone = namespace.check("net1", &changes[1]).unwrap_err();
    assert!(
        matches!(&gone, RouteError::Gone { gateway, .. } if Family::of(*gateway) == Family::V4),
        "{gone}"
    );
}

#[test]
fn a_change_of_nothing_asks_nobody() {
    let nothing = RouteChange::default();
    let main = "net1".parse().unwrap();
    apply("/no/such/namespace", &[], &main, &nothing).unwrap();
    check("/no/such/namespace", &[], &main, &nothing).unwrap();
}
