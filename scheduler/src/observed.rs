//! What is learnt of objects, wherever they come from: watches, files, a list.

use std::collections::BTreeMap;

use api::{
    node_inventory::NodeInventory,
    node_resource_topology::NodeResourceTopology,
    pod::{Metadata, Pod},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    demand::{DemandError, PodDemand},
    engine::{Event, PodFacts, Stage},
    report::Report,
    resource::Kind,
};

/// An object that tells nothing, because it cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObservedError {
    /// It does not fit its kind.
    #[error("{kind} {name} cannot be read: {problem}")]
    Malformed {
        /// Its kind.
        kind: &'static str,
        /// Its name, where there is one.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// It has no name.
    #[error("a {kind} has no metadata.name; send it as the API server has it")]
    NoName {
        /// Its kind.
        kind: &'static str,
    },
    /// It is a pod that cannot be counted.
    #[error(transparent)]
    Demand(#[from] DemandError),
}

/// The part of a Node that is read.
#[derive(Deserialize)]
struct NodeObject {
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    status: Option<NodeStatus>,
}

#[derive(Deserialize)]
struct NodeStatus {
    #[serde(default)]
    allocatable: Option<BTreeMap<Box<str>, Value>>,
}

impl Event {
    /// What an object of any kind tells; nothing where it is of a kind that scheduling is not concerned with.
    /// Pods without a namespace are of `default_namespace`.
    ///
    /// # Errors
    /// It is of such a kind and cannot be read.
    pub fn of_object(
        api_version: &str,
        kind: &str,
        object: &Value,
        default_namespace: &str,
    ) -> Result<Option<Self>, ObservedError> {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let event = match (group, kind) {
            ("", "Node") => Self::of_node(object)?,
            ("", "Pod") => {
                let mut pod: Pod = read("Pod", object)?;
                if pod.metadata.namespace.is_empty() {
                    default_namespace.clone_into(&mut pod.metadata.namespace);
                }
                Self::of_pod(&pod)?
            }
            ("polypod.dev", "NodeInventory") => {
                Self::of_inventory(&read("NodeInventory", object)?)?
            }
            ("topology.node.k8s.io", "NodeResourceTopology") => {
                Self::of_topology(&read("NodeResourceTopology", object)?)?
            }
            _ => return Ok(None),
        };
        Ok(Some(event))
    }

    /// What a Node tells. A quantity in `status.allocatable` that is none is left out, as if the node had nothing of it.
    ///
    /// # Errors
    /// It cannot be read, or has no name.
    pub fn of_node(object: &Value) -> Result<Self, ObservedError> {
        let node: NodeObject = read("Node", object)?;
        let name = node.metadata.unwrap_or_default().name;
        let allocatable = node.status.and_then(|status| status.allocatable);
        let amounts = allocatable.into_iter().flatten();
        Ok(Self::NodeSeen {
            name: named("Node", &name)?,
            allocatable: amounts
                .filter_map(|(resource, quantity)| {
                    let amount = Kind::of(&resource).amount(&quantity).ok()?;
                    Some((resource, amount))
                })
                .collect(),
        })
    }

    /// What a pod tells. One that is bound or over is counted even where it could not be asked about.
    ///
    /// # Errors
    /// What it demands cannot be counted.
    pub fn of_pod(pod: &Pod) -> Result<Self, ObservedError> {
        let node = pod.spec.node_name.as_str();
        let stage = Stage::of(pod);
        let is_over = matches!(stage, Stage::Ended | Stage::RefusedByKubelet);
        let demand = match node.is_empty() && !is_over {
            true => PodDemand::of(pod),
            false => PodDemand::of_bound(pod),
        };
        Ok(Self::PodSeen(Box::new(PodFacts {
            demand: demand?,
            node: (!node.is_empty()).then(|| node.into()),
            stage,
        })))
    }

    /// What a NodeInventory tells.
    ///
    /// # Errors
    /// It has no name.
    pub fn of_inventory(object: &NodeInventory) -> Result<Self, ObservedError> {
        let name = object.metadata.name.as_deref().unwrap_or_default();
        Ok(Self::Reported {
            node: named("NodeInventory", name)?,
            report: Box::new(Report::of_inventory(object)),
        })
    }

    /// What a NodeResourceTopology tells.
    ///
    /// # Errors
    /// It has no name.
    pub fn of_topology(object: &NodeResourceTopology) -> Result<Self, ObservedError> {
        let name = object.metadata.name.as_deref().unwrap_or_default();
        Ok(Self::Reported {
            node: named("NodeResourceTopology", name)?,
            report: Box::new(Report::of_topology(object)),
        })
    }
}

impl Stage {
    /// How far a pod is, by its status.
    #[must_use]
    pub fn of(pod: &Pod) -> Self {
        match pod.status.phase.as_str() {
            "Failed" if is_refusal(&pod.status.reason) => Self::RefusedByKubelet,
            "Succeeded" | "Failed" => Self::Ended,
            _ if pod.has_started() => Self::Started,
            _ => Self::Pending,
        }
    }
}

/// What the kubelet says when it refuses a pod for want of alignment, of devices, or of CPUs as its options want them
/// (`full-pcpus-only`, and none left for those who share).
const REFUSALS: [&str; 4] = [
    "TopologyAffinityError",
    "UnexpectedAdmissionError",
    "SMTAlignmentError",
    "EmptyPodSharedPoolError",
];

/// Whether the kubelet says that it refused a pod for want of alignment or of devices. `OutOf<resource>` is its word for
/// whatever is short; here it is about devices alone, as CPUs and memory are kube-scheduler's own account.
fn is_refusal(reason: &str) -> bool {
    let out_of_devices = |resource| Kind::of(resource) == Kind::Device;
    REFUSALS.contains(&reason) || reason.strip_prefix("OutOf").is_some_and(out_of_devices)
}

fn named(kind: &'static str, name: &str) -> Result<Box<str>, ObservedError> {
    match name {
        "" => Err(ObservedError::NoName { kind }),
        name => Ok(name.into()),
    }
}

fn read<T: DeserializeOwned>(kind: &'static str, object: &Value) -> Result<T, ObservedError> {
    T::deserialize(object).map_err(|error| ObservedError::Malformed {
        kind,
        name: object
            .pointer("/metadata/name")
            .and_then(Value::as_str)
            .unwrap_or("without a name")
            .to_owned(),
        problem: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stage(status: &Value) -> Stage {
        Stage::of(&serde_json::from_value(json!({"status": status})).unwrap())
    }

    #[test]
    fn stages_follow_from_the_status() {
        for (status, wanted) in [
            (json!(null), Stage::Pending),
            (json!({"phase": "Pending"}), Stage::Pending),
            (
                json!({"phase": "Pending", "containerStatuses": [{"name": "a", "state": {"waiting": {}}}]}),
                Stage::Pending,
            ),
            (
                json!({"phase": "Pending", "initContainerStatuses": [{"containerID": "containerd://1"}]}),
                Stage::Started,
            ),
            (
                json!({"phase": "Pending", "containerStatuses": [{"containerID": "containerd://1"}]}),
                Stage::Started,
            ),
            (json!({"phase": "Running"}), Stage::Started),
            (json!({"phase": "Unknown"}), Stage::Pending),
            (json!({"phase": "Succeeded"}), Stage::Ended),
            (json!({"phase": "Failed"}), Stage::Ended),
            (
                json!({"phase": "Failed", "reason": "Evicted"}),
                Stage::Ended,
            ),
            (
                json!({"phase": "Failed", "reason": "OutOfcpu"}),
                Stage::Ended,
            ),
            (
                json!({"phase": "Failed", "reason": "TopologyAffinityError"}),
                Stage::RefusedByKubelet,
            ),
            (
                json!({"phase": "Failed", "reason": "UnexpectedAdmissionError"}),
                Stage::RefusedByKubelet,
            ),
            (
                json!({"phase": "Failed", "reason": "SMTAlignmentError"}),
                Stage::RefusedByKubelet,
            ),
            (
                json!({"phase": "Failed", "reason": "EmptyPodSharedPoolError"}),
                Stage::RefusedByKubelet,
            ),
            (
                json!({"phase": "Failed", "reason": "OutOfintel.com/sriov"}),
                Stage::RefusedByKubelet,
            ),
        ] {
            assert_eq!(stage(&status), wanted, "{status}");
        }
    }

    #[test]
    fn nodes_are_read_with_what_can_be_counted_of_them() {
        let node = json!({"metadata": {"name": "n1"}, "status": {"allocatable": {
            "cpu": "3920m", "memory": "1Ki", "intel.com/sriov": "8", "a.b/negative": "-1", "a.b/huge": "9e99", "a.b/none": null,
        }}});
        let Event::NodeSeen { name, allocatable } = Event::of_node(&node).unwrap() else {
            panic!("a node")
        };
        assert_eq!(&*name, "n1");
        let wanted = [("cpu", 3920), ("intel.com/sriov", 8), ("memory", 1024)];
        assert_eq!(
            allocatable,
            wanted.map(|(name, amount)| (name.into(), amount)).into()
        );
        assert!(Event::of_node(&json!({"metadata": {"name": "n1"}})).is_ok());
        let error = Event::of_node(&json!({})).unwrap_err().to_string();
        assert!(error.contains("no metadata.name"), "{error}");
        for bad in [
            json!({"metadata": 5}),
            json!([1]),
            json!({"metadata": {"name": "n1"}, "status": 7}),
        ] {
            assert!(Event::of_node(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn other_kinds_and_other_groups_tell_nothing() {
        for (api_version, kind) in [
            ("v1", "ConfigMap"),
            ("apps/v1", "Pod"),
            ("metrics.k8s.io/v1beta1", "Node"),
            ("example.com/v1", "NodeInventory"),
        ] {
            let object = json!({"metadata": {"name": "a"}});
            assert!(
                Event::of_object(api_version, kind, &object, "default")
                    .unwrap()
                    .is_none()
            );
        }
        let topology = json!({"metadata": {"name": "n1"}, "zones": 5});
        let read = Event::of_object(
            "topology.node.k8s.io/v1alpha2",
            "NodeResourceTopology",
            &topology,
            "default",
        );
        let error = read.unwrap_err().to_string();
        assert!(
            error.starts_with("NodeResourceTopology n1 cannot be read: "),
            "{error}"
        );
    }
}
