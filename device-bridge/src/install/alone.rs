//! No agent beside: whoever hands a node back does so when nobody is there any more who would undo it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;

use super::{
    args::below,
    conf_folder::ConfFolder,
    error::InstallError,
    settings::{BRIDGE_SOCKET, Install, Places},
};
use crate::sole::Sole;

/// How long the agent is waited for. `kubectl delete` returns before a pod has ended, which has its grace period for that.
const LIMIT: Duration = Duration::from_secs(60);

/// Waits until no agent runs that has installed `runtime`'s configuration, and keeps others from beginning.
///
/// An agent is seen by the folder of its socket. Where that is not there, or not mounted, nothing is waited for.
///
/// # Errors
/// It still runs, or the system refuses.
pub fn wait(places: &Places, runtime: &ConfFolder) -> Result<Option<Sole>, InstallError> {
    wait_for(places, runtime, LIMIT)
}

fn wait_for(
    places: &Places,
    runtime: &ConfFolder,
    limit: Duration,
) -> Result<Option<Sole>, InstallError> {
    let socket = places.here(&socket_of(places, runtime));
    if !has_folder(&socket) {
        tracing::info!(socket = %socket.display(), "The folder of the bridge socket is not there; whether a node agent still runs is not looked at");
        return Ok(None);
    }
    let waited = Sole::wait_for(&socket, limit).map_err(|source| InstallError::Conf {
        path: socket.clone(),
        source,
    })?;
    waited.map(Some).ok_or(InstallError::AgentRuns {
        socket,
        seconds: limit.as_secs(),
    })
}

/// Where an `install` that serves nobody is seen all the same, as this process sees it; `None` where that is not mounted.
#[must_use]
pub fn socket_to_hold(install: &Install) -> Option<PathBuf> {
    let written = install.keys.get("bridgeSocket").and_then(Value::as_str);
    let socket = written.unwrap_or(BRIDGE_SOCKET);
    let socket = below(&install.places.host_root, Path::new(socket));
    has_folder(&socket).then_some(socket)
}

fn has_folder(socket: &Path) -> bool {
    socket.parent().is_some_and(Path::is_dir)
}

/// `bridgeSocket` of our configuration, as the node has it.
fn socket_of(places: &Places, runtime: &ConfFolder) -> PathBuf {
    let written = runtime
        .file(&places.conf_name)
        .and_then(|ours| ours.path("bridgeSocket"));
    written.unwrap_or_else(|| BRIDGE_SOCKET.into())
}

#[cfg(test)]
#[path = "alone_tests.rs"]
mod tests;
