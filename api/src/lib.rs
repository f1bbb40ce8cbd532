//! What Polypod reads and writes in the API server.
//!
//! The objects of other people come in as they are and are parsed once, here, into values that the rest of Polypod can
//! trust: a [`network::Network`] for a NetworkAttachmentDefinition, a [`pod::Pod`] for what matters of a pod.

pub mod attachment_times;
pub mod cpu_list;
pub mod network;
pub mod network_attachment_definition;
pub mod network_fault;
pub mod node_inventory;
pub mod node_resource_topology;
pub mod objects;
pub mod pod;
pub mod quantity;
pub mod topology_manager;
