//! Whether anything is to be added to a pod.

use api::pod::Pod;
use spec::network::INJECT;

use crate::placement_fault::{PlacementFault, shown};

/// What the pod's author says in the annotation [`INJECT`]; yes where there is none.
pub(crate) fn is_wanted(pod: &Pod) -> Result<bool, PlacementFault> {
    match pod.metadata.annotations.get(INJECT).map(String::as_str) {
        Some("true") | None => Ok(true),
        Some("false") => Ok(false),
        Some(found) => Err(PlacementFault::Inject {
            found: shown(found),
        }),
    }
}
