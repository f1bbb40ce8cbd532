//! What admission does to a pod: the quantities it adds, and the patch that says so.

use std::collections::BTreeSet;

use api::{pod::Pod, quantity::whole};
use json_patch::{AddOperation, Patch, PatchOperation};
use jsonptr::PointerBuf;
use serde_json::{Value, json};
use spec::{device::ResourceName, network::NetworkRef};

use crate::{ContainerRef, Finding, Need, Warning};

/// What a pod gets, and why. The plan of a pod without networks is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The quantities to be written, by resource name and then by container.
    pub additions: Vec<Addition>,
    /// What the networks need, by resource name.
    pub needs: Vec<Need>,
    /// The networks, in the order of the attachments, as they were when the plan was made.
    pub networks: Vec<NetworkVersion>,
    /// What the pod's author should know.
    pub warnings: Vec<Warning>,
    /// What is wrong and let pass by the administrator's word.
    pub findings: Vec<Finding>,
}

/// A quantity to be written into a container's requests and limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// The container.
    pub container: ContainerRef,
    /// The resource.
    pub resource: ResourceName,
    /// How many devices the container gets beside those it has; 0 where only its missing limit is written.
    pub add: u64,
    /// What requests and limits say afterwards.
    pub total: u64,
}

/// A network as a plan saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkVersion {
    /// Which network.
    pub network: NetworkRef,
    /// The `resourceVersion` of its object; empty where it came from a file.
    pub resource_version: String,
}

impl Plan {
    /// The additions as a JSON patch of `pod`, the pod the plan was made for; empty when there is nothing to add.
    ///
    /// A raw manifest may lack the objects that the quantities belong into. They are added first, because a patch whose
    /// parent is missing is an internal error of the API server whatever the failure policy says.
    #[must_use]
    pub fn patch(&self, pod: &Pod) -> Patch {
        let mut operations = Vec::new();
        let mut made = BTreeSet::new();
        for Addition {
            container,
            resource,
            total,
            ..
        } in &self.additions
        {
            let Some(found) = container.of(pod) else {
                continue;
            };
            let index = container.index.to_string();
            let resources = ["spec", container.list(), &index, "resources"];
            let found = found.resources.as_ref();
            if found.is_none() && made.insert(resources.join("/")) {
                operations.push(add(&resources, json!({})));
            }
            let lists = [
                ("limits", found.and_then(|found| found.limits.as_ref())),
                ("requests", found.and_then(|found| found.requests.as_ref())),
            ];
            for (name, quantities) in lists {
                let list = [resources.as_slice(), &[name]].concat();
                if quantities.is_none() && made.insert(list.join("/")) {
                    operations.push(add(&list, json!({})));
                }
                let there = quantities.and_then(|quantities| quantities.get(resource.as_str()));
                if there.map(whole) != Some(Ok(*total)) {
                    let place = [list.as_slice(), &[resource.as_str()]].concat();
                    operations.push(add(&place, json!(total.to_string())));
                }
            }
        }
        Patch(operations)
    }
}

fn add(tokens: &[&str], value: Value) -> PatchOperation {
    PatchOperation::Add(AddOperation {
        path: PointerBuf::from_tokens(tokens.iter().copied()),
        value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vector_42_names_are_escaped() {
        let operation = add(&["limits", "example.com/a~b"], json!("1"));
        assert_eq!(operation.path().as_str(), "/limits/example.com~1a~0b");
    }
}
