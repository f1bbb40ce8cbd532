//! Of all objects those that tell the story of one pod.

use serde_json::Value;
use spec::network::NETWORKS;

/// The objects.
#[derive(Clone, Debug, Default)]
pub(super) struct Material {
    /// The pod that is asked about: its namespace and name.
    asked: (String, String),
    /// The pod.
    pub(super) pod: Option<Value>,
    /// The Events about it, or about others of its name.
    pub(super) events: Vec<Value>,
    /// NetworkAttachmentDefinitions.
    pub(super) networks: Vec<Value>,
    /// NodeInventories: that of the pod's node, and others while the pod is not known.
    pub(super) inventories: Vec<Value>,
    /// What could not be seen, so that its absence says nothing.
    pub(super) unseen: Vec<String>,
}

impl Material {
    /// For the story of this pod.
    pub(super) fn about(namespace: &str, pod: &str) -> Self {
        Self {
            asked: (namespace.to_owned(), pod.to_owned()),
            ..Self::default()
        }
    }

    /// Keeps an object if it belongs to the story. One without a namespace is in `namespace`.
    pub(super) fn see(&mut self, api_version: &str, kind: &str, object: &Value, namespace: &str) {
        let text = |path: &str| object.pointer(path).and_then(Value::as_str);
        let in_namespace = |path: &str| {
            text(path)
                .filter(|text| !text.is_empty())
                .unwrap_or(namespace)
        };
        let (of, name) = (self.asked.0.as_str(), self.asked.1.as_str());
        match (api_version, kind) {
            ("v1", "Pod")
                if in_namespace("/metadata/namespace") == of
                    && text("/metadata/name") == Some(name) =>
            {
                self.pod = Some(placed(object.clone(), of));
            }
            ("v1", "Event") if is_about(object, "involvedObject", of, name) => {
                self.events.push(object.clone());
            }
            ("events.k8s.io/v1", "Event") if is_about(object, "regarding", of, name) => {
                self.events.push(as_core(object));
            }
            ("k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition") => {
                let own = in_namespace("/metadata/namespace").to_owned();
                self.networks.push(placed(object.clone(), &own));
            }
            ("polypod.dev/v1alpha1", "NodeInventory") => {
                let is_its = self
                    .node()
                    .is_some_and(|node| Some(node) == text("/metadata/name"));
                if self.pod.is_none() || is_its {
                    self.inventories.push(object.clone());
                }
            }
            _ => {}
        }
    }

    /// The node that the pod is bound to.
    pub(super) fn node(&self) -> Option<&str> {
        let node = self.pod.as_ref()?["spec"]["nodeName"].as_str()?;
        Some(node).filter(|node| !node.is_empty())
    }

    /// Whether the pod asks for networks.
    pub(super) fn has_networks(&self) -> bool {
        let annotations = self.pod.as_ref().map(|pod| &pod["metadata"]["annotations"]);
        annotations.is_some_and(|annotations| {
            let has = |key: &str| {
                annotations[key]
                    .as_str()
                    .is_some_and(|text| !text.trim().is_empty())
            };
            has(NETWORKS) || has("v1.multus-cni.io/default-network")
        })
    }
}

fn is_about(event: &Value, reference: &str, namespace: &str, name: &str) -> bool {
    let about = &event[reference];
    about["kind"] == "Pod"
        && about["name"] == name
        && about["namespace"].as_str().is_none_or(|of| of == namespace)
}

/// The one kind of object has two spellings.
fn as_core(event: &Value) -> Value {
    let mut core = event.clone();
    for (newer, older) in [
        ("regarding", "involvedObject"),
        ("note", "message"),
        ("deprecatedFirstTimestamp", "firstTimestamp"),
        ("deprecatedLastTimestamp", "lastTimestamp"),
        ("deprecatedCount", "count"),
        ("deprecatedSource", "source"),
    ] {
        if let Some(fields) = core.as_object_mut()
            && let Some(value) = fields.remove(newer)
        {
            fields.insert(older.to_owned(), value);
        }
    }
    core
}

/// With its namespace written out.
fn placed(mut object: Value, namespace: &str) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
    object
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_belongs_to_the_pod_is_kept() {
        let mut material = Material::about("team", "p");
        let pod = |namespace: &str| json!({"metadata": {"name": "p", "namespace": namespace}, "spec": {"nodeName": "n1"}});
        material.see("v1", "Pod", &pod("other"), "team");
        assert!(material.pod.is_none());
        let inventory = |name: &str| json!({"metadata": {"name": name}});
        // While the pod is not known, any node may be its.
        material.see(
            "polypod.dev/v1alpha1",
            "NodeInventory",
            &inventory("n2"),
            "team",
        );
        material.see("v1", "Pod", &pod(""), "team");
        assert_eq!(
            material.pod.as_ref().unwrap()["metadata"]["namespace"],
            "team"
        );
        for name in ["n1", "n2"] {
            material.see(
                "polypod.dev/v1alpha1",
                "NodeInventory",
                &inventory(name),
                "team",
            );
        }
        assert_eq!(material.inventories.len(), 2);
        let event =
            |of: &str| json!({"involvedObject": {"kind": "Pod", "namespace": "team", "name": of}});
        let newer = json!({"regarding": {"kind": "Pod", "namespace": "team", "name": "p"}, "note": "text", "deprecatedCount": 3});
        material.see("v1", "Event", &event("q"), "team");
        material.see("v1", "Event", &event("p"), "team");
        material.see("events.k8s.io/v1", "Event", &newer, "team");
        assert_eq!(material.events.len(), 2);
        assert_eq!(
            (&material.events[1]["message"], &material.events[1]["count"]),
            (&json!("text"), &json!(3))
        );
        material.see(
            "k8s.cni.cncf.io/v1",
            "NetworkAttachmentDefinition",
            &json!({"metadata": {"name": "a"}}),
            "team",
        );
        assert_eq!(material.networks[0]["metadata"]["namespace"], "team");
        material.see("v1", "Pod", &json!(5), "team");
    }

    #[test]
    fn an_empty_annotation_asks_for_nothing() {
        let mut material = Material::about("a", "p");
        for (text, wanted) in [
            (json!("x"), true),
            (json!(" "), false),
            (json!(null), false),
            (json!(5), false),
        ] {
            material.pod = Some(json!({"metadata": {"annotations": {NETWORKS: text}}}));
            assert_eq!(material.has_networks(), wanted, "{text}");
        }
    }
}
