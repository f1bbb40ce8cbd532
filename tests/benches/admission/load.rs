//! The API server's side: connections that are kept alive, each asking again as soon as it is answered.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::http::{HeaderValue, Request, Uri, header};
use certs::{ca_bundle::CaBundle, tls};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::{net::TcpStream, task::JoinSet};
use tokio_rustls::TlsConnector;

use crate::review;

/// How long each answer took.
#[derive(Default)]
pub(crate) struct Load {
    pub(crate) answers: Vec<Duration>,
    pub(crate) time: Duration,
}

/// Who is asked.
#[derive(Clone)]
pub(crate) struct Target {
    url: Uri,
    authority: String,
    tls: TlsConnector,
    body: Bytes,
}

impl Load {
    pub(crate) fn extend(&mut self, other: Self) {
        self.answers.extend(other.answers);
        self.time += other.time;
    }
}

impl Target {
    pub(crate) fn new(url: &str, ca: &Path) -> Self {
        let url: Uri = url.parse().expect("a URL");
        let authority = url.authority().expect("with a host").to_string();
        let pem = std::fs::read_to_string(ca).expect("the CA is there");
        let trust = CaBundle::from_pem(&pem).expect("the CA is one");
        let tls = tls::client_config(&trust).expect("it can be trusted");
        Self {
            url,
            authority,
            tls: TlsConnector::from(tls),
            body: review::body().into(),
        }
    }

    async fn connect(&self) -> SendRequest<Full<Bytes>> {
        let stream = TcpStream::connect(&self.authority)
            .await
            .expect("it listens");
        stream.set_nodelay(true).expect("it is a TCP connection");
        let host = self.url.host().expect("with a host").to_owned();
        let name = ServerName::try_from(host).expect("a name or an address");
        let stream = self.tls.connect(name, stream).await.expect("TLS begins");
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP begins");
        tokio::spawn(connection);
        sender
    }

    async fn ask(&self, sender: &mut SendRequest<Full<Bytes>>) -> Bytes {
        let host = HeaderValue::from_str(&self.authority).expect("a host");
        let request = Request::post(self.url.path_and_query().map_or("/", |path| path.as_str()))
            .header(header::HOST, host)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(self.body.clone()))
            .expect("a request");
        sender.ready().await.expect("the connection is kept alive");
        let answer = sender.send_request(request).await.expect("it answers");
        assert_eq!(answer.status(), 200);
        let body = answer.into_body().collect().await.expect("whole");
        body.to_bytes()
    }
}

/// Asks for `time` over this many connections.
pub(crate) async fn ask(target: &Target, connections: usize, time: Duration) -> Load {
    let mut senders = Vec::new();
    for _ in 0..connections {
        let mut sender = target.connect().await;
        let answer = target.ask(&mut sender).await;
        let patches = answer.windows(7).any(|part| part == b"\"patch\"");
        assert!(patches, "{}", String::from_utf8_lossy(&answer));
        senders.push(sender);
    }
    let target = Arc::new(target.clone());
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for mut sender in senders {
        let target = Arc::clone(&target);
        tasks.spawn(async move {
            let mut answers = Vec::new();
            while begin.elapsed() < time {
                let asked = Instant::now();
                target.ask(&mut sender).await;
                answers.push(asked.elapsed());
            }
            answers
        });
    }
    let answers = tasks.join_all().await.concat();
    Load {
        answers,
        time: begin.elapsed(),
    }
}
