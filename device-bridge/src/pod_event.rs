//! What a pod's owner is told as Events of the pod, in Multus's words.

use k8s_openapi::{
    api::core::v1::{Event, EventSource, ObjectReference},
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time},
};
use spec::{
    bridge::{AddedInterface, PodRef, Report},
    network::NetworkRef,
};

/// The component that Multus's Events name, by which people and dashboards find them.
const COMPONENT: &str = "multus";

/// The longest name of an Event, as of most objects.
const LONGEST_NAME: usize = 253;

/// An Event of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodEvent {
    /// The pod, with its UID where that is known.
    pub pod: PodRef,
    /// Whether it is good news.
    pub kind: EventKind,
    /// `reason`, for programs.
    pub reason: &'static str,
    /// `message`, for people.
    pub message: String,
}

/// `type` of an Event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Something went as it should.
    Normal,
    /// Something did not.
    Warning,
}

impl EventKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

impl PodEvent {
    /// One for each attachment of a report that has an interface or an address.
    #[must_use]
    pub fn added(report: &Report) -> Vec<Self> {
        let added = report
            .added
            .iter()
            .filter(|added| !added.interface.is_empty() || !added.addresses.is_empty());
        added
            .map(|added| Self {
                pod: report.pod.clone(),
                kind: EventKind::Normal,
                reason: "AddedInterface",
                message: message(added),
            })
            .collect()
    }

    /// Something that its owner has to do something about.
    #[must_use]
    pub fn warning(pod: &PodRef, reason: &'static str, message: String) -> Self {
        Self {
            pod: pod.clone(),
            kind: EventKind::Warning,
            reason,
            message,
        }
    }

    /// A pod selects a NetworkAttachmentDefinition that is not there.
    #[must_use]
    pub fn no_network_found(pod: &PodRef, network: &NetworkRef) -> Self {
        let NetworkRef { namespace, name } = network;
        Self::warning(
            pod,
            "NoNetworkFound",
            format!(
                "cannot find a network-attachment-definition ({name}) in namespace ({namespace}): \
                 network-attachment-definitions.k8s.cni.cncf.io {:?} not found",
                name.as_str()
            ),
        )
    }

    /// The object's name: the same for the same news of the same pod, so that news told again and again is one object that
    /// counts, and a try after one whose end is not known does no harm.
    #[must_use]
    pub fn name(&self) -> String {
        let uid = self.pod.uid.as_deref().unwrap_or_default();
        let told = [uid, self.kind.as_str(), self.reason, &self.message].join("\0");
        let ending = format!(".{:016x}", fnv_1a(told.as_bytes()));
        let mut name = self.pod.name.as_str().to_owned();
        name.truncate(LONGEST_NAME - ending.len());
        let begin = name.trim_end_matches(['.', '-']);
        format!("{begin}{ending}")
    }

    /// The object as it is created.
    #[must_use]
    pub fn object(&self, now: &Time) -> Event {
        let namespace = self.pod.namespace.to_string();
        Event {
            metadata: ObjectMeta {
                namespace: Some(namespace.clone()),
                name: Some(self.name()),
                ..ObjectMeta::default()
            },
            involved_object: ObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Pod".to_owned()),
                namespace: Some(namespace),
                name: Some(self.pod.name.to_string()),
                uid: self.pod.uid.clone(),
                ..ObjectReference::default()
            },
            type_: Some(self.kind.as_str().to_owned()),
            reason: Some(self.reason.to_owned()),
            message: Some(self.message.clone()),
            source: Some(EventSource {
                component: Some(COMPONENT.to_owned()),
                host: None,
            }),
            reporting_component: Some(COMPONENT.to_owned()),
            reporting_instance: Some(String::new()),
            first_timestamp: Some(now.clone()),
            last_timestamp: Some(now.clone()),
            count: Some(1),
            ..Event::default()
        }
    }
}

fn message(added: &AddedInterface) -> String {
    let AddedInterface {
        network,
        interface,
        addresses,
    } = added;
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let addresses = addresses.join(" ");
    if network.is_empty() {
        format!("Add {interface} [{addresses}]")
    } else {
        format!("Add {interface} [{addresses}] from {network}")
    }
}

/// A hash that is the same in every process and release. Nobody gains by two Events of one name.
fn fnv_1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::fixture::bare_question;

    fn added(network: &str, interface: &str, addresses: &[&str]) -> AddedInterface {
        AddedInterface {
            network: network.to_owned(),
            interface: interface.to_owned(),
            addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn messages() {
        let question = bare_question();
        let report = Report {
            pod: question.pod,
            container_id: question.container_id,
            statuses: Vec::new(),
            added: vec![
                added("cbr0", "eth0", &["10.244.1.73/24", "fd00::5/64"]),
                added("default/macvlan-conf", "net1", &[]),
                added("", "net2", &["192.168.1.205/24"]),
                added("nothing", "", &[]),
            ],
            times: None,
            wait_ms: None,
            traceparent: None,
            add: None,
            parent: None,
        };
        let events = PodEvent::added(&report);
        let messages: Vec<&str> = events.iter().map(|event| event.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "Add eth0 [10.244.1.73/24 fd00::5/64] from cbr0",
                "Add net1 [] from default/macvlan-conf",
                "Add net2 [192.168.1.205/24]",
            ]
        );
    }

    #[test]
    fn the_object() {
        let pod = bare_question().pod;
        let network = NetworkRef {
            namespace: "ns1".parse().unwrap(),
            name: "a".parse().unwrap(),
        };
        let event = PodEvent::no_network_found(&pod, &network);
        let now = Time(Timestamp::from_second(1_500_000_000).unwrap());
        let name = event.name();
        assert_eq!(
            serde_json::to_value(event.object(&now)).unwrap(),
            json!({
                "apiVersion": "v1", "kind": "Event",
                "metadata": {"namespace": "default", "name": name},
                "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "default", "name": "p", "uid": "u1"},
                "type": "Warning", "reason": "NoNetworkFound",
                "message": "cannot find a network-attachment-definition (a) in namespace (ns1): network-attachment-definitions.k8s.cni.cncf.io \"a\" not found",
                "source": {"component": "multus"}, "reportingComponent": "multus", "reportingInstance": "",
                "firstTimestamp": "2017-07-14T02:40:00Z", "lastTimestamp": "2017-07-14T02:40:00Z", "count": 1,
            })
        );
    }

    #[test]
    fn a_name_is_of_the_pod_and_its_news() {
        let mut event = PodEvent {
            pod: bare_question().pod,
            kind: EventKind::Normal,
            reason: "AddedInterface",
            message: "Add net1 []".to_owned(),
        };
        let name = event.name();
        assert!(name.starts_with("p.") && name.len() == 18, "{name}");
        assert_eq!(event.name(), name);
        event.pod.uid = Some("u2".to_owned());
        assert_ne!(event.name(), name);
        event.pod.name = format!("{}{}", "a.".repeat(118), "b".repeat(17))
            .parse()
            .unwrap();
        let long = event.name();
        assert!(long.len() <= LONGEST_NAME && !long.contains(".."), "{long}");
    }
}
