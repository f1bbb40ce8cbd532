//! What was read of Multus's files, as attachments that DEL can take away.

use std::{collections::BTreeSet, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use spec::cni::{AddResult, Args, ContainerId, InterfaceName, Invocation, NetworkConf, Version};

use crate::{net_conf::State, netns, record::Attachment};

/// What the runtime says about the sandbox whose files are read.
#[derive(Clone, Copy, Debug)]
pub struct Sandbox<'a> {
    /// The sandbox.
    pub container_id: &'a ContainerId,
    /// `CNI_IFNAME`: the interface of the cluster network.
    pub interface: &'a InterfaceName,
    /// `CNI_ARGS` of this call, for attachments whose own are not known.
    pub args: &'a Args,
    /// `cniVersion` of the plugin's configuration: Multus gives it to a chain that declares none.
    pub version: Version,
    /// The base folder of device-info files, [`crate::device_info::BASE`] as a rule.
    pub device_info: &'a Path,
}

impl<'a> Sandbox<'a> {
    /// The sandbox that a verb is about.
    #[must_use]
    pub fn of(state: &'a State, invocation: &'a Invocation) -> Self {
        let Invocation {
            container_id,
            interface,
            args,
            ..
        } = invocation;
        Self::new(state, container_id, interface, args)
    }

    /// A sandbox of the node that `state` is about.
    #[must_use]
    pub fn new(
        state: &'a State,
        container_id: &'a ContainerId,
        interface: &'a InterfaceName,
        args: &'a Args,
    ) -> Self {
        Self {
            container_id,
            interface,
            args,
            version: state.version,
            device_info: &state.device_info_dir,
        }
    }
}

/// What Multus's files say about a sandbox.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imported {
    /// The attachments in the order of ADD, for [`Record::attachments`](crate::record::Record::attachments).
    pub attachments: Vec<Attachment>,
    /// What was attached, or may have been, and cannot be taken away by what the files say; in words. DEL must not succeed
    /// without somebody having been told.
    pub lost: Vec<String>,
    /// The network namespaces that the results of its attachments name: one, as a rule.
    pub netns: BTreeSet<String>,
    /// What was passed over and changes nothing about what is taken away, or little; in words, for the log.
    pub notes: Vec<String>,
}

impl Imported {
    /// Whether the sandbox is gone: every network namespace that is known of it is. Where none is known nothing can be told.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        !self.netns.is_empty() && self.netns.iter().all(|netns| netns::is_missing(netns))
    }
}

/// The text of a delegate's configuration, and what was understood of it.
pub(super) struct Conf {
    pub(super) text: String,
    pub(super) parsed: NetworkConf,
}

impl Conf {
    /// Reads the base64 text in which Go writes bytes.
    ///
    /// # Errors
    /// In words: it is none, or holds no configuration that can be executed.
    pub(super) fn decode(base64: &str, sandbox: &Sandbox<'_>) -> Result<Self, String> {
        let bytes = STANDARD
            .decode(base64)
            .map_err(|error| format!("its configuration is not valid base64 ({error})"))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| "its configuration is not valid UTF-8".to_owned())?;
        let parsed = NetworkConf::parse(&text).map_err(|error| error.to_string())?;
        let chained = parsed.clone().chained_at_least(sandbox.version);
        if chained.version() == parsed.version() {
            return Ok(Self { text, parsed });
        }
        Ok(Self {
            text: chained.to_json(),
            parsed: chained,
        })
    }

    /// Whether executing it would execute this plugin again: the reference runtime's own cache holds us, for example.
    pub(super) fn is_ourselves(&self) -> bool {
        self.parsed.self_delegation().is_some()
    }

    /// The attachment, as far as its configuration tells.
    pub(super) fn into_attachment(self, interface: InterfaceName, args: String) -> Attachment {
        let name = self.parsed.name().map(ToString::to_string);
        Attachment {
            name: name.unwrap_or_default(),
            default: false,
            interface,
            conf: self.text,
            runtime_config: Map::new(),
            // What the pod gave is in the configuration already.
            cni_args: None,
            device: None,
            args,
            device_info: None,
            default_route: None,
            result: None,
        }
    }

    /// A result as the record keeps it.
    ///
    /// # Errors
    /// It is no result, in words.
    pub(super) fn result(&self, result: &Value) -> Result<String, String> {
        AddResult::parse(&result.to_string(), self.parsed.version())
            .map(|(result, _)| result.to_json(Version::V1_1_0).to_string())
            .map_err(|error| error.to_string())
    }
}
