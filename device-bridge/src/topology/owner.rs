//! Whose devices are: the UIDs of the kubelet's pods, of which its list tells the names alone, and what ordinary init
//! containers hold, which its list leaves out.
//!
//! The checkpoint has both, but is stale: a pod that ended stands in it until the kubelet allocates again, and static pods
//! have another UID there than at the API server. So the list says which pods there are, and the checkpoint completes it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    devices::{Devices, Place},
    held::{HeldByContainer, HeldByPod, Pods},
};
use crate::kubelet::checkpoint::Checkpoint;

/// A pod as the API server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPod {
    /// Its UID there.
    pub uid: String,
    /// Whether the kubelet has it from a file and knows it by another UID.
    pub is_static: bool,
}

/// What the checkpoint says of a pod, by container: devices, and a zone that each is near to. Sorted; a device that is
/// near to several zones comes once for each.
type Containers<'a> = BTreeMap<&'a str, Vec<(Place, Option<u32>)>>;

/// Adds UIDs and init containers, and leaves out what holds nothing. `known` is the pod of a namespace and name.
pub(super) fn complete(
    pods: &mut Pods,
    checkpoint: &Checkpoint,
    known: impl Fn(&str, &str) -> Option<KnownPod>,
) {
    let namesakes = namesakes(pods.held());
    let (held, devices) = pods.held_mut();
    let mut by_uid: BTreeMap<&str, Containers<'_>> = BTreeMap::new();
    for (uid, container, resource, id, zone) in checkpoint.devices() {
        let of_container = by_uid.entry(uid).or_default().entry(container).or_default();
        let zone = zone.and_then(|zone| u32::try_from(zone).ok());
        of_container.push((devices.place(resource, id), zone));
    }
    for noted in by_uid.values_mut().flat_map(BTreeMap::values_mut) {
        noted.sort_unstable();
    }
    for pod in held {
        let known = known(&pod.namespace, &pod.name);
        let at_kubelet = uid_at_kubelet(pod, &by_uid);
        let is_alone = !namesakes.contains(&(pod.namespace.clone(), pod.name.clone()));
        pod.uid = match (known, at_kubelet) {
            (Some(known), _) if known.is_static => Some(known.uid),
            (_, Some(uid)) => Some(uid.to_owned()),
            (known, None) => known.filter(|_| is_alone).map(|known| known.uid),
        };
        let uid = at_kubelet.or(pod.uid.as_deref());
        if let Some(containers) = uid.and_then(|uid| by_uid.get(uid)) {
            let init = init_containers(pod, containers, devices);
            pod.containers.splice(0..0, init);
        }
    }
    pods.tidy();
}

/// Names that several pods have: a pod that is going, and its successor.
fn namesakes(pods: &[HeldByPod]) -> BTreeSet<(String, String)> {
    pods.windows(2)
        .filter(|pair| pair[0].key() == pair[1].key())
        .map(|pair| (pair[0].namespace.clone(), pair[0].name.clone()))
        .collect()
}

/// The UID under which the checkpoint has what the pod holds; `None` where none or several would do.
fn uid_at_kubelet<'a>(
    pod: &HeldByPod,
    by_uid: &BTreeMap<&'a str, Containers<'_>>,
) -> Option<&'a str> {
    let holds_something = pod
        .containers
        .iter()
        .any(|container| !container.devices.is_empty());
    let mut candidates = by_uid.iter().filter(|(_, containers)| {
        holds_something
            && pod.containers.iter().all(|container| {
                let noted = containers.get(container.name.as_str());
                let is_noted = |place: &Place| {
                    noted.is_some_and(|noted| {
                        noted
                            .binary_search_by_key(place, |(noted, _)| *noted)
                            .is_ok()
                    })
                };
                container.devices.iter().all(is_noted)
            })
    });
    let (uid, _) = candidates.next()?;
    candidates.next().is_none().then_some(*uid)
}

/// The containers that only the checkpoint has, with what no other container of the pod holds: devices of init containers
/// go on to the containers after them.
fn init_containers(
    pod: &HeldByPod,
    noted: &Containers<'_>,
    devices: &mut Devices,
) -> Vec<HeldByContainer> {
    let mut seen: BTreeSet<Place> = pod
        .containers
        .iter()
        .flat_map(|container| container.devices.iter().copied())
        .collect();
    let is_listed = |name: &str| {
        pod.containers
            .iter()
            .any(|container| container.name == name)
    };
    noted
        .iter()
        .filter(|(name, _)| !is_listed(name))
        .map(|(name, noted)| {
            let mut held = Vec::new();
            for (place, zone) in noted {
                // The other zones of one that it has come next to it.
                if held.last() == Some(place) || seen.insert(*place) {
                    devices.held(*place, *zone);
                    held.push(*place);
                }
            }
            held.dedup();
            HeldByContainer {
                name: (*name).to_owned(),
                devices: held,
                ..HeldByContainer::default()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::pod_resources;

    fn known(uid: &str, is_static: bool) -> KnownPod {
        KnownPod {
            uid: uid.to_owned(),
            is_static,
        }
    }

    fn checkpoint(entries: &str) -> Checkpoint {
        let text = format!(r#"{{"Data":{{"PodDeviceEntries":[{entries}]}}}}"#);
        Checkpoint::parse(text.as_bytes()).unwrap()
    }

    const OF_OLD: &str =
        r#"{"PodUID":"old","ContainerName":"app","ResourceName":"r","DeviceIDs":{"0":["1"]}}"#;
    const OF_NEW: &str =
        r#"{"PodUID":"new","ContainerName":"app","ResourceName":"r","DeviceIDs":{"0":["2"]}}"#;

    /// A UID, and the containers with their ids.
    type Told<'a> = (Option<&'a str>, Vec<(&'a str, Vec<&'a str>)>);

    fn told(pods: &Pods) -> Vec<Told<'_>> {
        assert!(pods.held().iter().all(|pod| !pod.containers.is_empty()));
        pods.held()
            .iter()
            .map(|pod| {
                let containers = pod.containers.iter().map(|container| {
                    let ids = container.devices.iter();
                    let ids = ids.map(|place| pods.devices().facts(*place).id);
                    (container.name.as_str(), ids.collect())
                });
                (pod.uid.as_deref(), containers.collect())
            })
            .collect()
    }

    fn pods(listed: &[crate::fixture::Containers<'_>]) -> Pods {
        let mut pods = Pods::default();
        for containers in listed {
            pods.add(&pod_resources(containers));
        }
        pods
    }

    #[test]
    fn a_pod_and_its_successor_are_told_apart() {
        let listed: [crate::fixture::Containers<'_>; 2] =
            [&[("app", &[("r", &["1"])])], &[("app", &[("r", &["2"])])]];
        let mut both = pods(&listed);
        let entries = format!("{OF_OLD},{OF_NEW}");
        complete(&mut both, &checkpoint(&entries), |_, _| {
            Some(known("new", false))
        });
        assert_eq!(
            told(&both),
            [
                (Some("old"), vec![("app", vec!["1"])]),
                (Some("new"), vec![("app", vec!["2"])])
            ]
        );
        // Without a checkpoint neither is taken for the other; one alone is who the API server says.
        let mut both = pods(&listed);
        complete(&mut both, &Checkpoint::default(), |_, _| {
            Some(known("new", false))
        });
        assert!(both.held().iter().all(|pod| pod.uid.is_none()));
        let mut one = pods(&listed[..1]);
        complete(&mut one, &Checkpoint::default(), |_, _| {
            Some(known("new", false))
        });
        assert_eq!(one.held()[0].uid.as_deref(), Some("new"));
        // The one that is going alone is not taken for its successor either.
        let mut one = pods(&listed[..1]);
        complete(&mut one, &checkpoint(&entries), |_, _| {
            Some(known("new", false))
        });
        assert_eq!(one.held()[0].uid.as_deref(), Some("old"));
    }

    #[test]
    fn static_pods_have_the_uid_of_the_api_server() {
        let mut one = pods(&[&[("app", &[("r", &["1"])])]]);
        complete(&mut one, &checkpoint(OF_OLD), |_, _| {
            Some(known("mirror", true))
        });
        assert_eq!(one.held()[0].uid.as_deref(), Some("mirror"));
    }

    #[test]
    fn what_init_containers_hold_is_held() {
        let entries = r#"
            {"PodUID":"u","ContainerName":"init","ResourceName":"r","DeviceIDs":{"0":["1","9"],"1":["9"]}},
            {"PodUID":"u","ContainerName":"app","ResourceName":"r","DeviceIDs":{"0":["1"]}},
            {"PodUID":"u","ContainerName":"late","ResourceName":"r","DeviceIDs":{"0":["5"]}},
            {"PodUID":"ended","ContainerName":"app","ResourceName":"r","DeviceIDs":{"0":["7"]}}"#;
        let mut one = pods(&[&[("app", &[("r", &["1"])]), ("late", &[])]]);
        complete(&mut one, &checkpoint(entries), |_, _| None);
        assert_eq!(
            told(&one),
            [(Some("u"), vec![("init", vec!["9"]), ("app", vec!["1"])])]
        );
        let nine = one.held()[0].containers[0].devices[0];
        assert_eq!(one.devices().facts(nine).zones, &[0, 1].into());

        // A pod of which only an init container holds something is known by its name alone.
        let mut one = pods(&[&[("main", &[])]]);
        complete(&mut one, &checkpoint(entries), |_, _| {
            Some(known("u", false))
        });
        assert_eq!(told(&one)[0].0, Some("u"));
        let names: Vec<&str> = told(&one)[0].1.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["app", "init", "late"]);
        let mut nobody = pods(&[&[("main", &[])]]);
        complete(&mut nobody, &checkpoint(entries), |_, _| None);
        assert!(nobody.held().is_empty());
    }
}
