//! `auxiliaryCNIChainName`: a chain of plugins in files of the node that every pod gets last, whatever its networks are.

use std::path::Path;

use serde_json::json;
use spec::cni::{ConfFile, NetworkConf, NetworkName, Version};

use crate::{conf_dir, error::Error};

/// The key of the plugin's configuration that names the chain.
const KEY: &str = "auxiliaryCNIChainName";

/// The chain `name`: the plugin `passthru`, which makes nothing, and after it the `.conf` files in the folder of that name
/// beside `cluster_network`. `None` when there is no such file.
///
/// A broken file is an error that names it, where Multus only logs and goes on without the chain: what is in it, such as a
/// plugin that sets up filters, would silently be missing from every pod.
///
/// Chains begin with version 0.3.0, so that an older `version` is taken for that one.
///
/// # Errors
/// `cluster_network` is no path, so that there is no folder beside it; a file cannot be read or is no plugin.
pub fn find(
    cluster_network: &str,
    name: &NetworkName,
    version: Version,
) -> Result<Option<NetworkConf>, Error> {
    let Some((folder, _)) = cluster_network.rsplit_once('/') else {
        return Err(Error::Key {
            key: KEY,
            problem: format!(
                "auxiliary chain used but ClusterNetwork must be a path, beside which the folder {:?} with the chain's plugins is, and it is {cluster_network:?}",
                name.as_str()
            ),
        });
    };
    let folder = if folder.is_empty() { "/" } else { folder };
    let broken = |problem| Error::NoConf {
        wanted: format!("the chain of {KEY} {:?} cannot be loaded", name.as_str()),
        problem,
    };
    let plugins =
        conf_dir::plugins_of_folder(&Path::new(folder).join(name.as_str())).map_err(broken)?;
    if plugins.is_empty() {
        return Ok(None);
    }
    let list = json!({
        "cniVersion": version.max(Version::V0_3_0),
        "name": name,
        "plugins": [{"type": "passthru", "name": "passthru-cni"}],
    });
    ConfFile::parse(&list.to_string())
        .and_then(|list| list.with(plugins))
        .map(Some)
        .map_err(|problem| broken(problem.to_string()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn chain(cluster_network: &str, version: Version) -> Result<Option<NetworkConf>, String> {
        find(cluster_network, &"aux".parse().unwrap(), version).map_err(|error| error.to_string())
    }

    #[test]
    fn files_beside_the_cluster_network() {
        let node = tempfile::tempdir().unwrap();
        let cluster_network = node.path().join("10-main.conflist").display().to_string();
        assert!(chain(&cluster_network, Version::V1_0_0).unwrap().is_none());
        let aux = node.path().join("aux");
        fs::create_dir(&aux).unwrap();
        fs::write(aux.join("README"), "").unwrap();
        assert!(chain(&cluster_network, Version::V1_0_0).unwrap().is_none());
        fs::write(aux.join("20-b.conf"), r#"{"type":"sbr","x":1.50}"#).unwrap();
        fs::write(aux.join("10-a.conf"), r#"{"type":"tuning"}"#).unwrap();
        let found = chain(&cluster_network, Version::V1_0_0).unwrap().unwrap();
        assert_eq!(
            found.to_json(),
            r#"{"cniVersion":"1.0.0","name":"aux","plugins":[{"name":"passthru-cni","type":"passthru"},{"type":"tuning"},{"type":"sbr","x":1.50}]}"#
        );
        let old = chain(&cluster_network, Version::V0_1_0).unwrap().unwrap();
        assert_eq!(old.version(), Version::V0_3_0);

        fs::write(aux.join("30-c.conf"), "{}").unwrap();
        let error = chain(&cluster_network, Version::V1_0_0).unwrap_err();
        assert!(
            error.contains("30-c.conf") && error.contains("aux"),
            "{error}"
        );
    }

    #[test]
    fn without_a_path_there_is_no_folder() {
        for cluster_network in ["", "main"] {
            let error = chain(cluster_network, Version::V1_0_0).unwrap_err();
            let words = "auxiliary chain used but ClusterNetwork must be a path";
            assert!(error.contains(words), "{error}");
        }
        assert!(chain("/main.conflist", Version::V1_0_0).unwrap().is_none());
    }
}
