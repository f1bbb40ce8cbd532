//! Questions of configurations for Multus v1 and v2.

use serde_json::{Value, json};
use spec::{bridge::Attachment, cni::code, network::LegacyNetwork};

use super::*;
use crate::fixture::{bare_question, question};

fn objects(legacy: Legacy, objects: &[(&str, Value)]) -> Networks {
    let mut networks = crate::fixture::networks();
    for (reference, object) in objects {
        let (namespace, name) = reference.split_once('/').unwrap();
        let network = spec::network::NetworkRef {
            namespace: namespace.parse().unwrap(),
            name: name.parse().unwrap(),
        };
        let parsed = LegacyNetwork::parse(legacy, &network.name, object);
        networks.insert_legacy(legacy, network, parsed.into());
    }
    networks
}

fn v1() -> Networks {
    let object = |plugin: &str, args: &str| json!({"plugin": plugin, "args": args});
    objects(
        Legacy::V1,
        &[
            (
                "default/flannel-conf",
                object(
                    "flannel",
                    "[ { \"delegate\": { \"isDefaultGateway\": true } } ]",
                ),
            ),
            (
                "default/sriov-conf",
                object("sriov", "[{\"if0\": \"enp12s0f1\"}]"),
            ),
            (
                "default/sriov-vlanid-l2enable-conf",
                object("sriov", "[{\"if0\": \"enp2s0\", \"if0name\": \"north\"}]"),
            ),
            ("default/broken", object("sriov", "[]")),
        ],
    )
}

fn of(legacy: Legacy, annotation: &str) -> Question {
    Question {
        legacy: Some(legacy),
        ..question(annotation)
    }
}

fn answer(question: &Question, networks: &Networks) -> Result<Answer, Failure> {
    assign(resolve(question, None, networks)?, &Allocation::default())
}

fn conf(attachment: &Attachment) -> Value {
    match &attachment.conf {
        ConfSource::Inline(text) => serde_json::from_str(text).unwrap(),
        ConfSource::ConfDir(name) => json!(name.as_str()),
    }
}

const SEED: &str = "[\n{ \"name\": \"flannel-conf\" },\n{ \"name\": \"sriov-conf\"},\n{ \"name\": \"sriov-vlanid-l2enable-conf\" }\n]";

#[test]
fn the_first_of_v1_is_the_cluster_network_instead_of_all_delegates() {
    let mut question = of(Legacy::V1, SEED);
    question.cluster_network = Some("cluster".parse().unwrap());
    question.pod.namespace = "team-a".parse().unwrap();
    let answer = answer(&question, &v1()).unwrap();
    let first = answer.cluster_network.as_deref().unwrap();
    assert!(answer.instead_of_delegates);
    assert_eq!(first.name, "default/flannel-conf");
    assert_eq!(
        conf(first),
        json!({"name": "flannel-conf", "type": "flannel", "delegate": {"isDefaultGateway": true}})
    );
    let names: Vec<&str> = answer
        .networks
        .iter()
        .map(|network| network.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["default/sriov-conf", "default/sriov-vlanid-l2enable-conf"]
    );
}

#[test]
fn without_the_annotation_nothing_is_selected() {
    let mut question = of(Legacy::V1, "");
    assert_eq!(answer(&question, &v1()).unwrap(), Answer::default());
    // The annotations of today are not read.
    question.annotations = None;
    let annotations = [(spec::network::NETWORKS.to_owned(), "macvlan".to_owned())];
    let known = PodFacts::new("default", "p", "u1", &annotations.into()).unwrap();
    let resolved = resolve(&question, Some(&known), &v1()).unwrap();
    assert!(resolved.attachments.is_empty());
}

#[test]
fn the_annotation_is_the_pods_where_the_runtime_gave_none() {
    for legacy in [Legacy::V1, Legacy::V2] {
        let object = json!({"plugin": "x", "args": "[{}]", "spec": {"plugin": "x"}});
        let networks = objects(legacy, &[("default/a", object)]);
        let text = "[{\"name\": \"a\"}]".to_owned();
        let annotations = [(legacy.annotation().to_owned(), text)];
        let known = PodFacts::new("default", "p", "u1", &annotations.into()).unwrap();
        let question = Question {
            legacy: Some(legacy),
            ..bare_question()
        };
        let resolved = resolve(&question, Some(&known), &networks).unwrap();
        assert_eq!(resolved.attachments.len(), 1);
    }
}

#[test]
fn v2_adds_to_the_cluster_network_and_refuses_no_address() {
    let networks = objects(
        Legacy::V2,
        &[
            (
                "default/a",
                json!({"spec": {"config": "{\"type\": \"macvlan\"}"}}),
            ),
            ("other/b", json!({"spec": {"plugin": "sriov"}})),
            ("default/in-file", json!({"spec": {}})),
        ],
    );
    let mut question = of(
        Legacy::V2,
        r#"[{"name": "a", "ipRequest": "10.0.0.5", "macRequest": "02:23:45:67:89:01", "interfaceRequest": "data0"},
            {"name": "b", "namespace": "other"}, {"name": "in-file"}]"#,
    );
    question.cluster_network = Some("cluster".parse().unwrap());
    let answer = answer(&question, &networks).unwrap();
    assert_eq!(answer.cluster_network.unwrap().name, "kube-system/cluster");
    assert!(!answer.instead_of_delegates);
    let confs: Vec<Value> = answer.networks.iter().map(conf).collect();
    assert_eq!(
        confs,
        [
            json!({"type": "macvlan"}),
            json!({"cniVersion": "0.3.1", "name": "b", "type": "sriov"}),
            json!("in-file"),
        ]
    );
    let first = &answer.networks[0];
    assert_eq!(first.interface.as_ref().unwrap().as_str(), "data0");
    assert_eq!(
        Value::Object(first.runtime_config.clone()),
        json!({"ips": ["10.0.0.5"], "mac": "02:23:45:67:89:01"})
    );
}

#[test]
fn what_is_wrong_names_the_object() {
    for (legacy, annotation, wanted) in [
        (
            Legacy::V1,
            r#"[{"name": "missing"}]"#,
            "annotation networks, entry 1: there is no Network \"missing\" of kubernetes.com/v1 in namespace \"default\"",
        ),
        (
            Legacy::V1,
            r#"[{"name": "flannel-conf"}, {"name": "broken"}]"#,
            "entry 2: Network default/broken of kubernetes.com/v1 cannot be attached to: its args is a list of 0 elements",
        ),
        (
            Legacy::V1,
            "flannel-conf",
            "annotation networks is not valid JSON",
        ),
        (
            Legacy::V2,
            "flannel-conf",
            "there is no Network \"flannel-conf\" of kubernetes.cni.cncf.io/v1",
        ),
    ] {
        let failure = answer(&of(legacy, annotation), &v1()).unwrap_err();
        assert_eq!(failure.code, code::UNMET_REQUEST);
        assert!(failure.message.contains(wanted), "{failure}");
    }
}
