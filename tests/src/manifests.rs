//! What stands in `manifests/`: the CustomResourceDefinition is that of the code, every example is admitted, and what an
//! operator applies fits together and is what the programs understand.

mod arguments;
mod capability;
pub(crate) mod chart;
mod installed;
pub(crate) mod objects;
mod overlays;
mod posture;
mod references;
mod uninstall;

use std::process::Command;

use api::network_attachment_definition::NetworkAttachmentDefinition;
use k8s_openapi::{
    Resource as _, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};

use device_bridge::install::preset::Preset;

use self::objects::{listed, manifests};
use crate::{
    fixture::{
        binaries::{self, workspace},
        needs::Need,
    },
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
        Scenario {
            name: "manifests::install_yaml_is_what_the_base_lists",
            needs: &[],
            body: installed::is_what_the_base_lists,
        },
        Scenario {
            name: "manifests::install_yaml_is_what_kubectl_renders",
            needs: &[Need::Kubectl],
            body: installed::is_what_kubectl_renders,
        },
        Scenario {
            name: "manifests::the_base_holds",
            needs: &[],
            body: the_base_holds,
        },
        Scenario {
            name: "manifests::every_overlay_holds",
            needs: &[Need::Kubectl],
            body: overlays::every_overlay_holds,
        },
        Scenario {
            name: "manifests::uninstall_yaml_is_what_is_patched",
            needs: &[],
            body: uninstall::the_file_is_what_is_patched,
        },
        Scenario {
            name: "manifests::uninstall_holds_for_every_preset",
            needs: &[Need::Kubectl],
            body: uninstall::every_preset_holds,
        },
        Scenario {
            name: "manifests::the_chart_renders_what_kustomize_renders",
            needs: &[Need::Helm, Need::Kubectl],
            body: chart::renders_what_kustomize_renders,
        },
        Scenario {
            name: "manifests::values_of_the_chart_reach_the_objects",
            needs: &[Need::Helm],
            body: chart::values_reach_the_objects,
        },
        Scenario {
            name: "manifests::the_chart_refuses_clusters_that_are_too_old",
            needs: &[Need::Helm],
            body: chart::refuses_clusters_that_are_too_old,
        },
        Scenario {
            name: "manifests::the_chart_refuses_values_that_it_does_not_know",
            needs: &[Need::Helm],
            body: chart::refuses_values_that_it_does_not_know,
        },
        Scenario {
            name: "manifests::values_and_schema_have_the_same_keys",
            needs: &[],
            body: chart::values_and_schema_have_the_same_keys,
        },
        Scenario {
            name: "manifests::the_agents_capability_is_enough_and_needed",
            needs: &[Need::Namespaces],
            body: capability::is_enough_and_needed,
        },
        Scenario {
            name: "manifests::every_file_is_used",
            needs: &[],
            body: every_file_is_used,
        },
    ]
}

/// What is said of base here is said of every overlay, where kubectl renders them.
fn the_base_holds() {
    let objects = listed(&manifests("base"));
    references::hold(&objects);
    arguments::ports_are_told(&objects);
    overlays::has_paths_of(&objects, Preset::Containerd);
    posture::webhook_is_restricted(&objects);
    posture::agent_has_what_it_needs(&objects);
    posture::rights_are_few(&objects);
}

/// Every file beside a kustomization is named by it, so that none is forgotten.
fn every_file_is_used() {
    // No objects of the API server, or an offer of their own.
    const APART: [&str; 2] = [
        "default-scheduler.yaml",
        "validating-admission-policies.yaml",
    ];
    let mut folders = vec![manifests("")];
    while let Some(folder) = folders.pop() {
        let kustomization = std::fs::read_to_string(folder.join("kustomization.yaml"));
        for entry in std::fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.expect("the folder can be read").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = &kustomization
                && name.ends_with(".yaml")
                && name != "kustomization.yaml"
                && !APART.contains(&&*name)
            {
                assert!(text.contains(&*name), "{} is named nowhere", path.display());
            }
        }
    }
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
