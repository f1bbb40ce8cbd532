//! `kubectl-polypod render`: what the webhook would return, offline.

use std::process::Output;

use serde::Deserialize as _;
use serde_json::Value;

use crate::{
    fixture::{binaries::workspace, kubectl_polypod},
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "render::admitted_pods_are_printed",
            needs: &[],
            body: admitted_pods_are_printed,
        },
        Scenario {
            name: "render::denied_pods_and_unusable_input_have_their_codes",
            needs: &[],
            body: denied_pods_and_unusable_input_have_their_codes,
        },
    ]
}

fn render(arguments: &[&str], stdin: &str) -> Output {
    kubectl_polypod::run("render", arguments, stdin)
}

fn examples() -> String {
    workspace().join("manifests/examples").display().to_string()
}

fn networks() -> String {
    workspace()
        .join("manifests/examples/sriov-net-a.yaml")
        .display()
        .to_string()
}

fn pod(networks: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  annotations:\n    k8s.v1.cni.cncf.io/networks: {networks}\nspec:\n  containers:\n  - name: c\n"
    )
}

fn admitted_pods_are_printed() {
    let yaml = render(&["-f", &examples(), "-o", "yaml"], "");
    assert!(yaml.status.success());
    let documents: Vec<Value> = serde_yaml_ng::Deserializer::from_slice(&yaml.stdout)
        .map(|document| Value::deserialize(document).expect("it prints YAML"))
        .collect();
    let pods = crate::examples::objects()
        .iter()
        .filter(|object| object["kind"] == "Pod")
        .count();
    assert_eq!(documents.len(), pods, "the pods among the examples");
    let json = render(
        &["-f", &networks(), "-f", "-", "-o", "json"],
        &pod("sriov-net-a"),
    );
    let printed: Value = serde_json::from_slice(&json.stdout).expect("it prints JSON");
    assert!(
        printed.to_string().contains(r#""intel.com/sriov":"1""#),
        "{printed}"
    );
    let patch = render(
        &["-f", &networks(), "-f", "-", "-o", "patch"],
        &pod("sriov-net-a"),
    );
    assert!(
        String::from_utf8_lossy(&patch.stdout)
            .contains("/spec/containers/0/resources/limits/intel.com~1sriov")
    );
}

fn denied_pods_and_unusable_input_have_their_codes() {
    let denied = render(&["-f", &networks(), "-f", "-"], &pod("sriov-net-b"));
    assert_eq!(denied.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&denied.stderr).contains("did you mean sriov-net-a"));
    for (arguments, stdin) in [
        (&["-f", "/does/not/exist"][..], ""),
        (&["-f", "-"], "a: ["),
        (&["-f", "-"], "a: 1"),
        (&["-f", "-", "-o", "xml"], ""),
        (&[], ""),
    ] {
        let output = render(arguments, stdin);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}
