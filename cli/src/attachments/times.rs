//! How long attachments took, by the annotation that the agent writes.

use api::{
    attachment_times::{AttachmentTime, AttachmentTimes, StageTime, Unread},
    pod::Pod,
};
use spec::network::ATTACHMENTS;

use super::Attachment;
use crate::cluster::{Cause, Unseen};

/// What a pod's annotation says; none where it has none.
///
/// # Errors
/// It is malformed, or of another release.
pub(crate) fn times(pod: &Pod) -> Result<Option<AttachmentTimes>, Unread> {
    let text = pod.metadata.annotations.get(ATTACHMENTS);
    text.map(|text| AttachmentTimes::parse(text)).transpose()
}

/// The pods whose annotation cannot be read, all in one.
pub(crate) fn unseen<'a>(pods: impl IntoIterator<Item = &'a Pod>) -> Option<Unseen> {
    let mut found = pods
        .into_iter()
        .filter_map(|pod| Some((pod, times(pod).err()?)));
    let (first, why) = found.next()?;
    let metadata = &first.metadata;
    let others = match found.count() {
        0 => String::new(),
        count => format!(" and {count} others"),
    };
    Some(Unseen {
        what: format!(
            "how long the attachments of pod {}/{}{others} took",
            metadata.namespace, metadata.name
        ),
        cause: Cause::Malformed,
        why: why.to_string(),
        what_to_do: "compare the versions of this program and of the agent: kubectl polypod doctor"
            .to_owned(),
    })
}

/// With what is said of this attachment.
pub(super) fn with(attachment: Attachment, times: Option<&AttachmentTimes>) -> Attachment {
    let Some(times) = times else {
        return attachment;
    };
    // What was plugged into a running pod is written with the CNI name, which knows no namespace.
    let is_it = |one: &&AttachmentTime| {
        let is_same = one.network == attachment.network || !one.network.contains('/');
        one.interface == attachment.interface && is_same
    };
    let Some(found) = times.attachments.iter().find(is_it) else {
        return attachment;
    };
    // The sandbox's stages are of what was made with it.
    let sandbox = times.sandbox.clone();
    let sandbox = sandbox.filter(|sandbox| {
        let ms = i64::try_from(sandbox.ms.micros()).unwrap_or(i64::MAX);
        let since = found.began.0.duration_since(sandbox.began.0).as_micros();
        (0..=i128::from(ms)).contains(&since)
    });
    Attachment {
        began_at: Some(format!("{:.6}", found.began.0)),
        took_ms: Some(found.ms),
        delegate_times: found.delegates.clone(),
        sandbox,
        ..attachment
    }
}

/// Stages on a line: `question 4.1 ms (lookup 0.3 ms, devices 2.2 ms), attach 80 ms`.
pub(crate) fn in_words(stages: &[StageTime]) -> String {
    let one = |stage: &StageTime| {
        let parts = match stage.parts.as_slice() {
            [] => String::new(),
            parts => format!(" ({})", in_words(parts)),
        };
        format!("{} {} ms{parts}", stage.name, stage.ms)
    };
    stages.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize as _;
    use serde_json::json;

    use super::*;

    fn pod(text: Option<&str>) -> Pod {
        let annotations = text.map(|text| json!({ATTACHMENTS: text}));
        Pod::deserialize(&json!({"metadata": {"namespace": "a", "name": "p", "annotations": annotations.unwrap_or_else(|| json!({}))}}))
            .unwrap()
    }

    const TIMES: &str = r#"{"version":1,"sandbox":{"began":"2026-01-01T00:00:00.000000Z","ms":50,"stages":[{"name":"question","ms":4.1,"parts":[{"name":"lookup","ms":0.3}]},{"name":"attach","ms":40}]},
        "attachments":[{"interface":"net1","network":"a/left","began":"2026-01-01T00:00:00.005000Z","ms":40.1,"delegates":[{"type":"macvlan","ms":30}]},
            {"interface":"net2","network":"cni","began":"2026-01-01T00:01:00.000000Z","ms":9}]}"#;

    #[test]
    fn an_attachment_is_found_by_interface_and_network() {
        let times = times(&pod(Some(TIMES))).unwrap();
        let of = |interface: &str, network: &str| {
            let attachment = Attachment {
                interface: interface.to_owned(),
                network: network.to_owned(),
                ..Attachment::default()
            };
            with(attachment, times.as_ref())
        };
        let made = of("net1", "a/left");
        assert_eq!(made.began_at.unwrap(), "2026-01-01T00:00:00.005000Z");
        assert_eq!(made.took_ms.unwrap().to_string(), "40.1");
        assert_eq!(made.delegate_times[0].kind, "macvlan");
        assert_eq!(
            in_words(&made.sandbox.unwrap().stages),
            "question 4.1 ms (lookup 0.3 ms), attach 40 ms"
        );
        // Plugged in later.
        let later = of("net2", "a/right");
        assert!(later.took_ms.is_some() && later.sandbox.is_none());
        assert_eq!(of("net1", "a/other").took_ms, None);
        assert_eq!(of("net3", "a/left").took_ms, None);
    }

    #[test]
    fn what_cannot_be_read_is_told_once() {
        let (good, none) = (pod(Some(TIMES)), pod(None));
        assert_eq!(unseen([&good, &none]), None);
        let (newer, broken) = (pod(Some(r#"{"version":7}"#)), pod(Some("x")));
        insta::assert_snapshot!(unseen([&good, &newer, &broken]).unwrap(), @"cannot see how long the attachments of pod a/p and 1 others took: annotation polypod.dev/attachments is of version 7, and this release reads version 1; compare the versions of this program and of the agent: kubectl polypod doctor");
    }
}
