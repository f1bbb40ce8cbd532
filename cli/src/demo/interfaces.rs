//! The interfaces of a network namespace, read over netlink and printed as `ip -brief address` does.

use anyhow::Result;
use rtnetlink::packet_route::{
    address::{AddressAttribute, AddressMessage},
    link::{LinkAttribute, LinkMessage, State},
};

use super::netlink::session;

/// A network device, as far as a person asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interface {
    /// Its index in its namespace.
    pub(super) index: u32,
    /// Its name.
    pub(super) name: String,
    /// Its other end, or what it is made on.
    link: Option<Link>,
    state: State,
    /// Its hardware address.
    pub(super) mac: String,
    /// Its addresses with their prefix lengths.
    pub(super) addresses: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Here(u32),
    InAnotherNamespace(u32),
}

/// The interfaces of the calling thread's network namespace, in the order they were made.
pub(super) fn interfaces() -> Result<Vec<Interface>> {
    let (links, addresses) =
        session(async |netlink| Ok((netlink.links().await?, netlink.addresses().await?)))?;
    let mut all: Vec<Interface> = links.iter().map(|link| read(link, &addresses)).collect();
    all.sort_by_key(|interface| interface.index);
    Ok(all)
}

/// Whether every interface but the loopback device is up, which the kernel notices some time after it was told.
pub(super) fn all_up(all: &[Interface]) -> bool {
    let up = |interface: &Interface| interface.name == "lo" || interface.state == State::Up;
    all.iter().all(up)
}

/// One line per interface: name, state, addresses.
pub(super) fn brief(all: &[Interface]) -> Vec<String> {
    let names: Vec<String> = all
        .iter()
        .map(|interface| full_name(interface, all))
        .collect();
    let widest = names.iter().map(String::len).max().unwrap_or_default();
    let line = |(interface, name): (&Interface, &String)| {
        let line = format!(
            "{name:<widest$}  {:<14} {}",
            state(interface.state),
            interface.addresses.join(" ")
        );
        line.trim_end().to_owned()
    };
    all.iter().zip(&names).map(line).collect()
}

/// The name, and after an `@` what it is linked to.
fn full_name(interface: &Interface, all: &[Interface]) -> String {
    match interface.link {
        None => interface.name.clone(),
        Some(Link::InAnotherNamespace(index)) => format!("{}@if{index}", interface.name),
        Some(Link::Here(index)) => match all.iter().find(|other| other.index == index) {
            Some(other) => format!("{}@{}", interface.name, other.name),
            None => format!("{}@if{index}", interface.name),
        },
    }
}

fn read(link: &LinkMessage, addresses: &[AddressMessage]) -> Interface {
    let mut interface = Interface {
        index: link.header.index,
        name: String::new(),
        link: None,
        state: State::Unknown,
        mac: String::new(),
        addresses: Vec::new(),
    };
    let mut elsewhere = false;
    let mut linked = None;
    for attribute in &link.attributes {
        match attribute {
            LinkAttribute::IfName(name) => interface.name.clone_from(name),
            LinkAttribute::Address(bytes) => interface.mac = mac(bytes),
            LinkAttribute::OperState(state) => interface.state = *state,
            LinkAttribute::Link(index) => linked = Some(*index),
            LinkAttribute::LinkNetNsId(_) => elsewhere = true,
            _ => {}
        }
    }
    interface.link = linked.map(|index| match elsewhere {
        true => Link::InAnotherNamespace(index),
        false => Link::Here(index),
    });
    interface.addresses = addresses
        .iter()
        .filter(|address| address.header.index == interface.index)
        .filter_map(address)
        .collect();
    interface
}

/// The local address: of a point-to-point link, `Address` is the peer's.
fn address(message: &AddressMessage) -> Option<String> {
    let of = |attribute: &AddressAttribute| match attribute {
        AddressAttribute::Local(address) => Some((0, *address)),
        AddressAttribute::Address(address) => Some((1, *address)),
        _ => None,
    };
    let (_, address) = message.attributes.iter().filter_map(of).min()?;
    Some(format!("{address}/{}", message.header.prefix_len))
}

fn mac(bytes: &[u8]) -> String {
    let parts: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    parts.join(":")
}

const fn state(state: State) -> &'static str {
    match state {
        State::Up => "UP",
        State::Down => "DOWN",
        State::LowerLayerDown => "LOWERLAYERDOWN",
        State::NotPresent => "NOTPRESENT",
        State::Testing => "TESTING",
        State::Dormant => "DORMANT",
        _ => "UNKNOWN",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(index: u32, name: &str, link: Option<Link>, addresses: &[&str]) -> Interface {
        Interface {
            index,
            name: name.to_owned(),
            link,
            state: State::Up,
            mac: String::new(),
            addresses: addresses.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    #[test]
    fn as_ip_brief_prints_it() {
        let mut lo = interface(1, "lo", None, &["127.0.0.1/8", "::1/128"]);
        lo.state = State::Unknown;
        let all = [
            lo,
            interface(
                2,
                "eth0",
                Some(Link::InAnotherNamespace(7)),
                &["10.244.1.2/24"],
            ),
            interface(3, "vlan5", Some(Link::Here(2)), &[]),
        ];
        assert_eq!(
            brief(&all),
            [
                "lo          UNKNOWN        127.0.0.1/8 ::1/128",
                "eth0@if7    UP             10.244.1.2/24",
                "vlan5@eth0  UP",
            ]
        );
        assert_eq!(mac(&[0x0a, 0x58, 0, 1]), "0a:58:00:01");
    }
}
