//! The process: everything put together, served, and ended in order.

use std::{
    io::{self, Write},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use admission::NetworkIndex;
use anyhow::{Context, Result, bail};
use api::objects;
use axum_server::{Handle, tls_rustls::RustlsConfig};
use hyper_util::rt::TokioTimer;
use kube::{
    Client,
    config::{KubeConfigOptions, Kubeconfig},
};
use tracing::info;

use crate::{
    certificate::{Certificates, metrics::CertificateMetrics},
    config::{Config, Source},
    configured::Configured,
    health::{self, Health},
    metrics::Metrics,
    readiness::Readiness,
    server::{self, Webhook},
    shutdown::Signals,
    store::{Part, Store},
    watch::watch,
};

/// How long requests that are being answered may take to end once the process is asked to.
const DRAIN: Duration = Duration::from_secs(10);

/// How long a connection may wait for a request. API servers keep theirs open for 90 seconds.
const IDLE: Duration = Duration::from_secs(120);

/// The same for a scrape of metrics.
const DRAIN_PLAIN: Duration = Duration::from_secs(1);

/// A NetworkAttachmentDefinition in a file without a namespace is in the one that kubectl would apply it to.
const DEFAULT_NAMESPACE: &str = "default";

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// It cannot begin, or a port cannot be served any more.
pub async fn run(config: Config) -> Result<()> {
    let Config {
        source,
        listen,
        health_listen,
        certificate,
        policy,
        log_level: _,
    } = config;
    let mut signals = Signals::listen().context("listening for signals")?;
    let (store, client) = match source {
        Source::Files(paths) => {
            let store = Store::filled(read(&paths)?.into());
            info!(networks = store.networks(), "Networks read from files");
            (store, None)
        }
        Source::ApiServer { kubeconfig } => {
            let store = Store::awaiting([Part::Networks, Part::Namespaces]);
            (store, Some(client(kubeconfig).await?))
        }
    };
    let store = Arc::new(store);
    let readiness = Arc::new(Readiness::default());
    let certificates = Certificates::begin(certificate, client.clone(), &readiness).await?;
    let status = certificates.status();
    let metrics = Metrics::new().with(Box::new(CertificateMetrics(Arc::clone(&status))));
    let metrics = Arc::new(metrics);
    let webhook = server::router(Webhook {
        store: Arc::clone(&store),
        configured: Arc::new(Configured::new(policy)),
        metrics: Arc::clone(&metrics),
        api_server: client.clone(),
    });
    let plain = health::router(Health {
        readiness: Arc::clone(&readiness),
        store: Arc::clone(&store),
        metrics,
        leaf_not_after: status.leaf_not_after(),
    });

    let (listener, address) = bind(listen).context("--listen")?;
    let (health_listener, health_address) = bind(health_listen).context("--health-listen")?;
    let tls = RustlsConfig::from_config(certs::tls::server_config(status.resolver())?);
    let (handle, health_handle) = (Handle::new(), Handle::new());
    let mut server = axum_server::from_tcp_rustls(listener, tls)?.handle(handle.clone());
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE);
    let served = server.serve(webhook.into_make_service());
    let health_served = axum_server::from_tcp(health_listener)?
        .handle(health_handle.clone())
        .serve(plain.into_make_service());
    // The plain port goes last: while requests are being drained it says that no more should come.
    let served = async {
        let ended = served.await;
        health_handle.graceful_shutdown(Some(DRAIN_PLAIN));
        ended
    };
    let served = async { tokio::try_join!(served, health_served).context("serving") };
    let mut served = std::pin::pin!(served);
    // The ports are open: whoever connects now is answered as soon as the first poll below.
    readiness.begin();
    announce(address, health_address).context("writing to standard output")?;

    let watched = async {
        match client {
            Some(client) => watch(client, &store).await,
            None => std::future::pending().await,
        }
    };
    let resigned = certificates.resignation();
    let renewed = certificates.keep();
    tokio::select! {
        result = &mut served => result.map(drop),
        // Neither ever ends; if one did, the webhook would go on with networks or a certificate of yesterday.
        () = watched => bail!("watching the networks ended"),
        _ = renewed => bail!("renewing the certificate ended"),
        signal = signals.received() => {
            info!(signal, "Ending");
            readiness.end();
            handle.graceful_shutdown(Some(DRAIN));
            let ((), ended) = tokio::join!(resigned, served);
            ended.map(drop)
        }
    }
}

fn read(paths: &[PathBuf]) -> Result<NetworkIndex> {
    let objects = objects::read(paths)?;
    Ok(objects::networks(&objects, DEFAULT_NAMESPACE)?
        .into_iter()
        .collect())
}

async fn client(kubeconfig: Option<PathBuf>) -> Result<Client> {
    let config = match kubeconfig {
        Some(path) => {
            let from = || format!("reading the kubeconfig {}", path.display());
            let kubeconfig = Kubeconfig::read_from(&path).with_context(from)?;
            let options = KubeConfigOptions::default();
            kube::Config::from_custom_kubeconfig(kubeconfig, &options)
                .await
                .with_context(from)?
        }
        None => kube::Config::incluster().context(
            "finding the API server from inside the cluster; outside of it give --kubeconfig or --objects",
        )?,
    };
    Client::try_from(config).context("preparing calls of the API server")
}

/// The port is bound here and not where it is served, so that its number is known and a failure is told at once.
fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr)> {
    let bind = || -> io::Result<(TcpListener, SocketAddr)> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    bind().with_context(|| format!("listening on {address}"))
}

/// What programs that start this one wait for.
fn announce(address: SocketAddr, health_address: SocketAddr) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "serving https://{address}")?;
    writeln!(stdout, "health http://{health_address}")?;
    stdout.flush()
}
