//! A text as the configuration of a NetworkAttachmentDefinition, and as its whole `spec`.

use admission::{NetworkIndex, admit_network};
use api::{network::Network, network_attachment_definition::NetworkAttachmentDefinition};
use serde_json::{Value, json};
use spec::{
    cni::{Command, ConfError, NetworkConf, Version},
    network::{NETWORKS, Selection, parse_networks},
};

use super::{
    pods,
    world::{self, NAMESPACE, World},
};

/// A selection that asks for everything a selection can ask for.
const EVERYTHING: &str = r#"[{"name": "net", "ips": ["10.0.0.5/24"], "mac": "02:00:00:00:00:01", "infiniband-guid": "c2:11:22:33:44:55:66:77",
    "portMappings": [{"hostPort": 1, "containerPort": 2}], "bandwidth": {"ingressRate": 1}, "cni-args": {"a": 1}}]"#;

/// Judges a network with the text as its configuration, and pods that select it.
pub fn network_configuration(bytes: &[u8]) {
    let (world, bytes) = world::of(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    judge(&json!({ "config": text }), world);
    if let Ok(spec) = serde_json::from_str::<Value>(text) {
        judge(&json!({ "config": spec }), world);
        judge(&spec, world);
    }
}

fn judge(spec: &Value, world: &World) {
    let object = json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": "net", "annotations": {"k8s.v1.cni.cncf.io/resourceName": "example.com/net"}}, "spec": spec});
    let definition: NetworkAttachmentDefinition =
        serde_json::from_value(object).expect("its spec may be anything");
    let admitted = admit_network(&definition, &world.cluster, &world.policy);
    if let Err(denial) = &admitted {
        pods::explained(denial);
    }
    let network = Network::parse(&definition, "default").expect("its name is a name");
    match &network.conf {
        Ok(None) => {}
        Ok(Some(delegate)) => printed(&delegate.conf),
        Err(error) => {
            positioned(error);
            assert!(admitted.is_err(), "it is let in although {error}");
        }
    }
    let plain = Selection::of(network.reference.clone());
    // One that would execute Polypod over and over is understood and cannot be attached to.
    let is_usable = network.attachable(&plain).is_ok();
    assert!(network.conf.is_ok() || !is_usable);
    let everything = parse_networks(EVERYTHING, &NAMESPACE).expect("it is a selection");
    if let Err(fault) = network.attachable(&everything[0]) {
        assert!(!fault.to_string().is_empty());
    }
    let cluster = [network].into_iter().collect::<NetworkIndex>().into();
    for networks in ["net", EVERYTHING] {
        let pod = json!({"metadata": {"annotations": {NETWORKS: networks}}, "spec": {"containers": [{"name": "app"}]}});
        let judged = pods::judge(&pod, &cluster, &world.policy);
        assert!(is_usable || judged.is_err());
    }
}

/// What a delegate is given is read back as it was.
fn printed(conf: &NetworkConf) {
    let text = conf.to_json();
    let again = NetworkConf::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(again.to_json(), text);
    assert_eq!(again.name(), conf.name());
    assert_eq!(again.version(), conf.version());
    assert_eq!(again.plugins().len(), conf.plugins().len());
    let _other = conf.self_delegation();
    assert!(conf.takes(Command::Add) && conf.takes(Command::Del));
    let name = "given".parse().expect("it is a network name");
    let named = again.named(&name).chained_at_least(Version::V0_4_0);
    let read = NetworkConf::parse(&named.to_json()).expect("what was added leaves it valid");
    assert!(read.name().is_some());
}

/// An error says where: a line and a column, or a JSON pointer.
fn positioned(error: &ConfError) {
    match error {
        ConfError::NotJson(problem) => assert!(problem.contains(" at line "), "{problem}"),
        ConfError::Kind { place, .. }
        | ConfError::NoType { place }
        | ConfError::Name { place, .. } => {
            assert!(place.starts_with('/') || !place.contains('/'), "{place}");
        }
        _ => assert!(!error.to_string().is_empty()),
    }
}
