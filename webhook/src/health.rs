//! The plain port: `/healthz`, `/readyz`, `/metrics`, `/configz`.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use time::OffsetDateTime;

use crate::{
    configured::Configured,
    metrics::{self, Known, Metrics},
    readiness::Readiness,
    store::Store,
};

/// What the plain port tells about.
#[derive(Clone, Debug)]
pub struct Health {
    /// Whether requests should be sent here.
    pub readiness: Arc<Readiness>,
    /// What is known of the cluster.
    pub store: Arc<Store>,
    /// The administrator's decisions.
    pub configured: Arc<Configured>,
    /// Everything counted.
    pub metrics: Arc<Metrics>,
    /// When the certificate that is served expires, in seconds since 1970.
    pub leaf_not_after: Arc<AtomicI64>,
}

/// The routes.
pub fn router(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(scrape))
        .route("/configz", get(configz))
        .with_state(health)
}

async fn readyz(State(health): State<Health>) -> Response {
    match health.readiness.obstacle(&health.store, &health.configured) {
        None => "ok\n".into_response(),
        Some(obstacle) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("{obstacle}\n")).into_response()
        }
    }
}

async fn scrape(State(health): State<Health>) -> Response {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let known = Known {
        parts: health.store.parts(),
        leaf_expiry: health.leaf_not_after.load(Ordering::Relaxed) - now,
        configuration: health.configured.standing(),
        instances: health
            .store
            .instances(&health.configured.current().system_namespace),
    };
    match health.metrics.render(&known) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// The effective policy, as a document that `--config` would take.
async fn configz(State(health): State<Health>) -> Response {
    match health.configured.document() {
        Ok(document) => Json(document).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};

    use super::*;
    use crate::{
        fixture::{send, unsynced},
        store::Part,
    };

    #[tokio::test]
    async fn ready_when_tls_and_networks_are() {
        let webhook = unsynced();
        let health = Health {
            readiness: Arc::default(),
            store: Arc::clone(&webhook.store),
            configured: webhook.configured,
            metrics: webhook.metrics,
            leaf_not_after: Arc::new(AtomicI64::new(i64::MAX)),
        };
        let get = async |path: &str| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let (status, _) = send(router(health.clone()), request).await;
            status.as_u16()
        };
        assert_eq!((get("/healthz").await, get("/readyz").await), (200, 503));
        health.readiness.begin();
        assert_eq!((get("/healthz").await, get("/readyz").await), (200, 503));
        health.store.list(Part::Networks, |_| ());
        assert_eq!((get("/healthz").await, get("/readyz").await), (200, 200));
        assert_eq!((get("/metrics").await, get("/configz").await), (200, 200));
        health.configured.await_switches();
        assert_eq!((get("/healthz").await, get("/readyz").await), (200, 503));
        health.configured.switch(None);
        assert_eq!((get("/healthz").await, get("/readyz").await), (200, 200));
        health.readiness.end();
        assert_eq!((get("/healthz").await, get("/readyz").await), (200, 503));
    }
}
