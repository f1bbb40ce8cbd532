//! What stands in `manifests/`: the CustomResourceDefinition is that of the code, and every example is admitted.

use std::process::Command;

use api::network_attachment_definition::NetworkAttachmentDefinition;
use k8s_openapi::{
    Resource as _, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};

use crate::{
    fixture::binaries::{self, workspace},
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "manifests::the_crd_is_that_of_the_code",
            needs: &[],
            body: the_crd_is_that_of_the_code,
        },
        Scenario {
            name: "manifests::every_example_is_admitted",
            needs: &[],
            body: every_example_is_admitted,
        },
        Scenario {
            name: "manifests::the_static_policies_are_those_of_the_code",
            needs: &[],
            body: the_static_policies_are_those_of_the_code,
        },
    ]
}

fn the_crd_is_that_of_the_code() {
    let file = workspace().join("manifests/crds/network-attachment-definitions.yaml");
    let text = std::fs::read_to_string(&file).expect("the manifest is there");
    let crd: CustomResourceDefinition =
        serde_yaml_ng::from_str(&text).expect("it is a CustomResourceDefinition");
    assert_eq!(crd.spec.group, NetworkAttachmentDefinition::GROUP);
    assert_eq!(crd.spec.names.kind, NetworkAttachmentDefinition::KIND);
    assert_eq!(
        crd.spec.names.plural,
        NetworkAttachmentDefinition::URL_PATH_SEGMENT
    );
    assert_eq!(
        crd.spec.versions[0].name,
        NetworkAttachmentDefinition::VERSION
    );
    assert_eq!(crd.spec.scope, "Namespaced");
}

fn every_example_is_admitted() {
    let output = Command::new(binaries::path("kubectl-polypod"))
        .args(["render", "-o", "json", "-f"])
        .arg(workspace().join("manifests/examples"))
        .output()
        .expect("kubectl-polypod can be executed");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        printed.contains("\"intel.com/sriov\": \"2\"")
            || printed.contains("\"intel.com/sriov\":\"2\""),
        "{printed}"
    );
}

fn the_static_policies_are_those_of_the_code() {
    let output = Command::new(binaries::path("kubectl-polypod"))
        .arg("policies")
        .output()
        .expect("kubectl-polypod can be executed");
    assert!(output.status.success());
    let file = workspace().join("manifests/admission/validating-admission-policies.yaml");
    let text = std::fs::read_to_string(&file).expect("the manifest is there");
    assert!(
        text == String::from_utf8_lossy(&output.stdout),
        "{} is not what kubectl-polypod policies prints; write that there",
        file.display()
    );
}
