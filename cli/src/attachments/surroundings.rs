//! What attachments are joined from, for many pods: looked up by name, once each.

use std::collections::HashMap;

use api::{
    network::Network, network_attachment_definition::NetworkAttachmentDefinition,
    node_inventory::NodeInventory, pod::Pod,
};
use serde::Deserialize as _;
use serde_json::Value;

use super::{Attachment, Known, Told, attachments};

/// Networks, reports of nodes and Events, by name.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    networks: HashMap<String, Network>,
    inventories: HashMap<String, NodeInventory>,
    told: HashMap<(String, String), Vec<Told>>,
}

impl Surroundings {
    /// What these objects say. Those that cannot be read say nothing.
    pub(crate) fn of(
        networks: Vec<Value>,
        inventories: Vec<NodeInventory>,
        told: Vec<Told>,
    ) -> Self {
        let mut surroundings = Self::default();
        for object in networks {
            let parsed = NetworkAttachmentDefinition::deserialize(&object).ok();
            let network = parsed.and_then(|object| Network::parse(&object, "default").ok());
            if let Some(network) = network {
                let name = network.reference.to_string();
                surroundings.networks.insert(name, network);
            }
        }
        for inventory in inventories {
            let name = inventory.metadata.name.clone().unwrap_or_default();
            surroundings.inventories.insert(name, inventory);
        }
        for told in told {
            let key = (told.namespace.clone(), told.pod.clone());
            surroundings.told.entry(key).or_default().push(told);
        }
        surroundings
    }

    /// The networks, by `namespace/name`.
    pub(crate) fn networks(&self) -> &HashMap<String, Network> {
        &self.networks
    }

    /// What nodes report, by their names.
    pub(crate) fn inventories(&self) -> &HashMap<String, NodeInventory> {
        &self.inventories
    }

    /// The attachments of a pod.
    pub(crate) fn attachments(&self, pod: &Pod) -> Vec<Attachment> {
        let metadata = &pod.metadata;
        let key = (metadata.namespace.clone(), metadata.name.clone());
        let inventory = self.inventories.get(&pod.spec.node_name);
        let known = Known {
            network: &|name| self.networks.get(name),
            inventory: inventory.map(|report| &report.inventory),
            told: self.told.get(&key).map_or(&[], Vec::as_slice),
        };
        attachments(pod, &known)
    }
}
