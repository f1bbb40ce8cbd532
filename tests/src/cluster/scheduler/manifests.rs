//! What stands in `manifests/scheduler`: the API server takes it, and kube-scheduler understands it.

use serde_json::{Value, json};

use super::stage::{text, until};
use crate::{
    fixture::{control_plane::ControlPlane, kube_scheduler::understood},
    manifests::objects::{manifests, read},
};

/// What an operator changes in `default-scheduler.yaml`.
pub(super) const DEFAULT: &str = "scheduler/default-scheduler.yaml";

/// The second scheduler.
pub(super) const SECOND: &str = "scheduler/second/polypod-scheduler.yaml";

pub(super) fn are_taken() {
    understood_by_the_scheduler();
    let plane = ControlPlane::start();
    for object in read(&manifests("base/namespace.yaml")) {
        plane.ask("POST", &path_of(&object), &object).is_created();
    }
    taken_by_the_api_server(&plane);
}

fn understood_by_the_scheduler() {
    let issuer = crate::fixture::client_certificate::Issuer::new("webhook");
    for configuration in [
        read(&manifests(DEFAULT)).remove(0),
        configuration_of_second(),
    ] {
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
    "scheduler/cluster-role.yaml",
    "scheduler/writing-cluster-role.yaml",
    "scheduler/bindings.yaml",
];

/// The configuration in the second scheduler's ConfigMap.
pub(super) fn configuration_of_second() -> Value {
    let objects = read(&manifests(SECOND));
    let map = objects.iter().find(|object| object["kind"] == "ConfigMap");
    let map = map.expect("the configuration is in a ConfigMap");
    let configuration = text(&map["data"]["configuration.yaml"]);
    serde_yaml_ng::from_str(&configuration).expect("the configuration is YAML")
}

/// Creates every object of the second scheduler, strictly.
pub(super) fn taken_by_the_api_server(plane: &ControlPlane) {
    let system = "/api/v1/namespaces/kube-system";
    until(|| (plane.ask("GET", system, &Value::Null).status == 200).then_some(()));
    let objects = read(&manifests(SECOND));
    let service = read(&manifests("base/webhook/service.yaml"));
    for object in objects.iter().chain(&service) {
        let path = format!("{}?fieldValidation=Strict", path_of(object));
        let created = plane.ask("POST", &path, object);
        created.is_created();
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
