//! When something happened, by what objects say of themselves.

use std::time::{Duration, SystemTime};

use scheduler::moment::Moment;
use serde_json::Value;

/// When it was found out what an object says; the beginning of time where it does not tell.
pub(super) fn of(kind: &str, object: &Value) -> Moment {
    let text = match kind {
        "NodeInventory" => object["observedAt"].as_str(),
        "Pod" => scheduled(object).or_else(|| object.pointer("/status/startTime")?.as_str()),
        _ => None,
    };
    text.and_then(parsed).unwrap_or_default()
}

/// Now.
pub(super) fn now() -> Moment {
    since_1970(SystemTime::now()).unwrap_or_default()
}

/// When a pod was bound.
fn scheduled(pod: &Value) -> Option<&str> {
    let conditions = pod.pointer("/status/conditions")?.as_array()?;
    let is_scheduled =
        |condition: &&Value| condition["type"] == "PodScheduled" && condition["status"] == "True";
    let condition = conditions.iter().find(is_scheduled)?;
    condition["lastTransitionTime"].as_str()
}

fn parsed(text: &str) -> Option<Moment> {
    since_1970(humantime::parse_rfc3339(text).ok()?)
}

fn since_1970(time: SystemTime) -> Option<Moment> {
    let since: Duration = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Moment::after(since))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_tell_when() {
        let at = |seconds| Moment::after(Duration::from_secs(seconds));
        let condition = |kind, status| json!({"type": kind, "status": status, "lastTransitionTime": "1970-01-01T00:00:09Z"});
        for (kind, object, wanted) in [
            (
                "NodeInventory",
                json!({"observedAt": "1970-01-01T00:00:05.000000Z"}),
                at(5),
            ),
            ("NodeInventory", json!({"observedAt": "yesterday"}), at(0)),
            ("NodeInventory", json!({}), at(0)),
            (
                "Pod",
                json!({"status": {"conditions": [condition("PodScheduled", "True")]}}),
                at(9),
            ),
            (
                "Pod",
                json!({"status": {"conditions": [condition("PodScheduled", "False")]}}),
                at(0),
            ),
            (
                "Pod",
                json!({"status": {"startTime": "1970-01-01T00:00:07Z"}}),
                at(7),
            ),
            ("Pod", json!({"status": {"conditions": 5}}), at(0)),
            ("Node", json!({"observedAt": "1970-01-01T00:00:05Z"}), at(0)),
        ] {
            assert_eq!(of(kind, &object), wanted, "{object}");
        }
        assert!(now() > at(0));
    }
}
