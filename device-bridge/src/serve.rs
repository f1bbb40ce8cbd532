//! `serve`: the daemon, from start to stop.

use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
    time::Duration,
};

use kube::Client;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{oneshot, watch as flag},
    task::JoinSet,
    time::timeout,
};

use crate::{
    claims::ClaimSource,
    client::{self, ClientError},
    config::{Serve, ServedObjects},
    devices::Devices,
    install::{self, error::InstallError, settings::Install},
    kubelet::PodResourcesClient,
    live::Live,
    lookup::Lookup,
    metrics::Metrics,
    objects,
    outbox::outbox,
    publish::Publisher,
    reconcile::{self, Reconciler},
    respond::Responder,
    server::{self, Limits},
    socket::{Socket, SocketError},
    spool::Spool,
    store::Store,
    topology::{Parts, topology},
    watch,
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

/// Runs until SIGTERM or SIGINT. Prints `serving unix://PATH` on `announce` when the first request can be answered.
///
/// # Errors
/// It cannot begin, or cannot go on.
pub async fn run(config: Serve, announce: &mut impl Write) -> Result<(), ServeError> {
    let stop = stop_signal().map_err(ServeError::Signal)?;
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
    } = config;
    let metrics = Arc::new(Metrics::new());
    let mut watches = JoinSet::new();
    // Before anything is known of pods: where there was no plugin, the runtime waits for its configuration.
    let _installed = install.map(|install| keep_installed(*install, stop.clone()));
    let (lookup, store, claims, client) = match objects {
        ServedObjects::Files(paths) => {
            let (store, claims) = objects::read(&paths)?;
            let (networks, pods) = store.counts();
            tracing::info!(networks, pods, "Objects read");
            let claims = ClaimSource::Files(Arc::new(claims));
            let store = Arc::new(store);
            (Lookup::in_files(Arc::clone(&store)), store, claims, None)
        }
        ServedObjects::Watched { kubeconfig, node } => {
            let client = client::connect(kubeconfig.as_deref()).await?;
            let synced = start_watches(&client, &node, &mut watches);
            let mut stopped = stop.clone();
            let store = tokio::select! {
                store = synced => store,
                Some(ended) = watches.join_next() => return Err(watch_ended(ended)),
                _ = stopped.wait_for(|stopped| *stopped) => return Ok(()),
            };
            let live = Live::new(client.clone());
            let claims = ClaimSource::follow(&client, node, &mut watches);
            let lookup = Lookup::watched(Arc::clone(&store), live);
            (lookup, store, claims, Some(client))
        }
    };
    let pod_resources =
        PodResourcesClient::new(pod_resources_socket, &kubelet, Arc::clone(&metrics));
    let (_topology, following) = topology(Parts {
        kubelet: pod_resources.clone(),
        store,
        destination: Parts::destination(publish_to.as_deref(), client.as_ref()),
        checkpoint: kubelet.checkpoint.clone(),
        metrics: Arc::clone(&metrics),
        settings,
    });
    let publisher = publisher(publish_to.as_deref(), client);
    let tells_status = matches!(publisher, Publisher::Pod(_));
    let responder = Arc::new(Responder {
        lookup,
        devices: Devices::new(pod_resources, kubelet.checkpoint, claims),
        metrics: Arc::clone(&metrics),
    });
    let socket = Socket::listen(&bridge_socket)?;
    let spool = Spool::beside(&bridge_socket);
    let (outbox, publishing) = outbox(publisher, Some(spool), Arc::clone(&metrics));
    let publishing = tokio::spawn(publishing);
    let mut background = JoinSet::new();
    if let Some(interval) = reconcile.interval() {
        let reconciler = Reconciler::new(
            cni_dir,
            responder.lookup.clone(),
            outbox.clone(),
            Arc::clone(&metrics),
            tells_status,
        );
        background.spawn(reconcile::run(reconciler, interval));
    }
    let following = tokio::spawn(following);
    say_ready(announce, &bridge_socket);

    let mut stopped = stop.clone();
    let mut watch_error = None;
    let until = async {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => {}
            Some(ended) = watches.join_next() => watch_error = Some(watch_ended(ended)),
        }
    };
    let limits = Limits::new(request_timeout);
    server::serve(socket, responder, outbox, limits, until).await;
    // They hold copies of the outbox, which is emptied when nobody can put anything into it.
    background.shutdown().await;
    following.abort();
    if timeout(LAST_REPORTS, publishing).await.is_err() {
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

/// `install` as a daemon of its own, until SIGTERM or SIGINT.
///
/// # Errors
/// It cannot begin.
pub async fn install_alone(install: Install, announce: &mut impl Write) -> Result<(), ServeError> {
    let stop = stop_signal().map_err(ServeError::Signal)?;
    let (ready, _) = flag::channel(false);
    Ok(install::run::keep(install, stop, ready, announce).await?)
}

/// Installs beside the answers. Its faults are told in the log; the answers do not depend on it.
fn keep_installed(install: Install, stop: flag::Receiver<bool>) -> flag::Receiver<bool> {
    let (ready, is_ready) = flag::channel(false);
    tokio::spawn(async move {
        if let Err(error) = install::run::keep(install, stop, ready, &mut io::sink()).await {
            tracing::error!(%error, "Not installed");
        }
    });
    is_ready
}

/// Where network-status goes: the folder if one is given, else the pod, else the log.
pub(crate) fn publisher(publish_to: Option<&Path>, client: Option<Client>) -> Publisher {
    match (publish_to, client) {
        (Some(folder), _) => Publisher::Folder(folder.to_owned()),
        (None, Some(client)) => Publisher::Pod(client),
        (None, None) => Publisher::Log,
    }
}

/// Starts the watches; the future gives the store once it holds everything.
fn start_watches(
    client: &Client,
    node: &str,
    watches: &mut JoinSet<()>,
) -> impl Future<Output = Arc<Store>> + use<> {
    let store = Arc::new(Store::default());
    let (networks_synced, networks) = oneshot::channel();
    let (pods_synced, pods) = oneshot::channel();
    watches.spawn(watch::networks(
        client.clone(),
        Arc::clone(&store),
        networks_synced,
    ));
    let (client, node) = (client.clone(), node.to_owned());
    let of_pods = Arc::clone(&store);
    watches.spawn(async move { watch::pods(client, &node, of_pods, pods_synced).await });
    async move {
        // An error means that a watch has ended, which is seen elsewhere.
        if let (Ok(()), Ok(())) = tokio::join!(networks, pods) {
            return store;
        }
        std::future::pending().await
    }
}

fn watch_ended(ended: Result<(), tokio::task::JoinError>) -> ServeError {
    ServeError::Watch(match ended {
        Ok(()) => "its stream is over".to_owned(),
        Err(error) => error.to_string(),
    })
}

/// True from the first SIGTERM or SIGINT on.
fn stop_signal() -> io::Result<flag::Receiver<bool>> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let (sender, receiver) = flag::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("Stopping");
        sender.send_replace(true);
    });
    Ok(receiver)
}

fn say_ready(announce: &mut impl Write, socket: &Path) {
    let said =
        writeln!(announce, "serving unix://{}", socket.display()).and_then(|()| announce.flush());
    if let Err(error) = said {
        tracing::warn!(%error, "Nobody reads the line that says where it serves");
    }
    tracing::info!(socket = %socket.display(), "Serving");
}
