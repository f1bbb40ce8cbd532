//! A plan as a JSON patch of the pod it was made for.
//!
//! A raw manifest may lack the objects and lists that something belongs into. They are added first, because a patch whose
//! parent is missing is an internal error of the API server whatever the failure policy says.

use std::collections::BTreeSet;

use api::{pod::Pod, quantity::whole};
use json_patch::{AddOperation, Patch, PatchOperation};
use jsonptr::PointerBuf;
use serde_json::{Map, Value, json};
use spec::network::SCHEDULING_GATE;

use crate::{
    Addition, DownwardFile, DownwardSource, Plan,
    pod_net_info::{CONTAINER_NAME, MOUNT_PATH, VOLUME},
};

impl Plan {
    /// What the plan adds, as a JSON patch of `pod`, the pod it was made for; empty when there is nothing to add. Sorted
    /// by path, so that the same pod always gets the same patch.
    #[must_use]
    pub fn patch(&self, pod: &Pod) -> Patch {
        let mut operations = annotations(self, pod);
        operations.extend(node_selector(self, pod));
        operations.extend(quantities(self, pod));
        let scheduler = self.scheduler_name.as_ref();
        operations.extend(scheduler.map(|name| add(&["spec", "schedulerName"], json!(name))));
        operations.extend(pod_net_info(self, pod));
        operations.extend(scheduling_gate(self, pod));
        operations.sort_by(|a, b| a.path().as_str().cmp(b.path().as_str()));
        Patch(operations)
    }
}

fn annotations(plan: &Plan, pod: &Pod) -> Vec<PatchOperation> {
    let place = ["metadata", "annotations"];
    let entries = plan.annotations.iter();
    let entries = entries.map(|(key, text)| (key.as_str(), text.as_str()));
    into_map(&place, !pod.metadata.annotations.is_empty(), entries)
}

fn node_selector(plan: &Plan, pod: &Pod) -> Vec<PatchOperation> {
    let labels = plan.node_labels.iter();
    let labels = labels.map(|label| (label.key.as_str(), label.value.as_str()));
    into_map(
        &["spec", "nodeSelector"],
        pod.spec.node_selector.is_some(),
        labels,
    )
}

/// Each entry by itself where the map is there; else the map with all of them.
fn into_map<'a>(
    place: &[&str],
    is_there: bool,
    entries: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<PatchOperation> {
    if is_there {
        return entries
            .map(|(key, text)| add(&[place, &[key]].concat(), json!(text)))
            .collect();
    }
    let map: Map<String, Value> = entries
        .map(|(key, text)| (key.to_owned(), json!(text)))
        .collect();
    let operation = (!map.is_empty()).then(|| add(place, Value::Object(map)));
    operation.into_iter().collect()
}

fn quantities(plan: &Plan, pod: &Pod) -> Vec<PatchOperation> {
    let mut operations = Vec::new();
    let mut made = BTreeSet::new();
    for Addition {
        container,
        resource,
        total,
        ..
    } in &plan.additions
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
    operations
}

fn pod_net_info(plan: &Plan, pod: &Pod) -> Vec<PatchOperation> {
    let info = &plan.pod_net_info;
    let mut operations = Vec::new();
    for (index, container) in pod.spec.containers.iter().enumerate() {
        let place = |list| ["containers", &index.to_string(), list].map(str::to_owned);
        if info.names.contains(&index) {
            let variable = json!({"name": CONTAINER_NAME, "value": container.name});
            operations.push(append(&place("env"), container.env.is_some(), variable));
        }
        if info.mounts.contains(&index) {
            let mount = json!({"name": VOLUME, "readOnly": true, "mountPath": MOUNT_PATH});
            let is_there = container.volume_mounts.is_some();
            operations.push(append(&place("volumeMounts"), is_there, mount));
        }
    }
    if !info.files.is_empty() {
        let items: Vec<Value> = info.files.iter().map(item).collect();
        let volume = json!({"name": VOLUME, "downwardAPI": {"items": items}});
        let is_there = pod.spec.volumes.is_some();
        operations.push(append(&["volumes".to_owned()], is_there, volume));
    }
    operations
}

fn scheduling_gate(plan: &Plan, pod: &Pod) -> Option<PatchOperation> {
    let is_there = !pod.spec.scheduling_gates.is_empty();
    let gate = json!({"name": SCHEDULING_GATE});
    plan.scheduling_gate
        .then(|| append(&["schedulingGates".to_owned()], is_there, gate))
}

fn item(file: &DownwardFile) -> Value {
    let path = &file.path;
    match &file.source {
        DownwardSource::Field(field) => json!({"path": path, "fieldRef": {"fieldPath": field}}),
        DownwardSource::Resource {
            container,
            resource,
        } => json!({
            "path": path,
            "resourceFieldRef": {"containerName": container, "resource": resource, "divisor": "1Mi"},
        }),
    }
}

/// To the end of a list below `spec`, where it is there; else the list with this one element.
fn append(list: &[String], is_there: bool, element: Value) -> PatchOperation {
    let list = list.iter().map(String::as_str);
    let mut place: Vec<&str> = ["spec"].into_iter().chain(list).collect();
    if is_there {
        place.push("-");
        add(&place, element)
    } else {
        add(&place, json!([element]))
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
