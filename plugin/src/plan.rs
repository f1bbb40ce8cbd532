//! What will be attached, in which order, under which names: a function of the configuration and the answer.

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf};

use serde_json::{Map, Value};
use spec::{
    bridge::{Attachment, ConfSource, Device},
    cni::{Args, InterfaceName, Invocation, NetworkConf},
    network::Demands,
};

use crate::{device_info, error::Error, hotplug::HotplugRequest, net_conf::NetConf};

/// One attachment to be made.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The network's name for people: `namespace/name`, or the CNI name of a delegate of the configuration.
    pub name: String,
    /// Whether it is the cluster network.
    pub default: bool,
    /// The delegate.
    pub conf: NetworkConf,
    /// The interface in the pod.
    pub interface: InterfaceName,
    /// Capability arguments.
    pub runtime_config: Map<String, Value>,
    /// `cni-args` of the pod.
    pub cni_args: Option<Map<String, Value>>,
    /// The allocated device.
    pub device: Option<Device>,
    /// `CNI_ARGS`.
    pub args: Args,
    /// `default-route`: the gateways of the pod's default routes.
    pub default_route: Option<Vec<IpAddr>>,
    /// Whether it may be made together with others.
    pub parallel: bool,
    /// The device-info file of the attachment.
    pub device_info: Option<PathBuf>,
}

/// A delegate whose configuration is found, and what is asked of it where anything can be.
#[derive(Clone, Debug)]
pub struct Delegate {
    /// What a NetworkAttachmentDefinition and a pod's annotation say; none for a configuration of the node.
    pub attachment: Option<Attachment>,
    /// The configuration.
    pub conf: NetworkConf,
}

/// The delegates of a sandbox in their order, the cluster network first.
#[derive(Clone, Debug)]
pub struct Delegates {
    /// They.
    pub all: Vec<Delegate>,
    /// The number of the first interface after the cluster network's.
    pub first_number: usize,
}

/// Capability arguments of the runtime that are the cluster network's alone: the NPWG specification (7.5) keeps a pod's
/// host ports to it, and an address or a device belongs to one interface. All others go to every delegate that declares
/// them.
const OF_CLUSTER_NETWORK: [&str; 7] = [
    "portMappings",
    "bandwidth",
    "ips",
    "mac",
    "infinibandGUID",
    "deviceID",
    DEVICE_INFO_FILE,
];

/// The capability that tells a plugin where its device-info file is (NPWG device information specification).
const DEVICE_INFO_FILE: &str = "CNIDeviceInfoFile";

/// Decides the attachments of a sandbox.
///
/// # Errors
/// Two attachments with one interface, a request no plugin takes, this plugin as its own delegate.
pub fn plan(
    conf: &NetConf,
    invocation: &Invocation,
    delegates: Delegates,
) -> Result<Vec<Planned>, Error> {
    let Delegates { all, first_number } = delegates;
    let mut planned = Vec::new();
    for (index, delegate) in all.into_iter().enumerate() {
        let Unnumbered {
            name,
            delegate,
            attachment,
        } = delegate.into();
        let requested = attachment
            .as_ref()
            .and_then(|attachment| attachment.interface.clone());
        let interface = match (requested, index) {
            (Some(requested), _) => requested,
            (None, 0) => invocation.interface.clone(),
            (None, _) => numbered(first_number + index - 1),
        };
        planned.push(one(
            conf,
            invocation,
            index == 0,
            name,
            delegate,
            attachment,
            interface,
        )?);
    }
    check_interfaces(&planned)?;
    Ok(planned)
}

/// Decides the one attachment of a pod that runs.
///
/// # Errors
/// A request no plugin takes, this plugin as its own delegate.
pub fn plan_one(
    conf: &NetConf,
    invocation: &Invocation,
    delegate: &NetworkConf,
    request: &HotplugRequest,
) -> Result<Planned, Error> {
    let network = delegate.name().unwrap_or(&conf.name).clone();
    let name = network.to_string();
    let attachment = Attachment {
        name: name.clone(),
        conf: ConfSource::Inline(String::new()),
        network,
        interface: Some(invocation.interface.clone()),
        device: None,
        runtime_config: request.runtime_config.clone(),
        cni_args: request.cni_args.clone(),
        default_route: None,
        parallel: false,
    };
    let interface = invocation.interface.clone();
    let delegate = delegate.clone();
    let attachment = Some(attachment);
    let mut planned = one(
        conf, invocation, false, name, delegate, attachment, interface,
    )?;
    // The runtime says it to every plugin, and who plugs in does not.
    const SANDBOX: &str = "K8S_POD_INFRA_CONTAINER_ID";
    if planned.args.get(SANDBOX).is_none() {
        let id = invocation.container_id.as_str();
        planned.args = planned.args.with(SANDBOX, id);
    }
    Ok(planned)
}

struct Unnumbered {
    name: String,
    delegate: NetworkConf,
    attachment: Option<Attachment>,
}

impl From<Delegate> for Unnumbered {
    fn from(Delegate { attachment, conf }: Delegate) -> Self {
        match &attachment {
            None => Self {
                name: conf.name().map(ToString::to_string).unwrap_or_default(),
                delegate: conf,
                attachment,
            },
            Some(of) => Self {
                name: of.name.clone(),
                delegate: conf.named(&of.network),
                attachment,
            },
        }
    }
}

fn numbered(number: usize) -> InterfaceName {
    format!("net{number}")
        .parse()
        .expect("net and at most twelve digits are an interface name: a pod has fewer networks")
}

fn one(
    conf: &NetConf,
    invocation: &Invocation,
    default: bool,
    name: String,
    delegate: NetworkConf,
    attachment: Option<Attachment>,
    interface: InterfaceName,
) -> Result<Planned, Error> {
    let delegate = delegate.chained_at_least(conf.version);
    let mut runtime_config = conf.runtime_config.clone();
    if !default {
        runtime_config.retain(|capability, _| !OF_CLUSTER_NETWORK.contains(&capability.as_str()));
    }
    let mut planned = Planned {
        name,
        default,
        interface,
        runtime_config: Map::new(),
        cni_args: None,
        device: None,
        default_route: None,
        parallel: false,
        device_info: None,
        args: if default {
            invocation.args.clone().ignoring_unknown()
        } else {
            // The address and the hardware address of the cluster network's interface are no other one's.
            let args = invocation.args.clone().ignoring_unknown();
            args.without("IP").without("MAC")
        },
        conf: delegate,
    };
    let nothing = Map::new();
    let demands = Demands {
        // Plugins from before capabilities take requests from `CNI_ARGS`.
        runtime_config: attachment
            .as_ref()
            .filter(|_| conf.legacy.is_none())
            .map_or(&nothing, |attachment| &attachment.runtime_config),
        cni_args: attachment
            .as_ref()
            .is_some_and(|attachment| attachment.cni_args.is_some()),
    };
    demands
        .check(&planned.conf)
        .map_err(|problem| Error::Unattachable {
            network: planned.name.clone(),
            problem,
        })?;
    if let Some(attachment) = attachment {
        planned.args = with_legacy_args(planned.args, &attachment.runtime_config);
        planned.cni_args = attachment.cni_args;
        planned.default_route = attachment.default_route;
        planned.parallel = attachment.parallel;
        planned.device = attachment.device;
        runtime_config.extend(attachment.runtime_config);
    }
    let has_device = planned.device.is_some() || runtime_config.contains_key("deviceID");
    if has_device && !runtime_config.contains_key(DEVICE_INFO_FILE) {
        let file = device_info::path(
            &conf.state.device_info_dir,
            &planned.name,
            &invocation.container_id,
            &planned.interface,
        );
        let text = file.to_string_lossy().into_owned();
        runtime_config.insert(DEVICE_INFO_FILE.to_owned(), Value::from(text));
        planned.device_info = Some(file);
    }
    planned.runtime_config = runtime_config;
    Ok(planned)
}

/// Plugins from before capabilities read `MAC` and `IP` from `CNI_ARGS`, as Multus hands them over.
fn with_legacy_args(args: Args, runtime_config: &Map<String, Value>) -> Args {
    let mac = runtime_config.get("mac").and_then(Value::as_str);
    let ips: Vec<&str> = runtime_config
        .get("ips")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let args = match mac {
        Some(mac) => args.with("MAC", mac),
        None => args,
    };
    if ips.is_empty() {
        args
    } else {
        args.with("IP", &ips.join(","))
    }
}

fn check_interfaces(planned: &[Planned]) -> Result<(), Error> {
    let mut taken = BTreeMap::new();
    for attachment in planned {
        if let Some(first) = taken.insert(&attachment.interface, &attachment.name) {
            return Err(Error::InterfaceTaken {
                first: first.clone(),
                second: attachment.name.clone(),
                interface: attachment.interface.clone(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
