//! An extender without an engine: the same listener, TLS, HTTP and allocator read each question and write an answer as long
//! as the webhook's, with nothing between. The bench `scheduler` measures against it.

use std::{borrow::Cow, sync::Arc};

use axum::{Router, body::Bytes, http::header, routing::post};
use axum_server::Handle;
use certs::{authority::Authority, ca_bundle::CaBundle, names::ServerNames, reload::Resolver};
use mimalloc::MiMalloc;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap as _};
use serde_json::value::RawValue;
use time::{Duration, OffsetDateTime};
use webhook::{cert_file, listener, listener::Limits, metrics::Metrics};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Args<'a> {
    #[serde(borrow, rename = "Pod")]
    _pod: &'a RawValue,
    #[serde(borrow)]
    node_names: Vec<Cow<'a, str>>,
}

/// Of five nodes three fit, as in the bench's cluster.
fn fits(at: usize) -> bool {
    at % 5 < 3
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FilterResult<'a> {
    nodes: Option<()>,
    node_names: Vec<&'a str>,
    failed_nodes: Refused<'a>,
    failed_and_unresolvable_nodes: Refused<'a>,
    error: &'static str,
}

struct Refused<'a>(&'a [Cow<'a, str>]);

impl Serialize for Refused<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (at, name) in self.0.iter().enumerate() {
            if !fits(at) {
                map.serialize_entry(name, "example.com/nic: 0 free, 2 needed")?;
            }
        }
        map.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct HostPriority<'a> {
    host: &'a str,
    score: u8,
}

fn filter(body: &[u8]) -> serde_json::Result<Vec<u8>> {
    let args: Args<'_> = serde_json::from_slice(body)?;
    let names = args.node_names.iter().enumerate();
    let mut answer = Vec::with_capacity(body.len() * 2);
    let result = FilterResult {
        nodes: None,
        node_names: names
            .filter(|(at, _)| fits(*at))
            .map(|(_, name)| name.as_ref())
            .collect(),
        failed_nodes: Refused(&[]),
        failed_and_unresolvable_nodes: Refused(&args.node_names),
        error: "",
    };
    serde_json::to_writer(&mut answer, &result)?;
    Ok(answer)
}

fn prioritize(body: &[u8]) -> serde_json::Result<Vec<u8>> {
    let args: Args<'_> = serde_json::from_slice(body)?;
    let names = args.node_names.iter();
    let scores: Vec<HostPriority<'_>> = names.map(|host| HostPriority { host, score: 7 }).collect();
    let mut answer = Vec::with_capacity(body.len() * 2);
    serde_json::to_writer(&mut answer, &scores)?;
    Ok(answer)
}

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
    let route = |answer: fn(&[u8]) -> serde_json::Result<Vec<u8>>| {
        post(async move |body: Bytes| {
            let answer = answer(&body).map_err(|error| error.to_string())?;
            Ok::<_, String>(([(header::CONTENT_TYPE, "application/json")], answer))
        })
    };
    let routes = Router::new()
        .route("/scheduler/filter", route(filter))
        .route("/scheduler/prioritize", route(prioritize))
        .layer(axum::extract::DefaultBodyLimit::disable());
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
