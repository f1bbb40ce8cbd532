//! Short ways to write down questions, networks, pods and allocations in tests.

use api::{network::Network, objects};
use serde_json::{Value, json};
use spec::{
    bridge::{PodAnnotations, Question, Report},
    network::NetworkStatus,
};

use crate::{
    allocation::Allocation,
    networks::Networks,
    pod_facts::PodFacts,
    proto::{ContainerDevices, ContainerResources, PodResources},
};

/// Containers with the devices of resources: `("app", &[("intel.com/sriov", &["a"])])`.
pub(crate) type Containers<'a> = &'a [(&'a str, &'a [(&'a str, &'a [&'a str])])];

/// The kubelet's entry of pod default/p.
pub(crate) fn pod_resources(containers: Containers<'_>) -> PodResources {
    let containers = containers.iter().map(|(name, devices)| ContainerResources {
        name: (*name).to_owned(),
        devices: devices
            .iter()
            .map(|(resource, ids)| ContainerDevices {
                resource_name: (*resource).to_owned(),
                device_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
                topology: None,
            })
            .collect(),
        ..ContainerResources::default()
    });
    PodResources {
        name: "p".to_owned(),
        namespace: "default".to_owned(),
        containers: containers.collect(),
    }
}

/// The same as an allocation.
pub(crate) fn allocated(containers: Containers<'_>) -> Allocation {
    Allocation::of(&pod_resources(containers))
}

/// A NetworkAttachmentDefinition: `namespace/name`, its resource, its configuration.
pub(crate) fn network(reference: &str, resource: Option<&str>, conf: Option<&Value>) -> Network {
    let (namespace, name) = reference.split_once('/').unwrap();
    let annotations = resource.map(|name| json!({"k8s.v1.cni.cncf.io/resourceName": name}));
    let object = json!({
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": {"namespace": namespace, "name": name, "annotations": annotations},
        "spec": {"config": conf.map(Value::to_string)},
    });
    let objects = objects::parse(&object.to_string(), "test").unwrap();
    objects::networks(&objects, "default").unwrap().remove(0)
}

/// Two SR-IOV networks of one resource, one of another, a macvlan with capabilities, one in a file of the node.
pub(crate) fn networks() -> Networks {
    let sriov = json!({"cniVersion": "0.3.1", "type": "sriov"});
    let macvlan = json!({"cniVersion": "0.3.1", "type": "macvlan", "capabilities": {"ips": true, "mac": true}});
    [
        network("default/sriov-a", Some("intel.com/sriov"), Some(&sriov)),
        network("default/sriov-b", Some("intel.com/sriov"), Some(&sriov)),
        network("default/other", Some("example.com/vf"), Some(&sriov)),
        network("default/macvlan", None, Some(&macvlan)),
        network("default/in-file", None, None),
        network("kube-system/sriov-d", Some("intel.com/sriov"), Some(&sriov)),
        network("kube-system/cluster", None, Some(&json!({"type": "ptp"}))),
        network("default/broken", None, Some(&json!({"plugins": []}))),
        network("default/blank", Some(""), Some(&sriov)),
        network(
            "default/args",
            None,
            Some(&json!({"type": "x", "args": [1]})),
        ),
    ]
    .into_iter()
    .collect()
}

/// A question for pod default/p with UID u1, whose annotations the runtime gave.
pub(crate) fn question(networks: &str) -> Question {
    Question {
        annotations: Some(PodAnnotations {
            networks: Some(networks.to_owned()),
            default_network: None,
        }),
        ..bare_question()
    }
}

/// The same, with the default-network annotation as well.
pub(crate) fn question_with_default(default_network: &str, networks: &str) -> Question {
    let mut question = question(networks);
    if let Some(annotations) = &mut question.annotations {
        annotations.default_network = Some(default_network.to_owned());
    }
    question
}

/// A question for pod default/p with UID u1, whose annotations the runtime did not give.
pub(crate) fn bare_question() -> Question {
    serde_json::from_value(json!({
        "pod": {"namespace": "default", "name": "p", "uid": "u1"},
        "containerId": "c1",
        "systemNamespace": "kube-system",
    }))
    .unwrap()
}

/// A report about that pod, whose network-status names one network.
pub(crate) fn report(network: &str) -> Report {
    let question = bare_question();
    Report {
        pod: question.pod,
        container_id: question.container_id,
        statuses: vec![NetworkStatus {
            name: network.to_owned(),
            ..NetworkStatus::default()
        }],
        added: Vec::new(),
        times: None,
        wait_ms: None,
        traceparent: None,
        add: None,
        parent: None,
    }
}

/// Pod default/p as the store knows it.
pub(crate) fn pod(uid: &str, networks: &str) -> PodFacts {
    let annotations = [(spec::network::NETWORKS.to_owned(), networks.to_owned())];
    PodFacts::new("default", "p", uid, &annotations.into()).unwrap()
}
