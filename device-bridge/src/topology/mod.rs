//! What the scheduler sees of a node: its inventory and who holds what, published as NodeInventory and
//! NodeResourceTopology.
//!
//! [`snapshot::snapshot`] is a function of what kubelet, kernel and API server say. Around it: when to ask
//! ([`cadence`]), whom ([`observe`]), and where it goes ([`publish`]).

mod args;
pub mod cadence;
mod changes;
pub mod device_info;
mod devices;
mod digest;
pub mod fingerprint;
mod follow;
mod held;
mod kubelet_config;
mod memory;
pub mod observe;
mod owner;
pub mod printed;
pub mod publish;
pub mod sequence;
pub mod snapshot;
mod told;

pub use self::{
    args::{Settings, SettingsError, TopologyArgs},
    follow::{Parts, Topology, topology},
    told::{KubeletFault, Told},
};
