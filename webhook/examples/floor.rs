//! The webhook's port without a webhook: the same listener, TLS, HTTP and allocator answer every body with one constant.
//! The bench `admission` measures against it.

use std::sync::Arc;

use axum::{Router, body::Bytes, http::header, routing::post};
use axum_server::Handle;
use certs::{authority::Authority, ca_bundle::CaBundle, names::ServerNames, reload::Resolver};
use mimalloc::MiMalloc;
use time::{Duration, OffsetDateTime};
use webhook::{cert_file, listener, listener::Limits, metrics::Metrics};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// As long as the webhook's answer about two devices of one resource.
const ANSWER: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"705ab4f5-6393-11e8-b7cc-42010a800002","allowed":true,"patchType":"JSONPatch","patch":"W3sib3AiOiJhZGQiLCJwYXRoIjoiL3NwZWMvY29udGFpbmVycy8wL3Jlc291cmNlcyIsInZhbHVlIjp7fX0seyJvcCI6ImFkZCIsInBhdGgiOiIvc3BlYy9jb250YWluZXJzLzAvcmVzb3VyY2VzL2xpbWl0cyIsInZhbHVlIjp7fX0seyJvcCI6ImFkZCIsInBhdGgiOiIvc3BlYy9jb250YWluZXJzLzAvcmVzb3VyY2VzL2xpbWl0cy9pbnRlbC5jb21+MXNyaW92IiwidmFsdWUiOiIyIn0seyJvcCI6ImFkZCIsInBhdGgiOiIvc3BlYy9jb250YWluZXJzLzAvcmVzb3VyY2VzL3JlcXVlc3RzIiwidmFsdWUiOnt9fSx7Im9wIjoiYWRkIiwicGF0aCI6Ii9zcGVjL2NvbnRhaW5lcnMvMC9yZXNvdXJjZXMvcmVxdWVzdHMvaW50ZWwuY29tfjFzcmlvdiIsInZhbHVlIjoiMiJ9XQ==","auditAnnotations":{"decision":"patched: intel.com/sriov=2 in container app","injected":"intel.com/sriov=2","networks":"default/sriov-net-a"}}}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cert_out = std::env::args_os()
        .nth(1)
        .ok_or("give the file that the CA is to be written to")?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(serve(cert_out.as_ref()))
}

async fn serve(cert_out: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    let names = ServerNames::new(["localhost".parse()?, "127.0.0.1".parse()?])?;
    let now = OffsetDateTime::now_utc();
    let authority = Authority::generate("floor", now, Duration::DAY)?;
    let trust = CaBundle::from(&authority);
    let leaf = authority.issue(&names, now, Duration::DAY)?;
    let resolver = Resolver::empty();
    resolver.swap(&leaf, &trust, &names, now)?;
    cert_file::write(cert_out, &trust)?;
    let limits = Limits::default();
    let port = listener::bind("127.0.0.1:0".parse()?, limits)?;
    println!("serving https://{}", port.local_addr()?);
    let tls = certs::tls::server_config(Arc::new(resolver))?;
    let metrics = Arc::new(Metrics::new());
    let answer = post(async |_body: Bytes| ([(header::CONTENT_TYPE, "application/json")], ANSWER));
    let routes = Router::new().route("/mutate", answer);
    listener::server(
        port,
        tls,
        limits,
        metrics.connections.clone(),
        Handle::new(),
    )?
    .serve(routes.into_make_service())
    .await?;
    Ok(())
}
