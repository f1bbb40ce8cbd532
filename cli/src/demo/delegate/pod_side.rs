//! What every stand-in does with an interface once it is in the pod: addresses, up, routes.

use anyhow::Result;
use spec::cni::{AddResult, Interface};

use super::Call;
use crate::demo::{interfaces::interfaces, netlink::session};

/// Brings the interface up with what the IPAM plugin gave, in the calling thread's namespace, and gives its hardware
/// address.
pub(super) fn configure(name: &str, addresses: &AddResult) -> Result<String> {
    session(async |netlink| {
        let index = netlink.index(name).await?;
        for ip in &addresses.ips {
            netlink.add_address(index, ip.address).await?;
        }
        netlink.up(index).await?;
        for route in &addresses.routes {
            let own_family = |ip: &&spec::cni::IpConfig| {
                ip.address.addr().is_ipv4() == route.dst.addr().is_ipv4()
            };
            let network_gateway = || {
                addresses
                    .ips
                    .iter()
                    .find(own_family)
                    .and_then(|ip| ip.gateway)
            };
            let gateway = route.gw.or_else(network_gateway);
            netlink.add_route(index, route.dst, gateway).await?;
        }
        Ok(())
    })?;
    let all = interfaces()?;
    let own = all.into_iter().find(|interface| interface.name == name);
    Ok(own.map(|interface| interface.mac).unwrap_or_default())
}

/// The result of ADD: the interfaces, with the pod's as the last, and the addresses on it.
pub(super) fn result(
    call: &Call,
    on_node: Option<Interface>,
    mac: String,
    mut addresses: AddResult,
) -> AddResult {
    let in_pod = Interface {
        name: call.invocation.interface.to_string(),
        mac,
        sandbox: call.invocation.netns.clone().unwrap_or_default(),
        ..Interface::default()
    };
    addresses.interfaces = on_node.into_iter().chain([in_pod]).collect();
    let index = addresses.interfaces.len() - 1;
    for ip in &mut addresses.ips {
        ip.interface = Some(index);
    }
    addresses
}
