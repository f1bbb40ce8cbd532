//! The networks of a pod: what it was attached to, and what it asks for and has not got.

use std::collections::BTreeMap;

use serde_json::Value;
use spec::network::{
    DEFAULT_NETWORK, NETWORK_STATUS, NETWORKS, NetworkStatus, parse_default_network, parse_networks,
};

use super::document::Attachment;

/// Where a default network without a namespace is looked for (Multus's multusNamespace).
const SYSTEM_NAMESPACE: &str = "kube-system";

/// What the annotations of a pod tell, and what is wrong with them.
pub(super) fn of(
    namespace: &str,
    annotations: &BTreeMap<String, String>,
) -> (Vec<Attachment>, Option<String>) {
    let mut faults = Vec::new();
    let mut attachments = made(annotations.get(NETWORK_STATUS), &mut faults);
    for network in wanted(namespace, annotations, &mut faults) {
        let same = |made: &&mut Attachment| {
            made.network == network.network
                && !made.wanted
                && (network.interface.is_empty() || made.interface == network.interface)
        };
        // One that is made stands for one that is asked for: a pod may select a network twice.
        if attachments.iter_mut().find(same).is_none() {
            attachments.push(network);
        }
    }
    let fault = (!faults.is_empty()).then(|| faults.join("; "));
    (attachments, fault)
}

fn made(text: Option<&String>, faults: &mut Vec<String>) -> Vec<Attachment> {
    let Some(text) = text else {
        return Vec::new();
    };
    let statuses: Vec<Value> = match serde_json::from_str(text) {
        Ok(statuses) => statuses,
        Err(error) => {
            faults.push(format!(
                "the annotation {NETWORK_STATUS} is no list: {error}"
            ));
            return Vec::new();
        }
    };
    let mut made = Vec::new();
    for status in statuses {
        match serde_json::from_value::<NetworkStatus>(status) {
            Ok(status) => made.push(Attachment {
                network: status.name,
                interface: status.interface,
                ips: status.ips,
                mac: status.mac,
                default: status.default,
                wanted: false,
                device: status.device_info.as_ref().and_then(address),
            }),
            Err(error) => faults.push(format!("an element of {NETWORK_STATUS} is none: {error}")),
        }
    }
    made
}

fn wanted(
    namespace: &str,
    annotations: &BTreeMap<String, String>,
    faults: &mut Vec<String>,
) -> Vec<Attachment> {
    let mut selections = Vec::new();
    if let (Some(text), Ok(namespace)) = (annotations.get(NETWORKS), namespace.parse()) {
        match parse_networks(text, &namespace) {
            Ok(networks) => selections.extend(networks.into_iter().map(|one| (one, false))),
            Err(error) => faults.push(error.to_string()),
        }
    }
    if let (Some(text), Ok(namespace)) =
        (annotations.get(DEFAULT_NETWORK), SYSTEM_NAMESPACE.parse())
    {
        match parse_default_network(text, &namespace) {
            Ok(network) => selections.push((network, true)),
            Err(error) => faults.push(error.to_string()),
        }
    }
    let attachment = |(selection, default): (spec::network::Selection, bool)| Attachment {
        network: selection.network.to_string(),
        interface: selection
            .interface
            .map(|interface| interface.to_string())
            .unwrap_or_default(),
        default,
        wanted: true,
        ..Attachment::default()
    };
    selections.into_iter().map(attachment).collect()
}

/// The PCI address in device information: that of the device itself, or of what a vDPA or virtio device stands on.
fn address(info: &Value) -> Option<String> {
    let kind = info["type"].as_str()?;
    let address = info.get(kind)?.get("pci-address")?.as_str()?;
    Some(address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(annotations: &[(&str, &str)]) -> (Vec<Attachment>, Option<String>) {
        let owned = annotations.iter();
        of(
            "team",
            &owned
                .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn what_is_made_and_what_is_still_wanted() {
        let status = r#"[
            {"name": "cbr0", "interface": "eth0", "ips": ["10.244.0.7"], "default": true, "dns": {}},
            {"name": "team/fast", "interface": "net1", "mac": "02:00:00:00:00:01", "dns": {},
             "device-info": {"type": "pci", "version": "1.1.0", "pci": {"pci-address": "0000:3b:02.1"}}}]"#;
        let (attachments, fault) = told(&[
            (NETWORK_STATUS, status),
            (NETWORKS, "fast, other/slow@data0"),
        ]);
        assert_eq!(fault, None);
        let short: Vec<_> = attachments
            .iter()
            .map(|one| {
                (
                    one.network.as_str(),
                    one.interface.as_str(),
                    one.device.as_deref(),
                    one.wanted,
                )
            })
            .collect();
        assert_eq!(
            short,
            [
                ("cbr0", "eth0", None, false),
                ("team/fast", "net1", Some("0000:3b:02.1"), false),
                ("other/slow", "data0", None, true),
            ]
        );
        assert!(attachments[0].default);
    }

    #[test]
    fn faults_hide_nothing_else() {
        let status = r#"[{"name": 5}, {"name": "team/fast", "dns": {}, "device-info": {"type": "pci", "pci": 7}}]"#;
        let (attachments, fault) = told(&[(NETWORK_STATUS, status), (NETWORKS, "Not A Name")]);
        assert_eq!(attachments.len(), 1);
        assert_eq!(attachments[0].device, None);
        let fault = fault.unwrap();
        assert!(
            fault.contains(NETWORK_STATUS) && fault.contains(NETWORKS),
            "{fault}"
        );
        let (none, fault) = told(&[(NETWORK_STATUS, "{")]);
        assert!(none.is_empty() && fault.is_some());
        assert_eq!(told(&[]), (Vec::new(), None));
    }

    #[test]
    fn a_default_network_is_the_systems() {
        let (attachments, _) = told(&[(DEFAULT_NETWORK, "main")]);
        assert_eq!(attachments[0].network, "kube-system/main");
        assert!(attachments[0].default && attachments[0].wanted);
    }
}
