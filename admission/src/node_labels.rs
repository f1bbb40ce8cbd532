//! The labels that a pod's node must have for its networks.

use std::collections::{BTreeMap, BTreeSet};

use api::pod::Pod;
use spec::{
    label::{LabelKey, LabelValue},
    network::{NODE_SELECTOR, NetworkRef},
};

use crate::{
    attachment::Attachment, findings::Findings, node_selector::parse_node_selector,
    placement_fault::PlacementFault, placement_fault::shown,
};

/// A label to be added to a pod's `spec.nodeSelector`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeLabel {
    /// Its key.
    pub key: LabelKey,
    /// Its value.
    pub value: LabelValue,
    /// The network that needs it; of several the one that is selected first.
    pub network: NetworkRef,
}

/// The labels that `pod` lacks, by key. Where two networks differ, the first one's is taken; the pod's own stays.
pub(crate) fn missing(
    attachments: &[Attachment<'_>],
    pod: &Pod,
    findings: &mut Findings<'_>,
) -> Vec<NodeLabel> {
    let mut wanted: BTreeMap<LabelKey, NodeLabel> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for attachment in attachments {
        let network = attachment.network();
        let Some(text) = attachment.annotation(NODE_SELECTOR) else {
            continue;
        };
        if !seen.insert(network) {
            continue;
        }
        let labels = parse_node_selector(text).unwrap_or_else(|problem| {
            let fault = PlacementFault::NodeSelector {
                place: attachment.place,
                network: network.clone(),
                problem: Box::new(problem),
            };
            findings.add(fault.into());
            Vec::new()
        });
        for (key, value) in labels {
            let network = network.clone();
            let label = NodeLabel {
                key,
                value,
                network,
            };
            let first = wanted
                .entry(label.key.clone())
                .or_insert_with(|| label.clone());
            if first.value != label.value {
                let fault = PlacementFault::NetworksDiffer {
                    first: Box::new(first.clone()),
                    second: Box::new(label),
                };
                findings.add(fault.into());
            }
        }
    }
    let own = |key: &LabelKey| pod.spec.node_selector.as_ref()?.get(key.as_str());
    let mut missing = Vec::new();
    for label in wanted.into_values() {
        match own(&label.key) {
            Some(found) if found == label.value.as_str() => {}
            Some(found) => {
                let fault = PlacementFault::PodDiffers {
                    found: shown(found),
                    wanted: Box::new(label),
                };
                findings.add(fault.into());
            }
            None => missing.push(label),
        }
    }
    missing
}
