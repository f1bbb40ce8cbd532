//! Connections of the TLS port, and whatever else is there for a while.

use std::fmt;

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// The connections of the TLS port.
#[derive(Clone, Debug)]
pub struct Connections {
    open: Gauge,
    refused: Family<Refused, Counter>,
    failed: Counter,
}

/// Which limit a connection was beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// That of all connections together.
    All,
    /// That of one address.
    Peer,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    limit: Limit,
}

/// Something that is counted until it is dropped.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Connections {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let connections = Self {
            open: Gauge::default(),
            refused: Family::default(),
            failed: Counter::default(),
        };
        for limit in [Limit::All, Limit::Peer] {
            drop(connections.refused.get_or_create(&Refused { limit }));
        }
        registry.register(
            "connections",
            "Connections to the TLS port",
            connections.open.clone(),
        );
        registry.register(
            "connections_refused",
            "Connections closed at once, because there were too many, of all or of their address",
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
    pub fn refuse(&self, limit: Limit) {
        self.refused.get_or_create(&Refused { limit }).inc();
    }

    /// Notes one that never came to TLS.
    pub fn fail(&self) {
        self.failed.inc();
    }
}

impl EncodeLabelValue for Limit {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        let limit = match self {
            Self::All => "all",
            Self::Peer => "peer",
        };
        limit.encode(encoder)
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
