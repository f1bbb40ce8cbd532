//! Who supplies the devices of a network, as its annotation says.

use api::network::Network;
use spec::network::DEVICES;

/// Who supplies them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Supplier {
    /// A device plugin, or a DRA driver behind an extended resource: a container requests them.
    #[default]
    DevicePlugin,
    /// A ResourceClaim of the pod.
    Claim,
}

/// The annotation is another word.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither \"device-plugin\" nor \"claim\"")]
pub struct UnknownSupplier(pub String);

impl Supplier {
    /// The annotation of `network`. Pods of one that cannot be read are served by a device plugin, like those of one
    /// without it.
    pub(crate) fn of(network: &Network) -> Result<Self, UnknownSupplier> {
        match network.annotations.get(DEVICES).map(String::as_str) {
            None | Some("device-plugin") => Ok(Self::DevicePlugin),
            Some("claim") => Ok(Self::Claim),
            Some(found) => Err(UnknownSupplier(found.to_owned())),
        }
    }
}
