//! A selection with the network it selects, where the plugin could carry it out.

use std::borrow::Cow;

use api::network::Network;
use spec::{device::ResourceName, network::NetworkRef};

use crate::{
    Fault, Place, Policy, View, Warning, access::Asker, findings::Findings, not_found::Hints,
    resource_names, selections::Placed, supplier::Supplier,
};

/// One attachment of the pod.
#[derive(Clone, Debug)]
pub(crate) struct Attachment<'a> {
    pub(crate) place: Place,
    /// The resources of which it needs a device each.
    pub(crate) resources: Vec<Cow<'a, ResourceName>>,
    /// Who supplies them.
    pub(crate) supplier: Supplier,
    network: &'a Network,
}

impl<'a> Attachment<'a> {
    /// The network.
    pub(crate) fn network(&self) -> &'a NetworkRef {
        &self.network.reference
    }

    /// An annotation of the network.
    pub(crate) fn annotation(&self, key: &str) -> Option<&'a str> {
        self.network.annotations.get(key).map(String::as_str)
    }

    /// The version of the object the network was read from.
    pub(crate) fn resource_version(&self) -> &'a str {
        &self.network.resource_version
    }
}

/// Finds the networks of `selections` that can be attached as they are selected; what cannot goes into `findings`.
pub(crate) fn resolve<'a>(
    selections: &[Placed],
    asker: &Asker<'_>,
    view: View<'a>,
    policy: &Policy,
    warnings: &mut Vec<Warning>,
    findings: &mut Findings<'_>,
) -> Vec<Attachment<'a>> {
    let mut attachments = Vec::new();
    let mut hints = Hints::default();
    for placed in selections {
        let Placed { place, selection } = placed;
        if asker.may_select(*place, &selection.network, findings) {
            let hint = |place, wanted: &NetworkRef| {
                let networks = &view.cluster().networks;
                hints.of(place, wanted, asker, networks, policy, findings)
            };
            match attachment(placed, view, policy, hint) {
                Ok(attachment) => {
                    asker.judge(*place, attachment.network, warnings, findings);
                    attachments.push(attachment);
                }
                Err(fault) => findings.add(fault),
            }
        }
        if findings.are_enough() {
            break;
        }
    }
    attachments
}

fn attachment<'a>(
    placed: &Placed,
    view: View<'a>,
    policy: &Policy,
    hint: impl FnOnce(Place, &NetworkRef) -> String,
) -> Result<Attachment<'a>, Fault> {
    let Placed { place, selection } = placed;
    let place = *place;
    let reference = &selection.network;
    let network = view.network(reference).ok_or_else(|| Fault::NotFound {
        place,
        network: reference.clone(),
        hint: hint(place, reference),
    })?;
    let attachable = network
        .attachable(selection)
        .map_err(|problem| Fault::Network { place, problem })?;
    let keys = &policy.injection.resource_name_keys;
    let resources = resource_names::of(network, attachable.resource, keys, place)?;
    Ok(Attachment {
        place,
        resources,
        supplier: Supplier::of(network).unwrap_or_default(),
        network,
    })
}
