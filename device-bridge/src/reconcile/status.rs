//! Network-status from a sandbox record, for a pod whose plugin could not report it.

use std::{fs, path::Path};

use serde_json::Value;
use spec::{
    bridge::{PodRef, Report},
    cni::{AddResult, Version},
    network::{pci_device_info, statuses},
    record::{Attachment, Record},
};

/// The report that the plugin would have made; `None` where an attachment has no result that can be read.
pub(super) fn report(pod: PodRef, record: &Record) -> Option<Report> {
    let mut all = Vec::new();
    for attachment in &record.attachments {
        let (result, _) = AddResult::parse(attachment.result.as_deref()?, Version::V1_1_0).ok()?;
        all.extend(statuses(
            &attachment.name,
            attachment.interface.as_str(),
            attachment.default,
            &result,
            device_info(attachment).as_ref(),
        ));
    }
    Some(Report {
        pod,
        container_id: record.container_id.clone(),
        statuses: all,
        // They were told of, or it is too late for that.
        added: Vec::new(),
        times: None,
        wait_ms: None,
        traceparent: None,
        add: None,
        parent: None,
    })
}

/// What is in the device-info file, else what the device's id says.
fn device_info(attachment: &Attachment) -> Option<Value> {
    let written = attachment.device_info.as_deref().and_then(read);
    written.or_else(|| {
        let address = attachment.device.as_ref()?.id.pci_address()?;
        Some(pci_device_info(&address))
    })
}

fn read(file: &Path) -> Option<Value> {
    /// A device-info file has a few hundred bytes.
    const LARGEST: u64 = 64 << 10;

    let is_small = fs::metadata(file).is_ok_and(|found| found.is_file() && found.len() <= LARGEST);
    is_small
        .then(|| fs::read(file).ok())
        .flatten()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
}
