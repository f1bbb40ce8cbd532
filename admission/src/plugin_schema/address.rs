//! Addresses as plugins written in Go read them: with the functions of Go's package `net`.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

/// What a network has to be.
pub(super) const CIDR: &str = "an address with a prefix length, such as 10.1.0.0/24 or fd00::/64";

/// `net.ParseIP`; an IPv4 address in the clothes of IPv6 is the former.
pub(super) fn ip(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>()
        .ok()
        .map(|address| address.to_canonical())
}

/// `net.ParseCIDR`, which takes leading zeros in the length.
pub(super) fn cidr(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/')?;
    if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    IpNet::new(address.parse().ok()?, length.parse().ok()?).ok()
}

/// `netutils.ParseIPSloppy` of Kubernetes: as [`ip`], and leading zeros in IPv4 addresses are passed over.
pub(super) fn sloppy_ip(text: &str) -> Option<IpAddr> {
    ip(text).or_else(|| {
        let parts: Vec<&str> = text.split('.').collect();
        let [a, b, c, d] = <[&str; 4]>::try_from(parts).ok()?;
        let part = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u8>().ok().filter(|_| digits)
        };
        Some(Ipv4Addr::new(part(a)?, part(b)?, part(c)?, part(d)?).into())
    })
}

/// `netutils.ParseCIDRSloppy` of Kubernetes.
pub(super) fn sloppy_cidr(text: &str) -> Option<IpNet> {
    cidr(text).or_else(|| {
        let (address, length) = text.split_once('/')?;
        cidr(&format!("{}/{length}", sloppy_ip(address)?))
    })
}

/// `net.ParseMAC`: 6, 8 or 20 bytes.
pub(super) fn is_hardware_address(text: &str) -> bool {
    let Some(separator) = text.chars().find(|c| matches!(c, ':' | '-' | '.')) else {
        return false;
    };
    let digits = if separator == '.' { 4 } else { 2 };
    let groups: Vec<&str> = text.split(separator).collect();
    let are_hex = groups
        .iter()
        .all(|group| group.len() == digits && group.bytes().all(|byte| byte.is_ascii_hexdigit()));
    are_hex && matches!(groups.len() * digits / 2, 6 | 8 | 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_go_reads_them() {
        for good in ["10.1.0.0/24", "10.1.0.0/024", "fd00::/64", "0.0.0.0/0"] {
            assert!(cidr(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "10.1.0.0",
            "10.1.0.0/",
            "10.1.0.0/33",
            "10.1.0.0/+8",
            "010.1.0.0/8",
            "x/8",
        ] {
            assert!(cidr(bad).is_none(), "{bad}");
        }
        assert_eq!(ip("::ffff:10.0.0.1"), ip("10.0.0.1"));
        assert!(ip("10.0.0.01").is_none() && sloppy_ip("10.0.0.01") == ip("10.0.0.1"));
        assert!(sloppy_cidr("010.0.0.0/08").is_some());
        assert!(sloppy_ip("10.0.0.256").is_none() && sloppy_ip("10.0.0.+1").is_none());
        for good in [
            "02:23:45:67:89:ab",
            "02-23-45-67-89-ab",
            "0223.4567.89ab",
            "24:8a:07:03:00:8d:ae:2f",
        ] {
            assert!(is_hardware_address(good), "{good}");
        }
        for bad in [
            "",
            "zz",
            "02:23:45:67:89",
            "02:23-45:67:89:ab",
            "2:23:45:67:89:ab",
        ] {
            assert!(!is_hardware_address(bad), "{bad}");
        }
    }
}
