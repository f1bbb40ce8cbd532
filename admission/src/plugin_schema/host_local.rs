//! `host-local`. Source: the plugin's documentation (cni.dev/plugins/current/ipam/host-local) and its refusals.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use jsonptr::PointerBuf;

use super::{
    address::{self, CIDR},
    field::{Field, Kind, field},
    ipam::{Ipam, ROUTES},
    object::Object,
    plugin::Plugin,
    report::Report,
};
use crate::json::Value;

const RANGE: &[Field] = &[
    field("subnet", Kind::Cidr),
    field("rangeStart", Kind::Ip),
    field("rangeEnd", Kind::Ip),
    field("gateway", Kind::Ip),
];

pub(super) const HOST_LOCAL: Ipam = Ipam {
    plugin: "host-local",
    fields: &[
        field("type", Kind::Text),
        field("name", Kind::Text),
        field("subnet", Kind::Cidr),
        field("rangeStart", Kind::Ip),
        field("rangeEnd", Kind::Ip),
        field("gateway", Kind::Ip),
        field("ranges", Kind::List(&Kind::List(&Kind::Object(RANGE)))),
        field("routes", ROUTES),
        field("dataDir", Kind::Text),
        field("resolvConf", Kind::Text),
    ],
    rule,
};

/// Addresses that are given out.
struct Range {
    at: PointerBuf,
    first: IpAddr,
    last: IpAddr,
}

fn rule(ipam: &Object<'_>, plugin: &Plugin<'_>, report: &mut Report) {
    let mut ranges = Vec::new();
    if ipam.get("subnet").is_some() {
        ranges.extend(range(ipam, report));
    } else if !["rangeStart", "rangeEnd", "gateway"]
        .iter()
        .all(|key| ipam.get(key).is_none())
    {
        report.warn(
            &ipam.at,
            "rangeStart, rangeEnd and gateway are passed over without a subnet beside them",
        );
    }
    let sets = ipam.list("ranges").unwrap_or_default();
    if sets.is_empty() && ipam.get("subnet").is_none() && !plugin.declares("ipRanges") {
        report.refused_together(
            &ipam.at,
            "there is no address to give; write a subnet or ranges",
        );
    }
    for (at, set) in sets {
        if let Value::List(elements) = &set.value {
            if elements.is_empty() {
                report.refused_together(&at, "a set has at least one range");
            }
            let found: Vec<Range> = elements
                .iter()
                .enumerate()
                .filter_map(|(index, element)| {
                    Object::of(element, super::object::child(&at, &index.to_string()))
                })
                .filter_map(|element| range(&element, report))
                .collect();
            let families = |range: &Range| range.first.is_ipv4();
            if found
                .windows(2)
                .any(|two| families(&two[0]) != families(&two[1]))
            {
                report.refused_together(
                    &at,
                    "a set has ranges of one address family; write a set for each",
                );
            }
            ranges.extend(found);
        }
    }
    overlaps(ranges, report);
}

/// The addresses of a range that is right in itself.
fn range(range: &Object<'_>, report: &mut Report) -> Option<Range> {
    let at = range.place("subnet");
    let Some(json) = range.get("subnet") else {
        report.refused_together(&at, format!("it is missing; write {CIDR}"));
        return None;
    };
    let subnet = address::cidr(range.text("subnet")?)?;
    if is_mapped(subnet) {
        report.refused(&at, json, "an IPv4 network in the form of IPv4");
        return None;
    }
    if subnet.max_prefix_len() - subnet.prefix_len() < 2 {
        let least = subnet.max_prefix_len() - 2;
        report.refused(
            &at,
            json,
            format!("a network of at least 4 addresses, /{least} or larger"),
        );
        return None;
    }
    if subnet.addr() != subnet.network() {
        report.refused(
            &at,
            json,
            format!("the network's own address, {}", subnet.trunc()),
        );
        return None;
    }
    let ip = |key: &str| range.text(key).and_then(address::ip);
    let mut is_right = true;
    for key in ["rangeStart", "rangeEnd"] {
        if let (Some(json), Some(bound)) = (range.get(key), ip(key))
            && !subnet.contains(&bound)
        {
            report.refused(&range.place(key), json, format!("in the subnet {subnet}"));
            is_right = false;
        }
    }
    if let (Some(first), Some(last)) = (ip("rangeStart"), ip("rangeEnd"))
        && is_right
        && first > last
    {
        report.refused_together(
            &range.place("rangeStart"),
            format!("{first} is above rangeEnd {last}"),
        );
        is_right = false;
    }
    if ip("gateway").is_some_and(|gateway| !subnet.contains(&gateway)) {
        report.warn(
            &range.place("gateway"),
            &format!("it is not in the subnet {subnet}"),
        );
    }
    let (first, last) = usable(subnet);
    let found = Range {
        at: range.at.clone(),
        first: ip("rangeStart").unwrap_or(first),
        last: ip("rangeEnd").unwrap_or(last),
    };
    // A range that begins at the broadcast address has no end; the plugin takes it and gives out nothing.
    (is_right && found.first <= found.last).then_some(found)
}

/// The addresses that are given out where the range does not say: not the first, nor the last of IPv4.
fn usable(subnet: IpNet) -> (IpAddr, IpAddr) {
    match subnet {
        IpNet::V4(net) => (
            Ipv4Addr::from(u32::from(net.network()).saturating_add(1)).into(),
            Ipv4Addr::from(u32::from(net.broadcast()).saturating_sub(1)).into(),
        ),
        IpNet::V6(net) => (
            Ipv6Addr::from(u128::from(net.network()).saturating_add(1)).into(),
            net.broadcast().into(),
        ),
    }
}

fn overlaps(mut ranges: Vec<Range>, report: &mut Report) {
    // IPv4 is before IPv6, so two ranges of different families never meet here.
    ranges.sort_by_key(|range| range.first);
    for two in ranges.windows(2) {
        let [one, other] = two else { continue };
        if one.first.is_ipv4() == other.first.is_ipv4() && other.first <= one.last {
            let (earlier, later) = if one.at.as_str() <= other.at.as_str() {
                (one, other)
            } else {
                (other, one)
            };
            report.refused_together(
                &later.at,
                format!(
                    "{}-{} overlaps with {}-{} at {}",
                    later.first, later.last, earlier.first, earlier.last, earlier.at
                ),
            );
        }
    }
}

fn is_mapped(subnet: IpNet) -> bool {
    matches!(subnet, IpNet::V6(net) if net.addr().to_ipv4_mapped().is_some())
}
