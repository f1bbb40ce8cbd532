//! Connections of the TLS port, and whatever else is there for a while.

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

/// The connections of the TLS port.
#[derive(Clone, Debug)]
pub struct Connections {
    open: Gauge,
    refused: Counter,
    failed: Counter,
}

/// Something that is counted until it is dropped.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Connections {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let connections = Self {
            open: Gauge::default(),
            refused: Counter::default(),
            failed: Counter::default(),
        };
        registry.register(
            "connections",
            "Connections to the TLS port",
            connections.open.clone(),
        );
        registry.register(
            "connections_refused",
            "Connections closed at once, because there were too many",
            connections.refused.clone(),
        );
        registry.register(
            "tls_handshakes_failed",
            "Connections closed because TLS did not begin, in time or at all",
            connections.failed.clone(),
        );
        connections
    }

    /// Notes a connection, until what is given back is dropped.
    #[must_use]
    pub fn open(&self) -> Counted {
        Counted::new(self.open.clone())
    }

    /// Notes one that was one too many.
    pub fn refuse(&self) {
        self.refused.inc();
    }

    /// Notes one that never came to TLS.
    pub fn fail(&self) {
        self.failed.inc();
    }
}

impl Counted {
    pub(super) fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
