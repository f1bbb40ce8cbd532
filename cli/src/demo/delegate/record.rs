//! What the stand-in `sriov` notes of a device it moved, to bring it back as it was.
//!
//! The demo reads it too: it is the delegate's own word on which device it was told.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use spec::{
    cni::{ContainerId, InterfaceName},
    device::DeviceId,
};

/// A moved device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::demo) struct Record {
    /// Its name in the pod.
    pub(in crate::demo) interface: InterfaceName,
    /// The device, as the configuration named it.
    #[serde(rename = "deviceID")]
    pub(in crate::demo) device: DeviceId,
    /// Its name on the node.
    pub(in crate::demo) node_name: String,
    /// Its hardware address, which it keeps wherever it goes and whatever its name.
    pub(in crate::demo) mac: String,
}

impl Record {
    /// All records of a folder, by interface.
    pub(in crate::demo) fn read_all(folder: &Path) -> Result<Vec<Self>> {
        let mut records = Vec::new();
        let entries =
            fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            records.extend(read(&entry?.path())?);
        }
        records.sort_by(|a: &Self, b| a.interface.as_str().cmp(b.interface.as_str()));
        Ok(records)
    }

    /// The record of an attachment, if there is one.
    pub(super) fn read(
        folder: &Path,
        container: &ContainerId,
        interface: &InterfaceName,
    ) -> Result<Option<Self>> {
        read(&file(folder, container, interface))
    }

    /// Writes the record.
    pub(super) fn write(&self, folder: &Path, container: &ContainerId) -> Result<()> {
        let path = file(folder, container, &self.interface);
        let text = serde_json::to_string(self).context("a record prints")?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Removes the record.
    pub(super) fn remove(
        folder: &Path,
        container: &ContainerId,
        interface: &InterfaceName,
    ) -> Result<()> {
        let path = file(folder, container, interface);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", path.display()))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

fn file(folder: &Path, container: &ContainerId, interface: &InterfaceName) -> PathBuf {
    folder.join(format!("{container}-{interface}.json"))
}

fn read(path: &Path) -> Result<Option<Record>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", path.display()));
        }
    };
    let record = serde_json::from_str(&text);
    record.with_context(|| format!("{} is not a record of the stand-in sriov", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_read_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let container: ContainerId = "c1".parse().unwrap();
        let record = Record {
            interface: "net2".parse().unwrap(),
            device: "0000:03:02.2".parse().unwrap(),
            node_name: "enp3s0f0v0".to_owned(),
            mac: "02:00:00:00:00:01".to_owned(),
        };
        record.write(folder.path(), &container).unwrap();
        let read = Record::read(folder.path(), &container, &record.interface).unwrap();
        assert_eq!(read.as_ref(), Some(&record));
        assert_eq!(
            Record::read_all(folder.path()).unwrap(),
            std::slice::from_ref(&record)
        );
        Record::remove(folder.path(), &container, &record.interface).unwrap();
        Record::remove(folder.path(), &container, &record.interface).unwrap();
        assert!(Record::read_all(folder.path()).unwrap().is_empty());
    }
}
