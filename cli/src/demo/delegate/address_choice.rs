//! Which address comes next: a function of the range and of what is taken.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::conf::Range;

/// A range that gives no address, whatever is taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the range {start} to {end} does not lie in {subnet} in this order")]
pub(super) struct BadRange {
    start: IpAddr,
    end: IpAddr,
    subnet: IpNet,
}

/// The gateway of a range: as it says, else the subnet's first address, as with the reference plugin.
pub(super) fn gateway(range: &Range) -> IpAddr {
    let first = plus_one(range.subnet.network());
    range.gateway.or(first).unwrap_or(range.subnet.network())
}

/// The addresses of a range that may be given out, in order: neither the subnet's own two nor the gateway.
pub(super) fn candidates(range: &Range) -> Result<impl Iterator<Item = IpAddr>, BadRange> {
    let subnet = range.subnet;
    let start = range.range_start.unwrap_or(subnet.network());
    let end = range.range_end.unwrap_or(subnet.broadcast());
    if !subnet.contains(&start) || !subnet.contains(&end) || start > end {
        return Err(BadRange { start, end, subnet });
    }
    let gateway = gateway(range);
    // A /31 and a /32 have no addresses of their own to spare: RFC 3021.
    let spares_ends = subnet.max_prefix_len() - subnet.prefix_len() > 1;
    let ends = [subnet.network(), subnet.broadcast()];
    let all = std::iter::successors(Some(start), move |address| {
        plus_one(*address).filter(|next| *next <= end)
    });
    Ok(all.filter(move |address| *address != gateway && !(spares_ends && ends.contains(address))))
}

fn plus_one(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => {
            let next = u32::from(address).checked_add(1)?;
            Some(IpAddr::V4(Ipv4Addr::from(next)))
        }
        IpAddr::V6(address) => {
            let next = u128::from(address).checked_add(1)?;
            Some(IpAddr::V6(Ipv6Addr::from(next)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(subnet: &str, start: Option<&str>, end: Option<&str>, gateway: Option<&str>) -> Range {
        let address = |text: &str| text.parse().unwrap();
        Range {
            subnet: subnet.parse().unwrap(),
            range_start: start.map(address),
            range_end: end.map(address),
            gateway: gateway.map(address),
        }
    }

    fn first(range: &Range, count: usize) -> Vec<String> {
        let all = candidates(range).unwrap();
        all.take(count).map(|address| address.to_string()).collect()
    }

    #[test]
    fn the_seeds_range() {
        let sriov = range(
            "10.56.217.0/24",
            Some("10.56.217.171"),
            Some("10.56.217.181"),
            Some("10.56.217.1"),
        );
        assert_eq!(first(&sriov, 2), ["10.56.217.171", "10.56.217.172"]);
        assert_eq!(candidates(&sriov).unwrap().count(), 11);
    }

    #[test]
    fn network_broadcast_and_gateway_are_spared() {
        let small = range("10.0.0.0/29", None, None, None);
        assert_eq!(
            first(&small, 9),
            ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]
        );
        let six = range("fd00::/64", None, None, None);
        assert_eq!(first(&six, 1), ["fd00::2"]);
        let pair = range("10.0.0.0/31", None, None, Some("10.0.0.0"));
        assert_eq!(first(&pair, 9), ["10.0.0.1"]);
        let last = range("255.255.255.255/32", None, None, Some("10.0.0.1"));
        assert_eq!(first(&last, 9), ["255.255.255.255"]);
    }

    #[test]
    fn ranges_outside_their_subnet_are_errors() {
        assert!(candidates(&range("10.0.0.0/24", Some("10.0.1.1"), None, None)).is_err());
        assert!(
            candidates(&range(
                "10.0.0.0/24",
                Some("10.0.0.9"),
                Some("10.0.0.8"),
                None
            ))
            .is_err()
        );
    }
}
