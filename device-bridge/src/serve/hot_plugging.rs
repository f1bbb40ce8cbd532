//! The hot-plug socket, and what else executes the plugin.

use std::{io::Write, sync::Arc, time::Duration};

use tokio::sync::watch as flag;

use super::{announce, stop};
use crate::{
    config::CniDir,
    hotplug::{self, HotplugArgs, Overlay, Service, enter::look_at, execute::Executor},
    metrics::Metrics,
    reconcile::Cleaner,
    socket::{Socket, SocketError},
};

/// What serves the hot-plug socket, if there is one; it is listened on when this returns.
pub(super) fn serve(
    args: HotplugArgs,
    overlay: Overlay,
    metrics: Arc<Metrics>,
    stopping: flag::Receiver<bool>,
    announce: &mut dyn Write,
) -> Result<impl Future<Output = ()> + use<>, SocketError> {
    let executor = executor(&args);
    let socket = match args.hotplug_socket {
        Some(path) => {
            let socket = Socket::listen(&path)?;
            announce::say(announce, &format!("hotplug unix://{}", path.display()));
            tracing::info!(socket = %path.display(), host_pid = args.host_pid, "Hot-plug socket");
            if let Some(host) = args.host_pid {
                look_at(host);
            }
            Some(socket)
        }
        None => None,
    };
    let stop = stop::stopped(stopping.clone());
    let service = Service::new(overlay, args.plugin_path, executor, metrics, stopping);
    Ok(async move {
        if let Some(socket) = socket {
            hotplug::serve(socket, Arc::new(service), stop).await;
        }
    })
}

/// What undoes what is left of sandboxes: the plugin, executed as for the hot-plug socket. None unless it is said how it is
/// executed: in namespaces that are not the host's it would find nothing to undo, and remove the record all the same.
///
/// In the host's namespaces the plugin sees `cniDir` where the node has it, and else where this process does.
pub(super) fn cleaner(args: &HotplugArgs, cni_dir: &CniDir) -> Option<Cleaner> {
    if args.host_pid.is_none() && args.plugin_path.is_none() {
        return None;
    }
    let seen = match args.host_pid {
        Some(_) => &cni_dir.of_node,
        None => &cni_dir.here,
    };
    Some(Cleaner::new(
        executor(args),
        args.plugin_path.clone(),
        seen.clone(),
    ))
}

fn executor(args: &HotplugArgs) -> Executor {
    Executor {
        host_pid: args.host_pid,
        timeout: Duration::from_secs(args.hotplug_timeout.into()),
    }
}
