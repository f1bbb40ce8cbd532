//! Slices, mappings and claims, and what follows from them.

use serde_json::json;

use super::*;
use crate::{
    claims::{
        objects::{ExtendedClaim, Mapping},
        slices::Slice,
    },
    kubelet::holdings::ClaimedId,
};

fn id(device: &str) -> ClaimedId {
    ClaimedId {
        driver: "d".to_owned(),
        pool: "n1".to_owned(),
        device: device.to_owned(),
    }
}

fn claimed(container: &str, claim: &str, device: &str) -> ClaimedDevice {
    ClaimedDevice {
        container: container.to_owned(),
        claim: claim.to_owned(),
        id: id(device),
    }
}

fn allocation(devices: &[ClaimedDevice]) -> Allocation {
    let mut allocation = Allocation::of_entries(vec!["a".to_owned(), "b".to_owned()], []);
    for device in devices {
        allocation.claim(device.clone());
    }
    allocation
}

/// Devices with their resource and their PCI address.
fn slices(devices: &[(&str, Option<&str>, Option<&str>)]) -> Slices {
    let devices: Vec<_> = devices
        .iter()
        .map(|(name, resource, address)| {
            let mut attributes = json!({});
            if let Some(resource) = resource {
                attributes["k8s.cni.cncf.io/resourceName"] = json!({"string": resource});
            }
            if let Some(address) = address {
                attributes["resource.kubernetes.io/pciBusID"] = json!({"string": address});
            }
            json!({"name": name, "attributes": attributes})
        })
        .collect();
    let slice = json!({
        "apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": "s"},
        "spec": {"driver": "d", "nodeName": "n1", "devices": devices,
            "pool": {"name": "n1", "generation": 1, "resourceSliceCount": 1}}});
    [Slice::of(&serde_json::from_value(slice).unwrap())]
        .into_iter()
        .collect()
}

fn ids(allocation: &Allocation, resource: &str) -> Vec<String> {
    let devices = allocation.devices(resource).iter();
    devices
        .map(|device| format!("{} {}", device.container, device.id))
        .collect()
}

#[test]
fn what_drivers_say() {
    let devices = [
        claimed("b", "c", "vf"),
        claimed("a", "c2", "vf2"),
        claimed("a", "gpus", "gpu"),
        claimed("a", "gpus", "dpu"),
        claimed("b", "c", "unheard-of"),
    ];
    let mut allocation = allocation(&devices);
    let slices = slices(&[
        ("vf", Some("nic"), Some("0000:03:02.1")),
        ("vf2", Some("nic"), Some("0000:03:02.2")),
        ("gpu", None, Some("0000:41:00.0")),
        ("dpu", Some("nic"), None),
    ]);
    let open = by_slices(&mut allocation, &slices);
    assert_eq!(
        ids(&allocation, "nic"),
        ["a 0000:03:02.2", "b 0000:03:02.1"]
    );
    assert_eq!(allocation.devices("nic")[0].claimed, Some(id("vf2")));
    assert_eq!(open.missing, [devices[4].clone()]);
    assert_eq!(
        open.nameless,
        [(devices[2].clone(), "0000:41:00.0".to_owned())]
    );
}

fn pod(mappings: &[(&str, &str, &str)]) -> PodClaims {
    let mappings = mappings
        .iter()
        .map(|(container, resource, request)| Mapping {
            container: (*container).to_owned(),
            resource: (*resource).to_owned(),
            request: (*request).to_owned(),
        });
    PodClaims {
        claims: BTreeMap::from([("nic".to_owned(), "b".to_owned())]),
        extended: Some(ExtendedClaim {
            claim: "extended".to_owned(),
            mappings: mappings.collect(),
        }),
        ..PodClaims::default()
    }
}

#[test]
fn extended_resources_that_a_driver_provides() {
    let devices = [claimed("a", "extended", "x"), claimed("b", "extended", "y")];
    let slices = slices(&[("x", None, Some("1")), ("y", None, Some("2"))]);
    let of_pod = pod(&[
        ("a", "example.com/vf", "r0"),
        ("b", "example.com/other", "r1"),
    ]);
    let mut named = allocation(&devices);
    let open = by_slices(&mut named, &slices);
    by_extended_resources(&mut named, &open.nameless, &of_pod, &BTreeMap::new());
    assert_eq!(ids(&named, "example.com/vf"), ["a 1"]);
    assert_eq!(ids(&named, "example.com/other"), ["b 2"]);
}

#[test]
fn two_extended_resources_of_one_container_need_the_claim() {
    let devices = [claimed("a", "extended", "x"), claimed("a", "extended", "y")];
    let slices = slices(&[("x", None, Some("1")), ("y", None, Some("2"))]);
    let of_pod = pod(&[
        ("a", "example.com/vf", "r0"),
        ("a", "example.com/other", "r1"),
    ]);
    let results = ClaimResults(vec![("r1".to_owned(), id("x")), ("r0".to_owned(), id("y"))]);
    let known = BTreeMap::from([("extended".to_owned(), results)]);
    for (claims, wanted) in [(BTreeMap::new(), vec![]), (known, vec!["a 2".to_owned()])] {
        let mut named = allocation(&devices);
        let open = by_slices(&mut named, &slices);
        by_extended_resources(&mut named, &open.nameless, &of_pod, &claims);
        assert_eq!(ids(&named, "example.com/vf"), wanted);
    }
}

#[test]
fn claims_that_the_kubelet_does_not_tell_of() {
    let mut named = allocation(&[]);
    let claims = BTreeMap::from([
        (
            "nic".to_owned(),
            ClaimResults(vec![("any/sub".to_owned(), id("x"))]),
        ),
        (
            "extended".to_owned(),
            ClaimResults(vec![("r0".to_owned(), id("y")), ("r9".to_owned(), id("z"))]),
        ),
        (
            "a-strangers".to_owned(),
            ClaimResults(vec![("r".to_owned(), id("w"))]),
        ),
    ]);
    by_claims(&mut named, &pod(&[("a", "example.com/vf", "r0")]), &claims);
    assert_eq!(
        named.claimed(),
        [claimed("a", "extended", "y"), claimed("b", "nic", "x")]
    );
}
