//! What the demo does to network devices, over rtnetlink in the calling thread's network namespace.
//!
//! It calls no `ip`: the demo must work where iproute2 is not installed.

use std::{io, net::IpAddr};

use anyhow::{Context, Result, anyhow};
use futures::TryStreamExt;
use ipnet::IpNet;
use rtnetlink::{
    Error, Handle, LinkMessageBuilder, LinkUnspec, LinkVeth, RouteMessageBuilder,
    packet_route::{address::AddressMessage, link::LinkMessage},
};

use super::netns::Netns;

/// `EEXIST`, `ENODEV`: the two errors of the kernel that are answers.
const EXISTS: i32 = 17;
const NO_DEVICE: i32 = 19;

/// A connection to the kernel.
pub(super) struct Netlink(Handle);

/// Does `work` over a connection that belongs to the calling thread's network namespace.
pub(super) fn session<T>(work: impl AsyncFnOnce(&Netlink) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .context("cannot make a runtime for netlink")?;
    runtime.block_on(async {
        let (connection, handle, _) =
            rtnetlink::new_connection().context("cannot open a netlink socket")?;
        let connection = tokio::spawn(connection);
        let result = work(&Netlink(handle)).await;
        connection.abort();
        result
    })
}

impl Netlink {
    /// All devices.
    pub(super) async fn links(&self) -> Result<Vec<LinkMessage>> {
        let links = self.0.link().get().execute().try_collect().await;
        links.map_err(|error| explained(error, "list the network devices"))
    }

    /// All addresses.
    pub(super) async fn addresses(&self) -> Result<Vec<AddressMessage>> {
        let addresses = self.0.address().get().execute().try_collect().await;
        addresses.map_err(|error| explained(error, "list the addresses"))
    }

    /// The index of a device, if it exists.
    pub(super) async fn find(&self, name: &str) -> Result<Option<u32>> {
        let mut found = Box::pin(self.0.link().get().match_name(name).execute());
        match found.try_next().await {
            Ok(link) => Ok(link.map(|link| link.header.index)),
            Err(error) if code(&error) == Some(NO_DEVICE) => Ok(None),
            Err(error) => Err(explained(error, &format!("look for {name}"))),
        }
    }

    /// The index of a device.
    pub(super) async fn index(&self, name: &str) -> Result<u32> {
        let found = self.find(name).await?;
        found.ok_or_else(|| anyhow!("there is no network device {name} in this network namespace"))
    }

    /// Makes a veth pair.
    pub(super) async fn add_veth(&self, name: &str, peer: &str, mtu: Option<u32>) -> Result<()> {
        let mut message = LinkVeth::new(name, peer);
        if let Some(mtu) = mtu {
            message = message.mtu(mtu);
        }
        let made = self.0.link().add(message.build()).execute().await;
        made.map_err(|error| explained(error, &format!("make the veth pair {name} and {peer}")))
    }

    /// Brings a device up.
    pub(super) async fn up(&self, index: u32) -> Result<()> {
        self.change(index, LinkMessageBuilder::up, "bring a device up")
            .await
    }

    /// Takes a device down.
    pub(super) async fn down(&self, index: u32) -> Result<()> {
        self.change(index, LinkMessageBuilder::down, "take a device down")
            .await
    }

    /// Renames a device, which must be down.
    pub(super) async fn rename(&self, index: u32, name: &str) -> Result<()> {
        let rename = |message: LinkMessageBuilder<LinkUnspec>| message.name(name);
        self.change(index, rename, &format!("rename a device to {name}"))
            .await
    }

    /// Moves a device to another network namespace. It arrives there down and without addresses.
    pub(super) async fn move_to(&self, index: u32, namespace: &Netns) -> Result<()> {
        let there =
            |message: LinkMessageBuilder<LinkUnspec>| message.setns_by_fd(namespace.descriptor());
        self.change(index, there, "move a device to another network namespace")
            .await
    }

    /// Removes a device, and its peer if it has one.
    pub(super) async fn delete(&self, index: u32) -> Result<()> {
        let deleted = self.0.link().del(index).execute().await;
        deleted.map_err(|error| explained(error, "remove a network device"))
    }

    /// Gives a device an address.
    pub(super) async fn add_address(&self, index: u32, address: IpNet) -> Result<()> {
        let request = self
            .0
            .address()
            .add(index, address.addr(), address.prefix_len());
        let added = request.execute().await;
        added.map_err(|error| explained(error, &format!("assign the address {address}")))
    }

    /// Makes a route through a device. Where there is one to the same destination, the first one stays, as with the
    /// reference plugins.
    pub(super) async fn add_route(
        &self,
        index: u32,
        destination: IpNet,
        gateway: Option<IpAddr>,
    ) -> Result<()> {
        let mut route = RouteMessageBuilder::<IpAddr>::new()
            .destination_prefix(destination.network(), destination.prefix_len())?
            .output_interface(index);
        if let Some(gateway) = gateway {
            route = route.gateway(gateway)?;
        }
        match self.0.route().add(route.build()).execute().await {
            Err(error) if code(&error) != Some(EXISTS) => Err(explained(
                error,
                &format!("make the route to {destination}"),
            )),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    async fn change(
        &self,
        index: u32,
        how: impl FnOnce(LinkMessageBuilder<LinkUnspec>) -> LinkMessageBuilder<LinkUnspec>,
        what: &str,
    ) -> Result<()> {
        let message = how(LinkUnspec::new_with_index(index)).build();
        let changed = self.0.link().change(message).execute().await;
        changed.map_err(|error| explained(error, what))
    }
}

/// The kernel's error number, positive.
fn code(error: &Error) -> Option<i32> {
    match error {
        Error::NetlinkError(message) => Some(message.raw_code().abs()),
        _ => None,
    }
}

fn explained(error: Error, what: &str) -> anyhow::Error {
    match code(&error) {
        Some(code) => anyhow!("cannot {what}: {}", io::Error::from_raw_os_error(code)),
        None => anyhow!("cannot {what}: {error}"),
    }
}
