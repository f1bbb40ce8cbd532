//! The parts of an installation that a cluster runs: Deployments and DaemonSets.

use serde_json::Value;

use super::degraded::Degraded;
use crate::daemon_set::{installs_alone, spared};

/// How a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Component {
    /// So many of its pods are ready.
    pub(super) ready: u64,
    /// So many there ought to be.
    pub(super) wanted: u64,
    /// What is wrong with it.
    pub(super) degraded: Option<Degraded>,
}

/// How the webhook's Deployment is.
pub(super) fn deployment(object: Option<&Value>, name: &str, namespace: &str) -> Component {
    let what = format!("deployment/{name}");
    let Some(object) = object else {
        return absent(what, namespace);
    };
    let number = |path: &str| object.pointer(path).and_then(Value::as_u64);
    let wanted = number("/spec/replicas").unwrap_or(1);
    let ready = number("/status/readyReplicas").unwrap_or_default();
    let unavailable = condition(object, "Available", "False");
    let stuck = condition(object, "Progressing", "False");
    let said = unavailable.or(stuck);
    // Scaled to nought it refuses every pod that selects networks.
    let degraded = (ready == 0 || ready < wanted || said.is_some()).then(|| Degraded {
        what,
        since: said.and_then(|said| text(&said["lastTransitionTime"])),
        reason: said
            .and_then(|said| text(&said["reason"]))
            .unwrap_or_else(|| "NotAllReady".to_owned()),
        message: format!(
            "{ready} of {wanted} replicas are ready; kubectl -n {namespace} describe deployment {name} says why"
        ),
    });
    Component {
        ready,
        wanted,
        degraded,
    }
}

/// How the agents' DaemonSet is. It says of nothing since when.
pub(super) fn daemon_set(object: Option<&Value>, name: &str, namespace: &str) -> Component {
    let what = format!("daemonset/{name}");
    let Some(object) = object else {
        return absent(what, namespace);
    };
    let number = |path: &str| object.pointer(path).and_then(Value::as_u64);
    let wanted = number("/status/desiredNumberScheduled").unwrap_or_default();
    let ready = number("/status/numberReady").unwrap_or_default();
    let degraded = (ready < wanted).then(|| Degraded {
        what,
        since: None,
        reason: "NotAllReady".to_owned(),
        message: format!(
            "{ready} of {wanted} agents are ready; kubectl -n {namespace} get pods -o wide -l app.kubernetes.io/name={name} shows which"
        ),
    });
    Component {
        ready,
        wanted,
        degraded,
    }
}

fn absent(what: String, namespace: &str) -> Component {
    Component {
        ready: 0,
        wanted: 0,
        degraded: Some(Degraded {
            message: format!(
                "there is none in the namespace {namespace}; name another by --installed-in, or install it: kubectl apply --server-side -f install.yaml"
            ),
            what,
            since: None,
            reason: "NotInstalled".to_owned(),
        }),
    }
}

/// Which nodes are to have an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Those with these labels but for so many, of which the DaemonSet says no more.
    Labelled(Vec<(String, String)>, usize),
    /// None: a thin installation has no agents that report.
    Nowhere,
    /// It cannot be seen.
    Unseen,
}

/// Which of so many nodes the DaemonSet is for.
pub(super) fn wanted(daemon_set: Option<&Value>, nodes: usize, is_seen: bool) -> Wanted {
    let Some(daemon_set) = daemon_set else {
        return match is_seen {
            true => Wanted::Labelled(Vec::new(), 0),
            false => Wanted::Unseen,
        };
    };
    if installs_alone(daemon_set) {
        return Wanted::Nowhere;
    }
    let selector = daemon_set.pointer("/spec/template/spec/nodeSelector");
    let pairs = selector.and_then(Value::as_object).into_iter().flatten();
    let labels = pairs
        .filter_map(|(key, value)| Some((key.clone(), text(value)?)))
        .collect();
    Wanted::Labelled(labels, spared(Some(daemon_set), nodes))
}

fn condition<'a>(object: &'a Value, kind: &str, status: &str) -> Option<&'a Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    let mut conditions = conditions.iter();
    conditions.find(|condition| condition["type"] == kind && condition["status"] == status)
}

fn text(value: &Value) -> Option<String> {
    Some(value.as_str()?.to_owned())
}
