//! Everything under `manifests/` that is applied: strictly, without a warning, and a second time without a change.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    fixture::{
        applied::{Kinds, called},
        control_plane::ControlPlane,
    },
    manifests::objects::{manifests, read, rendered},
};

/// Kinds of others that overlays use: group, version, kind, plural, and whether they are namespaced. Their own
/// CustomResourceDefinitions are not ours to ship; what stands in for them takes any field.
const STAND_INS: [(&str, &str, &str, &str, bool); 5] = [
    ("cert-manager.io", "v1", "Certificate", "certificates", true),
    ("cert-manager.io", "v1", "Issuer", "issuers", true),
    (
        "monitoring.coreos.com",
        "v1",
        "PodMonitor",
        "podmonitors",
        true,
    ),
    (
        "monitoring.coreos.com",
        "v1",
        "PrometheusRule",
        "prometheusrules",
        true,
    ),
    (
        "security.openshift.io",
        "v1",
        "SecurityContextConstraints",
        "securitycontextconstraints",
        false,
    ),
];

/// As on a machine without kubectl's kustomize; and what else is a file to apply.
pub(super) fn install_yaml_is_applied() {
    let cluster = Cluster::new();
    let files = files(&manifests(""));
    assert!(files[0].ends_with("install.yaml"), "{files:?}");
    for file in files {
        cluster.apply(&file.display().to_string(), &read(&file));
    }
}

/// In a cluster that knows the kinds. What the webhook says of them is lint's part.
pub(super) fn examples_are_applied() {
    let cluster = Cluster::new();
    for crd in files(&manifests("crds")) {
        let objects = read(&crd);
        if objects[0]["kind"] == "CustomResourceDefinition" {
            cluster.apply(&crd.display().to_string(), &objects);
        }
    }
    let mut objects: Vec<Value> = files(&manifests("examples"))
        .iter()
        .flat_map(|file| read(file))
        .collect();
    let order = ["Namespace", "NetworkAttachmentDefinition", "ConfigMap"];
    let place = |object: &Value| order.iter().position(|kind| object["kind"] == *kind);
    objects.sort_by_key(|object| place(object).unwrap_or(order.len()));
    cluster.apply("examples", &objects);
}

/// The files of YAML in a folder, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    found.sort();
    found
}

pub(super) fn base_and_every_overlay_are_applied() {
    let cluster = Cluster::new();
    let base = rendered(&manifests("base"));
    cluster.apply("base", &base);
    for folder in folders(&manifests("uninstall")) {
        cluster.apply(&folder.display().to_string(), &rendered(&folder));
    }
    let base: BTreeSet<String> = base.iter().map(called).collect();
    let overlays = folders(&manifests("overlays"));
    assert!(overlays.len() >= 10, "{overlays:?}");
    for overlay in overlays {
        let objects = rendered(&overlay);
        cluster.apply(&overlay.display().to_string(), &objects);
        // The next one is applied to a cluster that has the base.
        for object in objects.iter().rev() {
            if !base.contains(&called(object)) {
                let path = cluster.kinds.path_of(&cluster.plane, object);
                let deleted = cluster.plane.ask("DELETE", &path, &json!({}));
                assert!(matches!(deleted.status, 200 | 202), "{}", deleted.body);
            }
        }
    }
}

/// The kustomizations below a folder.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path: &PathBuf| Path::join(path, "kustomization.yaml").is_file())
        .collect();
    found.sort();
    found
}

struct Cluster {
    plane: ControlPlane,
    kinds: Kinds,
}

impl Cluster {
    fn new() -> Self {
        Self {
            // Without this an API server takes no privileged container, not even in a template.
            plane: ControlPlane::start_with(&["--allow-privileged=true"]),
            kinds: Kinds::default(),
        }
    }

    /// Applies all, and applies them again until that changes nothing.
    fn apply(&self, what: &str, objects: &[Value]) {
        assert!(!objects.is_empty(), "{what} renders nothing");
        let names: BTreeSet<String> = objects.iter().map(called).collect();
        assert_eq!(names.len(), objects.len(), "{what} has an object twice");
        let mut before = self.versions(what, objects);
        // The API server writes into some by itself, such as the conditions of a new CustomResourceDefinition.
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let after = self.versions(what, objects);
            let changed: Vec<_> = before.iter().zip(&after).filter(|(a, b)| a != b).collect();
            if changed.is_empty() {
                return;
            }
            assert!(
                Instant::now() < until,
                "{what} changes at each apply: {changed:?}"
            );
            before = after;
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Applies all, and says what the objects' versions are then.
    fn versions(&self, what: &str, objects: &[Value]) -> Vec<(String, String)> {
        let apply = |object: &Value| {
            self.stand_in(object);
            let reply = self.kinds.apply(&self.plane, object);
            let name = called(object);
            assert_eq!(reply.warnings, Vec::<String>::new(), "{what}: {name}");
            let version = &reply.body["metadata"]["resourceVersion"];
            (name, version.to_string())
        };
        objects.iter().map(apply).collect()
    }

    fn stand_in(&self, object: &Value) {
        let is_of = |(group, version, kind, ..): &&(&str, &str, &str, &str, bool)| {
            object["apiVersion"] == format!("{group}/{version}") && object["kind"] == *kind
        };
        let Some((group, version, kind, plural, is_namespaced)) = STAND_INS.iter().find(is_of)
        else {
            return;
        };
        if self.kinds.are_served(&self.plane, object) {
            return;
        }
        let scope = if *is_namespaced {
            "Namespaced"
        } else {
            "Cluster"
        };
        let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
        let crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.{group}")},
            "spec": {"group": group, "scope": scope,
                "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind},
                "versions": [{"name": version, "served": true, "storage": true, "schema": schema}]}});
        self.kinds.apply(&self.plane, &crd);
    }
}
