//! The resources that a network asks for, in the annotations that the administrator has named.

use std::borrow::Cow;

use api::network::Network;
use spec::{device::ResourceName, network::RESOURCE_NAME};

use crate::{Place, placement_fault::PlacementFault};

/// One resource for each of `keys` that `network` has; of each an attachment needs a device of its own. `standard` is
/// what its annotation [`RESOURCE_NAME`] says. A key that is named twice is one key.
pub(crate) fn of<'a>(
    network: &'a Network,
    standard: Option<&'a ResourceName>,
    keys: &[String],
    place: Place,
) -> Result<Vec<Cow<'a, ResourceName>>, PlacementFault> {
    let is_first = |(at, key): &(usize, &String)| !keys[..*at].contains(key);
    keys.iter()
        .enumerate()
        .filter(is_first)
        .filter_map(|(_, key)| {
            if key == RESOURCE_NAME {
                return standard.map(|resource| Ok(Cow::Borrowed(resource)));
            }
            let text = network.annotations.get(key)?;
            let parsed = text.parse().map(Cow::Owned);
            Some(parsed.map_err(|problem| PlacementFault::ResourceName {
                place,
                network: network.reference.clone(),
                key: key.clone(),
                problem: Box::new(problem),
            }))
        })
        .collect()
}
