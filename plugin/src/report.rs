//! What a sandbox got, for network-status and Events.

use serde_json::Value;
use spec::{
    TraceContext,
    bridge::{AddedInterface, PodRef, Report},
    cni::{AddResult, Invocation},
    network::{pci_device_info, statuses},
};

use crate::{device_info, plan::Planned};

/// The report about a sandbox.
#[must_use]
pub fn report(
    pod: PodRef,
    invocation: &Invocation,
    trace: Option<&TraceContext>,
    planned: &[Planned],
    results: &[AddResult],
) -> Report {
    let attached = || planned.iter().zip(results);
    Report {
        pod,
        container_id: invocation.container_id.clone(),
        statuses: attached()
            .flat_map(|(attachment, result)| {
                statuses(
                    &attachment.name,
                    attachment.interface.as_str(),
                    attachment.default,
                    result,
                    device_info_of(attachment).as_ref(),
                )
            })
            .collect(),
        added: attached()
            .filter(|(_, result)| !result.interfaces.is_empty() || !result.ips.is_empty())
            .map(|(attachment, result)| AddedInterface {
                network: attachment.name.clone(),
                interface: attachment.interface.to_string(),
                addresses: result.ips.iter().map(|ip| ip.address).collect(),
            })
            .collect(),
        times: None,
        wait_ms: None,
        traceparent: trace.cloned(),
        add: None,
        parent: None,
    }
}

/// What the plugin, or the device plugin before it, wrote into the device-info file; else what the device's id says.
fn device_info_of(attachment: &Planned) -> Option<Value> {
    let file = attachment.device_info.as_deref()?;
    // A file that cannot be read keeps no pod from starting.
    let written = device_info::read_back(file).ok().flatten();
    written.or_else(|| {
        let address = attachment.device.as_ref()?.id.pci_address()?;
        Some(pci_device_info(&address))
    })
}
