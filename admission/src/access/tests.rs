//! Who may use what, rule by rule; the vectors by their numbers.

use api::network_attachment_definition::NetworkAttachmentDefinition;
use serde_json::{Value, json};
use spec::network::SHARED_WITH;

use crate::{
    Cluster, Denial, Mode, NetworkIndex, Plan, Policy, admit, admit_network, admit_network_update,
    fixture::{cluster, namespace, network, pod, read},
    permissions::{Permissions, UseAnswer, UseQuestion},
    review_final,
};

fn policy(access: Value) -> Policy {
    serde_json::from_value(json!({"access": access})).unwrap()
}

fn decide(of: &str, pod: &Value, cluster: &Cluster, policy: &Policy) -> Result<Plan, Denial> {
    admit(&read(pod), &namespace(of), cluster, policy)
}

/// The causes of a denial, or nothing.
fn refused(of: &str, pod: &Value, cluster: &Cluster, policy: &Policy) -> Vec<String> {
    match decide(of, pod, cluster, policy) {
        Ok(_) => Vec::new(),
        Err(denial) => {
            assert_eq!((denial.code(), denial.reason()), (403, "Forbidden"));
            denial
                .causes()
                .map(|cause| format!("{} {}: {}", cause.reason, cause.field, cause.message))
                .collect()
        }
    }
}

#[test]
fn vectors_n19_and_n20_isolation_is_the_nodes() {
    let alone = policy(json!({"namespaceIsolation": true, "globalNamespaces": []}));
    let with_default = policy(json!({"namespaceIsolation": true}));
    let with_system =
        policy(json!({"namespaceIsolation": true, "globalNamespaces": ["kube-system"]}));
    let open = Policy::default();
    for (number, policy, of, networks, default_network, wanted) in [
        ("N19", &alone, "default", Some("default/noannot"), None, 0),
        ("N19", &alone, "default", Some("noannot"), None, 0),
        (
            "N19",
            &alone,
            "default",
            Some(r#"[{"name":"noannot","namespace":"default"}]"#),
            None,
            0,
        ),
        (
            "a pod elsewhere",
            &alone,
            "ns1",
            Some("default/noannot"),
            None,
            1,
        ),
        (
            "default is global unless others are listed",
            &with_default,
            "ns1",
            Some("default/noannot"),
            None,
            0,
        ),
        ("", &with_default, "default", Some("ns1/onlyns1"), None, 1),
        ("", &with_system, "ns1", Some("default/noannot"), None, 1),
        (
            "N20 the JSON form",
            &alone,
            "default",
            Some(r#"[{"name":"onlyns1","namespace":"ns1"}]"#),
            None,
            1,
        ),
        ("N20", &alone, "default", None, Some("ns1/onlyns1"), 1),
        (
            "the system namespace is another one as well",
            &alone,
            "default",
            None,
            Some("def"),
            1,
        ),
        (
            "unless it is global",
            &with_system,
            "default",
            None,
            Some("def"),
            0,
        ),
        (
            "without the rule",
            &open,
            "default",
            Some("ns1/onlyns1"),
            None,
            0,
        ),
        (
            "each is told",
            &alone,
            "default",
            Some("ns1/foo,noannot,ns1/onlyns1"),
            None,
            2,
        ),
        (
            "what is there is not told",
            &alone,
            "default",
            Some("ns1/fooo"),
            None,
            1,
        ),
    ] {
        let pod = pod(networks, default_network);
        let causes = refused(of, &pod, &cluster(), policy);
        assert_eq!(causes.len(), wanted, "{number}: {pod} {causes:?}");
        assert!(
            causes
                .iter()
                .all(|cause| cause.contains("namespace isolation")),
            "{number}: {causes:?}"
        );
    }
    let slash = pod(Some(r#"[{"name":"ns1/net1"}]"#), None);
    assert!(
        decide("default", &slash, &cluster(), &alone).is_err(),
        "N20"
    );
    let causes = refused(
        "default",
        &pod(Some("ns1/foo"), None),
        &cluster(),
        &with_system,
    );
    insta::assert_snapshot!(causes.join("\n"), @"FieldValueForbidden metadata.annotations[k8s.v1.cni.cncf.io/networks]: annotation k8s.v1.cni.cncf.io/networks: entry 1: namespace isolation: a pod of namespace default may not select ns1/foo, only networks of its own namespace or of kube-system; select one of those, or have the administrator add ns1 to globalNamespaces");
    let causes = refused("default", &pod(Some("onlyns1"), None), &cluster(), &alone);
    insta::assert_snapshot!(causes.join("\n"), @"FieldValueNotFound metadata.annotations[k8s.v1.cni.cncf.io/networks]: annotation k8s.v1.cni.cncf.io/networks: entry 1: there is no NetworkAttachmentDefinition default/onlyns1; create it first, or select one that is in default, such as args, bar, bare");
}

#[test]
fn the_administrators_list() {
    let mut cluster = cluster();
    cluster.namespaces.insert(
        namespace("lab"),
        [("stage".to_owned(), "test".to_owned())].into(),
    );
    let policy = policy(json!({"allowedNetworks": [
        {"namespaces": {"names": ["ns1"]}, "networks": ["ns1/foo"]},
        {"namespaces": {"names": ["ns1"], "selector": {"matchLabels": {"stage": "test"}}}, "networks": ["kube-system/*"]},
        {"namespaces": {"names": ["nothing"]}, "networks": []},
    ]}));
    for (of, networks, wanted) in [
        ("ns1", "foo", 0),
        ("ns1", "onlyns1", 1),
        ("ns1", "kube-system/shared,kube-system/def", 0),
        ("ns1", "kube-system/unheard-of", 1),
        ("lab", "kube-system/shared", 0),
        ("lab", "ns1/foo", 1),
        ("nothing", "default/foo", 1),
        ("default", "ns1/foo", 0),
    ] {
        let causes = refused(of, &pod(Some(networks), None), &cluster, &policy);
        assert_eq!(causes.len(), wanted, "{of} {networks}: {causes:?}");
    }
    let causes = [
        refused("ns1", &pod(Some("foo,onlyns1"), None), &cluster, &policy),
        refused(
            "nothing",
            &pod(Some("default/foo"), None),
            &cluster,
            &policy,
        ),
    ];
    insta::assert_snapshot!(causes.concat().join("\n"), @r#"
    FieldValueForbidden metadata.annotations[k8s.v1.cni.cncf.io/networks]: annotation k8s.v1.cni.cncf.io/networks: entry 2: pods of namespace ns1 may not select ns1/onlyns1; the administrator allows them ns1/foo, kube-system/*. Select one of those, or have the administrator add it to allowedNetworks
    FieldValueForbidden metadata.annotations[k8s.v1.cni.cncf.io/networks]: annotation k8s.v1.cni.cncf.io/networks: entry 1: pods of namespace nothing may not select default/foo; the administrator allows them none. Select one of those, or have the administrator add it to allowedNetworks
    "#);
}

fn shared_networks() -> Cluster {
    let with = |name: &str, sharing: Option<&str>| {
        let mut network = network(name, None, r#"{"type":"macvlan"}"#);
        network
            .annotations
            .extend(sharing.map(|text| (SHARED_WITH.to_owned(), text.to_owned())));
        network
    };
    let networks: NetworkIndex = [
        with("net/all", Some("*")),
        with("net/radio", Some(r#"{"matchLabels":{"team":"radio"}}"#)),
        with("net/own", None),
        with("net/broken", Some("team=radio")),
    ]
    .into_iter()
    .collect();
    let mut cluster = Cluster::from(networks);
    cluster.namespaces.insert(
        namespace("a"),
        [("team".to_owned(), "radio".to_owned())].into(),
    );
    cluster.namespaces.insert(
        namespace("b"),
        [("team".to_owned(), "core".to_owned())].into(),
    );
    cluster
}

#[test]
fn networks_are_shared_by_their_owners() {
    let cluster = shared_networks();
    let policy = policy(json!({"requireSharing": true}));
    for (of, networks, wanted) in [
        ("a", "net/all,net/radio", 0),
        ("a", "net/own", 1),
        ("b", "net/all", 0),
        ("b", "net/radio", 1),
        ("b", "net/broken", 1),
        ("net", "all,radio,own,broken", 0),
        ("unheard-of", "net/radio", 1),
    ] {
        let pod = pod(Some(networks), None);
        let causes = refused(of, &pod, &cluster, &policy);
        assert_eq!(causes.len(), wanted, "{of} {networks}: {causes:?}");
        assert!(decide(of, &pod, &cluster, &Policy::default()).is_ok());
    }
    let of = |networks| refused("b", &pod(Some(networks), None), &cluster, &policy);
    insta::assert_snapshot!(of("net/radio,net/broken").join("\n"), @r#"
    FieldValueForbidden metadata.annotations[k8s.v1.cni.cncf.io/networks]: annotation k8s.v1.cni.cncf.io/networks: entry 1: net/radio is not shared with namespace b; have its owner write a label selector of that namespace, or "*", into the annotation polypod.dev/shared-with of the NetworkAttachmentDefinition
    FieldValueForbidden metadata.annotations[k8s.v1.cni.cncf.io/networks]: annotation k8s.v1.cni.cncf.io/networks: entry 2: net/broken is shared with nobody, as in its annotation polypod.dev/shared-with, "team=radio" is neither "*" nor a label selector in JSON, such as {"matchLabels": {"team": "radio"}}: expected ident at line 1 column 2; correct the NetworkAttachmentDefinition
    "#);
}

#[test]
fn plugin_types_of_a_namespace() {
    let chain = r#"{"plugins":[{"type":"macvlan"},{"type":"tuning"},{"type":"portmap"}]}"#;
    let networks = [
        network("a/plain", None, r#"{"type":"macvlan"}"#),
        network("a/chain", None, chain),
        network("a/ofnode", None, ""),
        network("a/broken", None, "{"),
    ];
    let cluster = Cluster::from(NetworkIndex::from_iter(networks));
    let types = |types: Value| {
        policy(json!({"delegateTypes": [
            {"namespaces": {"names": ["a"]}, "types": ["macvlan"]},
            {"namespaces": {"names": ["a"]}, "types": types},
            {"namespaces": {"names": ["a", "files"]}, "types": [], "nodeFiles": false},
            {"namespaces": {"names": ["files"]}, "types": [], "nodeFiles": true},
        ]}))
    };
    let few = types(json!(["tuning"]));
    let many = types(json!(["tuning", "portmap"]));
    for (policy, of, networks, wanted) in [
        (&few, "a", "plain", 0),
        (&few, "a", "chain", 1),
        (&many, "a", "chain", 0),
        (&many, "a", "ofnode", 1),
        (&few, "files", "a/ofnode", 0),
        (&few, "files", "a/plain", 1),
        (&few, "b", "a/chain", 0),
        (&few, "b", "a/ofnode", 0),
    ] {
        let causes = refused(of, &pod(Some(networks), None), &cluster, policy);
        assert_eq!(causes.len(), wanted, "{of} {networks}: {causes:?}");
    }
    let causes = refused("a", &pod(Some("chain,ofnode"), None), &cluster, &few);
    insta::assert_snapshot!(causes.join("\n"), @r#"
    FieldValueForbidden metadata.annotations[k8s.v1.cni.cncf.io/networks]: annotation k8s.v1.cni.cncf.io/networks: entry 1: a/chain has a plugin of type portmap; the administrator allows pods of namespace a the types macvlan, tuning
    FieldValueForbidden metadata.annotations[k8s.v1.cni.cncf.io/networks]: annotation k8s.v1.cni.cncf.io/networks: entry 2: a/ofnode has no spec.config, so its plugins are in a file of the node and cannot be looked into; the administrator allows pods of namespace a the types macvlan, tuning. Write the configuration into spec.config, or have the administrator set nodeFiles
    "#);
    let broken = decide("a", &pod(Some("broken"), None), &cluster, &few).unwrap_err();
    assert_eq!(broken.faults().len(), 1, "{broken}");
    assert!(
        serde_json::from_value::<Policy>(
            json!({"access": {"delegateTypes": [{"types": ["a/b"]}]}})
        )
        .is_err()
    );
}

fn definition(namespace: &str, sharing: Option<&str>, config: &str) -> NetworkAttachmentDefinition {
    let mut object = json!({
        "metadata": {"name": "n", "namespace": namespace},
        "spec": {"config": config},
    });
    if let Some(sharing) = sharing {
        object["metadata"]["annotations"] = json!({SHARED_WITH: sharing});
    }
    serde_json::from_value(object).unwrap()
}

#[test]
fn definitions_say_with_whom_they_are_shared() {
    const MACVLAN: &str = r#"{"type":"macvlan"}"#;
    let policy =
        policy(json!({"delegateTypes": [{"namespaces": {"names": ["a"]}, "types": ["bridge"]}]}));
    let decide =
        |object: &NetworkAttachmentDefinition| admit_network(object, &Cluster::default(), &policy);
    for good in [None, Some("*"), Some(r#"{"matchLabels":{"a":"b"}}"#)] {
        assert!(decide(&definition("b", good, MACVLAN)).is_ok(), "{good:?}");
    }
    let bad = definition("b", Some("radio"), MACVLAN);
    let denial = decide(&bad).unwrap_err();
    let causes: Vec<_> = denial.causes().collect();
    assert_eq!(denial.code(), 422);
    assert_eq!(
        causes[0].field,
        "metadata.annotations[polypod.dev/shared-with]"
    );
    insta::assert_snapshot!(denial, @r#"NetworkAttachmentDefinition b/n cannot be attached to: in annotation polypod.dev/shared-with, "radio" is neither "*" nor a label selector in JSON, such as {"matchLabels": {"team": "radio"}}: expected value at line 1 column 1"#);
    let stored = definition("b", None, MACVLAN);
    let update = |old, new| admit_network_update(old, new, &Cluster::default(), &policy);
    assert!(update(&stored, &bad).is_err());
    assert!(update(&bad, &bad).is_ok(), "a stored fault is nobody's");

    let warnings = |namespace, config| {
        let plan = decide(&definition(namespace, None, config)).unwrap();
        let warnings: Vec<String> = plan.warnings.iter().map(ToString::to_string).collect();
        warnings.join("\n")
    };
    assert_eq!(warnings("b", MACVLAN), "");
    assert_eq!(warnings("a", r#"{"type":"bridge"}"#), "");
    assert_eq!(
        warnings("a", MACVLAN),
        "pods of namespace a may not use plugin type macvlan (delegateTypes)"
    );
    assert!(warnings("a", "").contains("plugins of a file of the node"));
}

fn question(of: &str, account: &str, network: &str) -> UseQuestion {
    UseQuestion {
        namespace: namespace(of),
        service_account: account.parse().unwrap(),
        network: crate::fixture::reference(network),
    }
}

fn asked(answers: &[(&UseQuestion, UseAnswer)]) -> Cluster {
    let mut cluster = cluster();
    cluster.permissions = Permissions::to_be_asked();
    for (question, answer) in answers {
        cluster.permissions.insert((*question).clone(), *answer);
    }
    cluster
}

#[test]
fn the_service_account_needs_the_verb_use() {
    let policy = policy(json!({"requireUse": true}));
    let review = |pod: &Value, cluster: &Cluster, policy: &Policy| {
        review_final(&read(pod), &namespace("ns1"), cluster, policy)
    };
    let open = |result: Result<Plan, Denial>| -> Vec<String> {
        let denial = result.unwrap_err();
        let questions = denial.questions().map(|(question, can_do_without)| {
            assert!(!can_do_without);
            format!(
                "{} {} {}",
                question.user(),
                question.network,
                question.groups().join(",")
            )
        });
        questions.collect()
    };
    let mut two = pod(Some("onlyns1,default/noannot,onlyns1"), None);
    let (first, second) = (
        question("ns1", "default", "ns1/onlyns1"),
        question("ns1", "default", "default/noannot"),
    );
    // Nothing is known: the final review asks, and the plan of the mutating hook goes on without.
    assert!(admit(&read(&two), &namespace("ns1"), &asked(&[]), &policy).is_ok());
    insta::assert_snapshot!(open(review(&two, &asked(&[]), &policy)).join("\n"), @r#"
    system:serviceaccount:ns1:default ns1/onlyns1 system:serviceaccounts,system:serviceaccounts:ns1,system:authenticated
    system:serviceaccount:ns1:default default/noannot system:serviceaccounts,system:serviceaccounts:ns1,system:authenticated
    "#);
    let half = asked(&[(&first, UseAnswer::Allowed)]);
    assert_eq!(open(review(&two, &half, &policy)).len(), 1);
    let all = asked(&[(&first, UseAnswer::Allowed), (&second, UseAnswer::Allowed)]);
    assert!(review(&two, &all, &policy).is_ok());
    // What was refused needs no further answers, and is said by both.
    let refused = asked(&[(&first, UseAnswer::Refused)]);
    let denial = review(&two, &refused, &policy).unwrap_err();
    assert_eq!((denial.code(), denial.questions().count()), (403, 0));
    assert_eq!(denial.faults().len(), 2, "both entries: {denial}");
    insta::assert_snapshot!(denial.faults()[0], @"annotation k8s.v1.cni.cncf.io/networks: entry 1: service account ns1/default may not use ns1/onlyns1; give it a Role in namespace ns1 with the verb use on network-attachment-definitions of k8s.cni.cncf.io, resourceNames [onlyns1]");
    assert!(admit(&read(&two), &namespace("ns1"), &refused, &policy).is_err());
    // No answer is none.
    let unanswered = asked(&[
        (&first, UseAnswer::Unanswered),
        (&second, UseAnswer::Allowed),
    ]);
    assert_eq!(open(review(&two, &unanswered, &policy)).len(), 1);
    // Another account is another question; one that is no name is nobody's.
    two["spec"]["serviceAccountName"] = json!("builder");
    assert_eq!(open(review(&two, &all, &policy)).len(), 2);
    two["spec"]["serviceAccountName"] = json!("a:b");
    assert_eq!(review(&two, &all, &policy).unwrap_err().code(), 422);
    // Without the rule nobody is asked, and without an API server nobody can be.
    assert!(review(&two, &asked(&[]), &Policy::default()).is_ok());
    two["spec"]["serviceAccountName"] = json!("builder");
    let plan = review(&two, &cluster(), &policy).unwrap();
    let warnings: Vec<_> = plan.warnings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(warnings.join("\n"), @r#"
    whether service account builder may use ns1/onlyns1 is not checked without an API server
    whether service account builder may use default/noannot is not checked without an API server
    "#);
}

#[test]
fn a_relaxed_rule_does_without_an_answer_but_not_without_asking() {
    let pod = pod(Some("onlyns1"), None);
    let question = question("ns1", "default", "ns1/onlyns1");
    for mode in ["warn", "monitor"] {
        let policy: Policy = serde_json::from_value(json!({
            "access": {"requireUse": true},
            "modes": [{"rules": ["use-permission"], "namespaces": {"names": ["ns1"]}, "mode": mode}],
        }))
        .unwrap();
        let review =
            |cluster: &Cluster| review_final(&read(&pod), &namespace("ns1"), cluster, &policy);
        let open = review(&asked(&[])).unwrap_err();
        assert!(open.questions().eq([(&question, true)]), "{open}");
        assert!(
            review(&asked(&[(&question, UseAnswer::Allowed)]))
                .unwrap()
                .findings
                .is_empty()
        );
        for answer in [UseAnswer::Refused, UseAnswer::Unanswered] {
            let plan = review(&asked(&[(&question, answer)])).unwrap();
            assert_eq!(plan.findings.len(), 1, "{answer:?}");
            assert_eq!(
                plan.warnings.len(),
                usize::from(mode == "warn"),
                "{answer:?}"
            );
        }
    }
}

#[test]
fn each_rule_can_be_relaxed_where_it_is_meant() {
    let mut cluster = shared_networks();
    cluster
        .networks
        .insert(network("other/n", None, r#"{"type":"host-device"}"#));
    let access = json!({
        "namespaceIsolation": true,
        "requireSharing": true,
        "allowedNetworks": [{"networks": ["a/*"]}],
        "delegateTypes": [{"types": ["macvlan"]}],
    });
    let rules = [
        "namespace-isolation",
        "allowed-networks",
        "shared-with",
        "delegate-type",
    ];
    for enforced in rules {
        let relaxed: Vec<&str> = rules.into_iter().filter(|rule| *rule != enforced).collect();
        let policy: Policy = serde_json::from_value(json!({
            "access": access,
            "modes": [{"rules": relaxed, "mode": "monitor"}, {"namespaces": {"names": ["b"]}, "mode": "warn"}],
        }))
        .unwrap();
        let pod = pod(Some("other/n"), None);
        let denial = decide("a", &pod, &cluster, &policy).unwrap_err();
        let broken: Vec<&str> = denial
            .faults()
            .iter()
            .map(|fault| fault.rule().as_str())
            .collect();
        assert_eq!(broken, [enforced]);
        let plan = decide("b", &pod, &cluster, &policy).unwrap();
        let warned: Vec<&str> = plan
            .findings
            .iter()
            .filter(|finding| finding.mode == Mode::Warn)
            .map(|finding| finding.rule.as_str())
            .collect();
        assert_eq!(warned, [enforced]);
        assert_eq!((plan.findings.len(), plan.warnings.len()), (4, 1));
    }
}
