//! The hot-plug socket, and what else executes the plugin.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use kube::Client;
use tokio::sync::watch as flag;

use super::{announce, stop};
use crate::{
    config::CniDir,
    hotplug::{self, HotplugArgs, Overlay, Service, enter::look_at, execute::Executor},
    install::settings::Places,
    lookup::Lookup,
    metrics::Metrics,
    reconcile::Cleaner,
    socket::{Socket, SocketError},
};

/// What serves the hot-plug socket, if there is one; it is listened on when this returns. `client` is there where pods are told, and
/// `lookup` knows them.
pub(super) fn serve(
    args: HotplugArgs,
    overlay: Overlay,
    installed: Option<&Path>,
    (client, lookup): (Option<Client>, Lookup),
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
    let service = Service::new(
        overlay,
        args.plugin_path,
        installed,
        executor,
        metrics,
        stopping,
    )
    .telling(client)
    .knowing(lookup);
    Ok(async move {
        if let Some(socket) = socket {
            hotplug::serve(socket, Arc::new(service), stop).await;
        }
    })
}

/// The folder that plugins are installed into, as those see it who execute them.
pub(super) fn installed(args: &HotplugArgs, places: &Places) -> PathBuf {
    match args.host_pid {
        Some(_) => places.bin_dir.clone(),
        None => places.here(&places.bin_dir),
    }
}

/// What undoes what is left of sandboxes: the plugin, executed as for the hot-plug socket. None unless it is said how it is
/// executed: in namespaces that are not the host's it would find nothing to undo, and remove the record all the same.
///
/// In the host's namespaces the plugin sees `cniDir` where the node has it, and else where this process does; `installed` is
/// the folder that plugins are installed into, in the same way.
pub(super) fn cleaner(
    args: &HotplugArgs,
    cni_dir: &CniDir,
    installed: Option<&Path>,
) -> Option<Cleaner> {
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
        installed.map(Path::to_owned),
        seen.clone(),
    ))
}

fn executor(args: &HotplugArgs) -> Executor {
    Executor {
        host_pid: args.host_pid,
        timeout: Duration::from_secs(args.hotplug_timeout.into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{
        args::Args,
        config::{Config, Task},
    };

    #[test]
    fn the_folder_is_the_presets_as_the_executor_sees_it() {
        let folder = |more: &[&str]| {
            let given = "polypod-device-bridge serve --node-name n1 --install --preset crio --host-root /host";
            let given: Vec<&str> = given.split(' ').chain(more.iter().copied()).collect();
            let config: Config = Args::try_parse_from(given).unwrap().try_into().unwrap();
            let Task::Serve(serve) = config.task else {
                panic!("not serve");
            };
            installed(&serve.hotplug, &serve.install.unwrap().places)
        };
        assert_eq!(folder(&["--host-pid=1"]), Path::new("/usr/libexec/cni"));
        assert_eq!(folder(&[]), Path::new("/host/usr/libexec/cni"));
        let other = ["--host-pid=1", "--cni-bin-dir=/opt/other"];
        assert_eq!(folder(&other), Path::new("/opt/other"));
    }
}
