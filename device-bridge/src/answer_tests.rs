//! Tables for both functions. Every defect that the peer has here (reference: Multus, device allocation) has its row.

use proptest::prelude::*;
use serde_json::json;
use spec::cni::code;

use super::*;
use crate::{
    fixture::{
        Containers, allocated, bare_question, networks, pod, pod_resources, question,
        question_with_default,
    },
    proto::PodResources,
};

fn answer(question: &Question, containers: Containers<'_>) -> Result<Answer, Failure> {
    assign(
        resolve(question, None, &networks())?,
        &allocated(containers),
    )
}

/// (network, device) of every attachment, the cluster network first.
fn handed_out(answer: &Answer) -> Vec<(String, Option<String>)> {
    let all = answer.cluster_network.as_deref().into_iter();
    all.chain(answer.default_networks.iter().flatten())
        .chain(&answer.networks)
        .map(|attachment| {
            let device = attachment.device.as_ref();
            (
                attachment.name.clone(),
                device.map(|device| device.id.to_string()),
            )
        })
        .collect()
}

fn devices(answer: &Answer) -> Vec<String> {
    let all = handed_out(answer).into_iter();
    all.filter_map(|(_, device)| device).collect()
}

#[test]
fn the_nth_network_takes_the_nth_device() {
    let cases: &[(&str, Question, Containers<'_>, &[&str])] = &[
        (
            "one network twice",
            question("sriov-a,sriov-a"),
            &[("app", &[("intel.com/sriov", &["b", "a"])])],
            &["a", "b"],
        ),
        (
            "two networks of one resource, another resource between them",
            question("sriov-b,other,sriov-a"),
            &[(
                "app",
                &[
                    ("intel.com/sriov", &["2"]),
                    ("example.com/vf", &["9"]),
                    ("intel.com/sriov", &["1"]),
                ],
            )],
            &["1", "9", "2"],
        ),
        (
            "default-network and networks share one count",
            question_with_default("sriov-d", "sriov-a"),
            &[("app", &[("intel.com/sriov", &["b", "a"])])],
            &["a", "b"],
        ),
        (
            "a device on two NUMA nodes is listed twice",
            question("sriov-a,sriov-b"),
            &[(
                "app",
                &[
                    ("intel.com/sriov", &["a"]),
                    ("intel.com/sriov", &["a"]),
                    ("intel.com/sriov", &["b"]),
                ],
            )],
            &["a", "b"],
        ),
        (
            "containers in their order, not the devices of the pod",
            question("sriov-a,sriov-b"),
            &[
                ("z", &[("intel.com/sriov", &["b"])]),
                ("a", &[("intel.com/sriov", &["a"])]),
            ],
            &["b", "a"],
        ),
        (
            "more devices than networks",
            question("sriov-a"),
            &[("app", &[("intel.com/sriov", &["b", "a"])])],
            &["a"],
        ),
    ];
    for (name, question, containers, wanted) in cases {
        let answer = answer(question, containers).unwrap();
        assert_eq!(devices(&answer), *wanted, "{name}");
        let all = answer.cluster_network.as_deref().into_iter();
        for attachment in all.chain(&answer.networks) {
            let device = attachment.device.as_ref().unwrap().id.as_str();
            assert_eq!(attachment.runtime_config["deviceID"], device, "{name}");
        }
    }
}

#[test]
fn default_networks_take_their_devices_between_the_cluster_network_and_the_pods() {
    let containers: Containers<'_> = &[("app", &[("intel.com/sriov", &["a", "b", "c", "d"])])];
    let mut question = question("sriov-a");
    question.cluster_network = Some("sriov-d".parse().unwrap());
    for name in ["sriov-d", "file-of-the-node", "sriov-d", "cluster"] {
        question.default_networks.push(name.parse().unwrap());
    }
    let answer = answer(&question, containers).unwrap();
    let names: Vec<_> = answer
        .default_networks
        .iter()
        .map(|network| network.as_ref().map(|attachment| attachment.name.as_str()))
        .collect();
    let sriov = Some("kube-system/sriov-d");
    assert_eq!(names, [sriov, None, sriov, Some("kube-system/cluster")]);
    assert_eq!(devices(&answer), ["a", "b", "c", "d"]);
    assert_eq!(answer.networks[0].device.as_ref().unwrap().id.as_str(), "d");
    assert!(!answer.instead_of_delegates);

    let too_few = [("app", &[("intel.com/sriov", &["a", "b", "c"][..])][..])];
    let failure = assign(
        resolve(&question, None, &networks()).unwrap(),
        &allocated(&too_few),
    );
    let message = failure.unwrap_err().message;
    assert!(
        message.contains("need 4 of resource intel.com/sriov"),
        "{message}"
    );
}

#[test]
fn an_event_is_for_what_the_pod_selects() {
    let event = |question: &Question| {
        let known = pod("u9", "");
        let mut unnamed = question.clone();
        unnamed.pod.uid = None;
        resolve(&unnamed, Some(&known), &networks())
            .unwrap_err()
            .event
    };
    let of_networks = event(&question("macvlan,missing")).unwrap();
    assert_eq!(of_networks.reason, "NoNetworkFound");
    assert_eq!(of_networks.pod.uid.as_deref(), Some("u9"));
    assert!(
        of_networks.message.starts_with(
            "cannot find a network-attachment-definition (missing) in namespace (default): "
        ),
        "{of_networks:?}"
    );
    assert!(event(&question_with_default("missing", "")).is_some());
    assert!(event(&question("broken")).is_none());
}

#[test]
fn parallel_is_the_networks_word() {
    let mut quick = crate::fixture::network("default/quick", None, Some(&json!({"type": "x"})));
    quick.parallel = Ok(true);
    let networks: Networks = [quick, crate::fixture::network("default/slow", None, None)]
        .into_iter()
        .collect();
    let resolved = resolve(&question("quick,slow"), None, &networks).unwrap();
    let answer = assign(resolved, &Allocation::default()).unwrap();
    let parallel: Vec<bool> = answer
        .networks
        .iter()
        .map(|network| network.parallel)
        .collect();
    assert_eq!(parallel, [true, false]);
}

#[test]
fn the_cluster_network_takes_the_first_device_unless_it_is_replaced() {
    let containers: Containers<'_> = &[("app", &[("intel.com/sriov", &["a", "b", "c"])])];
    let mut of_cluster = question("sriov-a");
    of_cluster.cluster_network = Some("sriov-d".parse().unwrap());
    let with_cluster = answer(&of_cluster, containers).unwrap();
    let wanted = [
        ("kube-system/sriov-d".to_owned(), Some("a".to_owned())),
        ("default/sriov-a".to_owned(), Some("b".to_owned())),
    ];
    assert_eq!(handed_out(&with_cluster), wanted);

    let mut replaced = question_with_default("kube-system/cluster", "sriov-a");
    replaced.cluster_network = Some("sriov-d".parse().unwrap());
    let replaced = answer(&replaced, containers).unwrap();
    let wanted = [
        ("kube-system/cluster".to_owned(), None),
        ("default/sriov-a".to_owned(), Some("a".to_owned())),
    ];
    assert_eq!(handed_out(&replaced), wanted);
}

#[test]
fn a_cluster_network_that_is_no_object_is_left_to_the_plugin() {
    let mut of_cluster = question("");
    of_cluster.cluster_network = Some("cbr0".parse().unwrap());
    assert_eq!(answer(&of_cluster, &[]).unwrap(), Answer::default());
}

#[test]
fn selections_are_carried_over() {
    let text = r#"[{"name": "macvlan", "interface": "data0", "ips": ["10.0.0.5/24"], "mac": "02:00:00:00:00:01",
        "cni-args": {"a": 1}, "deviceID": "0000:03:02.1"}, {"name": "in-file"}]"#;
    let answer = answer(&question(text), &[]).unwrap();
    insta::assert_json_snapshot!(answer);
}

#[test]
fn a_resource_decides_on_the_device_and_not_the_pod() {
    let text = r#"[{"name": "sriov-a", "deviceID": "mine"}]"#;
    let answer = answer(
        &question(text),
        &[("app", &[("intel.com/sriov", &["allocated"])])],
    )
    .unwrap();
    assert_eq!(devices(&answer), ["allocated"]);
    assert_eq!(
        answer.networks[0].runtime_config["deviceID"],
        json!("allocated")
    );
}

#[test]
fn the_kubelet_is_asked_only_for_devices() {
    let needs = |networks_text: &str| {
        resolve(&question(networks_text), None, &networks())
            .unwrap()
            .needs_devices()
    };
    assert!(needs("macvlan,sriov-a"));
    assert!(!needs("macvlan,in-file"));
    assert!(!needs(r#"[{"name": "macvlan", "deviceID": "x"}]"#));
}

#[test]
fn annotations_come_from_the_question_else_from_the_pod() {
    let known = pod("u1", "macvlan");
    let of_pod = resolve(&bare_question(), Some(&known), &networks()).unwrap();
    let answer = assign(of_pod, &Allocation::of_unknown_pod()).unwrap();
    assert_eq!(answer.networks[0].name, "default/macvlan");
    let of_question = resolve(&question("in-file"), Some(&known), &networks()).unwrap();
    let answer = assign(of_question, &Allocation::of_unknown_pod()).unwrap();
    assert_eq!(answer.networks[0].name, "default/in-file");
}

#[test]
fn pods_that_pass() {
    let refused = |question: &Question, pod: Option<&PodFacts>| {
        Failure::from(resolve(question, pod, &networks()).unwrap_err())
    };
    let unknown = refused(&bare_question(), None);
    assert_eq!(unknown.code, code::TRY_AGAIN_LATER);
    assert!(unknown.message.contains("default/p"), "{unknown}");
    let another = refused(&question(""), Some(&pod("u2", "")));
    assert_eq!(another.code, code::TRY_AGAIN_LATER);
    for part in ["default/p", "u1", "u2"] {
        assert!(another.message.contains(part), "{another}");
    }
    let mut static_pod = pod("u2", "macvlan");
    static_pod.is_static = true;
    assert!(resolve(&bare_question(), Some(&static_pod), &networks()).is_ok());
}

/// What is said of requests that cannot be met. The snapshot is read by people: every message names pod, network, fault.
#[test]
fn requests_that_cannot_be_met() {
    let route =
        |gateway: &str| format!(r#"[{{"name": "macvlan", "default-route": ["{gateway}"]}}]"#);
    let questions = [
        question("sriov-a,missing"),
        question_with_default("macvlan", ""),
        question_with_default("", ""),
        question("macvlan@a b"),
        question("broken"),
        question("blank"),
        question(r#"[{"name": "sriov-a", "mac": "02:00:00:00:00:01"}]"#),
        question(r#"[{"name": "args", "cni-args": {"a": 1}}]"#),
        question_with_default(&route("10.0.0.1"), &route("10.0.0.2")),
        question("sriov-a,macvlan,sriov-b"),
        question("other"),
    ];
    let containers: Containers<'_> = &[
        ("app", &[("intel.com/sriov", &["0000:03:02.0"])]),
        ("log", &[]),
    ];
    let failures: Vec<String> = questions
        .iter()
        .map(|question| {
            let failure = answer(question, containers).unwrap_err();
            assert_eq!(failure.code, code::UNMET_REQUEST, "{failure}");
            failure.message
        })
        .collect();
    insta::assert_snapshot!(failures.join("\n"));
}

#[test]
fn a_pod_the_kubelet_does_not_know_has_no_devices() {
    let resolved = resolve(&question("sriov-a"), None, &networks()).unwrap();
    let failure = assign(resolved, &Allocation::of_unknown_pod()).unwrap_err();
    assert!(failure.message.contains("knows no such pod"), "{failure}");
}

#[test]
fn a_device_serves_one_attachment() {
    let written_and_allocated = r#"[{"name": "sriov-a"}, {"name": "in-file", "deviceID": "a"}]"#;
    let containers: Containers<'_> = &[(
        "app",
        &[("intel.com/sriov", &["a"]), ("example.com/vf", &["a"])],
    )];
    for text in [written_and_allocated, "sriov-a,other"] {
        let failure = answer(&question(text), containers).unwrap_err();
        assert!(
            failure.message.contains("device a would go to both"),
            "{failure}"
        );
    }
}

#[test]
fn an_id_that_cannot_be_handed_on_is_told_of() {
    let containers: Containers<'_> = &[("app", &[("intel.com/sriov", &["a/b"])])];
    let failure = answer(&question("sriov-a"), containers).unwrap_err();
    assert!(failure.message.contains("\"a/b\""), "{failure}");
    assert!(answer(&question("macvlan"), containers).is_ok());
}

#[test]
fn an_annotation_cannot_fill_memory() {
    let big = json!({"type": "x", "note": "n".repeat(64 << 10)});
    let networks = [crate::fixture::network("default/big", None, Some(&big))]
        .into_iter()
        .collect();
    let many = vec!["big"; 200].join(",");
    let failure = Failure::from(resolve(&question(&many), None, &networks).unwrap_err());
    assert!(failure.message.contains("select fewer"), "{failure}");
}

/// Containers with entries of two resources. An id belongs to one resource and may be listed twice, in one container or two.
fn allocations() -> impl Strategy<Value = PodResources> {
    let entry = prop_oneof![
        prop::collection::vec(0_u8..8, 0..3).prop_map(|ids| ("intel.com/sriov", ids)),
        prop::collection::vec(8_u8..16, 0..3).prop_map(|ids| ("example.com/vf", ids)),
    ];
    let container = prop::collection::vec(entry, 0..5);
    prop::collection::vec(container, 0..4).prop_map(|containers| {
        let mut pod = pod_resources(&[]);
        for (index, entries) in containers.into_iter().enumerate() {
            let mut of_container = pod_resources(&[("", &[])]).containers.remove(0);
            of_container.name = format!("container-{index}");
            of_container.devices = entries
                .into_iter()
                .map(|(resource, ids)| crate::proto::ContainerDevices {
                    resource_name: resource.to_owned(),
                    device_ids: ids.iter().map(|id| format!("0000:03:02.{id}")).collect(),
                    topology: None,
                })
                .collect();
            pod.containers.push(of_container);
        }
        pod
    })
}

fn selections() -> impl Strategy<Value = Question> {
    let names = prop::sample::select(vec!["sriov-a", "sriov-b", "other", "macvlan"]);
    let list = prop::collection::vec(names, 0..6);
    let of_system = prop::sample::select(vec!["sriov-d", "file-of-the-node"]);
    let defaults = prop::collection::vec(of_system, 0..3);
    (prop::bool::ANY, defaults, list).prop_map(|(with_default, defaults, list)| {
        let list = list.join(",");
        let mut question = if with_default {
            question_with_default("sriov-d", &list)
        } else {
            question(&list)
        };
        let defaults = defaults.into_iter().map(|name| name.parse().unwrap());
        question.default_networks = defaults.collect();
        question
    })
}

fn answer_from(question: &Question, pod: &PodResources) -> Result<Answer, Failure> {
    let resolved = resolve(question, None, &networks()).unwrap();
    assign(resolved, &Allocation::of(pod))
}

proptest! {
    #[test]
    fn no_device_is_handed_out_twice(question in selections(), pod in allocations()) {
        if let Ok(answer) = answer_from(&question, &pod) {
            let mut devices = devices(&answer);
            let count = devices.len();
            devices.sort();
            devices.dedup();
            prop_assert_eq!(devices.len(), count);
        }
    }

    #[test]
    fn every_network_of_a_resource_has_a_device_of_it(question in selections(), pod in allocations()) {
        if let Ok(answer) = answer_from(&question, &pod) {
            for (name, device) in handed_out(&answer) {
                prop_assert_eq!(device.is_some(), name != "default/macvlan", "{}", name);
            }
        }
    }

    #[test]
    fn the_order_of_entries_and_ids_means_nothing(
        question in selections(),
        pod in allocations(),
        turns in prop::collection::vec(0_usize..8, 4),
    ) {
        let mut shuffled = pod.clone();
        for (container, turn) in shuffled.containers.iter_mut().zip(turns) {
            for entry in &mut container.devices {
                entry.device_ids.reverse();
            }
            let by = turn % container.devices.len().max(1);
            container.devices.rotate_left(by);
        }
        prop_assert_eq!(answer_from(&question, &pod), answer_from(&question, &shuffled));
    }
}

#[test]
fn a_pod_that_may_be_of_multus_v1_is_refused() {
    let mut facts = pod("u1", "");
    facts.annotations = spec::bridge::PodAnnotations::default();
    facts.legacy_v1 = Some(r#"[{"name":"a"}]"#.to_owned());
    let mut question = bare_question();
    assert!(resolve(&question, Some(&facts), &networks()).is_ok());
    question.perhaps_v1 = true;
    let refused: Failure = resolve(&question, Some(&facts), &networks())
        .unwrap_err()
        .into();
    assert!(
        refused.message.contains(r#"set "legacy": "v1""#),
        "{}",
        refused.message
    );
    facts.annotations.networks = Some("sriov-a".to_owned());
    assert!(resolve(&question, Some(&facts), &networks()).is_ok());
}
