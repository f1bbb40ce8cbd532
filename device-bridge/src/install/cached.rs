//! Sandboxes that the runtime will delete by the configuration it started them with, whatever is in the folder by then.

use std::{fs, io, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use spec::cni::NetworkConf;

/// What libcni writes (`libcni.cachedInfo`), as far as it is of use here.
#[derive(Deserialize)]
struct Cached {
    config: String,
}

/// How many attachments of the runtime execute `program`. What cannot be read is none of them.
///
/// # Errors
/// The folder is there and cannot be read.
pub fn count(results: &Path, program: &str) -> io::Result<usize> {
    let entries = match fs::read_dir(results) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut count = 0;
    for entry in entries {
        count += usize::from(executes(&entry?.path(), program).unwrap_or_default());
    }
    Ok(count)
}

fn executes(file: &Path, program: &str) -> Option<bool> {
    let cached: Cached = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    let text = String::from_utf8(STANDARD.decode(cached.config).ok()?).ok()?;
    let conf = NetworkConf::parse(&text).ok()?;
    let mut plugins = conf.plugins().iter();
    Some(plugins.any(|plugin| plugin.plugin_type().as_str() == program))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_execute_it() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, conf: &str| {
            let text = serde_json::json!({"kind": "cniCacheV1", "config": STANDARD.encode(conf)});
            fs::write(folder.path().join(name), text.to_string()).unwrap();
        };
        write("a-1-eth0", r#"{"name":"a","plugins":[{"type":"polypod"}]}"#);
        write("a-2-eth0", r#"{"name":"a","type":"bridge"}"#);
        write("a-3-eth0", "{");
        write(
            "a-5-eth0",
            r#"{"name":"a","plugins":[{"type":"multus-shim"}]}"#,
        );
        fs::write(folder.path().join("a-4-eth0"), "{").unwrap();
        assert_eq!(count(folder.path(), "polypod").unwrap(), 1);
        assert_eq!(count(folder.path(), "multus-shim").unwrap(), 1);
        assert_eq!(count(&folder.path().join("none"), "polypod").unwrap(), 0);
    }
}
