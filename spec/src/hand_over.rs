//! How the plugin is asked to hand a node's sandboxes over to Multus, and what it says of it. The installer executes it with
//! [`COMMAND`] and a configuration that has `cniDir` on standard input; [`HandedOver`] is printed.

use serde::{Deserialize, Serialize};

use crate::cni::ContainerId;

/// The argument that asks for it.
pub const COMMAND: &str = "--hand-over-to-multus";

/// How it went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedOver {
    /// How many sandboxes Multus has now that had a record of ours.
    #[serde(rename = "handedOver")]
    pub count: usize,
    /// Those that keep their record, and why.
    pub kept: Vec<Kept>,
}

/// A sandbox that Multus would not know how to delete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// The sandbox.
    pub container_id: ContainerId,
    /// Why, in words.
    pub problem: String,
}
