//! What people are told of pods that wait, as Events.

use std::{collections::HashMap, time::Duration};

use k8s_openapi::{
    api::{core::v1::ObjectReference, events::v1::Event},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
    jiff::Timestamp,
};
use kube::{Api, Client, api::PostParams};
use scheduler::{moment::Moment, unbound::Unbound};
use tokio::time::timeout;
use tracing::debug;

/// How long one may take to be written.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the same is not said again of a pod: a little less than Events live by default, so that there is always one.
const AGAIN: Duration = Duration::from_secs(50 * 60);

/// How long nothing else is said of a pod.
const NEWS: Duration = Duration::from_secs(15);

/// The most characters of a note that the API server takes.
const LONGEST: usize = 1024;

/// Who says it.
const REPORTER: &str = "polypod.dev/webhook";

/// What is said of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// No node has devices for it.
    WaitingForDevices,
    /// It cannot be said what it demands.
    DemandUnreadable,
    /// Its gate was lifted, and none of the nodes that were chosen can take it any more.
    ChosenNodesUnfit,
}

impl Reason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::WaitingForDevices => "WaitingForDevices",
            Self::DemandUnreadable => "DemandUnreadable",
            Self::ChosenNodesUnfit => "ChosenNodesUnfit",
        }
    }
}

/// The pod that something is said of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct About {
    pub(super) namespace: Box<str>,
    pub(super) name: Box<str>,
    pub(super) uid: Box<str>,
}

impl From<&Unbound> for About {
    fn from(pod: &Unbound) -> Self {
        let demand = &pod.demand;
        Self {
            namespace: demand.namespace.clone(),
            name: demand.name.clone(),
            uid: demand.uid.clone(),
        }
    }
}

impl About {
    /// The pod of this metadata, if that names one.
    pub(super) fn of(metadata: &ObjectMeta) -> Option<Self> {
        Some(Self {
            namespace: metadata.namespace.as_deref()?.into(),
            name: metadata.name.as_deref()?.into(),
            uid: metadata.uid.as_deref()?.into(),
        })
    }
}

/// What was said of which pod last.
#[derive(Debug, Default)]
pub(super) struct Told(HashMap<Box<str>, (Moment, String)>);

impl Told {
    /// Whether a text about a pod is worth an Event at `now`; it is noted as said then.
    pub(super) fn is_news(&mut self, uid: &str, text: &str, now: Moment) -> bool {
        if let Some((when, said)) = self.0.get(uid) {
            let pause = if said == text { AGAIN } else { NEWS };
            if now.since(*when) < pause {
                return false;
            }
        }
        self.0.insert(uid.into(), (now, text.to_owned()));
        true
    }

    /// Forgets a pod.
    pub(super) fn forget(&mut self, uid: &str) {
        self.0.remove(uid);
    }
}

/// Writes an Event about a pod. Nobody waits for it, and one that is lost is said again.
pub(super) async fn tell(client: &Client, pod: &About, reason: Reason, note: &str) {
    let now = Timestamp::now();
    let event = Event {
        metadata: ObjectMeta {
            name: Some(name(&pod.name, now)),
            namespace: Some(pod.namespace.to_string()),
            ..ObjectMeta::default()
        },
        regarding: Some(ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Pod".to_owned()),
            name: Some(pod.name.to_string()),
            namespace: Some(pod.namespace.to_string()),
            uid: Some(pod.uid.to_string()),
            ..ObjectReference::default()
        }),
        type_: Some("Warning".to_owned()),
        reason: Some(reason.as_str().to_owned()),
        note: Some(note.chars().take(LONGEST).collect()),
        action: Some("Scheduling".to_owned()),
        event_time: Some(MicroTime(now)),
        reporting_controller: Some(REPORTER.to_owned()),
        reporting_instance: Some(std::env::var("HOSTNAME").unwrap_or_else(|_| REPORTER.to_owned())),
        ..Event::default()
    };
    let api: Api<Event> = Api::namespaced(client.clone(), &pod.namespace);
    let params = PostParams::default();
    match timeout(PATIENCE, api.create(&params, &event)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => debug!(%error, "An Event about a pod without a node was not written"),
        Err(_) => debug!(
            "An Event about a pod without a node was not written: no answer within {PATIENCE:?}"
        ),
    }
}

/// A name that no other Event has, and no longer than names may be.
fn name(pod: &str, now: Timestamp) -> String {
    let beginning: String = pod.chars().take(200).collect();
    let beginning = beginning.trim_end_matches(['-', '.']);
    format!("{beginning}.{:x}", now.as_nanosecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut() {
        let long = format!("{}-{}", "a".repeat(199), "b".repeat(53));
        let name = name(&long, Timestamp::UNIX_EPOCH);
        assert_eq!(name, format!("{}.0", "a".repeat(199)));
    }

    #[test]
    fn what_is_said_is_not_said_all_the_time() {
        let at = |seconds| Moment::after(Duration::from_secs(seconds));
        let mut told = Told::default();
        for (now, text, wanted) in [
            (0, "a", true),
            (1, "a", false),
            (14, "b", false),
            (15, "b", true),
            (1000, "b", false),
            (3015, "b", true),
        ] {
            assert_eq!(told.is_news("u", text, at(now)), wanted, "{now} {text}");
        }
        assert!(told.is_news("v", "b", at(3015)));
        told.forget("u");
        assert!(told.is_news("u", "b", at(3016)));
    }
}
