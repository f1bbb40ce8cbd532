//! The resources that a network asks for, in the annotations that the administrator has named.

use std::borrow::Cow;

use api::network::Network;
use spec::{device::ResourceName, network::RESOURCE_NAME};

use crate::{Place, placement_fault::PlacementFault, policy::ResourceNameKeys};

/// One resource for each of `keys` that `network` has; of each an attachment needs a device of its own. `standard` is
/// what its annotation [`RESOURCE_NAME`] says.
pub(crate) fn of<'a>(
    network: &'a Network,
    standard: Option<&'a ResourceName>,
    keys: &ResourceNameKeys,
    place: Place,
) -> Result<Vec<Cow<'a, ResourceName>>, PlacementFault> {
    keys.iter()
        .filter_map(|key| {
            if key.as_str() == RESOURCE_NAME {
                return standard.map(|resource| Ok(Cow::Borrowed(resource)));
            }
            let text = network.annotations.get(key.as_str())?;
            let parsed = text.parse().map(Cow::Owned);
            Some(parsed.map_err(|problem| PlacementFault::ResourceName {
                place,
                network: network.reference.clone(),
                key: key.to_string(),
                problem: Box::new(problem),
            }))
        })
        .collect()
}
