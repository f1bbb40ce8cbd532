//! The connections of the TLS port: how many there may be, and how long one may keep silent.
//!
//! HTTP has limits of its own, but they begin with a request: a connection that never gets that far, or that speaks
//! HTTP/2 and then nothing, is ended here.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

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

use crate::metrics::{Connections, Counted};

/// What connections may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many there may be at once. An API server keeps a handful.
    pub connections: usize,
    /// How long TLS may take to begin.
    pub handshake: Duration,
    /// How long one may keep silent, between requests and within one. API servers close theirs after 90 seconds.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            handshake: Duration::from_secs(10),
            idle: Duration::from_secs(120),
        }
    }
}

/// Takes connections within the limits, and counts them.
#[derive(Clone, Debug)]
pub struct Listener {
    tls: RustlsAcceptor,
    idle: Duration,
    places: Arc<Semaphore>,
    connections: Connections,
}

/// A connection that is there until it ends or has kept silent for too long.
#[derive(Debug)]
pub struct Connection<I> {
    inner: I,
    idle: Duration,
    /// When something came or went last.
    active: Instant,
    /// Looks at `active` from time to time: setting a clock at each byte would cost more than reading it.
    alarm: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
    _counted: Counted,
}

impl Listener {
    /// Takes connections that `tls` can begin.
    #[must_use]
    pub fn new(tls: RustlsAcceptor, limits: Limits, connections: Connections) -> Self {
        Self {
            tls: tls.handshake_timeout(limits.handshake),
            idle: limits.idle,
            places: Arc::new(Semaphore::new(limits.connections)),
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
        .handle(handle);
    // From the end of one request to the end of the next one's headers.
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle);
    Ok(server)
}

impl<S: Send + 'static> Accept<TcpStream, S> for Listener {
    type Stream = Connection<<RustlsAcceptor as Accept<TcpStream, S>>::Stream>;
    type Service = S;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            self.connections.refuse();
            let refused = io::Error::other("too many connections");
            return Box::pin(async { Err(refused) });
        };
        let counted = self.connections.open();
        let (idle, connections) = (self.idle, self.connections.clone());
        // Answers are written at once and whole; waiting for more would only delay them.
        let accepted = stream
            .set_nodelay(true)
            .map(|()| self.tls.accept(stream, service));
        Box::pin(async move {
            let (inner, service) = accepted?.await.inspect_err(|_| connections.fail())?;
            let connection = Connection {
                inner,
                idle,
                active: Instant::now(),
                alarm: Box::pin(sleep(idle)),
                _place: place,
                _counted: counted,
            };
            Ok((connection, service))
        })
    }
}

impl<I> Connection<I> {
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
        self.watched(cx, done)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.inner).poll_write_vectored(cx, buffers);
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
