//! One attachment before its device is known: a selection and the network it selects, checked against each other.

use api::{network::Network, network_fault::Attachable};
use spec::{
    bridge::{Attachment, ConfSource},
    cni::NetworkName,
    device::{DeviceId, ResourceName},
    network::{LegacyNetwork, Selection},
};

use crate::{fault::FaultKind, place::Place};

/// An attachment without its device.
#[derive(Clone, Debug)]
pub(crate) struct Unassigned {
    pub(crate) place: Place,
    pub(crate) wants: Wanted,
    pub(crate) attachment: Attachment,
}

/// The device an attachment wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// None.
    Nothing,
    /// The one its selection names.
    This(DeviceId),
    /// Any one of a resource.
    AnyOf(ResourceName),
}

impl Unassigned {
    /// Checks that `network` can be attached as `selection` wants it.
    pub(crate) fn new(
        place: Place,
        selection: &Selection,
        network: &Network,
    ) -> Result<Self, FaultKind> {
        let Attachable { delegate, resource } = network
            .attachable(selection)
            .map_err(|problem| FaultKind::Network { place, problem })?;
        let wants = match (resource, &selection.device_id) {
            // Where a resource is named, the kubelet decides on the device and not the pod.
            (Some(resource), _) => Wanted::AnyOf(resource.clone()),
            (None, Some(device)) => Wanted::This(device.clone()),
            (None, None) => Wanted::Nothing,
        };
        let name = network.cni_name();
        let parallel = matches!(network.parallel, Ok(true));
        let conf = match delegate {
            Some(delegate) => ConfSource::Inline(delegate.text.clone()),
            None => ConfSource::ConfDir(name.clone()),
        };
        Ok(Self {
            place,
            wants,
            attachment: attachment(selection, name, conf, parallel),
        })
    }

    /// The same for an object of an old release of Multus, which knew neither devices nor capabilities.
    pub(crate) fn legacy(place: Place, selection: &Selection, network: &LegacyNetwork) -> Self {
        let name = selection.network.cni_name();
        let conf = match &network.conf {
            Some(text) => ConfSource::Inline(text.clone()),
            None => ConfSource::ConfDir(name.clone()),
        };
        Self {
            place,
            wants: Wanted::Nothing,
            attachment: attachment(selection, name, conf, false),
        }
    }
}

fn attachment(
    selection: &Selection,
    network: NetworkName,
    conf: ConfSource,
    parallel: bool,
) -> Attachment {
    Attachment {
        name: selection.network.to_string(),
        network,
        conf,
        interface: selection.interface.clone(),
        device: None,
        runtime_config: selection.runtime_config(),
        cni_args: selection.cni_args.clone(),
        default_route: selection.default_route.clone(),
        parallel,
    }
}
