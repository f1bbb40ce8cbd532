//! The plain port: `/healthz`, `/readyz`, `/metrics`.

use std::{
    io,
    net::SocketAddr,
    str::FromStr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use clap::Args as Arguments;
use tokio::{net::TcpListener, task::JoinSet, time::sleep};

use crate::{
    http_connection::converse,
    metrics::{self, Metrics},
    readiness::Readiness,
    store::Store,
};

/// Where it is unless somebody says otherwise: for this node's own eyes.
const USUAL: &str = "127.0.0.1:9098";

/// Connections at the same time; others wait to be accepted.
const CONNECTIONS: usize = 32;

/// Pause after a failed accept: out of file descriptors, the next one would fail at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Arguments of the plain port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Arguments)]
pub struct HealthArgs {
    /// Where /healthz, /readyz and /metrics are, without TLS; port 0 takes a free one, and off has none. 127.0.0.1:9098 where it is not given, if that is free
    #[arg(
        long,
        env = "POLYPOD_BRIDGE_HEALTH_LISTEN",
        value_name = "ADDR:PORT|off"
    )]
    pub health_listen: Option<HealthListen>,

    /// Where /metrics alone is besides, without TLS, for a Prometheus on another node, such as 0.0.0.0:9099
    #[arg(long, env = "POLYPOD_BRIDGE_METRICS_LISTEN", value_name = "ADDR:PORT")]
    pub metrics_listen: Option<SocketAddr>,
}

/// Whether there is a plain port, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthListen {
    /// There is none.
    Off,
    /// There.
    At(SocketAddr),
}

impl FromStr for HealthListen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse().map(Self::At).map_err(|error| {
            format!("{error}; write an address and a port such as {USUAL}, or off")
        })
    }
}

/// The port cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on --health-listen {address}: {source}; choose another address, or off")]
pub struct HealthError {
    address: SocketAddr,
    source: io::Error,
}

impl HealthArgs {
    /// Listens where it is asked to. The usual address is no demand: where somebody else has it, there is no port.
    ///
    /// # Errors
    /// The address that was asked for cannot be had.
    pub async fn listen(&self) -> Result<Option<TcpListener>, HealthError> {
        let (address, is_demanded) = match self.health_listen {
            Some(HealthListen::Off) => return Ok(None),
            Some(HealthListen::At(address)) => (address, true),
            None => (USUAL.parse().expect("it is an address"), false),
        };
        match TcpListener::bind(address).await {
            Ok(listener) => Ok(Some(listener)),
            Err(source) if is_demanded => Err(HealthError { address, source }),
            Err(error) => {
                tracing::warn!(%error, %address, "There are no health endpoints and no metrics: set --health-listen");
                Ok(None)
            }
        }
    }

    /// Listens where metrics alone are asked for. Pods get their networks whether somebody watches or not, so an address that
    /// cannot be had ends nothing: Prometheus misses its target.
    pub async fn listen_for_metrics(&self) -> Option<TcpListener> {
        let address = self.metrics_listen?;
        let listener = TcpListener::bind(address).await;
        listener
            .inspect_err(|error| {
                tracing::error!(%error, %address, "Nobody can read the metrics there: give --metrics-listen an address that is free on every node");
            })
            .ok()
    }
}

/// What the plain port tells about.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Whether plugins should ask here.
    pub readiness: Arc<Readiness>,
    /// Everything counted.
    pub metrics: Arc<Metrics>,
    /// What is in memory, once there is something.
    pub store: Arc<OnceLock<Arc<Store>>>,
}

/// The routes.
pub fn router(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(scrape))
        .with_state(health)
}

/// What of it anybody who reaches the node may ask. It has connections of its own, so that nobody keeps probes waiting.
pub fn metrics_router(health: Health) -> Router {
    Router::new()
        .route("/metrics", get(scrape))
        .with_state(health)
}

/// Serves until it is dropped.
pub async fn serve(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => { connections.spawn(converse(stream, router.clone())); }
                Err(error) => {
                    tracing::error!(%error, "Accepting a connection failed");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn readyz(State(health): State<Health>) -> Response {
    match health.readiness.obstacle() {
        None => "ok\n".into_response(),
        Some(obstacle) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("{obstacle}\n")).into_response()
        }
    }
}

async fn scrape(State(health): State<Health>) -> Response {
    if let Some(store) = health.store.get() {
        let (networks, pods) = store.counts();
        let (networks_age, pods_age) = store.ages();
        for (kind, objects, age) in [
            ("networks", networks, networks_age),
            ("pods", pods, pods_age),
        ] {
            if let Some(age) = age {
                health.metrics.set_cache(kind, objects, age);
            }
        }
    }
    match health.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use tower::ServiceExt as _;

    use super::*;
    use crate::fixture::network;

    async fn get(health: &Health, path: &str) -> (u16, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router(health.clone()).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn ready_when_plugins_are_answered() {
        let health = Health::default();
        assert_eq!(get(&health, "/healthz").await.0, 200);
        let (status, words) = get(&health, "/readyz").await;
        assert!(status == 503 && words.contains("not known yet"), "{words}");
        health.readiness.synced();
        assert!(get(&health, "/readyz").await.1.contains("socket"));
        health.readiness.serving();
        assert_eq!(get(&health, "/readyz").await, (200, "ok\n".to_owned()));
        health.readiness.stopping();
        assert_eq!(get(&health, "/readyz").await.0, 503);
        assert_eq!(get(&health, "/healthz").await.0, 200);
        assert_eq!(get(&health, "/other").await.0, 404);
    }

    #[tokio::test]
    async fn what_is_cached_is_told_when_it_is_known() {
        let health = Health::default();
        let (status, text) = get(&health, "/metrics").await;
        assert!(status == 200 && !text.contains("cached_objects{"), "{text}");
        let store = Arc::new(Store::default());
        store.reset_networks([network("default/a", None, None)]);
        health.store.set(Arc::clone(&store)).unwrap();
        let (_, text) = get(&health, "/metrics").await;
        assert!(
            text.contains(r#"polypod_bridge_cached_objects{kind="networks"} 1"#),
            "{text}"
        );
        // Nothing was ever heard of pods.
        assert!(!text.contains(r#"kind="pods""#), "{text}");
        store.reset_pods([]);
        let (_, text) = get(&health, "/metrics").await;
        assert!(
            text.contains(r#"polypod_bridge_cached_objects{kind="pods"} 0"#),
            "{text}"
        );
    }

    #[tokio::test]
    async fn where_it_listens() {
        let args = |text: &str| HealthArgs {
            health_listen: Some(text.parse().unwrap()),
            metrics_listen: None,
        };
        assert!(args("off").listen().await.unwrap().is_none());
        let listener = args("127.0.0.1:0").listen().await.unwrap().unwrap();
        let taken = listener.local_addr().unwrap().to_string();
        let error = args(&taken).listen().await.unwrap_err().to_string();
        assert!(error.contains(&taken), "{error}");
        assert!("9098".parse::<HealthListen>().is_err());
        let metrics = |address: &str| HealthArgs {
            health_listen: None,
            metrics_listen: Some(address.parse().unwrap()),
        };
        assert!(metrics("127.0.0.1:0").listen_for_metrics().await.is_some());
        assert!(metrics(&taken).listen_for_metrics().await.is_none());
        assert!(HealthArgs::default().listen_for_metrics().await.is_none());
    }

    #[tokio::test]
    async fn strangers_may_read_metrics_alone() {
        let router = metrics_router(Health::default());
        for (path, wanted) in [("/metrics", 200), ("/healthz", 404), ("/readyz", 404)] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status().as_u16(), wanted, "{path}");
        }
    }
}
