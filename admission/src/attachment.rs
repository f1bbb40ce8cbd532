//! A selection with the network it selects, where the plugin could carry it out.

use api::network::Network;
use spec::{device::ResourceName, network::NetworkRef};

use crate::{Denial, Fault, NetworkIndex, Place, Policy, not_found, selections::Placed};

/// One attachment of the pod.
#[derive(Clone, Debug)]
pub(crate) struct Attachment<'a> {
    pub(crate) place: Place,
    /// The resource whose device it needs.
    pub(crate) resource: Option<&'a ResourceName>,
    network: &'a Network,
}

impl<'a> Attachment<'a> {
    /// The network.
    pub(crate) fn network(&self) -> &'a NetworkRef {
        &self.network.reference
    }

    /// The version of the object the network was read from.
    pub(crate) fn resource_version(&self) -> &'a str {
        &self.network.resource_version
    }
}

/// Finds the networks of `selections` and checks that they can be attached as they are selected.
pub(crate) fn resolve<'a>(
    selections: &[Placed],
    networks: &'a NetworkIndex,
    policy: &Policy,
) -> Result<Vec<Attachment<'a>>, Vec<Fault>> {
    let mut attachments = Vec::new();
    let mut faults = Vec::new();
    for placed in selections {
        match attachment(placed, networks, policy) {
            Ok(attachment) => attachments.push(attachment),
            Err(fault) => faults.push(fault),
        }
        if faults.len() == Denial::MOST_FAULTS {
            break;
        }
    }
    if faults.is_empty() {
        Ok(attachments)
    } else {
        Err(faults)
    }
}

fn attachment<'a>(
    placed: &Placed,
    networks: &'a NetworkIndex,
    policy: &Policy,
) -> Result<Attachment<'a>, Fault> {
    let Placed { place, selection } = placed;
    let place = *place;
    let reference = &selection.network;
    let network = networks.get(reference).ok_or_else(|| Fault::NotFound {
        place,
        network: reference.clone(),
        hint: not_found::hint(place, reference, networks, policy),
    })?;
    let attachable = network
        .attachable(selection)
        .map_err(|problem| Fault::Network { place, problem })?;
    Ok(Attachment {
        place,
        resource: attachable.resource,
        network,
    })
}
