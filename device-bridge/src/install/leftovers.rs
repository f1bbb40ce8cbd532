//! What Multus left of pods that are gone: the plugin undoes it once a node is taken over.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use spec::cni::NetworkName;

use super::{programs::PLUGIN, settings::Places};

/// Has the plugin collect what has lost its network namespace, and nothing else: nobody said which pods are valid.
///
/// The plugin's delegates need the node's own namespaces. In a container that is left to the rounds of `serve`, which enters
/// them, and to the runtime's GC.
///
/// # Errors
/// In words.
pub fn undo(places: &Places) -> Result<(), String> {
    if places.host_root.parent().is_some() {
        tracing::info!(
            "What Multus left of pods that are gone is undone by serve with --host-pid, or by the runtime's GC"
        );
        return Ok(());
    }
    let written = std::fs::read_to_string(places.conf_file()).map_err(|error| error.to_string())?;
    let conf = conf(&written).ok_or("our configuration cannot be read")?;
    collect(places, &conf)
}

/// Has the plugin collect what has lost its network namespace, of what was attached by these networks of the runtime, below
/// `cni_dir`, whether or not our configuration is still there.
///
/// # Errors
/// In words.
pub fn undo_of(
    places: &Places,
    cni_dir: &Path,
    networks: &[Option<NetworkName>],
) -> Result<(), String> {
    if places.host_root.parent().is_some() {
        return Ok(());
    }
    for name in networks {
        let mut conf = json!({
            "cniVersion": "1.1.0", "type": PLUGIN, "cniDir": cni_dir, "binDir": places.bin_dir,
        });
        if let Some(name) = name {
            conf["name"] = json!(name);
        }
        collect(places, &conf)?;
    }
    Ok(())
}

fn collect(places: &Places, conf: &Value) -> Result<(), String> {
    let program = places.executable(PLUGIN);
    let failed = |error| format!("{} cannot be executed: {error}", program.display());
    let mut child = Command::new(&program)
        .env("CNI_COMMAND", "GC")
        .env("CNI_PATH", &places.bin_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that ends before it has read says why.
        let _ = stdin.write_all(conf.to_string().as_bytes());
    }
    let output = child.wait_with_output().map_err(failed)?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// The plugin's own configuration, as a runtime hands it over.
fn conf(written: &str) -> Option<Value> {
    let list: Value = serde_json::from_str(written).ok()?;
    let mut conf = list.get("plugins")?.get(0)?.clone();
    let members = conf.as_object_mut()?;
    members.insert("name".to_owned(), list.get("name")?.clone());
    members.insert("cniVersion".to_owned(), json!("1.1.0"));
    Some(conf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_of_the_plugin_alone() {
        let list = r#"{"name":"n","cniVersion":"0.3.1","plugins":[{"type":"polypod","cniDir":"/d"},{"type":"x"}]}"#;
        let wanted = json!({"name": "n", "cniVersion": "1.1.0", "type": "polypod", "cniDir": "/d"});
        assert_eq!(conf(list), Some(wanted));
        assert_eq!(conf("{}"), None);
        assert_eq!(conf("{"), None);
    }
}
