//! Addresses that a pod asks for: `ips`, `mac`, `infiniband-guid`.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

/// A text that is no address of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not {wanted}")]
pub struct AddressError {
    /// The text as it was found.
    pub found: String,
    /// What it had to be, with an example.
    pub wanted: &'static str,
}

/// An element of `ips`: an address, with the length of its network's prefix if the pod says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IpRequest {
    address: IpAddr,
    prefix: Option<u8>,
}

impl IpRequest {
    /// The address.
    #[must_use]
    pub const fn address(self) -> IpAddr {
        self.address
    }

    /// The length of the network's prefix in bits.
    #[must_use]
    pub const fn prefix(self) -> Option<u8> {
        self.prefix
    }
}

impl FromStr for IpRequest {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || AddressError {
            found: text.to_owned(),
            wanted: "an IPv4 or IPv6 address with or without a prefix length, such as 10.2.2.42/24",
        };
        if !text.contains('/') {
            return text
                .parse()
                .map(|address| Self {
                    address,
                    prefix: None,
                })
                .map_err(|_| error());
        }
        let net: ipnet::IpNet = text.parse().map_err(|_| error())?;
        Ok(Self {
            address: net.addr(),
            prefix: Some(net.prefix_len()),
        })
    }
}

impl fmt::Display for IpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix {
            None => write!(f, "{}", self.address),
            Some(prefix) => write!(f, "{}/{prefix}", self.address),
        }
    }
}

/// An Ethernet address of six bytes. Printed in lower case with colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddress([u8; 6]);

impl FromStr for MacAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        hardware_address(text)
            .map(Self)
            .ok_or_else(|| AddressError {
                found: text.to_owned(),
                wanted: "an Ethernet address of six bytes, such as 02:23:45:67:89:01",
            })
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_hardware_address(&self.0, f)
    }
}

/// An InfiniBand GUID of eight bytes. Printed in lower case with colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Guid([u8; 8]);

impl FromStr for Guid {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        hardware_address(text)
            .map(Self)
            .ok_or_else(|| AddressError {
                found: text.to_owned(),
                wanted: "an InfiniBand GUID of eight bytes, such as 24:8a:07:03:00:8d:ae:2f",
            })
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_hardware_address(&self.0, f)
    }
}

macro_rules! through_text {
    ($($name:ident),*) => {$(
        impl TryFrom<String> for $name {
            type Error = AddressError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(address: $name) -> Self {
                address.to_string()
            }
        }
    )*};
}

through_text!(IpRequest, MacAddress, Guid);

/// Bytes in the three spellings that Go's `net.ParseMAC` takes: `01:23`, `01-23` and `0123.4567`.
fn hardware_address<const N: usize>(text: &str) -> Option<[u8; N]> {
    let separator = text.chars().find(|c| matches!(c, ':' | '-' | '.'))?;
    let digits = if separator == '.' { 4 } else { 2 };
    let mut bytes = [0; N];
    let mut filled = 0;
    for group in text.split(separator) {
        if group.len() != digits || !group.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        for pair in [group.get(0..2), group.get(2..4)].into_iter().flatten() {
            *bytes.get_mut(filled)? = u8::from_str_radix(pair, 16).ok()?;
            filled += 1;
        }
    }
    (filled == N).then_some(bytes)
}

fn print_hardware_address(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, byte) in bytes.iter().enumerate() {
        let separator = if index == 0 { "" } else { ":" };
        write!(f, "{separator}{byte:02x}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings() {
        for text in ["02:23:45:67:89:aB", "02-23-45-67-89-ab", "0223.4567.89ab"] {
            assert_eq!(
                text.parse::<MacAddress>().unwrap().to_string(),
                "02:23:45:67:89:ab"
            );
        }
        for bad in [
            "",
            "02:23:45:67:89",
            "02:23:45:67:89:ab:cd",
            "02:23-45:67:89:ab",
            "0:23:45:67:89:ab",
            "+2:23:45:67:89:ab",
            "é:23",
        ] {
            assert!(bad.parse::<MacAddress>().is_err(), "{bad}");
        }
        assert!("24:8a:07:03:00:8d:ae:2f".parse::<Guid>().is_ok());
        assert!("02:23:45:67:89:ab".parse::<Guid>().is_err());
        assert_eq!(
            "10.2.2.42/24".parse::<IpRequest>().unwrap().prefix(),
            Some(24)
        );
        assert_eq!("2001:db8::5".parse::<IpRequest>().unwrap().prefix(), None);
        for bad in [
            "",
            "10.0.0.1/33",
            "10.0.0",
            "10.0.0.1/",
            "fd00::1/129",
            "host",
        ] {
            assert!(bad.parse::<IpRequest>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn addresses_round_trip(mac: [u8; 6], guid: [u8; 8], v6: [u8; 16], prefix in 0u8..=128) {
            prop_assert_eq!(MacAddress(mac).to_string().parse(), Ok(MacAddress(mac)));
            prop_assert_eq!(Guid(guid).to_string().parse(), Ok(Guid(guid)));
            let ip = IpRequest { address: IpAddr::from(v6), prefix: Some(prefix) };
            prop_assert_eq!(ip.to_string().parse(), Ok(ip));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = (text.parse::<MacAddress>(), text.parse::<Guid>(), text.parse::<IpRequest>());
        }
    }
}
