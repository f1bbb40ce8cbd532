//! The selections of a pod: the default network, then the networks, each with its place.

use spec::{
    bridge::PodAnnotations,
    network::{
        AnnotationError, NETWORKS, Namespace, Selection, parse_default_network, parse_networks,
    },
};

use crate::{Place, Policy, Warning};

/// A network that the pod selects.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) place: Place,
    pub(crate) selection: Selection,
}

/// Parses both annotations.
pub(crate) fn parse(
    annotations: &PodAnnotations,
    namespace: &Namespace,
    policy: &Policy,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Placed>, AnnotationError> {
    let mut placed = Vec::new();
    if let Some(text) = &annotations.default_network {
        placed.push(Placed {
            place: Place::DefaultNetwork,
            selection: parse_default_network(text, &policy.system_namespace)?,
        });
    }
    if let Some(text) = &annotations.networks {
        let selections = parse_networks(text, namespace)?;
        if selections.is_empty() && !text.trim().is_empty() {
            warnings.push(Warning::new(&format!(
                "annotation {NETWORKS} is an empty list: the pod gets the cluster network only"
            )));
        }
        placed.extend(
            selections
                .into_iter()
                .enumerate()
                .map(|(at, selection)| Placed {
                    place: Place::Networks { index: at + 1 },
                    selection,
                }),
        );
    }
    Ok(placed)
}

/// Whether a pod's annotations select any network.
pub(crate) fn are_there(annotations: &PodAnnotations) -> bool {
    let is_text = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
    is_text(&annotations.networks) || is_text(&annotations.default_network)
}
