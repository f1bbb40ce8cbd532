//! Multus's scratch file: the delegates of a sandbox, written before the first of them is executed.

use std::path::Path;

use serde_json::{Map, Value};
use spec::{bridge::Device, cni::InterfaceName, kind};

use super::{
    go_json::{member, text, wrong},
    imported::{Conf, Imported, Sandbox},
    result_cache::{self, Entry},
    results,
};
use crate::{device_info, record::Attachment, small_file};

/// More than the networks of any pod need.
const LIMIT: u64 = 16 * 1024 * 1024;

/// Reads what Multus has written down about a sandbox; `None` where it has written nothing.
///
/// The scratch file has the delegates. What they were given beside their configuration, and what they gave back, is taken
/// from the result cache where an attachment has an entry there. One without was never made, or its entry was lost: it is
/// taken away all the same, with the pod's requests and the runtime's `CNI_ARGS` of today, as Multus does it.
///
/// # Errors
/// In words: the file cannot be read, or is torn: then there is [`result_cache::find`].
pub fn read(cni_dir: &Path, sandbox: &Sandbox<'_>) -> Result<Option<Imported>, String> {
    let path = path(cni_dir, sandbox);
    let bytes = small_file::read(&path, LIMIT)
        .map_err(|error| format!("Multus's file {} cannot be read: {error}", path.display()))?;
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    let results = results(cni_dir);
    let cached = |conf: &Conf, interface: &InterfaceName| match conf.parsed.name() {
        Some(network) => Entry::load(&results, network, sandbox.container_id, interface),
        None => Ok(None),
    };
    let mut imported = parse(&bytes, sandbox, &cached)
        .map_err(|problem| format!("Multus's file {} {problem}", path.display()))?;
    for lost in &mut imported.lost {
        *lost = format!("Multus's file {}, {lost}", path.display());
    }
    Ok(Some(imported))
}

fn path(cni_dir: &Path, sandbox: &Sandbox<'_>) -> std::path::PathBuf {
    cni_dir.join(sandbox.container_id.as_str())
}

/// How the cached entry of an attachment is looked up.
type Lookup<'a> = dyn Fn(&Conf, &InterfaceName) -> Result<Option<Entry>, String> + 'a;

/// Reads the text of a scratch file.
fn parse(bytes: &[u8], sandbox: &Sandbox<'_>, cached: &Lookup<'_>) -> Result<Imported, String> {
    let delegates: Value = serde_json::from_slice(bytes)
        .map_err(|error| format!("is torn or was changed ({error})"))?;
    let delegates = match delegates {
        Value::Array(delegates) => delegates,
        // Go's word for a list of nothing.
        Value::Null => Vec::new(),
        other => {
            return Err(format!(
                "is {} and must be a list of delegates",
                kind::of_value(&other)
            ));
        }
    };
    let mut imported = Imported::default();
    for (index, delegate) in delegates.iter().enumerate() {
        let read = match delegate {
            Value::Object(delegate) => {
                Delegate { index, delegate }.read(sandbox, cached, &mut imported)
            }
            other => Err(format!("it is {}", kind::of_value(other))),
        };
        match read {
            Ok(attachment) => imported.attachments.extend(attachment),
            Err(problem) => imported.lost.push(format!("delegate {index}: {problem}")),
        }
    }
    Ok(imported)
}

/// One element of the list.
struct Delegate<'a> {
    index: usize,
    delegate: &'a Map<String, Value>,
}

impl Delegate<'_> {
    /// The attachment; `None` where it cannot have been made.
    fn read(
        &self,
        sandbox: &Sandbox<'_>,
        cached: &Lookup<'_>,
        imported: &mut Imported,
    ) -> Result<Option<Attachment>, String> {
        let notes = &mut imported.notes;
        let interface = match text(self.delegate, "ifnameRequest")? {
            None => self.interface_of_place(sandbox),
            Some(requested) => match requested.parse() {
                Ok(requested) => requested,
                Err(problem) => {
                    notes.push(format!(
                        "delegate {} was never attached: {problem}",
                        self.index
                    ));
                    return Ok(None);
                }
            },
        };
        let bytes = text(self.delegate, "Bytes")?
            .ok_or_else(|| "it has no configuration at \"Bytes\"".to_owned())?;
        let conf = Conf::decode(bytes, sandbox)?;
        if conf.is_ourselves() {
            return Err("its plugin is the one that executes it".to_owned());
        }
        let entry = cached(&conf, &interface).unwrap_or_else(|problem| {
            notes.push(problem);
            None
        });
        if let Some(entry) = &entry {
            imported.netns.extend(entry.netns.clone());
        }
        let requests = self.requests(notes);
        let (args, runtime_config, result) = match entry {
            Some(entry) => {
                let result = entry.result.as_ref().map(|result| conf.result(result));
                let result = result.transpose().unwrap_or_else(|problem| {
                    notes.push(format!("the plugins of interface {interface} are not told the result of ADD: {problem}"));
                    None
                });
                // Without a container id it is an old file, which holds the result alone.
                let given = entry.container_id.is_some().then_some(entry.runtime_config);
                (entry.args, given, result)
            }
            None => (None, None, None),
        };
        let args = args.unwrap_or_else(|| self.args(sandbox));
        let mut attachment = conf.into_attachment(interface, args);
        if let Some(name) = text(self.delegate, "Name")? {
            name.clone_into(&mut attachment.name);
        }
        attachment.default = self.index == 0;
        attachment.result = result;
        attachment.device = self.device();
        attachment.default_route = self.default_route(notes);
        attachment.runtime_config = runtime_config.unwrap_or(requests);
        self.tell_device_info_file(&mut attachment, sandbox);
        Ok(Some(attachment))
    }

    /// The name it has by its place in the list.
    fn interface_of_place(&self, sandbox: &Sandbox<'_>) -> InterfaceName {
        if self.index == 0 {
            return sandbox.interface.clone();
        }
        format!("net{}", self.index).parse().expect(
            "net and the number of an element of a file of 16 MiB are at most 11 characters",
        )
    }

    /// `CNI_ARGS` where they are not known: the cluster network alone has the runtime's address and hardware address.
    fn args(&self, sandbox: &Sandbox<'_>) -> String {
        let args = sandbox.args.clone();
        if self.index == 0 {
            args.to_string()
        } else {
            args.without("IP").without("MAC").to_string()
        }
    }

    /// The pod's requests as capability arguments. Multus hands over none for the cluster network.
    fn requests(&self, notes: &mut Vec<String>) -> Map<String, Value> {
        let mut requests = Map::new();
        if self.index == 0 {
            return requests;
        }
        for (key, capability) in [
            ("macRequest", "mac"),
            ("infinibandGUIDRequest", "infinibandGUID"),
            ("deviceID", "deviceID"),
        ] {
            match text(self.delegate, key) {
                Ok(None) => {}
                Ok(Some(value)) => {
                    requests.insert(capability.to_owned(), Value::from(value));
                }
                Err(problem) => notes.push(format!("delegate {}: {problem}", self.index)),
            }
        }
        match member(self.delegate, "ipRequest") {
            None => {}
            Some(Value::Array(ips)) if ips.is_empty() => {}
            Some(ips @ Value::Array(_)) => {
                requests.insert("ips".to_owned(), ips.clone());
            }
            Some(other) => notes.push(format!(
                "delegate {}: {}",
                self.index,
                wrong("ipRequest", other, "a list of addresses")
            )),
        }
        requests
    }

    /// The allocated device. One that the pod has named itself has no resource, and is a capability argument.
    fn device(&self) -> Option<Device> {
        let resource = text(self.delegate, "resourceName").ok()??;
        let id = text(self.delegate, "deviceID").ok()??;
        Some(Device {
            resource: resource.parse().ok()?,
            id: id.parse().ok()?,
        })
    }

    /// Nothing of it is needed to take an attachment away.
    fn default_route(&self, notes: &mut Vec<String>) -> Option<Vec<std::net::IpAddr>> {
        let gateways = member(self.delegate, "default-route")?;
        serde_json::from_value(gateways.clone())
            .map_err(|_| {
                let problem = wrong("default-route", gateways, "a list of addresses");
                notes.push(format!("delegate {}: {problem}", self.index));
            })
            .ok()
    }

    /// The file that the delegates were told. Where that is not known it has Multus's name, for every attachment with a
    /// device but the cluster network.
    fn tell_device_info_file(&self, attachment: &mut Attachment, sandbox: &Sandbox<'_>) {
        attachment.device_info =
            result_cache::device_info_file(&attachment.runtime_config, sandbox).or_else(|| {
                let has_device = attachment.runtime_config.contains_key("deviceID");
                (has_device && self.index > 0).then(|| {
                    device_info::path(
                        sandbox.device_info,
                        &attachment.name,
                        sandbox.container_id,
                        &attachment.interface,
                    )
                })
            });
        if let Some(file) = attachment
            .device_info
            .as_ref()
            .and_then(|file| file.to_str())
        {
            let of_place = || Value::from(file);
            attachment
                .runtime_config
                .entry("CNIDeviceInfoFile")
                .or_insert_with(of_place);
        }
    }
}

#[cfg(test)]
#[path = "scratch_tests.rs"]
mod tests;
