//! The sandboxes of the node as their records tell of them.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;
use spec::{
    bridge::{Device, PodRef},
    cni::ContainerId,
    device::DeviceId,
    record::{self, EXTENSION, FOLDER, Record},
};

use crate::devices::Devices;

/// `f_type` of what a network namespace is bound to (`NSFS_MAGIC` of linux/magic.h).
const NSFS: u64 = 0x6e73_6673;

/// A sandbox, as far as comparing it is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// The container id.
    pub container_id: ContainerId,
    /// Its pod, if it has one.
    pub pod: Option<PodRef>,
    /// What it has.
    pub attachments: Vec<Had>,
    /// Whether it is still there.
    pub state: State,
    /// How long ago the record was changed.
    pub age: Duration,
}

/// An attachment of a sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Had {
    /// The network's name for people: `namespace/name` where it is a NetworkAttachmentDefinition.
    pub network: String,
    /// Whether it is the cluster network.
    pub default: bool,
    /// Whether ADD has succeeded.
    pub attached: bool,
    /// The device that the kubelet allocated for it.
    pub device: Option<Device>,
    /// The device that the pod named itself.
    pub named_device: Option<DeviceId>,
}

/// Whether a sandbox is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its network namespace is.
    Alive,
    /// Its network namespace is not, or another one is in its place.
    Gone,
    /// It cannot be told from here.
    Unknown,
}

/// A record that was read, or why it was not.
pub type Seen = Result<Sandbox, Unreadable>;

/// A record that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unreadable {
    /// Its file.
    pub file: PathBuf,
    /// Why.
    pub problem: String,
}

impl Sandbox {
    fn new(record: Record, age: Duration) -> Self {
        Self {
            state: state(record.netns.as_deref(), record.netns_inode),
            age,
            container_id: record.container_id,
            pod: record.pod,
            attachments: record
                .attachments
                .into_iter()
                .map(|attachment| Had {
                    network: attachment.name,
                    default: attachment.default,
                    attached: attachment.result.is_some(),
                    named_device: attachment
                        .runtime_config
                        .get("deviceID")
                        .and_then(Value::as_str)
                        .and_then(|id| id.parse().ok()),
                    device: attachment.device,
                })
                .collect(),
        }
    }
}

/// Reads the records of `cni_dir`, one after another. One that vanishes meanwhile belonged to a sandbox that was deleted.
/// `None` where there is no folder of records: no sandbox was made yet, or the folder is not shared with this process.
///
/// # Errors
/// The folder cannot be read.
pub fn read(cni_dir: &Path) -> io::Result<Option<Vec<Seen>>> {
    let entries = match fs::read_dir(cni_dir.join(FOLDER)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        result => result?,
    };
    let mut seen = Vec::new();
    for entry in entries {
        let file = entry?.path();
        if file.extension().is_some_and(|found| found == EXTENSION) {
            match record(&file) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => seen.push(Err(unreadable(file, error.to_string()))),
                Ok((Err(problem), _)) => seen.push(Err(unreadable(file, problem))),
                Ok((Ok(record), age)) => seen.push(Ok(Sandbox::new(record, age))),
            }
        }
    }
    Ok(Some(seen))
}

/// Notes the devices of the sandboxes that are there, before the first pod asks: what a pod was given by the process before
/// this one is its own.
pub fn remember(cni_dir: &Path, devices: &Devices) {
    let seen = match read(cni_dir) {
        Ok(seen) => seen.unwrap_or_default(),
        Err(error) => {
            tracing::warn!(%error, folder = %cni_dir.display(), "Sandbox records cannot be read: which pods have which devices is learnt anew");
            return;
        }
    };
    for sandbox in seen.into_iter().flatten() {
        let Some(pod) = sandbox.pod.filter(|_| sandbox.state != State::Gone) else {
            continue;
        };
        for had in &sandbox.attachments {
            if let Some(device) = &had.device {
                devices.remember(&pod, Some(&device.resource), &device.id);
            } else if let Some(named) = &had.named_device {
                devices.remember(&pod, None, named);
            }
        }
    }
}

/// The record of one sandbox; `None` where it cannot be read.
pub(super) fn one(cni_dir: &Path, container_id: &ContainerId) -> Option<Record> {
    let file = cni_dir
        .join(FOLDER)
        .join(format!("{container_id}.{EXTENSION}"));
    record(&file).ok()?.0.ok()
}

fn record(file: &Path) -> io::Result<(Result<Record, String>, Duration)> {
    let text = String::from_utf8_lossy(&fs::read(file)?).into_owned();
    let changed = fs::metadata(file)?.modified()?;
    Ok((record::parse(&text), changed.elapsed().unwrap_or_default()))
}

fn unreadable(file: PathBuf, problem: String) -> Unreadable {
    Unreadable { file, problem }
}

/// Looks for a network namespace. Where its file is something else than a namespace, the folder it is in is not shared with
/// this process, and nothing can be told.
fn state(netns: Option<&str>, inode: Option<u64>) -> State {
    let Some(path) = netns.map(Path::new) else {
        return State::Unknown;
    };
    match fs::metadata(path) {
        Ok(metadata) if !is_namespace(path) || inode.is_none() => {
            let _any_file = metadata;
            State::Unknown
        }
        Ok(metadata) if Some(metadata.ino()) == inode => State::Alive,
        Ok(_) => State::Gone,
        Err(_) if is_missing(path) => State::Gone,
        Err(_) => State::Unknown,
    }
}

/// Whether there is no network namespace at `path` any more, as far as this process can tell.
pub(super) fn is_missing(path: &Path) -> bool {
    let found = fs::symlink_metadata(path);
    parent_is_there(path) && found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// A process that does not share the folder of the namespaces would see none of them. Those below /proc are another matter:
/// whether a process is gone only its own PID namespace knows.
fn parent_is_there(path: &Path) -> bool {
    !path.starts_with("/proc") && path.parent().is_some_and(Path::is_dir)
}

fn is_namespace(path: &Path) -> bool {
    rustix::fs::statfs(path).is_ok_and(|found| u64::try_from(found.f_type) == Ok(NSFS))
}
