//! A pod and the pod that had its name before.

use serde_json::json;

use super::*;
use crate::fixture::pod_resources;

fn checkpoint(entries: &[(&str, &str)]) -> Checkpoint {
    let entries: Vec<_> = entries
        .iter()
        .map(|(uid, id)| {
            json!({"PodUID": uid, "ContainerName": "app", "ResourceName": "r", "DeviceIDs": {"0": [id]}})
        })
        .collect();
    let text = json!({"Data": {"PodDeviceEntries": entries}, "Checksum": 1}).to_string();
    Checkpoint::parse(text.as_bytes()).unwrap()
}

fn entry(id: &str) -> PodResources {
    pod_resources(&[("app", &[("r", &[id])])])
}

#[test]
fn one_entry() {
    let own = checkpoint(&[("u2", "a"), ("u9", "z")]);
    for checkpoint in [None, Some(&own), Some(&checkpoint(&[]))] {
        let found = entry_of(vec![entry("a")], Some("u2"), checkpoint);
        assert_eq!(found, Ok(Some(entry("a"))));
    }
    assert_eq!(entry_of(Vec::new(), Some("u2"), Some(&own)), Ok(None));
    assert_eq!(
        entry_of(vec![entry("a")], None, Some(&own)),
        Ok(Some(entry("a")))
    );
}

#[test]
fn a_predecessors_entry_is_refused() {
    let of_other = checkpoint(&[("u1", "a")]);
    let fault = entry_of(vec![entry("a")], Some("u2"), Some(&of_other)).unwrap_err();
    assert!(matches!(&fault, DeviceFault::Predecessor { owner, .. } if owner == "u1"));
    for part in ["device a", "\"u1\"", "\"u2\"", "try again"] {
        assert!(fault.to_string().contains(part), "{fault}");
    }
}

#[test]
fn two_entries_are_told_apart_by_the_checkpoint_or_not_at_all() {
    let both = || vec![entry("a"), entry("b")];
    let known = checkpoint(&[("u1", "a"), ("u2", "b")]);
    assert_eq!(
        entry_of(both(), Some("u2"), Some(&known)),
        Ok(Some(entry("b")))
    );
    assert_eq!(
        entry_of(both(), Some("u1"), Some(&known)),
        Ok(Some(entry("a")))
    );
    // The kubelet may have written one of them only.
    for unknown in [
        None,
        Some(checkpoint(&[])),
        Some(checkpoint(&[("u1", "a")])),
    ] {
        let fault = entry_of(both(), Some("u2"), unknown.as_ref()).unwrap_err();
        assert!(
            matches!(fault, DeviceFault::Twice { entries: 2, .. }),
            "{fault}"
        );
    }
    let without_devices = vec![pod_resources(&[("app", &[])]), entry("a")];
    assert!(entry_of(without_devices, Some("u2"), Some(&known)).is_err());
}
