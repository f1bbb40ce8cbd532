//! A Deployment of sixty pods with three networks each.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use super::super::{
    Story,
    cluster::{Cluster, is_ready},
    evidence::until,
    leaks,
    pods::{network_status, spec},
};

pub(super) const SIXTY: Story = Story {
    name: "Deployment of 60 pods",
    checks: "three networks each; scaled up from 0, rolled, deleted: every pod has its four interfaces, no address is there twice, and there are as many leases and records as pods",
    tell: sixty,
};

const REPLICAS: usize = 60;

const NETWORKS: [&str; 3] = ["front", "storage", "control"];

/// How long all of them may take to start on a busy machine.
const LIMIT: Duration = Duration::from_secs(300);

const PATH: &str = "/apis/apps/v1/namespaces/default/deployments";

fn sixty(cluster: &mut Cluster) {
    let labels = json!({"app": "many"});
    let annotations = json!({"k8s.v1.cni.cncf.io/networks": NETWORKS.join(",")});
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "many"},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels},
            "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "template": {"metadata": {"labels": labels, "annotations": annotations}, "spec": spec()}}});
    let reply = cluster.ask("POST", PATH, &deployment);
    assert_eq!(reply.status, 201, "{}", reply.body);

    change(cluster, &json!({"spec": {"replicas": REPLICAS}}));
    check(cluster);
    let before: BTreeSet<String> = names(cluster);

    change(
        cluster,
        &json!({"spec": {"template": {"metadata": {"annotations": {"example.com/round": "2"}}}}}),
    );
    check(cluster);
    assert!(
        before.is_disjoint(&names(cluster)),
        "every pod is a new one"
    );

    let options =
        json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground"});
    let reply = cluster.ask("DELETE", &format!("{PATH}/many"), &options);
    assert_eq!(reply.status, 200, "{}", reply.body);
    until("all pods are gone", LIMIT, || {
        let left = names(cluster);
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("{} are there", left.len()))
        }
    });
}

/// Changes the Deployment, and waits until all of its pods are as it says, and no others.
fn change(cluster: &Cluster, patch: &Value) {
    let path = format!("{PATH}/many");
    let reply = cluster.ask("PATCH", &path, patch);
    assert_eq!(reply.status, 200, "{}", reply.body);
    let generation = reply.body["metadata"]["generation"].clone();
    until("all pods run", LIMIT, || {
        let deployment = cluster.ask("GET", &path, &Value::Null).body;
        let status = &deployment["status"];
        let as_many = |key: &str| status[key] == REPLICAS;
        let done = status["observedGeneration"] == generation
            && ["replicas", "updatedReplicas", "availableReplicas"]
                .iter()
                .all(|key| as_many(key))
            && names(cluster).len() == REPLICAS;
        if done {
            Ok(())
        } else {
            Err(format!("{status}\n{}", cluster.evidence()))
        }
    });
}

fn names(cluster: &Cluster) -> BTreeSet<String> {
    let pods = cluster.pods();
    let names = pods
        .iter()
        .filter_map(|pod| pod["metadata"]["name"].as_str());
    names.map(str::to_owned).collect()
}

fn check(cluster: &Cluster) {
    let published = "network-status of every pod is published";
    let pods = until(published, Duration::from_secs(60), || {
        let pods = cluster.pods();
        let missing = pods
            .iter()
            .filter(|pod| network_status(pod).is_none())
            .count();
        if missing == 0 {
            Ok(pods)
        } else {
            Err(format!("{missing} have none"))
        }
    });
    let mut addresses = BTreeSet::new();
    for pod in &pods {
        assert!(is_ready(pod), "{}", pod["status"]);
        let name = pod["metadata"]["name"].as_str().expect("pods have names");
        let links = cluster.links(name);
        let mut interfaces: Vec<&str> = links.iter().map(|link| link.name.as_str()).collect();
        interfaces.sort_unstable();
        assert_eq!(interfaces, ["eth0", "net1", "net2", "net3"], "{name}");
        let status = network_status(pod).expect("it was waited for");
        let mut told: Vec<String> = status
            .iter()
            .flat_map(|entry| entry["ips"].as_array().cloned().unwrap_or_default())
            .filter_map(|ip| ip.as_str().map(str::to_owned))
            .collect();
        told.sort();
        let mut real: Vec<String> = links
            .iter()
            .flat_map(|link| &link.addresses)
            .map(|address| address.split('/').next().unwrap_or_default().to_owned())
            .collect();
        real.sort();
        assert_eq!(told, real, "{name}: network-status and kernel agree");
        addresses.extend(real);
    }
    assert_eq!(addresses.len(), pods.len() * 4, "no address is there twice");
    for network in ["primary"].iter().chain(&NETWORKS) {
        let there = || leaks::leases(network).len();
        until(
            "leases of pods that are gone are free",
            Duration::from_secs(60),
            || {
                if there() == pods.len() {
                    Ok(())
                } else {
                    Err(format!("{network}: {}", there()))
                }
            },
        );
    }
    assert_eq!(leaks::records().len(), pods.len(), "a record each");
}
