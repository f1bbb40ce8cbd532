//! What the plugin decides to take down of a sandbox before it does anything, as a [`Record`].
//!
//! How it is written is the matter of [`spec::record`] and [`crate::sandbox_file`].

use spec::{
    bridge::PodRef,
    cni::{Command, ContainerId, NetworkConf, NetworkName},
};

pub use spec::record::{Attachment, Record};

use crate::{
    log::{Carried, Log, Severity},
    netns,
    plan::Planned,
};

/// The intent: nothing is attached yet.
#[must_use]
pub fn intend(
    container_id: ContainerId,
    netns: Option<String>,
    pod: Option<PodRef>,
    planned: &[Planned],
) -> Record {
    Record {
        netns_inode: netns.as_deref().and_then(netns::inode),
        netns,
        pod,
        attachments: planned.iter().map(intended).collect(),
        ..Record::new(container_id)
    }
}

/// What is going to be attached: there is no result yet.
pub(crate) fn intended(planned: &Planned) -> Attachment {
    Attachment {
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

/// Tells the log that a verb comes to this attachment.
pub fn log(attachment: &Attachment, command: Command, log: &Log<'_>) {
    if log.shows(Severity::Verbose) {
        let conf = NetworkConf::parse(&attachment.conf).ok();
        let delegate = conf.as_ref().and_then(NetworkConf::name);
        log.attachment(
            command,
            &attachment.name,
            delegate.map_or("", NetworkName::as_str),
            &attachment.interface,
            || Carried::Conf(attachment.conf.clone()),
        );
    }
}
