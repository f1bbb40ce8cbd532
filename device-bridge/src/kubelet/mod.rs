//! The kubelet: what it allocated to the pods of this node.

mod call;
pub mod checkpoint;
pub mod checkpoint_file;
mod checkpoint_text;
pub mod client;
mod connection;
pub mod error;
#[cfg(test)]
pub(crate) mod fake;
pub mod holdings;
mod limiter;
mod node_list;
mod queue;
pub mod settings;
mod status;

pub use client::PodResourcesClient;
pub use error::PodResourcesError;
pub use settings::{KubeletArgs, KubeletSettings};
