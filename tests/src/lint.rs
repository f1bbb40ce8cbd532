//! `kubectl-polypod lint`: what admission would say, offline, with its exit codes and formats.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    fixture::{
        binaries::{self, workspace},
        kubectl_polypod,
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "lint::exit_codes_say_what_became_of_the_input",
            needs: &[],
            body: exit_codes_say_what_became_of_the_input,
        },
        Scenario {
            name: "lint::folders_standard_input_and_several_documents",
            needs: &[],
            body: folders_standard_input_and_several_documents,
        },
        Scenario {
            name: "lint::json_and_sarif_tell_the_same_findings",
            needs: &[],
            body: json_and_sarif_tell_the_same_findings,
        },
        Scenario {
            name: "lint::the_administrators_policy_is_that_of_the_webhook",
            needs: &[],
            body: the_administrators_policy_is_that_of_the_webhook,
        },
    ]
}

fn lint(arguments: &[&str], stdin: &str) -> Output {
    kubectl_polypod::run("lint", arguments, stdin)
}

fn examples() -> String {
    workspace().join("manifests/examples").display().to_string()
}

fn deployment(networks: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    metadata:\n      annotations:\n        k8s.v1.cni.cncf.io/networks: {networks}\n    spec:\n      containers:\n      - name: c\n"
    )
}

fn exit_codes_say_what_became_of_the_input() {
    let (clean, empty) = (deployment("sriov-net-a"), deployment("'[]'"));
    let denied = deployment("sriov-net-b");
    let broken = format!("{denied}---\na: 1\n");
    let folder = examples();
    let files = ["-f", folder.as_str(), "-"];
    for (more, stdin, code) in [
        (&[][..], clean.as_str(), 0),
        (&["--strict"], &clean, 0),
        (&[], &empty, 0),
        (&["--strict"], &empty, 1),
        (&[], &denied, 1),
        (&["--allow-missing"], &denied, 0),
        (&["--allow-missing", "--strict"], &denied, 1),
        (&[], &broken, 2),
        (&[], "a: [", 2),
        (&["-f", "/does/not/exist"], &clean, 2),
        (&["--config", "/does/not/exist"], &clean, 2),
        (&["-o", "xml"], &clean, 2),
    ] {
        let output = lint(&[&files, more].concat(), stdin);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{more:?} {stdin}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(!output.stderr.is_empty(), "{more:?}");
    }
    let nothing = lint(&["-f", "-"], "# nothing\n");
    assert_eq!(nothing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("name files"));
    // What can be judged is judged beside what cannot be used.
    let output = lint(&files, &broken);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains(
            "standard input:9: error: network-not-found: Deployment default/web: annotation k8s.v1.cni.cncf.io/networks: entry 1: "
        ) && text.contains("did you mean sriov-net-a?"),
        "{text}"
    );
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard input (document 2)"));
}

fn folders_standard_input_and_several_documents() {
    let folder = TempDir::new().unwrap();
    std::fs::write(
        folder.path().join("a.yaml"),
        format!("{}---\n{}", deployment("foo"), deployment("bar")),
    )
    .unwrap();
    std::fs::write(folder.path().join("b.json"), json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": "foo", "namespace": "team"}, "spec": {"config": "{\"type\": \"bridge\"}"}}).to_string()).unwrap();
    std::fs::write(folder.path().join("c.txt"), "a: [").unwrap();
    let path = folder.path().display().to_string();
    let output = lint(&["-n", "team", "-f", &path], "");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.matches(": error: ").count(), 1, "{text}");
    assert!(
        text.contains("a.yaml:22: error: network-not-found: Deployment team/web"),
        "{text}"
    );
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("judged 3 objects: 1 errors"), "{stderr}");
}

fn json_and_sarif_tell_the_same_findings() {
    let input = format!("{}---\n{}", deployment("nowhere"), deployment("'{}'"));
    let read = |format: &str| -> Value {
        let output = lint(&["-f", "-", "-o", format], &input);
        assert_eq!(output.status.code(), Some(1));
        serde_json::from_slice(&output.stdout).expect("it prints JSON")
    };
    let report = read("json");
    let findings = report["findings"].as_array().expect("it has findings");
    assert_eq!(findings.len(), 2);
    assert_eq!(
        (&report["version"], &report["errors"]),
        (&json!(1), &json!(2))
    );
    let log = read("sarif");
    let results = log["runs"][0]["results"]
        .as_array()
        .expect("it has results");
    assert_eq!(results.len(), findings.len());
    for (result, finding) in results.iter().zip(findings) {
        assert_eq!(result["ruleId"], finding["rule"]);
        assert_eq!(result["level"], finding["level"]);
        let region = &result["locations"][0]["physicalLocation"]["region"];
        assert_eq!(region["startLine"], finding["place"]["line"]);
    }
    assert_eq!(findings[1]["rule"], "annotation-syntax");
}

fn the_administrators_policy_is_that_of_the_webhook() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("policy.yaml");
    let text = "apiVersion: polypod.dev/v1alpha1\nkind: AdmissionConfiguration\nsystemNamespace: net\nmodes: [{rules: [network-not-found], namespaces: {selector: {matchLabels: {stage: test}}}, mode: monitor}]\n";
    std::fs::write(&file, text).unwrap();
    let config = file.display().to_string();
    let namespace =
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: lab, labels: {stage: test}}\n---\n";
    let input = format!("{namespace}{}", deployment("nowhere"));
    for (namespace, code) in [("lab", 0), ("default", 1)] {
        let output = lint(&["--config", &config, "-n", namespace, "-f", "-"], &input);
        assert_eq!(output.status.code(), Some(code), "{namespace}");
        let text = String::from_utf8_lossy(&output.stdout);
        let level = if code == 0 { ": note: " } else { ": error: " };
        assert!(text.contains(level), "{text}");
    }
    // The same configuration, for the same pods.
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: lab, annotations: {k8s.v1.cni.cncf.io/networks: nowhere}}\nspec: {containers: [{name: c}]}\n";
    for (command, arguments) in [
        ("render", &["--config", &config][..]),
        ("lint", &["--config", &config]),
    ] {
        let mut child = Command::new(binaries::path("kubectl-polypod"))
            .arg(command)
            .args(arguments)
            .args(["-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("kubectl-polypod can be executed");
        let mut pipe = child.stdin.take().expect("standard input is piped");
        pipe.write_all(format!("{namespace}{pod}").as_bytes())
            .expect("it reads");
        drop(pipe);
        assert!(child.wait().expect("it ends").success(), "{command}");
    }
}
