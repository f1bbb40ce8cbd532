//! The sandbox record: what DEL, CHECK and GC need, whatever has happened to the pod, its networks and the agent since.
//!
//! The plugin writes it before the first delegate is executed, so that at no instant an effect exists that no record knows of.
//! The device-bridge reads it, to tell what a node's sandboxes have. It is one file for each sandbox, in [`FOLDER`] of the
//! plugin's `cniDir`.

mod journal;

use std::{net::IpAddr, path::PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::journal::{attached, intent, parse};
use crate::{
    bridge::{Device, PodRef},
    cni::{AddResult, ContainerId, InterfaceName, NetworkName, Version},
};

/// Where the records are, within `cniDir`.
pub const FOLDER: &str = "sandboxes";

/// How a record's file ends; before it is the container id.
pub const EXTENSION: &str = "json";

/// The version of the record's shape. 1 had all in one line, results included.
const SHAPE: u32 = 2;

/// What was decided for a sandbox, and how far it has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The version of what is written, 2 in this release.
    pub shape: u32,
    /// The sandbox.
    pub container_id: ContainerId,
    /// Its network namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netns: Option<String>,
    /// The inode of that namespace: another one at the same path is another pod's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netns_inode: Option<u64>,
    /// Where plugins were searched at ADD (`CNI_PATH`); DEL may come without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// Its pod, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<PodRef>,
    /// `CNI_IFNAME` of the ADD: with the container id what the runtime calls an attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<InterfaceName>,
    /// `name` of the plugin's own configuration: the runtime's list at GC is about the attachments of one such network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkName>,
    /// The attachments in the order of ADD.
    pub attachments: Vec<Attachment>,
}

/// One attachment: exactly what its plugins were given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// The network's name for people.
    pub name: String,
    /// Whether it is the cluster network.
    #[serde(default)]
    pub default: bool,
    /// The interface.
    pub interface: InterfaceName,
    /// The delegate's configuration, as text.
    pub conf: String,
    /// Capability arguments.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub runtime_config: Map<String, Value>,
    /// `cni-args` of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cni_args: Option<Map<String, Value>>,
    /// The device; never chosen again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// `CNI_ARGS`.
    #[serde(default)]
    pub args: String,
    /// The device-info file of the attachment (`CNIDeviceInfoFile`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_info: Option<PathBuf>,
    /// `default-route`: the gateways of the pod's default routes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_route: Option<Vec<IpAddr>>,
    /// The result of ADD in version 1.1.0, corrected for `default-route`; absent until ADD has succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

impl Record {
    /// The record of a sandbox without attachments.
    #[must_use]
    pub const fn new(container_id: ContainerId) -> Self {
        Self {
            shape: SHAPE,
            container_id,
            netns: None,
            netns_inode: None,
            path: Vec::new(),
            pod: None,
            interface: None,
            network: None,
            attachments: Vec::new(),
        }
    }

    /// Whether it is about the attachment that the runtime calls by this `CNI_IFNAME`. Older records do not say.
    #[must_use]
    pub fn is_about(&self, interface: &InterfaceName) -> bool {
        self.interface.as_ref().is_none_or(|own| own == interface)
    }
}

impl Attachment {
    /// The interfaces that the result says are in the container.
    #[must_use]
    pub fn interfaces(&self) -> Vec<String> {
        let result = self.result.as_deref().unwrap_or("null");
        let parsed = AddResult::parse(result, Version::V1_1_0);
        parsed.map_or_else(|_| Vec::new(), |(result, _)| result.sandbox_names())
    }
}
