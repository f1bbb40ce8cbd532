//! The process: everything put together, served, and ended in order.

use std::{
    convert::Infallible,
    future::pending,
    io::{self, Write},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use axum_server::Handle;
use kube::{
    Client,
    config::{KubeConfigOptions, Kubeconfig},
};
use tracing::info;

use crate::{
    apart::apart,
    certificate::{Certificates, metrics::CertificateMetrics},
    config::{Config, Source},
    configured::Configured,
    control_switches,
    extender::{
        clients::Clients,
        files::Told,
        gauges::SchedulingMetrics,
        scheduling::{Kind, Scheduling},
        serve::{self, Extender},
    },
    files,
    health::{self, Health},
    listener::{self, Limits},
    metrics::Metrics,
    readiness::Readiness,
    server::{self, Webhook},
    shutdown::Signals,
    store::{Part, Store},
    traces::Traces,
    waiting::Helper,
    watch::watch,
};

/// How long requests that are being answered may take to end once the process is asked to.
const DRAIN: Duration = Duration::from_secs(10);

/// The same for a scrape of metrics.
const DRAIN_PLAIN: Duration = Duration::from_secs(1);

/// Serves until SIGTERM or SIGINT, and then for as long as is needed that no request is lost. A second signal ends at once.
///
/// # Errors
/// It cannot begin, or a port cannot be served any more.
pub async fn run(config: Config, traces: Traces) -> Result<()> {
    let Config {
        source,
        listen,
        health_listen,
        certificate,
        policy,
        configuration_file,
        control_switches,
        scheduler,
        waiting,
        telemetry,
        limits,
        shutdown_delay,
        log_level: _,
    } = config;
    if let Some(endpoint) = telemetry.endpoint() {
        info!(endpoint, "Traces are sent");
    }
    let mut signals = Signals::listen().context("listening for signals")?;
    let client_ca = scheduler.as_ref().and_then(|plan| {
        let path = plan.client_ca.clone()?;
        Some((path, plan.client_names.clone()))
    });
    let answers = scheduler.as_ref().is_some_and(|plan| plan.answers);
    let awaited: &[Kind] = match &source {
        Source::Files(_) => &[],
        Source::ApiServer { .. } => &Kind::ALL,
    };
    let scheduling = scheduler.map(|plan| Arc::new(Scheduling::awaiting(awaited, plan.policy)));
    let (store, client) = match source {
        Source::Files(paths) => {
            let mut told = scheduling.clone().map(Told::new);
            let store = Store::filled(files::read(&paths, told.as_mut())?);
            if let Some(told) = told {
                told.end();
            }
            info!(networks = store.networks(), "Networks read from files");
            (store, None)
        }
        Source::ApiServer { kubeconfig } => {
            let store = Store::awaiting(Part::ALL);
            (store, Some(client(kubeconfig).await?))
        }
    };
    let store = Arc::new(store);
    let readiness = Arc::new(Readiness::default());
    let certificates = Certificates::begin(certificate, client.clone(), &readiness).await?;
    let status = certificates.status();
    let mut metrics = Metrics::new().with(Box::new(CertificateMetrics(Arc::clone(&status))));
    if let Some(scheduling) = &scheduling {
        if answers {
            readiness.awaits_scheduling(Arc::clone(scheduling));
        }
        metrics = metrics
            .and(|registry| scheduling.counts.register(registry))
            .with(Box::new(SchedulingMetrics(Arc::clone(scheduling))));
    }
    let helper = match (waiting, &client, &scheduling) {
        (Some(plan), Some(client), Some(scheduling)) => {
            Some(Helper::new(plan, client.clone(), Arc::clone(scheduling)))
        }
        _ => None,
    };
    if let Some(helper) = &helper {
        metrics = metrics.and(|registry| helper.counts().register(registry));
    }
    let metrics = Arc::new(metrics);
    let configured = Arc::new(Configured::new(policy));
    if control_switches.is_some() && client.is_some() {
        configured.await_switches();
    }
    let mut routes = server::router(Webhook {
        store: Arc::clone(&store),
        configured: Arc::clone(&configured),
        metrics: Arc::clone(&metrics),
        permissions: Arc::default(),
        readiness: Arc::clone(&readiness),
        api_server: client.clone(),
        traces: traces.clone(),
    });
    let clients = client_ca
        .map(|(path, names)| Clients::open(path).map(|clients| clients.named(names)))
        .transpose()?
        .map(Arc::new);
    if let Some(scheduling) = scheduling.as_ref().filter(|_| answers) {
        routes = routes.merge(serve::router(Extender {
            scheduling: Arc::clone(scheduling),
            readiness: Arc::clone(&readiness),
            clients: clients.clone(),
            traces,
        }));
    }
    let plain = health::router(Health {
        readiness: Arc::clone(&readiness),
        store: Arc::clone(&store),
        metrics: Arc::clone(&metrics),
        configured: Arc::clone(&configured),
        leaf_not_after: status.leaf_not_after(),
    });

    let (listener, address) = bind(listen, limits).context("--listen")?;
    let (health_listener, health_address) =
        bind(health_listen, limits).context("--health-listen")?;
    let tls = match &clients {
        Some(_) => certs::tls::server_config_that_asks(status.resolver())?,
        None => certs::tls::server_config(status.resolver())?,
    };
    let (handle, health_handle) = (Handle::new(), Handle::new());
    let connections = metrics.connections.clone();
    let served = listener::server(listener, tls, limits, connections, handle.clone())?
        .serve(routes.into_make_service());
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
        match &client {
            Some(client) => {
                apart(watch(
                    client.clone(),
                    Arc::clone(&store),
                    scheduling.clone(),
                ))
                .await;
            }
            None => pending().await,
        }
    };
    let ticked = async {
        match &scheduling {
            Some(scheduling) => {
                let scheduling = Arc::clone(scheduling);
                apart(async move { scheduling.tick().await }).await;
            }
            None => pending().await,
        }
    };
    let switched = async {
        match (&client, &control_switches) {
            (Some(client), Some(name)) => {
                control_switches::watch(client.clone(), name, &configured).await;
            }
            _ => pending().await,
        }
    };
    let acquainted = async {
        match &clients {
            Some(clients) => clients.watch().await,
            None => pending().await,
        }
    };
    let reconfigured = async {
        match configuration_file {
            Some(file) => file.watch(&configured).await,
            None => pending().await,
        }
    };
    let given_up = helper.as_ref().map(Helper::resignation);
    let helped = async {
        match helper {
            Some(helper) => apart(async move { match helper.help().await {} }).await,
            None => pending().await,
        }
    };
    let resigned = certificates.resignation();
    let renewed = certificates.keep();
    let kept = async {
        tokio::select! {
            // None ever ends; if one did, the webhook would go on with what was true yesterday.
            () = watched => "watching the cluster",
            () = helped => "helping pods without a node",
            () = ticked => "counting the seconds",
            () = acquainted => "watching the CAs of schedulers",
            () = switched => "watching the control switches",
            () = reconfigured => "watching the configuration",
            _ = renewed => "renewing the certificate",
        }
    };
    // Until the last request is answered: a certificate may expire, and a network be created, while requests are drained.
    let ended = async {
        let signal = signals.received().await;
        info!(signal, delay = ?shutdown_delay, "Ending: no more requests, please");
        readiness.end();
        if !signals.received_within(shutdown_delay).await {
            handle.graceful_shutdown(Some(DRAIN));
            signals.received().await;
        }
        info!("Ending at once");
        handle.shutdown();
        health_handle.shutdown();
        pending::<Infallible>().await
    };
    tokio::select! {
        result = &mut served => result?,
        what = kept => bail!("{what} ended"),
        // It waits for the ports to close.
        never = ended => match never {},
    };
    // Last of all, and once nobody would take it up again: another replica may lead at once.
    resigned.await;
    if let Some(given_up) = given_up {
        given_up.await;
    }
    Ok(())
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
fn bind(address: SocketAddr, limits: Limits) -> Result<(TcpListener, SocketAddr)> {
    let bind = || -> io::Result<(TcpListener, SocketAddr)> {
        let port = listener::bind(address, limits)?;
        let address = port.local_addr()?;
        Ok((port, address))
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
