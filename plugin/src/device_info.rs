//! Device-info files: what a device plugin, or the delegate, has to say about an attachment's device.
//!
//! NPWG device-information specification. A device plugin writes one below `dp/`. It is copied below `cni/` before the
//! delegates run, who are told its path as the capability `CNIDeviceInfoFile` and may write it themselves; afterwards it is
//! read for the pod's network-status, and DEL removes it. The file names are Multus's, because others compute them too.

use std::{
    ffi::OsStr,
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use serde_json::Value;
use spec::{
    cni::{ContainerId, InterfaceName},
    device::{DeviceId, ResourceName},
    kind,
};

use crate::small_file;

/// Where device-info files are on a node.
pub const BASE: &str = "/var/run/k8s.cni.cncf.io/devinfo";

/// The files are a few hundred bytes. They end up in an annotation, of which a pod has 256 KiB.
const LIMIT: u64 = 64 * 1024;

/// The device-info file of an attachment, `cni/<name>-<containerID>_<ifname>`. `name` is the network's name for people;
/// as no `/` of it is kept, the file is always in that folder.
#[must_use]
pub fn path(
    base: &Path,
    name: &str,
    container_id: &ContainerId,
    interface: &InterfaceName,
) -> PathBuf {
    let name = name.replace('/', "-");
    of_attachments(base).join(format!("{name}-{container_id}_{interface}"))
}

/// The device-info file that a device plugin writes for a device, `dp/<resource>-<deviceID>-device.json`.
#[must_use]
pub fn dp_path(base: &Path, resource: &ResourceName, device: &DeviceId) -> PathBuf {
    let resource = resource.as_str().replace('/', "-");
    let device = device.as_str().replace('/', "-");
    base.join("dp")
        .join(format!("{resource}-{device}-device.json"))
}

/// Whether `path` names a file right in the folder of attachments' device-info files, and no other place: a path that was
/// read somewhere is only then removed.
#[must_use]
pub fn is_one(base: &Path, path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(OsStr::to_str) else {
        return false;
    };
    // Compared as text: paths compare equal that are not written alike.
    path.as_os_str() == of_attachments(base).join(name).as_os_str()
}

/// Copies what the device plugin says about a device to `to`, the attachment's own file, readable for everybody. What an
/// attachment of the same name has left there is replaced. Gives back whether the device plugin says anything.
///
/// # Errors
/// In words: `to` is no device-info file of an attachment, the device plugin's file is none, or what the system says.
pub fn copy_in(
    base: &Path,
    resource: &ResourceName,
    device: &DeviceId,
    to: &Path,
) -> Result<bool, String> {
    if !is_one(base, to) {
        return Err(format!(
            "the device-info file {} is not in {}",
            to.display(),
            of_attachments(base).display()
        ));
    }
    let from = dp_path(base, resource, device);
    let Some((text, _)) = read(&from)? else {
        return Ok(false);
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(of_attachments(base))
        .and_then(|()| small_file::replace(&temporary(to), to, &text, 0o444))
        .map_err(|error| {
            format!(
                "the device-info file {} cannot be copied to {}: {error}",
                from.display(),
                to.display()
            )
        })?;
    Ok(true)
}

/// What an attachment's device-info file says, if there is one: for `device-info` of network-status, just as it is.
///
/// # Errors
/// In words: what the system says, or it is no JSON object with a `type`, as the specification wants it.
pub fn read_back(path: &Path) -> Result<Option<Value>, String> {
    Ok(read(path)?.map(|(_, info)| info))
}

/// Removes an attachment's device-info file, and what a process left that was killed while it copied one. Neither need be
/// there.
///
/// # Errors
/// What the system says, in words.
pub fn remove(path: &Path) -> Result<(), String> {
    [temporary(path), path.to_owned()]
        .iter()
        .try_for_each(|file| {
            small_file::remove(file).map_err(|error| {
                format!(
                    "the device-info file {} cannot be removed: {error}",
                    file.display()
                )
            })
        })
}

fn of_attachments(base: &Path) -> PathBuf {
    base.join("cni")
}

/// One name per attachment, so that [`remove`] finds it.
fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    path.with_file_name(format!(".{}.new", name.to_string_lossy()))
}

fn read(path: &Path) -> Result<Option<(Vec<u8>, Value)>, String> {
    let wrong = |problem: String| format!("the device-info file {} {problem}", path.display());
    let Some(text) =
        small_file::read(path, LIMIT).map_err(|error| wrong(format!("cannot be read: {error}")))?
    else {
        return Ok(None);
    };
    let info: Value = serde_json::from_slice(&text)
        .map_err(|error| wrong(format!("is not valid JSON: {error}")))?;
    let Value::Object(members) = &info else {
        return Err(wrong(format!(
            "is {} and must be an object",
            kind::of_value(&info)
        )));
    };
    match members.get("type") {
        Some(Value::String(_)) => Ok(Some((text, info))),
        None => Err(wrong(
            "has no \"type\", such as \"pci\"; whoever writes it must say of what kind the device is".to_owned(),
        )),
        Some(other) => Err(wrong(format!(
            "has {} at \"type\" and must have a text, such as \"pci\"",
            kind::of_value(other)
        ))),
    }
}

#[cfg(test)]
#[path = "device_info_tests.rs"]
mod tests;
