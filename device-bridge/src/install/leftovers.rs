//! What Multus left of pods that are gone: the plugin undoes it once a node is taken over.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};
use spec::cni::NetworkName;
use tokio::time::sleep;

use super::{execute::execute, programs::PLUGIN, settings::Places};
use crate::hotplug::execute::Executor;

/// The first pause after a failure, which grows to the longest.
pub const PAUSE: Duration = Duration::from_secs(10);

const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// More than the plugin takes for all of them, unless it hangs.
const LIMIT: Duration = Duration::from_secs(600);

/// Undoes it, and tries again after `pause`, and ever longer, until that succeeds.
pub async fn undo_all(places: Places, mut pause: Duration) {
    while let Err(problem) = undo(&places).await {
        tracing::warn!(problem, again_in = ?pause, "What Multus left of pods that are gone is not undone");
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Has the plugin collect what has lost its network namespace, and nothing else: nobody said which pods are valid.
///
/// The plugin's delegates need the node's own namespaces. In a container that is left to the rounds of `serve`, which enters
/// them, and to the runtime's GC.
///
/// # Errors
/// In words.
pub async fn undo(places: &Places) -> Result<(), String> {
    if places.host_root.parent().is_some() {
        tracing::info!(
            "What Multus left of pods that are gone is undone by serve with --host-pid, or by the runtime's GC"
        );
        return Ok(());
    }
    let file = places.conf_file();
    let written = std::fs::read_to_string(&file)
        .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let conf = conf(&written).ok_or_else(|| format!("{} is not ours", file.display()))?;
    let executor = Executor {
        host_pid: None,
        timeout: LIMIT,
    };
    let folder = places.bin_dir.display().to_string();
    let variables = [("CNI_COMMAND", "GC".to_owned()), ("CNI_PATH", folder)];
    let environment = variables.map(|(name, value)| (name.to_owned(), value));
    let plugin = places.executable(PLUGIN);
    let finished = executor
        .execute(&plugin, environment, conf.to_string().into_bytes())
        .await
        .map_err(|unfinished| unfinished.to_string())?;
    if finished.success {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&finished.stdout);
    Err(format!("{}: {}", finished.status, said.trim()))
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
    let variables = [
        ("CNI_COMMAND", "GC".as_ref()),
        ("CNI_PATH", places.bin_dir.as_os_str()),
    ];
    let output = execute(&places.executable(PLUGIN), &[], variables, conf)?;
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
