//! What stands in `manifests/scheduler`: the API server takes it, and kube-scheduler understands it.

use serde_json::{Value, json};

use super::stage::{is_created, manifest, text, until};
use crate::fixture::{control_plane::ControlPlane, kube_scheduler::understood};

/// What an operator changes in `default-scheduler.yaml`.
pub(super) const DEFAULT: &str = "manifests/scheduler/default-scheduler.yaml";

/// The second scheduler.
pub(super) const SECOND: &str = "manifests/scheduler/second/polypod-scheduler.yaml";

pub(super) fn are_taken() {
    understood_by_the_scheduler();
    let plane = ControlPlane::start();
    for object in manifest("manifests/base/namespace.yaml") {
        is_created(&plane.ask("POST", &path_of(&object), &object));
    }
    taken_by_the_api_server(&plane);
}

fn understood_by_the_scheduler() {
    let issuer = crate::fixture::client_certificate::Issuer::new("webhook");
    for configuration in [manifest(DEFAULT).remove(0), configuration_of_second()] {
        let extender = &configuration["extenders"][0];
        let taken = understood(configuration.clone(), &issuer.pem());
        let taken = taken.unwrap_or_else(|error| panic!("{configuration}: {error}"));
        for field in [
            "urlPrefix",
            "filterVerb",
            "prioritizeVerb",
            "weight",
            "nodeCacheCapable",
            "httpTimeout",
        ] {
            assert_eq!(taken["extenders"][0][field], extender[field], "{field}");
        }
        assert_eq!(extender["ignorable"], false);
        let mut misspelt = configuration.clone();
        misspelt["extenders"][0]["nodeCacheCapabel"] = json!(true);
        let error = understood(misspelt, &issuer.pem()).expect_err("there is no such field");
        assert!(error.contains("nodeCacheCapabel"), "{error}");
    }
}

/// The webhook's rights for schedulers, and to whom they are bound.
pub(super) const RIGHTS: [&str; 3] = [
    "manifests/scheduler/cluster-role.yaml",
    "manifests/scheduler/writing-cluster-role.yaml",
    "manifests/scheduler/bindings.yaml",
];

/// The configuration in the second scheduler's ConfigMap.
pub(super) fn configuration_of_second() -> Value {
    let objects = manifest(SECOND);
    let map = objects.iter().find(|object| object["kind"] == "ConfigMap");
    let map = map.expect("the configuration is in a ConfigMap");
    let configuration = text(&map["data"]["configuration.yaml"]);
    serde_yaml_ng::from_str(&configuration).expect("the configuration is YAML")
}

/// Creates every object of the second scheduler, strictly.
pub(super) fn taken_by_the_api_server(plane: &ControlPlane) {
    let system = "/api/v1/namespaces/kube-system";
    until(|| (plane.ask("GET", system, &Value::Null).status == 200).then_some(()));
    let objects = manifest(SECOND);
    let service = manifest("manifests/base/webhook/service.yaml");
    for object in objects.iter().chain(&service) {
        let path = format!("{}?fieldValidation=Strict", path_of(object));
        let created = plane.ask("POST", &path, object);
        is_created(&created);
        assert_eq!(created.warnings, Vec::<String>::new(), "{object}");
    }
}

/// Where objects of this kind are made.
pub(super) fn path_of(object: &Value) -> String {
    let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let root = if version.contains('/') { "apis" } else { "api" };
    let namespace = object["metadata"]["namespace"].as_str();
    let namespace = namespace
        .map(|name| format!("/namespaces/{name}"))
        .unwrap_or_default();
    format!("/{root}/{version}{namespace}/{}s", kind.to_lowercase())
}
