//! The connections of the TLS port: how many there may be, and how long one may keep silent.
//!
//! HTTP has limits of its own, but they begin with a request: a connection that never gets that far is ended here.

mod peers;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{Extension, middleware::AddExtension};
use axum_server::{
    Handle, Server,
    accept::Accept,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use futures::future::BoxFuture;
use hyper_util::rt::TokioTimer;
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, sleep},
};
use tower::Layer;

use self::peers::{Peers, PlaceOfPeer};
use crate::extender::clients::Shown;
use crate::metrics::{Connections, Counted, Limit};

/// What is read of a connection before somebody takes it, which bounds its headers, too.
const READ_AHEAD: usize = 32 << 10;

/// What connections may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many there may be at once. An API server keeps a handful.
    pub connections: usize,
    /// How many of them one address may have; 0 is all. API servers behind one address have hundreds at most.
    pub connections_of_peer: usize,
    /// How long TLS may take to begin.
    pub handshake: Duration,
    /// How long one may be there before anything was answered: a request may take 10 seconds, and clients open a
    /// connection because they have one.
    pub first_answer: Duration,
    /// How long one may keep silent, between requests and within one. API servers close theirs after 90 seconds.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_of_peer: 512,
            handshake: Duration::from_secs(10),
            first_answer: Duration::from_secs(30),
            idle: Duration::from_secs(120),
        }
    }
}

/// Takes connections within the limits, and counts them.
#[derive(Clone, Debug)]
pub struct Listener {
    tls: RustlsAcceptor,
    limits: Limits,
    places: Arc<Semaphore>,
    peers: Arc<Peers>,
    connections: Connections,
}

/// A connection that is there until it ends or has kept silent for too long.
#[derive(Debug)]
pub struct Connection<I> {
    inner: I,
    idle: Duration,
    /// Until when something must have been answered; none once it was.
    first_answer: Option<Instant>,
    /// When something came or went last.
    active: Instant,
    /// Looks at `active` from time to time: setting a clock at each byte would cost more than reading it.
    alarm: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
    _place_of_peer: PlaceOfPeer,
    _counted: Counted,
}

impl Listener {
    /// Takes connections that `tls` can begin.
    #[must_use]
    pub fn new(tls: RustlsAcceptor, limits: Limits, connections: Connections) -> Self {
        Self {
            tls: tls.handshake_timeout(limits.handshake),
            limits,
            places: Arc::new(Semaphore::new(limits.connections)),
            peers: Arc::new(Peers::new(limits.connections_of_peer)),
            connections,
        }
    }
}

/// Opens a port on which as many clients may call at once as there may be connections. What the standard library opens
/// keeps 128 of them waiting and lets the others try again after a second, or seven.
///
/// # Errors
/// It cannot be opened.
pub fn bind(address: SocketAddr, limits: Limits) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let most = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    socket.listen(most)?.into_std()
}

/// A server of HTTP over TLS on `port` that takes connections within the limits, and ends as `handle` says.
///
/// # Errors
/// The port cannot be watched.
pub fn server(
    port: TcpListener,
    tls: Arc<ServerConfig>,
    limits: Limits,
    connections: Connections,
    handle: Handle<SocketAddr>,
) -> io::Result<Server<SocketAddr, Listener>> {
    let tls = RustlsAcceptor::new(RustlsConfig::from_config(tls));
    let mut server = axum_server::from_tcp(port)?
        .acceptor(Listener::new(tls, limits, connections))
        .handle(handle)
        // Whatever a client begins with: it need not have agreed on a protocol.
        .http1_only();
    // From the end of one request to the end of the next one's headers.
    server
        .http_builder()
        .http1()
        .max_buf_size(READ_AHEAD)
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle);
    Ok(server)
}

impl<S: Send + 'static> Accept<TcpStream, S> for Listener {
    type Stream = Connection<<RustlsAcceptor as Accept<TcpStream, S>>::Stream>;
    type Service = AddExtension<S, Shown>;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let refuse = |limit| -> Self::Future {
            self.connections.refuse(limit);
            let refused = io::Error::other("too many connections");
            Box::pin(async { Err(refused) })
        };
        let peer = match stream.peer_addr() {
            Ok(peer) => peer.ip(),
            // It is gone already.
            Err(error) => return Box::pin(async { Err(error) }),
        };
        let Some(place_of_peer) = self.peers.admit(peer) else {
            return refuse(Limit::Peer);
        };
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return refuse(Limit::All);
        };
        let counted = self.connections.open();
        let (limits, connections) = (self.limits, self.connections.clone());
        // Answers are written at once and whole; waiting for more would only delay them.
        let accepted = stream
            .set_nodelay(true)
            .map(|()| self.tls.accept(stream, service));
        Box::pin(async move {
            let (inner, service) = accepted?.await.inspect_err(|_| connections.fail())?;
            let Limits {
                idle, first_answer, ..
            } = limits;
            let shown = Shown::new(inner.get_ref().1.peer_certificates());
            let begin = Instant::now();
            let connection = Connection {
                inner,
                idle,
                first_answer: Some(begin + first_answer),
                active: begin,
                alarm: Box::pin(sleep(idle.min(first_answer))),
                _place: place,
                _place_of_peer: place_of_peer,
                _counted: counted,
            };
            Ok((connection, Extension(shown).layer(service)))
        })
    }
}

impl<I> Connection<I> {
    /// Notes that something was written: beside answers, nothing ever is.
    fn answered(&mut self, written: &Poll<io::Result<usize>>) {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.first_answer = None;
        }
    }

    /// What `done` says, and the error of a silent connection where that is nothing yet.
    fn watched<T>(
        &mut self,
        cx: &mut Context<'_>,
        done: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.active = Instant::now();
            return done;
        }
        loop {
            ready!(self.alarm.as_mut().poll(cx));
            let end = self.active + self.idle;
            let end = self.first_answer.map_or(end, |first| first.min(end));
            if end <= Instant::now() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.alarm.as_mut().reset(end);
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Connection<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.inner).poll_read(cx, buffer);
        self.watched(cx, done)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Connection<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.inner).poll_write(cx, buffer);
        self.answered(&done);
        self.watched(cx, done)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.inner).poll_write_vectored(cx, buffers);
        self.answered(&done);
        self.watched(cx, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.inner).poll_flush(cx);
        self.watched(cx, done)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.watched(cx, done)
    }
}

#[cfg(test)]
mod tests;
