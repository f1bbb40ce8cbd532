//! `serve`: the daemon, from start to stop.

mod announce;
mod hot_plugging;
mod installing;
mod known;
mod stop;

use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
    time::Duration,
};

use kube::Client;
use tokio::{sync::watch as flag, task::JoinSet, time::timeout};

pub use self::installing::{install_alone, uninstall};
use self::known::Known;
use crate::{
    client::ClientError,
    config::Serve,
    devices::Devices,
    health::{self, Health, HealthError},
    hotplug::{Overlay, overlay::OverlayError},
    install::error::InstallError,
    kubelet::PodResourcesClient,
    node_status,
    outbox::outbox,
    publish::Publisher,
    reconcile::{self, Reconciler},
    respond::Responder,
    server::{self, Limits},
    socket::{Socket, SocketError},
    sole::Sole,
    spool::Spool,
    topology::{Parts, topology},
};

/// How long reports may still be published after the stop. With the server's grace it stays below the five seconds that
/// service managers of tests and demos wait.
const LAST_REPORTS: Duration = Duration::from_millis(500);

/// Why the daemon does not serve, or serves no more.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The files of `--objects`.
    #[error(transparent)]
    Objects(#[from] api::objects::ObjectsError),
    /// The API server's client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The plain port.
    #[error(transparent)]
    Health(#[from] HealthError),
    /// The configuration of the hot-plug socket.
    #[error(transparent)]
    Overlay(#[from] OverlayError),
    /// SIGTERM cannot be waited for.
    #[error("cannot wait for signals: {0}")]
    Signal(#[source] io::Error),
    /// What is installed besides.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// What follows the API server is gone, and the answers would grow old.
    #[error("a watch on the API server ended: {0}")]
    Watch(String),
}

/// Runs until SIGTERM or SIGINT. Where another one serves the socket its end is waited for first. Prints `serving unix://PATH` on `announce` when the first request can be answered.
///
/// # Errors
/// It cannot begin, or cannot go on.
pub async fn run(config: Serve, announce: &mut impl Write) -> Result<(), ServeError> {
    let stop = stop::signal().map_err(ServeError::Signal)?;
    // Before anything of the node is touched, its health port included.
    let _sole = tokio::select! {
        sole = Sole::wait(&config.bridge_socket) => sole?,
        () = stop::stopped(stop.clone()) => return Ok(()),
    };
    let Serve {
        objects,
        bridge_socket,
        pod_resources_socket,
        kubelet,
        publish_to,
        request_timeout,
        reconcile,
        cni_dir,
        install,
        topology: settings,
        hotplug,
        health: health_args,
        telemetry,
    } = config;
    if let Some(endpoint) = telemetry.endpoint() {
        tracing::info!(endpoint, "Traces are sent");
    }
    let health = Health::default();
    let metrics = Arc::clone(&health.metrics);
    if let Some(listener) = health_args.listen().await? {
        if let Ok(address) = listener.local_addr() {
            announce::say(announce, &format!("health http://{address}"));
        }
        // Until the process ends, so that it can be seen ending.
        tokio::spawn(health::serve(listener, health::router(health.clone())));
    }
    if let Some(listener) = health_args.listen_for_metrics().await {
        if let Ok(address) = listener.local_addr() {
            announce::say(announce, &format!("metrics http://{address}"));
        }
        let router = health::metrics_router(health.clone());
        tokio::spawn(health::serve(listener, router));
    }
    let overlay = hotplug.hotplug_config.as_deref().map(Overlay::read);
    let overlay = overlay.transpose()?.unwrap_or_default();
    let installed = install
        .as_ref()
        .map(|install| hot_plugging::installed(&hotplug, &install.places));
    // Before anything is known of pods: where there was no plugin, the runtime waits for its configuration.
    if let Some(install) = install {
        health
            .readiness
            .needs(installing::keep_installed(*install, stop.clone()));
    }
    let mut watches = JoinSet::new();
    let known = tokio::select! {
        known = known::gather(objects, &mut watches) => known?,
        () = stop::stopped(stop.clone()) => return Ok(()),
    };
    let Known {
        lookup,
        store,
        claims,
        client,
    } = known;
    health.readiness.synced();
    // It is the first and only one.
    let _set = health.store.set(Arc::clone(&store));
    let pod_resources =
        PodResourcesClient::new(pod_resources_socket, &kubelet, Arc::clone(&metrics));
    let told = flag::Sender::default();
    let status = node_status::Parts::object(&settings, publish_to.as_deref(), client.as_ref());
    let status = status.map(|object| node_status::Parts {
        object,
        readiness: Arc::clone(&health.readiness),
        told: told.subscribe(),
        metrics: Arc::clone(&metrics),
    });
    let (topology, following) = topology(Parts {
        kubelet: pod_resources.clone(),
        store,
        destination: Parts::destination(publish_to.as_deref(), client.as_ref()),
        checkpoint: kubelet.checkpoint.clone(),
        metrics: Arc::clone(&metrics),
        settings,
        told,
    });
    let publisher = publisher(publish_to.as_deref(), client);
    let telling_pods = match &publisher {
        Publisher::Pod(client) => Some(client.clone()),
        Publisher::Folder(_) | Publisher::Log => None,
    };
    let tells_status = telling_pods.is_some();
    let devices = Devices::new(pod_resources, kubelet.checkpoint, claims);
    reconcile::remember(&cni_dir.here, &devices);
    let responder = Arc::new(Responder {
        lookup,
        devices,
        metrics: Arc::clone(&metrics),
        topology: Some(topology),
    });
    let socket = Socket::listen(&bridge_socket)?;
    let spool = Spool::beside(&bridge_socket);
    let (ending, is_ending) = flag::channel(false);
    let cleaner = hot_plugging::cleaner(&hotplug, &cni_dir, installed.as_deref());
    let hot_plugging = hot_plugging::serve(
        hotplug,
        overlay,
        installed.as_deref(),
        (telling_pods, responder.lookup.clone()),
        Arc::clone(&metrics),
        is_ending,
        announce,
    )?;
    let (outbox, publishing) = outbox(
        publisher,
        Some(spool),
        Some(responder.lookup.clone()),
        Arc::clone(&metrics),
    );
    let publishing = tokio::spawn(publishing);
    let mut background = JoinSet::new();
    background.spawn(following);
    if let Some(interval) = reconcile.interval() {
        let reconciler = Reconciler::new(
            cni_dir.here,
            responder.lookup.clone(),
            outbox.clone(),
            Arc::clone(&metrics),
            tells_status,
            cleaner,
        );
        background.spawn(reconcile::run(reconciler, interval));
    }
    let telling = tokio::spawn(async {
        if let Some(status) = status {
            node_status::tell(status).await;
        }
    });
    health.readiness.serving();
    announce::ready(announce, &bridge_socket);

    let mut watch_error = None;
    let until = async {
        tokio::select! {
            () = stop::stopped(stop) => {}
            Some(ended) = watches.join_next() => watch_error = Some(known::watch_ended(ended)),
        }
        health.readiness.stopping();
        ending.send_replace(true);
    };
    let limits = Limits::new(request_timeout);
    let serving = server::serve(socket, responder, outbox, limits, until);
    tokio::join!(serving, hot_plugging);
    // They hold copies of the outbox, which is emptied when nobody can put anything into it.
    background.shutdown().await;
    // The status has a limit of its own, below this one.
    let (published, _) = tokio::join!(
        timeout(LAST_REPORTS, publishing),
        timeout(LAST_REPORTS, telling)
    );
    if published.is_err() {
        tracing::warn!(
            "Events are given up; network-status that is not published yet will be at the next start"
        );
    }
    match watch_error {
        Some(error) => Err(error),
        None => {
            tracing::info!("Stopped");
            Ok(())
        }
    }
}

/// Where network-status goes: the folder if one is given, else the pod, else the log.
pub(crate) fn publisher(publish_to: Option<&Path>, client: Option<Client>) -> Publisher {
    match (publish_to, client) {
        (Some(folder), _) => Publisher::Folder(folder.to_owned()),
        (None, Some(client)) => Publisher::Pod(client),
        (None, None) => Publisher::Log,
    }
}
