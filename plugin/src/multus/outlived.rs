//! What the runtime's cache still says of a sandbox that is undone, by a name that our network does not have any more.
//!
//! A runtime looks for what ADD gave by the network's name of today, and removes that file alone. The name changes under pods
//! that run: a node is taken over from Multus and given back, or gets another cluster network. What it wrote by the name of
//! before outlives the pod, and is handed over as a sandbox's result when the name comes back: to a DEL for which there is no
//! record any more, as everything was taken away.

use std::{fs, io, path::Path};

use spec::cni::NetworkName;

use super::{imported::Sandbox, result_cache::Entry};
use crate::small_file;

/// Removes from the cache in the folder `results` what is about the interface of `sandbox` under other names than `network`,
/// which is the runtime's to remove. Gives back how many files those were. What cannot be understood stays.
///
/// # Errors
/// In words: the folder is there and cannot be read, or a file cannot be removed.
pub fn forget(
    results: &Path,
    sandbox: &Sandbox<'_>,
    network: &NetworkName,
) -> Result<usize, String> {
    let failed =
        |error: io::Error| format!("the folder {} cannot be read: {error}", results.display());
    let files = match fs::read_dir(results) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(failed(error)),
    };
    let ending = format!("-{}-{}", sandbox.container_id, sandbox.interface);
    let mut forgotten = 0;
    for file in files {
        let file = file.map_err(failed)?;
        if !file.file_name().to_string_lossy().ends_with(&ending) {
            continue;
        }
        let path = file.path();
        let outlived = Entry::read(&path)
            .ok()
            .flatten()
            .is_some_and(|entry| entry.has_outlived(sandbox, network));
        if outlived {
            small_file::remove(&path)
                .map_err(|error| format!("{} cannot be removed: {error}", path.display()))?;
            forgotten += 1;
        }
    }
    Ok(forgotten)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::multus::golden::{Runtime, SRIOV, base64, cached, put};

    const OURS: &str = r#"{"cniVersion":"1.0.0","name":"n","plugins":[{"type":"polypod"}]}"#;

    #[test]
    fn only_other_names() {
        let folder = tempfile::tempdir().unwrap();
        let results = folder.path();
        let write = |network: &str, id: &str, interface: &str, conf: &str| {
            let mut entry = cached();
            entry["networkName"] = network.into();
            entry["containerId"] = id.into();
            entry["ifName"] = interface.into();
            entry["config"] = base64(conf).into();
            let name = format!("{network}-{id}-{interface}");
            put(results, &name, entry.to_string());
        };
        write("primary", "c1", "eth0", OURS);
        write("multus-cni-network", "c1", "eth0", OURS);
        // Of a time before us; another interface's, another sandbox's, whose network is called like ours of this one.
        write("sriov-a", "c1", "eth0", SRIOV);
        write("primary", "c1", "net1", OURS);
        write("primary", "c2", "eth0", OURS);
        write("primary-c1", "c2", "eth0", SRIOV);
        put(results, "torn-c1-eth0", "{");
        let runtime = Runtime::new();
        let network = NetworkName::try_from("multus-cni-network").unwrap();
        assert_eq!(forget(results, &runtime.sandbox(), &network), Ok(2));
        assert!(!results.join("primary-c1-eth0").exists());
        assert_eq!(fs::read_dir(results).unwrap().count(), 5);
        assert_eq!(forget(results, &runtime.sandbox(), &network), Ok(0));
        assert_eq!(
            forget(&results.join("none"), &runtime.sandbox(), &network),
            Ok(0)
        );
    }
}
