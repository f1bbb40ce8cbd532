//! Which namespaces a pod may refer to.

use spec::cni::code;

use super::*;
use crate::fixture::{question, question_with_default};

fn isolated(mut question: Question, global: &[&str]) -> Result<Selected, Failure> {
    question.isolation = Some(Isolation {
        global_namespaces: global.iter().map(|name| name.parse().unwrap()).collect(),
    });
    question.pod.namespace = "team-a".parse().unwrap();
    question.cluster_network = Some("cluster".parse().unwrap());
    question.default_networks = vec!["shared".parse().unwrap()];
    select(&question, None)
}

#[test]
fn a_pod_stays_in_its_namespace_and_the_global_ones() {
    let global = &["default", "shared"][..];
    for allowed in [
        question("a,team-a/b,default/c,shared/d"),
        question_with_default("team-a/a", ""),
        question_with_default("shared/a", "b"),
    ] {
        assert!(isolated(allowed, global).is_ok());
    }
    assert!(isolated(question_with_default("a", ""), &["kube-system"]).is_ok());
    for (refused, place, target) in [
        (
            question("a,team-b/b"),
            "annotation k8s.v1.cni.cncf.io/networks, entry 2",
            "team-b",
        ),
        (
            question("[{\"name\": \"b\", \"namespace\": \"team-b\"}]"),
            "entry 1",
            "team-b",
        ),
        (
            question_with_default("team-b/b", ""),
            "annotation v1.multus-cni.io/default-network",
            "team-b",
        ),
        // Multus's own namespace is another one as well.
        (
            question_with_default("b", ""),
            "default-network",
            "kube-system",
        ),
    ] {
        let failure = isolated(refused, global).unwrap_err();
        assert_eq!(failure.code, code::UNMET_REQUEST);
        let target = format!("network \"b\" of namespace {target:?}");
        for wanted in [
            place,
            "namespace isolation",
            "\"team-a\"",
            &target,
            "globalNamespaces",
            "\"shared\"",
        ] {
            assert!(failure.message.contains(wanted), "{wanted}: {failure}");
        }
    }
    let nowhere_else = isolated(question("default/a"), &[]).unwrap_err();
    assert!(
        nowhere_else
            .message
            .contains("only networks of its own namespace; use"),
        "{nowhere_else}"
    );
}

#[test]
fn the_namespace_of_v1_is_not_the_pods_choice() {
    let legacy = |legacy, text: &str| {
        let mut question = question(text);
        question.legacy = Some(legacy);
        isolated(question, &["shared"])
    };
    assert!(legacy(Legacy::V1, r#"[{"name": "a"}]"#).is_ok());
    assert!(legacy(Legacy::V2, "a,shared/b").is_ok());
    assert!(legacy(Legacy::V2, "default/a").is_err());
}
