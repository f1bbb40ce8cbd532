//! The kubelet's checkpoint of what its device plugins allocated: the one place where it says whose a device is by UID.
//!
//! Its checksum is that of a Go value printed by a Go library, which nobody can compute elsewhere; it is not looked at.
//! The kubelet writes the file anew in one piece whenever it allocates, so what a running pod holds is always in it. What
//! a pod that ended held stays in it until then. Devices of ResourceClaims are not in it.

use std::{
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
};

use super::checkpoint_text::{File, IdList};
use crate::allocation::{Allocation, Entry};

/// Why the checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file cannot be read.
    #[error("cannot read the kubelet's device checkpoint {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is no checkpoint.
    #[error("the kubelet's device checkpoint {} is not understood: {problem}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: serde_json::Error,
    },
}

/// A checkpoint. A node's can tell of ten thousands of devices, so its texts are in one piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    entries: Vec<CheckpointEntry>,
    /// The devices of all entries, those of one next to each other.
    devices: Vec<Device>,
    /// All ids, one after another.
    texts: String,
    /// The places of all devices, by id.
    by_id: Vec<u32>,
}

/// What one container holds of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CheckpointEntry {
    uid: String,
    container: String,
    resource: String,
    /// Its devices' places.
    devices: Range<usize>,
}

/// A device that is near to a NUMA node, or to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Device {
    begin: u32,
    length: u16,
    node: Option<i16>,
    entry: u32,
}

impl Checkpoint {
    /// Reads the file; `None` where there is none.
    ///
    /// # Errors
    /// It cannot be read, or is no checkpoint.
    pub fn read(path: &Path) -> Result<Option<Self>, CheckpointError> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(CheckpointError::Read {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        Self::parse(&text)
            .map(Some)
            .map_err(|problem| CheckpointError::Parse {
                path: path.to_owned(),
                problem,
            })
    }

    pub(crate) fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        let file: File = serde_json::from_slice(text)?;
        let mut checkpoint = file.data.entries.0;
        let mut by_id: Vec<u32> = (0..count(checkpoint.devices.len())).collect();
        by_id.sort_by_key(|place| checkpoint.id(*place));
        checkpoint.by_id = by_id;
        Ok(checkpoint)
    }

    /// Adds what a container holds. What is no id of a device is passed over.
    pub(super) fn push(&mut self, uid: &str, container: &str, resource: &str, ids: &IdList<'_>) {
        let begin = self.devices.len();
        let entry = count(self.entries.len());
        for (id, node) in &ids.0 {
            let (at, length) = (u32::try_from(self.texts.len()), u16::try_from(id.len()));
            if let (Ok(begin), Ok(length)) = (at, length) {
                self.texts.push_str(id);
                self.devices.push(Device {
                    begin,
                    length,
                    node: *node,
                    entry,
                });
            }
        }
        self.entries.push(CheckpointEntry {
            uid: uid.to_owned(),
            container: container.to_owned(),
            resource: resource.to_owned(),
            devices: begin..self.devices.len(),
        });
    }

    fn text(&self, device: Device) -> &str {
        let begin = device.begin as usize;
        self.texts
            .get(begin..begin + usize::from(device.length))
            .unwrap_or_default()
    }

    fn id(&self, place: u32) -> &str {
        let device = self.devices.get(place as usize);
        device.map_or("", |device| self.text(*device))
    }

    fn of(&self, entry: &CheckpointEntry) -> impl Iterator<Item = (&str, Option<i64>)> {
        let devices = self
            .devices
            .get(entry.devices.clone())
            .into_iter()
            .flatten();
        devices.map(|device| (self.text(*device), device.node.map(i64::from)))
    }

    /// What the pod with `uid` holds. `containers` are those that may hold devices, in the order of the pod's spec; without
    /// them the file's order is taken.
    #[must_use]
    pub fn allocation(&self, uid: &str, containers: Option<Vec<String>>) -> Allocation {
        let of_pod = || self.entries.iter().filter(|entry| entry.uid == uid);
        let containers = containers.unwrap_or_else(|| {
            let mut containers: Vec<String> = Vec::new();
            for entry in of_pod() {
                if !containers.contains(&entry.container) {
                    containers.push(entry.container.clone());
                }
            }
            containers
        });
        let entries = of_pod().flat_map(|entry| {
            self.of(entry).map(|(id, node)| Entry {
                container: &entry.container,
                resource: &entry.resource,
                id,
                numa: node.into_iter().collect(),
            })
        });
        Allocation::of_entries(containers, entries)
    }

    /// Whether several containers of the pod with `uid` hold devices of one resource, so that their order matters.
    #[must_use]
    pub fn order_matters(&self, uid: &str) -> bool {
        let mut seen = std::collections::BTreeSet::new();
        self.entries
            .iter()
            .filter(|entry| entry.uid == uid)
            .any(|entry| !seen.insert(&entry.resource))
    }

    /// Every device, with the UID of its pod, its container, its resource, its id, and a NUMA node it is near to. One that
    /// is near to several comes once for each.
    pub fn devices(&self) -> impl Iterator<Item = (&str, &str, &str, &str, Option<i64>)> {
        self.entries.iter().flat_map(|entry| {
            self.of(entry).map(|(id, node)| {
                let (uid, container) = (entry.uid.as_str(), entry.container.as_str());
                (uid, container, entry.resource.as_str(), id, node)
            })
        })
    }

    /// The UIDs of the pods that hold a device. Without a resource it is any with this id.
    pub fn owners<'a>(
        &'a self,
        resource: Option<&'a str>,
        id: &'a str,
    ) -> impl Iterator<Item = &'a str> {
        let first = self.by_id.partition_point(|place| self.id(*place) < id);
        let places = self.by_id.get(first..).into_iter().flatten();
        let places = places.take_while(move |place| self.id(**place) == id);
        let entries = places.filter_map(|place| {
            let device = self.devices.get(*place as usize)?;
            self.entries.get(device.entry as usize)
        });
        let entries =
            entries.filter(move |entry| resource.is_none_or(|resource| entry.resource == resource));
        entries.map(|entry| entry.uid.as_str())
    }
}

/// There are fewer than four billion of anything in a file that was read.
fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"Data":{"PodDeviceEntries":[
        {"PodUID":"u1","ContainerName":"b","ResourceName":"r","DeviceIDs":{"0":["2","1"],"1":["1"]},"AllocResp":"Cg=="},
        {"PodUID":"u2","ContainerName":"a","ResourceName":"r","DeviceIDs":["3","4"],"AllocResp":null},
        {"PodUID":"u1","ContainerName":"a","ResourceName":"r","DeviceIDs":{"-1":["0"]}},
        {"PodUID":"u1","ContainerName":"init","ResourceName":"r","DeviceIDs":{"-1":["2"],"0":null}},
        {"PodUID":"u3","ContainerName":"a","ResourceName":"s","DeviceIDs":null}],
        "RegisteredDevices":{"r":["0"]}},"Checksum":1}"#;

    fn ids(allocation: &Allocation) -> Vec<(&str, &str, Vec<i64>)> {
        let devices = allocation.devices("r").iter();
        devices
            .map(|device| {
                let numa = device.numa.iter().copied().collect();
                (device.container.as_str(), device.id.as_str(), numa)
            })
            .collect()
    }

    #[test]
    fn by_uid_in_the_order_of_the_spec() {
        let checkpoint = Checkpoint::parse(TEXT.as_bytes()).unwrap();
        let containers = Some(vec!["a".to_owned(), "b".to_owned()]);
        let allocation = checkpoint.allocation("u1", containers);
        assert_eq!(
            ids(&allocation),
            [
                ("a", "0", vec![]),
                ("b", "1", vec![0, 1]),
                ("b", "2", vec![0])
            ]
        );
        assert!(checkpoint.order_matters("u1"));
    }

    #[test]
    fn without_a_spec_in_the_order_of_the_file() {
        let checkpoint = Checkpoint::parse(TEXT.as_bytes()).unwrap();
        let allocation = checkpoint.allocation("u1", None);
        let found: Vec<&str> = allocation
            .devices("r")
            .iter()
            .map(|d| d.id.as_str())
            .collect();
        assert_eq!(found, ["1", "2", "0"]);
        let old = checkpoint.allocation("u2", None);
        assert_eq!(ids(&old), [("a", "3", vec![]), ("a", "4", vec![])]);
        assert!(!checkpoint.order_matters("u2"));
        assert!(checkpoint.allocation("u9", None).devices("r").is_empty());
    }

    #[test]
    fn owners() {
        let checkpoint = Checkpoint::parse(TEXT.as_bytes()).unwrap();
        let owners = |resource, id| checkpoint.owners(resource, id).collect::<Vec<_>>();
        assert_eq!(owners(Some("r"), "3"), ["u2"]);
        assert_eq!(owners(Some("s"), "3"), [""; 0]);
        assert_eq!(owners(None, "2"), ["u1", "u1"]);
    }

    #[test]
    fn empty_absent_and_broken() {
        let text = br#"{"Data":{"PodDeviceEntries":null,"RegisteredDevices":{}},"Checksum":0}"#;
        assert_eq!(Checkpoint::parse(text).unwrap(), Checkpoint::default());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kubelet_internal_checkpoint");
        assert_eq!(Checkpoint::read(&path).unwrap(), None);
        fs::write(&path, "{").unwrap();
        let error = Checkpoint::read(&path).unwrap_err().to_string();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
}
