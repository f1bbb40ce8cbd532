//! Vectors about pods that nothing is added to: the final pod of a creation, and the change of a stored one.

use serde_json::json;

use super::*;
use crate::{
    Policy,
    fixture::{cluster, namespace, pod, read},
    review_final, review_update,
};

#[test]
fn the_final_pod_must_have_what_its_networks_need() {
    let final_review = |pod: &Value| {
        review_final(
            &read(pod),
            &namespace("default"),
            &cluster(),
            &Policy::default(),
        )
    };
    let mut pod = pod(Some("foo,foo2,foo,bar"), None);
    insta::assert_snapshot!(final_review(&pod).unwrap_err(), @"pod default/web cannot get its networks: (1) it needs 1 of example.com/bar for network default/bar, but its containers request 0; add 1 to the requests and limits of one container (2) it needs 3 of example.com/foo for networks default/foo, default/foo2, default/foo, but its containers request 0; add 3 to the requests and limits of one container");
    pod["spec"]["containers"][0]["resources"]["requests"] =
        json!({"example.com/foo": 3, "example.com/bar": 1});
    insta::assert_snapshot!(final_review(&pod).unwrap_err(), @r#"pod default/web cannot get its networks: (1) container "c0" requests 1 of example.com/bar without a limit; devices cannot be overcommitted, write the same number in limits (2) container "c0" requests 3 of example.com/foo without a limit; devices cannot be overcommitted, write the same number in limits"#);
    pod["spec"]["containers"][0]["resources"]["limits"] =
        json!({"example.com/foo": "3", "example.com/bar": "1"});
    let plan = final_review(&pod).unwrap();
    assert_eq!(plan.networks.len(), 4);
}

#[test]
fn vectors_60_and_61_a_stored_pod_is_judged_only_when_its_networks_change() {
    let update = |old: &Value, new: &Value| {
        review_update(
            &read(old),
            &read(new),
            &namespace("default"),
            &cluster(),
            &Policy::default(),
        )
    };
    let none = pod(None, None);
    let foo = pod(Some("foo"), None);
    let bad = pod(Some("fooo"), None);
    assert!(update(&bad, &bad).is_ok(), "61");
    assert!(update(&foo, &foo).is_ok(), "61");
    assert!(update(&bad, &none).is_ok());
    assert!(update(&none, &pod(Some("noannot"), None)).is_ok());
    let denial = update(&none, &foo).unwrap_err();
    assert_eq!((denial.code(), denial.reason()), (403, "Forbidden"), "60");
    insta::assert_snapshot!(denial, @"the networks of pod default/web cannot be changed in this way while it exists: it needs 1 of example.com/foo for network default/foo, but its containers request 0; add 1 to the requests and limits of one container");
}

#[test]
fn vector_60_a_relaxed_rule_lets_a_network_be_added_without_its_device() {
    let relaxed = |mode: &str| {
        let policy =
            crate::fixture::policy(json!({"modes": [{"rules": ["device-deficit"], "mode": mode}]}));
        let (old, new) = (read(&pod(None, None)), read(&pod(Some("foo"), None)));
        review_update(&old, &new, &namespace("default"), &cluster(), &policy).unwrap()
    };
    let warned = relaxed("warn");
    assert_eq!((warned.warnings.len(), warned.findings.len()), (1, 1));
    assert!(
        warned.patch(&read(&pod(Some("foo"), None))).is_empty(),
        "never a patch"
    );
    let monitored = relaxed("monitor");
    assert_eq!((monitored.warnings.len(), monitored.findings.len()), (0, 1));
}

#[test]
fn annotations_about_a_creation_do_not_bind_a_stored_pod() {
    let mut old = pod(Some("noannot,foo"), None);
    old["metadata"]["annotations"][spec::network::CONTAINER] = json!("foo=c0");
    let mut new = old.clone();
    new["metadata"]["annotations"][spec::network::NETWORKS] = json!("noannot");
    let update = review_update(
        &read(&old),
        &read(&new),
        &namespace("default"),
        &cluster(),
        &Policy::default(),
    );
    assert_eq!(update.map(|plan| plan.warnings), Ok(Vec::new()));
}
