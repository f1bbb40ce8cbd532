//! What is rendered of which policy.

use serde_json::json;

use super::*;
use crate::policy::Modes;

fn names(policy: &Policy) -> Vec<(String, String)> {
    static_policies(policy, &BTreeSet::new())
        .into_iter()
        .map(|both| {
            let spec = both.binding.spec;
            assert_eq!(both.policy.metadata.name.as_ref(), Some(&spec.policy_name));
            (spec.policy_name, spec.validation_actions[0].clone())
        })
        .collect()
}

fn pairs(texts: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = texts.iter();
    pairs
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}

#[test]
fn what_is_enforced_everywhere_is_one_policy_each() {
    let wanted = pairs(&[
        ("polypod-pods-deny", "Deny"),
        ("polypod-pods-host-network", "Warn"),
        ("polypod-network-attachment-definitions-deny", "Deny"),
    ]);
    assert_eq!(names(&Policy::default()), wanted);
}

#[test]
fn modes_become_actions_in_their_namespaces() {
    let modes: Modes = serde_json::from_value(json!([
        {"rules": ["annotation-syntax"], "namespaces": {"names": ["lab"]}, "mode": "warn"},
        {"rules": ["annotation-syntax"], "namespaces": {"selector": {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "NotIn", "values": ["d"]}]}}, "mode": "monitor"},
        {"rules": ["definition-config", "definition-annotations"], "mode": "warn"},
    ]))
    .unwrap();
    let policy = Policy {
        modes,
        ..Policy::default()
    };
    let wanted = pairs(&[
        ("polypod-pods-deny", "Deny"),
        ("polypod-pods-warn", "Warn"),
        ("polypod-pods-audit", "Audit"),
        ("polypod-pods-host-network", "Warn"),
        ("polypod-network-attachment-definitions-warn", "Warn"),
    ]);
    assert_eq!(names(&policy), wanted);
    let has = |mode| mode_of::has(&policy, crate::Rule::AnnotationSyntax, mode).to_string();
    insta::assert_snapshot!(has(Mode::Enforce), @r#"(!(request.namespace in ["lab"])) && (!((("a" in variables.namespaceLabels) && (variables.namespaceLabels["a"] in ["b"])) && ((!("c" in variables.namespaceLabels)) || (!(variables.namespaceLabels["c"] in ["d"])))))"#);
    insta::assert_snapshot!(has(Mode::Warn), @r#"request.namespace in ["lab"]"#);
    insta::assert_snapshot!(has(Mode::Monitor), @r#"(!(request.namespace in ["lab"])) && ((("a" in variables.namespaceLabels) && (variables.namespaceLabels["a"] in ["b"])) && ((!("c" in variables.namespaceLabels)) || (!(variables.namespaceLabels["c"] in ["d"]))))"#);
    // The relaxed rule asks for the namespace first; the others do not.
    let spec = static_policies(&policy, &BTreeSet::new())[0]
        .policy
        .spec
        .clone()
        .unwrap();
    for validation in spec.validations.unwrap() {
        let is_guarded = validation
            .expression
            .starts_with("!((!(request.namespace in ");
        let is_understood = validation.expression.starts_with("!variables.isUnderstood");
        assert!(is_guarded != is_understood, "{}", validation.expression);
    }
}

#[test]
fn access_is_rendered_where_the_policy_has_it() {
    let count = |access| {
        let policy = Policy {
            access: serde_json::from_value(access).unwrap(),
            ..Policy::default()
        };
        let spec = static_policies(&policy, &BTreeSet::new())[0]
            .policy
            .spec
            .clone()
            .unwrap();
        spec.validations.unwrap().len()
    };
    let none = count(json!({}));
    assert_eq!(
        count(json!({"namespaceIsolation": true, "globalNamespaces": ["a"]})),
        none + 1
    );
    assert_eq!(count(json!({"requireUse": true})), none + 1);
    assert_eq!(
        count(json!({"allowedNetworks": [{"networks": ["a/*"]}]})),
        none + 1
    );
}

#[test]
fn namespaces_are_left_out_by_their_names() {
    let names = |texts: &[&str]| {
        let names = texts.iter().map(|text| text.parse().unwrap());
        names.collect::<BTreeSet<Namespace>>()
    };
    for both in static_policies(&Policy::default(), &names(&["polypod", "kube-system"])) {
        let matched = serde_json::to_value(both.binding.spec.match_resources).unwrap();
        let expression = json!({"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system", "polypod"]});
        assert_eq!(
            matched,
            json!({"namespaceSelector": {"matchExpressions": [expression]}})
        );
    }
    // An empty list of values is refused by the API server.
    for both in static_policies(&Policy::default(), &names(&[])) {
        assert_eq!(both.binding.spec.match_resources, None);
    }
}
