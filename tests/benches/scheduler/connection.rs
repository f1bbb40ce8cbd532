//! kube-scheduler's side: one connection, one question at a time.

use std::time::{Duration, Instant};

use axum::http::{HeaderValue, Request, header};
use certs::{ca_bundle::CaBundle, tls};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::server::Server;

/// A connection that is kept alive.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    authority: String,
}

/// What came of a question.
pub(crate) struct Asked {
    pub(crate) answer: Bytes,
    pub(crate) took: Duration,
}

impl Connection {
    pub(crate) async fn to(server: &Server) -> Self {
        let pem = std::fs::read_to_string(&server.ca).expect("the CA is there");
        let trust = CaBundle::from_pem(&pem).expect("the CA is one");
        let tls = TlsConnector::from(tls::client_config(&trust).expect("it can be trusted"));
        let stream = TcpStream::connect(&server.authority)
            .await
            .expect("it listens");
        stream.set_nodelay(true).expect("it is a TCP connection");
        let name = ServerName::try_from("127.0.0.1").expect("an address");
        let stream = tls.connect(name, stream).await.expect("TLS begins");
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP begins");
        tokio::spawn(connection);
        Self {
            sender,
            authority: server.authority.clone(),
        }
    }

    /// From the first byte of the question to the last of the answer.
    pub(crate) async fn ask(&mut self, verb: &str, body: &str) -> Asked {
        let host = HeaderValue::from_str(&self.authority).expect("a host");
        let request = Request::post(format!("/scheduler/{verb}"))
            .header(header::HOST, host)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
            .expect("a request");
        self.sender
            .ready()
            .await
            .expect("the connection is kept alive");
        let begin = Instant::now();
        let answer = self.sender.send_request(request).await.expect("it answers");
        let status = answer.status();
        let body = answer.into_body().collect().await.expect("whole");
        let took = begin.elapsed();
        let answer = body.to_bytes();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
        Asked { answer, took }
    }
}
