//! `clusterNetwork` and `defaultNetworks` where no NetworkAttachmentDefinition has that name: a CNI name or a path of the
//! node.

use std::path::Path;

use spec::cni::NetworkConf;

use crate::{conf_dir, error::Error};

/// Finds the configuration that the key `clusterNetwork` means by `named`: a CNI name in `conf_dir`, a folder (its first
/// file), or a file.
///
/// # Errors
/// Where it was searched and what was found instead.
pub fn find(named: &str, conf_dir: &Path) -> Result<NetworkConf, Error> {
    find_for("clusterNetwork", named, conf_dir)
}

/// As [`find`], for an element of `defaultNetworks`.
///
/// # Errors
/// As [`find`].
pub fn find_default_network(named: &str, conf_dir: &Path) -> Result<NetworkConf, Error> {
    find_for("defaultNetworks", named, conf_dir)
}

fn find_for(key: &str, named: &str, conf_dir: &Path) -> Result<NetworkConf, Error> {
    let found = if !named.contains('/') {
        match named.parse() {
            Ok(name) => conf_dir::find(conf_dir, &name),
            Err(problem) => Err(problem.to_string()),
        }
    } else if Path::new(named).is_dir() {
        conf_dir::first(Path::new(named))
    } else {
        conf_dir::read(Path::new(named))
    };
    found.map_err(|problem| Error::NoConf {
        wanted: format!("{key} {named:?} is neither a NetworkAttachmentDefinition nor a CNI configuration of this node"),
        problem,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_name_a_folder_or_a_file() {
        let node = tempfile::tempdir().unwrap();
        let conf_dir = node.path().join("conf");
        for (name, text) in [
            ("conf/10-a.conf", r#"{"name":"a","type":"bridge"}"#),
            ("conf/20-b.conflist", r#"{"name":"b"}"#),
            ("conf/b/x.conf", r#"{"type":"tuning"}"#),
            ("conf/30-c.json", r#"{"name":"c","type":"macvlan"}"#),
        ] {
            let file = node.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let path = |name: &str| node.path().join(name).display().to_string();
        for (named, wanted) in [
            ("a".to_owned(), "bridge"),
            ("b".to_owned(), "tuning"),
            ("c".to_owned(), "macvlan"),
            (path("conf"), "bridge"),
            (path("conf/"), "bridge"),
            (path("conf/20-b.conflist"), "tuning"),
            (path("conf/30-c.json"), "macvlan"),
        ] {
            let conf = find(&named, &conf_dir).unwrap();
            assert_eq!(conf.plugins()[0].plugin_type().as_str(), wanted, "{named}");
        }
        for named in [
            path("conf/b/none.conf"),
            "d".to_owned(),
            "a b".to_owned(),
            String::new(),
        ] {
            let error = find_default_network(&named, &conf_dir)
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with(&format!("defaultNetworks {named:?}")),
                "{error}"
            );
        }
    }
}
