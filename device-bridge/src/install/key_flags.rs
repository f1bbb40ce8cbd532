//! Keys of the plugin's configuration that flags decide.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{
    args::{Compat, KeyArgs},
    preset::Preset,
    settings::{Places, SettingsError, of_node},
};

/// Who is asked on the node, as the device-bridge has it: the plugin's keys unless somebody says otherwise.
#[derive(Clone, Copy, Debug)]
pub struct AskedSockets<'a> {
    /// Where the device-bridge serves.
    pub bridge: &'a Path,
    /// The kubelet's pod-resources API.
    pub pod_resources: &'a Path,
}

/// The `binDir` and `cniDir` that the plugin takes by itself.
const PLUGINS_OWN: (&str, &str) = ("/opt/cni/bin", "/var/lib/cni/multus");

/// The keys, as the plugin reads them. What the plugin and its resolver do by themselves is not written.
///
/// # Errors
/// A path that is not one of the node.
pub(super) fn key_flags(
    args: KeyArgs,
    sockets: AskedSockets<'_>,
    places: &Places,
) -> Result<Map<String, Value>, SettingsError> {
    let KeyArgs {
        conf_keys: _,
        plugin_bridge_socket,
        no_bridge_socket,
        plugin_pod_resources_socket,
        namespace_isolation,
        global_namespaces,
        readiness_indicator_file,
        plugin_log_level,
        plugin_log_file,
        compat,
    } = args;
    let path = |path: PathBuf, flag| of_node(path, flag).map(|path| text_of(&path));
    let mut keys = Map::new();
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            keys.insert(key.to_owned(), value);
        }
    };
    if !no_bridge_socket {
        let socket = plugin_bridge_socket.unwrap_or_else(|| sockets.bridge.to_owned());
        set(
            "bridgeSocket",
            Some(path(socket, "--plugin-bridge-socket")?),
        );
    }
    let socket = plugin_pod_resources_socket.unwrap_or_else(|| sockets.pod_resources.to_owned());
    if socket != Preset::default().pod_resources_socket() {
        set(
            "podResourcesSocket",
            Some(path(socket, "--plugin-pod-resources-socket")?),
        );
    }
    if namespace_isolation {
        set("namespaceIsolation", Some(true.into()));
    }
    set("globalNamespaces", global_namespaces.map(Value::from));
    if let Some(file) = readiness_indicator_file {
        set(
            "readinessindicatorfile",
            Some(path(file, "--readiness-indicator-file")?),
        );
    }
    set("logLevel", plugin_log_level.map(Value::from));
    if let Some(file) = plugin_log_file {
        set("logFile", Some(path(file, "--plugin-log-file")?));
    }
    if compat == Some(Compat::Multus) {
        set("compat", Some("multus".into()));
    }
    set("kubeconfig", places.kubeconfig.as_deref().map(text_of));
    let (bin_dir, cni_dir) = PLUGINS_OWN;
    let unusual = |path: &Path, usual: &str| (path != Path::new(usual)).then(|| text_of(path));
    set("binDir", unusual(&places.bin_dir, bin_dir));
    set("cniDir", unusual(&places.cni_dir, cni_dir));
    Ok(keys)
}

/// Paths were texts of the command line before.
fn text_of(path: &Path) -> Value {
    Value::from(path.to_string_lossy())
}
