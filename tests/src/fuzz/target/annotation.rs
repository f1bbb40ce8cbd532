//! A text as each of the annotations by which a pod selects networks, in both forms and of every age.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use spec::{
    bridge::Legacy,
    network::{
        AnnotationError, DEFAULT_NETWORK, MOST_NETWORKS, NETWORKS, Selection,
        parse_default_network, parse_legacy_networks, parse_networks,
    },
};

use super::{
    pods,
    world::{self, NAMESPACE},
};

/// Parses the text as every annotation, and judges pods that have it.
pub fn annotation(bytes: &[u8]) {
    let (world, bytes) = world::of(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let networks = parse_networks(text, &NAMESPACE);
    let default_network = parse_default_network(text, &world.policy.system_namespace);
    match &networks {
        Ok(selections) => {
            together(selections);
            selections.iter().for_each(round_trip);
        }
        Err(error) => positioned(error, text),
    }
    match &default_network {
        Ok(selection) => round_trip(selection),
        Err(error) => positioned(error, text),
    }
    for legacy in [Legacy::V1, Legacy::V2] {
        match parse_legacy_networks(legacy, text, &NAMESPACE) {
            Ok(selections) => assert!(selections.len() <= MOST_NETWORKS),
            Err(error) => positioned(&error, text),
        }
    }
    for (key, is_read) in [
        (NETWORKS, networks.is_ok()),
        (DEFAULT_NETWORK, default_network.is_ok()),
    ] {
        let judged = pods::judge(&pod(key, text), &world.cluster, &world.policy);
        assert!(
            is_read || judged.is_err(),
            "what the plugin does not understand is let in"
        );
    }
}

fn pod(key: &str, text: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "annotations": {key: text}},
        "spec": {"containers": [{"name": "app", "image": "x"}]}})
}

/// What must not be twice is not, and there are not too many.
fn together(selections: &[Selection]) {
    assert!(selections.len() <= MOST_NETWORKS);
    let mut interfaces = BTreeSet::new();
    let mut families = BTreeSet::new();
    for selection in selections {
        assert!(
            selection
                .interface
                .as_ref()
                .is_none_or(|name| interfaces.insert(name))
        );
        for gateway in selection.default_route.iter().flatten() {
            assert!(families.insert(gateway.is_ipv4()));
        }
        assert!(selection.ipam_claim.is_none() || selection.ips.is_empty());
    }
}

/// A network is printed as the comma-delimited form writes it, and read back; so is what plugins are told.
fn round_trip(selection: &Selection) {
    let network = &selection.network;
    let mut printed = network.to_string();
    if !network.name.as_str().contains('.') {
        let read = parse_networks(&printed, &NAMESPACE).expect("a printed network is read");
        assert_eq!(read, [Selection::of(network.clone())]);
        // A name of `@` and the separators is written in the JSON form only.
        if let Some(name) = &selection.interface
            && !name.as_str().contains(['@', ',', '"', '[', '{'])
        {
            printed = format!("{printed}@{name}");
            let read = parse_networks(&printed, &NAMESPACE).expect("a printed selection is read");
            assert_eq!(read[0].interface.as_ref(), Some(name));
        }
    }
    let config = Value::Object(selection.runtime_config());
    let read: Value = serde_json::from_str(&config.to_string()).expect("it is JSON");
    assert_eq!(read, config);
}

/// An error says where: a line and a column, or an element that is there. It fits on one line.
fn positioned(error: &AnnotationError, text: &str) {
    let message = error.to_string();
    assert!(!message.contains(char::is_control), "{message:?}");
    match error {
        AnnotationError::Syntax { problem, .. } => {
            assert!(problem.contains(" at line "), "{problem}");
        }
        AnnotationError::Entry { entry, .. } => {
            let most = text.split([',', '{', '[', '}', ']']).count();
            assert!(
                (1..=most).contains(&entry.index),
                "entry {} of {text:?}",
                entry.index
            );
            assert!(!entry.problem.is_empty());
        }
        AnnotationError::NotAList { found, .. } => assert!(!found.is_empty()),
        AnnotationError::TooMany { count, limit, .. } => assert!(count > limit),
        AnnotationError::NotOne { count, .. } => assert_ne!(*count, 1),
    }
}
