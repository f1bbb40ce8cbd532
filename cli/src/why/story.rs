//! What became of a pod beside its place: at admission, in the kubelet's hands, and at attaching.

use api::{node_inventory::NodeInventory, pod::Pod};
use serde::{Deserialize as _, Serialize};
use serde_json::Value;

use super::{
    admitted::Admitted,
    given::Given,
    material::Material,
    timeline::{self, Over},
};
use crate::attachments::{Attachment, State, Surroundings, Told, times};

/// The story, as far as it was seen. The fields stand in the JSON beside those of the explanation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Story {
    /// What admission says of it; missing where it asks for no network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) admission: Option<Admitted>,
    /// What the kubelet gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) allocation: Option<Given>,
    /// What it is attached to, and what it asks for besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) attachments: Vec<Attachment>,
    /// Why nobody can say how long they took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) times_unseen: Option<String>,
    /// The Events about it, and when it was attached, the oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) events: Vec<timeline::Told>,
    /// What to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) advice: Vec<String>,
}

impl Story {
    /// Of a pod; nothing where it was not seen.
    pub(super) fn of(material: Material) -> Self {
        let has_networks = material.has_networks();
        let Material {
            pod,
            events,
            networks,
            inventories,
            unseen,
            ..
        } = material;
        let Some(object) = pod else {
            return Self::default();
        };
        let text = |path: &str| {
            object
                .pointer(path)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let [uid, namespace, name, node] = [
            "/metadata/uid",
            "/metadata/namespace",
            "/metadata/name",
            "/spec/nodeName",
        ]
        .map(text);
        let inventories: Vec<NodeInventory> = inventories
            .iter()
            .filter_map(|inventory| NodeInventory::deserialize(inventory).ok())
            .collect();
        let mut of_node = inventories
            .iter()
            .filter(|inventory| inventory.metadata.name.as_deref() == Some(node));
        let allocation = of_node.find_map(|inventory| Given::to([uid, namespace, name], inventory));
        let none_seen = networks
            .is_empty()
            .then(|| "no NetworkAttachmentDefinition was seen".to_owned());
        let obstacle = unseen.first().cloned().or(none_seen);
        let told = events.iter().filter_map(Told::of).collect();
        let surroundings = Surroundings::of(networks, inventories, told);
        let admission = has_networks
            .then(|| Admitted::of(&object, surroundings.networks(), obstacle.as_deref()));
        let pod = Pod::deserialize(&object).ok();
        let attachments = pod.as_ref().map(|pod| surroundings.attachments(pod));
        let attachments = attachments.unwrap_or_default();
        let mut events = timeline::timeline(&events, uid);
        let mut times_unseen = None;
        match pod.as_ref().map_or(Ok(None), times::times) {
            Ok(Some(times)) => events = timeline::with_times(events, &times),
            Ok(None) => {}
            Err(why) => times_unseen = Some(why.to_string()),
        }
        let over = Over {
            is_placed: !node.is_empty(),
            is_attached: pod.is_some_and(|pod| pod.has_started())
                && attachments.iter().all(|one| one.state == State::Attached),
        };
        let mut advice = timeline::advice(&events, namespace, over);
        advice.extend(admission.as_ref().and_then(amends));
        Self {
            admission,
            allocation,
            attachments,
            times_unseen,
            events,
            advice,
        }
    }

    /// Adds what is to be done about what is beside the story; of what is said already nothing.
    pub(super) fn advise(&mut self, advice: impl IntoIterator<Item = String>) {
        for one in advice {
            if !self.advice.contains(&one) {
                self.advice.push(one);
            }
        }
    }

    /// What comes before its place, for people.
    pub(super) fn before(&self) -> String {
        let lines = self
            .admission
            .as_ref()
            .map(Admitted::lines)
            .unwrap_or_default();
        paragraph(&lines, "", "\n")
    }

    /// What comes after it.
    pub(super) fn after(&self) -> String {
        let given = self
            .allocation
            .as_ref()
            .map(Given::lines)
            .unwrap_or_default();
        let unseen = self.times_unseen.iter();
        let unseen = unseen.map(|why| format!("  how long they took cannot be seen: {why}"));
        let attached = self.attachments.iter().map(attached).chain(unseen);
        let events = self.events.iter().map(timeline::Told::line);
        let advice = self.advice.iter().map(|advice| format!("  {advice}"));
        [
            given,
            titled("attachments:", attached.collect()),
            titled("events:", events.collect()),
            titled("what to do:", advice.collect()),
        ]
        .iter()
        .map(|lines| paragraph(lines, "\n", ""))
        .collect()
    }
}

/// What to do about what admission says.
fn amends(admitted: &Admitted) -> Option<String> {
    let text = match (&admitted.refused, admitted.missing.is_empty()) {
        (Some(_), _) => {
            "admission would refuse the pod as it is: correct its annotation or the network, and make it again"
        }
        (None, false) => {
            "the pod lacks what the webhook adds: it was made while the webhook was away or kept from it (kubectl polypod doctor); make it again"
        }
        (None, true) => return None,
    };
    Some(text.to_owned())
}

fn titled(title: &str, lines: Vec<String>) -> Vec<String> {
    match lines.is_empty() {
        true => lines,
        false => [title.to_owned()].into_iter().chain(lines).collect(),
    }
}

/// Lines without what a terminal would take for more than text.
fn paragraph(lines: &[String], before: &str, after: &str) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let plain = lines
        .iter()
        .map(|line| line.replace(char::is_control, " ") + "\n");
    format!("{before}{}{after}", plain.collect::<String>())
}

/// An attachment on a line.
fn attached(attachment: &Attachment) -> String {
    let Attachment {
        network,
        interface,
        addresses,
        device,
        numa_nodes,
        physical_function,
        delegates,
        attached_at,
        took_ms,
        state,
        since,
        message,
        ..
    } = attachment;
    let name = match interface.as_str() {
        "" => "an interface",
        name => name,
    };
    let mut parts = vec![format!("{state:?}").to_lowercase()];
    parts.extend(attached_at.iter().map(|at| format!("at {at}")));
    parts.extend(since.iter().map(|since| format!("since {since}")));
    if !addresses.is_empty() {
        parts.push(addresses.join(" "));
    }
    parts.extend(device.iter().map(|device| format!("device {device}")));
    if !numa_nodes.is_empty() {
        let zones: Vec<String> = numa_nodes.iter().map(ToString::to_string).collect();
        parts.push(format!("zone {}", zones.join("+")));
    }
    parts.extend(
        physical_function
            .iter()
            .map(|function| format!("behind {function}")),
    );
    if !delegates.is_empty() {
        parts.push(format!("by {}", delegates.join(", ")));
    }
    parts.extend(took_ms.iter().map(|ms| format!("in {ms} ms")));
    let message = message
        .as_ref()
        .map(|message| format!(": {message}"))
        .unwrap_or_default();
    format!("  {name} of {network}: {}{message}", parts.join(", "))
}

#[cfg(test)]
#[path = "story_tests.rs"]
mod tests;
