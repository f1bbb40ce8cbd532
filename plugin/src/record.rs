//! The sandbox record: what DEL, CHECK and GC need, whatever has happened to the pod, its networks and the agent since.
//!
//! It is written before the first delegate is executed, so that at no instant an effect exists that no record knows of. How
//! it is written is the matter of [`crate::journal`] and [`crate::sandbox_file`].

use std::{net::IpAddr, path::PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use spec::{
    bridge::{Device, PodRef},
    cni::{AddResult, Command, ContainerId, InterfaceName, NetworkConf, NetworkName, Version},
};

use crate::{
    log::{Carried, Log, Severity},
    netns,
    plan::Planned,
};

/// The version of the record's shape. 1 had all in one line, results included.
pub(crate) const SHAPE: u32 = 2;

/// What was decided for a sandbox, and how far it has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    pub(crate) shape: u32,
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
    /// The intent: nothing is attached yet.
    #[must_use]
    pub fn intend(
        container_id: ContainerId,
        netns: Option<String>,
        pod: Option<PodRef>,
        planned: &[Planned],
    ) -> Self {
        Self {
            shape: SHAPE,
            container_id,
            netns_inode: netns.as_deref().and_then(netns::inode),
            netns,
            path: Vec::new(),
            pod,
            interface: None,
            network: None,
            attachments: planned.iter().map(Attachment::intend).collect(),
        }
    }

    /// Whether it is about the attachment that the runtime calls by this `CNI_IFNAME`. Older records do not say.
    #[must_use]
    pub fn is_about(&self, interface: &InterfaceName) -> bool {
        self.interface.as_ref().is_none_or(|own| own == interface)
    }
}

impl Attachment {
    fn intend(planned: &Planned) -> Self {
        Self {
            name: planned.name.clone(),
            default: planned.default,
            interface: planned.interface.clone(),
            conf: planned.conf.to_json(),
            runtime_config: planned.runtime_config.clone(),
            cni_args: planned.cni_args.clone(),
            device: planned.device.clone(),
            args: planned.args.to_string(),
            device_info: planned.device_info.clone(),
            default_route: planned.default_route.clone(),
            result: None,
        }
    }

    /// The interfaces that the result says are in the container.
    #[must_use]
    pub fn interfaces(&self) -> Vec<String> {
        let result = self.result.as_deref().unwrap_or("null");
        let parsed = AddResult::parse(result, Version::V1_1_0);
        parsed.map_or_else(|_| Vec::new(), |(result, _)| result.sandbox_names())
    }

    /// Tells the log that a verb comes to this attachment.
    pub fn log(&self, command: Command, log: &Log<'_>) {
        if log.shows(Severity::Verbose) {
            let conf = NetworkConf::parse(&self.conf).ok();
            let delegate = conf.as_ref().and_then(NetworkConf::name);
            log.attachment(
                command,
                &self.name,
                delegate.map_or("", NetworkName::as_str),
                &self.interface,
                || Carried::Conf(self.conf.clone()),
            );
        }
    }
}
