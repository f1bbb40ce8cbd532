//! One HTTP/1 connection: one request, one reply, and not for longer than that takes.

use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::io::{AsyncRead, AsyncWrite};

/// How long a client may take to send the head of its request.
const HEAD: Duration = Duration::from_secs(30);

/// Serves the one request of a connection.
pub(crate) async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
) {
    let served = http1::Builder::new()
        // Nobody asks so often that a connection is worth being kept.
        .keep_alive(false)
        .half_close(true)
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "A connection ended early");
    }
}
