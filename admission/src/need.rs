//! How many devices of each resource a pod's networks need.

use std::collections::BTreeMap;

use spec::{device::ResourceName, network::NetworkRef};

use crate::{Place, Warning, attachment::Attachment, device_claim::Supply, supplier::Supplier};

/// What a pod's networks need of one resource, and what its containers already have of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The resource.
    pub resource: ResourceName,
    /// One for each attachment and each of its annotations that asks for a device of it.
    pub wanted: u64,
    /// What the pod's containers request for themselves and not for its networks.
    pub reserved: u64,
    /// What app containers and sidecars request.
    pub held: u64,
    /// What its ResourceClaims supply, at least.
    pub claimed: u64,
    /// The networks, in the order of the attachments, one for each device that is wanted.
    pub networks: Vec<NetworkRef>,
}

impl Need {
    /// What is missing.
    #[must_use]
    pub const fn deficit(&self) -> u64 {
        self.wanted
            .saturating_add(self.reserved)
            .saturating_sub(self.held)
            .saturating_sub(self.claimed)
    }
}

/// Counts the devices that `attachments` need, by resource name, and those of them that the pod's claims supply; nothing is
/// held yet.
pub(crate) fn count(
    attachments: &[Attachment<'_>],
    supply: &Supply<'_>,
    warnings: &mut Vec<Warning>,
) -> Vec<Need> {
    let mut needs: BTreeMap<&ResourceName, Need> = BTreeMap::new();
    let mut of_default_network = None;
    for attachment in attachments {
        if attachment.supplier == Supplier::Claim {
            continue;
        }
        for resource in &attachment.resources {
            let network = attachment.network();
            if !resource.is_extended_resource() {
                let warning = Warning::new(&if supply.has_class(resource) {
                    format!(
                        "{network}: {resource} is a DeviceClass, which pods use by spec.resourceClaims; nothing is injected for it"
                    )
                } else {
                    format!(
                        "{network}: resourceName {resource} has no domain, as extended resources have; nothing is injected for it"
                    )
                });
                // A network that is selected often is still one thing to know.
                if supply.devices(resource) == 0 && !warnings.contains(&warning) {
                    warnings.push(warning);
                }
                continue;
            }
            if attachment.place == Place::DefaultNetwork {
                of_default_network = Some(resource.as_ref());
            }
            let need = needs.entry(resource).or_insert_with(|| Need {
                resource: resource.as_ref().clone(),
                wanted: 0,
                reserved: 0,
                held: 0,
                claimed: supply.devices(resource),
                networks: Vec::new(),
            });
            need.wanted += 1;
            need.networks.push(network.clone());
        }
    }
    if !needs.is_empty() {
        warnings.extend_from_slice(&supply.unknown);
    }
    // Multus resolves the default network apart from the others and gives both the same device.
    if let Some(need) = of_default_network.and_then(|resource| needs.get(resource))
        && need.wanted > 1
    {
        warnings.push(Warning::new(&format!(
            "the default network shares {} with others; under Multus they would get the same device",
            need.resource
        )));
    }
    needs.into_values().collect()
}
