//! The Events about a pod, and when it was attached, in their order, and what is to be done about those that warn.

use api::attachment_times::{AttachmentTime, AttachmentTimes};
use serde::Serialize;
use serde_json::Value;

use crate::attachments::times::in_words;

/// An Event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    /// When it was told last (RFC 3339); empty where it does not say.
    pub(super) at: String,
    /// `Normal` or `Warning`.
    pub(super) kind: String,
    /// The reason, for programs.
    pub(super) reason: String,
    /// Who told it.
    pub(super) by: String,
    /// How often.
    pub(super) count: u64,
    /// The message, for people.
    pub(super) message: String,
}

impl Told {
    /// An Event as it stands in the core's group.
    fn of(event: &Value) -> Self {
        let text = |path: &str| {
            event
                .pointer(path)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let first = |paths: &[&str]| {
            paths
                .iter()
                .find_map(|path| text(path))
                .unwrap_or_default()
                .to_owned()
        };
        let count = ["/series/count", "/count"]
            .into_iter()
            .find_map(|path| event.pointer(path)?.as_u64());
        Self {
            at: first(&[
                "/series/lastObservedTime",
                "/lastTimestamp",
                "/eventTime",
                "/firstTimestamp",
            ]),
            kind: first(&["/type"]),
            reason: first(&["/reason"]),
            by: first(&[
                "/source/component",
                "/reportingComponent",
                "/reportingController",
            ]),
            count: count.unwrap_or(1),
            message: first(&["/message"]),
        }
    }

    fn is_warning(&self) -> bool {
        self.kind == "Warning"
    }

    /// For people, on a line.
    pub(super) fn line(&self) -> String {
        let Self {
            at,
            kind,
            reason,
            by,
            count,
            message,
        } = self;
        let times = if *count > 1 {
            format!(" ({count} times)")
        } else {
            String::new()
        };
        format!("  {at} {kind} {reason} by {by}{times}: {message}")
    }
}

/// The Events about a pod of this UID, the oldest first. Of those about an earlier pod of its name nothing is told.
pub(super) fn timeline(events: &[Value], uid: &str) -> Vec<Told> {
    let is_about = |event: &&Value| {
        let of = event
            .pointer("/involvedObject/uid")
            .and_then(Value::as_str)
            .unwrap_or_default();
        of.is_empty() || uid.is_empty() || of == uid
    };
    let mut told: Vec<Told> = events
        .iter()
        .filter(is_about)
        .map(Told::of)
        .filter(|told| !told.reason.is_empty() || !told.message.is_empty())
        .collect();
    told.sort_by(|one, other| one.at.cmp(&other.at));
    told
}

/// When the sandbox and its attachments were begun, and how long they and their delegates took, as news of the agent among
/// those of a timeline.
pub(super) fn with_times(mut told: Vec<Told>, times: &AttachmentTimes) -> Vec<Told> {
    let news = |at: String, reason: &str, message: String| Told {
        at,
        kind: "Normal".to_owned(),
        reason: reason.to_owned(),
        by: "polypod".to_owned(),
        count: 1,
        message,
    };
    told.extend(times.sandbox.iter().map(|sandbox| {
        let stages = in_words(&sandbox.stages);
        let message = format!("attached in {} ms: {stages}", sandbox.ms);
        news(format!("{:.6}", sandbox.began.0), "Sandbox", message)
    }));
    told.extend(times.attachments.iter().map(|one| {
        let AttachmentTime {
            interface,
            network,
            began,
            ms,
            delegates,
        } = one;
        let delegates: Vec<String> = delegates
            .iter()
            .map(|plugin| format!("{} {} ms", plugin.kind, plugin.ms))
            .collect();
        let delegates = delegates.join(", ");
        let message = format!("{interface} of {network} in {ms} ms: {delegates}");
        let message = message.trim_end_matches(": ").to_owned();
        news(format!("{:.6}", began.0), "Attachment", message)
    }));
    told.sort_by(|one, other| one.at.cmp(&other.at));
    told
}

/// What is over of a pod's life, so that warnings about it are history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Over {
    /// It is on a node.
    pub(super) is_placed: bool,
    /// It has what it asks for.
    pub(super) is_attached: bool,
}

/// What to do about the warnings, each reason once. `where_` is the pod's namespace.
pub(super) fn advice(told: &[Told], where_: &str, over: Over) -> Vec<String> {
    let mut advice: Vec<String> = Vec::new();
    let stands = |told: &&Told| match told.reason.as_str() {
        "FailedScheduling" => !over.is_placed,
        "FailedCreatePodSandBox" | "NoNetworkFound" => !over.is_attached,
        _ => true,
    };
    let warnings = told.iter().filter(|told| told.is_warning()).filter(stands);
    for text in warnings.filter_map(|warning| remedy(warning, where_)) {
        if !advice.contains(&text) {
            advice.push(text);
        }
    }
    advice
}

fn remedy(
    Told {
        reason, message, ..
    }: &Told,
    namespace: &str,
) -> Option<String> {
    let text = match reason.as_str() {
        "NoNetworkFound" => format!(
            "NoNetworkFound: make the NetworkAttachmentDefinition, or correct the pod's annotation: kubectl -n {namespace} get network-attachment-definitions"
        ),
        "NetworksMissing" => "NetworksMissing: delete the pod so that it is started again".to_owned(),
        "DeviceClaimedTwice" => "DeviceClaimedTwice: delete one of the two pods that the Event names".to_owned(),
        "FailedScheduling" => "FailedScheduling: what would have to change stands with the nodes above; kube-scheduler's own reasons are in the Event".to_owned(),
        "UnexpectedAdmissionError" | "TopologyAffinityError" => format!(
            "{reason}: the kubelet could not give what the pod was placed for: delete the pod; if it comes again, kubectl polypod doctor"
        ),
        "FailedCreatePodSandBox" if message.contains("polypod") => {
            "FailedCreatePodSandBox: the message is Polypod's and says what is in the way; kubectl polypod doctor looks at the node".to_owned()
        }
        "FailedCreatePodSandBox" => {
            "FailedCreatePodSandBox: the message names the CNI plugin that failed; its NetworkAttachmentDefinition or the node's configuration is where to look".to_owned()
        }
        _ => return None,
    };
    Some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(kind: &str, reason: &str, at: &str, uid: &str, message: &str) -> Value {
        json!({"type": kind, "reason": reason, "message": message, "lastTimestamp": at, "count": 2,
            "source": {"component": "multus"}, "involvedObject": {"uid": uid}})
    }

    #[test]
    fn the_oldest_comes_first_and_other_pods_stay_out() {
        let mut series = event("Warning", "FailedScheduling", "", "u", "m");
        series["series"] = json!({"count": 7, "lastObservedTime": "2026-01-01T00:00:05.000000Z"});
        let told = timeline(
            &[
                event(
                    "Normal",
                    "AddedInterface",
                    "2026-01-01T00:00:09Z",
                    "u",
                    "Add net1 [] from a/b",
                ),
                series,
                event(
                    "Normal",
                    "AddedInterface",
                    "2026-01-01T00:00:01Z",
                    "before",
                    "x",
                ),
                json!({}),
            ],
            "u",
        );
        let lines: Vec<String> = told.iter().map(Told::line).collect();
        assert_eq!(
            lines,
            [
                "  2026-01-01T00:00:05.000000Z Warning FailedScheduling by multus (7 times): m",
                "  2026-01-01T00:00:09Z Normal AddedInterface by multus (2 times): Add net1 [] from a/b",
            ]
        );
    }

    #[test]
    fn attaching_stands_where_it_began() {
        let times = r#"{"version":1,"sandbox":{"began":"2026-01-01T00:00:03.500000Z","ms":50,"stages":[{"name":"question","ms":4.1},{"name":"attach","ms":40}]},
            "attachments":[{"interface":"net1","network":"a/b","began":"2026-01-01T00:00:03.505000Z","ms":40.1,"delegates":[{"type":"macvlan","ms":30},{"type":"tuning","ms":9}]},
                {"interface":"net2","network":"c","began":"2026-01-01T00:01:00.000000Z","ms":9}]}"#;
        let events = ["02", "03"].map(|second| {
            let at = format!("2026-01-01T00:00:{second}Z");
            event("Normal", "AddedInterface", &at, "u", "Add net1 [] from a/b")
        });
        let times = AttachmentTimes::parse(times).unwrap();
        let told = with_times(timeline(&events, "u"), &times);
        let lines: Vec<String> = told.iter().map(Told::line).collect();
        assert_eq!(
            lines,
            [
                "  2026-01-01T00:00:02Z Normal AddedInterface by multus (2 times): Add net1 [] from a/b",
                "  2026-01-01T00:00:03.500000Z Normal Sandbox by polypod: attached in 50 ms: question 4.1 ms, attach 40 ms",
                "  2026-01-01T00:00:03.505000Z Normal Attachment by polypod: net1 of a/b in 40.1 ms: macvlan 30 ms, tuning 9 ms",
                "  2026-01-01T00:00:03Z Normal AddedInterface by multus (2 times): Add net1 [] from a/b",
                "  2026-01-01T00:01:00.000000Z Normal Attachment by polypod: net2 of c in 9 ms",
            ]
        );
    }

    #[test]
    fn every_warning_that_is_known_has_a_remedy_once() {
        let reasons = [
            "NoNetworkFound",
            "NetworksMissing",
            "DeviceClaimedTwice",
            "FailedScheduling",
            "UnexpectedAdmissionError",
            "TopologyAffinityError",
            "FailedCreatePodSandBox",
        ];
        let events: Vec<Value> = reasons
            .iter()
            .chain(&reasons)
            .map(|reason| event("Warning", reason, "", "u", "m"))
            .collect();
        let advice = advice(&timeline(&events, "u"), "team", Over::default());
        assert_eq!(advice.len(), reasons.len(), "{advice:?}");
        assert!(
            advice[0].ends_with("kubectl -n team get network-attachment-definitions"),
            "{advice:?}"
        );
        let over = Over {
            is_placed: true,
            is_attached: true,
        };
        let left = super::advice(&timeline(&events, "u"), "team", over);
        assert_eq!(left.len(), reasons.len() - 3, "{left:?}");
        let ours = [event(
            "Warning",
            "FailedCreatePodSandBox",
            "",
            "u",
            "plugin type=\"polypod\" failed",
        )];
        assert!(
            super::advice(&timeline(&ours, "u"), "team", Over::default())[0].contains("Polypod's")
        );
        let normal = [
            event("Normal", "NoNetworkFound", "", "u", "m"),
            event("Warning", "BackOff", "", "u", "m"),
        ];
        assert!(super::advice(&timeline(&normal, "u"), "team", Over::default()).is_empty());
    }
}
