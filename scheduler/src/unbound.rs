//! A pod that has no node yet, as far as whoever helps it to one wants to know.

use api::pod::Pod;
use serde::Deserialize;
use serde_json::Value;
use spec::network::{CHOSEN_NODES, SCHEDULING_GATE};

use crate::{
    constraints::Constraints,
    demand::{DemandError, PodDemand, Qos},
    resource::Kind,
};

/// A pod that has no node yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Unbound {
    /// What it demands, and who it is.
    pub demand: PodDemand,
    /// Which nodes its spec lets it go to.
    pub constraints: Constraints,
    /// What it waits for.
    pub wait: Wait,
    /// Whether a node may be refused to it for more than what every scheduler counts: it demands devices, or may have
    /// CPUs and memory of its own.
    pub is_aligned: bool,
    /// `spec.priority`; pods with more of it have their turn first.
    pub priority: i32,
    /// When it was made (RFC 3339), as text: older ones have their turn first.
    pub created: Box<str>,
    /// `metadata.resourceVersion`.
    pub resource_version: Box<str>,
    /// `spec.affinity` as it is written; null where there is none.
    pub affinity: Value,
    /// The nodes that were chosen for it when its gate was lifted.
    pub chosen: Vec<Box<str>>,
}

/// How many chosen nodes are read; nobody chooses more.
const MOST_CHOSEN: usize = 64;

/// What a pod waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wait {
    /// That nodes are chosen for it: [`SCHEDULING_GATE`] is its last gate, the `index`-th and only one.
    Gate,
    /// That a scheduler tries it again: it found no node.
    Retry,
    /// That a scheduler tries it for the first time, or for gates of others: nothing can be done for it here.
    Others,
}

/// Why an object is no pod that could be helped.
#[derive(Debug, thiserror::Error)]
pub enum UnboundError {
    /// It cannot be read.
    #[error("reading a pod: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// It cannot be counted.
    #[error(transparent)]
    Demand(#[from] DemandError),
}

#[derive(Deserialize)]
struct Spec {
    #[serde(default)]
    priority: Option<i32>,
    #[serde(default)]
    affinity: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    creation_timestamp: Option<Box<str>>,
    #[serde(default)]
    resource_version: Option<Box<str>>,
}

impl Unbound {
    /// Reads a Pod object; none where nobody has to help it to a node: it has one, it has ended or goes, or it demands
    /// nothing that would be aligned and is not at the gate. Whoever is at the gate has nobody but us.
    ///
    /// # Errors
    /// See [`UnboundError`].
    pub fn of(object: &Value) -> Result<Option<Self>, UnboundError> {
        let pod = Pod::deserialize(object)?;
        let is_over = matches!(pod.status.phase.as_str(), "Succeeded" | "Failed");
        let goes = pod.metadata.deletion_timestamp.is_some();
        if is_over || goes || !pod.spec.node_name.is_empty() {
            return Ok(None);
        }
        let demand = PodDemand::of(&pod)?;
        let (is_aligned, wait) = (is_aligned(&demand), Wait::of(&pod));
        if !is_aligned && wait != Wait::Gate {
            return Ok(None);
        }
        let spec = Spec::deserialize(&object["spec"])?;
        let metadata = Metadata::deserialize(&object["metadata"])?;
        let chosen = pod.metadata.annotations.get(CHOSEN_NODES);
        let chosen = chosen.map_or("", String::as_str).split(',').map(str::trim);
        Ok(Some(Self {
            constraints: Constraints::deserialize(&object["spec"])?,
            wait,
            is_aligned,
            priority: spec.priority.unwrap_or_default(),
            created: metadata.creation_timestamp.unwrap_or_default(),
            resource_version: metadata.resource_version.unwrap_or_default(),
            affinity: spec.affinity,
            chosen: chosen
                .filter(|name| !name.is_empty())
                .take(MOST_CHOSEN)
                .map(Box::from)
                .collect(),
            demand,
        }))
    }

    /// Whether it demands any of these resources; of none in particular where there are none.
    #[must_use]
    pub fn demands_any(&self, resources: &[Box<str>]) -> bool {
        let mut containers = self.demand.containers.iter();
        resources.is_empty()
            || containers.any(|container| {
                let mut demanded = container.amounts.keys();
                demanded.any(|resource| resources.contains(resource))
            })
    }
}

impl Wait {
    fn of(pod: &Pod) -> Self {
        match &pod.spec.scheduling_gates[..] {
            [gate] if gate.name == SCHEDULING_GATE => return Self::Gate,
            [] => {}
            _ => return Self::Others,
        }
        let mut conditions = pod.status.conditions.iter();
        let was_refused = conditions.any(|condition| {
            condition.kind == "PodScheduled"
                && condition.status == "False"
                && condition.reason == "Unschedulable"
        });
        if was_refused {
            Self::Retry
        } else {
            Self::Others
        }
    }
}

/// Whether an object that is no [`Unbound`] is a pod that waits at the gate all the same.
#[must_use]
pub fn is_at_gate(object: &Value) -> bool {
    let gates = object["spec"]["schedulingGates"].as_array();
    let is_ours =
        gates.is_some_and(|gates| gates.len() == 1 && gates[0]["name"] == SCHEDULING_GATE);
    let is_over = matches!(
        object["status"]["phase"].as_str(),
        Some("Succeeded" | "Failed")
    );
    is_ours && !is_over && object["metadata"]["deletionTimestamp"].is_null()
}

fn is_aligned(demand: &PodDemand) -> bool {
    let mut containers = demand.containers.iter();
    demand.qos == Qos::Guaranteed
        || containers.any(|container| {
            let mut demanded = container.amounts.keys();
            demanded.any(|resource| Kind::of(resource) == Kind::Device)
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(spec: Value, status: Value) -> Value {
        let mut pod = json!({
            "metadata": {"name": "p", "namespace": "ns", "uid": "u", "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"priority": 5, "containers": [{"name": "c", "resources": {"limits": {"intel.com/sriov": 1}}}]},
            "status": status,
        });
        for (key, value) in spec.as_object().unwrap() {
            pod["spec"][key] = value.clone();
        }
        pod
    }

    fn of(pod: &Value) -> Option<Unbound> {
        Unbound::of(pod).unwrap()
    }

    #[test]
    fn what_a_pod_waits_for() {
        let gates = |names: &[&str]| {
            let gates: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
            json!({"schedulingGates": gates})
        };
        let scheduled = |status: &str, reason: &str| json!({"conditions": [{"type": "PodScheduled", "status": status, "reason": reason}]});
        for (spec, status, wanted) in [
            (json!({}), json!({}), Wait::Others),
            (json!({}), json!(null), Wait::Others),
            (json!({}), scheduled("False", "Unschedulable"), Wait::Retry),
            (
                json!({}),
                scheduled("False", "SchedulerError"),
                Wait::Others,
            ),
            (json!({}), scheduled("True", ""), Wait::Others),
            (
                gates(&[SCHEDULING_GATE]),
                scheduled("False", "SchedulingGated"),
                Wait::Gate,
            ),
            (gates(&[SCHEDULING_GATE]), json!({}), Wait::Gate),
            (gates(&["example.com/quota"]), json!({}), Wait::Others),
            (
                gates(&["example.com/quota", SCHEDULING_GATE]),
                json!({}),
                Wait::Others,
            ),
        ] {
            let found = of(&pod(spec.clone(), status.clone())).unwrap();
            assert_eq!(found.wait, wanted, "{spec} {status}");
        }
    }

    #[test]
    fn what_is_read() {
        let mut object = pod(
            json!({"affinity": {"podAffinity": {}}, "nodeSelector": {"a": "b"}}),
            json!({}),
        );
        object["metadata"]["annotations"] = json!({CHOSEN_NODES: "n1, n2,"});
        let found = of(&object).unwrap();
        assert_eq!(
            (found.priority, &*found.created, &*found.resource_version),
            (5, "2026-01-01T00:00:00Z", "7")
        );
        assert_eq!(found.affinity, json!({"podAffinity": {}}));
        assert_eq!(found.constraints.node_selector["a"], "b");
        assert_eq!(found.chosen, ["n1".into(), "n2".into()]);
        assert!(
            found.demands_any(&[]) && found.demands_any(&["cpu".into(), "intel.com/sriov".into()])
        );
        assert!(!found.demands_any(&["intel.com/other".into()]));
    }

    #[test]
    fn who_needs_no_help() {
        let plain = json!({"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]});
        for (spec, status) in [
            (json!({"nodeName": "n1"}), json!({})),
            (json!({}), json!({"phase": "Failed"})),
            (json!({}), json!({"phase": "Succeeded"})),
            (plain, json!({})),
        ] {
            assert_eq!(
                of(&pod(spec.clone(), status.clone())),
                None,
                "{spec} {status}"
            );
        }
        let mut going = pod(json!({}), json!({}));
        going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert_eq!(of(&going), None);
        let guaranteed = json!({"containers": [{"name": "c", "resources": {"limits": {"cpu": "2", "memory": "1Gi"}}}]});
        assert!(of(&pod(guaranteed, json!({}))).is_some());
    }

    #[test]
    fn whoever_is_at_the_gate_is_helped_whatever_it_demands() {
        let gates = json!([{"name": SCHEDULING_GATE}]);
        for limits in [
            json!({}),
            json!({"cpu": "1"}),
            json!({"deviceclass.resource.kubernetes.io/gpu": 1}),
        ] {
            let containers = json!([{"name": "c", "resources": {"limits": limits}}]);
            let object = pod(
                json!({"containers": containers, "schedulingGates": gates}),
                json!({}),
            );
            let found = of(&object).unwrap();
            assert_eq!(
                (found.wait, found.is_aligned),
                (Wait::Gate, false),
                "{limits}"
            );
        }
        assert!(
            of(&pod(json!({"schedulingGates": gates}), json!({})))
                .unwrap()
                .is_aligned
        );
    }

    #[test]
    fn pods_at_the_gate_that_cannot_be_counted_are_known() {
        let ours = json!([{"name": SCHEDULING_GATE}]);
        let mut wrong = pod(json!({"schedulingGates": ours}), json!({}));
        wrong["metadata"]["annotations"] = json!({"polypod.dev/spread": "pf"});
        assert!(Unbound::of(&wrong).is_err() && is_at_gate(&wrong));
        for (spec, status) in [
            (json!({}), json!({})),
            (
                json!({"schedulingGates": [{"name": "a"}, {"name": SCHEDULING_GATE}]}),
                json!({}),
            ),
            (json!({"schedulingGates": ours}), json!({"phase": "Failed"})),
        ] {
            assert!(!is_at_gate(&pod(spec.clone(), status)), "{spec}");
        }
        wrong["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert!(!is_at_gate(&wrong));
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let mut nameless = pod(json!({}), json!({}));
        nameless["metadata"]["uid"] = json!("");
        for object in [
            json!("no pod"),
            pod(json!({"tolerations": 5}), json!({})),
            pod(json!({"priority": "high"}), json!({})),
            nameless,
        ] {
            assert!(Unbound::of(&object).is_err(), "{object}");
        }
    }
}
