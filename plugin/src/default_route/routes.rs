//! Default routes as the kernel describes them, and what to ask of it: functions of values.

use std::{collections::BTreeSet, fmt::Write as _, net::IpAddr};

use netlink_packet_route::{
    AddressFamily,
    route::{
        RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteNextHop,
        RouteNextHopFlags, RouteProtocol, RouteScope, RouteType, RouteVia,
    },
};

use super::family::Family;

/// A change to ask of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Remove this route, or these ways of it.
    Delete(RouteMessage),
    /// Add this route beside others to the same destination.
    Append(RouteMessage),
}

/// A way that a default route goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    /// The index of the interface, 0 for none.
    pub(super) index: u32,
    /// The gateway; none for whoever is at the other end.
    pub(super) gateway: Option<IpAddr>,
}

/// The family as the kernel numbers it.
pub(super) fn address_family(family: Family) -> AddressFamily {
    match family {
        Family::V4 => AddressFamily::Inet,
        Family::V6 => AddressFamily::Inet6,
    }
}

/// Whether a route is a default route: in the main table, of packets that are sent on. The length of its prefix decides;
/// the kernel leaves the destination out or says that it is all zeros, as it likes.
pub(super) fn is_default(header: &RouteHeader, family: Family) -> bool {
    header.address_family == address_family(family)
        && header.destination_prefix_length == 0
        && header.table == RouteHeader::RT_TABLE_MAIN
        && header.kind == RouteType::Unicast
}

/// The default route by a gateway on an interface, with the metric that the kernel gives by itself.
pub(super) fn default_route(gateway: IpAddr, index: u32) -> RouteMessage {
    let mut route = RouteMessage::default();
    route.header = RouteHeader {
        address_family: address_family(Family::of(gateway)),
        table: RouteHeader::RT_TABLE_MAIN,
        protocol: RouteProtocol::Boot,
        scope: RouteScope::Universe,
        kind: RouteType::Unicast,
        ..RouteHeader::default()
    };
    route.attributes = vec![
        RouteAttribute::Oif(index),
        RouteAttribute::Gateway(gateway.into()),
    ];
    route
}

/// The ways that a route goes.
pub(super) fn hops(route: &RouteMessage) -> Vec<Hop> {
    match next_hops(route) {
        Some(next_hops) => next_hops
            .iter()
            .map(|next_hop| Hop {
                index: next_hop.interface_index,
                gateway: gateway(&next_hop.attributes),
            })
            .collect(),
        None => vec![Hop {
            index: oif(&route.attributes).unwrap_or_default(),
            gateway: gateway(&route.attributes),
        }],
    }
}

/// What takes a route away from the interfaces `gone`, and leaves its ways by other interfaces.
pub(super) fn without(route: &RouteMessage, gone: &BTreeSet<u32>) -> Vec<Step> {
    let hops = hops(route);
    let ours = hops.iter().filter(|hop| gone.contains(&hop.index)).count();
    if ours == 0 {
        return Vec::new();
    }
    if ours == hops.len() {
        return vec![Step::Delete(identity(route))];
    }
    let rest = || remade(route, |next_hop| !gone.contains(&next_hop.interface_index));
    if nexthop_object(route).is_some() {
        // The object stays what it is, and the route stops using it. Where both were there at once, IPv6 would join them.
        vec![Step::Delete(identity(route)), Step::Append(rest())]
    } else if route.header.address_family == AddressFamily::Inet6 {
        // IPv6 keeps a route for each way, so that one can go alone.
        let ours = remade(route, |next_hop| gone.contains(&next_hop.interface_index));
        vec![Step::Delete(identity(&ours))]
    } else {
        // Replacing takes the first route of the same metric, whichever that is; this takes the right one.
        vec![Step::Append(rest()), Step::Delete(identity(route))]
    }
}

/// The route as `ip route` prints it.
pub(super) fn print(route: &RouteMessage, name: impl Fn(u32) -> String) -> String {
    let mut text = "default".to_owned();
    let several = next_hops(route).is_some();
    for hop in hops(route) {
        if several {
            text.push_str(" nexthop");
        }
        if let Some(gateway) = hop.gateway {
            let _ = write!(text, " via {gateway}");
        }
        let _ = write!(text, " dev {}", name(hop.index));
    }
    let metric = route.attributes.iter().find_map(|attribute| {
        if let RouteAttribute::Priority(metric) = attribute {
            Some(metric)
        } else {
            None
        }
    });
    if let Some(metric) = metric {
        let _ = write!(text, " metric {metric}");
    }
    text
}

/// What the kernel knows a route by. Much of what it says about a route it does not want to hear again.
fn identity(route: &RouteMessage) -> RouteMessage {
    let by_object = nexthop_object(route).is_some();
    retain(route, |attribute| match attribute {
        RouteAttribute::Destination(_)
        | RouteAttribute::Source(_)
        | RouteAttribute::Priority(_)
        | RouteAttribute::Table(_) => true,
        RouteAttribute::NhId(_) => by_object,
        RouteAttribute::Oif(_)
        | RouteAttribute::Gateway(_)
        | RouteAttribute::Via(_)
        | RouteAttribute::PrefSource(_)
        | RouteAttribute::MultiPath(_) => !by_object,
        _ => false,
    })
}

/// A route of several ways with only those that `keep` keeps.
fn remade(route: &RouteMessage, keep: impl Fn(&RouteNextHop) -> bool) -> RouteMessage {
    let mut remade = retain(route, |attribute| {
        matches!(
            attribute,
            RouteAttribute::Destination(_)
                | RouteAttribute::Source(_)
                | RouteAttribute::Priority(_)
                | RouteAttribute::Table(_)
                | RouteAttribute::PrefSource(_)
                | RouteAttribute::Metrics(_)
        )
    });
    let kept = next_hops(route).into_iter().flatten();
    let kept = kept.filter(|next_hop| keep(next_hop)).cloned();
    // What state a way is in is the kernel's to say.
    let stateless = kept.map(|mut next_hop| {
        next_hop.flags &= RouteNextHopFlags::Onlink;
        next_hop
    });
    remade
        .attributes
        .push(RouteAttribute::MultiPath(stateless.collect()));
    remade
}

fn retain(route: &RouteMessage, keep: impl Fn(&RouteAttribute) -> bool) -> RouteMessage {
    let mut kept = route.clone();
    kept.header.flags = RouteFlags::empty();
    kept.attributes.retain(keep);
    kept
}

fn next_hops(route: &RouteMessage) -> Option<&[RouteNextHop]> {
    route.attributes.iter().find_map(|attribute| {
        if let RouteAttribute::MultiPath(next_hops) = attribute {
            Some(next_hops.as_slice())
        } else {
            None
        }
    })
}

fn nexthop_object(route: &RouteMessage) -> Option<u32> {
    route.attributes.iter().find_map(|attribute| {
        if let RouteAttribute::NhId(id) = attribute {
            Some(*id)
        } else {
            None
        }
    })
}

fn oif(attributes: &[RouteAttribute]) -> Option<u32> {
    attributes.iter().find_map(|attribute| {
        if let RouteAttribute::Oif(index) = attribute {
            Some(*index)
        } else {
            None
        }
    })
}

fn gateway(attributes: &[RouteAttribute]) -> Option<IpAddr> {
    attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Gateway(RouteAddress::Inet(address))
        | RouteAttribute::Via(RouteVia::Inet(address)) => Some((*address).into()),
        RouteAttribute::Gateway(RouteAddress::Inet6(address))
        | RouteAttribute::Via(RouteVia::Inet6(address)) => Some((*address).into()),
        _ => None,
    })
}
