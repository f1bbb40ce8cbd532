//! What is found in which input.

use serde_json::Value;

use super::{
    report::{Finding, Level},
    *,
};

const NETWORK: &str = r#"apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata: {name: sriov-net-a, annotations: {k8s.v1.cni.cncf.io/resourceName: intel.com/sriov}}
spec: {config: '{"type":"sriov"}'}
---
"#;

fn report(text: &str, policy: Policy) -> Report {
    let source = Source {
        name: "dir/a b.yaml".to_owned(),
        text: text.to_owned(),
    };
    lint(vec![Ok(source)], &"default".parse().unwrap(), &policy).unwrap()
}

fn found(text: &str) -> Vec<Finding> {
    report(&format!("{NETWORK}{text}"), Policy::default()).findings
}

fn workload(api_version: &str, kind: &str, template: &str) -> String {
    format!(
        "apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: web, namespace: team}}\n{template}\n---\n"
    )
}

const TEMPLATE: &str = "{metadata: {namespace: elsewhere, annotations: {k8s.v1.cni.cncf.io/networks: sriov-net-a}}, spec: {containers: [{name: c}]}}";

#[test]
fn every_kind_that_holds_pods() {
    for (api_version, kind, template) in [
        (
            "apps/v1",
            "Deployment",
            format!("spec: {{template: {TEMPLATE}}}"),
        ),
        (
            "apps/v1",
            "StatefulSet",
            format!("spec: {{template: {TEMPLATE}}}"),
        ),
        (
            "apps/v1",
            "DaemonSet",
            format!("spec: {{template: {TEMPLATE}}}"),
        ),
        (
            "apps/v1",
            "ReplicaSet",
            format!("spec: {{template: {TEMPLATE}}}"),
        ),
        (
            "v1",
            "ReplicationController",
            format!("spec: {{template: {TEMPLATE}}}"),
        ),
        ("batch/v1", "Job", format!("spec: {{template: {TEMPLATE}}}")),
        (
            "batch/v1",
            "CronJob",
            format!("spec: {{jobTemplate: {{spec: {{template: {TEMPLATE}}}}}}}"),
        ),
        ("v1", "PodTemplate", format!("template: {TEMPLATE}")),
    ] {
        // The network is in another namespace than the workload, whose pods are in its own.
        let found = found(&workload(api_version, kind, &template));
        assert_eq!(found.len(), 1, "{kind}: {found:?}");
        assert_eq!(found[0].rule, "network-not-found", "{kind}");
        assert!(
            found[0].message.contains("team/sriov-net-a"),
            "{:?}",
            found[0]
        );
        assert!(
            found[0]
                .field
                .ends_with("template.metadata.annotations[k8s.v1.cni.cncf.io/networks]")
        );
        assert_eq!((found[0].place.document, found[0].place.line), (2, 9));
    }
    assert_eq!(
        found(&workload("apps/v1", "Deployment", "spec: {}"))[0].rule,
        "invalid-object"
    );
    assert!(found(&workload("example.com/v1", "Deployment", "spec: {}")).is_empty());
}

#[test]
fn text() {
    let input = format!(
        "{NETWORK}{}kind: Pod\napiVersion: v1\nmetadata:\n  name: p\n  annotations:\n    k8s.v1.cni.cncf.io/networks: sriov-net-b, sriov-net-a@eth0\n    v1.multus-cni.io/default-network: x\n---\n{NETWORK}apiVersion: v1\nkind: List\nitems:\n- {{apiVersion: v1, kind: Pod, metadata: {{name: q, annotations: {{k8s.v1.cni.cncf.io/networks: '[]'}}}}}}\n- {{apiVersion: v1, kind: Pod, spec: 5}}\n- {{apiVersion: v1, kind: Pod, metadata: {{namespace: A b}}}}\n- {{apiVersion: v1, kind: Namespace}}\n",
        workload("v1", "ConfigMap", "data: {}")
    );
    let report = report(&input, Policy::default());
    insta::assert_snapshot!(format::text(&report), @r#"
    dir/a b.yaml:17: error: network-not-found: Pod default/p: annotation v1.multus-cni.io/default-network: there is no NetworkAttachmentDefinition kube-system/x; a default network without a namespace is looked for in kube-system; namespace kube-system has none at all, create it first
        at metadata.annotations[v1.multus-cni.io/default-network] (document 3)
    dir/a b.yaml:16: error: network-not-found: Pod default/p: annotation k8s.v1.cni.cncf.io/networks: entry 1: there is no NetworkAttachmentDefinition default/sriov-net-b; did you mean sriov-net-a?
        at metadata.annotations[k8s.v1.cni.cncf.io/networks] (document 3)
    dir/a b.yaml:16: error: interface-conflict: Pod default/p: annotation k8s.v1.cni.cncf.io/networks: entry 2: field "interface": "eth0" is already the interface of the cluster network; choose another name
        at metadata.annotations[k8s.v1.cni.cncf.io/networks] (document 3)
    dir/a b.yaml:21: warning: duplicate-definition: NetworkAttachmentDefinition default/sriov-net-a: it is defined in dir/a b.yaml (document 1) already, and in the same way; remove one of the two
        at metadata.name (document 4)
    dir/a b.yaml:24: warning: advice: Pod default/q: annotation k8s.v1.cni.cncf.io/networks is an empty list: the pod gets the cluster network only
        at items[0] (document 5)
    dir/a b.yaml:24: error: invalid-object: Pod default/(unnamed): it is not a valid pod: invalid type: integer `5`, expected struct PodSpec
        at items[1] (document 5)
    dir/a b.yaml:24: error: invalid-object: Pod default/(unnamed): in metadata, namespace "A b" is not valid: it must be 1 to 63 lower case letters, digits and '-', beginning and ending with a letter or digit
        at items[2].metadata (document 5)
    dir/a b.yaml:24: error: invalid-object: Namespace (unnamed): dir/a b.yaml (document 5) is not a valid Namespace: invalid type: null, expected struct Metadata
        at items[3] (document 5)
    "#);
    assert_eq!(
        report.summary(),
        "judged 7 objects: 6 errors, 2 warnings; 0 inputs that cannot be used"
    );
    assert_eq!(report.code(false), 1);
}

#[test]
fn a_mixture_reports_everything_it_can() {
    let input = format!(
        "a: 1\n---\n{NETWORK}{}[\n",
        workload("v1", "Pod", "spec: {}")
    );
    let report = report(&input, Policy::default());
    assert_eq!(
        (report.judged, report.unusable.len(), report.code(false)),
        (2, 2, 2)
    );
    let empty = super::lint(vec![], &"default".parse().unwrap(), &Policy::default()).unwrap();
    assert_eq!(empty.code(false), 2);
    assert!(empty.unusable[0].message.contains("name files"));
}

#[test]
fn missing_networks_can_be_expected_in_the_cluster_and_warnings_be_taken_strictly() {
    let input = format!(
        "{NETWORK}{}",
        workload(
            "apps/v1",
            "Deployment",
            &format!("spec: {{template: {TEMPLATE}}}")
        )
    );
    let mut policy = Policy::default();
    relax(&mut policy, Rule::NetworkNotFound);
    let report = report(&input, policy);
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    assert_eq!(
        (report.findings[0].level, report.findings[0].rule.as_ref()),
        (Level::Warning, "network-not-found")
    );
    assert_eq!((report.code(false), report.code(true)), (0, 1));
}

#[test]
fn namespaces_in_the_input_have_their_labels() {
    let policy = "apiVersion: polypod.dev/v1alpha1\nkind: AdmissionConfiguration\nmodes: [{mode: monitor, namespaces: {selector: {matchLabels: {stage: test}}}}]\n";
    let policy = admission::configuration::parse(policy, "f").unwrap();
    let input = format!(
        "{{apiVersion: v1, kind: Namespace, metadata: {{name: team, labels: {{stage: test}}}}}}\n---\n{}",
        workload(
            "apps/v1",
            "Deployment",
            &format!("spec: {{template: {TEMPLATE}}}")
        )
    );
    let report = report(&input, policy);
    assert_eq!(
        report.findings[0].level,
        Level::Note,
        "{:?}",
        report.findings
    );
    assert_eq!(report.code(true), 0);
}

#[test]
fn json_has_the_documented_fields() {
    let report = report(
        &workload(
            "apps/v1",
            "Deployment",
            &format!("spec: {{template: {TEMPLATE}}}"),
        ),
        Policy::default(),
    );
    insta::assert_snapshot!(format::json(&report).unwrap(), @r#"
    {
      "errors": 1,
      "findings": [
        {
          "field": "spec.template.metadata.annotations[k8s.v1.cni.cncf.io/networks]",
          "level": "error",
          "message": "annotation k8s.v1.cni.cncf.io/networks: entry 1: there is no NetworkAttachmentDefinition team/sriov-net-a; namespace team has none at all, create it first",
          "object": {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": "web",
            "namespace": "team"
          },
          "place": {
            "document": 1,
            "file": "dir/a b.yaml",
            "line": 4
          },
          "rule": "network-not-found"
        }
      ],
      "judged": 1,
      "unusable": [],
      "version": 1,
      "warnings": 0
    }
    "#);
}

/// The properties that the schema of SARIF 2.1.0 requires, and those whose values it limits.
#[test]
fn sarif_fits_its_schema() {
    let report = report(
        &format!(
            "{}[",
            workload(
                "apps/v1",
                "Deployment",
                &format!("spec: {{template: {TEMPLATE}}}")
            )
        ),
        Policy::default(),
    );
    let log: Value = serde_json::from_str(&sarif::print(&report).unwrap()).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "kubectl-polypod");
    let rules = driver["rules"].as_array().unwrap();
    assert_eq!(rules.len(), Rule::ALL.len() + 3);
    for rule in rules {
        assert!(rule["id"].is_string() && rule["shortDescription"]["text"].is_string());
    }
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert!(invocation["toolExecutionNotifications"][0]["message"]["text"].is_string());
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), report.findings.len());
    for result in results {
        assert!(result["message"]["text"].is_string());
        assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "dir/a%20b.yaml");
        assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
    }
}

#[test]
fn networks_that_the_api_server_names_are_not_the_same() {
    let unnamed = |plugin: &str| {
        format!(
            "apiVersion: k8s.cni.cncf.io/v1\nkind: NetworkAttachmentDefinition\nmetadata: {{generateName: net-}}\nspec: {{config: '{{\"type\":\"{plugin}\"}}'}}\n---\n"
        )
    };
    let report = report(
        &[unnamed("bridge"), unnamed("ipvlan")].concat(),
        Policy::default(),
    );
    assert_eq!((report.judged, report.findings.len()), (2, 0));
}

#[test]
fn the_cause_is_told_once() {
    let file = tempfile::TempDir::new().unwrap().path().join("gone.yaml");
    let sources = crate::input::sources(&file);
    let report = super::lint(sources, &"default".parse().unwrap(), &Policy::default()).unwrap();
    let message = &report.unusable[0].message;
    assert_eq!(message.matches("No such file").count(), 1, "{message}");
}
