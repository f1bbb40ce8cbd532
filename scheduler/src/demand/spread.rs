//! What the devices of a pod are to be spread over.

use api::pod::Pod;
use spec::network::SPREAD;

use super::{DemandError, Spread};

/// What the pod's annotation says.
pub(super) fn of(pod: &Pod) -> Result<Option<Spread>, DemandError> {
    let Some(word) = pod.metadata.annotations.get(SPREAD) else {
        return Ok(None);
    };
    let spread = Spread::parse(word).ok_or_else(|| DemandError::Spread {
        namespace: pod.metadata.namespace.clone(),
        name: pod.display_name(),
        found: word.chars().take(SHOWN).collect(),
    });
    spread.map(Some)
}

/// How much of a word that is none is shown.
const SHOWN: usize = 60;
