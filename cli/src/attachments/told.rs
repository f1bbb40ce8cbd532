//! What Events say of a pod's attachments.

use api::pod::Pod;
use serde_json::Value;

/// Written for each attachment that was made.
const ADDED: &str = "AddedInterface";

/// Written when a sandbox could not be made, or runs without what was asked for.
const WARNINGS: [&str; 4] = [
    "FailedCreatePodSandBox",
    "NetworksMissing",
    "NoNetworkFound",
    "DeviceClaimedTwice",
];

/// An Event about a pod's networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The pod's namespace.
    pub(crate) namespace: String,
    /// The pod's name.
    pub(crate) pod: String,
    uid: String,
    reason: String,
    /// What it says.
    pub(crate) message: String,
    /// When it was told first (RFC 3339).
    pub(crate) first_at: Option<String>,
    /// When it was told last.
    pub(crate) last_at: Option<String>,
}

impl Told {
    /// What an Event says, if it is about a pod's networks.
    pub(crate) fn of(event: &Value) -> Option<Self> {
        let about = &event["involvedObject"];
        let reason = event["reason"].as_str()?;
        if about["kind"] != "Pod" || !(reason == ADDED || WARNINGS.contains(&reason)) {
            return None;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let time = |path: &str| Some(event.pointer(path)?.as_str()?.to_owned());
        let event_time = time("/eventTime");
        Some(Self {
            namespace: text(&about["namespace"]),
            pod: text(&about["name"]),
            uid: text(&about["uid"]),
            reason: reason.to_owned(),
            message: text(&event["message"]),
            first_at: time("/firstTimestamp").or_else(|| event_time.clone()),
            last_at: time("/series/lastObservedTime")
                .or_else(|| time("/lastTimestamp"))
                .or(event_time),
        })
    }
}

/// Those about this pod, and not about an earlier one of its name.
pub(super) fn of_pod<'a>(told: &'a [Told], pod: &Pod) -> Vec<&'a Told> {
    let metadata = &pod.metadata;
    let is_about = |told: &&Told| {
        let is_same = told.uid.is_empty() || metadata.uid.is_empty() || told.uid == metadata.uid;
        told.namespace == metadata.namespace && told.pod == metadata.name && is_same
    };
    told.iter().filter(is_about).collect()
}

/// When an interface was attached last.
pub(super) fn attached_at(told: &[&Told], interface: &str) -> Option<String> {
    let is_it = |told: &&&Told| {
        let rest = told.message.strip_prefix("Add ");
        told.reason == ADDED
            && rest.and_then(|rest| rest.split(' ').next()) == Some(interface)
            && !interface.is_empty()
    };
    told.iter()
        .filter(is_it)
        .filter_map(|told| told.last_at.clone())
        .max()
}

/// The warning that was told last.
pub(super) fn warning<'a>(told: &[&'a Told]) -> Option<&'a Told> {
    let warnings = told.iter().copied();
    warnings
        .filter(|told| told.reason != ADDED)
        .max_by(|one, other| one.last_at.cmp(&other.last_at))
}
