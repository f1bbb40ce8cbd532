//! The sandbox record: what DEL, CHECK and GC need, whatever has happened to the pod, its networks and the agent since.
//!
//! It is written before the first delegate is executed, so that at no instant an effect exists that no record knows of.

use std::{net::IpAddr, path::PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};
use spec::{
    bridge::{Device, PodRef},
    cni::{AddResult, ContainerId, InterfaceName, Version},
};

use crate::plan::Planned;

/// The version of the record's shape.
const SHAPE: u32 = 1;

/// What was decided for a sandbox, and how far it has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    shape: u32,
    /// The sandbox.
    pub container_id: ContainerId,
    /// Its network namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netns: Option<String>,
    /// Where plugins were searched at ADD (`CNI_PATH`); DEL may come without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// Its pod, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<PodRef>,
    /// `CNI_IFNAME` of the ADD: with the container id what the runtime calls an attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<InterfaceName>,
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
        let attachments = planned.iter().map(Attachment::intend).collect();
        Self {
            shape: SHAPE,
            container_id,
            netns,
            path: Vec::new(),
            pod,
            interface: None,
            attachments,
        }
    }

    /// The record as the text of its file.
    #[must_use]
    pub fn print(&self) -> String {
        let body = serde_json::to_string(self).expect("a record has text keys only");
        let checksum = checksum(&body);
        format!("{{\"checksum\":\"{checksum}\",\"record\":{body}}}\n")
    }

    /// Reads the text of a record's file.
    ///
    /// # Errors
    /// It is torn, changed, or of another release; in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Sealed<'a> {
            checksum: String,
            #[serde(borrow)]
            record: &'a RawValue,
        }

        #[derive(Deserialize)]
        struct AnyShape {
            shape: u32,
        }

        let sealed: Sealed<'_> =
            serde_json::from_str(text).map_err(|error| format!("it is torn ({error})"))?;
        let body = sealed.record.get();
        if sealed.checksum != checksum(body) {
            return Err(format!(
                "its checksum is {} and ought to be {}",
                sealed.checksum,
                checksum(body)
            ));
        }
        let AnyShape { shape } = serde_json::from_str(body).map_err(|error| error.to_string())?;
        if shape != SHAPE {
            return Err(format!(
                "it is of shape {shape}, and this release of polypod knows shape {SHAPE}"
            ));
        }
        serde_json::from_str(body).map_err(|error| error.to_string())
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

    /// Takes the result of ADD down.
    pub fn attached(&mut self, result: &AddResult) {
        self.result = Some(result.to_json(Version::V1_1_0).to_string());
    }
}

fn checksum(body: &str) -> String {
    format!("crc32:{:08x}", crc32fast::hash(body.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record() -> Record {
        Record {
            shape: SHAPE,
            container_id: "c1".parse().unwrap(),
            netns: Some("/run/netns/x".to_owned()),
            path: vec!["/opt/cni/bin".to_owned()],
            pod: None,
            interface: None,
            attachments: vec![Attachment {
                name: "default/sriov-net-a".to_owned(),
                default: false,
                interface: "net1".parse().unwrap(),
                conf: r#"{"type":"sriov"}"#.to_owned(),
                runtime_config: Map::new(),
                cni_args: None,
                device: Some(Device {
                    resource: "intel.com/sriov".parse().unwrap(),
                    id: "0000:03:02.1".parse().unwrap(),
                }),
                args: "A=b".to_owned(),
                device_info: None,
                default_route: None,
                result: None,
            }],
        }
    }

    #[test]
    fn a_record_reads_what_it_prints() {
        assert_eq!(Record::parse(&record().print()), Ok(record()));
    }

    #[test]
    fn another_shape_is_told_from_a_torn_file() {
        let body = serde_json::to_string(&Record {
            shape: 9,
            ..record()
        })
        .unwrap();
        let text = format!("{{\"checksum\":\"{}\",\"record\":{body}}}", checksum(&body));
        assert!(Record::parse(&text).unwrap_err().contains("shape 9"));
        assert!(Record::parse("").unwrap_err().contains("torn"));
    }

    proptest! {
        #[test]
        fn no_torn_or_changed_record_is_taken(cut in 0usize..400, flip in 0usize..400, bit in 0u8..8) {
            let text = record().print();
            let end = text.trim_end().len();
            prop_assert!(Record::parse(&text[..cut.min(end - 1)]).is_err());
            let mut bytes = text.into_bytes();
            let at = flip.min(end - 1);
            bytes[at] ^= 1 << bit;
            if let Ok(changed) = String::from_utf8(bytes) {
                // A changed blank, or a letter of the checksum's own key, may leave the record as it was; never another one.
                prop_assert!(Record::parse(&changed).map_or(true, |read| read == record()));
            }
        }
    }
}
