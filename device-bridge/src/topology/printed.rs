//! The inventory as NodeResourceTopology, and the metadata that both objects have.

use api::{
    node_inventory::{Amount, Inventory, TopologyManager},
    node_resource_topology::{Attribute, Cost, NodeResourceTopology, Zone, ZoneResource},
};
use k8s_openapi::{
    Resource as _,
    apimachinery::pkg::{
        api::resource::Quantity,
        apis::meta::v1::{ObjectMeta, OwnerReference},
    },
};

use super::fingerprint::Fingerprint;

/// Metadata of an object of `node`. It is gone with its node where the node's UID is known.
#[must_use]
pub fn metadata(node: &str, node_uid: Option<&str>) -> ObjectMeta {
    let owner = node_uid.map(|uid| OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Node".to_owned(),
        name: node.to_owned(),
        uid: uid.to_owned(),
        ..OwnerReference::default()
    });
    ObjectMeta {
        name: Some(node.to_owned()),
        owner_references: owner.map(|owner| vec![owner]),
        ..ObjectMeta::default()
    }
}

/// The NodeResourceTopology of an inventory.
#[must_use]
pub fn node_resource_topology(
    metadata: ObjectMeta,
    inventory: &Inventory,
    fingerprint: &Fingerprint,
) -> NodeResourceTopology {
    NodeResourceTopology {
        api_version: NodeResourceTopology::API_VERSION.to_owned(),
        kind: NodeResourceTopology::KIND.to_owned(),
        metadata,
        zones: inventory
            .zones
            .iter()
            .map(|zone| Zone {
                name: zone_name(zone.id),
                kind: "Node".to_owned(),
                costs: zone
                    .distances
                    .iter()
                    .map(|distance| Cost {
                        name: zone_name(distance.zone),
                        value: distance.value.into(),
                    })
                    .collect(),
                resources: zone.resources.iter().map(zone_resource).collect(),
            })
            .collect(),
        attributes: attributes(inventory.topology_manager, fingerprint),
        ..NodeResourceTopology::default()
    }
}

fn zone_name(id: u32) -> String {
    format!("node-{id}")
}

fn zone_resource(amount: &Amount) -> ZoneResource {
    let quantity = |number: u64| Quantity(number.to_string());
    ZoneResource {
        name: amount.name.clone(),
        capacity: quantity(amount.capacity),
        allocatable: quantity(amount.allocatable),
        available: quantity(amount.available),
    }
}

fn attributes(manager: TopologyManager, fingerprint: &Fingerprint) -> Vec<Attribute> {
    let zones = manager.max_numa_nodes.map(|zones| zones.to_string());
    [
        ("topologyManagerPolicy", Some(manager.policy.to_string())),
        ("topologyManagerScope", Some(manager.scope.to_string())),
        ("topologyManagerMaxNUMANodes", zones),
        (
            "nodeTopologyPodsFingerprint",
            Some(fingerprint.text.clone()),
        ),
        (
            "nodeTopologyPodsFingerprintMethod",
            Some(fingerprint.method.as_str().to_owned()),
        ),
    ]
    .into_iter()
    .filter_map(|(name, value)| {
        Some(Attribute {
            name: name.to_owned(),
            value: value?,
        })
    })
    .collect()
}
