//! A pod of the simulation: what the API server is told of it and what the judge takes of it, which are made apart.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Amounts by resource: `cpu` in thousandths, memory in bytes, devices by the piece.
pub(crate) type Amounts = BTreeMap<&'static str, u64>;

#[derive(Clone, Debug)]
pub(crate) struct SimPod {
    pub(crate) uid: String,
    pub(crate) name: String,
    /// The ReplicaSet that made it.
    pub(crate) owner: String,
    /// Init containers and sidecars first, as the kubelet goes through them.
    pub(crate) containers: Vec<SimContainer>,
}

#[derive(Clone, Debug)]
pub(crate) struct SimContainer {
    pub(crate) name: String,
    pub(crate) part: Part,
    pub(crate) requests: Amounts,
    pub(crate) limits: Amounts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Init,
    Sidecar,
    App,
}

impl SimContainer {
    pub(crate) fn request(&self, resource: &str) -> u64 {
        self.requests.get(resource).copied().unwrap_or(0)
    }
}

impl SimPod {
    /// No pod.
    pub(crate) const fn nobody() -> Self {
        Self {
            uid: String::new(),
            name: String::new(),
            owner: String::new(),
            containers: Vec::new(),
        }
    }

    /// `v1qos.GetPodQOS`: every container limits CPU and memory, and asks for what it limits.
    pub(crate) fn is_guaranteed(&self) -> bool {
        self.containers.iter().all(|container| {
            ["cpu", "memory"].iter().all(|resource| {
                let limit = container.limits.get(resource).copied().unwrap_or(0);
                limit > 0 && container.request(resource) == limit
            })
        })
    }

    /// What the pod needs of a resource at most at one time, where each container needs `of` it (KEP-753).
    pub(crate) fn effective(&self, of: impl Fn(&SimContainer) -> u64) -> u64 {
        let (mut sidecars, mut most, mut apps) = (0, 0, 0);
        for container in &self.containers {
            match container.part {
                Part::Init => most = most.max(sidecars + of(container)),
                Part::Sidecar => sidecars += of(container),
                Part::App => apps += of(container),
            }
        }
        most.max(sidecars + apps)
    }

    /// What kube-scheduler and the kubelet's general predicates count of it.
    pub(crate) fn requests(&self) -> Amounts {
        let mut all = Amounts::new();
        for container in &self.containers {
            for resource in container.requests.keys() {
                all.insert(
                    resource,
                    self.effective(|container| container.request(resource)),
                );
            }
        }
        all
    }

    /// As the API server has it.
    pub(crate) fn object(&self, node: Option<&str>, status: &Value) -> Value {
        let print = |amounts: &Amounts| -> BTreeMap<&str, String> {
            let text = |(resource, amount): (&&'static str, &u64)| {
                let text = match *resource {
                    "cpu" => format!("{amount}m"),
                    _ => amount.to_string(),
                };
                (*resource, text)
            };
            amounts.iter().map(text).collect()
        };
        let containers = |is_meant: fn(Part) -> bool| -> Vec<Value> {
            let meant = self
                .containers
                .iter()
                .filter(|container| is_meant(container.part));
            let object = |container: &SimContainer| {
                let mut object = json!({
                    "name": container.name,
                    "image": "registry.example.com/app:1",
                    "resources": {"requests": print(&container.requests), "limits": print(&container.limits)},
                });
                if container.part == Part::Sidecar {
                    object["restartPolicy"] = json!("Always");
                }
                object
            };
            meant.map(object).collect()
        };
        let mut object = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": self.name,
                "namespace": "sim",
                "uid": self.uid,
                "ownerReferences": [{
                    "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": self.owner, "uid": self.owner,
                    "controller": true,
                }],
            },
            "spec": {
                "initContainers": containers(|part| part != Part::App),
                "containers": containers(|part| part == Part::App),
            },
            "status": status,
        });
        if let Some(node) = node {
            object["spec"]["nodeName"] = json!(node);
        }
        object
    }
}
