//! The port as hostile and careless clients use it, with limits of milliseconds.

use std::time::Instant as Clock;

use certs::{authority::Authority, ca_bundle::CaBundle, names::ServerNames, reload::Resolver, tls};
use rustls_pki_types::ServerName;
use time::OffsetDateTime;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::*;
use crate::{
    fixture::{creation, webhook},
    metrics::Metrics,
    server,
};

const SHORT: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(20);

struct Port {
    address: SocketAddr,
    trust: CaBundle,
    metrics: Arc<Metrics>,
    webhook: server::Webhook,
    handle: Handle<SocketAddr>,
}

impl Drop for Port {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

fn serve(limits: Limits) -> Port {
    let port = bind("127.0.0.1:0".parse().unwrap(), limits).unwrap();
    let address = port.local_addr().unwrap();
    let names = ServerNames::new(["localhost".parse().unwrap()]).unwrap();
    let now = OffsetDateTime::now_utc();
    let authority = Authority::generate("test", now, time::Duration::DAY).unwrap();
    let leaf = authority.issue(&names, now, time::Duration::DAY).unwrap();
    let trust = CaBundle::from(&authority);
    let resolver = Resolver::empty();
    resolver.swap(&leaf, &trust, &names, now).unwrap();
    let webhook = webhook();
    let metrics = Arc::clone(&webhook.metrics);
    let handle = Handle::new();
    let tls = tls::server_config(Arc::new(resolver)).unwrap();
    let served = super::server(
        port,
        tls,
        limits,
        metrics.connections.clone(),
        handle.clone(),
    )
    .unwrap()
    .serve(server::router(webhook.clone()).into_make_service());
    tokio::spawn(served);
    Port {
        address,
        trust,
        metrics,
        webhook,
        handle,
    }
}

impl Port {
    async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn tls(&self) -> io::Result<TlsStream<TcpStream>> {
        self.tls_over(self.tcp().await).await
    }

    async fn tls_over(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let connector = TlsConnector::from(tls::client_config(&self.trust).unwrap());
        let name = ServerName::try_from("localhost").unwrap();
        connector.connect(name, stream).await
    }

    fn has(&self, line: &str) -> bool {
        let known = crate::metrics::Known {
            parts: self.webhook.store.parts(),
            leaf_expiry: 0,
            configuration: self.webhook.configured.standing(),
            instances: self
                .webhook
                .store
                .instances(&"kube-system".parse().unwrap()),
        };
        let text = self.metrics.render(&known).unwrap();
        text.lines().any(|found| found == line)
    }
}

fn short() -> Limits {
    Limits {
        handshake: SHORT,
        idle: SHORT,
        ..Limits::default()
    }
}

/// Waits until the other side has closed, with or without a word.
async fn closed(stream: &mut (impl AsyncRead + Unpin)) -> Duration {
    let begin = Clock::now();
    let mut rest = Vec::new();
    let _reset_is_closed_too = timeout(PATIENCE, stream.read_to_end(&mut rest))
        .await
        .expect("the webhook closes the connection");
    begin.elapsed()
}

/// Sends a review and reads its answer, which must be one.
async fn ask(stream: &mut TlsStream<TcpStream>) {
    let body = creation(Some("sriov-net-a")).to_string();
    let head = format!(
        "POST /mutate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}}") {
        let read = timeout(PATIENCE, stream.read_buf(&mut answer)).await;
        assert_ne!(read.unwrap().unwrap(), 0, "an answer of one piece");
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn a_handshake_that_never_begins_or_ends_is_closed() {
    let port = serve(short());
    let mut silent = port.tcp().await;
    assert!(closed(&mut silent).await >= SHORT / 2);
    let mut half = port.tcp().await;
    // The head of a record that announces 512 bytes, and 3 of them.
    half.write_all(&[22, 3, 1, 2, 0, 1, 0, 1]).await.unwrap();
    closed(&mut half).await;
    let mut plain = port.tcp().await;
    plain
        .write_all(b"GET /mutate HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    closed(&mut plain).await;
    assert!(port.has("polypod_tls_handshakes_failed_total 3"));
    assert!(port.has("polypod_connections 0"));
}

#[tokio::test]
async fn a_connection_that_asks_nothing_is_closed() {
    let port = serve(short());
    let mut silent = port.tls().await.unwrap();
    assert!(closed(&mut silent).await >= SHORT / 2);
    let mut idle = port.tls().await.unwrap();
    ask(&mut idle).await;
    ask(&mut idle).await;
    assert!(
        closed(&mut idle).await >= SHORT / 2,
        "kept alive, for a while"
    );
}

#[tokio::test]
async fn headers_that_come_slowly_are_not_waited_for() {
    let port = serve(short());
    let (mut read, mut write) = tokio::io::split(port.tls().await.unwrap());
    let dripping = tokio::spawn(async move {
        let drops = b"POST /mutate HTTP/1.1\r\nx: "
            .iter()
            .chain([b'a'; 4000].iter());
        for drop in drops {
            if write.write_all(&[*drop]).await.is_err() {
                break;
            }
            tokio::time::sleep(SHORT / 10).await;
        }
    });
    closed(&mut read).await;
    dripping.abort();
}

#[tokio::test]
async fn one_connection_too_many_is_closed_until_another_ends() {
    let port = serve(Limits {
        connections: 2,
        ..Limits::default()
    });
    let (mut one, two) = (port.tls().await.unwrap(), port.tls().await.unwrap());
    assert!(port.tls().await.is_err(), "there are two already");
    assert!(port.has("polypod_connections_refused_total{limit=\"all\"} 1"));
    ask(&mut one).await;
    drop(two);
    let begin = Clock::now();
    let mut third = loop {
        match port.tls().await {
            Ok(stream) => break stream,
            Err(error) => assert!(begin.elapsed() < PATIENCE, "{error}"),
        }
    };
    ask(&mut third).await;
}

#[tokio::test]
async fn one_address_has_its_share_of_the_connections() {
    let port = serve(Limits {
        connections_of_peer: 2,
        ..Limits::default()
    });
    let (mut one, _two) = (port.tls().await.unwrap(), port.tls().await.unwrap());
    assert!(port.tls().await.is_err(), "this address has two already");
    assert!(port.has(r#"polypod_connections_refused_total{limit="peer"} 1"#));
    assert!(port.has(r#"polypod_connections_refused_total{limit="all"} 0"#));
    let elsewhere = tokio::net::TcpSocket::new_v4().unwrap();
    elsewhere.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let elsewhere = elsewhere.connect(port.address).await.unwrap();
    ask(&mut port.tls_over(elsewhere).await.unwrap()).await;
    ask(&mut one).await;
}

#[tokio::test]
async fn who_was_never_answered_is_closed_long_before_who_was() {
    let port = serve(Limits {
        first_answer: SHORT,
        ..Limits::default()
    });
    let mut asked = port.tls().await.unwrap();
    ask(&mut asked).await;
    let mut silent = port.tls().await.unwrap();
    let (mut read, mut write) = tokio::io::split(port.tls().await.unwrap());
    let dripping = tokio::spawn(async move {
        while write.write_all(b"P").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    });
    assert!(closed(&mut silent).await >= SHORT / 2);
    closed(&mut read).await;
    dripping.abort();
    tokio::time::sleep(SHORT).await;
    ask(&mut asked).await;
}

#[tokio::test]
async fn http_2_is_not_spoken_to_who_begins_with_it() {
    let port = serve(short());
    let mut stream = port.tls().await.unwrap();
    // The preface, and an empty SETTINGS frame.
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    stream.write_all(preface).await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    let _reset_is_closed_too = read.expect("the webhook closes the connection");
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"));
}

#[tokio::test]
async fn large_bodies_that_stall_leave_small_reviews_alone() {
    let port = serve(Limits::default());
    let mut stalled = Vec::new();
    for _ in 0..12 {
        let mut stream = port.tls().await.unwrap();
        let head = format!(
            "POST /mutate?timeout=2s HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            crate::body::BODY_LIMIT
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        stalled.push(stream);
    }
    let begin = Clock::now();
    ask(&mut port.tls().await.unwrap()).await;
    assert!(begin.elapsed() < Duration::from_millis(1500));
    for stream in &mut stalled {
        closed(stream).await;
    }
    ask(&mut port.tls().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_connections_are_served_at_once() {
    let port = serve(Limits::default());
    let open = async || {
        let mut stream = port.tls().await.unwrap();
        ask(&mut stream).await;
        stream
    };
    let mut streams = futures::future::join_all((0..300).map(|_| open())).await;
    assert!(port.has("polypod_connections 300"));
    futures::future::join_all(streams.iter_mut().map(ask)).await;
    assert!(port.has(r#"polypod_injected_devices_total{resource="intel.com/sriov"} 600"#));
    assert!(port.has(r#"polypod_admission_requests_in_flight{hook="mutate"} 0"#));
}
