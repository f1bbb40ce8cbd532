//! The stand-in for `bridge` and `macvlan`: a veth pair, one end in the pod and one on the node.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

use anyhow::{Context, Result};
use ipnet::IpNet;
use spec::cni::{AddResult, Interface};

use super::{Call, error::DelegateError, ipam, pod_side};
use crate::demo::{netlink::session, netns::Netns};

/// Makes the pair, gets addresses and assigns them; undoes what it did when something fails.
pub(super) fn add(call: &Call) -> Result<AddResult, DelegateError> {
    let pod = Netns::open(Path::new(
        call.invocation.netns.as_deref().unwrap_or_default(),
    ))?;
    let node = Netns::current()?;
    let (name, node_name) = (call.invocation.interface.as_str(), node_name(call));
    pod.inside(|| make(name, &node_name, call.conf.mtu, &node))?;
    attach(call, &pod, &node_name).inspect_err(|_| {
        // The error that is returned is the reason; that undoing failed too would hide it.
        let _undone = del(call);
    })
}

/// Gives the addresses back and removes the pair; with the namespace gone, the kernel has removed it.
pub(super) fn del(call: &Call) -> Result<(), DelegateError> {
    ipam::del(call)?;
    let netns = call.invocation.netns.as_deref().map(Path::new);
    if let Some(path) = netns.filter(|path| path.exists()) {
        Netns::open(path)?.inside(|| remove(call.invocation.interface.as_str()))?;
    }
    Ok(())
}

/// A name for the node's end, unlikely to be another's.
fn node_name(call: &Call) -> String {
    let mut hasher = DefaultHasher::new();
    (
        call.invocation.container_id.as_str(),
        call.invocation.interface.as_str(),
    )
        .hash(&mut hasher);
    // "veth" and 8 digits: an interface name has at most 15 bytes.
    format!("veth{:08x}", hasher.finish() >> 32)
}

fn make(name: &str, node_name: &str, mtu: Option<u32>, node: &Netns) -> Result<()> {
    session(async |netlink| {
        netlink.add_veth(name, node_name, mtu).await?;
        let moved = netlink.move_to(netlink.index(node_name).await?, node).await;
        if moved.is_err() {
            netlink.delete(netlink.index(name).await?).await?;
        }
        moved
    })
}

fn attach(call: &Call, pod: &Netns, node_name: &str) -> Result<AddResult, DelegateError> {
    let addresses = ipam::add(call)?;
    session(async |netlink| {
        let index = netlink.index(node_name).await?;
        for ip in addresses.ips.iter().filter(|_| call.conf.is_gateway) {
            if let Some(gateway) = ip.gateway {
                let address = IpNet::new(gateway, ip.address.prefix_len())
                    .context("a gateway is of its address's family")?;
                netlink.add_address(index, address).await?;
            }
        }
        netlink.up(index).await
    })?;
    let mac = pod.inside(|| pod_side::configure(call.invocation.interface.as_str(), &addresses))?;
    let on_node = Interface {
        name: node_name.to_owned(),
        ..Interface::default()
    };
    Ok(pod_side::result(call, Some(on_node), mac, addresses))
}

fn remove(name: &str) -> Result<()> {
    session(async |netlink| match netlink.find(name).await? {
        Some(index) => netlink.delete(index).await,
        None => Ok(()),
    })
}
